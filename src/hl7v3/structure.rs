//! The order, number and fixed attributes of elements: the classes of HL7 v3 sheet 1.4 to 2.2
//! as one table, IHE's constraints where they are narrower than the schema's.
//!
//! What the profiles leave out is taken as it comes. It must never read a value beyond a fixed one.

use super::message::Interaction;
use super::place::{At, Findings};
use crate::xml::Element;

mod values;

/// At most as many errors are named: a message in quite another form would fill pages.
const MOST_ERRORS: usize = 10;

/// May precede a class's own elements at any level.
const INFRASTRUCTURE: [&str; 3] = ["realmCode", "typeId", "templateId"];

/// What a class holds.
struct Class {
    /// Attributes that must be there, with the value that they must have; any value for an empty one.
    fixed: &'static [(&'static str, &'static str)],
    /// The elements in their order.
    elements: &'static [Part],
}

/// An element, how often it stands, and what it holds; nothing is known of it with no class.
struct Part(&'static str, usize, usize, Option<&'static Class>);

const MANY: usize = usize::MAX;

/// Exactly one.
const fn one(name: &'static str) -> Part {
    Part(name, 1, 1, None)
}

/// One or none.
const fn may(name: &'static str) -> Part {
    Part(name, 0, 1, None)
}

/// Any number.
const fn any(name: &'static str) -> Part {
    Part(name, 0, MANY, None)
}

/// One or more.
const fn some(name: &'static str) -> Part {
    Part(name, 1, MANY, None)
}

/// A class with its attributes: an entity, a role, an act, or the link between two.
macro_rules! class {
    ($elements:expr $(, $name:literal = $value:literal)*) => {
        Class { fixed: &[$(($name, $value)),*], elements: $elements }
    };
}
macro_rules! entity {
    ($class:literal, $elements:expr $(,)?) => {
        class!($elements, "classCode" = $class, "determinerCode" = "INSTANCE")
    };
}
macro_rules! role {
    ($class:literal, $elements:expr $(,)?) => {
        class!($elements, "classCode" = $class)
    };
}
macro_rules! act {
    ($class:literal, $elements:expr $(,)?) => {
        class!($elements, "classCode" = $class, "moodCode" = "EVN")
    };
}
macro_rules! link {
    ($class:literal, $elements:expr $(,)?) => {
        class!($elements, "typeCode" = $class)
    };
}

const ORGANIZATION: Class = entity!("ORG", &[some("id"), may("code"), any("name"), any("addr")]);
const AGENT_FOR: Class = entity!("ORG", &[some("id"), any("name"), any("telecom"), may("notificationParty")]);
const AGENT: Class = role!("AGNT", &[Part("representedOrganization", 0, 1, Some(&AGENT_FOR))]);
const DEVICE: Class = entity!(
    "DEV",
    &[
        some("id"),
        any("name"),
        may("desc"),
        may("existenceTime"),
        any("telecom"),
        may("manufacturerModelName"),
        may("softwareName"),
        Part("asAgent", 0, 1, Some(&AGENT)),
        any("asLocatedEntity"),
    ],
);
const RECEIVER: Class = link!("RCV", &[may("telecom"), Part("device", 1, 1, Some(&DEVICE))]);
const SENDER: Class = link!("SND", &[may("telecom"), Part("device", 1, 1, Some(&DEVICE))]);

const OTHER_IDS: Class = role!(
    "",
    &[some("id"), may("statusCode"), may("effectiveTime"), Part("scopingOrganization", 1, 1, Some(&ORGANIZATION))],
);
const NATION: Class = entity!("NAT", &[one("code"), may("name")]);
const CITIZEN: Class = role!("CIT", &[any("id"), may("effectiveTime"), Part("politicalNation", 1, 1, Some(&NATION))]);
const RELATIONSHIP: Class = role!(
    "PRS",
    &[
        any("id"),
        one("code"),
        any("addr"),
        any("telecom"),
        may("statusCode"),
        may("effectiveTime"),
        may("relationshipHolder1"),
        may("relationshipHolder2"),
    ],
);
const BIRTH_PLACE: Class = class!(&[may("addr"), may("birthplace"), may("subjectOf")]);
const LANGUAGE: Class =
    class!(&[one("languageCode"), may("modeCode"), may("proficiencyLevelCode"), may("preferenceInd")]);
const PERSON: Class = entity!(
    "PSN",
    &[
        any("id"),
        some("name"),
        may("desc"),
        any("telecom"),
        may("administrativeGenderCode"),
        may("birthTime"),
        may("deceasedInd"),
        may("deceasedTime"),
        may("multipleBirthInd"),
        may("multipleBirthOrderNumber"),
        may("organDonorInd"),
        any("addr"),
        may("maritalStatusCode"),
        may("educationLevelCode"),
        any("disabilityCode"),
        may("livingArrangementCode"),
        may("religiousAffiliationCode"),
        any("raceCode"),
        any("ethnicGroupCode"),
        any("asPatientOfOtherProvider"),
        any("asEmployee"),
        Part("asCitizen", 0, MANY, Some(&CITIZEN)),
        any("asStudent"),
        any("asMember"),
        Part("asOtherIDs", 0, MANY, Some(&OTHER_IDS)),
        any("contactParty"),
        any("guardian"),
        Part("personalRelationship", 0, MANY, Some(&RELATIONSHIP)),
        any("careGiver"),
        Part("birthPlace", 0, 1, Some(&BIRTH_PLACE)),
        any("guarantorRole"),
        Part("languageCommunication", 0, MANY, Some(&LANGUAGE)),
    ],
);
const CONTACT: Class = role!("CON", &[any("id"), may("code"), any("addr"), any("telecom"), may("contactPerson")]);
const PROVIDER: Class =
    entity!("ORG", &[some("id"), may("code"), any("name"), Part("contactParty", 1, MANY, Some(&CONTACT))]);
const PATIENT: Class = role!(
    "PAT",
    &[
        some("id"),
        any("addr"),
        any("telecom"),
        one("statusCode"),
        may("effectiveTime"),
        any("confidentialityCode"),
        may("veryImportantPersonCode"),
        Part("patientPerson", 1, 1, Some(&PERSON)),
        Part("providerOrganization", 1, 1, Some(&PROVIDER)),
        any("subjectOf"),
        any("coveredPartyOf"),
    ],
);
const OF_PATIENT: Class = link!("SBJ", &[Part("patient", 1, 1, Some(&PATIENT))]);
const PRIOR_ROLE: Class = role!("", &[one("id")]);
const OF_PRIOR_ROLE: Class = link!("SBJ", &[Part("priorRegisteredRole", 1, 1, Some(&PRIOR_ROLE))]);
const PRIOR: Class =
    act!("REG", &[any("id"), one("statusCode"), Part("subject1", 1, 1, Some(&OF_PRIOR_ROLE)), may("subject2")],);
const REPLACEMENT: Class = link!("RPLC", &[Part("priorRegistration", 1, 1, Some(&PRIOR))]);
const CUSTODIAN: Class = link!("CST", &[one("assignedEntity")]);
const EVENT: Class = act!(
    "REG",
    &[
        any("id"),
        one("statusCode"),
        may("effectiveTime"),
        Part("subject1", 1, 1, Some(&OF_PATIENT)),
        may("author"),
        Part("custodian", 1, 1, Some(&CUSTODIAN)),
        any("inFulfillmentOf"),
        any("definition"),
        Part("replacementOf", 0, 1, Some(&REPLACEMENT)),
    ],
);
const SUBJECT: Class = link!("SUBJ", &[Part("registrationEvent", 1, 1, Some(&EVENT))]);

const PARAMETER: Class = class!(&[one("value"), one("semanticsText")]);
const SEVERAL_VALUES: Class = class!(&[some("value"), one("semanticsText")]);
const PROVIDER_ID: Class = class!(&[one("value"), may("semanticsText")]);
const CRITERIA: Class = class!(&[
    may("id"),
    Part("matchAlgorithm", 0, 1, Some(&PARAMETER)),
    may("matchWeight"),
    Part("minimumDegreeMatch", 0, 1, Some(&PARAMETER)),
]);
const IDENTIFIER_LIST: Class = class!(&[
    may("id"),
    Part("dataSource", 0, MANY, Some(&PARAMETER)),
    Part("patientIdentifier", 1, 1, Some(&PARAMETER)),
]);
const DEMOGRAPHIC_LIST: Class = class!(&[
    may("id"),
    Part("livingSubjectAdministrativeGender", 0, 1, Some(&PARAMETER)),
    Part("livingSubjectBirthPlaceAddress", 0, 1, Some(&PARAMETER)),
    Part("livingSubjectBirthPlaceName", 0, 1, Some(&PARAMETER)),
    Part("livingSubjectBirthTime", 0, 1, Some(&PARAMETER)),
    any("livingSubjectDeceasedTime"),
    Part("livingSubjectId", 0, MANY, Some(&PARAMETER)),
    Part("livingSubjectName", 0, MANY, Some(&PARAMETER)),
    Part("mothersMaidenName", 0, MANY, Some(&PARAMETER)),
    Part("otherIDsScopingOrganization", 0, MANY, Some(&PARAMETER)),
    Part("patientAddress", 0, 1, Some(&SEVERAL_VALUES)),
    any("patientStatusCode"),
    Part("patientTelecom", 0, 1, Some(&SEVERAL_VALUES)),
    Part("principalCareProviderId", 0, MANY, Some(&PROVIDER_ID)),
    any("principalCareProvisionId"),
]);
const BY_IDENTIFIER: Class = class!(&[
    one("queryId"),
    one("statusCode"),
    may("modifyCode"),
    any("responseElementGroupId"),
    one("responsePriorityCode"),
    may("executionAndDeliveryTime"),
    Part("parameterList", 1, 1, Some(&IDENTIFIER_LIST)),
]);
const BY_DEMOGRAPHICS: Class = class!(&[
    one("queryId"),
    one("statusCode"),
    may("modifyCode"),
    any("responseElementGroupId"),
    one("responseModalityCode"),
    one("responsePriorityCode"),
    may("initialQuantity"),
    may("initialQuantityCode"),
    may("executionAndDeliveryTime"),
    Part("matchCriterionList", 0, 1, Some(&CRITERIA)),
    Part("parameterList", 1, 1, Some(&DEMOGRAPHIC_LIST)),
    any("sortControl"),
]);
const CONTINUATION: Class =
    class!(&[one("queryId"), may("startResultNumber"), may("continuationQuantity"), one("statusCode")]);

/// What a control act holds before what it is about.
macro_rules! control_act {
    ($($own:expr),+) => {
        Class {
            fixed: &[("classCode", "CACT"), ("moodCode", "EVN")],
            elements: &[
                any("id"),
                one("code"),
                may("text"),
                may("effectiveTime"),
                any("priorityCode"),
                any("reasonCode"),
                may("languageCode"),
                any("overseer"),
                any("authorOrPerformer"),
                any("dataEnterer"),
                any("informationRecipient"),
                $($own),+
            ],
        }
    };
}

/// A whole message around its control act.
macro_rules! message {
    ($act:expr $(, $own:expr)*) => {
        Class {
            fixed: &[("ITSVersion", "XML_1.0")],
            elements: &[
                one("id"),
                one("creationTime"),
                may("securityText"),
                may("versionCode"),
                one("interactionId"),
                any("profileId"),
                one("processingCode"),
                one("processingModeCode"),
                one("acceptAckCode"),
                may("sequenceNumber"),
                any("attachmentText"),
                Part("receiver", 1, 1, Some(&RECEIVER)),
                any("respondTo"),
                Part("sender", 1, 1, Some(&SENDER)),
                any("attentionLine"),
                $($own,)*
                Part("controlActProcess", 1, 1, Some(&$act)),
            ],
        }
    };
}

const FEED_ACT: Class = control_act!(Part("subject", 1, 1, Some(&SUBJECT)), any("reasonOf"));
const IDENTIFIER_ACT: Class = control_act!(any("reasonOf"), Part("queryByParameter", 1, 1, Some(&BY_IDENTIFIER)));
const DEMOGRAPHIC_ACT: Class = control_act!(any("reasonOf"), Part("queryByParameter", 1, 1, Some(&BY_DEMOGRAPHICS)));
const CONTINUATION_ACT: Class = control_act!(any("reasonOf"), Part("queryContinuation", 1, 1, Some(&CONTINUATION)));
const FEED: Class = message!(FEED_ACT);
const CROSS_REFERENCE: Class = message!(IDENTIFIER_ACT);
const DEMOGRAPHICS: Class = message!(DEMOGRAPHIC_ACT);
const CONTINUED: Class = message!(CONTINUATION_ACT, one("acknowledgement"));

/// Checks the whole payload against the class of its interaction: errors in strict mode, else warnings about what was
/// not told yet.
pub(super) fn check(root: &At<'_>, interaction: Interaction, findings: &mut Findings) {
    let class = match interaction {
        Interaction::Add | Interaction::Revise | Interaction::Merge => &FEED,
        Interaction::CrossReferenceQuery => &CROSS_REFERENCE,
        Interaction::DemographicsQuery => &DEMOGRAPHICS,
        Interaction::Continue | Interaction::Cancel => &CONTINUED,
    };
    let mut found = Findings { strict: findings.strict, ..Findings::default() };
    check_class(&mut vec![root.element], class, &mut found);
    values::check_values(root, interaction, &mut found);
    values::check_nulls(&mut vec![root.element], &mut found);
    found.errors.truncate(MOST_ERRORS);
    findings.errors.append(&mut found.errors);
    findings.forgiven.append(&mut found.forgiven);
    let known: Vec<Vec<String>> = findings.remarks.iter().map(|remark| remark.locations.clone()).collect();
    let new = found.remarks.into_iter().filter(|remark| !known.contains(&remark.locations));
    findings.remarks.extend(new.take(MOST_ERRORS));
}

fn path_to(open: &[&Element]) -> String {
    let Some(root) = open.first() else { return String::new() };
    let mut at = At::root(root);
    for child in open.iter().skip(1) {
        let twins = at.all(&child.name.local);
        match twins.into_iter().find(|twin| std::ptr::eq(twin.element, *child)) {
            Some(twin) => at = twin,
            None => return format!("{}/{}", at.path(), child.name.local),
        }
    }
    at.path()
}

/// Holds the last of `open`, which are the elements from the root on, against its class. Nothing is put into words
/// and nothing is remembered unless something is wrong, since every message comes this way.
fn check_class(open: &mut Vec<&Element>, class: &Class, findings: &mut Findings) {
    let Some(element) = open.last().copied() else { return };
    for (name, value) in class.fixed {
        let place = |open: &[&Element]| format!("{}/@{name}", path_to(open));
        match element.attribute(name) {
            Some(found) if found == *value || value.is_empty() => {}
            Some(_) => findings.forgive("SYN103", "the attribute has another value here", &place(open)),
            None => findings.forgive("SYN101", "the attribute is missing", &place(open)),
        }
    }
    let counts = check_order(open, class, findings);
    for (Part(name, least, most, inner), count) in class.elements.iter().zip(counts) {
        if count < *least {
            findings.forgive("SYN100", "a required element is missing", &format!("{}/{name}", path_to(open)));
        }
        if count > *most
            && let Some(extra) = element.all(name).nth(*most)
        {
            findings.forgive("SYN110", "the element is repeated too often", &path_of(open, extra));
        }
        let Some(inner) = inner.filter(|_| count > 0) else { continue };
        for child in element.all(name) {
            // A class that is null holds what its sender could say of it.
            let is_null = child.attribute("nullFlavor").is_some_and(|null| !null.trim().is_empty());
            if !is_null && findings.errors.len() + findings.remarks.len() < MOST_ERRORS {
                open.push(child);
                check_class(open, inner, findings);
                open.pop();
            }
        }
    }
}

/// Names the first element that has no place or stands after one that should follow it; counts those of each place.
fn check_order(open: &[&Element], class: &Class, findings: &mut Findings) -> Vec<usize> {
    let mut counts = vec![0; class.elements.len()];
    let Some(element) = open.last() else { return counts };
    let (mut reached, mut in_order) = (None, true);
    for child in element.elements() {
        let name = &*child.name.local;
        let same = child.name.namespace == element.name.namespace;
        if same && INFRASTRUCTURE.contains(&name) && reached.is_none() {
            continue;
        }
        let from = reached.unwrap_or_default();
        let onward = class.elements.iter().enumerate().skip(from).chain(class.elements.iter().enumerate().take(from));
        let place = onward.filter(|(_, Part(known, ..))| same && *known == name).map(|(place, _)| place).next();
        if let Some(count) = place.and_then(|place| counts.get_mut(place)) {
            *count += 1;
        }
        match place {
            _ if !in_order => {}
            Some(place) if place >= from => reached = Some(place),
            told => {
                in_order = false;
                let what = match told {
                    Some(_) => "the element stands in the wrong order",
                    None => "no such element belongs here",
                };
                findings.forgive("SYN", what, &path_of(open, child));
            }
        }
    }
    counts
}

/// Where `child` of the last of `open` stands.
fn path_of<'a>(open: &[&'a Element], child: &'a Element) -> String {
    let mut all = open.to_vec();
    all.push(child);
    path_to(&all)
}

#[cfg(test)]
mod tests;
