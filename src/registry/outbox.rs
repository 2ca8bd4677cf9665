//! Who must be told of a change, in which order, and what became of it (decision 21).
//!
//! Each subscriber has a place in the outbox, and one dispatcher at a time holds its lease. What is told is
//! rendered when it is told, from what the subscriber may see then. A change is done with only after the subscriber
//! has taken it: a dispatcher that dies between the two tells it again. Nothing here knows a wire.

use super::{Failure, Registry, ShownRecord};
use crate::access::Principal;
use crate::identity::{DomainKey, PersonId};
use crate::store::{DeadLetterRow, OutboxRow, StoreError, SubscriberRow, Transaction};
use std::time::Duration;

/// Rows that are looked through at a time for one that concerns a subscriber.
const PAGE: usize = 200;
/// Most rows of the outbox that one transaction drops.
const PRUNED_AT_ONCE: usize = 500;
/// Most dead letters of one list.
const MOST_LISTED: usize = 10_000;

/// Who is told of what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// The key of the system that is told.
    pub system: String,
    /// The domains that it is told about; all where empty.
    pub domains: Vec<DomainKey>,
}

/// How a dispatcher goes about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// How long a lease holds; a delivery must be given up within half of it.
    pub lease: Duration,
    /// How often a subscriber may refuse one change before it is put aside.
    pub refusals: u32,
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
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(300),
        }
    }
}

/// One change as one subscriber is told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// Its place in commit order.
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
    /// Whether it was put aside before.
    again: bool,
}

/// Why a subscriber was not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It was not reached, or did not answer in time: it is tried until it does.
    Unreachable(&'static str),
    /// It was reached and said no: after some times the change is put aside.
    Refused(&'static str),
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
    /// From now on these are told, and nobody else. Who is new is told of what happens from now on.
    pub fn subscribe(&self, subscriptions: &[Subscription]) -> Result<(), Failure> {
        let subscriptions = subscriptions.to_vec();
        let known = self.0.store.read(|tx| -> Result<_, Failure> { Ok(tx.subscribers()?) })?;
        if known.is_empty() && subscriptions.is_empty() {
            return Ok(());
        }
        self.write(Vec::new(), move |tx| {
            for one in &subscriptions {
                let domains: Vec<&str> = one.domains.iter().map(|domain| domain.0.as_str()).collect();
                tx.subscriber_on(&one.system, &domains.join(" "))?;
            }
            for row in tx.subscribers()? {
                if !subscriptions.iter().any(|one| one.system == row.name) {
                    tx.subscriber_off(&row.name)?;
                }
            }
            Ok(())
        })
    }

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
            let held = tx.subscriber(&system)?.is_some_and(|row| row.holder == holder && row.held_until - now > half);
            if !held && !tx.subscriber_lease(&system, &holder, now, now + micros(pace.lease))? {
                return Ok(Turn::Elsewhere);
            }
            let Some(row) = tx.subscriber(&system)? else { return Ok(Turn::Nothing) };
            if let Some(letter) = tx.dead_letter_again(&system)? {
                return registry.render(tx, &system, Waiting::of_letter(letter));
            }
            registry.first_of_concern(tx, &row, &holder)
        })
    }

    /// The turn of a dispatcher that has nothing to write.
    fn idle(&self, tx: &mut Transaction<'_>, system: &str, holder: &str) -> Result<Option<Turn>, Failure> {
        let now = self.store_time(tx)?;
        let Some(row) = tx.subscriber(system)? else { return Ok(Some(Turn::Nothing)) };
        let nothing = tx.outbox_after(row.delivered, 1)?.is_empty() && tx.dead_letter_again(system)?.is_none();
        Ok(if nothing || row.state != "on" {
            Some(Turn::Nothing)
        } else if row.holder != holder && row.held_until > now {
            Some(Turn::Elsewhere)
        } else if row.next_try > now {
            Some(Turn::Later(Duration::from_micros(u64::try_from(row.next_try - now).unwrap_or(0))))
        } else {
            None
        })
    }

    /// The next change that concerns the subscriber; those that do not are done with.
    fn first_of_concern(&self, tx: &mut Transaction<'_>, row: &SubscriberRow, holder: &str) -> Result<Turn, Failure> {
        let domains: Vec<&str> = row.domains.split_whitespace().collect();
        let page = tx.outbox_after(row.delivered, PAGE)?;
        let concerns =
            |one: &OutboxRow| domains.is_empty() || one.domains.split(' ').any(|domain| domains.contains(&domain));
        let found = page.iter().position(concerns);
        let passed = page.get(..found.unwrap_or(page.len())).and_then(<[OutboxRow]>::last).and_then(|one| one.seq);
        if let Some(passed) = passed {
            tx.subscriber_delivered(&row.name, holder, passed)?;
        }
        match found.and_then(|at| page.into_iter().nth(at)) {
            Some(one) => self.render(tx, &row.name, Waiting::of_row(one)),
            // There may be more behind a full page that concerns nobody here.
            None if passed.is_some() => Ok(Turn::Later(Duration::ZERO)),
            None => Ok(Turn::Nothing),
        }
    }

    fn render(&self, tx: &mut Transaction<'_>, system: &str, waiting: Waiting) -> Result<Turn, Failure> {
        let person = self.living(tx, PersonId(waiting.person))?;
        let identifiers = self.identifiers_of(tx, &Principal::system(system), person, &[])?;
        Ok(Turn::Tell(Box::new(Notification {
            seq: waiting.seq,
            time: waiting.time,
            kind: waiting.kind,
            person,
            identifiers,
            id: waiting.id,
            told_of: waiting.person,
            again: waiting.again,
        })))
    }

    /// Notes that the subscriber has taken `notification`; false where the lease was lost meanwhile: it is told again.
    pub fn outbox_taken(&self, system: &str, holder: &str, notification: &Notification) -> Result<bool, Failure> {
        let (system, holder) = (system.to_owned(), holder.to_owned());
        let (id, seq, again) = (notification.id, notification.seq, notification.again);
        self.write(Vec::new(), move |tx| {
            if !again {
                return Ok(tx.subscriber_delivered(&system, &holder, seq)?);
            }
            tx.dead_letter_remove(&system, id)?;
            Ok(tx.subscriber_troubled(&system, &holder, (0, 0), 0, "")?)
        })
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
        self.write(Vec::new(), move |tx| {
            let now = registry.store_time(tx)?;
            let Some(row) = tx.subscriber(&system)?.filter(|row| row.holder == holder) else { return Ok(false) };
            let (refused, word) = match trouble {
                Trouble::Unreachable(word) => (0, word),
                Trouble::Refused(word) => (1, word),
            };
            let (attempts, refusals) = (row.attempts.saturating_add(1), row.refusals.saturating_add(refused));
            // What was put aside before goes back at once: an operator tries it again.
            let given_up =
                refused == 1 && (notification.again || u32::try_from(refusals).is_ok_and(|n| n >= pace.refusals));
            if !given_up {
                let next = now + micros(pause(&pace, attempts, drawn));
                return Ok(tx.subscriber_troubled(&system, &holder, (attempts, refusals), next, word)?);
            }
            tx.dead_letter_put(&notification.letter(&system, refusals, word, now))?;
            log::error!("subscriber {system} has refused a change for good: see `nayose outbox list`");
            if notification.again {
                return Ok(tx.subscriber_troubled(&system, &holder, (0, 0), 0, "")?);
            }
            Ok(tx.subscriber_delivered(&system, &holder, notification.seq)?)
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
    fn store_time(&self, tx: &mut Transaction<'_>) -> Result<i64, StoreError> {
        Ok(tx.database_time()?.unwrap_or_else(|| self.0.clock.micros()))
    }
}

/// A row of the outbox or a dead letter.
struct Waiting {
    id: i64,
    seq: i64,
    time: i64,
    kind: String,
    person: i64,
    again: bool,
}

impl Waiting {
    fn of_row(row: OutboxRow) -> Self {
        let seq = row.seq.unwrap_or(0);
        Self { id: row.id, seq, time: row.time, kind: row.kind, person: row.person_id, again: false }
    }

    fn of_letter(row: DeadLetterRow) -> Self {
        let DeadLetterRow { outbox_id: id, seq, time, kind, person_id: person, .. } = row;
        Self { id, seq, time, kind, person, again: true }
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
