//! Stand-in until the transactions land.

use crate::xml;

/// Which actor is addressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// The PIX Manager.
    Pix,
    /// The Patient Demographics Supplier.
    Pdq,
}

/// Who is at the other end.
pub struct Peer {
    /// System key by client certificate.
    pub system: Option<String>,
}

/// An answer.
pub struct Reply {
    /// Payload XML.
    pub body: String,
    /// `wsa:Action` of the reply.
    pub action: &'static str,
}

/// No answer.
pub enum Refusal {
    /// Not served here.
    NotServed,
    /// Cannot be read.
    Unreadable(String),
    /// Not now.
    Unavailable,
}

/// The service.
pub struct Service {}

impl Service {
    /// Whether `root` is served.
    pub fn serves(_endpoint: Endpoint, _root: &xml::ExpandedName) -> bool {
        false
    }
    /// Answers.
    pub fn handle(&self, _endpoint: Endpoint, _payload: &xml::Element, _peer: &Peer) -> Result<Reply, Refusal> {
        Err(Refusal::NotServed)
    }
    /// Whether ready.
    pub fn is_ready(&self) -> bool {
        false
    }
}
