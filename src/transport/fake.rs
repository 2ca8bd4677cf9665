//! A handler for tests, and an envelope to send to it.

use super::Handler;
use crate::metrics::Metrics;
use crate::transactions::{Endpoint, Peer, Refusal, Reply};
use crate::xml;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What the fake does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Does {
    Replies,
    RepliesAfter(Duration),
    Panics,
    NotServed,
    Unreadable,
    Unavailable,
    LosesTheOutcome,
}

/// Serves feeds at PIX and searches at PDQ.
pub(super) struct Fake {
    pub(super) does: Does,
    pub(super) ready: bool,
    pub(super) failed: AtomicBool,
    pub(super) systems: Mutex<Vec<Option<String>>>,
    metrics: Metrics,
    /// Called when a request is in work, before anything is done with it.
    pub(super) entered: Box<dyn Fn() + Send + Sync>,
}

impl Fake {
    pub(super) fn new(does: Does) -> Self {
        Self {
            does,
            ready: true,
            failed: AtomicBool::new(false),
            systems: Mutex::new(Vec::new()),
            entered: Box::new(|| {}),
            metrics: Metrics::default(),
        }
    }
}

impl Handler for Fake {
    fn serves(&self, endpoint: Endpoint, root: &xml::ExpandedName) -> bool {
        let locals: &[&str] = match endpoint {
            Endpoint::Pix => &["PRPA_IN201301UV02", "PRPA_IN201309UV02"],
            Endpoint::Pdq => &["PRPA_IN201305UV02", "QUQI_IN000003UV01", "QUQI_IN000003UV01_Cancel"],
        };
        &*root.namespace == "urn:hl7-org:v3" && locals.contains(&&*root.local)
    }

    fn seems_a_feed(&self, _: Endpoint, body: &[u8]) -> bool {
        String::from_utf8_lossy(body).contains("<PRPA_IN201301UV02")
    }

    fn seems_brief(&self, _: Endpoint, body: &[u8]) -> bool {
        String::from_utf8_lossy(body).contains("<PRPA_IN201309UV02")
    }

    fn handle(&self, _: Endpoint, payload: &xml::Element, peer: &Peer) -> Result<Reply, Refusal> {
        self.systems.lock().unwrap().push(peer.system.clone());
        (self.entered)();
        match self.does {
            Does::Replies => {}
            Does::RepliesAfter(time) => std::thread::sleep(time),
            Does::Panics => panic!("a defect"),
            Does::NotServed => return Err(Refusal::NotServed),
            Does::Unreadable => return Err(Refusal::Unreadable("the message has no <id>".to_owned())),
            Does::Unavailable => return Err(Refusal::Unavailable),
            Does::LosesTheOutcome => return Err(Refusal::Unknown),
        }
        let text = payload.text();
        Ok(Reply {
            body: format!("<MCCI_IN000002UV01 xmlns=\"urn:hl7-org:v3\">{}</MCCI_IN000002UV01>", text.trim()),
            action: "urn:hl7-org:v3:MCCI_IN000002UV01",
        })
    }

    fn is_ready(&self) -> bool {
        self.ready
    }

    fn desk(&self) -> Option<crate::desk::Desk> {
        None
    }

    fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    fn measure(&self) {
        self.metrics.gauges().ready.set(i64::from(self.ready));
    }

    fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }
}

/// The headers of a request as they should be.
pub(super) const HEADERS: &str = "<a:To>http://mpi.example/pix</a:To>\
    <a:Action s:mustUnderstand=\"1\">urn:hl7-org:v3:PRPA_IN201301UV02</a:Action>\
    <a:MessageID>urn:uuid:11111111-2222-4333-8444-555555555555</a:MessageID>\
    <a:ReplyTo><a:Address>http://www.w3.org/2005/08/addressing/anonymous</a:Address></a:ReplyTo>";

/// A payload that the fake serves at PIX.
pub(super) const PAYLOAD: &str = "<PRPA_IN201301UV02 xmlns=\"urn:hl7-org:v3\">山田</PRPA_IN201301UV02>";

/// An envelope of SOAP 1.2; `s` is bound to its namespace, `a` to that of WS-Addressing.
pub(super) fn envelope(headers: &str, body: &str) -> String {
    document(&format!("<s:Header>{headers}</s:Header><s:Body>{body}</s:Body>"))
}

/// An envelope with any content.
pub(super) fn document(content: &str) -> String {
    format!(
        "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" \
         xmlns:a=\"http://www.w3.org/2005/08/addressing\">{content}</s:Envelope>"
    )
}
