//! What people do to the registry that no message says: stewards' decisions, registrations. It is journalled like a
//! message, so that a replay can do it again.

use super::intake::{Touched, stable_key};
use super::review::Verdict;
use super::{Failure, FeedOutcome, Registry};
use crate::audit::{Action, AuditEvent, AuditOutcome};
use crate::store::{InboxRow, Transaction};
use serde::{Deserialize, Serialize};

/// An act. Its form is kept in the journal: it only ever grows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Act {
    /// A steward decides a review.
    Decide { review: i64, verdict: Verdict, reason: String },
    /// Somebody registers a person with the network.
    Register { person: i64 },
    /// A steward says that `record` is of the person of `other`.
    Link { record: i64, other: i64, reason: String },
    /// A steward says that `record` is nobody's who is known.
    Unlink { record: i64, reason: String },
    /// A steward says that two persons are one: that of `record` stays.
    Merge { record: i64, other: i64, reason: String },
    /// A steward says that these records of one person are another one's.
    Split { records: Vec<i64>, reason: String },
    /// What a steward did is undone.
    Undo { operation: i64, reason: String },
    /// All values of a person are erased: those of its records then.
    Erase { person: i64, records: Vec<i64>, reason: String },
    /// What a file says of a patient is taken in.
    Import { authority: String, value: Hidden, said: Hidden, done: Option<(String, u64)> },
    /// A domain is staged, goes live or retires; with `snapshot` subscribers hear of everybody in it.
    DomainState { domain: String, state: String, snapshot: bool },
}

/// Text of a patient that no `Debug` shows.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Hidden(pub String);

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

/// The name of an import in journal and audit trail. A word of the store: it never changes.
pub(super) const IMPORT: &str = "import";

impl Act {
    /// Its name in journal and audit trail.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Act::Decide { .. } => "review decide",
            Act::Register { .. } => "person register",
            Act::Link { .. } => "person link",
            Act::Unlink { .. } => "person unlink",
            Act::Merge { .. } => "person merge",
            Act::Split { .. } => "person split",
            Act::Undo { .. } => "person undo",
            Act::Erase { .. } => "person erase",
            Act::Import { .. } => IMPORT,
            Act::DomainState { .. } => "domain state",
        }
    }

    /// The act without what somebody wrote in words; none where nothing is left of it.
    pub(super) fn without_words(self) -> Option<Self> {
        let none = String::new();
        Some(match self {
            Act::Decide { review, verdict, .. } => Act::Decide { review, verdict, reason: none },
            Act::Register { person } => Act::Register { person },
            Act::Link { record, other, .. } => Act::Link { record, other, reason: none },
            Act::Unlink { record, .. } => Act::Unlink { record, reason: none },
            Act::Merge { record, other, .. } => Act::Merge { record, other, reason: none },
            Act::Split { records, .. } => Act::Split { records, reason: none },
            Act::Undo { operation, .. } => Act::Undo { operation, reason: none },
            Act::Erase { person, records, .. } => Act::Erase { person, records, reason: none },
            Act::DomainState { domain, state, snapshot } => Act::DomainState { domain, state, snapshot },
            Act::Import { .. } => return None,
        })
    }
}

impl Journalled {
    /// The key of its journal row.
    pub(super) fn id(&self) -> i64 {
        self.row.id
    }
}

/// An act whose journal row is written and not settled yet.
pub(super) struct Journalled {
    name: &'static str,
    row: InboxRow,
}

impl Registry {
    /// Writes the journal row of `act`: the first statement of its effect.
    pub(super) fn journal_act(
        &self,
        tx: &mut Transaction<'_>,
        actor: &str,
        time: i64,
        act: &Act,
    ) -> Result<Journalled, Failure> {
        let payload = serde_json::to_vec(act).map_err(|_| Failure::Corrupt("an act"))?;
        self.journal_own(tx, act.name(), actor, time, payload)
    }

    /// Writes a journal row that is our own: it has no reply.
    pub(super) fn journal_own(
        &self,
        tx: &mut Transaction<'_>,
        name: &'static str,
        actor: &str,
        time: i64,
        payload: Vec<u8>,
    ) -> Result<Journalled, Failure> {
        let id = self.fresh(tx)?;
        let message_id = format!("act:{id}");
        let row = InboxRow {
            message_key: stable_key(&[actor, &message_id]),
            id,
            principal: actor.to_owned(),
            message_id,
            transaction_name: name.to_owned(),
            payload_hash: String::new(),
            payload,
            received: time,
            reply_id: String::new(),
            outcome: String::new(),
            seq: None,
            drawn: None,
        };
        tx.inbox_insert(&row)?;
        Ok(Journalled { name, row })
    }

    /// Audits and settles it: the last statements of its effect.
    pub(super) fn act_done(
        &self,
        tx: &mut Transaction<'_>,
        journalled: &Journalled,
        action: Action,
        touched: Touched,
    ) -> Result<(), Failure> {
        let row = &journalled.row;
        let event = AuditEvent {
            transaction: journalled.name,
            principal: row.principal.clone(),
            action,
            outcome: AuditOutcome::Success,
            reason: String::new(),
            message_id: row.message_id.clone(),
            records: touched.records,
            persons: touched.persons,
        };
        let id = self.fresh(tx)?;
        tx.audit_insert(&event, id, row.received)?;
        let outcome = FeedOutcome { refusal: None, remarks: Vec::new() };
        Ok(tx.inbox_settle(row.message_key, row.id, &outcome.to_text()?)?)
    }
}
