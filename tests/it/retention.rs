//! How long the journal is kept: what is dropped nobody can need, and what is left rebuilds all.

use crate::histories::{Changes, Dice, play};
use crate::people::seed;
use crate::replay::{assert_same, journal, rebuilt, snapshot};
use crate::support::*;
use nayose::clock::Clock;
use nayose::registry::{Registry, ReplayError};
use nayose::store::testing::Place;
use nayose::store::{Journal, JournalPlace, Store};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// From a message's place to its commit takes now a shorter, now a longer time.
const SLOW: &str = "CREATE FUNCTION slow() RETURNS trigger AS $$ BEGIN PERFORM pg_sleep(random() / 20); RETURN NEW; END $$ \
                    LANGUAGE plpgsql; CREATE TRIGGER slow BEFORE UPDATE ON inbox FOR EACH ROW EXECUTE FUNCTION slow()";

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The registry as it will be in so many days.
fn in_days(store: &Store, days: u32) -> Registry {
    let then = Clock::system().micros() + i64::try_from((DAY * days).as_micros()).unwrap();
    Registry::open(store.clone(), settings(), Clock::fixed(then)).unwrap()
}

/// Drops all that may be dropped; how many.
fn drop_all(registry: &Registry, kept: Duration) -> usize {
    std::iter::from_fn(|| Some(registry.journal_prune(kept).unwrap()).filter(|dropped| *dropped > 0)).sum()
}

fn broken(registry: &Registry) -> Vec<String> {
    registry.verify().unwrap().into_iter().filter(|finding| finding.broken > 0).map(|finding| finding.rule).collect()
}

#[test]
fn what_a_snapshot_holds_is_dropped_and_the_rest_rebuilds_all() {
    for live in places() {
        let (seed, changes) = (seed(), Changes::default());
        let store = live.open(&Clock::system()).unwrap();
        let (first, mut dice) = (registry(&store, settings()), Dice::new(seed));
        let empty = snapshot(&live.url);
        play(&first, seed, &mut dice, 40, &changes);
        assert_eq!(drop_all(&in_days(&store, 400), 30 * DAY), 0, "no snapshot is known");
        let place = JournalPlace::now(&live.url).unwrap().unwrap();
        let kept = snapshot(&live.url);
        place.keep(&live.url).unwrap();
        play(&first, seed, &mut dice, 40, &changes);
        assert_eq!(drop_all(&first, Duration::ZERO), 0, "repeats are known for 30 days");
        assert_eq!(drop_all(&in_days(&store, 29), Duration::ZERO), 0, "repeats are known for 30 days");
        assert_eq!(drop_all(&in_days(&store, 40), 41 * DAY), 0, "the network keeps it for longer");
        let before = journal(&live.url);
        let late = in_days(&store, 40);
        let dropped = drop_all(&late, 30 * DAY);
        let after: Vec<i64> = journal(&live.url).iter().map(|row| row.id).collect();
        let needed: Vec<i64> = before.iter().filter(|row| row.seq >= Some(place.seq)).map(|row| row.id).collect();
        assert!(dropped > 5 && after == needed, "seed {seed}, {}: {dropped} of {}", live.url, before.len());
        assert_eq!(broken(&first), [""; 0], "seed {seed}, {}", live.url);
        let metrics = late.store().metrics().render();
        assert!(metrics.contains(&format!("nayose_journal_dropped_total {dropped}\n")), "{metrics}");
        let audited = String::from_utf8(snapshot(&live.url)).unwrap();
        assert!(audited.lines().any(|line| line.starts_with("[\"audit\"") && line.contains("journal prune")));
        let (again, replayed) = rebuilt(&live, kept, &changes, settings());
        assert!(replayed.as_ref().is_ok_and(|told| told.done > 0), "seed {seed}, {}: {replayed:?}", live.url);
        assert_same(&live, &again, &format!("seed {seed}"));
        let (_, older) = rebuilt(&live, empty, &changes, settings());
        assert!(matches!(older, Err(ReplayError::Gap)), "a snapshot from before what was dropped: {older:?}");
        // It goes on, also after a start.
        drop((first, late, store));
        let store = live.open(&Clock::system()).unwrap();
        play(&registry(&store, settings()), seed, &mut dice, 5, &changes);
        assert!(journal(&live.url).iter().map(|row| row.seq).is_sorted());
        assert!(!Journal::of(&live.url).unwrap().is_whole());
    }
}

#[test]
fn a_version_whose_message_is_lost_is_told_though_others_were_dropped() {
    for live in places() {
        let store = live.open(&Clock::system()).unwrap();
        let first = registry(&store, settings());
        for number in 0..3 {
            feed(&first, "h01", &number.to_string(), &hanako());
        }
        JournalPlace::now(&live.url).unwrap().unwrap().keep(&live.url).unwrap();
        assert!(drop_all(&in_days(&store, 40), 30 * DAY) > 0);
        feed(&first, "h02", "1", &her_sister());
        assert_eq!(broken(&first), [""; 0]);
        live.damage("DELETE FROM inbox WHERE seq = (SELECT max(seq) FROM inbox)").unwrap();
        assert_eq!(broken(&first), ["every version that a message made has that message in the journal"]);
    }
}

#[test]
fn a_place_in_the_journal_of_another_store_is_not_believed() {
    let of = |place: &Place| {
        let store = place.open(&Clock::system()).unwrap();
        feed(&registry(&store, settings()), "h01", "1", &hanako());
        feed(&registry(&store, settings()), "h01", "2", &her_sister());
        store
    };
    for (one, two) in places().into_iter().zip(places()) {
        let stores = [of(&one), of(&two)];
        let place = JournalPlace::now(&one.url).unwrap().unwrap();
        assert!(place.keep(&two.url).is_err(), "{}", two.url);
        // A note that was left behind by a store that was there before.
        match two.url.strip_prefix("sqlite:") {
            Some(path) => std::fs::write(format!("{path}-kept"), format!("{place}\n")).unwrap(),
            None => two.damage(&format!("INSERT INTO setting VALUES ('journal_kept', '{place}')")).unwrap(),
        }
        assert_eq!(drop_all(&in_days(&stores[1], 400), 30 * DAY), 0, "{}", two.url);
    }
}

#[test]
fn all_before_a_place_is_committed_when_it_is_told() {
    for live in places() {
        let stop = AtomicBool::new(false);
        let store = live.open(&Clock::system()).unwrap();
        let first = registry(&store, settings());
        feed(&first, "h01", "1", &hanako());
        if live.url.starts_with("postgres") {
            live.damage(SLOW).unwrap();
        }
        let told = std::thread::scope(|scope| {
            for thread in 0..6 {
                let (first, stop) = (&first, &stop);
                scope.spawn(move || {
                    // What concerns nobody, so that nobody waits for anybody.
                    for number in (0..).take_while(|_| !stop.load(Ordering::Relaxed)) {
                        first.unusable(&intake(&format!("{thread}-{number}"), "unusable")).unwrap();
                    }
                });
            }
            let look = |_| {
                let place = JournalPlace::now(&live.url).unwrap().unwrap();
                let there = journal(&live.url).iter().filter(|row| row.seq <= Some(place.seq)).count();
                (place, there)
            };
            let told: Vec<(JournalPlace, usize)> = (0..40).map(look).collect();
            stop.store(true, Ordering::Relaxed);
            told
        });
        let all = journal(&live.url);
        for (place, there) in told {
            let are = all.iter().filter(|row| row.seq <= Some(place.seq)).count();
            assert_eq!(there, are, "{}: before {place}", live.url);
        }
    }
}
