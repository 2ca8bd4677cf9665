//! A store read with plain SQL, past all code of the product: what is really there.

use diesel::connection::SimpleConnection as _;
use diesel::sqlite::SqliteConnection;
use diesel::{Connection as _, QueryableByName, RunQueryDsl as _};

/// A connection of the checker's own.
pub enum Database {
    Sqlite(SqliteConnection),
    Postgres(tokio::runtime::Runtime, tokio_postgres::Client),
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = diesel::sql_types::Text)]
    line: String,
}

impl Database {
    pub fn open(url: &str) -> Result<Self, String> {
        if let Some(path) = url.strip_prefix("sqlite:") {
            let mut connection = SqliteConnection::establish(path).map_err(|error| error.to_string())?;
            connection.batch_execute("PRAGMA busy_timeout = 5000").map_err(|error| error.to_string())?;
            return Ok(Self::Sqlite(connection));
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let connected = runtime.block_on(tokio_postgres::connect(url, tokio_postgres::NoTls));
        let (client, connection) = connected.map_err(|error| error.to_string())?;
        runtime.spawn(async move {
            // Its end shows in the client.
            let _ = connection.await;
        });
        Ok(Self::Postgres(runtime, client))
    }

    /// The one column of `sql`, which must be text named `line`.
    pub fn column(&mut self, sql: &str) -> Result<Vec<String>, String> {
        match self {
            Self::Sqlite(connection) => {
                let lines: Vec<Line> =
                    diesel::sql_query(sql).load(connection).map_err(|error| format!("{sql}: {error}"))?;
                Ok(lines.into_iter().map(|line| line.line).collect())
            }
            Self::Postgres(runtime, client) => {
                let messages = runtime.block_on(client.simple_query(sql)).map_err(|error| format!("{sql}: {error}"))?;
                let text = |message: &tokio_postgres::SimpleQueryMessage| match message {
                    tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
                    _ => None,
                };
                Ok(messages.iter().filter_map(text).collect())
            }
        }
    }

    /// A count.
    pub fn number(&mut self, sql: &str) -> Result<u64, String> {
        let lines = self.column(&format!("SELECT CAST(({sql}) AS TEXT) AS line"))?;
        lines.first().and_then(|line| line.parse().ok()).ok_or_else(|| format!("{sql}: no number"))
    }

    pub fn run(&mut self, sql: &str) -> Result<(), String> {
        match self {
            Self::Sqlite(connection) => connection.batch_execute(sql).map_err(|error| format!("{sql}: {error}")),
            Self::Postgres(runtime, client) => {
                runtime.block_on(client.batch_execute(sql)).map_err(|error| format!("{sql}: {error}"))
            }
        }
    }

    /// `AND` what limits a table to rows after `row`, where the store can tell.
    pub fn after(&self, row: u64) -> String {
        match self {
            Self::Sqlite(_) => format!("rowid > {row}"),
            Self::Postgres(..) => "true".to_owned(),
        }
    }

    /// The name of a row in insertion order.
    pub fn row(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "rowid",
            Self::Postgres(..) => "0",
        }
    }
}
