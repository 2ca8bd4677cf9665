//! What is remembered, in SQLite or PostgreSQL. The only module that names diesel.
//!
//! It must never decide anything about a patient: it keeps rows and gives them back. A write is acknowledged
//! only after its commit is on the disk; a store whose commit failed acknowledges nothing more. Nothing here
//! retries what may already have happened.

mod checkpoint;
mod connection;
mod demographics_twin;
mod directory;
mod drawn;
mod error;
mod export;
mod file;
mod filed;
mod ids;
mod image;
mod inspect;
mod journal;
mod kept;
mod load;
mod locks;
mod look;
mod lookup;
mod many;
mod migrations;
mod pool;
mod postgres;
mod resident;
mod rows;
mod schema;
mod sqlite;
mod sweep;
mod tables;
#[doc(hidden)]
pub mod testing;
mod tls;
mod transaction;
mod view;
mod waiting;
mod witness;
mod work;

pub use demographics_twin::{from_text as demographics_from_text, to_text as demographics_to_text};
pub use drawn::Drawn;
pub use error::StoreError;
pub use export::{Copied, ExportError, export};
pub use image::Image;
pub use inspect::{Inspection, inspect};
pub use journal::Journal;
pub use kept::JournalPlace;
pub use load::Load;
pub use locks::Hold;
pub use look::{Look, Noting};
pub use lookup::Lookup;
pub use rows::{
    AuditRow, Counts, DeadLetterRow, DecisionRow, DomainRow, EventRow, InboxRow, KeptQueryRow, LinkRow, OperationRow,
    OutboxRow, PersonRow, ReviewRow, SenderRow, SourceRecordRow, SubscriberRow,
};
pub use tables::{ERASED, Filed, FoundRecord, OwnedRecord};
pub use transaction::Transaction;
pub use view::View;
pub use witness::Witness;

use crate::audit::AuditEvent;
use crate::clock::Clock;
use crate::metrics::Metrics;
use ids::Ids;
use std::sync::Arc;

/// Where the store is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreSettings {
    /// `sqlite:path` or `postgres://...`.
    pub url: String,
}

/// Whether [`Store::open`] can read `url` and its options; whether there is such a store is not looked at.
pub fn is_store_address(url: &str) -> bool {
    url.starts_with("sqlite:") || tls::Target::parse(url).is_ok()
}

/// An open store; clones share it.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    url: String,
    ids: Ids,
    backend: Backend,
    metrics: Metrics,
}

enum Backend {
    Sqlite(sqlite::SqliteStore),
    Postgres(postgres::PostgresStore),
    /// A SQLite file that another process has open, looked at.
    Look(pool::Pool),
}

/// Connections of one who only looks.
const LOOKERS: usize = 2;
/// What a write comes to where a store is only looked at.
const ONLY_LOOKED_AT: &str = "another process has it open, so it is only looked at";

/// An audited question that waits for the next commit.
struct WaitingAudit {
    event: AuditEvent,
    id: i64,
    time: i64,
}

impl Store {
    /// Opens the store at `url` (`sqlite:path`, `postgres://...`), brings its tables up to date and leases a
    /// lane of keys. A SQLite file that another process holds is refused.
    pub fn open(url: &str, clock: &Clock) -> Result<Self, StoreError> {
        let metrics = Metrics::default();
        let (backend, lane) = if let Some(path) = url.strip_prefix("sqlite:") {
            let (store, lane) = sqlite::SqliteStore::open(path, clock, &metrics)?;
            (Backend::Sqlite(store), lane)
        } else if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            let (store, lane) = postgres::PostgresStore::open(url, clock, &metrics)?;
            (Backend::Postgres(store), lane)
        } else {
            return Err(StoreError::Unavailable("its URL must begin with sqlite: or postgres://".to_owned()));
        };
        Ok(Self(Arc::new(Inner { url: url.to_owned(), ids: Ids::new(clock.clone(), lane), backend, metrics })))
    }

    /// The SQLite store at `url` as somebody sees it who only looks, also while another process has it open: nothing is
    /// locked, and writing fails. Its tables must be those that this program knows.
    pub fn look(url: &str, clock: &Clock) -> Result<Self, StoreError> {
        let metrics = Metrics::default();
        let mut first = export::look(url)?;
        migrations::version(&mut first)?;
        let looked_at = url.to_owned();
        let pool = pool::Pool::new(LOOKERS, &metrics, Box::new(move || export::look(&looked_at)));
        // No key is made here: which lane it would be does not matter.
        let (ids, backend) = (Ids::new(clock.clone(), 0), Backend::Look(pool));
        Ok(Self(Arc::new(Inner { url: url.to_owned(), ids, backend, metrics })))
    }

    /// What is counted and timed of this store, and of all that stands on it.
    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// The lane of keys that this process holds as long as it lives.
    pub fn lane(&self) -> i64 {
        self.0.ids.lane()
    }

    /// A key that no row has yet; positive, growing within this process.
    pub fn fresh_id(&self) -> i64 {
        self.0.ids.fresh()
    }

    /// Runs `work` in a write transaction of its own and returns after its commit is durable.
    ///
    /// When `work` fails or panics, all that it wrote is rolled back, and only that. `locks` are taken before
    /// it begins, in ascending order; SQLite has one writer and needs none. `work` may run again after a lost
    /// race, so it must not act outside the transaction. It must not call `write` itself.
    pub fn write<T, E, W>(&self, locks: Vec<i64>, work: W) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        W: FnMut(&mut Transaction<'_>) -> Result<T, E> + Send + 'static,
    {
        match &self.0.backend {
            Backend::Sqlite(store) => store.write(work),
            Backend::Postgres(store) => store.write(locks, work),
            Backend::Look(_) => Err(StoreError::Unavailable(ONLY_LOOKED_AT.to_owned()).into()),
        }
    }

    /// Runs `work` on one consistent snapshot; writing there fails.
    pub fn read<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&mut Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        match &self.0.backend {
            Backend::Sqlite(store) => store.read(work),
            Backend::Postgres(store) => store.read(work),
            Backend::Look(pool) => pool.lend(|connection| match connection.begin_reading() {
                Ok(()) => sqlite::read_in(connection, work),
                Err(error) => (Err(StoreError::from(error).into()), false),
            })?,
        }
    }

    /// Keeps what decisions read of up to `most` records in memory, where this process alone writes: about a kilobyte
    /// each. They are read by and by; until all are there, and beyond `most`, decisions read the tables.
    pub fn keep_in_memory(&self, most: usize) {
        if let Backend::Sqlite(store) = &self.0.backend {
            store.keep_in_memory(most);
        }
    }

    /// Keeps what questions look up of up to `most` records in memory, where this process alone writes. They are read by
    /// and by; until all are there, and beyond `most`, questions ask the tables.
    pub fn answer_from_memory(&self, most: usize) {
        if let Backend::Sqlite(store) = &self.0.backend {
            store.answer_from_memory(most);
        }
    }

    /// Whether questions are answered from memory now.
    pub fn answers_from_memory(&self) -> bool {
        match &self.0.backend {
            Backend::Sqlite(store) => store.answers_from_memory(),
            Backend::Postgres(_) | Backend::Look(_) => false,
        }
    }

    /// Runs `work`, which answers a question, on one consistent state that has all that was acknowledged: from memory
    /// where that is kept there, else as [`read`](Self::read).
    pub fn look_up<T, E: From<StoreError>>(&self, work: impl FnOnce(&mut dyn Lookup) -> Result<T, E>) -> Result<T, E> {
        match &self.0.backend {
            Backend::Sqlite(store) => store.look_up(work),
            Backend::Postgres(_) | Backend::Look(_) => self.read(|tx| work(tx)),
        }
    }

    /// Whether decisions read memory now, so that they take no time worth saving.
    pub fn decides_from_memory(&self) -> bool {
        match &self.0.backend {
            Backend::Sqlite(store) => store.decides_from_memory(),
            Backend::Postgres(_) | Backend::Look(_) => false,
        }
    }

    /// Runs `work`, which decides and writes nothing, on what a decision would read now: as [`read`](Self::read), but
    /// that candidates come from memory where they are kept there.
    pub fn consider<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&mut Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        match &self.0.backend {
            Backend::Sqlite(store) => store.consider(work),
            Backend::Postgres(_) | Backend::Look(_) => self.read(work),
        }
    }

    /// Runs `work` on a snapshot ahead of a write, and gives what it came to with a witness of what it read: a write
    /// that finds it [`still`](Transaction::still) so need not do the same again. None where that would save nothing
    /// (PostgreSQL, where writers do not wait for each other), where no reader is free, or where it failed: the write
    /// will say why.
    pub fn rehearse<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&mut Transaction<'_>) -> Result<T, E>,
    ) -> Option<(T, Witness)> {
        match &self.0.backend {
            Backend::Sqlite(store) => store.rehearse(work),
            Backend::Postgres(_) | Backend::Look(_) => None,
        }
    }

    /// Whether works wait for the one writer now.
    pub fn is_waited_for(&self) -> bool {
        self.0.metrics.gauges().store_queue.get() > 0
    }

    /// Whether several writers work at a time, so that they need locks.
    pub fn has_many_writers(&self) -> bool {
        matches!(self.0.backend, Backend::Postgres(_))
    }

    /// Hands over the audit row of a question; it joins the next commit. `Busy` when too many wait: then the
    /// question must be refused.
    pub fn enqueue_audit(&self, event: AuditEvent, time: i64) -> Result<(), StoreError> {
        let waiting = WaitingAudit { event, id: self.fresh_id(), time };
        match &self.0.backend {
            Backend::Sqlite(store) => store.enqueue_audit(waiting),
            Backend::Postgres(store) => store.enqueue_audit(waiting),
            Backend::Look(_) => Err(StoreError::Unavailable(ONLY_LOOKED_AT.to_owned())),
        }
    }

    /// Overwrites what was deleted or replaced: of a SQLite file nothing is left then of a value that no row holds any
    /// more, neither in the file nor in its log. That reads and writes all of it. PostgreSQL keeps what was replaced
    /// until it vacuums, and in its own logs and backups for as long as those are kept: nothing is done there.
    pub fn scrub(&self) -> Result<(), StoreError> {
        match &self.0.backend {
            Backend::Sqlite(store) => store.scrub(),
            Backend::Postgres(_) | Backend::Look(_) => Ok(()),
        }
    }

    /// Waits until all audit rows handed over so far are durable.
    pub fn flush_audit(&self) -> Result<(), StoreError> {
        match &self.0.backend {
            Backend::Sqlite(store) => store.flush_audit(),
            Backend::Postgres(store) => store.flush_audit(),
            Backend::Look(_) => Ok(()),
        }
    }
}

impl Store {
    /// Why this store acknowledges and answers nothing more, if a commit failed. Nobody knows then what is on the
    /// disk: only a restart, which reads it, can tell, so the process must end.
    pub fn poisoned(&self) -> Option<String> {
        match &self.0.backend {
            Backend::Sqlite(store) => store.poisoned(),
            // The server keeps the data: what became of a commit there can be asked again.
            Backend::Postgres(_) | Backend::Look(_) => None,
        }
    }

    /// Whether it is a file that this process alone writes, and not a server elsewhere.
    pub fn is_embedded(&self) -> bool {
        matches!(self.0.backend, Backend::Sqlite(_))
    }

    /// Whether reads and writes can be served now: a store whose commit failed serves no more.
    pub fn is_ready(&self) -> bool {
        self.read(|tx| tx.domains().map(|_| ())).is_ok()
    }

    /// How much is stored.
    pub fn counts(&self) -> Result<Counts, StoreError> {
        self.read(|tx| tx.counts())
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.0.backend {
            Backend::Sqlite(_) => "Store(SQLite)",
            Backend::Postgres(_) => "Store(PostgreSQL)",
            Backend::Look(_) => "Store(looked at)",
        })
    }
}

#[cfg(test)]
mod tests;
