//! Messages as a client of the network sends them: feeds, queries and what continues them, in schema order.
//!
//! For the demonstration, for tests, for whoever speaks to another supplier, and for what the registry tells of its own
//! accord. It must never be used to write a reply.

use super::encode::demographics::{Roles, address_content, gender, name_content, patient_codes, person, telecom};
use super::encode::{
    Transmission, custodian, identifier, instance, open_acknowledgement, open_act, open_registration, provider,
};
use super::message::{Device, InstanceIdentifier, ShownIdentifier};
use crate::identity::{
    BirthCriterion, Demographics, DemographicsQuery, Field, NamePart, NamePartKind, Oid, PatientIdentifier, PersonName,
    UnknownReason,
};
use crate::xml::Writer;

/// Who keeps the record, where a source tells of it.
const SENDER: &str = "Sender";
/// Likewise where the registry does.
const OURSELVES: &str = "Nayose";
/// A name where one must stand and none is told.
const WITHHELD: &str = "withheld";

/// What the wrapper of a request tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestFrame {
    /// The message's own fresh id.
    pub id: InstanceIdentifier,
    /// `creationTime`, HL7 TS with seconds and zone.
    pub creation_time: String,
    /// `P`, `T` or `D`.
    pub processing_code: String,
    /// Who sends.
    pub sender: Device,
    /// To whom; PDQ suppliers choose the source by it.
    pub receiver: Device,
}

/// A patient as a source tells of one.
#[derive(Clone, Debug, PartialEq)]
pub struct FedPatient {
    /// `patient/id`
    pub identifiers: Vec<ShownIdentifier>,
    /// `asOtherIDs/id`, each with its own organization.
    pub other_identifiers: Vec<ShownIdentifier>,
    /// What is known of the person.
    pub demographics: Demographics,
}

/// `PRPA_IN201301UV02`: a new patient.
pub fn feed_add(frame: &RequestFrame, patient: &FedPatient) -> String {
    feed(frame, "PRPA_IN201301UV02", patient, None, SENDER)
}

/// `PRPA_IN201302UV02`: what is now known of a patient.
pub fn feed_revise(frame: &RequestFrame, patient: &FedPatient) -> String {
    feed(frame, "PRPA_IN201302UV02", patient, None, SENDER)
}

/// `PRPA_IN201304UV02`: `subsumed` is the same patient as `survivor`, whose one identifier lives on.
pub fn feed_merge(frame: &RequestFrame, survivor: &FedPatient, subsumed: &PatientIdentifier) -> String {
    feed(frame, "PRPA_IN201304UV02", survivor, Some(subsumed), SENDER)
}

/// `PRPA_IN201302UV02` as ITI-46: these are the identifiers of one patient now, told by the registry itself. What is
/// known of the patient besides is ITI-47's to tell; the name is required and null (ITI TF-2: 3.46.4.1.2).
pub fn update_notification(frame: &RequestFrame, identifiers: Vec<ShownIdentifier>) -> String {
    feed(frame, "PRPA_IN201302UV02", &nameless(identifiers), None, OURSELVES)
}

/// `PRPA_IN201301UV02` to a document registry: an identifier of the affinity domain that is new.
pub fn registry_add(frame: &RequestFrame, identifiers: Vec<ShownIdentifier>) -> String {
    feed(frame, "PRPA_IN201301UV02", &nameless(identifiers), None, OURSELVES)
}

/// `PRPA_IN201304UV02` to a document registry: `subsumed` is the same patient as `survivor` from now on. Its name must
/// not be null (ITI TF-2: 3.44.4.2.2); a registry of documents has no use for the real one.
pub fn registry_merge(frame: &RequestFrame, survivor: Vec<ShownIdentifier>, subsumed: &PatientIdentifier) -> String {
    let part = NamePart { kind: NamePartKind::Text, value: WITHHELD.to_owned(), qualifiers: Vec::new() };
    let name = PersonName { uses: Vec::new(), representation: None, parts: vec![part] };
    let mut patient = nameless(survivor);
    patient.demographics.names = Field::Set(vec![name]);
    feed(frame, "PRPA_IN201304UV02", &patient, Some(subsumed), OURSELVES)
}

/// A patient of whom the identifiers alone are told.
fn nameless(identifiers: Vec<ShownIdentifier>) -> FedPatient {
    let names = Field::Unknown(UnknownReason::NotApplicable);
    FedPatient {
        identifiers,
        other_identifiers: Vec::new(),
        demographics: Demographics { names, ..Demographics::default() },
    }
}

/// `PRPA_IN201309UV02`: the other identifiers of a patient, in some domains or (with none named) in all.
pub fn pix_query(
    frame: &RequestFrame,
    query_id: &InstanceIdentifier,
    identifier: &PatientIdentifier,
    data_sources: &[Oid],
) -> String {
    let mut w = open_query(frame, "PRPA_IN201309UV02", query_id);
    w.empty("responsePriorityCode", &[("code", "I")]).open("parameterList");
    for source in data_sources {
        domain(&mut w, "dataSource", source, "DataSource.id");
    }
    one(&mut w, "patientIdentifier", identifier, "Patient.id");
    w.finish()
}

/// `PRPA_IN201305UV02`: who is this? `initial_quantity` bounds the first answer.
pub fn pdq_query(
    frame: &RequestFrame,
    query_id: &InstanceIdentifier,
    criteria: &DemographicsQuery,
    initial_quantity: Option<u32>,
) -> String {
    let mut w = open_query(frame, "PRPA_IN201305UV02", query_id);
    w.empty("responseModalityCode", &[("code", "R")]).empty("responsePriorityCode", &[("code", "I")]);
    if let Some(quantity) = initial_quantity {
        w.empty("initialQuantity", &[("value", &quantity.to_string())]);
        w.empty("initialQuantityCode", &[("code", "RD"), ("codeSystem", "2.16.840.1.113883.5.1112")]);
    }
    if let Some(degree) = criteria.minimum_degree {
        w.open("matchCriterionList").open("minimumDegreeMatch");
        w.empty("value", &[("xsi:type", "INT"), ("value", &degree.to_string())]);
        w.leaf("semanticsText", "MinimumDegreeMatch").close().close();
    }
    w.open("parameterList");
    parameters(&mut w, criteria);
    w.finish()
}

/// `QUQI_IN000003UV01`: the next answer to a query. `answered` is the id of the response before it.
pub fn pdq_continue(
    frame: &RequestFrame,
    answered: &InstanceIdentifier,
    query_id: &InstanceIdentifier,
    start: Option<u32>,
    quantity: Option<u32>,
) -> String {
    let mut w = open_continuation(frame, "QUQI_IN000003UV01", answered, query_id);
    for (element, number) in [("startResultNumber", start), ("continuationQuantity", quantity)] {
        if let Some(number) = number {
            w.empty(element, &[("value", &number.to_string())]);
        }
    }
    w.empty("statusCode", &[("code", "waitContinuedQueryResponse")]);
    w.finish()
}

/// `QUQI_IN000003UV01_Cancel`: no more answers are wanted.
pub fn pdq_cancel(frame: &RequestFrame, answered: &InstanceIdentifier, query_id: &InstanceIdentifier) -> String {
    let mut w = open_continuation(frame, "QUQI_IN000003UV01_Cancel", answered, query_id);
    w.empty("continuationQuantity", &[("value", "0")]).empty("statusCode", &[("code", "aborted")]);
    w.finish()
}

fn open(frame: &RequestFrame, root: &str) -> Writer {
    let transmission = Transmission {
        // The cancelling root has the name of what it cancels for its interaction.
        interaction: root.strip_suffix("_Cancel").unwrap_or(root),
        id: &frame.id,
        creation_time: &frame.creation_time,
        processing_code: &frame.processing_code,
        accept_acknowledgement: "AL",
        receiver: &frame.receiver,
        sender: &frame.sender,
    };
    transmission.open(root)
}

fn feed(
    frame: &RequestFrame,
    root: &str,
    patient: &FedPatient,
    subsumed: Option<&PatientIdentifier>,
    keeper: &str,
) -> String {
    let mut w = open(frame, root);
    open_act(&mut w, &root.replacen("_IN", "_TE", 1));
    open_registration(&mut w);
    for shown in &patient.identifiers {
        identifier(&mut w, shown);
    }
    if patient.identifiers.is_empty() {
        w.empty("id", &[("nullFlavor", "NI")]);
    }
    w.empty("statusCode", &[("code", "active")]);
    patient_codes(&mut w, &patient.demographics);
    let roles = Roles { other_identifiers: &patient.other_identifiers, birth_place: true, ..Roles::default() };
    person(&mut w, &patient.demographics, &roles);
    provider(&mut w, &patient.identifiers);
    w.close().close();
    let device = frame.sender.ids.first().map(|id| id.root.as_str()).unwrap_or_default();
    custodian(&mut w, device, keeper);
    if let Some(subsumed) = subsumed {
        w.open("replacementOf").attribute("typeCode", "RPLC").open("priorRegistration");
        w.attribute("classCode", "REG").attribute("moodCode", "EVN").empty("statusCode", &[("code", "obsolete")]);
        w.open("subject1").attribute("typeCode", "SBJ").open("priorRegisteredRole").attribute("classCode", "PAT");
        w.empty("id", &[("root", subsumed.authority.as_str()), ("extension", &subsumed.value)]);
    }
    w.finish()
}

fn open_query(frame: &RequestFrame, root: &str, query_id: &InstanceIdentifier) -> Writer {
    let mut w = open(frame, root);
    open_act(&mut w, &root.replacen("_IN", "_TE", 1));
    w.open("queryByParameter");
    instance(&mut w, "queryId", query_id);
    w.empty("statusCode", &[("code", "new")]);
    w
}

fn open_continuation(
    frame: &RequestFrame,
    root: &str,
    answered: &InstanceIdentifier,
    query_id: &InstanceIdentifier,
) -> Writer {
    let mut w = open(frame, root);
    open_acknowledgement(&mut w, "AA", answered);
    w.close();
    open_act(&mut w, "PRPA_TE000003UV01");
    w.open("queryContinuation");
    instance(&mut w, "queryId", query_id);
    w
}

fn parameters(w: &mut Writer, criteria: &DemographicsQuery) {
    if let Some(sex) = criteria.sex {
        w.open("livingSubjectAdministrativeGender");
        gender(w, "value", sex);
        w.leaf("semanticsText", "LivingSubject.administrativeGender").close();
    }
    if let Some(birth) = &criteria.birth {
        w.open("livingSubjectBirthTime");
        days(w, birth);
        w.leaf("semanticsText", "LivingSubject.birthTime").close();
    }
    for identifier in &criteria.identifiers {
        one(w, "livingSubjectId", identifier, "LivingSubject.id");
    }
    for asked in &criteria.names {
        // The official test tools insist on the literal type.
        w.open("livingSubjectName").open("value").attribute("xsi:type", "PN");
        name_content(w, &asked.name, asked.similar.then_some("SRCH"));
        w.close().leaf("semanticsText", "LivingSubject.name").close();
    }
    for name in &criteria.mothers_maiden_names {
        w.open("mothersMaidenName").open("value").attribute("xsi:type", "PN");
        name_content(w, name, None);
        w.close().leaf("semanticsText", "Person.MothersMaidenName").close();
    }
    for wanted in &criteria.domains {
        domain(w, "otherIDsScopingOrganization", wanted, "OtherIDs.scopingOrganization.id");
    }
    if !criteria.addresses.is_empty() {
        w.open("patientAddress");
        for address in &criteria.addresses {
            w.open("value").attribute("xsi:type", "AD");
            address_content(w, address);
            w.close();
        }
        w.leaf("semanticsText", "Patient.addr").close();
    }
    if !criteria.telecoms.is_empty() {
        w.open("patientTelecom");
        criteria.telecoms.iter().for_each(|asked| telecom(w, "value", asked));
        w.leaf("semanticsText", "Patient.telecom").close();
    }
}

/// A span of days as `IVL_TS`.
fn days(w: &mut Writer, birth: &BirthCriterion) {
    match (birth.from, birth.to) {
        (Some(from), Some(to)) if from == to => _ = w.empty("value", &[("value", &format!("{from:08}"))]),
        (from, to) => {
            w.open("value");
            for (element, day) in [("low", from), ("high", to)] {
                if let Some(day) = day {
                    w.empty(element, &[("value", &format!("{day:08}"))]);
                }
            }
            w.close();
        }
    }
}

fn domain(w: &mut Writer, parameter: &str, oid: &Oid, semantics: &str) {
    w.open(parameter).empty("value", &[("root", oid.as_str())]).leaf("semanticsText", semantics).close();
}

fn one(w: &mut Writer, parameter: &str, identifier: &PatientIdentifier, semantics: &str) {
    w.open(parameter);
    w.empty("value", &[("root", identifier.authority.as_str()), ("extension", &identifier.value)]);
    w.leaf("semanticsText", semantics).close();
}

#[cfg(test)]
mod tests;
