//! What is kept in memory for decisions answers as the tables do, whatever is done and undone.

use super::*;
use crate::identity::PersonId;
use crate::matching::{BlockingKey, Candidate, Candidates, ComparisonRecord};

const RECORDS: u64 = 12;
const PERSONS: u64 = 4;

/// One of few people, so that keys are shared; `turn` tells versions of them apart.
fn said(who: u64, turn: u64) -> ComparisonRecord {
    ComparisonRecord {
        birth: 19_800_101 + u32::try_from(who % 3).unwrap(),
        phones: vec![format!("03123456{:02}", who % 5), format!("09012345{:02}", turn % 7)],
        ..ComparisonRecord::default()
    }
}

/// Numbers from a seed that is printed.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn fresh() -> Self {
        let seed = u64::try_from(clock().micros()).unwrap();
        println!("seed {seed}");
        Self(seed)
    }

    /// Others that fall their own way.
    pub(super) fn another(&mut self) -> Self {
        Self(self.below(u64::MAX >> 33) ^ self.0)
    }

    pub(super) fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}

/// A change that is made, or made and undone.
fn change(store: &Store, dice: &mut Dice, id: i64) {
    let (what, who, person, turn) = (dice.below(6), dice.below(RECORDS), dice.below(PERSONS), dice.below(100));
    let (record, undone) = (RecordId(i64::try_from(who).unwrap() + 1), dice.below(8) == 0);
    let row = link(id, record.0, i64::try_from(person).unwrap() + 100, 1);
    let said = said(who, turn);
    let _ = store.write(Vec::new(), move |tx| {
        match what {
            0..=2 => tx.filing_replace(record, &said.blocking_keys(), &[], &said.encode())?,
            3 => tx.filing_remove(record)?,
            _ => {
                tx.link_close(record, 5)?;
                if what == 4 {
                    tx.link_open(&row)?;
                }
            }
        }
        if undone { Err(StoreError::Busy) } else { Ok(()) }
    });
}

/// All that a decision may ask, answered by one transaction.
fn answers(tx: &mut Transaction<'_>, asked: &[BlockingKey]) -> Result<String, StoreError> {
    let all: Vec<RecordId> = (1..=i64::try_from(RECORDS).unwrap()).map(RecordId).collect();
    let told = |found: Vec<Candidate>| -> Vec<(RecordId, Option<PersonId>, Vec<u8>)> {
        found.into_iter().map(|one| (one.record, one.person, one.row)).collect()
    };
    let mut text = format!("{:?}", told(tx.rows(&all)?));
    for key in asked {
        text.push_str(&format!("\n{key:?} {:?} {:?}", tx.posting(*key, 50)?, tx.posting(*key, 2)?));
    }
    for person in 0..PERSONS {
        let person = PersonId(i64::try_from(person).unwrap() + 100);
        text.push_str(&format!("\n{person:?} {:?} {:?}", told(tx.members(person, 50)?), tx.members(person, 1)?.len()));
    }
    Ok(text)
}

/// Lets the writer read what it wants to keep; whether decisions read memory then.
fn settle(store: &Store) -> bool {
    (0..50).any(|_| {
        write(store, |_| Ok(()));
        store.decides_from_memory()
    })
}

#[test]
fn memory_answers_as_the_tables_do() {
    let place = Place::sqlite().unwrap();
    let store = place.open(&clock()).unwrap();
    let mut dice = Dice::fresh();
    let asked: Vec<BlockingKey> =
        (0..RECORDS).flat_map(|who| (0..7).flat_map(move |turn| said(who, turn).blocking_keys())).collect();
    (1..40).for_each(|id| change(&store, &mut dice, id));
    store.keep_in_memory(1_000);
    assert!(settle(&store), "what was there before is read");
    let mut from_memory = 0;
    for id in 40..440 {
        change(&store, &mut dice, id);
        from_memory += u32::from(store.decides_from_memory());
        let kept = store.consider(|tx| answers(tx, &asked)).unwrap();
        assert_eq!(kept, read(&store, |tx| answers(tx, &asked)), "after change {id}");
        if id % 10 == 0 {
            settle(&store);
        }
    }
    assert!(from_memory > 200, "{from_memory} of 400 from memory");
}

#[test]
fn too_many_are_not_kept() {
    let place = Place::sqlite().unwrap();
    let store = place.open(&clock()).unwrap();
    let file = |store: &Store, id: i64| {
        let said = said(id.cast_unsigned(), 0);
        write(store, move |tx| tx.filing_insert(RecordId(id), &said.blocking_keys(), &[], &said.encode()));
    };
    store.keep_in_memory(3);
    (1..=3).for_each(|id| file(&store, id));
    assert!(settle(&store), "three are kept");
    file(&store, 4);
    assert!(!settle(&store), "four are not");
    let key = said(4, 0).blocking_keys().first().copied().unwrap();
    let found = store.consider(|tx| tx.posting(key, 10)).unwrap();
    assert!(found.contains(&RecordId(4)), "the tables are asked");
}
