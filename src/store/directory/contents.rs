//! Records and persons as questions look them up, in memory: plain values, changed record by record.
//!
//! It must never be half of a change: who follows a transaction replaces all that the transaction touched.

use super::words::Words;
use crate::identity::{Demographics, PersonId};
use crate::matching::SearchToken;
use crate::store::{PersonRow, SourceRecordRow};
use std::collections::HashMap;
use std::sync::Arc;

/// Where a record is kept, for as long as it is kept at all.
pub(super) type Place = u32;

/// All that questions ask of one record.
pub(in crate::store) struct KeptRecord {
    pub(in crate::store) row: SourceRecordRow,
    /// Whose it is now.
    pub(in crate::store) person: Option<PersonId>,
    /// Its demographics as they stand.
    pub(in crate::store) said: Option<Arc<Demographics>>,
    pub(in crate::store) tokens: Vec<SearchToken>,
    /// Whether it is asked whether it is suddenly another person.
    pub(in crate::store) overlaid: bool,
}

/// All that questions ask of one person, but for the records.
pub(in crate::store) struct KeptPerson {
    pub(in crate::store) row: PersonRow,
    /// Every regional ID that was ever theirs.
    pub(in crate::store) regionals: Vec<KeptRegional>,
}

/// A regional ID of a person.
pub(in crate::store) struct KeptRegional {
    pub(in crate::store) value: String,
    pub(in crate::store) state: String,
    pub(in crate::store) issued: i64,
}

/// A record in its place; its tokens are words.
pub(super) struct Placed {
    pub(super) row: SourceRecordRow,
    pub(super) person: Option<PersonId>,
    pub(super) said: Option<Arc<Demographics>>,
    pub(super) words: Box<[u32]>,
    pub(super) overlaid: bool,
}

/// What is kept.
#[derive(Default)]
pub(super) struct Contents {
    places: HashMap<i64, Place>,
    placed: Vec<Placed>,
    by_identifier: HashMap<i64, Vec<Place>>,
    members: HashMap<i64, Vec<Place>>,
    persons: HashMap<i64, KeptPerson>,
    regionals: HashMap<Box<str>, i64>,
    pub(super) words: Words,
}

impl Contents {
    /// How many records.
    pub(super) fn len(&self) -> usize {
        self.placed.len()
    }

    /// The record in its place.
    pub(super) fn at(&self, place: Place) -> Option<&Placed> {
        self.placed.get(usize::try_from(place).ok()?)
    }

    /// One record.
    pub(super) fn record(&self, id: i64) -> Option<&Placed> {
        self.at(*self.places.get(&id)?)
    }

    /// One person.
    pub(super) fn person(&self, id: i64) -> Option<&KeptPerson> {
        self.persons.get(&id)
    }

    /// The records of a person, in ascending order.
    pub(super) fn members(&self, person: i64) -> impl Iterator<Item = &Placed> {
        self.members.get(&person).into_iter().flatten().filter_map(|place| self.at(*place))
    }

    /// The records with an identifier of this key.
    pub(super) fn identified(&self, key: i64) -> impl Iterator<Item = &Placed> {
        self.by_identifier.get(&key).into_iter().flatten().filter_map(|place| self.at(*place))
    }

    /// Whose regional ID this is, or was.
    pub(super) fn regional(&self, value: &str) -> Option<(i64, &KeptRegional)> {
        let person = *self.regionals.get(value)?;
        Some((person, self.persons.get(&person)?.regionals.iter().find(|regional| regional.value == value)?))
    }

    /// Puts `person` in the place of what was kept of it. No regional ID ever leaves its person.
    pub(super) fn put_person(&mut self, person: KeptPerson) {
        for regional in &person.regionals {
            self.regionals.insert(regional.value.as_str().into(), person.row.id);
        }
        self.persons.insert(person.row.id, person);
    }

    /// Puts `record` in the place of what was kept of it.
    pub(super) fn put_record(&mut self, record: KeptRecord) {
        let KeptRecord { row, person, said, tokens, overlaid } = record;
        let place = match self.places.get(&row.id) {
            Some(place) => *place,
            None => {
                let Ok(place) = Place::try_from(self.placed.len()) else { return };
                self.places.insert(row.id, place);
                self.by_identifier.entry(row.identifier_key).or_default().push(place);
                let fresh = Placed { row: row.clone(), person: None, said: None, words: [].into(), overlaid };
                self.placed.push(fresh);
                place
            }
        };
        let Some(at) = usize::try_from(place).ok().filter(|at| *at < self.placed.len()) else { return };
        let (before, key, words) = {
            let Some(known) = self.placed.get_mut(at) else { return };
            (known.person, known.row.identifier_key, std::mem::take(&mut known.words))
        };
        if key != row.identifier_key {
            take(&mut self.by_identifier, key, place);
            self.by_identifier.entry(row.identifier_key).or_default().push(place);
        }
        if before != person {
            if let Some(before) = before {
                take(&mut self.members, before.0, place);
            }
            if let Some(person) = person {
                let members = self.members.entry(person.0).or_default();
                let id = |place: &Place| {
                    usize::try_from(*place).ok().and_then(|at| self.placed.get(at)).map(|one| one.row.id)
                };
                let at = members.partition_point(|known| id(known) < Some(row.id));
                members.insert(at, place);
            }
        }
        let words = self.words.replace(place, &words, tokens);
        if let Some(known) = self.placed.get_mut(at) {
            *known = Placed { row, person, said, words, overlaid };
        }
    }
}

/// Takes `place` out of the list of `number`, and the list where nothing is left of it.
fn take(lists: &mut HashMap<i64, Vec<Place>>, number: i64, place: Place) {
    if let Some(list) = lists.get_mut(&number) {
        list.retain(|known| *known != place);
        if list.is_empty() {
            lists.remove(&number);
        }
    }
}
