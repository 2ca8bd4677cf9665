//! A message that we send of our own accord, and what comes back to it.
//!
//! It must never interpret a payload, and never quote an answer: a peer's fault may hold anything.

use super::media::media;
use super::reply::wrap;
use super::{SOAP11, SOAP12};
use crate::xml::{self, Element};

const ANONYMOUS: &str = "http://www.w3.org/2005/08/addressing/anonymous";

/// Why a message that went out has no payload as its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unanswered {
    /// Nothing at the other end took it as a message: it can be sent again as if nothing had happened.
    Unreachable(&'static str),
    /// The other end says that it could not work on it (SOAP 1.2 part 1, 5.4.6: `Receiver`).
    Failing(&'static str),
    /// The other end says that the message is wrong.
    Refused(&'static str),
}

/// The media type of a message of ours under `action`.
pub(in crate::transport) fn content_type(action: &str) -> String {
    format!("application/soap+xml; charset=UTF-8; action=\"{action}\"")
}

/// The envelope around `payload`. ITI TF-2: Appendix V.3: To and ReplyTo, Action with mustUnderstand.
pub(in crate::transport) fn request(to: &str, action: &str, payload: &str, fresh: &str) -> String {
    let headers = |out: &mut xml::Writer| {
        out.leaf("wsa:To", to).open("wsa:ReplyTo").leaf("wsa:Address", ANONYMOUS).close();
    };
    wrap(action, fresh, None, payload.len(), headers, |out| _ = out.raw(payload))
}

/// The payload of what came back under `status`, or why there is none.
pub(in crate::transport) fn answer(
    status: u16,
    content_type: Option<&str>,
    body: &[u8],
    limits: &xml::Limits,
) -> Result<Element, Unanswered> {
    let charset = media(content_type).and_then(|media| media.charset);
    let found = xml::read(body, charset.as_deref(), limits).ok().and_then(|document| payload(&document).cloned());
    match found {
        Some(payload) if &*payload.name.local == "Fault" => Err(blame(&payload)),
        Some(payload) if (200..300).contains(&status) => Ok(payload),
        // What stands between us and the other end answers so, or the other end where it is not yet what it will be.
        _ if !(200..300).contains(&status) => Err(Unanswered::Unreachable(status_word(status))),
        _ => Err(Unanswered::Unreachable("the answer is no SOAP message")),
    }
}

/// The one element of the body; envelopes of SOAP 1.1 are opened too, since old stacks answer so.
fn payload(document: &Element) -> Option<&Element> {
    let version = [SOAP12, SOAP11].into_iter().find(|version| document.is(version, "Envelope"))?;
    let body = document.elements().find(|part| part.is(version, "Body"))?;
    body.elements().next()
}

/// Who is to blame, by a fault's code: of SOAP 1.2, or of SOAP 1.1 and the words that it had.
fn blame(fault: &Element) -> Unanswered {
    let code = match fault.first("Code").and_then(|code| code.first("Value")) {
        Some(value) => value.text(),
        // It has no namespace, unlike the fault around it.
        None => fault.elements().find(|part| &*part.name.local == "faultcode").map(Element::text).unwrap_or_default(),
    };
    match code.trim().rsplit(':').next() {
        Some("Receiver" | "Server") => Unanswered::Failing("a SOAP fault: it could not work on the message"),
        _ => Unanswered::Refused("a SOAP fault: it would not take the message"),
    }
}

fn status_word(status: u16) -> &'static str {
    match status {
        300..=399 => "a redirection, which is not followed",
        401 | 403 | 407 => "no permission to call it (401, 403 or 407)",
        404 | 410 => "nothing is served at its address (404 or 410)",
        413 => "it takes no message of this size (413)",
        415 => "it takes no SOAP 1.2 (415)",
        429 => "it takes no more calls now (429)",
        502..=504 => "what stands before it does not reach it (502 to 504)",
        500..=599 => "an error of the server without a SOAP fault",
        _ => "an HTTP status that is no success",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::{Limits, read};

    #[test]
    fn a_request_has_the_headers_of_the_profile() {
        let text = request("https://v.example/pix?a=1&b=2", "urn:x", "<p xmlns=\"urn:hl7-org:v3\"/>", "1-2");
        let envelope = read(text.as_bytes(), None, &Limits::default()).unwrap();
        let header = envelope.first("Header").unwrap();
        let block = |name: &str| header.elements().find(|block| &*block.name.local == name).unwrap();
        assert_eq!(block("To").text(), "https://v.example/pix?a=1&b=2");
        assert_eq!(block("Action").text(), "urn:x");
        assert_eq!(block("Action").attribute_in(SOAP12, "mustUnderstand"), Some("1"));
        assert_eq!(block("MessageID").text(), "urn:uuid:1-2");
        assert_eq!(block("ReplyTo").first("Address").unwrap().text(), ANONYMOUS);
        assert!(payload(&envelope).unwrap().is("urn:hl7-org:v3", "p"));
    }

    fn check(status: u16, body: &str, expect: Result<&str, Unanswered>) {
        let got = answer(status, Some("application/soap+xml; charset=UTF-8"), body.as_bytes(), &Limits::default());
        let got = got.map(|payload| payload.name.local.to_string());
        assert_eq!(got, expect.map(str::to_owned), "{status} {body}");
    }

    #[test]
    fn what_came_back_is_told_apart() {
        let soap = |version: &str, inside: &str| {
            format!("<e:Envelope xmlns:e='{version}'><e:Header/><e:Body>{inside}</e:Body></e:Envelope>")
        };
        let fault = |code: &str| format!("<e:Fault><e:Code><e:Value>{code}</e:Value></e:Code></e:Fault>");
        let failing = Err(Unanswered::Failing("a SOAP fault: it could not work on the message"));
        let refused = Err(Unanswered::Refused("a SOAP fault: it would not take the message"));
        check(200, &soap(SOAP12, "<MCCI_IN000002UV01 xmlns='urn:hl7-org:v3'/>"), Ok("MCCI_IN000002UV01"));
        check(200, &soap(SOAP11, "<m/>"), Ok("m"));
        check(500, &soap(SOAP12, &fault("e:Receiver")), failing);
        check(500, &soap(SOAP11, "<e:Fault><faultcode>e:Server</faultcode></e:Fault>"), failing);
        check(400, &soap(SOAP12, &fault(" e:Sender ")), refused);
        check(200, &soap(SOAP12, &fault("e:Sender")), refused);
        check(500, &soap(SOAP11, "<e:Fault><faultcode>e:Client</faultcode></e:Fault>"), refused);
        check(500, &soap(SOAP12, &fault("e:MustUnderstand")), refused);
        let gone = |why| Err(Unanswered::Unreachable(why));
        check(200, "<html/>", gone("the answer is no SOAP message"));
        check(202, "", gone("the answer is no SOAP message"));
        check(200, &soap(SOAP12, ""), gone("the answer is no SOAP message"));
        check(302, "", gone("a redirection, which is not followed"));
        check(404, "<html>not here", gone("nothing is served at its address (404 or 410)"));
        check(503, "", gone("what stands before it does not reach it (502 to 504)"));
        check(500, &soap(SOAP12, "<m/>"), gone("an error of the server without a SOAP fault"));
        check(418, "", gone("an HTTP status that is no success"));
    }
}
