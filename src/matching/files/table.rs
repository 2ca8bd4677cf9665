//! The records of files as compact rows: each value a number that stands for its text.
//!
//! It must hold a million records in a few hundred megabytes, so a text is kept once however often it occurs, and it
//! must never show one in `Debug`.

use super::blocks::loose_key;
use super::further::{Compare, Further};
use super::readings::Readings;
use crate::identity::Sex;
use crate::matching::normalize::{WILDCARD, phone};
use crate::matching::record::{ComparisonRecord, NamePair};
use crate::matching::seam::BlockingKey;
use siphasher::sip::SipHasher13;
use std::fmt;
use std::hash::Hasher;

/// The number of a text; 0 is the empty one, which stands for a missing value.
pub type Symbol = u32;

/// Texts by number, and how many records have each.
#[derive(Clone)]
pub struct Texts {
    /// All texts, one after the other, and where each ends.
    written: String,
    ends: Vec<usize>,
    counts: Vec<u32>,
    /// Which have a character that stands for any.
    wild: Vec<bool>,
    /// The numbers by hash, each in the first slot that was free; 0 is free.
    slots: Vec<Symbol>,
}

impl Default for Texts {
    fn default() -> Self {
        Self { written: String::new(), ends: vec![0], counts: vec![0], wild: vec![false], slots: vec![0; 64] }
    }
}

impl fmt::Debug for Texts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Texts({})", self.ends.len())
    }
}

fn place(number: Symbol) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

impl Texts {
    fn number(&mut self, text: &str) -> Symbol {
        if text.is_empty() {
            return 0;
        }
        let slot = self.slot(text);
        let mut number = self.slots.get(slot).copied().unwrap_or(0);
        if number == 0 {
            number = u32::try_from(self.ends.len()).unwrap_or(0);
            self.written.push_str(text);
            self.ends.push(self.written.len());
            self.counts.push(0);
            self.wild.push(text.contains(WILDCARD));
            if let Some(slot) = self.slots.get_mut(slot) {
                *slot = number;
            }
            if self.ends.len() > self.slots.len() / 4 * 3 {
                self.grow();
            }
        }
        if let Some(count) = self.counts.get_mut(place(number)) {
            *count += 1;
        }
        number
    }

    /// Where the number of a text is, or belongs.
    fn slot(&self, text: &str) -> usize {
        let mut at = hash_of(text) & (self.slots.len() - 1);
        loop {
            match self.slots.get(at) {
                Some(number) if *number != 0 && self.text(*number) != text => at = (at + 1) & (self.slots.len() - 1),
                _ => return at,
            }
        }
    }

    fn grow(&mut self) {
        self.slots = vec![0; self.slots.len() * 2];
        for number in 1..u32::try_from(self.ends.len()).unwrap_or(u32::MAX) {
            let slot = self.slot(self.text(number));
            if let Some(slot) = self.slots.get_mut(slot) {
                *slot = number;
            }
        }
    }

    /// The text of a number.
    pub fn text(&self, number: Symbol) -> &str {
        let at = place(number);
        let from = at.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        self.ends.get(at).and_then(|until| self.written.get(from..*until)).unwrap_or("")
    }

    /// Whether the text has a character that could not be read.
    pub fn is_wild(&self, number: Symbol) -> bool {
        self.wild.get(place(number)).copied().unwrap_or(false)
    }

    /// How many records have the text.
    pub fn count(&self, number: Symbol) -> u32 {
        self.counts.get(place(number)).copied().unwrap_or(0)
    }

    /// How many records have any, and the probability that two of them have the same.
    pub fn total_and_collision(&self) -> (f64, f64) {
        let counts = || self.counts.iter().skip(1).map(|count| f64::from(*count));
        let total: f64 = counts().sum();
        let squares: f64 = counts().map(|count| count * (count - 1.0).max(0.0)).sum();
        (total, if total > 1.0 { squares / (total * (total - 1.0)) } else { 0.0 })
    }

    /// Gives up what is needed only to add texts.
    fn close(&mut self) {
        self.slots = Vec::new();
        self.written.shrink_to_fit();
        self.ends.shrink_to_fit();
        self.counts.shrink_to_fit();
    }
}

fn hash_of(text: &str) -> usize {
    let mut hasher = SipHasher13::new_with_keys(0x6e61_796f_7365_0003, 0x7465_7874_735f_6f66);
    hasher.write(text.as_bytes());
    usize::try_from(hasher.finish() >> 1).unwrap_or(0)
}

/// A name in one script.
#[derive(Clone, Copy, Default)]
pub struct NameRow {
    /// Family name.
    pub family: Symbol,
    /// Given name.
    pub given: Symbol,
}

/// One record.
#[derive(Clone, Copy, Default)]
pub struct Row {
    /// In kanji.
    pub kanji: NameRow,
    /// In kana.
    pub kana: NameRow,
    /// The class of its reading.
    pub reading: NameRow,
    /// In Latin letters.
    pub latin: NameRow,
    /// `yyyymmdd`.
    pub birth: u32,
    /// Postal code.
    pub postal: Symbol,
    /// City.
    pub city: Symbol,
    /// Town.
    pub town: Symbol,
    /// Block.
    pub block: Symbol,
    /// The last digits of up to three telephones.
    pub phones: [Symbol; 3],
    /// Which source, for the prior.
    pub source: u16,
    /// Which file.
    pub file: u16,
    /// 0 unknown.
    pub sex: u8,
    /// Generation suffix, 0 unknown.
    pub suffix: u8,
    /// Order within a multiple birth, 0 unknown.
    pub birth_order: u8,
    /// Born just now, without a name.
    pub newborn: bool,
}

/// One record as it is handed in.
#[derive(Clone, Default)]
pub struct FileRecord {
    record: ComparisonRecord,
    further: Vec<String>,
    source: String,
    file: u16,
    keys: Vec<BlockingKey>,
    loose: Vec<i64>,
}

impl FileRecord {
    /// What every model knows of the record, a folded value for each further field of the table (empty where
    /// missing), the hospital or system that it is from, and the number of its file.
    pub fn new(record: ComparisonRecord, further: Vec<String>, source: String, file: u16) -> Self {
        let keys = record.blocking_keys();
        let loose = loose_keys(&record);
        Self { record, further, source, file, keys, loose }
    }
}

impl fmt::Debug for FileRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FileRecord(…)")
    }
}

/// Families and given names of one script.
#[derive(Clone, Debug, Default)]
pub struct NameTexts {
    /// Family names.
    pub family: Texts,
    /// Given names.
    pub given: Texts,
}

/// All records of a run.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// The further fields.
    pub fields: Vec<Further>,
    rows: Vec<Row>,
    further: Vec<Symbol>,
    pub(super) keys: super::blocks::KeyStore,
    /// Names in kanji.
    pub kanji: NameTexts,
    /// Names in kana.
    pub kana: NameTexts,
    /// Readings.
    pub reading: NameTexts,
    /// Names in Latin letters.
    pub latin: NameTexts,
    /// Postal codes.
    pub postal: Texts,
    /// Cities.
    pub city: Texts,
    /// Towns.
    pub town: Texts,
    /// Blocks.
    pub block: Texts,
    /// Telephones.
    pub phone: Texts,
    /// The values of the further fields.
    pub values: Vec<Texts>,
    /// Whoever was born before is of age, `yyyymmdd`; known once the table is closed.
    of_age: u32,
    /// How given names in kanji are read; known once the table is closed.
    pub readings: Readings,
    suffixes: Texts,
    sources: Texts,
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Row(…)")
    }
}

impl Table {
    /// An empty table with these further fields.
    pub fn new(fields: Vec<Further>) -> Self {
        let values = fields.iter().map(|_| Texts::default()).collect();
        Self { fields, values, ..Self::default() }
    }

    /// Adds a record; its number is how many there were.
    pub fn add(&mut self, said: &FileRecord) {
        let at = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        let record = &said.record;
        let mut row = Row {
            kanji: name(&mut self.kanji, &record.kanji),
            kana: name(&mut self.kana, &record.kana),
            reading: name(&mut self.reading, &record.reading),
            latin: name(&mut self.latin, &record.latin),
            birth: record.birth,
            source: short(self.sources.number(&said.source)),
            file: said.file,
            sex: match record.sex {
                Some(Sex::Female) => 1,
                Some(Sex::Male) => 2,
                _ => 0,
            },
            suffix: u8::try_from(self.suffixes.number(&record.suffix)).unwrap_or(0),
            birth_order: record.birth_order,
            newborn: record.newborn,
            ..Row::default()
        };
        if let Some(place) = record.places.first() {
            row.postal = self.postal.number(&place.postal);
            row.city = self.city.number(&place.city);
            row.town = self.town.number(&place.town);
            row.block = self.block.number(&place.block);
        }
        for (kept, digits) in row.phones.iter_mut().zip(&record.phones) {
            *kept = self.phone.number(phone::tail(digits));
        }
        for (number, (field, texts)) in self.fields.iter().zip(&mut self.values).enumerate() {
            let value = said.further.get(number).map_or("", String::as_str);
            self.further.push(texts.number(value));
            if field.compare.makes_keys() {
                let part = if field.compare.is_of_households() { value.split('/').next().unwrap_or("") } else { value };
                self.keys.add_value(number, part, at);
            }
        }
        for key in &said.loose {
            self.keys.add_loose(*key, at);
        }
        for (number, (field, value)) in self.fields.iter().zip(&said.further).enumerate() {
            identifier_halves(&mut self.keys, number, field.compare, value, at);
            names_beside(&mut self.keys, (number, field.compare), value, record, at);
        }
        for BlockingKey(key) in &said.keys {
            self.keys.add(*key, at);
        }
        self.rows.push(row);
    }

    /// No record follows.
    pub fn close(&mut self) {
        self.rows.shrink_to_fit();
        self.further.shrink_to_fit();
        let names = [&mut self.kanji, &mut self.kana, &mut self.reading, &mut self.latin];
        names.into_iter().flat_map(|names| [&mut names.family, &mut names.given]).for_each(Texts::close);
        [&mut self.postal, &mut self.city, &mut self.town, &mut self.block, &mut self.phone]
            .into_iter()
            .chain(&mut self.values)
            .for_each(Texts::close);
        self.readings = Readings::of(self);
        self.of_age = of_age(&self.rows);
    }

    /// Whether one born then, `yyyymmdd`, had come of age when the youngest of the table were born.
    pub fn is_of_age(&self, birth: u32) -> bool {
        birth != 0 && birth < self.of_age
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The rows.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// A record.
    pub fn row(&self, at: u32) -> Row {
        usize::try_from(at).ok().and_then(|at| self.rows.get(at)).copied().unwrap_or_default()
    }

    /// The values of a record's further fields.
    pub fn further(&self, at: u32) -> &[Symbol] {
        let from = usize::try_from(at).unwrap_or(usize::MAX).saturating_mul(self.fields.len());
        self.further.get(from..from.saturating_add(self.fields.len())).unwrap_or(&[])
    }
}

/// Eighteen years before the youngest were born: one in a hundred may be younger, since there are slips.
fn of_age(rows: &[Row]) -> u32 {
    let mut births: Vec<u32> = rows.iter().map(|row| row.birth).filter(|birth| *birth != 0).collect();
    let at = births.len() - births.len().div_ceil(100);
    if births.is_empty() {
        return 0;
    }
    let (_, youngest, _) = births.select_nth_unstable(at);
    youngest.saturating_sub(18 * 10_000)
}

fn short(number: Symbol) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}

fn name(texts: &mut NameTexts, pairs: &[NamePair]) -> NameRow {
    // A file has one name in each script; of several the first is compared, and all make keys.
    pairs.first().map_or(NameRow::default(), |pair| NameRow {
        family: texts.family.number(&pair.family),
        given: texts.given.number(&pair.given),
    })
}

/// The head of a text.
fn head(text: &str, length: usize) -> &str {
    text.char_indices().nth(length).map_or(text, |(at, _)| text.get(..at).unwrap_or(text))
}

/// Keys that find records with several slips at once, where the file is small enough for them to be short.
fn loose_keys(record: &ComparisonRecord) -> Vec<i64> {
    let mut keys = Vec::new();
    let mut add = |kind: u8, parts: &[&str]| keys.extend(loose_key(kind, parts));
    let day = record.birth_day().map(|day| day.to_string()).unwrap_or_default();
    let year = if record.birth == 0 { String::new() } else { (record.birth / 10_000).to_string() };
    add(1, &[&day]);
    for pair in record.reading.iter().chain(&record.moved_names()) {
        add(2, &[&pair.family, head(&pair.given, 1), &year]);
        add(3, &[&pair.given, head(&pair.family, 1), &year]);
        for place in &record.places {
            add(4, &[&pair.family, &place.town]);
            add(5, &[&pair.given, &place.city]);
            add(6, &[&pair.family, &place.postal]);
            add(11, &[&pair.family, &place.city]);
            add(7, &[&pair.family, head(&pair.given, 1), &place.city]);
        }
    }
    for place in &record.places {
        add(8, &[&place.town, &place.block]);
        add(9, &[&place.town, &year]);
        add(10, &[&place.postal, &place.block]);
    }
    keys
}

/// Somebody of one name, of whom something further is known that many share: where they were born, what they work.
fn names_beside(
    keys: &mut super::blocks::KeyStore,
    (field, compare): (usize, Compare),
    value: &str,
    record: &ComparisonRecord,
    at: u32,
) {
    if !matches!(compare, Compare::Exact | Compare::String | Compare::Token) {
        return;
    }
    let kind = u8::try_from(field).unwrap_or(0);
    for pair in record.reading.iter().chain(&record.moved_names()) {
        for (name, place) in [(&pair.family, 150), (&pair.given, 200)] {
            loose_key(place + kind, &[name, value]).into_iter().for_each(|key| keys.add_loose(key, at));
        }
    }
}

/// Of an identifier with one slip, one half is whole.
fn identifier_halves(keys: &mut super::blocks::KeyStore, field: usize, compare: Compare, value: &str, at: u32) {
    if compare != Compare::Identifier || value.len() < 6 {
        return;
    }
    let (kind, middle) = (u8::try_from(field).unwrap_or(0), value.len() / 2);
    if let Some((first, second)) = value.split_at_checked(middle) {
        for key in [loose_key(100 + kind, &["first", first]), loose_key(100 + kind, &["second", second])] {
            key.into_iter().for_each(|key| keys.add_loose(key, at));
        }
    }
}
