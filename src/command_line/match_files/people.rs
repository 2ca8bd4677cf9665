//! From the columns of a record to what is compared of it.
//!
//! An unreadable value counts as missing and is counted; it is never shown.

use super::mapping::{Column, Layout};
use crate::identity::{
    Address, AddressPart, AddressPartKind, Coded, Demographics, Field, NamePart, NamePartKind, PartialDate, PersonName,
    Relationship, Representation, Sex, Telecom, TelecomScheme,
};
use crate::matching::files::{Compare, FileRecord};
use crate::matching::normalize::{self, western};
use crate::matching::{ComparisonRecord, Tradition};
use std::borrow::Cow;

/// The values of one record.
pub trait Cells {
    /// The values of a column that are not empty, without blanks at their ends.
    fn each<'a>(&'a self, column: &Column, take: &mut dyn FnMut(Cow<'a, str>));
}

/// One record ready to be matched.
pub struct Person {
    /// Its identifier.
    pub id: Box<str>,
    /// What is compared.
    pub record: FileRecord,
    /// Its birth date could not be read.
    pub unreadable_birth: bool,
}

/// What is compared of the record with these `cells`, from file number `file`, line `line`.
pub fn person(layout: &Layout, tradition: Tradition, cells: &impl Cells, file: u16, line: usize) -> Person {
    let one = |columns: &[Column]| {
        let mut found = Cow::Borrowed("");
        for column in columns {
            cells.each(column, &mut |value| {
                if found.is_empty() {
                    found = value;
                }
            });
        }
        found
    };
    let mut telecoms = Vec::new();
    for column in &layout.phone {
        cells.each(column, &mut |value| {
            telecoms.push(Telecom { uses: Vec::new(), scheme: TelecomScheme::Phone, value: value.into_owned() });
        });
    }
    let demographics = Demographics {
        names: Field::Set(names(layout, one, tradition)),
        sex: sex(&one(&layout.sex)).map_or(Field::Keep, Field::Set),
        addresses: Field::Set(vec![address(layout, one, tradition)]),
        telecoms: Field::Set(telecoms),
        birth_order: one(&layout.birth_order).parse().map_or(Field::Keep, Field::Set),
        ..Demographics::default()
    };
    let mut record = ComparisonRecord::of(&demographics);
    let birth = one(&layout.birth_date);
    let read = super::dates::read(&birth, layout.birth_date_format.as_deref());
    record.birth = read.filter(|date| !normalize::is_placeholder_date(*date)).unwrap_or(0);
    if let Some(suffix) = western::suffix(&one(&layout.suffix)) {
        record.suffix = suffix.to_owned();
    }
    let known = layout.known.iter().map(|(columns, compare)| match compare {
        Compare::Insurance => {
            insurance(&one(&layout.insurer), &one(&layout.insured_number), &one(&layout.insured_branch))
        }
        Compare::Identifier => letters(&one(columns)),
        Compare::Mail => normalize::fold(&one(columns)),
        _ => words(&one(columns)),
    });
    let extra = layout.extra.iter().map(|(column, compare)| {
        let value = all(cells, column);
        if *compare == Compare::Number { normalize::fold(&value) } else { words(&value) }
    });
    let further = known.chain(extra).collect();
    let id = one(&layout.record_id);
    Person {
        id: if id.is_empty() { format!("{}:{line}", file + 1).into_boxed_str() } else { Box::from(&*id) },
        record: FileRecord::new(record, further, one(&layout.source).into_owned(), file),
        unreadable_birth: !birth.is_empty() && read.is_none(),
    }
}

/// All that the record with these `cells` says of its patient, for a store; or why that cannot be taken.
pub fn demographics(layout: &Layout, tradition: Tradition, cells: &impl Cells) -> Result<Demographics, &'static str> {
    let all = |columns: &[Column]| -> Vec<String> {
        let mut all = Vec::new();
        columns.iter().for_each(|column| cells.each(column, &mut |value| all.push(value.into_owned())));
        all
    };
    let one = |columns: &[Column]| Cow::Owned(all(columns).into_iter().next().unwrap_or_default());
    let mut names = names(layout, one, tradition);
    if let Some(first) = names.first_mut() {
        let part = |kind, value| NamePart { kind, value, qualifiers: Vec::new() };
        first.parts.extend(all(&layout.middle).into_iter().map(|middle| part(NamePartKind::Given, middle)));
        first.parts.extend(all(&layout.suffix).into_iter().map(|suffix| part(NamePartKind::Suffix, suffix)));
    }
    let birth_date = birth_date(&one(&layout.birth_date), layout.birth_date_format.as_deref())?;
    if names.is_empty() && birth_date.is_none() {
        return Err("says neither a name nor a birth date");
    }
    let mut home = address(layout, one, tradition);
    let unit = AddressPart { kind: AddressPartKind::Unit, value: one(&layout.building).into_owned() };
    home.parts.extend(Some(unit).filter(|unit| !unit.value.is_empty()));
    let telecom = |scheme| move |value| Telecom { uses: Vec::new(), scheme, value };
    let telecoms: Vec<Telecom> = all(&layout.phone)
        .into_iter()
        .map(telecom(TelecomScheme::Phone))
        .chain(all(&layout.email).into_iter().map(telecom(TelecomScheme::Mail)))
        .collect();
    let birth_order = one(&layout.birth_order);
    let birth_order = match birth_order.parse() {
        Err(_) if !birth_order.is_empty() => return Err("the birth order is no small number"),
        order => order.ok(),
    };
    let place = Some(AddressPart { kind: AddressPartKind::Text, value: one(&layout.birth_place).into_owned() });
    let place = place.filter(|place| !place.value.is_empty());
    Ok(Demographics {
        names: some(names),
        sex: sex(&one(&layout.sex)).map_or(Field::Keep, Field::Set),
        birth_date: birth_date.map_or(Field::Keep, Field::Set),
        addresses: some(Some(home).filter(|home| !home.parts.is_empty()).into_iter().collect()),
        telecoms: some(telecoms),
        birth_order: birth_order.map_or(Field::Keep, Field::Set),
        relationships: some(all(&layout.mothers_maiden_name).into_iter().map(mother).collect()),
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

/// The values of a column joined by blanks.
pub fn all(cells: &impl Cells, column: &Column) -> String {
    let mut all = String::new();
    cells.each(column, &mut |value| {
        if !all.is_empty() {
            all.push(' ');
        }
        all.push_str(&value);
    });
    all
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

fn names<'a>(layout: &Layout, one: impl Fn(&[Column]) -> Cow<'a, str>, tradition: Tradition) -> Vec<PersonName> {
    let japanese = (tradition == Tradition::Japanese).then_some(Representation::Ideographic);
    let mut names = Vec::new();
    for (family, given, script) in [
        (&layout.family, &layout.given, japanese),
        (&layout.family_kana, &layout.given_kana, Some(Representation::Syllabic)),
        (&layout.family_romaji, &layout.given_romaji, Some(Representation::Alphabetic)),
    ] {
        let name = PersonName::simple(script, &one(family), &one(given));
        if !name.is_empty() {
            names.push(name);
        }
    }
    let full = one(&layout.full_name);
    if !full.is_empty() && names.is_empty() {
        let part = NamePart { kind: NamePartKind::Text, value: full.into_owned(), qualifiers: Vec::new() };
        names.push(PersonName { parts: vec![part], ..PersonName::default() });
    }
    names
}

fn address<'a>(layout: &Layout, one: impl Fn(&[Column]) -> Cow<'a, str>, tradition: Tradition) -> Address {
    use AddressPartKind::{City, HouseNumber, PostalCode, Precinct, State, StreetName, Text};
    // In the West the number stands before the street, or is told apart by its place.
    let order = match tradition {
        Tradition::Western => [
            (&layout.postal_code, PostalCode),
            (&layout.state, State),
            (&layout.prefecture, State),
            (&layout.city, City),
            (&layout.block, HouseNumber),
            (&layout.street, StreetName),
            (&layout.town, Precinct),
            (&layout.address, Text),
        ],
        Tradition::Japanese => [
            (&layout.postal_code, PostalCode),
            (&layout.prefecture, State),
            (&layout.state, State),
            (&layout.city, City),
            (&layout.town, Precinct),
            (&layout.street, StreetName),
            (&layout.block, HouseNumber),
            (&layout.address, Text),
        ],
    };
    let parts = order.into_iter().map(|(columns, kind)| AddressPart { kind, value: one(columns).into_owned() });
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
