//! Our own servers in this process, each on a store and a port of its own, as targets of the cases.
//!
//! It must never change what a server does, except by settings that a configuration has too, and by damage to
//! a store.

use crate::region::{DOMAINS, REGIONAL, settings};
use nayose::access::{Grant, Permission, Policy, Principal};
use nayose::audit::Action;
use nayose::clock::Clock;
use nayose::config::{Configuration, Subscriber, System};
use nayose::conformance::{Consumer, Ear, Target};
use nayose::desk::Desk;
use nayose::hl7v3::Strictness;
use nayose::identity::{DomainKey, Oid};
use nayose::metrics::Metrics;
use nayose::registry::{Intake, Registry, Settings};
use nayose::server::{self, Dispatcher};
use nayose::store::testing::Place;
use nayose::transactions::{self, Endpoint, Peer, Refusal, Reply, Service};
use nayose::transport::{self, Handler, Running};
use nayose::xml::{Element, ExpandedName};
use std::collections::HashMap;
use std::sync::Arc;

pub const DEVICE: &str = "2.999.1.900";
pub const SENDER: &str = "2.999.1.11.1";
pub const CONSUMER: &str = "2.999.1.0.9";
pub const VIEWER: &str = "viewer";

/// Every way in which a server is set up for the cases.
pub const MODES: [&str; 7] = ["open", "registered", "strict", "limited", "full", "broken", "gone"];

/// Where registered access is in force: a device, its system, the domain it feeds, the domains it may ask and see.
const SYSTEMS: [(&str, &str, &str, &[&str]); 4] = [
    (SENDER, "h01-emr", "h01", &["h01", "c01", "regional"]),
    ("2.999.1.12.1", "h02-emr", "h02", &["h02", "regional"]),
    ("2.999.1.13.1", "h03-emr", "h03", &["h03"]),
    ("2.999.1.21.1", "c01-emr", "c01", &["c01", "regional"]),
];

/// A server that stops, and a store that goes, when this is dropped.
pub struct Started {
    pub target: Target,
    /// The consumer that is told of changes, where there is one.
    pub ear: Option<Arc<Ear>>,
    _dispatcher: Option<Dispatcher>,
    _running: Running,
    _place: Place,
}

/// The settings of `mode`, of the registry, of the transactions and of the listeners.
fn set_up(mode: &str) -> (Settings, transactions::Settings, transport::Settings) {
    let mut registry = settings();
    let mut network = network();
    let mut listeners =
        transport::Settings { http: Some("127.0.0.1:0".to_owned()), admin: None, ..transport::Settings::default() };
    match mode {
        "registered" => {
            registry.policy = registered();
            network.devices =
                SYSTEMS.iter().map(|(device, key, ..)| ((*device).to_owned(), (*key).to_owned())).collect();
        }
        "strict" => {
            network.strictness = Strictness::Strict;
            listeners.lenient = false;
        }
        "limited" => {
            registry.search_limit = 1;
            listeners.limits.bytes = 32 * 1024;
        }
        "full" => listeners.in_flight = 0,
        _ => {}
    }
    (registry, network, listeners)
}

/// What the profile is told of the network.
pub fn network() -> transactions::Settings {
    transactions::Settings {
        device: DEVICE.to_owned(),
        time_zone: "Asia/Tokyo".to_owned(),
        processing_codes: vec!["P".to_owned()],
        strictness: Strictness::Lenient,
        devices: HashMap::new(),
    }
}

fn registered() -> Policy {
    let grant = |domain: &str, may: &[Permission]| Grant {
        domain: Some(DomainKey(domain.to_owned())),
        may: may.iter().copied().collect(),
    };
    let feeding = [Permission::Assert, Permission::UpdateDemographics, Permission::Merge];
    let asking = [Permission::QueryFrom, Permission::See, Permission::Search];
    let grants = |(_, key, feeds, asks): &(&str, &str, &str, &[&str])| {
        let grants = std::iter::once(grant(feeds, &feeding)).chain(asks.iter().map(|domain| grant(domain, &asking)));
        ((*key).to_owned(), grants.collect())
    };
    // The consumer may see the second domain, and was not granted to be told of it.
    let told = vec![grant("h01", &[Permission::See, Permission::Notify]), grant("h02", &[Permission::See])];
    Policy::Registered(SYSTEMS.iter().map(grants).chain([(VIEWER.to_owned(), told)]).collect())
}

/// A service that does not end when its store has failed: the moment before it does, drawn out.
struct Lingering(Service);

impl Handler for Lingering {
    fn serves(&self, endpoint: Endpoint, root: &ExpandedName) -> bool {
        Handler::serves(&self.0, endpoint, root)
    }

    fn seems_a_feed(&self, endpoint: Endpoint, body: &[u8]) -> bool {
        Handler::seems_a_feed(&self.0, endpoint, body)
    }

    fn seems_brief(&self, endpoint: Endpoint, body: &[u8]) -> bool {
        Handler::seems_brief(&self.0, endpoint, body)
    }

    fn handle(&self, endpoint: Endpoint, payload: &Element, peer: &Peer) -> Result<Reply, Refusal> {
        Handler::handle(&self.0, endpoint, payload, peer)
    }

    fn is_ready(&self) -> bool {
        Handler::is_ready(&self.0)
    }

    fn metrics(&self) -> &Metrics {
        Handler::metrics(&self.0)
    }

    fn measure(&self) {
        Handler::measure(&self.0);
    }

    fn has_failed(&self) -> bool {
        false
    }

    fn desk(&self) -> Option<Desk> {
        Handler::desk(&self.0)
    }
}

/// Does the damage of `mode` to a store that is open.
fn damage(mode: &str, place: &Place, registry: &Registry) {
    match mode {
        // Records can be neither read nor written; messages still can.
        "broken" => place.damage("ALTER TABLE source_record RENAME TO elsewhere").expect("damage"),
        // The next commit fails, after which the store serves no more.
        "gone" => {
            place.plant_failing_commits(true).expect("damage");
            let clock = Clock::system();
            let intake = Intake {
                principal: Principal::unregistered(SENDER),
                transaction: "ITI-44",
                action: Action::Create,
                message_id: "1".to_owned(),
                payload_hash: String::new(),
                payload: Vec::new(),
                reply_id: clock.uuid().to_string(),
                received: clock.micros(),
            };
            assert!(registry.unusable(&intake).is_err(), "the store is damaged");
        }
        _ => {}
    }
}

/// Starts a server with the domains of the cases, set up as `mode`.
pub fn start(mode: &str) -> Started {
    let clock = Clock::system();
    let place = Place::sqlite().expect("a folder for the store");
    let store = place.open(&clock).expect("a store");
    let (rules, network, listeners) = set_up(mode);
    let registry = Registry::open(store, rules, clock).expect("a registry");
    let told = ["open", "registered"].contains(&mode).then(|| told(&registry));
    let (ear, dispatcher) = told.unzip();
    damage(mode, &place, &registry);
    let service = Service::new(registry, network);
    let running = match mode {
        "gone" => transport::spawn(listeners, Arc::new(Lingering(service))),
        _ => transport::spawn(listeners, Arc::new(service)),
    };
    let running = running.expect("listeners");
    let address = running.address("http").expect("an address");
    let mut target = target(&format!("http://{address}"), mode);
    target.consumer = ear.as_deref().map(consumer);
    Started { target, ear, _dispatcher: dispatcher, _running: running, _place: place }
}

/// The consumer that `ear` is.
pub fn consumer(ear: &Ear) -> Consumer {
    Consumer { listen: ear.url(), device: CONSUMER.to_owned() }
}

/// A consumer that is told of changes in two of the domains.
fn told(registry: &Registry) -> (Arc<Ear>, Dispatcher) {
    let ear = Ear::listen("127.0.0.1:0", CONSUMER).expect("a consumer");
    let oid = |text: &str| Oid::parse(text).expect("an OID");
    let mut settings = Configuration::default();
    settings.network.device = oid(DEVICE);
    settings.systems.push(System {
        id: VIEWER.to_owned(),
        device: Some(oid(CONSUMER)),
        v2: None,
        certificate: None,
        grants: Vec::new(),
    });
    let domains = ["h01", "h02"].map(|domain| DomainKey(domain.to_owned())).to_vec();
    settings.subscribers.push(Subscriber { domains, ..Subscriber::of(VIEWER, &ear.url()) });
    let dispatcher = server::dispatcher(registry, &settings).expect("a dispatcher");
    (Arc::new(ear), dispatcher)
}

/// A server of this network, at `address`.
pub fn target(address: &str, mode: &str) -> Target {
    Target {
        pix: format!("{address}/pix"),
        pdq: format!("{address}/pdq"),
        regional: REGIONAL.to_owned(),
        device: DEVICE.to_owned(),
        sender: SENDER.to_owned(),
        mode: mode.to_owned(),
        domains: DOMAINS.iter().map(|(name, oid)| ((*name).to_owned(), (*oid).to_owned())).collect(),
        consumer: None,
    }
}
