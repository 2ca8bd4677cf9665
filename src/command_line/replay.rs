//! `replay`: what a journal holds beyond a restored store, done again with the same keys and numbers.

use super::show::{failed, open, when};
use super::{Environment, Exit, Logging, Replay, complain, say};
use crate::registry::ReplayError;
use crate::server;
use crate::store::Journal;

pub(super) fn run(replay: &Replay, logging: Logging, environment: Environment) -> Exit {
    logging.start_quietly();
    again(replay, environment).unwrap_or_else(|exit| exit)
}

fn again(replay: &Replay, environment: Environment) -> Result<Exit, Exit> {
    let settings = replay.store.configuration(environment)?;
    let registry = open("replay", &settings)?;
    let journal = Journal::of(&replay.from).map_err(|error| failed("replay", &error.into()))?;
    let whole = journal.is_whole();
    let service = server::service(registry.clone(), &settings);
    let replayed = registry.replay(journal, whole, |row| service.change(row)).map_err(|error| {
        complain(&format!("replay: {error}\n"));
        match error {
            ReplayError::OtherRules { since, .. } => {
                complain(&format!("replay: all before {} is done\n", when(since, &settings.network.time_zone)));
                Exit::Usage
            }
            ReplayError::Diverged(_) | ReplayError::NotRecorded(_) | ReplayError::Gap => Exit::Found,
            ReplayError::Failure(_) => Exit::Unavailable,
        }
    })?;
    if replay.store.json {
        say(&format!(
            "{}\n",
            serde_json::json!({
                "done": replayed.done, "known": replayed.known, "erased": replayed.passed_over,
                "otherwise": replayed.otherwise,
            })
        ));
    } else {
        say(&format!("{} messages and acts done again, {} were there already\n", replayed.done, replayed.known));
        if replayed.passed_over > 0 {
            say(&format!(
                "{} were erased and had no effect; {} came to something else for want of them\n",
                replayed.passed_over, replayed.otherwise
            ));
        }
    }
    Ok(Exit::Done)
}
