//! The integration tests, in one binary.

mod concurrency;
mod registry;
mod support;
