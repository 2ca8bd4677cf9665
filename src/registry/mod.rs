//! What happens to identities: every rule of the domain, and the only opener of transactions.
//!
//! A feed is one write transaction that holds the journal row, its effect, its outcome, its audit row and
//! what must be told to others; it is acknowledged only after the commit. A question is one read, filtered
//! by what the principal may see before anything leaves this module. The registry must never know a wire
//! language: it takes and gives identity values, and refuses with a [`Refusal`] that names the reason.

mod act;
mod continuation;
mod crossref;
mod domains;
mod doubts;
mod erase;
mod error;
mod explain;
mod feed;
mod history;
mod import;
mod intake;
mod journal;
mod linking;
mod merge;
mod model;
mod operations;
mod outbox;
mod past;
mod person;
mod population;
mod purpose;
mod refiling;
mod regional;
mod registration;
mod rehearsal;
mod replay;
mod review;
mod rules;
mod search;
mod shadow;
mod staging;
mod training;
mod undo;
mod urgency;
mod verify;
mod what_if;

pub use continuation::{FirstPage, NextPage, Page};
pub use crossref::{CrossReference, ShownRecord};
pub use domains::{DomainState, DomainView, Domains};
pub use doubts::{Contradiction, Doubts, WeakBridge};
pub use erase::Erased;
pub use error::{Failure, Place, Reason, Refusal};
pub use explain::{ExplainedRecord, PairView, Whole, Word};
pub use feed::{FeedCommand, FeedOutcome, Remark};
pub use import::{Entry, Flowed, Portion, Reached, Taken};
pub use intake::{Intake, Settled};
pub use merge::MergeCommand;
pub use model::Activated;
pub use operations::{Objection, OperationView};
pub use outbox::{Audience, DeadLetter, Notification, Pace, SubscriberView, Subscription, Telling, Trouble, Turn};
pub use past::{HeldLink, HeldPerson};
pub use person::{PersonView, RecordView};
pub use refiling::Refiled;
pub use registration::Registered;
pub use replay::{Change, ReplayError, Replayed};
pub use review::{ReviewView, ReviewedNow, Verdict as ReviewVerdict};
pub use search::{FoundPerson, SearchAnswer, Source};
pub use shadow::ShadowNote;
pub use staging::{Announcement, DomainReport, Staged};
pub use training::{JudgedPair, TrainingRecords};
pub use urgency::Urgency;
pub use verify::Finding;
pub use what_if::{Asked, Difference, Fate, Moment, Rule, Sample, WhatIf};

use crate::access::{Policy, Principal};
use crate::audit::{Action, AuditEvent, AuditOutcome};
use crate::clock::Clock;
use crate::identity::{DomainKey, Oid, PersonId, RecordId};
use crate::matching::{self, Model, NamePolicy};
use crate::metrics::Count;
pub use crate::store::InboxRow as JournalRow;
pub use crate::store::Load;
use crate::store::{Store, Transaction};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

/// Whether the registry links by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linking {
    /// Above the threshold it links.
    Automatic,
    /// A steward decides every link.
    Propose,
}

/// What becomes of identifiers outside the domains that a sender may assert (decision 13).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForeignIdentifiers {
    /// Kept as evidence, never answered, acknowledged with a warning.
    Hint,
    /// The message is refused.
    Refuse,
}

/// What becomes of an identifier that is suddenly another person (decision 15).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overlay {
    /// Decided anew, like any other change, and a steward is asked.
    Relink,
    /// Neither answered nor compared until a steward has decided.
    Quarantine,
}

/// When a person gets a regional ID (decision 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Issue {
    /// With the first record.
    OnFeed,
    /// When somebody registers the person with the network.
    OnRegistration,
}

/// A domain as the configuration states it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainSettings {
    /// The key that stays.
    pub key: DomainKey,
    /// Its OID today.
    pub oid: Oid,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The facility code.
    pub facility: String,
    /// Whether the authority vouches for one identifier a person.
    pub one_identifier_per_person: bool,
}

/// The authority under which persons get their regional ID, and the form of that ID (decision 9).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegionalSettings {
    /// OID of the regional authority.
    pub oid: Oid,
    /// Its namespace.
    pub namespace: String,
    /// What each ID begins with.
    pub prefix: String,
    /// Digits between the prefix and the check digit, 6 to 17.
    pub digits: u8,
    /// When it is issued.
    pub issue: Issue,
}

/// The rules of one network.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Who may do what.
    pub policy: Policy,
    /// Whether to link by itself.
    pub linking: Linking,
    /// What to do with foreign identifiers.
    pub foreign_identifiers: ForeignIdentifiers,
    /// What to do when an identifier is suddenly another person.
    pub overlay: Overlay,
    /// Whether the answer to a question waits until its audit row is committed (decision 4).
    pub audit_wait: bool,
    /// How names are searched.
    pub names: NamePolicy,
    /// Most patients of one answer; more is refused with advice.
    pub search_limit: u32,
    /// For how long further pages of an answer can be asked for.
    pub search_kept_seconds: u32,
    /// The regional authority.
    pub regional: RegionalSettings,
    /// The domains to add or alter in the store at start.
    pub domains: Vec<DomainSettings>,
    /// The model that decides; the size of the base that it names is the least that is assumed.
    pub model: Model,
}

/// The registry: one value for each process, shared by all its channels.
#[derive(Clone)]
pub struct Registry(Arc<Inner>);

/// Wakes somebody; whether that one is still there.
type Watcher = Box<dyn Fn() -> bool + Send + Sync>;

struct Inner {
    store: Store,
    settings: Settings,
    clock: Clock,
    domains: Domains,
    regional: regional::Issuer,
    population: population::Population,
    /// Whether the rules are journalled.
    ruled: AtomicBool,
    /// Whom to wake when there is something to tell.
    watchers: Mutex<Vec<Watcher>>,
    worth: rehearsal::Worth,
    shadow: shadow::Shadow,
}

impl Registry {
    /// Applies `settings` to the store (adds and alters domains, deletes none) and makes the registry over it.
    pub fn open(store: Store, settings: Settings, clock: Clock) -> Result<Self, Failure> {
        let domains = Domains::apply(&store, &settings, clock.micros())?;
        let regional = regional::Issuer::open(&store, &settings.regional, &clock)?;
        let registry = Self::over(store, settings, clock, domains, regional)?;
        registry.stamp_filing()?;
        Ok(registry)
    }

    /// The registry over a store that is only looked at: what changes anything fails there.
    pub fn look(store: Store, settings: Settings, clock: Clock) -> Result<Self, Failure> {
        let domains = Domains::look(&store, &settings)?;
        let regional = regional::Issuer::look(&store, &settings.regional)?;
        Self::over(store, settings, clock, domains, regional)
    }

    fn over(
        store: Store,
        settings: Settings,
        clock: Clock,
        domains: Domains,
        regional: regional::Issuer,
    ) -> Result<Self, Failure> {
        let records = store.read(|tx| -> Result<i64, Failure> { Ok(tx.records_count()?) })?;
        let population = population::Population::new(&settings.model, records, clock.micros());
        let (ruled, worth, shadow) = (AtomicBool::new(false), rehearsal::Worth::new(), shadow::Shadow::default());
        let watchers = Mutex::default();
        let inner = Inner { store, settings, clock, domains, regional, population, ruled, watchers, worth, shadow };
        let registry = Self(Arc::new(inner));
        registry.refresh_model()?;
        Ok(registry)
    }

    /// Runs `work` in a write transaction; what it did is counted after the commit.
    fn write<T: Send + 'static>(
        &self,
        locks: Vec<i64>,
        mut work: impl FnMut(&mut Transaction<'_>) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let counted = move |tx: &mut Transaction<'_>| -> Result<(T, Vec<Count>, bool), Failure> {
            let done = work(tx)?;
            let tells = tx.tell_all()?;
            Ok((done, tx.take_counts(), tells))
        };
        let (done, counts, tells) = self.0.store.write(locks, counted)?;
        if tells {
            self.wake();
        }
        self.0.store.metrics().did(&counts);
        let added = counts.iter().filter(|count| **count == Count::Record).count();
        self.0.population.grew(i64::try_from(added).unwrap_or(i64::MAX));
        Ok(done)
    }

    /// The model to decide by, under the size of the base as it is known: the same for all decisions of one
    /// transaction, and for those of its replay.
    fn model(&self, tx: &mut Transaction<'_>) -> Result<Arc<Model>, Failure> {
        let (known, model) = self.0.population.model();
        let now = self.generation_now(tx)?;
        let generation = tx.draw_generation(now);
        let settings = model.settings();
        let population = tx.draw_population(settings.population);
        if generation == known && population == settings.population {
            return Ok(model);
        }
        let model = if generation == known { model.as_ref().clone() } else { self.model_of(tx, generation)? };
        if generation == now && generation > known {
            self.0.population.decides(generation, &model);
        }
        Ok(Arc::new(model.with_settings(matching::Settings { population, ..settings })))
    }

    /// From now on `watcher` is called whenever there is something to tell, until it says that nobody is there.
    pub fn when_told(&self, watcher: Watcher) {
        self.0.watchers.lock().unwrap_or_else(PoisonError::into_inner).push(watcher);
    }

    fn wake(&self) {
        self.0.watchers.lock().unwrap_or_else(PoisonError::into_inner).retain(|watcher| watcher());
    }

    /// A key that no row has yet; in a replay the one that was drawn.
    fn fresh(&self, tx: &mut Transaction<'_>) -> Result<i64, Failure> {
        Ok(tx.draw_key(|| self.0.store.fresh_id())?)
    }

    /// Counts the records again if that is due. A store that is too busy for it keeps the count that there is: no
    /// feed is refused for it.
    fn follow_growth(&self) {
        if self.0.population.is_due(self.0.clock.micros())
            && let Ok(records) = self.0.store.read(|tx| -> Result<i64, Failure> { Ok(tx.records_count()?) })
        {
            self.0.population.is_now(records);
        }
    }

    /// Sets the gauges that are read from the store, for whoever asks for metrics now.
    pub fn measure(&self) {
        let gauges = self.0.store.metrics().gauges();
        let open = self.0.store.read(|tx| -> Result<i64, Failure> { Ok(tx.reviews_open()?) });
        gauges.ready.set(i64::from(open.is_ok()));
        if let Ok(open) = open {
            gauges.review_queue.set(open);
        }
        gauges.records.set(self.0.population.records());
        // Where the store does not answer, `store_ready` says so; the gauges keep what was last known.
        let _ = self.0.store.read(|tx| self.measure_outbox(tx));
    }

    /// The network's rules.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// The domains as they stand.
    pub fn domains(&self) -> &Domains {
        &self.0.domains
    }

    /// The clock that this registry goes by.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// The store, for care of it (counts, backup); never for rules.
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// Whether a question is answered without waiting for another program, or for a commit.
    pub fn answers_at_once(&self) -> bool {
        self.0.store.is_embedded() && !self.0.settings.audit_wait
    }

    /// Whether what questions look up is in memory now.
    pub fn answers_from_memory(&self) -> bool {
        self.0.store.answers_from_memory()
    }

    /// Records a question in the audit trail: the row joins the next group commit, and a full queue refuses. Where
    /// the network wants it so, returns only after that commit.
    pub fn audit_query(
        &self,
        principal: &Principal,
        transaction: &'static str,
        message_id: &str,
        refused: Option<Reason>,
        touched: (Vec<RecordId>, Vec<PersonId>),
    ) -> Result<(), Failure> {
        let event = AuditEvent {
            transaction,
            principal: principal.key.clone(),
            action: Action::Execute,
            outcome: refused.map_or(AuditOutcome::Success, Reason::audit_outcome),
            reason: refused.map(|r| r.word().to_owned()).unwrap_or_default(),
            message_id: message_id.to_owned(),
            records: touched.0,
            persons: touched.1,
        };
        if let Some(reason) = refused {
            self.0.store.metrics().refusal(transaction, reason.word());
        }
        let (now, id) = (self.0.clock.micros(), self.0.store.fresh_id());
        if self.0.settings.audit_wait {
            return self.0.store.write(Vec::new(), move |tx| Ok(tx.audit_insert(&event, id, now)?));
        }
        Ok(self.0.store.enqueue_audit(event, now)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::Place;

    fn settings() -> Settings {
        let regional = RegionalSettings {
            oid: Oid::parse("2.999.1").unwrap(),
            namespace: "R".to_owned(),
            prefix: String::new(),
            digits: 9,
            issue: Issue::OnFeed,
        };
        Settings {
            policy: Policy::Open,
            linking: Linking::Automatic,
            foreign_identifiers: ForeignIdentifiers::Hint,
            overlay: Overlay::Relink,
            audit_wait: false,
            names: NamePolicy::Similar,
            search_limit: 200,
            search_kept_seconds: 600,
            regional,
            domains: Vec::new(),
            model: Model::japanese(),
        }
    }

    #[test]
    fn only_what_is_committed_is_counted() {
        for place in Place::each() {
            let clock = Clock::system();
            let registry = Registry::open(place.open(&clock).unwrap(), settings(), clock).unwrap();
            let unlink = |fails: bool| {
                registry.write(Vec::new(), move |tx| {
                    tx.did(Count::Unlinked);
                    if fails { Err(Failure::Corrupt("as the test wants it")) } else { Ok(()) }
                })
            };
            assert!(unlink(true).is_err());
            assert!(registry.store().metrics().render().contains("nayose_unlinked_total 0\n"));
            unlink(false).unwrap();
            assert!(registry.store().metrics().render().contains("nayose_unlinked_total 1\n"));
        }
    }
}
