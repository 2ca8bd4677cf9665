//! Are these two the same person? Pure functions over identity values, usable as a library.
//!
//! It must never do I/O, know a store or a wire language, or read a truth.

mod comparison;
mod decision;
mod explanation;
pub mod files;
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

pub use comparison::{Comparison, Field, Tradition};
pub use decision::{Constraints, Outcome, PersonScore, Verdict, decide};
pub use explanation::{Account, Bridge, Explanation, FieldExplanation, Flip, SharedKey, Step, Thresholds, bridge};
pub use guard::{Guard, guards_of, is_overlay};
pub use memory::MemoryIndex;
pub use model::{Learned, Level, Model, ModelError, Settings};
pub use record::{ComparisonRecord, NamePair};
pub use retrieval::{OVERFULL, Retrieval};
pub use row::RowError;
pub use seam::{BlockingKey, Candidate, Candidates, SearchClause, SearchToken, TokenMatch};
pub use search::{NamePolicy, SearchPlan};
pub use tokens::search_tokens;
pub use weight::{FieldScore, Frequencies, NoFrequencies, PairScore};
