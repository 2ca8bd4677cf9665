//! The words of the field, as pure values: identifiers and their authorities, demographics and their
//! parts, what a consumer asks and what a source says.
//!
//! This module must never do I/O, serialise itself, or know a wire language or a database. Values that
//! hold personal data redact themselves in `Debug`.

mod address;
mod assigning_authority;
mod birth_date;
mod demographics;
mod demographics_query;
mod field;
mod name;
mod patient_identifier;
mod person_id;
mod sex;
mod telecom;

pub use address::{Address, AddressPart, AddressPartKind};
pub use assigning_authority::{AssigningAuthority, DomainKey, Oid, OidError};
pub use birth_date::{DateError, PartialDate, Precision};
pub use demographics::{Coded, Demographics, Language, OtherIdentifier, Relationship};
pub use demographics_query::{BirthCriterion, DemographicsQuery, NameCriterion};
pub use field::{Field, UnknownReason};
pub use name::{NamePart, NamePartKind, PersonName, Representation};
pub use patient_identifier::PatientIdentifier;
pub use person_id::{PersonId, RecordId, RegionalId};
pub use sex::Sex;
pub use telecom::{Telecom, TelecomScheme};
