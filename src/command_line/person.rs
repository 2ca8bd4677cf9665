//! `person`: one person's identifiers, demographics and history, on the command line.
//!
//! It shows personal data to whoever may read the store; it must never log any.

use super::{Environment, Exit, Logging, Person, PersonCommand, PersonSelector, complain};
use crate::config::Configuration;

pub(super) fn run(person: &Person, logging: Logging, environment: Environment) -> Exit {
    logging.start_quietly();
    let settings = match person.store.configuration(environment) {
        Ok(settings) => settings,
        Err(exit) => return exit,
    };
    match &person.command {
        PersonCommand::Show { id } => show(&settings, id, person.store.json),
        PersonCommand::History { id } => history(&settings, id, person.store.json),
    }
}

fn show(_settings: &Configuration, _id: &PersonSelector, _json: bool) -> Exit {
    absent()
}

fn history(_settings: &Configuration, _id: &PersonSelector, _json: bool) -> Exit {
    absent()
}

fn absent() -> Exit {
    complain("person: the registry is not part of this build\n");
    Exit::Unavailable
}
