//! The echo of a query, encoded anew in schema order, so that a lenient request still gets a valid reply
//! (decision 20). What has no valid form is left out.

use super::message::Interaction;
use super::place::{At, is_masked};
use crate::identity::{Oid, PartialDate};
use crate::xml::{Node, Writer};

/// The data type of a parameter's value.
#[derive(Clone, Copy)]
enum Kind {
    Instance,
    Domain,
    Code,
    Interval,
    Name,
    Address,
    Telecom,
}

/// The parameters of PRPA_MT201306 in schema order: name, data type, default `semanticsText`.
const DEMOGRAPHICS: [(&str, Kind, &str); 8] = [
    ("livingSubjectAdministrativeGender", Kind::Code, "LivingSubject.administrativeGender"),
    ("livingSubjectBirthTime", Kind::Interval, "LivingSubject.birthTime"),
    ("livingSubjectId", Kind::Instance, "LivingSubject.id"),
    ("livingSubjectName", Kind::Name, "LivingSubject.name"),
    ("mothersMaidenName", Kind::Name, "Person.MothersMaidenName"),
    ("otherIDsScopingOrganization", Kind::Domain, "OtherIDs.scopingOrganization.id"),
    ("patientAddress", Kind::Address, "Patient.addr"),
    ("patientTelecom", Kind::Telecom, "Patient.telecom"),
];

/// The parameters of PRPA_MT201307 likewise.
const CROSS_REFERENCE: [(&str, Kind, &str); 2] =
    [("dataSource", Kind::Domain, "DataSource.id"), ("patientIdentifier", Kind::Instance, "Patient.id")];

const NAME_USES: [&str; 14] = ["A", "ABC", "ASGN", "C", "I", "IDE", "L", "OR", "P", "PHON", "R", "SNDX", "SRCH", "SYL"];
const ADDRESS_USES: [&str; 13] =
    ["ABC", "BAD", "DIR", "H", "HP", "HV", "IDE", "PHYS", "PST", "PUB", "SYL", "TMP", "WP"];
const TELECOM_USES: [&str; 12] = ["AS", "BAD", "DIR", "EC", "H", "HP", "HV", "MC", "PG", "PUB", "TMP", "WP"];
/// The qualifiers of a part of a name (`EntityNamePartQualifier`).
pub(super) const QUALIFIERS: [&str; 11] = ["AC", "AD", "BR", "CL", "IN", "LS", "NB", "PR", "SP", "TITLE", "VV"];
const NAME_PARTS: [&str; 5] = ["delimiter", "family", "given", "prefix", "suffix"];
const ADDRESS_PARTS: [&str; 27] = [
    "additionalLocator",
    "buildingNumberSuffix",
    "careOf",
    "censusTract",
    "city",
    "country",
    "county",
    "delimiter",
    "deliveryAddressLine",
    "deliveryInstallationArea",
    "deliveryInstallationQualifier",
    "deliveryInstallationType",
    "deliveryMode",
    "deliveryModeIdentifier",
    "direction",
    "houseNumber",
    "houseNumberNumeric",
    "postBox",
    "postalCode",
    "precinct",
    "state",
    "streetAddressLine",
    "streetName",
    "streetNameBase",
    "streetNameType",
    "unitID",
    "unitType",
];

/// The echo of `queryByParameter`, where its query id is known.
/// The places of values that had to be left out are added to `dropped`.
pub(super) fn of(asked: &At<'_>, interaction: Interaction, dropped: &mut Vec<String>) -> Option<String> {
    let mut w = Writer::new();
    w.open("queryByParameter");
    instance(&mut w, "queryId", &asked.first("queryId")?)?;
    w.empty("statusCode", &[("code", "new")]);
    let cross_reference = interaction == Interaction::CrossReferenceQuery;
    if !cross_reference {
        w.empty("responseModalityCode", &[("code", "R")]);
    }
    w.empty("responsePriorityCode", &[("code", "I")]);
    let list = asked.first("parameterList");
    if cross_reference {
        parameters(&mut w, list.as_ref(), &CROSS_REFERENCE, dropped);
        // The schema wants a patientIdentifier: a query without one has no valid echo.
        let has = |list: &At<'_>| {
            let asked = list.down(&["patientIdentifier", "value"]);
            asked.is_some_and(|value| value.attribute("root").is_some_and(is_uid))
        };
        list.as_ref().filter(|list| has(list))?;
    } else {
        if let Some(quantity) = asked.first("initialQuantity").and_then(|at| number(&at)) {
            w.empty("initialQuantity", &[("value", &quantity)]);
            w.empty("initialQuantityCode", &[("code", "RD"), ("codeSystem", "2.16.840.1.113883.5.1112")]);
        }
        match_criteria(&mut w, asked);
        parameters(&mut w, list.as_ref(), &DEMOGRAPHICS, dropped);
    }
    Some(w.finish())
}

fn number(at: &At<'_>) -> Option<String> {
    at.attribute("value").filter(|text| text.parse::<i32>().is_ok()).map(str::to_owned)
}

fn match_criteria(w: &mut Writer, asked: &At<'_>) {
    let minimum = asked.down(&["matchCriterionList", "minimumDegreeMatch", "value"]).and_then(|at| number(&at));
    let Some(minimum) = minimum else { return };
    w.open("matchCriterionList").open("minimumDegreeMatch");
    w.empty("value", &[("xsi:type", "INT"), ("value", &minimum)]);
    w.leaf("semanticsText", "MinimumDegreeMatch").close().close();
}

fn parameters(w: &mut Writer, list: Option<&At<'_>>, known: &[(&str, Kind, &str)], dropped: &mut Vec<String>) {
    w.open("parameterList");
    for (name, kind, semantics) in known {
        for parameter in list.map(|list| list.all(name)).unwrap_or_default() {
            let mut values = String::new();
            for value in parameter.all("value") {
                match encoded(&value, *kind) {
                    Some(valid) => values.push_str(&valid),
                    None if value.null().is_some() => {}
                    None => dropped.push(value.path()),
                }
            }
            if !values.is_empty() {
                w.open(name).raw(&values).leaf("semanticsText", semantics).close();
            }
        }
    }
    w.close();
}

fn encoded(value: &At<'_>, kind: Kind) -> Option<String> {
    let mut w = Writer::new();
    match kind {
        Kind::Instance => instance(&mut w, "value", value)?,
        Kind::Domain => {
            let root = value.attribute("root").filter(|root| Oid::parse(root).is_ok())?;
            w.empty("value", &[("root", root)]);
        }
        Kind::Code => {
            let code = value.attribute("code").filter(|code| !code.contains(char::is_whitespace))?;
            let told = value.attribute("codeSystem").filter(|system| Oid::parse(system).is_ok());
            w.empty("value", &[("code", code), ("codeSystem", told.unwrap_or("2.16.840.1.113883.5.1"))]);
        }
        Kind::Interval => interval(&mut w, value)?,
        Kind::Name => structured(&mut w, value, &NAME_USES, &NAME_PARTS)?,
        Kind::Address => structured(&mut w, value, &ADDRESS_USES, &ADDRESS_PARTS)?,
        Kind::Telecom => {
            let address = uri(value.attribute("value")?);
            w.open("value");
            uses(&mut w, value, &TELECOM_USES);
            w.attribute("value", &address).close();
        }
    }
    Some(w.finish())
}

fn instance(w: &mut Writer, element: &str, at: &At<'_>) -> Option<()> {
    let root = at.attribute("root").filter(|root| is_uid(root))?;
    w.open(element).attribute("root", root);
    if let Some(extension) = at.element.attribute("extension").filter(|text| !text.is_empty()) {
        w.attribute("extension", extension);
    }
    w.close();
    Some(())
}

/// A telecom as a valid URI (datatype `url`): blanks go, and what a URI cannot hold is escaped.
pub(super) fn uri(text: &str) -> String {
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let scheme = |scheme: &str| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+.-".contains(c))
    };
    let (mut uri, rest) = match text.split_once(':') {
        Some((before, after)) if scheme(before) => (format!("{before}:"), after),
        _ => (String::new(), text.as_str()),
    };
    let relative = uri.is_empty();
    let mut fragment = false;
    for (at, c) in rest.char_indices() {
        let escaped = rest.get(at + 1..at + 3).is_some_and(|two| two.bytes().all(|b| b.is_ascii_hexdigit()));
        match c {
            '%' if !escaped => uri.push_str("%25"),
            '[' => uri.push_str("%5B"),
            ']' => uri.push_str("%5D"),
            ':' if relative => uri.push_str("%3A"),
            '#' if fragment => uri.push_str("%23"),
            _ => uri.push(c),
        }
        fragment |= c == '#';
    }
    uri
}

/// An OID, a UUID or a RUID (datatype `uid`).
pub(super) fn is_uid(text: &str) -> bool {
    let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let uuid = plain && text.split('-').map(str::len).eq([8, 4, 4, 4, 12]);
    let ruid = plain && text.starts_with(|c: char| c.is_ascii_alphabetic());
    Oid::parse(text).is_ok() || uuid || ruid
}

fn interval(w: &mut Writer, at: &At<'_>) -> Option<()> {
    let valid =
        |at: &At<'_>| at.attribute("value").filter(|text| PartialDate::parse_hl7(text).is_ok()).map(str::to_owned);
    if let Some(value) = valid(at) {
        w.empty("value", &[("value", &value)]);
        return Some(());
    }
    let bound = |name: &str| {
        let at = at.first(name)?;
        Some((valid(&at)?, at.attribute("inclusive") == Some("false")))
    };
    // The schema takes `low [width | high]`, `high`, `width [high]` or `center [width]`.
    let (low, high, center) = (bound("low"), bound("high"), bound("center").map(|(center, _)| (center, false)));
    let mut inner = Writer::new();
    match (&center, &low, &high) {
        (Some(_), ..) => {
            edge(&mut inner, "center", &center);
            width(&mut inner, at);
        }
        (_, Some(_), Some(_)) => {
            edge(&mut inner, "low", &low);
            edge(&mut inner, "high", &high);
        }
        (_, None, None) => return None,
        _ => {
            edge(&mut inner, "low", &low);
            width(&mut inner, at);
            edge(&mut inner, "high", &high);
        }
    }
    w.open("value").raw(&inner.finish()).close();
    Some(())
}

fn edge(w: &mut Writer, name: &str, bound: &Option<(String, bool)>) {
    let Some((value, open)) = bound else { return };
    w.open(name).attribute("value", value);
    if *open {
        w.attribute("inclusive", "false");
    }
    w.close();
}

fn width(w: &mut Writer, at: &At<'_>) {
    let Some(width) = at.first("width") else { return };
    let (Some(value), Some(unit)) = (width.attribute("value"), width.attribute("unit")) else { return };
    if value.parse::<f64>().is_ok_and(f64::is_finite) && ["a", "mo", "wk", "d", "h", "min", "s"].contains(&unit) {
        w.empty("width", &[("value", value), ("unit", unit)]);
    }
}

fn uses(w: &mut Writer, at: &At<'_>, known: &[&str]) {
    let words: Vec<&str> =
        at.attribute("use").unwrap_or_default().split_whitespace().filter(|word| known.contains(word)).collect();
    if !words.is_empty() {
        w.attribute("use", &words.join(" "));
    }
}

/// A name or an address: its uses, its parts and its text, as far as the schema knows them.
fn structured(w: &mut Writer, at: &At<'_>, known_uses: &[&str], known_parts: &[&str]) -> Option<()> {
    if at.is_masked() {
        return None;
    }
    let mut inner = Writer::new();
    let mut any = false;
    for node in &at.element.children {
        match node {
            Node::Text(text) if !text.trim().is_empty() => _ = inner.text(text.trim()),
            Node::Element(part) if known_parts.contains(&&*part.name.local) && !is_masked(part) => {
                let words = part.attribute("qualifier").unwrap_or_default().split_whitespace();
                let qualifiers: Vec<&str> = words.filter(|word| QUALIFIERS.contains(word)).collect();
                inner.open(&part.name.local);
                if !qualifiers.is_empty() {
                    inner.attribute("qualifier", &qualifiers.join(" "));
                }
                inner.text(part.text().trim()).close();
            }
            _ => continue,
        }
        any = true;
    }
    if !any {
        return None;
    }
    w.open("value");
    uses(w, at, known_uses);
    w.raw(&inner.finish()).close();
    Some(())
}
