//! The messages that steps are expanded into.
//!
//! They are written here apart from the product's own writer, so that an error common to both shows.

use super::case::{Record, What};
use super::scope::Scope;

/// Text made safe between tags and inside attributes.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A message in its envelope, placeholders resolved.
pub(super) fn message(kind: &str, what: &What, scope: &Scope, url: &str) -> Result<String, String> {
    let (interaction, action, act) = match kind {
        "add" => ("PRPA_IN201301UV02", "PRPA_IN201301UV02", feed(&what.patient, None, scope)?),
        "revise" => ("PRPA_IN201302UV02", "PRPA_IN201302UV02", feed(&what.patient, None, scope)?),
        "merge" => ("PRPA_IN201304UV02", "PRPA_IN201304UV02", feed(&what.patient, Some(&what.id), scope)?),
        "pix" => ("PRPA_IN201309UV02", "PRPA_IN201309UV02", pix(what, scope)?),
        "pdq" => ("PRPA_IN201305UV02", "PRPA_IN201305UV02", pdq(what, scope)?),
        "continue" => (
            "QUQI_IN000003UV01",
            "QUQI_IN000003UV01_Continue",
            continuation("waitContinuedQueryResponse", what, scope)?,
        ),
        "cancel" => ("QUQI_IN000003UV01_Cancel", "QUQI_IN000003UV01_Cancel", continuation("aborted", what, scope)?),
        other => return Err(format!("`{other}` is no kind of message")),
    };
    let sender = scope.expand(what.sender.as_deref().unwrap_or("${sender}"))?;
    let trigger = match kind {
        "continue" | "cancel" => "PRPA_TE000003UV01".to_owned(),
        _ => interaction.replace("_IN", "_TE"),
    };
    let receiver = scope.expand(what.receiver.as_deref().unwrap_or("${device}"))?;
    let acknowledgement = match kind {
        "continue" | "cancel" => format!(
            r#"<acknowledgement><typeCode code="AA"/><targetMessage><id root="{}"/></targetMessage></acknowledgement>"#,
            what.follows.as_deref().unwrap_or("${uuid}")
        ),
        _ => String::new(),
    };
    let extension = interaction.trim_end_matches("_Cancel");
    let payload = format!(
        r#"<{interaction} xmlns="urn:hl7-org:v3" ITSVersion="XML_1.0"><id root="${{uuid}}"/><creationTime value="${{now}}"/><interactionId root="2.16.840.1.113883.1.6" extension="{extension}"/><processingCode code="P"/><processingModeCode code="T"/><acceptAckCode code="AL"/><receiver typeCode="RCV"><device classCode="DEV" determinerCode="INSTANCE"><id root="{receiver}"/></device></receiver><sender typeCode="SND"><device classCode="DEV" determinerCode="INSTANCE"><id root="{sender}"/></device></sender>{acknowledgement}<controlActProcess classCode="CACT" moodCode="EVN"><code code="{trigger}" codeSystem="2.16.840.1.113883.1.6"/>{act}</controlActProcess></{interaction}>"#
    );
    scope.expand(&envelope(&format!("urn:hl7-org:v3:{action}"), url, &payload))
}

/// A SOAP 1.2 envelope around `payload`.
pub(super) fn envelope(action: &str, url: &str, payload: &str) -> String {
    format!(
        r#"<env:Envelope xmlns:env="http://www.w3.org/2003/05/soap-envelope" xmlns:wsa="http://www.w3.org/2005/08/addressing"><env:Header><wsa:To>{}</wsa:To><wsa:Action env:mustUnderstand="1">{action}</wsa:Action><wsa:MessageID>urn:uuid:${{uuid}}</wsa:MessageID><wsa:ReplyTo><wsa:Address>http://www.w3.org/2005/08/addressing/anonymous</wsa:Address></wsa:ReplyTo></env:Header><env:Body>{payload}</env:Body></env:Envelope>"#,
        escape(url)
    )
}

fn id_element(text: &str, scope: &Scope) -> Result<(String, String), String> {
    let (root, value) = scope.identifier(text)?;
    let element = format!(r#"<id root="{root}" extension="{}"/>"#, escape(&value));
    Ok((root, element))
}

fn names(patient: &Record, scope: &Scope) -> Result<String, String> {
    let text = |given: Option<&String>, other: &str| scope.expand(given.map_or(other, String::as_str));
    let kana = patient.kana.clone().unwrap_or_else(|| ["${family_kana}".into(), "${given_kana}".into()]);
    let romaji = patient.romaji.clone().unwrap_or_else(|| ["${family_romaji}".into(), "${given_romaji}".into()]);
    let (family, given) = (text(patient.family.as_ref(), "${family}")?, text(patient.given.as_ref(), "${given}")?);
    let mut out = name("L IDE", &family, &given);
    for (form, [family, given]) in [("L SYL", kana), ("L ABC", romaji)] {
        if !family.is_empty() {
            out.push_str(&name(form, &scope.expand(&family)?, &scope.expand(&given)?));
        }
    }
    Ok(out)
}

fn name(form: &str, family: &str, given: &str) -> String {
    format!(r#"<name use="{form}"><family>{}</family><given>{}</given></name>"#, escape(family), escape(given))
}

fn person(patient: &Record, scope: &Scope) -> Result<String, String> {
    let or = |given: &Option<String>, other: &str| scope.expand(given.as_deref().unwrap_or(other)).map(|t| escape(&t));
    let mut others = String::new();
    for text in &patient.other_ids {
        let (root, id) = id_element(text, scope)?;
        others.push_str(&format!(
            r#"<asOtherIDs classCode="PAT">{id}<scopingOrganization classCode="ORG" determinerCode="INSTANCE"><id root="{root}"/></scopingOrganization></asOtherIDs>"#
        ));
    }
    Ok(format!(
        r#"<patientPerson classCode="PSN" determinerCode="INSTANCE">{}<telecom use="HP" value="tel:{}"/><administrativeGenderCode code="{}" codeSystem="2.16.840.1.113883.5.1"/><birthTime value="{}"/><addr use="HP"><country>JP</country><postalCode>{}</postalCode><streetAddressLine>{}</streetAddressLine></addr>{others}</patientPerson>"#,
        names(patient, scope)?,
        or(&patient.phone, "${phone}")?,
        or(&patient.sex, "F")?,
        or(&patient.birth, "${birth}")?,
        or(&patient.postal, "999-0011")?,
        or(&patient.line, "星見県星見市青葉町1-2-3")?,
    ))
}

fn feed(patient: &Record, subsumed: Option<&str>, scope: &Scope) -> Result<String, String> {
    let own = format!("{}:{}", patient.domain, patient.value);
    let (mut ids, mut organizations) = (String::new(), String::new());
    for text in std::iter::once(&own).chain(&patient.ids) {
        let (root, id) = id_element(text, scope)?;
        ids.push_str(&id);
        let organization = format!(r#"<id root="{root}"/>"#);
        if !organizations.contains(&organization) {
            organizations.push_str(&organization);
        }
    }
    let replaced = match subsumed {
        None => String::new(),
        Some(text) => format!(
            r#"<replacementOf typeCode="RPLC"><priorRegistration classCode="REG" moodCode="EVN"><statusCode code="obsolete"/><subject1 typeCode="SBJ"><priorRegisteredRole classCode="PAT">{}</priorRegisteredRole></subject1></priorRegistration></replacementOf>"#,
            id_element(text, scope)?.1
        ),
    };
    let person = person(patient, scope)?;
    Ok(format!(
        r#"<subject typeCode="SUBJ" contextConductionInd="false"><registrationEvent classCode="REG" moodCode="EVN"><statusCode code="active"/><subject1 typeCode="SBJ"><patient classCode="PAT">{ids}<statusCode code="active"/>{person}<providerOrganization classCode="ORG" determinerCode="INSTANCE">{organizations}<name>Hoshimi</name><contactParty classCode="CON"><telecom nullFlavor="UNK"/></contactParty></providerOrganization></patient></subject1><custodian typeCode="CST"><assignedEntity classCode="ASSIGNED"><id root="${{sender}}"/><assignedOrganization classCode="ORG" determinerCode="INSTANCE"><name>Hoshimi</name></assignedOrganization></assignedEntity></custodian>{replaced}</registrationEvent></subject>"#
    ))
}

fn pix(what: &What, scope: &Scope) -> Result<String, String> {
    let (root, value) = scope.identifier(&what.id)?;
    let mut sources = String::new();
    for source in &what.sources {
        let oid = scope.oid(source)?;
        sources.push_str(&format!(
            r#"<dataSource><value root="{oid}"/><semanticsText>DataSource.id</semanticsText></dataSource>"#
        ));
    }
    Ok(format!(
        r#"<queryByParameter><queryId root="${{uuid}}"/><statusCode code="new"/><responsePriorityCode code="I"/><parameterList>{sources}<patientIdentifier><value root="{root}" extension="{}"/><semanticsText>Patient.id</semanticsText></patientIdentifier></parameterList></queryByParameter>"#,
        escape(&value)
    ))
}

fn parameter(element: &str, value: &str, semantics: &str) -> String {
    format!("<{element}>{value}<semanticsText>{semantics}</semanticsText></{element}>")
}

fn pdq(what: &What, scope: &Scope) -> Result<String, String> {
    let mut list = String::new();
    if let Some(sex) = &what.sex {
        let value = format!(r#"<value code="{sex}"/>"#);
        list.push_str(&parameter("livingSubjectAdministrativeGender", &value, "LivingSubject.administrativeGender"));
    }
    if let Some(birth) = &what.birth {
        let value = format!(r#"<value value="{}"/>"#, scope.expand(birth)?);
        list.push_str(&parameter("livingSubjectBirthTime", &value, "LivingSubject.birthTime"));
    }
    if let Some(born) = &what.born {
        let bound = |element: &str, text: &str| match text {
            "" => Ok(String::new()),
            text => scope.expand(text).map(|t| format!(r#"<{element} value="{t}"/>"#)),
        };
        let [from, to] = born;
        let value = format!("<value>{}{}</value>", bound("low", from)?, bound("high", to)?);
        list.push_str(&parameter("livingSubjectBirthTime", &value, "LivingSubject.birthTime"));
    }
    for id in &what.ids {
        let (root, extension) = scope.identifier(id)?;
        let value = format!(r#"<value root="{root}" extension="{}"/>"#, escape(&extension));
        list.push_str(&parameter("livingSubjectId", &value, "LivingSubject.id"));
    }
    for [family, given] in &what.names {
        let part = |tag: &str, text: &str| match text {
            "" => Ok(String::new()),
            text => scope.expand(text).map(|t| format!("<{tag}>{}</{tag}>", escape(&t))),
        };
        let form = what.name_use.as_ref().map(|u| format!(r#" use="{u}""#)).unwrap_or_default();
        let value = format!("<value{form}>{}{}</value>", part("family", family)?, part("given", given)?);
        list.push_str(&parameter("livingSubjectName", &value, "LivingSubject.name"));
    }
    if let Some(mother) = &what.mother {
        let value = format!("<value><family>{}</family></value>", escape(&scope.expand(mother)?));
        list.push_str(&parameter("mothersMaidenName", &value, "Person.MothersMaidenName"));
    }
    for domain in &what.sources {
        let value = format!(r#"<value root="{}"/>"#, scope.oid(domain)?);
        list.push_str(&parameter("otherIDsScopingOrganization", &value, "OtherIDs.scopingOrganization.id"));
    }
    if what.postal.is_some() || what.city.is_some() {
        let part = |tag: &str, text: &Option<String>| match text {
            None => Ok(String::new()),
            Some(text) => scope.expand(text).map(|t| format!("<{tag}>{}</{tag}>", escape(&t))),
        };
        let value = format!("<value>{}{}</value>", part("city", &what.city)?, part("postalCode", &what.postal)?);
        list.push_str(&parameter("patientAddress", &value, "Patient.addr"));
    }
    if let Some(phone) = &what.phone {
        let value = format!(r#"<value value="tel:{}"/>"#, escape(&scope.expand(phone)?));
        list.push_str(&parameter("patientTelecom", &value, "Patient.telecom"));
    }
    let quantity = what.quantity.map(|n| format!(r#"<initialQuantity value="{n}"/><initialQuantityCode code="RD"/>"#));
    let degree = what.degree.map(|n| format!(r#"<matchCriterionList><minimumDegreeMatch><value xsi:type="INT" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" value="{n}"/><semanticsText>MinimumDegreeMatch</semanticsText></minimumDegreeMatch></matchCriterionList>"#));
    let query_id = what.query_id.as_deref().unwrap_or("${uuid}");
    Ok(format!(
        r#"<queryByParameter><queryId root="{query_id}"/><statusCode code="new"/><responseModalityCode code="R"/><responsePriorityCode code="I"/>{}{}<parameterList>{list}</parameterList></queryByParameter>"#,
        quantity.unwrap_or_default(),
        degree.unwrap_or_default()
    ))
}

fn continuation(status: &str, what: &What, scope: &Scope) -> Result<String, String> {
    let number = |element: &str, n: Option<u32>| n.map(|n| format!(r#"<{element} value="{n}"/>"#)).unwrap_or_default();
    let quantity = if status == "aborted" { what.quantity.or(Some(0)) } else { what.quantity };
    let (start, quantity) = (number("startResultNumber", what.start), number("continuationQuantity", quantity));
    let query_id = what.query_id.as_deref().unwrap_or("${uuid}");
    scope.expand(&format!(
        r#"<queryContinuation><queryId root="{query_id}"/>{start}{quantity}<statusCode code="{status}"/></queryContinuation>"#
    ))
}
