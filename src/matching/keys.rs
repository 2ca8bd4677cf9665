//! The keys under which a record is filed; records of one person share at least one with high probability.
//!
//! A key must never change its meaning: the store holds hashes. Missing values and placeholders make no key.

use super::normalize::phone;
use super::record::{ComparisonRecord, NamePair};
use super::seam::BlockingKey;
use crate::identity::Sex;
use siphasher::sip::SipHasher13;
use std::collections::BTreeMap;
use std::hash::Hasher;

/// By which version of normalisation, keys and tokens records are filed. It grows when any of them changes, and a store is
/// filed anew by and by then.
pub const FILING_VERSION: u32 = 2;

/// Each key with the number of its kind.
struct Keys(BTreeMap<BlockingKey, u8>);

impl Keys {
    /// Files under `parts`, unless one of them is missing.
    fn add(&mut self, number: u8, parts: &[&str]) {
        if parts.iter().any(|part| part.is_empty()) {
            return;
        }
        // A fixed key: hashes are stored, and must be the same on every machine and in every version.
        let mut hasher = SipHasher13::new_with_keys(0x6e61_796f_7365_0001, 0x6d61_7463_6869_6e67);
        hasher.write(&[number]);
        for part in parts {
            hasher.write(part.as_bytes());
            hasher.write(&[0x1f]);
        }
        self.0.insert(BlockingKey(i64::from_be_bytes(hasher.finish().to_be_bytes())), number);
    }
}

fn head(text: &str, length: usize) -> &str {
    text.char_indices().nth(length).map_or(text, |(at, _)| text.get(..at).unwrap_or(text))
}

fn skeleton(text: &str) -> String {
    let mut out = String::new();
    for (at, c) in text.chars().enumerate() {
        if (at == 0 || !"aeiouyhw ".contains(c)) && !out.ends_with(c) {
            out.push(c);
        }
    }
    out
}

impl ComparisonRecord {
    /// The keys of the record, distinct and in ascending order; each past name, address and phone has its own.
    pub fn blocking_keys(&self) -> Vec<BlockingKey> {
        self.keys().0.into_keys().collect()
    }

    /// Western names of which only one part is known, in the other place.
    pub(super) fn moved_names(&self) -> Vec<NamePair> {
        let is_lone = |pair: &&NamePair| pair.family.is_empty() != pair.given.is_empty();
        let lone = self.reading.iter().filter(|_| !self.latin.is_empty()).filter(is_lone);
        lone.map(|pair| NamePair { family: pair.given.clone(), given: pair.family.clone() }).collect()
    }

    /// Likewise, each with what it is made of, in words.
    pub fn named_keys(&self) -> Vec<(BlockingKey, &'static str)> {
        self.keys().0.into_iter().map(|(key, number)| (key, made_of(number))).collect()
    }

    fn keys(&self) -> Keys {
        let mut keys = Keys(BTreeMap::new());
        let day = self.birth_day().map(|day| day.to_string()).unwrap_or_default();
        for digits in &self.phones {
            keys.add(3, &[phone::tail(digits)]);
        }
        // A Western name that stands alone is sought in the other place too (since version 2).
        for pair in self.reading.iter().chain(&self.moved_names()) {
            self.reading_keys(&mut keys, pair, &day);
        }
        for pair in &self.kanji {
            let (first, second) = ordered(pair);
            keys.add(7, &[first, second]);
            keys.add(8, &[&pair.given, &day]);
            keys.add(9, &[&pair.family, &day]);
            for place in &self.places {
                keys.add(16, &[&pair.given, &place.town]);
            }
        }
        for pair in &self.latin {
            let year = self.year();
            keys.add(19, &[&skeleton(&pair.family), &skeleton(&pair.given), &year]);
        }
        for place in &self.places {
            keys.add(10, &[&day, &place.postal]);
            keys.add(11, &[&day, &place.town]);
        }
        if self.newborn {
            let sex = match self.sex {
                Some(Sex::Female) => "F",
                Some(Sex::Male) => "M",
                _ => "",
            };
            keys.add(18, &[&self.mother, &day, sex]);
        }
        keys
    }

    fn reading_keys(&self, keys: &mut Keys, pair: &NamePair, day: &str) {
        keys.add(4, &[&pair.family, day]);
        keys.add(5, &[&pair.given, day]);
        let (first, second) = ordered(pair);
        keys.add(6, &[first, second]);
        for place in &self.places {
            keys.add(12, &[&pair.given, &place.town]);
            keys.add(13, &[&pair.given, &place.postal]);
            keys.add(17, &[&pair.family, &place.town, &place.block]);
        }
        keys.add(14, &[head(&pair.family, 3), head(&pair.given, 3), &self.year()]);
        keys.add(15, &[head(&pair.family, 3), head(&pair.given, 3), day.get(4..).unwrap_or_default()]);
    }

    fn year(&self) -> String {
        if self.birth == 0 { String::new() } else { (self.birth / 10_000).to_string() }
    }
}

/// What a kind of key is made of.
fn made_of(number: u8) -> &'static str {
    match number {
        3 => "telephone",
        4 => "family name as read, birth date",
        5 => "given name as read, birth date",
        6 => "both names as read",
        7 => "both names in kanji",
        8 => "given name in kanji, birth date",
        9 => "family name in kanji, birth date",
        10 => "birth date, postal code",
        11 => "birth date, town",
        12 => "given name as read, town",
        13 => "given name as read, postal code",
        14 => "beginnings of both names, birth year",
        15 => "beginnings of both names, birth month and day",
        16 => "given name in kanji, town",
        17 => "family name as read, town and block",
        18 => "mother, birth date and sex of a newborn",
        19 => "sounds of both names, birth year",
        _ => "a key of another version",
    }
}

fn ordered(pair: &NamePair) -> (&str, &str) {
    if pair.family <= pair.given { (&pair.family, &pair.given) } else { (&pair.given, &pair.family) }
}
