//! A store of invented records, servers over it, and the messages that are sent to them.

use nayose::access::Principal;
use nayose::audit::Action;
use nayose::clock::{Clock, hl7_timestamp};
use nayose::config::{Configuration, Domain};
use nayose::demo::{self, DemoRecord};
use nayose::hl7v3::compose::{FedPatient, RequestFrame, feed_add, pdq_query, pix_query};
use nayose::hl7v3::{Device, InstanceIdentifier, ShownIdentifier};
use nayose::identity::{
    BirthCriterion, Coded, DemographicsQuery, Field, NameCriterion, PatientIdentifier, PersonName, Relationship,
    Representation,
};
use nayose::registry::{FeedCommand, Intake, Registry};
use nayose::{server, transport};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

const SEED: u64 = demo::DEFAULT_SEED;
/// So many commits are shared while a store is filled.
const FILLERS: usize = 64;

/// A store file and what is in it.
pub struct Scene {
    pub path: PathBuf,
    pub records: i64,
    pub persons: i64,
    pub described: String,
    sample: Vec<DemoRecord>,
    size: usize,
    mothers: Option<Mothers>,
}

impl Scene {
    /// Fills a new store with `records` records, or takes the one that an earlier run kept.
    pub fn prepare(folder: &Path, records: usize, with_mothers: bool) -> Self {
        let path = folder.join(format!("scene{}-{records}.db", if with_mothers { "-mothers" } else { "" }));
        let registry = registry(&path);
        let mothers = with_mothers.then(Mothers::new);
        let source = || people(records, mothers.as_ref());
        let mut counts = registry.store().counts().unwrap();
        if usize::try_from(counts.records).unwrap() < records {
            let begin = std::time::Instant::now();
            let all = Mutex::new(source());
            std::thread::scope(|scope| {
                for _ in 0..FILLERS {
                    scope.spawn(|| {
                        loop {
                            let next = all.lock().unwrap().next();
                            let Some(record) = next else { break };
                            fill(&registry, record);
                        }
                    });
                }
            });
            println!("filled in {:.1} s", begin.elapsed().as_secs_f64());
            counts = registry.store().counts().unwrap();
        }
        drop(registry);
        let step = (records / 2_000).max(1);
        let sample = source().step_by(step).collect();
        let bytes = std::fs::metadata(&path).unwrap().len();
        let described = format!("{} MB, seed {SEED}", bytes / 1_000_000);
        Self { path, records: counts.records, persons: counts.persons, described, sample, size: records, mothers }
    }

    /// Some of the records, from all over the store.
    pub fn sample(&self) -> &[DemoRecord] {
        &self.sample
    }

    /// All of them, drawn again.
    pub fn people(&self) -> impl Iterator<Item = DemoRecord> {
        people(self.size, self.mothers.as_ref())
    }

    pub fn serve(&self) -> Server {
        serve(&self.path)
    }

    /// A copy to be written to.
    pub fn copy(&self) -> Copy {
        let path = self.path.with_file_name("fed.db");
        remove(&path);
        std::fs::copy(&self.path, &path).unwrap();
        Copy { path }
    }

    pub fn remove(&self) {
        remove(&self.path);
    }

    /// ITI-45 by local identifier, all domains.
    pub fn pix_queries(&self, count: usize) -> Vec<String> {
        let query = |record: &DemoRecord| {
            let identifier = PatientIdentifier { authority: record.oid.clone(), value: record.value.clone() };
            soap("pix", "PRPA_IN201309UV02", &pix_query(&frame(), &fresh(), &identifier, &[]))
        };
        self.sample.iter().take(count).map(query).collect()
    }

    /// ITI-47 by name in kana and birth date.
    pub fn pdq_queries(&self, count: usize) -> Vec<String> {
        let query = |record: &DemoRecord| {
            let name = record
                .demographics
                .names
                .value()?
                .iter()
                .find(|name| name.representation == Some(Representation::Syllabic))?;
            let (from, to) = record.demographics.birth_date.value()?.period();
            let criteria = DemographicsQuery {
                names: vec![NameCriterion { name: name.clone(), similar: false }],
                birth: Some(BirthCriterion { from: Some(from), to: Some(to) }),
                ..DemographicsQuery::default()
            };
            Some(soap("pdq", "PRPA_IN201305UV02", &pdq_query(&frame(), &fresh(), &criteria, None)))
        };
        self.sample.iter().filter_map(query).take(count).collect()
    }

    /// ITI-44 add of records that the store has not seen.
    pub fn feeds(&self, count: usize, round: usize) -> Vec<String> {
        let run = Clock::system().micros();
        let feed = |(number, record): (usize, DemoRecord)| {
            let identifier = PatientIdentifier { authority: record.oid, value: format!("{run}-{number}") };
            let shown = ShownIdentifier { identifier, authority_name: record.domain.0.to_uppercase() };
            let patient = FedPatient {
                identifiers: vec![shown],
                other_identifiers: Vec::new(),
                demographics: record.demographics,
            };
            soap("pix", "PRPA_IN201301UV02", &feed_add(&frame(), &patient))
        };
        self.strangers(count, round).into_iter().enumerate().map(feed).collect()
    }

    /// Records that the store has not seen: of the people of another seed, in an order that has nothing to do with who
    /// is who. As they are drawn, a person's records follow each other.
    pub fn strangers(&self, count: usize, round: usize) -> Vec<DemoRecord> {
        let seed = SEED + 1 + u64::try_from(round).unwrap();
        let mut all: Vec<_> = demo::records(&demo::Settings { people: count, seed }).take(count).enumerate().collect();
        all.sort_by_key(|(number, _)| {
            u64::try_from(*number).unwrap().wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
        });
        all.into_iter().map(|(_, record)| record).collect()
    }

    /// The store, open in this process.
    pub fn registry(&self) -> Registry {
        registry(&self.path)
    }
}

/// The records that a store of this size is filled with.
fn people(records: usize, mothers: Option<&Mothers>) -> impl Iterator<Item = DemoRecord> {
    let all = demo::records(&demo::Settings { people: records, seed: SEED }).take(records);
    all.map(move |record| mothers.map_or_else(|| record.clone(), |mothers| mothers.told(record.clone())))
}

/// Families from which mothers came: the demo's people have none.
struct Mothers(Vec<PersonName>);

/// So many of them.
const FAMILIES: usize = 500;

impl Mothers {
    fn new() -> Self {
        let all = demo::records(&demo::Settings { people: FAMILIES, seed: SEED + 1 });
        let family = |record: DemoRecord| {
            let kanji = record.demographics.names.values().iter().find(|name| !name.family().is_empty())?.family();
            Some(PersonName::simple(None, &kanji, ""))
        };
        Self(all.filter_map(family).collect())
    }

    /// The record with the mother's maiden name: of every other person, the same in all records.
    fn told(&self, mut record: DemoRecord) -> DemoRecord {
        let at = usize::try_from(record.truth).unwrap().wrapping_mul(7_919) % self.0.len().max(1);
        if record.truth.is_multiple_of(2) {
            let code = Coded { code: "MTH".to_owned(), system: ROLES.to_owned(), display: String::new() };
            let names = self.0.get(at).cloned().into_iter().collect();
            record.demographics.relationships = Field::Set(vec![Relationship { code, names }]);
        }
        record
    }
}

/// HL7 `RoleCode`.
const ROLES: &str = "2.16.840.1.113883.5.111";

/// A store to be written to.
pub struct Copy {
    pub path: PathBuf,
}

impl Copy {
    pub fn serve(&self) -> Server {
        serve(&self.path)
    }

    pub fn remove(&self) {
        remove(&self.path);
    }
}

/// Removes a store and what lies beside it.
pub fn remove(path: &Path) {
    for suffix in ["", "-wal", "-shm", "-lock"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        if let Err(error) = std::fs::remove_file(&name) {
            assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{error}");
        }
    }
}

/// A running server of the product, with all that it does for a request.
pub struct Server {
    pub address: SocketAddr,
    running: transport::Running,
    registry: Registry,
    /// Held by whoever has the store open.
    lock: PathBuf,
}

impl Server {
    /// Stops it with everything on the disk, in one file.
    pub fn stop(self) {
        self.running.stop().unwrap();
        self.registry.store().flush_audit().unwrap();
        let lock = std::fs::File::open(&self.lock).unwrap();
        drop(self.registry);
        // The last to hold the store may be a thread that is just ending.
        while lock.try_lock_shared().is_err() {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
    }
}

fn configuration(path: &Path) -> Configuration {
    let region = demo::region();
    let mut settings = Configuration::default();
    settings.network.regional.oid = region.regional.oid;
    settings.network.regional.namespace = region.regional.namespace;
    settings.network.device = region.device;
    settings.domains = region.facilities.into_iter().map(domain).collect();
    settings.store.url = format!("sqlite:{}", path.display());
    settings.server.http = Some("127.0.0.1:0".parse().unwrap());
    settings.server.admin = None;
    settings
}

fn domain(facility: demo::Facility) -> Domain {
    Domain {
        key: facility.authority.key,
        oid: facility.authority.oid,
        namespace: facility.authority.namespace,
        name: facility.authority.name,
        facility: facility.facility,
        one_identifier_per_person: false,
    }
}

/// As a server has it.
fn registry(path: &Path) -> Registry {
    let settings = configuration(path);
    let registry = server::registry(&settings, Clock::system()).unwrap();
    let kept = usize::try_from(settings.store.records_in_memory).unwrap();
    registry.store().keep_in_memory(kept);
    let answered = usize::try_from(settings.store.answers_in_memory).unwrap();
    registry.store().answer_from_memory(answered);
    // What is measured is a server that has been up for a while; until then decisions and questions read the tables.
    let records = usize::try_from(registry.store().counts().unwrap().records).unwrap();
    let store = registry.store();
    while (records <= kept && !store.decides_from_memory()) || (records <= answered && !store.answers_from_memory()) {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    registry
}

fn serve(path: &Path) -> Server {
    let settings = configuration(path);
    let registry = registry(path);
    let service = Arc::new(server::service(registry.clone(), &settings));
    let running = transport::spawn(server::transport_settings(&settings), service).unwrap();
    let mut lock = path.as_os_str().to_owned();
    lock.push("-lock");
    Server { address: running.address("http").unwrap(), running, registry, lock: lock.into() }
}

fn fill(registry: &Registry, record: DemoRecord) {
    let clock = registry.clock();
    let payload = feed_add(
        &frame(),
        &FedPatient {
            identifiers: Vec::new(),
            other_identifiers: Vec::new(),
            demographics: record.demographics.clone(),
        },
    );
    let intake = Intake {
        principal: Principal::operator(),
        transaction: "ITI-44",
        action: Action::Create,
        message_id: clock.uuid().to_string(),
        payload_hash: clock.uuid().simple().to_string(),
        payload: payload.into_bytes(),
        reply_id: clock.uuid().to_string(),
        received: clock.micros(),
    };
    let command = FeedCommand {
        identifiers: vec![PatientIdentifier { authority: record.oid, value: record.value }],
        other_identifiers: Vec::new(),
        demographics: record.demographics,
    };
    assert_eq!(registry.feed(&intake, command).unwrap().outcome.refusal, None);
}

fn instance(root: &str) -> InstanceIdentifier {
    InstanceIdentifier { root: root.to_owned(), extension: None }
}

pub fn fresh() -> InstanceIdentifier {
    instance(&Clock::system().uuid().to_string())
}

pub fn frame() -> RequestFrame {
    let device = |oid: &str| Device { ids: vec![instance(oid)], organizations: Vec::new() };
    RequestFrame {
        id: fresh(),
        creation_time: hl7_timestamp(Clock::system().micros(), "Asia/Tokyo"),
        processing_code: "P".to_owned(),
        sender: device(demo::H01_DEVICE_OID),
        receiver: device(demo::DEVICE_OID),
    }
}

pub fn soap(path: &str, interaction: &str, payload: &str) -> String {
    let payload = payload.find("?>").map_or(payload, |end| payload.get(end + 2..).unwrap());
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><soap:Envelope xmlns:soap=\"http://www.w3.org/2003/05/soap-envelope\" \
         xmlns:wsa=\"http://www.w3.org/2005/08/addressing\"><soap:Header><wsa:To>http://127.0.0.1/{path}</wsa:To>\
         <wsa:Action soap:mustUnderstand=\"1\">urn:hl7-org:v3:{interaction}</wsa:Action>\
         <wsa:MessageID>urn:uuid:{}</wsa:MessageID></soap:Header><soap:Body>{payload}</soap:Body></soap:Envelope>",
        Clock::system().uuid()
    )
}
