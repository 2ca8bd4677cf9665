//! `what-if`: which links would appear, vanish or move to review under another model or other bounds.
//!
//! It looks at one moment of the store, which a server may have open, and writes nothing there. Records and persons are
//! told by their keys; no value of a patient is shown.

use super::match_files::model;
use super::show::{failed, not_started};
use super::{Environment, Exit, Logging, StoreChoice, complain, say};
use crate::matching::{Model, Settings};
use crate::registry::{Asked, Difference, Failure, Fate, Moment, Rule, Sample, ShadowNote, WhatIf};
use crate::server;
use crate::store::View;
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};
use std::io::IsTerminal;

/// `what-if`.
#[derive(Args, Clone)]
pub struct WhatIfAsked {
    /// The model to try: japanese, western, or a model file [default: the one in force]
    #[arg(long, value_name = "MODEL")]
    pub model: Option<String>,
    /// From this weight of the best record on a link is automatic [default: as now]
    #[arg(long, value_name = "BITS", allow_negative_numbers = true)]
    pub automatic: Option<f64>,
    /// From this weight on a steward is asked [default: as now]
    #[arg(long, value_name = "BITS", allow_negative_numbers = true)]
    pub review: Option<f64>,
    /// What the mean over the person's records must reach for an automatic link [default: as now]
    #[arg(long, value_name = "BITS", allow_negative_numbers = true)]
    pub support: Option<f64>,
    /// How far the second person must be behind the first [default: as now]
    #[arg(long, value_name = "BITS", allow_negative_numbers = true)]
    pub margin: Option<f64>,
    /// Instead: the last decisions in which the model of matching.shadow differed from the one in force
    #[arg(long, conflicts_with_all = ["model", "automatic", "review", "support", "margin"])]
    pub shadow: bool,
    /// Show so many records of each kind of change, by their keys
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub samples: usize,
    /// How many threads work [default: as many as there are cores]
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Which store.
    #[command(flatten)]
    pub store: StoreChoice,
}

pub(super) fn run(asked: &WhatIfAsked, logging: Logging, environment: Environment) -> Exit {
    logging.start_quietly();
    tried(asked, environment).unwrap_or_else(|exit| exit)
}

fn tried(asked: &WhatIfAsked, environment: Environment) -> Result<Exit, Exit> {
    let settings = asked.store.configuration(environment)?;
    if asked.shadow {
        return shadow(asked, &settings.store.url);
    }
    let rules = server::rules_of(&settings).map_err(|error| not_started("what-if", &error))?;
    // What is wrong with the words is said before a large store is read.
    let wrong = |what: String| {
        complain(&format!("what-if: {what}\n"));
        Exit::Usage
    };
    asked.then(&rules.model).map_err(wrong)?;
    let clock = crate::clock::Clock::system();
    let begun = clock.micros();
    let unreadable = |error: crate::registry::Failure| failed("what-if", &error);
    let moment = View::of(&settings.store.url).map_err(|error| unreadable(error.into()))?;
    let moment = {
        let mut view = moment;
        Moment::of(&mut view, &rules.model).map_err(unreadable)?
    };
    let now = Rule { model: moment.model().clone(), linking: rules.linking };
    let then = Rule { model: asked.then(&now.model).map_err(wrong)?, linking: rules.linking };
    let bar = bar(moment.records());
    let threads = asked.threads.unwrap_or_else(cores).clamp(1, 256);
    let how = Asked { samples: asked.samples, threads };
    let found = moment.what_if(&now, &then, how, &|done| bar.inc(done));
    bar.finish_and_clear();
    let micros = u64::try_from(clock.micros() - begun).unwrap_or_default();
    let told = Told {
        found: &found,
        models: [&now.model, &then.model],
        seconds: std::time::Duration::from_micros(micros).as_secs_f64(),
    };
    say(&if asked.store.json { format!("{}\n", told.json()) } else { told.text() });
    Ok(Exit::Done)
}

/// The notes of the model in the shadow.
fn shadow(asked: &WhatIfAsked, url: &str) -> Result<Exit, Exit> {
    let unreadable = |error: Failure| failed("what-if", &error);
    let mut view = View::of(url).map_err(|error| unreadable(error.into()))?;
    let notes = ShadowNote::all(&mut view).map_err(unreadable)?;
    if asked.store.json {
        let told: Vec<Value> = notes.iter().map(noted).collect();
        say(&format!("{}\n", json!({ "notes": told })));
        return Ok(Exit::Done);
    }
    let mut text = String::new();
    for difference in Difference::ALL {
        let of = || notes.iter().filter(move |note| note.difference == Some(difference));
        text.push_str(&format!("{:>9} {}\n", of().count(), difference.word().replace('_', " ")));
        of().take(asked.samples).for_each(|note| text.push_str(&line(&note.sample)));
    }
    text.push_str(&format!("the last {} decisions in which the two differed\n", notes.len()));
    say(&text);
    Ok(Exit::Done)
}

fn noted(note: &ShadowNote) -> Value {
    let mut told = sample(&note.sample);
    if let Some(told) = told.as_object_mut() {
        told.insert("time".to_owned(), json!(note.time));
        told.insert("model".to_owned(), json!(note.model));
        told.insert("difference".to_owned(), json!(note.difference.map(Difference::word)));
    }
    told
}

fn line(one: &Sample) -> String {
    format!(
        "          record {}: {} ({:+.1} bits), then {} ({:+.1} bits)\n",
        one.record.0,
        words(one.now.0),
        one.now.1,
        words(one.then.0),
        one.then.1
    )
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

impl WhatIfAsked {
    /// What is tried instead of `now`.
    fn then(&self, now: &Model) -> Result<Model, String> {
        let model = match &self.model {
            Some(said) => model(said)?.in_place_of(now),
            None => now.clone(),
        };
        let known = now.settings();
        let settings = Settings {
            automatic_bits: self.automatic.unwrap_or(known.automatic_bits),
            review_bits: self.review.unwrap_or(known.review_bits),
            support_bits: self.support.unwrap_or(known.support_bits),
            margin_bits: self.margin.unwrap_or(known.margin_bits),
            ..known
        };
        let bounds = [settings.automatic_bits, settings.review_bits, settings.support_bits, settings.margin_bits];
        if bounds.iter().any(|bits| !bits.is_finite()) {
            return Err("a bound is a number of bits".to_owned());
        }
        if settings.review_bits > settings.automatic_bits {
            return Err(format!(
                "--review {} is above --automatic {}: between them a steward is asked",
                settings.review_bits, settings.automatic_bits
            ));
        }
        Ok(model.with_settings(settings))
    }
}

fn bar(records: i64) -> ProgressBar {
    let target =
        if std::io::stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let style = ProgressStyle::with_template("{bar:30} {pos} of {len} records ({eta})");
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(u64::try_from(records).ok(), target).with_style(style)
}

/// What is reported.
struct Told<'a> {
    found: &'a WhatIf,
    models: [&'a Model; 2],
    seconds: f64,
}

const FATES: [&str; 3] = ["linked", "review", "alone"];

impl Told<'_> {
    fn side(&self, which: usize) -> Value {
        let (Some(model), Some(fates)) = (self.models.get(which), self.found.fates.get(which)) else {
            return Value::Null;
        };
        let settings = model.settings();
        let mut side = json!({
            "model": model.version(), "automatic_bits": settings.automatic_bits, "review_bits": settings.review_bits,
            "support_bits": settings.support_bits, "margin_bits": settings.margin_bits,
        });
        if let Some(side) = side.as_object_mut() {
            side.extend(FATES.iter().zip(fates).map(|(word, count)| ((*word).to_owned(), json!(count))));
        }
        side
    }

    fn json(&self) -> Value {
        let mut told = json!({
            "records": self.found.records, "now": self.side(0), "then": self.side(1),
            "differing": self.found.differing(), "held": self.found.held, "unlike_store": self.found.unlike_store,
            "seconds": (self.seconds * 1000.0).round() / 1000.0,
        });
        let mut samples = serde_json::Map::new();
        if let Some(told) = told.as_object_mut() {
            for difference in Difference::ALL {
                let (count, kept) = self.of(difference);
                told.insert(difference.word().to_owned(), json!(count));
                samples.insert(difference.word().to_owned(), kept.iter().map(sample).collect());
            }
            told.insert("samples".to_owned(), Value::Object(samples));
        }
        told
    }

    fn of(&self, difference: Difference) -> (u64, &[Sample]) {
        self.found.differences.get(&difference).map_or((0, &[]), |(count, kept)| (*count, kept.as_slice()))
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for (word, which) in [("now", 0), ("then", 1)] {
            let (Some(model), Some([linked, review, alone])) = (self.models.get(which), self.found.fates.get(which))
            else {
                continue;
            };
            let settings = model.settings();
            text.push_str(&format!(
                "{word:5} {}, automatic from {} bits, review from {}: {linked} records linked, {review} for a steward, \
                 {alone} alone\n",
                model.version(),
                settings.automatic_bits,
                settings.review_bits
            ));
        }
        for difference in Difference::ALL {
            let (count, kept) = self.of(difference);
            text.push_str(&format!("{count:>9} {}\n", difference.word().replace('_', " ")));
            kept.iter().for_each(|one| text.push_str(&line(one)));
        }
        text.push_str(&format!(
            "{} of {} records differ; {} more are held by the word of a source or steward; {} are linked in the store \
             otherwise than they would be now; {:.1} s, nothing was changed\n",
            self.found.differing(),
            self.found.records,
            self.found.held,
            self.found.unlike_store,
            self.seconds
        ));
        text
    }
}

fn words(fate: Fate) -> String {
    match fate {
        Fate::Linked(person) => format!("linked to person {}", person.0),
        Fate::Review(person) => format!("asked about person {}", person.0),
        Fate::Alone => "alone".to_owned(),
    }
}

fn sample(one: &Sample) -> Value {
    let side = |(fate, bits): (Fate, f64)| {
        let (word, person) = match fate {
            Fate::Linked(person) => ("linked", Some(person.0)),
            Fate::Review(person) => ("review", Some(person.0)),
            Fate::Alone => ("alone", None),
        };
        json!({ "outcome": word, "person": person, "bits": (bits * 100.0).round() / 100.0 })
    };
    json!({ "record": one.record.0, "now": side(one.now), "then": side(one.then) })
}
