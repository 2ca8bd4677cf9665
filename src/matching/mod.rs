//! Are these two the same person? Pure functions over identity values, usable as a library.
//!
//! It must never do I/O, know a store or a wire language, or read a truth.
//!
//! # As a library
//!
//! `default-features = false` leaves the server and everything with effects out. Records are told as
//! [`Demographics`](crate::identity::Demographics) and decided about one at a time; here against those that are held in
//! memory:
//!
//! ```
//! use nayose::identity::{Demographics, Field, PartialDate, PersonId, PersonName, RecordId, Representation, Sex};
//! use nayose::matching::{ComparisonRecord, Constraints, MemoryIndex, Model, Outcome, decide};
//!
//! let said = |kanji: (&str, &str), kana: (&str, &str)| {
//!     ComparisonRecord::of(&Demographics {
//!         names: Field::Set(vec![
//!             PersonName::simple(Some(Representation::Ideographic), kanji.0, kanji.1),
//!             PersonName::simple(Some(Representation::Syllabic), kana.0, kana.1),
//!         ]),
//!         sex: Field::Set(Sex::Female),
//!         birth_date: PartialDate::parse_hl7("19800314").map_or(Field::Keep, Field::Set),
//!         ..Demographics::default()
//!     })
//! };
//! let model = Model::japanese();
//! let mut known = MemoryIndex::new();
//! known.insert(RecordId(1), Some(PersonId(1)), &said(("斎藤", "花子"), ("サイトウ", "ハナコ")));
//!
//! // Another hospital writes her name with another character, and its kana in half width.
//! let fed = said(("齋藤", "花子"), ("ｻｲﾄｳ", "ﾊﾅｺ"));
//! let verdict = decide(&fed, None, &Constraints::default(), &model, &mut known)?;
//! assert_eq!(verdict.outcome, Outcome::Match { person: PersonId(1) });
//! // Why: level, bits and guards by field, without a personal value.
//! assert!(verdict.ranked[0].explanation(&model).contains("kanji_and_kana_equal"));
//! # Ok::<(), std::convert::Infallible>(())
//! ```
//!
//! Many records at once are [`files`]: a [`files::Table`] that is filled, trained on without labels, scored and decided.
//!
//! ```
//! use nayose::identity::Demographics;
//! use nayose::matching::files::{FileRecord, Matcher, Options, Table};
//! use nayose::matching::{ComparisonRecord, Model};
//!
//! let mut table = Table::new(Vec::new());
//! for _ in 0..3 {
//!     let record = ComparisonRecord::of(&Demographics::default());
//!     table.add(&FileRecord::new(record, Vec::new(), "H01".to_owned(), 0));
//! }
//! let mut matcher = Matcher::new(table, Model::japanese(), Options::default()).expect("few fields");
//! matcher.score();
//! let outcome = matcher.decide();
//! assert_eq!(matcher.records(), 3);
//! assert!(outcome.clusters.persons <= 3);
//! ```

mod calibration;
mod comparison;
mod decision;
mod explanation;
pub mod files;
mod frequencies;
mod frozen;
mod guard;
mod keys;
mod levels;
mod memory;
mod model;
pub mod normalize;
mod pattern;
mod record;
mod retrieval;
mod row;
mod seam;
mod search;
mod tokens;
mod weight;

#[cfg(test)]
mod tests;

pub use calibration::Calibration;
pub use comparison::{Comparison, Field, Tradition};
pub use decision::{Constraints, Outcome, PersonScore, Verdict, decide};
pub use explanation::{Account, Bridge, Explanation, FieldExplanation, Flip, SharedKey, Step, Thresholds, bridge};
pub use frequencies::{CountedValues, Frequencies, KINDS as COUNTED_KINDS};
pub use guard::{Guard, guards_of, is_overlay};
pub use keys::FILING_VERSION;
pub use memory::MemoryIndex;
pub use model::{Learned, Level, Model, ModelError, Settings};
pub use record::{ComparisonRecord, NamePair};
pub use retrieval::{OVERFULL, Retrieval};
pub use row::RowError;
pub use seam::{BlockingKey, Candidate, Candidates, SearchClause, SearchToken, TokenKinds, TokenMatch};
pub use search::{NamePolicy, SearchPlan};
pub use tokens::search_tokens;
pub use weight::{FieldScore, PairScore};
