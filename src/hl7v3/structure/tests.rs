//! What strict mode says of valid messages of which one thing was changed.

use crate::hl7v3::tests::{add, check, merge, parameter, query, replacement};

const ID: &str = r#"<id root="2.999.1" extension="1"/>"#;
const NAME: &str = "<name><family>Test</family></name>";
const EVENT: &str = "/controlActProcess/subject/registrationEvent";

/// Lenient mode takes what strict mode names.
fn strict(text: &str, expected: &str) {
    check(text, "", expected);
}

#[test]
fn feeds() {
    let person = format!("{NAME}<telecom value=\"tel:1\"/><birthTime value=\"1940\"/>");
    let valid = add(ID, &person);
    strict(&valid, "");
    let patient = format!("{EVENT}/subject1/patient");
    let changed = |from: &str, to: &str, expected: &str| {
        assert!(valid.contains(from), "{from}");
        strict(&valid.replacen(from, to, 1), expected);
    };
    changed(r#" ITSVersion="XML_1.0""#, "", "SYN101 /@ITSVersion");
    changed(r#"moodCode="EVN""#, r#"moodCode="RQO""#, "SYN103 /controlActProcess/@moodCode");
    changed(r#"<code code="PRPA_TE201301UV02"/>"#, "", "SYN100 /controlActProcess/code");
    changed("PRPA_TE201301UV02", "PRPA_TE201302UV02", "SYN103 /controlActProcess/code");
    changed(r#"<acceptAckCode code="AL"/>"#, r#"<acceptAckCode code="NE"/>"#, "SYN103 /acceptAckCode");
    changed("2.999.8.1", "snd_app3", "SYN102 /sender/device/id");
    changed(r#"root="2.999.8.2""#, r#"root="2.999.8.2" extension="x""#, "SYN102 /receiver/device/id");
    changed(r#"typeCode="RCV""#, r#"typeCode="SND""#, "SYN103 /receiver/@typeCode");
    changed("<acceptAckCode", "<profileId/><acceptAckCode", "SYN /profileId");
    changed("<custodian", "<bogus/><custodian", &format!("SYN {EVENT}/bogus"));
    changed(r#" classCode="PAT""#, "", &format!("SYN101 {patient}/@classCode"));
    changed(r#"<contactParty classCode="CON"/>"#, "", &format!("SYN100 {patient}/providerOrganization/contactParty"));
    let realm = r#"<realmCode code="JP"/><templateId root="2.999.5"/>"#;
    changed(ID, &format!("{realm}{ID}"), "");
    changed("</patientPerson>", &format!("{realm}</patientPerson>"), &format!("SYN {patient}/patientPerson/realmCode"));
    let late = format!("{NAME}<birthTime value=\"1940\"/><telecom value=\"tel:1\"/>");
    strict(&add(ID, &late), &format!("SYN {patient}/patientPerson/telecom"));
    let twice = format!("{NAME}<birthTime value=\"1940\"/><birthTime value=\"1940\"/>");
    strict(&add(ID, &twice), &format!("SYN110 {patient}/patientPerson/birthTime[2]"));
    let other = r#"<asOtherIDs classCode="PAT"><id root="2.999.3" extension="1"/></asOtherIDs>"#;
    strict(
        &add(ID, &format!("{NAME}{other}")),
        &format!("SYN100 {patient}/patientPerson/asOtherIDs/scopingOrganization"),
    );
    let null = r#"<asOtherIDs nullFlavor="NI" classCode="PAT"/>"#;
    strict(&add(ID, &format!("{NAME}{null}")), "");
}

#[test]
fn merges() {
    let valid = merge(ID, &replacement(r#"<id root="2.999.1" extension="2"/>"#));
    strict(&valid, "");
    strict(&valid.replace(r#" typeCode="RPLC""#, ""), &format!("SYN101 {EVENT}/replacementOf/@typeCode"));
}

#[test]
fn queries() {
    let value = parameter("patientIdentifier", r#"<value root="2.999.1" extension="1"/>"#);
    let source = parameter("dataSource", r#"<value root="2.999.1"/>"#);
    let list = "/controlActProcess/queryByParameter/parameterList";
    strict(&query("PRPA_IN201309UV02", "", &format!("{source}{value}")), "");
    strict(&query("PRPA_IN201309UV02", "", &format!("{value}{source}")), &format!("SYN {list}/dataSource"));
    strict(
        &query("PRPA_IN201309UV02", "", &value.replace("<semanticsText/>", "")),
        &format!("SYN100 {list}/patientIdentifier/semanticsText"),
    );
    let name = parameter("livingSubjectName", "<value><family>Test</family></value>");
    let id = parameter("livingSubjectId", r#"<value root="2.999.1" extension="1"/>"#);
    strict(&query("PRPA_IN201305UV02", "", &format!("{id}{name}{name}")), "");
    strict(&query("PRPA_IN201305UV02", "", &format!("{name}{id}")), &format!("SYN {list}/livingSubjectId"));
    let two = parameter("livingSubjectName", "<value>A</value><value>B</value>");
    strict(&query("PRPA_IN201305UV02", "", &two), &format!("SYN110 {list}/livingSubjectName/value[2]"));
    let address = parameter("patientAddress", "<value>A</value><value>B</value>");
    strict(&query("PRPA_IN201305UV02", "", &address), "");
}

#[test]
fn no_more_than_ten_errors_are_named() {
    let other = r#"<asOtherIDs classCode="PAT"><id root="2.999.3" extension="1"/></asOtherIDs>"#.repeat(30);
    let text = add(ID, &format!("{NAME}{other}"));
    let told = crate::hl7v3::tests::read(&text, crate::hl7v3::Strictness::Strict).content.unwrap_err();
    assert_eq!(told.len(), 10);
}
