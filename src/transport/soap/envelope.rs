//! Opens an envelope: header blocks on one side, the payload on the other.
//!
//! It must never look inside a payload.

use super::{Fault, SOAP11, SOAP12, WSA};
use crate::xml::{Element, ExpandedName, Node};

/// An opened envelope.
pub(super) struct Envelope<'a> {
    /// The header blocks that are addressed to us.
    pub(super) headers: Vec<&'a Element>,
    /// The one child of the body, or why there is none: known apart, so that a fault can relate to its request.
    pub(super) payload: Result<&'a Element, Fault>,
}

/// Opens `document`; `soap12` tells whether it came under the media type of SOAP 1.2.
pub(super) fn open(document: &Element, soap12: bool) -> Result<Envelope<'_>, Fault> {
    if document.is(SOAP11, "Envelope") {
        return Err(Fault::Soap11);
    }
    if !document.is(SOAP12, "Envelope") {
        // SOAP 1.2 part 1, 5.4.7: another version is told which one is spoken here.
        let versioned = &*document.name.local == "Envelope" && soap12;
        return Err(if versioned { Fault::Version } else { Fault::Envelope("the document is no SOAP envelope") });
    }
    if !soap12 {
        return Err(Fault::MediaType);
    }
    only_elements(document, "there is text between the parts of the envelope")?;
    let parts: Vec<&Element> = document.elements().collect();
    let (header, body) = match parts.as_slice() {
        [body] if body.is(SOAP12, "Body") => (None, *body),
        [header, body] if header.is(SOAP12, "Header") && body.is(SOAP12, "Body") => (Some(*header), *body),
        [] | [_] => return Err(Fault::Envelope("the envelope has no body")),
        _ => return Err(Fault::Envelope("the envelope must hold one header at most, then one body, and no more")),
    };
    let encoded = [Some(document), header, Some(body)].into_iter().flatten().any(|part| encoding(part).is_some());
    if encoded {
        // SOAP 1.2 part 1, 5.1.1.
        return Err(Fault::Envelope("encodingStyle has no place on an envelope, header or body"));
    }
    let headers = header.map(blocks).transpose()?.unwrap_or_default();
    Ok(Envelope { headers, payload: payload(body) })
}

fn blocks(header: &Element) -> Result<Vec<&Element>, Fault> {
    only_elements(header, "there is text between the header blocks")?;
    if header.elements().any(|block| block.name.namespace.is_empty()) {
        // SOAP 1.2 part 1, 5.2.1.
        return Err(Fault::Envelope("a header block has no namespace"));
    }
    Ok(header.elements().filter(|block| for_us(block)).collect())
}

fn payload(body: &Element) -> Result<&Element, Fault> {
    only_elements(body, "there is text in the body beside the payload")?;
    let mut children = body.elements();
    let payload = children.next().ok_or(Fault::Envelope("the body is empty"))?;
    if children.next().is_some() {
        return Err(Fault::Envelope("the body holds more than one element"));
    }
    match encoding(payload) {
        None | Some("http://www.w3.org/2003/05/soap-envelope/encoding/none") => Ok(payload),
        Some(_) => Err(Fault::Encoding),
    }
}

/// Refuses header blocks that must be understood and are not. SOAP 1.2 part 1, 5.4.8.
pub(super) fn understood(headers: &[&Element]) -> Result<(), Fault> {
    let mut unknown: Vec<ExpandedName> = Vec::new();
    for block in headers {
        if must_understand(block)? && !known(&block.name) && !unknown.contains(&block.name) {
            unknown.push(block.name.clone());
        }
    }
    if unknown.is_empty() { Ok(()) } else { Err(Fault::NotUnderstood(unknown)) }
}

/// The header blocks that we process. WS-Security, for one, is not among them: who calls is known by TLS.
fn known(name: &ExpandedName) -> bool {
    let ours = ["To", "From", "ReplyTo", "FaultTo", "Action", "MessageID", "RelatesTo"];
    &*name.namespace == WSA && ours.contains(&&*name.local)
}

fn must_understand(block: &Element) -> Result<bool, Fault> {
    match block.attribute_in(SOAP12, "mustUnderstand").map(str::trim) {
        Some("1" | "true") => Ok(true),
        None | Some("0" | "false") => Ok(false),
        Some(_) => Err(Fault::Envelope("mustUnderstand is neither true nor false")),
    }
}

fn for_us(block: &Element) -> bool {
    match block.attribute_in(SOAP12, "role").map(str::trim) {
        None | Some("") => true,
        Some(role) => {
            role == "http://www.w3.org/2003/05/soap-envelope/role/next"
                || role == "http://www.w3.org/2003/05/soap-envelope/role/ultimateReceiver"
        }
    }
}

fn encoding(element: &Element) -> Option<&str> {
    element.attribute_in(SOAP12, "encodingStyle").map(str::trim)
}

fn only_elements(parent: &Element, reason: &'static str) -> Result<(), Fault> {
    let texts = |node: &Node| matches!(node, Node::Text(text) if !text.trim().is_empty());
    if parent.children.iter().any(texts) { Err(Fault::Envelope(reason)) } else { Ok(()) }
}
