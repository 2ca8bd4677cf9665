//! The echo of a query, and what makes no difference when reading.

use super::*;
use crate::xml::Element;

/// Every parameter of ITI-47 in the wrong order and some in the wrong shape.
pub(super) fn disorder() -> String {
    [
        parameter("patientTelecom", r#"<value use="HP XX" value="tel: 03 1"/><value/>"#),
        parameter("patientStatusCode", r#"<value code="active"/>"#),
        parameter("patientAddress", r#"<value use="HP"><city>Ueno</city><bogus>b</bogus>free</value>"#),
        parameter("otherIDsScopingOrganization", r#"<value root="2.999.2" extension="e"/>"#),
        parameter("otherIDsScopingOrganization", r#"<value root="not an oid"/>"#),
        parameter("mothersMaidenName", r#"<value><family>Mori</family></value>"#),
        parameter(
            "livingSubjectName",
            r#"<value use="SRCH D L OLD"><given qualifier="CL">Hana</given><family qualifier="BR HON">Yamada</family></value>"#,
        ),
        parameter("livingSubjectName", r#"<value use="IDE"><family nullFlavor="MSK">SECRET</family><given>花</given></value>"#),
        parameter("livingSubjectName", r#"<value nullFlavor="MSK"><family>SECRET</family></value>"#),
        parameter("livingSubjectId", r#"<value root="2.999.1" extension="1"/>"#),
        parameter("livingSubjectId", r#"<value root="?" extension="1"/>"#),
        parameter("livingSubjectBirthTime", r#"<value><low value="1940" inclusive="false"/><high value="1950"/></value>"#),
        parameter("livingSubjectAdministrativeGender", r#"<value code="F" codeSystemName="G"/>"#),
    ]
    .concat()
}

fn echo(interaction: &str, before: &str, parameters: &str) -> Option<Element> {
    let echo = lenient(&query(interaction, before, parameters)).echo?;
    let text = echo.replacen(
        "<queryByParameter>",
        r#"<queryByParameter xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">"#,
        1,
    );
    Some(xml::read(text.as_bytes(), None, &Limits::default()).unwrap_or_else(|error| panic!("{error}: {text}")))
}

/// An element without white space or namespace, as text.
fn flat(element: &Element) -> String {
    let attributes: String = element.attributes.iter().map(|a| format!(" {}={}", a.name.local, a.value)).collect();
    let inside: String = element
        .children
        .iter()
        .map(|node| match node {
            xml::Node::Element(child) => flat(child),
            xml::Node::Text(text) => text.trim().to_owned(),
        })
        .collect();
    format!("{}{attributes}({inside})", element.name.local)
}

#[test]
fn the_echo_is_in_schema_order_and_holds_what_is_valid() {
    let list = echo("PRPA_IN201305UV02", "", &disorder()).unwrap();
    let names: Vec<_> = list.first("parameterList").unwrap().elements().map(|e| e.name.local.to_string()).collect();
    assert_eq!(
        names,
        [
            "livingSubjectAdministrativeGender",
            "livingSubjectBirthTime",
            "livingSubjectId",
            "livingSubjectName",
            "livingSubjectName",
            "mothersMaidenName",
            "otherIDsScopingOrganization",
            "patientAddress",
            "patientTelecom",
        ]
    );
    let shown = flat(&list);
    assert!(!shown.contains("SECRET") && !shown.contains("bogus"), "{shown}");
}

#[test]
fn echoed_values() {
    let check = |name: &str, value: &str, expected: &str| {
        let list = echo("PRPA_IN201305UV02", "", &parameter(name, value)).unwrap();
        let parameter = list.first("parameterList").unwrap().first(name);
        let shown: String = parameter.map(|p| p.all("value").map(flat).collect()).unwrap_or_default();
        assert_eq!(shown, expected, "{value}");
    };
    let birth = "livingSubjectBirthTime";
    check(birth, r#"<value value="1940"/>"#, "value value=1940()");
    check(birth, r#"<value value="1940-05-12"/>"#, "");
    check(
        birth,
        r#"<value><high value="1950"/><low value="1940" inclusive="false"/></value>"#,
        "value(low value=1940 inclusive=false()high value=1950())",
    );
    check(
        birth,
        r#"<value><width unit="a" value="2"/><center value="1940"/></value>"#,
        "value(center value=1940()width value=2 unit=a())",
    );
    check(
        birth,
        r#"<value><low value="1940"/><width value="2" unit="a"/></value>"#,
        "value(low value=1940()width value=2 unit=a())",
    );
    check(birth, r#"<value nullFlavor="MSK" value="1940"/>"#, "");
    let name = "livingSubjectName";
    check(
        name,
        r#"<value use="L OLD SRCH"><given qualifier="CL HON">A</given></value>"#,
        "value use=L SRCH(given qualifier=CL(A))",
    );
    check(name, "<value>free <family>F</family>, text</value>", "value(freefamily(F), text)");
    check(name, r#"<value><family nullFlavor="MSK">S</family></value>"#, "");
    check("livingSubjectAdministrativeGender", r#"<value code="a b"/>"#, "");
    check("livingSubjectId", r#"<value root="2.999.1" extension=" x"/>"#, "value root=2.999.1 extension= x()");
    check("livingSubjectId", r#"<value root="?" extension="x"/>"#, "");
    check("otherIDsScopingOrganization", r#"<value root="2.999.1" extension="x"/>"#, "value root=2.999.1()");
    check("patientTelecom", r#"<value use="HP XX" value="tel: 1"/>"#, "value use=HP value=tel:1()");
}

#[test]
fn a_query_without_a_valid_echo_has_none() {
    let pix = "PRPA_IN201309UV02";
    let asked = |value: &str| parameter("patientIdentifier", value);
    assert!(echo(pix, "", &asked(r#"<value root="2.999.1" extension="1"/>"#)).is_some());
    assert!(echo(pix, "", &asked(r#"<value root="?" extension="1"/>"#)).is_none());
    assert!(echo(pix, "", &asked(r#"<value nullFlavor="NI"/>"#)).is_none());
    assert!(echo(pix, "", "").is_none());
    assert!(lenient(&payload(pix, "<controlActProcess><queryByParameter/></controlActProcess>")).echo.is_none());
}

#[test]
fn prefixes_and_types_make_no_difference() {
    let valid = disorder().replace(r#"root="?""#, r#"root="2.999.4""#).replace("not an oid", "2.999.5");
    let plain = query("PRPA_IN201305UV02", "", &valid);
    let prefixed = plain
        .replace("</", "\u{1}")
        .replace('<', "<h:")
        .replace('\u{1}', "</h:")
        .replace(r#"xmlns="urn:hl7-org:v3""#, r#"xmlns:h="urn:hl7-org:v3" xmlns="urn:other""#);
    let typed = plain.replace("<value ", r#"<value xsi:type="x:II" xmlns:x="urn:hl7-org:v3" "#);
    let expected = lenient(&plain);
    assert!(expected.content.is_ok());
    assert_eq!(lenient(&prefixed), expected);
    assert_eq!(lenient(&typed), expected);
}

#[test]
fn unreadable_payloads() {
    let check = |text: &str| {
        let element = xml::read(text.as_bytes(), None, &Limits::default()).unwrap();
        assert!(decode(&element, Strictness::Lenient).is_err(), "{text}");
    };
    let good = payload("PRPA_IN201301UV02", "");
    lenient(&good);
    check(&good.replace("urn:hl7-org:v3", "urn:other"));
    check(&good.replace("PRPA_IN201301UV02", "PRPA_IN201399UV02"));
    check(&good.replacen("<id ", "<idx ", 1));
    check(&good.replace("interactionId", "other"));
}

#[test]
fn wrappers() {
    let header = lenient(&payload("PRPA_IN201301UV02", "")).header;
    assert_eq!(header.interaction_id, "PRPA_IN201301UV02", "blanks after it are gone");
    assert_eq!((header.id.root.as_str(), header.id.extension.as_deref()), ("2.999.9.1", Some("m1")));
    assert_eq!(header.sender.organizations[0].root, "2.999.8.9");
    let add = add(r#"<id root="2.999.1" extension="1"/>"#, "<name>A</name>");
    check(&add.replace("creationTime", "other"), "", "SYN100 /creationTime");
    check(&add.replace("<receiver", r#"<receiver/><receiver"#), "", "SYN110 /receiver[2]");
    assert_eq!(told(&lenient(&add.replace("acceptAckCode", "other")).remarks), [" /acceptAckCode", " /other"]);
}

#[test]
fn telecoms_become_valid_uris() {
    let check = |text: &str, expected: &str| assert_eq!(crate::hl7v3::echo::uri(text), expected, "{text}");
    for plain in ["tel:+81-3-1234", "mailto:a@example.org", "http://example.org:80/a%20b#c", "(03)12.34", ""] {
        check(plain, plain);
    }
    check("tel: 03\u{3000}12", "tel:0312");
    check("tel:5%", "tel:5%25");
    check("5%zz", "5%25zz");
    check("(03)1#2#3", "(03)1#2%233");
    check("tel:[1]", "tel:%5B1%5D");
    check("::", "%3A%3A");
    check("電話:03", "電話%3A03");
}
