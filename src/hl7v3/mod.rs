//! Language one: HL7 v3 messages of PIXV3 and PDQV3, between elements and identity values.
//!
//! It must never decide whether an authority is known or a sender may do what it asks, reach a store,
//! or name another wire language.

mod message;

pub use message::*;
