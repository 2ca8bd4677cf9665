//! Replies, written and read again: codes, order, and that nothing masked shows.

use super::*;
use crate::hl7v3::{
    AcceptCode, CrossReferenceAnswer, DemographicsAnswer, FoundPatient, Header, InstanceIdentifier, QueryEnd,
    ReplyFrame, Severity, ShownIdentifier, accept_acknowledgement, cross_reference_response, demographics_response,
};
use crate::identity::{
    Address, AddressPart, AddressPartKind, Coded, Demographics, Field, Language, NamePart, NamePartKind, Oid,
    PartialDate, PatientIdentifier, PersonName, Relationship, Representation, Sex, Telecom, TelecomScheme,
    UnknownReason,
};
use crate::xml::Element;

fn frame() -> ReplyFrame {
    ReplyFrame {
        id: "0A1B2C3D-0000-4000-8000-0123456789AB".to_owned(),
        creation_time: "20260102030405+0900".to_owned(),
        device: "2.999.8.2".to_owned(),
    }
}

fn header(interaction: &str) -> Header {
    lenient(&payload(interaction, "")).header
}

fn detail(severity: Severity, code: &str) -> Detail {
    Detail {
        severity,
        code: code.to_owned(),
        code_system: if code.is_empty() { String::new() } else { "2.16.840.1.113883.12.357".to_owned() },
        text: "an explanation with <&> in it".to_owned(),
        locations: vec!["/PRPA_IN201309UV02/controlActProcess".to_owned()],
    }
}

fn shown(root: &str, value: &str) -> ShownIdentifier {
    let identifier = PatientIdentifier { authority: Oid::parse(root).unwrap(), value: value.to_owned() };
    ShownIdentifier { identifier, authority_name: "TESTHOSP".to_owned() }
}

/// The reply read again; with a directory in `NAYOSE_REPLIES` it is left there too, for a schema check.
fn reread(name: &str, text: &str) -> Element {
    let directory = std::env::vars().find(|(key, _)| key == "NAYOSE_REPLIES");
    if let Some((_, directory)) = directory {
        std::fs::write(format!("{directory}/{name}.xml"), text).unwrap();
    }
    xml::read(text.as_bytes(), None, &Limits::default()).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn down<'a>(element: &'a Element, path: &str) -> &'a Element {
    path.split('/').fold(element, |at, step| {
        at.elements().find(|e| &*e.name.local == step).unwrap_or_else(|| panic!("no {step} of {path}"))
    })
}

fn code<'a>(element: &'a Element, path: &str) -> &'a str {
    down(element, path).attribute("code").unwrap()
}

#[test]
fn acknowledgements() {
    for (accept, expected) in [(AcceptCode::Accept, "CA"), (AcceptCode::Error, "CE"), (AcceptCode::Reject, "CR")] {
        let details =
            [detail(Severity::Error, "204"), detail(Severity::Warning, ""), detail(Severity::Information, "")];
        let text = accept_acknowledgement(&frame(), &header("PRPA_IN201301UV02"), accept, &details);
        let reply = reread(&format!("ack-{expected}"), &text);
        assert!(reply.is("urn:hl7-org:v3", "MCCI_IN000002UV01"));
        assert_eq!(code(&reply, "acknowledgement/typeCode"), expected);
        let target = down(&reply, "acknowledgement/targetMessage/id");
        assert_eq!((target.attribute("root"), target.attribute("extension")), (Some("2.999.9.1"), Some("m1")));
        assert_eq!((code(&reply, "acceptAckCode"), code(&reply, "processingModeCode")), ("NE", "T"));
        assert_eq!(down(&reply, "receiver/device/id").attribute("root"), Some("2.999.8.1"));
        let agent = "receiver/device/asAgent/representedOrganization/id";
        assert_eq!(down(&reply, agent).attribute("root"), Some("2.999.8.9"));
        assert_eq!(down(&reply, "sender/device/id").attribute("root"), Some("2.999.8.2"));
        let kinds: Vec<_> = down(&reply, "acknowledgement")
            .all("acknowledgementDetail")
            .map(|d| d.attribute("typeCode").unwrap())
            .collect();
        assert_eq!(kinds, ["E", "W", "I"]);
        assert_eq!(down(&reply, "acknowledgement/acknowledgementDetail/text").text(), detail(Severity::Error, "").text);
    }
}

#[test]
fn odd_wrappers_still_get_valid_replies() {
    let mut header = header("PRPA_IN201301UV02");
    header.id = InstanceIdentifier { root: "not an oid".to_owned(), extension: Some("1".to_owned()) };
    header.sender.ids[0].root = "snd_app3".to_owned();
    header.processing_code = "?".to_owned();
    let reply = reread("ack-odd", &accept_acknowledgement(&frame(), &header, AcceptCode::Error, &[]));
    assert_eq!(down(&reply, "acknowledgement/targetMessage/id").attribute("nullFlavor"), Some("UNK"));
    assert_eq!(code(&reply, "processingCode"), "P");
    assert_eq!(down(&reply, "receiver/device/id").attribute("root"), Some("2.25.0"), "nobody, as an OID");
}

const ENDS: [(QueryEnd, &str, &str, &str); 5] = [
    (QueryEnd::Found, "AA", "deliveredResponse", "OK"),
    (QueryEnd::NotFound, "AA", "deliveredResponse", "NF"),
    (QueryEnd::Error, "AE", "deliveredResponse", "AE"),
    (QueryEnd::InvalidQuery, "AE", "aborted", "QE"),
    (QueryEnd::Aborted, "AE", "aborted", "AE"),
];

fn details_of(end: QueryEnd) -> Vec<Detail> {
    if matches!(end, QueryEnd::Found | QueryEnd::NotFound) { Vec::new() } else { vec![detail(Severity::Error, "204")] }
}

fn query_id() -> InstanceIdentifier {
    InstanceIdentifier { root: "2.999.9.5".to_owned(), extension: Some("q1".to_owned()) }
}

#[test]
fn cross_reference_replies() {
    let asked = [
        parameter("patientIdentifier", r#"<value root="2.999.1" extension="1"/>"#),
        parameter("dataSource", r#"<value root="2.999.2"/>"#),
    ];
    let echo = lenient(&query("PRPA_IN201309UV02", "", &asked.concat())).echo.unwrap();
    for (end, ack, status, response) in ENDS {
        let identifiers = match end {
            QueryEnd::Found => vec![shown("2.999.2", "7"), shown("2.999.3", "x<&\""), shown("2.999.2", "8")],
            _ => Vec::new(),
        };
        let answer = CrossReferenceAnswer { end, details: details_of(end), identifiers };
        let text = cross_reference_response(&frame(), &header("PRPA_IN201309UV02"), &query_id(), Some(&echo), &answer);
        let reply = reread(&format!("310-{end:?}"), &text);
        assert!(reply.is("urn:hl7-org:v3", "PRPA_IN201310UV02"));
        assert_eq!(code(&reply, "acknowledgement/typeCode"), ack);
        let act = down(&reply, "controlActProcess");
        assert_eq!(code(act, "code"), "PRPA_TE201310UV02");
        assert_eq!((code(act, "queryAck/statusCode"), code(act, "queryAck/queryResponseCode")), (status, response));
        assert_eq!(down(act, "queryAck/queryId").attribute("extension"), Some("q1"));
        assert!(down(act, "queryAck").first("resultTotalQuantity").is_none());
        assert_eq!(down(act, "queryByParameter/parameterList/dataSource/value").attribute("root"), Some("2.999.2"));
        assert_eq!(act.first("subject").is_some(), end == QueryEnd::Found, "{end:?}");
        if end == QueryEnd::Found {
            let patient = down(act, "subject/registrationEvent/subject1/patient");
            let ids: Vec<_> = patient.all("id").map(|id| id.attribute("extension").unwrap()).collect();
            assert_eq!(ids, ["7", "x<&\"", "8"]);
            assert!(patient.all("id").all(|id| id.attribute("assigningAuthorityName") == Some("TESTHOSP")));
            assert_eq!(down(patient, "patientPerson/name").attribute("nullFlavor"), Some("NA"));
            // Of several authorities none is named as the provider: the rule on it cannot be met by several ids.
            assert!(patient.first("providerOrganization").is_none());
        }
    }
}

#[test]
fn the_authority_of_all_identifiers_is_told() {
    let identifiers = vec![shown("2.999.2", "7"), shown("2.999.2", "8")];
    let answer = CrossReferenceAnswer { end: QueryEnd::Found, details: Vec::new(), identifiers };
    let text = cross_reference_response(&frame(), &header("PRPA_IN201309UV02"), &query_id(), None, &answer);
    let reply = reread("310-OneAuthority", &text);
    let patient = down(&reply, "controlActProcess/subject/registrationEvent/subject1/patient");
    let roots: Vec<_> = down(patient, "providerOrganization").all("id").map(|id| id.attribute("root")).collect();
    assert_eq!(roots, [Some("2.999.2")]);
}

fn coded(code: &str, system: &str) -> Coded {
    Coded { code: code.to_owned(), system: system.to_owned(), display: "SHOWN".to_owned() }
}

fn name(representation: Option<Representation>, family: &str, given: &str) -> PersonName {
    PersonName::simple(representation, family, given)
}

fn address(uses: &[&str], kinds: &[AddressPartKind]) -> Address {
    let parts = kinds.iter().map(|kind| AddressPart { kind: *kind, value: format!("{kind:?} SHOWN") }).collect();
    Address { uses: uses.iter().map(|word| (*word).to_owned()).collect(), parts }
}

fn telecom(value: &str) -> Telecom {
    let uses = vec!["HP".to_owned(), "PRN".to_owned()];
    Telecom { uses, scheme: TelecomScheme::Phone, value: value.to_owned() }
}

fn date(text: &str) -> PartialDate {
    PartialDate::parse_hl7(text).unwrap()
}

/// Everything that can be said, said.
fn rich() -> Demographics {
    use AddressPartKind as A;
    let mut odd = name(None, "Yamada", "Hanako");
    odd.uses = vec!["L".to_owned(), "D".to_owned(), "L".to_owned()];
    let part = |kind, value: &str, qualifiers: &[&str]| NamePart {
        kind,
        value: value.to_owned(),
        qualifiers: qualifiers.iter().map(|word| (*word).to_owned()).collect(),
    };
    odd.parts.push(part(NamePartKind::Prefix, "Dr", &["AC", "XX"]));
    odd.parts.push(part(NamePartKind::Delimiter, ",", &[]));
    odd.parts.push(part(NamePartKind::Suffix, "III", &["HON"]));
    odd.parts.push(part(NamePartKind::Text, "free", &[]));
    odd.parts.push(part(NamePartKind::Family, "Mori", &["BR", "SP"]));
    Demographics {
        names: Field::Set(vec![
            name(Some(Representation::Ideographic), "山田", "花子"),
            name(Some(Representation::Syllabic), "ヤマダ", "ハナコ"),
            name(Some(Representation::Alphabetic), "Yamada", "Hanako"),
            odd,
        ]),
        sex: Field::Set(Sex::Undifferentiated),
        birth_date: Field::Set(date("19400512131415.5+0900")),
        addresses: Field::Set(vec![
            address(
                &["HP", "IDE", "XX"],
                &[A::Country, A::State, A::County, A::City, A::Precinct, A::PostalCode, A::StreetAddressLine],
            ),
            address(&["B"], &[A::StreetName, A::HouseNumber, A::Unit, A::PostBox, A::Other, A::Text]),
            address(&[], &[A::StreetNameBase, A::HouseNumberNumeric, A::AdditionalLocator, A::CareOf, A::Delimiter]),
        ]),
        telecoms: Field::Set(vec![telecom("tel: 03 1234"), telecom("(03) 12.34"), telecom("mailto:a@example.org")]),
        deceased: Field::Set(true),
        deceased_time: Field::Set(date("2020")),
        multiple_birth: Field::Set(true),
        birth_order: Field::Set(2),
        marital_status: Field::Set(coded("M", "2.16.840.1.113883.5.2")),
        religion: Field::Set(coded("1013", "")),
        races: Field::Set(vec![coded("2039-6", "HL70005"), coded("with blank", "2.999.7"), coded("", "2.999.7")]),
        ethnic_groups: Field::Set(vec![coded("2186-5", "2.16.840.1.113883.5.50")]),
        citizenships: Field::Set(vec![coded("JP", "1.0.3166.1.2.2"), coded("a b", "")]),
        languages: Field::Set(vec![
            Language {
                code: coded("ja", "2.16.840.1.113883.6.121"),
                mode: Some(coded("ESP", "2.16.840.1.113883.5.60")),
                proficiency: Some(coded("E", "2.16.840.1.113883.5.61")),
                preferred: Some(true),
            },
            Language { code: coded("en", ""), mode: None, proficiency: None, preferred: None },
        ]),
        relationships: Field::Set(vec![Relationship {
            code: coded("MTH", "2.16.840.1.113883.5.111"),
            names: vec![name(None, "Mori", ""), name(Some(Representation::Ideographic), "森", "")],
        }]),
        birth_place: Field::Set(address(&[], &[A::City])),
        other_identifiers: Field::Keep,
        confidentiality: Field::Set(vec![coded("N", "2.16.840.1.113883.5.25"), coded("V", "")]),
        vip: Field::Set(coded("VIP", "")),
    }
}

fn masked() -> Demographics {
    Demographics {
        names: Field::Masked,
        sex: Field::Masked,
        birth_date: Field::Masked,
        addresses: Field::Masked,
        telecoms: Field::Masked,
        deceased: Field::Masked,
        deceased_time: Field::Masked,
        multiple_birth: Field::Masked,
        birth_order: Field::Masked,
        marital_status: Field::Masked,
        religion: Field::Masked,
        races: Field::Masked,
        ethnic_groups: Field::Masked,
        citizenships: Field::Masked,
        languages: Field::Masked,
        relationships: Field::Masked,
        birth_place: Field::Masked,
        other_identifiers: Field::Masked,
        confidentiality: Field::Masked,
        vip: Field::Masked,
    }
}

fn found(demographics: Demographics, domains_without: &[&str]) -> FoundPatient {
    FoundPatient {
        identifiers: vec![shown("2.999.1", "1"), shown("2.999.2", "2"), shown("2.999.1", "3")],
        domains_without: domains_without.iter().map(|oid| Oid::parse(oid).unwrap()).collect(),
        demographics: demographics.into(),
        degree: 87,
    }
}

/// An echo of every parameter, some of them in shapes that no schema allows.
fn full_echo() -> String {
    let criteria = r#"<initialQuantity value="5"/><matchCriterionList><minimumDegreeMatch><value value="75"/></minimumDegreeMatch></matchCriterionList>"#;
    lenient(&query("PRPA_IN201305UV02", criteria, &super::codec::disorder())).echo.unwrap()
}

#[test]
fn demographics_replies() {
    let echo = full_echo();
    for (end, ack, status, response) in ENDS {
        let unknown = Demographics { names: Field::Unknown(UnknownReason::Unknown), ..Demographics::default() };
        let patients = match end {
            QueryEnd::Found => vec![found(rich(), &["2.999.3", "2.999.4"]), found(masked(), &[]), found(unknown, &[])],
            _ => Vec::new(),
        };
        let (total, remaining) = if patients.is_empty() { (0, 0) } else { (12, 9) };
        let answer = DemographicsAnswer { end, details: details_of(end), patients, total, remaining };
        let text = demographics_response(&frame(), &header("PRPA_IN201305UV02"), &query_id(), Some(&echo), &answer);
        let reply = reread(&format!("306-{end:?}"), &text);
        assert!(reply.is("urn:hl7-org:v3", "PRPA_IN201306UV02"));
        assert_eq!(code(&reply, "acknowledgement/typeCode"), ack);
        let act = down(&reply, "controlActProcess");
        assert_eq!((code(act, "queryAck/statusCode"), code(act, "queryAck/queryResponseCode")), (status, response));
        let quantity = |of: &str| down(act, &format!("queryAck/result{of}Quantity")).attribute("value").unwrap();
        let expected = if end == QueryEnd::Found { ["12", "3", "9"] } else { ["0", "0", "0"] };
        assert_eq!(["Total", "Current", "Remaining"].map(quantity), expected);
        assert!(act.first("queryByParameter").is_some());
        if end == QueryEnd::Found {
            check_patients(act);
        }
    }
}

fn check_patients(act: &Element) {
    let patients: Vec<_> = act.all("subject").map(|s| down(s, "registrationEvent/subject1/patient")).collect();
    let person = down(patients[0], "patientPerson");
    let uses: Vec<_> = person.all("name").map(|name| name.attribute("use").unwrap()).collect();
    assert_eq!(uses, ["L IDE", "L SYL", "L ABC", "L"]);
    assert_eq!(down(person, "birthTime").attribute("value"), Some("19400512131415.5+0900"));
    assert_eq!(code(person, "administrativeGenderCode"), "UN");
    assert!(person.first("birthPlace").is_none(), "omitted in ITI-47 answers");
    let others: Vec<_> =
        person.all("asOtherIDs").map(|o| down(o, "scopingOrganization/id").attribute("root").unwrap()).collect();
    assert_eq!(others, ["2.999.3", "2.999.4"]);
    let relative = down(person, "personalRelationship");
    assert_eq!(
        (code(relative, "code"), down(relative, "relationshipHolder1/name/family").text().as_str()),
        ("MTH", "Mori")
    );
    assert_eq!(down(patients[0], "subjectOf1/queryMatchObservation/value").attribute("value"), Some("87"));
    let hidden = down(patients[1], "patientPerson");
    for element in ["name", "telecom", "administrativeGenderCode", "birthTime", "deceasedInd", "addr", "raceCode"] {
        assert_eq!(down(hidden, element).attribute("nullFlavor"), Some("MSK"), "{element}");
        assert!(down(hidden, element).children.is_empty());
    }
    assert_eq!(down(patients[2], "patientPerson/name").attribute("nullFlavor"), Some("UNK"));
}
