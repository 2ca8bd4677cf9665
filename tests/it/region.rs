//! The network that tests play in: its domains, and the registry's settings over them.
//!
//! Shared by the integration tests and the conformance tests. It must hold values only.

use nayose::access::Policy;
use nayose::identity::{DomainKey, Oid};
use nayose::matching::{Model, NamePolicy};
use nayose::registry::{DomainSettings, ForeignIdentifiers, Issue, Linking, Overlay, RegionalSettings, Settings};

pub const REGIONAL: &str = "2.999.1";
pub const DOMAINS: [(&str, &str); 9] = [
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

pub fn oid(text: &str) -> Oid {
    Oid::parse(text).expect("an OID")
}

/// A domain of the network.
pub fn domain(key: &str, text: &str) -> DomainSettings {
    DomainSettings {
        key: DomainKey(key.to_owned()),
        oid: oid(text),
        namespace: key.to_uppercase(),
        name: format!("Facility {key}"),
        facility: key.to_uppercase(),
        one_identifier_per_person: false,
    }
}

/// Open to every caller, linking by itself.
pub fn settings() -> Settings {
    Settings {
        policy: Policy::Open,
        linking: Linking::Automatic,
        foreign_identifiers: ForeignIdentifiers::Hint,
        overlay: Overlay::Relink,
        audit_wait: false,
        names: NamePolicy::Similar,
        search_limit: 200,
        search_kept_seconds: 600,
        regional: RegionalSettings {
            oid: oid(REGIONAL),
            namespace: "HOSHIMI".to_owned(),
            prefix: String::new(),
            digits: 9,
            issue: Issue::OnFeed,
        },
        domains: DOMAINS.iter().map(|(key, oid)| domain(key, oid)).collect(),
        model: Model::japanese(),
    }
}
