//! Composition root: a configuration becomes a store, a registry, the service and its listeners.
//!
//! It must never decide anything about a patient, and it reads no configuration file by itself.

mod counter;
mod dispatch;
mod keeper;
mod office;
mod refiler;
mod subscriber;

pub use counter::Counter;
pub use dispatch::{Dispatcher, Sink};
pub use keeper::Keeper;
pub use office::{office, token_file};
pub use refiler::Refiler;
pub use subscriber::dispatcher;

use crate::access::Policy;
use crate::clock::Clock;
use crate::config::{self, Configuration};
use crate::hl7v3::Strictness;
use crate::matching::{Model, NamePolicy};
use crate::registry::{self, DomainSettings, Failure, RegionalSettings, Registry};
use crate::store::{Store, StoreError};
use crate::transactions::{self, Service};
use crate::transport::{self, Bound, ListenError, TlsListener};
use std::sync::Arc;
use std::time::Duration;

/// Why there is no server.
#[derive(Debug)]
pub enum StartError {
    /// Something that the configuration names cannot be used.
    Configuration(String),
    /// The store cannot be opened.
    Store(StoreError),
    /// The registry cannot be made over the store.
    Registry(Failure),
    /// The listeners could not be started, or broke.
    Listen(ListenError),
    /// It served, until the store failed for good.
    Failed(StoreError),
    /// The process may open only so many files.
    Descriptors(u64),
}

impl StartError {
    /// Whether the configuration must change before another try can succeed.
    pub fn is_configuration(&self) -> bool {
        match self {
            StartError::Configuration(_) | StartError::Descriptors(_) => true,
            StartError::Failed(_) => false,
            StartError::Store(error) => matches!(error, StoreError::TooNew),
            StartError::Registry(failure) => matches!(failure, Failure::Store(StoreError::Conflict(_))),
            StartError::Listen(error) => {
                matches!(error, ListenError::Nothing | ListenError::Plain { .. } | ListenError::Tls(_))
            }
        }
    }
}

impl std::fmt::Display for StartError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            StartError::Configuration(what) => f.write_str(what),
            StartError::Store(error @ StoreError::Locked { .. }) => {
                write!(f, "{error}; stop that server first, or use PostgreSQL, which several processes may share")
            }
            StartError::Store(error @ StoreError::Unavailable(_)) => write!(
                f,
                "{error}; store.url must name a file in a folder that can be written, or a database that runs"
            ),
            StartError::Store(error) => error.fmt(f),
            StartError::Registry(Failure::Store(error @ StoreError::Conflict(_))) => write!(
                f,
                "{error}; the domains of the configuration must not take an OID or namespace that the store \
                 keeps for another domain"
            ),
            StartError::Registry(failure) => {
                write!(f, "the registry cannot start: {failure}")?;
                std::error::Error::source(failure).map_or(Ok(()), |cause| write!(f, ": {cause}"))
            }
            StartError::Listen(error @ ListenError::Address { .. }) => {
                write!(f, "{error}; give an address of this machine whose port is free")
            }
            StartError::Listen(error) => error.fmt(f),
            StartError::Failed(error) => write!(f, "the server stopped: {error}"),
            StartError::Descriptors(limit) => write!(
                f,
                "this process may open {limit} files, and a server needs {LEAST_DESCRIPTORS} besides one for each \
                 connection: raise the limit (LimitNOFILE= of systemd, ulimit -n)"
            ),
        }
    }
}

impl std::error::Error for StartError {}

impl From<ListenError> for StartError {
    fn from(error: ListenError) -> Self {
        StartError::Listen(error)
    }
}

/// Opens the store that `settings` name and the registry over it.
pub fn registry(settings: &Configuration, clock: Clock) -> Result<Registry, StartError> {
    // What can be wrong with the configuration comes before anything is opened.
    let rules = rules_of(settings)?;
    let shadow = settings.matching.shadow.as_ref().map(|choice| model(choice, "matching.shadow")).transpose()?;
    let store = Store::open(&settings.store.url, &clock).map_err(StartError::Store)?;
    let registry = Registry::open(store, rules, clock).map_err(StartError::Registry)?;
    registry.shadow(shadow).map_err(StartError::Registry)?;
    Ok(registry)
}

/// The rules of the network that `settings` describe; nothing is opened but a model file.
pub fn rules_of(settings: &Configuration) -> Result<registry::Settings, StartError> {
    rules(settings, model(&settings.matching.model, "matching.model")?)
}

/// The registry over the store that `settings` name, for somebody who only looks while another process has it open.
pub fn onlooker(settings: &Configuration, clock: Clock) -> Result<Registry, StartError> {
    let model = model(&settings.matching.model, "matching.model")?;
    let store = Store::look(&settings.store.url, &clock).map_err(StartError::Store)?;
    Registry::look(store, rules(settings, model)?, clock).map_err(StartError::Registry)
}

/// The transactions over `registry`.
pub fn service(registry: Registry, settings: &Configuration) -> Service {
    let devices = settings
        .systems
        .iter()
        .filter_map(|system| system.device.as_ref().map(|device| (device.as_str().to_owned(), system.id.clone())))
        .collect();
    let network = &settings.network;
    let of_network = transactions::Settings {
        device: network.device.as_str().to_owned(),
        time_zone: network.time_zone.clone(),
        processing_codes: network.processing_codes.iter().map(|code| code.code().to_owned()).collect(),
        strictness: if settings.server.lenient { Strictness::Lenient } else { Strictness::Strict },
        devices,
    };
    Service::new(registry, of_network)
}

/// What the listeners are told.
pub fn transport_settings(settings: &Configuration) -> transport::Settings {
    let server = &settings.server;
    let systems = settings
        .systems
        .iter()
        .filter_map(|system| system.certificate.as_ref().map(|print| (print.clone(), system.id.clone())))
        .collect();
    let https = server.https.zip(server.tls.as_ref()).map(|(address, tls)| TlsListener {
        address: address.to_string(),
        certificate: tls.certificate.clone(),
        key: tls.key.clone(),
        client_ca: tls.client_ca.clone(),
        systems,
    });
    // A question to SQLite takes a core; one to PostgreSQL mostly waits for it.
    let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let questions_at_once = if settings.store.url.starts_with("sqlite:") { cores * 4 } else { 16.max(cores * 4) };
    transport::Settings {
        questions_at_once,
        http: server.http.map(|address| address.to_string()),
        https,
        admin: server.admin.map(|address| address.to_string()),
        allow_plain: server.allow_plain,
        address_file: server.address_file.clone(),
        lenient: server.lenient,
        fault_status: match server.fault_status {
            config::FaultStatus::BadRequest => transport::FaultStatus::BadRequest,
            config::FaultStatus::ServerError => transport::FaultStatus::ServerError,
        },
        connections: places(server.max_connections),
        connections_of_one: places(server.max_connections_per_address),
        in_flight: places(server.max_requests),
        questions: places(server.max_requests - server.max_requests / 4),
        ..transport::Settings::default()
    }
}

fn places(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// Serves as `settings` say until SIGTERM or SIGINT, or with an error when the store fails for good; `announce` learns where the listeners are.
pub fn serve(settings: &Configuration, announce: impl FnOnce(&[Bound])) -> Result<(), StartError> {
    // First of all: what has no descriptors fails in ways that nobody can read.
    descriptors(settings)?;
    let registry = registry(settings, Clock::system())?;
    over(registry, settings, announce)
}

/// As [`serve`], over a registry that is open already.
pub fn serve_over(
    registry: Registry,
    settings: &Configuration,
    announce: impl FnOnce(&[Bound]),
) -> Result<(), StartError> {
    descriptors(settings)?;
    over(registry, settings, announce)
}

fn over(registry: Registry, settings: &Configuration, announce: impl FnOnce(&[Bound])) -> Result<(), StartError> {
    if !registry.is_for(settings.network.test).map_err(StartError::Registry)? {
        return Err(StartError::Configuration(of_another_kind(settings.network.test)));
    }
    let most = |records: u32| usize::try_from(records).unwrap_or(usize::MAX);
    registry.store().keep_in_memory(most(settings.store.records_in_memory));
    registry.store().answer_from_memory(most(settings.store.answers_in_memory));
    let service = Arc::new(service(registry.clone(), settings));
    let dispatcher = dispatcher(&registry, settings)?;
    let keeper = keeper(&registry, settings)?;
    let refiler = Refiler::start(&registry).map_err(|error| StartError::Listen(ListenError::Server(error)))?;
    let counter = Counter::start(&registry).map_err(|error| StartError::Listen(ListenError::Server(error)))?;
    let listening = transport::Settings { token: office::token(settings)?, ..transport_settings(settings) };
    let mut note = None;
    let served = transport::run(listening, service, |bound| {
        note = Some(office::Note::leave(settings, bound));
        announce(bound);
    });
    drop((dispatcher, keeper, refiler, counter, note));
    // Audit rows of the last questions must be durable even if a listener broke.
    let flushed = registry.store().flush_audit();
    served?;
    match registry.store().poisoned() {
        Some(why) => Err(StartError::Failed(StoreError::Unavailable(why))),
        None => {
            flushed.map_err(StartError::Failed)?;
            log::info!("stopped; all that was acknowledged is in the store");
            Ok(())
        }
    }
}

/// What is wrong where a store is not what `test` says.
fn of_another_kind(test: bool) -> String {
    let (is, other) = if test { ("in production", "true") } else { ("for tests", "false") };
    format!("network.test: this store is of a network {is}, and the configuration says {other}; right: another store")
}

/// Descriptors that are not connections of peers: the store, its readers, listeners, logs.
const OTHER_DESCRIPTORS: u64 = 256;

/// Below this a server does not start: runtime, listeners, and the store with a reader or two.
const LEAST_DESCRIPTORS: u64 = 64;

/// How many files this process may have open, when the limit is raised as far as it may be; none where it is not
/// known. Systems begin with 1,024 for the sake of old programs.
pub fn raised_descriptors() -> Option<u64> {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        limit.current = limit.maximum;
        setrlimit(Resource::Nofile, limit).ok()?;
    }
    Some(getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX))
}

/// How many descriptors a server of these `settings` may need.
pub fn descriptors_needed(settings: &Configuration) -> u64 {
    u64::from(settings.server.max_connections) + OTHER_DESCRIPTORS
}

/// Raises the limit; too few to start is an error, too few for all connections a warning.
fn descriptors(settings: &Configuration) -> Result<(), StartError> {
    let needed = descriptors_needed(settings);
    match raised_descriptors() {
        Some(limit) if limit < LEAST_DESCRIPTORS => Err(StartError::Descriptors(limit)),
        Some(limit) if limit < needed => {
            log::warn!(
                "this process may open {limit} files, and server.max_connections = {} may need {needed}: raise the \
                 limit (LimitNOFILE= of systemd) or lower max_connections",
                settings.server.max_connections
            );
            Ok(())
        }
        _ => Ok(()),
    }
}

/// What drops old messages from the journal; none where it is kept for ever.
fn keeper(registry: &Registry, settings: &Configuration) -> Result<Option<Keeper>, StartError> {
    let days = |days| Duration::from_secs(u64::from(days) * 24 * 60 * 60);
    let keeper = settings.store.journal_days.map(|kept| Keeper::start(registry, days(kept))).transpose();
    keeper.map_err(|error| StartError::Listen(ListenError::Server(error)))
}

fn model(choice: &config::Model, key: &str) -> Result<Model, StartError> {
    let wrong = |path: &std::path::Path, why: &dyn std::fmt::Display| {
        StartError::Configuration(format!(
            "{key}: {}: {why}; right: \"japanese\", \"western\", or a model file that can be read",
            path.display()
        ))
    };
    match choice {
        config::Model::Japanese => Ok(Model::japanese()),
        config::Model::Western => Ok(Model::western()),
        config::Model::File(path) => {
            let text = std::fs::read_to_string(path).map_err(|error| wrong(path, &error))?;
            Model::from_toml(&text).map_err(|error| wrong(path, &error))
        }
    }
}

fn rules(settings: &Configuration, model: Model) -> Result<registry::Settings, StartError> {
    let network = &settings.network;
    let policy: Policy = settings.policy();
    Ok(registry::Settings {
        policy,
        linking: match network.linking {
            config::Linking::Automatic => registry::Linking::Automatic,
            config::Linking::Propose => registry::Linking::Propose,
        },
        foreign_identifiers: match network.foreign_identifiers {
            config::ForeignIdentifiers::Hint => registry::ForeignIdentifiers::Hint,
            config::ForeignIdentifiers::Refuse => registry::ForeignIdentifiers::Refuse,
        },
        overlay: match network.overlay {
            config::Overlay::Relink => registry::Overlay::Relink,
            config::Overlay::Quarantine => registry::Overlay::Quarantine,
        },
        audit_wait: settings.audit.wait,
        names: match settings.pdq.names {
            config::Names::Similar => NamePolicy::Similar,
            config::Names::Prefix => NamePolicy::Prefix,
            config::Names::Exact => NamePolicy::Exact,
        },
        search_limit: settings.pdq.limit,
        search_kept_seconds: settings.pdq.keep_seconds,
        regional: regional(settings)?,
        domains: settings.domains.iter().map(domain).collect(),
        model,
    })
}

/// The shape of regional IDs: their length counts the check digit, the registry's digits do not.
fn regional(settings: &Configuration) -> Result<RegionalSettings, StartError> {
    let shape = &settings.network.regional_id;
    let digits = shape.length.checked_sub(1).and_then(|digits| u8::try_from(digits).ok());
    let digits = digits.filter(|digits| (6..=17).contains(digits)).ok_or_else(|| {
        StartError::Configuration(format!(
            "network.regional_id.length: {} digits cannot be issued; right: 7 to 18, the check digit included",
            shape.length
        ))
    })?;
    Ok(RegionalSettings {
        oid: settings.network.regional.oid.clone(),
        namespace: settings.network.regional.namespace.clone(),
        prefix: shape.prefix.clone(),
        digits,
        issue: match shape.issue {
            config::RegionalIdIssue::OnFeed => registry::Issue::OnFeed,
            config::RegionalIdIssue::OnRegistration => registry::Issue::OnRegistration,
        },
    })
}

fn domain(domain: &config::Domain) -> DomainSettings {
    DomainSettings {
        key: domain.key.clone(),
        oid: domain.oid.clone(),
        namespace: domain.namespace.clone(),
        name: domain.name.clone(),
        facility: domain.facility.clone(),
        one_identifier_per_person: domain.one_identifier_per_person,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_digit_is_not_counted_twice() {
        let settings = Configuration::default();
        assert_eq!(regional(&settings).unwrap().digits, 9);
        let mut long = settings;
        long.network.regional_id.length = 40;
        assert!(regional(&long).unwrap_err().is_configuration());
    }

    #[test]
    fn a_model_file_that_is_missing_is_named() {
        let error = model(&config::Model::File("no/such/model.toml".into()), "matching.model").unwrap_err();
        assert!(error.is_configuration());
        assert!(error.to_string().contains("no/such/model.toml"), "{error}");
    }

    #[test]
    fn an_empty_configuration_serves_on_loopback() {
        let settings = transport_settings(&Configuration::default());
        assert_eq!(settings.http.as_deref(), Some("127.0.0.1:8080"));
        assert!(settings.https.is_none() && !settings.allow_plain);
    }

    #[test]
    fn limits_are_those_of_the_configuration() {
        let mut configured = Configuration::default();
        configured.server.max_connections = 70;
        configured.server.max_connections_per_address = 7;
        configured.server.max_requests = 40;
        let settings = transport_settings(&configured);
        assert_eq!((settings.connections, settings.connections_of_one), (70, 7));
        assert_eq!((settings.in_flight, settings.questions), (40, 30), "a quarter is kept for feeds");
        assert_eq!(descriptors_needed(&configured), 70 + OTHER_DESCRIPTORS);
    }
}
