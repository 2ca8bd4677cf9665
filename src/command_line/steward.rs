//! `person link`, `unlink`, `merge`, `unmerge`, `split`: what a steward does to links and persons.
//!
//! A contradiction to what was decided before is shown, and nothing is done.

use super::person::sought;
use super::show::{failed, open};
use super::{Because, Exit, PersonCommand, complain, say};
use crate::access::Principal;
use crate::config::Configuration;
use crate::registry::{Objection, Registry};

/// Does what `command` says; `None` where it is none of these.
pub(super) fn run(settings: &Configuration, command: &PersonCommand, json: bool) -> Option<Exit> {
    let (word, act) = act_of(settings, command)?;
    Some(done(settings, word, json, &*act).unwrap_or_else(|exit| exit))
}

type Act = dyn Fn(&Registry) -> Result<Result<i64, Objection>, crate::registry::Failure>;

fn act_of(settings: &Configuration, command: &PersonCommand) -> Option<(&'static str, Box<Act>)> {
    let steward = Principal::operator();
    let why = |because: &Because| because.reason.clone().unwrap_or_default();
    Some(match command {
        PersonCommand::Link { id, other, because } => {
            let (id, other, why) = (sought(settings, id), sought(settings, other), why(because));
            ("link", Box::new(move |registry| registry.link(&steward, &id, &other, &why)))
        }
        PersonCommand::Unlink { id, because } => {
            let (id, why) = (sought(settings, id), why(because));
            ("unlink", Box::new(move |registry| registry.unlink(&steward, &id, &why)))
        }
        PersonCommand::Merge { id, other, because } => {
            let (id, other, why) = (sought(settings, id), sought(settings, other), why(because));
            ("merge", Box::new(move |registry| registry.merge_persons(&steward, &id, &other, &why)))
        }
        PersonCommand::Unmerge { operation, because } => {
            let (operation, why) = (*operation, why(because));
            ("unmerge", Box::new(move |registry| registry.undo(&steward, operation, &why)))
        }
        PersonCommand::Split { ids, because } => {
            let (ids, why): (Vec<_>, _) = (ids.iter().map(|id| sought(settings, id)).collect(), why(because));
            ("split", Box::new(move |registry| registry.split(&steward, &ids, &why)))
        }
        PersonCommand::Show { .. } | PersonCommand::Register { .. } | PersonCommand::History { .. } => return None,
    })
}

fn done(settings: &Configuration, word: &str, json: bool, act: &Act) -> Result<Exit, Exit> {
    let registry = open("person", settings)?;
    match act(&registry).map_err(|failure| failed("person", &failure))? {
        Ok(operation) => {
            if json {
                say(&format!("{}\n", serde_json::json!({ "operation": operation })));
            } else {
                say(&format!("done as {operation}; `nayose person unmerge {operation}` undoes it\n"));
            }
            Ok(Exit::Done)
        }
        Err(objection) => {
            complain(&format!("person {word}: {}\n", said(&objection)));
            Ok(Exit::Found)
        }
    }
}

fn said(objection: &Objection) -> String {
    match objection {
        Objection::Unknown(at) => format!("nobody is known by the identifier number {}", at + 1),
        Objection::Nothing => {
            "nothing to do: they are one person already, or there is no other record beside it".to_owned()
        }
        Objection::Apart => "these identifiers are not all of one person".to_owned(),
        Objection::Contradicts(decisions) => format!(
            "a steward decided otherwise before, and nothing was done ({} decision(s): {}); undo that first, by its number \
             in `nayose person history`",
            decisions.len(),
            decisions.iter().map(i64::to_string).collect::<Vec<_>>().join(", ")
        ),
        Objection::NoOperation => "there is no such number, or it was undone".to_owned(),
        Objection::ChangedSince => {
            "the same records were moved by something since; undo that first, by its number in `nayose person history`"
                .to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_objection_says_what_to_do_and_names_nobody() {
        let check = |objection: Objection, expect: &str| assert!(said(&objection).contains(expect), "{objection:?}");
        check(Objection::Unknown(1), "number 2");
        check(Objection::Nothing, "already");
        check(Objection::Apart, "one person");
        check(Objection::Contradicts(vec![4, 5]), "2 decision(s): 4, 5");
        check(Objection::NoOperation, "undone");
        check(Objection::ChangedSince, "undo that first");
    }
}
