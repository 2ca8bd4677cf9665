//! From the lines of a file to entries of the registry: one thread reads, as many as there are prepare.

use crate::command_line::match_files::input::Row;
use crate::command_line::match_files::mapping::{Column, Layout, Mapping};
use crate::command_line::match_files::people::{Cells, demographics};
use crate::command_line::match_files::reader::{Bad, Reader, Record, cells};
use crate::identity::{DomainKey, Oid, PatientIdentifier};
use crate::registry::{Entry, Registry};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::path::Path;
use std::sync::mpsc::SyncSender;

/// Records that a thread prepares at a time.
const BATCH: usize = 2048;

/// More than any identifier is long; a cell beyond that holds something else.
const LONGEST_IDENTIFIER: usize = 255;

/// A line that was read.
pub enum Line {
    /// It can be taken in.
    Good {
        /// Its number.
        line: usize,
        /// What it says.
        entry: Box<Entry>,
        /// As it stands in the file.
        raw: String,
    },
    /// It cannot.
    Bad {
        /// Its number.
        line: usize,
        /// Why, without a value.
        why: String,
        /// As it stands in the file.
        raw: Vec<u8>,
    },
}

/// The domains of the network by everything that a file may call them.
pub struct Domains {
    by_word: HashMap<String, Oid>,
    by_oid: HashMap<Oid, String>,
}

/// An identifier that a line names.
pub struct Named {
    /// Its domain.
    pub authority: Oid,
    /// The key of that domain.
    pub key: String,
    /// Its value.
    pub value: String,
}

impl Domains {
    /// These, each by key, OID, namespace and facility.
    pub fn of(all: impl IntoIterator<Item = (String, Oid, String, String)>) -> Self {
        let mut domains = Self { by_word: HashMap::new(), by_oid: HashMap::new() };
        for (key, oid, namespace, facility) in all {
            for word in [facility, namespace, key.clone(), oid.to_string()] {
                domains.by_word.insert(word, oid.clone());
            }
            domains.by_oid.insert(oid, key);
        }
        domains.by_word.remove("");
        domains
    }

    /// Those of `registry`.
    pub fn of_registry(registry: &Registry) -> Self {
        let facility = |key: &DomainKey| {
            let stated = registry.settings().domains.iter().find(|one| one.key == *key);
            stated.map(|one| one.facility.clone()).unwrap_or_default()
        };
        Self::of(registry.domains().all().map(|authority| {
            (authority.key.0.clone(), authority.oid.clone(), authority.namespace.clone(), facility(&authority.key))
        }))
    }

    /// The identifier of the patient that these cells are about, or why there is none.
    pub fn identifier(
        &self,
        layout: &Layout,
        fallback: Option<&Oid>,
        cells: &impl Cells,
    ) -> Result<Named, &'static str> {
        let one = |columns: &[Column]| {
            let mut found = String::new();
            for column in columns {
                cells.each(column, &mut |value| {
                    if found.is_empty() {
                        found = value.into_owned();
                    }
                });
            }
            found
        };
        let value = one(&layout.record_id);
        if value.is_empty() {
            return Err("there is no patient identifier");
        }
        if value.len() > LONGEST_IDENTIFIER || value.chars().any(char::is_control) {
            return Err("the patient identifier is too long, or holds what is no character");
        }
        let source = one(&layout.source);
        let authority = match self.named(&source) {
            Some(authority) => authority,
            None if source.is_empty() => fallback.cloned().ok_or("no domain is named")?,
            None => return Err("the source is no domain of this network"),
        };
        let key = self.by_oid.get(&authority).cloned().unwrap_or_default();
        Ok(Named { authority, key, value })
    }

    /// The domain that is called so.
    pub fn named(&self, word: &str) -> Option<Oid> {
        self.by_word.get(word.trim()).cloned()
    }

    /// All of them, for a complaint.
    pub fn words(&self) -> String {
        let mut all: Vec<String> = self.by_oid.iter().map(|(oid, key)| format!("{oid} ({key})")).collect();
        all.sort();
        if all.is_empty() { "none in the configuration".to_owned() } else { all.join(", ") }
    }
}

/// How lines become entries.
pub struct Lines<'a> {
    /// The registry that they are for.
    pub registry: &'a Registry,
    /// The domains of the network.
    pub domains: Domains,
    /// The domain of a line that names none.
    pub fallback: Option<Oid>,
    /// How many threads prepare.
    pub threads: usize,
}

/// How the lines of one file are read.
struct How<'a> {
    lines: &'a Lines<'a>,
    layout: Layout,
    columns: usize,
    json: bool,
}

impl Lines<'_> {
    /// Reads all records and sends them on, until nobody wants more.
    pub fn read_all(
        &self,
        reader: &mut Reader,
        mapping: &Mapping,
        sender: &SyncSender<Vec<Line>>,
    ) -> Result<(), String> {
        let layout = Layout::of(mapping, &reader.header);
        let how = How { lines: self, layout, columns: reader.header.len(), json: reader.is_json() };
        loop {
            let mut records = Vec::with_capacity(BATCH * self.threads);
            while records.len() < BATCH * self.threads {
                match reader.record()? {
                    Some(record) => records.push(record),
                    None => break,
                }
            }
            if records.is_empty() || sender.send(how.prepared(records)).is_err() {
                return Ok(());
            }
        }
    }
}

impl How<'_> {
    fn prepared(&self, records: Vec<Record>) -> Vec<Line> {
        let size = records.len().div_ceil(self.lines.threads).max(1);
        let mut records = records.into_iter();
        let mut chunks: Vec<Vec<Record>> = Vec::new();
        while records.len() > 0 {
            chunks.push(records.by_ref().take(size).collect());
        }
        std::thread::scope(|scope| {
            let prepare = |chunk: Vec<Record>| chunk.into_iter().map(|record| self.line(record)).collect::<Vec<Line>>();
            let running: Vec<_> = chunks.into_iter().map(|chunk| scope.spawn(move || prepare(chunk))).collect();
            running.into_iter().filter_map(|thread| thread.join().ok()).flatten().collect()
        })
    }

    fn line(&self, record: Record) -> Line {
        let Record { line, read } = record;
        match read {
            Err(Bad { why, raw }) => Line::Bad { line, why, raw },
            Ok(raw) => match self.entry(&raw) {
                Ok(entry) => Line::Good { line, entry: Box::new(entry), raw },
                Err(why) => Line::Bad { line, why, raw: raw.into_bytes() },
            },
        }
    }

    fn entry(&self, text: &str) -> Result<Entry, String> {
        if self.json {
            let value: serde_json::Map<String, serde_json::Value> =
                serde_json::from_str(text).map_err(|error| format!("column {}: not a JSON object", error.column()))?;
            return self.of(&value);
        }
        let mut row = Vec::new();
        cells(text, &mut row)?;
        if row.len() != self.columns {
            return Err(format!("has {} columns, the header {}", row.len(), self.columns));
        }
        self.of(&Row(&row))
    }

    fn of(&self, cells: &impl Cells) -> Result<Entry, String> {
        let Named { authority, value, .. } =
            self.lines.domains.identifier(&self.layout, self.lines.fallback.as_ref(), cells)?;
        let tradition = self.lines.registry.settings().model.tradition();
        let said = demographics(&self.layout, tradition, cells)?;
        let entry = self.lines.registry.entry(PatientIdentifier { authority, value }, said);
        entry.map_err(|_| "this line failed; that is a defect of nayose".to_owned())
    }
}

/// By what a file is known again: what it holds, and how it is read.
pub fn digest(path: &Path, mapping: &Mapping, domain: Option<&str>) -> Result<String, String> {
    let mut digest = Sha256::new();
    digest.update(format!("{mapping:?}\n{domain:?}\n").as_bytes());
    let read = std::fs::File::open(path).and_then(|mut file| std::io::copy(&mut file, &mut digest));
    read.map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
