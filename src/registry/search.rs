//! Who is this, by demographics (ITI TF-2: 3.47.4.1, 3.47.4.2)? Tokens find, the parameters' own semantics
//! filter, the degree grades (decision 18). Past the limit it refuses with advice, never truncates in silence.

use super::crossref::ShownRecord;
use super::error::{Place, Reason, Refusal};
use super::{Failure, Registry};
use crate::access::{Permission, Policy, Principal};
use crate::identity::{Demographics, DemographicsQuery, DomainKey, Oid, PartialDate, PersonId, RecordId};
use crate::matching::SearchPlan;
use crate::store::{FoundRecord, Lookup, OwnedRecord};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Records read for each person that may be answered: tokens are a superset of the answer.
const READ_FACTOR: usize = 20;

/// One person found, with the demographics of one source (decision 19).
#[derive(Clone, Debug, PartialEq)]
pub struct FoundPerson {
    /// Who.
    pub person: PersonId,
    /// The source record whose demographics are shown.
    pub record: RecordId,
    /// Its demographics.
    pub demographics: Arc<Demographics>,
    /// The identifiers to show; never empty.
    pub identifiers: Vec<ShownRecord>,
    /// Wanted domains in which this person has no identifier.
    pub domains_without: Vec<Oid>,
    /// 0 to 100.
    pub degree: u8,
}

/// The answer: best degree first, then in a stable order.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchAnswer {
    /// Who was found.
    pub people: Vec<FoundPerson>,
}

/// Whose demographics are searched and shown (decision 19).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Of all sources the record that fits best.
    Best,
    /// The records of these domains alone.
    Of(Vec<DomainKey>),
}

impl Source {
    fn holds(&self, key: &str) -> bool {
        match self {
            Source::Best => true,
            Source::Of(domains) => domains.iter().any(|domain| domain.0 == key),
        }
    }
}

impl Registry {
    /// The source that a message asks whose receiver is named so: by an assigning authority among `named`, else as the
    /// `system` that feeds domains of its own. Who names neither asks the network.
    pub fn source(&self, named: &[Oid], system: Option<&str>) -> Source {
        if let Some(authority) = named.iter().find_map(|oid| self.0.domains.by_oid(oid)) {
            return Source::Of(vec![authority.key.clone()]);
        }
        let Some(system) = system.map(Principal::system) else { return Source::Best };
        let feeds = |key: &&DomainKey| self.0.settings.policy.allows(&system, Permission::Assert, key);
        match self.0.settings.policy {
            Policy::Open => Source::Best,
            Policy::Registered(_) => match self.0.domains.keys().filter(feeds).cloned().collect::<Vec<_>>() {
                none if none.is_empty() => Source::Best,
                domains => Source::Of(domains),
            },
        }
    }

    /// The people who fit `query`, of those whose sources the principal may search.
    pub fn search(
        &self,
        principal: &Principal,
        query: &DemographicsQuery,
    ) -> Result<Result<SearchAnswer, Vec<Refusal>>, Failure> {
        self.search_at(&Source::Best, principal, query)
    }

    /// Likewise by what `source` tells of them.
    pub fn search_at(
        &self,
        source: &Source,
        principal: &Principal,
        query: &DemographicsQuery,
    ) -> Result<Result<SearchAnswer, Vec<Refusal>>, Failure> {
        if !self.0.settings.policy.knows(principal) {
            return Ok(Err(vec![Refusal::new(Reason::UnknownSender, Place::Sender)]));
        }
        self.follow_states()?;
        let unknown = self.unknown_domains(principal, &query.domains);
        if !unknown.is_empty() {
            return Ok(Err(unknown));
        }
        if query.is_unconstrained() {
            return Ok(Err(vec![Refusal::new(Reason::NoCriteria, Place::Message)]));
        }
        self.0.store.look_up(|tx| self.search_in(tx, principal, query, source))
    }

    fn search_in(
        &self,
        tx: &mut dyn Lookup,
        principal: &Principal,
        query: &DemographicsQuery,
        source: &Source,
    ) -> Result<Result<SearchAnswer, Vec<Refusal>>, Failure> {
        let too_many = || Ok(Err(vec![Refusal::new(Reason::TooManyMatches, Place::Message)]));
        let limit = usize::try_from(self.0.settings.search_limit).unwrap_or(usize::MAX);
        let plan = SearchPlan::of(query, self.0.settings.names);
        if query.identifiers.is_empty() && plan.clauses().is_empty() {
            // A name that ends in what is sought, say, can only be looked for among few.
            let reason = if plan.constrains() { Reason::TooManyMatches } else { Reason::NoCriteria };
            return Ok(Err(vec![Refusal::new(reason, Place::Message)]));
        }
        let read_limit = limit.saturating_mul(READ_FACTOR);
        let Some(found) = self.sought_records(tx, principal, query, &plan, read_limit)? else {
            return too_many();
        };
        let best = self.best_of_each_person(tx, (principal, source), &plan, found)?;
        let mut shown = Vec::new();
        for (person, (degree, record)) in best {
            let identifiers = self.identifiers_of(tx, principal, person, &query.domains)?;
            if identifiers.is_empty() {
                continue;
            }
            if shown.len() >= limit {
                return too_many();
            }
            shown.push((person, degree, record, identifiers));
        }
        // What is not told is not read.
        let records: Vec<RecordId> = shown.iter().map(|(_, _, record, _)| *record).collect();
        let mut said: BTreeMap<RecordId, Arc<Demographics>> = tx.versions_current(&records)?.into_iter().collect();
        let mut people = Vec::with_capacity(shown.len());
        for (person, degree, record, identifiers) in shown {
            let demographics = said.remove(&record).ok_or(Failure::Corrupt("a record without demographics"))?;
            people.push(found_person(person, (degree, record, demographics), identifiers, &query.domains));
        }
        people.sort_by(|a, b| b.degree.cmp(&a.degree).then(a.person.cmp(&b.person)));
        Ok(Ok(SearchAnswer { people }))
    }

    /// A person with the identifiers in `domains` (all where none is named) that the principal may see; none where
    /// there is none of them.
    pub(super) fn shown_person(
        &self,
        tx: &mut dyn Lookup,
        principal: &Principal,
        person: PersonId,
        fit: (u8, RecordId, Arc<Demographics>),
        domains: &[Oid],
    ) -> Result<Option<FoundPerson>, Failure> {
        let identifiers = self.identifiers_of(tx, principal, person, domains)?;
        Ok((!identifiers.is_empty()).then(|| found_person(person, fit, identifiers, domains)))
    }

    /// The records that may fit: by identifier where one is given (all must be one person's), else by tokens.
    /// `None` where too many come into question.
    fn sought_records(
        &self,
        tx: &mut dyn Lookup,
        principal: &Principal,
        query: &DemographicsQuery,
        plan: &SearchPlan,
        limit: usize,
    ) -> Result<Option<Vec<FoundRecord>>, Failure> {
        if query.identifiers.is_empty() {
            return Ok(tx.tokens_search(&plan.clauses(), plan.kinds(), limit)?);
        }
        let nobody = || Ok(Some(Vec::new()));
        let mut owner: Option<PersonId> = None;
        for id in &query.identifiers {
            if self.is_quarantined(tx, id)? {
                return nobody();
            }
            match (self.person_known_as(tx, principal, id)?, owner) {
                (Some(person), None) => owner = Some(person),
                (Some(person), Some(known)) if person == known => {}
                _ => return nobody(),
            }
        }
        let rows = owner.map(|person| tx.records_of(person)).transpose()?.unwrap_or_default();
        let hidden = self.quarantined(tx, &rows)?;
        let records = rows.iter().map(|row| row.id).filter(|record| !hidden.contains(&RecordId(*record)));
        if plan.constrains() {
            let records: Vec<i64> = records.collect();
            return Ok(Some(tx.tokens_of(&records, plan.kinds())?));
        }
        Ok(Some(records.map(|record| FoundRecord { record: RecordId(record), tokens: Vec::new() }).collect()))
    }

    /// For each person the visible record that fits best.
    fn best_of_each_person(
        &self,
        tx: &mut dyn Lookup,
        (principal, source): (&Principal, &Source),
        plan: &SearchPlan,
        found: Vec<FoundRecord>,
    ) -> Result<BTreeMap<PersonId, (u8, RecordId)>, Failure> {
        let records: Vec<RecordId> = found.iter().map(|one| one.record).collect();
        let owned: BTreeMap<RecordId, OwnedRecord> =
            tx.records_owned(&records)?.into_iter().map(|row| (row.record, row)).collect();
        let mut best: BTreeMap<PersonId, (u8, RecordId)> = BTreeMap::new();
        for FoundRecord { record, tokens } in found {
            let told =
                |row: &&OwnedRecord| row.active && source.holds(&row.domain) && self.may_search(principal, &row.domain);
            let Some(row) = owned.get(&record).filter(told) else { continue };
            let birth_date = || -> Result<Option<PartialDate>, Failure> {
                let said = tx.version_current(record)?;
                Ok(said.and_then(|said| said.birth_date.value().cloned()))
            };
            let Some(degree) = plan.degree(&tokens, birth_date)? else { continue };
            if best.get(&row.person).is_none_or(|(known, _)| degree > *known) {
                best.insert(row.person, (degree, record));
            }
        }
        Ok(best)
    }

    /// Whether the principal may search what the domain of this key tells.
    pub(super) fn may_search(&self, principal: &Principal, domain: &str) -> bool {
        self.0
            .domains
            .by_key(domain)
            .is_some_and(|authority| self.allows(principal, Permission::Search, &authority.key))
    }
}

/// A person by the record that fits, with the identifiers to show.
fn found_person(
    person: PersonId,
    (degree, record, demographics): (u8, RecordId, Arc<Demographics>),
    identifiers: Vec<ShownRecord>,
    domains: &[Oid],
) -> FoundPerson {
    let has = |oid: &Oid| identifiers.iter().any(|shown| shown.identifier.authority == *oid);
    let domains_without = domains.iter().filter(|oid| !has(oid)).cloned().collect();
    FoundPerson { person, record, demographics, identifiers, domains_without, degree }
}
