//! Who is told of what, and what must be told anew because that has changed.

use super::super::domains::REGIONAL_KEY;
use super::super::{Announcement, Failure, Registry};
use crate::access::{Permission, Principal};
use crate::identity::{AssigningAuthority, DomainKey};
use crate::store::{SubscriberRow, Transaction};

/// What kind of listener a subscriber is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Audience {
    /// It is told which identifiers a patient has now (ITI-46).
    #[default]
    Consumer,
    /// A document registry: it is told of the regional authority's identifiers alone, as a source tells of patients
    /// (ITI-44).
    Registry,
}

/// Who is told of what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subscription {
    /// The key of the system that is told.
    pub system: String,
    /// The domains that it is told about, the regional one by its own key; all where empty.
    pub domains: Vec<DomainKey>,
    /// As what it listens.
    pub audience: Audience,
    /// Whether it is told first of all that there is, when it is new.
    pub snapshot: bool,
}

impl Registry {
    /// From now on these are told, and nobody else. Who is new is told of what happens from now on.
    pub fn subscribe(&self, subscriptions: &[Subscription]) -> Result<(), Failure> {
        let subscriptions = subscriptions.to_vec();
        let known = self.0.store.read(|tx| -> Result<_, Failure> { Ok(tx.subscribers()?) })?;
        if known.is_empty() && subscriptions.is_empty() {
            return Ok(());
        }
        let registry = self.clone();
        self.write(Vec::new(), move |tx| {
            for one in &subscriptions {
                registry.subscribe_one(tx, one)?;
            }
            for row in tx.subscribers()? {
                if !subscriptions.iter().any(|one| one.system == row.name) {
                    tx.subscriber_off(&row.name)?;
                }
            }
            Ok(())
        })
    }

    /// One of them. Where it may be shown more domains than when that was noted last, or fewer, what it knows of the
    /// persons there is no longer so: it is told anew (decision 21).
    fn subscribe_one(&self, tx: &mut Transaction<'_>, one: &Subscription) -> Result<(), Failure> {
        let known = tx.subscriber(&one.system)?;
        let domains: Vec<&str> = one.domains.iter().map(|domain| domain.0.as_str()).collect();
        let audience = match one.audience {
            Audience::Consumer => "consumer",
            Audience::Registry => REGISTRY,
        };
        tx.subscriber_on(&one.system, &domains.join(" "), audience)?;
        if !self.0.store.has_many_writers() {
            // No other process can be telling it: whoever held it is gone.
            tx.subscriber_free(&one.system)?;
        }
        let is_new = known.is_none();
        let Some(row) = tx.subscriber(&one.system)? else { return Ok(()) };
        self.show_anew(tx, &row, is_new && one.snapshot)
    }

    /// What each subscriber may be shown has changed, or may have: whom that concerns is told anew, or it is only noted.
    /// Where the process ends before that, the next start finds the difference, and tells of it even if it was to be silent.
    pub(in super::super) fn shown_otherwise(&self, announcement: Announcement) -> Result<(), Failure> {
        let registry = self.clone();
        self.write(Vec::new(), move |tx| {
            for row in tx.subscribers()?.into_iter().filter(|row| row.state == "on") {
                match announcement {
                    Announcement::Snapshot => registry.show_anew(tx, &row, false)?,
                    Announcement::Silence => {
                        let shown = registry.keys_shown_to(&row).join(" ");
                        tx.subscriber_shown(&row.name, &shown, row.snapshot.as_deref())?;
                    }
                }
            }
            Ok(())
        })?;
        self.wake();
        Ok(())
    }

    /// Notes what a subscriber may be shown now, and of which domains it is to be told anew: of those that came or
    /// went since it was noted last, or of `all`.
    fn show_anew(&self, tx: &mut Transaction<'_>, row: &SubscriberRow, all: bool) -> Result<(), Failure> {
        let shown = self.keys_shown_to(row);
        let before: Option<Vec<&str>> = row.shown.as_deref().map(|before| before.split_whitespace().collect());
        let gone = before.iter().flatten().copied().filter(|domain| !shown.contains(domain));
        let come =
            shown.iter().copied().filter(|domain| before.as_ref().map_or(all, |before| !before.contains(domain)));
        let mut differs: Vec<&str> = Vec::new();
        for domain in gone.chain(come) {
            // Of one that nobody has an identifier in there is nothing to tell.
            if domain == REGIONAL_KEY || tx.domain_is_used(domain)? {
                differs.push(domain);
            }
        }
        // What was not told anew to the end is told from the beginning.
        let unfinished = row.snapshot.as_deref().filter(|_| !differs.is_empty());
        let anew: Vec<&str> = unfinished.iter().flat_map(|domains| domains.split_whitespace()).chain(differs).collect();
        let anew = (!anew.is_empty()).then(|| anew.join(" "));
        Ok(tx.subscriber_shown(&row.name, &shown.join(" "), anew.as_deref())?)
    }

    /// The keys of the domains of which a subscriber is told.
    pub(super) fn keys_shown_to(&self, row: &SubscriberRow) -> Vec<&str> {
        self.shown_to(row).into_iter().map(|authority| authority.key.0.as_str()).collect()
    }

    /// The authorities of which a subscriber is told: those that it watches, may see, and may be told of. A document
    /// registry holds the regional authority's identifiers, and no others.
    pub(super) fn shown_to(&self, row: &SubscriberRow) -> Vec<&AssigningAuthority> {
        let principal = Principal::system(&row.name);
        let watches = |authority: &AssigningAuthority| match is_registry(row) {
            true => authority.key.0 == REGIONAL_KEY,
            false => row.domains.is_empty() || row.domains.split_whitespace().any(|key| key == authority.key.0),
        };
        let allowed = |authority: &AssigningAuthority| {
            [Permission::See, Permission::Notify]
                .iter()
                .all(|permission| self.allows(&principal, *permission, &authority.key))
        };
        self.0
            .domains
            .with_regional()
            .into_iter()
            .filter(|authority| watches(authority) && allowed(authority))
            .collect()
    }
}

/// Whether a subscriber is a document registry.
pub(super) fn is_registry(row: &SubscriberRow) -> bool {
    row.audience.as_deref() == Some(REGISTRY)
}

/// The kind of a document registry. A word of the store: it never changes.
const REGISTRY: &str = "registry";
