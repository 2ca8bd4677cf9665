//! `conformance`: plays the conformance cases against a server, ours or another.
//!
//! It must never judge by anything but what came over the wire.

use super::{Exit, Logging, complain, say};
use crate::clock::Clock;
use crate::config::{Configuration, ProcessingCode};
use crate::conformance::{Options, Target};
use crate::demo::region;
use crate::{server, transport};
use clap::Args;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// `conformance`.
#[derive(Args, Clone, Debug)]
pub struct Conformance {
    /// The server to play against: its address (http://HOST:PORT), or a file that describes it
    /// [default: a server of our own, started for the run]
    #[arg(long, value_name = "FILE-or-URL")]
    pub target: Option<String>,
    /// The folder with the cases
    #[arg(long, value_name = "DIR", default_value = "conformance")]
    pub cases: PathBuf,
    /// Write the result for a build server, too
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Report as one JSON document
    #[arg(long)]
    pub json: bool,
}

pub(super) fn run(conformance: &Conformance, logging: Logging) -> Exit {
    logging.start_quietly();
    match &conformance.target {
        Some(target) if target.starts_with("http://") || target.starts_with("https://") => {
            play(conformance, &region_at(target.trim_end_matches('/')))
        }
        Some(file) => match Target::read(Path::new(file)) {
            Ok(target) => play(conformance, &target),
            Err(why) => {
                complain(&format!("conformance: {file}: {why}\n"));
                Exit::Usage
            }
        },
        None => play_against_ourselves(conformance),
    }
}

/// Starts a server of the demo's region over a store that is gone afterwards.
fn play_against_ourselves(conformance: &Conformance) -> Exit {
    let folder = std::env::temp_dir().join(format!("nayose-conformance-{}", std::process::id()));
    if let Err(why) = std::fs::create_dir_all(&folder) {
        complain(&format!("conformance: no folder for a store: {why}\n"));
        return Exit::Unavailable;
    }
    let exit = match own_server(&folder) {
        Ok(running) => {
            let address = running.address("http").map(|address| format!("http://{address}")).unwrap_or_default();
            let exit = play(conformance, &region_at(&address));
            // A server that broke while it was played against shows in the cases.
            let _ = running.stop();
            exit
        }
        Err(why) => {
            complain(&format!("conformance: {why}\n"));
            Exit::Unavailable
        }
    };
    // What is left behind is in the folder for temporary files.
    let _ = std::fs::remove_dir_all(&folder);
    exit
}

fn own_server(folder: &Path) -> Result<transport::Running, String> {
    let mut settings = Configuration::default();
    settings.store.url = format!("sqlite:{}", folder.join("store.db").display());
    settings.server.http = "127.0.0.1:0".parse().ok();
    settings.server.admin = None;
    settings.domains = super::demo::domains();
    // The cases are written for a network in production, which serves no messages for training.
    settings.network.processing_codes = vec![ProcessingCode::Production];
    let registry = server::registry(&settings, Clock::system()).map_err(|why| why.to_string())?;
    let service = Arc::new(server::service(registry, &settings));
    transport::spawn(server::transport_settings(&settings), service).map_err(|why| why.to_string())
}

/// The demo's region, served at `address`.
fn region_at(address: &str) -> Target {
    let region = region();
    let domains: BTreeMap<String, String> = region
        .facilities
        .iter()
        .map(|facility| (facility.authority.key.0.clone(), facility.authority.oid.to_string()))
        .collect();
    Target {
        pix: format!("{address}/pix"),
        pdq: format!("{address}/pdq"),
        regional: region.regional.oid.to_string(),
        device: region.device.to_string(),
        sender: crate::demo::H01_DEVICE_OID.to_owned(),
        mode: "open".to_owned(),
        domains,
    }
}

/// Plays the cases and reports; [`Exit::Found`] where one failed.
fn play(conformance: &Conformance, target: &Target) -> Exit {
    let report = match crate::conformance::run(&conformance.cases, target, &Options::default()) {
        Ok(report) => report,
        Err(why) => {
            complain(&format!("conformance: {why}\n"));
            return Exit::Usage;
        }
    };
    if let Some(file) = &conformance.junit
        && let Err(why) = std::fs::write(file, report.junit())
    {
        complain(&format!("conformance: {} cannot be written: {why}\n", file.display()));
        return Exit::Unavailable;
    }
    say(&if conformance.json { report.json() } else { report.text() });
    if report.failures() == 0 { Exit::Done } else { Exit::Found }
}
