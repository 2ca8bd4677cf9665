//! Subscribers are told of every change, in order, at least once: also those that are down, slow, or say no.

use crate::support::*;
use nayose::identity::DomainKey;
use nayose::registry::{DomainState, Notification, Pace, Registry, Subscription, Trouble, Turn};
use nayose::server::{Dispatcher, Sink};
use nayose::store::testing::Place;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const QUICK: Pace = Pace {
    lease: Duration::from_millis(400),
    refusals: 3,
    failures: 6,
    first_pause: Duration::from_millis(2),
    longest_pause: Duration::from_millis(20),
};
const FOREVER: Duration = Duration::from_secs(1_000_000);

fn to(system: &str, domains: &[&str]) -> Subscription {
    let domains = domains.iter().map(|domain| DomainKey((*domain).to_owned())).collect();
    Subscription { system: system.to_owned(), domains, ..Subscription::default() }
}

/// A consumer whose manners the test sets.
#[derive(Clone, Default)]
struct Consumer(Arc<Mutex<Manners>>);

#[derive(Default)]
struct Manners {
    down: bool,
    slow: Duration,
    refuses: Vec<i64>,
    panics: bool,
    took: Vec<(i64, Vec<String>)>,
    asked: u32,
}

impl Consumer {
    fn set(&self, change: impl FnOnce(&mut Manners)) {
        change(&mut self.0.lock().unwrap());
    }

    fn took(&self) -> Vec<i64> {
        self.0.lock().unwrap().took.iter().map(|(seq, _)| *seq).collect()
    }

    fn wait_for(&self, count: usize) -> Vec<i64> {
        wait(|| (self.took().len() >= count).then(|| self.took()), &format!("{count} deliveries"))
    }
}

impl Sink for Consumer {
    fn deliver(&mut self, notification: &Notification) -> Result<(), Trouble> {
        let slow = self.0.lock().unwrap().slow;
        std::thread::sleep(slow);
        let mut manners = self.0.lock().unwrap();
        manners.asked += 1;
        if manners.down {
            return Err(Trouble::Unreachable("no connection"));
        }
        if manners.refuses.contains(&notification.seq) {
            assert!(!manners.panics, "a defect of the sink, as the test wants it");
            return Err(Trouble::Refused("an application error"));
        }
        let shown = notification.identifiers.iter().map(|one| one.identifier.value.clone()).collect();
        manners.took.push((notification.seq, shown));
        Ok(())
    }
}

fn wait<T>(mut look: impl FnMut() -> Option<T>, for_what: &str) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "waited in vain for {for_what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn told(registry: &Registry, system: &str, consumer: &Consumer) -> Dispatcher {
    let sinks: Vec<(Subscription, Box<dyn Sink>)> = vec![(to(system, &[]), Box::new(consumer.clone()))];
    Dispatcher::start(registry, sinks, QUICK, FOREVER).unwrap()
}

/// Feeds `count` new patients; each is one change.
fn feed_some(registry: &Registry, domain: &str, from: u64, count: u64) {
    for number in from..from + count {
        feed(registry, domain, &number.to_string(), &crate::people::said(1, number, 0));
    }
}

/// The turn that has something to tell; on PostgreSQL a change has its place a moment after its commit.
fn next(registry: &Registry, system: &str, holder: &str) -> Notification {
    let turn = || match registry.outbox_turn(system, holder, &QUICK).unwrap() {
        Turn::Tell(notification) => Some(*notification),
        _ => None,
    };
    wait(turn, "something to tell")
}

#[test]
fn who_is_down_loses_nothing_and_hears_in_order() {
    on_both_stores(|store| {
        let registry = registry(store, settings());
        feed_some(&registry, "h01", 1, 2);
        wait(|| store.read(|tx| tx.outbox_count_after(0)).ok().filter(|count| *count == 2), "two places");
        registry.subscribe(&[to("viewer", &[])]).unwrap();
        let consumer = Consumer::default();
        consumer.set(|manners| manners.down = true);
        let dispatcher = told(&registry, "viewer", &consumer);
        feed_some(&registry, "h01", 10, 5);
        wait(|| (consumer.0.lock().unwrap().asked > 12).then_some(()), "more tries than a refusal would get");
        assert!(consumer.took().is_empty());
        assert_eq!(registry.dead_letters().unwrap(), [], "nobody said no");
        registry.measure();
        assert!(registry.subscribers().unwrap()[0].attempts > 3);
        assert_eq!(registry.subscribers().unwrap()[0].trouble, "no connection");
        consumer.set(|manners| manners.down = false);
        assert_eq!(consumer.wait_for(5), [3, 4, 5, 6, 7], "what was before the subscription is not told");
        drop(dispatcher);
        // A restart goes on where it was.
        registry.subscribe(&[to("viewer", &[])]).unwrap();
        feed_some(&registry, "h01", 20, 2);
        let _dispatcher = told(&registry, "viewer", &consumer);
        assert_eq!(consumer.wait_for(7), [3, 4, 5, 6, 7, 8, 9]);
    });
}

#[test]
fn what_is_refused_is_put_aside_and_told_when_it_is_asked_for() {
    on_both_stores(|store| {
        let registry = registry(store, settings());
        registry.subscribe(&[to("viewer", &[])]).unwrap();
        let consumer = Consumer::default();
        consumer.set(|manners| manners.refuses = vec![2, 3]);
        let _dispatcher = told(&registry, "viewer", &consumer);
        feed_some(&registry, "h01", 1, 4);
        assert_eq!(consumer.wait_for(2), [1, 4], "the rest is not held up");
        assert_eq!(consumer.0.lock().unwrap().asked, 2 + 2 * QUICK.refusals);
        let letters = registry.dead_letters().unwrap();
        assert_eq!(letters.iter().map(|one| (one.attempts, one.again)).collect::<Vec<_>>(), [(3, false); 2]);
        assert_eq!(registry.deliver_again(Some("nobody"), &[]).unwrap(), 0);
        assert_eq!(registry.deliver_again(None, &[letters[0].id]).unwrap(), 1);
        wait(|| (consumer.0.lock().unwrap().asked == 9).then_some(()), "one more try");
        wait(|| registry.dead_letters().unwrap().iter().all(|one| !one.again).then_some(()), "refused again");
        consumer.set(|manners| manners.refuses = Vec::new());
        assert_eq!(registry.deliver_again(Some("viewer"), &[]).unwrap(), 2);
        assert_eq!(consumer.wait_for(4), [1, 4, 2, 3]);
        wait(|| registry.dead_letters().unwrap().is_empty().then_some(()), "nothing put aside");
    });
}

#[test]
fn a_sink_that_breaks_off_holds_nobody_up() {
    on_both_stores(|store| {
        let registry = registry(store, settings());
        registry.subscribe(&[to("viewer", &[])]).unwrap();
        let consumer = Consumer::default();
        feed_some(&registry, "h01", 1, 2);
        // A panic poisons the mutex of the fake; the next delivery must still come.
        struct Breaks(Consumer);
        impl Sink for Breaks {
            fn deliver(&mut self, notification: &Notification) -> Result<(), Trouble> {
                assert!(notification.seq != 1, "a defect of the sink, as the test wants it");
                self.0.deliver(notification)
            }
        }
        let sinks: Vec<(Subscription, Box<dyn Sink>)> = vec![(to("viewer", &[]), Box::new(Breaks(consumer.clone())))];
        let _dispatcher = Dispatcher::start(&registry, sinks, QUICK, FOREVER).unwrap();
        assert_eq!(consumer.wait_for(1), [2]);
        assert_eq!(registry.dead_letters().unwrap()[0].trouble, "the delivery broke off by a defect");
    });
}

#[test]
fn a_crash_between_telling_and_noting_tells_again_by_another_after_the_lease() {
    on_both_stores_with_a_second_process(|store, second| {
        let (a, b) = (registry(store, settings()), registry(second, settings()));
        a.subscribe(&[to("viewer", &[])]).unwrap();
        feed_some(&a, "h01", 1, 2);
        let told = next(&a, "viewer", "a");
        // Here `a` dies: the subscriber has heard, and nobody knows.
        assert_eq!(b.outbox_turn("viewer", "b", &QUICK).unwrap(), Turn::Elsewhere, "one at a time");
        let again = next(&b, "viewer", "b");
        let content = |one: &Notification| (one.seq, one.person, one.identifiers.clone());
        assert_eq!(content(&again), content(&told), "told twice rather than never");
        assert_ne!(again.message_id, told.message_id, "what is told may have changed: it is another message");
        assert!(!a.outbox_taken("viewer", "a", &told).unwrap(), "who has lost the lease moves nothing");
        assert!(!a.outbox_troubled("viewer", "a", &told, Trouble::Refused("late"), &QUICK).unwrap());
        assert!(b.outbox_taken("viewer", "b", &again).unwrap());
        assert_eq!(next(&b, "viewer", "b").seq, 2);
    });
}

#[test]
fn of_two_processes_one_tells_and_the_other_takes_over() {
    on_both_stores_with_a_second_process(|store, second| {
        let (a, b) = (registry(store, settings()), registry(second, settings()));
        a.subscribe(&[to("viewer", &[])]).unwrap();
        let consumer = Consumer::default();
        consumer.set(|manners| manners.slow = Duration::from_millis(2));
        let (first, second) = (told(&a, "viewer", &consumer), told(&b, "viewer", &consumer));
        feed_some(&a, "h01", 1, 20);
        assert_eq!(consumer.wait_for(20), (1..=20).collect::<Vec<_>>(), "each once, in order");
        drop(first);
        feed_some(&b, "h01", 30, 5);
        assert_eq!(consumer.wait_for(25), (1..=25).collect::<Vec<_>>());
        drop(second);
    });
}

#[test]
fn each_hears_of_its_domains_what_it_may_see_when_it_hears() {
    on_both_stores(|store| {
        let registry = registry(store, settings());
        registry.subscribe(&[to("h02-emr", &["h02"]), to("all", &[])]).unwrap();
        feed_some(&registry, "h01", 1, 3);
        feed_some(&registry, "h02", 4, 1);
        let told = next(&registry, "h02-emr", "me");
        assert_eq!(told.seq, 4);
        let shown: Vec<_> = told.identifiers.iter().map(|one| one.identifier.value.as_str()).collect();
        assert_eq!(shown, ["4"], "of what it watches, and no more");
        let told = next(&registry, "all", "me");
        assert_eq!((told.seq, told.identifiers.len()), (1, 2), "the regional ID and her own");
    });
}

#[test]
fn what_all_were_told_of_is_dropped_and_the_sequence_goes_on() {
    for place in Place::each() {
        let clock = nayose::clock::Clock::system();
        let count = |registry: &Registry| registry.store().read(|tx| tx.outbox_count_after(0)).unwrap();
        {
            let registry = registry(&place.open(&clock).unwrap(), settings());
            registry.subscribe(&[to("slow", &[])]).unwrap();
            feed_some(&registry, "h01", 1, 4);
            wait(|| (count(&registry) == 4).then_some(()), "four places");
            assert_eq!(registry.outbox_prune(Duration::ZERO).unwrap(), 0, "somebody was not told");
            for seq in 1..=2 {
                let told = next(&registry, "slow", "me");
                assert_eq!(told.seq, seq);
                assert!(registry.outbox_taken("slow", "me", &told).unwrap());
            }
            assert_eq!(registry.outbox_prune(FOREVER).unwrap(), 0, "they are young");
            assert_eq!(registry.outbox_prune(Duration::ZERO).unwrap(), 2);
            registry.subscribe(&[]).unwrap();
            assert_eq!(registry.outbox_prune(Duration::ZERO).unwrap(), 1, "who is gone holds nothing back");
            assert_eq!(count(&registry), 1, "the last one stays: it says how far the sequence is");
            assert!(registry.verify().unwrap().iter().all(|rule| rule.broken == 0), "{:?}", registry.verify());
        }
        let registry = registry(&place.open(&clock).unwrap(), settings());
        registry.subscribe(&[to("slow", &[])]).unwrap();
        feed_some(&registry, "h01", 9, 1);
        let seqs =
            || [next(&registry, "slow", "me")].map(|one| (one.seq, registry.outbox_taken("slow", "me", &one).unwrap()));
        assert_eq!([seqs(), seqs()], [[(4, true)], [(5, true)]]);
    }
}

#[test]
fn what_is_staged_is_told_when_it_goes_live() {
    on_both_stores(|store| {
        let registry = registry(store, settings());
        registry.subscribe(&[to("viewer", &["h01", "h02"])]).unwrap();
        assert!(registry.set_domain_state(&caller(), "h02", DomainState::Staged).unwrap());
        feed_some(&registry, "h02", 1, 2);
        feed_some(&registry, "h01", 2, 2);
        let shown = |told: &Notification| {
            let mut shown: Vec<String> = told.identifiers.iter().map(|one| one.identifier.value.clone()).collect();
            shown.sort();
            shown
        };
        for expected in ["2", "3"] {
            let told = next(&registry, "viewer", "me");
            assert_eq!(shown(&told), [expected], "of h01 alone");
            assert!(registry.outbox_taken("viewer", "me", &told).unwrap());
        }
        assert!(registry.set_domain_state(&caller(), "h02", DomainState::Live).unwrap());
        let mut anew = Vec::new();
        for _ in 0..2 {
            let told = next(&registry, "viewer", "me");
            anew.push(shown(&told));
            assert!(registry.outbox_taken("viewer", "me", &told).unwrap());
        }
        anew.sort();
        assert_eq!(anew, [vec!["1"], vec!["2", "2"]], "who is in the domain that went live, with all identifiers");
        wait(
            || matches!(registry.outbox_turn("viewer", "me", &QUICK).unwrap(), Turn::Nothing).then_some(()),
            "the end of what is told anew",
        );
    });
}
