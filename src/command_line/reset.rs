//! `reset`: empties the store of a test network, as between two tests of a connectathon.
//!
//! It must never empty a store that was ever a network's in production, whatever the configuration says.

use super::show::{failed, open};
use super::{Environment, Exit, Logging, StoreChoice, complain, say};
use clap::Args;

/// `reset`.
#[derive(Args, Clone)]
pub struct Reset {
    /// Which store.
    #[command(flatten)]
    pub store: StoreChoice,
    /// Of the store of `serve --connectathon`
    #[arg(long, conflicts_with_all = ["config"])]
    pub connectathon: bool,
    /// Says that everything in the store may go
    #[arg(long)]
    pub yes: bool,
}

pub(super) fn run(reset: &Reset, logging: Logging, environment: Environment) -> Exit {
    logging.start_quietly();
    empty(reset, environment).unwrap_or_else(|exit| exit)
}

fn empty(reset: &Reset, environment: Environment) -> Result<Exit, Exit> {
    let settings = match reset.connectathon {
        true => super::serve::connectathon(&reset.store, environment)?,
        false => reset.store.configuration(environment)?,
    };
    if !settings.network.test {
        complain("reset: network.test is not true: the store of a network in production is never emptied\n");
        return Err(Exit::Usage);
    }
    if !reset.yes {
        complain("reset: this empties the store; say --yes\n");
        return Err(Exit::Usage);
    }
    let registry = open("reset", &settings)?;
    if !registry.reset().map_err(|failure| failed("reset", &failure))? {
        complain("reset: this store was not made by a server with network.test = true; nothing of it was touched\n");
        return Err(Exit::Usage);
    }
    let done = "the store is empty";
    say(&if reset.store.json { format!("{}\n", serde_json::json!({ "reset": true })) } else { format!("{done}\n") });
    Ok(Exit::Done)
}
