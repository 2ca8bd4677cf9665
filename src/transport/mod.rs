//! Bytes in, bytes out: SOAP 1.2 with WS-Addressing over HTTP, the listeners, and the calls that we make.
//!
//! It unwraps a payload and wraps the reply. It must never know what a payload means, decide what a caller
//! may do, or write content of a message to the log.

mod admin;
mod crowd;
mod http;
mod listen;
mod outbound;
mod settings;
pub mod soap;
mod tls;
mod wsdl;

pub use listen::{Bound, ListenError, Running, run, spawn};
pub use outbound::{CallSettings, Caller};
pub use settings::{FaultStatus, Settings, TlsListener};
pub use soap::Unanswered;

use crate::desk::Desk;
use crate::metrics::Metrics;
use crate::transactions::{Endpoint, Peer, Refusal, Reply, Service};
use crate::xml;

/// What stands behind the listeners. The product has one, [`Service`]; tests put a fake in its place.
pub trait Handler: Send + Sync + 'static {
    /// Whether `root` is the payload of a transaction of this endpoint.
    fn serves(&self, endpoint: Endpoint, root: &xml::ExpandedName) -> bool;
    /// Whether these bytes seem to hold a feed; looks at their beginning only, and is right about whoever is honest.
    /// Where there is no place for all, feeds are served first.
    fn seems_a_feed(&self, endpoint: Endpoint, body: &[u8]) -> bool;
    /// Whether these bytes seem to hold a question that is answered without waiting for anything, in less time than it
    /// takes to hand it to another thread; looks at their beginning only.
    fn seems_brief(&self, endpoint: Endpoint, body: &[u8]) -> bool;
    /// Answers one payload; may block.
    fn handle(&self, endpoint: Endpoint, payload: &xml::Element, peer: &Peer) -> Result<Reply, Refusal>;
    /// Whether requests can be answered now.
    fn is_ready(&self) -> bool;
    /// What operators may call; none where there is nothing to operate.
    fn desk(&self) -> Option<Desk>;
    /// Where requests are counted.
    fn metrics(&self) -> &Metrics;
    /// Brings the metrics up to date that are not while nobody asks; may block.
    fn measure(&self);
    /// Whether no request can be answered until the process is started again: it drains and ends.
    fn has_failed(&self) -> bool;
}

impl Handler for Service {
    fn serves(&self, endpoint: Endpoint, root: &xml::ExpandedName) -> bool {
        Service::serves(endpoint, root)
    }

    fn seems_a_feed(&self, endpoint: Endpoint, body: &[u8]) -> bool {
        Service::seems_a_feed(endpoint, body)
    }

    fn seems_brief(&self, endpoint: Endpoint, body: &[u8]) -> bool {
        Service::seems_brief(self, endpoint, body)
    }

    fn handle(&self, endpoint: Endpoint, payload: &xml::Element, peer: &Peer) -> Result<Reply, Refusal> {
        Service::handle(self, endpoint, payload, peer)
    }

    fn is_ready(&self) -> bool {
        Service::is_ready(self)
    }

    fn desk(&self) -> Option<Desk> {
        Some(Desk::new(self.registry().clone(), self.time_zone()))
    }

    fn metrics(&self) -> &Metrics {
        Service::metrics(self)
    }

    fn measure(&self) {
        Service::measure(self);
    }

    fn has_failed(&self) -> bool {
        Service::has_failed(self)
    }
}

#[cfg(test)]
mod fake;
#[cfg(test)]
mod tests;
