//! Persons from pairs: the surest pair first, and each join against the whole of both persons.
//!
//! Never connected components: one false bridge would chain people together without end.

use super::scores::Known;
use super::scoring::{Pair, RELATIVES, VETOES, Weights};
use super::table::Table;
use std::collections::HashSet;

/// When two clusters become one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rule {
    /// What the best pair must reach.
    pub edge_bits: f64,
    /// What the mean over all pairs between the two must reach.
    pub mean_bits: f64,
    /// How far below that it may lie where no pair looks like relatives.
    pub slack: f64,
    /// Guards that a pair must not raise to join.
    pub held: u16,
    /// What share of the pairs may speak clearly against it between a person of many records and one of few.
    pub against: f64,
    /// How far behind another record must be that is somebody else.
    pub margin: Option<f64>,
}

const PAIR_BOUNDS: (f64, f64) = (-10.0, 15.0);
const CONTRADICTION: f64 = -15.0;
/// Of a person of so many records and twice as many as the other one has, a share may contradict the other; else none.
const COMPANY: usize = 6;
const MOST_MEMBERS: usize = 30;
const ROUNDS: usize = 4;

/// Which record is of which person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clusters {
    of: Vec<u32>,
    members: Vec<Vec<u32>>,
    /// How many clusters there are.
    pub persons: usize,
}

impl Clusters {
    /// The person of a record: the number of its first record.
    pub fn person(&self, record: u32) -> u32 {
        usize::try_from(record).ok().and_then(|at| self.of.get(at)).copied().unwrap_or(record)
    }

    /// The records of a person that has more than one.
    pub fn several(&self) -> impl Iterator<Item = &[u32]> {
        self.members.iter().map(Vec::as_slice).filter(|members| members.len() > 1)
    }

    /// The records of a person.
    pub fn members_of(&self, person: u32) -> &[u32] {
        usize::try_from(person).ok().and_then(|at| self.members.get(at)).map_or(&[], Vec::as_slice)
    }

    /// Makes two persons one.
    pub fn join(&mut self, into: u32, from: u32) {
        let Some(moved) = usize::try_from(from).ok().and_then(|at| self.members.get_mut(at)).map(std::mem::take) else {
            return;
        };
        for record in &moved {
            if let Some(slot) = usize::try_from(*record).ok().and_then(|at| self.of.get_mut(at)) {
                *slot = into;
            }
        }
        if let Some(members) = usize::try_from(into).ok().and_then(|at| self.members.get_mut(at)) {
            members.extend(moved);
            members.sort_unstable();
        }
        self.persons -= 1;
    }
}

/// Brings records together under `rule`. Pairs between two persons that are not among `pairs` are scored anew.
pub fn cluster(
    table: &Table,
    weights: &Weights,
    (pairs, known): (&[Pair], &Known<'_>),
    rule: Rule,
    between_files: bool,
) -> Clusters {
    let records = u32::try_from(table.len()).unwrap_or(u32::MAX);
    let mut clusters =
        Clusters { of: (0..records).collect(), members: (0..records).map(|r| vec![r]).collect(), persons: table.len() };
    let mut edges: Vec<&Pair> =
        pairs.iter().filter(|pair| pair.bits >= rule.edge_bits && pair.guards & (rule.held | VETOES) == 0).collect();
    if let Some(margin) = rule.margin {
        let rivals = Rivals::of(pairs, known, table.len());
        edges.retain(|edge| !rivals.stand_beside(edge, margin));
    }
    edges.sort_unstable_by(|x, y| y.bits.total_cmp(&x.bits).then((x.a, x.b).cmp(&(y.a, y.b))));
    // What was refused to a smaller person may stand once it has grown, so the rest is looked at again.
    for _ in 0..ROUNDS {
        let before = clusters.persons;
        let mut refused: HashSet<(u32, u32)> = HashSet::new();
        for edge in &edges {
            let (x, y) = (clusters.person(edge.a), clusters.person(edge.b));
            let (into, from) = (x.min(y), x.max(y));
            if into == from || refused.contains(&(into, from)) {
                continue;
            }
            let fit =
                Fit::of(table, weights, known, clusters.members_of(into), clusters.members_of(from), between_files);
            let slack = if fit.guards & RELATIVES == 0 { rule.slack } else { 0.0 };
            if fit.stands(rule.mean_bits - slack, rule.against) && fit.guards & VETOES == 0 {
                clusters.join(into, from);
            } else {
                refused.insert((into, from));
            }
        }
        if clusters.persons == before {
            break;
        }
    }
    clusters
}

/// The other records that a record may be of one person with.
struct Rivals<'a> {
    known: &'a Known<'a>,
    /// By earlier record: the later one and the weight.
    later: Vec<(u32, u32, f64)>,
    starts: Vec<usize>,
}

impl<'a> Rivals<'a> {
    fn of(pairs: &[Pair], known: &'a Known<'a>, records: usize) -> Self {
        let mut later: Vec<(u32, u32, f64)> = pairs.iter().map(|pair| (pair.b, pair.a, pair.bits)).collect();
        later.sort_unstable_by_key(|(b, a, _)| (*b, *a));
        let mut starts = Vec::with_capacity(records + 1);
        for (at, (b, ..)) in later.iter().enumerate() {
            let record = usize::try_from(*b).unwrap_or(usize::MAX).min(records);
            starts.resize(starts.len().max(record + 1), at);
        }
        starts.resize(records + 1, later.len());
        Self { known, later, starts }
    }

    /// Whether a third record is nearly as likely beside one of the two, and not of one person with the other.
    fn stand_beside(&self, edge: &Pair, margin: f64) -> bool {
        let apart = |x: u32, y: u32| self.known.get(x.max(y), x.min(y)).is_none_or(|pair| pair.bits < 0.0);
        let rival = |own: u32, other: u32| {
            self.beside(own).any(|(third, bits)| third != other && bits > edge.bits - margin && apart(third, other))
        };
        rival(edge.a, edge.b) || rival(edge.b, edge.a)
    }

    fn beside(&self, record: u32) -> impl Iterator<Item = (u32, f64)> {
        let at = usize::try_from(record).unwrap_or(usize::MAX);
        let range = self.starts.get(at).zip(self.starts.get(at.saturating_add(1))).map(|(from, until)| *from..*until);
        let later = range.and_then(|range| self.later.get(range)).unwrap_or(&[]).iter().map(|(_, a, bits)| (*a, *bits));
        later.chain(self.known.of_later(record).iter().map(|pair| (pair.b, pair.bits)))
    }
}

/// How all records of two persons agree.
pub struct Fit {
    mean: f64,
    /// The share of pairs that speak clearly against it; 1 or more where none may.
    against: f64,
    /// All guards that any two of them raise, as a set.
    pub guards: u16,
    same_file: bool,
}

impl Fit {
    /// Whether the mean reaches `mean`, and no more than the share `against` speaks clearly against it.
    pub fn stands(&self, mean: f64, against: f64) -> bool {
        self.mean >= mean && self.against <= against && !self.same_file
    }

    /// How the records `xs` of one person agree with those of another.
    pub fn of(
        table: &Table,
        weights: &Weights,
        known: &Known<'_>,
        xs: &[u32],
        ys: &[u32],
        between_files: bool,
    ) -> Self {
        let (mut sum, mut count) = (0.0, 0.0);
        let mut fit = Self { mean: 0.0, against: 0.0, guards: 0, same_file: false };
        for x in xs.iter().take(MOST_MEMBERS) {
            for y in ys.iter().take(MOST_MEMBERS) {
                let (a, b) = (*x.max(y), *x.min(y));
                let pair = known.get(a, b).map_or_else(|| weights.pair(table, a, b), |pair| *pair);
                sum += pair.bits.clamp(PAIR_BOUNDS.0, PAIR_BOUNDS.1);
                count += 1.0;
                fit.against += f64::from(u8::from(pair.bits <= CONTRADICTION));
                fit.guards |= pair.guards;
                fit.same_file |= between_files && table.row(*x).file == table.row(*y).file;
            }
        }
        fit.mean = sum / f64::max(count, 1.0);
        let (fewer, more) = (xs.len().min(ys.len()), xs.len().max(ys.len()));
        if more >= COMPANY && fewer * 2 <= more {
            fit.against /= count;
        }
        fit
    }
}
