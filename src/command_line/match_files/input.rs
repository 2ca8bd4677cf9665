//! All files into one table, read by one thread and prepared by as many as there are.

use super::mapping::Mapping;
use super::people::{Cells, Person, person};
use super::reader::{Reader, cells};
use crate::matching::Tradition;
use crate::matching::files::Table;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

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

const BATCH: usize = 4096;

/// The columns of a CSV file by name.
pub struct Row<'a> {
    /// Where each column stands.
    pub places: &'a HashMap<&'a str, usize>,
    /// What stands there.
    pub cells: Vec<String>,
}

impl Cells for Row<'_> {
    fn get(&self, column: &str) -> Vec<String> {
        self.places.get(column).and_then(|at| self.cells.get(*at)).cloned().into_iter().collect()
    }
}

impl Cells for serde_json::Map<String, serde_json::Value> {
    fn get(&self, column: &str) -> Vec<String> {
        fn texts(value: &serde_json::Value) -> Vec<String> {
            match value {
                serde_json::Value::String(text) => vec![text.clone()],
                serde_json::Value::Number(number) => vec![number.to_string()],
                serde_json::Value::Array(values) => values.iter().flat_map(texts).collect(),
                _ => Vec::new(),
            }
        }
        self.get(column).map(texts).unwrap_or_default()
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
        let mut reader = Reader::open(path)?;
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
        let input = input.get_or_insert_with(|| Input {
            table: Table::new(mapping.further()),
            ids: Vec::new(),
            truth: Vec::new(),
            unreadable: 0,
        });
        let file = u16::try_from(number).map_err(|_| "there are more files than can be told apart".to_owned())?;
        let places: HashMap<&str, usize> = header.iter().enumerate().map(|(at, name)| (name.as_str(), at)).collect();
        let how = How { mapping, tradition, file, places: &places, truth, columns: header.len() };
        while read_batch(&mut reader, &how, threads, input)? {}
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

struct How<'a> {
    mapping: &'a Mapping,
    tradition: Tradition,
    file: u16,
    places: &'a HashMap<&'a str, usize>,
    truth: Option<&'a str>,
    columns: usize,
}

type Prepared = Result<(Person, String), (usize, String)>;

impl How<'_> {
    fn prepare(&self, line: usize, text: &str, json: bool) -> Prepared {
        if json {
            let value: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text)
                .map_err(|error| (line, format!("column {}: not a JSON object", error.column())))?;
            return Ok(self.of(&value, line));
        }
        let cells = cells(text).map_err(|what| (line, what.to_owned()))?;
        if cells.len() != self.columns {
            return Err((line, format!("has {} columns, the header {}", cells.len(), self.columns)));
        }
        Ok(self.of(&Row { places: self.places, cells }, line))
    }

    fn of(&self, cells: &impl Cells, line: usize) -> (Person, String) {
        let truth = self.truth.map(|truth| cells.get(truth).join(" ")).unwrap_or_default();
        (person(self.mapping, self.tradition, cells, self.file, line), truth)
    }
}

/// Reads a batch and prepares it; whether there was one.
fn read_batch(reader: &mut Reader, how: &How<'_>, threads: usize, input: &mut Input) -> Result<bool, String> {
    let mut texts = Vec::with_capacity(BATCH * threads);
    while texts.len() < BATCH * threads {
        match reader.text()? {
            Some(text) => texts.push(text),
            None => break,
        }
    }
    let json = reader.is_json();
    let prepare = |chunk: &[(usize, String)]| -> Vec<Prepared> {
        chunk.iter().map(|(line, text)| how.prepare(*line, text, json)).collect()
    };
    let size = texts.len().div_ceil(threads).max(1);
    let prepared: Vec<Vec<Prepared>> = std::thread::scope(|scope| {
        let running: Vec<_> = texts.chunks(size).map(|chunk| scope.spawn(move || prepare(chunk))).collect();
        running.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    for one in prepared.into_iter().flatten() {
        let (person, truth) = one.map_err(|(line, what)| reader.at(line, &what))?;
        input.table.add(&person.record);
        input.ids.push(person.id.into_boxed_str());
        input.unreadable += usize::from(person.unreadable_birth);
        if how.truth.is_some() {
            input.truth.push(truth.into_boxed_str());
        }
    }
    Ok(!texts.is_empty())
}
