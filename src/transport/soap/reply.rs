//! The envelope around what we send.
//!
//! It must never change the payload: what was encoded below is what leaves.

use super::{SOAP12, WSA};
use crate::transactions::Reply;
use crate::xml::Writer;

/// The declaration that opens every document of ours.
pub(super) const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// The envelope around a reply. ITI TF-2: Appendix V.3: Action with mustUnderstand, RelatesTo the request.
pub(super) fn envelope(reply: &Reply, fresh: &str, relates_to: Option<&str>) -> String {
    let payload = |out: &mut Writer| {
        out.raw(&reply.body);
    };
    wrap(reply.action, fresh, relates_to, reply.body.len(), |_| {}, payload)
}

/// What stands around a body takes no more than this, nearly always.
const ENVELOPE: usize = 1024;

/// An envelope with room for a body of so many `bytes`: `headers` writes blocks beside those of WS-Addressing, `body` the content of the body.
pub(super) fn wrap(
    action: &str,
    fresh: &str,
    relates_to: Option<&str>,
    bytes: usize,
    headers: impl FnOnce(&mut Writer),
    body: impl FnOnce(&mut Writer),
) -> String {
    let mut out = Writer::with_capacity(bytes + ENVELOPE);
    out.raw(DECLARATION);
    out.open("env:Envelope").attribute("xmlns:env", SOAP12).attribute("xmlns:wsa", WSA);
    out.open("env:Header");
    out.open("wsa:Action").attribute("env:mustUnderstand", "1").text(action).close();
    out.leaf("wsa:MessageID", &format!("urn:uuid:{fresh}"));
    if let Some(id) = relates_to {
        out.leaf("wsa:RelatesTo", id);
    }
    headers(&mut out);
    out.close().open("env:Body");
    body(&mut out);
    out.finish()
}
