//! Which records of a file are compared: those that share a key, within the bounds that hold for feeds too.
//!
//! An over-full key must never drop candidates in silence: it is used through its intersections with the record's
//! other over-full keys, and where those are too many as well the run says that it is degraded.

use crate::matching::retrieval::{MOST_READ, MOST_SCORED, OVERFULL};
use siphasher::sip::SipHasher13;
use std::hash::Hasher;

const PARTS: usize = 64;
/// Up to this many records every pair is compared: it costs less than being clever.
const FEW: usize = 2_000;

/// The keys of all records, spread over parts so that each is sorted alone.
#[derive(Clone, Debug, Default)]
pub struct KeyStore {
    parts: Vec<Vec<(u32, u32)>>,
    /// Keys of few parts, which a large file overflows: used only as far as they are short.
    loose: Vec<Vec<(u32, u32)>>,
}

/// The longest loose key that is used.
const LONGEST_LOOSE: usize = 30;

fn file(parts: &mut Vec<Vec<(u32, u32)>>, key: i64, record: u32) {
    if parts.is_empty() {
        parts.resize_with(PARTS, Vec::new);
    }
    let bits = u64::from_be_bytes(key.to_be_bytes());
    let part = usize::try_from(bits % 64).unwrap_or(0);
    let rest = u32::try_from(bits >> 32).unwrap_or(0);
    if let Some(part) = parts.get_mut(part) {
        part.push((rest, record));
    }
}

impl KeyStore {
    /// Files a record under a key.
    pub fn add(&mut self, key: i64, record: u32) {
        file(&mut self.parts, key, record);
    }

    /// Files a record under a key of few parts.
    pub fn add_loose(&mut self, key: i64, record: u32) {
        file(&mut self.loose, key, record);
    }

    /// Files a record under the value of a further field.
    pub fn add_value(&mut self, field: usize, value: &str, record: u32) {
        if !value.is_empty() {
            self.add(hash(&[&field.to_be_bytes(), value.as_bytes()]), record);
        }
    }
}

/// A key of few parts, unless one of them is missing.
pub fn loose_key(kind: u8, parts: &[&str]) -> Option<i64> {
    if parts.iter().any(|part| part.is_empty()) {
        return None;
    }
    let mut hasher = hasher();
    for part in std::iter::once(&[kind][..]).chain(parts.iter().map(|part| part.as_bytes())) {
        hasher.write(part);
        hasher.write(&[0x1f]);
    }
    Some(i64::from_be_bytes(hasher.finish().to_be_bytes()))
}

fn hasher() -> SipHasher13 {
    SipHasher13::new_with_keys(0x6e61_796f_7365_0002, 0x6d61_7463_6869_6e67)
}

fn hash(parts: &[&[u8]]) -> i64 {
    let mut hasher = hasher();
    for part in parts {
        hasher.write(part);
        hasher.write(&[0x1f]);
    }
    i64::from_be_bytes(hasher.finish().to_be_bytes())
}

/// Groups of records that share a key.
#[derive(Clone, Debug, Default)]
pub struct Blocks {
    members: Vec<u32>,
    starts: Vec<u32>,
    of_record: Vec<u32>,
    record_starts: Vec<u32>,
    all: bool,
    /// Keys with too many records.
    pub overfull: usize,
    /// Over-full keys whose intersections are over-full too.
    pub degraded: usize,
}

fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

impl Blocks {
    /// The groups under `keys` of `records` records.
    pub fn of(mut keys: KeyStore, records: usize) -> Self {
        let mut blocks = Self { all: records <= FEW, starts: vec![0], ..Self::default() };
        if blocks.all {
            return blocks;
        }
        blocks.add_all(std::mem::take(&mut keys.loose), LONGEST_LOOSE);
        let overfull = blocks.add_all(keys.parts, OVERFULL);
        blocks.overfull = overfull.len();
        let mut of_record: Vec<(u32, u32)> = Vec::new();
        for (number, members) in overfull.iter().enumerate() {
            of_record.extend(members.iter().map(|record| (*record, count(number))));
        }
        drop(overfull);
        of_record.sort_unstable();
        let mut crossed = KeyStore::default();
        for own in of_record.chunk_by(|a, b| a.0 == b.0) {
            for (at, (record, first)) in own.iter().enumerate() {
                for (_, second) in own.iter().skip(at + 1) {
                    crossed.add(hash(&[&first.to_be_bytes(), &second.to_be_bytes()]), *record);
                }
            }
        }
        blocks.degraded = blocks.add_all(crossed.parts, OVERFULL).len();
        blocks.file_by_record(records);
        blocks
    }

    /// Adds the groups of two or more; gives back the over-full ones.
    fn add_all(&mut self, parts: Vec<Vec<(u32, u32)>>, longest: usize) -> Vec<Vec<u32>> {
        let mut overfull = Vec::new();
        for mut part in parts {
            part.sort_unstable();
            part.dedup();
            for group in part.chunk_by(|a, b| a.0 == b.0) {
                match group.len() {
                    0 | 1 => {}
                    n if n > longest => overfull.push(group.iter().map(|(_, record)| *record).collect()),
                    _ => {
                        self.members.extend(group.iter().map(|(_, record)| *record));
                        self.starts.push(count(self.members.len()));
                    }
                }
            }
        }
        overfull
    }

    fn file_by_record(&mut self, records: usize) {
        let mut starts = vec![0u32; records + 1];
        for record in &self.members {
            if let Some(start) = starts.get_mut(index(*record) + 1) {
                *start += 1;
            }
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let mut next = starts.clone();
        let mut of_record = vec![0u32; self.members.len()];
        for group in 0..self.starts.len().saturating_sub(1) {
            for record in self.group(count(group)) {
                if let Some(at) = next.get_mut(index(*record)) {
                    if let Some(slot) = of_record.get_mut(index(*at)) {
                        *slot = count(group);
                    }
                    *at += 1;
                }
            }
        }
        self.of_record = of_record;
        self.record_starts = starts;
    }

    fn group(&self, number: u32) -> &[u32] {
        let at = index(number);
        let (Some(from), Some(until)) = (self.starts.get(at), self.starts.get(at + 1)) else { return &[] };
        self.members.get(index(*from)..index(*until)).unwrap_or(&[])
    }

    fn groups_of(&self, record: u32) -> &[u32] {
        let at = index(record);
        let (Some(from), Some(until)) = (self.record_starts.get(at), self.record_starts.get(at + 1)) else {
            return &[];
        };
        self.of_record.get(index(*from)..index(*until)).unwrap_or(&[])
    }
}

/// What a thread needs to read candidates.
#[derive(Debug, Default)]
pub struct Reader {
    seen: Vec<u32>,
    groups: Vec<(u32, u32)>,
    found: Vec<(f32, u32)>,
    slots: Vec<u32>,
}

impl Reader {
    /// The records before `record` with which it is compared, the likeliest first, into `out`.
    pub fn read(&mut self, blocks: &Blocks, record: u32, records: usize, out: &mut Vec<u32>) {
        out.clear();
        if blocks.all {
            out.extend(0..record);
            return;
        }
        if self.seen.len() < records {
            self.seen.resize(records, u32::MAX);
            self.slots.resize(records, 0);
        }
        self.groups.clear();
        self.groups.extend(blocks.groups_of(record).iter().map(|group| (count(blocks.group(*group).len()), *group)));
        self.groups.sort_unstable();
        self.found.clear();
        for (size, group) in &self.groups {
            let weight = 1.0 / f32::from(u16::try_from(size + 1).unwrap_or(u16::MAX)).ln();
            for other in blocks.group(*group).iter().take_while(|other| **other < record) {
                let (Some(seen), Some(slot)) = (self.seen.get_mut(index(*other)), self.slots.get_mut(index(*other)))
                else {
                    continue;
                };
                if *seen != record {
                    if self.found.len() >= MOST_READ {
                        continue;
                    }
                    *seen = record;
                    *slot = count(self.found.len());
                    self.found.push((0.0, *other));
                }
                if let Some((sum, _)) = self.found.get_mut(index(*slot)) {
                    *sum += weight;
                }
            }
        }
        if self.found.len() > MOST_SCORED {
            self.found.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            self.found.truncate(MOST_SCORED);
        }
        out.extend(self.found.iter().map(|(_, other)| *other));
    }
}
