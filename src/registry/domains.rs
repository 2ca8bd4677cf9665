//! The domains of the network by key and by OID. The configuration adds and alters; the store is the truth.

use super::staging::Announcement;
use super::{DomainSettings, Failure, Registry, Settings};
use crate::access::{Permission, Principal};
use crate::audit::{Action, AuditEvent, AuditOutcome};
use crate::identity::{AssigningAuthority, DomainKey, Oid};
use crate::store::{DomainRow, Store, Transaction};
use std::collections::HashMap;
use std::str::FromStr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// The key of the regional authority among the domains, for grants.
pub const REGIONAL_KEY: &str = "regional";

/// All domains as they stand.
#[derive(Clone, Debug)]
pub struct Domains {
    by_oid: HashMap<Oid, DomainKey>,
    by_key: HashMap<DomainKey, AssigningAuthority>,
    regional: AssigningAuthority,
    states: Arc<RwLock<HashMap<DomainKey, DomainState>>>,
    /// When the states were read last.
    read_at: Arc<AtomicI64>,
}

/// How long a process may act by states that another process has changed, in microseconds.
const STATES_KEPT: i64 = 1_000_000;

/// What becomes of what a domain says, and whether it is told (decision 17).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DomainState {
    /// It is taken in and compared, and neither answered nor told to anybody.
    Staged,
    /// It is taken in, answered and told.
    Live,
    /// Nothing more is taken in; what it said is answered and told as before.
    Retired,
}

impl DomainState {
    /// The word of the store and of the commands; it never changes.
    pub fn word(self) -> &'static str {
        match self {
            DomainState::Staged => "staged",
            DomainState::Live => "live",
            DomainState::Retired => "retired",
        }
    }

    fn serves(self, permission: Permission) -> bool {
        let feeds = matches!(permission, Permission::Assert | Permission::UpdateDemographics | Permission::Merge);
        match self {
            DomainState::Staged => feeds,
            DomainState::Live => true,
            DomainState::Retired => !feeds,
        }
    }
}

impl FromStr for DomainState {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let all = [DomainState::Staged, DomainState::Live, DomainState::Retired];
        all.into_iter().find(|state| state.word() == text).ok_or(())
    }
}

/// A domain as operators see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainView {
    /// What it is.
    pub settings: DomainSettings,
    /// Its state.
    pub state: DomainState,
    /// Whether the configuration names it; else only the store does.
    pub configured: bool,
    /// Whether this process knows it; one that was added since is served after the next start.
    pub served: bool,
}

impl Domains {
    /// Writes what the configuration states, then reads what holds.
    pub(super) fn apply(store: &Store, settings: &Settings, now: i64) -> Result<Self, Failure> {
        let stated: Vec<DomainRow> = settings.domains.iter().map(domain_row).collect();
        let rows = store.write(Vec::new(), move |tx| -> Result<Vec<DomainRow>, Failure> {
            for row in &stated {
                tx.domain_put(row, now)?;
            }
            Ok(tx.domains()?)
        })?;
        Self::of(rows, settings)
    }

    /// What holds in a store that is only looked at.
    pub(super) fn look(store: &Store, settings: &Settings) -> Result<Self, Failure> {
        let rows = store.read(|tx| -> Result<Vec<DomainRow>, Failure> { Ok(tx.domains()?) })?;
        Self::of(rows, settings)
    }

    fn of(rows: Vec<DomainRow>, settings: &Settings) -> Result<Self, Failure> {
        let regional = AssigningAuthority {
            key: DomainKey(REGIONAL_KEY.to_owned()),
            oid: settings.regional.oid.clone(),
            namespace: settings.regional.namespace.clone(),
            name: String::new(),
        };
        let (mut states, mut domains) = (
            HashMap::new(),
            Self {
                by_oid: HashMap::new(),
                by_key: HashMap::new(),
                regional,
                states: Arc::default(),
                read_at: Arc::default(),
            },
        );
        for row in rows {
            let oid = Oid::parse(&row.oid).map_err(|_| Failure::Corrupt("a domain's OID"))?;
            let key = DomainKey(row.key);
            states.insert(key.clone(), row.state.parse().map_err(|()| Failure::Corrupt("a domain's state"))?);
            let authority =
                AssigningAuthority { key: key.clone(), oid: oid.clone(), namespace: row.namespace, name: row.name };
            domains.by_oid.insert(oid, key.clone());
            domains.by_key.insert(key, authority);
        }
        *domains.states.write().unwrap_or_else(PoisonError::into_inner) = states;
        Ok(domains)
    }

    /// Whether the state of a domain lets this be done with it.
    pub(super) fn serves(&self, permission: Permission, key: &DomainKey) -> bool {
        let states = self.states.read().unwrap_or_else(PoisonError::into_inner);
        states.get(key).is_none_or(|state| state.serves(permission))
    }

    /// Whether a domain is staged.
    pub(super) fn is_staged(&self, key: &str) -> bool {
        let states = self.states.read().unwrap_or_else(PoisonError::into_inner);
        states.get(&DomainKey(key.to_owned())) == Some(&DomainState::Staged)
    }

    /// Whether any domain is staged.
    pub(super) fn has_staged(&self) -> bool {
        let states = self.states.read().unwrap_or_else(PoisonError::into_inner);
        states.values().any(|state| *state == DomainState::Staged)
    }

    /// From now on this process acts by this state of a domain.
    pub(super) fn became(&self, key: &str, state: DomainState) {
        let mut states = self.states.write().unwrap_or_else(PoisonError::into_inner);
        states.insert(DomainKey(key.to_owned()), state);
    }

    /// And by the states of these.
    pub(super) fn learn(&self, rows: &[DomainRow]) -> Result<(), Failure> {
        let mut states = self.states.write().unwrap_or_else(PoisonError::into_inner);
        for row in rows {
            let state = row.state.parse().map_err(|()| Failure::Corrupt("a domain's state"))?;
            states.insert(DomainKey(row.key.clone()), state);
        }
        Ok(())
    }

    /// Whether the states are to be read again; says so to one caller.
    pub(super) fn is_due(&self, now: i64) -> bool {
        let read_at = self.read_at.load(Ordering::Relaxed);
        now.saturating_sub(read_at) >= STATES_KEPT
            && self.read_at.compare_exchange(read_at, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// The domain with this OID today; the regional authority is none.
    pub fn by_oid(&self, oid: &Oid) -> Option<&AssigningAuthority> {
        self.by_oid.get(oid).and_then(|key| self.by_key.get(key))
    }

    /// The domain with this key.
    pub fn by_key(&self, key: &str) -> Option<&AssigningAuthority> {
        self.by_key.get(&DomainKey(key.to_owned()))
    }

    /// All of them by key, the regional authority the last.
    pub fn with_regional(&self) -> Vec<&AssigningAuthority> {
        let mut all: Vec<&AssigningAuthority> = self.by_key.values().collect();
        all.sort_by(|left, right| left.key.0.cmp(&right.key.0));
        all.push(&self.regional);
        all
    }

    /// All of them but the regional authority, in no order.
    pub fn all(&self) -> impl Iterator<Item = &AssigningAuthority> {
        self.by_key.values()
    }

    /// The keys of all domains, in order.
    pub fn keys(&self) -> impl Iterator<Item = &DomainKey> {
        let mut keys: Vec<&DomainKey> = self.by_key.keys().collect();
        keys.sort();
        keys.into_iter()
    }

    /// The regional authority.
    pub fn regional(&self) -> &AssigningAuthority {
        &self.regional
    }

    /// Whether `oid` is the regional authority's.
    pub fn is_regional(&self, oid: &Oid) -> bool {
        *oid == self.regional.oid
    }
}

impl Registry {
    /// Whether `principal` may do `permission` with a domain: by what is granted, and by the domain's state.
    pub(super) fn allows(&self, principal: &Principal, permission: Permission, domain: &DomainKey) -> bool {
        self.0.settings.policy.allows(principal, permission, domain) && self.0.domains.serves(permission, domain)
    }

    /// Every domain of the store by key, as it holds now.
    pub fn domain_views(&self) -> Result<Vec<DomainView>, Failure> {
        let rows = self.0.store.read(|tx| -> Result<Vec<DomainRow>, Failure> { Ok(tx.domains()?) })?;
        rows.into_iter().map(|row| self.domain_view(row)).collect()
    }

    fn domain_view(&self, row: DomainRow) -> Result<DomainView, Failure> {
        let settings = DomainSettings {
            key: DomainKey(row.key),
            oid: Oid::parse(&row.oid).map_err(|_| Failure::Corrupt("a domain's OID"))?,
            namespace: row.namespace,
            name: row.name,
            facility: row.facility,
            one_identifier_per_person: row.one_identifier_per_person,
        };
        Ok(DomainView {
            state: row.state.parse().map_err(|()| Failure::Corrupt("a domain's state"))?,
            configured: self.0.settings.domains.iter().any(|stated| stated.key == settings.key),
            served: self.0.domains.by_key(&settings.key.0).is_some_and(|known| known.oid == settings.oid),
            settings,
        })
    }

    /// Adds a domain to the store, where neither its key nor its OID is taken; whether it was added. It is served after
    /// the next start.
    pub fn add_domain(&self, operator: &Principal, domain: &DomainSettings) -> Result<bool, Failure> {
        let (registry, actor, now) = (self.clone(), operator.key.clone(), self.0.clock.micros());
        let (row, regional) = (domain_row(domain), self.0.domains.regional().oid.to_string());
        self.write(Vec::new(), move |tx| {
            let taken = |known: &DomainRow| known.key == row.key || known.oid == row.oid;
            if row.key == REGIONAL_KEY || row.oid == regional || tx.domains()?.iter().any(taken) {
                return Ok(false);
            }
            tx.domain_put(&row, now)?;
            registry.audit_domain(tx, "domain add", &actor, now)?;
            Ok(true)
        })
    }

    /// Changes the state of a domain, and tells whom that concerns; whether there is one of this key.
    pub fn set_domain_state(&self, operator: &Principal, key: &str, state: DomainState) -> Result<bool, Failure> {
        self.change_domain_state(operator, key, state, Announcement::Snapshot)
    }

    fn audit_domain(&self, tx: &mut Transaction<'_>, what: &'static str, actor: &str, now: i64) -> Result<(), Failure> {
        let event = AuditEvent {
            transaction: what,
            principal: actor.to_owned(),
            action: Action::Update,
            outcome: AuditOutcome::Success,
            reason: String::new(),
            message_id: String::new(),
            records: Vec::new(),
            persons: Vec::new(),
        };
        let id = self.fresh(tx)?;
        Ok(tx.audit_insert(&event, id, now)?)
    }
}

fn domain_row(domain: &DomainSettings) -> DomainRow {
    DomainRow {
        key: domain.key.0.clone(),
        name: domain.name.clone(),
        facility: domain.facility.clone(),
        oid: domain.oid.to_string(),
        namespace: domain.namespace.clone(),
        one_identifier_per_person: domain.one_identifier_per_person,
        state: "live".to_owned(),
        regional: false,
    }
}
