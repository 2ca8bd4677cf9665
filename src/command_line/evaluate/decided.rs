//! How well a model agrees with what stewards decided, with how sure that is.
//!
//! Stewards see what was doubtful: the figures are those of doubtful pairs, never of all.

use super::reliability::{Reliability, interval};
use super::{CURVE, Evaluate, Quality, curve_svg};
use crate::command_line::show::{failed, open};
use crate::command_line::{Environment, Exit, complain, match_files, say};
use crate::registry::JudgedPair;
use std::fmt::Write;

pub(super) fn run(asked: &Evaluate, environment: Environment) -> Result<Exit, Exit> {
    let registry = open("evaluate", &asked.store.configuration(environment)?)?;
    let model = match asked.matching.model.as_deref() {
        None => registry.active_model().as_ref().clone(),
        Some(said) => match_files::model(said).map_err(|what| wrong(&what))?,
    };
    let pairs = registry.judged_pairs(&model).map_err(|failure| failed("evaluate", &failure))?;
    if pairs.is_empty() {
        complain("evaluate: stewards have decided nothing yet; give files and --truth, or decide reviews first\n");
        return Ok(Exit::Found);
    }
    let curve = curve(&pairs);
    if let Some(path) = &asked.svg {
        let drawn = curve_svg("Precision, recall and F1 by threshold, on stewards' decisions", &curve);
        std::fs::write(path, drawn).map_err(|error| wrong(&format!("{}: {error}", path.display())))?;
    }
    let version = model.version();
    let told = Reliability::of(pairs.iter().map(|pair| (model.probability(pair.bits), pair.same)));
    let words = if asked.store.json { json } else { text };
    say(&words(&version, &pairs, &curve, &told));
    Ok(Exit::Done)
}

fn wrong(what: &str) -> Exit {
    complain(&format!("evaluate: {what}\n"));
    Exit::Usage
}

fn curve(pairs: &[JudgedPair]) -> Vec<(f64, Quality)> {
    let count = |test: &dyn Fn(&JudgedPair) -> bool| pairs.iter().filter(|pair| test(pair)).map(|_| 1.0).sum::<f64>();
    let all = count(&|pair| pair.same);
    let at = |bits: &i16| {
        let bits = f64::from(*bits);
        let found = count(&|pair| pair.bits >= bits);
        (bits, Quality { found, right: count(&|pair| pair.same && pair.bits >= bits), all })
    };
    CURVE.iter().map(at).collect()
}

fn json(version: &str, pairs: &[JudgedPair], curve: &[(f64, Quality)], told: &Reliability) -> String {
    let row = |(bits, quality): &(f64, Quality)| {
        let (precision, recall) = (interval(quality.right, quality.found), interval(quality.right, quality.all));
        serde_json::json!({
            "bits": bits, "precision": quality.precision(), "precision_interval": [precision.0, precision.1],
            "recall": quality.recall(), "recall_interval": [recall.0, recall.1], "f1": quality.f1(),
        })
    };
    let same = pairs.iter().filter(|pair| pair.same).count();
    let curve: Vec<_> = curve.iter().map(row).collect();
    let told = told.json();
    let all = serde_json::json!({
        "model": version, "decisions": pairs.len(), "same": same, "curve": curve, "calibration": told,
    });
    format!("{all}\n")
}

fn text(version: &str, pairs: &[JudgedPair], curve: &[(f64, Quality)], told: &Reliability) -> String {
    let same = pairs.iter().filter(|pair| pair.same).count();
    let mut out = format!("{version} on {} decisions of stewards, {same} of them \"same\"\n", pairs.len());
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{:>10}  {:^30}  {:^30}  {:>7}", "from bits", "precision (95 %)", "recall (95 %)", "F1");
    for (bits, quality) in curve {
        let share = |share: f64, (low, high): (f64, f64)| format!("{share:.4} ({low:.4} to {high:.4})");
        let precision = share(quality.precision(), interval(quality.right, quality.found));
        let recall = share(quality.recall(), interval(quality.right, quality.all));
        let _ = writeln!(out, "{bits:>+10}  {precision:^30}  {recall:^30}  {:>7.4}", quality.f1());
    }
    out.push('\n');
    out.push_str(&told.text());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_counts_what_stewards_said() {
        let pair = |bits, same| JudgedPair { bits, same };
        let curve = curve(&[pair(12.0, true), pair(3.0, true), pair(3.0, false), pair(-9.0, true)]);
        let at = |bits: f64| curve.iter().find(|(at, _)| *at == bits).map(|(_, quality)| *quality).unwrap();
        assert_eq!(at(0.0), Quality { found: 3.0, right: 2.0, all: 3.0 });
        assert_eq!(at(10.0), Quality { found: 1.0, right: 1.0, all: 3.0 });
        let told = Reliability::of([(0.7, true)].into_iter());
        assert!(text("m/1", &[pair(1.0, true)], &curve, &told).contains("1 of them"));
    }
}
