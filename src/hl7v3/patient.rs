//! ITI-44 payloads: add, revise and duplicates resolved (HL7 v3 sheet, 1.6 to 1.8, 3.1).

use super::datatype::identifier;
use super::message::{Content, Feed, Merge, Placed};
use super::person;
use super::place::{At, Findings};
use crate::identity::PatientIdentifier;

/// Add or revise.
pub(super) fn feed(root: &At<'_>, findings: &mut Findings) -> Option<Content> {
    let event = registration(root, findings)?;
    if let Some(replacement) = event.first("replacementOf") {
        findings.error("SYN110", "replacementOf belongs to a merge alone", &replacement.path());
    }
    let patient = patient(&event, findings)?;
    let identifiers = placed(&patient.all("id"), findings);
    let roles: Vec<At<'_>> = patient.first("patientPerson").map(|person| person.all("asOtherIDs")).unwrap_or_default();
    let mut other_identifiers = Vec::new();
    for id in roles.iter().flat_map(|role| role.all("id")) {
        let mut quiet = Findings { strict: findings.strict, ..Findings::default() };
        match identifier(&id, &mut quiet) {
            Some(value) => other_identifiers.push(Placed { value, location: id.path() }),
            None if quiet.errors.is_empty() => {}
            None => findings.forgive("SYN102", "an identifier of asOtherIDs is not usable", &id.path()),
        }
    }
    let demographics = person::demographics(&patient, findings);
    if identifiers.is_empty() && demographics.names.value().is_none() && findings.errors.is_empty() {
        findings.error("SYN101", "neither an identifier nor a name is given", &patient.path());
    }
    Some(Content::Feed(Box::new(Feed { identifiers, other_identifiers, demographics })))
}

/// Duplicates resolved: one surviving and one subsumed identifier.
pub(super) fn merge(root: &At<'_>, findings: &mut Findings) -> Option<Content> {
    let event = registration(root, findings)?;
    let replacements = event.all("replacementOf");
    let Some(replacement) = replacements.first() else {
        findings.error("SYN100", "replacementOf is missing", &event.path());
        return None;
    };
    if let Some(second) = replacements.get(1) {
        findings.error("SYN110", "a merge has one replacementOf", &second.path());
        return None;
    }
    check_status(&event, "active", findings);
    if let Some(prior) = replacement.first("priorRegistration") {
        check_status(&prior, "obsolete", findings);
    }
    let role = replacement.down(&["priorRegistration", "subject1", "priorRegisteredRole"]);
    let prior = role.as_ref().map(|role| role.all("id")).unwrap_or_default();
    let subsumed = exactly_one(&prior, &replacement.path(), findings);
    let patient = patient(&event, findings)?;
    let survivor = exactly_one(&patient.all("id"), &patient.path(), findings);
    Some(Content::Merge(Merge { survivor: survivor?, subsumed: subsumed? }))
}

fn registration<'a>(root: &At<'a>, findings: &mut Findings) -> Option<At<'a>> {
    let Some(act) = root.first("controlActProcess") else {
        findings.error("SYN100", "controlActProcess is missing", &root.path());
        return None;
    };
    let subjects = act.all("subject");
    if let Some(second) = subjects.get(1) {
        findings.error("SYN110", "a feed has one subject", &second.path());
        return None;
    }
    let event = subjects.first().and_then(|subject| subject.first("registrationEvent"));
    if event.is_none() {
        findings.error("SYN100", "subject/registrationEvent is missing", &act.path());
    }
    event
}

fn patient<'a>(event: &At<'a>, findings: &mut Findings) -> Option<At<'a>> {
    let patient = event.down(&["subject1", "patient"]);
    if patient.is_none() {
        findings.error("SYN100", "subject1/patient is missing", &event.path());
    }
    patient
}

fn check_status(at: &At<'_>, wanted: &str, findings: &mut Findings) {
    let status = at.first("statusCode");
    if status.as_ref().and_then(|status| status.attribute("code")) != Some(wanted) {
        let path = status.map_or_else(|| at.path(), |status| status.path());
        findings.forgive("SYN103", "the status code is not the one of a merge", &path);
    }
}

fn placed(ids: &[At<'_>], findings: &mut Findings) -> Vec<Placed<PatientIdentifier>> {
    let mut placed = Vec::new();
    for id in ids {
        if let Some(value) = identifier(id, findings) {
            placed.push(Placed { value, location: id.path() });
        }
    }
    placed
}

fn exactly_one(ids: &[At<'_>], parent: &str, findings: &mut Findings) -> Option<Placed<PatientIdentifier>> {
    if let Some(second) = ids.get(1) {
        findings.error("SYN110", "exactly one identifier is allowed here", &second.path());
        return None;
    }
    let found = placed(ids, findings);
    if found.is_empty() && findings.errors.is_empty() {
        findings.error("SYN100", "an identifier is missing", parent);
    }
    found.into_iter().next()
}
