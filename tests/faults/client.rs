//! A sender: one connection, one message at a time, and what the answer means to it.
//!
//! It must never take silence for a yes: a connection that ends before the whole answer came leaves the outcome
//! unknown, whatever came before.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long a sender waits before it gives an answer up.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a sender knows after one attempt.
#[derive(Debug)]
pub enum Answer {
    /// Accepted, with the acknowledgement's payload.
    Acknowledged(String),
    /// Refused for a reason that is not in the message; nothing happened.
    Refused,
    /// Anything else that was said.
    Other(String),
    /// No whole answer came.
    Unknown,
}

pub struct Connection {
    stream: TcpStream,
    host: String,
}

impl Connection {
    pub fn open(to: SocketAddr) -> Option<Self> {
        let stream = TcpStream::connect(to).ok()?;
        stream.set_nodelay(true).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        Some(Self { stream, host: to.to_string() })
    }

    /// Sends a feed; the connection is of no more use after [`Answer::Unknown`].
    pub fn feed(&mut self, payload: &str) -> Answer {
        let envelope = envelope("pix", payload);
        let Some((status, body)) = self.exchange("pix", &envelope) else { return Answer::Unknown };
        let acknowledgement = between(&body, "<MCCI_IN000002UV01", "</MCCI_IN000002UV01>");
        match (status, acknowledgement) {
            (200, Some(said)) if said.contains("<typeCode code=\"CA\"/>") => Answer::Acknowledged(said.to_owned()),
            // The store's own refusal: nothing happened.
            (200, Some(said)) if said.contains("\"NOSTORE\"") => Answer::Refused,
            (500 | 503, None) => Answer::Refused,
            _ => Answer::Other(format!("{status}: {body}")),
        }
    }

    /// Sends a query; whether it was answered with a result.
    pub fn ask(&mut self, path: &str, payload: &str) -> Answer {
        match self.exchange(path, &envelope(path, payload)) {
            Some((200, body)) if body.contains("<typeCode code=\"AA\"/>") => Answer::Acknowledged(body),
            Some((500 | 503, _)) => Answer::Refused,
            Some((200, body)) if body.contains("\"NOSTORE\"") => Answer::Refused,
            Some((status, body)) => Answer::Other(format!("{status}: {body}")),
            None => Answer::Unknown,
        }
    }

    /// `GET path`: the status.
    pub fn get(&mut self, path: &str) -> Option<u16> {
        let request = format!("GET /{path} HTTP/1.1\r\nHost: {}\r\n\r\n", self.host);
        self.stream.write_all(request.as_bytes()).ok()?;
        self.answer().map(|(status, _)| status)
    }

    fn exchange(&mut self, path: &str, body: &str) -> Option<(u16, String)> {
        let head = format!(
            "POST /{path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/soap+xml; charset=UTF-8\r\nContent-Length: {}\r\n\r\n",
            self.host,
            body.len()
        );
        self.stream.write_all((head + body).as_bytes()).ok()?;
        self.answer()
    }

    fn answer(&mut self) -> Option<(u16, String)> {
        let mut received = Vec::new();
        let mut part = [0; 16 * 1024];
        loop {
            let read = self.stream.read(&mut part).ok().filter(|read| *read > 0)?;
            received.extend_from_slice(&part[..read]);
            if let Some((status, from, length)) = head(&received)
                && let Some(body) = received.get(from..from + length)
            {
                return Some((status, String::from_utf8(body.to_vec()).ok()?));
            }
        }
    }
}

/// The status, where the body begins and how long it is, once the head is there.
fn head(received: &[u8]) -> Option<(u16, usize, usize)> {
    let from = received.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&received[..from]).ok()?;
    let status = text.split(' ').nth(1)?.parse().ok()?;
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    })?;
    Some((status, from, length))
}

/// The part of `text` from `open` to the end of `close`.
fn between<'a>(text: &'a str, open: &str, close: &str) -> Option<&'a str> {
    let from = text.find(open)?;
    let to = from + text[from..].find(close)? + close.len();
    Some(&text[from..to])
}

/// Each attempt goes in an envelope of its own, as real toolkits do.
fn envelope(path: &str, payload: &str) -> String {
    let payload = payload.find("?>").map_or(payload, |end| &payload[end + 2..]);
    let root = &payload[1..payload.find([' ', '>']).unwrap_or(payload.len())];
    format!(
        "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" xmlns:a=\"http://www.w3.org/2005/08/addressing\">\
         <s:Header><a:To>http://127.0.0.1/{path}</a:To><a:Action s:mustUnderstand=\"1\">urn:hl7-org:v3:{root}</a:Action>\
         <a:MessageID>urn:uuid:{}</a:MessageID></s:Header><s:Body>{payload}</s:Body></s:Envelope>",
        nayose::clock::Clock::system().uuid()
    )
}
