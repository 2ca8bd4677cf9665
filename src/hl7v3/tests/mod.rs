//! Tests of the HL7 v3 language; people and facilities in them are invented.

mod codec;
mod datatypes;
mod encoding;
mod feeds;
mod queries;

use super::{Content, Detail, Feed, Message, Strictness, decode};
use crate::identity::DemographicsQuery;
use crate::xml::{self, Limits};

/// The event of a feed and the patient within it.
pub(super) const EVENT: &str = "/controlActProcess/subject/registrationEvent";

/// A payload of `interaction` around `act`, which is the whole control act or nothing.
pub(super) fn payload(interaction: &str, act: &str) -> String {
    let act = act.replace("TRIGGER", &interaction.replace("_IN", "_TE"));
    format!(
        r#"<{interaction} xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
            ITSVersion="XML_1.0"><id root="2.999.9.1" extension="m1"/><creationTime value="20260102030405"/>
          <interactionId root="2.16.840.1.113883.1.6" extension="{interaction} "/>
          <processingCode code="P"/><processingModeCode code="T"/><acceptAckCode code="AL"/>
          <receiver typeCode="RCV"><device classCode="DEV" determinerCode="INSTANCE"><id root="2.999.8.2"/></device></receiver>
          <sender typeCode="SND"><device classCode="DEV" determinerCode="INSTANCE"><id root="2.999.8.1"/>
            <asAgent classCode="AGNT"><representedOrganization classCode="ORG" determinerCode="INSTANCE">
              <id root="2.999.8.9"/></representedOrganization></asAgent></device></sender>{act}</{interaction}>"#
    )
}

/// A control act around one registration event.
pub(super) fn registered(event: &str) -> String {
    format!(
        r#"<controlActProcess classCode="CACT" moodCode="EVN"><code code="TRIGGER"/><subject typeCode="SUBJ"><registrationEvent classCode="REG" moodCode="EVN">{event}</registrationEvent></subject></controlActProcess>"#
    )
}

/// An add of a patient with `ids` and a person of `person`.
pub(super) fn add(ids: &str, person: &str) -> String {
    payload("PRPA_IN201301UV02", &registered(&format!("{}{CUSTODIAN}", patient(ids, person))))
}

const CUSTODIAN: &str = r#"<custodian typeCode="CST"><assignedEntity/></custodian>"#;

/// The event's status and its patient.
fn patient(ids: &str, person: &str) -> String {
    format!(
        r#"<statusCode code="active"/><subject1 typeCode="SBJ"><patient classCode="PAT">{ids}<statusCode code="active"/><patientPerson classCode="PSN" determinerCode="INSTANCE">{person}</patientPerson><providerOrganization classCode="ORG" determinerCode="INSTANCE"><id root="2.999.1"/><contactParty classCode="CON"/></providerOrganization></patient></subject1>"#
    )
}

/// A merge: the ids of survivor and subsumed.
pub(super) fn merge(survivor: &str, replacements: &str) -> String {
    payload(
        "PRPA_IN201304UV02",
        &registered(&format!("{}{CUSTODIAN}{replacements}", patient(survivor, "<name>A</name>"))),
    )
}

/// One `replacementOf` with the ids given.
pub(super) fn replacement(ids: &str) -> String {
    format!(
        r#"<replacementOf typeCode="RPLC"><priorRegistration classCode="REG" moodCode="EVN"><statusCode code="obsolete"/><subject1 typeCode="SBJ"><priorRegisteredRole classCode="PAT">{ids}</priorRegisteredRole></subject1></priorRegistration></replacementOf>"#
    )
}

/// A query with this parameter list content; `before` stands before the list.
pub(super) fn query(interaction: &str, before: &str, parameters: &str) -> String {
    let modality = if interaction == "PRPA_IN201305UV02" { r#"<responseModalityCode code="R"/>"# } else { "" };
    payload(
        interaction,
        &format!(
            r#"<controlActProcess classCode="CACT" moodCode="EVN"><code code="TRIGGER"/><queryByParameter><queryId root="2.999.9.5" extension="q1"/><statusCode code="new"/>{modality}<responsePriorityCode code="I"/>{before}<parameterList>{parameters}</parameterList></queryByParameter></controlActProcess>"#
        ),
    )
}

/// One parameter with `values`.
pub(super) fn parameter(name: &str, values: &str) -> String {
    format!("<{name}>{values}<semanticsText/></{name}>")
}

pub(super) fn read(text: &str, strictness: Strictness) -> Message {
    let element =
        xml::read(text.as_bytes(), None, &Limits::default()).unwrap_or_else(|error| panic!("{error}: {text}"));
    decode(&element, strictness).unwrap_or_else(|error| panic!("{error:?}: {text}"))
}

pub(super) fn lenient(text: &str) -> Message {
    read(text, Strictness::Lenient)
}

/// The demographics query that `parameters` say.
pub(super) fn criteria(parameters: &str) -> DemographicsQuery {
    match lenient(&query("PRPA_IN201305UV02", "", parameters)).content {
        Ok(Content::Demographics(asked)) => asked.criteria,
        other => panic!("{parameters}: {other:?}"),
    }
}

pub(super) fn fed(text: &str) -> Feed {
    match lenient(text).content {
        Ok(Content::Feed(feed)) => *feed,
        other => panic!("{text}: {other:?}"),
    }
}

/// `CODE path` for each detail, the paths without the root.
pub(super) fn told(details: &[Detail]) -> Vec<String> {
    let short = |path: &String| path.splitn(3, '/').nth(2).map_or(String::new(), |rest| format!("/{rest}"));
    details.iter().map(|d| format!("{} {}", d.code, d.locations.first().map_or_else(String::new, short))).collect()
}

/// Expects exactly this error (or none for "") in lenient, and in strict mode.
pub(super) fn check(text: &str, in_lenient: &str, in_strict: &str) {
    for (strictness, expected) in [(Strictness::Lenient, in_lenient), (Strictness::Strict, in_strict)] {
        let found = match read(text, strictness).content {
            Ok(_) => String::new(),
            Err(details) => told(&details).join("; "),
        };
        assert_eq!(found, expected, "{strictness:?} {text}");
    }
}
