//! What every reply owes its request, whatever the case is about.
//!
//! Read from the two messages alone. It must never judge what a case may choose: codes, identifiers, patients.

use super::http::Answer;
use super::path::{elements, find};
use super::runner::Reply;
use super::target::Target;
use crate::xml::{Element, Limits, read};

/// Everything that the reply owes to `sent` and lacks; `unechoed` where no valid reply can repeat the request.
pub(super) fn judge(
    sent: &str,
    answer: &Answer,
    reply: &Reply,
    target: &Target,
    unechoed: bool,
) -> Result<Vec<String>, String> {
    let request = read(sent.trim_end().as_bytes(), None, &Limits::default()).ok();
    let mut owed = match &*reply.payload.name.namespace {
        "http://www.w3.org/2003/05/soap-envelope" => fault(request.as_ref().filter(|_| !unechoed), reply)?,
        "urn:hl7-org:v3" => message(request.as_ref(), reply, target, unechoed)?,
        _ => return Ok(Vec::new()),
    };
    let media = answer.headers.get("content-type").and_then(|media| media.split(';').next()).unwrap_or_default();
    owed.push(("the media type", vec![media.to_owned()], vec!["application/soap+xml".to_owned()]));
    let wrong = owed.into_iter().filter(|(_, found, wanted)| found != wanted);
    Ok(wrong.map(|(what, found, wanted)| format!("{what} is {found:?}, not {wanted:?}")).collect())
}

/// What a message of HL7 owes. Only what is read as a message is owed anything.
fn message(request: Option<&Element>, reply: &Reply, target: &Target, unechoed: bool) -> Result<Vec<Owed>, String> {
    let body = request.and_then(|request| elements(request, "Body").into_iter().next());
    let (Some(request), Some(asked)) = (request, body.and_then(|body| body.elements().next())) else {
        return Ok(Vec::new());
    };
    let mut owed = envelope(request, reply)?;
    owed.extend(wrapper(asked, &reply.payload, target)?);
    if !unechoed {
        owed.extend(echoes(asked, &reply.payload)?);
    }
    Ok(owed)
}

/// WS-Addressing 1.0, SOAP binding, 6: a fault of SOAP's own codes alone has an Action of its own, and what was
/// read of the request is related to. A receiver that is not able to answer need not have read it.
fn fault(request: Option<&Element>, reply: &Reply) -> Result<Vec<Owed>, String> {
    let one = |value: &str| vec![value.to_owned()];
    let addressing = !elements(&reply.payload, "Code/Subcode").is_empty();
    let action = if addressing { "" } else { "soap/" };
    let action = format!("http://www.w3.org/2005/08/addressing/{action}fault");
    let parts = reply.payload.elements().map(|part| part.name.local.to_string()).take(2).collect();
    let mut owed = vec![
        ("the Action of a fault", find(&reply.envelope, "Header/Action/.")?, one(&action)),
        ("the beginning of a fault", parts, vec!["Code".to_owned(), "Reason".to_owned()]),
    ];
    let code = find(&reply.payload, "Code/Value/.")?;
    let receiver = code.iter().any(|code| code.ends_with("Receiver"));
    if let Some(request) = request.filter(|_| !receiver)
        && let [id] = message_ids(request)?.as_slice()
    {
        owed.push(("wsa:RelatesTo of a fault", find(&reply.envelope, "Header/RelatesTo/.")?, one(id)));
    }
    Ok(owed)
}

/// What, as found, as owed.
type Owed = (&'static str, Vec<String>, Vec<String>);

/// ITI TF-2: Appendix V.3.
fn envelope(request: &Element, reply: &Reply) -> Result<Vec<Owed>, String> {
    let action = format!("urn:hl7-org:v3:{}", reply.payload.name.local);
    let understood = find(&reply.envelope, "Header/Action/@mustUnderstand")?;
    let plain = understood.iter().map(|said| if said == "true" { "1".to_owned() } else { said.clone() }).collect();
    Ok(vec![
        ("wsa:Action", find(&reply.envelope, "Header/Action/.")?, vec![action]),
        ("mustUnderstand of wsa:Action", plain, vec!["1".to_owned()]),
        ("wsa:RelatesTo", find(&reply.envelope, "Header/RelatesTo/.")?, message_ids(request)?),
    ])
}

/// The ids that are of WS-Addressing as it is spoken here.
fn message_ids(request: &Element) -> Result<Vec<String>, String> {
    const WSA: &str = "http://www.w3.org/2005/08/addressing";
    let ids = elements(request, "Header/MessageID");
    Ok(ids.iter().filter(|id| &*id.name.namespace == WSA).map(|id| id.text().trim().to_owned()).collect())
}

/// ITI TF-2: Appendix O.1.
fn wrapper(asked: &Element, reply: &Element, target: &Target) -> Result<Vec<Owed>, String> {
    let one = |value: &str| vec![value.to_owned()];
    Ok(vec![
        ("interactionId", find(reply, "interactionId/@extension")?, one(&reply.name.local)),
        ("processingModeCode", find(reply, "processingModeCode/@code")?, one("T")),
        ("acceptAckCode", find(reply, "acceptAckCode/@code")?, one("NE")),
        ("the receiver", find(reply, "receiver/device/id/@root")?, find(asked, "sender/device/id/@root")?),
        ("the sender", find(reply, "sender/device/id/@root")?, one(&target.device)),
    ])
}

/// Everything that a notification owes its consumer and lacks: the wrapper of a request (ITI TF-2: Appendix O.1), and
/// the classes of 3.46.4.1.2.
pub(super) fn told(told: &Element, target: &Target) -> Result<Vec<String>, String> {
    let one = |value: &str| vec![value.to_owned()];
    let root = &*told.name.local;
    let patient = "controlActProcess/subject/registrationEvent/subject1/patient";
    let owing = |path: &str| find(told, &format!("{patient}/{path}"));
    let (ids, names) = (owing("id/@root")?, owing("id/@assigningAuthorityName")?);
    let providers: std::collections::BTreeSet<String> = owing("providerOrganization/id/@root")?.into_iter().collect();
    let mut owed: Vec<Owed> = vec![
        ("interactionId", find(told, "interactionId/@extension")?, one(root)),
        ("processingModeCode", find(told, "processingModeCode/@code")?, one("T")),
        ("acceptAckCode", find(told, "acceptAckCode/@code")?, one("AL")),
        ("the sender", find(told, "sender/device/id/@root")?, one(&target.device)),
        ("the trigger", find(told, "controlActProcess/code/@code")?, one(&root.replacen("_IN", "_TE", 1))),
        ("the status of the patient", owing("statusCode/@code")?, one("active")),
        ("the names of authorities", vec![names.len().to_string()], vec![ids.len().to_string()]),
    ];
    if let Some(consumer) = &target.consumer {
        owed.push(("the receiver", find(told, "receiver/device/id/@root")?, one(&consumer.device)));
    }
    if !providers.is_empty() {
        let roots: std::collections::BTreeSet<String> = ids.into_iter().collect();
        owed.push(("providerOrganization", providers.into_iter().collect(), roots.into_iter().collect()));
    }
    let wrong = owed.into_iter().filter(|(_, found, wanted)| found != wanted);
    Ok(wrong.map(|(what, found, wanted)| format!("{what} is {found:?}, not {wanted:?}")).collect())
}

/// The ids of message and query, and the query itself as far as every server must repeat it.
fn echoes(asked: &Element, reply: &Element) -> Result<Vec<Owed>, String> {
    let mut owed = vec![
        (
            "the root of targetMessage/id",
            find(reply, "acknowledgement/targetMessage/id/@root")?,
            find(asked, "id/@root")?,
        ),
        (
            "the extension of targetMessage/id",
            find(reply, "acknowledgement/targetMessage/id/@extension")?,
            find(asked, "id/@extension")?,
        ),
    ];
    let query = "controlActProcess/queryByParameter";
    if &*reply.name.local == "MCCI_IN000002UV01" || elements(asked, query).is_empty() {
        return Ok(owed);
    }
    let id = find(asked, &format!("{query}/queryId/@root"))?;
    owed.push(("queryAck/queryId", find(reply, "controlActProcess/queryAck/queryId/@root")?, id.clone()));
    owed.push(("queryId of the echo", find(reply, &format!("{query}/queryId/@root"))?, id));
    owed.push(("the echo", parameters(reply), parameters(asked)));
    Ok(owed)
}

/// The parameters of the query that a message holds: name, identifier and code of each value. Sorted, since the
/// schema's order need not be that of the request.
fn parameters(message: &Element) -> Vec<String> {
    let lists = elements(message, "controlActProcess/queryByParameter/parameterList");
    let mut all = Vec::new();
    for parameter in lists.into_iter().flat_map(Element::elements) {
        for value in parameter.all("value") {
            let of = |name: &str| value.attribute(name).unwrap_or_default();
            let parts: Vec<String> = value.elements().map(|part| part.text().trim().to_owned()).collect();
            let told = [of("root"), of("extension"), of("code"), &parts.join(" ")].join("|");
            all.push(format!("{}:{told}", parameter.name.local));
        }
    }
    all.sort();
    all
}
