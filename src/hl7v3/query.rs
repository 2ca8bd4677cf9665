//! ITI-45 and ITI-47 queries, and the messages that continue one (HL7 v3 sheet, section 2).

use super::datatype::{address, identifier, instance, interval, name, oid, telecom};
use super::message::{Content, Continuation, CrossReferenceQuery, InstanceIdentifier, PatientQuery, Placed};
use super::person::gender;
use super::place::{At, Findings};
use crate::identity::{DemographicsQuery, NameCriterion, Oid};

/// Parameters that the profile leaves out: they have no effect (2.2).
const IGNORED: [&str; 7] = [
    "id",
    "livingSubjectBirthPlaceAddress",
    "livingSubjectBirthPlaceName",
    "livingSubjectDeceasedTime",
    "patientStatusCode",
    "principalCareProviderId",
    "principalCareProvisionId",
];

/// `controlActProcess/queryByParameter`.
pub(super) fn parameters<'a>(root: &At<'a>) -> Option<At<'a>> {
    root.down(&["controlActProcess", "queryByParameter"])
}

/// `queryId`.
pub(super) fn query_id(asked: &At<'_>) -> Option<InstanceIdentifier> {
    asked.first("queryId").as_ref().and_then(instance)
}

fn asked<'a>(root: &At<'a>, findings: &mut Findings) -> Option<(At<'a>, InstanceIdentifier, At<'a>)> {
    let Some(asked) = parameters(root) else {
        findings.error("SYN100", "queryByParameter is missing", &format!("{}/controlActProcess", root.path()));
        return None;
    };
    let id = query_id(&asked);
    if id.is_none() {
        findings.error("SYN100", "queryId is missing", &asked.path());
    }
    let list = asked.first("parameterList");
    if list.is_none() {
        findings.error("SYN100", "parameterList is missing", &asked.path());
    }
    Some((asked, id?, list?))
}

/// ITI-45.
pub(super) fn cross_reference(root: &At<'_>, findings: &mut Findings) -> Option<Content> {
    let (_, query_id, list) = asked(root, findings)?;
    let identifiers = list.all("patientIdentifier");
    if let Some(second) = identifiers.get(1) {
        findings.error("SYN110", "a query asks about one patientIdentifier", &second.path());
        return None;
    }
    let values = identifiers.first().map(|parameter| parameter.all("value")).unwrap_or_default();
    if let Some(second) = values.get(1) {
        findings.error("SYN110", "patientIdentifier has one value", &second.path());
        return None;
    }
    let Some(value) = values.first() else {
        findings.error("SYN100", "patientIdentifier/value is missing", &list.path());
        return None;
    };
    let asked = identifier(value, findings);
    if asked.is_none() && findings.errors.is_empty() {
        findings.error("SYN100", "patientIdentifier/value is null", &value.path());
    }
    let data_sources = domains(&list, "dataSource", findings);
    let identifier = Placed { value: asked?, location: value.path() };
    Some(Content::CrossReference(CrossReferenceQuery { query_id, identifier, data_sources }))
}

/// The domains named by repetitions of `parameter`; null ones are absent.
fn domains(list: &At<'_>, parameter: &str, findings: &mut Findings) -> Vec<Placed<Oid>> {
    let mut found = Vec::new();
    for (n, repetition) in list.all(parameter).into_iter().enumerate() {
        for value in repetition.indexed(n + 1).all("value") {
            let value = value.indexed(0);
            if value.attribute("root").is_none() && value.null().is_some() {
                continue;
            }
            if value.attribute("extension").is_some() {
                findings.ignored("SYN110", "a domain is named by its root alone", &value.path());
            }
            if let Some(oid) = oid(&value, findings) {
                found.push(Placed { value: oid, location: value.path() });
            }
        }
    }
    found
}

/// ITI-47.
pub(super) fn demographics(root: &At<'_>, findings: &mut Findings) -> Option<Content> {
    let (asked, query_id, list) = asked(root, findings)?;
    for parameter in list.element.elements().filter(|e| IGNORED.contains(&&*e.name.local)) {
        let path = format!("{}/{}", list.path(), parameter.name.local);
        findings.ignored("SYN110", "this parameter has no effect here", &path);
    }
    if let Some(algorithm) = asked.down(&["matchCriterionList", "matchAlgorithm"]) {
        findings.remark("the algorithm cannot be chosen here", &algorithm.path());
    }
    let domains = domains(&list, "otherIDsScopingOrganization", findings);
    let criteria = criteria(&asked, &list, domains.iter().map(|placed| placed.value.clone()).collect(), findings);
    let initial_quantity = positive(&asked, "initialQuantity", findings);
    let domain_locations = domains.into_iter().map(|placed| placed.location).collect();
    Some(Content::Demographics(Box::new(PatientQuery { query_id, criteria, domain_locations, initial_quantity })))
}

fn criteria(asked: &At<'_>, list: &At<'_>, domains: Vec<Oid>, findings: &mut Findings) -> DemographicsQuery {
    let values =
        |parameter: &str| -> Vec<At<'_>> { list.all(parameter).iter().flat_map(|at| at.all("value")).collect() };
    let mut query = DemographicsQuery { domains, ..DemographicsQuery::default() };
    for value in values("livingSubjectName") {
        let words = value.attribute("use").unwrap_or_default();
        let similar = words.split_whitespace().any(|word| word == "SRCH");
        if let Some(mut name) = name(&value) {
            name.uses.retain(|word| word != "SRCH");
            query.names.push(NameCriterion { name, similar });
        }
    }
    for parameter in ["livingSubjectAdministrativeGender", "livingSubjectBirthTime"] {
        // Which of two is meant cannot be known, and to heed one alone would answer another question.
        if let Some(second) = values(parameter).get(1) {
            findings.error("SYN110", "this parameter has one value", &second.path());
        }
    }
    query.sex = values("livingSubjectAdministrativeGender").into_iter().next().and_then(|value| {
        gender(Some(value), findings).value().copied().filter(|sex| *sex != crate::identity::Sex::Undifferentiated)
    });
    query.birth = values("livingSubjectBirthTime").first().and_then(|value| interval(value, findings));
    query.addresses = values("patientAddress").iter().filter_map(address).collect();
    query.telecoms = values("patientTelecom").iter().filter_map(telecom).collect();
    query.identifiers = values("livingSubjectId").iter().filter_map(|value| identifier(value, findings)).collect();
    query.mothers_maiden_names = values("mothersMaidenName").iter().filter_map(name).collect();
    query.minimum_degree = minimum_degree(asked, findings);
    query
}

/// `minimumDegreeMatch`, 0 to 100.
fn minimum_degree(asked: &At<'_>, findings: &mut Findings) -> Option<u8> {
    let value = asked.down(&["matchCriterionList", "minimumDegreeMatch", "value"])?;
    let text = value.attribute("value")?;
    let degree = text.parse::<u8>().ok().filter(|degree| *degree <= 100);
    if degree.is_none() {
        findings.error("SYN103", "minimumDegreeMatch is not between 0 and 100", &value.path());
    }
    degree
}

/// A quantity of at least one: no page is empty on purpose.
fn positive(at: &At<'_>, element: &str, findings: &mut Findings) -> Option<u32> {
    let value = at.first(element)?;
    let text = value.attribute("value")?;
    match text.parse::<i64>().map(u32::try_from) {
        Ok(Ok(number)) if number > 0 => return Some(number),
        Ok(_) => findings.error("SYN103", "a quantity is at least 1", &value.path()),
        Err(_) => findings.error("SYN102", "not a quantity", &value.path()),
    }
    None
}

/// Continue or cancel.
pub(super) fn continuation(root: &At<'_>, cancel: bool, findings: &mut Findings) -> Option<Content> {
    let Some(asked) = root.down(&["controlActProcess", "queryContinuation"]) else {
        findings.error("SYN100", "queryContinuation is missing", &format!("{}/controlActProcess", root.path()));
        return None;
    };
    let Some(query_id) = query_id(&asked) else {
        findings.error("SYN100", "queryId is missing", &asked.path());
        return None;
    };
    let aborted = asked.first("statusCode").and_then(|status| status.attribute("code")) == Some("aborted");
    let cancel = cancel || aborted;
    // A cancellation asks for no more, and says so by a quantity of none.
    let positive = |element: &str, findings: &mut Findings| match cancel {
        true => None,
        false => positive(&asked, element, findings),
    };
    Some(Content::Continuation(Continuation {
        query_id,
        start: positive("startResultNumber", findings),
        quantity: positive("continuationQuantity", findings),
        cancel,
        follows: root.down(&["acknowledgement", "targetMessage", "id"]).as_ref().and_then(instance),
    }))
}
