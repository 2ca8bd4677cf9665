//! `conformance`: plays the conformance cases against a server, ours or another.
//!
//! It must never judge by anything but what came over the wire.

use super::{Exit, Logging, complain, say};
use crate::clock::{Clock, hl7_timestamp};
use crate::config::{Configuration, ProcessingCode, Subscriber, System};
use crate::conformance::{About, Consumer, Ear, Exceptions, Options, Target};
use crate::demo::region;
use crate::identity::{DomainKey, Oid};
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
    /// Write a page for a customer, too: it stands alone, and prints well
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Play each case in other legal dresses of the same messages as well
    #[arg(long)]
    pub variants: bool,
    /// Only cases whose name holds this text; may be given more than once
    #[arg(long, value_name = "TEXT")]
    pub only: Vec<String>,
    /// Cases that are excused, each with its reason
    #[arg(long, value_name = "FILE")]
    pub exceptions: Option<PathBuf>,
    /// Report as one JSON document
    #[arg(long)]
    pub json: bool,
}

/// The device that the runner is as a consumer of our own server.
const CONSUMER: &str = "2.999.1.0.9";

pub(super) fn run(conformance: &Conformance, logging: Logging) -> Exit {
    logging.start_quietly();
    match &conformance.target {
        Some(target) if target.starts_with("http://") || target.starts_with("https://") => {
            play(conformance, &region_at(target.trim_end_matches('/')), None)
        }
        Some(file) => match Target::read(Path::new(file)) {
            Ok(target) => play(conformance, &target, None),
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
        Ok((running, dispatcher, ear)) => {
            let address = running.address("http").map(|address| format!("http://{address}")).unwrap_or_default();
            let consumer = Consumer { listen: ear.url(), device: CONSUMER.to_owned() };
            let target = Target { consumer: Some(consumer), ..region_at(&address) };
            let exit = play(conformance, &target, Some(Arc::new(ear)));
            drop(dispatcher);
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

fn own_server(folder: &Path) -> Result<(transport::Running, server::Dispatcher, Ear), String> {
    let ear = Ear::listen("127.0.0.1:0", CONSUMER)?;
    let mut settings = Configuration::default();
    settings.store.url = format!("sqlite:{}", folder.join("store.db").display());
    settings.server.http = "127.0.0.1:0".parse().ok();
    settings.server.admin = None;
    settings.domains = super::demo::domains();
    // The cases are written for a network in production, which serves no messages for training.
    settings.network.processing_codes = vec![ProcessingCode::Production];
    settings.systems.push(System {
        id: "viewer".to_owned(),
        device: Oid::parse(CONSUMER).ok(),
        v2: None,
        certificate: None,
        grants: Vec::new(),
    });
    settings.subscribers.push(Subscriber {
        domains: ["h01", "h02"].map(|domain| DomainKey(domain.to_owned())).to_vec(),
        ..Subscriber::of("viewer", &ear.url())
    });
    let registry = server::registry(&settings, Clock::system()).map_err(|why| why.to_string())?;
    let dispatcher = server::dispatcher(&registry, &settings).map_err(|why| why.to_string())?;
    let service = Arc::new(server::service(registry, &settings));
    let running = transport::spawn(server::transport_settings(&settings), service).map_err(|why| why.to_string())?;
    Ok((running, dispatcher, ear))
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
        consumer: None,
    }
}

/// Plays the cases and reports; [`Exit::Found`] where one failed.
fn play(conformance: &Conformance, target: &Target, ear: Option<Arc<Ear>>) -> Exit {
    let exceptions = match &conformance.exceptions {
        // One that is named must be there.
        Some(file) if !file.exists() => Err(format!("{}: no such file", file.display())),
        Some(file) => Exceptions::read(file),
        None => Ok(Exceptions::default()),
    };
    let exceptions = match exceptions {
        Ok(exceptions) => exceptions,
        Err(why) => {
            complain(&format!("conformance: {why}\n"));
            return Exit::Usage;
        }
    };
    let options = Options {
        ear,
        exceptions,
        variants: conformance.variants,
        only: conformance.only.clone(),
        ..Options::default()
    };
    let report = match crate::conformance::run(&conformance.cases, target, &options) {
        Ok(report) => report,
        Err(why) => {
            complain(&format!("conformance: {why}\n"));
            return Exit::Usage;
        }
    };
    let about = About {
        target: target.clone(),
        time: played_at(&Clock::system()),
        cases: conformance.cases.display().to_string(),
    };
    let written = [(&conformance.junit, report.junit()), (&conformance.html, report.html(&about))];
    for (file, text) in written.iter().filter_map(|(file, text)| file.as_ref().map(|file| (file, text))) {
        if let Err(why) = std::fs::write(file, text) {
            complain(&format!("conformance: {} cannot be written: {why}\n", file.display()));
            return Exit::Unavailable;
        }
    }
    say(&if conformance.json { report.json() } else { report.text() });
    if report.failures() == 0 { Exit::Done } else { Exit::Found }
}

/// The time of a run, to the minute, with its zone.
fn played_at(clock: &Clock) -> String {
    let stamp = hl7_timestamp(clock.micros(), "UTC");
    let part = |from: usize, to: usize| stamp.get(from..to).unwrap_or_default();
    format!("{}-{}-{} {}:{} UTC", part(0, 4), part(4, 6), part(6, 8), part(8, 10), part(10, 12))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_has_its_time() {
        assert_eq!(played_at(&Clock::fixed(0)), "1970-01-01 00:00 UTC");
    }
}
