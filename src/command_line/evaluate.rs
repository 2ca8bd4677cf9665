//! `evaluate`: how well the matcher does on files whose truth is known, or on what stewards decided in a store.
//!
//! The truth must never reach the matcher: it is kept beside the records and read when all is decided.

use super::match_files::{Matching, Run};
use super::{Environment, Exit, Logging, StoreChoice, complain, say};
use crate::matching::files::Decision;
use clap::Args;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::path::PathBuf;

mod decided;
mod reliability;

use reliability::Reliability;

/// `evaluate`.
#[derive(Args, Clone)]
pub struct Evaluate {
    /// What is matched, and how.
    #[command(flatten)]
    pub matching: Matching,
    /// The column that says who is who; the matcher never sees it. Without files the truth is what stewards decided
    #[arg(long, value_name = "COLUMN")]
    pub truth: Option<String>,
    /// The store with the decisions.
    #[command(flatten)]
    pub store: StoreChoice,
    /// Draw precision, recall and F1 by threshold here
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
}

pub(super) fn run(asked: &Evaluate, logging: Logging, environment: Environment) -> Exit {
    if asked.matching.files.is_empty() {
        logging.start_quietly();
        return decided::run(asked, environment).unwrap_or_else(|exit| exit);
    }
    match measured(asked) {
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

fn measured(asked: &Evaluate) -> Result<String, String> {
    let truth = asked.truth.as_deref().ok_or("say with --truth which column tells who is who")?;
    let run = asked.matching.run(Some(truth))?;
    let measure = Measure::of(&run);
    if let Some(path) = &asked.svg {
        std::fs::write(path, measure.svg()).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(if asked.store.json { format!("{}\n", measure.json()) } else { measure.text() })
}

/// How many were found, how many of them are true, and how many there are.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Quality {
    found: f64,
    right: f64,
    all: f64,
}

impl Quality {
    fn precision(self) -> f64 {
        if self.found == 0.0 { 1.0 } else { self.right / self.found }
    }

    fn recall(self) -> f64 {
        if self.all == 0.0 { 1.0 } else { self.right / self.all }
    }

    fn f1(self) -> f64 {
        let sum = self.precision() + self.recall();
        if sum == 0.0 { 0.0 } else { 2.0 * self.precision() * self.recall() / sum }
    }

    fn json(self) -> serde_json::Value {
        serde_json::json!({ "precision": self.precision(), "recall": self.recall(), "f1": self.f1() })
    }
}

struct Measure {
    records: usize,
    pairs: Quality,
    clusters: Quality,
    automatic: Quality,
    possible: f64,
    curve: Vec<(f64, Quality)>,
    reliability: Reliability,
}

/// The thresholds of the curve, in bits.
const CURVE: [i16; 15] = [-4, -3, -2, -1, 0, 1, 2, 4, 6, 8, 10, 12, 15, 20, 25];

impl Measure {
    fn of(run: &Run) -> Self {
        let truth = |record: u32| usize::try_from(record).ok().and_then(|at| run.truth.get(at));
        let mut sizes: BTreeMap<&str, f64> = BTreeMap::new();
        for person in &run.truth {
            *sizes.entry(person).or_default() += 1.0;
        }
        let all: f64 = sizes.values().map(|n| n * (n - 1.0) / 2.0).sum();
        let quality = Quality { all, ..Quality::default() };
        let mut curve: Vec<(f64, Quality)> = CURVE.iter().map(|bits| (f64::from(*bits), quality)).collect();
        let (mut pairs, mut automatic, mut possible) = (quality, quality, 0.0);
        for pair in &run.outcome.pairs {
            let right = f64::from(u8::from(truth(pair.left) == truth(pair.right)));
            let add = |to: &mut Quality| {
                to.found += 1.0;
                to.right += right;
            };
            curve.iter_mut().filter(|(bits, _)| pair.bits >= *bits).for_each(|(_, quality)| add(quality));
            if pair.probability >= 0.5 {
                add(&mut pairs);
            }
            match pair.decision {
                Decision::Match => add(&mut automatic),
                Decision::Possible => possible += 1.0,
                Decision::NonMatch => {}
            }
        }
        let mut clusters = quality;
        for members in run.outcome.clusters.several() {
            let mut shares: HashMap<Option<&Box<str>>, f64> = HashMap::new();
            members.iter().for_each(|record| *shares.entry(truth(*record)).or_default() += 1.0);
            let pairs = |n: f64| n * (n - 1.0) / 2.0;
            clusters.found += pairs(shares.values().sum());
            clusters.right += shares.values().map(|n| pairs(*n)).sum::<f64>();
        }
        let told = run.outcome.pairs.iter().map(|pair| (pair.probability, truth(pair.left) == truth(pair.right)));
        let reliability = Reliability::of(told);
        Self { records: run.matcher.records(), pairs, clusters, automatic, possible, curve, reliability }
    }

    fn possible_per_thousand(&self) -> f64 {
        1000.0 * self.possible / f64::from(u32::try_from(self.records).unwrap_or(u32::MAX)).max(1.0)
    }

    fn json(&self) -> serde_json::Value {
        let curve = self.curve.iter().map(|(bits, quality)| {
            let mut row = quality.json();
            if let Some(row) = row.as_object_mut() {
                row.insert("bits".to_owned(), (*bits).into());
            }
            row
        });
        serde_json::json!({
            "records": self.records,
            "true_pairs": self.pairs.all,
            "pairs": self.pairs.json(),
            "clusters": self.clusters.json(),
            "automatic": self.automatic.json(),
            "possible_per_thousand_records": self.possible_per_thousand(),
            "curve": curve.collect::<Vec<_>>(),
            "calibration": self.reliability.json(),
        })
    }

    fn text(&self) -> String {
        let mut out = String::new();
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{:24} {:>10} {:>10} {:>10}", "", "precision", "recall", "F1");
        let mut row = |name: &str, quality: Quality| {
            let (precision, recall) = (quality.precision(), quality.recall());
            let _ = writeln!(out, "{name:24} {precision:>10.5} {recall:>10.5} {:>10.5}", quality.f1());
        };
        row("pairs, p >= 0.5", self.pairs);
        row("clusters", self.clusters);
        row("automatic", self.automatic);
        for (bits, quality) in &self.curve {
            row(&format!("pairs from {bits:+} bits"), *quality);
        }
        let _ = writeln!(out, "{:.1} possible matches for 1,000 records\n", self.possible_per_thousand());
        out.push_str(&self.reliability.text());
        out
    }

    fn svg(&self) -> String {
        curve_svg("Precision, recall and F1 by threshold", &self.curve)
    }
}

/// Precision, recall and F1 by threshold, drawn.
fn curve_svg(title: &str, curve: &[(f64, Quality)]) -> String {
    const SIZE: (f64, f64) = (640.0, 400.0);
    let least = curve.iter().flat_map(|(_, q)| [q.precision(), q.recall(), q.f1()]).fold(1.0, f64::min);
    let floor = (least * 20.0).floor() / 20.0;
    let (first, last) = (-4.0, 25.0);
    let x = |bits: f64| 60.0 + (bits - first) / (last - first) * (SIZE.0 - 80.0);
    let y = |value: f64| SIZE.1 - 40.0 - (value - floor) / (1.0 - floor).max(0.01) * (SIZE.1 - 60.0);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" font-family=\"sans-serif\" font-size=\"12\">\n\
             <title>{title}</title>\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
        SIZE.0, SIZE.1
    );
    for step in 0..=4u8 {
        let value = floor + (1.0 - floor) * f64::from(step) / 4.0;
        let at = y(value);
        let _ = writeln!(
            out,
            "<line x1=\"60\" x2=\"{:.0}\" y1=\"{at:.1}\" y2=\"{at:.1}\" stroke=\"#ddd\"/><text x=\"52\" y=\"{:.1}\" \
                 text-anchor=\"end\">{value:.3}</text>",
            SIZE.0 - 20.0,
            at + 4.0
        );
    }
    type Of = fn(Quality) -> f64;
    let lines: [(&str, &str, Of); 3] = [
        ("precision", "#1b6ca8", Quality::precision),
        ("recall", "#c0504d", Quality::recall),
        ("F1", "#333", Quality::f1),
    ];
    for (at, (name, colour, of)) in (0u8..).zip(lines) {
        let points = curve.iter().map(|(bits, quality)| format!("{:.1},{:.1}", x(*bits), y(of(*quality))));
        let points = points.collect::<Vec<_>>().join(" ");
        let legend = 70.0 + 90.0 * f64::from(at);
        let _ = writeln!(
            out,
            "<polyline points=\"{points}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>\
                 <text x=\"{legend}\" y=\"16\" fill=\"{colour}\">{name}</text>"
        );
    }
    for (bits, _) in curve.iter().step_by(2) {
        let _ = writeln!(
            out,
            "<text x=\"{:.1}\" y=\"{:.0}\" text-anchor=\"middle\">{bits:+}</text>",
            x(*bits),
            SIZE.1 - 20.0
        );
    }
    out.push_str("</svg>\n");
    out
}
