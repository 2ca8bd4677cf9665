//! Two server processes on one PostgreSQL database are one service (decision 6 of the design), over HTTP.

use crate::people::{assert_whole, burst, bursts, said, seed};
use crate::support::*;
use crate::wire::{Process, acknowledged, feed_payload, merge_payload};
use nayose::store::testing::Place;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const SHORT: u64 = 20;

/// Two processes on one database, where this machine has PostgreSQL.
fn two_processes(check: impl Fn(Process, Process)) {
    let place = Place::postgres();
    let required = std::env::vars_os().any(|(name, _)| name == "NAYOSE_REQUIRE_POSTGRES");
    assert!(!required || place.is_some(), "PostgreSQL is required here and could not be started");
    let Some(place) = place else { return };
    let folder = tempfile::tempdir().unwrap();
    let start = |name| Process::start(folder.path(), name, &place.url);
    check(start("a"), start("b"));
}

#[test]
fn eight_feeds_at_once_through_two_processes_make_one_person_and_of_two_persons_two() {
    two_processes(|a, b| {
        let seed = seed();
        for number in 0..bursts(SHORT) {
            burst(seed, number, |n, domain, person, value, said| {
                let process = if (n + person).is_multiple_of(2) { &a } else { &b };
                process.feed(domain, value, said);
            });
            for (person, process) in [&a, &b].into_iter().enumerate() {
                let shown = process.others("h01", &format!("{person}-{number}"));
                assert_whole(&shown, seed, number, person);
            }
        }
        println!("seed {seed}: {} bursts through two processes", bursts(SHORT));
    });
}

/// An answer's envelope without the ids of the two envelopes.
fn but_for_envelope_ids(envelope: &str) -> String {
    let mut text = envelope.to_owned();
    for element in ["wsa:MessageID", "wsa:RelatesTo"] {
        let (open, close) = (format!("<{element}>"), format!("</{element}>"));
        let (start, end) = (text.find(&open).unwrap() + open.len(), text.find(&close).unwrap());
        text.replace_range(start..end, "");
    }
    text
}

#[test]
fn two_processes_are_one_service() {
    two_processes(|a, b| {
        assert_eq!((a.ready(), b.ready()), (200, 200), "readiness asks the store");
        let payload = feed_payload("h01", "100", &hanako());
        let first = a.send(&payload);
        assert_eq!(acknowledged(&first.payload), "CA", "{}", first.envelope);
        a.feed("h01", "101", &her_sister());
        b.feed("c01", "7", &hanako_at_the_clinic());
        let shown = b.others("h01", "100");
        assert!(shown.len() == 2 && shown.contains(&"2.999.1.21^7".to_owned()), "fed in a, seen in b: {shown:?}");
        assert_eq!(a.others("h01", "100"), shown, "b's link is seen in a");

        let repeated = b.send(&payload);
        assert_ne!(repeated.envelope, first.envelope, "envelopes have ids of their own");
        assert_eq!(but_for_envelope_ids(&repeated.envelope), but_for_envelope_ids(&first.envelope));

        a.feed(
            "h01",
            "102",
            &Said { kanji: ("北野", "健一"), kana: ("キタノ", "ケンイチ"), birth: "19510607", ..hanako() },
        );
        let merged = b.send(&merge_payload("h01", "102", "100", &hanako()));
        assert_eq!(acknowledged(&merged.payload), "CA", "{}", merged.envelope);
        assert_eq!(acknowledged(&a.ask("h01", "100").payload), "AE", "the subsumed identifier is unknown in a");
        assert!(a.others("h01", "102").contains(&"2.999.1.21^7".to_owned()), "the survivor inherits in a");
        assert_eq!(a.others("c01", "7"), b.others("c01", "7"));
    });
}

#[test]
fn a_server_whose_commit_failed_answers_nothing_and_ends() {
    let (place, folder) = (Place::sqlite().unwrap(), tempfile::tempdir().unwrap());
    let process = Process::start(folder.path(), "a", &place.url);
    process.feed("h01", "100", &hanako());
    place.plant_failing_commits(true).unwrap();
    let payload = feed_payload("c01", "7", &hanako_at_the_clinic());
    let error = process.try_send(&payload).err().expect("whether this was kept is not known");
    assert!(!error.starts_with(|c: char| c.is_ascii_digit()), "answered, although: {error}");
    assert_eq!(process.ended(), Some(3), "a supervisor sees that it did not end well");
    place.plant_failing_commits(false).unwrap();
    let again = Process::start(folder.path(), "b", &place.url);
    assert_eq!(acknowledged(&again.send(&payload).payload), "CA", "the sender repeats, and hears");
    assert!(again.others("h01", "100").contains(&"2.999.1.21^7".to_owned()));
}

/// Feeds one new patient after another until the process is gone; the numbers of those that it accepted.
fn feed_until_gone(process: &Process, next: &AtomicU64, accepted: &AtomicUsize) -> Vec<u64> {
    let mut told = Vec::new();
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        match process.try_send(&feed_payload("h02", &number.to_string(), &said(1, number, 0))) {
            Ok(answered) => assert_eq!(acknowledged(&answered.payload), "CA", "{}", answered.envelope),
            Err(_) => return told,
        }
        accepted.fetch_add(1, Ordering::Relaxed);
        told.push(number);
    }
}

#[test]
fn what_a_killed_process_acknowledged_is_served_by_the_other() {
    two_processes(|a, b| {
        let (accepted, next) = (AtomicUsize::new(0), AtomicU64::new(0));
        let told: Vec<u64> = std::thread::scope(|scope| {
            let (a, accepted, next) = (&a, &accepted, &next);
            let feeders: Vec<_> = (0..4).map(|_| scope.spawn(move || feed_until_gone(a, next, accepted))).collect();
            let begun = Instant::now();
            while accepted.load(Ordering::Relaxed) < 40 {
                assert!(begun.elapsed() < Duration::from_secs(60), "feeds are not accepted");
                let number = next.fetch_add(1, Ordering::Relaxed);
                b.feed("h03", &number.to_string(), &said(1, number, 1));
            }
            a.kill();
            feeders.into_iter().flat_map(|feeder| feeder.join().unwrap()).collect()
        });
        assert!(told.len() >= 40);
        for number in &told {
            let asked = b.ask("h02", &number.to_string());
            assert_eq!(acknowledged(&asked.payload), "AA", "{number} was accepted and is not there");
        }
        // What the dead process left locked must not hold the other one up.
        b.feed("c01", "7", &said(1, told[0], 3));
        assert!(b.others("c01", "7").contains(&format!("2.999.1.12^{}", told[0])), "the other serves on");
    });
}
