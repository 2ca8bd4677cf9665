//! Search tokens in memory: each once, with the places of the records that have it, in the order of their values.

use super::contents::Place;
use crate::matching::{SearchClause, SearchToken, TokenMatch};
use crate::store::tables::Bounds;
use std::collections::BTreeMap;
use std::ops::Bound;

/// A token of one record or more.
struct Word {
    token: SearchToken,
    /// In ascending order.
    places: Vec<Place>,
}

/// All tokens.
#[derive(Default)]
pub(super) struct Words {
    by_kind: BTreeMap<i16, BTreeMap<Box<str>, u32>>,
    all: Vec<Word>,
    free: Vec<u32>,
}

/// The words that satisfy a clause.
pub(super) struct Meant {
    /// In ascending order.
    words: Vec<u32>,
    /// How often records have one of them.
    pub(super) uses: usize,
}

impl Words {
    fn at(&self, word: u32) -> Option<&Word> {
        self.all.get(usize::try_from(word).ok()?)
    }

    /// The token of a word.
    pub(super) fn token(&self, word: u32) -> Option<&SearchToken> {
        self.at(word).map(|word| &word.token)
    }

    /// The record at `place`, which had the words `before`, has `tokens` now: their words, in ascending order.
    pub(super) fn replace(&mut self, place: Place, before: &[u32], tokens: Vec<SearchToken>) -> Box<[u32]> {
        let mut now: Vec<u32> = Vec::with_capacity(tokens.len());
        for token in tokens {
            now.push(self.word(token));
        }
        now.sort_unstable();
        now.dedup();
        for word in now.iter().filter(|word| before.binary_search(word).is_err()) {
            if let Some(word) = usize::try_from(*word).ok().and_then(|at| self.all.get_mut(at)) {
                // Places grow: nearly always it is the last.
                let at = match word.places.last() {
                    Some(last) if *last > place => word.places.partition_point(|known| *known < place),
                    _ => word.places.len(),
                };
                word.places.insert(at, place);
            }
        }
        for word in before.iter().filter(|word| now.binary_search(word).is_err()) {
            self.take(*word, place);
        }
        now.into_boxed_slice()
    }

    fn word(&mut self, token: SearchToken) -> u32 {
        let values = self.by_kind.entry(token.kind).or_default();
        if let Some(known) = values.get(token.value.as_str()) {
            return *known;
        }
        let fresh = self.free.pop();
        let word = fresh.unwrap_or_else(|| u32::try_from(self.all.len()).unwrap_or(u32::MAX));
        values.insert(token.value.as_str().into(), word);
        let new = Word { token, places: Vec::new() };
        match usize::try_from(word).ok().and_then(|at| self.all.get_mut(at)) {
            Some(slot) => *slot = new,
            None => self.all.push(new),
        }
        word
    }

    fn take(&mut self, word: u32, place: Place) {
        let Some(known) = usize::try_from(word).ok().and_then(|at| self.all.get_mut(at)) else { return };
        if let Ok(at) = known.places.binary_search(&place) {
            known.places.remove(at);
        }
        if known.places.is_empty() {
            if let Some(values) = self.by_kind.get_mut(&known.token.kind) {
                values.remove(known.token.value.as_str());
            }
            known.token.value = String::new();
            self.free.push(word);
        }
    }

    /// The words that satisfy `clause`; none where more than `most` come into question.
    pub(super) fn meant(&self, clause: &SearchClause, most: usize) -> Option<Meant> {
        let mut words: Vec<u32> = Vec::new();
        for wanted in &clause.any_of {
            let bounds = Bounds::of(wanted);
            let Some(values) = self.by_kind.get(&bounds.kind) else { continue };
            if let TokenMatch::Exact(token) = wanted {
                words.extend(values.get(token.value.as_str()));
                continue;
            }
            let last = match (bounds.to, &bounds.before) {
                (Some(to), _) => Bound::Included(to),
                (None, Some(before)) => Bound::Excluded(before.as_str()),
                (None, None) => Bound::Unbounded,
            };
            // A range that ends before it begins holds nothing, and the map would not hear of it.
            if matches!(last, Bound::Included(to) if to < bounds.from) {
                continue;
            }
            let close = matches!(wanted, TokenMatch::Close { .. });
            for (seen, (_, word)) in values.range::<str, _>((Bound::Included(bounds.from), last)).enumerate() {
                if seen >= most {
                    return None;
                }
                if !close || self.token(*word).is_some_and(|token| wanted.is_met_by(token)) {
                    words.push(*word);
                }
            }
        }
        words.sort_unstable();
        words.dedup();
        let uses = words.iter().filter_map(|word| self.at(*word)).map(|word| word.places.len()).sum();
        Some(Meant { words, uses })
    }

    /// Those of `some`, in ascending order, that have one of the words; of `records` in all. None where that is better
    /// asked of each of them.
    pub(super) fn with_any(&self, meant: &Meant, some: &[Place], records: usize) -> Option<Vec<Place>> {
        let leaps = meant.words.len().saturating_mul(some.len()).saturating_mul(LEAP);
        let bits = meant.uses + records / BITS;
        if some.len().saturating_mul(ASKED) < leaps.min(bits) {
            return None;
        }
        if bits < leaps {
            let bits = self.bits(meant, records);
            return Some(some.iter().copied().filter(|place| is_set(&bits, *place)).collect());
        }
        let mut has = vec![false; some.len()];
        for word in meant.words.iter().filter_map(|word| self.at(*word)) {
            mark(&mut has, some, &word.places);
        }
        Some(some.iter().zip(has).filter_map(|(place, has)| has.then_some(*place)).collect())
    }

    /// The places of the records that have one of the words, of `records` in all, in ascending order.
    pub(super) fn places(&self, meant: &Meant, records: usize) -> Vec<Place> {
        if let [only] = meant.words.as_slice() {
            return self.at(*only).map_or_else(Vec::new, |word| word.places.clone());
        }
        if meant.uses < SORTED {
            let lists = meant.words.iter().filter_map(|word| self.at(*word)).map(|word| word.places.as_slice());
            let mut all: Vec<Place> = lists.collect::<Vec<_>>().concat();
            all.sort_unstable();
            all.dedup();
            return all;
        }
        let mut all = Vec::with_capacity(meant.uses);
        for (first, word) in (0..).step_by(BITS).zip(self.bits(meant, records)) {
            let mut left = word;
            while left != 0 {
                all.push(first + left.trailing_zeros());
                left &= left - 1;
            }
        }
        all
    }

    /// A bit for each record, set where it has one of the words.
    fn bits(&self, meant: &Meant, records: usize) -> Vec<u64> {
        let mut bits = vec![0; records / BITS + 1];
        for place in meant.words.iter().filter_map(|word| self.at(*word)).flat_map(|word| &word.places) {
            let (at, bit) = bit_of(*place);
            bits.get_mut(at).into_iter().for_each(|bits| *bits |= bit);
        }
        bits
    }
}

/// What it costs to leap to a record in the list of a word, and to ask a record for its words, in steps through a list.
const LEAP: usize = 12;
const ASKED: usize = 128;

/// Records of which each is a bit of one number.
const BITS: usize = 64;

/// Fewer places than so many are sorted.
const SORTED: usize = 256;

/// Where the bit of a place is.
fn bit_of(place: Place) -> (usize, u64) {
    (usize::try_from(place / u64::BITS).unwrap_or(usize::MAX), 1 << (place % u64::BITS))
}

fn is_set(bits: &[u64], place: Place) -> bool {
    let (at, bit) = bit_of(place);
    bits.get(at).is_some_and(|bits| bits & bit != 0)
}

impl Meant {
    /// Whether a record with these words, in ascending order, has one of them.
    pub(super) fn any_of(&self, words: &[u32]) -> bool {
        match self.words.as_slice() {
            [only] => words.binary_search(only).is_ok(),
            many => words.iter().any(|word| many.binary_search(word).is_ok()),
        }
    }
}

/// Marks those of `some` that are among `others`, both in ascending order.
fn mark(has: &mut [bool], some: &[Place], others: &[Place]) {
    if others.len() < some.len() / 4 {
        for at in others.iter().filter_map(|other| some.binary_search(other).ok()) {
            has.get_mut(at).into_iter().for_each(|has| *has = true);
        }
        return;
    }
    let mut rest = others;
    for (has, place) in has.iter_mut().zip(some) {
        // From where the last one was, in steps that double: long lists are leapt over.
        let mut reach = 1;
        while rest.get(reach).is_some_and(|other| other < place) {
            reach *= 2;
        }
        let within = rest.get(..(reach + 1).min(rest.len())).unwrap_or(rest);
        rest = rest.get(within.partition_point(|other| other < place)..).unwrap_or_default();
        *has |= rest.first() == Some(place);
    }
}

#[cfg(test)]
mod tests {
    use super::{Meant, Words, mark};
    use crate::matching::SearchToken;

    /// Each record has the words of its number's divisors.
    #[test]
    fn each_way_to_the_records_of_words_is_the_same() {
        let (mut words, records) = (Words::default(), 3_000_u32);
        let token = |by: u32| SearchToken { kind: 1, value: by.to_string() };
        let divisors = |place: u32| (1..=40).filter(move |by| place.is_multiple_of(*by));
        let held: Vec<Box<[u32]>> =
            (0..records).map(|place| words.replace(place, &[], divisors(place).map(token).collect())).collect();
        let count = usize::try_from(records).unwrap();
        let named: Vec<u32> = (1..=40).map(|by| words.word(token(by))).collect();
        let ways = |meant: &Meant| {
            let expect: Vec<u32> =
                (0..records).filter(|at| meant.any_of(&held[usize::try_from(*at).unwrap()])).collect();
            assert_eq!(words.places(meant, count), expect);
            let mut asked = 0;
            for step in [1, 7, 100, 2_000] {
                let some: Vec<u32> = (0..records).step_by(step).collect();
                let both: Vec<u32> = some.iter().copied().filter(|place| expect.binary_search(place).is_ok()).collect();
                match words.with_any(meant, &some, count) {
                    Some(found) => assert_eq!(found, both, "every {step}"),
                    None => asked += 1,
                }
            }
            asked
        };
        let mut asked = 0;
        for first in [0, 1, 19, 38] {
            for last in [first, first + 1, 39] {
                let mut chosen = named.get(first..=last).unwrap().to_vec();
                chosen.sort_unstable();
                let uses = chosen.iter().map(|word| words.all[usize::try_from(*word).unwrap()].places.len()).sum();
                asked += ways(&Meant { words: chosen, uses });
            }
        }
        assert!(asked > 0, "where few are left they are asked");
    }

    #[test]
    fn what_both_lists_have_is_marked() {
        let check = |some: &[u32], others: &[u32]| {
            let mut has = vec![false; some.len()];
            mark(&mut has, some, others);
            let expect: Vec<bool> = some.iter().map(|one| others.contains(one)).collect();
            assert_eq!(has, expect, "{some:?} among {others:?}");
        };
        check(&[], &[1]);
        check(&[1, 2], &[]);
        let all: Vec<u32> = (0..70).collect();
        for step in 1..20 {
            for first in 0..5 {
                let some: Vec<u32> = all.iter().copied().skip(first).step_by(step).collect();
                check(&some, &all);
                check(&all, &some);
                check(&some, &all.iter().copied().filter(|one| one % 3 != 1).collect::<Vec<_>>());
            }
        }
    }
}
