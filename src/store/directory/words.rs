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

    /// Those of `some`, in ascending order, that have one of the words.
    pub(super) fn with_any(&self, meant: &Meant, some: &[Place]) -> Vec<Place> {
        let mut has = vec![false; some.len()];
        for word in meant.words.iter().filter_map(|word| self.at(*word)) {
            mark(&mut has, some, &word.places);
        }
        some.iter().zip(has).filter_map(|(place, has)| has.then_some(*place)).collect()
    }

    /// The places of the records that have one of the words, in ascending order.
    pub(super) fn places(&self, meant: &Meant) -> Vec<Place> {
        if let [only] = meant.words.as_slice() {
            return self.at(*only).map_or_else(Vec::new, |word| word.places.clone());
        }
        let mut all: Vec<Place> =
            meant.words.iter().filter_map(|word| self.at(*word)).flat_map(|word| &word.places).copied().collect();
        // Each list is in order: the stable sort finds that out, and merges.
        all.sort();
        all.dedup();
        all
    }
}

/// Most words whose records are gone through to narrow others; with more, each of the others is asked.
const FEW: usize = 16;

impl Meant {
    /// Whether there are few words.
    pub(super) fn is_few(&self) -> bool {
        self.words.len() <= FEW
    }

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
    use super::mark;

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
