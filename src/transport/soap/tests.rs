//! Every row of the faults, malformed envelopes one by one, and the envelope of a reply.

use super::*;
use crate::transport::fake::{Does, Fake, HEADERS, PAYLOAD, document, envelope};

const TYPE: &str = "application/soap+xml; charset=UTF-8";
const STRICT: Rules = Rules { lenient: false, fault_status: FaultStatus::BadRequest, limits: limits() };
const LENIENT: Rules = Rules { lenient: true, ..STRICT };
const FRESH: &str = "99999999-8888-4777-8666-555555555555";

const fn limits() -> xml::Limits {
    xml::Limits { bytes: 1 << 20, depth: 64, attributes: 64, elements: 20_000, name: 256 }
}

fn send(body: &[u8], content_type: &str, endpoint: Endpoint, does: Does, rules: &Rules) -> HttpAnswer {
    let peer = Peer { system: None };
    let request = Request { body, content_type: Some(content_type), endpoint, peer: &peer };
    exchange(&request, &Fake::new(does), rules, &|| FRESH.to_owned()).unwrap()
}

fn pix(body: &str, rules: &Rules) -> HttpAnswer {
    send(body.as_bytes(), TYPE, Endpoint::Pix, Does::Replies, rules)
}

fn parse(answer: &HttpAnswer) -> xml::Element {
    xml::read(answer.body.as_bytes(), Some("UTF-8"), &limits())
        .unwrap_or_else(|error| panic!("{error}: {}", answer.body))
}

/// The texts of all elements `local` of an answer, in document order.
fn texts(element: &xml::Element, local: &str) -> Vec<String> {
    let mut found = if &*element.name.local == local { vec![element.text()] } else { Vec::new() };
    found.extend(element.elements().flat_map(|child| texts(child, local)));
    found
}

/// Code and subcodes, from the outside in.
fn codes(answer: &HttpAnswer) -> String {
    texts(&parse(answer), "Value").join(" ")
}

#[test]
fn a_reply_stands_in_an_envelope_that_relates_to_its_request() {
    let answer = pix(&envelope(HEADERS, PAYLOAD), &STRICT);
    assert_eq!((answer.status, answer.content_type), (200, "application/soap+xml; charset=UTF-8"), "{}", answer.body);
    assert_eq!((answer.transaction, answer.outcome), ("ITI-44", "answered"));
    let root = parse(&answer);
    assert!(root.is(SOAP12, "Envelope"));
    let action = root.first("Header").unwrap().elements().next().unwrap();
    assert!(action.is(WSA, "Action"));
    assert_eq!(action.attribute_in(SOAP12, "mustUnderstand"), Some("1"));
    assert_eq!(action.text(), "urn:hl7-org:v3:MCCI_IN000002UV01");
    assert_eq!(texts(&root, "MessageID"), [format!("urn:uuid:{FRESH}")]);
    assert_eq!(texts(&root, "RelatesTo"), ["urn:uuid:11111111-2222-4333-8444-555555555555"]);
    assert_eq!(texts(&root, "MCCI_IN000002UV01"), ["山田"]);
}

#[test]
fn a_malformed_envelope_is_the_senders_fault_with_a_reason() {
    let check = |body: &str, expect: &str| {
        let answer = pix(body, &LENIENT);
        assert_eq!((answer.status, codes(&answer).as_str()), (400, "env:Sender"), "{body}");
        let reason = texts(&parse(&answer), "Text").concat();
        assert!(reason.contains(expect), "{body}: {reason}");
        assert_eq!(texts(&parse(&answer), "Action"), ["http://www.w3.org/2005/08/addressing/soap/fault"]);
    };
    let header = format!("<s:Header>{HEADERS}</s:Header>");
    let body = format!("<s:Body>{PAYLOAD}</s:Body>");
    let whole = envelope(HEADERS, PAYLOAD);
    // Not XML that is taken: the reader's reasons, whatever their words.
    check("", "line");
    check("garbage", "line");
    check("<s:Envelope", "line");
    check(&whole[..whole.len() - 4], "line");
    check(&format!("{whole}{whole}"), "line");
    check(&format!("<!DOCTYPE x [<!ENTITY e \"v\">]>{whole}"), "line");
    check(&whole.replace("山田", "&e;"), "line");
    check(&whole.replace("山田", "\u{1}"), "line");
    check(&whole.replace("xmlns:a=", "xmlns:b="), "line");
    check(&whole.replace("<s:Body>", "<s:Body><?php x?>"), "line");
    // No envelope, or not its shape.
    check("<html/>", "no SOAP envelope");
    check(PAYLOAD, "no SOAP envelope");
    check(&document(""), "has no body");
    check(&document(&header), "has no body");
    check(&document("<s:body/>"), "has no body");
    check(&document(&format!("{body}{header}")), "one header at most");
    check(&document(&format!("{header}{header}{body}")), "one header at most");
    check(&document(&format!("{body}{body}")), "one header at most");
    check(&document(&format!("{header}{body}<a:Extra/>")), "one header at most");
    check(&document(&format!("{header}text{body}")), "text between the parts");
    check(&envelope("text", PAYLOAD), "text between the header blocks");
    check(&envelope("<local/>", PAYLOAD), "no namespace");
    check(&envelope(HEADERS, ""), "body is empty");
    check(&envelope(HEADERS, " \n "), "body is empty");
    check(&envelope(HEADERS, &format!("{PAYLOAD}{PAYLOAD}")), "more than one element");
    check(&envelope(HEADERS, &format!("text{PAYLOAD}")), "beside the payload");
    check(&envelope(&HEADERS.replace("\"1\"", "\"yes\""), PAYLOAD), "neither true nor false");
    check(&whole.replace("<s:Body>", "<s:Body s:encodingStyle=\"urn:x\">"), "encodingStyle");
}

#[test]
fn bytes_that_are_not_in_their_charset_are_the_senders_fault() {
    let answer = send(b"\xff\xfe\xfd", TYPE, Endpoint::Pix, Does::Replies, &LENIENT);
    assert_eq!((answer.status, codes(&answer).as_str()), (400, "env:Sender"));
}

#[test]
fn soap_1_1_is_told_in_its_own_words_which_version_is_spoken() {
    let old = envelope(HEADERS, PAYLOAD).replace(SOAP12, SOAP11);
    for content_type in ["text/xml; charset=utf-8", TYPE] {
        let answer = send(old.as_bytes(), content_type, Endpoint::Pix, Does::Replies, &LENIENT);
        assert_eq!((answer.status, answer.content_type), (500, "text/xml; charset=UTF-8"));
        let root = parse(&answer);
        assert!(root.is(SOAP11, "Envelope"));
        assert_eq!(texts(&root, "faultcode"), ["env:VersionMismatch"]);
        let upgrade = root.first("Header").unwrap().elements().next().unwrap();
        assert!(upgrade.is(SOAP12, "Upgrade"));
        let supported = upgrade.first("SupportedEnvelope").unwrap();
        let (namespace, local) = supported.resolve(supported.attribute("qname").unwrap()).unwrap();
        assert_eq!((&*namespace, local.as_str()), (SOAP12, "Envelope"));
    }
}

#[test]
fn an_envelope_of_an_unknown_version_is_told_too() {
    let answer = pix(&envelope(HEADERS, PAYLOAD).replace(SOAP12, "urn:soap:next"), &LENIENT);
    assert_eq!((answer.status, codes(&answer).as_str()), (500, "env:VersionMismatch"));
    assert!(answer.body.contains("SupportedEnvelope"), "{}", answer.body);
}

#[test]
fn media_types_other_than_soap_1_2_are_refused() {
    let check = |content_type: &str| {
        let body = envelope(HEADERS, PAYLOAD);
        let answer = send(body.as_bytes(), content_type, Endpoint::Pix, Does::Replies, &LENIENT);
        assert_eq!(answer.status, 415, "{content_type}");
    };
    check("application/xml");
    check("multipart/related; type=\"application/xop+xml\"");
    // A 1.2 envelope under the media type of 1.1.
    check("text/xml");
}

#[test]
fn a_mandatory_block_that_is_not_understood_is_named() {
    let check = |block: &str, expect: &[&str]| {
        let answer = pix(&envelope(&format!("{HEADERS}{block}"), PAYLOAD), &LENIENT);
        let root = parse(&answer);
        let header = root.first("Header").unwrap();
        let named: Vec<_> = header
            .all("NotUnderstood")
            .filter_map(|block| block.resolve(block.attribute("qname")?))
            .map(|(namespace, local)| format!("{namespace} {local}"))
            .collect();
        assert_eq!(named, expect, "{block}");
        let (status, code) = if expect.is_empty() { (200, "") } else { (500, "env:MustUnderstand") };
        assert_eq!((answer.status, codes(&answer).as_str()), (status, code), "{block}");
        assert_eq!(texts(&root, "RelatesTo").len(), 1);
    };
    let security = "<w:Security xmlns:w=\"urn:wsse\" s:mustUnderstand=\"1\"/>";
    check(security, &["urn:wsse Security"]);
    check(&security.replace("\"1\"", "\"true\""), &["urn:wsse Security"]);
    check(&format!("{security}<x:Y xmlns:x=\"urn:x\" s:mustUnderstand=\" 1 \"/>"), &["urn:wsse Security", "urn:x Y"]);
    check(&security.replace("\"1\"", "\"0\""), &[]);
    check(&security.replace("\"1\"", "\"false\""), &[]);
    check(&security.replace(" s:mustUnderstand=\"1\"", ""), &[]);
    let role = |role: &str| security.replace("/>", &format!(" s:role=\"{SOAP12}/role/{role}\"/>"));
    check(&role("next"), &["urn:wsse Security"]);
    check(&role("ultimateReceiver"), &["urn:wsse Security"]);
    check(&role("none"), &[]);
    check(
        "<a:Action xmlns:a=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\" s:mustUnderstand=\"1\"/>",
        &["http://schemas.xmlsoap.org/ws/2004/08/addressing Action"],
    );
}

#[test]
fn headers_of_addressing_are_held_to_their_rules() {
    let check = |headers: &str, strict: &str, lenient: &str| {
        for (rules, expect) in [(STRICT, strict), (LENIENT, lenient)] {
            let answer = pix(&envelope(headers, PAYLOAD), &rules);
            assert_eq!(codes(&answer), expect, "lenient {}: {headers}", rules.lenient);
            assert_eq!(answer.status, if expect.is_empty() { 200 } else { 400 }, "{headers}");
            if !expect.is_empty() {
                let action = texts(&parse(&answer), "Action");
                assert_eq!(action.first().map(String::as_str), Some("http://www.w3.org/2005/08/addressing/fault"));
            }
        }
    };
    let mismatch = "env:Sender wsa:InvalidAddressingHeader wsa:ActionMismatch";
    let required = "env:Sender wsa:MessageAddressingHeaderRequired";
    let twice = "env:Sender wsa:InvalidAddressingHeader wsa:InvalidCardinality";
    let anonymous = "env:Sender wsa:InvalidAddressingHeader wsa:OnlyAnonymousAddressSupported";
    let no_address = "env:Sender wsa:InvalidAddressingHeader wsa:MissingAddressInEPR";
    let no_reference = "env:Sender wsa:InvalidAddressingHeader wsa:InvalidEPR";
    let without = |local: &str| {
        let start = HEADERS.find(&format!("<a:{local}")).unwrap();
        let end = HEADERS.find(&format!("</a:{local}>")).unwrap() + local.len() + 5;
        format!("{}{}", &HEADERS[..start], &HEADERS[end..])
    };
    let id = "<a:MessageID>urn:uuid:22222222-2222-4333-8444-555555555555</a:MessageID>";
    check(HEADERS, "", "");
    check(&HEADERS.replace("urn:hl7-org:v3:PRPA", "\n urn:hl7-org:v3:PRPA"), "", "");
    check(&HEADERS.replace("v3:PRPA", "v3: PRPA"), mismatch, "");
    check(&HEADERS.replace("201301", "201304"), mismatch, mismatch);
    check(&HEADERS.replace("v3:PRPA_IN201301UV02", "v3:Other"), mismatch, "");
    check(&without("Action"), required, "");
    check(&without("MessageID"), required, "");
    check(&without("ReplyTo"), required, "");
    check(&without("To"), "", "");
    check("", required, "");
    check(&format!("{HEADERS}{id}"), twice, twice);
    check(&format!("{HEADERS}{HEADERS}"), twice, twice);
    check(&format!("{HEADERS}<a:To>x</a:To>"), twice, twice);
    check(&HEADERS.replace("addressing/anonymous", "addressing/none"), anonymous, anonymous);
    check(
        &HEADERS.replace("http://www.w3.org/2005/08/addressing/anonymous", "http://x.example/"),
        anonymous,
        anonymous,
    );
    check(&format!("{HEADERS}<a:FaultTo><a:Address>http://x.example/</a:Address></a:FaultTo>"), anonymous, anonymous);
    check(&HEADERS.replace("http://www.w3.org/2005/08/addressing/anonymous", " "), no_address, no_address);
    check(&format!("{}<a:ReplyTo/>", without("ReplyTo")), no_address, no_address);
    check(&HEADERS.replace("</a:Address>", "</a:Address><a:Address>x</a:Address>"), no_reference, no_reference);
}

#[test]
fn a_fault_names_the_header_and_the_action_that_are_wrong() {
    let answer = pix(&envelope(&format!("{HEADERS}<a:To>x</a:To>"), PAYLOAD), &LENIENT);
    assert_eq!(texts(&parse(&answer), "ProblemHeaderQName"), ["wsa:To"]);
    assert_eq!(texts(&parse(&answer), "RelatesTo").len(), 1);
    let other = PAYLOAD.replace("201301", "201305");
    let answer = pix(&envelope(&HEADERS.replace("201301", "201305"), &other), &LENIENT);
    assert_eq!((answer.status, codes(&answer).as_str()), (400, "env:Sender wsa:ActionNotSupported"));
    assert_eq!(texts(&parse(&answer), "Action").last().unwrap(), "urn:hl7-org:v3:PRPA_IN201305UV02");
    assert_eq!((answer.transaction, answer.outcome), ("none", "fault"));
    let answer = pix(&envelope("", "<x:y xmlns:x=\"urn:x\"/>"), &LENIENT);
    assert_eq!(codes(&answer), "env:Sender wsa:ActionNotSupported");
    assert_eq!(texts(&parse(&answer), "RelatesTo"), [""; 0]);
}

#[test]
fn a_payload_in_an_encoding_of_soap_is_refused() {
    let encoded = PAYLOAD.replace(" xmlns=", " s:encodingStyle=\"urn:x\" xmlns=");
    let answer = pix(&envelope(HEADERS, &encoded), &LENIENT);
    assert_eq!((answer.status, codes(&answer).as_str()), (500, "env:DataEncodingUnknown"));
    assert_eq!(texts(&parse(&answer), "RelatesTo").len(), 1);
}

#[test]
fn what_the_service_refuses_becomes_a_fault() {
    let check = |does: Does, status: u16, code: &str, outcome: &str| {
        let body = envelope(HEADERS, PAYLOAD);
        let answer = send(body.as_bytes(), TYPE, Endpoint::Pix, does, &STRICT);
        assert_eq!((answer.status, codes(&answer).as_str(), answer.outcome), (status, code, outcome), "{does:?}");
        assert_eq!(texts(&parse(&answer), "RelatesTo").len(), 1, "{does:?}");
        assert_eq!(answer.transaction, "ITI-44");
        let waits = answer.headers.iter().any(|(name, _)| *name == "Retry-After");
        assert_eq!(waits, status == 503, "{does:?}");
    };
    check(Does::NotServed, 400, "env:Sender wsa:ActionNotSupported", "fault");
    check(Does::Unreadable, 400, "env:Sender", "fault");
    check(Does::Unavailable, 503, "env:Receiver", "unavailable");
    check(Does::Panics, 500, "env:Receiver", "failed");
}

#[test]
fn what_is_not_known_to_have_happened_gets_no_answer_at_all() {
    let (body, peer) = (envelope(HEADERS, PAYLOAD), Peer { system: None });
    let request = Request { body: body.as_bytes(), content_type: Some(TYPE), endpoint: Endpoint::Pix, peer: &peer };
    let answer = exchange(&request, &Fake::new(Does::LosesTheOutcome), &LENIENT, &|| FRESH.to_owned());
    assert_eq!(answer.err(), Some(NoAnswer { transaction: "ITI-44" }));
}

#[test]
fn a_text_of_the_service_is_escaped() {
    let body = envelope(HEADERS, PAYLOAD);
    let answer = send(body.as_bytes(), TYPE, Endpoint::Pix, Does::Unreadable, &STRICT);
    assert_eq!(texts(&parse(&answer), "Text"), ["the message has no <id>"]);
}

#[test]
fn a_senders_fault_has_the_status_that_is_set() {
    let rules = Rules { fault_status: FaultStatus::ServerError, ..LENIENT };
    assert_eq!(pix("<html/>", &rules).status, 500);
    assert_eq!(pix("<html/>", &LENIENT).status, 400);
    assert_eq!(pix(&envelope(HEADERS, PAYLOAD), &rules).status, 200);
}

#[test]
fn an_overload_is_a_fault_to_come_back_from() {
    let answer = overloaded(&LENIENT, &|| FRESH.to_owned());
    assert_eq!((answer.status, codes(&answer).as_str()), (503, "env:Receiver"));
    assert_eq!(answer.headers, [("Retry-After", "2".to_owned())]);
}

#[test]
fn continuation_and_cancel_are_served_at_their_endpoint() {
    let check = |root: &str, action: &str, expect: u16| {
        let headers = HEADERS.replace("PRPA_IN201301UV02", action);
        let body = envelope(&headers, &format!("<h:{root} xmlns:h=\"urn:hl7-org:v3\"/>"));
        let answer = send(body.as_bytes(), TYPE, Endpoint::Pdq, Does::Replies, &STRICT);
        assert_eq!(answer.status, expect, "{root} {action}: {}", answer.body);
    };
    check("PRPA_IN201305UV02", "PRPA_IN201305UV02", 200);
    check("QUQI_IN000003UV01", "QUQI_IN000003UV01_Continue", 200);
    check("QUQI_IN000003UV01_Cancel", "QUQI_IN000003UV01_Cancel", 200);
    check("QUQI_IN000003UV01", "PRPA_IN201305UV02", 400);
    check("PRPA_IN201301UV02", "PRPA_IN201301UV02", 400);
}
