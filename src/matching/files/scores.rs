//! All candidate pairs of a table scored on several threads, and the prior that follows from their evidence.
//!
//! The order of threads must never show in the result.

use super::blocks::{Blocks, Reader};
use super::scoring::{KEPT, Pair, Weights, of_kind};
use super::table::Table;
use std::sync::atomic::{AtomicUsize, Ordering};

/// All candidate pairs scored: those worth keeping, and how much evidence there was in all.
#[derive(Clone, Debug)]
pub struct Scores {
    /// Pairs above [`KEPT`] under the prior of the weights that scored them.
    pub pairs: Vec<Pair>,
    /// How many pairs were scored.
    pub scored: u64,
    evidence: [Vec<u64>; 2],
}

/// Pairs by their two records.
pub struct Known<'a> {
    pairs: &'a [Pair],
    /// Where the pairs of each later record begin.
    starts: Vec<u32>,
}

impl<'a> Known<'a> {
    /// `pairs` in the order of their records, of which there are `records`.
    pub fn of(pairs: &'a [Pair], records: usize) -> Self {
        let mut starts = Vec::with_capacity(records + 1);
        for (at, pair) in (0u32..).zip(pairs) {
            let record = usize::try_from(pair.a).unwrap_or(usize::MAX).min(records);
            starts.resize(starts.len().max(record + 1), at);
        }
        starts.resize(records + 1, u32::try_from(pairs.len()).unwrap_or(u32::MAX));
        Self { pairs, starts }
    }

    /// The pairs of which a record is the later one.
    pub fn of_later(&self, record: u32) -> &'a [Pair] {
        let place = usize::try_from(record).unwrap_or(usize::MAX);
        let (Some(from), Some(until)) = (self.starts.get(place), self.starts.get(place.saturating_add(1))) else {
            return &[];
        };
        let place = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        self.pairs.get(place(*from)..place(*until)).unwrap_or(&[])
    }

    /// The pair of a later record and an earlier one, if it was kept.
    pub fn get(&self, a: u32, b: u32) -> Option<&'a Pair> {
        self.of_later(a).iter().find(|pair| pair.b == b)
    }
}

const BINS: usize = 4096;
const LOWEST: f64 = -100.0;
const BIN: f64 = 0.1;

/// Scores every candidate pair, on `threads` threads.
pub fn score(table: &Table, blocks: &Blocks, weights: &Weights, between_files: bool, threads: usize) -> Scores {
    let next = AtomicUsize::new(0);
    let work = || one_thread(table, blocks, weights, between_files, &next);
    let parts: Vec<Scores> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(work)).collect();
        running.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    let mut all = Scores { pairs: Vec::new(), scored: 0, evidence: [vec![0; BINS], vec![0; BINS]] };
    for part in parts {
        all.pairs.extend(part.pairs);
        all.scored += part.scored;
        for (sum, bins) in all.evidence.iter_mut().zip(&part.evidence) {
            sum.iter_mut().zip(bins).for_each(|(sum, count)| *sum += count);
        }
    }
    all.pairs.sort_unstable_by_key(|pair| (pair.a, pair.b));
    all
}

fn one_thread(table: &Table, blocks: &Blocks, weights: &Weights, between_files: bool, next: &AtomicUsize) -> Scores {
    const CHUNK: usize = 1024;
    let mut out = Scores { pairs: Vec::new(), scored: 0, evidence: [vec![0; BINS], vec![0; BINS]] };
    let (mut reader, mut found) = (Reader::default(), Vec::new());
    loop {
        let from = next.fetch_add(CHUNK, Ordering::Relaxed);
        if from >= table.len() {
            return out;
        }
        for record in from..(from + CHUNK).min(table.len()) {
            let record = u32::try_from(record).unwrap_or(u32::MAX);
            reader.read(blocks, record, table.len(), &mut found);
            for other in &found {
                if between_files && table.row(record).file == table.row(*other).file {
                    continue;
                }
                let pair = weights.pair(table, record, *other);
                out.scored += 1;
                let across = usize::from(table.row(record).source != table.row(*other).source);
                let evidence = pair.bits - weights.prior_of(table, record, *other);
                if let Some(bin) = out.evidence.get_mut(across).and_then(|bins| bins.get_mut(bin_of(evidence))) {
                    *bin += 1;
                }
                if pair.bits > KEPT {
                    out.pairs.push(pair);
                }
            }
        }
    }
}

fn bin_of(evidence: f64) -> usize {
    let at = ((evidence - LOWEST) / BIN).clamp(0.0, 4095.0);
    // Numbers are not cast here: a dozen steps cost nothing beside a comparison of names.
    whole(at)
}

fn whole(at: f64) -> usize {
    let (mut low, mut high) = (0u16, 4096u16);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if f64::from(middle) <= at { low = middle } else { high = middle }
    }
    usize::from(low)
}

impl Scores {
    /// The prior odds, in bits, under which the expected number of matches among the candidates is what the prior says:
    /// within one source and across. `possible` are the numbers of all pairs of each kind.
    pub fn fixed_prior(&self, start: [f64; 2], possible: [f64; 2]) -> [f64; 2] {
        let of = |kind: usize| {
            let (start, possible) = (of_kind(start, kind == 1), of_kind(possible, kind == 1));
            if possible < 1.0 {
                return start;
            }
            let mut prior = start;
            for _ in 0..50 {
                let expected = self.expected(kind, prior);
                let share = (expected.max(0.1) / possible).min(0.5);
                prior = (share / (1.0 - share)).log2();
            }
            prior
        };
        [of(0), of(1)]
    }

    fn expected(&self, kind: usize, prior: f64) -> f64 {
        let mut evidence = LOWEST + BIN / 2.0;
        let mut sum = 0.0;
        for count in self.evidence.get(kind).into_iter().flatten() {
            if *count > 0 {
                let count = f64::from(u32::try_from(*count).unwrap_or(u32::MAX));
                sum += count * crate::matching::weight::probability(evidence + prior);
            }
            evidence += BIN;
        }
        sum
    }

    /// The expected number of matches among the candidates under `prior`.
    pub fn expected_matches(&self, prior: [f64; 2]) -> f64 {
        self.expected(0, prior[0]) + self.expected(1, prior[1])
    }

    /// Moves the kept pairs to another prior.
    pub fn move_prior(&mut self, table: &Table, from: [f64; 2], to: [f64; 2]) {
        for pair in &mut self.pairs {
            let across = table.row(pair.a).source != table.row(pair.b).source;
            pair.bits += of_kind(to, across) - of_kind(from, across);
        }
        self.pairs.retain(|pair| pair.bits > KEPT);
    }
}
