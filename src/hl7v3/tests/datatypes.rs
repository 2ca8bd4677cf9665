//! Data types as a feed and a query read them (HL7 v3 sheet 5).

use super::*;
use crate::identity::{
    Address, AddressPartKind, Demographics, Field, NamePartKind, PersonName, Representation, Sex, TelecomScheme,
    UnknownReason,
};

fn person(person: &str) -> Demographics {
    fed(&add(r#"<id root="2.999.1" extension="1"/>"#, person)).demographics
}

/// A field without its value: `set`, or why there is none.
fn state<T>(field: &Field<T>) -> &'static str {
    match field {
        Field::Keep => "keep",
        Field::Erase => "erase",
        Field::Set(_) => "set",
        Field::Masked => "MSK",
        Field::Unknown(UnknownReason::NoInformation) => "NI",
        Field::Unknown(UnknownReason::Unknown) => "UNK",
        Field::Unknown(UnknownReason::AskedButUnknown) => "ASKU",
        Field::Unknown(UnknownReason::NotAsked) => "NASK",
        Field::Unknown(UnknownReason::Unavailable) => "NAV",
        Field::Unknown(UnknownReason::NotApplicable) => "NA",
        Field::Unknown(UnknownReason::Other) => "OTH",
    }
}

#[test]
fn time_stamps() {
    let check = |value: &str, expected: &str| {
        let read = person(&format!(r#"<birthTime value="{value}"/>"#)).birth_date;
        assert_eq!(read.value().map(|date| date.to_hl7()).as_deref(), Some(expected), "{value}");
    };
    for plain in ["1940", "194005", "19400512", "1940051213", "194005121314", "19400512131415.25+0900"] {
        check(plain, plain);
    }
    check(" 19400512 ", "19400512");
    check("1940-05", "194005");
    check("1940-05-12", "19400512");
    check("1940-05-12T20:08:38Z", "19400512");
    check("1940-05-12T20:08:38-05:00", "19400512");
    check("19400512+0900", "19400512");
    check("1940-0330", "1940");
    check("194005-0330", "194005");
}

#[test]
fn birth_intervals() {
    let check = |inside: &str, expected: (Option<i32>, Option<i32>)| {
        let value =
            if inside.starts_with('<') { format!("<value>{inside}</value>") } else { format!("<value {inside}/>") };
        let birth = criteria(&parameter("livingSubjectBirthTime", &value)).birth;
        assert_eq!(birth.map_or((None, None), |b| (b.from, b.to)), expected, "{inside}");
    };
    check(r#"value="19400512""#, (Some(19_400_512), Some(19_400_512)));
    check(r#"value="1940""#, (Some(19_400_101), Some(19_401_231)));
    check(r#"value="194002""#, (Some(19_400_201), Some(19_400_229)));
    check(r#"<low value="1940"/><high value="1942"/>"#, (Some(19_400_101), Some(19_421_231)));
    check(r#"<low value="1940"/>"#, (Some(19_400_101), None));
    check(r#"<high value="194002"/>"#, (None, Some(19_400_229)));
    check(r#"<low nullFlavor="NINF"/><high value="1940"/>"#, (None, Some(19_401_231)));
    check(r#"<low value="1940" inclusive="false"/>"#, (Some(19_410_101), None));
    check(r#"<high value="194003" inclusive="false"/>"#, (None, Some(19_400_229)));
    check(r#"<low value="19400512" inclusive="false"/>"#, (Some(19_400_513), None));
    check(r#"<low value="194005121300" inclusive="false"/>"#, (Some(19_400_512), None));
    check(r#"<high value="194005121300+0900" inclusive="false"/>"#, (None, Some(19_400_512)));
    check(r#"<high value="19410101000000" inclusive="false"/>"#, (None, Some(19_401_231)));
    check(r#"<low value="19400512"/><width value="10" unit="d"/>"#, (Some(19_400_512), Some(19_400_522)));
    check(r#"<width value="1" unit="wk"/><high value="19400101"/>"#, (Some(19_391_225), Some(19_400_101)));
    check(r#"<center value="19400512"/><width value="4" unit="d"/>"#, (Some(19_400_510), Some(19_400_514)));
    check(r#"<center value="1940"/>"#, (Some(19_400_101), Some(19_401_231)));
    check(r#"nullFlavor="UNK""#, (None, None));
    check(r#"value="1940" xsi:type="IVL_TS""#, (Some(19_400_101), Some(19_401_231)));
}

fn shown(name: &PersonName) -> String {
    let kind = |kind| match kind {
        NamePartKind::Family => "F",
        NamePartKind::Given => "G",
        NamePartKind::Prefix => "P",
        NamePartKind::Suffix => "S",
        NamePartKind::Delimiter => "D",
        NamePartKind::Text => "T",
    };
    let parts = name.parts.iter().map(|p| format!("{}={}{}", kind(p.kind), p.value, p.qualifiers.concat()));
    format!("{:?} {} {}", name.representation, name.uses.join(","), parts.collect::<Vec<_>>().join(" "))
}

#[test]
fn names() {
    let check = |text: &str, expected: &str| {
        let names = person(text).names;
        assert_eq!(names.values().iter().map(shown).collect::<Vec<_>>().join("; "), expected, "{text}");
    };
    check(
        r#"<name use="L IDE"><family>山田</family><given>花子</given></name><name use="SYL"><family>ヤマダ</family></name>
           <name use="ABC L"><family>Yamada</family></name>"#,
        "Some(Ideographic) L F=山田 G=花子; Some(Syllabic)  F=ヤマダ; Some(Alphabetic) L F=Yamada",
    );
    check("<name>Unknown  Person</name>", "None  T=Unknown  Person");
    check("<name><given>A</given><given>B</given><given>C</given></name>", "None  G=A G=B G=C");
    check(
        r#"<name><prefix qualifier="AC">Dr</prefix><delimiter>,</delimiter><family qualifier="BR SP">X</family><suffix>III</suffix></name>"#,
        "None  P=DrAC D=, F=XBRSP S=III",
    );
    check(r#"<name><given partType="GIV" xsi:type="en.given">A</given><validTime value="2020"/></name>"#, "None  G=A");
    check(r#"<name><family nullFlavor="MSK">S</family><given>A</given></name>"#, "None  G=A");
    check("<name><family/></name><name/>", "");
    check(r#"<name nullFlavor="MSK"><family>S</family></name><name>A</name>"#, "None  T=A");
    assert_eq!(
        person("<name use=\"IDE\">山</name>").name_in(Representation::Ideographic).map(shown).as_deref(),
        Some("Some(Ideographic)  T=山")
    );
}

#[test]
fn addresses() {
    let read = |text: &str| -> Vec<Address> { person(&format!("<name>A</name>{text}")).addresses.values().to_vec() };
    let all = read(
        r#"<addr use="HP IDE"><country>JP</country><state>Tokyo</state><city>Ueno</city><postalCode>110</postalCode>
           <streetAddressLine>1-2</streetAddressLine><streetAddressLine>Flat 3</streetAddressLine><useablePeriod/></addr>
           <addr><streetName>Main</streetName><houseNumber>7</houseNumber><unitID>B</unitID><careOf>C</careOf></addr>
           <addr>somewhere</addr><addr/>"#,
    );
    let kinds = |address: &Address| address.parts.iter().map(|p| format!("{:?}", p.kind)).collect::<Vec<_>>().join(" ");
    assert_eq!(all.len(), 3);
    assert_eq!(all[0].uses, ["HP", "IDE"]);
    assert_eq!(kinds(&all[0]), "Country State City PostalCode StreetAddressLine StreetAddressLine");
    assert_eq!(all[0].first(AddressPartKind::PostalCode), "110");
    assert_eq!(kinds(&all[1]), "StreetName HouseNumber Unit CareOf");
    assert_eq!((kinds(&all[2]).as_str(), all[2].parts[0].value.as_str()), ("Text", "somewhere"));
}

#[test]
fn telecoms() {
    let check = |value: &str, scheme: TelecomScheme| {
        let read = person(&format!(r#"<name>A</name><telecom use="HP MC" value="{value}"/>"#)).telecoms;
        let telecom = &read.values()[0];
        assert_eq!((telecom.scheme, telecom.uses.join(" ").as_str()), (scheme, "HP MC"), "{value}");
        assert_eq!(telecom.value, value);
    };
    check("tel:+81-3-1234", TelecomScheme::Phone);
    check("TEL: (03) 1.2", TelecomScheme::Phone);
    check("03-1234", TelecomScheme::Phone);
    check("fax:1", TelecomScheme::Fax);
    check("mailto:a@example.org", TelecomScheme::Mail);
    check("http://example.org", TelecomScheme::Other);
    assert_eq!(state(&person("<telecom/>").telecoms), "NI");
}

#[test]
fn null_flavours() {
    let states = |attributes: &str, content: &str, code: &str| -> Vec<&'static str> {
        let values =
            ["birthTime", "deceasedInd", "deceasedTime", "multipleBirthInd", "multipleBirthOrderNumber", "telecom"];
        let codes = [
            "administrativeGenderCode",
            "maritalStatusCode",
            "religiousAffiliationCode",
            "raceCode",
            "ethnicGroupCode",
        ];
        let mut text = format!("<name {attributes}>{content}</name><addr {attributes}>{content}</addr>");
        values.iter().for_each(|element| text.push_str(&format!("<{element} {attributes}/>")));
        codes.iter().for_each(|element| text.push_str(&format!("<{element} {code} {attributes}/>")));
        text.push_str(&format!("<birthPlace><addr {attributes}>{content}</addr></birthPlace>"));
        let d = person(&text);
        vec![
            state(&d.names),
            state(&d.addresses),
            state(&d.telecoms),
            state(&d.birth_date),
            state(&d.deceased),
            state(&d.deceased_time),
            state(&d.multiple_birth),
            state(&d.birth_order),
            state(&d.sex),
            state(&d.marital_status),
            state(&d.religion),
            state(&d.races),
            state(&d.ethnic_groups),
            state(&d.birth_place),
        ]
    };
    for null in ["NI", "UNK", "ASKU", "NASK", "NAV", "NA", "OTH", "MSK"] {
        assert_eq!(states(&format!(r#"nullFlavor="{null}""#), "", ""), vec![null; 14], "{null}");
    }
    assert_eq!(states(r#"nullFlavor="?""#, "", ""), vec!["NI"; 14]);
    // What is masked is not read even where a value stands beside.
    assert_eq!(states(r#"nullFlavor="MSK" value="1""#, "Secret", r#"code="M""#), vec!["MSK"; 14]);
    assert_eq!(state(&person(r#"<name nullFlavor="UNK"/><name nullFlavor="MSK">S</name>"#).names), "MSK");
    assert_eq!(state(&person("").names), "NI");
    assert_eq!(person(r#"<administrativeGenderCode code="M" nullFlavor="UNK"/>"#).sex, Field::Set(Sex::Male));
}

#[test]
fn the_rest_of_a_person() {
    let d = person(
        r#"<name>A</name><deceasedTime value="2020"/><multipleBirthOrderNumber value="2"/>
           <raceCode code="1002-5" codeSystem="2.16.840.1.113883.5.104" displayName="R"/><raceCode code="2"/>
           <asCitizen><politicalNation><code code="JP"/></politicalNation></asCitizen>
           <personalRelationship><code code="MTH"/><relationshipHolder1><name><family>M</family></name></relationshipHolder1></personalRelationship>
           <birthPlace><birthplace><addr><city>Nara</city></addr></birthplace></birthPlace>
           <languageCommunication><languageCode code="ja"/><modeCode code="ESP"/><preferenceInd value="true"/></languageCommunication>"#,
    );
    let language = &d.languages.values()[0];
    assert_eq!((language.code.code.as_str(), language.preferred, language.mode.is_some()), ("ja", Some(true), true));
    assert_eq!((d.deceased, d.multiple_birth, d.birth_order), (Field::Set(true), Field::Set(true), Field::Set(2)));
    assert_eq!(d.races.values()[0].display, "R");
    assert_eq!((d.races.values().len(), d.citizenships.values().len(), d.languages.values().len()), (2, 1, 1));
    assert_eq!(d.relationships.values()[0].names[0].family(), "M");
    assert_eq!(d.birth_place.value().unwrap().first(AddressPartKind::City), "Nara");
}
