//! Hostile and malformed envelopes against a real server process: each is refused with its reason, the memory of
//! the process stays flat, and the feeds of everyone else are answered as before.

use crate::region::REGIONAL;
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const MEDIA: &str = "application/soap+xml; charset=UTF-8";
const ADD: &str = "urn:hl7-org:v3:PRPA_IN201301UV02";

/// How often the whole barrage is sent before and after the memory is measured.
const WARM_UP: usize = 4;
const ROUNDS: usize = 10;
/// Pages that an allocator keeps: up to 10 MB were seen to come and go. What each of the rounds before the last half
/// would leave, if a barrage were lost, is more; the test says so.
const GROWTH: u64 = 14 << 20;
/// What the largest of these documents may need while it is read.
const PEAK: u64 = 96 << 20;

/// One message that must be refused.
struct Attack {
    what: &'static str,
    media: &'static str,
    body: Vec<u8>,
    status: u16,
    /// A part of the fault's Reason; of the body where there is no fault.
    reason: &'static str,
}

/// `nayose serve` in a process of its own.
struct Server {
    child: Child,
    address: String,
    folder: PathBuf,
}

impl Server {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder").keep();
        let config = format!(
            "[server]\nhttp = \"127.0.0.1:0\"\nadmin = \"off\"\n[store]\nurl = \"sqlite:{}\"\n[network]\n\
             regional = {{ oid = \"{REGIONAL}\", namespace = \"HOSHIMI\" }}\ndevice = \"2.999.1.900\"\n\
             [access]\nmode = \"open\"\n\
             [[domain]]\nid = \"h01\"\noid = \"2.999.1.11\"\nnamespace = \"H01\"\nname = \"Hospital\"\n",
            folder.join("store.db").display()
        );
        std::fs::write(folder.join("nayose.toml"), config).expect("a configuration");
        let addresses = folder.join("addresses");
        let mut command = Command::new(env!("CARGO_BIN_EXE_nayose"));
        command.arg("serve").arg("--config").arg(folder.join("nayose.toml")).arg("--address-file").arg(&addresses);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the server");
        let mut server = Self { child, address: String::new(), folder };
        for _ in 0..600 {
            let text = std::fs::read_to_string(&addresses).unwrap_or_default();
            if let Some(at) = text.lines().find_map(|line| line.strip_prefix("http=")) {
                server.address = format!("http://{at}/pix");
                return server;
            }
            assert!(server.child.try_wait().expect("a process").is_none(), "the server ended at once");
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("the server does not listen");
    }

    /// Bytes of `VmRSS` or `VmHWM`.
    fn memory(&self, name: &str) -> u64 {
        let file = Path::new("/proc").join(self.child.id().to_string()).join("status");
        let text = std::fs::read_to_string(file).expect("the process's status");
        let line = text.lines().find_map(|line| line.strip_prefix(name)).expect("a line of memory");
        let digits: String = line.chars().filter(char::is_ascii_digit).collect();
        digits.parse::<u64>().expect("kilobytes") << 10
    }

    fn post(&self, media: &str, body: &[u8]) -> (u16, String) {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(30)))
            .build();
        let agent = ureq::Agent::new_with_config(config);
        let mut response = agent.post(&self.address).header("content-type", media).send(body).expect("an answer");
        (response.status().as_u16(), response.body_mut().read_to_string().expect("an answer's text"))
    }
}

impl Server {
    /// The answer to a message that announces more than is taken. Little of it is sent: the server does not wait
    /// for the rest, and a client that still sends may lose the answer.
    fn announce(&self, length: usize) -> String {
        let host = self.address.trim_start_matches("http://").trim_end_matches("/pix");
        let mut stream = TcpStream::connect(host).expect("a connection");
        let head = format!(
            "POST /pix HTTP/1.1\r\nhost: {host}\r\ncontent-type: {MEDIA}\r\ncontent-length: {length}\r\n\r\n<s:Envelope"
        );
        stream.write_all(head.as_bytes()).expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended; what is left behind is in the folder for temporary files.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn feed(message: &str, value: &str) -> String {
    format!(
        "<PRPA_IN201301UV02 xmlns=\"urn:hl7-org:v3\" ITSVersion=\"XML_1.0\"><id root=\"2.999.5\" extension=\"{message}\"/>\
         <creationTime value=\"20260401120000\"/><interactionId root=\"2.16.840.1.113883.1.6\" \
         extension=\"PRPA_IN201301UV02\"/><processingCode code=\"P\"/><processingModeCode code=\"T\"/>\
         <acceptAckCode code=\"AL\"/><receiver typeCode=\"RCV\"><device classCode=\"DEV\" \
         determinerCode=\"INSTANCE\"><id root=\"2.999.1.900\"/></device></receiver><sender typeCode=\"SND\">\
         <device classCode=\"DEV\" determinerCode=\"INSTANCE\"><id root=\"2.999.1.11.1\"/></device></sender>\
         <controlActProcess classCode=\"CACT\" moodCode=\"EVN\"><subject typeCode=\"SUBJ\">\
         <registrationEvent classCode=\"REG\" moodCode=\"EVN\"><statusCode code=\"active\"/>\
         <subject1 typeCode=\"SBJ\"><patient classCode=\"PAT\"><id root=\"2.999.1.11\" extension=\"{value}\"/>\
         <statusCode code=\"active\"/><patientPerson classCode=\"PSN\" determinerCode=\"INSTANCE\">\
         <name><family>星見</family><given>花</given></name><birthTime value=\"19800214\"/></patientPerson>\
         </patient></subject1></registrationEvent></subject></controlActProcess></PRPA_IN201301UV02>"
    )
}

fn headers(message: &str) -> String {
    format!(
        "<a:Action s:mustUnderstand=\"1\">{ADD}</a:Action><a:MessageID>urn:example:{message}</a:MessageID>\
         <a:ReplyTo><a:Address>http://www.w3.org/2005/08/addressing/anonymous</a:Address></a:ReplyTo>"
    )
}

fn document(content: &str) -> String {
    format!(
        "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" \
         xmlns:a=\"http://www.w3.org/2005/08/addressing\">{content}</s:Envelope>"
    )
}

fn envelope(headers: &str, body: &str) -> String {
    document(&format!("<s:Header>{headers}</s:Header><s:Body>{body}</s:Body>"))
}

/// A proper envelope, each time under another message id of WS-Addressing.
fn proper(message: &str, value: &str) -> String {
    envelope(&headers(message), &feed(message, value))
}

fn refused(what: &'static str, body: impl Into<Vec<u8>>, reason: &'static str) -> Attack {
    Attack { what, media: MEDIA, body: body.into(), status: 400, reason }
}

/// What is meant to exhaust or to reach out.
fn bombs() -> Vec<Attack> {
    const DTD: &str = "document type declaration";
    let message = proper("bomb", "A");
    let before = |dtd: &str, body: &str| format!("<?xml version=\"1.0\"?>\n<!DOCTYPE s:Envelope [{dtd}]>\n{body}");
    let mut laughs = String::from("<!ENTITY a0 \"ha\">");
    for n in 1..12 {
        let _ = write!(laughs, "<!ENTITY a{n} \"{}\">", format!("&a{};", n - 1).repeat(10));
    }
    let quadratic = format!("<!ENTITY big \"{}\">", "x".repeat(100_000));
    let at = |text: &str| message.replace("星見", text);
    let deep = format!("{}{}", "<d>".repeat(50_000), "</d>".repeat(50_000));
    let mut attributes = String::new();
    let mut namespaces = String::new();
    for n in 0..20_000 {
        let _ = write!(attributes, " b{n}=\"x\"");
        let _ = write!(namespaces, " xmlns:n{n}=\"urn:{n}\"");
    }
    vec![
        refused("a billion laughs", before(&laughs, &at("&a11;")), DTD),
        refused("one large entity many times", before(&quadratic, &at(&"&big;".repeat(1_000))), DTD),
        refused("an external entity: a file", before("<!ENTITY x SYSTEM \"file:///etc/passwd\">", &at("&x;")), DTD),
        refused("an external entity: a host", before("<!ENTITY x SYSTEM \"http://127.0.0.1:9/\">", &at("&x;")), DTD),
        refused("parameter entities", before("<!ENTITY % x SYSTEM \"http://127.0.0.1:9/x.dtd\"> %x;", &message), DTD),
        refused(
            "an external subset",
            format!("<!DOCTYPE s:Envelope SYSTEM \"http://127.0.0.1:9/x.dtd\">{message}"),
            DTD,
        ),
        refused("an entity without a declaration", at("&x;"), "an undefined entity"),
        refused("a nesting without end", envelope(&headers("1"), &deep), "the nesting is too deep"),
        refused("a crowd of attributes", envelope("", &format!("<b{attributes}/>")), "too many attributes"),
        refused("a crowd of namespaces", envelope("", &format!("<b{namespaces}/>")), "too many"),
        refused(
            "a crowd of elements",
            envelope("", &format!("<b>{}</b>", "<c/>".repeat(100_000))),
            "too many elements",
        ),
        refused("a huge name", envelope("", &format!("<{0}/>", "n".repeat(500_000))), "a name is too long"),
        refused(
            "a huge name of an attribute",
            envelope("", &format!("<b {}=\"\"/>", "n".repeat(500_000))),
            "a name is too long",
        ),
        refused("a large text in the envelope", document(&"x".repeat(900_000)), "text between the parts"),
    ]
}

/// `message` with `to` where `from` stood; it must have stood there.
fn swapped(message: &str, from: &str, to: &str) -> String {
    assert!(message.contains(from), "{from}");
    message.replacen(from, to, 1)
}

/// Documents that are no XML, or not what they say, in ways that happen.
fn no_xml() -> Vec<Attack> {
    let message = proper("malformed", "A");
    let swap = |from: &str, to: &str| swapped(&message, from, to);
    let declared = |encoding: &str| format!("<?xml version=\"1.0\" encoding=\"{encoding}\"?>{message}");
    let half = message.get(..message.len() / 2).unwrap_or_default();
    let mut broken_utf8 = message.clone().into_bytes();
    let first = broken_utf8.iter().position(|byte| *byte >= 0x80).expect("a byte of kanji");
    broken_utf8.remove(first);
    vec![
        refused("nothing", "", "no root element"),
        refused("white space alone", " \n ", "no root element"),
        refused("no XML", "MSH|^~\\&|A", "text outside the root element"),
        refused("JSON", "{\"resourceType\":\"Patient\"}", "text outside the root element"),
        refused("half a message", half, "not closed"),
        refused("a second root", format!("{message}<b/>"), "second root"),
        refused("text after the root", format!("{message}x"), "outside the root"),
        refused("an end tag of another name", swap("</s:Body>", "</s:Bodie>"), "does not match its start tag"),
        refused(
            "a prefix that is not declared",
            swap("<s:Body>", "<q:Body>").replace("</s:Body>", "</q:Body>"),
            "prefix of an element is not declared",
        ),
        refused(
            "an attribute twice",
            swap("classCode=\"PAT\"", "classCode=\"PAT\" classCode=\"PAT\""),
            "an attribute occurs twice",
        ),
        refused("an attribute without quotes", swap("classCode=\"PAT\"", "classCode=PAT"), "not quoted"),
        refused("an attribute without a value", swap("classCode=\"PAT\"", "classCode"), "no value"),
        refused("a bare ampersand", swap("星見", "a & b"), "reference"),
        refused(
            "a less-than sign in a value",
            swap("classCode=\"PAT\"", "classCode=\"<\""),
            "an attribute value contains &lt;",
        ),
        refused("a reference to no character", swap("星見", "&#0;"), "names no character"),
        refused("a control character", swap("星見", "\u{1}"), "a character is not allowed"),
        refused("the end of CDATA in text", swap("星見", "]]>"), "text contains ]]&gt;"),
        refused("two hyphens in a comment", swap("<s:Body>", "<!-- a -- b --><s:Body>"), "a comment contains --"),
        refused("a processing instruction", swap("<s:Body>", "<?php x?><s:Body>"), "a processing instruction"),
        refused("XML 1.1", format!("<?xml version=\"1.1\"?>{message}"), "a version of XML other than 1.0"),
        refused("bytes that are not UTF-8", broken_utf8, "malformed in their character encoding"),
        Attack {
            media: "application/soap+xml",
            ..refused("a charset that is not known", declared("x-none"), "encoding")
        },
        Attack {
            media: "application/soap+xml; charset=x-none",
            ..refused("a charset that is not known, by HTTP", message.clone(), "encoding")
        },
    ]
}

/// XML that is no envelope of ours.
fn no_envelope() -> Vec<Attack> {
    let swap = |from: &str, to: &str| swapped(&proper("malformed", "A"), from, to);
    vec![
        refused("no envelope", feed("1", "A"), "no SOAP envelope"),
        refused("an envelope without a body", document(""), "no body"),
        refused("an empty body", envelope(&headers("1"), ""), "the body is empty"),
        refused("two payloads", envelope(&headers("1"), "<b/><b/>"), "more than one element"),
        refused("text beside the payload", envelope(&headers("1"), "x<b/>"), "text in the body"),
        refused("header after body", document("<s:Body><b/></s:Body><s:Header/>"), "one header at most"),
        refused("a header block without a namespace", envelope("<b/>", "<b/>"), "no namespace"),
        refused(
            "mustUnderstand that is no truth value",
            envelope("<a:To s:mustUnderstand=\"yes\"/>", &feed("1", "A")),
            "neither true nor false",
        ),
        refused("an Action twice", envelope(&headers("1").repeat(2), &feed("1", "A")), "stands there more than once"),
        refused(
            "a reply to elsewhere",
            swap("http://www.w3.org/2005/08/addressing/anonymous", "http://127.0.0.1:9/"),
            "anonymous address",
        ),
        refused(
            "the Action of another message",
            swap(ADD, "urn:hl7-org:v3:PRPA_IN201304UV02"),
            "not that of the payload",
        ),
        refused("a payload of nobody", envelope("", "<b xmlns=\"urn:example\"/>"), "serves no such action"),
        refused("a message without an id", swap("<id root=\"2.999.5\" extension=\"malformed\"/>", ""), "id"),
        Attack {
            status: 500,
            ..refused(
                "a header that must be understood",
                envelope("<x:y xmlns:x=\"urn:x\" s:mustUnderstand=\"1\"/>", &feed("1", "A")),
                "not understood",
            )
        },
        Attack {
            status: 500,
            ..refused(
                "another version of SOAP",
                swap("2003/05/soap-envelope", "2001/12/soap-envelope"),
                "only SOAP 1.2",
            )
        },
        Attack {
            status: 415,
            media: "application/json",
            ..refused("another media type", "{}", "application/soap+xml only")
        },
    ]
}

/// The Reason of a fault, else the whole body.
fn reason(body: &str) -> &str {
    let text = body.split_once("<env:Reason>").and_then(|(_, rest)| rest.split_once("</env:Reason>"));
    text.map_or(body, |(reason, _)| reason)
}

/// What stands in Body.
fn payload(body: &str) -> &str {
    body.split_once("<env:Body>").map_or("", |(_, payload)| payload)
}

#[test]
fn a_barrage_of_hostile_envelopes_is_weathered() {
    let server = Server::start();
    let attacks: Vec<Attack> = bombs().into_iter().chain(no_xml()).chain(no_envelope()).collect();
    assert!(attacks.len() - bombs().len() >= 25);
    let first = server.post(MEDIA, proper("before", "A").as_bytes());
    assert!(first.1.contains("<typeCode code=\"CA\"/>"), "{}", first.1);
    let mut slowest = (Duration::ZERO, "");
    let mut barrage = || {
        let mut wrong = Vec::new();
        for attack in &attacks {
            let start = Instant::now();
            let (status, body) = server.post(attack.media, &attack.body);
            slowest = slowest.max((start.elapsed(), attack.what));
            let is_fault = body.contains("<env:Fault>") || matches!(status, 413 | 415);
            if status != attack.status || !is_fault || !reason(&body).contains(attack.reason) {
                wrong.push(format!("{}: {status} {}", attack.what, reason(&body)));
            }
        }
        let large = server.announce(1 << 30);
        if !large.starts_with("HTTP/1.1 413") || !large.contains("the body is too large") {
            wrong.push(format!("a huge text: {large}"));
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    };
    let sent = attacks.iter().map(|attack| u64::try_from(attack.body.len()).unwrap()).sum::<u64>();
    assert!(
        sent * (u64::try_from(ROUNDS).unwrap() / 2 + 1) > GROWTH,
        "{sent} bytes a barrage are too few to show a leak"
    );
    let mut before_each = Vec::new();
    for _ in 0..WARM_UP {
        barrage();
        before_each.push(server.memory("VmRSS:"));
    }
    let mut after_each = Vec::new();
    for _ in 0..ROUNDS {
        barrage();
        after_each.push(server.memory("VmRSS:"));
    }
    // An allocator gives memory back when it sees fit, now a few MB more and now less; what is lost never comes back,
    // so the least of the last rounds, beside the most of the first, shows it.
    let before = before_each.into_iter().max().unwrap();
    let after = after_each.into_iter().skip(ROUNDS / 2).min().unwrap();
    let peak = server.memory("VmHWM:");
    println!("{} messages, {} times; slowest {:?} ({})", attacks.len(), WARM_UP + ROUNDS, slowest.0, slowest.1);
    println!("resident {} KiB before, {} KiB after, {} KiB at most", before >> 10, after >> 10, peak >> 10);
    assert!(after <= before + GROWTH, "memory grew from {before} to {after} bytes");
    assert!(peak <= before + PEAK, "memory rose from {before} to {peak} bytes");
    let again = server.post(MEDIA, proper("before", "A").replace("urn:example:before", "urn:example:after").as_bytes());
    assert_eq!(payload(&again.1), payload(&first.1), "a repeat has another answer than before");
    let new = server.post(MEDIA, proper("new", "B").as_bytes());
    assert!(new.1.contains("<typeCode code=\"CA\"/>"), "{}", new.1);
}
