//! PostgreSQL: several processes, several writers. What keeps two of them from making two persons of one is
//! that both take the same advisory locks before they look (decision 6 of the design).

use super::connection::{Connection, postgres};
use super::file::host;
use super::ids::LANES;
use super::locks::Locks;
use super::pool::Pool;
use super::sqlite::read_in;
use super::transaction::{is_closed, may_retry};
use super::{StoreError, Transaction, WaitingAudit, migrations};
use crate::clock::Clock;
use crate::metrics::Metrics;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Most connections of one process, its lease and the background thread apart.
const CONNECTIONS: usize = 16;

/// How often a lost race is run again.
const ATTEMPTS: u32 = 5;

/// How often a work begins anew because it turned out to need what another one holds. It waits for that then, in line,
/// so each time it gets further.
const WAITS: u32 = 50;

/// Most audit rows that wait.
const WAITING: usize = 4096;

/// Most audit rows of one commit.
const GROUP: usize = 256;

/// How often places in commit order are assigned.
const SEAL_EVERY: Duration = Duration::from_millis(200);

/// How a snapshot begins.
const READ: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// A PostgreSQL database.
pub(super) struct PostgresStore {
    pool: Arc<Pool>,
    /// Holds the lane of keys as long as it is open.
    _lease: Mutex<Connection>,
    audits: Option<SyncSender<Message>>,
    thread: Option<JoinHandle<()>>,
    metrics: Metrics,
}

enum Message {
    Audit(Box<WaitingAudit>),
    Flush(SyncSender<Result<(), StoreError>>),
}

/// How one attempt at a write ended.
enum Attempt<T, E> {
    Done(Result<T, E>),
    Again(StoreError),
    /// With these locks from the beginning.
    AgainWith(Locks),
}

impl PostgresStore {
    /// Opens the database at `url`; also gives the lane of keys.
    pub(super) fn open(url: &str, clock: &Clock, metrics: &Metrics) -> Result<(Self, i32), StoreError> {
        let mut lease = postgres(url)?;
        let lane = prepare(&mut lease, clock)?;
        let url = url.to_owned();
        let pool = Arc::new(Pool::new(CONNECTIONS, metrics, Box::new(move || postgres(&url))));
        let (sender, receiver) = sync_channel(WAITING);
        let background = Background { pool: Arc::clone(&pool), receiver, metrics: metrics.clone() };
        let thread = std::thread::Builder::new()
            .name("store-sealer".to_owned())
            .spawn(move || background.run())
            .map_err(|_| StoreError::Unavailable("no thread for the sealer".to_owned()))?;
        let (lease, metrics) = (Mutex::new(lease), metrics.clone());
        Ok((Self { pool, _lease: lease, audits: Some(sender), thread: Some(thread), metrics }, lane))
    }

    pub(super) fn write<T, E, W>(&self, locks: Vec<i64>, work: W) -> Result<T, E>
    where
        E: From<StoreError>,
        W: FnMut(&mut Transaction<'_>) -> Result<T, E>,
    {
        let begun = Instant::now();
        let done = write(&self.pool, locks, work);
        if done.is_ok() {
            self.metrics.commit(begun.elapsed(), 1);
        }
        done
    }

    pub(super) fn read<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&mut Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.pool.lend(|connection| {
            // An idle connection may have died with a restart of the database; one new one is worth a try.
            if connection.batch(READ).is_err() {
                self.pool.forget_idle();
                let renewed = (self.pool.make)()
                    .and_then(|mut fresh| fresh.batch(READ).map(|()| fresh).map_err(StoreError::from));
                match renewed {
                    Ok(fresh) => *connection = fresh,
                    Err(error) => return (Err(error.into()), false),
                }
            }
            read_in(connection, work)
        })?
    }

    pub(super) fn enqueue_audit(&self, waiting: WaitingAudit) -> Result<(), StoreError> {
        let audits = self.audits.as_ref().ok_or_else(stopped)?;
        let queue = &self.metrics.gauges().audit_waiting;
        queue.inc();
        audits.try_send(Message::Audit(Box::new(waiting))).map_err(|error| {
            queue.dec();
            match error {
                TrySendError::Full(_) => StoreError::Busy,
                TrySendError::Disconnected(_) => stopped(),
            }
        })
    }

    pub(super) fn flush_audit(&self) -> Result<(), StoreError> {
        let (reply, answer) = sync_channel(1);
        let audits = self.audits.as_ref().ok_or_else(stopped)?;
        audits.send(Message::Flush(reply)).map_err(|_| stopped())?;
        answer.recv().unwrap_or_else(|_| Err(stopped()))
    }
}

impl Drop for PostgresStore {
    fn drop(&mut self) {
        drop(self.audits.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn stopped() -> StoreError {
    StoreError::Unavailable("its background thread has stopped".to_owned())
}

/// Brings the tables up to date and leases a lane, both under locks that other processes respect.
fn prepare(connection: &mut Connection, clock: &Clock) -> Result<i32, StoreError> {
    let mut transaction = Transaction::new(connection, None);
    transaction.lock_migrations()?;
    let migrated = migrations::bring_up_to_date(transaction.connection());
    let lane = migrated.and_then(|()| {
        let first = transaction.lane_after_last()?;
        for step in 0..LANES {
            let lane = (first + step) % LANES;
            if transaction.lane_lock(lane)? {
                transaction.lane_take(lane, &host(), clock.micros())?;
                return Ok(lane);
            }
        }
        Err(StoreError::Unavailable("all lanes of keys are held".to_owned()))
    });
    transaction.unlock_migrations()?;
    lane
}

/// Runs `work` in a transaction of its own, again after a lost race.
fn write<T, E, W>(pool: &Pool, locks: Vec<i64>, mut work: W) -> Result<T, E>
where
    E: From<StoreError>,
    W: FnMut(&mut Transaction<'_>) -> Result<T, E>,
{
    let mut locks = Locks::alone(locks);
    let (mut attempts, mut waits) = (0, 0);
    loop {
        match pool.lend(|connection| attempt_in(connection, &locks, &mut work))? {
            Attempt::Done(result) => return result,
            Attempt::AgainWith(_) if waits == WAITS => return Err(StoreError::Busy.into()),
            Attempt::AgainWith(wanted) => {
                waits += 1;
                locks = wanted;
            }
            Attempt::Again(error) if attempts == ATTEMPTS => return Err(error.into()),
            Attempt::Again(error) => {
                if matches!(error, StoreError::Unavailable(_)) {
                    pool.forget_idle();
                }
                attempts += 1;
                std::thread::sleep(Duration::from_millis(2 << attempts));
            }
        }
    }
}

/// One attempt, and whether the connection is fit for others afterwards.
fn attempt_in<T, E, W>(connection: &mut Connection, locks: &Locks, work: &mut W) -> (Attempt<T, E>, bool)
where
    E: From<StoreError>,
    W: FnMut(&mut Transaction<'_>) -> Result<T, E>,
{
    if connection.batch("BEGIN ISOLATION LEVEL READ COMMITTED").is_err() {
        return (Attempt::Again(StoreError::Unavailable("the connection was closed".to_owned())), false);
    }
    let mut transaction = Transaction::new(connection, None);
    let result = match transaction.lock(locks.clone()) {
        Ok(()) => {
            let guarded = std::panic::AssertUnwindSafe(|| work(&mut transaction));
            std::panic::catch_unwind(guarded).unwrap_or_else(|_| Err(StoreError::Panicked.into()))
        }
        Err(error) => Err(error.into()),
    };
    let (retry, broken, refused) = (transaction.wants_retry(), transaction.is_broken(), transaction.was_refused());
    let (waits, wanted) = (transaction.wants_to_wait(), transaction.take_locks());
    match result {
        Ok(value) if !refused && !waits => commit(connection, value),
        Ok(_) | Err(_) if broken => {
            (Attempt::Again(StoreError::Unavailable("the connection was closed".to_owned())), false)
        }
        Ok(_) | Err(_) if waits => (Attempt::AgainWith(wanted), connection.batch("ROLLBACK").is_ok()),
        Ok(_) | Err(_) if retry => (Attempt::Again(StoreError::Busy), connection.batch("ROLLBACK").is_ok()),
        // The work went on after a statement that failed: PostgreSQL would answer its commit with a rollback.
        Ok(_) => {
            let error = StoreError::Database("a statement failed and the work went on".to_owned());
            (Attempt::Done(Err(error.into())), connection.batch("ROLLBACK").is_ok())
        }
        Err(error) => (Attempt::Done(Err(error)), connection.batch("ROLLBACK").is_ok()),
    }
}

fn commit<T, E: From<StoreError>>(connection: &mut Connection, value: T) -> (Attempt<T, E>, bool) {
    match connection.batch("COMMIT") {
        Ok(()) => (Attempt::Done(Ok(value)), true),
        Err(error) if may_retry(&error) => (Attempt::Again(StoreError::Busy), connection.batch("ROLLBACK").is_ok()),
        Err(error) if is_closed(&error) => (Attempt::Done(Err(StoreError::Unknown.into())), false),
        // A refusal in words means that the server rolled back; anything else is not known to have failed.
        Err(error) => match StoreError::from(error) {
            conflict @ StoreError::Conflict(_) => {
                (Attempt::Done(Err(conflict.into())), connection.batch("ROLLBACK").is_ok())
            }
            _ => (Attempt::Done(Err(StoreError::Unknown.into())), false),
        },
    }
}

/// Writes waiting audit rows and assigns places in commit order.
struct Background {
    pool: Arc<Pool>,
    receiver: Receiver<Message>,
    metrics: Metrics,
}

impl Background {
    fn run(self) {
        loop {
            let (mut rows, mut flushes) = (Vec::new(), Vec::new());
            let mut take = |message| match message {
                Message::Audit(row) => rows.push(row),
                Message::Flush(reply) => flushes.push(reply),
            };
            let first = self.receiver.recv_timeout(SEAL_EVERY);
            let ended = matches!(first, Err(RecvTimeoutError::Disconnected));
            if let Ok(message) = first {
                take(message);
                self.receiver.try_iter().take(GROUP).for_each(&mut take);
            }
            let result = self.keep(&rows, !ended);
            self.metrics.gauges().audit_waiting.dec_by(i64::try_from(rows.len()).unwrap_or(0));
            for reply in flushes {
                let _ = reply.send(
                    result.as_ref().err().map_or(Ok(()), |error| Err(StoreError::Unavailable(error.to_string()))),
                );
            }
            if ended {
                return;
            }
        }
    }

    /// Writes `rows` however long it takes, since their questions were answered, then seals.
    fn keep(&self, rows: &[Box<WaitingAudit>], patient: bool) -> Result<(), StoreError> {
        let mut pause = Duration::from_millis(50);
        while !rows.is_empty() {
            let written: Result<(), StoreError> = write(&self.pool, Vec::new(), |transaction| {
                rows.iter().try_for_each(|row| transaction.audit_insert(&row.event, row.id, row.time))
            });
            match written {
                // An attempt of which we do not know the end has written if the key is taken now.
                Ok(()) | Err(StoreError::Conflict(_)) => break,
                Err(error) if !patient => return Err(error),
                Err(error) => log::error!("{} audit rows wait: {error}", rows.len()),
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_secs(5));
        }
        write(&self.pool, Vec::new(), |transaction| transaction.seal())
    }
}
