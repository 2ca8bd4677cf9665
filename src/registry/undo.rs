//! Undoing what stewards did: records go back by the links that they had, persons and regional IDs come back.
//!
//! It must never undo over something that was done to the same records since: that must be undone first.

use super::act::Act;
use super::domains::REGIONAL_KEY;
use super::history::{CHANGED, Occurrence};
use super::intake::Touched;
use super::linking::Cause;
use super::operations::{Done, EFFECTS, Effects, Objection, UNDO, kind_of, reason_of};
use super::{Failure, Registry};
use crate::audit::Action;
use crate::identity::{PersonId, RecordId};
use crate::store::{Hold, LinkRow, OperationRow, Transaction};
use std::collections::BTreeMap;

impl Registry {
    /// Undoes `operation`, whose records are held; or says why not.
    pub(super) fn undo_in(
        &self,
        tx: &mut Transaction<'_>,
        actor: &str,
        now: i64,
        act: &Act,
        operation: i64,
    ) -> Result<Done, Failure> {
        // Read again: it may have been undone before the persons were held.
        let Some((row, effects)) = self.effects_of(tx, operation)? else { return Ok(Err(Objection::NoOperation)) };
        let mut back = Vec::with_capacity(effects.moved.len());
        // Those that the records go back to, too.
        let mut homes: Vec<PersonId> = effects.retired.iter().map(|(person, _)| PersonId(*person)).collect();
        for (_, ended, _) in &effects.moved {
            homes.extend(tx.link_get(*ended)?.map(|link| PersonId(link.person_id)));
        }
        tx.hold_persons(&homes, Hold::Alone)?;
        let mut revived: BTreeMap<i64, Option<String>> = effects.retired.iter().cloned().collect();
        for person in revived.keys() {
            if tx.person_get(PersonId(*person))?.is_none_or(|row| row.state != "retired") {
                return Ok(Err(Objection::ChangedSince));
            }
        }
        for (record, ended, begun) in &effects.moved {
            let now_held = tx.link_current(RecordId(*record))?;
            let (Some(held), Some(before), Some(meant)) = (now_held, tx.link_get(*ended)?, tx.link_get(*begun)?) else {
                return Ok(Err(Objection::ChangedSince));
            };
            if !self.is_still(tx, &held, &meant)? {
                return Ok(Err(Objection::ChangedSince));
            }
            let home = match revived.contains_key(&before.person_id) {
                true => Home::Open,
                false => self.home(tx, PersonId(before.person_id))?,
            };
            match home {
                Home::Open => {}
                Home::Closed(regional) => drop(revived.insert(before.person_id, regional)),
                Home::Gone => return Ok(Err(Objection::ChangedSince)),
            }
            back.push(before);
        }
        let journalled = self.journal_act(tx, actor, now, act)?;
        let cause = Cause::new(now, actor, Some(journalled.id()));
        for (person, regional) in &revived {
            self.revive(tx, &cause, PersonId(*person), regional.as_deref())?;
        }
        for decision in &effects.decided {
            tx.decision_withdraw(*decision, now)?;
        }
        let (closed, again) = self.move_back(tx, &cause, &back)?;
        tx.operation_undone(row.id, now)?;
        let effects = Effects { retired: closed, again, ..Effects::default() };
        let done = (journalled.id(), kind_of(act), reason_of(act), PersonId(row.person_id));
        self.keep_operation(tx, &cause, done, &effects)?;
        let records = back.iter().map(|link| RecordId(link.record_id)).collect();
        self.act_done(tx, &journalled, Action::Update, Touched { records, persons: vec![PersonId(row.person_id)] })?;
        Ok(Ok(journalled.id()))
    }

    /// Moves records back to the persons of these links. Who is left without records retires; gives those, with the
    /// regional IDs that they had, and the links that began, each with the one that it is again.
    fn move_back(&self, tx: &mut Transaction<'_>, cause: &Cause<'_>, back: &[LinkRow]) -> Result<MovedBack, Failure> {
        let mut again = Vec::with_capacity(back.len());
        let mut left: BTreeMap<PersonId, (PersonId, RecordId)> = BTreeMap::new();
        for before in back {
            let record = RecordId(before.record_id);
            if let Some(from) = tx.person_of(record)? {
                left.insert(from, (PersonId(before.person_id), record));
            }
            self.leave(tx, cause, record)?;
            again.push((self.restore(tx, cause, before)?, before.id));
        }
        let mut closed = Vec::new();
        for (from, to) in left {
            let regional = tx.regional_of(from)?;
            if tx.records_of(from)?.is_empty() {
                closed.push((from.0, regional));
            }
            self.retire_if_empty(tx, cause, from, to)?;
        }
        Ok((closed, again))
    }

    /// Whether `held` is `meant`, or that link again after something that was undone. A link that only looks like it
    /// is another one: it was made since, and must be undone first.
    fn is_still(&self, tx: &mut Transaction<'_>, held: &LinkRow, meant: &LinkRow) -> Result<bool, Failure> {
        let mut link = held.clone();
        while is_alike(&link, meant) {
            if link.id == meant.id {
                return Ok(true);
            }
            let word = Occurrence::Linked.word();
            let events = tx.events_of(Some(RecordId(link.record_id)), None)?;
            let begun = events.into_iter().rfind(|event| event.kind == word && event.time == link.valid_from);
            let Some(by) = begun.and_then(|event| event.inbox_id) else { return Ok(false) };
            let Some(row) = tx.operation_get(by)?.filter(|row| row.kind == UNDO) else { return Ok(false) };
            let again = read_effects(&row)?.again;
            if again.is_empty() {
                // Undone by a version that did not note what a link is again: that it is alike is all that is known.
                return Ok(true);
            }
            let Some((_, before)) = again.into_iter().find(|(begun, _)| *begun == link.id) else { return Ok(false) };
            let Some(before) = tx.link_get(before)? else { return Ok(false) };
            link = before;
        }
        Ok(false)
    }

    /// Whether records can go back to `person`.
    fn home(&self, tx: &mut Transaction<'_>, person: PersonId) -> Result<Home, Failure> {
        if tx.person_get(person)?.is_some_and(|row| row.state == "active") {
            return Ok(Home::Open);
        }
        let word = Occurrence::PersonRetired.word();
        let last = tx.events_of(None, Some(person))?.into_iter().rfind(|event| event.kind == word);
        let Some(by) = last.and_then(|event| event.inbox_id) else { return Ok(Home::Gone) };
        let Some(row) = tx.operation_get(by)?.filter(|row| row.kind == UNDO) else { return Ok(Home::Gone) };
        let effects = read_effects(&row)?;
        let regional = effects.retired.into_iter().find(|(id, _)| *id == person.0).and_then(|(_, regional)| regional);
        Ok(Home::Closed(regional))
    }

    /// A link as it was before, from now on; gives its key.
    fn restore(&self, tx: &mut Transaction<'_>, cause: &Cause<'_>, before: &LinkRow) -> Result<i64, Failure> {
        let id = self.fresh(tx)?;
        tx.link_open(&LinkRow { id, valid_from: cause.time, valid_to: None, ..before.clone() })?;
        let (record, person) = (RecordId(before.record_id), PersonId(before.person_id));
        self.note(tx, cause.time, Occurrence::Linked, (Some(record), Some(person), None), cause.actor, cause.inbox_id)?;
        self.told(tx, cause, person, record)?;
        Ok(id)
    }

    fn revive(
        &self,
        tx: &mut Transaction<'_>,
        cause: &Cause<'_>,
        person: PersonId,
        regional: Option<&str>,
    ) -> Result<(), Failure> {
        tx.person_revive(person)?;
        if let Some(regional) = regional {
            tx.regional_revive(regional)?;
            self.tell_besides(tx, CHANGED, cause.time, person, REGIONAL_KEY);
        }
        let about = (None, Some(person), None);
        self.note(tx, cause.time, Occurrence::PersonRevived, about, cause.actor, cause.inbox_id)
    }

    /// An operation that was not undone, and what it changed.
    pub(super) fn effects_of(
        &self,
        tx: &mut Transaction<'_>,
        id: i64,
    ) -> Result<Option<(OperationRow, Effects)>, Failure> {
        let Some(row) = tx.operation_get(id)?.filter(|row| row.undone.is_none() && row.kind != UNDO) else {
            return Ok(None);
        };
        let effects = read_effects(&row)?;
        Ok(Some((row, effects)))
    }
}

/// Persons that closed, with their regional IDs; and links that began, each with the one that it is again.
type MovedBack = (Vec<(i64, Option<String>)>, Vec<(i64, i64)>);

/// Where records are to go back to.
enum Home {
    /// The person is there.
    Open,
    /// The person retired when something else was undone, with this regional ID, and can be revived.
    Closed(Option<String>),
    /// Something that was not undone has made the person another one's.
    Gone,
}

fn read_effects(row: &OperationRow) -> Result<Effects, Failure> {
    serde_json::from_str(&row.effects).map_err(|_| Failure::Corrupt(EFFECTS))
}

/// Whether two links say the same, whenever each began and ended.
fn is_alike(held: &LinkRow, meant: &LinkRow) -> bool {
    *held == LinkRow { id: held.id, valid_from: held.valid_from, valid_to: held.valid_to, ..meant.clone() }
}
