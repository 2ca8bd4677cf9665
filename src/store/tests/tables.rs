//! Each group of tables gives back what it was given.

use super::*;
use crate::identity::{Demographics, Field, PersonId, PersonName, Sex, UnknownReason};
use crate::matching::{Candidate, Candidates};
use crate::store::{Counts, DecisionRow, DomainRow, EventRow, InboxRow, OutboxRow, ReviewRow};

#[test]
fn domains_are_added_and_altered_and_their_names_dated() {
    each(|store, _| {
        let first = DomainRow {
            key: "h01".to_owned(),
            name: "Kita Hospital".to_owned(),
            facility: "0123".to_owned(),
            oid: "2.999.1.1".to_owned(),
            namespace: "KITA".to_owned(),
            one_identifier_per_person: true,
            state: "live".to_owned(),
            regional: false,
        };
        let moved = DomainRow { oid: "2.999.1.9".to_owned(), name: "Kita Clinic".to_owned(), ..first.clone() };
        let taken = DomainRow { key: "h02".to_owned(), ..moved.clone() };
        let (one, two) = (first.clone(), moved.clone());
        write(store, move |tx| {
            tx.domain_put(&one, 10)?;
            tx.domain_put(&one, 11)
        });
        assert_eq!(read(store, |tx| tx.domains()), [first]);
        write(store, move |tx| tx.domain_put(&two, 12));
        assert_eq!(read(store, |tx| tx.domains()), [moved]);
        let refused = store.write(Vec::new(), move |tx| tx.domain_put(&taken, 13));
        assert!(matches!(refused, Err(StoreError::Conflict(_))), "one OID, one domain: {refused:?}");
    });
}

#[test]
fn messages_are_journalled() {
    each(|store, _| {
        let row = InboxRow {
            message_key: -3,
            id: 1,
            principal: "emr".to_owned(),
            message_id: "2.999^1".to_owned(),
            transaction_name: "ITI-44".to_owned(),
            payload_hash: "00ff".to_owned(),
            payload: vec![0, 255, 60],
            received: 5,
            reply_id: "r".to_owned(),
            outcome: String::new(),
            seq: None,
            drawn: None,
        };
        let given = row.clone();
        write(store, move |tx| tx.inbox_insert(&given));
        assert_eq!(read(store, |tx| tx.inbox_find(-3, "emr", "2.999^1")), [row]);
        assert_eq!(read(store, |tx| tx.inbox_find(-3, "other", "2.999^1")), []);
        write(store, |tx| tx.inbox_settle(-3, 1, "kept"));
        assert_eq!(read(store, |tx| tx.inbox_find(-3, "emr", "2.999^1"))[0].outcome, "kept");
        let journal = read(store, |tx| tx.journal_after(0, 10));
        assert_eq!((journal.len(), journal[0].seq, journal[0].drawn.as_deref()), (1, Some(1), Some("{\"i\":[]}")));
        assert_eq!(read(store, |tx| tx.journal_after(1, 10)), []);
        assert!(store.write(Vec::new(), |tx| tx.inbox_settle(-3, 2, "none")).is_err(), "no such row");
    });
}

#[test]
fn records_and_versions() {
    each(|store, _| {
        let said = Demographics {
            names: Field::Set(vec![PersonName::simple(None, "山田", "花子")]),
            sex: Field::Masked,
            vip: Field::Unknown(UnknownReason::NotAsked),
            deceased: Field::Erase,
            ..Demographics::default()
        };
        let later = Demographics { sex: Field::Set(Sex::Female), ..said.clone() };
        let (one, two) = (said.clone(), later.clone());
        write(store, move |tx| {
            tx.record_insert(&record(1, "0001"))?;
            tx.record_insert(&SourceRecordRow { generation: 2, ..record(2, "0001") })?;
            tx.version_insert(RecordId(2), 1, 10, "emr", Some(4), &one)?;
            tx.version_insert(RecordId(2), 2, 11, "emr", None, &two)
        });
        read(store, |tx| {
            assert_eq!(tx.record_find(7, "h01", "0001")?.map(|row| row.id), Some(2), "the latest generation");
            assert_eq!(tx.record_find(7, "h01", "1")?, None);
            assert_eq!(tx.version_current(RecordId(2))?, Some(said.clone()));
            assert_eq!(tx.version_current(RecordId(1))?, None);
            Ok(())
        });
        write(store, |tx| {
            tx.record_set_version(RecordId(2), 2)?;
            tx.record_subsume(RecordId(1), RecordId(2))
        });
        read(store, |tx| {
            assert_eq!(tx.versions_current(&ids(&[2, 1, 3]))?, [(RecordId(2), later.clone())]);
            let all = tx.versions_all(RecordId(2))?;
            assert_eq!(all, [(1, 10, "emr".to_owned(), said), (2, 11, "emr".to_owned(), later)]);
            let subsumed = tx.record_get(RecordId(1))?.unwrap();
            assert_eq!((subsumed.status.as_str(), subsumed.survivor), ("subsumed", Some(2)));
            Ok(())
        });
        let twice = store.write(Vec::new(), |tx| tx.record_insert(&record(3, "0001")));
        assert!(matches!(twice, Err(StoreError::Conflict(_))), "{twice:?}");
    });
}

#[test]
fn a_record_has_one_link_that_holds() {
    each(|store, _| {
        write(store, |tx| {
            for (id, value) in [(1, "a"), (2, "b"), (3, "c")] {
                tx.record_insert(&record(id, value))?;
                tx.filing_replace(RecordId(id), &[], &[], &[1, 2])?;
            }
            tx.person_insert(PersonId(50), 1)?;
            tx.person_insert(PersonId(60), 1)?;
            tx.link_open(&link(10, 1, 50, 1))?;
            tx.link_open(&link(11, 2, 50, 1))
        });
        let second = store.write(Vec::new(), |tx| tx.link_open(&link(12, 1, 60, 2)));
        assert!(matches!(second, Err(StoreError::Conflict(_))), "{second:?}");
        read(store, |tx| {
            assert_eq!(tx.person_of(RecordId(1))?, Some(PersonId(50)));
            let candidate = |id, person| Candidate { record: RecordId(id), person, row: vec![1, 2] };
            assert_eq!(tx.rows(&ids(&[3, 1, 9]))?, [candidate(1, Some(PersonId(50))), candidate(3, None)]);
            assert_eq!(tx.members(PersonId(50), 1)?, [candidate(1, Some(PersonId(50)))]);
            assert_eq!(tx.members(PersonId(50), 9)?.len(), 2);
            assert_eq!(tx.records_of(PersonId(50))?.len(), 2);
            Ok(())
        });
        write(store, |tx| {
            assert_eq!(tx.link_close(RecordId(1), 9)?.map(|link| link.valid_to), Some(Some(9)));
            assert_eq!(tx.link_close(RecordId(1), 9)?, None);
            tx.link_open(&link(12, 1, 60, 9))?;
            tx.filing_remove(RecordId(2))?;
            tx.record_subsume(RecordId(2), RecordId(1))?;
            tx.person_retire(PersonId(50), Some(PersonId(60)))
        });
        read(store, |tx| {
            assert_eq!(tx.persons_of(&ids(&[3, 2, 1]))?, [(RecordId(1), PersonId(60)), (RecordId(2), PersonId(50))]);
            assert_eq!(tx.links_of_record(RecordId(1))?.len(), 2);
            assert_eq!(tx.rows(&ids(&[2]))?, [], "a subsumed record is no candidate");
            assert_eq!(tx.records_of(PersonId(50))?, []);
            let retired = tx.person_get(PersonId(50))?.unwrap();
            assert_eq!((retired.state.as_str(), retired.successor), ("retired", Some(60)));
            let counts = Counts { records: 3, persons: 1, links: 2, ..Counts::default() };
            assert_eq!(tx.counts()?, counts);
            Ok(())
        });
    });
}

#[test]
fn a_number_that_is_given_twice_is_refused_or_found() {
    each(|store, place| {
        write(store, |tx| {
            tx.record_insert(&record(1, "a"))?;
            tx.record_insert(&record(2, "b"))?;
            tx.person_insert(PersonId(50), 1)?;
            tx.link_open(&link(10, 1, 50, 1))
        });
        let again = store.write(Vec::new(), |tx| tx.link_open(&link(10, 2, 50, 1)));
        let rule = |store: &Store| {
            let broken = read(store, |tx| tx.invariants());
            broken.into_iter().find(|(rule, _)| rule.contains("given twice")).map(|(_, rows)| rows)
        };
        if place.url.starts_with("sqlite:") {
            assert!(matches!(again, Err(StoreError::Conflict(_))), "{again:?}");
            assert_eq!(rule(store), Some(0));
        } else {
            again.unwrap();
            assert_eq!(rule(store), Some(1));
        }
    });
}

#[test]
fn regional_ids_are_never_given_twice() {
    each(|store, _| {
        let leased = |store: &Store| write(store, |tx| tx.regional_lease("27", 100));
        assert_eq!((leased(store), leased(store)), (0, 100));
        write(store, |tx| {
            tx.regional_insert("A", PersonId(1), 5)?;
            tx.regional_insert("B", PersonId(2), 6)
        });
        assert!(store.write(Vec::new(), |tx| tx.regional_insert("A", PersonId(2), 7)).is_err());
        write(store, |tx| tx.regional_retire("B", 8));
        read(store, |tx| {
            assert_eq!(tx.regional_of(PersonId(1))?.as_deref(), Some("A"));
            assert_eq!(tx.regional_of(PersonId(2))?, None);
            assert_eq!(tx.regionals_of(&[PersonId(2), PersonId(1)])?, [(PersonId(1), "A".to_owned())]);
            assert_eq!(tx.regional_find("B")?, Some((PersonId(2), "retired".to_owned())));
            assert_eq!(tx.regional_find("C")?, None);
            Ok(())
        });
    });
}

#[test]
fn reviews_and_decisions() {
    each(|store, _| {
        let review = |id, record_id, other_record| ReviewRow {
            id,
            kind: "possible_match".to_owned(),
            record_id,
            other_record,
            person_id: None,
            weight: 3.25,
            model: "japan-1".to_owned(),
            explanation: "{}".to_owned(),
            opened: 100 - id,
            state: "open".to_owned(),
            decided: None,
            decided_by: None,
            verdict: None,
        };
        let decision = DecisionRow {
            id: 1,
            record_a: 10,
            record_b: 20,
            verdict: "different".to_owned(),
            actor: "sato".to_owned(),
            reason: "twins".to_owned(),
            decided: 5,
            withdrawn: None,
        };
        let kept = decision.clone();
        write(store, move |tx| {
            tx.review_insert(&review(1, 10, Some(20)))?;
            tx.review_insert(&review(2, 20, None))?;
            tx.decision_insert(&kept)
        });
        read(store, |tx| {
            let order: Vec<i64> = tx.reviews("open", 10)?.iter().map(|row| row.id).collect();
            assert_eq!(order, [2, 1], "the oldest first");
            assert_eq!(tx.reviews("open", 1)?.len(), 1);
            assert_eq!(tx.reviews_of_record(RecordId(20), "open")?.len(), 2);
            assert_eq!(tx.decisions_of(RecordId(20))?, [decision]);
            Ok(())
        });
        write(store, |tx| {
            tx.review_close(1, "decided", "sato", Some("same"), 9)?;
            tx.decision_withdraw(1, 10)
        });
        read(store, |tx| {
            let closed = tx.review_get(1)?.unwrap();
            assert_eq!(
                (closed.state.as_str(), closed.verdict.as_deref(), closed.decided),
                ("decided", Some("same"), Some(9))
            );
            assert_eq!(tx.decisions_of(RecordId(10))?, []);
            assert_eq!(tx.counts()?.reviews_open, 1);
            Ok(())
        });
    });
}

#[test]
fn events_and_what_must_be_told_are_in_commit_order() {
    each(|store, _| {
        for (id, record_id, person_id) in [(30, Some(1), Some(5)), (20, Some(1), None), (10, None, Some(5))] {
            write(store, move |tx| {
                tx.event_insert(&EventRow {
                    id,
                    seq: None,
                    time: 1,
                    kind: "linked".to_owned(),
                    record_id,
                    person_id,
                    other_id: None,
                    actor: "emr".to_owned(),
                    inbox_id: None,
                    detail: String::new(),
                })?;
                tx.outbox_insert(&OutboxRow {
                    id,
                    seq: None,
                    time: 1,
                    kind: "update".to_owned(),
                    person_id: 5,
                    record_id,
                    domains: "h01".to_owned(),
                    state: "pending".to_owned(),
                    attempts: 0,
                })
            });
            write(store, |tx| tx.seal());
        }
        read(store, |tx| {
            let seen = |rows: Vec<EventRow>| rows.into_iter().map(|row| (row.id, row.seq)).collect::<Vec<_>>();
            assert_eq!(seen(tx.events_of(Some(RecordId(1)), None)?), [(30, Some(1)), (20, Some(2))]);
            assert_eq!(seen(tx.events_of(None, Some(PersonId(5)))?), [(30, Some(1)), (10, Some(3))]);
            assert_eq!(tx.events_of(Some(RecordId(1)), Some(PersonId(5)))?.len(), 3, "each once");
            assert_eq!(tx.events_of(None, None)?, []);
            let told: Vec<i64> = tx.outbox_after(0, 2)?.iter().map(|row| row.id).collect();
            assert_eq!(told, [30, 20]);
            Ok(())
        });
    });
}
