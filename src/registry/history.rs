//! The event log: every change is an event, and who must be told is written in the same transaction.

use super::intake::stable_key;
use super::linking::Cause;
use super::{Failure, Registry};
use crate::identity::{PersonId, RecordId};
use crate::store::{EventRow, OutboxRow, Transaction};

/// What happened. The words are stored: they never change meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Occurrence {
    RecordAdded,
    RecordRevised,
    PersonOpened,
    PersonRetired,
    Linked,
    Unlinked,
    Merged,
    ReviewOpened,
    ReviewDecided,
    PersonRegistered,
    PersonRevived,
    PersonErased,
}

impl Occurrence {
    pub(super) fn word(self) -> &'static str {
        match self {
            Occurrence::RecordAdded => "record_added",
            Occurrence::RecordRevised => "record_revised",
            Occurrence::PersonOpened => "person_opened",
            Occurrence::PersonRetired => "person_retired",
            Occurrence::Linked => "linked",
            Occurrence::Unlinked => "unlinked",
            Occurrence::Merged => "merged",
            Occurrence::ReviewOpened => "review_opened",
            Occurrence::ReviewDecided => "review_decided",
            Occurrence::PersonRegistered => "person_registered",
            Occurrence::PersonRevived => "person_revived",
            Occurrence::PersonErased => "person_erased",
        }
    }
}

/// Record, person and a second key that an event is about.
pub(super) type About = (Option<RecordId>, Option<PersonId>, Option<i64>);

impl Registry {
    /// Writes one event.
    pub(super) fn note(
        &self,
        tx: &mut Transaction<'_>,
        time: i64,
        what: Occurrence,
        (record, person, other): About,
        actor: &str,
        inbox_id: Option<i64>,
    ) -> Result<(), Failure> {
        self.note_more(tx, time, what, (record, person, other), (actor, inbox_id, ""))
    }

    /// Writes one event with more about it. The words are stored: they never change meaning.
    pub(super) fn note_more(
        &self,
        tx: &mut Transaction<'_>,
        time: i64,
        what: Occurrence,
        (record, person, other): About,
        (actor, inbox_id, more): (&str, Option<i64>, &str),
    ) -> Result<(), Failure> {
        let id = self.fresh(tx)?;
        tx.came_of_it(stable_key(&[what.word(), &format!("{:?}", (record, person, other))]));
        Ok(tx.event_insert(&EventRow {
            id,
            seq: None,
            time,
            kind: what.word().to_owned(),
            record_id: record.map(|record| record.0),
            person_id: person.map(|person| person.0),
            other_id: other,
            actor: actor.to_owned(),
            inbox_id,
            detail: more.to_owned(),
        })?)
    }

    /// Writes that the identifiers of `person` changed. The payload is rendered at delivery, from what the
    /// subscriber may see then (decision 21).
    pub(super) fn told(&self, tx: &mut Transaction<'_>, cause: &Cause<'_>, person: PersonId) -> Result<(), Failure> {
        if cause.silent {
            return Ok(());
        }
        let all = tx.domains_of(person)?;
        let shown = |key: &&String| cause.shown == Some(key.as_str()) || !self.0.domains.is_staged(key);
        let domains: Vec<&str> = all.iter().filter(shown).map(String::as_str).collect();
        if domains.is_empty() && !all.is_empty() {
            return Ok(());
        }
        let id = self.fresh(tx)?;
        Ok(tx.outbox_insert(&OutboxRow {
            id,
            seq: None,
            time: cause.time,
            kind: "cross_reference_changed".to_owned(),
            person_id: person.0,
            record_id: None,
            domains: domains.join(" "),
            state: "pending".to_owned(),
            attempts: 0,
        })?)
    }
}
