//! `person`: one person's identifiers, demographics and history, on the command line.
//!
//! It shows personal data to whoever may read the store; it must never log any.

use super::show::{failed, fields, open, table, when};
use super::{Day, Environment, Exit, Logging, Person, PersonCommand, PersonSelector, complain, say};
use crate::config::Configuration;
use crate::desk::shapes::{self, written};
use crate::identity::PatientIdentifier;
use crate::registry::{Doubts, HeldLink, HeldPerson, OperationView, PersonView, RecordView};

pub(super) fn run(person: &Person, logging: Logging, environment: Environment) -> Exit {
    logging.start_quietly();
    let settings = match person.store.configuration(environment) {
        Ok(settings) => settings,
        Err(exit) => return exit,
    };
    if let Some(exit) = super::steward::run(&settings, &person.command, person.store.json) {
        return exit;
    }
    let (id, history) = match &person.command {
        PersonCommand::Show { id } => (id, false),
        PersonCommand::History { id, on: Some(day) } => {
            return on_a_day(&settings, id, *day, person.store.json).unwrap_or_else(|exit| exit);
        }
        PersonCommand::History { id, on: None } => (id, true),
        // What a steward does was done above.
        _ => return Exit::Done,
    };
    let (view, operations) = match find(&settings, id) {
        Ok(found) => found,
        Err(exit) => return exit,
    };
    let zone = &settings.network.time_zone;
    match (history, person.store.json) {
        (false, false) => say(&text(&view, zone)),
        (false, true) => say(&format!("{}\n", shapes::person(&view, zone))),
        (true, false) => say(&history_text(&view, &operations, zone)),
        (true, true) => say(&format!("{}\n", shapes::history(&view, &operations, zone))),
    }
    Exit::Done
}

fn find(settings: &Configuration, id: &PersonSelector) -> Result<(PersonView, Vec<OperationView>), Exit> {
    let (registry, sought) = (open("person", settings)?, sought(settings, id));
    let failed = |failure| failed("person", &failure);
    let view = registry.person(&sought).map_err(failed)?.ok_or_else(nobody)?;
    Ok((view, registry.operations(&sought).map_err(failed)?))
}

pub(super) fn sought(settings: &Configuration, id: &PersonSelector) -> PatientIdentifier {
    match id {
        PersonSelector::Regional(value) => {
            PatientIdentifier { authority: settings.network.regional.oid.clone(), value: value.clone() }
        }
        PersonSelector::Identifier { domain, value } => {
            PatientIdentifier { authority: domain.clone(), value: value.clone() }
        }
    }
}

/// Whose the identifier was on a day of the network's calendar, and who else was linked there.
fn on_a_day(settings: &Configuration, id: &PersonSelector, Day(day): Day, json: bool) -> Result<Exit, Exit> {
    let registry = open("person", settings)?;
    let zone = &settings.network.time_zone;
    let Some(hours) = shapes::hours(day, zone) else {
        complain("person: this day is out of the calendar that is kept\n");
        return Err(Exit::Usage);
    };
    let found = registry.linked_within(&sought(settings, id), hours).map_err(|failure| failed("person", &failure))?;
    let held = found.ok_or_else(nobody)?;
    if json {
        say(&format!("{}\n", shapes::held(day, &held, zone)));
    } else {
        say(&held_text(&held, &day.to_string(), zone));
    }
    Ok(Exit::Done)
}

fn held_text(held: &[HeldPerson], day: &str, zone: &str) -> String {
    if held.is_empty() {
        return format!("on {day} the identifier was nobody's\n");
    }
    let mut text = String::new();
    for one in held {
        let regional = one.regional.as_deref().unwrap_or("none issued");
        text.push_str(&format!("on {day} of person {}, regional ID {regional}\n", one.person.0));
        let rows: Vec<_> = one
            .links
            .iter()
            .map(|link| {
                let until = link.until.map_or_else(|| "now".to_owned(), |until| when(until, zone));
                let named = format!("  {}", written(&link.identifier));
                vec![named, format!("from {}", when(link.since, zone)), format!("until {until}"), ground_of(link)]
            })
            .collect();
        text.push_str(&table(&rows));
    }
    text
}

fn ground_of(link: &HeldLink) -> String {
    format!("{} link by {}", link.origin, link.actor)
}

fn nobody() -> Exit {
    complain("person: nobody in this store is known by this identifier\n");
    Exit::Found
}

fn head(view: &PersonView) -> String {
    let regional = view.regional.as_deref().unwrap_or("none issued");
    format!("person {}, regional ID {regional}, {} record(s)\n", view.person.0, view.records.len())
}

/// Why the record is this person's. Only a comparison has a weight: without one, none is shown.
fn ground(record: &RecordView) -> String {
    match (record.origin.as_str(), record.reason.as_str()) {
        (_, "first record") => "first record of the person, nothing to compare".to_owned(),
        ("automatic", _) => format!("automatic link, {:.1} bits", record.weight),
        (origin, "") => format!("{origin} link"),
        (origin, reason) => format!("{origin} link, {reason}"),
    }
}

fn text(view: &PersonView, zone: &str) -> String {
    let mut text = head(view);
    for record in &view.records {
        let since = when(record.since, zone);
        let link = format!("{}, since {since}", ground(record));
        text.push_str(&format!("\n{}  ({link})\n", written(&record.identifier)));
        let said = fields(&record.demographics).into_iter().filter(|(_, said)| !said.is_empty());
        let rows: Vec<_> = said.map(|(label, said)| vec![format!("  {label}"), said]).collect();
        text.push_str(&table(&rows));
    }
    text.push_str(&doubts_text(&view.doubts, zone));
    text
}

/// What speaks against a person as it stands, and what to do.
pub(super) fn doubts_text(doubts: &Doubts, zone: &str) -> String {
    let mut text = String::new();
    for one in &doubts.contradictions {
        let (left, right) = (written(&one.left), written(&one.right));
        let (said, time) = (&one.word.verdict, when(one.word.time, zone));
        text.push_str(&format!(
            "\ncontradiction: {left} and {right} are {said}, said {} on {time}; the links do not follow\n",
            one.word.actor
        ));
    }
    for (id, kind) in &doubts.reviews {
        text.push_str(&format!("\nopen question {id}: {kind}; `nayose review show {id}`\n"));
    }
    if let Some(bridge) = &doubts.bridge {
        let goes: Vec<String> = bridge.goes.iter().map(|one| format!("'{}'", written(one))).collect();
        let held = (written(&bridge.held_by.0), written(&bridge.held_by.1));
        text.push_str(&format!(
            "\nweak bridge: {} and {} hold two groups together with {:+.1} bits; between the groups the mean is {:+.1}, and \
             {} pair(s) speak against one person. Where they are two:\n  nayose person split {} --reason ...\n",
            held.0,
            held.1,
            bridge.bits,
            bridge.mean,
            bridge.against,
            goes.join(" ")
        ));
    }
    text
}

fn history_text(view: &PersonView, operations: &[OperationView], zone: &str) -> String {
    let rows: Vec<_> =
        view.history.iter().map(|(time, kind, actor)| vec![when(*time, zone), kind.clone(), actor.clone()]).collect();
    let undone = |operation: &OperationView| {
        operation.undone.map(|time| format!("undone {}", when(time, zone))).unwrap_or_default()
    };
    let done: Vec<_> = operations
        .iter()
        .map(|one| vec![when(one.time, zone), one.id.to_string(), one.kind.clone(), one.reason.clone(), undone(one)])
        .collect();
    let done = if done.is_empty() { String::new() } else { format!("\nwhat stewards did:\n{}", table(&done)) };
    format!("{}\n{}{done}", head(view), table(&rows))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::{Demographics, Oid};

    #[test]
    fn only_what_was_compared_has_a_weight() {
        let check = |origin: &str, reason: &str, weight: f64, expect: &str| {
            let record = RecordView {
                identifier: PatientIdentifier { authority: Oid::parse("2.999.1.11").unwrap(), value: "1".to_owned() },
                demographics: Demographics::default(),
                origin: origin.to_owned(),
                reason: reason.to_owned(),
                weight,
                since: 0,
            };
            assert_eq!(ground(&record), expect);
        };
        check("automatic", "first record", 0.0, "first record of the person, nothing to compare");
        check("automatic", "match", 23.46, "automatic link, 23.5 bits");
        check("source", "merge", 0.0, "source link, merge");
        check("steward", "same", 4.0, "steward link, same");
    }
}
