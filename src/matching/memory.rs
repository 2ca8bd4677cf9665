//! Candidates from memory: for files, the initial load, questions of what would be, and tests.
//!
//! No server process decides from it; it must return the same as the store for the same records. A million records must
//! fit into a few hundred megabytes, so a record is a number here, and what has one record is not a list.

use super::record::ComparisonRecord;
use super::seam::{BlockingKey, Candidate, Candidates};
use crate::identity::{PersonId, RecordId};
use std::collections::HashMap;
use std::convert::Infallible;
use std::hash::{BuildHasherDefault, Hasher};

/// The place of a record in an index.
type Place = u32;

/// An index over comparison records.
#[derive(Clone, Debug, Default)]
pub struct MemoryIndex {
    postings: Lists,
    members: Lists,
    places: HashMap<i64, Place, Plain>,
    filed: Vec<Filed>,
    count: usize,
}

/// A record as it is filed; without a row it was taken out.
#[derive(Clone)]
struct Filed {
    id: i64,
    person: Option<PersonId>,
    row: Option<Box<[u8]>>,
}

impl std::fmt::Debug for Filed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Filed({}, …)", self.id)
    }
}

/// The hash of what is scattered over all numbers already, or is multiplied over them.
#[derive(Clone, Debug, Default)]
pub(super) struct PlainHasher(u64);

pub(super) type Plain = BuildHasherDefault<PlainHasher>;

impl Hasher for PlainHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 << 8) ^ (self.0 >> 56) ^ u64::from(*byte);
        }
    }

    fn write_i64(&mut self, number: i64) {
        let mixed = number.cast_unsigned().wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ (mixed >> 32);
    }
}

/// Lists of places by a number, each in ascending order of the records; most have one.
#[derive(Clone, Debug, Default)]
struct Lists {
    by_number: HashMap<i64, List, Plain>,
    long: Vec<Vec<Place>>,
    free: Vec<u32>,
}

#[derive(Clone, Copy, Debug)]
enum List {
    One(Place),
    /// Which of the long ones.
    Many(u32),
}

impl Lists {
    fn of(&self, number: i64) -> &[Place] {
        match self.by_number.get(&number) {
            Some(List::One(place)) => std::slice::from_ref(place),
            Some(List::Many(at)) => self.at(*at).map_or(&[], Vec::as_slice),
            None => &[],
        }
    }

    fn at(&self, at: u32) -> Option<&Vec<Place>> {
        self.long.get(usize::try_from(at).unwrap_or(usize::MAX))
    }

    fn add(&mut self, number: i64, place: Place, filed: &[Filed]) {
        let id = |place: Place| usize::try_from(place).ok().and_then(|at| filed.get(at)).map_or(i64::MAX, |one| one.id);
        let into = |list: &mut Vec<Place>| {
            // Keys grow: nearly always it is the last.
            let at = match list.last() {
                Some(last) if id(*last) > id(place) => list.partition_point(|known| id(*known) < id(place)),
                _ => list.len(),
            };
            if list.get(at) != Some(&place) && (at == 0 || list.get(at - 1) != Some(&place)) {
                list.insert(at, place);
            }
        };
        match self.by_number.get(&number).copied() {
            None => {
                self.by_number.insert(number, List::One(place));
            }
            Some(List::One(known)) if known == place => {}
            Some(List::One(known)) => {
                let mut list = vec![known];
                into(&mut list);
                let at = self.keep(list);
                self.by_number.insert(number, List::Many(at));
            }
            Some(List::Many(at)) => {
                if let Some(list) = self.long.get_mut(usize::try_from(at).unwrap_or(usize::MAX)) {
                    into(list);
                }
            }
        }
    }

    fn keep(&mut self, list: Vec<Place>) -> u32 {
        if let Some(at) = self.free.pop()
            && let Some(slot) = self.long.get_mut(usize::try_from(at).unwrap_or(usize::MAX))
        {
            *slot = list;
            return at;
        }
        self.long.push(list);
        u32::try_from(self.long.len() - 1).unwrap_or(u32::MAX)
    }

    fn remove(&mut self, number: i64, place: Place) {
        match self.by_number.get(&number).copied() {
            Some(List::One(known)) if known == place => {
                self.by_number.remove(&number);
            }
            Some(List::Many(at)) => {
                let Some(list) = self.long.get_mut(usize::try_from(at).unwrap_or(usize::MAX)) else { return };
                list.retain(|known| *known != place);
                if list.is_empty() {
                    self.by_number.remove(&number);
                    self.free.push(at);
                }
            }
            _ => {}
        }
    }
}

impl MemoryIndex {
    /// An empty index.
    pub fn new() -> Self {
        Self::default()
    }

    /// Files a record, in place of what was filed under its key before.
    pub fn insert(&mut self, id: RecordId, person: Option<PersonId>, record: &ComparisonRecord) {
        self.file(id, person, &record.blocking_keys(), record.encode());
    }

    /// Likewise, where its `keys` and its `row` are worked out already.
    pub fn file(&mut self, id: RecordId, person: Option<PersonId>, keys: &[BlockingKey], row: Vec<u8>) {
        self.remove(id);
        let place = match self.places.get(&id.0) {
            Some(place) => *place,
            None => {
                let place = u32::try_from(self.filed.len()).unwrap_or(Place::MAX);
                self.filed.push(Filed { id: id.0, person: None, row: None });
                self.places.insert(id.0, place);
                place
            }
        };
        if let Some(filed) = usize::try_from(place).ok().and_then(|at| self.filed.get_mut(at)) {
            filed.person = person;
            filed.row = Some(row.into_boxed_slice());
        }
        for key in keys {
            self.postings.add(key.0, place, &self.filed);
        }
        if let Some(person) = person {
            self.members.add(person.0, place, &self.filed);
        }
        self.count += 1;
    }

    /// From now on a record that is filed is this person's.
    pub fn belongs(&mut self, id: RecordId, person: Option<PersonId>) {
        let Some(place) = self.places.get(&id.0).copied() else { return };
        let Some(filed) = usize::try_from(place).ok().and_then(|at| self.filed.get_mut(at)) else { return };
        if filed.row.is_none() {
            return;
        }
        let before = std::mem::replace(&mut filed.person, person);
        if let Some(before) = before {
            self.members.remove(before.0, place);
        }
        if let Some(person) = person {
            self.members.add(person.0, place, &self.filed);
        }
    }

    /// Takes a record out.
    pub fn remove(&mut self, id: RecordId) {
        let Some(place) = self.places.get(&id.0).copied() else { return };
        let Some(filed) = usize::try_from(place).ok().and_then(|at| self.filed.get_mut(at)) else { return };
        let Some(row) = filed.row.take() else { return };
        if let Some(person) = filed.person.take() {
            self.members.remove(person.0, place);
        }
        for key in ComparisonRecord::decode(&row).map(|record| record.blocking_keys()).unwrap_or_default() {
            self.postings.remove(key.0, place);
        }
        self.count -= 1;
    }

    /// How many records are filed.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether none is filed.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The keys of all records that are filed, in the order in which they came.
    pub fn ids(&self) -> impl Iterator<Item = RecordId> {
        self.filed.iter().filter(|filed| filed.row.is_some()).map(|filed| RecordId(filed.id))
    }

    /// The keys of the records that are this person's, in ascending order.
    pub fn member_ids(&self, person: PersonId) -> impl Iterator<Item = RecordId> {
        self.first(self.members.of(person.0), usize::MAX).map(|filed| RecordId(filed.id))
    }

    /// Whether more than one record is this person's.
    pub fn has_company(&self, person: PersonId) -> bool {
        self.members.of(person.0).len() > 1
    }

    /// One record, where it is filed.
    pub fn record(&self, id: RecordId) -> Option<Candidate> {
        self.places.get(&id.0).and_then(|place| self.at(*place)).and_then(Filed::candidate)
    }

    fn at(&self, place: Place) -> Option<&Filed> {
        self.filed.get(usize::try_from(place).unwrap_or(usize::MAX))
    }

    fn first(&self, list: &[Place], limit: usize) -> impl Iterator<Item = &Filed> {
        list.iter().take(limit).filter_map(|place| self.at(*place))
    }
}

impl Filed {
    fn candidate(&self) -> Option<Candidate> {
        let row = self.row.as_ref()?.to_vec();
        Some(Candidate { record: RecordId(self.id), person: self.person, row })
    }
}

/// Shared, so that several threads can decide at a time.
impl Candidates for &MemoryIndex {
    type Error = Infallible;

    fn posting(&mut self, key: BlockingKey, limit: usize) -> Result<Vec<RecordId>, Infallible> {
        Ok(self.first(self.postings.of(key.0), limit).map(|filed| RecordId(filed.id)).collect())
    }

    fn rows(&mut self, records: &[RecordId]) -> Result<Vec<Candidate>, Infallible> {
        Ok(records.iter().filter_map(|id| self.record(*id)).collect())
    }

    fn members(&mut self, person: PersonId, limit: usize) -> Result<Vec<Candidate>, Infallible> {
        Ok(self.first(self.members.of(person.0), limit).filter_map(Filed::candidate).collect())
    }
}

impl Candidates for MemoryIndex {
    type Error = Infallible;

    fn posting(&mut self, key: BlockingKey, limit: usize) -> Result<Vec<RecordId>, Infallible> {
        (&*self).posting(key, limit)
    }

    fn rows(&mut self, records: &[RecordId]) -> Result<Vec<Candidate>, Infallible> {
        (&*self).rows(records)
    }

    fn members(&mut self, person: PersonId, limit: usize) -> Result<Vec<Candidate>, Infallible> {
        (&*self).members(person, limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_in_order_whatever_comes_when() {
        let record =
            ComparisonRecord { birth: 19_800_214, phones: vec!["0312345678".to_owned()], ..Default::default() };
        let key = record.blocking_keys()[0];
        let mut index = MemoryIndex::new();
        let check = |index: &mut MemoryIndex, expect: &[i64], what: &str| {
            let found: Vec<i64> = index.posting(key, 10).unwrap().into_iter().map(|id| id.0).collect();
            assert_eq!((found.as_slice(), index.len()), (expect, expect.len()), "{what}");
        };
        for id in [5, 9, 2, 7, 5] {
            index.insert(RecordId(id), Some(PersonId(id % 2)), &record);
        }
        check(&mut index, &[2, 5, 7, 9], "each once");
        index.remove(RecordId(7));
        index.remove(RecordId(7));
        check(&mut index, &[2, 5, 9], "taken out");
        index.insert(RecordId(7), None, &record);
        check(&mut index, &[2, 5, 7, 9], "and in again");
        let of = |index: &mut MemoryIndex, person| -> Vec<i64> {
            index.members(PersonId(person), 10).unwrap().iter().map(|one| one.record.0).collect()
        };
        assert_eq!((of(&mut index, 1), of(&mut index, 0)), (vec![5, 9], vec![2]));
        index.belongs(RecordId(7), Some(PersonId(0)));
        index.belongs(RecordId(9), Some(PersonId(0)));
        assert_eq!((of(&mut index, 1), of(&mut index, 0)), (vec![5], vec![2, 7, 9]));
        [2, 5, 7, 9].into_iter().for_each(|id| index.remove(RecordId(id)));
        check(&mut index, &[], "none");
    }
}
