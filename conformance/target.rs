//! Our own server in this process, on a store of its own and a port of its own, as a target of the cases.

use nayose::access::Policy;
use nayose::clock::Clock;
use nayose::conformance::Target;
use nayose::hl7v3::Strictness;
use nayose::identity::{DomainKey, Oid};
use nayose::matching::{Model, NamePolicy};
use nayose::registry::{
    DomainSettings, ForeignIdentifiers, Issue, Linking, Overlay, RegionalSettings, Registry, Settings,
};
use nayose::store::testing::Place;
use nayose::transactions::{self, Service};
use nayose::transport::{self, Running};
use std::collections::HashMap;
use std::sync::Arc;

const REGIONAL: &str = "2.999.1";
const DEVICE: &str = "2.999.1.900";
const SENDER: &str = "2.999.1.11.1";
const DOMAINS: [(&str, &str); 9] = [
    ("h01", "2.999.1.11"),
    ("h02", "2.999.1.12"),
    ("h03", "2.999.1.13"),
    ("h04", "2.999.1.14"),
    ("h05", "2.999.1.15"),
    ("h06", "2.999.1.16"),
    ("h07", "2.999.1.17"),
    ("c01", "2.999.1.21"),
    ("c02", "2.999.1.22"),
];

/// A server that stops, and a store that goes, when this is dropped.
pub struct Started {
    pub target: Target,
    _running: Running,
    _place: Place,
}

fn registry_settings() -> Settings {
    let domain = |(key, oid): &(&str, &str)| DomainSettings {
        key: DomainKey((*key).to_owned()),
        oid: Oid::parse(oid).expect("an OID"),
        namespace: key.to_uppercase(),
        name: format!("Facility {key}"),
        facility: key.to_uppercase(),
        one_identifier_per_person: false,
    };
    Settings {
        policy: Policy::Open,
        linking: Linking::Automatic,
        foreign_identifiers: ForeignIdentifiers::Hint,
        overlay: Overlay::Relink,
        audit_wait: false,
        names: NamePolicy::Similar,
        search_limit: 200,
        regional: RegionalSettings {
            oid: Oid::parse(REGIONAL).expect("an OID"),
            namespace: "HOSHIMI".to_owned(),
            prefix: String::new(),
            digits: 9,
            issue: Issue::OnFeed,
        },
        domains: DOMAINS.iter().map(domain).collect(),
        model: Model::japanese(),
    }
}

/// Starts a server with the domains of the cases.
pub fn start() -> Started {
    let clock = Clock::system();
    let place = Place::sqlite().expect("a folder for the store");
    let store = place.open(&clock).expect("a store");
    let registry = Registry::open(store, registry_settings(), clock).expect("a registry");
    let settings = transactions::Settings {
        device: DEVICE.to_owned(),
        time_zone: "Asia/Tokyo".to_owned(),
        processing_codes: vec!["P".to_owned()],
        strictness: Strictness::Lenient,
        devices: HashMap::new(),
    };
    let listeners =
        transport::Settings { http: Some("127.0.0.1:0".to_owned()), admin: None, ..transport::Settings::default() };
    let running = transport::spawn(listeners, Arc::new(Service::new(registry, settings))).expect("listeners");
    let address = running.address("http").expect("an address");
    let target = Target {
        pix: format!("http://{address}/pix"),
        pdq: format!("http://{address}/pdq"),
        regional: REGIONAL.to_owned(),
        device: DEVICE.to_owned(),
        sender: SENDER.to_owned(),
        mode: "open".to_owned(),
        domains: DOMAINS.iter().map(|(name, oid)| ((*name).to_owned(), (*oid).to_owned())).collect(),
    };
    Started { target, _running: running, _place: place }
}
