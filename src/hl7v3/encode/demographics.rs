//! Demographics as `patientPerson` of a response, in schema order (HL7 v3 sheet, 1.7). A masked field shows
//! that there is a value and never the value.

use crate::hl7v3::echo::QUALIFIERS;
use crate::identity::{
    Address, AddressPartKind, Coded, Demographics, Field, NamePartKind, Oid, PersonName, Representation, Sex, Telecom,
};
use crate::xml::Writer;

const NAME_USES: [&str; 8] = ["A", "ASGN", "C", "I", "L", "OR", "P", "R"];
const ADDRESS_USES: [&str; 13] =
    ["ABC", "BAD", "DIR", "H", "HP", "HV", "IDE", "PHYS", "PST", "PUB", "SYL", "TMP", "WP"];
const TELECOM_USES: [&str; 12] = ["AS", "BAD", "DIR", "EC", "H", "HP", "HV", "MC", "PG", "PUB", "TMP", "WP"];

/// What stands at the patient, beside the person.
pub(super) fn patient_codes(w: &mut Writer, said: &Demographics) {
    codes(w, "confidentialityCode", &said.confidentiality);
    code(w, "veryImportantPersonCode", &said.vip);
}

/// `patientPerson`; `domains_without` are told as other ids that there are none of (4.5).
pub(super) fn person(w: &mut Writer, said: &Demographics, domains_without: &[Oid]) {
    w.open("patientPerson").attribute("classCode", "PSN").attribute("determinerCode", "INSTANCE");
    match &said.names {
        Field::Set(names) => names.iter().for_each(|given| name(w, "name", given)),
        Field::Masked => _ = w.empty("name", &[("nullFlavor", "MSK")]),
        _ => _ = w.empty("name", &[("nullFlavor", "UNK")]),
    }
    list(w, "telecom", &said.telecoms, telecom);
    sex(w, &said.sex);
    value(w, "birthTime", &said.birth_date, |date| date.to_hl7());
    value(w, "deceasedInd", &said.deceased, bool::to_string);
    value(w, "deceasedTime", &said.deceased_time, |date| date.to_hl7());
    value(w, "multipleBirthInd", &said.multiple_birth, bool::to_string);
    value(w, "multipleBirthOrderNumber", &said.birth_order, u8::to_string);
    list(w, "addr", &said.addresses, address);
    code(w, "maritalStatusCode", &said.marital_status);
    code(w, "religiousAffiliationCode", &said.religion);
    codes(w, "raceCode", &said.races);
    codes(w, "ethnicGroupCode", &said.ethnic_groups);
    for nation in said.citizenships.values() {
        w.open("asCitizen").attribute("classCode", "CIT");
        w.open("politicalNation").attribute("classCode", "NAT").attribute("determinerCode", "INSTANCE");
        coded(w, "code", nation);
        w.close().close();
    }
    for domain in domains_without {
        w.open("asOtherIDs").attribute("classCode", "PAT").empty("id", &[("nullFlavor", "NA")]);
        w.open("scopingOrganization").attribute("classCode", "ORG").attribute("determinerCode", "INSTANCE");
        w.empty("id", &[("root", domain.as_str())]).close().close();
    }
    for relative in said.relationships.values() {
        w.open("personalRelationship").attribute("classCode", "PRS");
        coded(w, "code", &relative.code);
        w.open("relationshipHolder1").attribute("classCode", "PSN").attribute("determinerCode", "INSTANCE");
        relative.names.iter().for_each(|given| name(w, "name", given));
        w.close().close();
    }
    for language in said.languages.values() {
        w.open("languageCommunication");
        coded(w, "languageCode", language);
        w.close();
    }
    w.close();
}

fn masked(w: &mut Writer, element: &str) {
    w.empty(element, &[("nullFlavor", "MSK")]);
}

fn value<T>(w: &mut Writer, element: &str, field: &Field<T>, render: impl Fn(&T) -> String) {
    match field {
        Field::Set(set) => _ = w.empty(element, &[("value", &render(set))]),
        Field::Masked => masked(w, element),
        _ => {}
    }
}

fn list<T>(w: &mut Writer, element: &str, field: &Field<Vec<T>>, write: impl Fn(&mut Writer, &T)) {
    match field {
        Field::Set(values) => values.iter().for_each(|value| write(w, value)),
        Field::Masked => masked(w, element),
        _ => {}
    }
}

fn sex(w: &mut Writer, field: &Field<Sex>) {
    let code = match field {
        Field::Set(Sex::Male) => "M",
        Field::Set(Sex::Female) => "F",
        Field::Set(Sex::Undifferentiated) => "UN",
        Field::Masked => return masked(w, "administrativeGenderCode"),
        _ => return,
    };
    w.empty("administrativeGenderCode", &[("code", code), ("codeSystem", "2.16.840.1.113883.5.1")]);
}

fn codes(w: &mut Writer, element: &str, field: &Field<Vec<Coded>>) {
    list(w, element, field, |w, value| coded(w, element, value));
}

fn code(w: &mut Writer, element: &str, field: &Field<Coded>) {
    match field {
        Field::Set(set) => coded(w, element, set),
        Field::Masked => masked(w, element),
        _ => {}
    }
}

fn coded(w: &mut Writer, element: &str, code: &Coded) {
    // `cs` allows no blanks: a code that has some is told by its text alone.
    w.open(element);
    if code.code.is_empty() {
        w.attribute("nullFlavor", "UNK").close();
        return;
    }
    if code.code.contains(char::is_whitespace) {
        w.attribute("nullFlavor", "OTH").leaf("originalText", &code.code).close();
        return;
    }
    w.attribute("code", &code.code);
    if Oid::parse(&code.system).is_ok() {
        w.attribute("codeSystem", &code.system);
    }
    if !code.display.is_empty() {
        w.attribute("displayName", &code.display);
    }
    w.close();
}

fn uses(w: &mut Writer, told: &[String], known: &[&str], representation: Option<&str>) {
    let mut words: Vec<&str> = Vec::new();
    for word in told.iter().map(String::as_str).filter(|word| known.contains(word)).chain(representation) {
        if !words.contains(&word) {
            words.push(word);
        }
    }
    if !words.is_empty() {
        w.attribute("use", &words.join(" "));
    }
}

fn name(w: &mut Writer, element: &str, name: &PersonName) {
    let representation = name.representation.map(|representation| match representation {
        Representation::Ideographic => "IDE",
        Representation::Syllabic => "SYL",
        Representation::Alphabetic => "ABC",
    });
    w.open(element);
    uses(w, &name.uses, &NAME_USES, representation);
    for part in &name.parts {
        let kind = match part.kind {
            NamePartKind::Family => "family",
            NamePartKind::Given => "given",
            NamePartKind::Prefix => "prefix",
            NamePartKind::Suffix => "suffix",
            NamePartKind::Delimiter => "delimiter",
            NamePartKind::Text => {
                w.text(&part.value);
                continue;
            }
        };
        let qualifiers: Vec<&str> =
            part.qualifiers.iter().map(String::as_str).filter(|q| QUALIFIERS.contains(q)).collect();
        w.open(kind);
        if !qualifiers.is_empty() {
            w.attribute("qualifier", &qualifiers.join(" "));
        }
        w.text(&part.value).close();
    }
    w.close();
}

fn address(w: &mut Writer, address: &Address) {
    w.open("addr");
    uses(w, &address.uses, &ADDRESS_USES, None);
    for part in &address.parts {
        let kind = match part.kind {
            AddressPartKind::Country => "country",
            AddressPartKind::State => "state",
            AddressPartKind::County => "county",
            AddressPartKind::City => "city",
            AddressPartKind::Precinct => "precinct",
            AddressPartKind::PostalCode => "postalCode",
            AddressPartKind::StreetAddressLine => "streetAddressLine",
            AddressPartKind::StreetName => "streetName",
            AddressPartKind::HouseNumber => "houseNumber",
            AddressPartKind::Unit => "unitID",
            AddressPartKind::PostBox => "postBox",
            AddressPartKind::Other => "additionalLocator",
            AddressPartKind::Text => {
                w.text(&part.value);
                continue;
            }
        };
        w.leaf(kind, &part.value);
    }
    w.close();
}

fn telecom(w: &mut Writer, telecom: &Telecom) {
    w.open("telecom");
    uses(w, &telecom.uses, &TELECOM_USES, None);
    w.attribute("value", &telecom.value.replace(' ', "")).close();
}
