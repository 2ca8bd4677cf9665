//! Who must be told of a change, in which order, and what became of it (decision 21).
//!
//! Each subscriber has a place in the outbox, and one dispatcher at a time holds its lease. What is told is
//! rendered when it is told, from what the subscriber may see then. A change is done with only after the subscriber
//! has taken it: a dispatcher that dies between the two tells it again. Nothing here knows a wire.

mod subscription;
mod telling;

pub use subscription::{Audience, Subscription};

use super::{Failure, Registry, ShownRecord};
use crate::audit::{Action, AuditEvent, AuditOutcome};
use crate::identity::{PatientIdentifier, PersonId};
use crate::store::{DeadLetterRow, StoreError, SubscriberRow, Transaction};
use std::time::Duration;
use telling::Waiting;

/// Most rows of the outbox that one transaction drops.
const PRUNED_AT_ONCE: usize = 500;
/// Most dead letters of one list.
const MOST_LISTED: usize = 10_000;

/// How a dispatcher goes about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// How long a lease holds; a delivery must be given up within half of it.
    pub lease: Duration,
    /// How often a subscriber may refuse one change before it is put aside.
    pub refusals: u32,
    /// Likewise where it says that it cannot work on it: a change that it always fails by must not hold up the rest for
    /// ever, and a breakdown of an hour must put nothing aside.
    pub failures: u32,
    /// The pause after the first failure; it doubles with each.
    pub first_pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(60),
            refusals: 8,
            failures: 24,
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(300),
        }
    }
}

/// What is said of the identifiers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Telling {
    /// They are one patient's now.
    CrossReference,
    /// The one is new.
    Issued,
    /// The one stands for this one too from now on.
    Replaced(PatientIdentifier),
}

/// One change as one subscriber is told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// The id of the message that tells it, fresh for each try.
    pub message_id: String,
    /// What is said.
    pub telling: Telling,
    /// Its place in commit order; of what is told anew, the place that was reached.
    pub seq: i64,
    /// When it happened, in microseconds since 1970.
    pub time: i64,
    /// What happened, in a word.
    pub kind: String,
    /// Whose identifiers changed, as that person is known now.
    pub person: PersonId,
    /// What the subscriber may see of that person now.
    pub identifiers: Vec<ShownRecord>,
    /// The key of its row in the outbox.
    id: i64,
    /// Whose it was when it happened.
    told_of: i64,
    /// Where it comes from.
    source: Source,
}

/// Where something to tell comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// The outbox, where it is next.
    Next,
    /// It was put aside before.
    Again,
    /// It is told anew, since what the subscriber may be shown has changed.
    Anew,
}

/// Why a subscriber was not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It was not reached, or did not answer in time: it is tried until it does.
    Unreachable(&'static str),
    /// It was reached and said no: after some times the change is put aside.
    Refused(&'static str),
    /// It was reached and says that it cannot work on it: after many more times the change is put aside.
    Failing(&'static str),
}

/// What a dispatcher is to do now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Tell this.
    Tell(Box<Notification>),
    /// Nothing waits.
    Nothing,
    /// Wait: delivery failed a short time ago.
    Later(Duration),
    /// Another dispatcher holds the lease.
    Elsewhere,
}

/// A subscriber as operators see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriberView {
    /// The key of the system.
    pub system: String,
    /// Whether it is configured.
    pub on: bool,
    /// Changes that it was not told of yet; those that do not concern it are among them.
    pub waiting: i64,
    /// When the oldest of them happened.
    pub oldest: Option<i64>,
    /// Failures since the last success.
    pub attempts: i32,
    /// What was wrong the last time.
    pub trouble: String,
    /// When it is tried again, where it failed.
    pub next_try: Option<i64>,
}

/// A change that was put aside, as operators see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Its number.
    pub id: i64,
    /// Who would not take it.
    pub subscriber: String,
    /// When it happened.
    pub time: i64,
    /// What happened.
    pub kind: String,
    /// The person, by the store's key.
    pub person: PersonId,
    /// How often it was refused.
    pub attempts: i32,
    /// What was wrong.
    pub trouble: String,
    /// When it was put aside.
    pub parked: i64,
    /// Whether it waits to be tried again.
    pub again: bool,
}

impl Registry {
    /// What `holder` is to do now for the subscriber `system`. Where there is something to tell, it holds the lease
    /// afterwards.
    pub fn outbox_turn(&self, system: &str, holder: &str, pace: &Pace) -> Result<Turn, Failure> {
        // Idle dispatchers only read: nothing is written while nothing happens.
        let idle = self.0.store.read(|tx| self.idle(tx, system, holder))?;
        if let Some(turn) = idle {
            return Ok(turn);
        }
        let (registry, system, holder, pace) = (self.clone(), system.to_owned(), holder.to_owned(), *pace);
        self.write(Vec::new(), move |tx| {
            let now = registry.store_time(tx)?;
            let half = micros(pace.lease / 2);
            if tx.subscriber(&system)?.is_some_and(|row| row.held_until > now && row.holder != holder)
                && registry.holder_is_gone(tx, &system)?
            {
                tx.subscriber_free(&system)?;
            }
            let held = tx.subscriber(&system)?.is_some_and(|row| row.holder == holder && row.held_until - now > half);
            if !held && !tx.subscriber_lease(&system, &holder, now, now + micros(pace.lease))? {
                return Ok(Turn::Elsewhere);
            }
            let Some(row) = tx.subscriber(&system)? else { return Ok(Turn::Nothing) };
            if let Some(letter) = tx.dead_letter_again(&system)? {
                let number = letter.outbox_id;
                let told = registry.render(tx, &row, Waiting::of_letter(letter))?;
                if told.is_none() {
                    tx.dead_letter_remove(&system, number)?;
                }
                return Ok(told.map_or(Turn::Later(Duration::ZERO), Turn::Tell));
            }
            match row.snapshot.as_deref().map(str::to_owned) {
                Some(domains) => registry.next_anew(tx, &row, &holder, &domains),
                None => registry.first_of_concern(tx, &row, &holder),
            }
        })
    }

    /// A name for a dispatcher of this process: it tells whether the process lives.
    pub fn holder(&self) -> String {
        format!("{}:{}", self.0.store.lane(), self.0.clock.uuid())
    }

    /// Whether the process is gone whose dispatcher holds the lease on `system`. Where that cannot be told, the lease
    /// runs out.
    fn holder_is_gone(&self, tx: &mut Transaction<'_>, system: &str) -> Result<bool, Failure> {
        let Some(row) = tx.subscriber(system)? else { return Ok(false) };
        let lane = row.holder.split_once(':').and_then(|(lane, _)| lane.parse::<i32>().ok());
        match lane.filter(|lane| i64::from(*lane) != self.0.store.lane()) {
            Some(lane) => Ok(tx.lane_is_free(lane)?),
            None => Ok(false),
        }
    }

    /// The turn of a dispatcher that has nothing to write.
    fn idle(&self, tx: &mut Transaction<'_>, system: &str, holder: &str) -> Result<Option<Turn>, Failure> {
        let now = self.store_time(tx)?;
        let Some(row) = tx.subscriber(system)? else { return Ok(Some(Turn::Nothing)) };
        let nothing = row.snapshot.is_none()
            && tx.outbox_after(row.delivered, 1)?.is_empty()
            && tx.dead_letter_again(system)?.is_none();
        Ok(if nothing || row.state != "on" {
            Some(Turn::Nothing)
        } else if row.holder != holder && row.held_until > now && !self.holder_is_gone(tx, system)? {
            Some(Turn::Elsewhere)
        } else if row.next_try > now {
            Some(Turn::Later(Duration::from_micros(u64::try_from(row.next_try - now).unwrap_or(0))))
        } else {
            None
        })
    }

    /// Notes that the subscriber has taken `notification`; false where the lease was lost meanwhile: it is told again.
    pub fn outbox_taken(&self, system: &str, holder: &str, notification: &Notification) -> Result<bool, Failure> {
        let (registry, system, holder) = (self.clone(), system.to_owned(), holder.to_owned());
        let notification = notification.clone();
        let noted = self.write(Vec::new(), move |tx| {
            registry.audit_told(tx, &system, &notification, "")?;
            registry.done_with(tx, &system, &holder, &notification)
        })?;
        self.0.store.metrics().notification("taken");
        Ok(noted)
    }

    /// Nothing more is to be done about `notification`.
    fn done_with(
        &self,
        tx: &mut Transaction<'_>,
        system: &str,
        holder: &str,
        notification: &Notification,
    ) -> Result<bool, Failure> {
        let untroubled = |tx: &mut Transaction<'_>| tx.subscriber_troubled(system, holder, (0, 0), 0, "");
        Ok(match notification.source {
            Source::Next => tx.subscriber_delivered(system, holder, notification.seq)?,
            Source::Again => {
                tx.dead_letter_remove(system, notification.id)?;
                untroubled(tx)?
            }
            Source::Anew => {
                tx.subscriber_told_anew(system, holder, Some(PersonId(notification.told_of)))? && untroubled(tx)?
            }
        })
    }

    /// Whoever was shown identifiers is in the audit trail, also where they would not take them.
    fn audit_told(
        &self,
        tx: &mut Transaction<'_>,
        system: &str,
        notification: &Notification,
        refused: &str,
    ) -> Result<(), Failure> {
        let event = AuditEvent {
            transaction: if notification.telling == Telling::CrossReference { "ITI-46" } else { "ITI-44" },
            principal: system.to_owned(),
            action: Action::Read,
            outcome: if refused.is_empty() { AuditOutcome::Success } else { AuditOutcome::MinorFailure },
            reason: refused.to_owned(),
            message_id: notification.message_id.clone(),
            records: notification.identifiers.iter().filter_map(|shown| shown.record).collect(),
            persons: vec![notification.person],
        };
        let id = self.fresh(tx)?;
        Ok(tx.audit_insert(&event, id, self.0.clock.micros())?)
    }

    /// Notes that the subscriber has not taken `notification`; false where the lease was lost meanwhile.
    pub fn outbox_troubled(
        &self,
        system: &str,
        holder: &str,
        notification: &Notification,
        trouble: Trouble,
        pace: &Pace,
    ) -> Result<bool, Failure> {
        let (registry, system, holder, pace) = (self.clone(), system.to_owned(), holder.to_owned(), *pace);
        let notification = notification.clone();
        let drawn = self.0.clock.uuid().as_u64_pair().1;
        self.0.store.metrics().notification(match trouble {
            Trouble::Unreachable(_) => "unreachable",
            Trouble::Refused(_) => "refused",
            Trouble::Failing(_) => "failing",
        });
        self.write(Vec::new(), move |tx| {
            let now = registry.store_time(tx)?;
            let Some(row) = tx.subscriber(&system)?.filter(|row| row.holder == holder) else { return Ok(false) };
            let (refused, most, word) = match trouble {
                Trouble::Unreachable(word) => (0, u32::MAX, word),
                Trouble::Refused(word) => (1, pace.refusals, word),
                Trouble::Failing(word) => (1, pace.failures, word),
            };
            let (attempts, refusals) = (row.attempts.saturating_add(1), row.refusals.saturating_add(refused));
            if refused == 1 {
                registry.audit_told(tx, &system, &notification, "refused")?;
            }
            // What was put aside before goes back at once: an operator tries it again.
            let again = notification.source == Source::Again;
            let given_up = refused == 1 && (again || u32::try_from(refusals).is_ok_and(|n| n >= most));
            if !given_up {
                let next = now + micros(pause(&pace, attempts, drawn));
                return Ok(tx.subscriber_troubled(&system, &holder, (attempts, refusals), next, word)?);
            }
            tx.dead_letter_put(&notification.letter(&system, refusals, word, now))?;
            log::error!("subscriber {system} has refused a change for good: see `nayose outbox list`");
            if again {
                return Ok(tx.subscriber_troubled(&system, &holder, (0, 0), 0, "")?);
            }
            registry.done_with(tx, &system, &holder, &notification)
        })
    }

    /// How each subscriber stands.
    pub fn subscribers(&self) -> Result<Vec<SubscriberView>, Failure> {
        self.0.store.read(|tx| {
            let rows = tx.subscribers()?;
            rows.into_iter().map(|row| view(tx, row)).collect()
        })
    }

    /// What was put aside.
    pub fn dead_letters(&self) -> Result<Vec<DeadLetter>, Failure> {
        let rows = self.0.store.read(|tx| -> Result<_, Failure> { Ok(tx.dead_letters(MOST_LISTED)?) })?;
        Ok(rows.into_iter().map(DeadLetter::from).collect())
    }

    /// Lets these dead letters be tried again, all of them where `numbers` is empty; how many there are.
    pub fn deliver_again(&self, subscriber: Option<&str>, numbers: &[i64]) -> Result<usize, Failure> {
        let (subscriber, numbers) = (subscriber.map(str::to_owned), numbers.to_vec());
        self.write(Vec::new(), move |tx| {
            let meant = |row: &DeadLetterRow| {
                subscriber.as_ref().is_none_or(|name| *name == row.subscriber)
                    && (numbers.is_empty() || numbers.contains(&row.outbox_id))
            };
            let rows: Vec<DeadLetterRow> = tx.dead_letters(MOST_LISTED)?.into_iter().filter(meant).collect();
            for row in &rows {
                tx.dead_letter_put(&DeadLetterRow { state: "again".to_owned(), ..row.clone() })?;
            }
            Ok(rows.len())
        })
    }

    /// Drops changes that are older than `kept` and of which everybody was told; how many.
    pub fn outbox_prune(&self, kept: Duration) -> Result<usize, Failure> {
        let mut dropped = 0;
        loop {
            let registry = self.clone();
            let some = self.write(Vec::new(), move |tx| {
                let before = registry.store_time(tx)?.saturating_sub(micros(kept));
                Ok(tx.outbox_prune(before, PRUNED_AT_ONCE)?)
            })?;
            dropped += some;
            if some < PRUNED_AT_ONCE {
                return Ok(dropped);
            }
        }
    }

    /// Sets the gauges of the outbox.
    pub(super) fn measure_outbox(&self, tx: &mut Transaction<'_>) -> Result<(), Failure> {
        let gauges = self.0.store.metrics().gauges();
        let now = self.store_time(tx)?;
        let mut oldest = 0;
        for row in tx.subscribers()?.into_iter().filter(|row| row.state == "on") {
            let next = tx.outbox_after(row.delivered, 1)?;
            oldest = next.iter().map(|one| now - one.time).fold(oldest, i64::max);
        }
        gauges.outbox_oldest.set(oldest / 1_000_000);
        gauges.dead_letters.set(tx.dead_letters_count()?);
        Ok(())
    }

    /// What time it is to every process at this store.
    pub(super) fn store_time(&self, tx: &mut Transaction<'_>) -> Result<i64, StoreError> {
        Ok(tx.database_time()?.unwrap_or_else(|| self.0.clock.micros()))
    }
}

impl Notification {
    fn letter(&self, system: &str, refusals: i32, trouble: &str, now: i64) -> DeadLetterRow {
        DeadLetterRow {
            subscriber: system.to_owned(),
            outbox_id: self.id,
            seq: self.seq,
            time: self.time,
            kind: self.kind.clone(),
            person_id: self.told_of,
            attempts: refusals,
            trouble: trouble.to_owned(),
            parked: now,
            state: "parked".to_owned(),
        }
    }
}

impl From<DeadLetterRow> for DeadLetter {
    fn from(row: DeadLetterRow) -> Self {
        Self {
            id: row.outbox_id,
            subscriber: row.subscriber,
            time: row.time,
            kind: row.kind,
            person: PersonId(row.person_id),
            attempts: row.attempts,
            trouble: row.trouble,
            parked: row.parked,
            again: row.state == "again",
        }
    }
}

fn view(tx: &mut Transaction<'_>, row: SubscriberRow) -> Result<SubscriberView, Failure> {
    let oldest = tx.outbox_after(row.delivered, 1)?.first().map(|one| one.time);
    Ok(SubscriberView {
        waiting: tx.outbox_count_after(row.delivered)?,
        oldest,
        system: row.name,
        on: row.state == "on",
        attempts: row.attempts,
        trouble: row.trouble,
        next_try: (row.next_try > 0).then_some(row.next_try),
    })
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX / 4)
}

/// The pause after so many failures: doubled with each, and somewhere in the upper half of that, so that dispatchers
/// that failed together do not come back together.
fn pause(pace: &Pace, attempts: i32, drawn: u64) -> Duration {
    let doublings = u32::try_from(attempts.clamp(1, 20) - 1).unwrap_or(0);
    let full = pace.first_pause.saturating_mul(1 << doublings).min(pace.longest_pause);
    let half = full / 2;
    let nanos = u64::try_from(half.as_nanos()).unwrap_or(u64::MAX / 2);
    half + Duration::from_nanos(drawn % (nanos + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_differ() {
        let pace = Pace::default();
        let check = |attempts, least: f64, most: f64| {
            for drawn in [0, 1, 7_777_777_777, u64::MAX] {
                let seconds = pause(&pace, attempts, drawn).as_secs_f64();
                assert!((least..=most).contains(&seconds), "{attempts} attempts, {drawn}: {seconds}");
            }
        };
        check(1, 0.5, 1.0);
        check(2, 1.0, 2.0);
        check(5, 8.0, 16.0);
        check(12, 150.0, 300.0);
        check(i32::MAX, 150.0, 300.0);
        assert_ne!(pause(&pace, 9, 12_345_678_901), pause(&pace, 9, 98_765_432_109));
    }
}
