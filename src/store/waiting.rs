//! Audit rows of questions, which wait together for the next commit.
//!
//! Who asks puts its row here and goes; the writer takes all of them at once, and is woken for the first only: to be
//! woken for each costs who asks, and the writer, more than the rows do. It must never hold more rows than it was told.

use super::{StoreError, WaitingAudit};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The rows, shared by all who ask and the writer.
pub(super) struct Waiting {
    rows: Mutex<Vec<WaitingAudit>>,
    most: usize,
}

impl Waiting {
    pub(super) fn new(most: usize) -> Self {
        Self { rows: Mutex::default(), most }
    }

    /// Puts one more; whether it is the first, so that the writer has to be told. There may be no room.
    pub(super) fn put(&self, row: WaitingAudit) -> Result<bool, StoreError> {
        let mut rows = self.rows();
        if rows.len() >= self.most {
            return Err(StoreError::Busy);
        }
        rows.push(row);
        Ok(rows.len() == 1)
    }

    /// All of them, in the order in which they came.
    pub(super) fn take(&self) -> Vec<WaitingAudit> {
        std::mem::take(&mut *self.rows())
    }

    fn rows(&self) -> MutexGuard<'_, Vec<WaitingAudit>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{Action, AuditEvent, AuditOutcome};

    fn row(id: i64) -> WaitingAudit {
        let event = AuditEvent {
            transaction: "ITI-45",
            principal: "clinic".to_owned(),
            action: Action::Execute,
            outcome: AuditOutcome::Success,
            reason: String::new(),
            message_id: id.to_string(),
            records: Vec::new(),
            persons: Vec::new(),
        };
        WaitingAudit { event, id, time: 1 }
    }

    #[test]
    fn the_first_is_told_and_one_too_many_is_refused() {
        let waiting = Waiting::new(2);
        let put = |id| waiting.put(row(id));
        assert!(matches!(put(1), Ok(true)));
        assert!(matches!(put(2), Ok(false)));
        assert!(matches!(put(3), Err(StoreError::Busy)));
        assert_eq!(waiting.take().iter().map(|row| row.id).collect::<Vec<_>>(), [1, 2]);
        assert!(matches!(put(4), Ok(true)), "the writer has taken all, so it is told anew");
    }
}
