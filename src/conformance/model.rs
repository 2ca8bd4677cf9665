//! A second reader of the reply's acknowledgement, derived by yaserde and independent of our own reader.
//!
//! What both readers make of the same bytes must agree; it must never be used for anything else.

use yaserde::YaDeserialize;

/// What both readers are asked for.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(super) struct Acknowledged {
    pub(super) id_root: String,
    pub(super) type_code: String,
    pub(super) target_root: String,
    pub(super) details: Vec<(String, String)>,
    pub(super) response: Option<String>,
}

/// An element of which the attributes tell.
#[derive(Default, Debug, YaDeserialize)]
#[yaserde(prefix = "hl7", namespaces = { "hl7" = "urn:hl7-org:v3" })]
struct Coded {
    #[yaserde(attribute = true)]
    code: Option<String>,
    #[yaserde(attribute = true)]
    root: Option<String>,
}

#[derive(Default, Debug, YaDeserialize)]
#[yaserde(prefix = "hl7", namespaces = { "hl7" = "urn:hl7-org:v3" })]
struct AckDetail {
    #[yaserde(attribute = true, rename = "typeCode")]
    type_code: Option<String>,
    #[yaserde(prefix = "hl7")]
    code: Option<Coded>,
}

#[derive(Default, Debug, YaDeserialize)]
#[yaserde(prefix = "hl7", namespaces = { "hl7" = "urn:hl7-org:v3" })]
struct TargetMessage {
    #[yaserde(prefix = "hl7")]
    id: Option<Coded>,
}

#[derive(Default, Debug, YaDeserialize)]
#[yaserde(prefix = "hl7", namespaces = { "hl7" = "urn:hl7-org:v3" })]
struct Acknowledgement {
    #[yaserde(prefix = "hl7", rename = "typeCode")]
    type_code: Option<Coded>,
    #[yaserde(prefix = "hl7", rename = "targetMessage")]
    target_message: Option<TargetMessage>,
    #[yaserde(prefix = "hl7", rename = "acknowledgementDetail")]
    details: Vec<AckDetail>,
}

#[derive(Default, Debug, YaDeserialize)]
#[yaserde(prefix = "hl7", namespaces = { "hl7" = "urn:hl7-org:v3" })]
struct QueryAck {
    #[yaserde(prefix = "hl7", rename = "queryResponseCode")]
    response: Option<Coded>,
}

#[derive(Default, Debug, YaDeserialize)]
#[yaserde(prefix = "hl7", namespaces = { "hl7" = "urn:hl7-org:v3" })]
struct ControlAct {
    #[yaserde(prefix = "hl7", rename = "queryAck")]
    query_ack: Option<QueryAck>,
}

#[derive(Default, Debug, YaDeserialize)]
#[yaserde(prefix = "hl7", namespaces = { "hl7" = "urn:hl7-org:v3" })]
struct Message {
    #[yaserde(prefix = "hl7")]
    id: Option<Coded>,
    #[yaserde(prefix = "hl7")]
    acknowledgement: Option<Acknowledgement>,
    #[yaserde(prefix = "hl7", rename = "controlActProcess")]
    control_act: Option<ControlAct>,
}

#[derive(Default, Debug, YaDeserialize)]
#[yaserde(prefix = "soap", namespaces = { "soap" = "http://www.w3.org/2003/05/soap-envelope", "hl7" = "urn:hl7-org:v3" })]
struct Body {
    #[yaserde(prefix = "hl7", rename = "MCCI_IN000002UV01")]
    accept: Option<Message>,
    #[yaserde(prefix = "hl7", rename = "PRPA_IN201310UV02")]
    identifiers: Option<Message>,
    #[yaserde(prefix = "hl7", rename = "PRPA_IN201306UV02")]
    candidates: Option<Message>,
}

#[derive(Default, Debug, YaDeserialize)]
#[yaserde(prefix = "soap", namespaces = { "soap" = "http://www.w3.org/2003/05/soap-envelope" })]
struct Envelope {
    #[yaserde(prefix = "soap", rename = "Body")]
    body: Option<Body>,
}

/// Reads the acknowledgement out of a SOAP reply.
pub(super) fn read(bytes: &[u8]) -> Result<Acknowledged, String> {
    let envelope: Envelope = yaserde::de::from_reader(bytes).map_err(|e| format!("the second reader: {e}"))?;
    let body = envelope.body.ok_or("the second reader finds no Body")?;
    let message = body.accept.or(body.identifiers).or(body.candidates).ok_or("the second reader finds no reply")?;
    let code = |c: Option<Coded>| c.and_then(|c| c.code).unwrap_or_default();
    let root = |c: Option<Coded>| c.and_then(|c| c.root).unwrap_or_default();
    let ack = message.acknowledgement.ok_or("the second reader finds no acknowledgement")?;
    let details = ack.details.into_iter().map(|d| (d.type_code.unwrap_or_default(), code(d.code))).collect();
    Ok(Acknowledged {
        id_root: root(message.id),
        type_code: code(ack.type_code),
        target_root: root(ack.target_message.and_then(|t| t.id)),
        details,
        response: message.control_act.and_then(|c| c.query_ack).and_then(|q| q.response).map(|r| code(Some(r))),
    })
}
