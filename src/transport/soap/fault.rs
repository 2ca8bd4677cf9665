//! Why a request has no reply: one row for each reason, with code, text and status.
//!
//! A text must never quote the request, except the Action and the names of header blocks. Errors of HL7
//! content are no faults: they are acknowledgements of the layer below.

use super::reply::wrap;
use super::{CONTENT_TYPE, CONTENT_TYPE_11, Context, FaultStatus, HttpAnswer, SOAP11, SOAP12, escape};
use crate::xml::{ExpandedName, XmlError};

/// Action of a fault that WS-Addressing defines.
const WSA_FAULT: &str = "http://www.w3.org/2005/08/addressing/fault";
/// Action of a fault that SOAP defines.
const SOAP_FAULT: &str = "http://www.w3.org/2005/08/addressing/soap/fault";

/// A header of WS-Addressing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Header {
    /// `wsa:To`.
    To,
    /// `wsa:From`.
    From,
    /// `wsa:ReplyTo`.
    ReplyTo,
    /// `wsa:FaultTo`.
    FaultTo,
    /// `wsa:Action`.
    Action,
    /// `wsa:MessageID`.
    MessageId,
}

impl Header {
    /// The local name.
    pub fn local(self) -> &'static str {
        match self {
            Header::To => "To",
            Header::From => "From",
            Header::ReplyTo => "ReplyTo",
            Header::FaultTo => "FaultTo",
            Header::Action => "Action",
            Header::MessageId => "MessageID",
        }
    }
}

/// Why a request has no reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The media type cannot hold a SOAP 1.2 envelope.
    MediaType,
    /// The bytes are no XML that is taken.
    NotXml(XmlError),
    /// It is no envelope, or one of a wrong shape.
    Envelope(&'static str),
    /// An envelope of SOAP 1.1.
    Soap11,
    /// An envelope of a version unknown to us.
    Version,
    /// The payload is said to be in an encoding of SOAP.
    Encoding,
    /// Header blocks that must be understood and are not.
    NotUnderstood(Vec<ExpandedName>),
    /// No transaction of this endpoint; holds the Action, or the payload's root where there is none.
    ActionNotSupported(String),
    /// A header is missing.
    HeaderRequired(Header),
    /// The Action is that of another payload.
    ActionMismatch(String),
    /// A header stands there more than once.
    Cardinality(Header),
    /// An endpoint reference without address.
    MissingAddress(Header),
    /// An endpoint reference with several addresses.
    Address(Header),
    /// The reply is wanted elsewhere than on this connection.
    OnlyAnonymous(Header),
    /// The payload cannot be answered in its own language; the text says why.
    Unreadable(String),
    /// The service cannot work now.
    Unavailable,
    /// Too many requests are in work.
    Overloaded,
    /// A defect of ours.
    Internal,
}

/// How a fault looks: code, subcodes from the outside in, text, content of Detail.
struct Row {
    code: &'static str,
    subcodes: &'static [&'static str],
    reason: String,
    detail: String,
}

impl Fault {
    /// The answer to the request.
    pub(super) fn answer(&self, fault_status: FaultStatus, fresh: &str, context: &Context) -> HttpAnswer {
        let (content_type, body) = match self {
            Fault::Soap11 => (CONTENT_TYPE_11, version_mismatch_11()),
            _ => (CONTENT_TYPE, self.envelope(fresh, context.relates_to.as_deref())),
        };
        let waits = matches!(self, Fault::Unavailable | Fault::Overloaded);
        HttpAnswer {
            status: self.status(fault_status),
            content_type,
            headers: if waits { vec![("Retry-After", "2".to_owned())] } else { Vec::new() },
            body,
            transaction: context.transaction,
            outcome: match self {
                Fault::Internal => "failed",
                Fault::Unavailable | Fault::Overloaded => "unavailable",
                _ => "fault",
            },
        }
    }

    /// The HTTP status. SOAP 1.2 part 2, table 20: Sender is 400, every other code 500.
    fn status(&self, fault_status: FaultStatus) -> u16 {
        match self {
            Fault::MediaType => 415,
            Fault::Unavailable | Fault::Overloaded => 503,
            _ if self.row().code == "Sender" && fault_status == FaultStatus::BadRequest => 400,
            _ => 500,
        }
    }

    fn envelope(&self, fresh: &str, relates_to: Option<&str>) -> String {
        let row = self.row();
        let action = if row.subcodes.is_empty() { SOAP_FAULT } else { WSA_FAULT };
        let subcodes = row.subcodes.iter().rev().fold(String::new(), |inner, subcode| {
            format!("<env:Subcode><env:Value>wsa:{subcode}</env:Value>{inner}</env:Subcode>")
        });
        let detail =
            if row.detail.is_empty() { String::new() } else { format!("<env:Detail>{}</env:Detail>", row.detail) };
        let body = format!(
            "<env:Fault><env:Code><env:Value>env:{}</env:Value>{subcodes}</env:Code>\
             <env:Reason><env:Text xml:lang=\"en\">{}</env:Text></env:Reason>{detail}</env:Fault>",
            row.code,
            escape(&row.reason),
        );
        wrap(action, fresh, relates_to, &self.headers(), &body)
    }

    /// The header blocks that belong to the fault.
    fn headers(&self) -> String {
        match self {
            Fault::NotUnderstood(blocks) => blocks.iter().map(not_understood).collect(),
            Fault::Version => upgrade(),
            _ => String::new(),
        }
    }

    fn row(&self) -> Row {
        match self {
            Fault::MediaType => sender("the media type must be application/soap+xml"),
            Fault::NotXml(error) => sender(&error.to_string()),
            Fault::Envelope(reason) => sender(reason),
            Fault::Unreadable(reason) => sender(reason),
            Fault::Soap11 | Fault::Version => plain("VersionMismatch", "only SOAP 1.2 is spoken here"),
            Fault::Encoding => plain("DataEncodingUnknown", "the payload must be literal XML"),
            Fault::NotUnderstood(_) => plain("MustUnderstand", "a mandatory header block is not understood"),
            Fault::Unavailable => plain("Receiver", "the service cannot answer now, try again"),
            Fault::Overloaded => plain("Receiver", "too many requests are in work, try again"),
            Fault::Internal => plain("Receiver", "the request broke off by a defect of the service"),
            _ => self.addressing_row(),
        }
    }

    /// WS-Addressing 1.0, SOAP binding, 6.4.
    fn addressing_row(&self) -> Row {
        let (subcodes, reason, detail): (&'static [&'static str], _, _) = match self {
            Fault::ActionNotSupported(action) => {
                (&["ActionNotSupported"], "this endpoint serves no such action".to_owned(), problem_action(action))
            }
            Fault::ActionMismatch(action) => (
                &["InvalidAddressingHeader", "ActionMismatch"],
                "wsa:Action is not that of the payload".to_owned(),
                problem_action(action),
            ),
            Fault::HeaderRequired(header) => (
                &["MessageAddressingHeaderRequired"],
                format!("wsa:{} is missing", header.local()),
                problem_header(*header),
            ),
            Fault::Cardinality(header) => (
                &["InvalidAddressingHeader", "InvalidCardinality"],
                format!("wsa:{} stands there more than once", header.local()),
                problem_header(*header),
            ),
            Fault::MissingAddress(header) => (
                &["InvalidAddressingHeader", "MissingAddressInEPR"],
                format!("wsa:{} holds no address", header.local()),
                problem_header(*header),
            ),
            Fault::Address(header) => (
                &["InvalidAddressingHeader", "InvalidEPR"],
                format!("wsa:{} holds more than one address", header.local()),
                problem_header(*header),
            ),
            Fault::OnlyAnonymous(header) => (
                &["InvalidAddressingHeader", "OnlyAnonymousAddressSupported"],
                format!("wsa:{} must be the anonymous address", header.local()),
                problem_header(*header),
            ),
            _ => return plain("Receiver", "the request broke off by a defect of the service"),
        };
        Row { code: "Sender", subcodes, reason, detail }
    }
}

fn sender(reason: &str) -> Row {
    plain("Sender", reason)
}

fn plain(code: &'static str, reason: &str) -> Row {
    Row { code, subcodes: &[], reason: reason.to_owned(), detail: String::new() }
}

fn problem_action(action: &str) -> String {
    format!("<wsa:ProblemAction><wsa:Action>{}</wsa:Action></wsa:ProblemAction>", escape(action))
}

fn problem_header(header: Header) -> String {
    format!("<wsa:ProblemHeaderQName>wsa:{}</wsa:ProblemHeaderQName>", header.local())
}

/// SOAP 1.2 part 1, 5.4.8.
fn not_understood(block: &ExpandedName) -> String {
    format!("<env:NotUnderstood qname=\"p:{}\" xmlns:p=\"{}\"/>", escape(&block.local), escape(&block.namespace))
}

/// SOAP 1.2 part 1, 5.4.7.
fn upgrade() -> String {
    format!("<up:Upgrade xmlns:up=\"{SOAP12}\"><up:SupportedEnvelope qname=\"up:Envelope\"/></up:Upgrade>")
}

/// The one thing that we say in SOAP 1.1. SOAP 1.2 part 1, appendix A.
fn version_mismatch_11() -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <env:Envelope xmlns:env=\"{SOAP11}\"><env:Header>{}</env:Header><env:Body><env:Fault>\
         <faultcode>env:VersionMismatch</faultcode>\
         <faultstring xml:lang=\"en\">only SOAP 1.2 is spoken here</faultstring>\
         </env:Fault></env:Body></env:Envelope>",
        upgrade()
    )
}
