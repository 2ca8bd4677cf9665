//! Messages of real systems and of the standard's own pages, replayed as they are.
//!
//! They belong to others and are no part of this repository: `NAYOSE_SAMPLES` names the folder, with `swiss-epd`
//! and `ihe-official` in it; beside the checkout is where it is looked for. Without it these tests say SKIPPED.

use crate::{region, setting, target};
use nayose::clock::Clock;
use nayose::hl7v3::Strictness;
use nayose::registry::Registry;
use nayose::store::testing::Place;
use nayose::transactions::{Endpoint, Service, Settings};
use nayose::transport::{self, Running};
use nayose::xml::{self, Element, Limits};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const MY_SYSTEM: &str = "1.3.6.1.4.1.21367.2017.2.5.89";
const CENTRAL: &str = "2.16.756.5.30.1.127.3.10.3";
const AFFINITY: &str = "1.3.6.1.4.1.21367.2017.2.5.93";
const ASKED: &str = "1.3.6.1.4.1.21367.2017.2.5.103";
const LOCAL: &str = "1.1.1.2.2";
const CLINIC: &str = "1.2.840.114350.1.13.99998.8734";
const METROPOLITAN: &str = "1.2.840.114350.1.13.99997.2.3412";
const SOCIAL_SECURITY: &str = "2.16.840.1.113883.4.1";

/// The folder, or a line that says why there is none.
fn folder() -> Option<PathBuf> {
    if let Some(named) = setting("NAYOSE_SAMPLES") {
        assert!(named.join("swiss-epd").is_dir(), "NAYOSE_SAMPLES names no folder of samples: {}", named.display());
        return Some(named);
    }
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/samples");
    if beside.join("swiss-epd").is_dir() {
        return Some(beside);
    }
    // Straight to the stream: what the macros print is captured with the output of a test that passes.
    let _ = std::io::stderr().write_all(b"SKIPPED the samples of others: NAYOSE_SAMPLES names no folder\n");
    None
}

/// A server of a network with the samples' domains.
struct Network {
    address: String,
    _running: Running,
    _place: Place,
}

/// The answer to one message.
struct Answer {
    status: u16,
    body: String,
    payload: Option<Element>,
}

impl Network {
    fn new(domains: &[&str], strictness: Strictness) -> Self {
        let (clock, place) = (Clock::system(), Place::sqlite().expect("a folder for the store"));
        let mut settings = region::settings();
        let domain = |(number, oid): (usize, &&str)| region::domain(&format!("d{number}"), oid);
        settings.domains = domains.iter().enumerate().map(domain).collect();
        let registry = Registry::open(place.open(&clock).expect("a store"), settings, clock).expect("a registry");
        // Samples are messages for training as often as not (decision of the network: every code is served).
        let codes = ["P", "T", "D"].map(str::to_owned).to_vec();
        let lenient = strictness == Strictness::Lenient;
        let network = Settings { processing_codes: codes, strictness, ..target::network() };
        let http = Some("127.0.0.1:0".to_owned());
        let listeners = transport::Settings { http, admin: None, lenient, ..transport::Settings::default() };
        let running = transport::spawn(listeners, Arc::new(Service::new(registry, network))).expect("listeners");
        let address = format!("http://{}", running.address("http").expect("an address"));
        Self { address, _running: running, _place: place }
    }

    fn send(&self, endpoint: Endpoint, body: &[u8]) -> Answer {
        let url = format!("{}/{}", self.address, if endpoint == Endpoint::Pdq { "pdq" } else { "pix" });
        let agent = ureq::Agent::new_with_config(ureq::Agent::config_builder().http_status_as_error(false).build());
        let request = agent.post(&url).header("content-type", "application/soap+xml; charset=UTF-8");
        let mut response = request.send(body).expect("an answer");
        let (status, body) = (response.status().as_u16(), response.body_mut().read_to_string().expect("a text"));
        let document = xml::read(body.as_bytes(), None, &Limits::default()).expect("a message");
        let payload = document.first("Body").and_then(|body| body.elements().next()).cloned();
        Answer { status, body, payload }
    }
}

impl Answer {
    /// The values of `attribute` at the path `names`.
    fn all(&self, names: &str, attribute: &str) -> Vec<String> {
        let mut here: Vec<&Element> = self.payload.iter().collect();
        for name in names.split('/') {
            here = here.into_iter().flat_map(|element| element.all(name)).collect();
        }
        here.into_iter().filter_map(|element| element.attribute(attribute)).map(str::to_owned).collect()
    }

    /// Acknowledgement and, of a query, its response code.
    fn codes(&self) -> String {
        assert_eq!(self.status, 200, "{}", self.body);
        let response = self.all("controlActProcess/queryAck/queryResponseCode", "code");
        [self.all("acknowledgement/typeCode", "code"), response].concat().join("/")
    }

    /// `kind code` of each detail.
    fn details(&self) -> Vec<String> {
        let kinds = self.all("acknowledgement/acknowledgementDetail", "typeCode");
        let codes = self.all("acknowledgement/acknowledgementDetail/code", "code");
        if codes.is_empty() { kinds } else { kinds.iter().zip(codes).map(|(k, c)| format!("{k} {c}")).collect() }
    }

    /// The identifiers of the patient as `root^extension`, the regional one left out. Sorted.
    fn identifiers(&self) -> Vec<String> {
        let patient = "controlActProcess/subject/registrationEvent/subject1/patient/id";
        let roots = self.all(patient, "root");
        let pairs = roots.iter().zip(self.all(patient, "extension")).filter(|(root, _)| *root != region::REGIONAL);
        let mut shown: Vec<String> = pairs.map(|(root, extension)| format!("{root}^{extension}")).collect();
        shown.sort();
        shown
    }
}

fn read(folder: &Path, name: &str) -> Vec<u8> {
    let file = folder.join(name);
    std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// `message` with other text in places; each must be there.
fn altered(message: &[u8], changes: &[(&str, &str)]) -> Vec<u8> {
    let mut text = String::from_utf8(message.to_vec()).expect("UTF-8");
    for (from, to) in changes {
        assert!(text.contains(from), "the sample does not hold {from}");
        text = text.replace(from, to);
    }
    text.into_bytes()
}

/// A body in an envelope; the XML declaration cannot stand inside.
fn wrapped(body: &[u8], action: &str) -> Vec<u8> {
    let text = String::from_utf8(body.to_vec()).expect("UTF-8");
    let payload = text.split_once("?>").map_or(text.as_str(), |(_, payload)| payload);
    format!(
        "<e:Envelope xmlns:e=\"http://www.w3.org/2003/05/soap-envelope\" \
         xmlns:a=\"http://www.w3.org/2005/08/addressing\"><e:Header><a:Action e:mustUnderstand=\"1\">\
         urn:hl7-org:v3:{action}</a:Action><a:MessageID>urn:example:1</a:MessageID><a:ReplyTo><a:Address>\
         http://www.w3.org/2005/08/addressing/anonymous</a:Address></a:ReplyTo></e:Header>\
         <e:Body>{payload}</e:Body></e:Envelope>"
    )
    .into_bytes()
}

/// The payloads of all samples, with the endpoint that each is for; none without a folder.
pub fn payloads() -> Vec<(Endpoint, String)> {
    let Some(folder) = folder() else { return Vec::new() };
    let mut found = Vec::new();
    for (file, endpoint) in [("ITI-44", Endpoint::Pix), ("ITI-45", Endpoint::Pix), ("ITI-47", Endpoint::Pdq)] {
        let message = read(&folder.join("swiss-epd"), &format!("{file}_request.xml"));
        let document = xml::read(&message, None, &Limits::default()).expect("a message");
        let payload = document.first("Body").and_then(|body| body.elements().next());
        found.push((endpoint, payload.expect("a payload").to_xml()));
    }
    for (file, _, endpoint) in &STORY {
        let message = read(&folder.join("ihe-official"), file);
        found.push((*endpoint, xml::read(&message, None, &Limits::default()).expect("a message").to_xml()));
    }
    found
}

#[test]
fn the_swiss_samples_are_answered() {
    let Some(folder) = folder().map(|folder| folder.join("swiss-epd")) else { return };
    let (feed, pix, pdq) =
        (read(&folder, "ITI-44_request.xml"), read(&folder, "ITI-45_request.xml"), read(&folder, "ITI-47_request.xml"));
    let network = Network::new(&[MY_SYSTEM, CENTRAL, AFFINITY, ASKED, LOCAL], Strictness::Lenient);
    // Nobody is known yet.
    let answer = network.send(Endpoint::Pix, &pix);
    assert_eq!((answer.codes(), answer.details()), ("AE/AE".to_owned(), vec!["E 204".to_owned()]));
    let answer = network.send(Endpoint::Pdq, &pdq);
    assert_eq!((answer.codes(), answer.identifiers()), ("AA/NF".to_owned(), Vec::new()));
    // Accepted, with a remark on the gender's code system, which is that of a table of v2; and again.
    let accepted = network.send(Endpoint::Pix, &feed);
    assert_eq!((accepted.codes(), accepted.details()), ("CA".to_owned(), vec!["W".to_owned()]), "{}", accepted.body);
    let again = network.send(Endpoint::Pix, &feed);
    assert_eq!(again.payload.map(|p| p.to_xml()), accepted.payload.map(|p| p.to_xml()), "a repeat");
    // The same person under the identifiers that the queries ask about.
    let others = [(ASKED, "900010", "2"), (LOCAL, "08242eb8-dd47-4298-8d2f-25d60114f137", "3")];
    for (domain, value, message) in others {
        let number = format!("\"169443124565{message}\"");
        let changes = [("\"1694431245655\"", number.as_str()), (MY_SYSTEM, domain), ("TestSystemId", value)];
        assert_eq!(network.send(Endpoint::Pix, &altered(&feed, &changes)).codes(), "CA");
    }
    let central = vec![format!("{CENTRAL}^761337610435201235")];
    let answer = network.send(Endpoint::Pix, &pix);
    assert_eq!((answer.codes(), answer.identifiers()), ("AA/OK".to_owned(), central.clone()));
    let answer = network.send(Endpoint::Pdq, &pdq);
    assert_eq!((answer.codes(), answer.identifiers()), ("AA/OK".to_owned(), central));
    let total = answer.all("controlActProcess/queryAck/resultTotalQuantity", "value");
    assert_eq!(total, ["1"]);
    // The other domain asked for holds none of hers: told as empty.
    let person = "controlActProcess/subject/registrationEvent/subject1/patient/patientPerson/asOtherIDs";
    assert_eq!(answer.all(&format!("{person}/scopingOrganization/id"), "root"), [AFFINITY]);
    assert_eq!(answer.all(&format!("{person}/id"), "nullFlavor").len(), 1);
}

/// File, root, endpoint.
type Told = (&'static str, &'static str, Endpoint);

/// IHE's bodies in the order of its story.
const STORY: [Told; 6] = [
    ("01_PatientRegistryRecordAdded1.xml", "PRPA_IN201301UV02", Endpoint::Pix),
    ("03_PatientRegistryRecordAdded2.xml", "PRPA_IN201301UV02", Endpoint::Pix),
    ("04_PatientRegistryRecordRevised2.xml", "PRPA_IN201302UV02", Endpoint::Pix),
    ("06_PIXQuery1.xml", "PRPA_IN201309UV02", Endpoint::Pix),
    ("05_PatientRegistryDuplicatesResolved.xml", "PRPA_IN201304UV02", Endpoint::Pix),
    ("01_PDQQuery1.xml", "PRPA_IN201305UV02", Endpoint::Pdq),
];

fn tell(network: &Network, folder: &Path, (file, root, endpoint): &Told) -> Answer {
    network.send(*endpoint, &wrapped(&read(folder, file), root))
}

#[test]
fn the_samples_of_ihe_are_answered() {
    let Some(folder) = folder().map(|folder| folder.join("ihe-official")) else { return };
    let network = Network::new(&[CLINIC, METROPOLITAN, SOCIAL_SECURITY], Strictness::Lenient);
    let [first, second, revised, question, merge, search] = &STORY;
    for feed in [first, second, revised] {
        let answer = tell(&network, &folder, feed);
        assert_eq!(answer.codes(), "CA", "{}: {}", feed.0, answer.body);
    }
    // The number of the other hospital is that of the patient of whom it was told last.
    let (new, security) = (format!("{CLINIC}^34827G409"), format!("{SOCIAL_SECURITY}^999-99-4452"));
    let found = ("AA/OK".to_owned(), vec![new, security]);
    let answer = tell(&network, &folder, question);
    assert_eq!((answer.codes(), answer.identifiers()), found, "{}", answer.body);
    let answer = tell(&network, &folder, merge);
    assert_eq!(answer.codes(), "CA", "{}", answer.body);
    let answer = tell(&network, &folder, question);
    assert_eq!((answer.codes(), answer.identifiers()), found, "{}", answer.body);
    // The subsumed one is dead.
    let query = read(&folder, question.0);
    let asked = altered(
        &query,
        &[
            ("38273N237", "34827G234"),
            ("value root=\"1.2.840.114350.1.13.99997.2.3412\"", &format!("value root=\"{CLINIC}\"")),
        ],
    );
    let answer = network.send(Endpoint::Pix, &wrapped(&asked, question.1));
    assert_eq!((answer.codes(), answer.details()), ("AE/AE".to_owned(), vec!["E 204".to_owned()]));
    let answer = tell(&network, &folder, search);
    assert_eq!((answer.codes(), answer.identifiers()), ("AA/NF".to_owned(), Vec::new()), "{}", answer.body);
}

#[test]
fn strict_reading_names_what_is_wrong_with_the_samples_of_ihe() {
    let Some(folder) = folder().map(|folder| folder.join("ihe-official")) else { return };
    let network = Network::new(&[CLINIC, METROPOLITAN, SOCIAL_SECURITY], Strictness::Strict);
    // The query alone keeps IHE's rules; it asks about nobody here.
    let expected = [
        ("CR", "E NS250"),
        ("CE", "E SYN"),
        ("CE", "E SYN"),
        ("AE/AE", "E 204"),
        ("CR", "E NS250"),
        ("AE/QE", "E NS250"),
    ];
    for (told, (codes, detail)) in STORY.iter().zip(expected) {
        let (answer, file) = (tell(&network, &folder, told), told.0);
        assert_eq!(answer.codes(), codes, "{file}: {}", answer.body);
        let details = answer.details();
        assert!(!details.is_empty() && details.iter().all(|told| told.starts_with(detail)), "{file}: {details:?}");
    }
}
