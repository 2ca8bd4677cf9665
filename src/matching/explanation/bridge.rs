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
    let tree = tree(records.len(), &pairs);
    // What a steward's word brought together is not held against those who were together before.
    let before: Vec<&Pair> = tree.iter().copied().filter(|pair| !pair.told).collect();
    let groups = groups(records.len(), before.iter().copied());
    let cuts = (0..tree.len()).filter_map(|without| cut(&pairs, &tree, &groups, without));
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

/// The edges of the strongest tree that holds all together.
fn tree(count: usize, pairs: &[Pair]) -> Vec<&Pair> {
    let mut group: Vec<usize> = (0..count).collect();
    pairs.iter().filter(|pair| joined(&mut group, pair.ends)).collect()
}

/// To which group each belongs that these edges make.
fn groups<'a>(count: usize, edges: impl Iterator<Item = &'a Pair>) -> Vec<usize> {
    let mut group: Vec<usize> = (0..count).collect();
    for edge in edges {
        joined(&mut group, edge.ends);
    }
    group
}

/// Makes one group of two; whether they were two.
fn joined(group: &mut [usize], (left, right): (usize, usize)) -> bool {
    let (Some(left), Some(right)) = (group.get(left).copied(), group.get(right).copied()) else { return false };
    group.iter_mut().filter(|one| **one == right).for_each(|one| *one = left);
    left != right
}

struct Cut<'a> {
    inside: BTreeSet<usize>,
    best: &'a Pair,
    mean: f64,
    against: usize,
}

/// What falls apart where the tree loses the edge at `without`; none where that is a steward's word.
fn cut<'a>(pairs: &'a [Pair], tree: &[&'a Pair], before: &[usize], without: usize) -> Option<Cut<'a>> {
    let lost = tree.get(without).filter(|edge| !edge.told)?;
    let others = tree.iter().enumerate().filter(|(place, _)| *place != without).map(|(_, edge)| *edge);
    let sides = groups(before.len(), others);
    let side = |place: usize| sides.get(place);
    let together = |ends: (usize, usize)| before.get(ends.0) == before.get(ends.1);
    let across: Vec<&Pair> = pairs
        .iter()
        .filter(|pair| side(pair.ends.0) != side(pair.ends.1) && !pair.told && together(pair.ends))
        .collect();
    let (low, high) = PAIR_BOUNDS;
    let many = f64::from(u32::try_from(across.len()).unwrap_or(u32::MAX).max(1));
    let mean = across.iter().map(|pair| pair.bits.clamp(low, high)).sum::<f64>() / many;
    let best = across.iter().copied().max_by(|a, b| a.bits.total_cmp(&b.bits))?;
    let inside = (0..before.len()).filter(|place| side(*place) == side(lost.ends.0)).collect();
    Some(Cut { inside, best, mean, against: across.iter().filter(|pair| pair.against).count() })
}
