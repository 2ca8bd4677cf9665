//! What a run is reported as: files of clusters and pairs, a text, a JSON document.

use super::Run;
use super::reader::cell;
use crate::matching::files::Decision;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::Instant;

/// Seconds by phase.
pub struct Phases {
    began: Instant,
    last: Instant,
    done: Vec<(&'static str, f64)>,
}

impl Phases {
    /// The first phase begins now.
    pub fn start() -> Self {
        let now = Instant::now();
        Self { began: now, last: now, done: Vec::new() }
    }

    /// The phase has ended, and the next begins.
    pub fn end(&mut self, phase: &'static str) {
        let now = Instant::now();
        self.done.push((phase, now.duration_since(self.last).as_secs_f64()));
        self.last = now;
    }

    fn total(&self) -> f64 {
        self.last.duration_since(self.began).as_secs_f64()
    }
}

/// The most memory that the process had, where the system tells.
fn peak_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1024)
}

fn count(run: &Run, decision: Decision) -> usize {
    run.outcome.pairs.iter().filter(|pair| pair.decision == decision).count()
}

/// The report as JSON.
pub fn json(run: &Run) -> serde_json::Value {
    let mut seconds: serde_json::Map<String, serde_json::Value> =
        run.phases.done.iter().map(|(phase, seconds)| ((*phase).to_owned(), (*seconds).into())).collect();
    seconds.insert("total".to_owned(), run.phases.total().into());
    serde_json::json!({
        "records": run.matcher.records(),
        "persons": run.outcome.clusters.persons,
        "pairs_scored": run.matcher.pairs_scored(),
        "matches": count(run, Decision::Match),
        "possible_matches": count(run, Decision::Possible),
        "seconds": seconds,
        "peak_bytes": peak_bytes(),
        "model": run.matcher.model().version(),
        "degraded": run.matcher.is_degraded(),
        "overfull_keys": run.matcher.overfull_keys(),
        "unreadable_birth_dates": run.unreadable,
        "untrained_fields": run.refused,
        "matches_per_record": run.matcher.model().matches_per_record(),
        "household_size": run.matcher.model().household_size(),
    })
}

/// The report for people.
pub fn text(run: &Run) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(
        out,
        "{} records of {} persons (model {})",
        run.matcher.records(),
        run.outcome.clusters.persons,
        run.matcher.model().version()
    );
    let _ = writeln!(
        out,
        "{} pairs scored: {} match, {} possible",
        run.matcher.pairs_scored(),
        count(run, Decision::Match),
        count(run, Decision::Possible)
    );
    if run.matcher.is_degraded() {
        out.push_str("degraded: some keys and their intersections have too many records; pairs may be missing\n");
    }
    if run.unreadable > 0 {
        let _ = writeln!(out, "{} birth dates could not be read and count as missing", run.unreadable);
    }
    for field in &run.refused {
        let _ = writeln!(out, "{field}: the records do not bear learned weights; the starting ones stand");
    }
    let phases: Vec<String> = run.phases.done.iter().map(|(phase, seconds)| format!("{phase} {seconds:.1}")).collect();
    let _ = writeln!(out, "{:.1} s: {}", run.phases.total(), phases.join(", "));
    out
}

fn rows(path: &Path, header: &str, rows: impl Iterator<Item = String>) -> Result<(), String> {
    let said = |error: std::io::Error| format!("{}: {error}", path.display());
    let mut out = BufWriter::new(File::create(path).map_err(said)?);
    out.write_all(header.as_bytes()).map_err(said)?;
    for row in rows {
        out.write_all(row.as_bytes()).map_err(said)?;
    }
    out.flush().map_err(said)
}

fn id(run: &Run, record: u32) -> String {
    usize::try_from(record).ok().and_then(|at| run.ids.get(at)).map_or_else(String::new, |id| cell(id))
}

/// `record_id,person_id`, a row for every record.
pub fn write_clusters(path: &Path, run: &Run) -> Result<(), String> {
    let records = u32::try_from(run.ids.len()).unwrap_or(u32::MAX);
    let all = (0..records).map(|at| format!("{},{}\n", id(run, at), run.outcome.clusters.person(at)));
    rows(path, "record_id,person_id\n", all)
}

/// `left,right,weight,probability,decision`, a row for every pair that is likely enough.
pub fn write_pairs(path: &Path, run: &Run) -> Result<(), String> {
    let all = run.outcome.pairs.iter().map(|pair| {
        let (left, right) = (id(run, pair.left), id(run, pair.right));
        format!("{left},{right},{:.3},{:.6},{}\n", pair.bits, pair.probability, pair.decision.id())
    });
    rows(path, "left,right,weight,probability,decision\n", all)
}
