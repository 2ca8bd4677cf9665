//! The order of locks on persons (decision 6), seen in the database's own list of who waits.

use super::*;
use crate::identity::PersonId;
use crate::store::connection::Connection;
use crate::store::{Hold, LinkRow};
use diesel::prelude::*;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

#[derive(QueryableByName)]
struct Waiting {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    waiting: i64,
}

/// Records 1 and 2 with persons 11 and 12.
fn two_persons(store: &Store) {
    write(store, |tx| {
        for number in [1, 2] {
            tx.record_insert(&record(number, &number.to_string()))?;
            tx.person_insert(PersonId(10 + number), 5)?;
            tx.link_open(&LinkRow {
                id: number,
                record_id: number,
                person_id: 10 + number,
                origin: "automatic".to_owned(),
                actor: "emr".to_owned(),
                weight: 0.0,
                model: String::new(),
                reason: String::new(),
                valid_from: 5,
                valid_to: None,
            })?;
        }
        Ok(())
    });
}

/// Returns when somebody waits for a lock in the database at `place`.
fn await_waiter(place: &Place) {
    let mut connection = crate::store::connection::postgres(&place.url).unwrap();
    let Connection::Postgres(connection) = &mut connection else { panic!("not PostgreSQL") };
    let begun = Instant::now();
    let sql = "SELECT count(*) AS waiting FROM pg_stat_activity \
               WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while diesel::sql_query(sql).get_result::<Waiting>(connection.as_mut()).unwrap().waiting == 0 {
        assert!(begun.elapsed() < Duration::from_secs(20), "nobody waits");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn persons_are_locked_in_ascending_order_whatever_order_they_were_named_in() {
    let Some(place) = Place::postgres() else { return };
    let store = place.open(&clock()).unwrap();
    two_persons(&store);
    let (release, released) = channel::<()>();
    // What is moved in here is dropped when a check fails, so that nobody waits for ever.
    std::thread::scope(move |scope| {
        let (first, second) = (store.clone(), store.clone());
        let (held, holds) = channel();
        let released = std::sync::Arc::new(std::sync::Mutex::new(released));
        scope.spawn(move || {
            write(&first, move |tx| {
                tx.persons_lock(&ids(&[1]), None)?;
                held.send(()).unwrap();
                released.lock().unwrap().recv().unwrap();
                Ok(())
            });
        });
        holds.recv().unwrap();
        scope.spawn(move || write(&second, |tx| tx.persons_lock(&ids(&[2, 1]), None)));
        await_waiter(&place);
        // Who waits for the first person must not hold the second one: that is how two would wait for each other.
        let third: Result<(), StoreError> = store.write(Vec::new(), |tx| {
            tx.connection().batch("SET LOCAL lock_timeout = '2s'")?;
            tx.persons_lock(&ids(&[2]), None)
        });
        release.send(()).unwrap();
        assert!(third.is_ok(), "{third:?}");
    });
}

/// Two works at once: each holds its first key, and when both do, wants the other's. How often each began.
fn crosswise(store: &Store, hold: Hold) -> [u32; 2] {
    let met = Arc::new(Barrier::new(2));
    let begun: [Arc<AtomicU32>; 2] = Default::default();
    std::thread::scope(|scope| {
        for (own, other) in [(0, 1), (1, 0)] {
            let (store, met, begun) = (store.clone(), Arc::clone(&met), Arc::clone(&begun[own]));
            scope.spawn(move || {
                let key = |which: usize| i64::try_from(which).unwrap() + 500;
                let done: Result<(), StoreError> = store.write(Vec::new(), move |tx| {
                    tx.hold([key(own)], hold)?;
                    if begun.fetch_add(1, Ordering::Relaxed) == 0 {
                        met.wait();
                    }
                    tx.hold([key(other)], hold)?;
                    Ok(())
                });
                done.unwrap();
            });
        }
    });
    begun.map(|begun| begun.load(Ordering::Relaxed))
}

#[test]
fn what_comes_up_on_the_way_is_waited_for_in_order_from_the_beginning() {
    let Some(place) = Place::postgres() else { return };
    let store = place.open(&clock()).unwrap();
    assert_eq!(crosswise(&store, Hold::Shared), [1, 1], "who only reads disturbs nobody");
    // Whoever waited where he stood would wait for ever. One of them, or both, begin anew and hold both at once.
    let begun = crosswise(&store, Hold::Alone);
    assert!(begun.iter().sum::<u32>() > 2 && begun.iter().all(|begun| *begun < 4), "{begun:?}");
}

#[test]
fn work_whose_persons_were_changed_meanwhile_is_run_again() {
    let Some(place) = Place::postgres() else { return };
    let store = place.open(&clock()).unwrap();
    two_persons(&store);
    let (other, mut runs) = (store.clone(), 0);
    let ran = store.write::<i32, StoreError, _>(Vec::new(), move |tx| {
        runs += 1;
        let seen = tx.person_of(RecordId(1))?.map(|person| (RecordId(1), person));
        if runs == 1 {
            write(&other, |tx| {
                tx.link_close(RecordId(1), 6)?;
                tx.person_retire(PersonId(11), Some(PersonId(12)))
            });
        }
        tx.persons_lock(&[], seen)?;
        Ok(runs)
    });
    assert_eq!(ran.unwrap(), 2);
}
