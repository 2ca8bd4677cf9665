//! The thread that writes: what waits together is committed together, and each caller hears after the commit.
//!
//! It must never acknowledge before a commit, and nothing after one that failed.

use super::{AUDITS, Message, Poison};
use crate::metrics::Metrics;
use crate::planted::{self, Bug};
use crate::store::checkpoint::Line;
use crate::store::connection::Connection;
use crate::store::directory::{Directory, Left, Touched};
use crate::store::error::is_full;
use crate::store::resident::Resident;
use crate::store::sweep::Sweep;
use crate::store::transaction::Sequences;
use crate::store::waiting::Waiting;
use crate::store::witness::Changes;
use crate::store::work::Job;
use crate::store::{StoreError, Transaction, WaitingAudit};
use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::{Duration, Instant};

/// Most works of one commit.
const GROUP: usize = 256;

/// How long audit rows of questions wait for company when nothing else waits. Each commit makes every reader forget
/// what it has read, so a commit for each question would slow all of them.
const AUDITS_WAIT: Duration = Duration::from_millis(50);

/// From so many records on that are due to be put into the tables, some are with each group. In a store of a million a
/// page then takes four rows at once; after a crash the start has to do up to half as many more, in some seconds. Tests
/// have few records.
const DUE: usize = if cfg!(test) { 8 } else { 57_344 };

/// Rows that are put there for each message: one brings about thirty, and to read them again counts for sixteen.
const ROWS_ALONG: usize = if cfg!(test) { 5 } else { 128 };

/// After so long without any message what is due is done, so many rows in a transaction.
const QUIET: Duration = Duration::from_secs(1);
const ROWS_ALONE: usize = 2_048;

/// The same where nobody can wait for anything else.
const ROWS_AT_ONCE: usize = 65_536;

/// The one who writes.
pub(super) struct Writer {
    pub(super) connection: Connection,
    pub(super) sequences: Sequences,
    pub(super) receiver: Receiver<Message>,
    /// Audit rows of a group that was undone: their questions were answered, so the next commit takes them.
    pub(super) kept: Vec<WaitingAudit>,
    pub(super) audits: Arc<Waiting>,
    pub(super) resident: Arc<Resident>,
    pub(super) directory: Arc<Directory>,
    /// By the transactions of the group that is being written.
    pub(super) touched: Touched,
    pub(super) poison: Poison,
    /// How many groups were committed.
    pub(super) committed: Arc<AtomicU64>,
    pub(super) changes: Changes,
    /// Whether the changes of the group that is being written are noted.
    pub(super) noting: bool,
    /// Records of which the tables do not say yet what they are filed under, about so many.
    pub(super) due: usize,
    /// What puts it there.
    pub(super) sweep: Option<Sweep>,
    /// Records that were loaded since the last commit.
    pub(super) loaded: usize,
    pub(super) checkpoints: Line,
    pub(super) metrics: Metrics,
    /// Held until the last commit.
    pub(super) _lock: File,
}

impl Writer {
    /// Serves until nobody is left who could ask.
    pub(super) fn run(mut self) {
        while let Some(first) = self.next() {
            self.checkpoints.finish(&mut self.connection);
            self.checkpoints.scrub_now(&mut self.connection);
            if !self.answers_from_memory() {
                self.sweep_all();
            }
            let group = self.gather(first);
            self.commit(group);
            self.read_some();
        }
        self.sweep_all();
    }

    /// What comes next; while nothing does, what decisions read is brought into memory, and what is due is done.
    fn next(&mut self) -> Option<Message> {
        let mut quiet = false;
        loop {
            match self.receiver.try_recv() {
                Ok(message) => return Some(message),
                Err(TryRecvError::Disconnected) => return None,
                Err(TryRecvError::Empty) if self.resident.is_reading() || self.directory.is_reading() => {
                    self.read_some();
                }
                Err(TryRecvError::Empty) if self.due == 0 || self.poison.get().is_some() => {
                    return self.receiver.recv().ok();
                }
                Err(TryRecvError::Empty) if quiet => self.sweep_alone(ROWS_ALONE),
                Err(TryRecvError::Empty) => match self.receiver.recv_timeout(QUIET) {
                    Ok(message) => return Some(message),
                    Err(RecvTimeoutError::Disconnected) => return None,
                    Err(RecvTimeoutError::Timeout) => quiet = true,
                },
            }
        }
    }

    /// Whether nobody asks the tables by which records are sought.
    fn answers_from_memory(&self) -> bool {
        self.resident.is_whole() && self.directory.is_whole()
    }

    fn read_some(&mut self) {
        let mut transaction = Transaction::new(&mut self.connection, None);
        if self.resident.is_reading() {
            self.resident.read_some(&mut transaction);
        } else if self.directory.is_reading() {
            self.directory.read_some(&mut transaction);
        }
    }

    /// What is committed together: all that waits; where that is audit rows alone, what comes soon as well.
    fn gather(&self, first: Message) -> Vec<Box<dyn Job>> {
        let until = Instant::now() + AUDITS_WAIT;
        let mut group: Vec<_> = first.into_job().into_iter().collect();
        while group.len() < GROUP {
            let next = match self.receiver.try_recv() {
                Err(TryRecvError::Empty) if group.is_empty() => {
                    self.receiver.recv_timeout(until.saturating_duration_since(Instant::now())).ok()
                }
                next => next.ok(),
            };
            let Some(next) = next else { break };
            group.extend(next.into_job());
        }
        group
    }

    /// Runs a group in one transaction, and the audit rows that wait, and answers each caller after the commit.
    fn commit(&mut self, mut jobs: Vec<Box<dyn Job>>) {
        self.metrics.gauges().store_queue.dec_by(i64::try_from(jobs.len()).unwrap_or(0));
        let begun = Instant::now();
        let (audits, failure) = match self.poison.get() {
            Some(why) => (0, Some(StoreError::Unavailable(why.clone()))),
            None => {
                let waiting = self.audits.take();
                let audits = waiting.len();
                if jobs.is_empty() && audits == 0 && self.kept.is_empty() {
                    return;
                }
                (audits, self.attempt(&mut jobs, waiting).err())
            }
        };
        self.metrics.gauges().audit_waiting.dec_by(i64::try_from(audits).unwrap_or(0));
        if failure.is_none() {
            self.metrics.commit(begun.elapsed(), jobs.len());
            // A load is one work, and as long as all its records.
            self.checkpoints.committed(jobs.len() + audits + std::mem::take(&mut self.loaded));
        }
        if let Some(error) = &failure {
            log::error!("a group of {} was not committed: {error}", jobs.len());
        }
        let failure =
            failure.filter(|error| !(planted::has(Bug::UnknownAnswered) && matches!(error, StoreError::Unknown)));
        for job in jobs {
            job.finish(failure.as_ref().map(|error| match error {
                StoreError::Unknown => StoreError::Unknown,
                other => StoreError::Unavailable(other.to_string()),
            }));
        }
    }

    fn attempt(&mut self, jobs: &mut Vec<Box<dyn Job>>, waiting: Vec<WaitingAudit>) -> Result<(), StoreError> {
        let mut audits = std::mem::take(&mut self.kept);
        audits.extend(waiting);
        let mut state = self.fill(jobs, &audits, false);
        if let ([only], true, Ok(false)) = (jobs.as_slice(), audits.is_empty(), &state)
            && only.has_failed()
            && !planted::has(Bug::SavepointKept)
        {
            self.roll_back();
            return Ok(());
        }
        if matches!(state, Ok(false)) {
            // Something failed, which is rare: all of it is undone, and done again with a savepoint for each. A
            // savepoint has each page copied that its message is the first to change, which cost every message.
            self.roll_back();
            state = self.fill(jobs, &audits, true);
        }
        if planted::has(Bug::AcknowledgeBeforeCommit) {
            jobs.drain(..).for_each(|job| job.finish(None));
        }
        if let Err(error) = state {
            return Err(self.undo(audits, error));
        }
        let left = self.left();
        match self.seal() {
            Ok(()) => {
                self.committed.fetch_add(1, Ordering::Release);
                self.directory.follow(left);
                Ok(())
            }
            Err(StoreError::Unknown) => Err(StoreError::Unknown),
            Err(error) => Err(self.undo(audits, error)),
        }
    }

    /// Commits what is open; `Unknown` where nobody knows what became of it, and the store serves no more.
    fn seal(&mut self) -> Result<(), StoreError> {
        let Err(error) = self.connection.batch("COMMIT") else { return Ok(()) };
        // A log that could not grow has no mark of this commit: it is known not to have happened.
        if is_full(&error) || planted::has(Bug::PoisonIgnored) {
            return Err(error.into());
        }
        // After a failed sync nobody knows what is on the disk. Only a restart, which reads it, can tell.
        let why = format!("a commit failed, restart is needed: {}", StoreError::from(error));
        self.roll_back();
        self.poison(why);
        Err(StoreError::Unknown)
    }

    /// Does some of what is due, nearly three times as much as comes in with so many works, so that it comes to an end.
    fn sweep_along(&mut self, works: usize) -> Result<(), StoreError> {
        if self.sweep.is_none() && self.due < DUE { Ok(()) } else { self.sweep_some(works * ROWS_ALONG) }
    }

    fn sweep_some(&mut self, rows: usize) -> Result<(), StoreError> {
        let mut transaction = Transaction::new(&mut self.connection, None);
        if self.sweep.is_none() {
            self.sweep = Sweep::begin(&mut transaction)?;
        }
        let done = self.sweep.as_mut().map_or(Ok(true), |sweep| sweep.step(&mut transaction, rows))?;
        if done {
            self.sweep = None;
            self.due = usize::try_from(transaction.due_count()?).unwrap_or(0);
        }
        Ok(())
    }

    /// The same in a transaction of its own.
    fn sweep_alone(&mut self, rows: usize) {
        let begun = self.connection.batch("BEGIN IMMEDIATE").map_err(StoreError::from);
        let swept = begun.and_then(|()| self.sweep_some(rows)).and_then(|()| self.seal());
        match swept {
            Ok(()) => self.checkpoints.committed(rows / ROWS_ALONG),
            Err(error) => {
                // Nothing is lost: it stays due, and is tried again after more has come, or at the next start.
                log::warn!("what records are filed under was not put into its tables: {error}");
                let _ = self.connection.batch("ROLLBACK");
                (self.sweep, self.due) = (None, 0);
            }
        }
    }

    /// Does all that is due, in many transactions.
    pub(super) fn sweep_all(&mut self) {
        while self.due > 0 && self.poison.get().is_none() {
            self.sweep_alone(ROWS_AT_ONCE);
            self.checkpoints.finish(&mut self.connection);
        }
    }

    /// What the open group leaves of what it touched.
    fn left(&mut self) -> Left {
        let touched = std::mem::take(&mut self.touched);
        self.directory.left(&mut Transaction::new(&mut self.connection, None), touched)
    }

    /// The database gave up the transaction (a full disk): all of the group is undone, but for the audit rows of
    /// questions, which were answered.
    fn undo(&mut self, audits: Vec<WaitingAudit>, error: StoreError) -> StoreError {
        self.roll_back();
        self.kept = audits;
        if self.kept.len() > AUDITS {
            self.poison(format!("{} audit rows cannot be kept: {error}", self.kept.len()));
        }
        error
    }

    fn roll_back(&mut self) {
        // The database may have rolled back by itself already.
        let _ = self.connection.batch("ROLLBACK");
        self.resident.forget();
        self.touched.clear();
        self.sweep = None;
    }

    /// From here on nothing is acknowledged and nothing answered.
    fn poison(&self, why: String) {
        log::error!("{why}");
        // The first reason stands.
        let _ = self.poison.set(why);
    }

    /// Begins a transaction and does all of a group in it, with a savepoint for each message where they are to be kept
    /// `apart`. Whether it can be committed: not where one failed that is not apart.
    fn fill(&mut self, jobs: &mut [Box<dyn Job>], audits: &[WaitingAudit], apart: bool) -> Result<bool, StoreError> {
        self.connection.batch("BEGIN IMMEDIATE")?;
        let group = self.committed.load(Ordering::Relaxed) + 1;
        // Where decisions read memory nobody rehearses on a snapshot, and nobody asks what has changed since.
        self.noting = !self.resident.is_whole();
        if self.noting {
            self.changes.begin(group)
        } else {
            self.changes.skip(group)
        }
        let keep = |transaction: &mut Transaction<'_>| {
            for waiting in audits {
                // A statement that is refused leaves nothing behind; the rows beside it stay.
                if let Err(error) = transaction.audit_insert(&waiting.event, waiting.id, waiting.time) {
                    log::error!("an audit row was refused: {error}");
                }
            }
            true
        };
        for job in jobs.iter_mut() {
            if !self.one(apart, |transaction| job.run(transaction))? {
                return Ok(false);
            }
        }
        let whole = if audits.is_empty() { true } else { self.one(apart, keep)? };
        if whole {
            self.sweep_along(jobs.len())?;
        }
        Ok(whole)
    }

    /// One message, apart from the others or not; whether all that it did is to be committed or was undone.
    fn one(&mut self, apart: bool, work: impl FnOnce(&mut Transaction<'_>) -> bool) -> Result<bool, StoreError> {
        if apart {
            self.connection.batch("SAVEPOINT message")?;
        }
        let is_later = self.answers_from_memory();
        let touched = self.directory.keeps().then_some(&mut self.touched);
        let changes = self.noting.then_some(&mut self.changes);
        let mut transaction =
            Transaction::new(&mut self.connection, Some(&self.sequences)).telling(changes).touching(touched);
        transaction.keep(Arc::clone(&self.resident));
        transaction.filing.is_later = is_later;
        let keep = work(&mut transaction) || planted::has(Bug::SavepointKept);
        if keep {
            transaction.inbox_rest()?;
        }
        let (loaded, filing) = (transaction.loaded(), std::mem::take(&mut transaction.filing));
        // A failed statement may have rolled back everything, whatever its message made of it.
        let whole = keep && !transaction.was_refused();
        self.loaded += loaded;
        self.due += filing.noted;
        if filing.is_disturbed {
            self.sweep = None;
        }
        if apart {
            if !keep {
                self.resident.forget();
                self.touched.doubt();
            }
            let end = if keep { "RELEASE message" } else { "ROLLBACK TO message; RELEASE message" };
            self.connection.batch(end)?;
        }
        Ok(whole || apart)
    }
}
