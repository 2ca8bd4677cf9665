//! Data types of the 2008 edition, read: II, CE, TS, IVL_TS, EN, AD, TEL, BL, INT and null flavours.

use super::message::InstanceIdentifier;
use super::place::{At, Findings, is_masked};
use crate::identity::{
    Address, AddressPart, AddressPartKind, BirthCriterion, Coded, Field, NamePart, NamePartKind, Oid, PartialDate,
    PatientIdentifier, PersonName, Representation, Telecom, TelecomScheme, UnknownReason,
};
use crate::xml::{Element, Node};

/// The state of a field that has no value, by its null flavour.
pub(super) fn absent<T>(null: Option<&str>) -> Field<T> {
    Field::Unknown(match null {
        Some("MSK") => return Field::Masked,
        Some("UNK" | "NAVU") => UnknownReason::Unknown,
        Some("ASKU") => UnknownReason::AskedButUnknown,
        Some("NASK") => UnknownReason::NotAsked,
        Some("NAV") => UnknownReason::Unavailable,
        Some("NA") => UnknownReason::NotApplicable,
        Some("OTH") => UnknownReason::Other,
        _ => UnknownReason::NoInformation,
    })
}

/// A list of repetitions: set where any has a value, else masked where any is, else in the state of the first.
pub(super) fn list<T>(elements: &[At<'_>], mut read: impl FnMut(&At<'_>) -> Option<T>) -> Field<Vec<T>> {
    let values: Vec<T> = elements.iter().filter(|at| !at.is_masked()).filter_map(&mut read).collect();
    if !values.is_empty() {
        return Field::Set(values);
    }
    // A masked one tells more than a null one before it: there is a value.
    let telling = elements.iter().find(|at| at.is_masked()).or(elements.first());
    absent(telling.and_then(At::null))
}

/// `II` as it stands.
pub(super) fn instance(at: &At<'_>) -> Option<InstanceIdentifier> {
    let root = at.attribute("root")?.to_owned();
    Some(InstanceIdentifier {
        root,
        extension: at.element.attribute("extension").map(str::to_owned).filter(|e| !e.is_empty()),
    })
}

/// A patient identifier; none where it is null, an error where it cannot be one.
pub(super) fn identifier(at: &At<'_>, findings: &mut Findings) -> Option<PatientIdentifier> {
    // A null one may name the authority in which there is none.
    let partial = at.attribute("root").is_none() || at.attribute("extension").is_none();
    if partial && at.null().is_some() {
        return None;
    }
    let authority = oid(at, findings)?;
    match at.element.attribute("extension") {
        Some(value) if !value.trim().is_empty() => Some(PatientIdentifier { authority, value: value.to_owned() }),
        Some(_) => {
            findings.error("SYN102", "the extension of an identifier is empty", &at.path());
            None
        }
        None => {
            findings.error("SYN100", "an identifier needs root and extension", &at.path());
            None
        }
    }
}

/// The OID in `@root`; an error where there is none.
pub(super) fn oid(at: &At<'_>, findings: &mut Findings) -> Option<Oid> {
    let raw = at.element.attribute("root").unwrap_or_default();
    if raw.trim().is_empty() {
        findings.error("SYN100", "the root is missing", &at.path());
        return None;
    }
    if raw.trim() != raw {
        findings.forgive("SYN102", "the root has blanks around it", &at.path());
    }
    let read = Oid::parse(raw.trim()).ok();
    if read.is_none() {
        findings.error("SYN102", "the root is not an ISO object identifier", &at.path());
    }
    read
}

/// A code with its system.
pub(super) fn coded(at: &At<'_>) -> Option<Coded> {
    Some(Coded {
        code: at.attribute("code")?.to_owned(),
        system: at.attribute("codeSystem").unwrap_or_default().to_owned(),
        display: at.attribute("displayName").unwrap_or_default().to_owned(),
    })
}

/// `TS/@value`; forgives a date that carries a zone and the ISO form, where that is unambiguous.
pub(super) fn date(text: &str, at: &At<'_>, findings: &mut Findings) -> Option<PartialDate> {
    if let Ok(date) = PartialDate::parse_hl7(text) {
        return Some(date);
    }
    // `1940-05` or `1940-05-12…`; but `1940-0330` is a year with a zone.
    let iso = text.get(4..5) == Some("-") && (text.len() == 7 || text.get(7..8) == Some("-"));
    let plain: String = if iso {
        text.chars().take_while(|c| *c != 'T').filter(char::is_ascii_digit).collect()
    } else {
        text.split(['+', '-']).next().unwrap_or_default().to_owned()
    };
    match PartialDate::parse_hl7(&plain) {
        Ok(date) if !findings.strict => {
            findings.forgive("SYN102", "a time stamp is not of the HL7 form", &at.path());
            Some(date)
        }
        _ => {
            findings.error("SYN102", "a time stamp is not valid", &at.path());
            None
        }
    }
}

/// A single `TS` as a field.
pub(super) fn date_field(at: Option<At<'_>>, findings: &mut Findings) -> Field<PartialDate> {
    let Some(at) = at else { return absent(None) };
    match at.attribute("value") {
        Some(text) => date(text, &at, findings).map_or(absent(None), Field::Set),
        _ => absent(at.null()),
    }
}

/// A single `BL` as a field.
pub(super) fn boolean_field(at: Option<At<'_>>, findings: &mut Findings) -> Field<bool> {
    let Some(at) = at else { return absent(None) };
    match at.attribute("value") {
        Some("true") => Field::Set(true),
        Some("false") => Field::Set(false),
        Some(number @ ("1" | "0")) => {
            findings.forgive("SYN102", "a truth value is told as a number", &at.path());
            Field::Set(number == "1")
        }
        Some(_) => {
            findings.error("SYN102", "neither true nor false", &at.path());
            absent(None)
        }
        None => absent(at.null()),
    }
}

/// `IVL_TS` as the days that it spans, both ends included.
pub(super) fn interval(at: &At<'_>, findings: &mut Findings) -> Option<BirthCriterion> {
    if let Some(value) = at.attribute("value") {
        let (from, to) = date(value, at, findings)?.period();
        return Some(BirthCriterion { from: Some(from), to: Some(to) });
    }
    if let Some(center) = at.first("center") {
        let (from, to) = date(center.attribute("value")?, &center, findings)?.period();
        let days = at.first("width").and_then(|width| days(&width)).unwrap_or(0) / 2;
        return Some(BirthCriterion { from: Some(shift(from, -days)), to: Some(shift(to, days)) });
    }
    // Excluding a moment excludes its day only where no other moment of that day is left.
    let low = bound(at.first("low"), findings)
        .map(|((first, last), open, time)| if open && time.is_empty() { shift(last, 1) } else { first });
    let high = bound(at.first("high"), findings).map(|((first, last), open, time)| {
        if open && time.bytes().all(|b| b == b'0') { shift(first, -1) } else { last }
    });
    let width = at.first("width").and_then(|width| days(&width));
    let criterion = match (low, high, width) {
        (Some(low), None, Some(days)) => BirthCriterion { from: Some(low), to: Some(shift(low, days)) },
        (None, Some(high), Some(days)) => BirthCriterion { from: Some(shift(high, -days)), to: Some(high) },
        (low, high, _) => BirthCriterion { from: low, to: high },
    };
    (criterion.from.is_some() || criterion.to.is_some()).then_some(criterion)
}

/// The period of a bound, whether the bound itself is excluded, and its time of day.
fn bound(at: Option<At<'_>>, findings: &mut Findings) -> Option<((i32, i32), bool, String)> {
    let at = at?;
    let date = date(at.attribute("value")?, &at, findings)?;
    let text = date.to_hl7();
    let time = text.get(8..).and_then(|rest| rest.split(['+', '-', '.']).next()).unwrap_or_default();
    Some((date.period(), at.attribute("inclusive") == Some("false"), time.to_owned()))
}

/// A width in days (UCUM units of time).
fn days(at: &At<'_>) -> Option<i64> {
    let value: f64 = at.attribute("value")?.parse().ok()?;
    let each = match at.attribute("unit")? {
        "a" => 365.25,
        "mo" => 30.4375,
        "wk" => 7.0,
        "d" => 1.0,
        "h" => 1.0 / 24.0,
        _ => 0.0,
    };
    format!("{:.0}", (value * each).clamp(0.0, 400_000.0)).parse().ok()
}

/// `yyyymmdd` moved by days; unchanged where that leaves the calendar.
fn shift(day: i32, by: i64) -> i32 {
    let moved = || {
        let (year, month, date) =
            (i16::try_from(day / 10_000).ok()?, i8::try_from(day / 100 % 100).ok()?, i8::try_from(day % 100).ok()?);
        let start = jiff::civil::Date::new(year, month, date).ok()?;
        let end = start.checked_add(jiff::Span::new().try_days(by).ok()?).ok()?;
        Some(i32::from(end.year()) * 10_000 + i32::from(end.month()) * 100 + i32::from(end.day()))
    };
    moved().unwrap_or(day)
}

/// `EN`/`PN`; none where it holds no text.
pub(super) fn name(at: &At<'_>) -> Option<PersonName> {
    let mut name = PersonName::default();
    for word in at.attribute("use").unwrap_or_default().split_whitespace() {
        match word {
            "IDE" => name.representation = Some(Representation::Ideographic),
            "SYL" => name.representation = Some(Representation::Syllabic),
            "ABC" => name.representation = Some(Representation::Alphabetic),
            other => name.uses.push(other.to_owned()),
        }
    }
    for (kind, value, qualifiers) in parts(at.element) {
        let kind = match kind {
            "family" => NamePartKind::Family,
            "given" => NamePartKind::Given,
            "prefix" => NamePartKind::Prefix,
            "suffix" => NamePartKind::Suffix,
            "delimiter" => NamePartKind::Delimiter,
            "" => NamePartKind::Text,
            _ => continue,
        };
        name.parts.push(NamePart { kind, value, qualifiers });
    }
    (!name.is_empty()).then_some(name)
}

/// The parts of `AD` that few senders write.
pub(super) const FURTHER_PARTS: [(AddressPartKind, &str); 16] = [
    (AddressPartKind::StreetNameBase, "streetNameBase"),
    (AddressPartKind::StreetNameType, "streetNameType"),
    (AddressPartKind::HouseNumberNumeric, "houseNumberNumeric"),
    (AddressPartKind::BuildingNumberSuffix, "buildingNumberSuffix"),
    (AddressPartKind::Direction, "direction"),
    (AddressPartKind::AdditionalLocator, "additionalLocator"),
    (AddressPartKind::UnitType, "unitType"),
    (AddressPartKind::CareOf, "careOf"),
    (AddressPartKind::CensusTract, "censusTract"),
    (AddressPartKind::DeliveryAddressLine, "deliveryAddressLine"),
    (AddressPartKind::DeliveryInstallationType, "deliveryInstallationType"),
    (AddressPartKind::DeliveryInstallationArea, "deliveryInstallationArea"),
    (AddressPartKind::DeliveryInstallationQualifier, "deliveryInstallationQualifier"),
    (AddressPartKind::DeliveryMode, "deliveryMode"),
    (AddressPartKind::DeliveryModeIdentifier, "deliveryModeIdentifier"),
    (AddressPartKind::Delimiter, "delimiter"),
];

/// `AD`; none where it holds no text.
pub(super) fn address(at: &At<'_>) -> Option<Address> {
    let uses = at.attribute("use").unwrap_or_default().split_whitespace().map(str::to_owned).collect();
    let mut address = Address { uses, parts: Vec::new() };
    for (kind, value, _) in parts(at.element) {
        let kind = match kind {
            "country" => AddressPartKind::Country,
            "state" => AddressPartKind::State,
            "county" => AddressPartKind::County,
            "city" => AddressPartKind::City,
            "precinct" => AddressPartKind::Precinct,
            "postalCode" => AddressPartKind::PostalCode,
            "streetAddressLine" => AddressPartKind::StreetAddressLine,
            "streetName" => AddressPartKind::StreetName,
            "houseNumber" => AddressPartKind::HouseNumber,
            "unitID" => AddressPartKind::Unit,
            "postBox" => AddressPartKind::PostBox,
            "" => AddressPartKind::Text,
            "useablePeriod" => continue,
            other => FURTHER_PARTS
                .iter()
                .find(|(_, element)| *element == other)
                .map_or(AddressPartKind::Other, |(kind, _)| *kind),
        };
        address.parts.push(AddressPart { kind, value });
    }
    let told = address.parts.iter().any(|part| part.kind != AddressPartKind::Delimiter);
    told.then_some(address)
}

/// The parts of a name or an address with text in them, in order; text outside any part has no kind.
fn parts(element: &Element) -> Vec<(&str, String, Vec<String>)> {
    let mut parts = Vec::new();
    if is_masked(element) {
        return parts;
    }
    for node in &element.children {
        let (kind, text, qualifiers) = match node {
            Node::Text(text) => ("", text.clone(), Vec::new()),
            Node::Element(part) if is_masked(part) => continue,
            Node::Element(part) => {
                let qualifiers =
                    part.attribute("qualifier").unwrap_or_default().split_whitespace().map(str::to_owned).collect();
                (&*part.name.local, part.text(), qualifiers)
            }
        };
        if !text.trim().is_empty() {
            parts.push((kind, text.trim().to_owned(), qualifiers));
        }
    }
    parts
}

/// `TEL`; none where it has no value.
pub(super) fn telecom(at: &At<'_>) -> Option<Telecom> {
    let value = at.attribute("value")?.to_owned();
    let scheme = match value.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase()).as_deref() {
        Some("tel") | None => TelecomScheme::Phone,
        Some("fax") => TelecomScheme::Fax,
        Some("mailto") => TelecomScheme::Mail,
        Some(_) => TelecomScheme::Other,
    };
    let uses = at.attribute("use").unwrap_or_default().split_whitespace().map(str::to_owned).collect();
    Some(Telecom { uses, scheme, value })
}
