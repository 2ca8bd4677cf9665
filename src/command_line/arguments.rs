//! What can be said to the binary, as values. The texts here are the help.
//!
//! Nothing must be decided here beyond what can be seen from the words alone.

mod parties;
mod people;

pub use parties::{Domain, DomainCommand, System, SystemCommand};
pub use people::{Because, Day, Explain, Person, PersonCommand, PersonSelector};

use crate::config::LogFormat;
use crate::store::JournalPlace;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Brings one person's records together under one name: IHE PIX Manager and PDQ supplier over a master patient index.
#[derive(Parser)]
#[command(name = "nayose", version, after_help = AFTER_HELP, arg_required_else_help = true)]
pub struct CommandLine {
    /// How to log.
    #[command(flatten)]
    pub logging: Logging,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const AFTER_HELP: &str = "Begin with `nayose demo`.\n\n\
    Exit status: 0 done; 1 done, and it found what you must look at; 2 wrong usage or configuration;\n\
    3 store or network unavailable; 70 a defect of ours.";

/// How to log.
#[derive(Args, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Logging {
    /// How log lines look [default: text, or server.log of the configuration]
    #[arg(long, global = true, value_enum, value_name = "FORMAT")]
    pub log: Option<LogFormat>,
    /// The least important level that is logged [default: server.log_level of the configuration]
    #[arg(long, global = true, value_enum, value_name = "LEVEL")]
    pub log_level: Option<LogLevel>,
}

/// A level of logging.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    /// What went wrong.
    Error,
    /// What may go wrong.
    Warn,
    /// What happens.
    Info,
    /// How it happens.
    Debug,
    /// Everything.
    Trace,
}

impl From<LogLevel> for log::LevelFilter {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Error => log::LevelFilter::Error,
            LogLevel::Warn => log::LevelFilter::Warn,
            LogLevel::Info => log::LevelFilter::Info,
            LogLevel::Debug => log::LevelFilter::Debug,
            LogLevel::Trace => log::LevelFilter::Trace,
        }
    }
}

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Build a synthetic region in a fresh store, serve it on loopback and print calls to try
    Demo(Demo),
    /// Run the server
    Serve(Serve),
    /// Say what is wrong with a configuration, line by line, and what would be right
    CheckConfig(CheckConfig),
    /// Decide what the matcher left to a steward
    Review(Review),
    /// Look at one person, and say who is who
    Person(Person),
    /// Ask why two records are one person, or are not
    Explain(Explain),
    /// The assigning authorities of the network
    Domain(Domain),
    /// The connected systems and what each may do
    System(System),
    /// See who was told of what, and try again what a subscriber would not take
    Outbox(Outbox),
    /// Check that all that a store holds fits together
    Verify(Verify),
    /// Copy a SQLite store that may be in use into one file, encrypted
    Backup(Backup),
    /// Make a store of a backup or an export, check it, and say from where senders must send again
    Restore(Restore),
    /// Do again, in a restored store, what another store's journal holds beyond it
    Replay(Replay),
    /// Write all that a store holds into one file, encrypted, that a store of either kind takes in
    Export(Export),
    /// Look whether all that a server needs is in order, and say what to do where it is not
    Doctor(Doctor),
    /// Play the conformance cases against a server, this one or another
    Conformance(super::conformance::Conformance),
    /// Empty the store of a test network
    Reset(super::reset::Reset),
    /// Find who is who in files, without a store
    MatchFiles(super::match_files::MatchFiles),
    /// Take people from files into the store, by the rules of a feed
    Import(super::import::Import),
    /// Measure the matcher on files whose truth is known, or on what stewards decided
    Evaluate(super::evaluate::Evaluate),
    /// Learn a model without labels, activate it in a store, go back
    Train(super::train::Train),
    /// Ask which links would appear, vanish or move to review under another model
    WhatIf(super::what_if::WhatIfAsked),
    /// Print what the binary carries: WSDL, a commented example configuration
    Schema(Schema),
}

/// `demo`.
#[derive(Args, Clone, Debug)]
pub struct Demo {
    /// How many people the region has
    #[arg(long, value_name = "N", default_value_t = 2_700, value_parser = clap::value_parser!(u32).range(1..=5_000_000))]
    pub people: u32,
    /// The same seed gives the same region
    #[arg(long, value_name = "N", default_value_t = crate::demo::DEFAULT_SEED)]
    pub seed: u64,
    /// Where the region is kept [default: sqlite:nayose-demo.db, made afresh]
    #[arg(long, value_name = "URL")]
    pub store: Option<String>,
    /// Where to serve; loopback only, since the demo is open to every caller
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub http: SocketAddr,
    /// Write `name=address` lines here once every listener is bound
    #[arg(long, value_name = "FILE")]
    pub address_file: Option<PathBuf>,
    /// Build the region and end; do not serve
    #[arg(long)]
    pub build_only: bool,
}

/// `serve`.
#[derive(Args, Clone, Debug)]
pub struct Serve {
    /// The configuration [default: nayose.toml in the working directory, else safe defaults]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Write `name=address` lines here once every listener is bound [default: server.address_file]
    #[arg(long, value_name = "FILE")]
    pub address_file: Option<PathBuf>,
    /// Serve a test with the domains of IHE's test tools, on loopback (`schema connectathon-config` prints how)
    #[arg(long, conflicts_with = "config")]
    pub connectathon: bool,
}

/// `check-config`.
#[derive(Args, Clone, Debug)]
pub struct CheckConfig {
    /// The configuration [default: nayose.toml in the working directory]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Report as one JSON document
    #[arg(long)]
    pub json: bool,
}

/// Which store a command works on.
#[derive(Args, Clone)]
pub struct StoreChoice {
    /// The store, `sqlite:FILE` or `postgres://user@host/database` [default: store.url of the configuration]
    #[arg(long, value_name = "URL", global = true)]
    pub store: Option<String>,
    /// The configuration [default: nayose.toml in the working directory, else safe defaults]
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// Report as one JSON document
    #[arg(long, global = true)]
    pub json: bool,
}

/// `review`.
#[derive(Args, Clone)]
pub struct Review {
    /// Which store.
    #[command(flatten)]
    pub store: StoreChoice,
    /// What to do.
    #[command(subcommand)]
    pub command: ReviewCommand,
}

/// What can be done with reviews.
#[derive(Subcommand, Clone)]
pub enum ReviewCommand {
    /// What waits for a decision
    List,
    /// One of them, side by side
    Show {
        /// The number that `list` shows
        id: i64,
    },
    /// Decide one
    Decide {
        /// The number that `list` shows
        id: i64,
        /// What is true.
        #[command(flatten)]
        choice: Choice,
        /// Why, for whoever reads the history
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
}

/// One of the two, and not both.
#[derive(Args, Clone, Copy, Debug, PartialEq, Eq)]
#[group(required = true, multiple = false)]
pub struct Choice {
    /// They are one person
    #[arg(long)]
    pub same: bool,
    /// They are two persons
    #[arg(long)]
    pub different: bool,
}

/// `outbox`.
#[derive(Args, Clone)]
pub struct Outbox {
    /// Which store.
    #[command(flatten)]
    pub store: StoreChoice,
    /// What to do.
    #[command(subcommand)]
    pub command: OutboxCommand,
}

/// What can be done with the outbox.
#[derive(Subcommand, Clone)]
pub enum OutboxCommand {
    /// How each subscriber stands, and which changes it would not take
    List,
    /// One change that a subscriber would not take
    Show {
        /// The number that `list` shows
        id: i64,
    },
    /// Let what a subscriber would not take be tried again
    Replay {
        /// The numbers that `list` shows
        #[arg(required_unless_present = "all")]
        id: Vec<i64>,
        /// All of them
        #[arg(long, conflicts_with = "id")]
        all: bool,
        /// Only what this subscriber would not take, by the key of its system
        #[arg(long, value_name = "SYSTEM")]
        subscriber: Option<String>,
    },
}

/// `verify`.
#[derive(Args, Clone)]
pub struct Verify {
    /// Which store.
    #[command(flatten)]
    pub store: StoreChoice,
}

/// How a file is kept secret.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub struct Secrecy {
    /// The key that encrypts the file; `nayose backup --new-key FILE` makes one
    #[arg(long, value_name = "FILE")]
    pub key_file: Option<PathBuf>,
    /// Do not encrypt: the file holds every patient, for whoever gets it
    #[arg(long, conflicts_with = "key_file")]
    pub plain: bool,
}

/// `backup`.
#[derive(Args, Clone)]
pub struct Backup {
    /// Which store.
    #[command(flatten)]
    pub store: StoreChoice,
    /// The file to make; one that is there is not overwritten
    #[arg(long, value_name = "FILE", required_unless_present_any = ["new_key", "begin", "done"])]
    pub to: Option<PathBuf>,
    /// How it is kept secret.
    #[command(flatten)]
    pub secrecy: Secrecy,
    /// Make a new key file and do nothing else; keep it apart from the backups, and a copy of it in a safe
    #[arg(long, value_name = "FILE", conflicts_with_all = ["to", "key_file", "plain"])]
    pub new_key: Option<PathBuf>,
    /// Another tool (pg_dump, a base backup) is going to make the backup: say how far the journal is now
    #[arg(long, conflicts_with_all = ["to", "key_file", "plain", "new_key"])]
    pub begin: bool,
    /// That backup is made and safe: from now on the journal needs not go back behind it
    #[arg(long, value_name = "PLACE", conflicts_with_all = ["to", "key_file", "plain", "new_key", "begin"])]
    pub done: Option<JournalPlace>,
}

/// `restore`.
#[derive(Args, Clone)]
pub struct Restore {
    /// Which store.
    #[command(flatten)]
    pub store: StoreChoice,
    /// A file of `backup` or `export`
    #[arg(value_name = "FILE")]
    pub from: PathBuf,
    /// The key that the file was encrypted with
    #[arg(long, value_name = "FILE")]
    pub key_file: Option<PathBuf>,
    /// The old store was stopped before and lost nothing since: go on issuing regional IDs where it stopped
    #[arg(long)]
    pub moved: bool,
}

/// `replay`.
#[derive(Args, Clone)]
pub struct Replay {
    /// Which store.
    #[command(flatten)]
    pub store: StoreChoice,
    /// The store whose journal is read; nothing is written there
    #[arg(long, value_name = "URL")]
    pub from: String,
}

/// `export`.
#[derive(Args, Clone)]
pub struct Export {
    /// Which store.
    #[command(flatten)]
    pub store: StoreChoice,
    /// The file to make; one that is there is not overwritten
    #[arg(long, value_name = "FILE")]
    pub to: PathBuf,
    /// How it is kept secret.
    #[command(flatten)]
    pub secrecy: Secrecy,
}

/// `doctor`.
#[derive(Args, Clone)]
pub struct Doctor {
    /// Which store.
    #[command(flatten)]
    pub store: StoreChoice,
}

/// `schema`.
#[derive(Args, Clone, Debug)]
pub struct Schema {
    /// What to print.
    #[command(subcommand)]
    pub document: Document,
}

/// What the binary carries.
#[derive(Subcommand, Clone, Debug)]
pub enum Document {
    /// The WSDL of a service
    Wsdl {
        /// Which service
        #[arg(value_enum)]
        service: ServiceName,
    },
    /// A configuration with every key and what it means
    ExampleConfig,
    /// The configuration of `serve --connectathon`
    ConnectathonConfig,
    /// The operators' interface as OpenAPI describes it
    Openapi,
}

/// A service that has a WSDL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ServiceName {
    /// The PIX Manager.
    Pix,
    /// The Patient Demographics Supplier.
    Pdq,
}
