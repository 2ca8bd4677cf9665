//! `nayose serve` as a process of its own, and what a client says to it over HTTP.

use crate::support::*;
use nayose::clock::{Clock, hl7_timestamp};
use nayose::hl7v3::compose::{FedPatient, RequestFrame, feed_add, feed_merge, feed_revise, pix_query};
use nayose::hl7v3::{Device, InstanceIdentifier, ShownIdentifier};
use nayose::identity::{Demographics, PatientIdentifier};
use nayose::xml::{self, Element};
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A server process; it is killed when dropped.
pub struct Process {
    child: Mutex<Child>,
    http: String,
    agent: ureq::Agent,
}

/// What was answered: the envelope as it came, and the payload in it.
pub struct Answered {
    pub envelope: String,
    pub payload: Element,
}

/// A configuration of the domains of [`DOMAINS`] over the store at `url`, with free ports.
pub fn configuration(url: &str) -> String {
    let mut text = format!(
        "[server]\nhttp = \"127.0.0.1:0\"\nadmin = \"off\"\nlog_level = \"warn\"\n[store]\nurl = \"{url}\"\n\
         [network]\nname = \"Hoshimi\"\nregional = {{ oid = \"{REGIONAL}\", namespace = \"HOSHIMI\" }}\n\
         device = \"2.999.1.0\"\ntime_zone = \"Asia/Tokyo\"\n[access]\nmode = \"open\"\n"
    );
    for (key, oid) in DOMAINS {
        let upper = key.to_uppercase();
        let _ = write!(
            text,
            "[[domain]]\nid = \"{key}\"\noid = \"{oid}\"\nnamespace = \"{upper}\"\nname = \"Facility {key}\"\n"
        );
    }
    text
}

impl Process {
    /// Starts a server named `name` over the store at `url`; its files are in `folder`.
    pub fn start(folder: &Path, name: &str, url: &str) -> Self {
        Self::start_with(folder, name, &configuration(url))
    }

    /// Likewise with this configuration, which stays as `name.toml`.
    pub fn start_with(folder: &Path, name: &str, configuration: &str) -> Self {
        let (config, addresses) = (folder.join(format!("{name}.toml")), folder.join(format!("{name}.addresses")));
        std::fs::write(&config, configuration).unwrap();
        // Of a server of that name before this one.
        let _ = std::fs::remove_file(&addresses);
        let mut command = Command::new(env!("CARGO_BIN_EXE_nayose"));
        command.arg("serve").arg("--config").arg(&config).arg("--address-file").arg(&addresses);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        let begun = Instant::now();
        while !addresses.exists() {
            assert!(child.try_wait().unwrap().is_none(), "{name} ended at once");
            assert!(begun.elapsed() < Duration::from_secs(60), "{name} wrote no addresses");
            std::thread::sleep(Duration::from_millis(20));
        }
        let lines = std::fs::read_to_string(&addresses).unwrap();
        let http = lines.lines().find_map(|line| line.strip_prefix("http=")).unwrap().to_owned();
        let config = ureq::Agent::config_builder().http_status_as_error(false).max_idle_connections_per_host(32);
        let agent = ureq::Agent::new_with_config(config.timeout_global(Some(Duration::from_secs(60))).build());
        Self { child: Mutex::new(child), http, agent }
    }

    /// SIGKILL; returns when the process is gone.
    pub fn kill(&self) {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// The status with which the process ended by itself.
    pub fn ended(&self) -> Option<i32> {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.lock().unwrap().try_wait().unwrap() {
                return status.code();
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "it goes on");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The status of `GET /ready`.
    pub fn ready(&self) -> u16 {
        self.agent.get(format!("http://{}/ready", self.http)).call().unwrap().status().as_u16()
    }

    /// Sends `payload` to the PIX Manager in a fresh envelope; an error where no whole answer came.
    pub fn try_send(&self, payload: &str) -> Result<Answered, String> {
        let (root, id) = (&payload[1..payload.find([' ', '>']).unwrap()], Clock::system().uuid());
        let action = root.trim_end_matches("_Cancel");
        let envelope = format!(
            "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" \
             xmlns:a=\"http://www.w3.org/2005/08/addressing\"><s:Header><a:To>http://{http}/pix</a:To>\
             <a:Action s:mustUnderstand=\"1\">urn:hl7-org:v3:{action}</a:Action>\
             <a:MessageID>urn:uuid:{id}</a:MessageID><a:ReplyTo><a:Address>\
             http://www.w3.org/2005/08/addressing/anonymous</a:Address></a:ReplyTo></s:Header>\
             <s:Body>{payload}</s:Body></s:Envelope>",
            http = self.http,
        );
        let request = self.agent.post(format!("http://{}/pix", self.http));
        let request = request.header("content-type", "application/soap+xml; charset=UTF-8");
        let mut response = request.send(envelope.as_bytes()).map_err(|error| error.to_string())?;
        let status = response.status().as_u16();
        let envelope = response.body_mut().read_to_string().map_err(|error| error.to_string())?;
        if status != 200 {
            return Err(format!("{status}: {envelope}"));
        }
        let document = xml::read(envelope.as_bytes(), None, &xml::Limits::default()).unwrap();
        let payload = document.first("Body").unwrap().elements().next().unwrap().clone();
        Ok(Answered { envelope, payload })
    }

    /// As [`Process::try_send`], where an answer must come.
    pub fn send(&self, payload: &str) -> Answered {
        self.try_send(payload).unwrap()
    }

    /// Feeds a patient; the feed must be accepted.
    pub fn feed(&self, domain: &str, value: &str, said: &Said) {
        let answered = self.send(&feed_payload(domain, value, said));
        assert_eq!(acknowledged(&answered.payload), "CA", "{}", answered.envelope);
    }

    /// The identifiers that ITI-45 shows for another one, as `oid^value`, sorted.
    pub fn others(&self, domain: &str, value: &str) -> Vec<String> {
        let answered = self.ask(domain, value);
        assert_eq!(acknowledged(&answered.payload), "AA", "{}", answered.envelope);
        let patients = ["controlActProcess", "subject", "registrationEvent", "subject1", "patient"];
        let patient = patients.iter().try_fold(&answered.payload, |at, name| at.first(name));
        let mut shown: Vec<String> = patient
            .into_iter()
            .flat_map(|patient| patient.all("id"))
            .map(|id| format!("{}^{}", id.attribute("root").unwrap(), id.attribute("extension").unwrap()))
            .collect();
        shown.sort();
        shown
    }

    /// The whole answer to ITI-45.
    pub fn ask(&self, domain: &str, value: &str) -> Answered {
        let frame = frame();
        self.send(&pix_query(&frame, &frame.id, &id(domain, value), &[]))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The code of the acknowledgement: `CA`, `AA`, `AE` ...
pub fn acknowledged(payload: &Element) -> String {
    let code = payload.first("acknowledgement").and_then(|it| it.first("typeCode")).unwrap();
    code.attribute("code").unwrap().to_owned()
}

/// A new message's wrapper.
fn frame() -> RequestFrame {
    let device = |oid: &str| Device {
        ids: vec![InstanceIdentifier { root: oid.to_owned(), extension: None }],
        ..Device::default()
    };
    let clock = Clock::system();
    RequestFrame {
        id: InstanceIdentifier { root: clock.uuid().to_string(), extension: None },
        creation_time: hl7_timestamp(clock.micros(), "Asia/Tokyo"),
        processing_code: "P".to_owned(),
        sender: device("2.999.1.11.1"),
        receiver: device("2.999.1.0"),
    }
}

fn patient(identifier: PatientIdentifier, demographics: Demographics) -> FedPatient {
    let shown = ShownIdentifier { identifier, authority_name: String::new() };
    FedPatient { identifiers: vec![shown], other_identifiers: Vec::new(), demographics }
}

/// A feed in a message of its own.
pub fn feed_payload(domain: &str, value: &str, said: &Said) -> String {
    feed_add(&frame(), &patient(id(domain, value), demographics(said)))
}

/// What is now known of a patient, in a message of its own.
pub fn revise_payload(domain: &str, value: &str, said: &Said) -> String {
    feed_revise(&frame(), &patient(id(domain, value), demographics(said)))
}

/// A merge of two identifiers of `domain` in a message of its own.
pub fn merge_payload(domain: &str, survivor: &str, subsumed: &str, said: &Said) -> String {
    feed_merge(&frame(), &patient(id(domain, survivor), demographics(said)), &id(domain, subsumed))
}
