//! What can be said about the parties of the network: `domain`, `system`.

use super::StoreChoice;
use clap::{Args, Subcommand, builder::PossibleValuesParser};

/// `domain`.
#[derive(Args, Clone)]
pub struct Domain {
    /// Which store.
    #[command(flatten)]
    pub store: StoreChoice,
    /// What to do.
    #[command(subcommand)]
    pub command: DomainCommand,
}

/// What can be done with assigning authorities.
#[derive(Subcommand, Clone, Debug)]
pub enum DomainCommand {
    /// All of them, with what holds of each
    List,
    /// One of them
    Show {
        /// Its key, such as h01
        id: String,
    },
    /// Add one to the store; it is served after the next start
    Add {
        /// The key that stays, such as h01
        id: String,
        /// Its OID
        #[arg(long, value_name = "OID")]
        oid: String,
        /// Its namespace
        #[arg(long, value_name = "TEXT")]
        namespace: String,
        /// Its name
        #[arg(long, value_name = "TEXT", default_value = "")]
        name: String,
        /// Its facility code
        #[arg(long, value_name = "TEXT", default_value = "")]
        facility: String,
        /// It vouches for one identifier a person
        #[arg(long)]
        one_identifier_per_person: bool,
    },
    /// Change its state: staged is taken in and not told, live is told, retired takes nothing more in
    State {
        /// Its key, such as h01
        id: String,
        /// The state
        #[arg(value_parser = PossibleValuesParser::new(["staged", "live", "retired"]))]
        state: String,
        /// What subscribers hear: nothing, or of every person whose identifiers change by it
        #[arg(long, value_name = "WHAT", default_value = "silence",
            value_parser = PossibleValuesParser::new(["silence", "snapshot"]))]
        subscribers: String,
    },
    /// How many persons its records are, and how many of them are known in other live domains
    Report {
        /// Its key, such as h01
        id: String,
    },
}

/// `system`.
#[derive(Args, Clone)]
pub struct System {
    /// Which configuration.
    #[command(flatten)]
    pub store: StoreChoice,
    /// What to do.
    #[command(subcommand)]
    pub command: SystemCommand,
}

/// What can be asked of connected systems.
#[derive(Subcommand, Clone, Debug)]
pub enum SystemCommand {
    /// All that are registered, with what each may do
    List,
    /// One of them
    Show {
        /// Its key, such as h01-emr
        id: String,
    },
}
