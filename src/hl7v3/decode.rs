//! From a payload to a message: the wrapper first, since without it nothing can be acknowledged.

use super::datatype::instance;
use super::echo;
use super::message::{Device, Header, Interaction, Message};
use super::place::{At, Findings};
use super::{NAMESPACE, patient, query, structure};
use crate::identity::PartialDate;
use crate::xml::Element;

/// The identifiers of HL7's interactions.
const INTERACTION_IDS: &str = "2.16.840.1.113883.1.6";

/// How much is forgiven (HL7 v3 sheet, section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strictness {
    /// What the field gets wrong without doubt about its meaning is read, with a remark.
    Lenient,
    /// What is wrong is named.
    Strict,
}

/// Why a payload cannot even be acknowledged; the text holds no value of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable(pub String);

/// Reads a payload whose root is one of our interactions.
pub fn decode(payload: &Element, strictness: Strictness) -> Result<Message, Unreadable> {
    let interaction = Interaction::by_root(&payload.name.local).filter(|_| &*payload.name.namespace == NAMESPACE);
    let interaction =
        interaction.ok_or_else(|| Unreadable("the payload is none of the interactions that are served".to_owned()))?;
    let root = At::root(payload);
    let header = header(&root, interaction)?;
    let mut findings = Findings { strict: strictness == Strictness::Strict, ..Findings::default() };
    check_wrapper(&root, &mut findings);
    let content = match interaction {
        Interaction::Add | Interaction::Revise => patient::feed(&root, &mut findings),
        Interaction::Merge => patient::merge(&root, &mut findings),
        Interaction::CrossReferenceQuery => query::cross_reference(&root, &mut findings),
        Interaction::DemographicsQuery => query::demographics(&root, &mut findings),
        Interaction::Continue | Interaction::Cancel => {
            query::continuation(&root, interaction == Interaction::Cancel, &mut findings)
        }
    };
    let asked = query::parameters(&root);
    let query_id =
        asked.as_ref().or(root.down(&["controlActProcess", "queryContinuation"]).as_ref()).and_then(query::query_id);
    let mut dropped = Vec::new();
    let echo = asked.as_ref().and_then(|asked| echo::of(asked, interaction, &mut dropped));
    if content.is_some() && findings.errors.is_empty() {
        for place in dropped {
            findings.forgive("SYN102", "the value has no valid form: it is not echoed", &place);
        }
    }
    if findings.errors.is_empty() {
        structure::check(&root, interaction, &mut findings);
    }
    let content = match content {
        Some(content) if findings.errors.is_empty() => Ok(content),
        _ => Err(findings.errors),
    };
    Ok(Message { header, content, remarks: findings.remarks, forgiven: findings.forgiven, query_id, echo })
}

fn header(root: &At<'_>, interaction: Interaction) -> Result<Header, Unreadable> {
    let missing = |what: &str| Unreadable(format!("{what} is missing: the message cannot be acknowledged"));
    let id = root.first("id").as_ref().and_then(instance).ok_or_else(|| missing("id"))?;
    let named = root.first("interactionId").as_ref().and_then(instance).ok_or_else(|| missing("interactionId"))?;
    let code = |element: &str| root.first(element).and_then(|at| at.attribute("code").map(str::to_owned));
    Ok(Header {
        id,
        interaction,
        interaction_id: named.extension.unwrap_or_default().trim().to_owned(),
        processing_code: code("processingCode").unwrap_or_default(),
        processing_mode_code: code("processingModeCode").unwrap_or_default(),
        version_code: code("versionCode"),
        sender: device(root.first("sender")),
        receiver: device(root.first("receiver")),
    })
}

fn device(side: Option<At<'_>>) -> Device {
    let ids = |at: Option<At<'_>>| -> Vec<_> {
        at.map(|at| at.all("id")).unwrap_or_default().iter().filter_map(instance).collect()
    };
    let device = side.and_then(|side| side.first("device"));
    let organization = device.as_ref().and_then(|device| device.down(&["asAgent", "representedOrganization"]));
    Device { ids: ids(device), organizations: ids(organization) }
}

/// What the wrapper must hold besides (1.4); none of it changes the meaning.
fn check_wrapper(root: &At<'_>, findings: &mut Findings) {
    for element in ["creationTime", "processingCode", "processingModeCode", "acceptAckCode", "receiver", "sender"] {
        if root.first(element).is_none() {
            findings.forgive(
                "SYN100",
                "a part of the transmission wrapper is missing",
                &format!("{}/{element}", root.path()),
            );
        }
    }
    if let Some(second) = root.all("receiver").get(1) {
        findings.forgive("SYN110", "a message has one receiver", &second.path());
    }
    let created = root.first("creationTime");
    let created = created.filter(|at| at.attribute("value").is_some_and(|text| PartialDate::parse_hl7(text).is_err()));
    if let Some(at) = created {
        findings.forgive("SYN102", "the time of creation is not of the HL7 form", &at.path());
    }
    // In strict mode the transaction refuses another mode by its own code.
    let mode = root.first("processingModeCode").filter(|at| at.attribute("code").is_some_and(|code| code != "T"));
    if let Some(at) = mode.filter(|_| !findings.strict) {
        findings.forgive("SYN103", "the processing mode is not T (current processing)", &at.path());
    }
    let named = root.first("interactionId").filter(|at| at.attribute("root") != Some(INTERACTION_IDS));
    if let Some(at) = named {
        findings.forgive("SYN103", "interactionId is not one of HL7's identifiers of interactions", &at.path());
    }
}
