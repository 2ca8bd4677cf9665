//! The profile: one file for each IHE transaction, and the frame that all of them share.
//!
//! [`Service::handle`] knows the caller, lets the language decode, checks the wrapper, lets the registry
//! decide, and encodes. A transaction must never open a store, score a match, or touch a socket.

mod iti44_feed;
mod iti45_crossref;
mod iti46_notification;
mod iti47_search;
mod problem;
mod wrapper;

pub use iti46_notification::{NotificationSettings, Notifier, Outgoing};

use crate::access::Principal;
use crate::clock::hl7_timestamp;
use crate::hl7v3::{self, Content, Interaction, Message, ReplyFrame, Strictness};
use crate::metrics::Metrics;
use crate::registry::{Failure, Registry};
use crate::xml::{Element, ExpandedName};
use sha2::{Digest, Sha256};
use std::collections::HashMap;

/// Bytes of a request in which the name of its interaction is looked for before it is parsed.
const LOOKED_AT: usize = 16 * 1024;
/// How the names of all interactions of PIX begin.
const NAME: &[u8] = b"PRPA_IN2013";

/// Digits of a day.
const DAY: usize = 8;

/// Which actor is addressed: each has an endpoint of its own (HL7 v3 sheet, 1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// PIX Manager.
    Pix,
    /// Patient Demographics Supplier.
    Pdq,
}

/// What the transport knows of the caller.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    /// The key of the system whose certificate was shown.
    pub system: Option<String>,
}

/// A reply payload and the `wsa:Action` under which it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The payload, a document element of `urn:hl7-org:v3`.
    pub body: String,
    /// `wsa:Action`
    pub action: &'static str,
}

/// Why there is no reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// This endpoint does not serve such a payload.
    NotServed,
    /// The payload's own header cannot be read, so that it cannot be acknowledged.
    Unreadable(String),
    /// The store cannot say now; nothing happened.
    Unavailable,
    /// Whether it was committed is not known. Any answer, a fault too, could be false: there must be none, so
    /// that the sender repeats the message and hears the outcome that is stored (decisions 1 to 3).
    Unknown,
}

/// What the profile needs to know of the network.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Our own device id in v3 messages, an OID.
    pub device: String,
    /// IANA name of the network's time zone.
    pub time_zone: String,
    /// Processing codes that are served (decision 22).
    pub processing_codes: Vec<String>,
    /// How much is forgiven.
    pub strictness: Strictness,
    /// Device id of each registered system, with its key.
    pub devices: HashMap<String, String>,
}

/// The actors of this network over one registry.
pub struct Service {
    registry: Registry,
    settings: Settings,
}

/// One request on its way.
pub(crate) struct Request<'a> {
    pub principal: Principal,
    pub message: &'a Message,
    pub payload: &'a Element,
    pub received: i64,
    pub reply_id: String,
}

impl Service {
    /// The actors over `registry`.
    pub fn new(registry: Registry, settings: Settings) -> Self {
        Self { registry, settings }
    }

    /// Whether `endpoint` serves payloads with this root.
    pub fn serves(endpoint: Endpoint, root: &ExpandedName) -> bool {
        &*root.namespace == hl7v3::NAMESPACE
            && Interaction::by_root(&root.local).is_some_and(|known| endpoint_of(known) == endpoint)
    }

    /// Whether these bytes seem to hold a feed, by the first name of an interaction among their first.
    pub fn seems_a_feed(endpoint: Endpoint, body: &[u8]) -> bool {
        // ITI TF-2: 3.44.4: 01 adds, 02 revises, 04 merges.
        endpoint == Endpoint::Pix && first_number(body).is_some_and(|number| matches!(number, b"01" | b"02" | b"04"))
    }

    /// Whether these bytes seem to hold a question to a store that makes nobody wait which takes a few look-ups in a
    /// file that this process alone writes: one for identifiers (ITI TF-2: 3.45.4.1), or a search for what few people
    /// share (3.47.4.1), a number, a day of birth or a telephone; where memory answers, for any whole value.
    pub fn seems_brief(&self, endpoint: Endpoint, body: &[u8]) -> bool {
        self.registry.answers_at_once()
            && match endpoint {
                Endpoint::Pix => first_number(body) == Some(b"09"),
                Endpoint::Pdq => {
                    first_number(body) == Some(b"05")
                        && (seems_pointed(body) || self.registry.answers_from_memory() && seems_whole(body))
                }
            }
    }

    /// The registry that all of them stand on.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The network's time zone.
    pub fn time_zone(&self) -> &str {
        &self.settings.time_zone
    }

    /// Whether requests can be answered now.
    pub fn is_ready(&self) -> bool {
        self.registry.store().is_ready()
    }

    /// What is counted and timed.
    pub fn metrics(&self) -> &Metrics {
        self.registry.store().metrics()
    }

    /// Brings the metrics up to date that are read from the store.
    pub fn measure(&self) {
        self.registry.measure();
    }

    /// Whether the store has failed so that only a restart can help.
    pub fn has_failed(&self) -> bool {
        self.registry.store().poisoned().is_some()
    }

    /// Answers one payload; blocks on the store.
    pub fn handle(&self, endpoint: Endpoint, payload: &Element, peer: &Peer) -> Result<Reply, Refusal> {
        if !Self::serves(endpoint, &payload.name) {
            return Err(Refusal::NotServed);
        }
        let message =
            hl7v3::decode(payload, self.settings.strictness).map_err(|unreadable| Refusal::Unreadable(unreadable.0))?;
        message.forgiven.iter().for_each(|what| self.metrics().forgiven(what));
        let request = Request {
            principal: self.principal(&message, peer),
            message: &message,
            payload,
            received: self.registry.clock().micros(),
            reply_id: self.registry.clock().uuid().to_string(),
        };
        self.dispatch(&request).map_err(|failure| {
            if failure.reason() == Some(crate::registry::Reason::Defect) {
                log::error!("a request could not be answered: {failure}");
            }
            refusal(&failure)
        })
    }

    fn dispatch(&self, request: &Request<'_>) -> Result<Reply, Failure> {
        match (request.message.header.interaction, &request.message.content) {
            (Interaction::Add | Interaction::Revise | Interaction::Merge, _) => self.iti44(request),
            (Interaction::CrossReferenceQuery, _) => self.iti45(request),
            (Interaction::DemographicsQuery, _) => self.iti47(request),
            (_, Ok(Content::Continuation(continuation))) if continuation.cancel => self.iti47_cancel(request),
            (Interaction::Cancel, _) => self.iti47_cancel(request),
            (Interaction::Continue, _) => self.iti47_continue(request),
        }
    }

    /// The caller: by certificate, else by the device id of the wrapper (open access, or plain loopback).
    fn principal(&self, message: &Message, peer: &Peer) -> Principal {
        if let Some(system) = &peer.system {
            return Principal::system(system);
        }
        let device = message.header.sender.ids.first().map(|id| id.root.as_str()).unwrap_or_default();
        match self.settings.devices.get(device) {
            Some(system) => Principal::system(system),
            None => Principal::unregistered(device),
        }
    }

    fn frame(&self, id: &str, micros: i64) -> ReplyFrame {
        ReplyFrame {
            id: id.to_owned(),
            creation_time: hl7_timestamp(micros, &self.settings.time_zone),
            device: self.settings.device.clone(),
        }
    }

    fn fresh_frame(&self, request: &Request<'_>) -> ReplyFrame {
        self.frame(&request.reply_id, request.received)
    }
}

/// What a failure of ours is to the transport.
fn refusal(failure: &Failure) -> Refusal {
    match failure.reason() {
        Some(_) => Refusal::Unavailable,
        None => Refusal::Unknown,
    }
}

impl Request<'_> {
    /// The message id with root and extension, for journal and audit.
    fn message_id(&self) -> String {
        let id = &self.message.header.id;
        id.extension.as_ref().map_or_else(|| id.root.clone(), |extension| format!("{}^{extension}", id.root))
    }

    /// The payload as it is journalled: the same bytes for the same content, however it was prefixed.
    fn payload_bytes(&self) -> Vec<u8> {
        self.payload.to_xml().into_bytes()
    }
}

/// What the first name of an interaction of PIX among the first bytes goes on with.
fn first_number(body: &[u8]) -> Option<&[u8]> {
    let beginning = body.get(..LOOKED_AT).unwrap_or(body);
    beginning.windows(NAME.len() + 2).find_map(|window| window.strip_prefix(NAME))
}

/// Whether a search seems to ask by what few people share. It is read nowhere else so: who is taken for brief and is
/// not keeps others waiting for a moment, and no more.
fn seems_pointed(body: &[u8]) -> bool {
    let Ok(body) = std::str::from_utf8(body) else { return false };
    let Some((_, parameters)) = body.split_once("parameterList") else { return false };
    if parameters.contains("livingSubjectId>") || parameters.contains("patientTelecom>") {
        return true;
    }
    let mut parts = parameters.split("livingSubjectBirthTime>");
    let Some(birth) = parts.nth(1) else { return false };
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    // An interval has its own elements for its ends (HL7 v3 data types: IVL_TS).
    !["low", "high", "width", "center"].into_iter().any(|end| birth.contains(end))
        && birth.split(['"', '\'']).any(|text| digits(text) >= DAY)
}

/// Whether a search seems to ask by whole values, or by all but one, and by more than who is born between two days or
/// of one sex.
fn seems_whole(body: &[u8]) -> bool {
    let Ok(body) = std::str::from_utf8(body) else { return false };
    let Some((_, parameters)) = body.split_once("parameterList") else { return false };
    let names = ["livingSubjectName>", "patientAddress>", "mothersMaidenName>"];
    // One star leaves what it stands beside; more leave nobody knows how much.
    parameters.matches('*').count() <= 1 && names.iter().any(|name| parameters.contains(name))
}

fn endpoint_of(interaction: Interaction) -> Endpoint {
    match interaction {
        Interaction::Add | Interaction::Revise | Interaction::Merge | Interaction::CrossReferenceQuery => Endpoint::Pix,
        Interaction::DemographicsQuery | Interaction::Continue | Interaction::Cancel => Endpoint::Pdq,
    }
}

fn hash_of(payload: &[u8]) -> String {
    Sha256::digest(payload).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_values_are_told_before_they_are_parsed() {
        let check = |parameters: &str, expect: bool| {
            let body = format!("<id extension='*'/><h:parameterList>{parameters}</h:parameterList>");
            assert_eq!(seems_whole(body.as_bytes()), expect, "{parameters}");
        };
        check("<livingSubjectName><value><family>Sato</family></value></livingSubjectName>", true);
        check("<h:patientAddress><value><city>X</city></value></h:patientAddress>", true);
        check("<livingSubjectName><value><family>Sa*</family></value></livingSubjectName>", true);
        check("<livingSubjectName><value><family>*a*</family></value></livingSubjectName>", false);
        check("<livingSubjectBirthTime><value value='1980'/></livingSubjectBirthTime>", false);
    }

    #[test]
    fn what_few_people_share_is_told_before_it_is_parsed() {
        let check = |parameters: &str, expect: bool| {
            let body = format!("<id extension=\"19800314\"/><h:parameterList>{parameters}</h:parameterList>");
            assert_eq!(seems_pointed(body.as_bytes()), expect, "{parameters}");
            let outside = format!("{parameters}<parameterList></parameterList>");
            assert!(!seems_pointed(outside.as_bytes()), "{parameters}");
        };
        let birth = |value: &str| format!("<h:livingSubjectBirthTime>{value}</h:livingSubjectBirthTime>");
        check("<livingSubjectId><value root='1.2.3' extension='7'/></livingSubjectId>", true);
        check("<patientTelecom><value value='tel:1'/></patientTelecom>", true);
        check(&birth("<value value=\"19800314\"/>"), true);
        check(&birth("<h:value value='198003140000'/>"), true);
        check(&birth("<value value=\"198003\"/>"), false);
        check(&birth("<value><low value=\"19800314\"/></value>"), false);
        check(&birth("<value><h:high value=\"19800314\"/></value>"), false);
        check(
            "<livingSubjectBirthTime><value value=\"1980\"/></livingSubjectBirthTime><id extension=\"19800314\"/>",
            false,
        );
        check("<livingSubjectName><value><family>19800314</family></value></livingSubjectName>", false);
    }

    #[test]
    fn feeds_are_told_from_queries_before_they_are_parsed() {
        let check = |endpoint, body: &str, expect| {
            assert_eq!(Service::seems_a_feed(endpoint, body.as_bytes()), expect, "{body:.60}");
        };
        check(Endpoint::Pix, "<Action>urn:hl7-org:v3:PRPA_IN201301UV02</Action>", true);
        check(Endpoint::Pix, "<PRPA_IN201302UV02 ITSVersion=\"XML_1.0\"", true);
        check(Endpoint::Pix, "<h:PRPA_IN201304UV02", true);
        check(Endpoint::Pix, "<PRPA_IN201309UV02><!-- PRPA_IN201301UV02 -->", false);
        check(Endpoint::Pdq, "<PRPA_IN201301UV02", false);
        check(Endpoint::Pix, "<PRPA_IN20130", false);
        check(Endpoint::Pix, "", false);
        check(Endpoint::Pix, &format!("{}PRPA_IN201301UV02", " ".repeat(LOOKED_AT)), false);
    }
}
