//! Whole persons against each other: of each field the best that any two of their records agree on.
//!
//! A record without a birth date and one with a slip in the name fit a person of many records better than any single
//! one of them. And a record that fits two persons alike is one of both only if they are one person by what the rest
//! of their records say.

use super::clusters::{Clusters, Fit};
use super::scores::Known;
use super::scoring::{BY_READING, KEPT, NAMESAKE, OPEN, Pair, Pattern, VETOES, Weights, code_of};
use super::table::Table;
use crate::matching::comparison::Field;
use crate::matching::guard::PairFacts;
use crate::matching::levels;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Records of a person that are looked at.
const MOST_MEMBERS: usize = 30;
/// The place of the given name in a pattern, after the family name.
const GIVEN: usize = 1;
const ROUNDS: usize = 6;
/// So often at most is a record held to be the only one of its person, however few such records there are.
const RAREST: f64 = 0.125;

/// How two persons agree as wholes.
#[derive(Clone, Copy, Debug)]
pub struct Whole {
    /// log2 of the odds.
    pub bits: f64,
    /// The guards that they raise, as a set.
    pub guards: u16,
    /// They have one family name, or are grown up, so that one may have married.
    pub may_be_one_family: bool,
}

impl Weights {
    /// Two persons as wholes.
    pub fn whole(&self, table: &Table, xs: &[u32], ys: &[u32]) -> Whole {
        let (mut best, mut frequency) = (0, vec![0.0; self.fields.len()]);
        let mut facts = PairFacts::default();
        let (mut prior, mut by_reading, mut told_apart) = (f64::MIN, false, false);
        for (x, y) in xs.iter().take(MOST_MEMBERS).flat_map(|x| ys.iter().take(MOST_MEMBERS).map(move |y| (x, y))) {
            let (a, b) = (*x.max(y), *x.min(y));
            let pattern = self.pattern(table, a, b);
            let said = self.facts(table, pattern, a, b);
            prior = prior.max(self.prior_of(table, a, b));
            let (p, q, given) = (table.row(a), table.row(b), code_of(pattern, GIVEN));
            let readings = self.readings(table);
            told_apart |= readings.is_some_and(|readings| readings.tell_apart(table, &p, &q, given));
            for (field, slot) in frequency.iter_mut().enumerate() {
                let (known, found) = (code_of(best, field), code_of(pattern, field));
                if found != known && is_better(field, known, found) {
                    best = put(best, field, found);
                    *slot = self.frequency_of(table, (field, found), a, b);
                    facts.take(field, said);
                    if field == GIVEN {
                        by_reading = readings.is_some_and(|readings| readings.are_needed(table, &p, &q, given));
                    }
                }
            }
            facts.add(said);
        }
        let evidence = self.evidence(best, frequency.iter().sum()) + prior;
        let (guards, dependence) = self.guards(table, best, facts);
        by_reading |= code_of(best, GIVEN) == levels::MISSING;
        let guards = if by_reading && told_apart { guards | BY_READING } else { guards };
        let family = code_of(best, 0);
        let one_family = family != levels::MISSING && !levels::is_weak_name(self.tradition(), Field::Family, family);
        let may_be_one_family = one_family || facts.births.iter().all(|birth| table.is_of_age(*birth));
        Whole { bits: evidence + dependence, guards, may_be_one_family }
    }
}

/// Whether two persons agree better at `found` than at `known`. Names in each other's place say less than the same names
/// in their own.
fn is_better(field: usize, known: levels::Code, found: levels::Code) -> bool {
    let in_place = |code| (levels::SWAPPED + 1..=levels::READ_ALIKE).contains(&code);
    match (known, found) {
        (levels::SWAPPED, found) if field <= GIVEN && in_place(found) => true,
        (known, levels::SWAPPED) if field <= GIVEN && in_place(known) => false,
        _ => levels::stronger(known, found) == found,
    }
}

fn put(pattern: Pattern, field: usize, code: levels::Code) -> Pattern {
    (pattern & !(15 << (4 * field))) | (Pattern::from(code) << (4 * field))
}

impl PairFacts {
    /// Takes over what another pair says of a field on which it agrees better.
    fn take(&mut self, field: usize, of: Self) {
        match field {
            GIVEN => self.two_names = of.two_names,
            2 => self.births = of.births,
            4 => self.housed = of.housed,
            _ => {}
        }
    }

    /// What another pair of the same two persons says as well.
    fn add(&mut self, of: Self) {
        if of.orders.iter().all(|order| *order != 0) && (self.orders[0] == self.orders[1]) {
            self.orders = of.orders;
        }
        self.suffixes_differ |= of.suffixes_differ;
        self.newborn = [self.newborn[0] | of.newborn[0], self.newborn[1] | of.newborn[1]];
        self.men |= of.men;
        self.mail |= of.mail;
    }
}

/// What is asked of two persons to be one.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// From this weight on they are one.
    pub automatic_bits: f64,
    /// What the mean over their records must reach.
    pub support_bits: f64,
    /// What share of the pairs may speak clearly against it between a person of many records and one of few.
    pub against: f64,
    /// How far behind another person must be.
    pub margin_bits: f64,
    /// From this weight on another one is a rival where only what is not known stands against it.
    pub review_bits: f64,
    /// Guards that hold them apart.
    pub held: u16,
}

/// Persons brought together further.
pub struct Persons<'a> {
    table: &'a Table,
    weights: &'a Weights,
    known: &'a Known<'a>,
    between_files: bool,
    bounds: Bounds,
    /// What it tells of a record that it fits nobody else, in bits.
    alone: f64,
}

/// By person, the others that it may be, each with how they agree.
type Near = HashMap<u32, Vec<(u32, Whole)>>;

impl<'a> Persons<'a> {
    /// For the records of `table`, of which `likely` says who is who from the threshold on.
    pub fn new(
        (table, weights, known): (&'a Table, &'a Weights, &'a Known<'a>),
        bounds: Bounds,
        likely: &Clusters,
        between_files: bool,
    ) -> Self {
        let number = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
        let several: usize = likely.several().map(<[u32]>::len).sum();
        let single = 1.0 - number(several) / number(table.len()).max(1.0);
        Self { table, weights, known, between_files, bounds, alone: -single.clamp(RAREST, 1.0).log2() }
    }

    /// That a record fits nobody else tells nothing.
    pub fn with_company(self) -> Self {
        Self { alone: 0.0, ..self }
    }

    /// Brings `clusters` together, the surest first; what is known of those that stay apart is given back.
    pub fn join(&self, clusters: &mut Clusters, pairs: &[Pair]) -> HashMap<(u32, u32), f64> {
        let mut wholes: BTreeMap<(u32, u32), Whole> = BTreeMap::new();
        for _ in 0..ROUNDS {
            let wanted: BTreeSet<(u32, u32)> = pairs
                .iter()
                .map(|pair| ordered(clusters.person(pair.a), clusters.person(pair.b)))
                .filter(|(x, y)| x != y)
                .collect();
            wholes.retain(|two, _| wanted.contains(two));
            for two in wanted {
                wholes.entry(two).or_insert_with(|| self.whole(clusters.members_of(two.0), clusters.members_of(two.1)));
            }
            let joined = self.join_once(clusters, &wholes);
            if joined.is_empty() {
                break;
            }
            wholes.retain(|(x, y), _| !joined.contains(x) && !joined.contains(y));
        }
        wholes.into_iter().map(|(two, whole)| (two, whole.bits)).collect()
    }

    fn whole(&self, xs: &[u32], ys: &[u32]) -> Whole {
        self.weights.whole(self.table, xs, ys)
    }

    /// One round; the persons that changed.
    fn join_once(&self, clusters: &mut Clusters, wholes: &BTreeMap<(u32, u32), Whole>) -> BTreeSet<u32> {
        let mut near: Near = HashMap::new();
        for ((x, y), whole) in wholes.iter().filter(|(_, whole)| whole.bits > KEPT) {
            near.entry(*x).or_default().push((*y, *whole));
            near.entry(*y).or_default().push((*x, *whole));
        }
        let mut order: Vec<(&(u32, u32), &Whole)> = wholes
            .iter()
            .filter(|(_, whole)| {
                whole.bits + self.alone >= self.bounds.automatic_bits && whole.guards & self.holds(**whole) == 0
            })
            .collect();
        order.sort_by(|(a, x), (b, y)| y.bits.total_cmp(&x.bits).then(a.cmp(b)));
        let mut changed = BTreeSet::new();
        for ((x, y), whole) in order {
            if !changed.contains(x) && !changed.contains(y) && self.are_one(clusters, (*x, *y), *whole, &near) {
                clusters.join(*x, *y);
                changed.extend([*x, *y]);
            }
        }
        changed
    }

    /// The guards that hold two persons apart who agree so well. How many have a name is known, and a child has not
    /// married.
    fn holds(&self, whole: Whole) -> u16 {
        let is_counted = whole.bits >= self.bounds.automatic_bits && whole.may_be_one_family;
        let known = if is_counted { OPEN | NAMESAKE } else { OPEN };
        self.bounds.held & !known | VETOES
    }

    fn are_one(&self, clusters: &Clusters, (x, y): (u32, u32), whole: Whole, near: &Near) -> bool {
        let (xs, ys) = (clusters.members_of(x), clusters.members_of(y));
        // Of a record that fits nobody else the other persons whom it could be of have no record at all.
        let open = whole.guards & OPEN & self.bounds.held != 0;
        let alone = if xs.len().min(ys.len()) == 1 && !open { self.alone } else { 0.0 };
        if whole.bits + alone < self.bounds.automatic_bits {
            return false;
        }
        let open = open || whole.bits < self.bounds.automatic_bits;
        let least = if open { self.bounds.review_bits } else { whole.bits - self.bounds.margin_bits };
        let both: Vec<u32> = xs.iter().chain(ys).copied().collect();
        let is_rival = |other: u32| {
            let beside = self.whole(clusters.members_of(other), &both);
            beside.bits < self.bounds.automatic_bits || beside.guards & VETOES != 0
        };
        let rivals = |own: u32, other: u32| {
            let beside = near.get(&own).into_iter().flatten();
            beside.filter(|(third, of)| *third != other && of.bits > least).any(|(third, _)| is_rival(*third))
        };
        if rivals(x, y) || rivals(y, x) {
            return false;
        }
        let fit = Fit::of(self.table, self.weights, self.known, xs, ys, self.between_files);
        fit.stands(self.bounds.support_bits, self.bounds.against) && fit.guards & VETOES == 0
    }
}

fn ordered(x: u32, y: u32) -> (u32, u32) {
    (x.min(y), x.max(y))
}
