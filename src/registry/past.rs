//! Whose an identifier was: links are never deleted, so every day that was can be asked about.

use super::feed::identifier_key;
use super::{Failure, Registry};
use crate::identity::{PatientIdentifier, PersonId, RecordId};
use crate::store::{ERASED, LinkRow, Transaction};

/// A link that held in the time asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldLink {
    /// The identifier.
    pub identifier: PatientIdentifier,
    /// Since when, microseconds.
    pub since: i64,
    /// Until when; none while it holds.
    pub until: Option<i64>,
    /// `automatic`, `source`, `steward`.
    pub origin: String,
    /// On whose word.
    pub actor: String,
    /// Why.
    pub reason: String,
}

/// A person as it was in the time asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldPerson {
    /// Who.
    pub person: PersonId,
    /// The regional ID that was in use then.
    pub regional: Option<String>,
    /// The links that held, the earliest first.
    pub links: Vec<HeldLink>,
}

impl Registry {
    /// The persons whose `identifier` was between these two moments, each with all that was linked there then; more
    /// than one where it went from one to another. None where nobody was ever known by it.
    pub fn linked_within(
        &self,
        identifier: &PatientIdentifier,
        (from, to): (i64, i64),
    ) -> Result<Option<Vec<HeldPerson>>, Failure> {
        let held = move |link: &LinkRow| {
            link.valid_from <= to && link.valid_to.is_none_or(|until| until > from && until > link.valid_from)
        };
        self.0.store.read(|tx| {
            let Some(persons) = self.persons_within(tx, identifier, (from, to), &held)? else { return Ok(None) };
            let mut found = Vec::with_capacity(persons.len());
            for person in persons {
                let mut links = Vec::new();
                for link in tx.links_of_person(person)?.into_iter().filter(|link| held(link)) {
                    let Some(row) = tx.record_get(RecordId(link.record_id))? else { continue };
                    if row.status == ERASED {
                        continue;
                    }
                    let Some(authority) = self.0.domains.by_key(&row.domain_key) else { continue };
                    links.push(HeldLink {
                        identifier: PatientIdentifier { authority: authority.oid.clone(), value: row.value },
                        since: link.valid_from,
                        until: link.valid_to,
                        origin: link.origin,
                        actor: link.actor,
                        reason: link.reason,
                    });
                }
                found.push(HeldPerson { person, regional: tx.regional_within(person, from, to)?, links });
            }
            Ok(Some(found))
        })
    }

    fn persons_within(
        &self,
        tx: &mut Transaction<'_>,
        identifier: &PatientIdentifier,
        (from, to): (i64, i64),
        held: &impl Fn(&LinkRow) -> bool,
    ) -> Result<Option<Vec<PersonId>>, Failure> {
        if self.0.domains.is_regional(&identifier.authority) {
            let Some((own, _)) = tx.regional_find(&identifier.value)? else { return Ok(None) };
            // Whoever it led to then: its own person, or who that one had become.
            let mut person = own;
            while !tx.links_of_person(person)?.iter().any(held) {
                let Some(successor) = tx.person_get(person)?.and_then(|row| row.successor) else { break };
                person = PersonId(successor);
            }
            if tx.person_get(person)?.is_some_and(|row| row.state == ERASED) {
                return Ok(None);
            }
            let issued = tx.regional_within(own, i64::MIN, to)?.is_some();
            return Ok(Some(if issued && to >= from { vec![person] } else { Vec::new() }));
        }
        let Some(authority) = self.0.domains.by_oid(&identifier.authority) else { return Ok(None) };
        let key = identifier_key(&authority.key, &identifier.value);
        let Some(row) = tx.record_find(key, &authority.key.0, &identifier.value)? else { return Ok(None) };
        let links = tx.links_of_record(RecordId(row.id))?;
        let mut persons: Vec<PersonId> =
            links.iter().filter(|link| held(link)).map(|link| PersonId(link.person_id)).collect();
        persons.dedup();
        Ok(Some(persons))
    }
}
