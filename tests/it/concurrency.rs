//! Simultaneous first feeds of one person end in one person, and of two persons in two, on every store.
//!
//! Each burst feeds two unlike persons at once from eight domains each, in the variants that clerks write; half the
//! feeders go through a second store, which on PostgreSQL is what another process has.

use crate::people::{assert_whole, burst, bursts, seed};
use crate::support::*;
use nayose::store::Store;

const SHORT: u64 = 30;

fn check(store: &Store, second: &Store) {
    let seed = seed();
    let (one, two) = (registry(store, settings()), registry(second, settings()));
    for number in 0..bursts(SHORT) {
        burst(seed, number, |n, domain, person, value, said| {
            let registry = if (n + person).is_multiple_of(2) { &one } else { &two };
            feed(registry, domain, value, said);
        });
        for person in [0, 1] {
            assert_whole(&others(&one, "h01", &format!("{person}-{number}")), seed, number, person);
        }
    }
}

#[test]
fn eight_feeds_at_once_make_one_person_and_of_two_persons_two() {
    on_both_stores_with_a_second_process(check);
}
