//! Are these two the same person? Pure functions over identity values, usable as a library.
//!
//! It must never do I/O, know a store or a wire language, or read a truth.

mod seam;

pub use seam::{BlockingKey, Candidate, Candidates, SearchClause, SearchToken, TokenMatch};
