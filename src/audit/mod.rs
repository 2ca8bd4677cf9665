//! Who did what to whose record (ATNA), as values.
//!
//! An event names records by this registry's own keys; it never holds a name, a birth date or an
//! identifier's value. Renderings for DICOM and FHIR come beside it.

mod event;

pub use event::{Action, AuditEvent, AuditOutcome};
