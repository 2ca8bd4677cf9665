//! `explain`: why two records are one person, or are not.
//!
//! It shows personal values where that is asked for, and only there; a terminal keeps what it has shown.

use super::person::sought;
use super::show::{failed, fields, open, table, when};
use super::{Environment, Exit, Explain, Logging, complain, say};
use crate::desk::shapes::{self, written};
use crate::registry::PairView;

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
        say(&format!("{}\n", shapes::explained(&view, explain.values, zone)));
    } else {
        say(&text(&view, explain.values, zone));
    }
    Ok(Exit::Done)
}

fn text(view: &PairView, values: bool, zone: &str) -> String {
    let side = |side: &crate::registry::ExplainedRecord| {
        let of = side.person.map_or_else(|| "nobody's".to_owned(), |person| format!("of person {}", person.0));
        format!("record {} ({of})", side.record.0)
    };
    let now = if view.is_one_person() { "one person now" } else { "two persons now" };
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
    let (left, right) = (written(&view.left.identifier), written(&view.right.identifier));
    let mut rows = vec![vec!["identifier".to_owned(), left, right]];
    let both = fields(&view.left.demographics).into_iter().zip(fields(&view.right.demographics));
    for ((label, left), (_, right)) in both.filter(|((_, left), (_, right))| !left.is_empty() || !right.is_empty()) {
        let mark = if left == right { "=" } else { "" };
        rows.push(vec![label.to_owned(), left, right, mark.to_owned()]);
    }
    table(&rows)
}
