//! The command line: what can be said to the binary, and which function does it.
//!
//! Reports go to standard output, everything else to standard error. A command must never end the
//! process itself: it returns an [`Exit`].

mod arguments;
mod backup;
mod check_config;
mod conformance;
mod demo;
mod doctor;
mod domain;
mod errand;
mod evaluate;
mod explain;
mod export;
mod import;
mod kept;
mod match_files;
mod outbox;
mod person;
mod replay;
mod reset;
mod restore;
mod review;
mod schema;
mod serve;
mod show;
mod standing;
mod steward;
mod train;
mod verify;
mod what_if;

pub use arguments::{
    Backup, Because, CheckConfig, Choice, Command, CommandLine, Day, Demo, Doctor, Document, Domain, DomainCommand,
    Explain, Export, LogLevel, Logging, Outbox, OutboxCommand, Person, PersonCommand, PersonSelector, Replay, Restore,
    Review, ReviewCommand, Schema, Secrecy, Serve, ServiceName, StoreChoice, System, SystemCommand, Verify,
};

pub use conformance::Conformance;

use crate::clock::Clock;
use crate::config::{Configuration, DEFAULT_FILE, LogFormat, Mistake};
use crate::logging;
use clap::Parser;
use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done,
    /// Done, and it found what a caller must look at: failed cases, differences, invalid records.
    Found,
    /// Wrong usage or configuration.
    Usage,
    /// The store or the network cannot be reached.
    Unavailable,
    /// A defect of ours.
    Defect,
}

impl Exit {
    /// The status of the process.
    pub fn status(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Found => 1,
            Exit::Usage => 2,
            Exit::Unavailable => 3,
            Exit::Defect => 70,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit.status())
    }
}

/// The variables of the environment.
pub type Environment = Vec<(String, String)>;

/// Reads the arguments and runs the command.
pub fn run(arguments: impl IntoIterator<Item = OsString>, environment: Environment) -> Exit {
    let line = match CommandLine::try_parse_from(arguments) {
        Ok(line) => line,
        Err(error) => {
            let error = without_values(error);
            // Help and version arrive here too; a reader that has gone away changes nothing.
            let _closed = error.print();
            return if error.use_stderr() { Exit::Usage } else { Exit::Done };
        }
    };
    let logging = line.logging;
    match line.command {
        Command::Demo(demo) => demo::run(&demo, logging),
        Command::Serve(serve) => serve::run(&serve, logging, environment),
        Command::CheckConfig(check) => check_config::run(&check, environment),
        Command::Review(review) => review::run(&review, logging, environment),
        Command::Person(person) => person::run(&person, logging, environment),
        Command::Domain(domain) => domain::run(&domain, logging, environment),
        Command::System(system) => domain::run_system(&system, logging, environment),
        Command::Explain(explain) => explain::run(&explain, logging, environment),
        Command::Doctor(doctor) => doctor::run(&doctor, logging, environment),
        Command::Outbox(outbox) => outbox::run(&outbox, logging, environment),
        Command::Verify(verify) => verify::run(&verify, logging, environment),
        Command::Backup(backup) => backup::run(&backup, logging, environment),
        Command::Restore(restore) => restore::run(&restore, logging, environment),
        Command::Replay(replay) => replay::run(&replay, logging, environment),
        Command::Export(export) => export::run(&export, logging, environment),
        Command::Conformance(conformance) => conformance::run(&conformance, logging),
        Command::Reset(reset) => reset::run(&reset, logging, environment),
        Command::MatchFiles(asked) => match_files::run(&asked),
        Command::Import(asked) => import::run(&asked, logging, environment),
        Command::Evaluate(asked) => evaluate::run(&asked, logging, environment),
        Command::Train(asked) => train::run(&asked, logging, environment),
        Command::WhatIf(asked) => what_if::run(&asked, logging, environment),
        Command::Schema(schema) => schema::run(&schema),
    }
}

/// The complaint without what was typed: it may be a patient's identifier, and others may read the terminal.
fn without_values(mut error: clap::Error) -> clap::Error {
    use clap::error::{ContextKind, ContextValue, ErrorKind};
    let hidden = || ContextValue::String("…".to_owned());
    for kind in [ContextKind::InvalidValue, ContextKind::InvalidSubcommand] {
        if error.get(kind).is_some() {
            error.insert(kind, hidden());
        }
    }
    let word = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(word)) if error.kind() == ErrorKind::UnknownArgument => word,
        _ => return error,
    };
    // An option that is not known is named; it holds no value.
    if !word.starts_with('-') {
        error.insert(ContextKind::InvalidArg, hidden());
    }
    error
}

impl Logging {
    /// Starts logging as the command line says, else as the configuration does.
    fn start(self, configured: LogFormat, level: log::LevelFilter) {
        let level = self.log_level.map_or(level, log::LevelFilter::from);
        logging::start(self.log.unwrap_or(configured), level, Clock::system());
    }

    /// Starts logging for a command that reports: only what is amiss.
    fn start_quietly(self) {
        self.start(LogFormat::Text, log::LevelFilter::Warn);
    }
}

impl StoreChoice {
    /// The configuration with `--store` laid over it; mistakes are said on standard error.
    fn configuration(&self, environment: Environment) -> Result<Configuration, Exit> {
        let mut environment = environment;
        if let Some(url) = &self.store {
            // The same check as for any other address, with the same words.
            environment.push(("NAYOSE_STORE__URL".to_owned(), url.clone()));
        }
        configuration(self.config.as_deref(), environment)
    }
}

/// The file that is meant: the one that is named, else `nayose.toml` here, else none.
fn configuration_file(named: Option<&Path>) -> Option<PathBuf> {
    match named {
        Some(path) => Some(path.to_owned()),
        None => Some(PathBuf::from(DEFAULT_FILE)).filter(|path| path.exists()),
    }
}

/// The configuration, or its mistakes said on standard error.
fn configuration(named: Option<&Path>, environment: Environment) -> Result<Configuration, Exit> {
    let file = configuration_file(named);
    Configuration::load(file.as_deref(), environment.into_iter()).map_err(|mistakes| {
        complain(&check_config::text(file.as_deref(), &mistakes));
        Exit::Usage
    })
}

/// Writes a report to standard output. A reader that has gone away is no defect.
fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    let _closed = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Writes a word to standard error.
fn complain(text: &str) {
    let _closed = std::io::stderr().lock().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests;
