//! SQLite: one thread writes, and commits together what waits together; readers have snapshots of their own.

use super::connection::{Connection, sqlite_reader, sqlite_writer};
use super::error::is_full;
use super::pool::Pool;
use super::transaction::Sequences;
use super::{StoreError, Transaction, WaitingAudit, migrations};
use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::planted::{self, Bug};
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Most messages that wait for the writer; a caller beyond that waits to get in.
const WAITING: usize = 4096;

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
}

/// Why nothing more is acknowledged or answered; set once, by the writer.
type Poison = Arc<OnceLock<String>>;

enum Message {
    Work(Box<dyn Job>),
    Audit(Box<WaitingAudit>),
}

impl Message {
    fn into_job(self) -> Option<Box<dyn Job>> {
        match self {
            Message::Work(job) => Some(job),
            Message::Audit(_) => None,
        }
    }
}

/// A work on its way through the writer.
trait Job: Send {
    /// Does it; whether it wants to be kept.
    fn run(&mut self, transaction: &mut Transaction<'_>) -> bool;
    /// Tells the caller how it ended; `failure` overrides the result where the commit did not come about.
    fn finish(self: Box<Self>, failure: Option<StoreError>);
}

struct Work<T, E, W> {
    work: W,
    result: Option<Result<T, E>>,
    reply: SyncSender<Result<T, E>>,
}

impl<T, E, W> Job for Work<T, E, W>
where
    T: Send,
    E: From<StoreError> + Send,
    W: FnMut(&mut Transaction<'_>) -> Result<T, E> + Send,
{
    fn run(&mut self, transaction: &mut Transaction<'_>) -> bool {
        let attempt = std::panic::AssertUnwindSafe(|| (self.work)(transaction));
        let result = std::panic::catch_unwind(attempt).unwrap_or_else(|_| Err(StoreError::Panicked.into()));
        let keep = result.is_ok();
        self.result = Some(result);
        keep
    }

    fn finish(self: Box<Self>, failure: Option<StoreError>) {
        let Work { work, result, reply } = *self;
        // What the work holds may be the last handle on the store: it goes before the caller hears.
        drop(work);
        let result = match (result, failure) {
            (Some(Err(error)), _) => Err(error),
            (_, Some(failure)) => Err(failure.into()),
            (Some(Ok(value)), None) => Ok(value),
            (None, None) => Err(StoreError::Unavailable("the writer did not run the work".to_owned()).into()),
        };
        // The caller may be gone; its work is durable nevertheless.
        let _ = reply.send(result);
    }
}

impl SqliteStore {
    /// Opens `path`; also gives the lane of keys.
    pub(super) fn open(path: &str, clock: &Clock, metrics: &Metrics) -> Result<(Self, i32), StoreError> {
        if path.is_empty() || path.contains(":memory:") {
            return Err(StoreError::Unavailable("a store needs a file".to_owned()));
        }
        let lock = hold(path)?;
        let mut connection = sqlite_writer(path)?;
        migrations::bring_up_to_date(&mut connection)?;
        let (lane, sequences) = prepare(&mut connection, clock)?;
        let reading = path.to_owned();
        let (sender, receiver) = sync_channel(WAITING);
        let metrics = metrics.clone();
        let poison = Poison::default();
        let writer = Writer {
            connection,
            sequences,
            receiver,
            kept: Vec::new(),
            poison: Arc::clone(&poison),
            metrics: metrics.clone(),
            _lock: lock,
        };
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || writer.run())
            .map_err(|_| StoreError::Unavailable("no thread for the writer".to_owned()))?;
        let readers = Pool::new(READERS, &metrics, Box::new(move || sqlite_reader(&reading)));
        Ok((Self { readers, writer: Some(sender), thread: Some(thread), metrics, poison }, lane))
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
        let job = Box::new(Work { work, result: None, reply });
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
        self.readers.lend(|connection| match connection.batch("BEGIN") {
            Ok(()) => read_in(connection, work),
            Err(error) => (Err(StoreError::from(error).into()), false),
        })?
    }

    pub(super) fn enqueue_audit(&self, waiting: WaitingAudit) -> Result<(), StoreError> {
        self.sound()?;
        let writer = self.writer.as_ref().ok_or_else(stopped)?;
        let queue = &self.metrics.gauges().audit_waiting;
        queue.inc();
        writer.try_send(Message::Audit(Box::new(waiting))).map_err(|error| {
            queue.dec();
            match error {
                TrySendError::Full(_) => StoreError::Busy,
                TrySendError::Disconnected(_) => stopped(),
            }
        })
    }

    /// The queue is served in order: an empty work is done after all before it.
    pub(super) fn flush_audit(&self) -> Result<(), StoreError> {
        self.write(|_| Ok(()))
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
    }
}

/// Runs `work` in a transaction that is open, then rolls it back, as nothing was written. Also says whether
/// the connection is fit for others.
pub(super) fn read_in<T, E: From<StoreError>>(
    connection: &mut Connection,
    work: impl FnOnce(&mut Transaction<'_>) -> Result<T, E>,
) -> (Result<T, E>, bool) {
    let mut transaction = Transaction::new(connection, None);
    let result = work(&mut transaction);
    let fit = !transaction.is_broken();
    (result, connection.batch("ROLLBACK").is_ok() && fit)
}

fn stopped() -> StoreError {
    StoreError::Unavailable("its writer has stopped".to_owned())
}

/// Takes the lock file beside `path`, which the system releases when this process ends.
fn hold(path: &str) -> Result<File, StoreError> {
    let cannot = |_| StoreError::Unavailable("its lock file cannot be made; does its folder exist?".to_owned());
    let mut options = File::options();
    let mut file =
        options.read(true).write(true).create(true).truncate(false).open(format!("{path}-lock")).map_err(cannot)?;
    if file.try_lock().is_err() {
        let mut holder = String::new();
        // Who holds it is told where it can be read.
        let _ = file.read_to_string(&mut holder);
        return Err(StoreError::Locked { holder: holder.trim().to_owned() });
    }
    file.set_len(0).map_err(cannot)?;
    writeln!(file, "process {} on {}", std::process::id(), host()).map_err(cannot)?;
    Ok(file)
}

/// The name of this machine, as well as it can be had.
pub(super) fn host() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map_or_else(|_| "this host".to_owned(), |s| s.trim().to_owned())
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
    poison: Poison,
    metrics: Metrics,
    /// Held until the last commit.
    _lock: File,
}

impl Writer {
    fn run(mut self) {
        while let Ok(first) = self.receiver.recv() {
            let group = self.gather(first);
            self.commit(group);
        }
    }

    /// What is committed together: all that waits; where that is audit rows alone, what comes soon as well.
    fn gather(&self, first: Message) -> Vec<Message> {
        let until = Instant::now() + AUDITS_WAIT;
        let mut patient = matches!(first, Message::Audit(_));
        let mut group = vec![first];
        while group.len() < GROUP {
            let next = match self.receiver.try_recv() {
                Err(TryRecvError::Empty) if patient => {
                    self.receiver.recv_timeout(until.saturating_duration_since(Instant::now())).ok()
                }
                next => next.ok(),
            };
            let Some(next) = next else { break };
            patient &= matches!(next, Message::Audit(_));
            group.push(next);
        }
        group
    }

    /// Runs a group in one transaction and answers each caller after the commit.
    fn commit(&mut self, group: Vec<Message>) {
        let audits = i64::try_from(group.iter().filter(|one| matches!(one, Message::Audit(_))).count()).unwrap_or(0);
        let works = i64::try_from(group.len()).unwrap_or(0) - audits;
        self.metrics.gauges().store_queue.dec_by(works);
        let begun = Instant::now();
        let mut jobs = Vec::with_capacity(group.len());
        let failure = match self.poison.get() {
            Some(why) => {
                jobs.extend(group.into_iter().filter_map(Message::into_job));
                Some(StoreError::Unavailable(why.clone()))
            }
            None => self.attempt(group, &mut jobs).err(),
        };
        self.metrics.gauges().audit_waiting.dec_by(audits);
        if failure.is_none() {
            self.metrics.commit(begun.elapsed(), jobs.len());
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

    fn attempt(&mut self, group: Vec<Message>, jobs: &mut Vec<Box<dyn Job>>) -> Result<(), StoreError> {
        let begun = self.connection.batch("BEGIN IMMEDIATE").map_err(StoreError::from);
        let mut state = begun;
        let mut audits = std::mem::take(&mut self.kept);
        for message in group {
            match message {
                Message::Work(mut job) => {
                    if state.is_ok() {
                        state = self.savepoint(|transaction| job.run(transaction));
                    }
                    jobs.push(job);
                }
                Message::Audit(waiting) => audits.push(*waiting),
            }
        }
        if state.is_ok() && !audits.is_empty() {
            state = self.keep(&audits);
        }
        if planted::has(Bug::AcknowledgeBeforeCommit) {
            jobs.drain(..).for_each(|job| job.finish(None));
        }
        if let Err(error) = state {
            return Err(self.undo(audits, error));
        }
        let Err(error) = self.connection.batch("COMMIT") else { return Ok(()) };
        // A log that could not grow has no mark of this commit: it is known not to have happened.
        if is_full(&error) || planted::has(Bug::PoisonIgnored) {
            return Err(self.undo(audits, error.into()));
        }
        // After a failed sync nobody knows what is on the disk. Only a restart, which reads it, can tell.
        let why = format!("a commit failed, restart is needed: {}", StoreError::from(error));
        let _ = self.connection.batch("ROLLBACK");
        self.poison(why);
        Err(StoreError::Unknown)
    }

    /// The database gave up the transaction (a full disk): all of the group is undone, but for the audit rows of
    /// questions, which were answered.
    fn undo(&mut self, audits: Vec<WaitingAudit>, error: StoreError) -> StoreError {
        // It may have rolled back by itself already.
        let _ = self.connection.batch("ROLLBACK");
        self.kept = audits;
        if self.kept.len() > WAITING {
            self.poison(format!("{} audit rows cannot be kept: {error}", self.kept.len()));
        }
        error
    }

    /// From here on nothing is acknowledged and nothing answered.
    fn poison(&self, why: String) {
        log::error!("{why}");
        // The first reason stands.
        let _ = self.poison.set(why);
    }

    /// Writes the audit rows of questions.
    fn keep(&mut self, audits: &[WaitingAudit]) -> Result<(), StoreError> {
        self.savepoint(|transaction| {
            for waiting in audits {
                // A statement that is refused leaves nothing behind; the rows beside it stay.
                if let Err(error) = transaction.audit_insert(&waiting.event, waiting.id, waiting.time) {
                    log::error!("an audit row was refused: {error}");
                }
            }
            true
        })
    }

    fn savepoint(&mut self, work: impl FnOnce(&mut Transaction<'_>) -> bool) -> Result<(), StoreError> {
        self.connection.batch("SAVEPOINT message")?;
        let keep = work(&mut Transaction::new(&mut self.connection, Some(&self.sequences)));
        let keep = keep || planted::has(Bug::SavepointKept);
        let end = if keep { "RELEASE message" } else { "ROLLBACK TO message; RELEASE message" };
        Ok(self.connection.batch(end)?)
    }
}
