//! A source says who its patient is (ITI TF-2: 3.44.4.1, 3.44.4.2): add and revise.
//!
//! Every check stands before every effect, so that a refusal leaves nothing behind but its journal row.

use super::error::{Place, Reason, Refusal};
use super::history::Occurrence;
use super::intake::{Intake, Settled, Touched, stable_key};
use super::linking::Cause;
use super::rehearsal::Rehearsal;
use super::{Failure, ForeignIdentifiers, Overlay, Registry};
use crate::access::{Permission, Principal};
use crate::identity::{Demographics, DomainKey, Field, OtherIdentifier, PatientIdentifier, PersonId, RecordId};
use crate::matching::{BlockingKey, ComparisonRecord, SearchToken, is_overlay, search_tokens};
use crate::store::{Hold, SourceRecordRow, Transaction};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What a feed says, language left behind.
#[derive(Clone)]
pub struct FeedCommand {
    /// The patient's identifiers; each must be of a domain that the sender may assert.
    pub identifiers: Vec<PatientIdentifier>,
    /// Identifiers in other roles; outside the sender's domains they are hints.
    pub other_identifiers: Vec<PatientIdentifier>,
    /// What is said of the patient.
    pub demographics: Demographics,
}

/// Something the sender should know although the feed was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Remark {
    /// The n-th other identifier is outside the sender's domains and was kept as a hint.
    ForeignIdentifierKept(usize),
}

/// How a feed ended; stored with the message and answered again to a repeat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedOutcome {
    /// Why it was refused, if it was.
    pub refusal: Option<Refusal>,
    /// What to know if it was accepted.
    pub remarks: Vec<Remark>,
}

impl Weighed {
    /// The keys under which it is filed.
    pub(super) fn keys(&self) -> impl Iterator<Item = i64> {
        self.filing.keys.iter().map(|key| key.0)
    }
}

impl FeedOutcome {
    /// Accepted.
    pub(super) fn accepted(remarks: Vec<Remark>) -> Self {
        Self { refusal: None, remarks }
    }

    /// Refused.
    pub(super) fn refused(refusal: Refusal) -> Self {
        Self { refusal: Some(refusal), remarks: Vec::new() }
    }

    pub(super) fn to_text(&self) -> Result<String, Failure> {
        serde_json::to_string(self).map_err(|_| Failure::Corrupt("an outcome"))
    }

    pub(super) fn from_text(text: &str) -> Result<Self, Failure> {
        serde_json::from_str(text).map_err(|_| Failure::Corrupt("an outcome"))
    }
}

/// One identifier that the sender may assert, resolved.
pub(super) struct Asserted {
    domain: DomainKey,
    identifier: PatientIdentifier,
    key: i64,
    pub found: Option<SourceRecordRow>,
}

impl Registry {
    /// Takes a feed: add and revise are one act, the source's word about its identifier (v2 A01/A04 practice).
    pub fn feed(&self, intake: &Intake, command: FeedCommand) -> Result<Settled, Failure> {
        let locks = if self.0.store.has_many_writers() { self.feed_locks(&command) } else { Vec::new() };
        self.0.regional.prepare(&self.0.store)?;
        self.follow_growth();
        self.follow_states()?;
        let rehearsal = self.rehearse(&intake.principal, &command);
        let taken = intake.clone();
        self.settle(intake, locks, move |registry, tx, inbox_id, touched| {
            registry.feed_in(tx, &taken, inbox_id, &command, rehearsal.as_ref(), touched)
        })
    }

    /// What two feeds that could concern one person contend for: identifiers and blocking keys (decision 6).
    fn feed_locks(&self, command: &FeedCommand) -> Vec<i64> {
        let all = command.identifiers.iter().chain(&command.other_identifiers);
        let mut locks: Vec<i64> = all.filter_map(|id| self.identifier_lock(id)).collect();
        let comparison = ComparisonRecord::of(&command.demographics);
        locks.extend(comparison.blocking_keys().iter().map(|key| key.0));
        locks
    }

    /// What two feeds of one identifier contend for.
    pub(super) fn identifier_lock(&self, id: &PatientIdentifier) -> Option<i64> {
        self.0.domains.by_oid(&id.authority).map(|authority| identifier_key(&authority.key, &id.value))
    }

    pub(super) fn feed_in(
        &self,
        tx: &mut Transaction<'_>,
        intake: &Intake,
        inbox_id: i64,
        command: &FeedCommand,
        rehearsal: Option<&Rehearsal>,
        touched: &mut Touched,
    ) -> Result<Result<FeedOutcome, Refusal>, Failure> {
        let (asserted, foreign) = match self.resolve(tx, &intake.principal, command)? {
            Ok(resolved) => resolved,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let remarks = foreign.iter().map(|(index, _)| Remark::ForeignIdentifierKept(*index)).collect();
        let demographics = with_hints(&command.demographics, foreign);
        self.take_word(tx, (intake, inbox_id), (&asserted, &demographics), rehearsal, touched)?;
        Ok(Ok(FeedOutcome::accepted(remarks)))
    }

    /// Takes a source's word, of which nothing is left to refuse: `demographics` of whoever has these identifiers.
    pub(super) fn take_word(
        &self,
        tx: &mut Transaction<'_>,
        (intake, inbox_id): (&Intake, i64),
        (asserted, demographics): (&[Asserted], &Demographics),
        rehearsal: Option<&Rehearsal>,
        touched: &mut Touched,
    ) -> Result<(), Failure> {
        self.hold_states(tx)?;
        // Whoever a record of this message is linked to may lose it to the person of the first.
        let known: Vec<RecordId> = asserted.iter().filter_map(|one| Some(RecordId(one.found.as_ref()?.id))).collect();
        tx.persons_lock(&known, None)?;
        let mut leader: Option<PersonId> = None;
        for one in asserted {
            let weighed = match rehearsal.filter(|rehearsal| leader.is_none() && rehearsal.is_of(one)) {
                Some(rehearsal) => Arc::clone(&rehearsal.weighed),
                None => Arc::new(self.weigh(tx, one, demographics)?),
            };
            let id = self.record_of(tx, one)?;
            // Decided before it is filed, so that a rehearsal sees the same.
            let verdict = match leader {
                None if weighed.changed => Some(self.verdict(tx, id, &weighed, rehearsal)?),
                _ => None,
            };
            let record = self.record_version(tx, intake, inbox_id, one, (id, &weighed))?;
            if let Some(held) = self.hold_overlay(tx, &Cause::of(intake, inbox_id).silent(record.staged), &record)? {
                touched.records.push(record.id);
                touched.persons.push(held);
                continue;
            }
            let before = if record.overlay { tx.person_of(record.id)? } else { None };
            let person = match (verdict, leader) {
                (None, None) => tx.person_of(record.id)?,
                (Some(verdict), None) => Some(self.link_by_decision(tx, intake, inbox_id, (&record, &verdict))?),
                (_, Some(leader)) => Some(self.link_by_source(tx, intake, inbox_id, &record, leader)?),
            };
            if let Some(before) = before {
                self.suspect_overlay(tx, &Cause::of(intake, inbox_id), record.id, before)?;
            }
            touched.records.push(record.id);
            touched.persons.extend(person);
            leader = leader.or(person);
        }
        Ok(())
    }

    /// In quarantine a record stays linked where it was, is compared with nothing, and is not answered; gives the
    /// person it is held at. `None` where the record goes the usual way.
    fn hold_overlay(
        &self,
        tx: &mut Transaction<'_>,
        cause: &Cause<'_>,
        record: &FedRecord,
    ) -> Result<Option<PersonId>, Failure> {
        let quarantine = self.0.settings.overlay == Overlay::Quarantine && record.changed && record.revised;
        if !quarantine || !record.overlay && tx.overlays_open(&[record.id])?.is_empty() {
            return Ok(None);
        }
        let Some(person) = tx.person_of(record.id)? else { return Ok(None) };
        self.suspect_overlay(tx, cause, record.id, person)?;
        tx.filing_remove(record.id)?;
        self.told(tx, cause, person, record.id)?;
        Ok(Some(person))
    }

    /// Which identifiers the sender may assert, which are hints, or why the whole feed is refused (decision 13).
    #[expect(clippy::type_complexity, reason = "the two lists are used once, right here")]
    pub(super) fn resolve(
        &self,
        tx: &mut Transaction<'_>,
        principal: &Principal,
        command: &FeedCommand,
    ) -> Result<Result<(Vec<Asserted>, Vec<(usize, PatientIdentifier)>), Refusal>, Failure> {
        let mut asserted: Vec<Asserted> = Vec::new();
        for (index, id) in command.identifiers.iter().enumerate() {
            match self.assertable(tx, principal, id, Place::Identifier(index))? {
                Ok(one) => push_once(&mut asserted, one),
                Err(refusal) => return Ok(Err(refusal)),
            }
        }
        if asserted.is_empty() {
            return Ok(Err(Refusal::new(Reason::AuthorityNotGranted, Place::Message)));
        }
        let mut foreign = Vec::new();
        for (index, id) in command.other_identifiers.iter().enumerate() {
            match self.assertable(tx, principal, id, Place::OtherIdentifier(index))? {
                Ok(one) => push_once(&mut asserted, one),
                Err(refusal) if refusal.reason == Reason::AuthorityNotGranted && self.keeps_hints() => {
                    foreign.push((index, id.clone()));
                }
                Err(refusal) => return Ok(Err(refusal)),
            }
        }
        Ok(Ok((asserted, foreign)))
    }

    fn keeps_hints(&self) -> bool {
        self.0.settings.foreign_identifiers == ForeignIdentifiers::Hint
    }

    fn assertable(
        &self,
        tx: &mut Transaction<'_>,
        principal: &Principal,
        id: &PatientIdentifier,
        place: Place,
    ) -> Result<Result<Asserted, Refusal>, Failure> {
        if self.0.domains.is_regional(&id.authority) {
            return Ok(Err(Refusal::new(Reason::RegionalAsserted, place)));
        }
        let granted = self
            .0
            .domains
            .by_oid(&id.authority)
            .filter(|authority| self.allows(principal, Permission::Assert, &authority.key));
        let Some(authority) = granted else {
            return Ok(Err(Refusal::new(Reason::AuthorityNotGranted, place)));
        };
        Ok(self.sought(tx, &authority.key, id)?.map_err(|reason| Refusal::new(reason, place)))
    }

    /// What is known under an identifier of this domain, whoever names it.
    pub(super) fn sought(
        &self,
        tx: &mut Transaction<'_>,
        domain: &DomainKey,
        id: &PatientIdentifier,
    ) -> Result<Result<Asserted, Reason>, Failure> {
        let key = identifier_key(domain, &id.value);
        let found = tx.record_find(key, &domain.0, &id.value)?;
        if found.as_ref().is_some_and(|row| row.status == "subsumed") {
            return Ok(Err(Reason::IdentifierSubsumed));
        }
        Ok(Ok(Asserted { domain: domain.clone(), identifier: id.clone(), key, found }))
    }

    /// The record that an identifier is, or the key of the one that it will be.
    fn record_of(&self, tx: &mut Transaction<'_>, one: &Asserted) -> Result<RecordId, Failure> {
        match &one.found {
            Some(row) => Ok(RecordId(row.id)),
            None => Ok(RecordId(self.fresh(tx)?)),
        }
    }

    /// What `demographics` make of what is known under an identifier.
    pub(super) fn weigh(
        &self,
        tx: &mut Transaction<'_>,
        one: &Asserted,
        demographics: &Demographics,
    ) -> Result<Weighed, Failure> {
        let known = match &one.found {
            Some(row) => tx.version_current(RecordId(row.id))?,
            None => None,
        };
        if let Some(known) = known.as_ref().filter(|_| self.0.store.has_many_writers()) {
            // Who looks there still finds it, or finds it gone: not a bit of both.
            hold_files(tx, &ComparisonRecord::of(known))?;
        }
        let weighed = self.weigh_over(known, demographics);
        tx.hold(weighed.filing.keys.iter().map(|key| key.0), Hold::Alone)?;
        Ok(weighed)
    }

    /// What `demographics` make of what is `known`.
    pub(super) fn weigh_over(&self, known: Option<Demographics>, demographics: &Demographics) -> Weighed {
        let said = demographics.clone().over(known.clone().unwrap_or_default());
        let comparison = ComparisonRecord::of(&said);
        let changed = known.as_ref() != Some(&said);
        let tradition = self.0.settings.model.tradition();
        let overlay =
            changed && known.is_some_and(|known| is_overlay(tradition, &ComparisonRecord::of(&known), &comparison));
        let filing =
            Filing { keys: comparison.blocking_keys(), tokens: search_tokens(&said), row: comparison.encode() };
        Weighed { said, comparison, filing, changed, overlay }
    }

    /// Writes the next version of one source record, unless it says what is known already (decision 3).
    fn record_version(
        &self,
        tx: &mut Transaction<'_>,
        intake: &Intake,
        inbox_id: i64,
        one: &Asserted,
        (id, weighed): (RecordId, &Weighed),
    ) -> Result<FedRecord, Failure> {
        let staged = self.0.domains.is_staged(&one.domain.0);
        let (changed, overlay) = (weighed.changed, weighed.overlay);
        let fed = FedRecord { id, changed, revised: one.found.is_some(), overlay, staged };
        if !fed.changed {
            return Ok(fed);
        }
        let version = one.found.as_ref().map_or(1, |row| row.version + 1);
        let Filing { keys, tokens, row } = &weighed.filing;
        if fed.revised {
            tx.record_set_version(id, version)?;
        } else {
            tx.record_insert(&SourceRecordRow {
                id: id.0,
                identifier_key: one.key,
                domain_key: one.domain.0.clone(),
                value: one.identifier.value.clone(),
                generation: 1,
                status: "active".to_owned(),
                survivor: None,
                version,
                created: intake.received,
            })?;
        }
        tx.version_insert(id, version, intake.received, &intake.principal.key, Some(inbox_id), &weighed.said)?;
        let occurrence = if fed.revised {
            tx.filing_replace(id, keys, tokens, row)?;
            Occurrence::RecordRevised
        } else {
            tx.filing_insert(id, keys, tokens, row)?;
            Occurrence::RecordAdded
        };
        self.note(tx, intake.received, occurrence, (Some(id), None, None), &intake.principal.key, Some(inbox_id))?;
        Ok(fed)
    }
}

/// What a source says together with what it keeps saying, and what the matcher makes of it.
pub(super) struct Weighed {
    pub said: Demographics,
    pub comparison: ComparisonRecord,
    filing: Filing,
    /// Whether anything is other than known.
    pub changed: bool,
    /// Suddenly another person, by what is known of the record.
    pub overlay: bool,
}

/// Under what a record is filed.
struct Filing {
    keys: Vec<BlockingKey>,
    tokens: Vec<SearchToken>,
    row: Vec<u8>,
}

/// Identifiers that the sender may not assert are evidence of the same source.
pub(super) fn with_hints(said: &Demographics, foreign: Vec<(usize, PatientIdentifier)>) -> Demographics {
    let mut demographics = said.clone();
    if !foreign.is_empty() {
        let hints = foreign.into_iter().map(|(_, id)| OtherIdentifier { authority: id.authority, value: id.value });
        demographics.other_identifiers = Field::Set(hints.collect());
    }
    demographics
}

/// A record after its version was written.
pub(super) struct FedRecord {
    pub id: RecordId,
    pub changed: bool,
    pub revised: bool,
    /// Suddenly another person, by what is known of the record.
    pub overlay: bool,
    /// Of a domain that is staged.
    pub staged: bool,
}

/// Holds what `comparison` is filed under, so that nobody looks there meanwhile.
pub(super) fn hold_files(tx: &mut Transaction<'_>, comparison: &ComparisonRecord) -> Result<(), Failure> {
    tx.hold(comparison.blocking_keys().iter().map(|key| key.0), Hold::Alone)?;
    Ok(())
}

/// The store's key of an identifier: stable, so that it can distribute rows.
pub(super) fn identifier_key(domain: &DomainKey, value: &str) -> i64 {
    stable_key(&[&domain.0, value])
}

/// One identifier told twice in one message is told once.
fn push_once(asserted: &mut Vec<Asserted>, one: Asserted) {
    if !asserted.iter().any(|known| known.identifier == one.identifier) {
        asserted.push(one);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_identifiers_never_change() {
        // The store holds them: a change needs a migration.
        let key = |domain: &str, value: &str| identifier_key(&DomainKey(domain.to_owned()), value);
        assert_eq!(
            [key("h01", "12345"), key("h01", "１２"), key("h0", "112345")],
            [-8577399588148582301, 2840811127140716059, 3930000093517576367]
        );
    }
}
