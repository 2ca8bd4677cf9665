//! From the columns of a record to what is compared of it.
//!
//! An unreadable value counts as missing and is counted; it is never shown.

use super::mapping::Mapping;
use crate::identity::{
    Address, AddressPart, AddressPartKind, Coded, Demographics, Field, NamePart, NamePartKind, PartialDate, PersonName,
    Relationship, Representation, Sex, Telecom, TelecomScheme,
};
use crate::matching::files::{Compare, FileRecord};
use crate::matching::normalize::{self, western};
use crate::matching::{ComparisonRecord, Tradition};

/// The values of one record by column number, or by name.
pub trait Cells {
    /// The value of a column, empty where there is none.
    fn get(&self, column: &str) -> Vec<String>;
}

/// One record ready to be matched.
pub struct Person {
    /// Its identifier.
    pub id: String,
    /// What is compared.
    pub record: FileRecord,
    /// Its birth date could not be read.
    pub unreadable_birth: bool,
}

/// What is compared of the record with these `cells`, from file number `file`, line `line`.
pub fn person(mapping: &Mapping, tradition: Tradition, cells: &impl Cells, file: u16, line: usize) -> Person {
    let one = |name: &str| {
        let values = mapping.columns(name).iter().flat_map(|column| cells.get(column));
        values.map(|value| value.trim().to_owned()).find(|value| !value.is_empty()).unwrap_or_default()
    };
    let demographics = Demographics {
        names: Field::Set(names(&one, tradition)),
        sex: sex(&one("sex")).map_or(Field::Keep, Field::Set),
        addresses: Field::Set(vec![address(&one, tradition)]),
        telecoms: Field::Set(
            mapping
                .columns("phone")
                .iter()
                .flat_map(|column| cells.get(column))
                .filter(|value| !value.trim().is_empty())
                .map(|value| Telecom { uses: Vec::new(), scheme: TelecomScheme::Phone, value })
                .collect(),
        ),
        birth_order: one("birth_order").parse().map_or(Field::Keep, Field::Set),
        ..Demographics::default()
    };
    let mut record = ComparisonRecord::of(&demographics);
    let birth = one("birth_date");
    let read = super::dates::read(&birth, mapping.birth_date_format.as_deref());
    record.birth = read.filter(|date| !normalize::is_placeholder_date(*date)).unwrap_or(0);
    if let Some(suffix) = western::suffix(&one("suffix")) {
        record.suffix = suffix.to_owned();
    }
    let mut further: Vec<String> = Vec::new();
    for field in mapping.further().iter().take(mapping.further().len() - mapping.extra().count()) {
        further.push(match field.compare {
            Compare::Insurance => insurance(&one("insurer"), &one("insured_number"), &one("insured_branch")),
            Compare::Identifier => letters(&one(&field.id)),
            Compare::Mail => normalize::fold(&one(&field.id)),
            _ => words(&one(&field.id)),
        });
    }
    for (column, compare) in mapping.extra() {
        let value = cells.get(column).join(" ");
        further.push(if compare == Compare::Number { normalize::fold(&value) } else { words(&value) });
    }
    let id = one("record_id");
    Person {
        id: if id.is_empty() { format!("{}:{line}", file + 1) } else { id },
        record: FileRecord::new(record, further, one("source"), file),
        unreadable_birth: !birth.is_empty() && read.is_none(),
    }
}

/// All that the record with these `cells` says of its patient, for a store; or why that cannot be taken.
pub fn demographics(mapping: &Mapping, tradition: Tradition, cells: &impl Cells) -> Result<Demographics, &'static str> {
    let all = |name: &str| -> Vec<String> {
        let values = mapping.columns(name).iter().flat_map(|column| cells.get(column));
        values.map(|value| value.trim().to_owned()).filter(|value| !value.is_empty()).collect()
    };
    let one = |name: &str| all(name).into_iter().next().unwrap_or_default();
    let mut names = names(&one, tradition);
    if let Some(first) = names.first_mut() {
        let part = |kind, value| NamePart { kind, value, qualifiers: Vec::new() };
        first.parts.extend(all("middle").into_iter().map(|middle| part(NamePartKind::Given, middle)));
        first.parts.extend(all("suffix").into_iter().map(|suffix| part(NamePartKind::Suffix, suffix)));
    }
    let birth_date = birth_date(&one("birth_date"), mapping.birth_date_format.as_deref())?;
    if names.is_empty() && birth_date.is_none() {
        return Err("says neither a name nor a birth date");
    }
    let mut home = address(&one, tradition);
    let unit = AddressPart { kind: AddressPartKind::Unit, value: one("building") };
    home.parts.extend(Some(unit).filter(|unit| !unit.value.is_empty()));
    let telecom = |scheme| move |value| Telecom { uses: Vec::new(), scheme, value };
    let telecoms: Vec<Telecom> = all("phone")
        .into_iter()
        .map(telecom(TelecomScheme::Phone))
        .chain(all("email").into_iter().map(telecom(TelecomScheme::Mail)))
        .collect();
    let birth_order = one("birth_order");
    let birth_order = match birth_order.parse() {
        Err(_) if !birth_order.is_empty() => return Err("the birth order is no small number"),
        order => order.ok(),
    };
    let place = Some(AddressPart { kind: AddressPartKind::Text, value: one("birth_place") });
    let place = place.filter(|place| !place.value.is_empty());
    Ok(Demographics {
        names: some(names),
        sex: sex(&one("sex")).map_or(Field::Keep, Field::Set),
        birth_date: birth_date.map_or(Field::Keep, Field::Set),
        addresses: some(Some(home).filter(|home| !home.parts.is_empty()).into_iter().collect()),
        telecoms: some(telecoms),
        birth_order: birth_order.map_or(Field::Keep, Field::Set),
        relationships: some(all("mothers_maiden_name").into_iter().map(mother).collect()),
        birth_place: place.map_or(Field::Keep, |place| Field::Set(Address { uses: Vec::new(), parts: vec![place] })),
        ..Demographics::default()
    })
}

/// What a list of values says: an empty cell says nothing.
fn some<T>(values: Vec<T>) -> Field<Vec<T>> {
    if values.is_empty() { Field::Keep } else { Field::Set(values) }
}

fn mother(family: String) -> Relationship {
    let code = Coded { code: "MTH".to_owned(), system: String::new(), display: String::new() };
    Relationship { code, names: vec![PersonName::simple(None, &family, "")] }
}

fn birth_date(text: &str, format: Option<&str>) -> Result<Option<PartialDate>, &'static str> {
    if text.is_empty() {
        return Ok(None);
    }
    let number = super::dates::read(text, format).ok_or("the birth date cannot be read")?;
    let part = |n: u32| u8::try_from(n % 100).unwrap_or(u8::MAX);
    let year = i16::try_from(number / 10_000).unwrap_or(i16::MAX);
    PartialDate::new(year, part(number / 100), part(number)).map(Some).map_err(|_| "no calendar has the birth date")
}

fn words(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    if normalize::script(text) == Some(Representation::Alphabetic) {
        return western::tokens(text).join(" ");
    }
    normalize::fold(text)
}

fn letters(text: &str) -> String {
    normalize::fold(text).chars().filter(|c| c.is_alphanumeric()).collect()
}

fn names(one: &impl Fn(&str) -> String, tradition: Tradition) -> Vec<PersonName> {
    let japanese = (tradition == Tradition::Japanese).then_some(Representation::Ideographic);
    let mut names = Vec::new();
    for (family, given, script) in [
        ("family", "given", japanese),
        ("family_kana", "given_kana", Some(Representation::Syllabic)),
        ("family_romaji", "given_romaji", Some(Representation::Alphabetic)),
    ] {
        let name = PersonName::simple(script, &one(family), &one(given));
        if !name.is_empty() {
            names.push(name);
        }
    }
    let full = one("full_name");
    if !full.is_empty() && names.is_empty() {
        let part = NamePart { kind: NamePartKind::Text, value: full, qualifiers: Vec::new() };
        names.push(PersonName { parts: vec![part], ..PersonName::default() });
    }
    names
}

fn address(one: &impl Fn(&str) -> String, tradition: Tradition) -> Address {
    use AddressPartKind::{City, HouseNumber, PostalCode, Precinct, State, StreetName, Text};
    // In the West the number stands before the street, or is told apart by its place.
    let order: &[(&str, AddressPartKind)] = match tradition {
        Tradition::Western => &[
            ("postal_code", PostalCode),
            ("state", State),
            ("prefecture", State),
            ("city", City),
            ("block", HouseNumber),
            ("street", StreetName),
            ("town", Precinct),
            ("address", Text),
        ],
        Tradition::Japanese => &[
            ("postal_code", PostalCode),
            ("prefecture", State),
            ("state", State),
            ("city", City),
            ("town", Precinct),
            ("street", StreetName),
            ("block", HouseNumber),
            ("address", Text),
        ],
    };
    let parts = order.iter().map(|(name, kind)| AddressPart { kind: *kind, value: one(name) });
    Address { uses: Vec::new(), parts: parts.filter(|part| !part.value.is_empty()).collect() }
}

fn sex(text: &str) -> Option<Sex> {
    match normalize::fold(text).as_str() {
        "f" | "female" | "w" | "woman" | "女" | "女性" | "2" => Some(Sex::Female),
        "m" | "male" | "man" | "男" | "男性" | "1" => Some(Sex::Male),
        _ => None,
    }
}

fn insurance(insurer: &str, number: &str, branch: &str) -> String {
    let number = letters(number);
    if number.is_empty() {
        return String::new();
    }
    let insurer = letters(insurer);
    let branch = letters(branch);
    format!("{}:{number}/{}", insurer.trim_start_matches('0'), branch.trim_start_matches('0'))
}
