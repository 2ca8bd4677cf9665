//! `train`: a model from the records of files or of a store, without labels; which model decides in a store.
//!
//! What stewards decided refines a model that is learned in a store. No personal value stands in a model or a report.

use super::match_files::{self, Matching};
use super::show::{failed, open};
use super::{Environment, Exit, Logging, StoreChoice, complain, say};
use crate::access::Principal;
use crate::config::Configuration;
use crate::matching::files::{Matcher, Options, Trained, Training};
use crate::matching::{Calibration, Field, Level, Model};
use crate::registry::{Activated, Registry};
use clap::Args;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// `train`.
#[derive(Args, Clone)]
pub struct Train {
    /// The records to learn from; without files those of the store.
    #[command(flatten)]
    pub matching: Matching,
    /// Which store.
    #[command(flatten)]
    pub store: StoreChoice,
    /// Write the model here, as a file that can be read and given to --model, --activate and the configuration
    #[arg(long, value_name = "FILE")]
    pub save: Option<PathBuf>,
    /// From now on the model of this file decides in the store; without FILE the one that was just learned
    #[arg(long, value_name = "FILE", num_args = 0..=1, conflicts_with = "rollback")]
    pub activate: Option<Option<PathBuf>>,
    /// The model that decided before decides in the store again
    #[arg(long)]
    pub rollback: bool,
}

pub(super) fn run(asked: &Train, logging: Logging, environment: Environment) -> Exit {
    logging.start_quietly();
    let settings = || asked.store.configuration(environment.clone());
    let done = match &asked.activate {
        _ if asked.rollback => settings().and_then(|settings| rolled_back(&settings, asked.store.json)),
        Some(Some(file)) => settings().and_then(|settings| {
            let text = std::fs::read_to_string(file).map_err(|error| wrong(&format!("{}: {error}", file.display())))?;
            activated(&open("train", &settings)?, file, &text, asked.store.json)
        }),
        _ if asked.matching.files.is_empty() => settings().and_then(|settings| from_store(asked, &settings)),
        Some(None) => Err(wrong("--activate without FILE is for a model that is learned in the store: give no files")),
        None => from_files(asked),
    };
    done.unwrap_or_else(|exit| exit)
}

fn wrong(what: &str) -> Exit {
    complain(&format!("train: {what}\n"));
    Exit::Usage
}

fn rolled_back(settings: &Configuration, json: bool) -> Result<Exit, Exit> {
    let registry = open("train", settings)?;
    let back = registry.rollback_model(&Principal::operator()).map_err(|failure| failed("train", &failure))?;
    match back {
        Some(version) => {
            tell_active(&version, json);
            Ok(Exit::Done)
        }
        None => {
            complain("train: no model was activated in this store; the configured one decides\n");
            Ok(Exit::Found)
        }
    }
}

fn activated(registry: &Registry, file: &Path, text: &str, json: bool) -> Result<Exit, Exit> {
    let done = registry.activate_model(&Principal::operator(), text).map_err(|failure| failed("train", &failure))?;
    match done {
        Activated::Now(version) => {
            tell_active(&version, json);
            Ok(Exit::Done)
        }
        Activated::Unsound(error) => Err(wrong(&format!("{}: {error}", file.display()))),
        Activated::OtherTradition => Err(wrong(&format!(
            "{}: it weighs other scales than the configured model; set matching.model to one of its tradition first",
            file.display()
        ))),
    }
}

fn tell_active(version: &str, json: bool) {
    if json {
        say(&format!("{}\n", serde_json::json!({ "active": version })));
    } else {
        say(&format!("{version} decides from now on; `nayose train --rollback` goes back\n"));
    }
}

fn from_files(asked: &Train) -> Result<Exit, Exit> {
    let (matcher, trained) = asked.matching.learn().map_err(|what| wrong(&what))?;
    save(asked, matcher.model())?;
    tell(asked, matcher.records(), 0, &trained, matcher.model());
    Ok(Exit::Done)
}

fn from_store(asked: &Train, settings: &Configuration) -> Result<Exit, Exit> {
    let registry = open("train", settings)?;
    let base = match asked.matching.model.as_deref() {
        Some(said) => match_files::model(said).map_err(|what| wrong(&what))?,
        None => registry.active_model().as_ref().clone(),
    };
    let records = registry.training_records().map_err(|failure| failed("train", &failure))?;
    if records.table.is_empty() {
        return Err(wrong("the store holds no record to learn from"));
    }
    let (judged, count) = (records.judged, records.table.len());
    let options = Options { threads: asked.matching.threads(), ..Options::default() };
    let Some(mut matcher) = Matcher::new(records.table, base, options) else {
        return Err(wrong("the store compares more fields than can be learned"));
    };
    let trained = matcher.train_with(Training::default(), &judged);
    matcher.score();
    let model = calibrated(&registry, matcher.model())?;
    save(asked, &model)?;
    tell(asked, count, judged.len(), &trained, &model);
    if asked.activate.is_some() {
        return activated(&registry, Path::new("the model"), &model.to_toml(), asked.store.json);
    }
    Ok(Exit::Done)
}

/// `model` with the probabilities that stewards' decisions bear out, where there are enough of them.
fn calibrated(registry: &Registry, model: &Model) -> Result<Model, Exit> {
    let judged = registry.judged_pairs(model).map_err(|failure| failed("train", &failure))?;
    let judged: Vec<(f64, bool)> = judged.iter().map(|pair| (pair.bits, pair.same)).collect();
    Ok(model.clone().with_calibration(Calibration::fit(&judged)))
}

fn save(asked: &Train, model: &Model) -> Result<(), Exit> {
    let Some(path) = &asked.save else { return Ok(()) };
    let text = model.to_toml();
    // A model that could not be read back would be found out when it is needed.
    Model::from_toml(&text).map_err(|error| wrong(&format!("the records bear no sound model: {error}")))?;
    std::fs::write(path, text).map_err(|error| wrong(&format!("{}: {error}", path.display())))
}

fn tell(asked: &Train, records: usize, judged: usize, trained: &Trained, model: &Model) {
    if asked.store.json {
        let weights = Field::ALL.into_iter().zip(model.core()).map(|(field, levels)| {
            let bits = |level: &Level| {
                let household = (level.m / level.h).log2();
                serde_json::json!({ "level": level.id, "bits": (level.m / level.u).log2(), "bits_vs_household": household })
            };
            (field.id().to_owned(), serde_json::Value::from(levels.iter().map(bits).collect::<Vec<_>>()))
        });
        let weights: serde_json::Map<String, serde_json::Value> = weights.collect();
        say(&format!(
            "{}\n",
            serde_json::json!({
                "records": records, "pairs": trained.pairs, "decisions": judged, "model": model.version(),
                "untrained_fields": trained.refused, "household_size": model.household_size(),
                "matches_per_record": model.matches_per_record(), "weights": weights,
                "calibration": model.calibration().map(|line| serde_json::json!({
                    "slope": line.slope, "shift": line.shift, "decisions": line.decisions,
                })),
            })
        ));
        return;
    }
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(
        out,
        "{}: learned from {records} records, {} pairs and {judged} decisions of stewards",
        model.version(),
        trained.pairs
    );
    for (field, levels) in Field::ALL.into_iter().zip(model.core()) {
        for level in levels {
            let (bits, household) = ((level.m / level.u).log2(), (level.m / level.h).log2());
            let _ = writeln!(
                out,
                "  {:8} {:28} {bits:+6.1} bits, {household:+6.1} against household",
                field.id(),
                level.id
            );
        }
    }
    if let Some(Calibration { slope, shift, decisions }) = model.calibration() {
        let _ = writeln!(
            out,
            "probabilities are those of {slope:.2} of the weight and {shift:+.1} bits, by {decisions} decisions of stewards"
        );
    }
    for field in &trained.refused {
        let _ = writeln!(out, "{field}: the records do not bear learned weights; those before stand");
    }
    say(&out);
}

#[cfg(test)]
mod tests;
