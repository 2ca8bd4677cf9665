//! Candidates from memory: for files, the initial load and tests.
//!
//! No server process decides from it; it must return the same as the store for the same records.

use super::record::ComparisonRecord;
use super::seam::{BlockingKey, Candidate, Candidates};
use crate::identity::{PersonId, RecordId};
use std::collections::{BTreeSet, HashMap};
use std::convert::Infallible;

/// An index over comparison records.
#[derive(Clone, Debug, Default)]
pub struct MemoryIndex {
    postings: HashMap<BlockingKey, BTreeSet<RecordId>>,
    records: HashMap<RecordId, Candidate>,
    members: HashMap<PersonId, BTreeSet<RecordId>>,
}

impl MemoryIndex {
    /// An empty index.
    pub fn new() -> Self {
        Self::default()
    }

    /// Files a record, in place of what was filed under its key before.
    pub fn insert(&mut self, id: RecordId, person: Option<PersonId>, record: &ComparisonRecord) {
        self.remove(id);
        for key in record.blocking_keys() {
            self.postings.entry(key).or_default().insert(id);
        }
        if let Some(person) = person {
            self.members.entry(person).or_default().insert(id);
        }
        self.records.insert(id, Candidate { record: id, person, row: record.encode() });
    }

    /// Takes a record out.
    pub fn remove(&mut self, id: RecordId) {
        let Some(old) = self.records.remove(&id) else { return };
        if let Some(members) = old.person.and_then(|person| self.members.get_mut(&person)) {
            members.remove(&id);
        }
        for key in ComparisonRecord::decode(&old.row).map(|record| record.blocking_keys()).unwrap_or_default() {
            if let Some(posting) = self.postings.get_mut(&key) {
                posting.remove(&id);
            }
        }
    }

    /// How many records are filed.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether none is filed.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }
}

impl Candidates for MemoryIndex {
    type Error = Infallible;

    fn posting(&mut self, key: BlockingKey, limit: usize) -> Result<Vec<RecordId>, Infallible> {
        Ok(self.postings.get(&key).map(|posting| posting.iter().take(limit).copied().collect()).unwrap_or_default())
    }

    fn rows(&mut self, records: &[RecordId]) -> Result<Vec<Candidate>, Infallible> {
        Ok(records.iter().filter_map(|id| self.records.get(id).cloned()).collect())
    }

    fn members(&mut self, person: PersonId, limit: usize) -> Result<Vec<Candidate>, Infallible> {
        let ids = self.members.get(&person).into_iter().flatten().take(limit);
        Ok(ids.filter_map(|id| self.records.get(id).cloned()).collect())
    }
}
