//! The event log: every change is an event, and who must be told is written in the same transaction.

use super::intake::stable_key;
use super::linking::Cause;
use super::{Failure, Registry};
use crate::identity::{PersonId, RecordId};
use crate::store::{EventRow, OutboxRow, Transaction};

/// The identifiers of a person changed. A word of the store: it never changes.
pub(super) const CHANGED: &str = "cross_reference_changed";
/// A person retired, and its regional ID with it. Likewise.
pub(super) const RETIRED: &str = "person_retired";

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

    /// Notes that the identifiers of `person` in the domain of `record` changed. The payload is rendered at delivery,
    /// from what the subscriber may see then (decision 21).
    pub(super) fn told(
        &self,
        tx: &mut Transaction<'_>,
        cause: &Cause<'_>,
        person: PersonId,
        record: RecordId,
    ) -> Result<(), Failure> {
        let domain = tx.domain_of(record)?.unwrap_or_default();
        self.told_of(tx, cause, person, &domain)
    }

    /// As [`Registry::told`], of one domain.
    pub(super) fn told_of(
        &self,
        tx: &mut Transaction<'_>,
        cause: &Cause<'_>,
        person: PersonId,
        domain: &str,
    ) -> Result<(), Failure> {
        // Of what is staged nobody hears.
        if cause.silent || self.0.domains.is_staged(domain) {
            return Ok(());
        }
        let id = self.fresh(tx)?;
        self.tell(tx, id, CHANGED, cause.time, person, domain);
        Ok(())
    }

    /// Likewise, under a key that no journal knows: what a replay draws is what was drawn when it was written, and this
    /// was not.
    pub(super) fn tell_besides(&self, tx: &mut Transaction<'_>, kind: &str, time: i64, person: PersonId, domain: &str) {
        self.tell(tx, self.0.store.fresh_id(), kind, time, person, domain);
    }

    fn tell(&self, tx: &mut Transaction<'_>, id: i64, kind: &str, time: i64, person: PersonId, domain: &str) {
        tx.tell(OutboxRow {
            id,
            seq: None,
            time,
            kind: kind.to_owned(),
            person_id: person.0,
            record_id: None,
            domains: domain.to_owned(),
            state: "pending".to_owned(),
            attempts: 0,
        });
    }
}
