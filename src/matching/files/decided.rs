//! The word on each pair, judged by all records of the two persons and not by the two records alone.
//!
//! Two records that agree poorly are one person where a third agrees with both; two that agree well are not where the
//! rest of their persons speaks against it.

use super::Options;
use super::clusters::Clusters;
use super::scores::Known;
use super::scoring::{Pair, VETOES, Weights};
use super::table::Table;
use crate::matching::model::Model;
use std::collections::HashMap;

/// The matcher's word on a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// One person.
    Match,
    /// A steward must look.
    Possible,
    /// Two persons.
    NonMatch,
}

impl Decision {
    /// The word in reports.
    pub fn id(self) -> &'static str {
        match self {
            Decision::Match => "match",
            Decision::Possible => "possible",
            Decision::NonMatch => "non-match",
        }
    }
}

/// A pair that is reported.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DecidedPair {
    /// The earlier record.
    pub left: u32,
    /// The later one.
    pub right: u32,
    /// log2 of the odds.
    pub bits: f64,
    /// What they amount to.
    pub probability: f64,
    /// The word.
    pub decision: Decision,
}

/// Who is who, twice.
pub struct Views<'a> {
    /// Brought together where nothing is in doubt.
    pub sure: &'a Clusters,
    /// Brought together from the threshold on.
    pub likely: &'a Clusters,
    /// How two persons beyond doubt agree as wholes.
    pub wholes: &'a HashMap<(u32, u32), f64>,
}

/// What is reported at least.
const LEAST: f64 = 0.05;
/// How far a pair that is judged by its persons stays from the threshold.
const STEP: f64 = 0.01;

/// The pairs that are likely enough, in the order of the records.
pub fn pairs(
    table: &Table,
    weights: &Weights,
    (pairs, known): (&[Pair], &Known<'_>),
    views: &Views<'_>,
    options: Options,
    model: &Model,
) -> Vec<DecidedPair> {
    let threshold = options.threshold_bits;
    // The weight at which each person holds together: what its weakest record has to its nearest other.
    let mut nearest: Vec<Option<f64>> = vec![None; table.len()];
    let place = |record: u32| usize::try_from(record).unwrap_or(usize::MAX);
    for pair in pairs.iter().filter(|pair| views.likely.person(pair.a) == views.likely.person(pair.b)) {
        for record in [pair.a, pair.b] {
            if let Some(best) = nearest.get_mut(place(record)) {
                *best = Some(best.map_or(pair.bits, |best| best.max(pair.bits)));
            }
        }
    }
    let mut out = Vec::new();
    let mut push = |pair: &Pair, bits: f64| {
        let (x, y) = (views.sure.person(pair.a), views.sure.person(pair.b));
        let likely = views.likely.person(pair.a) == views.likely.person(pair.b);
        let whole = views.wholes.get(&(x.min(y), x.max(y))).copied().unwrap_or(bits);
        let decision = if pair.guards & VETOES != 0 && x != y {
            Decision::NonMatch
        } else if x == y {
            Decision::Match
        } else if likely || whole >= model.settings().review_bits {
            Decision::Possible
        } else {
            Decision::NonMatch
        };
        let probability = model.probability(bits);
        if probability >= LEAST {
            out.push(DecidedPair { left: pair.b, right: pair.a, bits, probability, decision });
        }
    };
    for pair in pairs {
        if views.likely.person(pair.a) != views.likely.person(pair.b) {
            push(pair, pair.bits.min(threshold - STEP));
        }
    }
    for members in views.likely.several() {
        for (at, b) in members.iter().enumerate() {
            for a in members.iter().skip(at + 1) {
                let pair = known.get(*a, *b).map_or_else(|| weights.pair(table, *a, *b), |pair| *pair);
                let of = |record: &u32| nearest.get(place(*record)).copied().flatten().unwrap_or(threshold);
                push(&pair, pair.bits.max(of(a).min(of(b))).max(threshold + STEP));
            }
        }
    }
    out.sort_unstable_by_key(|pair| (pair.left, pair.right));
    ask_once(&mut out, views.sure);
    out
}

/// Whether two persons are one is one question, put by its likeliest pair. One that the answers to likelier ones
/// would settle is not put.
fn ask_once(pairs: &mut [DecidedPair], sure: &Clusters) {
    let mut open: Vec<&mut DecidedPair> = pairs.iter_mut().filter(|pair| pair.decision == Decision::Possible).collect();
    open.sort_by(|x, y| y.bits.total_cmp(&x.bits).then((x.left, x.right).cmp(&(y.left, y.right))));
    let mut settled: HashMap<u32, u32> = HashMap::new();
    for pair in open {
        let (x, y) = (last(&settled, sure.person(pair.left)), last(&settled, sure.person(pair.right)));
        if x == y {
            pair.decision = Decision::NonMatch;
        } else {
            settled.insert(x.max(y), x.min(y));
        }
    }
}

/// Whom a person would be one with.
fn last(settled: &HashMap<u32, u32>, mut person: u32) -> u32 {
    while let Some(next) = settled.get(&person) {
        person = *next;
    }
    person
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_that_likelier_ones_settle_is_not_put() {
        let pair =
            |left, right, bits| DecidedPair { left, right, bits, probability: 0.5, decision: Decision::Possible };
        let mut pairs = [pair(0, 1, 5.0), pair(0, 2, 7.0), pair(1, 2, 6.0), pair(3, 4, 1.0)];
        let sure = Clusters::default();
        ask_once(&mut pairs, &sure);
        let asked: Vec<(u32, u32)> = pairs
            .iter()
            .filter(|pair| pair.decision == Decision::Possible)
            .map(|pair| (pair.left, pair.right))
            .collect();
        assert_eq!(asked, [(0, 2), (1, 2), (3, 4)]);
    }
}
