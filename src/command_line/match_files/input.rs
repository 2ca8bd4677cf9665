//! All files into one table: each thread reads some records, prepares them, and adds what is next in order.

use super::mapping::{Column, Layout, Mapping};
use super::people::{Cells, Person, all, person};
use super::reader::{Batch, Reader, cells};
use crate::matching::Tradition;
use crate::matching::files::Table;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What was read.
pub struct Input {
    /// The records.
    pub table: Table,
    /// Their identifiers.
    pub ids: Vec<Box<str>>,
    /// Their truth, where it was asked for.
    pub truth: Vec<Box<str>>,
    /// Birth dates that could not be read.
    pub unreadable: usize,
}

const BATCH: usize = 2048;

/// The cells of a record of a CSV file.
pub struct Row<'r, 't>(pub &'r [Cow<'t, str>]);

impl Cells for Row<'_, '_> {
    fn each<'a>(&'a self, column: &Column, take: &mut dyn FnMut(Cow<'a, str>)) {
        let cell = column.place.and_then(|place| self.0.get(place)).map_or("", |cell| cell.trim());
        if !cell.is_empty() {
            take(Cow::Borrowed(cell));
        }
    }
}

impl Cells for serde_json::Map<String, serde_json::Value> {
    fn each<'a>(&'a self, column: &Column, take: &mut dyn FnMut(Cow<'a, str>)) {
        fn texts<'a>(value: &'a serde_json::Value, take: &mut dyn FnMut(Cow<'a, str>)) {
            match value {
                serde_json::Value::String(text) if !text.trim().is_empty() => take(Cow::Borrowed(text.trim())),
                serde_json::Value::Number(number) => take(Cow::Owned(number.to_string())),
                serde_json::Value::Array(values) => values.iter().for_each(|value| texts(value, take)),
                _ => {}
            }
        }
        if let Some(value) = self.get(&column.name) {
            texts(value, take);
        }
    }
}

/// Reads `files` as `mapping` says.
pub fn read(
    files: &[PathBuf],
    mapping: Option<&Path>,
    truth: Option<&str>,
    tradition: Tradition,
    threads: usize,
) -> Result<Input, String> {
    let mut mapping = mapping.map(Mapping::load).transpose()?;
    let mut input: Option<Input> = None;
    for (number, path) in files.iter().enumerate() {
        let reader = Reader::open(path)?;
        let header = reader.header.clone();
        let mapping = match (&mut mapping, reader.is_json()) {
            (Some(mapping), _) => mapping,
            (None, false) => mapping.insert(Mapping::of_header(&header).map_err(|what| reader.at(1, &what))?),
            (None, true) => {
                let ours: Vec<String> = super::mapping::NAMES.iter().map(|name| (*name).to_owned()).collect();
                mapping.insert(Mapping::of_header(&ours)?)
            }
        };
        if !reader.is_json() {
            check_header(&reader, mapping, truth)?;
        }
        let before = input.take().unwrap_or_else(|| Input {
            table: Table::new(mapping.further()),
            ids: Vec::new(),
            truth: Vec::new(),
            unreadable: 0,
        });
        let file = u16::try_from(number).map_err(|_| "there are more files than can be told apart".to_owned())?;
        let layout = Layout::of(mapping, &header);
        let truth = truth.map(|name| Column { name: name.to_owned(), place: header.iter().position(|of| of == name) });
        let how = How { layout, tradition, file, truth, columns: header.len(), json: reader.is_json() };
        input = Some(read_file(reader, &how, threads, before)?);
    }
    input.filter(|input| !input.table.is_empty()).ok_or_else(|| "the files hold no record".to_owned())
}

fn check_header(reader: &Reader, mapping: &Mapping, truth: Option<&str>) -> Result<(), String> {
    let header = &reader.header;
    if let Some((name, column)) = mapping.missing(header) {
        let what =
            format!("there is no column {column:?}, which the mapping calls {name}; there are {}", header.join(", "));
        return Err(reader.at(1, &what));
    }
    match truth {
        Some(truth) if !header.iter().any(|column| column == truth) => {
            Err(reader.at(1, &format!("there is no column {truth:?}; there are {}", header.join(", "))))
        }
        _ => Ok(()),
    }
}

struct How {
    layout: Layout,
    tradition: Tradition,
    file: u16,
    truth: Option<Column>,
    columns: usize,
    json: bool,
}

type Prepared = (Person, String);
/// A line and what is wrong with it.
type Complaint = (usize, String);

impl How {
    fn prepare(&self, batch: &Batch) -> Result<Vec<Prepared>, Complaint> {
        let mut row = Vec::new();
        batch.records().map(|(line, text)| self.record(line, text, &mut row)).collect()
    }

    fn record<'a>(&self, line: usize, text: &'a str, row: &mut Vec<Cow<'a, str>>) -> Result<Prepared, Complaint> {
        if self.json {
            let value: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text)
                .map_err(|error| (line, format!("column {}: not a JSON object", error.column())))?;
            return Ok(self.of(&value, line));
        }
        cells(text, row).map_err(|what| (line, what.to_owned()))?;
        if row.len() != self.columns {
            return Err((line, format!("has {} columns, the header {}", row.len(), self.columns)));
        }
        Ok(self.of(&Row(row), line))
    }

    fn of(&self, cells: &impl Cells, line: usize) -> Prepared {
        let truth = self.truth.as_ref().map(|truth| all(cells, truth)).unwrap_or_default();
        (person(&self.layout, self.tradition, cells, self.file, line), truth)
    }
}

/// What the threads share: a reader, and the records in the order of the file.
struct Shared {
    reader: Mutex<(Reader, usize)>,
    /// Batches that wait for one before them.
    waiting: Mutex<BTreeMap<usize, Vec<Prepared>>>,
    input: Mutex<(Input, usize)>,
    failed: Mutex<BTreeMap<usize, String>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read_file(reader: Reader, how: &How, threads: usize, input: Input) -> Result<Input, String> {
    let shared = Shared {
        reader: Mutex::new((reader, 0)),
        waiting: Mutex::default(),
        input: Mutex::new((input, 0)),
        failed: Mutex::default(),
    };
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| while read_batch(&shared, how) {});
        }
    });
    add_what_is_next(&shared, how);
    let failed = shared.failed.into_inner().unwrap_or_else(PoisonError::into_inner);
    // The complaint about the earliest line is the one that is made, whichever thread was first.
    match failed.into_values().next() {
        Some(what) => Err(what),
        None => Ok(shared.input.into_inner().unwrap_or_else(PoisonError::into_inner).0),
    }
}

/// Reads and prepares one batch, and adds what is next; whether there may be more.
fn read_batch(shared: &Shared, how: &How) -> bool {
    let (batch, number) = {
        let mut reading = locked(&shared.reader);
        let (reader, next) = &mut *reading;
        let number = *next;
        *next += 1;
        if !locked(&shared.failed).is_empty() {
            return false;
        }
        match reader.batch(BATCH) {
            Ok(batch) => (batch, number),
            Err(what) => {
                locked(&shared.failed).insert(number, what);
                return false;
            }
        }
    };
    if batch.len() == 0 {
        return false;
    }
    match how.prepare(&batch) {
        Ok(prepared) => {
            locked(&shared.waiting).insert(number, prepared);
            add_what_is_next(shared, how);
            true
        }
        Err((line, what)) => {
            let what = locked(&shared.reader).0.at(line, &what);
            locked(&shared.failed).insert(number, what);
            false
        }
    }
}

/// So many batches may wait before a thread waits for the one that adds.
const MOST_WAITING: usize = 16;

/// Adds what is next, unless another thread is at it.
fn add_what_is_next(shared: &Shared, how: &How) {
    let backlog = locked(&shared.waiting).len() > MOST_WAITING;
    let free = if backlog { Some(locked(&shared.input)) } else { shared.input.try_lock().ok() };
    let Some(mut adding) = free else { return };
    let (input, next) = &mut *adding;
    loop {
        let Some(prepared) = locked(&shared.waiting).remove(next) else { return };
        *next += 1;
        for (person, truth) in prepared {
            input.table.add(&person.record);
            input.ids.push(person.id);
            input.unreadable += usize::from(person.unreadable_birth);
            if how.truth.is_some() {
                input.truth.push(truth.into_boxed_str());
            }
        }
    }
}
