//! A look at what is in memory, from which decisions are made ahead of their turn, each with a witness of what it read.
//!
//! It must never be answered from without noting what was asked.

use super::witness::{Seen, Thing, Witness};
use crate::identity::{PersonId, RecordId};
use crate::matching::{BlockingKey, Candidate, Candidates, MemoryIndex};
use std::collections::HashSet;
use std::convert::Infallible;

/// What decisions read, for those that are made ahead of their turn, by several threads at a time.
#[derive(Clone, Copy)]
pub struct Look<'a> {
    index: &'a MemoryIndex,
    identifiers: &'a HashSet<i64>,
    /// What changed before is not asked for.
    since: u64,
}

impl<'a> Look<'a> {
    pub(super) fn at(index: &'a MemoryIndex, identifiers: &'a HashSet<i64>, since: u64) -> Self {
        Self { index, identifiers, since }
    }

    /// Whether no record has an identifier of this key.
    pub fn lacks(&self, identifier_key: i64) -> bool {
        !self.identifiers.contains(&identifier_key)
    }

    /// Runs `work`, and gives what it came to with a witness of what it read: while that is
    /// [`still`](super::Transaction::still) so, the same work would come to the same.
    pub fn rehearse<T>(&self, work: impl FnOnce(&mut Noting<'a>) -> T) -> (T, Witness) {
        let mut noting = Noting { index: self.index, seen: Vec::new() };
        let result = work(&mut noting);
        (result, Witness { since: self.since, seen: noting.seen })
    }
}

/// Candidates from memory; what is read is noted.
pub struct Noting<'a> {
    index: &'a MemoryIndex,
    seen: Vec<Seen>,
}

impl Candidates for Noting<'_> {
    type Error = Infallible;

    fn posting(&mut self, key: BlockingKey, limit: usize) -> Result<Vec<RecordId>, Infallible> {
        let mut index = self.index;
        let records = index.posting(key, limit)?;
        let cut = records.last().filter(|_| records.len() == limit);
        self.seen.push(Seen { thing: Thing::Key(key.0), up_to: cut.map_or(i64::MAX, |record| record.0) });
        Ok(records)
    }

    fn rows(&mut self, records: &[RecordId]) -> Result<Vec<Candidate>, Infallible> {
        self.seen.extend(records.iter().map(|record| Seen::whole(Thing::Record(record.0))));
        Ok(in_order(self.index, records))
    }

    fn members(&mut self, person: PersonId, limit: usize) -> Result<Vec<Candidate>, Infallible> {
        let mut index = self.index;
        let members = index.members(person, limit)?;
        self.seen.push(Seen::whole(Thing::Person(person.0)));
        self.seen.extend(members.iter().map(|member| Seen::whole(Thing::Record(member.record.0))));
        Ok(members)
    }
}

/// The rows of `records` as the tables give them: each once, in ascending order.
pub(super) fn in_order(mut index: &MemoryIndex, records: &[RecordId]) -> Vec<Candidate> {
    let mut found = index.rows(records).unwrap_or_else(|never| match never {});
    found.sort_by_key(|candidate| candidate.record);
    found.dedup_by_key(|candidate| candidate.record);
    found
}
