//! The messages of PIXV3 and PDQV3 as values: what was read, and what is to be written.

use crate::identity::{Demographics, DemographicsQuery, Oid, PatientIdentifier};
use std::sync::Arc;

/// `II` as it stood on the wire.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct InstanceIdentifier {
    /// `@root`, trimmed.
    pub root: String,
    /// `@extension`, where given.
    pub extension: Option<String>,
}

/// Which interaction a payload is, by its root element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Interaction {
    /// `PRPA_IN201301UV02`
    Add,
    /// `PRPA_IN201302UV02`
    Revise,
    /// `PRPA_IN201304UV02`
    Merge,
    /// `PRPA_IN201309UV02`
    CrossReferenceQuery,
    /// `PRPA_IN201305UV02`
    DemographicsQuery,
    /// `QUQI_IN000003UV01`
    Continue,
    /// `QUQI_IN000003UV01_Cancel`
    Cancel,
}

impl Interaction {
    /// The interaction whose payload root is `local`.
    pub fn by_root(local: &str) -> Option<Self> {
        Some(match local {
            "PRPA_IN201301UV02" => Interaction::Add,
            "PRPA_IN201302UV02" => Interaction::Revise,
            "PRPA_IN201304UV02" => Interaction::Merge,
            "PRPA_IN201309UV02" => Interaction::CrossReferenceQuery,
            "PRPA_IN201305UV02" => Interaction::DemographicsQuery,
            "QUQI_IN000003UV01" => Interaction::Continue,
            "QUQI_IN000003UV01_Cancel" => Interaction::Cancel,
            _ => return None,
        })
    }
}

/// A device of the transmission wrapper with the organization it acts for.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Device {
    /// `device/id`; the first one names it.
    pub ids: Vec<InstanceIdentifier>,
    /// `device/asAgent/representedOrganization/id`.
    pub organizations: Vec<InstanceIdentifier>,
}

/// The transmission wrapper, as far as a reply needs it (HL7 v3 sheet, 1.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// `id`: echoed verbatim in `targetMessage`.
    pub id: InstanceIdentifier,
    /// By the root element.
    pub interaction: Interaction,
    /// `interactionId/@extension`, trimmed; may differ from the root element.
    pub interaction_id: String,
    /// `processingCode/@code`; empty where absent.
    pub processing_code: String,
    /// `processingModeCode/@code`; empty where absent.
    pub processing_mode_code: String,
    /// `versionCode/@code`, where sent.
    pub version_code: Option<String>,
    /// Who sent it.
    pub sender: Device,
    /// To whom.
    pub receiver: Device,
}

/// How grave a detail is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// `E`
    Error,
    /// `W`
    Warning,
    /// `I`
    Information,
}

/// One `acknowledgementDetail`. Texts never hold values of the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detail {
    /// `@typeCode`
    pub severity: Severity,
    /// `code/@code`; empty for none.
    pub code: String,
    /// `code/@codeSystem`; empty for none.
    pub code_system: String,
    /// `text`
    pub text: String,
    /// `location`: XPaths with 1-based indexes where an element repeats.
    pub locations: Vec<String>,
}

/// A whole message: its wrapper, its content or why it has none, and what was forgiven.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// The wrapper.
    pub header: Header,
    /// The content, or the errors that make it unusable (at least one, severity `E`).
    pub content: Result<Content, Vec<Detail>>,
    /// Remarks for the acknowledgement: what was ignored or forgiven.
    pub remarks: Vec<Detail>,
    /// What was forgiven, in words of this program, for counting.
    pub forgiven: Vec<&'static str>,
    /// `queryId` of a query, where it could be read, also when the content is unusable.
    pub query_id: Option<InstanceIdentifier>,
    /// The echo of `queryByParameter`, encoded anew in schema order, where it has a valid form.
    pub echo: Option<String>,
}

/// What a message says.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// ITI-44 add or revise.
    Feed(Box<Feed>),
    /// ITI-44 duplicates resolved.
    Merge(Merge),
    /// ITI-45.
    CrossReference(CrossReferenceQuery),
    /// ITI-47.
    Demographics(Box<PatientQuery>),
    /// Continue or cancel an ITI-47 query.
    Continuation(Continuation),
}

/// An identifier together with the XPath at which it stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed<T> {
    /// What stood there.
    pub value: T,
    /// Where, as an absolute XPath of the payload.
    pub location: String,
}

/// Add or revise: identifiers and a snapshot of demographics.
#[derive(Clone, Debug, PartialEq)]
pub struct Feed {
    /// `patient/id`, in order, null ones left out.
    pub identifiers: Vec<Placed<PatientIdentifier>>,
    /// Identifiers of `asOtherIDs` (all roles that carry patient identifiers).
    pub other_identifiers: Vec<Placed<PatientIdentifier>>,
    /// The snapshot; absent elements are `Field::Unknown(NoInformation)`.
    pub demographics: Demographics,
}

/// Duplicates resolved: `subsumed` is the same patient as `survivor`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merge {
    /// `patient/id`: exactly one.
    pub survivor: Placed<PatientIdentifier>,
    /// `priorRegisteredRole/id`: exactly one.
    pub subsumed: Placed<PatientIdentifier>,
}

/// ITI-45: which other identifiers does this patient have?
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrossReferenceQuery {
    /// `queryId`
    pub query_id: InstanceIdentifier,
    /// The identifier asked about, with the place of `patientIdentifier/value`.
    pub identifier: Placed<PatientIdentifier>,
    /// The domains wanted, each with the place of `dataSource[n]/value`; empty: all.
    pub data_sources: Vec<Placed<Oid>>,
}

/// ITI-47: who is this?
#[derive(Clone, Debug, PartialEq)]
pub struct PatientQuery {
    /// `queryId`
    pub query_id: InstanceIdentifier,
    /// The criteria. `criteria.domains` holds the scoping organizations, in order.
    pub criteria: DemographicsQuery,
    /// The places of `otherIDsScopingOrganization[n]/value`, parallel to `criteria.domains`.
    pub domain_locations: Vec<String>,
    /// `initialQuantity`, where asked.
    pub initial_quantity: Option<u32>,
}

/// Continue or cancel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Continuation {
    /// `queryId` of the query it continues.
    pub query_id: InstanceIdentifier,
    /// `startResultNumber`, 1-based.
    pub start: Option<u32>,
    /// `continuationQuantity`.
    pub quantity: Option<u32>,
    /// `statusCode` is `aborted`, or the root says cancel.
    pub cancel: bool,
    /// `acknowledgement/targetMessage/id`: the response before, where it is named.
    pub follows: Option<InstanceIdentifier>,
}

/// What a reply's own wrapper needs besides the request's header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyFrame {
    /// Our fresh message id (a UUID in upper or lower case, used as `id/@root`).
    pub id: String,
    /// `creationTime`, HL7 TS with seconds and zone.
    pub creation_time: String,
    /// Our device id (an OID).
    pub device: String,
}

/// An accept acknowledgement's code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcceptCode {
    /// `CA`: accepted and committed.
    Accept,
    /// `CE`: an error in the message.
    Error,
    /// `CR`: refused for another reason.
    Reject,
}

/// An identifier as shown: with the authority's namespace for `@assigningAuthorityName`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownIdentifier {
    /// The identifier.
    pub identifier: PatientIdentifier,
    /// `@assigningAuthorityName`
    pub authority_name: String,
}

/// How a query ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueryEnd {
    /// ack `AA`, response `OK`.
    Found,
    /// ack `AA`, response `NF`.
    NotFound,
    /// ack `AE`, response `AE`, status `deliveredResponse`.
    Error,
    /// ack `AE`, response `QE`, status `aborted`: the query itself is invalid.
    InvalidQuery,
    /// ack `AE`, response `AE`, status `aborted`: a defect or overload of ours.
    Aborted,
}

/// The answer to ITI-45.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrossReferenceAnswer {
    /// How it ended.
    pub end: QueryEnd,
    /// Details, for errors and remarks.
    pub details: Vec<Detail>,
    /// The identifiers; must not be empty when `Found`, and must be otherwise.
    pub identifiers: Vec<ShownIdentifier>,
}

/// One patient of an answer to ITI-47.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundPatient {
    /// The identifiers to show; at least one. The first goes to `patient/id` with all others (one `providerOrganization/id` per root).
    pub identifiers: Vec<ShownIdentifier>,
    /// Requested domains in which this patient has no identifier: shown as `asOtherIDs` with a null id.
    pub domains_without: Vec<Oid>,
    /// The demographics of one source. Masked fields are written as nullFlavor `MSK`, never with content.
    pub demographics: Arc<Demographics>,
    /// Degree of match, 0 to 100.
    pub degree: u8,
}

/// The answer to ITI-47 (HL7 v3 sheet, 3.3).
#[derive(Clone, Debug, PartialEq)]
pub struct DemographicsAnswer {
    /// How it ended.
    pub end: QueryEnd,
    /// Details, for errors and remarks.
    pub details: Vec<Detail>,
    /// The patients on this page.
    pub patients: Vec<FoundPatient>,
    /// `resultTotalQuantity`
    pub total: u32,
    /// `resultRemainingQuantity`; the current quantity is the number of patients.
    pub remaining: u32,
}
