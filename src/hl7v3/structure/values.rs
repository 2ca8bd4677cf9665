//! What is fixed of values beyond the order and number of elements: trigger events, devices, roles, null flavours.
//!
//! It must never read a value beyond a fixed one.

use super::path_to;
use crate::hl7v3::message::Interaction;
use crate::hl7v3::place::{At, Findings, is_masked};
use crate::identity::Oid;
use crate::xml::Element;

const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";

const NULL_FLAVORS: [&str; 14] =
    ["NI", "OTH", "NINF", "PINF", "UNK", "ASKU", "NAV", "QS", "NASK", "TRC", "MSK", "NA", "UNC", "NAVU"];

/// What IHE fixes beyond the schema: devices named by an OID alone, the wish for an answer, the trigger event.
pub(super) fn check_values(root: &At<'_>, interaction: Interaction, findings: &mut Findings) {
    let devices = ["receiver", "sender"].iter().filter_map(|side| root.down(&[side, "device"]));
    for id in devices.flat_map(|device| device.all("id")) {
        let named = id.element.attribute("root").is_some_and(|root| Oid::parse(root).is_ok());
        if !named || id.attribute("extension").is_some() {
            findings.forgive("SYN102", "a device is named by an ISO object identifier alone", &id.path());
        }
    }
    let trigger: &[&str] = match interaction {
        Interaction::Add => &["PRPA_TE201301UV02"],
        Interaction::Revise => &["PRPA_TE201302UV02"],
        Interaction::Merge => &["PRPA_TE201304UV02"],
        Interaction::CrossReferenceQuery => &["PRPA_TE201309UV02"],
        Interaction::DemographicsQuery => &["PRPA_TE201305UV02"],
        // The profile's table and its heading disagree.
        Interaction::Continue | Interaction::Cancel => &["PRPA_TE000003UV01", "QUQI_TE000003UV01"],
    };
    check_other_ids(root, findings);
    check_criteria(root, findings);
    for (path, allowed) in [(&["acceptAckCode"][..], &["AL"][..]), (&["controlActProcess", "code"], trigger)] {
        let Some(code) = root.down(path) else { continue };
        if !code.attribute("code").is_some_and(|code| allowed.contains(&code)) {
            findings.forgive("SYN103", "the code is not the one of this interaction", &code.path());
        }
    }
}

/// ITI TF-2: 3.44.4.1.2: any role but those with a place of their own, each scoped by whose identifiers it holds.
fn check_other_ids(root: &At<'_>, findings: &mut Findings) {
    let person = ["controlActProcess", "subject", "registrationEvent", "subject1", "patient", "patientPerson"];
    for role in root.down(&person).map(|person| person.all("asOtherIDs")).unwrap_or_default() {
        if matches!(role.attribute("classCode"), Some("CIT" | "EMP")) {
            let place = format!("{}/@classCode", role.path());
            findings.forgive("SYN103", "citizens and employees have a class of their own", &place);
        }
        let organization = role.first("scopingOrganization").map(|scope| scope.all("id")).unwrap_or_default();
        let named: Vec<&str> = organization.iter().filter_map(|id| id.attribute("root")).collect();
        let stranger =
            role.all("id").into_iter().any(|id| id.attribute("root").is_some_and(|own| !named.contains(&own)));
        if let Some(scope) = organization.first().filter(|_| stranger) {
            findings.forgive("SYN103", "the scoping organization is not that of the identifiers", &scope.path());
        }
    }
}

/// What may be of any type says of which it is.
fn check_criteria(root: &At<'_>, findings: &mut Findings) {
    let Some(criteria) = root.down(&["controlActProcess", "queryByParameter", "matchCriterionList"]) else { return };
    for value in ["matchAlgorithm", "minimumDegreeMatch"].iter().filter_map(|of| criteria.down(&[of, "value"])) {
        if value.element.attribute_in(XSI, "type").is_none() && value.null().is_none() {
            findings.forgive("SYN101", "the value does not tell its type", &value.path());
        }
    }
}

/// Null flavours that are none, and those that stand beside a value. `open` are the elements from the root on.
pub(super) fn check_nulls(open: &mut Vec<&Element>, findings: &mut Findings) {
    let Some(element) = open.last().copied() else { return };
    if let Some(flavor) = element.attribute("nullFlavor").map(str::trim) {
        if !NULL_FLAVORS.contains(&flavor) {
            findings.forgive("SYN103", "there is no such null flavour", &format!("{}/@nullFlavor", path_to(open)));
        } else if !is_masked(element) && has_value(element) {
            findings.warn("a null flavour beside a value: the value counts", &path_to(open));
        }
    }
    for child in element.elements() {
        open.push(child);
        check_nulls(open, findings);
        open.pop();
    }
}

/// Whether a data type holds something; a class may be null and hold what can be said of it.
fn has_value(element: &Element) -> bool {
    let told = ["value", "code", "extension"].iter().any(|name| element.attribute(name).is_some());
    let has_name = ["name", "addr"].contains(&&*element.name.local) && !element.children.is_empty();
    told || has_name
}
