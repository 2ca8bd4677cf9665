//! The conformance cases as a test: every one is played against our own server, in every dress.

#![expect(clippy::expect_used, reason = "a test may panic; clippy.toml does not reach the functions that tests share")]

mod hostile;
mod mutants;
mod planted;
mod planted_told;
#[path = "../tests/it/region.rs"]
mod region;
mod rows;
mod samples;
mod target;
mod wire;

use nayose::conformance::{Exceptions, Options, Report, load, run};
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance")
}

/// A variable of the environment, if set.
fn setting(name: &str) -> Option<PathBuf> {
    std::env::vars_os().find(|(key, _)| key == name).map(|(_, value)| PathBuf::from(value))
}

fn play(variants: bool) {
    // Answers are written once, from the plain run.
    let replies = if variants { None } else { setting("NAYOSE_REPLIES") };
    let only = setting("NAYOSE_ONLY").map(|names| names.to_string_lossy().split(',').map(str::to_owned).collect());
    let exceptions = Exceptions::read(&folder().join("exceptions.toml")).expect("readable exceptions");
    let options = Options { variants, replies, only: only.unwrap_or_default(), exceptions, ear: None };
    let mut report = Report::default();
    for mode in target::MODES {
        let started = target::start(mode);
        let options = Options { ear: started.ear.clone(), ..options.clone() };
        report.results.extend(run(&folder(), &started.target, &options).expect("readable cases").results);
    }
    assert!(!report.results.is_empty(), "no case was played");
    assert!(report.failures() == 0, "\n{}", wrong(&report));
}

/// The failures alone: what passed is no news.
fn wrong(report: &Report) -> String {
    let text = report.text();
    text.lines().filter(|line| !line.starts_with("passed")).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_case_is_readable() {
    let cases = load(&folder()).expect("readable cases");
    assert!(cases.len() > 20, "only {} cases", cases.len());
    assert!(cases.iter().all(|c| !c.proves.is_empty() && !c.step.is_empty()));
    let nowhere = cases.iter().filter(|c| !target::MODES.contains(&c.mode.as_str())).map(|c| c.name.as_str());
    assert_eq!(nowhere.collect::<Vec<_>>(), Vec::<&str>::new(), "cases of a mode that no server has");
}

#[test]
fn every_case_passes() {
    play(false);
}

#[test]
fn every_case_passes_in_every_dress() {
    play(true);
}

#[test]
fn every_row_has_a_case() {
    let (missing, strangers) = rows::unproved(&load(&folder()).expect("readable cases"));
    assert_eq!(missing, Vec::<String>::new(), "rows that no case proves");
    assert_eq!(strangers, Vec::<String>::new(), "named by cases, and no rows");
}

#[test]
fn choices_are_held_by_cases() {
    let text = std::fs::read_to_string(folder().join("CHOICES.md")).expect("readable choices");
    let named = text
        .split('`')
        .filter(|word| ["iti44/", "iti45/", "iti46/", "iti47/", "soap/"].iter().any(|f| word.starts_with(f)));
    let gone: Vec<&str> = named.filter(|name| !folder().join(name).join("case.toml").exists()).collect();
    assert_eq!(gone, Vec::<&str>::new(), "named in CHOICES.md, and no cases");
}

#[test]
fn rows_are_current() {
    let cases = load(&folder()).expect("readable cases");
    let (file, wanted) = (folder().join("ROWS.md"), rows::rows(&cases));
    if setting("NAYOSE_WRITE_ROWS").is_some() {
        std::fs::write(&file, &wanted).expect("ROWS.md can be written");
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(found == wanted, "ROWS.md is not current: set NAYOSE_WRITE_ROWS=1 and test again");
}
