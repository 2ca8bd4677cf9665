//! `demo`: a synthetic region, served on loopback.
//!
//! It is open to every caller, so it must never be reached from beyond this machine.

use super::show::{failed, not_started};
use super::{Demo, Exit, Logging, complain, say};
use crate::access::Principal;
use crate::audit::Action;
use crate::clock::{Clock, hl7_timestamp};
use crate::config::{Configuration, Domain, LogFormat};
use crate::demo::{self, DemoRecord, Facility, SHOWCASE_H01_VALUE};
use crate::identity::PatientIdentifier;
use crate::registry::{Failure, FeedCommand, Intake, Registry};
use crate::server;
use crate::transport::Bound;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use sha2::{Digest, Sha256};
use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Where the region is kept unless told otherwise.
const STORE: &str = "sqlite:nayose-demo.db";

/// Feeds at once: they share the commits that each would else wait for alone.
const FEEDERS: usize = 16;

pub(super) fn run(demo: &Demo, logging: Logging) -> Exit {
    if !demo.http.ip().is_loopback() {
        complain(&format!(
            "demo: {} can be reached from beyond this machine, and the demo is open to every caller; \
             give a loopback address, such as 127.0.0.1:8080\n",
            demo.http
        ));
        return Exit::Usage;
    }
    logging.start(LogFormat::Text, log::LevelFilter::Warn);
    start(demo).unwrap_or_else(|exit| exit)
}

/// Builds the region and serves it until interrupted.
fn start(demo: &Demo) -> Result<Exit, Exit> {
    let settings = configuration(demo);
    if demo.store.is_none() {
        remove_old()?;
    }
    let registry = server::registry(&settings, Clock::system()).map_err(|error| not_started("demo", &error))?;
    let kept = registry.store().counts().map_err(|error| failed("demo", &error.into()))?;
    if kept.records > 0 {
        complain(&format!(
            "demo: the store holds {} records already, and the demo begins with none; name a fresh one\n",
            kept.records
        ));
        return Err(Exit::Usage);
    }
    let region = demo::Settings { people: usize::try_from(demo.people).unwrap_or(usize::MAX), seed: demo.seed };
    build(&registry, &region)?;
    if demo.build_only {
        return Ok(Exit::Done);
    }
    let regional = regional_value(&registry)?;
    let time = hl7_timestamp(registry.clock().micros(), &settings.network.time_zone);
    let announce = |bound: &[Bound]| {
        if let Some(http) = bound.iter().find(|bound| bound.name == "http") {
            say(&invitation(http.address, &regional, &time, &settings.store.url));
        }
    };
    match server::serve_over(registry, &settings, announce) {
        Ok(()) => Ok(Exit::Done),
        Err(error) => Err(not_started("demo", &error)),
    }
}

/// The region's configuration: the defaults are the example network, its facilities are the domains.
fn configuration(demo: &Demo) -> Configuration {
    let region = demo::region();
    let mut settings = Configuration::default();
    region.name.clone_into(&mut settings.network.name);
    settings.network.regional.oid = region.regional.oid;
    settings.network.regional.namespace = region.regional.namespace;
    settings.network.device = region.device;
    settings.domains = domains();
    settings.store.url = demo.store.clone().unwrap_or_else(|| STORE.to_owned());
    settings.server.http = Some(demo.http);
    // A demo beside a running server must not contend for its operators' port.
    settings.server.admin = None;
    settings.server.address_file.clone_from(&demo.address_file);
    settings
}

/// The facilities of the region as domains.
pub(super) fn domains() -> Vec<Domain> {
    demo::region().facilities.into_iter().map(domain).collect()
}

fn domain(facility: Facility) -> Domain {
    Domain {
        key: facility.authority.key,
        oid: facility.authority.oid,
        namespace: facility.authority.namespace,
        name: facility.authority.name,
        facility: facility.facility,
        one_identifier_per_person: false,
    }
}

/// Removes the last demo's store, unless a demo is still serving it.
fn remove_old() -> Result<(), Exit> {
    let path = STORE.trim_start_matches("sqlite:");
    if !Path::new(path).exists() {
        return Ok(());
    }
    if let Err(error @ crate::store::StoreError::Locked { .. }) = crate::store::Store::open(STORE, &Clock::system()) {
        complain(&format!("demo: {error}; end that demo first, or give this one a store with --store sqlite:FILE\n"));
        return Err(Exit::Unavailable);
    }
    for suffix in ["", "-wal", "-shm", "-lock"] {
        let file = format!("{path}{suffix}");
        if let Err(error) = std::fs::remove_file(&file)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            complain(&format!("demo: the last demo's {file} cannot be removed: {error}\n"));
            return Err(Exit::Unavailable);
        }
    }
    Ok(())
}

/// Feeds all records of the region and says what became of them.
fn build(registry: &Registry, region: &demo::Settings) -> Result<(), Exit> {
    let begin = registry.clock().micros();
    let bar = progress();
    let source = Mutex::new(demo::records(region));
    let (failure, refused) = (Mutex::new(None), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..FEEDERS {
            scope.spawn(|| {
                loop {
                    let next = source.lock().unwrap_or_else(PoisonError::into_inner).next();
                    let Some(record) = next else { break };
                    match feed(registry, record) {
                        Ok(true) => bar.inc(1),
                        Ok(false) => {
                            refused.fetch_add(1, Ordering::Relaxed);
                        }
                        Err(error) => {
                            failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                        }
                    }
                    if failure.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
                        break;
                    }
                }
            });
        }
    });
    bar.finish_and_clear();
    if let Some(error) = failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(failed("demo", &error));
    }
    let refused = refused.into_inner();
    if refused > 0 {
        complain(&format!("demo: {refused} records were refused; that is a defect of the demo\n"));
        return Err(Exit::Defect);
    }
    summarize(registry, region, begin)
}

fn summarize(registry: &Registry, region: &demo::Settings, begin: i64) -> Result<(), Exit> {
    let counts = registry.store().counts().map_err(|error| failed("demo", &error.into()))?;
    let micros = u64::try_from(registry.clock().micros() - begin).unwrap_or_default();
    let seconds = std::time::Duration::from_micros(micros).as_secs_f64();
    say(&format!(
        "{}: {} people, seed {}, everything invented\n\
         {} records, {} persons, {} links, {} reviews for a steward; built in {seconds:.1} s\n",
        demo::NETWORK_NAME,
        region.people,
        region.seed,
        counts.records,
        counts.persons,
        counts.links,
        counts.reviews_open
    ));
    Ok(())
}

fn progress() -> ProgressBar {
    let target =
        if std::io::stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let style = ProgressStyle::with_template("feeding {pos} records ({per_sec}) {spinner}");
    ProgressBar::with_draw_target(None, target).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Feeds one record as its facility would; whether it was accepted.
fn feed(registry: &Registry, record: DemoRecord) -> Result<bool, Failure> {
    let payload = format!("demo {} {}", record.domain, record.value).into_bytes();
    let clock = registry.clock();
    let intake = Intake {
        principal: Principal::operator(),
        transaction: "ITI-44",
        action: Action::Create,
        message_id: clock.uuid().to_string(),
        payload_hash: Sha256::digest(&payload).iter().map(|byte| format!("{byte:02x}")).collect(),
        payload,
        reply_id: clock.uuid().to_string(),
        received: clock.micros(),
    };
    let command = FeedCommand {
        identifiers: vec![PatientIdentifier { authority: record.oid, value: record.value }],
        other_identifiers: Vec::new(),
        demographics: record.demographics,
    };
    Ok(registry.feed(&intake, command)?.outcome.refusal.is_none())
}

/// The regional ID that the showcase woman got in this store.
fn regional_value(registry: &Registry) -> Result<String, Exit> {
    let h01 = demo::region().facility("h01").map(|facility| facility.authority.oid.clone());
    let identifier = h01.map(|authority| PatientIdentifier { authority, value: SHOWCASE_H01_VALUE.to_owned() });
    let view = identifier.map(|identifier| registry.person(&identifier)).transpose();
    let view = view.map_err(|failure| failed("demo", &failure))?.flatten();
    view.and_then(|view| view.regional).ok_or_else(|| {
        complain("demo: the person of the printed calls has no regional ID; that is a defect of the demo\n");
        Exit::Defect
    })
}

/// What stands on the screen while the demo serves: a script to paste, then where to look next.
fn invitation(address: SocketAddr, regional: &str, time: &str, store: &str) -> String {
    let mut text = format!("\nServing on http://{address} until Ctrl-C. Calls to paste into another terminal:\n\n");
    for (number, call) in (1..).zip(demo::calls(&address.to_string(), regional, time)) {
        text.push_str(&format!("# call {number}: {}\n{}\n", call.title, call.shell));
    }
    text.push_str(&format!(
        "# end of calls\n\n\
         The WSDL:  curl http://{address}/pix?wsdl   and   http://{address}/pdq?wsdl\n\
         Stop with Ctrl-C. After that, in the same folder:\n  \
         nayose review list --store {store}\n  \
         nayose person show --store {store} {regional}\n  \
         nayose person history --store {store} {regional}\n"
    ));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_printed_as_one_script() {
        let text = invitation("127.0.0.1:1".parse().unwrap(), "123", "20260401090000+0900", "sqlite:x.db");
        let calls: Vec<_> = text.lines().filter(|line| line.starts_with("# ")).collect();
        assert_eq!(calls.len(), 5);
        assert!(calls[0].starts_with("# call 1: "), "{}", calls[0]);
        assert_eq!(calls[4], "# end of calls");
    }

    #[test]
    fn what_is_built_is_the_region() {
        let folder = tempfile::tempdir().unwrap();
        let store = format!("sqlite:{}", folder.path().join("demo.db").display());
        let demo = Demo {
            people: 20,
            seed: 1,
            store: Some(store),
            http: "127.0.0.1:0".parse().unwrap(),
            address_file: None,
            build_only: true,
        };
        assert_eq!(run(&demo, Logging::default()), Exit::Done);
        let registry = server::registry(&configuration(&demo), Clock::system()).unwrap();
        let records = demo::records(&demo::Settings { people: 20, seed: 1 }).count();
        assert_eq!(usize::try_from(registry.store().counts().unwrap().records).unwrap(), records);
        assert!(regional_value(&registry).is_ok());
        drop(registry);
        // A second demo must not be laid over the first.
        assert_eq!(run(&demo, Logging::default()), Exit::Usage);
    }
}
