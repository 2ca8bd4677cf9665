//! How long the journal is kept: as long as a replay or a repeat could need it, and as the network wants it.

use super::intake::{REPEAT_WINDOW_MICROS, stable_key};
use super::{Failure, Registry};
use crate::audit::{Action, AuditEvent, AuditOutcome};
use crate::store::JournalPlace;
use std::time::Duration;

/// Most messages and acts that one transaction drops: feeds beside it wait no longer than for one of their own.
const DROPPED_AT_ONCE: usize = 200;

impl Registry {
    /// Drops messages and acts from the journal that came in longer ago than `kept` and than any repeat is known, and
    /// that the last snapshot holds; some of them, and how many. Where no snapshot was noted nothing is dropped.
    pub fn journal_prune(&self, kept: Duration) -> Result<usize, Failure> {
        let Some(place) = self.0.store.journal_kept()? else { return Ok(0) };
        let kept = i64::try_from(kept.as_micros()).unwrap_or(i64::MAX).max(REPEAT_WINDOW_MICROS);
        let before = self.0.clock.micros().saturating_sub(kept);
        let registry = self.clone();
        let dropped = self.write(vec![stable_key(&["journal prune"])], move |tx| {
            let dropped = tx.journal_prune(place, before, DROPPED_AT_ONCE)?;
            if dropped > 0 {
                let id = registry.fresh(tx)?;
                tx.audit_insert(&dropping(place, dropped), id, registry.0.clock.micros())?;
            }
            Ok(dropped)
        })?;
        self.0.store.metrics().journal_dropped(dropped);
        Ok(dropped)
    }
}

fn dropping(place: JournalPlace, dropped: usize) -> AuditEvent {
    AuditEvent {
        transaction: "journal prune",
        principal: "nayose".to_owned(),
        action: Action::Delete,
        outcome: AuditOutcome::Success,
        reason: format!("{dropped} that the snapshot up to {place} holds"),
        message_id: String::new(),
        records: Vec::new(),
        persons: Vec::new(),
    }
}
