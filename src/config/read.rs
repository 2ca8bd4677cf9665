//! The tables that exist once: which keys they have, and what may stand there.
//!
//! One function for each table. A value that is wrong is noted and its default taken, so that reading
//! goes on; nothing of a configuration with a mistake must ever be used.

use super::parties;
use super::section::{Distinct, Findings, Place, Section, one_of};
use super::values::{
    Access, Audit, CheckDigit, FaultStatus, ForeignIdentifiers, Insurance, Linking, LogFormat, Matching, Model, Names,
    Network, Outbox, Overlay, Pdq, ProcessingCode, Regional, RegionalIdIssue, RegionalIdShape, Server, Store, Tls,
    V2Device,
};
use super::{Configuration, section};
use crate::identity::Oid;
use crate::store::is_store_address;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use toml::de::DeTable;

/// The sections whose scalars the environment can set.
pub(super) const SECTIONS: &[&str] = &["server", "store", "network", "access", "audit", "outbox", "matching", "pdq"];

pub(super) const OID_FORM: &str = "an ISO object identifier, such as \"2.999.1.11\"";

pub(super) fn configuration(root: &DeTable<'_>, findings: &Findings) -> Configuration {
    let root = Section::root(root, findings);
    let (server, listeners) = server(root.table("server"));
    let mut taken = parties::Taken::default();
    let network = network(root.table("network"), &mut taken);
    let store = store(root.table("store"));
    let access = access(root.table("access"), &listeners);
    let audit = audit(root.table("audit"));
    let outbox = outbox(root.table("outbox"));
    let matching = matching(root.table("matching"));
    let pdq = pdq(root.table("pdq"));
    let (domains, known_domains) = parties::domains(root.tables("domain"), &mut taken);
    let (systems, known_systems) = parties::systems(root.tables("system"), &known_domains);
    let subscribers = parties::subscribers(root.tables("subscriber"), &known_systems, &known_domains);
    root.finish();
    let unserved = findings.take_unserved();
    Configuration {
        server,
        store,
        network,
        access,
        audit,
        outbox,
        matching,
        pdq,
        domains,
        systems,
        subscribers,
        unserved,
    }
}

/// A listener that is reached from beyond this machine.
struct Beyond {
    key: &'static str,
    address: SocketAddr,
    place: Place,
}

fn server(section: Section<'_, '_>) -> (Server, Vec<Beyond>) {
    let usual = Server::default();
    let mut beyond = Vec::new();
    let allow_plain = section.flag("allow_plain").unwrap_or(usual.allow_plain);
    let mut listener = |key, plain: bool, usual| {
        let Some((address, place)) =
            section.parsed(key, "\"ADDRESS:PORT\", such as \"127.0.0.1:8080\", or \"off\"", address)
        else {
            return usual;
        };
        if let Some(address) = address.filter(|address| !address.ip().is_loopback()) {
            if plain && !allow_plain {
                let what = format!("{address} can be reached from beyond this machine without TLS");
                section.wrong(
                    Some(&place),
                    key,
                    what,
                    "a loopback address, such as \"127.0.0.1:8080\", or allow_plain = true",
                );
            }
            beyond.push(Beyond { key, address, place });
        }
        address
    };
    let http = listener("http", true, usual.http);
    let https = listener("https", false, usual.https);
    let mllp = listener("mllp", true, usual.mllp);
    let mllps = listener("mllps", false, usual.mllps);
    let admin = listener("admin", true, usual.admin);
    no_v2(&section, &[("mllp", mllp), ("mllps", mllps)]);
    let tls = tls(section.table("tls"));
    for (key, address) in [("https", https), ("mllps", mllps)] {
        if address.is_some() && !section.table("tls").is_present() {
            section.wrong(
                section.place(),
                key,
                "there is no certificate for it",
                "a table [server.tls] with certificate and key",
            );
        }
    }
    let formats = [("text", LogFormat::Text), ("json", LogFormat::Json)];
    let server = Server {
        http,
        https,
        mllp,
        mllps,
        admin,
        token_file: section.filled("token_file", "the path of a file").map(|(path, _)| PathBuf::from(path)),
        allow_plain,
        address_file: section.filled("address_file", "the path of a file").map(|(path, _)| PathBuf::from(path)),
        lenient: section.flag("lenient").unwrap_or(usual.lenient),
        fault_status: chosen(
            &section,
            "fault_status",
            &[("400", FaultStatus::BadRequest), ("500", FaultStatus::ServerError)],
            usual.fault_status,
        ),
        max_connections: section.number("max_connections", 16..=1_000_000).unwrap_or(usual.max_connections),
        max_connections_per_address: section
            .number("max_connections_per_address", 1..=1_000_000)
            .unwrap_or(usual.max_connections_per_address),
        max_requests: section.number("max_requests", 4..=100_000).unwrap_or(usual.max_requests),
        log: chosen(&section, "log", &formats, usual.log),
        log_level: chosen(&section, "log_level", &LEVELS, usual.log_level),
        tls,
    };
    section.finish();
    (server, beyond)
}

/// Listeners of HL7 v2 have no effect in this version.
fn no_v2(section: &Section<'_, '_>, listeners: &[(&'static str, Option<SocketAddr>)]) {
    for (key, _) in listeners.iter().filter(|(_, address)| address.is_some()) {
        let what = "this version does not serve HL7 v2 yet: nothing will listen here";
        section.unserved(section.value_place(key).as_ref(), key, what, "\"off\", and HL7 v3 by http or https");
    }
}

const LEVELS: [(&str, log::LevelFilter); 5] = [
    ("error", log::LevelFilter::Error),
    ("warn", log::LevelFilter::Warn),
    ("info", log::LevelFilter::Info),
    ("debug", log::LevelFilter::Debug),
    ("trace", log::LevelFilter::Trace),
];

/// `off`, `ADDRESS:PORT`, `localhost:PORT`, or `:PORT` for every interface.
fn address(text: &str) -> Option<Option<SocketAddr>> {
    if text == "off" {
        return Some(None);
    }
    let given = |host, port: &str| port.parse::<u16>().ok().map(|port| Some(SocketAddr::from((host, port))));
    match (text.strip_prefix(':'), text.strip_prefix("localhost:")) {
        (Some(port), _) => given(Ipv4Addr::UNSPECIFIED, port),
        (_, Some(port)) => given(Ipv4Addr::LOCALHOST, port),
        _ => text.parse().ok().map(Some),
    }
}

fn tls(section: Section<'_, '_>) -> Option<Tls> {
    if !section.is_present() {
        return None;
    }
    let path = |key| section.required(key, "the path of a PEM file").map(|(path, _)| PathBuf::from(path));
    let (certificate, key) = (path("certificate"), path("key"));
    let client_ca = section.filled("client_ca", "the path of a PEM file").map(|(path, _)| PathBuf::from(path));
    section.finish();
    Some(Tls { certificate: certificate?, key: key?, client_ca })
}

fn store(section: Section<'_, '_>) -> Store {
    let right = "\"sqlite:FILE\" or \"postgres://user@host/database\"";
    let url = section.text("url").filter(|(url, place)| {
        let understood = ["sqlite:", "postgres://", "postgresql://"]
            .iter()
            .any(|scheme| url.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()));
        if !understood {
            // The address is not repeated: it may hold a password.
            section.wrong(Some(place), "url", "this address names no store that is known", right);
        } else if !is_store_address(url) {
            let right = "options such as ?sslmode=verify-full&sslrootcert=FILE; sslmode is disable, prefer, require, \
                         verify-ca or verify-full";
            section.wrong(Some(place), "url", "this address or one of its options cannot be read", right);
        }
        understood
    });
    let usual = Store::default();
    let journal_days = journal_days(&section);
    let records_in_memory = section.number("records_in_memory", 0..=100_000_000).unwrap_or(usual.records_in_memory);
    let answers_in_memory = section.number("answers_in_memory", 0..=100_000_000).unwrap_or(usual.answers_in_memory);
    section.finish();
    Store { url: url.map_or(usual.url, |(url, _)| url), journal_days, records_in_memory, answers_in_memory }
}

/// Repeats are known for 30 days, by the journal.
fn journal_days(section: &Section<'_, '_>) -> Option<u32> {
    let days = section.number("journal_days", 0..=36_500)?;
    if (1..30).contains(&days) {
        section.wrong(section.place(), "journal_days", "repeats are known for 30 days", "0 (for ever), or 30 or more");
    }
    Some(days).filter(|days| *days > 0)
}

fn network(section: Section<'_, '_>, taken: &mut parties::Taken) -> Network {
    let usual = Network::default();
    let network = Network {
        name: section.filled("name", "the network's name").map_or(usual.name, |(name, _)| name),
        regional: regional(section.table("regional"), taken),
        test: section.flag("test").unwrap_or(usual.test),
        device: section.parsed("device", OID_FORM, oid).map_or(usual.device, |(device, _)| device),
        v2: v2_device(section.table("v2")),
        linking: chosen(
            &section,
            "linking",
            &[("automatic", Linking::Automatic), ("propose", Linking::Propose)],
            usual.linking,
        ),
        time_zone: section
            .parsed("time_zone", "a zone of the IANA database, such as \"Asia/Tokyo\"", |zone| {
                jiff::tz::TimeZone::get(zone).is_ok().then(|| zone.to_owned())
            })
            .map_or(usual.time_zone, |(zone, _)| zone),
        foreign_identifiers: chosen(
            &section,
            "foreign_identifiers",
            &[("hint", ForeignIdentifiers::Hint), ("refuse", ForeignIdentifiers::Refuse)],
            usual.foreign_identifiers,
        ),
        overlay: chosen(
            &section,
            "overlay",
            &[("relink", Overlay::Relink), ("quarantine", Overlay::Quarantine)],
            usual.overlay,
        ),
        processing_codes: processing_codes(&section).unwrap_or(usual.processing_codes),
        regional_id: regional_id(section.table("regional_id")),
    };
    section.finish();
    network
}

fn regional(section: Section<'_, '_>, taken: &mut parties::Taken) -> Regional {
    let usual = Regional::default();
    let (oid, namespace) = if section.is_present() {
        let oid = section.required("oid", OID_FORM).and_then(|_| section.parsed("oid", OID_FORM, oid));
        (oid, parties::namespace(&section))
    } else {
        (None, None)
    };
    let nowhere = section.place().cloned().unwrap_or(section::ENVIRONMENT);
    let (oid, place) = oid.unwrap_or((usual.oid, nowhere.clone()));
    taken.oids.note(&section, "oid", oid.as_str(), &place);
    let (namespace, place) = namespace.unwrap_or((usual.namespace, nowhere));
    taken.namespaces.note(&section, "namespace", &namespace, &place);
    section.finish();
    Regional { oid, namespace }
}

pub(super) fn v2_device(section: Section<'_, '_>) -> Option<V2Device> {
    if !section.is_present() {
        return None;
    }
    let application = section.required("application", "the application in MSH-3");
    let facility = section.required("facility", "the facility in MSH-4");
    section.finish();
    Some(V2Device { application: application?.0, facility: facility?.0 })
}

fn processing_codes(section: &Section<'_, '_>) -> Option<Vec<ProcessingCode>> {
    let right = one_of(ProcessingCode::CODES.iter().map(|(code, _)| *code));
    let texts = section.texts("processing_codes")?;
    if texts.is_empty() {
        section.wrong(
            section.place(),
            "processing_codes",
            "nothing would be served",
            format!("at least one of {right}"),
        );
    }
    let mut codes = Vec::new();
    let mut seen = Distinct::new("a code");
    for (text, place) in texts {
        match ProcessingCode::CODES.iter().find(|(code, _)| *code == text) {
            Some((_, code)) => {
                seen.note(section, "processing_codes", &text, &place);
                codes.push(*code);
            }
            None => {
                section.wrong(
                    Some(&place),
                    "processing_codes",
                    format!("\"{text}\" is not understood"),
                    right.as_str(),
                );
            }
        }
    }
    Some(codes)
}

fn regional_id(section: Section<'_, '_>) -> RegionalIdShape {
    let usual = RegionalIdShape::default();
    let plain = |text: &str| text.len() <= 8 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let shape = RegionalIdShape {
        issue: chosen(
            &section,
            "issue",
            &[("on_feed", RegionalIdIssue::OnFeed), ("on_registration", RegionalIdIssue::OnRegistration)],
            usual.issue,
        ),
        prefix: section
            .parsed("prefix", "at most 8 letters, digits and hyphens", |text| plain(text).then(|| text.to_owned()))
            .map_or(usual.prefix, |(prefix, _)| prefix),
        length: section.number("length", 6..=18).unwrap_or(usual.length),
        algorithm: chosen(&section, "algorithm", &[("mod11_10", CheckDigit::Mod11Comma10)], usual.algorithm),
    };
    section.finish();
    shape
}

fn access(section: Section<'_, '_>, beyond: &[Beyond]) -> Access {
    let mode = section.choice("mode", &[("open", Access::Open), ("registered", Access::Registered)]);
    let said = section.value_place("mode");
    let understood = mode.is_some() || said.is_none();
    let access = mode.map_or_else(Access::default, |(mode, _)| mode);
    if let (Access::Open, true, Some(listener)) = (access, understood, beyond.first()) {
        let what = format!("anybody who reaches server.{} = \"{}\" could feed and ask", listener.key, listener.address);
        let right = "mode = \"registered\" with a [[system]] for each caller, or listeners on loopback only";
        section.wrong(said.as_ref().or(Some(&listener.place)), "mode", what, right);
    }
    section.finish();
    access
}

fn audit(section: Section<'_, '_>) -> Audit {
    let wait = section.flag("wait").unwrap_or_default();
    section.finish();
    Audit { wait }
}

fn outbox(section: Section<'_, '_>) -> Outbox {
    let keep_days = section.number("keep_days", 1..=3650).unwrap_or(Outbox::default().keep_days);
    section.finish();
    Outbox { keep_days }
}

fn matching(section: Section<'_, '_>) -> Matching {
    let named = |key| {
        let said = section.parsed(key, "\"japanese\", \"western\" or the path of a model file", |text| match text {
            "japanese" => Some(Model::Japanese),
            "western" => Some(Model::Western),
            // A bare word is a misspelt model rather than a file.
            path if path.contains(['/', '.']) => Some(Model::File(PathBuf::from(path))),
            _ => None,
        });
        said.map(|(model, _)| model)
    };
    let (model, shadow) = (named("model"), named("shadow"));
    let insurance =
        chosen(&section, "insurance", &[("off", Insurance::Off), ("keyed_hash", Insurance::KeyedHash)], Insurance::Off);
    if insurance == Insurance::KeyedHash {
        let place = section.value_place("insurance");
        section.unserved(
            place.as_ref(),
            "insurance",
            "this version does not compare insurance numbers yet",
            "insurance = \"off\"",
        );
    }
    section.finish();
    Matching { model: model.unwrap_or_default(), shadow, insurance }
}

fn pdq(section: Section<'_, '_>) -> Pdq {
    let usual = Pdq::default();
    let names = [("similar", Names::Similar), ("prefix", Names::Prefix), ("exact", Names::Exact)];
    let pdq = Pdq {
        names: chosen(&section, "names", &names, usual.names),
        limit: section.number("limit", 1..=10_000).unwrap_or(usual.limit),
        keep_seconds: section.number("keep_seconds", 1..=86_400).unwrap_or(usual.keep_seconds),
    };
    section.finish();
    pdq
}

fn chosen<T: Copy>(section: &Section<'_, '_>, key: &'static str, words: &[(&str, T)], usual: T) -> T {
    section.choice(key, words).map_or(usual, |(value, _)| value)
}

pub(super) fn oid(text: &str) -> Option<Oid> {
    Oid::parse(text).ok()
}
