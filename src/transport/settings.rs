//! What the listeners are told: values only, each with a default that serves a trial on one machine.
//!
//! It must never read a file or the environment.

use crate::sealed::Token;
use crate::transport::soap;
use crate::xml;
use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

/// The HTTP status of a fault that is the sender's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FaultStatus {
    /// 400, as SOAP 1.2 wants it.
    #[default]
    BadRequest,
    /// 500, for peers that read no fault behind 400.
    ServerError,
}

/// The listener with TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsListener {
    /// `host:port`, or `:port` for all interfaces.
    pub address: String,
    /// PEM file: our certificate and its intermediates.
    pub certificate: PathBuf,
    /// PEM file: the private key.
    pub key: PathBuf,
    /// PEM file: the authorities whose client certificates are accepted. Where set, a certificate is required.
    pub client_ca: Option<PathBuf>,
    /// System keys by the SHA-256 fingerprint of the client certificate, in hexadecimal, colons allowed.
    pub systems: HashMap<String, String>,
}

/// Settings of all listeners and of what is common to them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Plain listener.
    pub http: Option<String>,
    /// TLS listener.
    pub https: Option<TlsListener>,
    /// Listener of the operators.
    pub admin: Option<String>,
    /// What a caller of the operators' interface must show; without it nobody may call.
    pub token: Option<Token>,
    /// Whether a listener without TLS may be reached from beyond this machine.
    pub allow_plain: bool,
    /// Where to write `name=address` lines once every listener is bound.
    pub address_file: Option<PathBuf>,
    /// Whether to forgive what real peers get wrong in WS-Addressing.
    pub lenient: bool,
    /// The status of a sender's fault.
    pub fault_status: FaultStatus,
    /// Limits of a document; `bytes` bounds the body before it is parsed.
    pub limits: xml::Limits,
    /// How long the head of a request may take to arrive, the first one from when the connection was made.
    pub head_deadline: Duration,
    /// How long a body may take to arrive.
    pub body_deadline: Duration,
    /// After so long a body must have come at `body_rate`.
    pub body_patience: Duration,
    /// The least bytes a second of a body, counted from the end of `body_patience`.
    pub body_rate: u32,
    /// How long the other end may take nothing of a reply that it has not read, before its connection is ended.
    pub delivery_deadline: Duration,
    /// How long a TLS handshake may take.
    pub handshake_deadline: Duration,
    /// Bytes of all bodies that are held at once; past it the answer is 503.
    pub body_bytes: usize,
    /// How long an idle connection is kept.
    pub keep_alive: Duration,
    /// Threads that move bytes.
    pub workers: usize,
    /// Threads that answer requests, in all: feeds wait on them for the commit that they share.
    pub blocking_threads: usize,
    /// Questions that are answered at once; more wait in the order in which they came. More than the cores can answer
    /// only make all of them late.
    pub questions_at_once: usize,
    /// Requests that may be waiting or in work at once, in all; past it the answer is 503.
    pub in_flight: usize,
    /// How many of them may be questions: where there is no place for all, feeds are served.
    pub questions: usize,
    /// Connections in all; who comes then waits to be let in.
    pub connections: usize,
    /// Connections of one address; one more is closed at once.
    pub connections_of_one: usize,
    /// How long requests in work may take to finish when the server stops.
    pub drain: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            http: Some("127.0.0.1:8080".to_owned()),
            https: None,
            admin: Some("127.0.0.1:9464".to_owned()),
            token: None,
            allow_plain: false,
            address_file: None,
            lenient: true,
            fault_status: FaultStatus::default(),
            limits: xml::Limits::default(),
            head_deadline: Duration::from_secs(5),
            body_deadline: Duration::from_secs(60),
            body_patience: Duration::from_secs(5),
            body_rate: 1024,
            delivery_deadline: Duration::from_secs(30),
            handshake_deadline: Duration::from_secs(3),
            body_bytes: 128 << 20,
            keep_alive: Duration::from_secs(75),
            workers: 2,
            blocking_threads: 128,
            questions_at_once: 4,
            in_flight: 256,
            questions: 192,
            connections: 12_288,
            connections_of_one: 4_096,
            drain: Duration::from_secs(20),
        }
    }
}

impl Settings {
    /// The part that the SOAP layer needs.
    pub fn rules(&self) -> soap::Rules {
        soap::Rules { lenient: self.lenient, fault_status: self.fault_status, limits: self.limits }
    }
}
