//! What can be asked of each group of tables, as methods of [`super::Transaction`].
//!
//! Each statement is written once; no rule about patients is here.

mod audit;
mod directory;
mod domain;
mod erasure;
mod event;
mod filing;
mod inbox;
mod invariants;
mod kept_query;
mod link;
mod operation;
mod outbox;
mod person;
mod process;
mod record;
mod regional;
mod review;
mod search;
mod setting;
mod version;

pub use erasure::ERASED;
pub use invariants::Filed;
pub use person::OwnedRecord;
pub(in crate::store) use search::Bounds;
pub use search::FoundRecord;

/// Most values in one `IN (...)` of SQLite, and most rows of one insert.
const CHUNK: usize = 500;

/// `text` as a word of this program, for counting: one of `words`, else `other`.
fn word(text: &str, words: &[&'static str]) -> &'static str {
    words.iter().copied().find(|word| *word == text).unwrap_or("other")
}

/// So few rows are read one by one: a statement for one row is compiled once, and one with `IN (...)` each time.
const ONE_BY_ONE: usize = 8;

/// Likewise where no statement has a way to go.
const ONE_BY_ONE_HERE: usize = 64;

impl crate::store::Transaction<'_> {
    /// Whether so many rows are best read one by one.
    fn one_by_one(&mut self, rows: usize) -> bool {
        let here = matches!(self.connection(), crate::store::connection::Connection::Sqlite(_));
        rows <= if here { ONE_BY_ONE_HERE } else { ONE_BY_ONE }
    }
}

/// `limit` as the database takes it.
pub(in crate::store) fn row_limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
