//! Which records are compared at all: the postings of the keys, shortest first, within bounds.
//!
//! An over-full key must never drop candidates in silence: it is used through its intersections, and where
//! nothing better is left the answer says that it is degraded.

use super::record::ComparisonRecord;
use super::seam::Candidates;
use crate::identity::RecordId;
use std::collections::HashMap;

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
    let mut postings = Vec::new();
    for key in record.blocking_keys() {
        let posting = source.posting(key, OVERFULL + 1)?;
        if !posting.is_empty() {
            postings.push(posting);
        }
    }
    let had_keys = !record.blocking_keys().is_empty();
    postings.sort_by_key(Vec::len);
    let (usable, overfull): (Vec<_>, Vec<_>) = postings.into_iter().partition(|posting| posting.len() <= OVERFULL);
    let mut weights: HashMap<RecordId, f64> = HashMap::new();
    for posting in &usable {
        let weight = f64::from(u32::try_from(posting.len()).unwrap_or(u32::MAX) + 1).ln().recip();
        for id in posting.iter().filter(|id| Some(**id) != own) {
            if weights.len() < MOST_READ || weights.contains_key(id) {
                *weights.entry(*id).or_default() += weight;
            }
        }
    }
    let degraded = !had_keys || (usable.is_empty() && !overfull.is_empty());
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
fn add_intersections(
    weights: &mut HashMap<RecordId, f64>,
    overfull: &[Vec<RecordId>],
    own: Option<RecordId>,
    degraded: bool,
) {
    let mut counts: HashMap<RecordId, u32> = HashMap::new();
    for id in overfull.iter().flatten().filter(|id| Some(**id) != own) {
        *counts.entry(*id).or_default() += 1;
    }
    let mut counted: Vec<(RecordId, u32)> = counts.into_iter().collect();
    counted.sort_by(|(a, x), (b, y)| y.cmp(x).then(a.cmp(b)));
    for (id, count) in counted {
        let weight = f64::from(count) * 0.1;
        if let Some(known) = weights.get_mut(&id) {
            *known += weight;
        } else if weights.len() < MOST_READ && (count >= 2 || degraded) {
            weights.insert(id, weight);
        }
    }
}
