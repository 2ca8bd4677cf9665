//! What is compared of one source record: its names, dates and places in folded form.
//!
//! It must never hold a value in the form in which it was sent, nor show one in `Debug`.

use super::normalize::address::Place;
use super::normalize::{self, japanese, phone, western};
use crate::identity::{Demographics, Field, NamePartKind, PartialDate, PersonName, Representation, Sex, TelecomScheme};
use std::fmt;

/// Family and given name in one script, folded; either may be empty.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct NamePair {
    /// The family name.
    pub family: String,
    /// The first given name.
    pub given: String,
}

impl fmt::Debug for NamePair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NamePair(…)")
    }
}

/// The compact form of a record for comparison. Masked and unknown fields are simply missing.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct ComparisonRecord {
    /// Names in kanji.
    pub kanji: Vec<NamePair>,
    /// Names in kana.
    pub kana: Vec<NamePair>,
    /// The classes of all readings, from kana or Latin letters.
    pub reading: Vec<NamePair>,
    /// Names in Latin letters.
    pub latin: Vec<NamePair>,
    /// `yyyymmdd`, zeros where a part is unknown; 0 where missing.
    pub birth: u32,
    /// Administrative sex; none where it neither speaks for nor against.
    pub sex: Option<Sex>,
    /// Addresses, present and past.
    pub places: Vec<Place>,
    /// National digits of telephones.
    pub phones: Vec<String>,
    /// Generation suffix.
    pub suffix: String,
    /// Order within a multiple birth, 0 where unknown.
    pub birth_order: u8,
    /// The mother's name as a reading or in kanji.
    pub mother: String,
    /// The given name says only that its bearer was just born.
    pub newborn: bool,
}

impl fmt::Debug for ComparisonRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ComparisonRecord(…)")
    }
}

const MOST_VALUES: usize = 30;
const LONGEST_VALUE: usize = 200;

fn clip(mut text: String) -> String {
    let mut end = text.len().min(LONGEST_VALUE);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}

fn add<T: PartialEq>(list: &mut Vec<T>, value: T) {
    if list.len() < MOST_VALUES && !list.contains(&value) {
        list.push(value);
    }
}

impl ComparisonRecord {
    /// The comparison form of `demographics`.
    pub fn of(demographics: &Demographics) -> Self {
        let mut record = Self::default();
        for name in demographics.names.values() {
            record.add_name(name);
        }
        record.birth = demographics.birth_date.value().map_or(0, date_number);
        record.sex = demographics.sex.value().copied().filter(|sex| *sex != Sex::Undifferentiated);
        for address in demographics.addresses.values() {
            let mut place = Place::of(address);
            for part in [&mut place.postal, &mut place.prefecture, &mut place.city, &mut place.town, &mut place.block] {
                *part = clip(std::mem::take(part));
            }
            if !place.is_empty() {
                add(&mut record.places, place);
            }
        }
        for telecom in demographics.telecoms.values() {
            let digits = clip(phone::digits(&telecom.value));
            if telecom.scheme == TelecomScheme::Phone && !digits.is_empty() {
                add(&mut record.phones, digits);
            }
        }
        record.birth_order = match (&demographics.multiple_birth, demographics.birth_order.value()) {
            (Field::Set(false), _) | (_, None) => 0,
            (_, Some(order)) => *order,
        };
        record.mother = mother(demographics);
        record
    }

    fn add_name(&mut self, name: &PersonName) {
        for suffix in name.parts_of(NamePartKind::Suffix) {
            self.note_suffix(suffix);
        }
        let (family, given) = family_and_given(name);
        for token in family.split_whitespace().chain(given.split_whitespace()).skip(1) {
            self.note_suffix(token);
        }
        self.newborn |= normalize::is_newborn_name(&given);
        let real = |text: String| if normalize::is_placeholder_name(&text) { String::new() } else { text };
        let (family, given) = (real(family), real(given));
        let script = name.representation.filter(|said| fits(*said, &family, &given));
        match script.or_else(|| normalize::script(&format!("{family}{given}"))) {
            Some(Representation::Ideographic) => add_pair(&mut self.kanji, japanese::kanji, &family, &given),
            Some(Representation::Syllabic) => {
                add_pair(&mut self.kana, japanese::kana, &family, &given);
                add_pair(&mut self.reading, japanese::reading, &family, &given);
            }
            Some(Representation::Alphabetic) => {
                add_pair(&mut self.latin, western::name, &family, &given);
                add_pair(&mut self.reading, |text| japanese::reading(&western::name(text)), &family, &given);
            }
            None => {}
        }
    }

    fn note_suffix(&mut self, text: &str) {
        if let Some(suffix) = western::suffix(text) {
            self.suffix = suffix.to_owned();
        }
    }

    /// The birth date where the day is known.
    pub fn birth_day(&self) -> Option<u32> {
        (self.birth > 0 && !self.birth.is_multiple_of(100)).then_some(self.birth)
    }
}

/// A representation that the characters contradict is the sender's slip: kana in `IDE`, kanji in `SYL`.
fn fits(said: Representation, family: &str, given: &str) -> bool {
    match normalize::script(&format!("{family}{given}")) {
        Some(Representation::Syllabic) => said == Representation::Syllabic || said == Representation::Ideographic,
        Some(seen) => said == seen,
        None => false,
    }
}

fn add_pair(list: &mut Vec<NamePair>, fold: impl Fn(&str) -> String, family: &str, given: &str) {
    let pair = NamePair { family: clip(fold(family)), given: clip(fold(given)) };
    if !pair.family.is_empty() || !pair.given.is_empty() {
        add(list, pair);
    }
}

/// Family and given name as written; a name of text only is split at its comma or blank.
pub fn family_and_given(name: &PersonName) -> (String, String) {
    let (family, given) = (name.family(), name.first_given());
    if !family.trim().is_empty() || !given.trim().is_empty() {
        return (family, given);
    }
    let text = normalize::fold(&name.parts_of(NamePartKind::Text).collect::<Vec<_>>().join(" "));
    let owned = |(a, b): (&str, &str)| (a.trim().to_owned(), b.trim().to_owned());
    if let Some(parts) = text.split_once([',', '、']) {
        return owned(parts);
    }
    if normalize::script(&text) == Some(Representation::Alphabetic) {
        let (given, family) = text.rsplit_once(' ').map_or_else(|| (String::new(), text.clone()), owned);
        return (family, given.split(' ').next().unwrap_or_default().to_owned());
    }
    text.split_once(' ').map_or_else(|| (text.clone(), String::new()), owned)
}

/// The date as `yyyymmdd`; 0 for dates that systems write when they know none.
pub fn date_number(date: &PartialDate) -> u32 {
    let part = |n: Option<u8>| u32::from(n.unwrap_or(0));
    let year = u32::try_from(date.year()).unwrap_or(0);
    let number = year * 10_000 + part(date.month()) * 100 + part(date.day());
    if normalize::is_placeholder_date(number) || year == 0 || year == 9999 { 0 } else { number }
}

/// The code of the mother in HL7 `PersonalRelationshipRoleType`.
pub const MOTHER: &str = "MTH";

fn mother(demographics: &Demographics) -> String {
    let mothers = demographics.relationships.values().iter().filter(|relative| relative.code.code == MOTHER);
    let names = mothers.flat_map(|relative| &relative.names).map(family_and_given);
    let classes = names.map(|(family, given)| match normalize::script(&format!("{family}{given}")) {
        Some(Representation::Ideographic) => format!("{}{}", japanese::kanji(&family), japanese::kanji(&given)),
        _ => format!("{} {}", japanese::reading(&family), japanese::reading(&given)),
    });
    clip(classes.map(|class| class.trim().to_owned()).find(|class| !class.is_empty()).unwrap_or_default())
}
