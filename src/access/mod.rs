//! Who may do and see what: one pure decision for every channel.
//!
//! It must never look anything up: who calls, and what the configuration grants, are parameters.

mod permission;
mod principal;

pub use permission::{Grant, Permission, Policy};
pub use principal::Principal;
