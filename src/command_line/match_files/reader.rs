//! Records of CSV and NDJSON files, plain or compressed, one at a time.
//!
//! An error names file and line, and never a value.

use flate2::read::MultiGzDecoder;
use std::borrow::Cow;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// A file that is read record by record.
pub struct Reader {
    name: String,
    input: Box<dyn BufRead + Send>,
    json: bool,
    line: usize,
    buffer: Vec<u8>,
    /// What was read too far, and is read anew.
    again: VecDeque<u8>,
    /// The names of the columns, in order.
    pub header: Vec<String>,
}

/// A record where it stands.
pub struct Record {
    /// The number of its first line.
    pub line: usize,
    /// Its text, or why it has none.
    pub read: Result<String, Bad>,
}

/// A line that is no record.
pub struct Bad {
    /// Why, without a value.
    pub why: String,
    /// As it stands in the file.
    pub raw: Vec<u8>,
}

/// More than any record of a person is long.
const LONGEST_RECORD: usize = 1 << 20;
const TOO_LONG: &str = "the record is longer than a mebibyte; is a quotation mark open?";

impl Reader {
    /// Opens a file by its name's end, and reads its header.
    pub fn open(path: &Path) -> Result<Self, String> {
        let name = path.display().to_string();
        let lower = name.to_ascii_lowercase();
        let bare = lower.strip_suffix(".gz").unwrap_or(&lower);
        let json = bare.ends_with(".ndjson") || bare.ends_with(".jsonl");
        if !json && !bare.ends_with(".csv") {
            return Err(format!("{name}: give a .csv, .csv.gz, .ndjson or .ndjson.gz file"));
        }
        let file = File::open(path).map_err(|error| format!("{name}: {error}"))?;
        let raw: Box<dyn Read + Send> =
            if bare.len() < lower.len() { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
        let input = Box::new(BufReader::with_capacity(1 << 18, raw));
        let mut reader =
            Self { name, input, json, line: 0, buffer: Vec::new(), again: VecDeque::new(), header: Vec::new() };
        if !json {
            let batch = reader.batch(1)?;
            let (_, text) = batch.records().next().ok_or_else(|| reader.at(1, "there is no header"))?;
            let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
            let mut columns = Vec::new();
            cells(text, &mut columns).map_err(|what| reader.at(1, what))?;
            reader.header = columns.iter().map(|cell| cell.trim().to_owned()).collect();
        }
        Ok(reader)
    }

    /// Whether the file names its columns in each record.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// A complaint about a line.
    pub fn at(&self, line: usize, what: &str) -> String {
        format!("{}: line {line}: {what}", self.name)
    }

    /// The next records as written, at most `most`; none at the end.
    pub fn batch(&mut self, most: usize) -> Result<Batch, String> {
        let mut batch = Batch { text: String::new(), records: Vec::new() };
        while batch.records.len() < most {
            let Some(first) = self.gather()? else { break };
            if self.buffer.len() >= LONGEST_RECORD {
                return Err(self.at(first, TOO_LONG));
            }
            let record = std::str::from_utf8(&self.buffer)
                .map_err(|_| self.at(first, "is not UTF-8; convert the file first"))?
                .trim_end_matches(['\n', '\r']);
            if !record.is_empty() {
                let from = batch.text.len();
                batch.text.push_str(record);
                batch.records.push((first, from, batch.text.len()));
            }
        }
        Ok(batch)
    }

    /// One record as in [`Reader::batch`], but what cannot be read as a record is told apart and costs no other: of several lines that
    /// an open quotation mark brought together the first is bad, and the others are read anew.
    pub fn record(&mut self) -> Result<Option<Record>, String> {
        loop {
            let Some(line) = self.gather()? else { return Ok(None) };
            let end = self.buffer.iter().position(|byte| *byte == b'\n').map_or(self.buffer.len(), |at| at + 1);
            let several = end < self.buffer.len();
            let read = match std::str::from_utf8(&self.buffer) {
                _ if self.buffer.len() >= LONGEST_RECORD => Err(TOO_LONG),
                Err(_) => Err("is not UTF-8"),
                Ok(text) => {
                    let text = text.trim_end_matches(['\n', '\r']);
                    let mut row = Vec::new();
                    let columns = |row: &mut Vec<_>| cells(text, row).map(|()| row.len());
                    match if several { columns(&mut row) } else { Ok(self.header.len()) } {
                        Ok(columns) if columns == self.header.len() => Ok(text.to_owned()),
                        _ => Err("a quotation mark is open"),
                    }
                }
            };
            let read = read.or_else(|why| {
                let rest = self.buffer.split_off(end);
                rest.into_iter().rev().for_each(|byte| self.again.push_front(byte));
                self.line = line;
                // A quotation mark amid a cell is a letter: it opened nothing.
                let alone = std::str::from_utf8(&self.buffer).map(|text| text.trim_end_matches(['\n', '\r']));
                let mut row = Vec::new();
                if let Ok(text) = alone.as_ref()
                    && several
                    && cells(text, &mut row).is_ok()
                    && row.len() == self.header.len()
                {
                    return Ok((*text).to_owned());
                }
                let raw = self.buffer.strip_suffix(b"\n").unwrap_or(&self.buffer);
                Err(Bad { why: why.to_owned(), raw: raw.to_vec() })
            });
            if !matches!(&read, Ok(text) if text.is_empty()) {
                return Ok(Some(Record { line, read }));
            }
        }
    }

    /// Reads the lines of the next record, and gives the number of the first; none at the end.
    fn gather(&mut self) -> Result<Option<usize>, String> {
        self.buffer.clear();
        let first = self.line + 1;
        let mut open = false;
        loop {
            let before = self.buffer.len();
            self.read_line().map_err(|error| self.at(self.line + 1, &error.to_string()))?;
            if before == self.buffer.len() {
                break;
            }
            self.line += 1;
            // A quotation mark that is open at the end of the line: the cell goes on.
            let line = self.buffer.get(before..).unwrap_or_default();
            open ^= line.iter().filter(|byte| **byte == b'"').count() % 2 == 1;
            if self.json || !open || self.buffer.len() >= LONGEST_RECORD {
                break;
            }
        }
        Ok((!self.buffer.is_empty()).then_some(first))
    }

    /// Adds a line to the buffer: first what is read anew, then from the file.
    fn read_line(&mut self) -> std::io::Result<()> {
        if !self.again.is_empty() {
            let end = self.again.iter().position(|byte| *byte == b'\n').map_or(self.again.len(), |at| at + 1);
            self.buffer.extend(self.again.drain(..end));
            if self.buffer.ends_with(b"\n") {
                return Ok(());
            }
        }
        let most = u64::try_from(LONGEST_RECORD).unwrap_or(u64::MAX);
        self.input.by_ref().take(most).read_until(b'\n', &mut self.buffer).map(drop)
    }
}

/// Records as written.
pub struct Batch {
    text: String,
    /// The line, and where the record begins and ends.
    records: Vec<(usize, usize, usize)>,
}

impl Batch {
    /// The records, each with its line.
    pub fn records(&self) -> impl Iterator<Item = (usize, &str)> {
        self.records.iter().map(|(line, from, until)| (*line, self.text.get(*from..*until).unwrap_or_default()))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.records.len()
    }
}

/// The cells of a CSV record, into `cells`.
pub fn cells<'a>(text: &'a str, cells: &mut Vec<Cow<'a, str>>) -> Result<(), &'static str> {
    cells.clear();
    if text.contains('"') {
        cells.extend(quoted(text)?.into_iter().map(Cow::Owned));
    } else {
        cells.extend(text.split(',').map(Cow::Borrowed));
    }
    Ok(())
}

fn quoted(text: &str) -> Result<Vec<String>, &'static str> {
    let mut cells = Vec::new();
    let mut cell = String::new();
    let mut chars = text.chars().peekable();
    let (mut quoted, mut closed) = (false, false);
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            '"' if quoted => (quoted, closed) = (false, true),
            c if quoted => cell.push(c),
            '"' if cell.is_empty() && !closed => quoted = true,
            ',' => {
                cells.push(std::mem::take(&mut cell));
                closed = false;
            }
            _ if closed => return Err("text follows a closing quotation mark"),
            c => cell.push(c),
        }
    }
    if quoted {
        return Err("a quotation mark is open at the end of the file");
    }
    cells.push(cell);
    Ok(cells)
}

/// A cell as it stands in a CSV file.
pub fn cell(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}
