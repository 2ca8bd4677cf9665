//! Which other identifiers does this patient have (ITI TF-2: 3.45.4.2.3)? One read; no matching runs.

use super::error::{Place, Reason, Refusal};
use super::feed::identifier_key;
use super::{Failure, Overlay, Registry};
use crate::access::{Permission, Principal};
use crate::identity::{Oid, PatientIdentifier, PersonId, RecordId, RegionalId};
use crate::store::{ERASED, Hold, Lookup, SourceRecordRow, Transaction};

/// One identifier as shown: of a source record, or the regional one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownRecord {
    /// The identifier.
    pub identifier: PatientIdentifier,
    /// The namespace of its authority.
    pub namespace: String,
    /// The record, none for the regional ID.
    pub record: Option<RecordId>,
}

/// The answer: what the principal may see of the person's other identifiers; may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrossReference {
    /// The identifiers, the regional one first, the asked one never.
    pub identifiers: Vec<ShownRecord>,
    /// Whose they are.
    pub person: PersonId,
}

impl Registry {
    /// The identifiers of the person who is known as `asked`, in the domains `wanted` (all where empty).
    /// Every unknown domain and an unknown identifier are told at once (cases 4 and 5).
    pub fn cross_reference(
        &self,
        principal: &Principal,
        asked: &PatientIdentifier,
        wanted: &[Oid],
    ) -> Result<Result<CrossReference, Vec<Refusal>>, Failure> {
        if !self.0.settings.policy.knows(principal) {
            return Ok(Err(vec![Refusal::new(Reason::UnknownSender, Place::Sender)]));
        }
        self.follow_states()?;
        let mut refusals = self.unknown_domains(principal, wanted);
        self.0.store.look_up(|tx| {
            let Some(person) = self.person_known_as(tx, principal, asked)? else {
                refusals.insert(0, Refusal::new(Reason::UnknownIdentifier, Place::Asked));
                return Ok(Err(refusals));
            };
            if !refusals.is_empty() {
                return Ok(Err(refusals));
            }
            if self.is_quarantined(tx, asked)? {
                return Ok(Ok(CrossReference { identifiers: Vec::new(), person }));
            }
            let mut identifiers = self.identifiers_of(tx, principal, person, wanted)?;
            identifiers.retain(|shown| shown.identifier != *asked);
            Ok(Ok(CrossReference { identifiers, person }))
        })
    }

    /// A refusal for each domain that is unknown, or hidden from the principal.
    pub(super) fn unknown_domains(&self, principal: &Principal, wanted: &[Oid]) -> Vec<Refusal> {
        let unknown = |(_, oid): &(usize, &Oid)| !self.may_see(principal, oid);
        wanted
            .iter()
            .enumerate()
            .filter(unknown)
            .map(|(n, _)| Refusal::new(Reason::UnknownDomain, Place::Domain(n)))
            .collect()
    }

    fn may_see(&self, principal: &Principal, oid: &Oid) -> bool {
        let domains = &self.0.domains;
        let authority = if domains.is_regional(oid) { Some(domains.regional()) } else { domains.by_oid(oid) };
        authority.is_some_and(|authority| self.allows(principal, Permission::See, &authority.key))
    }

    /// The person behind an identifier that the principal may ask by; hidden answers like unknown.
    pub(super) fn person_known_as(
        &self,
        tx: &mut dyn Lookup,
        principal: &Principal,
        asked: &PatientIdentifier,
    ) -> Result<Option<PersonId>, Failure> {
        let domains = &self.0.domains;
        let may_ask = if domains.is_regional(&asked.authority) {
            self.may_see(principal, &asked.authority)
        } else {
            let authority = domains.by_oid(&asked.authority);
            authority.is_some_and(|a| self.allows(principal, Permission::QueryFrom, &a.key))
        };
        if may_ask { self.person_by_identifier(tx, asked) } else { Ok(None) }
    }

    /// The person behind an identifier, whoever asks. A subsumed identifier is nobody's.
    pub(super) fn person_by_identifier(
        &self,
        tx: &mut dyn Lookup,
        asked: &PatientIdentifier,
    ) -> Result<Option<PersonId>, Failure> {
        if self.0.domains.is_regional(&asked.authority) {
            return self.person_by_regional(tx, &RegionalId(asked.value.clone()));
        }
        let Some(authority) = self.0.domains.by_oid(&asked.authority) else { return Ok(None) };
        let key = identifier_key(&authority.key, &asked.value);
        match tx.record_find(key, &authority.key.0, &asked.value)? {
            Some(row) if row.status == "active" => Ok(tx.person_of(RecordId(row.id))?),
            _ => Ok(None),
        }
    }

    /// The active record behind an identifier, whoever asks; by a regional ID the first of the person's.
    pub(super) fn record_known_as(
        &self,
        tx: &mut dyn Lookup,
        asked: &PatientIdentifier,
    ) -> Result<Option<RecordId>, Failure> {
        if self.0.domains.is_regional(&asked.authority) {
            let Some(person) = self.person_by_regional(tx, &RegionalId(asked.value.clone()))? else { return Ok(None) };
            return Ok(tx.records_of(person)?.first().map(|row| RecordId(row.id)));
        }
        let Some(authority) = self.0.domains.by_oid(&asked.authority) else { return Ok(None) };
        let key = identifier_key(&authority.key, &asked.value);
        let found = tx.record_find(key, &authority.key.0, &asked.value)?;
        Ok(found.filter(|row| row.status == "active").map(|row| RecordId(row.id)))
    }

    /// The person of a regional ID; a retired one resolves to its successor (decision 9).
    pub(super) fn person_by_regional(
        &self,
        tx: &mut dyn Lookup,
        regional: &RegionalId,
    ) -> Result<Option<PersonId>, Failure> {
        let Some((person, _)) = tx.regional_find(&regional.0)? else { return Ok(None) };
        let living = self.living(tx, person)?;
        // Whose values were erased is not known any more, by none of the IDs that lead there.
        let erased = tx.person_get(living)?.is_some_and(|row| row.state == ERASED);
        Ok((!erased).then_some(living))
    }

    /// The person that `person` has become.
    pub(super) fn living(&self, tx: &mut dyn Lookup, person: PersonId) -> Result<PersonId, Failure> {
        let mut living = person;
        while let Some(successor) = tx.person_get(living)?.and_then(|row| row.successor) {
            living = PersonId(successor);
        }
        Ok(living)
    }

    /// Likewise, held for this transaction alone.
    pub(super) fn hold_living(&self, tx: &mut Transaction<'_>, person: PersonId) -> Result<(), Failure> {
        // Who was living may have retired before that person was held.
        loop {
            let living = self.living(tx, person)?;
            if !tx.hold_persons(&[living], Hold::Alone)? {
                return Ok(());
            }
        }
    }

    /// Whether `asked` is an identifier that waits for a steward's word (decision 15).
    pub(super) fn is_quarantined(&self, tx: &mut dyn Lookup, asked: &PatientIdentifier) -> Result<bool, Failure> {
        if self.0.settings.overlay == Overlay::Relink {
            return Ok(false);
        }
        let Some(authority) = self.0.domains.by_oid(&asked.authority) else { return Ok(false) };
        let key = identifier_key(&authority.key, &asked.value);
        let Some(row) = tx.record_find(key, &authority.key.0, &asked.value)? else { return Ok(false) };
        Ok(!self.quarantined(tx, &[row])?.is_empty())
    }

    /// Which of `rows` wait for a steward's word: none where suspected overlays are decided anew.
    pub(super) fn quarantined(&self, tx: &mut dyn Lookup, rows: &[SourceRecordRow]) -> Result<Vec<RecordId>, Failure> {
        if self.0.settings.overlay == Overlay::Relink {
            return Ok(Vec::new());
        }
        let records: Vec<RecordId> = rows.iter().map(|row| RecordId(row.id)).collect();
        Ok(tx.overlays_open(&records)?)
    }

    /// The identifiers of `person` that the principal may see, in the domains `wanted` (all where empty):
    /// the one place where they leave the registry.
    pub(super) fn identifiers_of(
        &self,
        tx: &mut dyn Lookup,
        principal: &Principal,
        person: PersonId,
        wanted: &[Oid],
    ) -> Result<Vec<ShownRecord>, Failure> {
        let shown = |oid: &Oid| (wanted.is_empty() || wanted.contains(oid)) && self.may_see(principal, oid);
        let mut identifiers = Vec::new();
        let regional = self.0.domains.regional();
        if shown(&regional.oid)
            && let Some(value) = tx.regional_of(person)?
        {
            let identifier = PatientIdentifier { authority: regional.oid.clone(), value };
            identifiers.push(ShownRecord { identifier, namespace: regional.namespace.clone(), record: None });
        }
        let rows = tx.records_of(person)?;
        let hidden = self.quarantined(tx, &rows)?;
        for row in rows.into_iter().filter(|row| !hidden.contains(&RecordId(row.id))) {
            let Some(authority) = self.0.domains.by_key(&row.domain_key) else { continue };
            if shown(&authority.oid) {
                let identifier = PatientIdentifier { authority: authority.oid.clone(), value: row.value };
                let namespace = authority.namespace.clone();
                identifiers.push(ShownRecord { identifier, namespace, record: Some(RecordId(row.id)) });
            }
        }
        Ok(identifiers)
    }
}
