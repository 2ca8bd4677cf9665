//! **Nayose** (名寄せ): one person's records brought together under one name.
//!
//! An IHE PIX Manager and Patient Demographics Supplier over a master patient index.
//! The tree in `src/` is the architecture; each module names only those above it in this list:
//!
//! - [`clock`]: what time it is and what a fresh identifier looks like. Injectable.
//! - [`identity`]: the words. Pure values, no I/O, no serialisation.
//! - [`xml`]: the only reader and writer of XML, strict.
//! - [`matching`]: are these two the same person? Pure functions, usable as a library.
//! - [`access`]: who may do and see what. One pure decision for every channel.
//! - [`audit`]: who did what to whose record, as values and renderings.
//! - [`hl7v3`]: language one, bytes to identity values and back.
//! - `metrics`: what is counted and timed, with labels that are words of this program.
//! - `planted`: bugs for the fault harness to find; constants in every build that serves.
//! - `sealed`: files that only the holder of a key can read, and nobody can change unnoticed.
//! - `store`: what is remembered. The only module that names diesel.
//! - `registry`: what happens to identities; every rule of the domain; opens every transaction.
//! - `desk`: what operators and stewards ask and are told, as JSON, by command or API.
//! - `transactions`: the profile, one file for each IHE transaction.
//! - `transport`: bytes in, bytes out. With `server` the only code that is async.
//! - `config`, `logging`, `command_line`, `server`, `demo`, `conformance`: the edge.
//!
//! The law, in words (as a test in `tests/it/architecture.rs`):
//!
//! - No module names one below it in the list; no wire language names another.
//! - There are no repository traits: the store is concrete. The one exception is the retrieval of
//!   candidates, because serving and batch matching must share the engine.
//! - There is no `async fn` outside `transport` and `server`.
//! - Decoded is not trusted: a language returns values; whether an authority is known, or a sender may
//!   feed it, is decided in `access` and `registry`.
//! - Each reason has one row: an error of the registry is translated in `transactions::problem` only.
//! - Audit cannot be forgotten: `transactions::run` writes one row for each request, refused ones too.
//! - Disclosure sits below every transaction: what a principal may not see does not leave `registry`.
//!
//! `cargo check --lib --no-default-features` proves that the pure half stands alone.

pub mod access;
pub mod audit;
pub mod clock;
pub mod hl7v3;
pub mod identity;
pub mod matching;
pub mod xml;

#[cfg(feature = "server")]
pub mod command_line;
#[cfg(feature = "server")]
pub mod config;
#[cfg(feature = "server")]
pub mod conformance;
#[cfg(feature = "server")]
pub mod demo;
#[cfg(feature = "server")]
pub mod desk;
#[cfg(feature = "server")]
pub mod logging;
#[cfg(feature = "server")]
pub mod metrics;
#[cfg(feature = "server")]
#[doc(hidden)]
pub mod planted;
#[cfg(feature = "server")]
pub mod registry;
#[cfg(feature = "server")]
pub mod sealed;
#[cfg(feature = "server")]
pub mod server;
#[cfg(feature = "server")]
pub mod store;
#[cfg(feature = "server")]
pub mod transactions;
#[cfg(feature = "server")]
pub mod transport;
