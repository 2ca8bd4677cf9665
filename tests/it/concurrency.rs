//! Simultaneous first feeds of one person end in one person, and of two persons in two, on every store.
//!
//! `NAYOSE_BURSTS` sets how many bursts are played (the full form is 1,000); the default is the short form.

use crate::support::*;
use nayose::registry::Registry;
use nayose::store::Store;

use std::sync::Barrier;

const FEEDERS: [&str; 8] = ["h01", "h02", "h03", "h04", "h05", "h06", "h07", "c01"];

fn bursts() -> usize {
    let set = std::env::vars().find(|(name, _)| name == "NAYOSE_BURSTS").and_then(|(_, value)| value.parse().ok());
    set.unwrap_or(25)
}

/// Feeds the variants of a person from all domains at once; half the feeders go through `second`.
fn burst(first: &Registry, second: &Registry, number: usize, said: impl Fn(usize) -> Said + Sync, prefix: &str) {
    let barrier = Barrier::new(FEEDERS.len());
    std::thread::scope(|scope| {
        for (n, domain) in FEEDERS.iter().enumerate() {
            let (barrier, said) = (&barrier, &said);
            let registry = if n % 2 == 0 { first } else { second };
            scope.spawn(move || {
                barrier.wait();
                feed(registry, domain, &format!("{prefix}{number}"), &said(n));
            });
        }
    });
}

fn variant(n: usize) -> Said {
    if n % 2 == 0 { hanako() } else { hanako_at_the_clinic() }
}

fn born(number: usize) -> &'static str {
    let day = number % 28 + 1;
    let month = (number / 28) % 12 + 1;
    let year = 1930 + (number / 336) % 80;
    Box::leak(format!("{year}{month:02}{day:02}").into_boxed_str())
}

fn check(store: &Store, second: &Store) {
    let (one, two) = (registry(store, settings()), registry(second, settings()));
    for number in 0..bursts() {
        burst(&one, &two, number, |n| Said { birth: born(number), ..variant(n) }, "a");
        let shown = others(&one, "h01", &format!("a{number}"));
        assert_eq!(shown.len(), FEEDERS.len(), "burst {number}: seven other locals and one regional ID");
    }
}

#[test]
fn eight_feeds_at_once_make_one_person() {
    on_both_stores_with_a_second_process(check);
}
