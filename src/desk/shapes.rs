//! The forms in which persons, reviews and accounts are told.

use crate::access::{Grant, Policy};
use crate::identity::{AddressPartKind, Demographics, PatientIdentifier, PersonName, Representation, Sex};
use crate::registry::{
    Contradiction, DeadLetter, DomainView, Doubts, Erased, ExplainedRecord, HeldPerson, OperationView, PairView,
    PersonView, ReviewView, SubscriberView, WeakBridge, Word,
};
use serde_json::{Value, json};

/// A moment in the network's time zone, as RFC 3339 has it, to the second.
pub fn time(micros: i64, zone: &str) -> String {
    zoned(micros, zone).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

/// Likewise, for people.
pub fn when(micros: i64, zone: &str) -> String {
    zoned(micros, zone).strftime("%Y-%m-%d %H:%M:%S %:z").to_string()
}

fn zoned(micros: i64, zone: &str) -> jiff::Zoned {
    let time = jiff::Timestamp::from_microsecond(micros).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    time.to_zoned(jiff::tz::TimeZone::get(zone).unwrap_or(jiff::tz::TimeZone::UTC))
}

/// The first and the last moment of a day of the network's calendar, microseconds; none for a day out of it.
pub fn hours(day: jiff::civil::Date, zone: &str) -> Option<(i64, i64)> {
    let zone = jiff::tz::TimeZone::get(zone).unwrap_or(jiff::tz::TimeZone::UTC);
    let start = day.to_zoned(zone.clone()).ok()?.timestamp().as_microsecond();
    let next = day.tomorrow().ok()?.to_zoned(zone).ok()?.timestamp().as_microsecond();
    Some((start, next - 1))
}

/// What is said of a patient, one row a field, in an order that is the same for everybody.
pub fn fields(demographics: &Demographics) -> Vec<(&'static str, String)> {
    let kinds = [
        ("name", Representation::Ideographic),
        ("kana", Representation::Syllabic),
        ("latin", Representation::Alphabetic),
    ];
    let names = demographics.names.values();
    let mut rows: Vec<(&'static str, String)> = kinds
        .into_iter()
        .map(|(label, kind)| {
            (label, joined(names.iter().filter(|name| name.representation == Some(kind)).map(name_text)))
        })
        .collect();
    rows.push(("other name", joined(names.iter().filter(|name| name.representation.is_none()).map(name_text))));
    let sex = match demographics.sex.value() {
        None => "",
        Some(Sex::Female) => "female",
        Some(Sex::Male) => "male",
        Some(Sex::Undifferentiated) => "undifferentiated",
    };
    rows.push(("sex", sex.to_owned()));
    rows.push(("born", demographics.birth_date.value().map(|date| date.to_hl7()).unwrap_or_default()));
    let addresses = demographics.addresses.values().iter().map(|address| {
        let parts = address.parts.iter().filter(|part| part.kind != AddressPartKind::Country);
        parts.map(|part| part.value.as_str()).collect::<Vec<_>>().join(" ")
    });
    rows.push(("address", joined(addresses)));
    rows.push(("telecom", joined(demographics.telecoms.values().iter().map(|telecom| telecom.value.clone()))));
    rows
}

fn name_text(name: &PersonName) -> String {
    name.parts.iter().map(|part| part.value.trim()).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

fn joined(texts: impl Iterator<Item = String>) -> String {
    texts.filter(|text| !text.is_empty()).collect::<Vec<_>>().join("; ")
}

/// The same as one JSON object, fields that say nothing left out.
pub fn demographics(said: &Demographics) -> Value {
    let said = fields(said).into_iter().filter(|(_, text)| !text.is_empty());
    Value::Object(said.map(|(label, text)| (label.replace(' ', "_"), text.into())).collect())
}

/// One person with records and doubts.
pub fn person(view: &PersonView, zone: &str) -> Value {
    let records: Vec<_> = view
        .records
        .iter()
        .map(|record| {
            json!({
                "authority": record.identifier.authority.as_str(),
                "value": record.identifier.value,
                "origin": record.origin,
                "reason": record.reason,
                "weight": record.weight,
                "since": time(record.since, zone),
                "demographics": demographics(&record.demographics),
            })
        })
        .collect();
    json!({
        "person": view.person.0, "regional": view.regional, "records": records, "doubts": doubts(&view.doubts, zone),
    })
}

/// What happened to a person, and what stewards did.
pub fn history(view: &PersonView, operations: &[OperationView], zone: &str) -> Value {
    let event =
        |(at, kind, actor): &(i64, String, String)| json!({ "time": time(*at, zone), "kind": kind, "actor": actor });
    let events: Vec<_> = view.history.iter().map(event).collect();
    let operations: Vec<_> = operations
        .iter()
        .map(|one| {
            json!({
                "operation": one.id, "kind": one.kind, "reason": one.reason, "actor": one.actor,
                "time": time(one.time, zone), "undone": one.undone.map(|undone| time(undone, zone)),
            })
        })
        .collect();
    json!({ "person": view.person.0, "regional": view.regional, "history": events, "operations": operations })
}

/// Whose an identifier was on a day.
pub fn held(day: jiff::civil::Date, held: &[HeldPerson], zone: &str) -> Value {
    let persons: Vec<Value> = held
        .iter()
        .map(|one| {
            let links: Vec<_> = one
                .links
                .iter()
                .map(|link| {
                    json!({
                        "authority": link.identifier.authority.as_str(), "value": link.identifier.value,
                        "from": time(link.since, zone), "until": link.until.map(|until| time(until, zone)),
                        "origin": link.origin, "actor": link.actor, "reason": link.reason,
                    })
                })
                .collect();
            json!({ "person": one.person.0, "regional": one.regional, "links": links })
        })
        .collect();
    json!({ "day": day.to_string(), "held": persons })
}

/// One review; its account, words and doubts where it was looked at alone.
pub fn review(review: &ReviewView, zone: &str) -> Value {
    let side = |side: Option<&(String, String, Demographics)>| {
        side.map(|(oid, value, said)| json!({ "authority": oid, "value": value, "demographics": demographics(said) }))
    };
    let why = serde_json::from_str::<Value>(&review.explanation).unwrap_or_default();
    let mut told = json!({
        "id": review.id,
        "kind": review.kind,
        "state": review.state,
        "weight": review.weight,
        "opened": time(review.opened, zone),
        "risk": hundredths(review.urgency.risk),
        "doubt": hundredths(review.urgency.doubt),
        "reasons": review.urgency.reasons,
        "left": side(review.left.as_ref()),
        "right": side(review.right.as_ref()),
        "explanation": why,
    });
    if let (Some(now), Some(object)) = (&review.now, told.as_object_mut()) {
        object.insert("account".to_owned(), json!(now.account));
        object.insert("decisions".to_owned(), now.words.iter().map(|one| word(one, zone)).collect());
        object.insert("doubts".to_owned(), doubts(&now.doubts, zone));
    }
    told
}

/// Why two records are one person, or are not; what their sources say only where `values` are asked for.
pub fn explained(view: &PairView, values: bool, zone: &str) -> Value {
    let side = |side: &ExplainedRecord| {
        let mut said = json!({ "record": side.record.0, "person": side.person.map(|person| person.0) });
        if let (true, Some(object)) = (values, said.as_object_mut()) {
            object.insert("authority".to_owned(), side.identifier.authority.as_str().into());
            object.insert("value".to_owned(), side.identifier.value.clone().into());
            object.insert("demographics".to_owned(), demographics(&side.demographics));
        }
        said
    };
    let whole = view.whole.as_ref().map(|whole| {
        json!({
            "bits": hundredths(whole.bits), "records": whole.records, "rank": whole.rank,
            "considered": whole.considered, "guards": whole.guards,
        })
    });
    json!({
        "left": side(&view.left), "right": side(&view.right), "one_person": view.is_one_person(),
        "account": view.account, "whole_person": whole, "outcome": view.outcome,
        "decisions": view.words.iter().map(|one| word(one, zone)).collect::<Vec<_>>(),
    })
}

/// What an erasure came to, or would come to.
pub fn erased(erased: &Erased, done: bool) -> Value {
    json!({
        "erased": done, "records": erased.records, "versions": erased.versions, "messages": erased.messages,
    })
}

/// How a subscriber stands.
pub fn subscriber(one: &SubscriberView, zone: &str) -> Value {
    json!({
        "system": one.system,
        "on": one.on,
        "waiting": one.waiting,
        "oldest": one.oldest.map(|at| time(at, zone)),
        "failed": one.attempts,
        "trouble": one.trouble,
        "next_try": one.next_try.map(|at| time(at, zone)),
    })
}

/// A change that a subscriber would not take.
pub fn dead_letter(letter: &DeadLetter, zone: &str) -> Value {
    json!({
        "id": letter.id,
        "subscriber": letter.subscriber,
        "happened": time(letter.time, zone),
        "kind": letter.kind,
        "person": letter.person.0,
        "refused": letter.attempts,
        "trouble": letter.trouble,
        "put_aside": time(letter.parked, zone),
        "state": if letter.again { "tried again soon" } else { "put aside" },
    })
}

/// An assigning authority.
pub fn domain(one: &DomainView) -> Value {
    let of = &one.settings;
    json!({
        "id": of.key.0,
        "oid": of.oid.as_str(),
        "namespace": of.namespace,
        "name": of.name,
        "facility": of.facility,
        "one_identifier_per_person": of.one_identifier_per_person,
        "state": one.state.word(),
        "configured": one.configured,
        "served": one.served,
    })
}

/// The connected systems; in open access there is none that must be known.
pub fn systems(policy: &Policy) -> Value {
    match policy {
        Policy::Open => json!({ "access": "open", "systems": [] }),
        Policy::Registered(systems) => {
            let mut keys: Vec<&String> = systems.keys().collect();
            keys.sort();
            let all: Vec<Value> = keys.into_iter().filter_map(|key| system(policy, key)).collect();
            json!({ "access": "registered", "systems": all })
        }
    }
}

/// One connected system and what it may do.
pub fn system(policy: &Policy, key: &str) -> Option<Value> {
    let Policy::Registered(systems) = policy else { return None };
    let grant = |grant: &Grant| {
        let may: Vec<&str> = grant.may.iter().map(|permission| permission.word()).collect();
        json!({ "domain": grant.domain.as_ref().map_or("*", |domain| domain.0.as_str()), "may": may })
    };
    let grants: Vec<Value> = systems.get(key)?.iter().map(grant).collect();
    Some(json!({ "id": key, "grants": grants }))
}

fn word(word: &Word, zone: &str) -> Value {
    json!({
        "decision": word.id, "verdict": word.verdict, "actor": word.actor, "reason": word.reason,
        "time": time(word.time, zone),
    })
}

fn doubts(doubts: &Doubts, zone: &str) -> Value {
    let contradiction = |one: &Contradiction| json!({ "left": written(&one.left), "right": written(&one.right), "decision": word(&one.word, zone) });
    let bridge = |bridge: &WeakBridge| {
        let all = |side: &[PatientIdentifier]| side.iter().map(written).collect::<Vec<_>>();
        json!({
            "goes": all(&bridge.goes), "stays": all(&bridge.stays),
            "held_by": [written(&bridge.held_by.0), written(&bridge.held_by.1)],
            "bits": bridge.bits, "mean": bridge.mean, "against": bridge.against,
        })
    };
    json!({
        "contradictions": doubts.contradictions.iter().map(contradiction).collect::<Vec<_>>(),
        "reviews": doubts.reviews.iter().map(|(id, kind)| json!({ "id": id, "kind": kind })).collect::<Vec<_>>(),
        "proposed_split": doubts.bridge.as_ref().map(bridge),
    })
}

/// An identifier as it is written on the command line.
pub fn written(identifier: &PatientIdentifier) -> String {
    format!("{}^{}", identifier.authority, identifier.value)
}

fn hundredths(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_in_the_networks_zone() {
        assert_eq!(when(0, "Asia/Tokyo"), "1970-01-01 09:00:00 +09:00");
        assert_eq!(when(0, "Nowhere/Land"), "1970-01-01 00:00:00 +00:00");
        assert_eq!(time(0, "Asia/Tokyo"), "1970-01-01T09:00:00+09:00");
    }

    #[test]
    fn a_day_is_the_networks() {
        let day = jiff::civil::date(1970, 1, 2);
        assert_eq!(hours(day, "Asia/Tokyo"), Some((54_000_000_000, 54_000_000_000 + 86_400_000_000 - 1)));
        assert_eq!(hours(jiff::civil::Date::MAX, "Asia/Tokyo"), None);
    }

    #[test]
    fn fields_that_say_nothing_are_not_in_the_json() {
        assert_eq!(demographics(&Demographics::default()), json!({}));
    }
}
