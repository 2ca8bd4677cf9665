//! How well a model agrees with what stewards decided, with how sure that is.
//!
//! Stewards see what was doubtful: the figures are those of doubtful pairs, never of all.

use super::{CURVE, Evaluate, Quality, curve_svg};
use crate::command_line::show::{failed, open};
use crate::command_line::{Environment, Exit, complain, match_files, say};
use crate::registry::JudgedPair;
use std::fmt::Write;

pub(super) fn run(asked: &Evaluate, environment: Environment) -> Result<Exit, Exit> {
    let registry = open("evaluate", &asked.store.configuration(environment)?)?;
    let model = match asked.matching.model.as_deref() {
        None => registry.active_model().as_ref().clone(),
        Some(said) => {
            let settings = registry.active_model().settings();
            match_files::model(said).map_err(|what| wrong(&what))?.with_settings(settings)
        }
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
    say(&if asked.store.json { json(&version, &pairs, &curve) } else { text(&version, &pairs, &curve) });
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

/// Where a share of which `right` of `all` were seen lies with 19 chances of 20 (Wilson's interval).
fn interval(right: f64, all: f64) -> (f64, f64) {
    const Z: f64 = 1.959_964;
    if all <= 0.0 {
        return (0.0, 1.0);
    }
    let share = right / all;
    let middle = share + Z * Z / (2.0 * all);
    let reach = Z * (share * (1.0 - share) / all + Z * Z / (4.0 * all * all)).sqrt();
    let scale = 1.0 + Z * Z / all;
    (((middle - reach) / scale).max(0.0), ((middle + reach) / scale).min(1.0))
}

fn json(version: &str, pairs: &[JudgedPair], curve: &[(f64, Quality)]) -> String {
    let row = |(bits, quality): &(f64, Quality)| {
        let (precision, recall) = (interval(quality.right, quality.found), interval(quality.right, quality.all));
        serde_json::json!({
            "bits": bits, "precision": quality.precision(), "precision_interval": [precision.0, precision.1],
            "recall": quality.recall(), "recall_interval": [recall.0, recall.1], "f1": quality.f1(),
        })
    };
    let same = pairs.iter().filter(|pair| pair.same).count();
    let curve: Vec<_> = curve.iter().map(row).collect();
    format!("{}\n", serde_json::json!({ "model": version, "decisions": pairs.len(), "same": same, "curve": curve }))
}

fn text(version: &str, pairs: &[JudgedPair], curve: &[(f64, Quality)]) -> String {
    let same = pairs.iter().filter(|pair| pair.same).count();
    let mut out = format!("{version} on {} decisions of stewards, {same} of them \"same\"\n", pairs.len());
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{:>10}  {:^30}  {:^30}  {:>7}", "from bits", "precision (95 %)", "recall (95 %)", "F1");
    for (bits, quality) in curve {
        let told = |share: f64, (low, high): (f64, f64)| format!("{share:.4} ({low:.4} to {high:.4})");
        let precision = told(quality.precision(), interval(quality.right, quality.found));
        let recall = told(quality.recall(), interval(quality.right, quality.all));
        let _ = writeln!(out, "{bits:>+10}  {precision:^30}  {recall:^30}  {:>7.4}", quality.f1());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_wide_for_few_and_narrow_for_many() {
        let (low, high) = interval(9.0, 10.0);
        assert!((0.59..0.61).contains(&low) && (0.98..0.99).contains(&high), "{low} {high}");
        let (low, high) = interval(900.0, 1000.0);
        assert!((0.879..0.881).contains(&low) && (0.916..0.918).contains(&high), "{low} {high}");
        assert_eq!(interval(0.0, 0.0), (0.0, 1.0));
    }

    #[test]
    fn the_curve_counts_what_stewards_said() {
        let pair = |bits, same| JudgedPair { bits, same };
        let curve = curve(&[pair(12.0, true), pair(3.0, true), pair(3.0, false), pair(-9.0, true)]);
        let at = |bits: f64| curve.iter().find(|(at, _)| *at == bits).map(|(_, quality)| *quality).unwrap();
        assert_eq!(at(0.0), Quality { found: 3.0, right: 2.0, all: 3.0 });
        assert_eq!(at(10.0), Quality { found: 1.0, right: 1.0, all: 3.0 });
        assert!(text("m/1", &[pair(1.0, true)], &curve).contains("1 of them"));
    }
}
