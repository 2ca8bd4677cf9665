//! A person's right to be forgotten: every value is replaced by a tombstone, in one audited act (decision 11).
//!
//! Links, history and the audit trail stay, without values, so that all that others rest on still holds. Nobody is known
//! by the identifiers any more: they are answered as if they had never been fed, and a hospital that feeds one again
//! begins a new record. It cannot be undone. What was copied before (backups, exports) still holds the values.

use super::act::Act;
use super::feed::hold_files;
use super::history::Occurrence;
use super::intake::{Touched, stable_key};
use super::linking::Cause;
use super::{Failure, Registry};
use crate::access::Principal;
use crate::audit::Action;
use crate::identity::{Demographics, PatientIdentifier, PersonId, RecordId};
use crate::matching::ComparisonRecord;
use crate::store::{Hold, InboxRow, Transaction};

/// What an erasure comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Erased {
    /// Records whose identifiers and demographics are gone, those that were subsumed among them.
    pub records: usize,
    /// Versions of demographics.
    pub versions: i64,
    /// Messages and acts of the journal whose content is gone.
    pub messages: usize,
}

impl Registry {
    /// What erasing the person known as `identifier` would come to; none where nobody is.
    pub fn erasure(&self, identifier: &PatientIdentifier) -> Result<Option<Erased>, Failure> {
        self.0.store.read(|tx| {
            let Some(person) = self.person_by_identifier(tx, identifier)? else { return Ok(None) };
            let records = self.records_to_erase(tx, person)?;
            Ok(Some(counted(tx, &records)?.0))
        })
    }

    /// Erases the person known as `identifier`; none where nobody is. It cannot be undone. In an embedded store the bytes
    /// are overwritten too before it returns.
    pub fn erase(
        &self,
        operator: &Principal,
        identifier: &PatientIdentifier,
        reason: &str,
    ) -> Result<Option<Erased>, Failure> {
        let found = self.0.store.read(|tx| self.person_by_identifier(tx, identifier))?;
        let Some(person) = found else { return Ok(None) };
        self.journal_rules()?;
        let (registry, actor, now) = (self.clone(), operator.key.clone(), self.0.clock.micros());
        let act = Act::Erase { person: person.0, records: Vec::new(), reason: reason.to_owned() };
        let erased = self.write(Vec::new(), move |tx| registry.erase_in(tx, &actor, now, &act))?;
        if erased.is_some() {
            self.0.store.scrub()?;
        }
        Ok(erased)
    }

    /// Erases the person that `act` names and, where it is a replay, the records that it named then; and journals that.
    pub(super) fn erase_in(
        &self,
        tx: &mut Transaction<'_>,
        actor: &str,
        now: i64,
        act: &Act,
    ) -> Result<Option<Erased>, Failure> {
        let Act::Erase { person, records: then, reason } = act else { return Ok(None) };
        let person = PersonId(*person);
        tx.hold_persons(&[person], Hold::Alone)?;
        let mut records = self.records_to_erase(tx, person)?;
        for named in then {
            records.extend(tx.record_get(RecordId(*named))?.map(|row| RecordId(row.id)));
        }
        records.sort_unstable();
        records.dedup();
        let act = Act::Erase {
            person: person.0,
            records: records.iter().map(|record| record.0).collect(),
            reason: reason.clone(),
        };
        let journalled = self.journal_act(tx, actor, now, &act)?;
        let cause = Cause::new(now, actor, Some(journalled.id()));
        let (erased, messages) = counted(tx, &records)?;
        // What a query that is kept asked for may be this person's name; its asker asks again.
        tx.queries_forget()?;
        for row in messages {
            tx.journal_blank(&row, &blanked(&row)?)?;
        }
        for record in &records {
            // Whoever looks for candidates there still finds it, or finds it gone: not a bit of both.
            let said = tx.version_current(*record)?.unwrap_or_default();
            hold_files(tx, &ComparisonRecord::of(&said))?;
        }
        for record in &records {
            for review in tx.reviews_of_record(*record, "open")? {
                tx.review_close(review.id, "withdrawn", actor, None, now)?;
            }
            let value = format!("erased:{}", record.0);
            tx.record_erase(*record, (stable_key(&[&value]), &value), &Demographics::masked())?;
        }
        if tx.person_get(person)?.is_some_and(|row| row.state == "active") {
            // Before the records are none any more: who may see them is told.
            let mut domains = Vec::with_capacity(records.len());
            for record in &records {
                domains.extend(tx.record_get(*record)?.map(|row| row.domain_key));
            }
            self.told_of(tx, &cause, person, &domains.join(" "))?;
            tx.person_erase(person, now)?;
            self.note(tx, now, Occurrence::PersonErased, (None, Some(person), None), actor, cause.inbox_id)?;
        }
        self.act_done(tx, &journalled, Action::Delete, Touched { records, persons: vec![person] })?;
        Ok(Some(erased))
    }

    /// The records of `person`, and those that they subsumed.
    fn records_to_erase(&self, tx: &mut Transaction<'_>, person: PersonId) -> Result<Vec<RecordId>, Failure> {
        let mut records: Vec<RecordId> = tx.records_of(person)?.into_iter().map(|row| RecordId(row.id)).collect();
        records.extend(tx.records_subsumed_by(&records)?);
        records.sort_unstable();
        records.dedup();
        Ok(records)
    }
}

fn counted(tx: &mut Transaction<'_>, records: &[RecordId]) -> Result<(Erased, Vec<InboxRow>), Failure> {
    let mut versions = 0;
    for record in records {
        versions += tx.versions_count(*record)?;
    }
    let messages = tx.journal_of_records(records)?;
    Ok((Erased { records: records.len(), versions, messages: messages.len() }, messages))
}

/// What is left of a journal row: nothing of a message, and of an act all but what was written in words.
fn blanked(row: &InboxRow) -> Result<Vec<u8>, Failure> {
    if !row.reply_id.is_empty() {
        return Ok(Vec::new());
    }
    let Ok(act) = serde_json::from_slice::<Act>(&row.payload) else { return Ok(row.payload.clone()) };
    match act.without_words() {
        Some(act) => serde_json::to_vec(&act).map_err(|_| Failure::Corrupt("an act")),
        None => Ok(Vec::new()),
    }
}
