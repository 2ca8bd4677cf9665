//! The integration tests, in one binary.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a test may panic; the exceptions in clippy.toml do not reach the functions that tests share"
)]

mod architecture;
mod care;
mod choices;
mod concurrency;
mod connectathon;
mod consumer;
mod continuation;
mod degrees;
mod equivalence;
mod erasure;
mod explaining;
mod histories;
mod import;
mod measures;
mod models;
mod notification;
mod office;
mod operations;
mod order;
mod outbox;
mod people;
mod privacy;
mod processes;
mod refiling;
mod region;
mod registry;
mod replay;
mod replay_command;
mod retention;
mod scale;
mod search;
mod staging;
mod stewardship;
mod sticking;
mod support;
mod tidy;
mod verify;
mod what_if;
mod wire;
