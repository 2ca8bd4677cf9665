//! Patient and person of a feed as demographics (PRPA_MT201301 and its twins; HL7 v3 sheet, 1.7).

use super::datatype::{absent, address, boolean_field, coded, date_field, list, name, telecom};
use super::place::{At, Findings};
use crate::identity::{Coded, Demographics, Field, Language, Relationship, Sex};

const GENDER: &str = "2.16.840.1.113883.5.1";
const TABLE_0001: &str = "2.16.840.1.113883.12.1";

/// The snapshot that `patient` holds.
pub(super) fn demographics(patient: &At<'_>, findings: &mut Findings) -> Demographics {
    let Some(person) = patient.first("patientPerson") else {
        findings.error("SYN100", "patientPerson is missing", &patient.path());
        return Demographics::default();
    };
    let both = |element: &str| [person.all(element), patient.all(element)].concat();
    let deceased_time = date_field(person.first("deceasedTime"), findings);
    let mut deceased = boolean_field(person.first("deceasedInd"), findings);
    if deceased_time.value().is_some() {
        deceased = Field::Set(true);
    }
    let birth_order = order(person.first("multipleBirthOrderNumber"), findings);
    let mut multiple_birth = boolean_field(person.first("multipleBirthInd"), findings);
    if birth_order.value().is_some() {
        multiple_birth = Field::Set(true);
    }
    let codes = |element: &str| list(&person.all(element), coded);
    Demographics {
        names: list(&person.all("name"), name),
        sex: gender(person.first("administrativeGenderCode"), findings),
        birth_date: date_field(person.first("birthTime"), findings),
        addresses: list(&both("addr"), address),
        telecoms: list(&both("telecom"), telecom),
        deceased,
        deceased_time,
        multiple_birth,
        birth_order,
        marital_status: one(person.first("maritalStatusCode")),
        religion: one(person.first("religiousAffiliationCode")),
        races: codes("raceCode"),
        ethnic_groups: codes("ethnicGroupCode"),
        citizenships: list(&person.all("asCitizen"), |at| coded(&at.down(&["politicalNation", "code"])?)),
        languages: list(&person.all("languageCommunication"), language),
        relationships: list(&person.all("personalRelationship"), relationship),
        birth_place: birth_place(&person),
        other_identifiers: absent(None),
        confidentiality: list(&patient.all("confidentialityCode"), coded),
        vip: one(patient.first("veryImportantPersonCode")),
    }
}

/// `administrativeGenderCode`; no code or a null one is unknown.
pub(super) fn gender(at: Option<At<'_>>, findings: &mut Findings) -> Field<Sex> {
    let Some(at) = at else { return absent(None) };
    let Some(code) = at.attribute("code") else { return absent(at.null()) };
    let unknown_code = |findings: &mut Findings| {
        findings.error("SYN103", "the code is none of administrative gender", &at.path());
        absent(None)
    };
    match (at.attribute("codeSystem"), code) {
        (None | Some(GENDER), "M") => Field::Set(Sex::Male),
        (None | Some(GENDER), "F") => Field::Set(Sex::Female),
        (None | Some(GENDER), "UN") => Field::Set(Sex::Undifferentiated),
        (None | Some(GENDER), _) => unknown_code(findings),
        (Some(TABLE_0001), _) => {
            // What a v2 system bridges to v3 is often told in v2's own table.
            findings.forgive("SYN104", "administrative gender is told in a table of HL7 v2", &at.path());
            match code {
                "M" => Field::Set(Sex::Male),
                "F" => Field::Set(Sex::Female),
                "O" | "A" => Field::Set(Sex::Undifferentiated),
                "U" => absent(Some("UNK")),
                "N" => absent(Some("NA")),
                _ => unknown_code(findings),
            }
        }
        (Some(_), _) => {
            findings.error("SYN104", "the code system of administrative gender is not HL7's", &at.path());
            absent(None)
        }
    }
}

fn one(at: Option<At<'_>>) -> Field<Coded> {
    at.map_or(absent(None), |at| coded(&at).map_or(absent(at.null()), Field::Set))
}

fn order(at: Option<At<'_>>, findings: &mut Findings) -> Field<u8> {
    let Some(at) = at else { return absent(None) };
    match at.attribute("value").map(str::parse::<u8>) {
        Some(Ok(order)) => Field::Set(order),
        Some(Err(_)) => {
            findings.error("SYN102", "the birth order is not a small number", &at.path());
            absent(None)
        }
        None => absent(at.null()),
    }
}

fn language(at: &At<'_>) -> Option<Language> {
    let code = |element: &str| at.first(element).as_ref().and_then(coded);
    let preferred = at.first("preferenceInd").and_then(|told| match told.attribute("value")? {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    });
    Some(Language {
        code: code("languageCode")?,
        mode: code("modeCode"),
        proficiency: code("proficiencyLevelCode"),
        preferred,
    })
}

fn relationship(at: &At<'_>) -> Option<Relationship> {
    let code = coded(&at.first("code")?)?;
    let names = at.first("relationshipHolder1").map(|holder| holder.all("name")).unwrap_or_default();
    let names: Vec<_> = names.iter().filter_map(name).collect();
    (!names.is_empty()).then_some(Relationship { code, names })
}

fn birth_place(person: &At<'_>) -> Field<crate::identity::Address> {
    let Some(place) = person.first("birthPlace") else { return absent(None) };
    let at = place.first("addr").or_else(|| place.down(&["birthplace", "addr"]));
    at.map_or(absent(place.null()), |at| address(&at).map_or(absent(at.null()), Field::Set))
}
