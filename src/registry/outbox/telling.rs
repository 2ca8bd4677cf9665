//! What a subscriber is told now: the next change that concerns it, or what there is anew, as it may be shown.

use super::super::domains::REGIONAL_KEY;
use super::super::history::{CHANGED, RETIRED};
use super::super::{Failure, Registry, ShownRecord};
use super::subscription::is_registry;
use super::{Notification, Source, Telling, Turn};
use crate::access::Principal;
use crate::identity::{Oid, PatientIdentifier, PersonId};
use crate::planted::{self, Bug};
use crate::store::{DeadLetterRow, OutboxRow, SubscriberRow, Transaction};
use std::time::Duration;

/// Rows that are looked through at a time for one that concerns a subscriber.
const PAGE: usize = 200;

impl Registry {
    /// The next change that concerns the subscriber; those that do not are done with.
    pub(super) fn first_of_concern(
        &self,
        tx: &mut Transaction<'_>,
        row: &SubscriberRow,
        holder: &str,
    ) -> Result<Turn, Failure> {
        let shown = self.keys_shown_to(row);
        let mut page = tx.outbox_after(row.delivered, PAGE)?;
        if planted::has(Bug::ToldBackwards) {
            page.reverse();
        }
        let concerns = |one: &OutboxRow| {
            // That somebody retired is told to consumers by what became of the other person.
            let kind = one.kind != RETIRED || is_registry(row);
            kind && one.domains.split_whitespace().any(|domain| shown.contains(&domain))
        };
        let (mut passed, mut found) = (None, None);
        for one in page {
            let seq = one.seq;
            if concerns(&one) {
                found = self.render(tx, row, Waiting::of_row(one))?;
            }
            if found.is_some() {
                break;
            }
            passed = seq;
        }
        if let Some(passed) = passed {
            tx.subscriber_delivered(&row.name, holder, passed)?;
        }
        Ok(match found {
            Some(notification) => Turn::Tell(notification),
            // There may be more behind a full page that concerns nobody here.
            None if passed.is_some() => Turn::Later(Duration::ZERO),
            None => Turn::Nothing,
        })
    }

    /// The next person of whom the subscriber is told anew.
    pub(super) fn next_anew(
        &self,
        tx: &mut Transaction<'_>,
        row: &SubscriberRow,
        holder: &str,
        domains: &str,
    ) -> Result<Turn, Failure> {
        let now = self.store_time(tx)?;
        let page = tx.persons_after(PersonId(row.snapshot_after.unwrap_or(0)), PAGE)?;
        let Some(last) = page.last().copied() else {
            tx.subscriber_told_anew(&row.name, holder, None)?;
            return Ok(Turn::Later(Duration::ZERO));
        };
        let concerned: Vec<&str> = domains.split_whitespace().collect();
        let mut passed = None;
        for person in page {
            let there = concerned.contains(&REGIONAL_KEY)
                || tx.records_of(person)?.iter().any(|record| concerned.contains(&record.domain_key.as_str()));
            let told = if there { self.render(tx, row, Waiting::anew((row.delivered, now), person))? } else { None };
            if let Some(told) = told {
                if let Some(passed) = passed {
                    tx.subscriber_told_anew(&row.name, holder, Some(passed))?;
                }
                return Ok(Turn::Tell(told));
            }
            passed = Some(person);
        }
        tx.subscriber_told_anew(&row.name, holder, Some(last))?;
        Ok(Turn::Later(Duration::ZERO))
    }

    /// What the subscriber may be told now; none where that is nothing.
    pub(super) fn render(
        &self,
        tx: &mut Transaction<'_>,
        row: &SubscriberRow,
        waiting: Waiting,
    ) -> Result<Option<Box<Notification>>, Failure> {
        let told_of = PersonId(waiting.person);
        let (person, telling, identifiers) = match is_registry(row) {
            false => {
                let person = self.living(tx, told_of)?;
                let wanted: Vec<Oid> = self.shown_to(row).into_iter().map(|authority| authority.oid.clone()).collect();
                // No domain would mean all of them.
                let none = wanted.is_empty();
                let principal = Principal::system(&row.name);
                let shown = if none { Vec::new() } else { self.identifiers_of(tx, &principal, person, &wanted)? };
                (person, Telling::CrossReference, shown)
            }
            true => self.regional_change(tx, row, told_of, &waiting.kind)?,
        };
        Ok((!identifiers.is_empty()).then(|| {
            Box::new(Notification {
                message_id: self.0.clock.uuid().to_string(),
                telling,
                seq: waiting.seq,
                time: waiting.time,
                kind: waiting.kind,
                person,
                identifiers,
                id: waiting.id,
                told_of: waiting.person,
                source: waiting.source,
            })
        }))
    }

    /// What a document registry is told: a regional ID as it was issued, whatever became of it since, since what became
    /// of it is told after that; or whose place another one takes.
    fn regional_change(
        &self,
        tx: &mut Transaction<'_>,
        row: &SubscriberRow,
        person: PersonId,
        kind: &str,
    ) -> Result<(PersonId, Telling, Vec<ShownRecord>), Failure> {
        let regional = self.0.domains.regional();
        let shown = |value: String| ShownRecord {
            identifier: PatientIdentifier { authority: regional.oid.clone(), value },
            namespace: regional.namespace.clone(),
            record: None,
        };
        let given = if self.shown_to(row).is_empty() { None } else { tx.regional_given(person)? };
        let Some(given) = given else { return Ok((person, Telling::Issued, Vec::new())) };
        if kind != RETIRED {
            return Ok((person, Telling::Issued, vec![shown(given)]));
        }
        // One that came back meanwhile is told as new after this.
        let successor = tx.person_get(person)?.and_then(|row| row.successor).map(PersonId);
        let survivor = successor.map(|successor| tx.regional_given(successor)).transpose()?.flatten();
        let replaced = PatientIdentifier { authority: regional.oid.clone(), value: given };
        Ok((successor.unwrap_or(person), Telling::Replaced(replaced), survivor.map(shown).into_iter().collect()))
    }
}

/// A row of the outbox or a dead letter.
pub(super) struct Waiting {
    id: i64,
    seq: i64,
    time: i64,
    kind: String,
    person: i64,
    source: Source,
}

impl Waiting {
    pub(super) fn of_row(row: OutboxRow) -> Self {
        let seq = row.seq.unwrap_or(0);
        Self { id: row.id, seq, time: row.time, kind: row.kind, person: row.person_id, source: Source::Next }
    }

    pub(super) fn of_letter(row: DeadLetterRow) -> Self {
        let DeadLetterRow { outbox_id: id, seq, time, kind, person_id: person, .. } = row;
        Self { id, seq, time, kind, person, source: Source::Again }
    }

    /// A person as there is one. The outbox has no row of that: its number is the person's, turned round.
    pub(super) fn anew((seq, time): (i64, i64), person: PersonId) -> Self {
        let kind = CHANGED.to_owned();
        Self { id: -person.0, seq, time, kind, person: person.0, source: Source::Anew }
    }
}
