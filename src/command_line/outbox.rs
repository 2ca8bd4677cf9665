//! `outbox`: who was told of what, and what a subscriber would not take.
//!
//! It shows keys, times and words of this program, never who a person is.

use super::show::{failed, open, table, when};
use super::{Environment, Exit, Logging, Outbox, OutboxCommand, complain, errand, say};
use crate::config::Configuration;
use crate::desk::shapes;
use crate::registry::{DeadLetter, Registry, SubscriberView};

pub(super) fn run(outbox: &Outbox, logging: Logging, environment: Environment) -> Exit {
    logging.start_quietly();
    obey(outbox, environment).unwrap_or_else(|exit| exit)
}

fn obey(outbox: &Outbox, environment: Environment) -> Result<Exit, Exit> {
    let settings = outbox.store.configuration(environment)?;
    let json = outbox.store.json;
    if let OutboxCommand::Replay { id, subscriber, .. } = &outbox.command {
        return replay(&settings, id, subscriber.as_deref(), json);
    }
    let registry = open("outbox", &settings)?;
    match &outbox.command {
        OutboxCommand::List => list(&registry, &settings, json),
        OutboxCommand::Show { id } => show(&registry, &settings, *id, json),
        OutboxCommand::Replay { .. } => Ok(Exit::Done),
    }
}

/// Exit status 1 where something was put aside: a caller must look at it.
fn list(registry: &Registry, settings: &Configuration, json: bool) -> Result<Exit, Exit> {
    let subscribers = registry.subscribers().map_err(|failure| failed("outbox", &failure))?;
    let letters = registry.dead_letters().map_err(|failure| failed("outbox", &failure))?;
    let zone = &settings.network.time_zone;
    let exit = if letters.is_empty() { Exit::Done } else { Exit::Found };
    if json {
        let subscribers: Vec<_> = subscribers.iter().map(|one| shapes::subscriber(one, zone)).collect();
        let letters: Vec<_> = letters.iter().map(|letter| shapes::dead_letter(letter, zone)).collect();
        say(&format!("{}\n", serde_json::json!({ "subscribers": subscribers, "dead_letters": letters })));
        return Ok(exit);
    }
    if subscribers.is_empty() {
        say("nobody is told of changes: no [[subscriber]] was ever configured\n");
        return Ok(exit);
    }
    let head =
        ["SUBSCRIBER", "STATE", "WAITING", "OLDEST", "FAILED", "TROUBLE", "NEXT TRY"].map(str::to_owned).to_vec();
    let rows = subscribers.iter().map(|one| subscriber_row(one, zone));
    say(&table(&std::iter::once(head).chain(rows).collect::<Vec<_>>()));
    if !letters.is_empty() {
        say("\nnot taken:\n");
        let head = ["NUMBER", "SUBSCRIBER", "HAPPENED", "REFUSED", "TROUBLE", "STATE"].map(str::to_owned).to_vec();
        let rows = letters.iter().map(|letter| letter_row(letter, zone));
        say(&table(&std::iter::once(head).chain(rows).collect::<Vec<_>>()));
    }
    Ok(exit)
}

fn subscriber_row(one: &SubscriberView, zone: &str) -> Vec<String> {
    let time = |time: Option<i64>| time.map_or_else(|| "-".to_owned(), |time| when(time, zone));
    vec![
        one.system.clone(),
        if one.on { "on" } else { "off" }.to_owned(),
        one.waiting.to_string(),
        time(one.oldest),
        one.attempts.to_string(),
        if one.trouble.is_empty() { "-".to_owned() } else { one.trouble.clone() },
        time(one.next_try),
    ]
}

fn letter_row(letter: &DeadLetter, zone: &str) -> Vec<String> {
    vec![
        letter.id.to_string(),
        letter.subscriber.clone(),
        when(letter.time, zone),
        letter.attempts.to_string(),
        letter.trouble.clone(),
        state(letter).to_owned(),
    ]
}

fn state(letter: &DeadLetter) -> &'static str {
    if letter.again { "tried again soon" } else { "put aside" }
}

fn show(registry: &Registry, settings: &Configuration, id: i64, json: bool) -> Result<Exit, Exit> {
    let letters = registry.dead_letters().map_err(|failure| failed("outbox", &failure))?;
    let meant: Vec<_> = letters.iter().filter(|letter| letter.id == id).collect();
    let zone = &settings.network.time_zone;
    if meant.is_empty() {
        complain(&format!("outbox: {id} is no change that was put aside; `nayose outbox list` shows them\n"));
        return Ok(Exit::Found);
    }
    if json {
        let all: Vec<_> = meant.iter().map(|letter| shapes::dead_letter(letter, zone)).collect();
        say(&format!("{}\n", serde_json::json!({ "dead_letters": all })));
        return Ok(Exit::Done);
    }
    for letter in meant {
        say(&format!(
            "{}: {} of person {} at {}\nnot taken by {}: {}, {} times; {} since {}\n",
            letter.id,
            letter.kind,
            letter.person.0,
            when(letter.time, zone),
            letter.subscriber,
            letter.trouble,
            letter.attempts,
            state(letter),
            when(letter.parked, zone),
        ));
    }
    Ok(Exit::Done)
}

fn replay(settings: &Configuration, numbers: &[i64], subscriber: Option<&str>, json: bool) -> Result<Exit, Exit> {
    let said = serde_json::json!({ "ids": numbers, "subscriber": subscriber });
    let told = errand::call("outbox", settings, ("POST", "/outbox/replay"), &said)?;
    let count = told.get("replayed").and_then(serde_json::Value::as_u64).unwrap_or_default();
    say(&if json { format!("{told}\n") } else { format!("{count} will be tried again when a server runs\n") });
    Ok(Exit::Done)
}
