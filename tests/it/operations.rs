//! The alarms, the dashboard and the pages about them speak of metrics that exist, and of each other.

use std::collections::BTreeSet;
use std::path::Path;

const METRICS: &str = include_str!("../../src/metrics.rs");
const ALERTS: &str = include_str!("../../docs/operations/alerts.yml");
const DASHBOARD: &str = include_str!("../../docs/operations/grafana-dashboard.json");
const PAGES: &str = include_str!("../../docs/operations.md");

/// The names that begin with `nayose_` in `text`, without what Prometheus adds to them.
fn named(text: &str) -> BTreeSet<String> {
    let names = text.match_indices("nayose_").map(|(at, prefix)| {
        let rest = &text[at + prefix.len()..];
        let end = rest.find(|c: char| !(c.is_ascii_lowercase() || c == '_')).unwrap_or(rest.len());
        let name = &rest[..end];
        let plain = ["_total", "_bucket", "_count", "_sum"].iter().find_map(|suffix| name.strip_suffix(suffix));
        plain.unwrap_or(name).to_owned()
    });
    names.collect()
}

fn unknown(text: &str) -> Vec<String> {
    named(text).into_iter().filter(|name| !METRICS.contains(&format!("\"{name}\""))).collect()
}

fn without_a_page(alerts: &str, pages: &str) -> Vec<String> {
    let alerts = alerts.lines().filter_map(|line| line.trim().strip_prefix("- alert: "));
    let absent = |alert: &&str| !pages.lines().any(|line| line.strip_prefix("### ") == Some(*alert));
    alerts.filter(absent).map(str::to_owned).collect()
}

#[test]
fn every_metric_that_is_watched_exists_and_every_alarm_has_a_page() {
    for (name, text) in [("alerts.yml", ALERTS), ("grafana-dashboard.json", DASHBOARD), ("operations.md", PAGES)] {
        assert!(named(text).len() > 5, "{name} names metrics");
        assert_eq!(unknown(text), Vec::<String>::new(), "{name}");
    }
    assert_eq!(without_a_page(ALERTS, PAGES), Vec::<String>::new());
    let pages: Vec<String> = PAGES.lines().filter_map(|line| line.strip_prefix("### ")).map(str::to_owned).collect();
    let alarms = pages.iter().filter(|page| ALERTS.contains(&format!("- alert: {page}\n"))).count();
    assert_eq!(alarms, pages.len(), "every page has its alarm");
    assert!(serde_json::from_str::<serde_json::Value>(DASHBOARD).is_ok());
}

#[test]
fn planted_words_are_found() {
    assert_eq!(unknown("rate(nayose_feeds_total[5m]) + nayose_fed_total"), ["fed"]);
    assert_eq!(without_a_page("  - alert: NayoseNew\n", PAGES), ["NayoseNew"]);
}

#[test]
fn what_is_packaged_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = std::fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let assets = manifest.split_once("assets = [").unwrap().1.split_once("\n]").unwrap().0;
    let files: Vec<&str> = assets.lines().filter_map(|line| line.split('"').nth(1)).collect();
    assert!(files.len() > 5);
    for file in files.iter().filter(|file| !file.starts_with("target/")) {
        assert!(root.join(file).exists(), "{file}");
    }
}
