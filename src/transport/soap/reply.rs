//! The envelope around what we send.
//!
//! It must never change the payload: what is signed off below is what leaves.

use super::{SOAP12, WSA, escape};
use crate::transactions::Reply;

/// The envelope around a reply. ITI TF-2: Appendix V.3: Action with mustUnderstand, RelatesTo the request.
pub(super) fn envelope(reply: &Reply, fresh: &str, relates_to: Option<&str>) -> String {
    wrap(reply.action, fresh, relates_to, "", &reply.body)
}

/// An envelope: `headers` stand beside those of WS-Addressing, `body` is the content of the body.
pub(super) fn wrap(action: &str, fresh: &str, relates_to: Option<&str>, headers: &str, body: &str) -> String {
    let relates_to = relates_to.map(|id| format!("<wsa:RelatesTo>{}</wsa:RelatesTo>", escape(id))).unwrap_or_default();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <env:Envelope xmlns:env=\"{SOAP12}\" xmlns:wsa=\"{WSA}\"><env:Header>\
         <wsa:Action env:mustUnderstand=\"1\">{action}</wsa:Action>\
         <wsa:MessageID>urn:uuid:{fresh}</wsa:MessageID>{relates_to}{headers}\
         </env:Header><env:Body>{body}</env:Body></env:Envelope>",
        action = escape(action),
        fresh = escape(fresh),
    )
}
