//! One message, one transaction: what came in, and the answer that a repeat gets again (decisions 1 to 3).

use super::error::{Place, Reason, Refusal};
use super::{Failure, FeedOutcome, Registry};
use crate::access::Principal;
use crate::audit::{Action, AuditEvent};
use crate::identity::{PersonId, RecordId};
use crate::planted::{self, Bug};
use crate::store::{InboxRow, Transaction};
use siphasher::sip::SipHasher13;
use std::hash::{Hash, Hasher};

/// A repeat is known for this long, in microseconds: 30 days.
pub(super) const REPEAT_WINDOW_MICROS: i64 = 30 * 24 * 3_600 * 1_000_000;

/// A message that changes something, as it came in.
#[derive(Clone)]
pub struct Intake {
    /// Who sent it.
    pub principal: Principal,
    /// `ITI-44` ...
    pub transaction: &'static str,
    /// What it does, for the audit trail.
    pub action: Action,
    /// Its id, root and extension joined by `^`.
    pub message_id: String,
    /// Hash of the payload without its envelope, in hexadecimal.
    pub payload_hash: String,
    /// The payload.
    pub payload: Vec<u8>,
    /// The id that the reply will carry.
    pub reply_id: String,
    /// When it came in: also the reply's time, so that a repeat gets the same bytes.
    pub received: i64,
}

/// The outcome together with the identity of the reply that tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// What happened.
    pub outcome: FeedOutcome,
    /// The reply's id, the first reply's for a repeat.
    pub reply_id: String,
    /// The reply's time, likewise.
    pub reply_time: i64,
    /// Whether this was a repeat.
    pub repeated: bool,
}

/// What an effect touched, for its audit row.
#[derive(Clone, Default)]
pub(super) struct Touched {
    pub records: Vec<RecordId>,
    pub persons: Vec<PersonId>,
}

/// A stable 64-bit hash of texts, for keys in the store.
pub(super) fn stable_key(parts: &[&str]) -> i64 {
    let mut hasher = SipHasher13::new_with_keys(0x6e61_796f, 0x7365_0001);
    for part in parts {
        part.hash(&mut hasher);
    }
    i64::from_ne_bytes(hasher.finish().to_ne_bytes())
}

impl Registry {
    /// Journals `intake`, lets `effect` act, and commits both with outcome and audit row; a repeat gets the
    /// stored outcome and acts not again. `locks` are what the effect contends for (decision 6).
    pub(super) fn settle<F>(&self, intake: &Intake, mut locks: Vec<i64>, effect: F) -> Result<Settled, Failure>
    where
        F: Fn(&Registry, &mut Transaction<'_>, i64, &mut Touched) -> Result<Result<FeedOutcome, Refusal>, Failure>
            + Send
            + Sync
            + 'static,
    {
        self.journal_rules()?;
        let message_key = stable_key(&[&intake.principal.key, &intake.message_id]);
        locks.push(message_key);
        let (registry, taken) = (self.clone(), intake.clone());
        let attempt = self.write(locks.clone(), move |tx| registry.settle_in(tx, &taken, message_key, &effect));
        let settled = match attempt {
            Err(failure) if failure.reason() == Some(Reason::Defect) => {
                log::error!("a message failed and was rolled back: {failure}{}", sources(&failure));
                self.settle_defect(intake, message_key, locks)
            }
            settled => settled,
        }?;
        self.count_feed(intake.transaction, &settled);
        Ok(settled)
    }

    fn count_feed(&self, transaction: &'static str, settled: &Settled) {
        let metrics = self.0.store.metrics();
        match settled.outcome.refusal {
            _ if settled.repeated => metrics.feed("repeated"),
            None => metrics.feed("accepted"),
            Some(refusal) => {
                metrics.feed("refused");
                metrics.refusal(transaction, refusal.reason.word());
            }
        }
    }

    fn settle_in<F>(
        &self,
        tx: &mut Transaction<'_>,
        intake: &Intake,
        message_key: i64,
        effect: &F,
    ) -> Result<Settled, Failure>
    where
        F: Fn(&Registry, &mut Transaction<'_>, i64, &mut Touched) -> Result<Result<FeedOutcome, Refusal>, Failure>,
    {
        let mut earlier = tx.inbox_find(message_key, &intake.principal.key, &intake.message_id)?;
        if planted::has(Bug::NoDedupe) {
            earlier.clear();
        }
        let fresh = |row: &&InboxRow| row.received > intake.received - REPEAT_WINDOW_MICROS;
        if let Some(row) = earlier.iter().filter(fresh).find(|row| row.payload_hash == intake.payload_hash) {
            let outcome = FeedOutcome::from_text(&row.outcome)?;
            let mut settled =
                Settled { outcome, reply_id: row.reply_id.clone(), reply_time: row.received, repeated: true };
            if planted::has(Bug::FreshReplyForRepeat) {
                settled.reply_id.clone_from(&intake.reply_id);
            }
            self.audit_feed(tx, intake, &settled.outcome, Touched::default())?;
            return Ok(settled);
        }
        let inbox_id = self.fresh(tx)?;
        tx.inbox_insert(&inbox_row(intake, message_key, inbox_id))?;
        let mut touched = Touched::default();
        let result = if earlier.iter().any(|row| fresh(&row)) {
            Err(Refusal::new(Reason::MessageIdReused, Place::Message))
        } else if self.0.settings.policy.knows(&intake.principal) {
            effect(self, tx, inbox_id, &mut touched)?
        } else {
            Err(Refusal::new(Reason::UnknownSender, Place::Sender))
        };
        let outcome = result.unwrap_or_else(FeedOutcome::refused);
        self.audit_feed(tx, intake, &outcome, touched)?;
        tx.inbox_settle(message_key, inbox_id, &outcome.to_text()?)?;
        Ok(Settled { outcome, reply_id: intake.reply_id.clone(), reply_time: intake.received, repeated: false })
    }

    /// Keeps the bytes of a message that we could not process, with the refusal as its outcome.
    fn settle_defect(&self, intake: &Intake, message_key: i64, locks: Vec<i64>) -> Result<Settled, Failure> {
        let (registry, taken) = (self.clone(), intake.clone());
        self.write(locks, move |tx| {
            let refuse = |_: &Registry, _: &mut Transaction<'_>, _: i64, _: &mut Touched| {
                if planted::has(Bug::RefusalAccepted) {
                    return Ok(Ok(FeedOutcome::accepted(Vec::new())));
                }
                Ok(Err(Refusal::new(Reason::Defect, Place::Message)))
            };
            registry.settle_in(tx, &taken, message_key, &refuse)
        })
    }

    pub(super) fn audit_feed(
        &self,
        tx: &mut Transaction<'_>,
        intake: &Intake,
        outcome: &FeedOutcome,
        touched: Touched,
    ) -> Result<(), Failure> {
        let refused = outcome.refusal.map(|refusal| refusal.reason);
        let event = AuditEvent {
            transaction: intake.transaction,
            principal: intake.principal.key.clone(),
            action: intake.action,
            outcome: refused.map_or(crate::audit::AuditOutcome::Success, Reason::audit_outcome),
            reason: refused.map(|r| r.word().to_owned()).unwrap_or_default(),
            message_id: intake.message_id.clone(),
            records: touched.records,
            persons: touched.persons,
        };
        let id = self.fresh(tx)?;
        Ok(tx.audit_insert(&event, id, intake.received)?)
    }

    /// Journals and audits a message that its language could not use; the reply says why.
    pub fn unusable(&self, intake: &Intake) -> Result<Settled, Failure> {
        self.settle(intake, Vec::new(), |_, _, _, _| Ok(Err(Refusal::new(Reason::Unusable, Place::Message))))
    }
}

pub(super) fn inbox_row(intake: &Intake, message_key: i64, id: i64) -> InboxRow {
    InboxRow {
        message_key,
        id,
        principal: intake.principal.key.clone(),
        message_id: intake.message_id.clone(),
        transaction_name: intake.transaction.to_owned(),
        payload_hash: intake.payload_hash.clone(),
        payload: intake.payload.clone(),
        received: intake.received,
        reply_id: intake.reply_id.clone(),
        outcome: String::new(),
        seq: None,
        drawn: None,
    }
}

/// The chain of causes, for our own log.
fn sources(failure: &Failure) -> String {
    let mut text = String::new();
    let mut cause = std::error::Error::source(failure);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
