//! The values of a configuration, one type for each table, with their defaults.
//!
//! They hold nothing but what was configured, and they must never show a store's address in `Debug`,
//! since it may carry a password.

use crate::access::Grant;
use crate::identity::{AssigningAuthority, DomainKey, Oid};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

/// `[server]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// The plain listener; `"off"` is `None`.
    pub http: Option<SocketAddr>,
    /// The listener with mutual TLS; needs `[server.tls]`.
    pub https: Option<SocketAddr>,
    /// HL7 v2 without TLS.
    pub mllp: Option<SocketAddr>,
    /// HL7 v2 with TLS.
    pub mllps: Option<SocketAddr>,
    /// Metrics, health and the operators' interface.
    pub admin: Option<SocketAddr>,
    /// The bearer token of the operators' interface; none: beside an embedded store.
    pub token_file: Option<PathBuf>,
    /// Whether listeners without TLS may be reached from beyond this machine.
    pub allow_plain: bool,
    /// Where `name=address` lines are written once every listener is bound.
    pub address_file: Option<PathBuf>,
    /// Whether to forgive what real peers get wrong.
    pub lenient: bool,
    /// The HTTP status of a fault that is the sender's.
    pub fault_status: FaultStatus,
    /// Most connections at once.
    pub max_connections: u32,
    /// Most connections of one address at once.
    pub max_connections_per_address: u32,
    /// Most requests in work or waiting for it; a quarter of them is kept for feeds.
    pub max_requests: u32,
    /// How log lines look.
    pub log: LogFormat,
    /// The least important level that is logged.
    pub log_level: log::LevelFilter,
    /// `[server.tls]`.
    pub tls: Option<Tls>,
}

impl Default for Server {
    fn default() -> Self {
        let loopback = |port| Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        Self {
            http: loopback(8080),
            https: None,
            mllp: None,
            mllps: None,
            admin: loopback(9464),
            token_file: None,
            allow_plain: false,
            address_file: None,
            lenient: true,
            fault_status: FaultStatus::default(),
            max_connections: 12_288,
            max_connections_per_address: 4_096,
            max_requests: 256,
            log: LogFormat::default(),
            log_level: log::LevelFilter::Info,
            tls: None,
        }
    }
}

/// The HTTP status of a sender's fault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FaultStatus {
    /// 400, as SOAP 1.2 wants it.
    #[default]
    BadRequest,
    /// 500, for peers that read no fault behind 400.
    ServerError,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// One line for people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// `[server.tls]`: PEM files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// Our certificate and its intermediates.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// The authorities whose client certificates are accepted.
    pub client_ca: Option<PathBuf>,
}

/// `[store]`.
#[derive(Clone, PartialEq, Eq)]
pub struct Store {
    /// `sqlite:FILE` or `postgres://user@host/database`.
    pub url: String,
    /// How long messages are kept that the last snapshot holds; none: for ever.
    pub journal_days: Option<u32>,
    /// Of how many records at most what decisions read is kept in memory, about a kilobyte each; 0 for none. PostgreSQL
    /// keeps none: another process may write there.
    pub records_in_memory: u32,
    /// Of how many records at most what questions look up is kept in memory, likewise: about two kilobytes each.
    pub answers_in_memory: u32,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            url: "sqlite:nayose.db".to_owned(),
            journal_days: None,
            records_in_memory: 1_500_000,
            answers_in_memory: 1_500_000,
        }
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Store({}:…)", self.url.split(':').next().unwrap_or_default())
    }
}

/// `[network]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// The network's name, for people.
    pub name: String,
    /// The authority under which persons get their regional ID.
    pub regional: Regional,
    /// Whether it is a test, so that its store may be emptied.
    pub test: bool,
    /// Our own device in v3 messages.
    pub device: Oid,
    /// Our own application and facility in v2 messages.
    pub v2: Option<V2Device>,
    /// What happens above the match threshold.
    pub linking: Linking,
    /// An IANA time zone, known to exist.
    pub time_zone: String,
    /// What happens to identifiers that the sender may not assert.
    pub foreign_identifiers: ForeignIdentifiers,
    /// What happens when an identifier suddenly is another person.
    pub overlay: Overlay,
    /// The processing codes that are served.
    pub processing_codes: Vec<ProcessingCode>,
    /// `[network.regional_id]`.
    pub regional_id: RegionalIdShape,
}

impl Default for Network {
    fn default() -> Self {
        Self {
            name: "Hoshimi Net".to_owned(),
            regional: Regional::default(),
            test: false,
            device: example_arc("2.999.1.0"),
            v2: None,
            linking: Linking::default(),
            time_zone: "Asia/Tokyo".to_owned(),
            foreign_identifiers: ForeignIdentifiers::default(),
            overlay: Overlay::default(),
            processing_codes: vec![ProcessingCode::Production, ProcessingCode::Training, ProcessingCode::Debugging],
            regional_id: RegionalIdShape::default(),
        }
    }
}

/// `network.regional`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Regional {
    /// Its OID.
    pub oid: Oid,
    /// Its namespace.
    pub namespace: String,
}

impl Default for Regional {
    fn default() -> Self {
        Self { oid: example_arc("2.999.1"), namespace: "HOSHIMI".to_owned() }
    }
}

/// The defaults lie under `2.999`, the arc that is reserved for examples.
fn example_arc(text: &str) -> Oid {
    #[expect(clippy::expect_used, reason = "called with literals only, each covered by a test of the defaults")]
    Oid::parse(text).expect("a literal OID")
}

/// Whether the registry links by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Linking {
    /// Above the threshold.
    #[default]
    Automatic,
    /// A steward decides every link.
    Propose,
}

/// What becomes of an identifier that the sender may not assert.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ForeignIdentifiers {
    /// Evidence for matching, never answered.
    #[default]
    Hint,
    /// The message is refused.
    Refuse,
}

/// What becomes of a suspected overlay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overlay {
    /// The decision is made anew.
    #[default]
    Relink,
    /// The identifier is not answered until a steward decides.
    Quarantine,
}

/// A processing code of HL7 (v3 `processingCode`, v2 MSH-11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProcessingCode {
    /// `P`.
    Production,
    /// `T`.
    Training,
    /// `D`.
    Debugging,
}

impl ProcessingCode {
    /// All of them with their codes.
    pub const CODES: [(&'static str, ProcessingCode); 3] =
        [("P", ProcessingCode::Production), ("T", ProcessingCode::Training), ("D", ProcessingCode::Debugging)];

    /// The code on the wire.
    pub fn code(self) -> &'static str {
        match self {
            ProcessingCode::Production => "P",
            ProcessingCode::Training => "T",
            ProcessingCode::Debugging => "D",
        }
    }
}

/// `[network.regional_id]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegionalIdShape {
    /// When it is issued.
    pub issue: RegionalIdIssue,
    /// What stands before the digits.
    pub prefix: String,
    /// How many digits, the check digit among them.
    pub length: u32,
    /// How the check digit is computed.
    pub algorithm: CheckDigit,
}

impl Default for RegionalIdShape {
    fn default() -> Self {
        Self { issue: RegionalIdIssue::OnFeed, prefix: String::new(), length: 10, algorithm: CheckDigit::Mod11Comma10 }
    }
}

/// When a person gets a regional ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegionalIdIssue {
    /// With the first visible link.
    OnFeed,
    /// When the person is registered with the network.
    OnRegistration,
}

/// How a check digit is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckDigit {
    /// ISO/IEC 7064 MOD 11,10.
    Mod11Comma10,
}

/// `[access] mode`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// Trials: any caller may feed and ask.
    #[default]
    Open,
    /// Only configured systems.
    Registered,
}

/// `[audit]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// Whether the answer to a query waits until its audit row is committed.
    pub wait: bool,
}

/// `[outbox]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outbox {
    /// For how many days a change is kept of which everybody was told.
    pub keep_days: u32,
}

impl Default for Outbox {
    fn default() -> Self {
        Self { keep_days: 30 }
    }
}

/// `[matching]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matching {
    /// The model.
    pub model: Model,
    /// A model that decides beside it, of which nothing comes.
    pub shadow: Option<Model>,
    /// Whether insurance numbers are compared.
    pub insurance: Insurance,
}

/// Which model decides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Model {
    /// The built-in one for Japanese records.
    #[default]
    Japanese,
    /// The built-in one for western records.
    Western,
    /// A file.
    File(PathBuf),
}

/// Whether insurance numbers are compared (their use is legally restricted in Japan).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Insurance {
    /// Not at all.
    #[default]
    Off,
    /// As keyed hashes.
    KeyedHash,
}

/// `[pdq]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pdq {
    /// How names are sought.
    pub names: Names,
    /// The most results that are given; more is refused with advice.
    pub limit: u32,
    /// For how many seconds further pages of an answer can be asked for.
    pub keep_seconds: u32,
}

impl Default for Pdq {
    fn default() -> Self {
        Self { names: Names::default(), limit: 200, keep_seconds: 600 }
    }
}

/// How names are sought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Names {
    /// Equal after normalisation, then close or alike in sound.
    #[default]
    Similar,
    /// By their beginning.
    Prefix,
    /// Equal after normalisation.
    Exact,
}

/// `[[domain]]`: an assigning authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domain {
    /// The key that stays.
    pub key: DomainKey,
    /// Its OID.
    pub oid: Oid,
    /// Its namespace.
    pub namespace: String,
    /// Its name, for people.
    pub name: String,
    /// The facility that assigns; the namespace where none is named.
    pub facility: String,
    /// Whether the source promises one identifier for each of its patients.
    pub one_identifier_per_person: bool,
}

impl Domain {
    /// As the wires show it.
    pub fn authority(&self) -> AssigningAuthority {
        AssigningAuthority {
            key: self.key.clone(),
            oid: self.oid.clone(),
            namespace: self.namespace.clone(),
            name: self.name.clone(),
        }
    }
}

/// `[[system]]`: a connected system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct System {
    /// Its key.
    pub id: String,
    /// Its device in v3 messages.
    pub device: Option<Oid>,
    /// Its application and facility in v2 messages.
    pub v2: Option<V2Device>,
    /// The SHA-256 fingerprint of its client certificate: 64 hexadecimal digits in lower case.
    pub certificate: Option<String>,
    /// What it may do.
    pub grants: Vec<Grant>,
}

/// A device as HL7 v2 names it (MSH-3 and MSH-4).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct V2Device {
    /// MSH-3.
    pub application: String,
    /// MSH-4.
    pub facility: String,
}

/// `[[subscriber]]`: told of every change of a cross-reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscriber {
    /// The key of a connected system.
    pub system: String,
    /// Where it listens.
    pub url: String,
    /// What it is told about; of everything where empty.
    pub domains: Vec<DomainKey>,
    /// As what it listens.
    pub kind: SubscriberKind,
    /// Whether it is told first of all that there is, when it is new.
    pub snapshot: bool,
    /// PEM file: the authorities that may vouch for it.
    pub ca: Option<PathBuf>,
    /// PEM files: the certificate that is shown to it, and its private key.
    pub certificate: Option<(PathBuf, PathBuf)>,
}

impl Subscriber {
    /// The system `system` at `url`, told of everything that it may see.
    pub fn of(system: &str, url: &str) -> Self {
        Self {
            system: system.to_owned(),
            url: url.to_owned(),
            domains: Vec::new(),
            kind: SubscriberKind::default(),
            snapshot: false,
            ca: None,
            certificate: None,
        }
    }
}

/// As what a subscriber listens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SubscriberKind {
    /// A Patient Identifier Cross-reference Consumer: ITI-46.
    #[default]
    Consumer,
    /// A document registry: ITI-44 for the regional authority.
    Registry,
}
