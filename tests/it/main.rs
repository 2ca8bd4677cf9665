//! The integration tests, in one binary.

mod architecture;
mod concurrency;
mod registry;
mod support;
mod tidy;
