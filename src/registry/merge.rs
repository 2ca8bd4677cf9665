//! Duplicates resolved (ITI TF-2: 3.44.4.3): the source's word that two of its identifiers are one patient.
//!
//! The survivor inherits the subsumed identifier's links, history and stewards' decisions (decision 16);
//! the subsumed identifier is dead. Demographics of the message are not applied.

use super::error::{Place, Reason, Refusal};
use super::feed::{hold_files, identifier_key};
use super::history::{CHANGED, Occurrence};
use super::intake::{Intake, Settled, Touched};
use super::linking::{Cause, LinkGround};
use super::{Failure, FeedOutcome, Registry};
use crate::access::Permission;
use crate::identity::{PatientIdentifier, PersonId, RecordId};
use crate::matching::{ComparisonRecord, search_tokens};
use crate::planted::{self, Bug};
use crate::store::{DecisionRow, SourceRecordRow, Transaction};

/// What a merge says.
#[derive(Clone)]
pub struct MergeCommand {
    /// The identifier that stays.
    pub survivor: PatientIdentifier,
    /// The identifier that goes.
    pub subsumed: PatientIdentifier,
}

impl Registry {
    /// Takes a merge.
    pub fn merge(&self, intake: &Intake, command: MergeCommand) -> Result<Settled, Failure> {
        let key =
            |id: &PatientIdentifier| self.0.domains.by_oid(&id.authority).map(|a| identifier_key(&a.key, &id.value));
        let locks = [key(&command.survivor), key(&command.subsumed)].into_iter().flatten().collect();
        self.0.regional.prepare(&self.0.store)?;
        self.follow_states()?;
        let taken = intake.clone();
        self.settle(intake, locks, move |registry, tx, inbox_id, touched| {
            registry.merge_in(tx, &taken, inbox_id, &command, touched)
        })
    }

    pub(super) fn merge_in(
        &self,
        tx: &mut Transaction<'_>,
        intake: &Intake,
        inbox_id: i64,
        command: &MergeCommand,
        touched: &mut Touched,
    ) -> Result<Result<FeedOutcome, Refusal>, Failure> {
        let (survivor, subsumed) = match self.merge_parties(tx, intake, command)? {
            Ok(parties) => parties,
            Err(refusal) => return Ok(Err(refusal)),
        };
        self.hold_states(tx)?;
        let cause = Cause::of(intake, inbox_id).silent(self.0.domains.is_staged(&subsumed.domain_key));
        let gone = RecordId(subsumed.id);
        let survivors_record = survivor.as_ref().map(|row| RecordId(row.id));
        self.hold_parties(tx, survivors_record, gone)?;
        let kept = match survivor {
            Some(row) => RecordId(row.id),
            None => self.inherit_record(tx, intake, inbox_id, &subsumed, &command.survivor)?,
        };
        let survivors_person = tx.person_of(kept)?;
        let subsumed_person = tx.person_of(gone)?;
        self.inherit_decisions(tx, intake.received, gone, kept)?;
        self.leave(tx, &cause, gone)?;
        if !planted::has(Bug::MergeByHalf) {
            tx.record_subsume(gone, kept)?;
        }
        tx.filing_remove(gone)?;
        let about = (Some(kept), survivors_person, Some(gone.0));
        self.note(tx, intake.received, Occurrence::Merged, about, &intake.principal.key, Some(inbox_id))?;
        if let (Some(from), into) = (subsumed_person, survivors_person) {
            self.carry_over(tx, &cause, kept, from, into)?;
        }
        for review in tx.reviews_of_record(gone, "open")? {
            tx.review_close(review.id, "withdrawn", &intake.principal.key, None, intake.received)?;
        }
        touched.records.extend([kept, gone]);
        touched.persons.extend(tx.person_of(kept)?);
        Ok(Ok(FeedOutcome::accepted(Vec::new())))
    }

    /// Holds all that a merge changes: both persons, what the subsumed record is filed under, and the persons of whom a
    /// steward was asked, or decided, whether it is theirs.
    fn hold_parties(&self, tx: &mut Transaction<'_>, kept: Option<RecordId>, gone: RecordId) -> Result<(), Failure> {
        let parties: Vec<RecordId> = kept.into_iter().chain([gone]).collect();
        tx.persons_lock(&parties, None)?;
        let known = tx.version_current(gone)?.unwrap_or_default();
        hold_files(tx, &ComparisonRecord::of(&known))?;
        let decisions = tx.decisions_of(gone)?;
        let reviews = tx.reviews_of_record(gone, "open")?;
        let decided = decisions.iter().flat_map(|decision| [decision.record_a, decision.record_b]);
        let asked = reviews.iter().map(|review| review.record_id);
        let concerned: Vec<RecordId> = decided.chain(asked).filter(|id| *id != gone.0).map(RecordId).collect();
        Ok(tx.persons_lock(&concerned, None)?)
    }

    /// The links that hung on the subsumed identifier become the survivor's: both persons are one from now on.
    fn carry_over(
        &self,
        tx: &mut Transaction<'_>,
        cause: &Cause<'_>,
        kept: RecordId,
        from: PersonId,
        into: Option<PersonId>,
    ) -> Result<(), Failure> {
        let ground = LinkGround { origin: "source", weight: 0.0, reason: "merge" };
        let Some(into) = into else {
            return self.move_record(tx, cause, kept, from, &ground);
        };
        if from == into {
            return self.told(tx, cause, into, kept);
        }
        for row in tx.records_of(from)? {
            self.move_record(tx, cause, RecordId(row.id), into, &ground)?;
        }
        if let Some(row) = tx.record_get(kept)? {
            // Also where nothing else moves: whoever watches that domain knows the identifier that is gone.
            self.tell_besides(tx, CHANGED, cause.time, into, &row.domain_key);
        }
        self.retire_if_empty(tx, cause, from, (into, kept))
    }

    fn merge_parties(
        &self,
        tx: &mut Transaction<'_>,
        intake: &Intake,
        command: &MergeCommand,
    ) -> Result<Result<(Option<SourceRecordRow>, SourceRecordRow), Refusal>, Failure> {
        let refuse = |reason, place| Ok(Err(Refusal::new(reason, place)));
        let granted = |id: &PatientIdentifier| {
            let authority = self.0.domains.by_oid(&id.authority)?;
            self.allows(&intake.principal, Permission::Merge, &authority.key).then(|| authority.key.clone())
        };
        for (id, place) in [(&command.survivor, Place::Survivor), (&command.subsumed, Place::Subsumed)] {
            if self.0.domains.is_regional(&id.authority) {
                return refuse(Reason::RegionalAsserted, place);
            }
        }
        let Some(domain) = granted(&command.survivor) else {
            return refuse(Reason::AuthorityNotGranted, Place::Survivor);
        };
        if command.survivor.authority != command.subsumed.authority {
            return refuse(Reason::MergeAcrossAuthorities, Place::Subsumed);
        }
        if command.survivor == command.subsumed {
            return refuse(Reason::MergeWithItself, Place::Subsumed);
        }
        let mut find = |value: &str| tx.record_find(identifier_key(&domain, value), &domain.0, value);
        let survivor = find(&command.survivor.value)?;
        let subsumed = find(&command.subsumed.value)?;
        if survivor.as_ref().is_some_and(|row| row.status == "subsumed") {
            return refuse(Reason::SurvivorSubsumed, Place::Survivor);
        }
        match subsumed {
            Some(row) if row.status != "subsumed" => Ok(Ok((survivor, row))),
            _ => refuse(Reason::SubsumedUnknown, Place::Subsumed),
        }
    }

    /// A survivor that was never fed takes over what is known of the subsumed identifier.
    fn inherit_record(
        &self,
        tx: &mut Transaction<'_>,
        intake: &Intake,
        inbox_id: i64,
        subsumed: &SourceRecordRow,
        survivor: &PatientIdentifier,
    ) -> Result<RecordId, Failure> {
        let id = RecordId(self.fresh(tx)?);
        let known = tx.version_current(RecordId(subsumed.id))?.unwrap_or_default();
        let comparison = ComparisonRecord::of(&known);
        tx.record_insert(&SourceRecordRow {
            id: id.0,
            identifier_key: identifier_key(&crate::identity::DomainKey(subsumed.domain_key.clone()), &survivor.value),
            value: survivor.value.clone(),
            generation: 1,
            version: 1,
            created: intake.received,
            ..subsumed.clone()
        })?;
        tx.version_insert(id, 1, intake.received, &intake.principal.key, Some(inbox_id), &known)?;
        tx.filing_replace(id, &comparison.blocking_keys(), &search_tokens(&known), &comparison.encode())?;
        self.note(
            tx,
            intake.received,
            Occurrence::RecordAdded,
            (Some(id), None, None),
            &intake.principal.key,
            Some(inbox_id),
        )?;
        Ok(id)
    }

    fn inherit_decisions(
        &self,
        tx: &mut Transaction<'_>,
        now: i64,
        gone: RecordId,
        kept: RecordId,
    ) -> Result<(), Failure> {
        for decision in tx.decisions_of(gone)? {
            let other = if decision.record_a == gone.0 { decision.record_b } else { decision.record_a };
            if other != kept.0 {
                let id = self.fresh(tx)?;
                tx.decision_insert(&DecisionRow { id, record_a: kept.0, record_b: other, decided: now, ..decision })?;
            }
        }
        Ok(())
    }
}
