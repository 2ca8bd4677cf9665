//! SQLite: copies the log into the file beside the writer, so that no message waits for it.
//!
//! A log grows until a writer begins while all of it is copied. Beside a busy writer that moment would never come: so
//! the bulk is copied here, and the writer is asked for the little that came meanwhile, between two groups. A copy that
//! fails loses nothing: what is in the log stands, and is copied by the next attempt. It must never write anything
//! else.

use super::StoreError;
use super::connection::{Connection, sqlite_checkpointer};
use diesel::sql_types::Integer;
use diesel::{QueryableByName, RunQueryDsl as _};
use std::fs::File;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// The log is copied after so many messages.
const WORKS: usize = 512;

/// A log of so many pages (16 MB) is to begin anew: reading it again after a crash takes a fraction of a second.
const LONG: i32 = 8192;

/// In a large store a message changes pages all over the file, so that a log that begins anew less often is copied in
/// longer rows: up to a page of the log for so many of the store ...
const OF_STORE: u64 = 64;

/// ... and never more pages than this (64 MB).
const LONGEST: i32 = 32_768;

/// As stores are made: see `connection::sqlite_writer`.
const PAGE: u64 = 2048;

/// How often it tries to come near the end of a log that grows meanwhile, before the writer has to do the rest.
const PASSES: usize = 4;

/// What the writer does in one go.
const REST: i32 = 1024;

/// The thread that copies, and the writer's line to it.
pub(super) struct Checkpointer {
    line: Line,
    thread: Option<JoinHandle<()>>,
}

/// What the writer and the thread tell each other.
#[derive(Clone)]
pub(super) struct Line(Arc<(Mutex<State>, Condvar)>);

struct State {
    works: usize,
    finish: bool,
    stop: bool,
    /// Who waits for the file to be scrubbed.
    scrubs: Vec<SyncSender<Result<(), StoreError>>>,
}

impl Line {
    /// A log that a crash left long is copied after the first message.
    fn new() -> Self {
        let state = State { works: WORKS - 1, finish: false, stop: false, scrubs: Vec::new() };
        Self(Arc::new((Mutex::new(state), Condvar::new())))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// So many messages were committed.
    pub(super) fn committed(&self, works: usize) {
        let mut state = self.state();
        state.works += works;
        if state.works >= WORKS {
            self.0.1.notify_one();
        }
    }

    /// Has the writer scrub the file before its next group.
    pub(super) fn scrub(&self, reply: SyncSender<Result<(), StoreError>>) {
        self.state().scrubs.push(reply);
    }

    /// Scrubs the file where that was asked for; to be called by the writer between two groups.
    pub(super) fn scrub_now(&self, writer: &mut Connection) {
        let waiting = std::mem::take(&mut self.state().scrubs);
        if waiting.is_empty() {
            return;
        }
        let done = scrub(writer);
        for reply in waiting {
            let told = match &done {
                Ok(()) => Ok(()),
                Err(error) => Err(StoreError::Unavailable(error.to_string())),
            };
            // Who asked may be gone.
            let _ = reply.send(told);
        }
    }

    /// Copies the rest of the log where that was asked for; to be called by the writer between two groups.
    pub(super) fn finish(&self, writer: &mut Connection) {
        if std::mem::take(&mut self.state().finish)
            && let Err(error) = copy(writer)
        {
            log::warn!("the rest of the log was not copied: {error}");
        }
    }
}

impl Checkpointer {
    /// Starts the thread over the store at `path`, which `store` is open on. That must stay open until the last
    /// connection is closed: a system that is told to close a file forgets the locks that this process has on it.
    pub(super) fn start(path: &str, store: Arc<File>) -> Result<Self, StoreError> {
        let line = Line::new();
        let (told, mut connection) = (line.clone(), sqlite_checkpointer(path)?);
        let thread = std::thread::Builder::new()
            .name("store-checkpoint".to_owned())
            .spawn(move || run(&told, &mut connection, &store))
            .map_err(|_| StoreError::Unavailable("no thread for checkpoints".to_owned()))?;
        Ok(Self { line, thread: Some(thread) })
    }

    pub(super) fn line(&self) -> Line {
        self.line.clone()
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.line.state().stop = true;
        self.line.0.1.notify_one();
        if let Some(thread) = self.thread.take() {
            // It holds nothing but a connection.
            let _ = thread.join();
        }
    }
}

fn run(line: &Line, connection: &mut Connection, store: &File) {
    loop {
        let idle = |state: &mut State| !state.stop && state.works < WORKS;
        let mut state = line.0.1.wait_while(line.state(), idle).unwrap_or_else(PoisonError::into_inner);
        if state.stop {
            return;
        }
        state.works = 0;
        drop(state);
        match catch_up(connection, store) {
            Ok(near) => line.state().finish = near,
            Err(error) => log::warn!("the log was not copied: {error}"),
        }
    }
}

/// Copies what is there; whether the writer should do the rest, so that the log can begin anew.
///
/// Before that what was copied is made durable here: the writer has to wait for the disk before the log begins anew,
/// and so waits for little.
fn catch_up(connection: &mut Connection, store: &File) -> Result<bool, StoreError> {
    let long = long(store);
    let mut copied = copy(connection)?;
    for _ in 1..PASSES {
        if copied.log < long || copied.log - copied.checkpointed <= REST {
            break;
        }
        copied = copy(connection)?;
    }
    let is_long = copied.log >= long;
    if is_long && store.sync_data().is_err() {
        return Err(StoreError::Unavailable("the file could not be synchronized".to_owned()));
    }
    Ok(is_long)
}

fn long(store: &File) -> i32 {
    let pages = store.metadata().map_or(0, |found| found.len() / PAGE);
    i32::try_from(pages / OF_STORE).unwrap_or(i32::MAX).clamp(LONG, LONGEST)
}

/// What SQLite says of a checkpoint, in pages.
#[derive(QueryableByName)]
struct Copied {
    #[diesel(sql_type = Integer)]
    log: i32,
    #[diesel(sql_type = Integer)]
    checkpointed: i32,
}

/// How often it is tried to empty the log while others read.
const TRIES: usize = 6;

/// Writes the file anew, without what no row holds any more, and empties the log. Each page of the file is overwritten
/// when the log is copied; where something was cut off, its bytes were zero before.
fn scrub(connection: &mut Connection) -> Result<(), StoreError> {
    #[derive(QueryableByName)]
    struct Emptied {
        #[diesel(sql_type = Integer)]
        busy: i32,
    }
    // The copy that is made on the way holds only what rows hold, so it may lie in a file.
    connection.batch("PRAGMA secure_delete = ON; PRAGMA temp_store = FILE; VACUUM;")?;
    connection.batch("PRAGMA temp_store = MEMORY; PRAGMA secure_delete = OFF;")?;
    let Connection::Sqlite(connection) = connection else { return Ok(()) };
    for _ in 0..TRIES {
        let emptied: Emptied = diesel::sql_query("PRAGMA wal_checkpoint(TRUNCATE)").get_result(connection.as_mut())?;
        if emptied.busy == 0 {
            return Ok(());
        }
    }
    Err(StoreError::Busy)
}

fn copy(connection: &mut Connection) -> Result<Copied, StoreError> {
    match connection {
        Connection::Sqlite(connection) => {
            Ok(diesel::sql_query("PRAGMA wal_checkpoint(PASSIVE)").get_result(connection.as_mut())?)
        }
        Connection::Postgres(_) => Ok(Copied { log: 0, checkpointed: 0 }),
    }
}
