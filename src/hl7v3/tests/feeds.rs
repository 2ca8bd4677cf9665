//! Feeds and merges: every refusal of the table of HL7 v3 sheet 3.1 that the language itself can tell.

use super::*;

const ID: &str = r#"<id root="2.999.1" extension="1"/>"#;
const NAME: &str = "<name><family>Test</family></name>";

fn at(path: &str, code: &str) -> String {
    format!("{code} {EVENT}{path}")
}

#[test]
fn refused_feeds() {
    let both = |text: &str, expected: &str| check(text, expected, expected);
    let interaction = "PRPA_IN201301UV02";
    both(&add(ID, NAME), "");
    both(&add(ID, r#"<name nullFlavor="NA"/>"#), "");
    both(&add(r#"<id nullFlavor="NI"/>"#, NAME), "");
    both(&add(r#"<id nullFlavor="NI" root="2.999.1"/>"#, NAME), "");
    both(&add(r#"<id nullFlavor="NI"/>"#, r#"<name nullFlavor="NA"/>"#), &at("/subject1/patient", "SYN101"));
    both(&add("", ""), &at("/subject1/patient", "SYN101"));
    both(&payload(interaction, ""), "SYN100 ");
    both(&payload(interaction, "<controlActProcess/>"), "SYN100 /controlActProcess");
    both(&payload(interaction, "<controlActProcess><subject/></controlActProcess>"), "SYN100 /controlActProcess");
    let two = "<controlActProcess><subject/><subject/></controlActProcess>";
    both(&payload(interaction, two), "SYN110 /controlActProcess/subject[2]");
    both(&payload(interaction, &registered("<subject1/>")), &at("", "SYN100"));
    let no_person = format!("<subject1><patient>{ID}</patient></subject1>");
    both(&payload(interaction, &registered(&no_person)), &at("/subject1/patient", "SYN100"));
    let replaced = format!("<subject1><patient>{ID}<patientPerson/></patient></subject1>{}", replacement(ID));
    both(&payload(interaction, &registered(&replaced)), &at("/replacementOf", "SYN110"));
}

#[test]
fn refused_values() {
    let id = |id: &str, lenient: &str, strict: &str| check(&add(id, NAME), &at_or(lenient), &at_or(strict));
    let person = |person: &str, lenient: &str, strict: &str| {
        check(&add(ID, &format!("{NAME}{person}")), &at_or(lenient), &at_or(strict));
    };
    id(r#"<id root="x y" extension="1"/>"#, "id SYN102", "id SYN102");
    id(r#"<id root="" extension="1"/>"#, "id SYN100", "id SYN100");
    id(r#"<id root="2.999.1" extension=""/>"#, "id SYN102", "id SYN102");
    id(r#"<id root="2.999.1"/>"#, "id SYN100", "id SYN100");
    id(r#"<id root=" 2.999.1 " extension="1"/>"#, "", "id SYN102");
    id(&format!(r#"{ID}<id root="a" extension="1"/>"#), "id[2] SYN102", "id[2] SYN102");
    person(r#"<birthTime value="19411301"/>"#, "patientPerson/birthTime SYN102", "patientPerson/birthTime SYN102");
    person(r#"<birthTime value="1940-05-12T01:02:03Z"/>"#, "", "patientPerson/birthTime SYN102");
    person(r#"<birthTime value="19400512+0900"/>"#, "", "patientPerson/birthTime SYN102");
    let gender = "patientPerson/administrativeGenderCode";
    let code = |code: &str| format!(r#"<administrativeGenderCode code="{code}"/>"#);
    person(&code("X"), &format!("{gender} SYN103"), &format!("{gender} SYN103"));
    person(&code("M"), "", "");
    let foreign = r#"<administrativeGenderCode code="M" codeSystem="2.999.7"/>"#;
    person(foreign, &format!("{gender} SYN104"), &format!("{gender} SYN104"));
    let bridged =
        |code: &str| format!(r#"<administrativeGenderCode code="{code}" codeSystem="2.16.840.1.113883.12.1"/>"#);
    person(&bridged("F"), "", &format!("{gender} SYN104"));
    let both = format!("{}; {}", at_or(&format!("{gender} SYN104")), at_or(&format!("{gender} SYN103")));
    check(&add(ID, &format!("{NAME}{}", bridged("Q"))), &at_or(&format!("{gender} SYN103")), &both);
    person(r#"<deceasedInd value="yes"/>"#, "patientPerson/deceasedInd SYN102", "patientPerson/deceasedInd SYN102");
    let order = "patientPerson/multipleBirthOrderNumber SYN102";
    person(r#"<multipleBirthOrderNumber value="-1"/>"#, order, order);
    let other = r#"<asOtherIDs><id root="?" extension="1"/></asOtherIDs>"#;
    person(other, "", "patientPerson/asOtherIDs/id SYN102");
}

/// `path CODE` below the patient as `CODE path`.
fn at_or(expected: &str) -> String {
    expected.split_once(' ').map_or(String::new(), |(path, code)| at(&format!("/subject1/patient/{path}"), code))
}

#[test]
fn merges() {
    let both = |text: &str, expected: &str| check(text, expected, expected);
    let other = r#"<id root="2.999.1" extension="2"/>"#;
    let prior = "/replacementOf/priorRegistration/subject1/priorRegisteredRole/id";
    both(&merge(ID, ""), &at("", "SYN100"));
    both(&merge(ID, &replacement("")), &at("/replacementOf", "SYN100"));
    both(&merge(ID, &replacement(&format!("{ID}{other}"))), &at(&format!("{prior}[2]"), "SYN110"));
    both(&merge(ID, &replacement(other).repeat(2)), &at("/replacementOf[2]", "SYN110"));
    both(&merge(&format!("{ID}{other}"), &replacement(ID)), &at("/subject1/patient/id[2]", "SYN110"));
    both(&merge("", &replacement(ID)), &at("/subject1/patient", "SYN100"));
    let wrong = merge(ID, &replacement(other)).replace("obsolete", "active");
    check(&wrong, "", &at("/replacementOf/priorRegistration/statusCode", "SYN103"));
    match lenient(&merge(ID, &replacement(other))).content {
        Ok(Content::Merge(read)) => {
            assert_eq!((&*read.survivor.value.value, &*read.subsumed.value.value), ("1", "2"));
            assert_eq!(read.subsumed.location, format!("/PRPA_IN201304UV02{EVENT}{prior}"));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn identifiers_and_where_they_stand() {
    let other = r#"<asOtherIDs><id root="2.999.3" extension="z"/><id nullFlavor="NA"/></asOtherIDs>"#;
    let ids = format!(r#"{ID}<id nullFlavor="NI"/><id root="2.999.2" extension=" b"/>"#);
    let feed = fed(&add(&ids, &format!("{NAME}{other}")));
    let shown = |placed: &[crate::hl7v3::Placed<crate::identity::PatientIdentifier>]| -> Vec<String> {
        placed.iter().map(|p| format!("{} {}|{}", p.value.authority, p.value.value, p.location)).collect()
    };
    let patient = format!("/PRPA_IN201301UV02{EVENT}/subject1/patient");
    let expected = [format!("2.999.1 1|{patient}/id[1]"), format!("2.999.2  b|{patient}/id[3]")];
    assert_eq!(shown(&feed.identifiers), expected);
    assert_eq!(shown(&feed.other_identifiers), [format!("2.999.3 z|{patient}/patientPerson/asOtherIDs/id[1]")]);
    let single = fed(&add(ID, NAME));
    assert_eq!(shown(&single.identifiers), [format!("2.999.1 1|{patient}/id")]);
}

#[test]
fn gender_told_in_a_table_of_v2() {
    use crate::identity::{Field, Sex, UnknownReason};
    let check = |code: &str, expected: Field<Sex>| {
        let gender = format!(r#"<administrativeGenderCode code="{code}" codeSystem="2.16.840.1.113883.12.1"/>"#);
        let text = add(ID, &format!("{NAME}{gender}"));
        assert_eq!(fed(&text).demographics.sex, expected, "{code}");
        assert_eq!(lenient(&text).remarks.len(), 1);
    };
    check("M", Field::Set(Sex::Male));
    check("F", Field::Set(Sex::Female));
    check("O", Field::Set(Sex::Undifferentiated));
    check("A", Field::Set(Sex::Undifferentiated));
    check("U", Field::Unknown(UnknownReason::Unknown));
    check("N", Field::Unknown(UnknownReason::NotApplicable));
}
