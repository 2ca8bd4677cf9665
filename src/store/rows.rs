//! Rows as plain values. Times are microseconds since 1970; keys come from [`super::Store::fresh_id`].
//!
//! Rows that hold personal data hide it in `Debug`.

use super::schema;
use diesel::{Insertable, Queryable, Selectable};
use std::fmt;

/// A message as it came in, with the outcome that a repeat gets again.
#[derive(Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = schema::inbox, treat_none_as_default_value = false)]
pub struct InboxRow {
    /// The hash under which the message is found again.
    pub message_key: i64,
    /// Its key.
    pub id: i64,
    /// Who sent it, or who asked.
    pub principal: String,
    /// The message id as sent.
    pub message_id: String,
    /// The transaction: `ITI-44` ...
    pub transaction_name: String,
    /// Hash of the payload, in hexadecimal.
    pub payload_hash: String,
    /// The payload.
    pub payload: Vec<u8>,
    /// When it came in.
    pub received: i64,
    /// The id of its reply.
    pub reply_id: String,
    /// How it ended.
    pub outcome: String,
    /// Its place among all messages and acts: whatever depends on another comes after it. None in rows of the time
    /// before there were places.
    pub seq: Option<i64>,
    /// What its transaction drew, as [`super::Drawn`] is kept.
    pub drawn: Option<String>,
}

impl fmt::Debug for InboxRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InboxRow({}, …)", self.id)
    }
}

/// One identifier of one domain in one generation.
#[derive(Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = schema::source_record, treat_none_as_default_value = false)]
pub struct SourceRecordRow {
    /// Its key.
    pub id: i64,
    /// The hash of domain and value.
    pub identifier_key: i64,
    /// The domain's key.
    pub domain_key: String,
    /// The identifier's value.
    pub value: String,
    /// Which use of the value by its domain, from 1.
    pub generation: i32,
    /// `active` or `subsumed`.
    pub status: String,
    /// The record that subsumed it.
    pub survivor: Option<i64>,
    /// Number of its current demographics.
    pub version: i32,
    /// When it was made.
    pub created: i64,
}

impl fmt::Debug for SourceRecordRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SourceRecordRow({}, …)", self.id)
    }
}

/// One real person, or one who was merged into a successor.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = schema::person, treat_none_as_default_value = false)]
pub struct PersonRow {
    /// Its key.
    pub id: i64,
    /// Its state.
    pub state: String,
    /// The person into whom it was merged.
    pub successor: Option<i64>,
    /// When it was made.
    pub created: i64,
}

/// That a record is a person's, from when until when, and on whose word.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = schema::link, treat_none_as_default_value = false)]
pub struct LinkRow {
    /// Its key.
    pub id: i64,
    /// The record.
    pub record_id: i64,
    /// The person.
    pub person_id: i64,
    /// `automatic`, `steward` or `source`.
    pub origin: String,
    /// On whose word.
    pub actor: String,
    /// The weight of the evidence.
    pub weight: f64,
    /// The model that weighed it.
    pub model: String,
    /// Why.
    pub reason: String,
    /// From when.
    pub valid_from: i64,
    /// Until when; none while it holds.
    pub valid_to: Option<i64>,
}

/// A steward's word on two records.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = schema::steward_decision, treat_none_as_default_value = false)]
pub struct DecisionRow {
    /// Its key.
    pub id: i64,
    /// One record.
    pub record_a: i64,
    /// The other record.
    pub record_b: i64,
    /// The verdict.
    pub verdict: String,
    /// On whose word.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// When it was decided.
    pub decided: i64,
    /// When it was withdrawn.
    pub withdrawn: Option<i64>,
}

/// What a steward did to links and persons.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = schema::steward_operation, treat_none_as_default_value = false)]
pub struct OperationRow {
    /// Its key: that of its row in the journal.
    pub id: i64,
    /// `link`, `unlink`, `merge`, `split`, `undo`.
    pub kind: String,
    /// Who did it.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// When.
    pub time: i64,
    /// The person that it was done to.
    pub person_id: i64,
    /// What it changed, as the registry wrote it.
    pub effects: String,
    /// When it was undone.
    pub undone: Option<i64>,
}

/// A question for a steward.
#[derive(Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = schema::review, treat_none_as_default_value = false)]
pub struct ReviewRow {
    /// Its key.
    pub id: i64,
    /// Its kind.
    pub kind: String,
    /// The record.
    pub record_id: i64,
    /// The other record, if any.
    pub other_record: Option<i64>,
    /// The person.
    pub person_id: Option<i64>,
    /// The weight of the evidence.
    pub weight: f64,
    /// The model that weighed it.
    pub model: String,
    /// The evidence, as JSON.
    pub explanation: String,
    /// When it was opened.
    pub opened: i64,
    /// Its state.
    pub state: String,
    /// When it was decided.
    pub decided: Option<i64>,
    /// Who decided it.
    pub decided_by: Option<String>,
    /// The verdict.
    pub verdict: Option<String>,
}

impl fmt::Debug for ReviewRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReviewRow({}, …)", self.id)
    }
}

/// Something that happened to a record or a person.
#[derive(Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = schema::event, treat_none_as_default_value = false)]
pub struct EventRow {
    /// Its key.
    pub id: i64,
    /// Its place in commit order; none until it is assigned.
    pub seq: Option<i64>,
    /// When.
    pub time: i64,
    /// Its kind.
    pub kind: String,
    /// The record.
    pub record_id: Option<i64>,
    /// The person.
    pub person_id: Option<i64>,
    /// Another record or person, by kind.
    pub other_id: Option<i64>,
    /// On whose word.
    pub actor: String,
    /// The message that caused it.
    pub inbox_id: Option<i64>,
    /// More about it, without personal data.
    pub detail: String,
}

impl fmt::Debug for EventRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EventRow({}, …)", self.id)
    }
}

/// Something that others must be told.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = schema::outbox, treat_none_as_default_value = false)]
pub struct OutboxRow {
    /// Its key.
    pub id: i64,
    /// Its place in commit order; none until it is assigned.
    pub seq: Option<i64>,
    /// When.
    pub time: i64,
    /// Its kind.
    pub kind: String,
    /// The person.
    pub person_id: i64,
    /// The record.
    pub record_id: Option<i64>,
    /// The domains concerned.
    pub domains: String,
    /// Its state.
    pub state: String,
    /// How often delivery was tried.
    pub attempts: i32,
}

/// How far a subscriber has been told, and who tells it now.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = schema::subscriber, treat_none_as_default_value = false)]
pub struct SubscriberRow {
    /// The key of its system.
    pub name: String,
    /// The domains that it is told about, divided by blanks; all where empty.
    pub domains: String,
    /// `on` while it is configured, else `off`.
    pub state: String,
    /// The last place of the outbox that is done with.
    pub delivered: i64,
    /// How often delivery has failed since the last success.
    pub attempts: i32,
    /// How often the subscriber has refused what is next.
    pub refusals: i32,
    /// When to try again, by the store's clock.
    pub next_try: i64,
    /// What was wrong the last time; empty where nothing was.
    pub trouble: String,
    /// The dispatcher that holds the lease.
    pub holder: String,
    /// Until when, by the store's clock.
    pub held_until: i64,
    /// What kind of listener it is, in a word of the registry; the usual kind where none.
    pub audience: Option<String>,
    /// The domains of which it was last told what there is, divided by blanks; none where that is not known.
    pub shown: Option<String>,
    /// The domains of which it is to be told anew what there is, likewise; none where it was told of all.
    pub snapshot: Option<String>,
    /// The last person of whom it was told anew.
    pub snapshot_after: Option<i64>,
}

/// What a subscriber would not take.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = schema::dead_letter, treat_none_as_default_value = false)]
pub struct DeadLetterRow {
    /// The subscriber.
    pub subscriber: String,
    /// The key that its row had in the outbox.
    pub outbox_id: i64,
    /// The place that it had there.
    pub seq: i64,
    /// When it happened.
    pub time: i64,
    /// Its kind.
    pub kind: String,
    /// The person.
    pub person_id: i64,
    /// How often it was refused.
    pub attempts: i32,
    /// Why, in a word of this program.
    pub trouble: String,
    /// When it was given up.
    pub parked: i64,
    /// `parked`, or `again` while it waits to be tried once more.
    pub state: String,
}

/// One audited request.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = schema::audit, treat_none_as_default_value = false)]
pub struct AuditRow {
    /// Its key.
    pub id: i64,
    /// Its place in commit order; none until it is assigned.
    pub seq: Option<i64>,
    /// When.
    pub time: i64,
    /// The transaction: `ITI-44` ...
    pub transaction_name: String,
    /// Who sent it, or who asked.
    pub principal: String,
    /// RFC 3881 action code.
    pub action: String,
    /// How it ended.
    pub outcome: i32,
    /// Why.
    pub reason: String,
    /// The message id as sent.
    pub message_id: String,
    /// The records touched, as a JSON array.
    pub records: String,
    /// The persons touched, as a JSON array.
    pub persons: String,
    /// Its link in the audit chain.
    pub digest: Option<String>,
}

/// A query by demographics of which further pages can be asked for.
#[derive(Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = schema::kept_query)]
pub struct KeptQueryRow {
    /// A hash of who asked and of the query's id.
    pub id: i64,
    /// Who asked.
    pub principal: String,
    /// The query's id as sent.
    pub query_id: String,
    /// Since when it is kept.
    pub kept: i64,
    /// Until when.
    pub expires: i64,
    /// The domains asked for, as a JSON array of OIDs.
    pub domains: String,
    /// Patients of a page, where a continuation does not say.
    pub page_size: i32,
    /// The place of the first patient not told yet, from 0.
    pub next: i32,
    /// Which reply ended at which place, as a JSON array.
    pub pages: String,
    /// Who was found, in order, as a JSON array.
    pub results: String,
    /// The echo of the query.
    pub echo: String,
}

/// A domain with its names as they stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainRow {
    /// The key that stays.
    pub key: String,
    /// Its name, for people.
    pub name: String,
    /// The facility code.
    pub facility: String,
    /// Its OID today.
    pub oid: String,
    /// Its namespace today.
    pub namespace: String,
    /// Whether the authority vouches for one identifier a person.
    pub one_identifier_per_person: bool,
    /// `staged`, `live` or `retired`.
    pub state: String,
    /// Whether it is the regional authority.
    pub regional: bool,
}

/// How far a sender's messages are in the store.
#[derive(Clone, PartialEq, Eq)]
pub struct SenderRow {
    /// Who sent them.
    pub principal: String,
    /// How many there are.
    pub messages: i64,
    /// The id of the last one.
    pub last_message: String,
    /// When the last one came in.
    pub last_received: i64,
}

/// How much the store holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Source records.
    pub records: i64,
    /// Persons that are not retired.
    pub persons: i64,
    /// Links that hold.
    pub links: i64,
    /// Open questions for stewards.
    pub reviews_open: i64,
    /// Events.
    pub events: i64,
    /// Versions of demographics.
    pub versions: i64,
}
