//! Why a request has no reply: one row for each reason, with code, text and status.
//!
//! It must never quote the request, except an Action that has the form of one and the names of header blocks.
//! Errors of HL7 content are no faults: they are acknowledgements of the layer below.

use super::action::quotable;
use super::reply::{DECLARATION, wrap};
use super::{CONTENT_TYPE, CONTENT_TYPE_11, Context, FaultStatus, HttpAnswer, SOAP11, SOAP12};
use crate::xml::{ExpandedName, Writer, XmlError};

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
    detail: Detail,
}

/// The content of Detail.
enum Detail {
    None,
    Action(String),
    Header(Header),
}

impl Detail {
    fn action(action: &str) -> Self {
        if quotable(action) { Detail::Action(action.to_owned()) } else { Detail::None }
    }
}

impl Row {
    fn write(&self, out: &mut Writer) {
        out.open("env:Fault").open("env:Code").leaf("env:Value", &format!("env:{}", self.code));
        for subcode in self.subcodes {
            out.open("env:Subcode").leaf("env:Value", &format!("wsa:{subcode}"));
        }
        for _ in self.subcodes {
            out.close();
        }
        out.close().open("env:Reason");
        out.open("env:Text").attribute("xml:lang", "en").text(&self.reason).close().close();
        match &self.detail {
            Detail::None => {}
            Detail::Action(action) => {
                out.open("env:Detail").open("wsa:ProblemAction").leaf("wsa:Action", action).close().close();
            }
            Detail::Header(header) => {
                let name = format!("wsa:{}", header.local());
                out.open("env:Detail").leaf("wsa:ProblemHeaderQName", &name).close();
            }
        }
        out.close();
    }
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
        wrap(action, fresh, relates_to, 0, |out| self.headers(out), |out| row.write(out))
    }

    /// The header blocks that belong to the fault.
    fn headers(&self, out: &mut Writer) {
        match self {
            // SOAP 1.2 part 1, 5.4.8.
            Fault::NotUnderstood(blocks) => {
                for block in blocks {
                    let name = format!("p:{}", block.local);
                    out.empty("env:NotUnderstood", &[("qname", name.as_str()), ("xmlns:p", &*block.namespace)]);
                }
            }
            Fault::Version => upgrade(out),
            _ => {}
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
                (&["ActionNotSupported"], "this endpoint serves no such action".to_owned(), Detail::action(action))
            }
            Fault::ActionMismatch(action) => (
                &["InvalidAddressingHeader", "ActionMismatch"],
                "wsa:Action is not that of the payload".to_owned(),
                Detail::action(action),
            ),
            Fault::HeaderRequired(header) => (
                &["MessageAddressingHeaderRequired"],
                format!("wsa:{} is missing", header.local()),
                Detail::Header(*header),
            ),
            Fault::Cardinality(header) => (
                &["InvalidAddressingHeader", "InvalidCardinality"],
                format!("wsa:{} stands there more than once", header.local()),
                Detail::Header(*header),
            ),
            Fault::MissingAddress(header) => (
                &["InvalidAddressingHeader", "MissingAddressInEPR"],
                format!("wsa:{} holds no address", header.local()),
                Detail::Header(*header),
            ),
            Fault::Address(header) => (
                &["InvalidAddressingHeader", "InvalidEPR"],
                format!("wsa:{} holds more than one address", header.local()),
                Detail::Header(*header),
            ),
            Fault::OnlyAnonymous(header) => (
                &["InvalidAddressingHeader", "OnlyAnonymousAddressSupported"],
                format!("wsa:{} must be the anonymous address", header.local()),
                Detail::Header(*header),
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
    Row { code, subcodes: &[], reason: reason.to_owned(), detail: Detail::None }
}

/// SOAP 1.2 part 1, 5.4.7.
fn upgrade(out: &mut Writer) {
    out.open("up:Upgrade").attribute("xmlns:up", SOAP12);
    out.empty("up:SupportedEnvelope", &[("qname", "up:Envelope")]).close();
}

/// The one thing that we say in SOAP 1.1. SOAP 1.2 part 1, appendix A.
fn version_mismatch_11() -> String {
    let mut out = Writer::new();
    out.raw(DECLARATION).open("env:Envelope").attribute("xmlns:env", SOAP11).open("env:Header");
    upgrade(&mut out);
    out.close().open("env:Body").open("env:Fault");
    out.leaf("faultcode", "env:VersionMismatch");
    out.open("faultstring").attribute("xml:lang", "en").text("only SOAP 1.2 is spoken here");
    out.finish()
}
