//! Where a person hangs together by a thread: two groups of records, and little between them.

use super::rounded;
use crate::identity::RecordId;
use crate::matching::decision::{CONTRADICTION, PAIR_BOUNDS};
use crate::matching::guard;
use crate::matching::model::Model;
use crate::matching::record::ComparisonRecord;
use std::collections::BTreeSet;

/// A split that is proposed to a steward.
#[derive(Clone, Debug, PartialEq)]
pub struct Bridge {
    /// The records that would go: the smaller group.
    pub goes: Vec<RecordId>,
    /// The records that would stay.
    pub stays: Vec<RecordId>,
    /// The two records, one of each group, that hold it together.
    pub held_by: (RecordId, RecordId),
    /// Their weight.
    pub bits: f64,
    /// The mean weight between the groups, each clamped as for a decision.
    pub mean: f64,
    /// How many pairs across speak clearly against one person, or are forbidden by what they say.
    pub against: usize,
}

/// The weight of one pair of records, by their places.
struct Pair {
    ends: (usize, usize),
    bits: f64,
    against: bool,
    told: bool,
}

/// The weakest bridge of a person with these records, where there is one that the matcher would not make today. What a
/// steward `told` to be one holds.
pub fn bridge(
    records: &[(RecordId, ComparisonRecord)],
    told: &BTreeSet<(RecordId, RecordId)>,
    model: &Model,
) -> Option<Bridge> {
    let pairs = pairs(records, told, model);
    let weak = |cut: &Cut<'_>| {
        let settings = model.settings();
        cut.best.bits < settings.automatic_bits || cut.mean < settings.support_bits || cut.against > 0
    };
    let cuts = tree(records.len(), &pairs)
        .into_iter()
        .filter_map(|(tree, without)| cut(records.len(), &pairs, &tree, without));
    let worst = cuts.filter(weak).min_by(|a, b| a.mean.total_cmp(&b.mean))?;
    let (inside, outside): (Vec<_>, Vec<_>) =
        records.iter().enumerate().partition(|(place, _)| worst.inside.contains(place));
    let ids = |side: Vec<(usize, &(RecordId, ComparisonRecord))>| -> Vec<RecordId> {
        side.into_iter().map(|(_, (record, _))| *record).collect()
    };
    let (inside, outside) = (ids(inside), ids(outside));
    let (goes, stays) = if inside.len() < outside.len() { (inside, outside) } else { (outside, inside) };
    let end = |place: usize| records.get(place).map(|(record, _)| *record);
    let held_by = end(worst.best.ends.0).zip(end(worst.best.ends.1))?;
    let (bits, mean) = (rounded(worst.best.bits), rounded(worst.mean));
    Some(Bridge { goes, stays, held_by, bits, mean, against: worst.against })
}

fn pairs(records: &[(RecordId, ComparisonRecord)], told: &BTreeSet<(RecordId, RecordId)>, model: &Model) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for (at, (left, one)) in records.iter().enumerate() {
        for (to, (right, other)) in records.iter().enumerate().skip(at + 1) {
            let score = model.score(one, other);
            let forbidden = guard::of_pair(one, other, &score.comparison).iter().any(|guard| guard.is_veto());
            let told = told.contains(&(*left, *right)) || told.contains(&(*right, *left));
            let against = forbidden || score.bits < CONTRADICTION;
            pairs.push(Pair { ends: (at, to), bits: score.bits, against, told });
        }
    }
    // What a steward told first, then the strongest: what joins two groups first is what holds them together.
    pairs.sort_by(|a, b| b.told.cmp(&a.told).then(b.bits.total_cmp(&a.bits)).then(a.ends.cmp(&b.ends)));
    pairs
}

/// The edges of the strongest tree that holds all together, each with its place in it.
fn tree(count: usize, pairs: &[Pair]) -> Vec<(Vec<(usize, usize)>, usize)> {
    let mut group: Vec<usize> = (0..count).collect();
    let mut edges = Vec::new();
    for pair in pairs {
        let (Some(left), Some(right)) = (group.get(pair.ends.0).copied(), group.get(pair.ends.1).copied()) else {
            continue;
        };
        if left != right {
            group.iter_mut().filter(|one| **one == right).for_each(|one| *one = left);
            edges.push(pair.ends);
        }
    }
    (0..edges.len()).map(|without| (edges.clone(), without)).collect()
}

struct Cut<'a> {
    inside: BTreeSet<usize>,
    best: &'a Pair,
    mean: f64,
    against: usize,
}

/// What falls apart where the tree loses the edge at `without`; none where a steward's word would be cut.
fn cut<'a>(count: usize, pairs: &'a [Pair], tree: &[(usize, usize)], without: usize) -> Option<Cut<'a>> {
    let mut inside = BTreeSet::from([tree.get(without)?.0]);
    for _ in 0..count {
        let others = tree.iter().enumerate().filter(|(place, _)| *place != without);
        for (_, (left, right)) in others {
            if inside.contains(left) || inside.contains(right) {
                inside.extend([*left, *right]);
            }
        }
    }
    let across: Vec<&Pair> =
        pairs.iter().filter(|pair| inside.contains(&pair.ends.0) != inside.contains(&pair.ends.1)).collect();
    if across.iter().any(|pair| pair.told) {
        return None;
    }
    let (low, high) = PAIR_BOUNDS;
    let many = f64::from(u32::try_from(across.len()).unwrap_or(u32::MAX).max(1));
    let mean = across.iter().map(|pair| pair.bits.clamp(low, high)).sum::<f64>() / many;
    let best = across.iter().copied().max_by(|a, b| a.bits.total_cmp(&b.bits))?;
    Some(Cut { inside, best, mean, against: across.iter().filter(|pair| pair.against).count() })
}
