//! `check-config`: reads a configuration and says what is wrong. It must never open what it names.

use super::{CheckConfig, Environment, Exit, Mistake, complain, configuration_file, say};
use crate::config::{Access, Configuration};
use std::fmt::Write;
use std::path::Path;

pub(super) fn run(check: &CheckConfig, environment: Environment) -> Exit {
    let file = configuration_file(check.config.as_deref());
    let result = Configuration::load(file.as_deref(), environment.into_iter());
    match (&result, check.json) {
        (_, true) => say(&format!("{}\n", json(file.as_deref(), &result))),
        (Ok(configuration), false) => {
            complain(&warnings(file.as_deref(), &configuration.unserved));
            say(&summary(file.as_deref(), configuration));
        }
        (Err(mistakes), false) => complain(&text(file.as_deref(), mistakes)),
    }
    if result.is_ok() { Exit::Done } else { Exit::Usage }
}

/// The mistakes, one a line, in the form that editors jump to.
pub(super) fn text(file: Option<&Path>, mistakes: &[Mistake]) -> String {
    let file = name(file);
    let mut text = String::new();
    for mistake in mistakes {
        let line = mistake.line.map(|line| format!(":{line}")).unwrap_or_default();
        let key = if mistake.key.is_empty() { String::new() } else { format!("{}: ", mistake.key) };
        let _infallible = writeln!(text, "{file}{line}: {key}{}\n    right: {}", mistake.what, mistake.right);
    }
    let count = mistakes.len();
    let _infallible = writeln!(text, "{count} mistake{} in the configuration", if count == 1 { "" } else { "s" });
    text
}

/// What is right and has no effect, one a line, in the same form.
pub(super) fn warnings(file: Option<&Path>, unserved: &[Mistake]) -> String {
    let file = name(file);
    let line = |one: &Mistake| one.line.map(|line| format!(":{line}")).unwrap_or_default();
    let text = |one: &Mistake| {
        format!("{file}{}: warning: {}: {}\n    instead: {}\n", line(one), one.key, one.what, one.right)
    };
    unserved.iter().map(text).collect()
}

pub(super) fn summary(file: Option<&Path>, configuration: &Configuration) -> String {
    let access = match configuration.access {
        Access::Open => "open to every caller (for trials)",
        Access::Registered => "registered systems only",
    };
    format!(
        "{}: no mistakes; {}, {} domains, {} systems, {access}\n",
        name(file),
        configuration.network.name,
        configuration.domains.len(),
        configuration.systems.len()
    )
}

pub(super) fn json(file: Option<&Path>, result: &Result<Configuration, Vec<Mistake>>) -> serde_json::Value {
    let mistakes = result.as_ref().err().map(Vec::as_slice).unwrap_or_default();
    let warnings = result.as_ref().map(|configuration| configuration.unserved.as_slice()).unwrap_or_default();
    serde_json::json!({
        "file": file.map(|file| file.display().to_string()),
        "valid": result.is_ok(),
        "mistakes": mistakes,
        "warnings": warnings,
    })
}

fn name(file: Option<&Path>) -> String {
    file.map_or_else(|| "built-in defaults".to_owned(), |file| file.display().to_string())
}
