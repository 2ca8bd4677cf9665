//! Compares an answer with what a step expects, and says in words what differs.

use super::case::{Check, Detail, Expect};
use super::http::Answer;
use super::model::{self, Acknowledged};
use super::path::{elements, find};
use super::runner::Reply;
use super::scope::Scope;
use crate::xml::Element;

/// Everything about one answer that does not hold.
pub(super) fn judge(expect: &Expect, answer: &Answer, reply: Option<&Reply>, scope: &Scope) -> Vec<String> {
    let mut wrong = Vec::new();
    let status = expect.status.unwrap_or(200);
    if answer.status != status {
        wrong.push(format!("HTTP status {} instead of {status}", answer.status));
    }
    for (name, value) in &expect.headers {
        let found = answer.headers.get(&name.to_lowercase()).map_or("", String::as_str);
        if !found.contains(value.as_str()) {
            wrong.push(format!("header {name} is `{found}`, not `{value}`"));
        }
    }
    let wants_reply = !expect.bare && (status == 200 || expect.fault.is_some());
    match reply {
        Some(reply) => {
            wrong.extend(content(expect, answer, &reply.payload, scope).unwrap_or_else(|e| vec![e]));
            wrong.extend(checks(&expect.envelope, &reply.envelope, scope).unwrap_or_else(|e| vec![e]));
        }
        None if !expect.envelope.is_empty() => wrong.push("the answer is no SOAP message".to_owned()),
        None if wants_reply => wrong.push("the answer is no SOAP message".to_owned()),
        None => {}
    }
    wrong
}

/// Everything about a message of the server's own accord that does not hold.
pub(super) fn told_as(expect: &Expect, told: &Element, scope: &Scope) -> Result<Vec<String>, String> {
    let mut wrong = Vec::new();
    if let Some(root) = expect.root.as_ref().filter(|root| ***root != *told.name.local) {
        wrong.push(format!("the message is `{}`, not `{root}`", told.name.local));
    }
    identifiers(expect, told, scope, &mut wrong)?;
    let subjects = elements(told, "controlActProcess/subject").len();
    if let Some(wanted) = expect.subjects.filter(|w| *w != subjects) {
        wrong.push(format!("{subjects} subjects instead of {wanted}"));
    }
    wrong.extend(checks(&expect.checks, told, scope)?);
    Ok(wrong)
}

fn content(expect: &Expect, answer: &Answer, reply: &Element, scope: &Scope) -> Result<Vec<String>, String> {
    let mut wrong = Vec::new();
    let one = |path: &str| find(reply, path).map(|f| f.into_iter().next().unwrap_or_default());
    let mut same = |what: &str, found: String, wanted: Option<&String>| {
        if let Some(wanted) = wanted.filter(|w| **w != found) {
            wrong.push(format!("{what} is `{found}`, not `{wanted}`"));
        }
    };
    let local = |text: String| text.rsplit(':').next().unwrap_or_default().to_owned();
    same("reply root", reply.name.local.to_string(), expect.root.as_ref());
    same("queryResponseCode", one("controlActProcess/queryAck/queryResponseCode/@code")?, expect.response.as_ref());
    same("fault code", local(one("Code/Value/.")?), expect.fault.as_ref());
    same("fault subcode", local(one("Code/Subcode/Value/.")?), expect.subcode.as_ref());
    let ack = one("acknowledgement/typeCode/@code")?;
    if !expect.ack.is_empty() && !expect.ack.contains(&ack) {
        wrong.push(format!("acknowledgement `{ack}`, not {:?}", expect.ack));
    }
    if &*reply.name.local != "Fault" {
        let (ours, other) = (acknowledged(reply)?, model::read(&answer.body)?);
        if ours != other {
            wrong.push(format!("two readers disagree: {ours:?} and {other:?}"));
        }
    }
    if let Some(wanted) = &expect.details {
        details(wanted, reply, &mut wrong)?;
    }
    identifiers(expect, reply, scope, &mut wrong)?;
    let quantity = |name: &str| one(&format!("controlActProcess/queryAck/{name}/@value"));
    if let Some(wanted) = expect.quantities {
        let names = ["resultTotalQuantity", "resultCurrentQuantity", "resultRemainingQuantity"];
        for (name, wanted) in names.iter().zip(wanted) {
            let found = quantity(name)?;
            if found != wanted.to_string() {
                wrong.push(format!("{name} is `{found}`, not {wanted}"));
            }
        }
    }
    let subjects = elements(reply, "controlActProcess/subject").len();
    if let Some(wanted) = expect.subjects.filter(|w| *w != subjects) {
        wrong.push(format!("{subjects} subjects instead of {wanted}"));
    }
    wrong.extend(checks(&expect.checks, reply, scope)?);
    Ok(wrong)
}

fn checks(checks: &[Check], root: &Element, scope: &Scope) -> Result<Vec<String>, String> {
    let mut wrong = Vec::new();
    for check in checks {
        let found = find(root, &scope.expand(&check.path)?)?;
        let wanted = check.is.as_ref().map(|is| scope.expand(is)).transpose()?;
        let held = wanted.as_ref().is_none_or(|w| found.contains(w));
        if !held || check.count.map_or(wanted.is_none() && found.is_empty(), |n| n != found.len()) {
            let wanted = match (&wanted, check.count) {
                (Some(value), Some(count)) => format!("{count} with `{value}` among them"),
                (Some(value), None) => format!("`{value}`"),
                (None, Some(count)) => count.to_string(),
                (None, None) => "any".to_owned(),
            };
            wrong.push(format!("`{}` holds {} values, not {wanted}", check.path, found.len()));
        }
    }
    Ok(wrong)
}

fn acknowledged(reply: &Element) -> Result<Acknowledged, String> {
    let one = |path: &str| find(reply, path).map(|f| f.into_iter().next());
    let details = elements(reply, "acknowledgement/acknowledgementDetail");
    let pair = |e: &Element| {
        let code = e.first("code").and_then(|c| c.attribute("code")).unwrap_or_default().to_owned();
        (e.attribute("typeCode").unwrap_or_default().to_owned(), code)
    };
    Ok(Acknowledged {
        id_root: one("id/@root")?.unwrap_or_default(),
        type_code: one("acknowledgement/typeCode/@code")?.unwrap_or_default(),
        target_root: one("acknowledgement/targetMessage/id/@root")?.unwrap_or_default(),
        details: details.into_iter().map(pair).collect(),
        response: one("controlActProcess/queryAck/queryResponseCode/@code")?,
    })
}

fn details(wanted: &[Detail], reply: &Element, wrong: &mut Vec<String>) -> Result<(), String> {
    let mut left = elements(reply, "acknowledgement/acknowledgementDetail");
    for want in wanted {
        let fits = |e: &&Element| {
            let code = e.first("code");
            let of = |name: &str| code.and_then(|c| c.attribute(name)).unwrap_or_default();
            let kind = e.attribute("typeCode");
            want.kind.as_deref().is_none_or(|k| kind == Some(k))
                && (want.code.is_empty() || want.code.iter().any(|c| c == of("code")))
                && want.system.as_deref().is_none_or(|s| s == of("codeSystem"))
                && want.location.as_deref().is_none_or(|l| e.all("location").any(|p| p.text().contains(l)))
        };
        match left.iter().position(fits) {
            Some(at) => drop(left.remove(at)),
            None => wrong.push(format!("there is no {}", described(want))),
        }
    }
    let errors = left.iter().filter(|e| e.attribute("typeCode") == Some("E")).count();
    if errors > 0 {
        wrong.push(format!("{errors} error details that nobody expects"));
    }
    Ok(())
}

/// A detail that is wanted, in words.
fn described(want: &Detail) -> String {
    let mut words = "acknowledgementDetail".to_owned();
    for (word, value) in [
        (" of type ", want.kind.clone()),
        (" with code ", Some(want.code.join(" or ")).filter(|codes| !codes.is_empty())),
        (" of the system ", want.system.clone()),
        (" whose location holds ", want.location.as_ref().map(|location| format!("`{location}`"))),
    ] {
        if let Some(value) = value {
            words.push_str(word);
            words.push_str(&value);
        }
    }
    words
}

fn identifiers(expect: &Expect, reply: &Element, scope: &Scope, wrong: &mut Vec<String>) -> Result<(), String> {
    let patient = "controlActProcess/subject/registrationEvent/subject1/patient";
    let mut found = elements(reply, &format!("{patient}/id"));
    found.extend(elements(reply, &format!("{patient}/patientPerson/asOtherIDs/id")));
    let pair = |e: &&Element| Some((e.attribute("root")?.to_owned(), e.attribute("extension")?.to_owned()));
    let mut left: Vec<(String, String)> = found.iter().filter_map(pair).collect();
    let place = |text: &str, all: &[(String, String)]| -> Result<Option<usize>, String> {
        if text.contains(':') {
            let id = scope.identifier(text)?;
            return Ok(all.iter().position(|other| *other == id));
        }
        let oid = scope.oid(text)?;
        Ok(all.iter().position(|(root, _)| *root == oid))
    };
    for text in &expect.absent {
        if place(text, &left)?.is_some() {
            wrong.push(format!("`{text}` is answered"));
        }
    }
    for text in &expect.ids {
        match place(text, &left)? {
            Some(at) => drop(left.remove(at)),
            None => wrong.push(format!("`{text}` is not answered")),
        }
    }
    if expect.only && !left.is_empty() {
        wrong.push(format!("{} identifiers more than expected are answered", left.len()));
    }
    Ok(())
}
