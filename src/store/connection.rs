//! One connection to either database, and the macro that says one statement to both.
//!
//! A statement is written once in diesel's language and compiled once for each database, so that neither
//! pays for the other and nothing outside this module knows which one answers.

use super::StoreError;
use super::tls::{OwnRuntime, Target};
use crate::planted::{self, Bug};
use diesel::connection::SimpleConnection;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sqlite::{Sqlite, SqliteConnection};
use diesel::{Connection as _, QueryableByName, RunQueryDsl};
use diesel_async::AsyncPgConnection;
use diesel_async::async_connection_wrapper::AsyncConnectionWrapper;

/// A synchronous connection to PostgreSQL without libpq.
pub(super) type PgConnection = AsyncConnectionWrapper<AsyncPgConnection, OwnRuntime>;

/// A connection to either database.
pub(super) enum Connection {
    Sqlite(Box<SqliteConnection>),
    Postgres(Box<PgConnection>),
}

/// Runs one expression against whichever connection the transaction has; gives `Result<_, StoreError>`.
macro_rules! on_connection {
    ($transaction:expr, $connection:ident => $body:expr) => {
        match $transaction.settle() {
            Err(error) => Err(error),
            Ok(()) => {
                let result = match $transaction.connection() {
                    $crate::store::connection::Connection::Sqlite(boxed) => {
                        let $connection = boxed.as_mut();
                        $body
                    }
                    $crate::store::connection::Connection::Postgres(boxed) => {
                        let $connection = boxed.as_mut();
                        $body
                    }
                };
                result.map_err(|error| $transaction.failed(error))
            }
        }
    };
}
pub(super) use on_connection;

impl Connection {
    /// Runs statements that return nothing.
    pub(super) fn batch(&mut self, sql: &str) -> Result<(), diesel::result::Error> {
        match self {
            Connection::Sqlite(connection) => connection.as_mut().batch_execute(sql),
            Connection::Postgres(connection) => connection.as_mut().batch_execute(sql),
        }
    }
}

/// A statement that is always the same text: compiled once by each connection, where a batch is compiled each time. A
/// question begins and ends a transaction, which is two of its few statements.
macro_rules! always {
    ($name:ident, $sql:literal) => {
        #[derive(diesel::query_builder::QueryId)]
        struct $name;

        impl QueryFragment<Sqlite> for $name {
            fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> diesel::QueryResult<()> {
                out.push_sql($sql);
                Ok(())
            }
        }

        impl RunQueryDsl<SqliteConnection> for $name {}
    };
}
always!(Begin, "BEGIN");
always!(Commit, "COMMIT");

impl Connection {
    /// Begins a transaction of SQLite that only reads.
    pub(super) fn begin_reading(&mut self) -> Result<(), diesel::result::Error> {
        match self {
            Connection::Sqlite(connection) => Begin.execute(connection.as_mut()).map(|_| ()),
            Connection::Postgres(_) => self.batch("BEGIN"),
        }
    }

    /// Ends it, and what was laid over the tables in it; whether the connection is fit for others.
    pub(super) fn end_reading(&mut self, overlaid: bool) -> bool {
        let ended = match self {
            Connection::Sqlite(_) if overlaid => false,
            Connection::Sqlite(connection) => Commit.execute(connection.as_mut()).is_ok(),
            Connection::Postgres(_) => false,
        };
        ended || self.batch(if overlaid { "ROLLBACK; PRAGMA query_only = ON" } else { "ROLLBACK" }).is_ok()
    }
}

#[derive(QueryableByName)]
struct JournalMode {
    #[diesel(sql_type = diesel::sql_types::Text)]
    journal_mode: String,
}

#[derive(QueryableByName)]
struct Synchronous {
    #[diesel(sql_type = diesel::sql_types::Integer)]
    synchronous: i32,
}

/// How much of a file is mapped into memory by its writer.
const MAPPED: u64 = 1 << 30;

/// How much of the file at `path` its writer keeps in memory besides, in KiB. Below a gigabyte SQLite looks through all
/// of it at each commit that has moved pages: it numbers them meanwhile as if they stood at a gigabyte.
fn writer_cache(path: &str) -> u32 {
    let is_large = std::fs::metadata(path).is_ok_and(|file| file.len() >= MAPPED);
    if is_large { 64 * 1024 } else { 16 * 1024 }
}

/// The connection through which a SQLite file is written: every commit is on the disk before it is acknowledged.
pub(super) fn sqlite_writer(path: &str) -> Result<Connection, StoreError> {
    let mut connection = SqliteConnection::establish(path)?;
    let cache = writer_cache(path);
    // The log is copied into the file by a thread of its own: see `checkpoint`. A feed changes about forty pages all
    // over the file, and each is written whole, twice: small ones are less to write. A store that exists keeps its own.
    connection.batch_execute(&format!(
        "PRAGMA page_size = 2048; PRAGMA wal_autocheckpoint = 0; PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
         PRAGMA cache_size = -{cache}; PRAGMA temp_store = MEMORY; PRAGMA mmap_size = {MAPPED};",
    ))?;
    if planted::has(Bug::SynchronousNormal) {
        connection.batch_execute("PRAGMA synchronous = NORMAL")?;
        return Ok(Connection::Sqlite(Box::new(connection)));
    }
    let mode: JournalMode = diesel::sql_query("PRAGMA journal_mode").get_result(&mut connection)?;
    let level: Synchronous = diesel::sql_query("PRAGMA synchronous").get_result(&mut connection)?;
    // 2 is FULL. A file system that cannot hold a WAL silently keeps another mode: better no store than one that forgets.
    if mode.journal_mode != "wal" || level.synchronous != 2 {
        return Err(StoreError::Unavailable(
            "the file system does not allow a write-ahead log with full sync".to_owned(),
        ));
    }
    Ok(Connection::Sqlite(Box::new(connection)))
}

/// A connection that copies the log into the file, and each copy is on the disk before the log may begin anew.
pub(super) fn sqlite_checkpointer(path: &str) -> Result<Connection, StoreError> {
    let mut connection = SqliteConnection::establish(path)?;
    connection
        .batch_execute("PRAGMA wal_autocheckpoint = 0; PRAGMA busy_timeout = 5000; PRAGMA synchronous = FULL;")?;
    Ok(Connection::Sqlite(Box::new(connection)))
}

/// A connection that only reads. It maps no memory: after each commit of the writer SQLite would undo the mapping, and
/// all processors would have to forget it.
pub(super) fn sqlite_reader(path: &str) -> Result<Connection, StoreError> {
    let mut connection = SqliteConnection::establish(path)?;
    connection.batch_execute(
        "PRAGMA busy_timeout = 5000; PRAGMA query_only = ON; PRAGMA cache_size = -32768; PRAGMA temp_store = MEMORY; \
         PRAGMA mmap_size = 0;",
    )?;
    Ok(Connection::Sqlite(Box::new(connection)))
}

/// A connection that cannot write to the file, not even what a crashed process left to be tidied up.
pub(super) fn sqlite_onlooker(path: &str) -> Result<Connection, StoreError> {
    let escaped = path.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    let mut connection = SqliteConnection::establish(&format!("file:{escaped}?mode=ro"))?;
    connection.batch_execute("PRAGMA busy_timeout = 5000; PRAGMA temp_store = MEMORY;")?;
    Ok(Connection::Sqlite(Box::new(connection)))
}

/// A connection to PostgreSQL, made on a plain thread of its own, where no asynchronous runtime is in the way of
/// the connection's own.
pub(super) fn postgres(url: &str) -> Result<Connection, StoreError> {
    let target = Target::parse(url)?;
    let connect = move || -> Result<PgConnection, StoreError> {
        let mut connection = target.connect()?;
        // What is acknowledged must survive a crash of the server, whatever the server's default is.
        connection.batch_execute(
            "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
        )?;
        Ok(connection)
    };
    let made = std::thread::spawn(connect).join();
    let connection = made.map_err(|_| StoreError::Unavailable("connecting failed".to_owned()))??;
    Ok(Connection::Postgres(Box::new(connection)))
}
