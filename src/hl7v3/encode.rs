//! From an answer to a payload: acknowledgements and query responses, in schema order (HL7 v3 sheet, 1.4 to 1.10).

use super::echo::is_uid;
use super::message::{
    AcceptCode, CrossReferenceAnswer, DemographicsAnswer, Detail, Device, FoundPatient, Header, InstanceIdentifier,
    QueryEnd, ReplyFrame, Severity, ShownIdentifier,
};
use crate::identity::Oid;
use crate::xml::Writer;

pub(super) mod demographics;

const INTERACTION_IDS: &str = "2.16.840.1.113883.1.6";

/// Bytes that a patient of an answer takes, nearly always: room is made for all at once.
const ROOM_EACH: usize = 2_560;

/// `MCCI_IN000002UV01` (3.1).
pub fn accept_acknowledgement(frame: &ReplyFrame, header: &Header, code: AcceptCode, details: &[Detail]) -> String {
    let code = match code {
        AcceptCode::Accept => "CA",
        AcceptCode::Error => "CE",
        AcceptCode::Reject => "CR",
    };
    let mut w = wrapper("MCCI_IN000002UV01", frame, header);
    acknowledgement(&mut w, header, code, details);
    w.finish()
}

/// `PRPA_IN201310UV02` (3.2).
pub fn cross_reference_response(
    frame: &ReplyFrame,
    header: &Header,
    query_id: &InstanceIdentifier,
    echo: Option<&str>,
    answer: &CrossReferenceAnswer,
) -> String {
    let mut w = wrapper("PRPA_IN201310UV02", frame, header);
    acknowledgement(&mut w, header, application_code(answer.end), &answer.details);
    open_act(&mut w, "PRPA_TE201310UV02");
    if answer.end == QueryEnd::Found {
        open_registration(&mut w);
        for shown in &answer.identifiers {
            identifier(&mut w, shown);
        }
        w.empty("statusCode", &[("code", "active")]);
        w.open("patientPerson").attribute("classCode", "PSN").attribute("determinerCode", "INSTANCE");
        // Demographics are ITI-47's to tell; the name is required and may be null (ITI TF-2: 3.45.4.2.2).
        w.empty("name", &[("nullFlavor", "NA")]).close();
        // Optional here. Validators read the rule of its ids as one id at most (ITI TF-2: 3.45.4.2.2.1), and each
        // identifier names its authority already: it is told where it names one organization.
        if let [_] = *roots(&answer.identifiers) {
            provider(&mut w, &answer.identifiers);
        }
        close_registration(&mut w, frame);
    }
    query_acknowledgement(&mut w, query_id, answer.end, None);
    if let Some(echo) = echo {
        w.raw(echo);
    }
    w.close();
    w.finish()
}

/// `PRPA_IN201306UV02` (3.3).
pub fn demographics_response(
    frame: &ReplyFrame,
    header: &Header,
    query_id: &InstanceIdentifier,
    echo: Option<&str>,
    answer: &DemographicsAnswer,
) -> String {
    let mut w = wrapper("PRPA_IN201306UV02", frame, header);
    w.reserve(answer.patients.len() * ROOM_EACH + echo.map_or(0, str::len));
    acknowledgement(&mut w, header, application_code(answer.end), &answer.details);
    open_act(&mut w, "PRPA_TE201306UV02");
    for patient in &answer.patients {
        found(&mut w, frame, patient);
    }
    let current = u32::try_from(answer.patients.len()).unwrap_or(u32::MAX);
    query_acknowledgement(&mut w, query_id, answer.end, Some([answer.total, current, answer.remaining]));
    if let Some(echo) = echo {
        w.raw(echo);
    }
    w.close();
    w.finish()
}

/// The transmission wrapper of a reply up to the sender: who sent is now told.
fn wrapper(interaction: &str, frame: &ReplyFrame, header: &Header) -> Writer {
    let own = |root: &str| InstanceIdentifier { root: root.to_owned(), extension: None };
    let us = Device { ids: vec![own(&frame.device)], organizations: Vec::new() };
    let transmission = Transmission {
        interaction,
        id: &own(&frame.id),
        creation_time: &frame.creation_time,
        processing_code: &header.processing_code,
        accept_acknowledgement: "NE",
        receiver: &header.sender,
        sender: &us,
    };
    transmission.open(interaction)
}

/// What a transmission wrapper tells (1.4).
pub(super) struct Transmission<'a> {
    /// `interactionId`
    pub interaction: &'a str,
    /// `id`
    pub id: &'a InstanceIdentifier,
    /// `creationTime`
    pub creation_time: &'a str,
    /// `processingCode`; one that HL7 does not know is told as production.
    pub processing_code: &'a str,
    /// `acceptAckCode`: `AL` for a request, `NE` for a reply.
    pub accept_acknowledgement: &'a str,
    /// To whom.
    pub receiver: &'a Device,
    /// Who sends.
    pub sender: &'a Device,
}

impl Transmission<'_> {
    /// A document with this root, written up to the sender.
    pub(super) fn open(&self, root: &str) -> Writer {
        let mut w = Writer::new();
        w.open(root).attribute("xmlns", super::NAMESPACE);
        w.attribute("xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance").attribute("ITSVersion", "XML_1.0");
        instance(&mut w, "id", self.id);
        w.empty("creationTime", &[("value", self.creation_time)]);
        w.empty("interactionId", &[("root", INTERACTION_IDS), ("extension", self.interaction)]);
        let processing = match self.processing_code {
            known @ ("P" | "T" | "D") => known,
            _ => "P",
        };
        w.empty("processingCode", &[("code", processing)]);
        w.empty("processingModeCode", &[("code", "T")]);
        w.empty("acceptAckCode", &[("code", self.accept_acknowledgement)]);
        w.open("receiver").attribute("typeCode", "RCV");
        device(&mut w, self.receiver);
        w.close().open("sender").attribute("typeCode", "SND");
        device(&mut w, self.sender);
        w.close();
        w
    }
}

/// The nil UUID as an OID: for a device that has no OID, since IHE wants one (ITI TF-2: Appendix O, tables O.1.2-1 and
/// O.1.3-2), and since no device can have this one.
const NOBODY: &str = "2.25.0";

/// A device by its first valid id; one whose id is no OID is told as nobody.
fn device(w: &mut Writer, device: &Device) {
    let valid =
        |ids: &[InstanceIdentifier]| ids.iter().find(|id| Oid::parse(&id.root).is_ok()).map(|id| id.root.clone());
    w.open("device").attribute("classCode", "DEV").attribute("determinerCode", "INSTANCE");
    w.empty("id", &[("root", valid(&device.ids).as_deref().unwrap_or(NOBODY))]);
    if let Some(root) = valid(&device.organizations) {
        w.open("asAgent").attribute("classCode", "AGNT");
        w.open("representedOrganization").attribute("classCode", "ORG").attribute("determinerCode", "INSTANCE");
        w.empty("id", &[("root", &root)]).close().close();
    }
    w.close();
}

fn acknowledgement(w: &mut Writer, header: &Header, code: &str, details: &[Detail]) {
    open_acknowledgement(w, code, &header.id);
    for detail in details {
        let severity = match detail.severity {
            Severity::Error => "E",
            Severity::Warning => "W",
            Severity::Information => "I",
        };
        w.open("acknowledgementDetail").attribute("typeCode", severity);
        if !detail.code.is_empty() {
            w.empty("code", &[("code", &detail.code), ("codeSystem", &detail.code_system)]);
        }
        w.leaf("text", &detail.text);
        for location in &detail.locations {
            w.leaf("location", location);
        }
        w.close();
    }
    w.close();
}

/// `acknowledgement` up to the target message.
pub(super) fn open_acknowledgement(w: &mut Writer, code: &str, target: &InstanceIdentifier) {
    w.open("acknowledgement").empty("typeCode", &[("code", code)]).open("targetMessage");
    instance(w, "id", target);
    w.close();
}

/// An id as it was sent; one that no schema allows is told as unknown.
pub(super) fn instance(w: &mut Writer, element: &str, id: &InstanceIdentifier) {
    if !is_uid(&id.root) {
        w.empty(element, &[("nullFlavor", "UNK")]);
        return;
    }
    w.open(element).attribute("root", &id.root);
    if let Some(extension) = &id.extension {
        w.attribute("extension", extension);
    }
    w.close();
}

fn application_code(end: QueryEnd) -> &'static str {
    match end {
        QueryEnd::Found | QueryEnd::NotFound => "AA",
        QueryEnd::Error | QueryEnd::InvalidQuery | QueryEnd::Aborted => "AE",
    }
}

pub(super) fn open_act(w: &mut Writer, trigger: &str) {
    w.open("controlActProcess").attribute("classCode", "CACT").attribute("moodCode", "EVN");
    w.empty("code", &[("code", trigger), ("codeSystem", INTERACTION_IDS)]);
}

fn query_acknowledgement(w: &mut Writer, query_id: &InstanceIdentifier, end: QueryEnd, quantities: Option<[u32; 3]>) {
    let (status, response) = match end {
        QueryEnd::Found => ("deliveredResponse", "OK"),
        QueryEnd::NotFound => ("deliveredResponse", "NF"),
        QueryEnd::Error => ("deliveredResponse", "AE"),
        QueryEnd::InvalidQuery => ("aborted", "QE"),
        QueryEnd::Aborted => ("aborted", "AE"),
    };
    w.open("queryAck");
    instance(w, "queryId", query_id);
    w.empty("statusCode", &[("code", status)]).empty("queryResponseCode", &[("code", response)]);
    let names = ["resultTotalQuantity", "resultCurrentQuantity", "resultRemainingQuantity"];
    for (name, quantity) in names.iter().zip(quantities.into_iter().flatten()) {
        w.empty(name, &[("value", &quantity.to_string())]);
    }
    w.close();
}

pub(super) fn open_registration(w: &mut Writer) {
    w.open("subject").attribute("typeCode", "SUBJ").attribute("contextConductionInd", "false");
    w.open("registrationEvent").attribute("classCode", "REG").attribute("moodCode", "EVN");
    w.empty("id", &[("nullFlavor", "NA")]).empty("statusCode", &[("code", "active")]);
    w.open("subject1").attribute("typeCode", "SBJ").open("patient").attribute("classCode", "PAT");
}

fn close_registration(w: &mut Writer, frame: &ReplyFrame) {
    w.close().close();
    custodian(w, &frame.device, "Nayose");
    w.close().close();
}

/// `custodian`: who keeps the record.
pub(super) fn custodian(w: &mut Writer, device: &str, name: &str) {
    w.open("custodian").attribute("typeCode", "CST").open("assignedEntity").attribute("classCode", "ASSIGNED");
    root(w, "id", device);
    w.open("assignedOrganization").attribute("classCode", "ORG").attribute("determinerCode", "INSTANCE");
    w.leaf("name", name).close().close().close();
}

/// An id that is an OID alone; unknown where it is none.
fn root(w: &mut Writer, element: &str, oid: &str) {
    match Oid::parse(oid) {
        Ok(oid) => w.empty(element, &[("root", oid.as_str())]),
        Err(_) => w.empty(element, &[("nullFlavor", "UNK")]),
    };
}

/// `II` with the authority's name (ITI TF-2: Appendix E).
pub(super) fn identifier(w: &mut Writer, shown: &ShownIdentifier) {
    w.open("id").attribute("root", shown.identifier.authority.as_str()).attribute("extension", &shown.identifier.value);
    if !shown.authority_name.is_empty() {
        w.attribute("assigningAuthorityName", &shown.authority_name);
    }
    w.close();
}

fn shown_root(shown: &ShownIdentifier) -> &str {
    shown.identifier.authority.as_str()
}

/// One `providerOrganization/id` for each root among the identifiers (1.8).
pub(super) fn provider(w: &mut Writer, identifiers: &[ShownIdentifier]) {
    let roots = roots(identifiers);
    w.open("providerOrganization").attribute("classCode", "ORG").attribute("determinerCode", "INSTANCE");
    if roots.is_empty() {
        w.empty("id", &[("nullFlavor", "NI")]);
    }
    for root in roots {
        w.empty("id", &[("root", root)]);
    }
    w.open("contactParty").attribute("classCode", "CON").empty("telecom", &[("nullFlavor", "NI")]).close();
    w.close();
}

/// The authorities of `identifiers`, each once.
fn roots(identifiers: &[ShownIdentifier]) -> Vec<&str> {
    let mut roots: Vec<&str> = identifiers.iter().map(shown_root).collect();
    roots.sort_unstable();
    roots.dedup();
    roots
}

fn found(w: &mut Writer, frame: &ReplyFrame, patient: &FoundPatient) {
    open_registration(w);
    for shown in &patient.identifiers {
        identifier(w, shown);
    }
    w.empty("statusCode", &[("code", "active")]);
    demographics::patient_codes(w, &patient.demographics);
    let roles = demographics::Roles { domains_without: &patient.domains_without, ..demographics::Roles::default() };
    demographics::person(w, &patient.demographics, &roles);
    provider(w, &patient.identifiers);
    w.open("subjectOf1").attribute("typeCode", "SBJ");
    w.open("queryMatchObservation").attribute("classCode", "OBS").attribute("moodCode", "EVN");
    w.empty("code", &[("code", "IHE_PDQ")]);
    w.empty("value", &[("xsi:type", "INT"), ("value", &patient.degree.to_string())]).close().close();
    close_registration(w, frame);
}
