//! `review`: what the matcher left to a steward, on the command line.
//!
//! It shows personal data to whoever may read the store; it must never log any.

use super::{Environment, Exit, Logging, Review, ReviewCommand, complain};
use crate::config::Configuration;

pub(super) fn run(review: &Review, logging: Logging, environment: Environment) -> Exit {
    logging.start_quietly();
    let settings = match review.store.configuration(environment) {
        Ok(settings) => settings,
        Err(exit) => return exit,
    };
    match &review.command {
        ReviewCommand::List => list(&settings, review.store.json),
        ReviewCommand::Show { id } => show(&settings, *id, review.store.json),
        ReviewCommand::Decide { id, choice, reason } => {
            let decision = if choice.same { Decision::Same } else { Decision::Different };
            decide(&settings, *id, decision, reason.as_deref(), review.store.json)
        }
    }
}

/// What a steward says.
enum Decision {
    /// One person.
    Same,
    /// Two persons.
    Different,
}

fn list(_settings: &Configuration, _json: bool) -> Exit {
    absent()
}

fn show(_settings: &Configuration, _id: i64, _json: bool) -> Exit {
    absent()
}

fn decide(_settings: &Configuration, _id: i64, decision: Decision, _reason: Option<&str>, _json: bool) -> Exit {
    match decision {
        Decision::Same | Decision::Different => absent(),
    }
}

fn absent() -> Exit {
    complain("review: the registry is not part of this build\n");
    Exit::Unavailable
}
