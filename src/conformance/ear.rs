//! The consumer at the other end of ITI-46, played by the runner: it keeps what the server under test tells it.
//!
//! It takes messages by the rules of SOAP and WS-Addressing as strictly as any server of ours, so that a message that
//! reaches a case had them right. It must never judge what is told: the cases do.

use crate::clock::{Clock, hl7_timestamp};
use crate::desk::Desk;
use crate::hl7v3::{self, AcceptCode, Detail, ReplyFrame, Severity, Strictness};
use crate::metrics::Metrics;
use crate::transactions::{Endpoint, Peer, Refusal, Reply};
use crate::transport::{self, Handler};
use crate::xml::{Element, ExpandedName};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What a consumer is told by.
const NOTIFICATION: &str = "PRPA_IN201302UV02";

/// A consumer that listens.
pub struct Ear {
    heard: Arc<Heard>,
    running: transport::Running,
}

impl std::fmt::Debug for Ear {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ear")
    }
}

impl Ear {
    /// Listens at `address`, `HOST:PORT`, as the device `device`.
    pub fn listen(address: &str, device: &str) -> Result<Self, String> {
        let heard = Arc::new(Heard {
            device: device.to_owned(),
            clock: Clock::system(),
            metrics: Metrics::default(),
            kept: Mutex::default(),
            more: Condvar::new(),
        });
        let settings = transport::Settings {
            http: Some(address.to_owned()),
            admin: None,
            // Whoever names an address of the network wants to be told from there.
            allow_plain: true,
            lenient: false,
            ..transport::Settings::default()
        };
        let running = transport::spawn(settings, Arc::clone(&heard)).map_err(|why| why.to_string())?;
        Ok(Self { heard, running })
    }

    /// Where the server is to send to.
    pub fn url(&self) -> String {
        self.running.address("http").map(|address| format!("http://{address}/pix")).unwrap_or_default()
    }

    /// The next `times` messages that hold `mark` are answered as errors.
    pub(super) fn refuse(&self, mark: &str, times: u32) {
        self.heard.kept().refusals.push((mark.to_owned(), times));
    }

    /// The next message that holds `mark`; none where none comes within `patience`.
    pub(super) fn next(&self, mark: &str, patience: Duration) -> Option<Element> {
        let until = Instant::now() + patience;
        let mut kept = self.heard.kept();
        loop {
            if let Some(at) = kept.waiting.iter().position(|message| holds(message, mark)) {
                return Some(kept.waiting.remove(at));
            }
            let left = until.checked_duration_since(Instant::now())?;
            kept = self.heard.more.wait_timeout(kept, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// Whether an attribute or text below `element` begins with `mark`, as the identifiers of a run do.
fn holds(element: &Element, mark: &str) -> bool {
    element.attributes.iter().any(|attribute| attribute.value.starts_with(mark))
        || element.elements().any(|child| holds(child, mark))
}

#[derive(Default)]
struct Kept {
    waiting: Vec<Element>,
    refusals: Vec<(String, u32)>,
}

struct Heard {
    device: String,
    clock: Clock,
    metrics: Metrics,
    kept: Mutex<Kept>,
    more: Condvar,
}

impl Heard {
    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Handler for Heard {
    fn serves(&self, endpoint: Endpoint, root: &ExpandedName) -> bool {
        endpoint == Endpoint::Pix && &*root.namespace == hl7v3::NAMESPACE && &*root.local == NOTIFICATION
    }

    fn seems_a_feed(&self, _: Endpoint, _: &[u8]) -> bool {
        true
    }

    fn seems_brief(&self, _: Endpoint, _: &[u8]) -> bool {
        false
    }

    fn handle(&self, _: Endpoint, payload: &Element, _: &Peer) -> Result<Reply, Refusal> {
        let message =
            hl7v3::decode(payload, Strictness::Lenient).map_err(|unreadable| Refusal::Unreadable(unreadable.0))?;
        let mut kept = self.kept();
        let refused = kept.refusals.iter_mut().find(|(mark, times)| *times > 0 && holds(payload, mark));
        let refused = refused.map(|(_, times)| *times -= 1).is_some();
        kept.waiting.push(payload.clone());
        drop(kept);
        self.more.notify_all();
        let frame = ReplyFrame {
            id: self.clock.uuid().to_string(),
            creation_time: hl7_timestamp(self.clock.micros(), "UTC"),
            device: self.device.clone(),
        };
        let detail = Detail {
            severity: Severity::Error,
            code: "INTERR".to_owned(),
            code_system: "2.16.840.1.113883.5.1100".to_owned(),
            text: "refused, as the case wants it".to_owned(),
            locations: Vec::new(),
        };
        let (code, details) =
            if refused { (AcceptCode::Error, vec![detail]) } else { (AcceptCode::Accept, Vec::new()) };
        let body = hl7v3::accept_acknowledgement(&frame, &message.header, code, &details);
        Ok(Reply { body, action: "urn:hl7-org:v3:MCCI_IN000002UV01" })
    }

    fn is_ready(&self) -> bool {
        true
    }

    fn desk(&self) -> Option<Desk> {
        None
    }

    fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    fn measure(&self) {}

    fn has_failed(&self) -> bool {
        false
    }
}
