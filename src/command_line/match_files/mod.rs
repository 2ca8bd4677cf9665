//! `match-files`: who is who in files, without a store.
//!
//! A truth column must never be read by it, and no personal value stands in an error or a report.

pub(super) mod dates;
pub(super) mod input;
pub(super) mod mapping;
pub(super) mod people;
pub(super) mod reader;
mod report;

use super::{Exit, complain, say};
use crate::matching::Model;
use crate::matching::files::{ENOUGH_TO_TRAIN, Matcher, Options, Outcome, Table, Trained, Training};
use clap::Args;
use input::{Input, read};
use report::Phases;
use std::path::{Path, PathBuf};

/// `match-files`.
#[derive(Args, Clone, Debug)]
pub struct MatchFiles {
    /// What is matched, and how.
    #[command(flatten)]
    pub matching: Matching,
    /// Write `record_id,person_id` here, a row for every record
    #[arg(long, value_name = "FILE")]
    pub clusters: Option<PathBuf>,
    /// Write `left,right,weight,probability,decision` here, a row for every pair with a probability of 0.05 or more
    #[arg(long, value_name = "FILE")]
    pub pairs: Option<PathBuf>,
    /// Report as one JSON document
    #[arg(long)]
    pub json: bool,
}

/// What `match-files`, `train` and `evaluate` have in common.
#[derive(Args, Clone, Debug)]
pub struct Matching {
    /// People: .csv with a header, or .ndjson; either may be compressed (.gz)
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Which column is which field [default: columns that have our names]
    #[arg(long, value_name = "FILE")]
    pub mapping: Option<PathBuf>,
    /// The weights to begin with: japanese, western, or a model file [default: japanese]
    #[arg(long, value_name = "MODEL")]
    pub model: Option<String>,
    /// Estimate the weights from the records, without labels [default: from 500 records on]
    #[arg(long, overrides_with = "no_train")]
    pub train: bool,
    /// Take the weights as they are
    #[arg(long)]
    pub no_train: bool,
    /// Only pairs across files: each file is free of duplicates
    #[arg(long)]
    pub between_files: bool,
    /// From this weight on, records are brought together as one person
    #[arg(long, value_name = "BITS", default_value_t = 0.0, allow_negative_numbers = true)]
    pub threshold: f64,
    /// Write the model here
    #[arg(long, value_name = "FILE")]
    pub save_model: Option<PathBuf>,
    /// How many threads work [default: as many as there are cores]
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
}

/// A finished run.
pub(super) struct Run {
    /// The identifiers of the records.
    pub ids: Vec<Box<str>>,
    /// The truth, where a column for it was asked for.
    pub truth: Vec<Box<str>>,
    /// What was found.
    pub outcome: Outcome,
    /// The matcher, for figures.
    pub matcher: Matcher,
    /// Seconds by phase.
    pub phases: Phases,
    /// Birth dates that could not be read.
    pub unreadable: usize,
    /// Fields whose learned weights were refused.
    pub refused: Vec<String>,
}

impl Matching {
    pub(super) fn threads(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        self.threads.unwrap_or_else(cores).clamp(1, 256)
    }

    /// Matches the files. `truth` names a column that is kept beside the records, and never compared.
    pub(super) fn run(&self, truth: Option<&str>) -> Result<Run, String> {
        let mut phases = Phases::start();
        let (Input { table, ids, truth, unreadable }, model) = self.input(truth)?;
        phases.end("read");
        let records = table.len();
        let mut matcher = self.matcher(table, model)?;
        phases.end("block");
        let mut refused = Vec::new();
        if self.train || (!self.no_train && records >= ENOUGH_TO_TRAIN) {
            refused = matcher.train(Training::default()).refused;
            phases.end("train");
        }
        matcher.score();
        phases.end("score");
        let outcome = matcher.decide();
        phases.end("cluster");
        if let Some(path) = &self.save_model {
            write(path, &matcher.model().to_toml())?;
        }
        Ok(Run { ids, truth, outcome, matcher, phases, unreadable, refused })
    }
}

impl Matching {
    fn input(&self, truth: Option<&str>) -> Result<(Input, Model), String> {
        if self.files.is_empty() {
            return Err("give at least one file of people: .csv, .csv.gz, .ndjson or .ndjson.gz".to_owned());
        }
        let model = model(self.model.as_deref().unwrap_or("japanese"))?;
        let input = read(&self.files, self.mapping.as_deref(), truth, model.tradition(), self.threads())?;
        Ok((input, model))
    }

    fn matcher(&self, table: Table, model: Model) -> Result<Matcher, String> {
        let threads = self.threads();
        let options = Options { between_files: self.between_files, threshold_bits: self.threshold, threads };
        let made = Matcher::new(table, model, options);
        made.ok_or_else(|| "the mapping has more extra columns than can be compared (26)".to_owned())
    }

    /// Learns a model from the files, however few records they hold.
    pub(super) fn learn(&self) -> Result<(Matcher, Trained), String> {
        let (input, model) = self.input(None)?;
        let mut matcher = self.matcher(input.table, model)?;
        let trained = matcher.train(Training::default());
        matcher.score();
        Ok((matcher, trained))
    }
}

/// A shipped model by its name, or a file.
pub(super) fn model(said: &str) -> Result<Model, String> {
    match said {
        "japanese" => Ok(Model::japanese()),
        "western" => Ok(Model::western()),
        file => {
            let text = std::fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
            Model::from_toml(&text).map_err(|error| format!("{file}: {error}"))
        }
    }
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

pub(super) fn run(asked: &MatchFiles) -> Exit {
    match matched(asked) {
        Ok(text) => {
            say(&text);
            Exit::Done
        }
        Err(what) => {
            complain(&format!("{what}\n"));
            Exit::Usage
        }
    }
}

fn matched(asked: &MatchFiles) -> Result<String, String> {
    let mut run = asked.matching.run(None)?;
    if let Some(path) = &asked.clusters {
        report::write_clusters(path, &run)?;
    }
    if let Some(path) = &asked.pairs {
        report::write_pairs(path, &run)?;
    }
    run.phases.end("write");
    Ok(if asked.json { format!("{}\n", report::json(&run)) } else { report::text(&run) })
}

#[cfg(test)]
mod tests;
