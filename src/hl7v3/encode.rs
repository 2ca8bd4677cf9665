//! From an answer to a payload: acknowledgements and query responses, in schema order (HL7 v3 sheet, 1.4 to 1.10).

use super::echo::is_uid;
use super::message::{
    AcceptCode, CrossReferenceAnswer, DemographicsAnswer, Detail, Device, FoundPatient, Header, InstanceIdentifier,
    QueryEnd, ReplyFrame, Severity, ShownIdentifier,
};
use crate::identity::Oid;
use crate::xml::Writer;

mod demographics;

const INTERACTION_IDS: &str = "2.16.840.1.113883.1.6";

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

/// The transmission wrapper up to the sender: who sent is now told.
fn wrapper(interaction: &str, frame: &ReplyFrame, header: &Header) -> Writer {
    let mut w = Writer::new();
    w.open(interaction).attribute("xmlns", super::NAMESPACE);
    w.attribute("xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance").attribute("ITSVersion", "XML_1.0");
    w.empty("id", &[("root", &frame.id)]);
    w.empty("creationTime", &[("value", &frame.creation_time)]);
    w.empty("interactionId", &[("root", INTERACTION_IDS), ("extension", interaction)]);
    let processing = match header.processing_code.as_str() {
        known @ ("P" | "T" | "D") => known,
        _ => "P",
    };
    w.empty("processingCode", &[("code", processing)]);
    w.empty("processingModeCode", &[("code", "T")]);
    w.empty("acceptAckCode", &[("code", "NE")]);
    w.open("receiver").attribute("typeCode", "RCV");
    device(&mut w, &header.sender);
    w.close().open("sender").attribute("typeCode", "SND");
    let own = InstanceIdentifier { root: frame.device.clone(), extension: None };
    device(&mut w, &Device { ids: vec![own], organizations: Vec::new() });
    w.close();
    w
}

/// A device by its first valid id; one whose id is no OID is told as unknown.
fn device(w: &mut Writer, device: &Device) {
    let valid =
        |ids: &[InstanceIdentifier]| ids.iter().find(|id| Oid::parse(&id.root).is_ok()).map(|id| id.root.clone());
    w.open("device").attribute("classCode", "DEV").attribute("determinerCode", "INSTANCE");
    match valid(&device.ids) {
        Some(root) => w.empty("id", &[("root", &root)]),
        None => w.empty("id", &[("nullFlavor", "UNK")]),
    };
    if let Some(root) = valid(&device.organizations) {
        w.open("asAgent").attribute("classCode", "AGNT");
        w.open("representedOrganization").attribute("classCode", "ORG").attribute("determinerCode", "INSTANCE");
        w.empty("id", &[("root", &root)]).close().close();
    }
    w.close();
}

fn acknowledgement(w: &mut Writer, header: &Header, code: &str, details: &[Detail]) {
    w.open("acknowledgement").empty("typeCode", &[("code", code)]).open("targetMessage");
    instance(w, "id", &header.id);
    w.close();
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

/// An id as it was sent; one that no schema allows is told as unknown.
fn instance(w: &mut Writer, element: &str, id: &InstanceIdentifier) {
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

fn open_act(w: &mut Writer, trigger: &str) {
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

fn open_registration(w: &mut Writer) {
    w.open("subject").attribute("typeCode", "SUBJ").attribute("contextConductionInd", "false");
    w.open("registrationEvent").attribute("classCode", "REG").attribute("moodCode", "EVN");
    w.empty("id", &[("nullFlavor", "NA")]).empty("statusCode", &[("code", "active")]);
    w.open("subject1").attribute("typeCode", "SBJ").open("patient").attribute("classCode", "PAT");
}

fn close_registration(w: &mut Writer, frame: &ReplyFrame) {
    w.close().close();
    w.open("custodian").attribute("typeCode", "CST").open("assignedEntity").attribute("classCode", "ASSIGNED");
    w.empty("id", &[("root", &frame.device)]);
    w.open("assignedOrganization").attribute("classCode", "ORG").attribute("determinerCode", "INSTANCE");
    w.leaf("name", "Nayose").close().close().close();
    w.close().close();
}

/// `II` with the authority's name (ITI TF-2: Appendix E).
fn identifier(w: &mut Writer, shown: &ShownIdentifier) {
    w.open("id").attribute("root", shown.identifier.authority.as_str()).attribute("extension", &shown.identifier.value);
    if !shown.authority_name.is_empty() {
        w.attribute("assigningAuthorityName", &shown.authority_name);
    }
    w.close();
}

/// One `providerOrganization/id` for each root among the identifiers (1.8).
fn provider(w: &mut Writer, identifiers: &[ShownIdentifier]) {
    w.open("providerOrganization").attribute("classCode", "ORG").attribute("determinerCode", "INSTANCE");
    for root in roots(identifiers) {
        w.empty("id", &[("root", root)]);
    }
    w.open("contactParty").attribute("classCode", "CON").empty("telecom", &[("nullFlavor", "NI")]).close();
    w.close();
}

/// The authorities of `identifiers`, each once.
fn roots(identifiers: &[ShownIdentifier]) -> Vec<&str> {
    let mut roots: Vec<&str> = identifiers.iter().map(|shown| shown.identifier.authority.as_str()).collect();
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
    demographics::person(w, &patient.demographics, &patient.domains_without);
    provider(w, &patient.identifiers);
    w.open("subjectOf1").attribute("typeCode", "SBJ");
    w.open("queryMatchObservation").attribute("classCode", "OBS").attribute("moodCode", "EVN");
    w.empty("code", &[("code", "IHE_PDQ")]);
    w.empty("value", &[("xsi:type", "INT"), ("value", &patient.degree.to_string())]).close().close();
    close_registration(w, frame);
}
