//! What is acknowledged is there; what failed is not; nothing is half there.

use super::*;
use crate::audit::{Action, AuditEvent, AuditOutcome};
use crate::store::InboxRow;
use std::sync::{Arc, Barrier};

#[test]
fn what_failed_or_panicked_is_undone_and_its_neighbours_stay() {
    each(|store, _| {
        let barrier = Arc::new(Barrier::new(24));
        let threads: Vec<_> = (0..24i64)
            .map(|number| {
                let (store, barrier) = (store.clone(), Arc::clone(&barrier));
                std::thread::spawn(move || {
                    barrier.wait();
                    store.write(Vec::new(), move |tx| {
                        tx.record_insert(&record(number + 1, &number.to_string()))?;
                        match number % 3 {
                            0 => Ok(()),
                            1 => Err(StoreError::Corrupt("on purpose")),
                            _ => panic!("on purpose"),
                        }
                    })
                })
            })
            .collect();
        let results: Vec<Result<(), StoreError>> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        for (number, result) in results.iter().enumerate() {
            let as_meant = match number % 3 {
                0 => result.is_ok(),
                1 => matches!(result, Err(StoreError::Corrupt("on purpose"))),
                _ => matches!(result, Err(StoreError::Panicked)),
            };
            assert!(as_meant, "{store:?} {number}: {result:?}");
        }
        let kept: Vec<i64> = read(store, |tx| tx.records_get(&ids(&(1..=24).collect::<Vec<_>>())))
            .into_iter()
            .map(|row| row.id)
            .collect();
        assert_eq!(kept, (0..8).map(|third| third * 3 + 1).collect::<Vec<i64>>(), "{store:?}");
    });
}

#[test]
fn a_new_file_is_nobody_elses_to_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::sqlite().unwrap();
    let store = place.open(&clock()).unwrap();
    write(&store, |tx| tx.record_insert(&record(1, "1")));
    let path = place.url.trim_start_matches("sqlite:");
    for beside in ["", "-wal", "-shm"] {
        let mode = std::fs::metadata(format!("{path}{beside}")).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode & 0o027, 0, "{beside} {mode:o}");
    }
}

#[test]
fn what_64_threads_were_told_is_there_after_reopening() {
    for place in Place::each() {
        let store = place.open(&clock()).unwrap();
        let threads: Vec<_> = (0..64)
            .map(|thread| {
                let store = store.clone();
                std::thread::spawn(move || {
                    (0..8)
                        .map(|number| {
                            let id = store.fresh_id();
                            let row = record(id, &format!("{thread}-{number}"));
                            write(&store, move |tx| tx.record_insert(&row));
                            id
                        })
                        .collect::<Vec<i64>>()
                })
            })
            .collect();
        let mut told: Vec<i64> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        drop(store);
        told.sort_unstable();
        told.dedup();
        assert_eq!(told.len(), 512, "keys are unique");
        let again = place.open(&clock()).unwrap();
        assert_eq!(read(&again, |tx| tx.records_get(&ids(&told))).len(), 512, "{again:?}");
    }
}

#[test]
fn a_file_has_one_holder() {
    let place = Place::sqlite().unwrap();
    let held = place.open(&clock()).unwrap();
    match place.open(&clock()) {
        Err(StoreError::Locked { holder }) => assert!(holder.contains(&std::process::id().to_string()), "{holder}"),
        other => panic!("{other:?}"),
    }
    drop(held);
    assert!(place.open(&clock()).is_ok(), "free again");
}

#[test]
fn urls_that_are_refused() {
    let check = |url: &str| assert!(matches!(Store::open(url, &clock()), Err(StoreError::Unavailable(_))), "{url}");
    check("mysql://x");
    check("sqlite:");
    check("sqlite::memory:");
    check("sqlite:/nowhere/at/all/store.db");
    check("postgres://nobody@127.0.0.1:1/none");
    check("postgres://nobody@127.0.0.1:1/none?sslmode=require");
}

#[test]
fn a_reader_sees_one_moment_and_cannot_write() {
    each(|store, _| {
        write(store, |tx| tx.record_insert(&record(1, "a")));
        let counted = read(store, |tx| {
            let before = tx.counts()?.records;
            write(store, |tx| tx.record_insert(&record(2, "b")));
            Ok((before, tx.counts()?.records))
        });
        assert_eq!(counted, (1, 1), "{store:?}");
        assert_eq!(read(store, |tx| tx.counts()).records, 2);
        assert!(store.read(|tx| tx.record_insert(&record(3, "c"))).is_err(), "{store:?}");
        assert_eq!(read(store, |tx| tx.counts()).records, 2);
    });
}

#[test]
fn work_that_hides_a_refused_statement_is_not_acknowledged_as_if_it_were_kept() {
    each(|store, _| {
        write(store, |tx| tx.record_insert(&record(1, "a")));
        let result: Result<(), StoreError> = store.write(Vec::new(), |tx| {
            tx.record_insert(&record(2, "b"))?;
            let _ = tx.record_insert(&record(1, "a"));
            Ok(())
        });
        let kept = read(store, |tx| tx.record_get(RecordId(2))).is_some();
        assert_eq!(result.is_ok(), kept, "{store:?}: {result:?}");
    });
}

#[test]
fn eight_threads_that_find_or_create_under_a_lock_make_one() {
    each(|store, _| {
        let barrier = Arc::new(Barrier::new(8));
        let threads: Vec<_> = (0..8)
            .map(|_| {
                let (store, barrier) = (store.clone(), Arc::clone(&barrier));
                std::thread::spawn(move || {
                    barrier.wait();
                    let fresh = store.fresh_id();
                    store.write::<i64, StoreError, _>(vec![9, 3, 9], move |tx| {
                        match tx.record_find(7, "h01", "same")? {
                            Some(found) => Ok(found.id),
                            None => tx.record_insert(&record(fresh, "same")).map(|()| fresh),
                        }
                    })
                })
            })
            .collect();
        let mut made: Vec<i64> = threads.into_iter().map(|thread| thread.join().unwrap().unwrap()).collect();
        made.dedup();
        assert_eq!(made.len(), 1, "{store:?}");
        assert_eq!(read(store, |tx| tx.counts()).records, 1);
    });
}

fn question(number: i64) -> AuditEvent {
    AuditEvent {
        transaction: "ITI-45",
        principal: "emr".to_owned(),
        action: Action::Execute,
        outcome: AuditOutcome::Success,
        reason: String::new(),
        message_id: format!("m{number}"),
        records: ids(&[number]),
        persons: Vec::new(),
    }
}

#[test]
fn audit_rows_of_questions_are_durable_after_a_flush_and_have_their_places() {
    for place in Place::each() {
        let store = place.open(&clock()).unwrap();
        for number in 0..40 {
            store.enqueue_audit(question(number), number).unwrap();
        }
        store.flush_audit().unwrap();
        let rows = read(&store, |tx| tx.audit_recent(100));
        assert_eq!(rows.len(), 40, "{store:?}");
        assert_eq!((rows[0].message_id.as_str(), rows[0].records.as_str()), ("m39", "[39]"));
        let mut places: Vec<i64> = rows.iter().map(|row| row.seq.unwrap()).collect();
        places.sort_unstable();
        assert_eq!(places, (1..=40).collect::<Vec<i64>>(), "{store:?}");
    }
}

#[test]
fn a_work_that_holds_the_last_handle_ends_in_peace() {
    let place = Place::sqlite().unwrap();
    let store = place.open(&clock()).unwrap();
    let within = store.clone();
    write(&store, move |tx| tx.record_insert(&record(within.fresh_id(), "a")));
    let nested = store.clone();
    let result = store.write(Vec::new(), move |_| nested.write::<(), StoreError, _>(Vec::new(), |_| Ok(())));
    assert!(matches!(result, Err(StoreError::Unavailable(_))), "a write within a write is refused, not a deadlock");
}

#[test]
fn after_a_failed_commit_nothing_more_is_acknowledged() {
    let place = Place::sqlite().unwrap();
    let store = place.open(&clock()).unwrap();
    write(&store, |tx| tx.record_insert(&record(1, "a")));
    // A deferred foreign key is looked at when the transaction commits, and not before.
    let failed: Result<(), StoreError> = store.write(Vec::new(), |tx| {
        tx.connection().batch(
            "CREATE TABLE a (id INTEGER PRIMARY KEY); \
             CREATE TABLE b (a REFERENCES a (id) DEFERRABLE INITIALLY DEFERRED); INSERT INTO b VALUES (1)",
        )?;
        Ok(())
    });
    assert!(matches!(failed, Err(StoreError::Unknown)), "{failed:?}");
    let later = store.write(Vec::new(), |tx| tx.record_insert(&record(2, "b")));
    assert!(matches!(later, Err(StoreError::Unavailable(_))), "{later:?}");
    assert!(store.poisoned().is_some_and(|why| why.contains("restart")), "{:?}", store.poisoned());
    assert!(!store.is_ready());
    // An answer whose audit row cannot be kept must not be given.
    let audited = store.enqueue_audit(question(1), 1);
    assert!(matches!(audited, Err(StoreError::Unavailable(_))), "{audited:?}");
    assert!(matches!(store.counts(), Err(StoreError::Unavailable(_))));
    assert!(store.flush_audit().is_err());
    drop(store);
    let again = place.open(&clock()).unwrap();
    assert_eq!(read(&again, |tx| tx.counts()).records, 1, "a restart serves again");
}

#[test]
fn a_store_that_finds_no_room_refuses_and_serves_again_when_there_is() {
    let place = Place::sqlite().unwrap();
    let store = place.open(&clock()).unwrap();
    write(&store, |tx| tx.record_insert(&record(1, "a")));
    // As small as it is: no page more.
    write(&store, |tx| Ok(tx.connection().batch("PRAGMA max_page_count = 1")?));
    let large = |tx: &mut Transaction<'_>| -> Result<(), StoreError> {
        (2..2_000).try_for_each(|id| tx.record_insert(&record(id, &id.to_string())))
    };
    let refused = store.write(Vec::new(), large);
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    assert_eq!(store.poisoned(), None);
    write(&store, |tx| Ok(tx.connection().batch("PRAGMA max_page_count = 1000000")?));
    write(&store, large);
    assert_eq!(read(&store, |tx| tx.counts()).records, 1_999);
}

#[test]
fn audit_rows_of_a_group_that_the_database_gave_up_are_kept_by_the_next() {
    let place = Place::sqlite().unwrap();
    let store = place.open(&clock()).unwrap();
    let mut beside = crate::store::connection::sqlite_writer(place.url.strip_prefix("sqlite:").unwrap()).unwrap();
    // Ends the whole transaction, as a full disk does.
    beside.batch("CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ROLLBACK, 'full'); END").unwrap();
    store.enqueue_audit(question(1), 1).unwrap();
    assert!(store.flush_audit().is_err());
    assert_eq!(store.poisoned(), None, "undone as a whole, and known to be");
    beside.batch("DROP TRIGGER full").unwrap();
    store.flush_audit().unwrap();
    assert_eq!(read(&store, |tx| tx.audit_recent(10)).len(), 1);
}

#[test]
fn a_connection_that_the_server_ended_is_replaced() {
    let Some(place) = Place::postgres() else { return };
    let store = place.open(&clock()).unwrap();
    write(&store, |tx| tx.record_insert(&record(1, "a")));
    let end_others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                      WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let mut other = crate::store::connection::postgres(&place.url).unwrap();
    other.batch(end_others).unwrap();
    assert_eq!(read(&store, |tx| tx.counts()).records, 1);
    other.batch(end_others).unwrap();
    write(&store, |tx| tx.record_insert(&record(2, "b")));
    assert_eq!(read(&store, |tx| tx.counts()).records, 2);
}

#[test]
fn the_log_begins_anew_beside_a_busy_writer() {
    let place = Place::sqlite().unwrap();
    let store = place.open(&clock()).unwrap();
    let log = format!("{}-wal", place.url.strip_prefix("sqlite:").unwrap());
    let length = || std::fs::metadata(&log).unwrap().len();
    // Each message changes about 16 pages; the log is copied after some hundred messages.
    let (mut longest, mut since) = (0, 0);
    for number in 0..8_000i64 {
        write(&store, move |tx| {
            tx.inbox_insert(&InboxRow { payload: vec![7; 65_536], ..inbox_row(number + 1) })?;
            tx.inbox_settle(number + 1, number + 1, "outcome")
        });
        since = if length() > longest { 0 } else { since + 1 };
        longest = longest.max(length());
        if since == 1_000 {
            break;
        }
    }
    assert_eq!(since, 1_000, "the log grows for ever: {longest} bytes");
    drop(store);
    let again = place.open(&clock()).unwrap();
    assert!(read(&again, |tx| tx.journal_after(0, 30_000)).len() > 1_000, "and nothing of it is lost");
}

fn inbox_row(id: i64) -> InboxRow {
    InboxRow {
        message_key: id,
        id,
        principal: "p".to_owned(),
        message_id: id.to_string(),
        transaction_name: "ITI-44".to_owned(),
        payload_hash: "h".to_owned(),
        payload: Vec::new(),
        received: 1,
        reply_id: "r".to_owned(),
        outcome: String::new(),
        seq: None,
        drawn: None,
    }
}
