//! Demographics as `patientPerson` of a response, in schema order (HL7 v3 sheet, 1.7). A masked field shows
//! that there is a value and never the value.

use super::{identifier, shown_root};
use crate::hl7v3::datatype::FURTHER_PARTS;
use crate::hl7v3::echo::QUALIFIERS;
use crate::hl7v3::message::ShownIdentifier;
use crate::identity::{
    Address, AddressPartKind, Coded, Demographics, Field, Language, NamePartKind, Oid, PersonName, Relationship,
    Representation, Sex, Telecom, UnknownReason,
};
use crate::xml::Writer;

const NAME_USES: [&str; 10] = ["A", "ASGN", "C", "I", "L", "OR", "P", "PHON", "R", "SNDX"];
const ADDRESS_USES: [&str; 13] =
    ["ABC", "BAD", "DIR", "H", "HP", "HV", "IDE", "PHYS", "PST", "PUB", "SYL", "TMP", "WP"];
const TELECOM_USES: [&str; 12] = ["AS", "BAD", "DIR", "EC", "H", "HP", "HV", "MC", "PG", "PUB", "TMP", "WP"];

/// What a person is told to be besides a patient, and what the interaction leaves out.
#[derive(Default)]
pub(in crate::hl7v3) struct Roles<'a> {
    /// Identifiers that other organizations gave.
    pub other_identifiers: &'a [ShownIdentifier],
    /// Requested domains in which the patient has no identifier (4.5).
    pub domains_without: &'a [Oid],
    /// Whether the birth place is told: ITI-47 leaves it out.
    pub birth_place: bool,
}

/// What stands at the patient, beside the person.
pub(in crate::hl7v3) fn patient_codes(w: &mut Writer, said: &Demographics) {
    codes(w, "confidentialityCode", &said.confidentiality);
    code(w, "veryImportantPersonCode", &said.vip);
}

/// `patientPerson`.
pub(in crate::hl7v3) fn person(w: &mut Writer, said: &Demographics, roles: &Roles<'_>) {
    w.open("patientPerson").attribute("classCode", "PSN").attribute("determinerCode", "INSTANCE");
    match &said.names {
        Field::Set(names) => names.iter().for_each(|given| name(w, "name", given)),
        // A name is required, and may be null.
        other => _ = w.empty("name", &[("nullFlavor", null_flavor(other).unwrap_or("UNK"))]),
    }
    list(w, "telecom", &said.telecoms, |w, given| telecom(w, "telecom", given));
    sex(w, &said.sex);
    value(w, "birthTime", &said.birth_date, |date| date.to_hl7());
    value(w, "deceasedInd", &said.deceased, bool::to_string);
    value(w, "deceasedTime", &said.deceased_time, |date| date.to_hl7());
    value(w, "multipleBirthInd", &said.multiple_birth, bool::to_string);
    value(w, "multipleBirthOrderNumber", &said.birth_order, u8::to_string);
    list(w, "addr", &said.addresses, |w, given| address(w, "addr", given));
    code(w, "maritalStatusCode", &said.marital_status);
    code(w, "religiousAffiliationCode", &said.religion);
    codes(w, "raceCode", &said.races);
    codes(w, "ethnicGroupCode", &said.ethnic_groups);
    citizenships(w, &said.citizenships);
    other_ids(w, roles.other_identifiers);
    domains_without(w, roles.domains_without);
    relationships(w, &said.relationships);
    if roles.birth_place {
        birth_place(w, &said.birth_place);
    }
    languages(w, &said.languages);
    w.close();
}

/// The null flavour of a field without a value; none where nothing is said.
fn null_flavor<T>(field: &Field<T>) -> Option<&'static str> {
    Some(match field {
        Field::Keep | Field::Erase | Field::Set(_) => return None,
        Field::Masked => "MSK",
        Field::Unknown(reason) => match reason {
            UnknownReason::NoInformation => "NI",
            UnknownReason::Unknown => "UNK",
            UnknownReason::AskedButUnknown => "ASKU",
            UnknownReason::NotAsked => "NASK",
            UnknownReason::Unavailable => "NAV",
            UnknownReason::NotApplicable => "NA",
            UnknownReason::Other => "OTH",
        },
    })
}

/// The null flavour that is worth an element: no information is what an absent one says too.
fn told<T>(field: &Field<T>) -> Option<&'static str> {
    null_flavor(field).filter(|flavor| *flavor != "NI")
}

fn null(w: &mut Writer, element: &str, flavor: Option<&str>) {
    if let Some(flavor) = flavor {
        w.empty(element, &[("nullFlavor", flavor)]);
    }
}

/// An entity of the class `PSN` or `NAT` or `ORG`, left open.
fn open_entity(w: &mut Writer, element: &str, class: &str) {
    w.open(element).attribute("classCode", class).attribute("determinerCode", "INSTANCE");
}

fn citizenships(w: &mut Writer, field: &Field<Vec<Coded>>) {
    let open = |w: &mut Writer, flavor: Option<&str>| {
        w.open("asCitizen").attribute("classCode", "CIT");
        if let Some(flavor) = flavor {
            w.attribute("nullFlavor", flavor);
        }
        open_entity(w, "politicalNation", "NAT");
    };
    for nation in field.values() {
        open(w, None);
        coded(w, "code", nation);
        w.close().close();
    }
    if let Some(flavor) = told(field) {
        open(w, Some(flavor));
        null(w, "code", Some(flavor));
        w.close().close();
    }
}

/// Identifiers as roles, one for each authority, in the order in which the authorities first appear.
fn other_ids(w: &mut Writer, identifiers: &[ShownIdentifier]) {
    let mut roots: Vec<&str> = Vec::new();
    for root in identifiers.iter().map(shown_root) {
        if !roots.contains(&root) {
            roots.push(root);
        }
    }
    for root in roots {
        w.open("asOtherIDs").attribute("classCode", "PAT");
        for shown in identifiers.iter().filter(|shown| shown_root(shown) == root) {
            identifier(w, shown);
        }
        scoped_by(w, root);
    }
}

fn domains_without(w: &mut Writer, domains: &[Oid]) {
    for domain in domains {
        w.open("asOtherIDs").attribute("classCode", "PAT").empty("id", &[("nullFlavor", "NA")]);
        scoped_by(w, domain.as_str());
    }
}

/// Ends a role by the organization that gave its identifiers.
fn scoped_by(w: &mut Writer, root: &str) {
    open_entity(w, "scopingOrganization", "ORG");
    w.empty("id", &[("root", root)]).close().close();
}

fn relationships(w: &mut Writer, field: &Field<Vec<Relationship>>) {
    for relative in field.values() {
        w.open("personalRelationship").attribute("classCode", "PRS");
        coded(w, "code", &relative.code);
        open_entity(w, "relationshipHolder1", "PSN");
        relative.names.iter().for_each(|given| name(w, "name", given));
        w.close().close();
    }
    if let Some(flavor) = told(field) {
        w.open("personalRelationship").attribute("classCode", "PRS").attribute("nullFlavor", flavor);
        null(w, "code", Some(flavor));
        open_entity(w, "relationshipHolder1", "PSN");
        null(w, "name", Some(flavor));
        w.close().close();
    }
}

fn birth_place(w: &mut Writer, field: &Field<Address>) {
    let flavor = told(field);
    if field.value().is_some() || flavor.is_some() {
        w.open("birthPlace").attribute("classCode", "BIRTHPL");
        field.value().into_iter().for_each(|given| address(w, "addr", given));
        null(w, "addr", flavor);
        w.close();
    }
}

fn languages(w: &mut Writer, field: &Field<Vec<Language>>) {
    for language in field.values() {
        w.open("languageCommunication");
        coded(w, "languageCode", &language.code);
        for (element, code) in [("modeCode", &language.mode), ("proficiencyLevelCode", &language.proficiency)] {
            code.iter().for_each(|code| coded(w, element, code));
        }
        if let Some(preferred) = language.preferred {
            w.empty("preferenceInd", &[("value", &preferred.to_string())]);
        }
        w.close();
    }
    if let Some(flavor) = told(field) {
        w.open("languageCommunication").attribute("nullFlavor", flavor);
        null(w, "languageCode", Some(flavor));
        w.close();
    }
}

fn value<T>(w: &mut Writer, element: &str, field: &Field<T>, render: impl Fn(&T) -> String) {
    match field {
        Field::Set(set) => _ = w.empty(element, &[("value", &render(set))]),
        other => null(w, element, told(other)),
    }
}

fn list<T>(w: &mut Writer, element: &str, field: &Field<Vec<T>>, write: impl Fn(&mut Writer, &T)) {
    match field {
        Field::Set(values) => values.iter().for_each(|value| write(w, value)),
        other => null(w, element, told(other)),
    }
}

fn sex(w: &mut Writer, field: &Field<Sex>) {
    match field {
        Field::Set(sex) => gender(w, "administrativeGenderCode", *sex),
        other => null(w, "administrativeGenderCode", told(other)),
    }
}

/// Administrative sex as a code of HL7's own system.
pub(in crate::hl7v3) fn gender(w: &mut Writer, element: &str, sex: Sex) {
    let code = match sex {
        Sex::Male => "M",
        Sex::Female => "F",
        Sex::Undifferentiated => "UN",
    };
    w.empty(element, &[("code", code), ("codeSystem", "2.16.840.1.113883.5.1")]);
}

fn codes(w: &mut Writer, element: &str, field: &Field<Vec<Coded>>) {
    list(w, element, field, |w, value| coded(w, element, value));
}

fn code(w: &mut Writer, element: &str, field: &Field<Coded>) {
    match field {
        Field::Set(set) => coded(w, element, set),
        other => null(w, element, told(other)),
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

/// The uses that the schema knows, each once, and some more.
fn uses<'a>(w: &mut Writer, told: &'a [String], known: &[&str], more: impl IntoIterator<Item = &'a str>) {
    let mut words: Vec<&str> = Vec::new();
    for word in told.iter().map(String::as_str).filter(|word| known.contains(word)).chain(more) {
        if !words.contains(&word) {
            words.push(word);
        }
    }
    if !words.is_empty() {
        w.attribute("use", &words.join(" "));
    }
}

fn name(w: &mut Writer, element: &str, name: &PersonName) {
    w.open(element);
    name_content(w, name, None);
    w.close();
}

/// What an element of type `EN` holds; it has just been opened. `also` is one more use.
pub(in crate::hl7v3) fn name_content(w: &mut Writer, name: &PersonName, also: Option<&'static str>) {
    let representation = name.representation.map(|representation| match representation {
        Representation::Ideographic => "IDE",
        Representation::Syllabic => "SYL",
        Representation::Alphabetic => "ABC",
    });
    uses(w, &name.uses, &NAME_USES, representation.into_iter().chain(also));
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
}

fn address(w: &mut Writer, element: &str, address: &Address) {
    w.open(element);
    address_content(w, address);
    w.close();
}

/// What an element of type `AD` holds; it has just been opened.
pub(in crate::hl7v3) fn address_content(w: &mut Writer, address: &Address) {
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
            AddressPartKind::Text => {
                w.text(&part.value);
                continue;
            }
            other => FURTHER_PARTS
                .iter()
                .find(|(kind, _)| *kind == other)
                .map_or("deliveryAddressLine", |(_, element)| *element),
        };
        w.leaf(kind, &part.value);
    }
}

/// `TEL` as an element.
pub(in crate::hl7v3) fn telecom(w: &mut Writer, element: &str, telecom: &Telecom) {
    w.open(element);
    uses(w, &telecom.uses, &TELECOM_USES, None);
    w.attribute("value", &crate::hl7v3::echo::uri(&telecom.value)).close();
}
