//! How common the values of names are: agreement on a rare one says more than the average, on a common one less.
//!
//! Files count their own records; a store is counted in the background, and its decisions go by the last count, a
//! snapshot with a version. It must never hold a value, only hashes.

use super::comparison::{Field, Tradition};
use super::levels::{Code, SWAPPED};
use super::record::{ComparisonRecord, NamePair};
use super::tokens::kind;
use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher13;
use std::collections::BTreeMap;
use std::fmt;
use std::hash::Hasher;

/// Fewer records than this have too few names: their collisions are those of the duplicates themselves.
pub const ENOUGH: f64 = 200.0;
const BOUNDS: (f64, f64) = (-6.0, 8.0);

/// Bits to add for agreement on a value that `count` of `total` records have, where two take the same one with the
/// probability `average`.
pub fn bits(average: f64, total: f64, count: f64) -> f64 {
    if count < 1.0 || total < ENOUGH || average <= 0.0 {
        return 0.0;
    }
    (average * total / count).log2().clamp(BOUNDS.0, BOUNDS.1)
}

/// In which script two names agree, for a level of one part of the name; none where they do not agree wholly.
pub fn script_of(tradition: Tradition, code: Code, has_kanji: bool) -> Option<Script> {
    match (tradition, code) {
        (Tradition::Japanese, SWAPPED | 2 | 4) if has_kanji => Some(Script::Kanji),
        (Tradition::Japanese, SWAPPED | 2 | 5 | 6) => Some(Script::Reading),
        (Tradition::Western, SWAPPED | 2) => Some(Script::Latin),
        _ => None,
    }
}

/// A script in which names are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Script {
    /// Kanji.
    Kanji,
    /// The class of the reading.
    Reading,
    /// Latin letters.
    Latin,
}

impl Script {
    /// The kind of search token that counts one part of the name.
    fn kind(self, field: Field) -> i16 {
        match (self, field) {
            (Script::Kanji, Field::Family) => kind::FAMILY_KANJI,
            (Script::Kanji, _) => kind::GIVEN_KANJI,
            (Script::Reading, Field::Family) => kind::FAMILY_READING,
            (Script::Reading, _) => kind::GIVEN_READING,
            (Script::Latin, Field::Family) => kind::FAMILY_LATIN,
            (Script::Latin, _) => kind::GIVEN_LATIN,
        }
    }

    fn names(self, record: &ComparisonRecord) -> &[NamePair] {
        match self {
            Script::Kanji => &record.kanji,
            Script::Reading => &record.reading,
            Script::Latin => &record.latin,
        }
    }
}

/// The values of one kind, counted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Counted {
    /// How many records have a value.
    total: u32,
    /// The probability that two of them have the same.
    collision: f64,
    /// Records by the hash of the value; one that is not named has fewer than any that is.
    values: BTreeMap<i64, u32>,
}

/// How often names occur in a base: a snapshot.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Frequencies {
    version: u32,
    kinds: BTreeMap<i16, Counted>,
}

/// The kinds of search tokens that are counted.
pub const KINDS: [i16; 6] = [
    kind::FAMILY_KANJI,
    kind::GIVEN_KANJI,
    kind::FAMILY_READING,
    kind::GIVEN_READING,
    kind::FAMILY_LATIN,
    kind::GIVEN_LATIN,
];
/// The values of one kind, as they are counted.
#[derive(Clone, Default, PartialEq)]
pub struct CountedValues {
    /// How many records have a value.
    pub total: u32,
    /// The probability that two of them have the same.
    pub collision: f64,
    /// The common values, each with how many records have it.
    pub values: Vec<(String, u32)>,
}

impl fmt::Debug for CountedValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CountedValues({} of {})", self.values.len(), self.total)
    }
}

fn hash(value: &str) -> i64 {
    let mut hasher = SipHasher13::new_with_keys(0x6e61_796f_7365_0004, 0x6672_6571_7565_6e63);
    hasher.write(value.as_bytes());
    i64::from_be_bytes(hasher.finish().to_be_bytes())
}

impl Frequencies {
    /// A snapshot of what was counted of each kind.
    pub fn of(version: u32, kinds: impl IntoIterator<Item = (i16, CountedValues)>) -> Self {
        let counted = |(kind, counted): (i16, CountedValues)| {
            let CountedValues { total, collision, values } = counted;
            let values = values.into_iter().map(|(value, count)| (hash(&value), count)).collect();
            (kind, Counted { total, collision, values })
        };
        Self { version, kinds: kinds.into_iter().map(counted).collect() }
    }

    /// Which snapshot it is; 0 where nothing was counted yet.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The snapshot as it is kept.
    pub fn to_text(&self) -> String {
        // Numbers in maps always have a form in JSON.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The snapshot as it was kept.
    pub fn from_text(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    fn known(&self, kind: i16, value: &str) -> (f64, f64) {
        let counted = self.kinds.get(&kind);
        let total = counted.map_or(0, |counted| counted.total);
        let count = counted.and_then(|counted| counted.values.get(&hash(value))).copied().unwrap_or(1);
        (f64::from(total), f64::from(count))
    }

    /// Bits to add for the agreement of `a` and `b` on one part of the name at the level `code`, where two people take
    /// the same one with the probability `average`.
    pub fn adjustment(
        &self,
        tradition: Tradition,
        (field, code, average): (Field, Code, f64),
        a: &ComparisonRecord,
        b: &ComparisonRecord,
    ) -> f64 {
        if self.kinds.is_empty() || !matches!(field, Field::Family | Field::Given) {
            return 0.0;
        }
        let has_kanji = |record: &ComparisonRecord| record.kanji.iter().any(|pair| !part(field, pair).is_empty());
        let Some(script) = script_of(tradition, code, has_kanji(a) && has_kanji(b)) else { return 0.0 };
        let kind = script.kind(field);
        // The level tells the average of names as they are written; readings have one of their own.
        let own = || self.kinds.get(&kind).map_or(0.0, |counted| counted.collision);
        let average = if script == Script::Reading { own() } else { average };
        let of = |value: &str| {
            let (total, count) = self.known(kind, value);
            // The two that are compared are of those who have it.
            bits(average, total, count.max(2.0))
        };
        if code == SWAPPED {
            let usual = self.usual(script, a, b);
            return usual.map_or(0.0, |pair| of(part(field, pair)));
        }
        let shared = |pair: &&NamePair| {
            let value = part(field, pair);
            !value.is_empty() && script.names(b).iter().any(|other| part(field, other) == value)
        };
        // Of several that agree the commonest counts.
        let agreed = script.names(a).iter().filter(shared).map(|pair| of(part(field, pair)));
        agreed.min_by(f64::total_cmp).unwrap_or(0.0)
    }

    /// Of two records with exchanged names, the name of the one that has them in the more usual place.
    fn usual<'a>(&self, script: Script, a: &'a ComparisonRecord, b: &'a ComparisonRecord) -> Option<&'a NamePair> {
        let weight = |pair: &NamePair| {
            let of = |field: Field| self.known(script.kind(field), part(field, pair)).1;
            of(Field::Family) * of(Field::Given)
        };
        let names = script.names(a).first().into_iter().chain(script.names(b).first());
        names.max_by(|x, y| weight(x).total_cmp(&weight(y)).then_with(|| y.family.cmp(&x.family)))
    }
}

fn part(field: Field, pair: &NamePair) -> &str {
    if field == Field::Family { &pair.family } else { &pair.given }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot() -> Frequencies {
        let values =
            [("佐藤", 400), ("斎藤", 100), ("鴻巣", 2)].map(|(value, count)| (value.to_owned(), count)).to_vec();
        Frequencies::of(3, [(kind::FAMILY_KANJI, CountedValues { total: 503, collision: 0.7, values })])
    }

    fn named(family: &str) -> ComparisonRecord {
        let pair = NamePair { family: family.to_owned(), given: "花子".to_owned() };
        ComparisonRecord { kanji: vec![pair], ..ComparisonRecord::default() }
    }

    #[test]
    fn a_rare_name_says_more_and_a_common_one_less() {
        let frequencies = snapshot();
        let bits = |family: &str, code| {
            let (a, b) = (named(family), named(family));
            frequencies.adjustment(Tradition::Japanese, (Field::Family, code, 0.1), &a, &b)
        };
        // 0.1 of 503 records is the average: 50.
        assert!(bits("佐藤", 2) < -2.5 && bits("斎藤", 2) < -0.9 && bits("鴻巣", 2) > 4.0);
        assert_eq!(bits("一人", 2), bits("鴻巣", 2), "the two that are compared have it");
        assert_eq!(bits("佐藤", 7), 0.0, "they do not agree wholly");
        assert_eq!(
            Frequencies::default().adjustment(
                Tradition::Japanese,
                (Field::Family, 2, 0.1),
                &named("佐藤"),
                &named("佐藤")
            ),
            0.0
        );
    }

    #[test]
    fn a_snapshot_is_read_back_and_holds_no_name() {
        let text = snapshot().to_text();
        assert_eq!(Frequencies::from_text(&text), Some(snapshot()));
        assert!(!text.contains("佐藤") && Frequencies::from_text("{}").is_none());
    }
}
