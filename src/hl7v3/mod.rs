//! Language one: HL7 v3 messages of PIXV3 and PDQV3, between elements and identity values.
//!
//! It must never decide whether an authority is known or a sender may do what it asks, reach a store,
//! or name another wire language.

mod acknowledgement;
pub mod compose;
mod datatype;
mod decode;
mod echo;
mod encode;
mod message;
mod patient;
mod person;
mod place;
mod query;
mod structure;
#[cfg(test)]
mod tests;

pub use acknowledgement::{Acknowledgement, read_acknowledgement};
pub use decode::{Strictness, Unreadable, decode};
pub use encode::{accept_acknowledgement, cross_reference_response, demographics_response};
pub use message::*;

/// The namespace of all payloads.
pub const NAMESPACE: &str = "urn:hl7-org:v3";
