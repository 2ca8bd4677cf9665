//! The keys under which a record is filed; records of one person share at least one with high probability.
//!
//! A key must never change its meaning: the store holds hashes. Missing values and placeholders make no key.

use super::normalize::phone;
use super::record::{ComparisonRecord, NamePair};
use super::seam::BlockingKey;
use crate::identity::Sex;
use siphasher::sip::SipHasher13;
use std::collections::BTreeSet;
use std::hash::Hasher;

struct Keys(BTreeSet<BlockingKey>);

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
        self.0.insert(BlockingKey(i64::from_be_bytes(hasher.finish().to_be_bytes())));
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
        let mut keys = Keys(BTreeSet::new());
        let day = self.birth_day().map(|day| day.to_string()).unwrap_or_default();
        for digits in &self.phones {
            keys.add(3, &[phone::tail(digits)]);
        }
        for pair in &self.reading {
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
        keys.0.into_iter().collect()
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

fn ordered(pair: &NamePair) -> (&str, &str) {
    if pair.family <= pair.given { (&pair.family, &pair.given) } else { (&pair.given, &pair.family) }
}
