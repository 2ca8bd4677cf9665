//! SOAP 1.2 and WS-Addressing around a payload, as a function of bytes: no socket, no clock.
//!
//! [`exchange`] takes a body and gives the HTTP answer to it. It must never interpret a payload beyond the
//! name of its root, and never put content of a request into the log.

mod action;
mod addressing;
pub(super) mod call;
mod envelope;
mod fault;
mod media;
mod reply;

pub use action::transaction;
pub use call::Unanswered;
pub use fault::Fault;
pub use media::{Media, media};

use super::{FaultStatus, Handler};
use crate::transactions::{Endpoint, Peer, Refusal, Reply};
use crate::xml;
use addressing::Addressing;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// SOAP 1.2.
pub(crate) const SOAP12: &str = "http://www.w3.org/2003/05/soap-envelope";
/// SOAP 1.1, which IHE does not allow here (ITI TF-2: Appendix V.3).
pub(crate) const SOAP11: &str = "http://schemas.xmlsoap.org/soap/envelope/";
/// WS-Addressing 1.0.
pub(crate) const WSA: &str = "http://www.w3.org/2005/08/addressing";

const CONTENT_TYPE: &str = "application/soap+xml; charset=UTF-8";
const CONTENT_TYPE_11: &str = "text/xml; charset=UTF-8";

/// How strictly requests are taken, and how refusals look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Whether to forgive what real peers get wrong in WS-Addressing.
    pub lenient: bool,
    /// The status of a sender's fault.
    pub fault_status: FaultStatus,
    /// Limits of the document.
    pub limits: xml::Limits,
}

/// One request as HTTP delivered it.
pub struct Request<'a> {
    /// The body.
    pub body: &'a [u8],
    /// The header `Content-Type`.
    pub content_type: Option<&'a str>,
    /// Which actor is addressed.
    pub endpoint: Endpoint,
    /// Who is at the other end.
    pub peer: &'a Peer,
}

/// What HTTP is to send.
pub struct HttpAnswer {
    /// Status.
    pub status: u16,
    /// The header `Content-Type`.
    pub content_type: &'static str,
    /// Other headers.
    pub headers: Vec<(&'static str, String)>,
    /// Body.
    pub body: String,
    /// The transaction by the payload's root, for counting: `ITI-44`, or `none` where the root is not known.
    pub transaction: &'static str,
    /// For counting: `answered`, or the kind of the refusal.
    pub outcome: &'static str,
}

/// Nothing may be answered: the connection must end without a byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoAnswer {
    /// The transaction, for counting.
    pub transaction: &'static str,
}

/// Why there is no reply.
enum Unreplied {
    Fault(Fault),
    Nothing,
}

impl From<Fault> for Unreplied {
    fn from(fault: Fault) -> Self {
        Unreplied::Fault(fault)
    }
}

/// Answers one request. `fresh` draws a UUID.
pub fn exchange<H: Handler + ?Sized>(
    request: &Request<'_>,
    handler: &H,
    rules: &Rules,
    fresh: &dyn Fn() -> String,
) -> Result<HttpAnswer, NoAnswer> {
    let mut context = Context { transaction: "none", relates_to: None };
    match answer(request, handler, rules, &mut context) {
        Ok(reply) => Ok(HttpAnswer {
            status: 200,
            content_type: CONTENT_TYPE,
            headers: Vec::new(),
            body: reply::envelope(&reply, &fresh(), context.relates_to.as_deref()),
            transaction: context.transaction,
            outcome: "answered",
        }),
        Err(Unreplied::Fault(fault)) => Ok(fault.answer(rules.fault_status, &fresh(), &context)),
        Err(Unreplied::Nothing) => Err(NoAnswer { transaction: context.transaction }),
    }
}

/// The answer to a request whose body is not looked at, because too many others are in work.
pub fn overloaded(rules: &Rules, fresh: &dyn Fn() -> String) -> HttpAnswer {
    Fault::Overloaded.answer(rules.fault_status, &fresh(), &Context { transaction: "none", relates_to: None })
}

/// The answer to a request whose work broke off.
pub fn broken(rules: &Rules, fresh: &dyn Fn() -> String) -> HttpAnswer {
    Fault::Internal.answer(rules.fault_status, &fresh(), &Context { transaction: "none", relates_to: None })
}

/// What was learnt of a request so far, for its answer.
pub(crate) struct Context {
    transaction: &'static str,
    relates_to: Option<String>,
}

fn answer<H: Handler + ?Sized>(
    request: &Request<'_>,
    handler: &H,
    rules: &Rules,
    context: &mut Context,
) -> Result<Reply, Unreplied> {
    let media = media(request.content_type).ok_or(Fault::MediaType)?;
    let document = xml::read(request.body, media.charset.as_deref(), &rules.limits).map_err(Fault::NotXml)?;
    let envelope = envelope::open(&document, media.soap12)?;
    context.relates_to = addressing::message_id(&envelope.headers);
    let payload = envelope.payload?;
    let served = handler.serves(request.endpoint, &payload.name);
    if served {
        context.transaction = transaction(&payload.name);
    }
    envelope::understood(&envelope.headers)?;
    let addressing = Addressing::read(&envelope.headers)?;
    if !served {
        let named = addressing.action.clone().unwrap_or_else(|| payload.name.local.to_string());
        return Err(Fault::ActionNotSupported(named).into());
    }
    for what in addressing.check(&payload.name, rules.lenient)? {
        handler.metrics().forgiven(what);
    }
    let handled = catch_unwind(AssertUnwindSafe(|| handler.handle(request.endpoint, payload, request.peer)));
    match handled {
        Ok(Ok(reply)) => Ok(reply),
        Ok(Err(Refusal::NotServed)) => {
            Err(Fault::ActionNotSupported(addressing.action.unwrap_or_else(|| payload.name.local.to_string())).into())
        }
        Ok(Err(Refusal::Unreadable(reason))) => Err(Fault::Unreadable(reason).into()),
        Ok(Err(Refusal::Unavailable)) => Err(Fault::Unavailable.into()),
        Ok(Err(Refusal::Unknown)) => {
            log::error!("a request of {} is left unanswered: its outcome is not known", context.transaction);
            Err(Unreplied::Nothing)
        }
        Err(_) => {
            log::error!("a request of {} broke off", context.transaction);
            Err(Fault::Internal.into())
        }
    }
}

#[cfg(test)]
mod tests;
