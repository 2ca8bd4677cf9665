//! `explain`: why two records are one person, or are not.
//!
//! It shows personal values where that is asked for, and only there; a terminal keeps what it has shown.

use super::person::sought;
use super::show::{failed, fields, fields_json, open, table, when};
use super::{Environment, Exit, Explain, Logging, complain, say};
use crate::registry::{ExplainedRecord, PairView};
use serde_json::{Value, json};

pub(super) fn run(explain: &Explain, logging: Logging, environment: Environment) -> Exit {
    logging.start_quietly();
    explained(explain, environment).unwrap_or_else(|exit| exit)
}

fn explained(explain: &Explain, environment: Environment) -> Result<Exit, Exit> {
    let settings = explain.store.configuration(environment)?;
    let registry = open("explain", &settings)?;
    let (left, right) = (sought(&settings, &explain.left), sought(&settings, &explain.right));
    let found = registry.explain(&left, &right).map_err(|failure| failed("explain", &failure))?;
    let view = found.map_err(|at| {
        let which = if at == 0 { "first" } else { "second" };
        complain(&format!("explain: no other record in this store is known by the {which} identifier\n"));
        Exit::Found
    })?;
    if let Some(file) = &explain.svg {
        std::fs::write(file, view.account.to_svg()).map_err(|error| {
            complain(&format!("explain: the picture cannot be written to {}: {error}\n", file.display()));
            Exit::Usage
        })?;
    }
    let zone = &settings.network.time_zone;
    if explain.store.json {
        say(&format!("{}\n", json_of(&view, explain.values, zone)));
    } else {
        say(&text(&view, explain.values, zone));
    }
    Ok(Exit::Done)
}

/// Whether both are one person now.
fn is_one(view: &PairView) -> bool {
    view.left.person.is_some() && view.left.person == view.right.person
}

fn text(view: &PairView, values: bool, zone: &str) -> String {
    let side = |side: &ExplainedRecord| {
        let of = side.person.map_or_else(|| "nobody's".to_owned(), |person| format!("of person {}", person.0));
        format!("record {} ({of})", side.record.0)
    };
    let now = if is_one(view) { "one person now" } else { "two persons now" };
    let mut out = format!("{} and {}: {now}\n\n{}", side(&view.left), side(&view.right), view.account.to_text());
    if let Some(whole) = &view.whole {
        out.push_str(&format!(
            "the other's person as a whole: {:+.1} bits over {} record(s), number {} of {} considered\n",
            whole.bits, whole.records, whole.rank, whole.considered
        ));
    }
    out.push_str(&format!("the matcher alone would say now: {}\n", view.outcome));
    for word in &view.words {
        let because = if word.reason.is_empty() { String::new() } else { format!(": {}", word.reason) };
        let time = when(word.time, zone);
        out.push_str(&format!("a steward said {}, {time} by {}{because}\n", word.verdict, word.actor));
    }
    if values {
        out.push_str(&format!("\n{}", side_by_side(view)));
    }
    out
}

/// What both sources say, field beside field.
fn side_by_side(view: &PairView) -> String {
    let identifier = |side: &ExplainedRecord| format!("{}^{}", side.identifier.authority, side.identifier.value);
    let mut rows = vec![vec!["identifier".to_owned(), identifier(&view.left), identifier(&view.right)]];
    let both = fields(&view.left.demographics).into_iter().zip(fields(&view.right.demographics));
    for ((label, left), (_, right)) in both.filter(|((_, left), (_, right))| !left.is_empty() || !right.is_empty()) {
        let mark = if left == right { "=" } else { "" };
        rows.push(vec![label.to_owned(), left, right, mark.to_owned()]);
    }
    table(&rows)
}

fn json_of(view: &PairView, values: bool, zone: &str) -> Value {
    let side = |side: &ExplainedRecord| {
        let mut said = json!({ "record": side.record.0, "person": side.person.map(|person| person.0) });
        if let (true, Some(object)) = (values, said.as_object_mut()) {
            object.insert("authority".to_owned(), side.identifier.authority.as_str().into());
            object.insert("value".to_owned(), side.identifier.value.clone().into());
            object.insert("demographics".to_owned(), fields_json(&side.demographics));
        }
        said
    };
    let words: Vec<Value> = view
        .words
        .iter()
        .map(|word| {
            json!({
                "decision": word.id, "verdict": word.verdict, "actor": word.actor, "reason": word.reason,
                "time": when(word.time, zone),
            })
        })
        .collect();
    let whole = view.whole.as_ref().map(|whole| {
        json!({
            "bits": whole.bits, "records": whole.records, "rank": whole.rank, "considered": whole.considered,
            "guards": whole.guards,
        })
    });
    json!({
        "left": side(&view.left), "right": side(&view.right), "one_person": is_one(view),
        "account": view.account, "whole_person": whole, "outcome": view.outcome, "decisions": words,
    })
}
