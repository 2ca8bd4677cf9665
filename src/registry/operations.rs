//! What stewards do to links and persons, and undoing it: link, unlink, merge, split.
//!
//! An operation keeps what it changed, so that it can be undone at any depth as long as nobody has moved the same
//! records since. The person who stays keeps the regional ID; a retired one resolves to the successor, and is in use
//! again when that is undone. What a steward says sticks: it is kept as decisions between records, which no score
//! overrides. It must never override an earlier decision: a contradiction is shown, and nothing is done.

use super::act::Act;
use super::history::Occurrence;
use super::intake::Touched;
use super::linking::{Cause, LinkGround};
use super::{Failure, Registry};
use crate::access::Principal;
use crate::audit::Action;
use crate::identity::{PatientIdentifier, PersonId, RecordId};
use crate::store::{DecisionRow, LinkRow, OperationRow, Transaction};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Why nothing was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Objection {
    /// No active record is known by the n-th identifier given.
    Unknown(usize),
    /// They are one person already, or the record has no other beside it.
    Nothing,
    /// The records are not all of one person.
    Apart,
    /// Steward decisions that hold say otherwise; their keys.
    Contradicts(Vec<i64>),
    /// There is no such operation, or it was undone.
    NoOperation,
    /// Records or persons of the operation were changed since.
    ChangedSince,
}

/// What was done, for a steward's eyes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationView {
    /// Its number.
    pub id: i64,
    /// `link`, `unlink`, `merge`, `split`, `undo`.
    pub kind: String,
    /// Who did it.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// When, microseconds.
    pub time: i64,
    /// When it was undone.
    pub undone: Option<i64>,
}

/// What an operation changed. Its form is kept in the store: it only ever grows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Effects {
    /// Each record that was moved, with the link that ended and the one that began.
    pub moved: Vec<(i64, i64, i64)>,
    /// Persons that it opened.
    pub opened: Vec<i64>,
    /// Persons that it retired, with the regional ID that was active.
    pub retired: Vec<(i64, Option<String>)>,
    /// Decisions that it made.
    pub decided: Vec<i64>,
    /// Where something was undone: each link that began, with the one that it is again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub again: Vec<(i64, i64)>,
}

/// Who is concerned, before and after.
struct Concerned {
    records: BTreeMap<i64, LinkRow>,
    persons: BTreeMap<i64, Option<String>>,
}

/// The kind of an operation that undid another.
pub(super) const UNDO: &str = "undo";
/// What cannot be read or written.
pub(super) const EFFECTS: &str = "the effects of an operation";

pub(super) type Done = Result<i64, Objection>;

impl Registry {
    /// The record of `identifier` is of the person of `other`, whoever it was before. Gives the operation's number.
    pub fn link(
        &self,
        steward: &Principal,
        identifier: &PatientIdentifier,
        other: &PatientIdentifier,
        reason: &str,
    ) -> Result<Done, Failure> {
        self.operate(steward, &[identifier.clone(), other.clone()], reason, |records, reason| match records {
            [record, other] => Some(Act::Link { record: *record, other: *other, reason }),
            _ => None,
        })
    }

    /// The record of `identifier` is nobody else's of those that it is with: it becomes a person of its own.
    pub fn unlink(&self, steward: &Principal, identifier: &PatientIdentifier, reason: &str) -> Result<Done, Failure> {
        self.operate(steward, std::slice::from_ref(identifier), reason, |records, reason| match records {
            [record] => Some(Act::Unlink { record: *record, reason }),
            _ => None,
        })
    }

    /// The person of `other` is the person of `identifier`, who stays.
    pub fn merge_persons(
        &self,
        steward: &Principal,
        identifier: &PatientIdentifier,
        other: &PatientIdentifier,
        reason: &str,
    ) -> Result<Done, Failure> {
        self.operate(steward, &[identifier.clone(), other.clone()], reason, |records, reason| match records {
            [record, other] => Some(Act::Merge { record: *record, other: *other, reason }),
            _ => None,
        })
    }

    /// These records of one person are together another one's.
    pub fn split(&self, steward: &Principal, identifiers: &[PatientIdentifier], reason: &str) -> Result<Done, Failure> {
        self.operate(steward, identifiers, reason, |records, reason| {
            Some(Act::Split { records: records.to_vec(), reason })
        })
    }

    /// Undoes the operation of this number.
    pub fn undo(&self, steward: &Principal, operation: i64, reason: &str) -> Result<Done, Failure> {
        self.operate(steward, &[], reason, |_, reason| Some(Act::Undo { operation, reason }))
    }

    /// What was done to the person known as `identifier`, the earliest first; what was undone as well.
    pub fn operations(&self, identifier: &PatientIdentifier) -> Result<Vec<OperationView>, Failure> {
        self.0.store.read(|tx| {
            let Some(person) = self.person_by_identifier(tx, identifier)? else { return Ok(Vec::new()) };
            let view = |row: OperationRow| OperationView {
                id: row.id,
                kind: row.kind,
                actor: row.actor,
                reason: row.reason,
                time: row.time,
                undone: row.undone,
            };
            Ok(tx.operations_of(person)?.into_iter().map(view).collect())
        })
    }

    fn operate(
        &self,
        steward: &Principal,
        identifiers: &[PatientIdentifier],
        reason: &str,
        act: impl Fn(&[i64], String) -> Option<Act>,
    ) -> Result<Done, Failure> {
        let found = self.0.store.read(|tx| -> Result<Vec<Option<RecordId>>, Failure> {
            identifiers.iter().map(|identifier| self.record_known_as(tx, identifier)).collect()
        })?;
        if let Some(at) = found.iter().position(Option::is_none) {
            return Ok(Err(Objection::Unknown(at)));
        }
        let records: Vec<i64> = found.into_iter().flatten().map(|record| record.0).collect();
        let Some(act) = act(&records, reason.to_owned()) else { return Ok(Err(Objection::Nothing)) };
        self.0.regional.prepare(&self.0.store)?;
        self.journal_rules()?;
        let (registry, actor, now) = (self.clone(), steward.key.clone(), self.0.clock.micros());
        self.write(Vec::new(), move |tx| registry.operate_in(tx, &actor, now, &act))
    }

    /// Does what `act` says, keeps what it changed, and journals it; or says why not, and nothing is done.
    pub(super) fn operate_in(
        &self,
        tx: &mut Transaction<'_>,
        actor: &str,
        now: i64,
        act: &Act,
    ) -> Result<Done, Failure> {
        let named: Vec<RecordId> = match act {
            Act::Link { record, other, .. } | Act::Merge { record, other, .. } => vec![*record, *other],
            Act::Unlink { record, .. } => vec![*record],
            Act::Split { records, .. } => records.clone(),
            Act::Undo { operation, .. } => match self.effects_of(tx, *operation)? {
                Some((_, effects)) => effects.moved.iter().map(|(record, _, _)| *record).collect(),
                None => return Ok(Err(Objection::NoOperation)),
            },
            Act::Decide { .. }
            | Act::Register { .. }
            | Act::Import { .. }
            | Act::DomainState { .. }
            | Act::Erase { .. } => {
                return Ok(Err(Objection::NoOperation));
            }
        }
        .into_iter()
        .map(RecordId)
        .collect();
        // What was erased, or subsumed, is moved no more.
        if tx.records_get(&named)?.iter().any(|row| row.status != "active") {
            return Ok(Err(Objection::ChangedSince));
        }
        tx.persons_lock(&named, None)?;
        if let Act::Undo { operation, .. } = act {
            return self.undo_in(tx, actor, now, act, *operation);
        }
        let before = self.concerned(tx, &named)?;
        let planned = match self.plan(tx, act, &before)? {
            Ok(planned) => planned,
            Err(objection) => return Ok(Err(objection)),
        };
        let journalled = self.journal_act(tx, actor, now, act)?;
        let cause = Cause::new(now, actor, Some(journalled.id()));
        let mut effects =
            Effects { decided: self.decide_all(tx, &cause, &planned, reason_of(act))?, ..Effects::default() };
        self.carry_out(tx, &cause, act, &planned)?;
        self.compare(tx, &before, &mut effects)?;
        self.answered(tx, &cause, act, &planned)?;
        let person = planned.stays.0;
        let done = (journalled.id(), kind_of(act), reason_of(act), PersonId(person));
        self.keep_operation(tx, &cause, done, &effects)?;
        let touched = Touched { records: named, persons: before.persons.keys().map(|id| PersonId(*id)).collect() };
        self.act_done(tx, &journalled, Action::Update, touched)?;
        Ok(Ok(journalled.id()))
    }

    /// What the act comes to, or why it cannot be done.
    fn plan(
        &self,
        tx: &mut Transaction<'_>,
        act: &Act,
        before: &Concerned,
    ) -> Result<Result<Planned, Objection>, Failure> {
        let person_of = |record: &i64| before.records.get(record).map(|link| link.person_id);
        let of = |person: i64| {
            before.records.values().filter(move |link| link.person_id == person).map(|link| link.record_id)
        };
        let (moving, stays, verdict) = match act {
            Act::Link { record, other, .. } => match (person_of(record), person_of(other)) {
                (Some(from), Some(to)) if from != to => (BTreeSet::from([*record]), to, "same"),
                _ => return Ok(Err(Objection::Nothing)),
            },
            Act::Merge { record, other, .. } => match (person_of(record), person_of(other)) {
                (Some(to), Some(from)) if from != to => (of(from).collect(), to, "same"),
                _ => return Ok(Err(Objection::Nothing)),
            },
            Act::Unlink { record, .. } => match person_of(record) {
                Some(person) if of(person).count() > 1 => (BTreeSet::from([*record]), person, "different"),
                _ => return Ok(Err(Objection::Nothing)),
            },
            Act::Split { records, .. } => {
                let moving: BTreeSet<i64> = records.iter().copied().collect();
                let persons: BTreeSet<i64> = moving.iter().filter_map(person_of).collect();
                match (persons.first(), persons.len()) {
                    (Some(person), 1) if of(*person).count() > moving.len() => (moving, *person, "different"),
                    (Some(_), 1) => return Ok(Err(Objection::Nothing)),
                    _ => return Ok(Err(Objection::Apart)),
                }
            }
            Act::Decide { .. }
            | Act::Register { .. }
            | Act::Undo { .. }
            | Act::Import { .. }
            | Act::DomainState { .. }
            | Act::Erase { .. } => {
                return Ok(Err(Objection::NoOperation));
            }
        };
        let staying: BTreeSet<i64> = of(stays).filter(|record| !moving.contains(record)).collect();
        let mut against = Vec::new();
        for record in &moving {
            for decision in tx.decisions_of(RecordId(*record))? {
                let other = if decision.record_a == *record { decision.record_b } else { decision.record_a };
                if staying.contains(&other) && decision.verdict != verdict {
                    against.push(decision.id);
                }
            }
        }
        if !against.is_empty() {
            return Ok(Err(Objection::Contradicts(against)));
        }
        Ok(Ok(Planned { moving, staying, stays: PersonId(stays), verdict }))
    }

    /// Keeps the steward's word between the records: one with one where they are the same, each with each where they
    /// are not, so that none of them brings the others back.
    fn decide_all(
        &self,
        tx: &mut Transaction<'_>,
        cause: &Cause<'_>,
        planned: &Planned,
        reason: &str,
    ) -> Result<Vec<i64>, Failure> {
        let mut decided = Vec::new();
        let only = if planned.verdict == "same" { 1 } else { usize::MAX };
        for record in planned.moving.iter().take(only) {
            for other in planned.staying.iter().take(only) {
                let id = self.fresh(tx)?;
                tx.decision_insert(&DecisionRow {
                    id,
                    record_a: *record,
                    record_b: *other,
                    verdict: planned.verdict.to_owned(),
                    actor: cause.actor.to_owned(),
                    reason: reason.to_owned(),
                    decided: cause.time,
                    withdrawn: None,
                })?;
                decided.push(id);
            }
        }
        Ok(decided)
    }

    fn carry_out(
        &self,
        tx: &mut Transaction<'_>,
        cause: &Cause<'_>,
        act: &Act,
        planned: &Planned,
    ) -> Result<(), Failure> {
        let ground = LinkGround { origin: "steward", weight: 0.0, reason: kind_of(act) };
        let target = match planned.verdict {
            "same" => planned.stays,
            _ => {
                let opened = self.open_person(tx, cause)?;
                for record in &planned.moving {
                    self.leave(tx, cause, RecordId(*record))?;
                }
                if let Some(record) = planned.moving.first() {
                    self.told(tx, cause, planned.stays, RecordId(*record))?;
                }
                opened
            }
        };
        for record in &planned.moving {
            self.move_record(tx, cause, RecordId(*record), target, &ground)?;
        }
        Ok(())
    }

    /// Closes what was asked about the records and is answered now.
    fn answered(
        &self,
        tx: &mut Transaction<'_>,
        cause: &Cause<'_>,
        act: &Act,
        planned: &Planned,
    ) -> Result<(), Failure> {
        for record in &planned.moving {
            for review in tx.reviews_of_record(RecordId(*record), "open")? {
                let both = [Some(review.record_id), review.other_record];
                let across = both.iter().flatten().any(|one| planned.moving.contains(one))
                    && both.iter().flatten().any(|one| planned.staying.contains(one));
                if across {
                    tx.review_close(review.id, "decided", cause.actor, Some(planned.verdict), cause.time)?;
                    let about = (Some(RecordId(review.record_id)), Some(planned.stays), review.other_record);
                    self.note(tx, cause.time, Occurrence::ReviewDecided, about, cause.actor, cause.inbox_id)?;
                }
            }
        }
        log::info!("a steward's {} was carried out", kind_of(act));
        Ok(())
    }

    /// Keeps what was done.
    pub(super) fn keep_operation(
        &self,
        tx: &mut Transaction<'_>,
        cause: &Cause<'_>,
        (id, kind, reason, person): (i64, &str, &str, PersonId),
        effects: &Effects,
    ) -> Result<(), Failure> {
        Ok(tx.operation_insert(&OperationRow {
            id,
            kind: kind.to_owned(),
            actor: cause.actor.to_owned(),
            reason: reason.to_owned(),
            time: cause.time,
            person_id: person.0,
            effects: serde_json::to_string(effects).map_err(|_| Failure::Corrupt(EFFECTS))?,
            undone: None,
        })?)
    }

    /// All records of the persons of `named`, with their links, and those persons with their regional IDs.
    fn concerned(&self, tx: &mut Transaction<'_>, named: &[RecordId]) -> Result<Concerned, Failure> {
        let mut concerned = Concerned { records: BTreeMap::new(), persons: BTreeMap::new() };
        for (_, person) in tx.persons_of(named)? {
            if concerned.persons.contains_key(&person.0) {
                continue;
            }
            let regional = tx.regional_of(person)?;
            concerned.persons.insert(person.0, regional);
            for row in tx.records_of(person)? {
                if let Some(link) = tx.link_current(RecordId(row.id))? {
                    concerned.records.insert(row.id, link);
                }
            }
        }
        Ok(concerned)
    }

    /// What is other than `before`.
    fn compare(&self, tx: &mut Transaction<'_>, before: &Concerned, effects: &mut Effects) -> Result<(), Failure> {
        let mut opened = BTreeSet::new();
        for (record, link) in &before.records {
            let now = tx.link_current(RecordId(*record))?.ok_or(Failure::Corrupt("a record without a person"))?;
            if now.id != link.id {
                effects.moved.push((*record, link.id, now.id));
            }
            if !before.persons.contains_key(&now.person_id) {
                opened.insert(now.person_id);
            }
        }
        effects.opened = opened.into_iter().collect();
        for (person, regional) in &before.persons {
            if tx.person_get(PersonId(*person))?.is_some_and(|row| row.state == "retired") {
                effects.retired.push((*person, regional.clone()));
            }
        }
        Ok(())
    }
}

/// An act that can be carried out.
struct Planned {
    /// The records that go to another person.
    moving: BTreeSet<i64>,
    /// The records of the person who stays.
    staying: BTreeSet<i64>,
    /// Who stays.
    stays: PersonId,
    /// What that says about the moving and the staying ones.
    verdict: &'static str,
}

pub(super) fn kind_of(act: &Act) -> &'static str {
    match act {
        Act::Link { .. } => "link",
        Act::Unlink { .. } => "unlink",
        Act::Merge { .. } => "merge",
        Act::Split { .. } => "split",
        Act::Undo { .. } => UNDO,
        Act::Decide { .. } => "decide",
        Act::Register { .. } => "register",
        Act::Import { .. } | Act::DomainState { .. } | Act::Erase { .. } => act.name(),
    }
}

pub(super) fn reason_of(act: &Act) -> &str {
    match act {
        Act::Link { reason, .. }
        | Act::Unlink { reason, .. }
        | Act::Merge { reason, .. }
        | Act::Split { reason, .. }
        | Act::Undo { reason, .. }
        | Act::Decide { reason, .. }
        | Act::Erase { reason, .. } => reason,
        Act::Register { .. } | Act::Import { .. } | Act::DomainState { .. } => "",
    }
}
