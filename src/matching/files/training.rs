//! Weights from the records themselves, without labels: u from pairs taken at random, m and h by expectation
//! maximisation over the counts of level patterns within blocks.
//!
//! One block set at a time, and without the fields by which the block was made: a free estimate over all candidate
//! pairs drifts until "one person" means "one household". The same seed gives the same model.

use super::further::Compare;
use super::scoring::{CORE, FieldWeights, Pattern, Weights, code_of, further_levels};
use super::table::{Row, Table};
use crate::matching::comparison::Field;
use crate::matching::levels::{Code, scale};
use crate::matching::model::{Learned, Level, Model};
use std::collections::{BTreeMap, HashMap};

/// How much is sampled, and from which seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Training {
    /// The same seed gives the same model.
    pub seed: u64,
    /// Pairs taken at random for u.
    pub random_pairs: u32,
    /// Most pairs of each block set.
    pub block_pairs: u32,
}

impl Default for Training {
    fn default() -> Self {
        Self { seed: 20_260_401, random_pairs: 1_000_000, block_pairs: 400_000 }
    }
}

/// What training found, for the report.
#[derive(Clone, Debug)]
pub struct Trained {
    /// The model.
    pub model: Model,
    /// Fields whose learned weights were refused, since agreement spoke against or disagreement for one person.
    pub refused: Vec<String>,
    /// Pairs looked at.
    pub pairs: u64,
}

const LARGEST_BLOCK: usize = 300;
const ROUNDS: usize = 60;
/// The starting weights count like so many pairs.
const SHRINKAGE: f64 = 100.0;
const SMALLEST_U: f64 = 1e-7;

struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed(self.0)
    }

    fn below(&mut self, bound: usize) -> u32 {
        let bound = u64::try_from(bound).unwrap_or(1).max(1);
        u32::try_from(self.next() % bound).unwrap_or(0)
    }
}

fn mixed(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

type Counts = Vec<(Pattern, f64)>;

/// Patterns with their counts, in order, so that sums do not depend on hashing.
fn counted(table: &Table, weights: &Weights, pairs: &[(u32, u32)], threads: usize) -> Counts {
    let size = pairs.len().div_ceil(threads.max(1)).max(1);
    let parts: Vec<HashMap<Pattern, u32>> = std::thread::scope(|scope| {
        let count = |chunk: &[(u32, u32)]| {
            let mut counts = HashMap::new();
            for (a, b) in chunk {
                *counts.entry(weights.pattern(table, *a, *b)).or_insert(0u32) += 1;
            }
            counts
        };
        let running: Vec<_> = pairs.chunks(size).map(|chunk| scope.spawn(move || count(chunk))).collect();
        running.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    let mut all: BTreeMap<Pattern, f64> = BTreeMap::new();
    for (pattern, count) in parts.into_iter().flatten() {
        *all.entry(pattern).or_default() += f64::from(count);
    }
    all.into_iter().collect()
}

struct BlockSet {
    without: Vec<usize>,
    household: bool,
    counts: Counts,
    /// How many pairs stand behind each that was looked at.
    scale: f64,
}

/// Estimates a model from `table`, starting from `start`; `judged` are pairs about which it is known whether they are
/// one person.
pub fn train(
    table: &Table,
    start: &Model,
    (between_files, judged): (bool, &[(u32, u32, bool)]),
    how: Training,
    threads: usize,
) -> Trained {
    let mut weights = Weights::of(start, table);
    let random = random_pairs(table, between_files, how);
    let mut looked_at = u64::try_from(random.len()).unwrap_or(u64::MAX);
    let counts = counted(table, &weights, &random, threads);
    drop(random);
    learn_u(&mut weights.fields, &counts, weights.prior[0]);
    let mut sums = Sums::new(&weights.fields);
    let mut households: f64 = 0.0;
    for kind in kinds(table) {
        let (pairs, scale) = block_pairs(table, kind, between_files, how);
        looked_at += u64::try_from(pairs.len()).unwrap_or(u64::MAX);
        if pairs.len() < 50 {
            continue;
        }
        let counts = counted(table, &weights, &pairs, threads);
        let set = BlockSet { without: kind.fields(), household: kind.is_household(table), counts, scale };
        let found = maximise(&set, &weights.fields);
        if set.household {
            households = households.max(found.households * set.scale);
        }
        sums.add(&set, &found);
    }
    for (a, b, same) in judged {
        sums.judge(weights.pattern(table, *a, *b), *same);
    }
    let records = f64::from(u32::try_from(table.len()).unwrap_or(u32::MAX)).max(1.0);
    let household_size = if sums.any_household { 2.0 * households / records } else { 0.1 };
    let (fields, refused) = sums.settle(weights.fields, table, start);
    build(table, start, fields, household_size, refused, looked_at)
}

fn random_pairs(table: &Table, between_files: bool, how: Training) -> Vec<(u32, u32)> {
    let mut rng = Rng(how.seed);
    let records = table.len();
    let mut pairs = Vec::new();
    let possible = records * records.saturating_sub(1) / 2;
    let wanted = usize::try_from(how.random_pairs).unwrap_or(usize::MAX).min(possible * 2);
    for _ in 0..wanted {
        let (a, b) = (rng.below(records), rng.below(records));
        if a != b && !(between_files && table.row(a).file == table.row(b).file) {
            pairs.push((a, b));
        }
    }
    pairs
}

/// u: the share of each level among random pairs, less what in them is probably one person.
fn learn_u(fields: &mut [FieldWeights], counts: &Counts, prior: f64) {
    for _ in 0..3 {
        let odds = prior.exp2();
        let mut sums = vec![[0.0f64; 16]; fields.len()];
        for (pattern, count) in counts {
            let mut ratio = odds;
            for (at, field) in fields.iter().enumerate() {
                let code = usize::from(code_of(*pattern, at));
                ratio *= of(&field.m, code) / of(&field.u, code);
            }
            let unrelated = count / (1.0 + ratio);
            for (at, sum) in sums.iter_mut().enumerate() {
                if let Some(slot) = sum.get_mut(usize::from(code_of(*pattern, at))) {
                    *slot += unrelated;
                }
            }
        }
        for (field, sum) in fields.iter_mut().zip(&sums) {
            let seen: f64 = sum.iter().skip(1).sum();
            if seen < 1000.0 {
                continue;
            }
            let levels = field.levels;
            let total: f64 = seen + 0.3 * f64::from(u32::try_from(levels).unwrap_or(1));
            for (slot, sum) in field.u.iter_mut().zip(sum).skip(1).take(levels) {
                *slot = ((sum + 0.3) / total).max(SMALLEST_U);
            }
        }
    }
}

fn of(values: &[f64; 16], code: usize) -> f64 {
    if code == 0 { 1.0 } else { values.get(code).copied().unwrap_or(1.0) }
}

#[derive(Clone, Copy)]
enum Kind {
    Birth,
    Name,
    Address,
    Phone,
    Further(usize, Compare),
}

impl Kind {
    fn fields(self) -> Vec<usize> {
        match self {
            Kind::Birth => vec![2],
            Kind::Name => vec![0, 1],
            Kind::Address => vec![4],
            Kind::Phone => vec![5],
            Kind::Further(at, _) => vec![CORE + at],
        }
    }

    fn is_household(self, _: &Table) -> bool {
        match self {
            Kind::Address | Kind::Phone => true,
            Kind::Further(_, compare) => compare.is_of_households(),
            Kind::Birth | Kind::Name => false,
        }
    }

    /// The keys under which a record is in a block; 0 for none.
    fn keys(self, table: &Table, at: u32, row: &Row) -> [u64; 3] {
        let join = |kind: u64, a: u32, b: u32| {
            if a == 0 || b == 0 { 0 } else { (kind << 60) | (u64::from(a) << 30) | u64::from(b) }
        };
        let first = |keys: [u64; 3]| [keys.into_iter().find(|key| *key != 0).unwrap_or(0), 0, 0];
        match self {
            Kind::Birth if row.birth.is_multiple_of(100) => [0; 3],
            Kind::Birth => [u64::from(row.birth), 0, 0],
            Kind::Name => first([
                join(1, row.kanji.family, row.kanji.given),
                join(2, row.reading.family, row.reading.given),
                join(3, row.latin.family, row.latin.given),
            ]),
            Kind::Address => [join(1, row.town, row.block), 0, 0],
            Kind::Phone => row.phones.map(u64::from),
            Kind::Further(number, compare) => {
                let symbol = table.further(at).get(number).copied().unwrap_or(0);
                if compare != Compare::Insurance || symbol == 0 {
                    return [u64::from(symbol), 0, 0];
                }
                let text = table.values.get(number).map_or("", |texts| texts.text(symbol));
                let number = text.split('/').next().unwrap_or("");
                [number.bytes().fold(0xcbf2_9ce4_8422_2325, |sum, byte| mixed(sum ^ u64::from(byte))), 0, 0]
            }
        }
    }
}

fn kinds(table: &Table) -> Vec<Kind> {
    let further = table.fields.iter().enumerate().filter(|(_, field)| field.compare.makes_keys());
    [Kind::Birth, Kind::Name, Kind::Address, Kind::Phone]
        .into_iter()
        .chain(further.map(|(at, field)| Kind::Further(at, field.compare)))
        .collect()
}

/// The pairs within the blocks of a kind, at most as many as wanted, and how many stand behind each.
fn block_pairs(table: &Table, kind: Kind, between_files: bool, how: Training) -> (Vec<(u32, u32)>, f64) {
    let mut keyed: Vec<(u64, u32)> = Vec::new();
    for (at, row) in (0u32..).zip(table.rows()) {
        keyed.extend(kind.keys(table, at, row).into_iter().filter(|key| *key != 0).map(|key| (key, at)));
    }
    keyed.sort_unstable();
    let blocks = || keyed.chunk_by(|a, b| a.0 == b.0).filter(|block| (2..=LARGEST_BLOCK).contains(&block.len()));
    let total: usize = blocks().map(|block| block.len() * (block.len() - 1) / 2).sum();
    let wanted = f64::from(how.block_pairs);
    let total = f64::from(u32::try_from(total).unwrap_or(u32::MAX));
    let share = (wanted / total.max(1.0)).min(1.0);
    let bound = share * f64::from(u32::MAX);
    let mut pairs = Vec::new();
    for block in blocks() {
        for (at, (_, a)) in block.iter().enumerate() {
            for (_, b) in block.iter().skip(at + 1) {
                let dice = mixed(how.seed ^ (u64::from(*a) << 32) ^ u64::from(*b)) >> 32;
                let taken = share >= 1.0 || f64::from(u32::try_from(dice).unwrap_or(u32::MAX)) < bound;
                if taken && a != b && !(between_files && table.row(*a).file == table.row(*b).file) {
                    pairs.push((*b, *a));
                }
            }
        }
    }
    (pairs, 1.0 / share)
}

struct Found {
    households: f64,
    m: Vec<[f64; 16]>,
    h: Vec<[f64; 16]>,
}

/// Expectation maximisation over three classes within one block set; u stays as it is.
fn maximise(set: &BlockSet, start: &[FieldWeights]) -> Found {
    let mut fields: Vec<FieldWeights> = start.to_vec();
    let mut classes = [0.3, 0.2, 0.5];
    let mut found = Found { households: 0.0, m: Vec::new(), h: Vec::new() };
    for _ in 0..ROUNDS {
        found = Found { households: 0.0, m: vec![[0.0; 16]; fields.len()], h: vec![[0.0; 16]; fields.len()] };
        let mut expected = [0.0; 3];
        for (pattern, count) in &set.counts {
            let mut likely = classes;
            for (at, field) in fields.iter().enumerate() {
                let code = usize::from(code_of(*pattern, at));
                if code != 0 && !set.without.contains(&at) {
                    likely[0] *= of(&field.m, code);
                    likely[1] *= of(&field.h, code);
                    likely[2] *= of(&field.u, code);
                }
            }
            let sum: f64 = likely.iter().sum();
            if sum <= 0.0 {
                continue;
            }
            let [m, h, u] = likely.map(|class| class / sum * count);
            expected = [expected[0] + m, expected[1] + h, expected[2] + u];
            for at in 0..fields.len() {
                let code = usize::from(code_of(*pattern, at));
                for (sums, add) in [(&mut found.m, m), (&mut found.h, h)] {
                    if let Some(slot) = sums.get_mut(at).and_then(|sum| sum.get_mut(code)) {
                        *slot += add;
                    }
                }
            }
        }
        found.households = expected[1];
        let total: f64 = expected.iter().sum();
        classes = expected.map(|class| (class / total.max(1.0)).max(1e-6));
        for (at, field) in fields.iter_mut().enumerate() {
            let Some(begin) = start.get(at) else { continue };
            step(&mut field.m, found.m.get(at), &begin.m, field.levels, 10.0);
            if set.household {
                step(&mut field.h, found.h.get(at), &begin.h, field.levels, 10.0);
            }
        }
    }
    found
}

/// The share of each level, the start counting like `weight` pairs.
fn step(to: &mut [f64; 16], sums: Option<&[f64; 16]>, start: &[f64; 16], levels: usize, weight: f64) {
    let Some(sums) = sums else { return };
    let total: f64 = sums.iter().skip(1).take(levels).sum::<f64>() + weight;
    for (slot, (sum, start)) in to.iter_mut().zip(sums.iter().zip(start)).skip(1).take(levels) {
        *slot = ((sum + weight * start) / total).max(1e-7);
    }
}

/// Expected counts of levels over all block sets.
struct Sums {
    m: Vec<[f64; 16]>,
    h: Vec<[f64; 16]>,
    any_household: bool,
}

impl Sums {
    fn new(fields: &[FieldWeights]) -> Self {
        let zero = vec![[0.0; 16]; fields.len()];
        Self { m: zero.clone(), h: zero, any_household: false }
    }

    fn add(&mut self, set: &BlockSet, found: &Found) {
        let add = |to: &mut Vec<[f64; 16]>, from: &Vec<[f64; 16]>| {
            for (at, (to, from)) in to.iter_mut().zip(from).enumerate() {
                if !set.without.contains(&at) {
                    to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
                }
            }
        };
        add(&mut self.m, &found.m);
        if set.household {
            self.any_household = true;
            add(&mut self.h, &found.h);
        }
    }

    /// A pair about which it is known whether it is one person counts like any that was estimated. Of two persons only
    /// those of one house tell what relatives share.
    fn judge(&mut self, pattern: Pattern, same: bool) {
        const HOUSE: Code = 2;
        let lives_there = |field: usize| (1..=HOUSE).contains(&code_of(pattern, field));
        let to = match same {
            true => &mut self.m,
            false if lives_there(4) || code_of(pattern, 5) == 1 => &mut self.h,
            false => return,
        };
        for (at, sums) in to.iter_mut().enumerate() {
            if let Some(slot) = sums.get_mut(usize::from(code_of(pattern, at))) {
                *slot += 1.0;
            }
        }
    }

    /// The learned weights shrunk towards the starting ones, and the fields where they make no sense.
    fn settle(self, u: Vec<FieldWeights>, table: &Table, start: &Model) -> (Vec<FieldWeights>, Vec<String>) {
        let begin = Weights::of(start, table);
        let mut refused = Vec::new();
        let mut out = Vec::new();
        for (at, (mut field, begin)) in u.into_iter().zip(begin.fields).enumerate() {
            step(&mut field.m, self.m.get(at), &begin.m, field.levels, SHRINKAGE);
            step(&mut field.h, self.h.get(at), &begin.h, field.levels, SHRINKAGE);
            if is_sound(&field, at < 2) {
                out.push(field);
            } else {
                refused.push(name(table, at));
                out.push(begin);
            }
        }
        (out, refused)
    }
}

fn name(table: &Table, at: usize) -> String {
    match Field::ALL.get(at) {
        Some(field) => field.id().to_owned(),
        None => table.fields.get(at - CORE).map(|field| field.id.clone()).unwrap_or_default(),
    }
}

/// Agreement speaks for one person, and the last level against.
fn is_sound(field: &FieldWeights, is_name: bool) -> bool {
    let bits = |code: usize| (of(&field.m, code) / of(&field.u, code)).log2();
    let exact = if is_name { 2 } else { 1 };
    bits(exact) > 0.0 && bits(field.levels) < 0.0
}

fn build(
    table: &Table,
    start: &Model,
    fields: Vec<FieldWeights>,
    household_size: f64,
    refused: Vec<String>,
    pairs: u64,
) -> Trained {
    let named = |names: Vec<String>, field: &FieldWeights| -> Vec<Level> {
        let sums = [&field.m, &field.u, &field.h].map(|of| of.iter().skip(1).take(field.levels).sum::<f64>());
        let all = field.m.iter().zip(&field.u).zip(&field.h).skip(1);
        let share = |value: f64, sum: f64| (value / sum).clamp(1e-9, 1.0);
        let level = |(id, ((m, u), h)): (String, ((&f64, &f64), &f64))| Level {
            id,
            m: share(*m, sums[0]),
            u: share(*u, sums[1]),
            h: share(*h, sums[2]),
        };
        names.into_iter().zip(all).map(level).collect()
    };
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let core = Field::ALL.into_iter().zip(&fields);
    let core = core.map(|(field, weights)| named(owned(scale(start.tradition(), field)), weights)).collect();
    let further = table.fields.iter().zip(fields.iter().skip(CORE));
    let further =
        further.map(|(field, weights)| (field.id.clone(), named(owned(&field.compare.scale()), weights))).collect();
    let base = start.version();
    let id = format!("{}-trained", base.split('/').next().unwrap_or("model"));
    let matches_per_record = start.matches_per_record();
    let learned = Learned { id, core, further, household_size, matches_per_record };
    match start.learned(learned) {
        Ok(model) => Trained { model, refused, pairs },
        // Cannot be: each field was checked. The starting model is sound.
        Err(_) => Trained { model: start.clone(), refused: vec!["all".to_owned()], pairs },
    }
}

/// The starting model with the further fields of `table` that it lacks.
pub fn completed(table: &Table, model: &Model) -> BTreeMap<String, Vec<Level>> {
    table.fields.iter().map(|field| (field.id.clone(), further_levels(model, &field.id, field.compare))).collect()
}
