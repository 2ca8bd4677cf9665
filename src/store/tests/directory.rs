//! What is kept in memory for questions answers as the tables do, whatever is done and undone.

use super::resident::Dice;
use super::*;
use crate::identity::{Demographics, Field, PersonId, Sex};
use crate::matching::{SearchClause, SearchToken, TokenKinds, TokenMatch};
use crate::store::{FoundRecord, Lookup, ReviewRow};
use std::collections::BTreeSet;

const RECORDS: u64 = 9;
const PERSONS: u64 = 5;
const VALUES: u64 = 4;

/// A record, a person or a number of few.
fn one_of(dice: &mut Dice, most: u64) -> i64 {
    i64::try_from(dice.below(most)).unwrap() + 1
}

fn said(turn: u64) -> Demographics {
    let sex = if turn.is_multiple_of(2) { Sex::Female } else { Sex::Male };
    Demographics { sex: Field::Set(sex), ..Demographics::default() }
}

fn tokens(turn: u64) -> Vec<SearchToken> {
    let token = |kind: i16, number: u64| SearchToken { kind, value: format!("v{number}") };
    vec![token(1, turn % VALUES), token(2, turn / VALUES % VALUES), token(3, 1)]
}

fn question(id: i64, record: i64, kind: &str) -> ReviewRow {
    ReviewRow {
        id,
        kind: kind.to_owned(),
        record_id: record,
        other_record: None,
        person_id: None,
        weight: 1.0,
        model: String::new(),
        explanation: String::new(),
        opened: id,
        state: "open".to_owned(),
        decided: None,
        decided_by: None,
        verdict: None,
    }
}

/// What a change does; `fresh` is a key that no row has yet.
#[derive(Clone, Copy, Debug)]
struct Change {
    what: u64,
    record: i64,
    person: i64,
    turn: u64,
    fresh: i64,
    asked: i64,
}

impl Change {
    fn on_records(self, tx: &mut Transaction<'_>) -> Result<(), StoreError> {
        let Self { what, record, person, turn, fresh, asked } = self;
        let id = RecordId(record);
        match what {
            0 => tx.record_insert(&super::record(fresh, &format!("{}", turn % VALUES)))?,
            1 => {
                let version = i32::try_from(fresh).unwrap();
                tx.version_insert(id, version, 1, "p", None, &said(turn))?;
                tx.record_set_version(id, version)?;
            }
            2 | 3 => tx.filing_replace(id, &[], &tokens(turn), b"row")?,
            4 => tx.filing_remove(id)?,
            5 => tx.record_subsume(id, RecordId(1))?,
            6 => tx.record_erase(id, (fresh, "erased"), &Demographics::default())?,
            7 => tx.review_insert(&question(fresh, record, "overlay"))?,
            8 => tx.review_insert(&question(fresh, record, "possible_match"))?,
            9 => tx.review_close(asked, "decided", "p", None, 9)?,
            10 => drop(tx.link_close(id, 5)?),
            _ => {
                tx.link_close(id, 5)?;
                tx.link_open(&link(fresh, record, person, fresh))?;
            }
        }
        Ok(())
    }

    fn on_persons(self, tx: &mut Transaction<'_>) -> Result<(), StoreError> {
        let Self { what, person, fresh, asked, .. } = self;
        let (id, regional) = (PersonId(person), format!("R{asked}"));
        match what {
            0 => tx.person_insert(PersonId(fresh), 1),
            1 => tx.person_retire(id, Some(PersonId(1))),
            2 => tx.person_revive(id),
            3 => tx.regional_insert(&format!("R{fresh}"), id, fresh),
            4 => tx.regional_retire(&regional, 9),
            5 => tx.regional_revive(&regional),
            _ => tx.person_erase(id, 9),
        }
    }

    fn run(self, tx: &mut Transaction<'_>) -> Result<(), StoreError> {
        if self.what < 14 { self.on_records(tx) } else { Self { what: self.what - 14, ..self }.on_persons(tx) }
    }
}

/// A change that is made, or made and undone; one that is refused changes nothing.
fn change(store: &Store, mut dice: Dice, fresh: i64) {
    let dice = &mut dice;
    let draw = |dice: &mut Dice| Change {
        what: dice.below(21),
        record: one_of(dice, RECORDS),
        person: one_of(dice, PERSONS),
        turn: dice.below(16),
        fresh,
        asked: one_of(dice, u64::try_from(fresh).unwrap()),
    };
    let (first, second, undone) = (draw(dice), draw(dice), dice.below(8) == 0);
    let _ = store.write(Vec::new(), move |tx| {
        first.run(tx)?;
        if second.what != first.what {
            second.run(tx)?;
        }
        if undone { Err(StoreError::Busy) } else { Ok(()) }
    });
}

/// All that questions may ask.
fn answers(known: &mut dyn Lookup, most: i64) -> Result<String, StoreError> {
    let all: Vec<RecordId> = (1..=most).map(RecordId).collect();
    let mut text = String::new();
    let mut tell = |told: String| text.push_str(&format!("{told}\n"));
    for value in 0..VALUES {
        let found = known.record_find(7, "h01", &value.to_string())?;
        tell(format!("{:?}", found.map(|row| (row.id, row.status, row.version))));
    }
    for person in 1..=most {
        let row = known.person_get(PersonId(person))?;
        let records: Vec<(i64, String)> =
            known.records_of(PersonId(person))?.into_iter().map(|row| (row.id, row.value)).collect();
        tell(format!("{row:?} {records:?} {:?}", known.regional_of(PersonId(person))?));
        tell(format!("{:?}", known.regional_find(&format!("R{person}"))?));
        tell(format!("{:?}", known.person_of(RecordId(person))?));
        tell(format!("{:?}", known.record_find(person, "h01", "erased")?.map(|row| row.id)));
        tell(format!("{:?}", known.version_current(RecordId(person))?.map(|said| said.sex.clone())));
    }
    let mut overlaid = known.overlays_open(&all)?;
    overlaid.sort_unstable();
    overlaid.dedup();
    tell(format!("{overlaid:?}"));
    for one in known.records_owned(&all)? {
        tell(format!("{:?} {} {} {:?}", one.record, one.domain, one.active, one.person));
    }
    let values = |one: &FoundRecord| {
        let mut values: Vec<(i16, String)> = one.tokens.iter().map(|token| (token.kind, token.value.clone())).collect();
        values.sort_unstable();
        format!("{:?} {values:?}", one.record)
    };
    let ids: Vec<i64> = (1..=most).collect();
    known.tokens_of(&ids, [1, 2].into_iter().collect())?.iter().for_each(|one| tell(values(one)));
    let exact = |kind: i16, number: u64| SearchClause {
        any_of: vec![TokenMatch::Exact(SearchToken { kind, value: format!("v{number}") })],
    };
    for number in 0..VALUES {
        let clauses = [exact(1, number), exact(2, number), exact(3, 1)];
        for asked in [&clauses[..1], &clauses[..]] {
            let found = known.tokens_search(asked, [1, 2, 3].into_iter().collect(), 1_000)?.unwrap();
            found.iter().for_each(|one| tell(values(one)));
        }
    }
    Ok(text)
}

/// Has questions answered from memory, and lets the writer read what it needs for it; whether memory answers then.
pub(super) fn settle(store: &Store) -> bool {
    if !store.answers_from_memory() {
        store.answer_from_memory(1_000);
    }
    wait(store)
}

/// Lets the writer read what it needs; whether memory answers then.
fn wait(store: &Store) -> bool {
    (0..50).any(|_| {
        write(store, |_| Ok(()));
        store.answers_from_memory()
    })
}

#[test]
fn memory_answers_as_the_tables_do() {
    let place = Place::sqlite().unwrap();
    let store = place.open(&clock()).unwrap();
    let mut dice = Dice::fresh();
    let least = i64::try_from(RECORDS).unwrap();
    for id in 1..=least {
        write(&store, move |tx| {
            tx.record_insert(&record(id, &id.to_string()))?;
            tx.person_insert(PersonId(id), 1)
        });
    }
    (least + 1..60).for_each(|fresh| change(&store, dice.another(), fresh));
    assert!(settle(&store), "what was there before is read");
    let mut from_memory = 0;
    for fresh in (60..400).step_by(4) {
        if fresh % 3 == 0 {
            // Several at a time: the writer undoes some of a group, and commits the others.
            std::thread::scope(|scope| {
                (fresh..fresh + 4).for_each(|fresh| {
                    let (store, dice) = (&store, dice.another());
                    scope.spawn(move || change(store, dice, fresh));
                });
            });
        } else {
            (fresh..fresh + 4).for_each(|fresh| change(&store, dice.another(), fresh));
        }
        from_memory += u32::from(store.answers_from_memory());
        let kept = store.look_up(|known| answers(known, fresh + 4)).unwrap();
        assert_eq!(kept, read(&store, |tx| answers(tx, fresh + 4)), "after change {fresh}");
        if fresh % 40 == 0 {
            // As a load of many records does.
            write(&store, |tx| {
                tx.all_changed();
                Ok(())
            });
            settle(&store);
        }
    }
    assert!(from_memory > 75, "{from_memory} of 85 from memory");
}

#[test]
fn too_many_are_not_kept() {
    let place = Place::sqlite().unwrap();
    let store = place.open(&clock()).unwrap();
    store.answer_from_memory(3);
    let add = |id: i64| write(&store, move |tx| tx.record_insert(&record(id, &id.to_string())));
    (1..=3).for_each(add);
    assert!(wait(&store), "three are kept");
    add(4);
    assert!(!store.answers_from_memory(), "four are not");
    let found = store.look_up(|known| known.record_find(7, "h01", "4")).unwrap();
    assert_eq!(found.map(|row| row.id), Some(4), "the tables are asked");
}

/// What memory and the tables say of record 1: whether they agree, and how many tokens it has.
fn agree_on_the_first(store: &Store) -> usize {
    let told = |known: &mut dyn Lookup| {
        let said = known.version_current(RecordId(1))?.map(|said| said.sex.clone());
        let tokens = known.tokens_of(&[1], TokenKinds::ALL)?.remove(0).tokens;
        Ok::<_, StoreError>((said, tokens.iter().map(|token| token.value.clone()).collect::<BTreeSet<_>>()))
    };
    assert!(store.answers_from_memory());
    let kept = store.look_up(told).unwrap();
    assert_eq!(kept, read(store, |tx| told(tx)));
    kept.1.len()
}

fn revise(tx: &mut Transaction<'_>, version: i32, turn: u64) -> Result<(), StoreError> {
    tx.version_insert(RecordId(1), version, 1, "p", None, &said(turn))?;
    tx.record_set_version(RecordId(1), version)?;
    tx.filing_replace(RecordId(1), &[], &tokens(turn), b"row")
}

fn with_the_first() -> (Place, Store) {
    let place = Place::sqlite().unwrap();
    let store = place.open(&clock()).unwrap();
    write(&store, |tx| {
        tx.record_insert(&record(1, "1"))?;
        revise(tx, 1, 0)
    });
    assert!(settle(&store));
    (place, store)
}

#[test]
fn nothing_is_left_of_who_is_erased_by_the_group_that_revised() {
    let (_place, store) = with_the_first();
    write(&store, |tx| {
        revise(tx, 2, 1)?;
        tx.record_erase(RecordId(1), (9, "erased"), &Demographics::default())
    });
    assert_eq!(agree_on_the_first(&store), 0);
}

#[test]
fn what_was_undone_of_a_group_is_not_remembered() {
    let (_place, store) = with_the_first();
    let (begun, go) = (std::sync::mpsc::channel(), std::sync::mpsc::channel());
    std::thread::scope(|scope| {
        let store = &store;
        let (begun_tx, go_rx) = (begun.0, std::sync::Mutex::new(go.1));
        scope.spawn(move || {
            write(store, move |_| {
                begun_tx.send(()).unwrap();
                go_rx.lock().unwrap().recv().unwrap();
                Ok(())
            });
        });
        begun.1.recv().unwrap();
        // These wait for the writer together, so that it makes one group of them.
        let undone = scope.spawn(move || {
            store.write(Vec::new(), |tx| -> Result<(), StoreError> {
                revise(tx, 2, 5)?;
                Err(StoreError::Busy)
            })
        });
        while store.metrics().gauges().store_queue.get() < 1 {
            std::thread::yield_now();
        }
        scope.spawn(move || {
            write(store, |tx| {
                tx.version_insert(RecordId(1), 2, 1, "p", None, &said(1))?;
                tx.record_set_version(RecordId(1), 2)
            });
        });
        while store.metrics().gauges().store_queue.get() < 2 {
            std::thread::yield_now();
        }
        go.0.send(()).unwrap();
        assert!(undone.join().unwrap().is_err());
    });
    let first: BTreeSet<String> = tokens(0).into_iter().map(|token| token.value).collect();
    assert_eq!(agree_on_the_first(&store), first.len());
}
