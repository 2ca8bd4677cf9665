//! Opposite changes at once: what two processes do to the same persons ends in one story, whoever was first.

use crate::people::{said, seed};
use crate::support::*;
use nayose::clock::Clock;
use nayose::registry::{Linking, MergeCommand, Registry, ReviewVerdict, ReviewView, Settings};
use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, Ordering};

const ROUNDS: u64 = 25;

fn merge(registry: &Registry, domain: &str, survivor: &str, subsumed: &str) {
    let message = Clock::system().uuid().to_string();
    let command = MergeCommand { survivor: id(domain, survivor), subsumed: id(domain, subsumed) };
    assert_eq!(registry.merge(&intake(&message, &message), command).unwrap().outcome.refusal, None);
}

/// Runs both at once.
fn at_once(one: impl FnOnce() + Send, two: impl FnOnce() + Send) {
    let barrier = Barrier::new(2);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            barrier.wait();
            one();
        });
        barrier.wait();
        two();
    });
}

#[test]
fn two_opposite_merges_leave_one_person() {
    on_both_stores_with_a_second_process(|store, second| {
        let (one, two, seed) = (registry(store, settings()), registry(second, settings()), seed());
        for round in 0..ROUNDS {
            let (a, b) = (format!("{round}-a"), format!("{round}-b"));
            for domain in ["h01", "c01"] {
                feed(&one, domain, &a, &said(seed, round * 2, 0));
                feed(&one, domain, &b, &said(seed, round * 2 + 1, 0));
            }
            assert_eq!(others(&one, "h01", &a).len(), 2, "seed {seed}, round {round}: two persons of two records");
            // The hospital says that b is a, and the clinic that a is b.
            at_once(|| merge(&one, "h01", &a, &b), || merge(&two, "c01", &b, &a));
            let (hospital, clinic) = (others(&one, "h01", &a), others(&two, "c01", &b));
            assert!(
                hospital.contains(&format!("2.999.1.21^{b}")) && clinic.contains(&format!("2.999.1.11^{a}")),
                "seed {seed}, round {round}: {hospital:?} {clinic:?}"
            );
            assert_eq!((hospital.len(), clinic.len()), (2, 2), "seed {seed}, round {round}");
        }
    });
}

#[test]
fn a_record_never_joins_a_person_that_a_merge_has_just_retired() {
    on_both_stores_with_a_second_process(|store, second| {
        let (one, two, seed) = (registry(store, settings()), registry(second, settings()), seed());
        for round in 0..ROUNDS {
            let (a, b) = (format!("{round}-a"), format!("{round}-b"));
            feed(&one, "h01", &a, &said(seed, round * 2, 0));
            feed(&one, "c01", &a, &said(seed, round * 2, 1));
            feed(&one, "h01", &b, &said(seed, round * 2 + 1, 0));
            at_once(
                || merge(&one, "h01", &b, &a),
                || {
                    feed(&two, "h02", &a, &said(seed, round * 2, 2));
                },
            );
            let shown = others(&one, "h02", &a);
            let regional = shown.iter().find_map(|text| text.strip_prefix("2.999.1^"));
            let of_regional = regional.map(|value| others(&one, "regional", value)).unwrap_or_default();
            assert!(
                of_regional.contains(&format!("2.999.1.12^{a}")),
                "seed {seed}, round {round}: the new record is not found by the regional ID that it shows: {shown:?}"
            );
        }
    });
}

#[test]
fn of_two_stewards_who_decide_one_review_at_once_one_is_heard() {
    on_both_stores_with_a_second_process(|store, second| {
        let proposing = || Settings { linking: Linking::Propose, ..settings() };
        let (one, two, seed) = (registry(store, proposing()), registry(second, proposing()), seed());
        for round in 0..ROUNDS {
            feed(&one, "h01", &format!("{round}"), &said(seed, round, 0));
            feed(&one, "c01", &format!("{round}"), &said(seed, round, 1));
            let open = one.reviews(1000).unwrap();
            let of_round = |review: &&ReviewView| review.left.as_ref().is_some_and(|left| left.1 == round.to_string());
            let id = open.iter().find(of_round).expect("a proposed match").id;
            let heard = AtomicU32::new(0);
            let decide = |registry: &Registry, verdict| {
                let decided = registry.decide_review(&caller(), id, verdict, "looked").unwrap();
                heard.fetch_add(u32::from(decided), Ordering::Relaxed);
            };
            at_once(|| decide(&one, ReviewVerdict::Same), || decide(&two, ReviewVerdict::Different));
            assert_eq!(heard.into_inner(), 1, "seed {seed}, round {round}");
        }
    });
}
