//! WS-Addressing 1.0 headers of a request.
//!
//! It must never send anything to an address that a request names: replies go back on the connection.

use super::fault::Header;
use super::{Fault, WSA, action};
use crate::xml::{Element, ExpandedName};

const ANONYMOUS: &str = "http://www.w3.org/2005/08/addressing/anonymous";

/// The headers that matter, white space around them removed; empty ones count as absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Addressing {
    pub(super) action: Option<String>,
    message_id: Option<String>,
    reply_to: bool,
}

/// The id of the message where it is clear, whatever else may be wrong.
pub(super) fn message_id(headers: &[&Element]) -> Option<String> {
    one(headers, Header::MessageId).ok().flatten().and_then(value)
}

impl Addressing {
    /// Reads the headers; refuses those that contradict themselves and replies to elsewhere.
    pub(super) fn read(headers: &[&Element]) -> Result<Self, Fault> {
        for header in [Header::To, Header::From] {
            one(headers, header)?;
        }
        let action = one(headers, Header::Action)?.and_then(value);
        let message_id = one(headers, Header::MessageId)?.and_then(value);
        let reply_to = one(headers, Header::ReplyTo)?;
        let fault_to = one(headers, Header::FaultTo)?;
        for (header, reference) in [(Header::ReplyTo, reply_to), (Header::FaultTo, fault_to)] {
            if let Some(reference) = reference {
                anonymous(header, reference)?;
            }
        }
        Ok(Self { action, message_id, reply_to: reply_to.is_some() })
    }

    /// Holds the headers against the payload, and tells what was forgiven. ITI TF-2: Appendix V.3, IHE_WSA101 and
    /// IHE_WSA102.
    pub(super) fn check(&self, root: &ExpandedName, lenient: bool) -> Result<Vec<&'static str>, Fault> {
        let required = [
            (Header::Action, self.action.is_some(), "no_action"),
            (Header::MessageId, self.message_id.is_some(), "no_message_id"),
            (Header::ReplyTo, self.reply_to, "no_reply_to"),
        ];
        let missing = required.into_iter().filter(|(_, present, _)| !present);
        if let Some((missing, ..)) = missing.clone().next().filter(|_| !lenient) {
            return Err(Fault::HeaderRequired(missing));
        }
        let mut forgiven: Vec<&'static str> = missing.map(|(.., what)| what).collect();
        match &self.action {
            Some(action) if !action::agrees(action, root, lenient) => Err(Fault::ActionMismatch(action.clone())),
            Some(action) if !action::agrees(action, root, false) => {
                forgiven.push("action");
                Ok(forgiven)
            }
            _ => Ok(forgiven),
        }
    }
}

fn one<'a>(headers: &[&'a Element], header: Header) -> Result<Option<&'a Element>, Fault> {
    let mut found = headers.iter().filter(|block| block.is(WSA, header.local()));
    match (found.next(), found.next()) {
        (first, None) => Ok(first.copied()),
        _ => Err(Fault::Cardinality(header)),
    }
}

fn value(block: &Element) -> Option<String> {
    let text = block.text();
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// Refuses an endpoint reference that is not "back on this connection".
fn anonymous(header: Header, reference: &Element) -> Result<(), Fault> {
    let mut addresses = reference.all("Address");
    match (addresses.next().and_then(value), addresses.next()) {
        (Some(address), None) if address == ANONYMOUS => Ok(()),
        (Some(_), None) => Err(Fault::OnlyAnonymous(header)),
        (None, None) => Err(Fault::MissingAddress(header)),
        (_, Some(_)) => Err(Fault::Address(header)),
    }
}
