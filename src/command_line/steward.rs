//! `person link`, `unlink`, `merge`, `unmerge`, `split`, `register`, `erase`: what a steward does to links and persons.
//!
//! A contradiction to what was decided before is shown, and nothing is done.

use super::{Because, Exit, PersonCommand, PersonSelector, errand, say};
use crate::config::Configuration;
use crate::desk::encoded;
use serde_json::{Value, json};

/// Does what `command` says; `None` where it is none of these.
pub(super) fn run(settings: &Configuration, command: &PersonCommand, json: bool) -> Option<Exit> {
    let (path, body) = call_of(command)?;
    Some(match errand::call("person", settings, ("POST", &path), &body) {
        Ok(told) => {
            say(&if json { format!("{told}\n") } else { text(&told) });
            // What was not meant is not done, and a caller must look.
            if told.get("erased") == Some(&Value::Bool(false)) { Exit::Found } else { Exit::Done }
        }
        Err(exit) => exit,
    })
}

/// The call of the desk that is meant.
fn call_of(command: &PersonCommand) -> Option<(String, Value)> {
    let person = |id: &PersonSelector, word: &str| format!("/persons/{}/{word}", encoded(&id.written()));
    let why = |because: &Because| because.reason.clone().unwrap_or_default();
    Some(match command {
        PersonCommand::Link { id, other, because } => {
            (person(id, "link"), json!({ "other": other.written(), "reason": why(because) }))
        }
        PersonCommand::Unlink { id, because } => (person(id, "unlink"), json!({ "reason": why(because) })),
        PersonCommand::Merge { id, other, because } => {
            (person(id, "merge"), json!({ "other": other.written(), "reason": why(because) }))
        }
        PersonCommand::Unmerge { operation, because } => {
            (format!("/operations/{operation}/undo"), json!({ "reason": why(because) }))
        }
        PersonCommand::Split { ids, because } => {
            let (first, others) = ids.split_first()?;
            let others: Vec<String> = others.iter().map(PersonSelector::written).collect();
            (person(first, "split"), json!({ "others": others, "reason": why(because) }))
        }
        PersonCommand::Erase { id, yes, because } => {
            (person(id, "erase"), json!({ "yes": yes, "reason": why(because) }))
        }
        PersonCommand::Register { id } => (person(id, "register"), Value::Null),
        PersonCommand::Show { .. } | PersonCommand::History { .. } => return None,
    })
}

fn text(told: &Value) -> String {
    match (told["operation"].as_i64(), told["regional"].as_str()) {
        (Some(operation), _) => format!("done as {operation}; `nayose person unmerge {operation}` undoes it\n"),
        (None, Some(regional)) => {
            let how = if told["issued"] == true { "registered" } else { "was registered before" };
            format!("{how}: regional ID {regional}\n")
        }
        (None, None) => erased(told),
    }
}

/// What an erasure came to, or would come to, and what it does not reach.
fn erased(told: &Value) -> String {
    let count = |name: &str| told[name].as_u64().unwrap_or_default();
    let all = format!(
        "{} record(s), {} version(s) of what was said, the content of {} message(s)",
        count("records"),
        count("versions"),
        count("messages")
    );
    let beyond = "backups and exports that were made before still hold it, and so do PostgreSQL's own logs: delete those \
                  in their time (docs/stewards.md)";
    match told["erased"] == true {
        true => format!("erased for ever: {all}\nnobody is known by these identifiers any more; {beyond}\n"),
        false => format!(
            "this would erase for ever: {all}\nlinks and history stay without values, nobody is known by these \
             identifiers any more, and it cannot be undone; {beyond}\nnothing was done: say it again with --yes\n"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> PersonSelector {
        text.parse().unwrap()
    }

    #[test]
    fn each_command_is_one_call() {
        let because = Because { reason: Some("looked".to_owned()) };
        let check = |command: PersonCommand, path: &str, body: Value| {
            assert_eq!(call_of(&command), Some((path.to_owned(), body)));
        };
        check(
            PersonCommand::Link { id: id("2.999.1.11^A 7"), other: id("1234567890"), because: because.clone() },
            "/persons/2.999.1.11%5EA%207/link",
            json!({ "other": "1234567890", "reason": "looked" }),
        );
        check(
            PersonCommand::Split { ids: vec![id("2.999.1.11^1"), id("2.999.1.12^2")], because },
            "/persons/2.999.1.11%5E1/split",
            json!({ "others": ["2.999.1.12^2"], "reason": "looked" }),
        );
        check(PersonCommand::Register { id: id("1234567890") }, "/persons/1234567890/register", Value::Null);
        assert_eq!(call_of(&PersonCommand::Show { id: id("1") }), None);
        assert!(text(&json!({ "operation": 7 })).contains("unmerge 7"));
        let of = |done: bool| text(&json!({ "erased": done, "records": 2, "versions": 5, "messages": 4 }));
        assert!(of(true).starts_with("erased for ever: 2 record(s), 5 version(s)"));
        assert!(of(false).contains("nothing was done: say it again with --yes"));
        assert!(text(&json!({ "regional": "12", "issued": false })).contains("before"));
    }
}
