//! Which person a record belongs to. The matcher says match, possible match or non-match; here that becomes
//! link, review or new person. What a steward decided is never overridden, only questioned.

use super::domains::REGIONAL_KEY;
use super::feed::FedRecord;
use super::history::{CHANGED, Occurrence, RETIRED};
use super::intake::Intake;
use super::{Failure, Issue, Linking, Registry};
use crate::identity::{PersonId, RecordId};
use crate::matching::{Constraints, Outcome, PersonScore, Verdict};
use crate::metrics::Count;
use crate::store::{LinkRow, ReviewRow, Transaction};

/// Under this weight, in bits, a revised record contradicts the person it was linked to by itself (decision 14).
const CONTRADICTION_BITS: f64 = -1.0;

/// The review of an identifier that is suddenly another person. A word of the store: it never changes.
pub(super) const OVERLAY: &str = "overlay";

/// Beside a link of which nobody was told. A word of the store: it never changes.
const SILENT: &str = "silent";

/// Who caused a change of links, and when.
pub(super) struct Cause<'a> {
    pub time: i64,
    pub actor: &'a str,
    pub inbox_id: Option<i64>,
    /// Nobody is told: what changes is of a domain that is staged.
    pub silent: bool,
}

impl<'a> Cause<'a> {
    pub(super) fn new(time: i64, actor: &'a str, inbox_id: Option<i64>) -> Self {
        Self { time, actor, inbox_id, silent: false }
    }

    pub(super) fn of(intake: &'a Intake, inbox_id: i64) -> Self {
        Self::new(intake.received, &intake.principal.key, Some(inbox_id))
    }

    /// Whether nobody is told.
    pub(super) fn silent(self, silent: bool) -> Self {
        Self { silent, ..self }
    }
}

/// Why a link is made: its origin, weight in bits, and the model or reason.
pub(super) struct LinkGround<'a> {
    pub origin: &'static str,
    pub weight: f64,
    pub reason: &'a str,
}

impl Registry {
    /// Links a record whose demographics were added or changed as was decided, in the same transaction, which holds the
    /// record's person. Those that it was compared with are held by the comparison, the one that it joins is here.
    pub(super) fn link_by_decision(
        &self,
        tx: &mut Transaction<'_>,
        intake: &Intake,
        inbox_id: i64,
        (record, verdict): (&FedRecord, &Verdict),
    ) -> Result<PersonId, Failure> {
        let cause = Cause::of(intake, inbox_id).silent(record.staged);
        tx.did(counted(verdict));
        if verdict.retrieval.degraded {
            log::warn!(record = record.id.0; "candidates of a record were retrieved in degraded form");
        }
        tx.persons_lock(&[], self.matched(verdict))?;
        match tx.link_current(record.id)? {
            Some(link) if record.revised => self.relink(tx, &cause, record, &link, verdict),
            _ => self.link_new(tx, &cause, record.id, verdict),
        }
    }

    /// A record without a person: join the match, or open a person and ask about what is possible.
    fn link_new(
        &self,
        tx: &mut Transaction<'_>,
        cause: &Cause<'_>,
        record: RecordId,
        verdict: &Verdict,
    ) -> Result<PersonId, Failure> {
        if let (Outcome::Match { person }, Linking::Automatic) = (&verdict.outcome, self.0.settings.linking) {
            self.join(tx, cause, record, *person, &self.automatic(verdict, *person))?;
            return Ok(*person);
        }
        let person = self.open_person(tx, cause)?;
        self.join(tx, cause, record, person, &LinkGround { origin: "automatic", weight: 0.0, reason: "first record" })?;
        self.ask_steward(tx, cause, record, person, verdict)?;
        Ok(person)
    }

    /// A revised record: automatic links that it now contradicts fall, a match elsewhere is made at once; what a
    /// steward decided or a source asserted is held and the contradiction flagged (decisions 14 and 16).
    fn relink(
        &self,
        tx: &mut Transaction<'_>,
        cause: &Cause<'_>,
        fed: &FedRecord,
        link: &LinkRow,
        verdict: &Verdict,
    ) -> Result<PersonId, Failure> {
        let record = fed.id;
        let current = PersonId(link.person_id);
        let alone = tx.records_of(current)?.len() < 2;
        let here = verdict.ranked.iter().find(|score| score.person == Some(current));
        let contradicted = !alone && here.is_none_or(|score| score.bits < CONTRADICTION_BITS);
        let elsewhere = match (&verdict.outcome, self.0.settings.linking) {
            (Outcome::Match { person }, Linking::Automatic) if *person != current => Some(*person),
            _ => None,
        };
        if link.origin != "automatic" {
            if contradicted || elsewhere.is_some() {
                self.flag(tx, cause, record, current, "contradiction", here)?;
            }
            return Ok(current);
        }
        self.withdraw_reviews(tx, cause, record)?;
        if let Some(person) = elsewhere {
            self.leave(tx, cause, record)?;
            self.join(tx, cause, record, person, &self.automatic(verdict, person))?;
            if fed.overlay {
                // Whoever left the number is not who has it now: her regional ID must not lead to him.
                self.told(tx, cause, current, record)?;
            } else {
                self.retire_if_empty(tx, cause, current, (person, record))?;
            }
            return Ok(person);
        }
        if contradicted {
            self.leave(tx, cause, record)?;
            self.told(tx, cause, current, record)?;
            return self.link_new(tx, cause, record, verdict);
        }
        self.ask_steward(tx, cause, record, current, verdict)?;
        Ok(current)
    }

    /// The sender's own word: this record is the same patient as the one linked to `leader` (decision 13). Where a
    /// steward has linked the record elsewhere, the link is held and the contradiction flagged.
    pub(super) fn link_by_source(
        &self,
        tx: &mut Transaction<'_>,
        intake: &Intake,
        inbox_id: i64,
        fed: &FedRecord,
        leader: PersonId,
    ) -> Result<PersonId, Failure> {
        let (record, cause) = (fed.id, Cause::of(intake, inbox_id).silent(fed.staged));
        if let Some(link) =
            tx.link_current(record)?.filter(|link| link.origin == "steward" && link.person_id != leader.0)
        {
            self.flag(tx, &cause, record, leader, "contradiction", None)?;
            return Ok(PersonId(link.person_id));
        }
        let ground = LinkGround { origin: "source", weight: 0.0, reason: "asserted in one message" };
        self.move_record(tx, &cause, record, leader, &ground)?;
        Ok(leader)
    }

    /// Moves `record` to `person`, wherever it was; the person left empty retires to it.
    pub(super) fn move_record(
        &self,
        tx: &mut Transaction<'_>,
        cause: &Cause<'_>,
        record: RecordId,
        person: PersonId,
        ground: &LinkGround<'_>,
    ) -> Result<(), Failure> {
        let before = tx.person_of(record)?;
        if before == Some(person) {
            return Ok(());
        }
        if before.is_some() {
            self.leave(tx, cause, record)?;
        }
        self.join(tx, cause, record, person, ground)?;
        if let Some(before) = before {
            self.retire_if_empty(tx, cause, before, (person, record))?;
        }
        Ok(())
    }

    /// Opens a person with a regional ID.
    pub(super) fn open_person(&self, tx: &mut Transaction<'_>, cause: &Cause<'_>) -> Result<PersonId, Failure> {
        let person = PersonId(self.fresh(tx)?);
        tx.person_insert(person, cause.time)?;
        self.note(tx, cause.time, Occurrence::PersonOpened, (None, Some(person), None), cause.actor, cause.inbox_id)?;
        if self.0.settings.regional.issue == Issue::OnFeed && !cause.silent {
            self.issue_regional(tx, cause.time, person)?;
        }
        Ok(person)
    }

    /// Links `record` to `person` and writes who must be told.
    pub(super) fn join(
        &self,
        tx: &mut Transaction<'_>,
        cause: &Cause<'_>,
        record: RecordId,
        person: PersonId,
        ground: &LinkGround<'_>,
    ) -> Result<(), Failure> {
        let (id, model) = (self.fresh(tx)?, self.model(tx)?.version());
        tx.link_open(&LinkRow {
            id,
            record_id: record.0,
            person_id: person.0,
            origin: ground.origin.to_owned(),
            actor: cause.actor.to_owned(),
            weight: ground.weight,
            model,
            reason: ground.reason.to_owned(),
            valid_from: cause.time,
            valid_to: None,
        })?;
        let about = (Some(record), Some(person), None);
        let more = if cause.silent { SILENT } else { "" };
        self.note_more(tx, cause.time, Occurrence::Linked, about, (cause.actor, cause.inbox_id, more))?;
        self.register_by_link(tx, cause, person)?;
        self.told(tx, cause, person, record)
    }

    /// Ends the current link of `record`.
    pub(super) fn leave(&self, tx: &mut Transaction<'_>, cause: &Cause<'_>, record: RecordId) -> Result<(), Failure> {
        if let Some(link) = tx.link_close(record, cause.time)? {
            let person = PersonId(link.person_id);
            let about = (Some(record), Some(person), None);
            self.note(tx, cause.time, Occurrence::Unlinked, about, cause.actor, cause.inbox_id)?;
            let domain = tx.domain_of(record)?.unwrap_or_default();
            if !cause.silent && !self.0.domains.is_staged(&domain) {
                self.tell_besides(tx, CHANGED, cause.time, person, &domain);
            }
        }
        Ok(())
    }

    /// A person without records retires; its regional ID keeps resolving to the successor (decision 9). `record` has
    /// left it.
    pub(super) fn retire_if_empty(
        &self,
        tx: &mut Transaction<'_>,
        cause: &Cause<'_>,
        person: PersonId,
        (successor, record): (PersonId, RecordId),
    ) -> Result<(), Failure> {
        if person == successor {
            return Ok(());
        }
        if !tx.records_of(person)?.is_empty() {
            return self.told(tx, cause, person, record);
        }
        tx.person_retire(person, Some(successor))?;
        // Its identifiers are the successor's, and told as that one's.
        tx.tell_not(person, CHANGED);
        self.tell_besides(tx, RETIRED, cause.time, person, REGIONAL_KEY);
        if let Some(regional) = tx.regional_of(person)? {
            tx.regional_retire(&regional, cause.time)?;
            // Who was registered stays registered.
            if tx.regional_of(successor)?.is_none() {
                self.issue_regional(tx, cause.time, successor)?;
            }
        }
        let about = (None, Some(person), Some(successor.0));
        self.note(tx, cause.time, Occurrence::PersonRetired, about, cause.actor, cause.inbox_id)
    }

    /// The record by which a person was matched, and that person, where that is going to make a link.
    fn matched(&self, verdict: &Verdict) -> Option<(RecordId, PersonId)> {
        match (&verdict.outcome, self.0.settings.linking) {
            (Outcome::Match { person }, Linking::Automatic) => {
                let score = verdict.ranked.iter().find(|score| score.person == Some(*person));
                score.map(|score| (score.best, *person))
            }
            _ => None,
        }
    }

    fn automatic(&self, verdict: &Verdict, person: PersonId) -> LinkGround<'static> {
        let weight = verdict.ranked.iter().find(|score| score.person == Some(person)).map_or(0.0, |score| score.bits);
        LinkGround { origin: "automatic", weight, reason: "match" }
    }

    /// Opens a review for each person that `record` may belong to, unless that question is open already.
    fn ask_steward(
        &self,
        tx: &mut Transaction<'_>,
        cause: &Cause<'_>,
        record: RecordId,
        current: PersonId,
        verdict: &Verdict,
    ) -> Result<(), Failure> {
        let kind = match verdict.outcome {
            Outcome::NonMatch => return Ok(()),
            Outcome::Match { person } if person == current => return Ok(()),
            Outcome::Match { .. } => "proposed_match",
            Outcome::Possible => "possible_match",
        };
        let model = self.model(tx)?;
        for score in verdict.ranked.iter().filter(|score| score.is_possible(&model)) {
            if let Some(person) = score.person.filter(|person| *person != current) {
                self.flag(tx, cause, record, person, kind, Some(score))?;
            }
        }
        Ok(())
    }

    /// Asks a steward about an identifier of `person` that is suddenly another person, and says so aloud.
    pub(super) fn suspect_overlay(
        &self,
        tx: &mut Transaction<'_>,
        cause: &Cause<'_>,
        record: RecordId,
        person: PersonId,
    ) -> Result<(), Failure> {
        log::warn!(record = record.0; "an identifier is suddenly another person; a steward must look");
        self.flag(tx, cause, record, person, OVERLAY, None)
    }

    /// Opens one review.
    fn flag(
        &self,
        tx: &mut Transaction<'_>,
        cause: &Cause<'_>,
        record: RecordId,
        person: PersonId,
        kind: &str,
        score: Option<&PersonScore>,
    ) -> Result<(), Failure> {
        let open = tx.reviews_about(record, "open")?;
        if open
            .iter()
            .any(|review| review.record_id == record.0 && review.person_id == Some(person.0) && review.kind == kind)
        {
            return Ok(());
        }
        let model = self.model(tx)?;
        let explanation = score.map(|score| score.explanation(&model)).unwrap_or_default();
        let id = self.fresh(tx)?;
        tx.review_insert(&ReviewRow {
            id,
            kind: kind.to_owned(),
            record_id: record.0,
            other_record: score.map(|score| score.best.0),
            person_id: Some(person.0),
            weight: score.map_or(0.0, |score| score.bits),
            model: model.version(),
            explanation,
            opened: cause.time,
            state: "open".to_owned(),
            decided: None,
            decided_by: None,
            verdict: None,
        })?;
        let about = (Some(record), Some(person), None);
        self.note(tx, cause.time, Occurrence::ReviewOpened, about, cause.actor, cause.inbox_id)
    }

    /// Questions about a record that was just decided anew are asked anew.
    fn withdraw_reviews(&self, tx: &mut Transaction<'_>, cause: &Cause<'_>, record: RecordId) -> Result<(), Failure> {
        for review in tx.reviews_about(record, "open")? {
            // Whether an identifier changed its owner is asked until a steward answers (decision 15).
            if review.record_id == record.0 && review.kind != OVERLAY {
                tx.review_close(review.id, "withdrawn", cause.actor, None, cause.time)?;
            }
        }
        Ok(())
    }

    /// What stewards decided about `record`.
    pub(super) fn constraints(&self, tx: &mut Transaction<'_>, record: RecordId) -> Result<Constraints, Failure> {
        let mut constraints = Constraints::default();
        for decision in tx.decisions_of(record)? {
            let other = if decision.record_a == record.0 { decision.record_b } else { decision.record_a };
            match decision.verdict.as_str() {
                "same" => constraints.must_link.insert(RecordId(other)),
                _ => constraints.cannot_link.insert(RecordId(other)),
            };
        }
        Ok(constraints)
    }
}

fn counted(verdict: &Verdict) -> Count {
    let outcome = match verdict.outcome {
        Outcome::Match { .. } => "match",
        Outcome::Possible => "possible",
        Outcome::NonMatch => "non_match",
    };
    Count::Decision { outcome, candidates: u32::try_from(verdict.retrieval.scored).unwrap_or(u32::MAX) }
}
