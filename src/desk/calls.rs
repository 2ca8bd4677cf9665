//! The table of calls: method and path, what may be said with it, and which function of the registry it is.

use super::problem::Problem;
use super::{Asked, Desk, Told, shapes};
use crate::identity::{DomainKey, Oid};
use crate::registry::{Announcement, DomainSettings, ReviewVerdict};
use serde_json::{Value, json};

/// Something that is said with a call.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// Its name.
    pub name: &'static str,
    /// Its type: `string`, `integer`, `boolean`, or `strings`.
    pub kind: &'static str,
    /// Whether it must be said.
    pub needed: bool,
    /// What it means.
    pub about: &'static str,
}

/// One call.
pub struct Call {
    /// Its name in the audit trail.
    pub name: &'static str,
    /// `GET` or `POST`.
    pub method: &'static str,
    /// The path below `/api/v1`, with `{name}` for what is said there.
    pub path: &'static str,
    /// What it does.
    pub about: &'static str,
    /// What may be said in the query.
    pub query: &'static [Part],
    /// What may be said in the body.
    pub body: &'static [Part],
    /// Does it.
    pub(super) act: fn(&Desk, &Asked<'_>) -> Result<Told, Problem>,
}

const fn part(name: &'static str, kind: &'static str, needed: bool, about: &'static str) -> Part {
    Part { name, kind, needed, about }
}

const REASON: Part = part("reason", "string", false, "why, for whoever reads the history");
const OTHER: Part = part("other", "string", true, "the other: a regional ID, or OID^VALUE");

const fn get(
    name: &'static str,
    path: &'static str,
    about: &'static str,
    query: &'static [Part],
    act: fn(&Desk, &Asked<'_>) -> Result<Told, Problem>,
) -> Call {
    Call { name, method: "GET", path, about, query, body: &[], act }
}

const fn post(
    name: &'static str,
    path: &'static str,
    about: &'static str,
    body: &'static [Part],
    act: fn(&Desk, &Asked<'_>) -> Result<Told, Problem>,
) -> Call {
    Call { name, method: "POST", path, about, query: &[], body, act }
}

/// Every call.
pub static CALLS: [Call; 22] = [
    get(
        "reviews",
        "/reviews",
        "What waits for a steward, the most urgent first",
        &[part("limit", "integer", false, "at most so many, 1,000 where it is left out")],
        reviews,
    ),
    get("review", "/reviews/{id}", "One review, side by side, with levels, weights and doubts", &[], review),
    post(
        "review decide",
        "/reviews/{id}/decision",
        "Decides a review",
        &[part("verdict", "string", true, "same or different"), REASON],
        decide,
    ),
    get("person", "/persons/{id}", "A person's identifiers, demographics and doubts", &[], person),
    get(
        "person history",
        "/persons/{id}/history",
        "What happened to a person, or whose the identifier was on a day",
        &[part("on", "string", false, "a day such as 2026-11-30")],
        history,
    ),
    post("person link", "/persons/{id}/link", "This identifier is of that person", &[OTHER, REASON], link),
    post("person unlink", "/persons/{id}/unlink", "This identifier is not of its person", &[REASON], unlink),
    post("person merge", "/persons/{id}/merge", "Two persons are one; this one stays", &[OTHER, REASON], merge),
    post(
        "person split",
        "/persons/{id}/split",
        "This identifier, with the others, is another person's",
        &[part("others", "strings", false, "identifiers that go with it"), REASON],
        split,
    ),
    post("person register", "/persons/{id}/register", "Issues a regional ID where there is none", &[], register),
    post(
        "person erase",
        "/persons/{id}/erase",
        "Replaces every value of a person by a tombstone, which cannot be undone; without yes it says what that comes to",
        &[part("yes", "boolean", false, "that it is meant"), REASON],
        erase,
    ),
    post("person unmerge", "/operations/{id}/undo", "Undoes what a steward did", &[REASON], undo),
    get(
        "explain",
        "/explain",
        "Why two records are one person, or are not",
        &[
            part("left", "string", true, "a regional ID, or OID^VALUE"),
            part("right", "string", true, "a regional ID, or OID^VALUE"),
            part("values", "boolean", false, "whether to tell what the sources say"),
        ],
        explain,
    ),
    get("outbox", "/outbox", "How each subscriber stands, and what it would not take", &[], outbox),
    get("outbox letter", "/outbox/{id}", "One change that a subscriber would not take", &[], letter),
    post(
        "outbox replay",
        "/outbox/replay",
        "Lets what was not taken be tried again",
        &[
            part("ids", "integers", false, "which; all where it is left out"),
            part("subscriber", "string", false, "only what this one would not take"),
        ],
        replay,
    ),
    get("domains", "/domains", "The assigning authorities, with what holds of each", &[], domains),
    get("domain", "/domains/{id}", "One of them, by its key", &[], domain),
    post(
        "domain add",
        "/domains",
        "Adds an assigning authority; it is served after the next start",
        &[
            part("id", "string", true, "the key that stays"),
            part("oid", "string", true, "its OID"),
            part("namespace", "string", true, "its namespace"),
            part("name", "string", false, "its name"),
            part("facility", "string", false, "its facility code"),
            part("one_identifier_per_person", "boolean", false, "whether it vouches for one identifier a person"),
        ],
        domain_add,
    ),
    post(
        "domain state",
        "/domains/{id}/state",
        "Changes whether a domain is staged, live or retired",
        &[
            part("state", "string", true, "staged, live or retired"),
            part("subscribers", "string", false, "silence, or snapshot: of every person in it"),
        ],
        domain_state,
    ),
    get("systems", "/systems", "The connected systems and what each may do", &[], systems),
    get("system", "/systems/{id}", "One of them, by its key", &[], system),
];

const MOST_LISTED: usize = 1_000;

fn reviews(desk: &Desk, asked: &Asked<'_>) -> Result<Told, Problem> {
    let limit = asked.query_number("limit")?.map_or(MOST_LISTED, |limit| limit.clamp(1, MOST_LISTED));
    let reviews = desk.registry.reviews(limit)?;
    let told: Vec<Value> = reviews.iter().map(|one| shapes::review(one, &desk.zone)).collect();
    Ok(Told::of(json!({ "reviews": told })))
}

fn review(desk: &Desk, asked: &Asked<'_>) -> Result<Told, Problem> {
    let found = desk.registry.review(asked.number()?)?.ok_or_else(|| Problem::of("no_review"))?;
    Ok(Told::of(shapes::review(&found, &desk.zone)))
}

fn decide(desk: &Desk, asked: &Asked<'_>) -> Result<Told, Problem> {
    let (id, word) = (asked.number()?, asked.text("verdict")?);
    let verdict = match word {
        "same" => ReviewVerdict::Same,
        "different" => ReviewVerdict::Different,
        _ => return Err(Problem::of("malformed")),
    };
    if !desk.registry.decide_review(asked.who, id, verdict, asked.reason()?)? {
        return Err(Problem::of("no_review"));
    }
    Ok(Told::done(json!({ "id": id, "verdict": word })))
}

fn person(desk: &Desk, asked: &Asked<'_>) -> Result<Told, Problem> {
    let found = desk.registry.person(&desk.identifier(asked.id())?)?.ok_or_else(unknown)?;
    Ok(Told::about(shapes::person(&found, &desk.zone), found.person))
}

fn history(desk: &Desk, asked: &Asked<'_>) -> Result<Told, Problem> {
    let identifier = desk.identifier(asked.id())?;
    if let Some(day) = asked.query("on") {
        let day: jiff::civil::Date = day.parse().map_err(|_| Problem::of("malformed"))?;
        let hours = shapes::hours(day, &desk.zone).ok_or_else(|| Problem::of("malformed"))?;
        let held = desk.registry.linked_within(&identifier, hours)?.ok_or_else(unknown)?;
        let persons = held.iter().map(|one| one.person).collect();
        return Ok(Told { persons, ..Told::of(shapes::held(day, &held, &desk.zone)) });
    }
    let found = desk.registry.person(&identifier)?.ok_or_else(unknown)?;
    let operations = desk.registry.operations(&identifier)?;
    Ok(Told::about(shapes::history(&found, &operations, &desk.zone), found.person))
}

fn link(desk: &Desk, asked: &Asked<'_>) -> Result<Told, Problem> {
    let (id, other) = (desk.identifier(asked.id())?, desk.identifier(asked.text("other")?)?);
    operation(desk.registry.link(asked.who, &id, &other, asked.reason()?)?)
}

fn unlink(desk: &Desk, asked: &Asked<'_>) -> Result<Told, Problem> {
    operation(desk.registry.unlink(asked.who, &desk.identifier(asked.id())?, asked.reason()?)?)
}

fn merge(desk: &Desk, asked: &Asked<'_>) -> Result<Told, Problem> {
    let (id, other) = (desk.identifier(asked.id())?, desk.identifier(asked.text("other")?)?);
    operation(desk.registry.merge_persons(asked.who, &id, &other, asked.reason()?)?)
}

fn split(desk: &Desk, asked: &Asked<'_>) -> Result<Told, Problem> {
    let mut going = vec![desk.identifier(asked.id())?];
    for other in asked.list("others")? {
        let other = other.as_str().ok_or_else(|| Problem::of("malformed"))?;
        going.push(desk.identifier(other)?);
    }
    operation(desk.registry.split(asked.who, &going, asked.reason()?)?)
}

fn register(desk: &Desk, asked: &Asked<'_>) -> Result<Told, Problem> {
    let done = desk.registry.register(asked.who, &desk.identifier(asked.id())?)?.ok_or_else(unknown)?;
    Ok(Told::done(json!({ "regional": done.regional, "issued": done.issued })))
}

fn erase(desk: &Desk, asked: &Asked<'_>) -> Result<Told, Problem> {
    let identifier = desk.identifier(asked.id())?;
    if asked.flag("yes")? {
        let erased = desk.registry.erase(asked.who, &identifier, asked.reason()?)?.ok_or_else(unknown)?;
        return Ok(Told::done(shapes::erased(&erased, true)));
    }
    let would = desk.registry.erasure(&identifier)?.ok_or_else(unknown)?;
    Ok(Told::of(shapes::erased(&would, false)))
}

fn undo(desk: &Desk, asked: &Asked<'_>) -> Result<Told, Problem> {
    operation(desk.registry.undo(asked.who, asked.number()?, asked.reason()?)?)
}

fn operation(done: Result<i64, crate::registry::Objection>) -> Result<Told, Problem> {
    Ok(Told::done(json!({ "operation": done? })))
}

fn explain(desk: &Desk, asked: &Asked<'_>) -> Result<Told, Problem> {
    let side = |name| desk.identifier(asked.query(name).ok_or_else(|| Problem::of("malformed"))?);
    let (left, right) = (side("left")?, side("right")?);
    let values = match asked.query("values") {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(Problem::of("malformed")),
    };
    let view = desk.registry.explain(&left, &right)?.map_err(|_| unknown())?;
    let records = vec![view.left.record, view.right.record];
    let persons = [view.left.person, view.right.person].into_iter().flatten().collect();
    Ok(Told { records, persons, ..Told::of(shapes::explained(&view, values, &desk.zone)) })
}

fn outbox(desk: &Desk, _: &Asked<'_>) -> Result<Told, Problem> {
    let (subscribers, letters) = (desk.registry.subscribers()?, desk.registry.dead_letters()?);
    let subscribers: Vec<Value> = subscribers.iter().map(|one| shapes::subscriber(one, &desk.zone)).collect();
    let letters: Vec<Value> = letters.iter().map(|one| shapes::dead_letter(one, &desk.zone)).collect();
    Ok(Told::of(json!({ "subscribers": subscribers, "dead_letters": letters })))
}

fn letter(desk: &Desk, asked: &Asked<'_>) -> Result<Told, Problem> {
    let id = asked.number()?;
    let letters = desk.registry.dead_letters()?;
    let meant: Vec<Value> =
        letters.iter().filter(|one| one.id == id).map(|one| shapes::dead_letter(one, &desk.zone)).collect();
    if meant.is_empty() { Err(Problem::of("no_dead_letter")) } else { Ok(Told::of(json!({ "dead_letters": meant }))) }
}

fn replay(desk: &Desk, asked: &Asked<'_>) -> Result<Told, Problem> {
    let ids: Option<Vec<i64>> = asked.list("ids")?.iter().map(Value::as_i64).collect();
    let ids = ids.ok_or_else(|| Problem::of("malformed"))?;
    let subscriber = asked.optional("subscriber")?;
    let count = desk.registry.deliver_again(subscriber, &ids)?;
    if count == 0 { Err(Problem::of("no_dead_letter")) } else { Ok(Told::of(json!({ "replayed": count }))) }
}

fn domains(desk: &Desk, _: &Asked<'_>) -> Result<Told, Problem> {
    let all: Vec<Value> = desk.registry.domain_views()?.iter().map(shapes::domain).collect();
    Ok(Told::of(json!({ "domains": all })))
}

fn domain(desk: &Desk, asked: &Asked<'_>) -> Result<Told, Problem> {
    let all = desk.registry.domain_views()?;
    let found = all.iter().find(|one| one.settings.key.0 == asked.id()).ok_or_else(|| Problem::of("no_domain"))?;
    Ok(Told::of(shapes::domain(found)))
}

fn domain_add(desk: &Desk, asked: &Asked<'_>) -> Result<Told, Problem> {
    let text = |name| Ok::<_, Problem>(asked.optional(name)?.unwrap_or_default().to_owned());
    let filled = |name| {
        asked
            .text(name)
            .map(str::trim)
            .and_then(|text| if text.is_empty() { Err(Problem::of("malformed")) } else { Ok(text.to_owned()) })
    };
    let stated = DomainSettings {
        key: DomainKey(filled("id")?),
        oid: Oid::parse(asked.text("oid")?).map_err(|_| Problem::of("malformed"))?,
        namespace: filled("namespace")?,
        name: text("name")?,
        facility: text("facility")?,
        one_identifier_per_person: asked.flag("one_identifier_per_person")?,
    };
    if !desk.registry.add_domain(asked.who, &stated)? {
        return Err(Problem::of("domain_taken"));
    }
    let all = desk.registry.domain_views()?;
    let added = all.iter().find(|one| one.settings.key == stated.key).ok_or_else(|| Problem::of("defect"))?;
    Ok(Told::done(shapes::domain(added)))
}

fn domain_state(desk: &Desk, asked: &Asked<'_>) -> Result<Told, Problem> {
    let state = asked.text("state")?.parse().map_err(|()| Problem::of("malformed"))?;
    let heard = match asked.optional("subscribers")? {
        None | Some("silence") => Announcement::Silence,
        Some("snapshot") => Announcement::Snapshot,
        Some(_) => return Err(Problem::of("malformed")),
    };
    if !desk.registry.change_domain_state(asked.who, asked.id(), state, heard)? {
        return Err(Problem::of("no_domain"));
    }
    domain(desk, asked).map(|told| Told { audited: true, ..told })
}

fn systems(desk: &Desk, _: &Asked<'_>) -> Result<Told, Problem> {
    Ok(Told::of(shapes::systems(&desk.registry.settings().policy)))
}

fn system(desk: &Desk, asked: &Asked<'_>) -> Result<Told, Problem> {
    let found = shapes::system(&desk.registry.settings().policy, asked.id());
    Ok(Told::of(found.ok_or_else(|| Problem::of("no_system"))?))
}

fn unknown() -> Problem {
    Problem::of("unknown_identifier")
}
