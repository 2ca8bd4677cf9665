//! `serve`: the server, as the configuration says.
//!
//! Nothing must be bound or opened before the whole configuration is known to be right.

use super::schema::CONNECTATHON_CONFIGURATION;
use super::show::not_started;
use super::{
    Environment, Exit, Logging, Serve, StoreChoice, check_config, complain, configuration, configuration_file,
};
use crate::config::Configuration;
use crate::server;

/// What a newcomer is told who starts the server with nothing.
pub(super) const HOW_TO_BEGIN: &str = "There is no nayose.toml here, so safe defaults are used: loopback only, an embedded \
store (nayose.db), open to every caller, no domains.\n\
To begin:  nayose schema example-config > nayose.toml   then edit it, and   nayose check-config\n\
To look around first:  nayose demo\n";

pub(super) fn run(serve: &Serve, logging: Logging, environment: Environment) -> Exit {
    let settings = match serve.connectathon {
        true => preset(environment),
        false => configuration(serve.config.as_deref(), environment),
    };
    let mut settings = match settings {
        Ok(settings) => settings,
        Err(exit) => return exit,
    };
    if !serve.connectathon && configuration_file(serve.config.as_deref()).is_none() {
        complain(HOW_TO_BEGIN);
    }
    if serve.address_file.is_some() {
        settings.server.address_file.clone_from(&serve.address_file);
    }
    logging.start(settings.server.log, settings.server.log_level);
    for one in &settings.unserved {
        let line = one.line.map(|line| format!("line {line}: ")).unwrap_or_default();
        log::warn!("{line}{}: {}", one.key, one.what);
    }
    start(&settings)
}

/// Starts the server and returns when it has stopped.
fn start(settings: &Configuration) -> Exit {
    match server::serve(settings, |_| ()) {
        Ok(()) => Exit::Done,
        Err(error) => not_started("serve", &error),
    }
}

/// The preset for a connectathon, with the environment laid over it; whatever that says, it is a test.
fn preset(environment: Environment) -> Result<Configuration, Exit> {
    let read = Configuration::read(CONNECTATHON_CONFIGURATION, environment.into_iter());
    let mut settings = read.map_err(|mistakes| {
        complain(&check_config::text(None, &mistakes));
        Exit::Usage
    })?;
    settings.network.test = true;
    Ok(settings)
}

/// Likewise for a command about its store.
pub(super) fn connectathon(store: &StoreChoice, mut environment: Environment) -> Result<Configuration, Exit> {
    if let Some(url) = &store.store {
        environment.push(("NAYOSE_STORE__URL".to_owned(), url.clone()));
    }
    preset(environment)
}
