//! Which records are compared at all: the postings of the keys, shortest first, within bounds.
//!
//! An over-full key must never drop candidates in silence: it is used through its intersections, and where
//! nothing better is left the answer says that it is degraded.

use super::memory::Plain;
use super::record::ComparisonRecord;
use super::seam::Candidates;
use crate::identity::RecordId;
use std::collections::HashMap;

/// What speaks for each record that was found.
type Weights = HashMap<RecordId, f64, Plain>;

/// Most distinct records read.
pub const MOST_READ: usize = 256;
/// Most records scored.
pub const MOST_SCORED: usize = 64;
/// A key with more records than this is over-full.
pub const OVERFULL: usize = 400;

/// How the candidates were found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Retrieval {
    /// Distinct records found.
    pub read: usize,
    /// Records scored.
    pub scored: usize,
    /// Keys with too many records.
    pub overfull_keys: usize,
    /// The record has no usable key, or only over-full ones: candidates may be missing.
    pub degraded: bool,
}

/// The records most likely to be of the same person, best first.
pub fn retrieve<C: Candidates>(
    record: &ComparisonRecord,
    own: Option<RecordId>,
    source: &mut C,
) -> Result<(Vec<RecordId>, Retrieval), C::Error> {
    let keys = record.blocking_keys();
    let mut postings = Vec::with_capacity(keys.len());
    for key in &keys {
        let posting = source.posting(*key, OVERFULL + 1)?;
        if !posting.is_empty() {
            postings.push(posting);
        }
    }
    postings.sort_by_key(Vec::len);
    let (usable, overfull): (Vec<_>, Vec<_>) = postings.into_iter().partition(|posting| posting.len() <= OVERFULL);
    let mut weights = Weights::with_capacity_and_hasher(MOST_READ, Plain::default());
    for posting in &usable {
        let weight = f64::from(u32::try_from(posting.len()).unwrap_or(u32::MAX) + 1).ln().recip();
        for id in posting.iter().filter(|id| Some(**id) != own) {
            if let Some(known) = weights.get_mut(id) {
                *known += weight;
            } else if weights.len() < MOST_READ {
                weights.insert(*id, weight);
            }
        }
    }
    let degraded = keys.is_empty() || (usable.is_empty() && !overfull.is_empty());
    add_intersections(&mut weights, &overfull, own, degraded);
    let mut ranked: Vec<(RecordId, f64)> = weights.into_iter().collect();
    let read = ranked.len();
    ranked.sort_by(|(a, x), (b, y)| y.total_cmp(x).then(a.cmp(b)));
    ranked.truncate(MOST_SCORED);
    let found: Vec<RecordId> = ranked.into_iter().map(|(id, _)| id).collect();
    let retrieval = Retrieval { read, scored: found.len(), overfull_keys: overfull.len(), degraded };
    Ok((found, retrieval))
}

/// Records under two over-full keys count as found; under one only where nothing else was.
fn add_intersections(weights: &mut Weights, overfull: &[Vec<RecordId>], own: Option<RecordId>, degraded: bool) {
    // In a large base these are most of what is found, and nearly all of it is under one key alone.
    let mut all: Vec<RecordId> = overfull.iter().flatten().copied().filter(|id| Some(*id) != own).collect();
    all.sort_unstable();
    let mut fresh: Vec<(usize, RecordId)> = Vec::new();
    for same in all.chunk_by(|a, b| a == b) {
        let Some(id) = same.first() else { continue };
        if let Some(known) = weights.get_mut(id) {
            *known += weight_of(same.len());
        } else if same.len() >= 2 || degraded {
            fresh.push((same.len(), *id));
        }
    }
    fresh.sort_unstable_by(|(x, a), (y, b)| y.cmp(x).then(a.cmp(b)));
    let room = MOST_READ.saturating_sub(weights.len());
    weights.extend(fresh.into_iter().take(room).map(|(count, id)| (id, weight_of(count))));
}

/// What it says to be under so many over-full keys.
fn weight_of(keys: usize) -> f64 {
    f64::from(u32::try_from(keys).unwrap_or(u32::MAX)) * 0.1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::identity::Representation;
    use crate::identity::{
        Address, AddressPart, AddressPartKind, Demographics, Field, PartialDate, PersonId, PersonName,
    };
    use crate::matching::seam::{BlockingKey, Candidate};
    use std::collections::BTreeMap;
    use std::convert::Infallible;

    struct Drawn(BTreeMap<BlockingKey, Vec<RecordId>>);

    impl Candidates for Drawn {
        type Error = Infallible;

        fn posting(&mut self, key: BlockingKey, limit: usize) -> Result<Vec<RecordId>, Infallible> {
            Ok(self.0.get(&key).map(|all| all.iter().take(limit).copied().collect()).unwrap_or_default())
        }

        fn rows(&mut self, _: &[RecordId]) -> Result<Vec<Candidate>, Infallible> {
            Ok(Vec::new())
        }

        fn members(&mut self, _: PersonId, _: usize) -> Result<Vec<Candidate>, Infallible> {
            Ok(Vec::new())
        }
    }

    /// As the module's head says it, and no faster.
    fn plainly(drawn: &Drawn, keys: &[BlockingKey], own: Option<RecordId>) -> (Vec<RecordId>, usize) {
        let mut lists: Vec<Vec<RecordId>> = keys.iter().filter_map(|key| drawn.0.get(key).cloned()).collect();
        lists.iter_mut().for_each(|list| list.truncate(OVERFULL + 1));
        lists.retain(|list| !list.is_empty());
        lists.sort_by_key(Vec::len);
        let (short, long): (Vec<_>, Vec<_>) = lists.into_iter().partition(|list| list.len() <= OVERFULL);
        let mut weights: BTreeMap<RecordId, f64> = BTreeMap::new();
        for list in &short {
            for id in list.iter().filter(|id| Some(**id) != own) {
                if weights.len() < MOST_READ || weights.contains_key(id) {
                    *weights.entry(*id).or_default() += f64::from(u32::try_from(list.len()).unwrap() + 1).ln().recip();
                }
            }
        }
        let mut counts: BTreeMap<RecordId, usize> = BTreeMap::new();
        long.iter().flatten().filter(|id| Some(**id) != own).for_each(|id| *counts.entry(*id).or_default() += 1);
        let mut counted: Vec<_> = counts.into_iter().collect();
        counted.sort_by(|(a, x), (b, y)| y.cmp(x).then(a.cmp(b)));
        for (id, count) in counted {
            let room = weights.len() < MOST_READ && (count >= 2 || short.is_empty());
            if room || weights.contains_key(&id) {
                *weights.entry(id).or_default() += f64::from(u32::try_from(count).unwrap()) * 0.1;
            }
        }
        let read = weights.len();
        let mut ranked: Vec<_> = weights.into_iter().collect();
        ranked.sort_by(|(a, x), (b, y)| y.total_cmp(x).then(a.cmp(b)));
        (ranked.into_iter().take(MOST_SCORED).map(|(id, _)| id).collect(), read)
    }

    fn record() -> ComparisonRecord {
        let part = |kind, value: &str| AddressPart { kind, value: value.to_owned() };
        let parts = vec![part(AddressPartKind::City, "港町"), part(AddressPartKind::PostalCode, "9990001")];
        ComparisonRecord::of(&Demographics {
            names: Field::Set(vec![PersonName::simple(Some(Representation::Ideographic), "斎藤", "花子")]),
            birth_date: PartialDate::parse_hl7("19800314").map_or(Field::Keep, Field::Set),
            addresses: Field::Set(vec![Address { parts, ..Address::default() }]),
            ..Demographics::default()
        })
    }

    #[test]
    fn what_is_found_is_what_the_keys_say() {
        let seed = u64::try_from(Clock::system().micros()).unwrap();
        let mut state = seed;
        let mut below = |n: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % n
        };
        let (record, mut crowded, mut bare) = (record(), 0, 0);
        let keys = record.blocking_keys();
        assert!(keys.len() > 3, "{keys:?}");
        for round in 0..400 {
            let base = [60, 500, 3_000][usize::try_from(below(3)).unwrap()];
            let only_long = below(8) == 0;
            let mut drawn = Drawn(BTreeMap::new());
            for key in &keys {
                let size = if only_long { 2_000 } else { [0, 3, 30, 500, 2_000][usize::try_from(below(5)).unwrap()] };
                let mut list: Vec<RecordId> =
                    (0..size).map(|_| RecordId(i64::try_from(below(base)).unwrap() * 1_048_583)).collect();
                list.sort_unstable();
                list.dedup();
                drawn.0.insert(*key, list);
            }
            let own = (below(2) == 0).then_some(RecordId(0));
            let (expected, read) = plainly(&drawn, &keys, own);
            let (found, retrieval) = retrieve(&record, own, &mut drawn).unwrap_or_else(|never| match never {});
            assert_eq!((found, retrieval.read), (expected, read), "seed {seed}, round {round}");
            crowded += usize::from(read == MOST_READ && retrieval.overfull_keys > 1);
            bare += usize::from(retrieval.degraded);
        }
        assert!(crowded > 20 && bare > 0, "{crowded} crowded, {bare} with nothing but over-full keys, seed {seed}");
    }
}
