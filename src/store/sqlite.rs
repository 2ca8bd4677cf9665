//! SQLite: one thread writes, and commits together what waits together; readers have snapshots of their own.

mod writer;

use super::checkpoint::Checkpointer;
use super::connection::{Connection, sqlite_reader, sqlite_writer};
use super::directory::{Directory, Touched};
use super::file::{hold, host, make_private};
use super::pool::Pool;
use super::resident::Resident;
use super::transaction::Sequences;
use super::waiting::Waiting;
use super::witness::Changes;
use super::work::{Job, Work};
use super::{Lookup, StoreError, Transaction, WaitingAudit, Witness, migrations};
use crate::clock::Clock;
use crate::metrics::Metrics;
use std::fs::File;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use writer::Writer;

/// Most messages that wait for the writer; a caller beyond that waits to get in.
const WAITING: usize = 4096;

/// Most audit rows that wait for a commit: what two cores answer in a second, since a disk that others use as well may
/// take so long. A question beyond that is refused.
const AUDITS: usize = 16_384;

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
    directory: Arc<Directory>,
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
        let (resident, directory) = (Arc::new(Resident::default()), Arc::new(Directory::default()));
        let due = usize::try_from(Transaction::new(&mut connection, None).due_count()?).unwrap_or(0);
        let mut writer = Writer {
            connection,
            sequences,
            receiver,
            kept: Vec::new(),
            audits: Arc::clone(&audits),
            resident: Arc::clone(&resident),
            directory: Arc::clone(&directory),
            touched: Touched::default(),
            poison: Arc::clone(&poison),
            committed: Arc::clone(&committed),
            changes: Changes::default(),
            noting: true,
            due,
            sweep: None,
            loaded: 0,
            checkpoints: checkpointer.line(),
            metrics: metrics.clone(),
            _lock: lock,
        };
        // Until all is in memory the tables are asked.
        writer.sweep_all();
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
                directory,
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

    pub(super) fn answer_from_memory(&self, most: usize) {
        self.directory.keep(most);
        if let Some(writer) = &self.writer {
            let _ = writer.try_send(Message::Audits);
        }
    }

    pub(super) fn answers_from_memory(&self) -> bool {
        self.directory.is_whole()
    }

    /// As [`SqliteStore::read`], but from memory where all is kept there.
    pub(super) fn look_up<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&mut dyn Lookup) -> Result<T, E>,
    ) -> Result<T, E> {
        self.sound()?;
        match self.directory.glance() {
            Some(mut all) => work(&mut all),
            None => self.read(|transaction| work(transaction)),
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
            let overlaid = transaction.filing.is_overlaid;
            (result.map(|result| (result, Witness { since, seen })), connection.end_reading(overlaid) && fit)
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
    let (fit, overlaid) = (!transaction.is_broken(), transaction.filing.is_overlaid);
    (result, connection.end_reading(overlaid) && fit)
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
