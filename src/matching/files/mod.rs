//! The matcher for files: all records at once, in memory, without a store.
//!
//! The same normalisation, keys, levels, weights and guards as for feeds, over compact rows. It must never do I/O,
//! read a truth, or show a value in `Debug`.
//!
//! A run is a row of steps, so that a caller can time each: fill a [`Table`], [`Matcher::new`], [`Matcher::train`],
//! [`Matcher::score`], [`Matcher::decide`].

mod blocks;
mod clusters;
mod decided;
mod further;
mod persons;
mod readings;
mod scores;
mod scoring;
mod table;
mod training;

pub use clusters::Clusters;
pub use decided::{DecidedPair, Decision};
pub use further::{Compare, Further, KNOWN};
pub use table::{FileRecord, Table};
pub use training::{Trained, Training};

use super::model::{Learned, Model, Settings};
use blocks::Blocks;
use clusters::{Rule, cluster};
use persons::{Bounds, Persons};
use scores::{Known, Scores, score};
use scoring::{MOST_FIELDS, Weights};

/// How a run is done.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Only pairs across files: each file is free of duplicates.
    pub between_files: bool,
    /// From this weight on, records are brought together in `Outcome::clusters`.
    pub threshold_bits: f64,
    /// How many threads work.
    pub threads: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { between_files: false, threshold_bits: 0.0, threads: 2 }
    }
}

/// What a run found.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The pairs with a probability of at least 0.05, in the order of the records.
    pub pairs: Vec<DecidedPair>,
    /// Who is who.
    pub clusters: Clusters,
}

/// How far below the threshold the mean between two persons may lie where nothing looks like a relative: a record with
/// many slips agrees poorly with most of its person.
const SLACK: f64 = 3.0;

/// The best agreement of several records is chosen from many: so much more it must weigh to make a person likely.
const CHOICE: f64 = 2.5;

/// Of many records of one person some have nothing in common with some others: such a share of the pairs between a likely
/// person of many records and one of few may contradict. Of who is one person beyond doubt none may.
const AGAINST: f64 = 0.25;

/// Fewest records from which a model is trained unless it is asked for.
pub const ENOUGH_TO_TRAIN: usize = 500;

/// A run over the records of a table.
#[derive(Debug)]
pub struct Matcher {
    table: Table,
    blocks: Blocks,
    model: Model,
    options: Options,
    weights: Weights,
    scores: Option<Scores>,
}

impl Matcher {
    /// Files the records under their keys. None where the table has more fields than can be compared.
    pub fn new(mut table: Table, model: Model, options: Options) -> Option<Self> {
        if scoring::CORE + table.fields.len() > MOST_FIELDS {
            return None;
        }
        table.close();
        let blocks = Blocks::of(std::mem::take(&mut table.keys), table.len());
        let weights = Weights::of(&model, &table);
        Some(Self { table, blocks, model, options, weights, scores: None })
    }

    /// Learns the weights from the records, without labels.
    pub fn train(&mut self, training: Training) -> Trained {
        self.train_with(training, &[])
    }

    /// Likewise, refined by pairs about which it is known whether they are one person: the later record, the earlier
    /// one, and that.
    pub fn train_with(&mut self, training: Training, judged: &[(u32, u32, bool)]) -> Trained {
        let options = self.options;
        let between = options.between_files;
        let trained = training::train(&self.table, &self.model, (between, judged), training, options.threads);
        self.model = trained.model.clone();
        self.weights = Weights::of(&self.model, &self.table);
        trained
    }

    /// Scores all candidate pairs; the prior follows from them.
    pub fn score(&mut self) {
        let Options { between_files, threads, .. } = self.options;
        // The evidence is kept from far below the bound, so that a higher prior finds its pairs.
        let mut scores = score(&self.table, &self.blocks, &self.weights, between_files, threads);
        let before = self.weights.prior;
        let records = f64::from(u32::try_from(self.table.len()).unwrap_or(u32::MAX)).max(1.0);
        let of_base = (scoring::LEAST_POPULATION / records).max(1.0);
        let possible = possible_pairs(&self.table, between_files).map(|pairs| pairs * of_base);
        let after = scores.fixed_prior(before, possible);
        scores.move_prior(&self.table, before, after);
        self.weights.prior = after;
        let learned = Learned {
            id: self.model.version().split('/').next().unwrap_or_default().to_owned(),
            core: self.model.core(),
            further: training::completed(&self.table, &self.model),
            household_size: self.model.household_size(),
            matches_per_record: 2.0 * scores.expected_matches(after) / records,
        };
        if let Ok(model) = self.model.learned(learned) {
            let population = u32::try_from(self.table.len()).unwrap_or(u32::MAX);
            self.model = model.with_settings(Settings { population, ..self.model.settings() });
        }
        self.scores = Some(scores);
    }

    /// Brings the records together and decides about the pairs.
    pub fn decide(&self) -> Outcome {
        let Some(scores) = &self.scores else {
            return Outcome { pairs: Vec::new(), clusters: Clusters::default() };
        };
        let (table, weights, between) = (&self.table, &self.weights, self.options.between_files);
        let known = Known::of(&scores.pairs, table.len());
        let threshold = self.options.threshold_bits;
        let likely = self.likely();
        let of = |rule: Rule| cluster(table, weights, (&scores.pairs, &known), rule, between);
        let beyond_doubt = self.beyond_doubt(u16::MAX);
        let (mut sure, mut clusters) = std::thread::scope(|scope| {
            let running = (self.options.threads > 1).then(|| scope.spawn(|| of(beyond_doubt)));
            let clusters = of(likely);
            (running.and_then(|thread| thread.join().ok()).unwrap_or_else(|| of(beyond_doubt)), clusters)
        });
        let bounds = Bounds {
            automatic_bits: threshold + CHOICE,
            support_bits: threshold - 2.0 * SLACK,
            against: AGAINST,
            margin_bits: 0.0,
            review_bits: threshold,
            held: scoring::bit(super::guard::Guard::Twin),
        };
        Persons::new((table, weights, &known), bounds, &clusters, between)
            .with_company()
            .join(&mut clusters, &scores.pairs);
        let wholes = self.further(&mut sure, &clusters, (scores, &known), u16::MAX);
        let views = decided::Views { sure: &sure, likely: &clusters, wholes: &wholes };
        let pairs = decided::pairs(table, weights, (&scores.pairs, &known), &views, self.options, &self.model);
        Outcome { pairs, clusters }
    }

    /// What is asked of pairs that are one person's beyond doubt, where these guards hold.
    fn beyond_doubt(&self, held: u16) -> Rule {
        let settings = self.model.settings();
        let margin = Some(settings.margin_bits);
        let (edge_bits, mean_bits) = (settings.automatic_bits, settings.support_bits);
        Rule { edge_bits, mean_bits, slack: 0.0, held, against: 0.0, margin }
    }

    /// What is asked of pairs that are likely one person's.
    fn likely(&self) -> Rule {
        let bits = self.options.threshold_bits;
        Rule { edge_bits: bits, mean_bits: bits, slack: SLACK, held: 0, against: AGAINST, margin: None }
    }

    /// Brings together what is one person's by all records of both.
    fn further(
        &self,
        sure: &mut Clusters,
        likely: &Clusters,
        (scores, known): (&Scores, &Known<'_>),
        held: u16,
    ) -> std::collections::HashMap<(u32, u32), f64> {
        let Settings { automatic_bits, support_bits, margin_bits, review_bits, .. } = self.model.settings();
        let bounds = Bounds { automatic_bits, support_bits, against: 0.0, margin_bits, review_bits, held };
        let of = (&self.table, &self.weights, known);
        Persons::new(of, bounds, likely, self.options.between_files).join(sure, &scores.pairs)
    }

    /// Who is one person beyond doubt, where `off` holds nothing: to show that it is missed.
    #[cfg(test)]
    pub(super) fn sure_without(&self, off: Option<super::guard::Guard>) -> Clusters {
        let Some(scores) = &self.scores else { return Clusters::default() };
        let held = !off.map_or(0, scoring::bit);
        let known = Known::of(&scores.pairs, self.table.len());
        let of =
            |rule: Rule| cluster(&self.table, &self.weights, (&scores.pairs, &known), rule, self.options.between_files);
        let mut sure = of(self.beyond_doubt(held));
        let likely = of(Rule { edge_bits: 0.0, mean_bits: 0.0, ..self.likely() });
        self.further(&mut sure, &likely, (scores, &known), held);
        sure
    }

    /// The model as it stands.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// How many records there are.
    pub fn records(&self) -> usize {
        self.table.len()
    }

    /// How many pairs were scored.
    pub fn pairs_scored(&self) -> u64 {
        self.scores.as_ref().map_or(0, |scores| scores.scored)
    }

    /// Whether candidates may be missing.
    pub fn is_degraded(&self) -> bool {
        self.blocks.degraded > 0
    }

    /// Keys with more records than are read one by one.
    pub fn overfull_keys(&self) -> usize {
        self.blocks.overfull
    }
}

/// How many pairs there are within one source and across.
fn possible_pairs(table: &Table, between_files: bool) -> [f64; 2] {
    let mut sources = std::collections::BTreeMap::new();
    let mut files = std::collections::BTreeMap::new();
    for row in table.rows() {
        *sources.entry((row.source, if between_files { row.file } else { 0 })).or_insert(0.0) += 1.0;
        *files.entry(row.file).or_insert(0.0) += 1.0;
    }
    let pairs = |n: f64| n * (n - 1.0) / 2.0;
    let all: f64 = pairs(files.values().sum::<f64>());
    if !between_files {
        let within: f64 = sources.values().map(|n| pairs(*n)).sum();
        return [within, all - within];
    }
    let within_files: f64 = files.values().map(|n| pairs(*n)).sum();
    let by_source = |source: u16| sources.iter().filter(move |((of, _), _)| *of == source).map(|(_, n)| *n);
    let numbers: std::collections::BTreeSet<u16> = sources.keys().map(|(source, _)| *source).collect();
    let within: f64 = numbers
        .into_iter()
        .map(|source| pairs(by_source(source).sum()) - by_source(source).map(pairs).sum::<f64>())
        .sum();
    [within, all - within_files - within]
}

#[cfg(test)]
mod tests;
