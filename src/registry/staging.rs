//! Loading a domain before it is told of, and going live (decision 17).
//!
//! What a staged domain says is taken in and compared like anything else, so that its duplicates and its links to others
//! can be looked at. Until it goes live it is answered like an unknown one: nobody is told, and nobody gets a regional ID
//! by it alone. Going live is one transaction.

use super::act::Act;
use super::domains::DomainState;
use super::intake::{Touched, stable_key};
use super::linking::Cause;
use super::{Failure, Issue, Registry};
use crate::access::Principal;
use crate::audit::Action;
use crate::identity::{DomainKey, PersonId};
use crate::store::{Hold, Transaction};
use std::collections::BTreeSet;

/// What subscribers hear when the state of a domain changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Announcement {
    /// Nothing: who needs to know loads it otherwise.
    Silence,
    /// Every person whose identifiers change by it.
    Snapshot,
}

/// How a domain stands among the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DomainReport {
    /// Its active records.
    pub records: u64,
    /// The persons whose they are.
    pub persons: u64,
    /// Of these persons, those who have a record in a domain that is live, besides.
    pub linked: u64,
    /// Open questions about its records.
    pub reviews: u64,
}

/// What becomes of a request to stage a domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Staged {
    /// It is staged now.
    Now,
    /// It was staged before.
    Before,
    /// It is told of already: it has records.
    Told,
    /// There is no such domain.
    Unknown,
}

impl Registry {
    /// Stages a domain that has no records yet, or leaves it staged.
    pub fn stage(&self, operator: &Principal, key: &str) -> Result<Staged, Failure> {
        let views = self.domain_views()?;
        let Some(view) = views.iter().find(|view| view.settings.key.0 == key) else { return Ok(Staged::Unknown) };
        if view.state == DomainState::Staged {
            return Ok(Staged::Before);
        }
        if self.0.store.read(|tx| -> Result<bool, Failure> { Ok(tx.domain_has_records(key)?) })? {
            return Ok(Staged::Told);
        }
        self.change_domain_state(operator, key, DomainState::Staged, Announcement::Silence)?;
        Ok(Staged::Now)
    }

    /// Changes the state of a domain in one transaction; whether there is one of this key.
    pub fn change_domain_state(
        &self,
        operator: &Principal,
        key: &str,
        state: DomainState,
        announcement: Announcement,
    ) -> Result<bool, Failure> {
        self.journal_rules()?;
        if state == DomainState::Live && self.0.settings.regional.issue == Issue::OnFeed {
            let persons = self.0.store.read(|tx| -> Result<usize, Failure> { Ok(tx.persons_in(key)?.len()) })?;
            self.0.regional.prepare_for(&self.0.store, persons)?;
        }
        let (registry, actor, now) = (self.clone(), operator.key.clone(), self.0.clock.micros());
        let act = Act::DomainState {
            domain: key.to_owned(),
            state: state.word().to_owned(),
            snapshot: announcement == Announcement::Snapshot,
        };
        let done = self.write(vec![states_lock()], move |tx| registry.domain_state_in(tx, &actor, now, &act))?;
        if done {
            self.0.domains.became(key, state);
            self.shown_otherwise(announcement)?;
        }
        Ok(done)
    }

    /// Changes the state of a domain, and journals that.
    pub(super) fn domain_state_in(
        &self,
        tx: &mut Transaction<'_>,
        actor: &str,
        time: i64,
        act: &Act,
    ) -> Result<bool, Failure> {
        let Act::DomainState { domain, state, .. } = act else { return Ok(false) };
        let state: DomainState = state.parse().map_err(|()| Failure::Corrupt("an act"))?;
        if !tx.domains()?.iter().any(|row| row.key == *domain) {
            return Ok(false);
        }
        let journalled = self.journal_act(tx, actor, time, act)?;
        tx.domain_set_state(domain, state.word())?;
        if state == DomainState::Live && self.0.settings.regional.issue == Issue::OnFeed {
            for person in tx.persons_in(domain)? {
                if tx.regional_of(person)?.is_none() {
                    self.issue_regional(tx, time, person)?;
                }
            }
        }
        self.act_done(tx, &journalled, Action::Update, Touched::default())?;
        Ok(true)
    }

    /// A change of state that the journal tells, again.
    pub(super) fn domain_state_again(
        &self,
        tx: &mut Transaction<'_>,
        actor: &str,
        time: i64,
        act: &Act,
    ) -> Result<bool, Failure> {
        let done = self.domain_state_in(tx, actor, time, act)?;
        if let Act::DomainState { domain, state, .. } = act
            && done
        {
            self.0.domains.became(domain, state.parse().map_err(|()| Failure::Corrupt("an act"))?);
        }
        Ok(done)
    }

    /// While a domain is staged no feed takes effect beside a change of state: what it does depends on that.
    pub(super) fn hold_states(&self, tx: &mut Transaction<'_>) -> Result<(), Failure> {
        if self.0.domains.has_staged() && self.0.store.has_many_writers() {
            tx.hold([states_lock()], Hold::Shared)?;
            self.0.domains.learn(&tx.domains()?)?;
        }
        Ok(())
    }

    /// Learns now and then what other processes have changed.
    pub(super) fn follow_states(&self) -> Result<(), Failure> {
        if self.0.store.has_many_writers() && self.0.domains.is_due(self.0.clock.micros()) {
            let rows = self.0.store.read(|tx| -> Result<_, Failure> { Ok(tx.domains()?) })?;
            self.0.domains.learn(&rows)?;
        }
        Ok(())
    }

    /// Where a domain is staged, a person who had no visible record may get one with this link: and a regional ID.
    pub(super) fn register_by_link(
        &self,
        tx: &mut Transaction<'_>,
        cause: &Cause<'_>,
        person: PersonId,
    ) -> Result<(), Failure> {
        let may_lack = !cause.silent && self.0.settings.regional.issue == Issue::OnFeed && self.0.domains.has_staged();
        if may_lack && tx.regional_of(person)?.is_none() {
            self.issue_regional(tx, cause.time, person)?;
        }
        Ok(())
    }

    /// How a domain stands among the others; none where there is no such domain.
    pub fn domain_report(&self, key: &str) -> Result<Option<DomainReport>, Failure> {
        let views = self.domain_views()?;
        if !views.iter().any(|view| view.settings.key.0 == key) {
            return Ok(None);
        }
        let live = views.iter().filter(|view| view.state != DomainState::Staged && view.settings.key.0 != key);
        let live: Vec<DomainKey> = live.map(|view| view.settings.key.clone()).collect();
        self.0.store.read(|tx| {
            let links = tx.links_in(key)?;
            let persons: BTreeSet<PersonId> = links.iter().map(|(_, person)| *person).collect();
            let mut elsewhere: BTreeSet<PersonId> = BTreeSet::new();
            for other in &live {
                elsewhere.extend(tx.persons_in(&other.0)?);
            }
            let number = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
            Ok(Some(DomainReport {
                records: number(links.len()),
                persons: number(persons.len()),
                linked: number(persons.intersection(&elsewhere).count()),
                reviews: u64::try_from(tx.reviews_open_in(key)?).unwrap_or_default(),
            }))
        })
    }
}

/// What changes of state and, while any domain is staged, feeds contend for.
fn states_lock() -> i64 {
    stable_key(&["domain states"])
}
