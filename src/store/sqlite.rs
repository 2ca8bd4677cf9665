//! SQLite: one thread writes, and commits together what waits together; readers have snapshots of their own.

use super::checkpoint::{Checkpointer, Line};
use super::connection::{Connection, sqlite_reader, sqlite_writer};
use super::error::is_full;
use super::file::{hold, host, make_private};
use super::pool::Pool;
use super::resident::Resident;
use super::transaction::Sequences;
use super::waiting::Waiting;
use super::witness::Changes;
use super::work::{Job, Work};
use super::{StoreError, Transaction, WaitingAudit, Witness, migrations};
use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::planted::{self, Bug};
use std::fs::File;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Most messages that wait for the writer; a caller beyond that waits to get in.
const WAITING: usize = 4096;

/// Most audit rows that wait for a commit: what two cores answer in a second, since a disk that others use as well may
/// take so long. A question beyond that is refused.
const AUDITS: usize = 16_384;

/// Most works of one commit.
const GROUP: usize = 256;

/// How long audit rows of questions wait for company when nothing else waits. Each commit makes every reader forget
/// what it has read, so a commit for each question would slow all of them.
const AUDITS_WAIT: Duration = Duration::from_millis(50);

/// Most readers at a time.
const READERS: usize = 16;

/// A SQLite file, held by this process alone.
pub(super) struct SqliteStore {
    readers: Pool,
    writer: Option<SyncSender<Message>>,
    thread: Option<JoinHandle<()>>,
    metrics: Metrics,
    poison: Poison,
    committed: Arc<AtomicU64>,
    audits: Arc<Waiting>,
    checkpointer: Option<Checkpointer>,
    resident: Arc<Resident>,
    /// Closed after the last connection (see [`Checkpointer::start`]).
    _file: Arc<File>,
}

/// Why nothing more is acknowledged or answered; set once, by the writer.
type Poison = Arc<OnceLock<String>>;

enum Message {
    Work(Box<dyn Job>),
    /// Audit rows wait: the first of them was put there.
    Audits,
}

impl Message {
    fn into_job(self) -> Option<Box<dyn Job>> {
        match self {
            Message::Work(job) => Some(job),
            Message::Audits => None,
        }
    }
}

impl SqliteStore {
    /// Opens `path`; also gives the lane of keys.
    pub(super) fn open(path: &str, clock: &Clock, metrics: &Metrics) -> Result<(Self, i32), StoreError> {
        if path.is_empty() || path.contains(":memory:") {
            return Err(StoreError::Unavailable("a store needs a file".to_owned()));
        }
        let lock = hold(path)?;
        make_private(path)?;
        let mut connection = sqlite_writer(path)?;
        migrations::bring_up_to_date(&mut connection)?;
        let (lane, sequences) = prepare(&mut connection, clock)?;
        let file =
            Arc::new(File::open(path).map_err(|_| StoreError::Unavailable("its file cannot be read".to_owned()))?);
        let checkpointer = Checkpointer::start(path, Arc::clone(&file))?;
        let reading = path.to_owned();
        let (sender, receiver) = sync_channel(WAITING);
        let metrics = metrics.clone();
        let (poison, committed) = (Poison::default(), Arc::new(AtomicU64::new(0)));
        let audits = Arc::new(Waiting::new(AUDITS));
        let resident = Arc::new(Resident::default());
        let writer = Writer {
            connection,
            sequences,
            receiver,
            kept: Vec::new(),
            audits: Arc::clone(&audits),
            resident: Arc::clone(&resident),
            poison: Arc::clone(&poison),
            committed: Arc::clone(&committed),
            changes: Changes::default(),
            loaded: 0,
            checkpoints: checkpointer.line(),
            metrics: metrics.clone(),
            _lock: lock,
        };
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || writer.run())
            .map_err(|_| StoreError::Unavailable("no thread for the writer".to_owned()))?;
        let readers = Pool::new(READERS, &metrics, Box::new(move || sqlite_reader(&reading)));
        Ok((
            Self {
                readers,
                writer: Some(sender),
                thread: Some(thread),
                metrics,
                poison,
                committed,
                audits,
                checkpointer: Some(checkpointer),
                resident,
                _file: file,
            },
            lane,
        ))
    }

    pub(super) fn write<T, E, W>(&self, work: W) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        W: FnMut(&mut Transaction<'_>) -> Result<T, E> + Send + 'static,
    {
        if self.is_writer() {
            return Err(StoreError::Unavailable("a write within a write".to_owned()).into());
        }
        let (reply, answer) = sync_channel(1);
        let job = Box::new(Work::new(work, reply));
        let waiting = &self.metrics.gauges().store_queue;
        waiting.inc();
        let sent = self.writer.as_ref().is_some_and(|writer| writer.send(Message::Work(job)).is_ok());
        if !sent {
            waiting.dec();
            return Err(stopped().into());
        }
        answer.recv().unwrap_or_else(|_| Err(StoreError::Unknown.into()))
    }

    pub(super) fn read<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&mut Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.sound()?;
        self.readers.lend(|connection| match connection.begin_reading() {
            Ok(()) => read_in(connection, work),
            Err(error) => (Err(StoreError::from(error).into()), false),
        })?
    }

    /// As [`SqliteStore::read`], but that candidates come from memory where they are kept there.
    pub(super) fn consider<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&mut Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let resident = Arc::clone(&self.resident);
        self.read(|transaction| {
            transaction.keep(resident);
            work(transaction)
        })
    }

    pub(super) fn keep_in_memory(&self, most: usize) {
        self.resident.keep(most);
        // The writer reads them: it is woken, unless it has work anyway.
        if let Some(writer) = &self.writer {
            let _ = writer.try_send(Message::Audits);
        }
    }

    pub(super) fn decides_from_memory(&self) -> bool {
        self.resident.is_whole()
    }

    pub(super) fn rehearse<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&mut Transaction<'_>) -> Result<T, E>,
    ) -> Option<(T, Witness)> {
        self.sound().ok()?;
        // Read before the snapshot is taken: the snapshot has at least what was committed by then.
        let since = self.committed.load(Ordering::Acquire);
        let rehearsed = self.readers.lend_free(|connection| {
            if connection.begin_reading().is_err() {
                return (None, false);
            }
            let mut transaction = Transaction::new(connection, None).noting();
            let result = work(&mut transaction).ok();
            let (seen, fit) = (transaction.take_seen(), !transaction.is_broken());
            (result.map(|result| (result, Witness { since, seen })), connection.end_reading() && fit)
        });
        rehearsed.flatten()
    }

    pub(super) fn enqueue_audit(&self, waiting: WaitingAudit) -> Result<(), StoreError> {
        self.sound()?;
        let writer = self.writer.as_ref().ok_or_else(stopped)?;
        let queue = &self.metrics.gauges().audit_waiting;
        queue.inc();
        let told = self.audits.put(waiting).map(|first| if first { writer.try_send(Message::Audits) } else { Ok(()) });
        let failed = match told {
            // Where works wait to be written, the next of them takes the rows along.
            Ok(Ok(()) | Err(TrySendError::Full(_))) => return Ok(()),
            Ok(Err(TrySendError::Disconnected(_))) => stopped(),
            Err(error) => error,
        };
        queue.dec();
        Err(failed)
    }

    /// The queue is served in order: an empty work is done after all before it.
    pub(super) fn flush_audit(&self) -> Result<(), StoreError> {
        self.write(|_| Ok(()))
    }

    /// Overwrites what no row holds any more; returns when that is done.
    pub(super) fn scrub(&self) -> Result<(), StoreError> {
        let line = self.checkpointer.as_ref().map(Checkpointer::line).ok_or_else(stopped)?;
        let (reply, answer) = sync_channel(1);
        line.scrub(reply);
        // Whatever comes next wakes the writer, which scrubs before it.
        self.write(|_| Ok::<(), StoreError>(()))?;
        answer.recv().unwrap_or_else(|_| Err(stopped()))
    }

    /// Why this store serves no more, if that is so.
    pub(super) fn poisoned(&self) -> Option<String> {
        let ended = self.thread.as_ref().is_some_and(JoinHandle::is_finished);
        self.poison.get().cloned().or_else(|| ended.then(|| "its writer has stopped".to_owned()))
    }

    /// An error where nothing may be answered any more: its audit row could not be kept.
    fn sound(&self) -> Result<(), StoreError> {
        self.poisoned().map_or(Ok(()), |why| Err(StoreError::Unavailable(why)))
    }

    fn is_writer(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| thread.thread().id() == std::thread::current().id())
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        let within = self.is_writer();
        drop(self.writer.take());
        if let Some(thread) = self.thread.take().filter(|_| !within) {
            // A writer that panicked has told its callers already.
            let _ = thread.join();
        }
        drop(self.checkpointer.take());
    }
}

/// Runs `work` in a transaction that is open, then ends it; nothing was written. Also says whether
/// the connection is fit for others.
pub(super) fn read_in<T, E: From<StoreError>>(
    connection: &mut Connection,
    work: impl FnOnce(&mut Transaction<'_>) -> Result<T, E>,
) -> (Result<T, E>, bool) {
    let mut transaction = Transaction::new(connection, None);
    let result = work(&mut transaction);
    let fit = !transaction.is_broken();
    (result, connection.end_reading() && fit)
}

fn stopped() -> StoreError {
    StoreError::Unavailable("its writer has stopped".to_owned())
}

/// Leases the lane after the last one, so that a clock that stepped back between two starts makes no key
/// twice, and reads how far the sequences are.
fn prepare(connection: &mut Connection, clock: &Clock) -> Result<(i32, Sequences), StoreError> {
    let mut transaction = Transaction::new(connection, None);
    let lane = transaction.lane_after_last()?;
    transaction.lane_take(lane, &host(), clock.micros())?;
    let sequences = transaction.sequences()?;
    Ok((lane, sequences))
}

struct Writer {
    connection: Connection,
    sequences: Sequences,
    receiver: Receiver<Message>,
    /// Audit rows of a group that was undone: their questions were answered, so the next commit takes them.
    kept: Vec<WaitingAudit>,
    audits: Arc<Waiting>,
    resident: Arc<Resident>,
    poison: Poison,
    /// How many groups were committed.
    committed: Arc<AtomicU64>,
    changes: Changes,
    /// Records that were loaded since the last commit.
    loaded: usize,
    checkpoints: Line,
    metrics: Metrics,
    /// Held until the last commit.
    _lock: File,
}

impl Writer {
    fn run(mut self) {
        while let Some(first) = self.next() {
            self.checkpoints.finish(&mut self.connection);
            self.checkpoints.scrub_now(&mut self.connection);
            let group = self.gather(first);
            self.commit(group);
            self.read_some();
        }
    }

    /// What comes next; while nothing does, what decisions read is brought into memory.
    fn next(&mut self) -> Option<Message> {
        while self.resident.is_reading() {
            match self.receiver.try_recv() {
                Ok(message) => return Some(message),
                Err(TryRecvError::Disconnected) => return None,
                Err(TryRecvError::Empty) => self.read_some(),
            }
        }
        self.receiver.recv().ok()
    }

    fn read_some(&mut self) {
        if self.resident.is_reading() {
            self.resident.read_some(&mut Transaction::new(&mut self.connection, None));
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
        let Err(error) = self.connection.batch("COMMIT") else {
            self.committed.fetch_add(1, Ordering::Release);
            return Ok(());
        };
        // A log that could not grow has no mark of this commit: it is known not to have happened.
        if is_full(&error) || planted::has(Bug::PoisonIgnored) {
            return Err(self.undo(audits, error.into()));
        }
        // After a failed sync nobody knows what is on the disk. Only a restart, which reads it, can tell.
        let why = format!("a commit failed, restart is needed: {}", StoreError::from(error));
        self.roll_back();
        self.poison(why);
        Err(StoreError::Unknown)
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
        self.changes.begin(self.committed.load(Ordering::Relaxed) + 1);
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
        if audits.is_empty() { Ok(true) } else { self.one(apart, keep) }
    }

    /// One message, apart from the others or not; whether all that it did is to be committed or was undone.
    fn one(&mut self, apart: bool, work: impl FnOnce(&mut Transaction<'_>) -> bool) -> Result<bool, StoreError> {
        if apart {
            self.connection.batch("SAVEPOINT message")?;
        }
        let mut transaction = Transaction::new(&mut self.connection, Some(&self.sequences)).telling(&mut self.changes);
        transaction.keep(Arc::clone(&self.resident));
        let keep = work(&mut transaction) || planted::has(Bug::SavepointKept);
        let loaded = transaction.loaded();
        // A failed statement may have rolled back everything, whatever its message made of it.
        let whole = keep && !transaction.was_refused();
        self.loaded += loaded;
        if apart {
            if !keep {
                self.resident.forget();
            }
            let end = if keep { "RELEASE message" } else { "ROLLBACK TO message; RELEASE message" };
            self.connection.batch(end)?;
        }
        Ok(whole || apart)
    }
}
