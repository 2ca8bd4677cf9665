//! All that a store holds as lines of text, the same for the same content whichever database holds it.
//!
//! The format is described for readers in `docs/backup.md`. A reader that sees the closing line has seen all: it
//! carries the number of rows and a digest of every byte before it. Nothing is left out but who holds which lane of
//! keys. An import is one transaction into a store that holds no message yet: it is all there or nothing is.

mod table;

use super::connection::{Connection, postgres, sqlite_onlooker};
use super::{Store, StoreError, Transaction, migrations};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fmt;
use std::io::{BufRead, Write};
use std::path::Path;
use table::{TABLES, Table};

/// The format of the lines.
const FORMAT: u64 = 1;

/// Rows that are read at a time.
const PAGE: i64 = 2_000;

/// Rows of one insert.
const ROWS: usize = 200;

/// Longest line that is read: a message of the journal is far below.
const LONGEST: u64 = 64 * 1024 * 1024;

/// How many rows went out or came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Rows of all tables.
    pub rows: u64,
    /// The digest that the closing line carries, in hexadecimal.
    pub digest: String,
}

/// Why nothing was exported or imported.
#[derive(Debug)]
pub enum ExportError {
    /// The store could not do it.
    Store(StoreError),
    /// The file could not be read or written.
    File(std::io::Error),
    /// A line of the file is not what an export holds there.
    Content {
        /// Counted from 1.
        line: u64,
        /// What is wrong, without what stands there.
        what: &'static str,
    },
    /// The store to import into holds something already.
    NotEmpty,
}

impl fmt::Display for ExportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExportError::Store(error) => error.fmt(f),
            ExportError::File(error) => write!(f, "the file cannot be read or written: {error}"),
            ExportError::Content { line, what } => write!(f, "line {line} of the export: {what}"),
            ExportError::NotEmpty => f.write_str("the store holds something already; name an empty one"),
        }
    }
}

impl std::error::Error for ExportError {}

impl From<StoreError> for ExportError {
    fn from(error: StoreError) -> Self {
        ExportError::Store(error)
    }
}

impl From<std::io::Error> for ExportError {
    fn from(error: std::io::Error) -> Self {
        ExportError::File(error)
    }
}

/// Writes all that the store at `url` holds at one moment to `out`. The store may be in use: nothing is locked and
/// nothing is written there.
pub fn export(url: &str, out: &mut dyn Write) -> Result<Copied, ExportError> {
    let mut connection = look(url)?;
    let version = migrations::version(&mut connection)?;
    let begin = match connection {
        Connection::Sqlite(_) => "BEGIN",
        Connection::Postgres(_) => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    };
    connection.batch(begin).map_err(StoreError::from)?;
    write_all(&mut Transaction::new(&mut connection, None), &version, out)
}

/// A connection that reads beside whoever has the store open.
pub(super) fn look(url: &str) -> Result<Connection, StoreError> {
    let Some(path) = url.strip_prefix("sqlite:") else { return postgres(url) };
    if !Path::new(path).exists() {
        return Err(StoreError::Unavailable(format!("there is no file {path}")));
    }
    sqlite_onlooker(path)
}

/// A target that remembers the digest of what went through.
struct Digested<'a> {
    out: &'a mut dyn Write,
    digest: Sha256,
}

impl Digested<'_> {
    fn line(&mut self, value: &Value) -> Result<(), ExportError> {
        let mut line = value.to_string();
        line.push('\n');
        self.digest.update(line.as_bytes());
        Ok(self.out.write_all(line.as_bytes())?)
    }
}

fn hex(digest: Sha256) -> String {
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn write_all(tx: &mut Transaction<'_>, version: &str, out: &mut dyn Write) -> Result<Copied, ExportError> {
    let mut out = Digested { out, digest: Sha256::new() };
    let mut tables = Vec::with_capacity(TABLES.len());
    let mut rows = 0;
    for table in &TABLES {
        let count = (table.count)(tx)?;
        rows += u64::try_from(count).unwrap_or_default();
        tables.push(json!({ "table": table.name, "columns": table.columns, "rows": count }));
    }
    out.line(&json!({ "nayose": "export", "format": FORMAT, "store": version, "tables": tables }))?;
    for table in &TABLES {
        write_table(tx, table, &mut out)?;
    }
    let digest = hex(out.digest);
    let close = json!({ "nayose": "end", "rows": rows, "sha256": digest });
    out.out.write_all(format!("{close}\n").as_bytes())?;
    out.out.flush()?;
    Ok(Copied { rows, digest })
}

/// Rows are read by a number that is indexed; those of one number are sorted by what they say, since the databases
/// sort texts each in its own way.
fn write_table(tx: &mut Transaction<'_>, table: &Table, out: &mut Digested<'_>) -> Result<(), ExportError> {
    let (mut after, mut limit) = (None, PAGE);
    loop {
        let mut rows = (table.page)(tx, after, limit)?;
        let full = i64::try_from(rows.len()).unwrap_or(i64::MAX) >= limit;
        let last = rows.last().map(|(number, _)| *number);
        if full {
            // The last number may go on in the next page.
            rows.retain(|(number, _)| Some(*number) != last);
            if rows.is_empty() {
                limit *= 2;
                continue;
            }
        }
        after = rows.last().map(|(number, _)| *number);
        let mut lines: Vec<(i64, String, Value)> = Vec::with_capacity(rows.len());
        for (number, cells) in rows {
            let value = Value::Array(std::iter::once(Value::from(table.name)).chain(cells).collect());
            lines.push((number, value.to_string(), value));
        }
        lines.sort_by(|left, right| (left.0, &left.1).cmp(&(right.0, &right.1)));
        for (_, _, value) in &lines {
            out.line(value)?;
        }
        if !full {
            return Ok(());
        }
        limit = PAGE;
    }
}

impl Store {
    /// Takes in all that an export holds, in one transaction. A store that holds any message, record, person or
    /// audit row is refused.
    pub fn import(&self, input: Box<dyn BufRead + Send>) -> Result<Copied, ExportError> {
        let mut input = Some(input);
        self.write(Vec::new(), move |tx| {
            let again = || StoreError::Unavailable("the import was interrupted; begin anew".to_owned());
            let input = input.take().ok_or_else(again)?;
            if !tx.is_without_content()? {
                return Err(ExportError::NotEmpty);
            }
            let copied = read_all(tx, input)?;
            tx.terms_fill()?;
            tx.settle_places()?;
            tx.all_changed();
            Ok(copied)
        })
    }
}

impl Transaction<'_> {
    /// Takes everything out of every table.
    pub fn clear(&mut self) -> Result<(), StoreError> {
        for table in &TABLES {
            (table.clear)(self)?;
        }
        self.terms_clear()?;
        self.all_changed();
        Ok(())
    }
}

/// Lines as they come in.
struct Lines {
    input: Box<dyn BufRead + Send>,
    number: u64,
    digest: Sha256,
}

impl Lines {
    /// The next line and its value.
    fn next(&mut self) -> Result<(String, Value), ExportError> {
        use std::io::Read as _;
        self.number += 1;
        let mut line = String::new();
        self.input.by_ref().take(LONGEST).read_line(&mut line)?;
        if !line.ends_with('\n') {
            return Err(self.wrong("the export is cut off"));
        }
        let value = serde_json::from_str(&line).map_err(|_| self.wrong("not JSON"))?;
        Ok((line, value))
    }

    fn wrong(&self, what: &'static str) -> ExportError {
        ExportError::Content { line: self.number, what }
    }
}

/// One table of the header: ours, which cell of a row each of our columns is, and how many rows are to come.
struct Expected {
    table: &'static Table,
    from: Vec<Option<usize>>,
    rows: u64,
}

fn read_all(tx: &mut Transaction<'_>, input: Box<dyn BufRead + Send>) -> Result<Copied, ExportError> {
    let mut lines = Lines { input, number: 0, digest: Sha256::new() };
    let (line, header) = lines.next()?;
    lines.digest.update(line.as_bytes());
    let expected = read_header(tx, &lines, &header)?;
    // What the configuration wrote at the start gives way to what the export says.
    tx.clear()?;
    let mut rows = 0;
    for one in &expected {
        read_table(tx, &mut lines, one)?;
        rows += one.rows;
    }
    let digest = hex(std::mem::take(&mut lines.digest));
    let (_, close) = lines.next()?;
    if close != json!({ "nayose": "end", "rows": rows, "sha256": digest }) {
        return Err(lines.wrong("the closing line does not fit what came before: the export was changed"));
    }
    if !lines.input.fill_buf()?.is_empty() {
        return Err(lines.wrong("something stands after the closing line"));
    }
    Ok(Copied { rows, digest })
}

fn read_header(tx: &mut Transaction<'_>, lines: &Lines, header: &Value) -> Result<Vec<Expected>, ExportError> {
    if header.get("nayose").and_then(Value::as_str) != Some("export") {
        return Err(lines.wrong("this is no export of nayose"));
    }
    let version = header.get("store").and_then(Value::as_str).unwrap_or_default();
    if header.get("format").and_then(Value::as_u64) != Some(FORMAT)
        || version > migrations::version(tx.connection())?.as_str()
    {
        return Err(StoreError::TooNew.into());
    }
    let tables = header.get("tables").and_then(Value::as_array).ok_or_else(|| lines.wrong("no tables"))?;
    tables.iter().map(|one| read_expected(one).ok_or_else(|| lines.wrong("a table that is not understood"))).collect()
}

fn read_expected(stated: &Value) -> Option<Expected> {
    let name = stated.get("table")?.as_str()?;
    let table = TABLES.iter().find(|table| table.name == name)?;
    let columns: Vec<&str> = stated.get("columns")?.as_array()?.iter().filter_map(Value::as_str).collect();
    if !columns.iter().all(|column| table.columns.contains(column)) {
        return None;
    }
    // A column that an older store did not have stays empty.
    let from = table.columns.iter().map(|ours| columns.iter().position(|theirs| theirs == ours)).collect();
    Some(Expected { table, from, rows: stated.get("rows")?.as_u64()? })
}

fn read_table(tx: &mut Transaction<'_>, lines: &mut Lines, expected: &Expected) -> Result<(), ExportError> {
    let mut waiting: Vec<Vec<Value>> = Vec::with_capacity(ROWS);
    for _ in 0..expected.rows {
        let (line, row) = lines.next()?;
        lines.digest.update(line.as_bytes());
        let Value::Array(mut cells) = row else { return Err(lines.wrong("not a row")) };
        if cells.first().and_then(Value::as_str) != Some(expected.table.name) {
            return Err(lines.wrong("a row of another table than the header says"));
        }
        let mut cell =
            |from: &Option<usize>| from.and_then(|at| cells.get_mut(at + 1)).map(Value::take).unwrap_or_default();
        waiting.push(expected.from.iter().map(&mut cell).collect());
        if waiting.len() == ROWS {
            (expected.table.fill)(tx, std::mem::take(&mut waiting))?;
        }
    }
    if !waiting.is_empty() {
        (expected.table.fill)(tx, waiting)?;
    }
    Ok(())
}
