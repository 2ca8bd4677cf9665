//! From a snapshot and the journal after it to the persons and links that were: each message and act takes effect
//! again, in its place, with the keys and numbers that it drew.
//!
//! It must never come to anything else in silence: an effect that draws more or less than was drawn, or ends otherwise,
//! is undone and stops the replay. But where a person was erased, what that person's messages said is not there any more:
//! they are passed over, and what rested on them is done again as it can be without them, and counted.

use super::act::{Act, IMPORT};
use super::intake::{Intake, Touched, inbox_row};
use super::model::{CHANGES, ModelChange};
use super::rules::{RULES, differences};
use super::{Failure, FeedCommand, FeedOutcome, MergeCommand, Place, Reason, Refusal, Registry};
use crate::access::Principal;
use crate::audit::Action;
use crate::identity::PersonId;
use crate::store::{Drawn, InboxRow, StoreError, Transaction};
use std::fmt;

/// What a message says, as its language reads it.
pub enum Change {
    /// Add or revise.
    Feed(Action, Box<FeedCommand>),
    /// Merge.
    Merge(MergeCommand),
    /// Nothing that could have taken effect.
    Unusable(Action),
}

/// How far a replay came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Messages and acts that took effect again.
    pub done: u64,
    /// Those that the store had already.
    pub known: u64,
    /// Those whose content was erased: they are in the journal again, and nothing came of them.
    pub passed_over: u64,
    /// Those after such a one that came to something else for want of it.
    pub otherwise: u64,
}

/// Why a replay stopped.
#[derive(Debug)]
pub enum ReplayError {
    /// The store could not do it.
    Failure(Failure),
    /// Messages were dropped from the journal that this store never had: it came from an older snapshot.
    Gap,
    /// The journal goes on under other rules than this registry has.
    OtherRules {
        /// What differs.
        names: Vec<String>,
        /// Since when, microseconds.
        since: i64,
    },
    /// This message or act has no record of what it drew: it is older than that record.
    NotRecorded(i64),
    /// This message or act did not end as it did.
    Diverged(i64),
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReplayError::Failure(failure) => {
                let cause = std::error::Error::source(failure).map(|cause| format!(": {cause}"));
                write!(f, "{failure}{}", cause.unwrap_or_default())
            }
            ReplayError::OtherRules { names, .. } => write!(
                f,
                "the journal goes on under other rules ({}); give the configuration of then and run it again, it goes \
                 on from there",
                names.join(", ")
            ),
            ReplayError::Gap => f.write_str(
                "the journal begins after what this store has: restore a snapshot that is newer than the oldest message \
                 of the journal",
            ),
            ReplayError::NotRecorded(id) => write!(f, "message {id} is older than the record of what messages drew"),
            ReplayError::Diverged(id) => write!(f, "message {id} does not end as it did; nothing of it was kept"),
        }
    }
}

impl std::error::Error for ReplayError {}

impl From<Failure> for ReplayError {
    fn from(failure: Failure) -> Self {
        ReplayError::Failure(failure)
    }
}

impl From<StoreError> for ReplayError {
    fn from(error: StoreError) -> Self {
        ReplayError::Failure(error.into())
    }
}

impl Registry {
    /// Plays `journal`, in order of its places, into this store, which came from a snapshot; what the store has already
    /// is passed over. Where the journal is not `whole`, it must begin with what the store has. `read` says what a
    /// message says.
    pub fn replay(
        &self,
        journal: impl IntoIterator<Item = Result<InboxRow, StoreError>>,
        whole: bool,
        read: impl Fn(&InboxRow) -> Change,
    ) -> Result<Replayed, ReplayError> {
        let mut replayed = Replayed::default();
        for row in journal {
            let row = row?;
            let earlier = self.0.store.read(|tx| -> Result<Vec<InboxRow>, StoreError> {
                tx.inbox_find(row.message_key, &row.principal, &row.message_id)
            })?;
            if earlier.iter().any(|one| one.id == row.id) {
                replayed.known += 1;
                continue;
            }
            if !whole && replayed == Replayed::default() {
                return Err(ReplayError::Gap);
            }
            let drawn = row.drawn.as_deref().ok_or(ReplayError::NotRecorded(row.id))?;
            let drawn = Drawn::from_text(drawn)?;
            if is_erased(&row) {
                if replayed.passed_over == 0 {
                    // What comes to something else now may need numbers that were never issued.
                    self.pass_over_regional()?;
                }
                self.pass_over(row, drawn)?;
                replayed.passed_over += 1;
                continue;
            }
            match self.again(&row, &drawn, true, &read) {
                Err(error) if replayed.passed_over > 0 && is_otherwise(&error) => {
                    self.0.regional.prepare(&self.0.store)?;
                    if self.again(&row, &drawn, false, &read).is_err() {
                        self.pass_over(row, drawn)?;
                    }
                    replayed.otherwise += 1;
                }
                done => {
                    done?;
                    replayed.done += 1;
                }
            }
        }
        self.0.population.is_now(self.0.store.read(|tx| tx.records_count())?);
        Ok(replayed)
    }

    /// What was erased takes its place in the journal again, and has no other effect.
    fn pass_over(&self, row: InboxRow, drawn: Drawn) -> Result<(), ReplayError> {
        let registry = self.clone();
        self.0.store.write(Vec::new(), move |tx| {
            if let Some(last) = drawn.counters().iter().max() {
                tx.regional_reach(&registry.0.settings.regional.prefix, last + 1)?;
            }
            let outcome = FeedOutcome { refusal: None, remarks: Vec::new() };
            registry.audit_feed(tx, &intake_of(&row, Action::Delete), &outcome, Touched::default())?;
            Ok(tx.inbox_keep(&row)?)
        })
    }

    /// One message or act, in a transaction of its own; `exactly` as it was, or as it can be now.
    fn again(
        &self,
        row: &InboxRow,
        drawn: &Drawn,
        exactly: bool,
        read: &impl Fn(&InboxRow) -> Change,
    ) -> Result<(), ReplayError> {
        if row.transaction_name == RULES {
            let theirs = serde_json::from_slice(&row.payload).map_err(|_| Failure::Corrupt("the rules"))?;
            let differences = differences(&self.rules(), &theirs);
            if !differences.is_empty() {
                return Err(ReplayError::OtherRules { names: differences, since: row.received });
            }
        }
        let change = if row.reply_id.is_empty() { None } else { Some(read(row)) };
        let (registry, row, drawn) = (self.clone(), row.clone(), drawn.clone());
        let decides = CHANGES.contains(&row.transaction_name.as_str());
        self.0.store.write(Vec::new(), move |tx| {
            if exactly {
                tx.draw_again(&drawn);
            } else {
                tx.draw_on(&drawn);
            }
            match &change {
                Some(change) => registry.message_again(tx, &row, change)?,
                None => registry.act_again(tx, &row)?,
            }
            tx.tell_all()?;
            let now = tx.inbox_find(row.message_key, &row.principal, &row.message_id)?;
            // Whatever comes after it, a crash too: a number that was issued is never issued again.
            if let Some(last) = drawn.counters().iter().max() {
                tx.regional_reach(&registry.0.settings.regional.prefix, last + 1)?;
            }
            let same = now.iter().any(|one| one.id == row.id && one.outcome == row.outcome);
            if !exactly || same && tx.is_as_it_was() { Ok(()) } else { Err(ReplayError::Diverged(row.id)) }
        })?;
        if decides {
            self.refresh_model()?;
        }
        Ok(())
    }

    fn message_again(&self, tx: &mut Transaction<'_>, row: &InboxRow, change: &Change) -> Result<(), ReplayError> {
        let action = match change {
            Change::Feed(action, _) | Change::Unusable(action) => *action,
            Change::Merge(_) => Action::Delete,
        };
        let intake = intake_of(row, action);
        let inbox_id = self.fresh(tx)?;
        tx.inbox_insert(&inbox_row(&intake, row.message_key, inbox_id))?;
        let mut touched = Touched::default();
        let refusal = FeedOutcome::from_text(&row.outcome)?.refusal;
        let result = match (refusal, change) {
            (Some(refusal), _) => Err(refusal),
            (None, Change::Feed(_, command)) => self.feed_in(tx, &intake, inbox_id, command, None, &mut touched)?,
            (None, Change::Merge(command)) => self.merge_in(tx, &intake, inbox_id, command, &mut touched)?,
            (None, Change::Unusable(_)) => Err(Refusal::new(Reason::Unusable, Place::Message)),
        };
        let outcome = result.unwrap_or_else(FeedOutcome::refused);
        self.audit_feed(tx, &intake, &outcome, touched)?;
        Ok(tx.inbox_settle(row.message_key, inbox_id, &outcome.to_text()?)?)
    }

    fn act_again(&self, tx: &mut Transaction<'_>, row: &InboxRow) -> Result<(), ReplayError> {
        if row.transaction_name == RULES {
            let payload = std::str::from_utf8(&row.payload).map_err(|_| Failure::Corrupt("the rules"))?;
            return Ok(self.rule(tx, &row.principal, row.received, payload)?);
        }
        if CHANGES.contains(&row.transaction_name.as_str()) {
            let change: ModelChange =
                serde_json::from_slice(&row.payload).map_err(|_| Failure::Corrupt("a change of the model"))?;
            let done = self.change_in(tx, &row.principal, row.received, &change)?;
            return if done { Ok(()) } else { Err(ReplayError::Diverged(row.id)) };
        }
        let act: Act = serde_json::from_slice(&row.payload).map_err(|_| Failure::Corrupt("an act"))?;
        let done = match &act {
            Act::Decide { .. } => self.decide_open(tx, &row.principal, row.received, &act)?,
            Act::Register { person } => {
                self.register_in(tx, &row.principal, row.received, PersonId(*person))?;
                true
            }
            Act::Erase { .. } => self.erase_in(tx, &row.principal, row.received, &act)?.is_some(),
            Act::DomainState { .. } => self.domain_state_again(tx, &row.principal, row.received, &act)?,
            Act::Import { .. } => self.import_again(tx, &row.principal, row.received, &act)?,
            Act::Link { .. } | Act::Unlink { .. } | Act::Merge { .. } | Act::Split { .. } | Act::Undo { .. } => {
                self.operate_in(tx, &row.principal, row.received, &act)?.is_ok()
            }
        };
        if done { Ok(()) } else { Err(ReplayError::Diverged(row.id)) }
    }
}

/// Whether its content was erased.
fn is_erased(row: &InboxRow) -> bool {
    row.payload.is_empty() && (!row.reply_id.is_empty() || row.transaction_name == IMPORT)
}

/// Whether it came to something else than it did.
fn is_otherwise(error: &ReplayError) -> bool {
    matches!(error, ReplayError::Diverged(_) | ReplayError::Failure(Failure::Store(StoreError::Corrupt(_))))
}

fn intake_of(row: &InboxRow, action: Action) -> Intake {
    Intake {
        // What was accepted came from somebody who was known.
        principal: Principal { key: row.principal.clone(), registered: true },
        transaction: "ITI-44",
        action,
        message_id: row.message_id.clone(),
        payload_hash: row.payload_hash.clone(),
        payload: row.payload.clone(),
        reply_id: row.reply_id.clone(),
        received: row.received,
    }
}
