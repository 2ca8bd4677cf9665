//! Queries and continuations (HL7 v3 sheet 2, 3.2, 3.3), as far as the language itself can tell.

use super::*;
use crate::hl7v3::Continuation;
use crate::identity::Sex;

const LIST: &str = "/controlActProcess/queryByParameter/parameterList";

fn pix(parameters: &str) -> String {
    query("PRPA_IN201309UV02", "", parameters)
}

fn asked(values: &str) -> String {
    parameter("patientIdentifier", values)
}

#[test]
fn cross_reference_queries() {
    let both = |text: &str, expected: &str| check(text, expected, expected);
    let value = r#"<value root="2.999.1" extension="1"/>"#;
    let at = |code: &str, path: &str| format!("{code} {LIST}{path}");
    both(&pix(&asked(value)), "");
    both(&pix(""), &at("SYN100", ""));
    both(&pix(&asked("")), &at("SYN100", ""));
    both(&pix(&asked(r#"<value nullFlavor="UNK"/>"#)), &at("SYN100", "/patientIdentifier/value"));
    both(&pix(&asked(value).repeat(2)), &at("SYN110", "/patientIdentifier[2]"));
    both(&pix(&asked(&value.repeat(2))), &at("SYN110", "/patientIdentifier/value[2]"));
    both(&pix(&asked(r#"<value root="2.999.1"/>"#)), &at("SYN100", "/patientIdentifier/value"));
    both(&pix(&asked(r#"<value root="x y" extension="1"/>"#)), &at("SYN102", "/patientIdentifier/value"));
    let source = |root: &str| parameter("dataSource", &format!(r#"<value {root}/>"#));
    let two = format!("{}{}{}", asked(value), source(r#"root="2.999.1""#), source(r#"root="a""#));
    both(&pix(&two), &at("SYN102", "/dataSource[2]/value"));
    let extended = format!("{}{}", asked(value), source(r#"root="2.999.1" extension="1""#));
    check(&pix(&extended), "", &at("SYN110", "/dataSource[1]/value"));
    both(&payload("PRPA_IN201309UV02", "<controlActProcess/>"), "SYN100 /controlActProcess");
    let bare = "<controlActProcess><queryByParameter/></controlActProcess>";
    let path = "SYN100 /controlActProcess/queryByParameter";
    both(&payload("PRPA_IN201309UV02", bare), &format!("{path}; {path}"));
}

#[test]
fn sources_and_their_places() {
    let source = |root: &str| parameter("dataSource", &format!(r#"<value {root}/>"#));
    let text = pix(&[
        asked(r#"<value root="2.999.1" extension="Aa"/>"#),
        source(r#"nullFlavor="NI""#),
        source(r#"root="2.999.2""#),
    ]
    .concat());
    match lenient(&text).content {
        Ok(Content::CrossReference(read)) => {
            assert_eq!(read.query_id.extension.as_deref(), Some("q1"));
            assert_eq!(read.identifier.value.value, "Aa");
            assert_eq!(read.identifier.location, format!("/PRPA_IN201309UV02{LIST}/patientIdentifier/value"));
            let places: Vec<_> = read.data_sources.iter().map(|p| format!("{} {}", p.value, p.location)).collect();
            assert_eq!(places, [format!("2.999.2 /PRPA_IN201309UV02{LIST}/dataSource[2]/value")]);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn demographics_queries() {
    let pdq = |parameters: &str| query("PRPA_IN201305UV02", "", parameters);
    let both = |text: &str, expected: &str| check(text, expected, expected);
    both(&pdq(""), "");
    both(
        &pdq(&parameter("livingSubjectBirthTime", r#"<value value="1940x"/>"#)),
        &format!("SYN102 {LIST}/livingSubjectBirthTime/value"),
    );
    both(
        &pdq(&parameter("livingSubjectAdministrativeGender", r#"<value code="Q"/>"#)),
        &format!("SYN103 {LIST}/livingSubjectAdministrativeGender/value"),
    );
    let ignored = pdq(&parameter("patientStatusCode", r#"<value code="a"/>"#));
    check(&ignored, "", &format!("SYN110 {LIST}/patientStatusCode"));
    assert_eq!(told(&lenient(&ignored).remarks), [format!(" {LIST}/patientStatusCode")]);
    let twice = |name: &str, value: &str| {
        let path = format!("{LIST}/{name}");
        both(&pdq(&parameter(name, &value.repeat(2))), &format!("SYN110 {path}/value[2]"));
        both(&pdq(&parameter(name, value).repeat(2)), &format!("SYN110 {path}[2]/value"));
    };
    twice("livingSubjectBirthTime", r#"<value value="1940"/>"#);
    twice("livingSubjectAdministrativeGender", r#"<value code="F"/>"#);
    let algorithm =
        "<matchCriterionList><matchAlgorithm><value>x</value><semanticsText/></matchAlgorithm></matchCriterionList>";
    let told_of = lenient(&query("PRPA_IN201305UV02", algorithm, "")).remarks;
    let place = " /controlActProcess/queryByParameter/matchCriterionList/matchAlgorithm";
    assert_eq!(told(&told_of), [place.to_owned(), format!("{place}/value")]);
    let dropped = pdq(&parameter("patientTelecom", r#"<value value="tel:1"/><value/>"#));
    assert_eq!(told(&lenient(&dropped).remarks), [format!(" {LIST}/patientTelecom/value[2]")]);
    let degree = |degree: &str| {
        let list = format!(
            r#"<matchCriterionList><minimumDegreeMatch><value xsi:type="INT" value="{degree}"/><semanticsText/></minimumDegreeMatch></matchCriterionList>"#
        );
        query("PRPA_IN201305UV02", &list, "")
    };
    let path = "/controlActProcess/queryByParameter/matchCriterionList/minimumDegreeMatch/value";
    for bad in ["101", "-1", "x"] {
        both(&degree(bad), &format!("SYN103 {path}"));
    }
    for good in ["0", "100"] {
        both(&degree(good), "");
    }
    for (bad, code) in [("-5", "SYN103"), ("0", "SYN103"), ("9999999999", "SYN103"), ("x", "SYN102")] {
        let quantity = query("PRPA_IN201305UV02", &format!(r#"<initialQuantity value="{bad}"/>"#), "");
        both(&quantity, &format!("{code} /controlActProcess/queryByParameter/initialQuantity"));
    }
}

#[test]
fn what_a_demographics_query_asks() {
    let all = [
        parameter("patientTelecom", r#"<value value="tel:03 1234"/><value value="tel:5"/>"#),
        parameter("otherIDsScopingOrganization", r#"<value root="2.999.2"/>"#),
        parameter("mothersMaidenName", "<value><family>Mori</family></value>"),
        parameter("livingSubjectName", r#"<value use="SRCH L"><family>Test</family></value>"#),
        parameter("livingSubjectName", r#"<value use="IDE"><given>花</given></value>"#),
        parameter("livingSubjectId", r#"<value root="2.999.1" extension="1"/>"#),
        parameter("livingSubjectId", r#"<value nullFlavor="NI"/>"#),
        parameter("patientAddress", "<value><city>Ueno</city></value>"),
        parameter("livingSubjectAdministrativeGender", r#"<value code="F"/>"#),
    ];
    let read = criteria(&all.concat());
    let counts = (read.telecoms.len(), read.mothers_maiden_names.len(), read.addresses.len(), read.identifiers.len());
    assert_eq!(counts, (2, 1, 1, 1));
    assert_eq!(read.names.iter().map(|n| n.similar).collect::<Vec<_>>(), [true, false]);
    assert!(read.names.iter().all(|n| !n.name.uses.contains(&"SRCH".to_owned())));
    assert_eq!((read.sex, read.domains.len()), (Some(Sex::Female), 1));
    for nothing in [r#"code="UN""#, r#"nullFlavor="UNK""#, r#"nullFlavor="MSK" code="M""#] {
        let gender = parameter("livingSubjectAdministrativeGender", &format!("<value {nothing}/>"));
        assert_eq!(criteria(&gender).sex, None, "{nothing}");
    }
    let masked = [
        parameter("livingSubjectName", r#"<value nullFlavor="MSK"><family>A</family></value>"#),
        parameter("patientTelecom", r#"<value nullFlavor="MSK" value="tel:1"/>"#),
        parameter("livingSubjectId", r#"<value nullFlavor="MSK" root="2.999.1" extension="1"/>"#),
        parameter("livingSubjectBirthTime", r#"<value nullFlavor="MSK" value="1940"/>"#),
        parameter("patientAddress", r#"<value nullFlavor="MSK"><city>A</city></value>"#),
    ];
    assert!(criteria(&masked.concat()).is_unconstrained());
}

#[test]
fn continuations() {
    let text = |interaction: &str, inside: &str| {
        payload(
            interaction,
            &format!("<controlActProcess><queryContinuation>{inside}</queryContinuation></controlActProcess>"),
        )
    };
    let id = r#"<queryId root="2.999.9.5" extension="q1"/>"#;
    let check_read = |interaction: &str, inside: &str, expected: (Option<u32>, Option<u32>, bool)| {
        let read = lenient(&text(interaction, &format!("{id}{inside}")));
        assert!(read.query_id.is_some());
        match read.content {
            Ok(Content::Continuation(Continuation { start, quantity, cancel, .. })) => {
                assert_eq!((start, quantity, cancel), expected, "{inside}");
            }
            other => panic!("{inside}: {other:?}"),
        }
    };
    let go = "QUQI_IN000003UV01";
    check_read(go, r#"<statusCode code="waitContinuedQueryResponse"/>"#, (None, None, false));
    let full = r#"<startResultNumber value="11"/><continuationQuantity value="10"/>"#;
    check_read(go, full, (Some(11), Some(10), false));
    check_read(go, r#"<continuationQuantity value="0"/><statusCode code="aborted"/>"#, (None, None, true));
    check_read("QUQI_IN000003UV01_Cancel", "", (None, None, true));
    let none = format!(r#"{id}<continuationQuantity value="0"/><statusCode code="waitContinuedQueryResponse"/>"#);
    let place = "SYN103 /controlActProcess/queryContinuation/continuationQuantity";
    check(&text(go, &none), place, place);
    check(&text(go, ""), "SYN100 /controlActProcess/queryContinuation", "SYN100 /controlActProcess/queryContinuation");
    check(&payload(go, ""), "SYN100 /controlActProcess", "SYN100 /controlActProcess");
}
