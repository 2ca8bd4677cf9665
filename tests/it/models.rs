//! Models and counts of names that are kept in the store: which decides, since when, and how one goes back.

use crate::histories::{Changes, Dice, play};
use crate::people::{said, seed};
use crate::replay::{assert_same, rebuilt, snapshot};
use crate::support::*;
use nayose::clock::Clock;
use nayose::matching::Model;
use nayose::registry::{Activated, Registry};
use nayose::store::testing::Place;

/// The shipped model with another word on the sexes.
fn other() -> String {
    let text = Model::japanese().to_toml().replacen("japanese", "hoshimi", 1);
    let other = text.replacen("household_size = 3.0", "household_size = 2.5", 1);
    assert_ne!(text, other);
    other
}

fn deciding(registry: &Registry) -> String {
    registry.active_model().version()
}

/// How many links were made by this model.
fn linked_by(place: &Place, version: &str) -> usize {
    let lines = String::from_utf8(snapshot(&place.url)).unwrap();
    let stamp = format!("\"{version}\"");
    lines.lines().filter(|line| line.starts_with("[\"link\"") && line.contains(&stamp)).count()
}

#[test]
fn an_activated_model_decides_until_it_is_rolled_back() {
    for place in places() {
        let store = place.open(&Clock::system()).unwrap();
        let first = registry(&store, settings());
        let configured = deciding(&first);
        assert_eq!(first.rollback_model(&caller()).unwrap(), None, "there is nothing before the first");
        let now = |version: &str| Activated::Now(version.to_owned());
        assert_eq!(first.activate_model(&caller(), &other()).unwrap(), now("hoshimi/2"));
        feed(&first, "h01", "1", &hanako());
        assert_eq!((linked_by(&place, "hoshimi/2"), linked_by(&place, &configured)), (1, 0));
        // Another process, and a later start, decide by it as well.
        let second = registry(&store, settings());
        assert_eq!(deciding(&second), "hoshimi/2");
        // The same model again changes nothing; another of its version gets the next number.
        assert_eq!(first.activate_model(&caller(), &other()).unwrap(), now("hoshimi/2"));
        let changed = other().replacen("household_size = 2.5", "household_size = 2.25", 1);
        assert_eq!(first.activate_model(&caller(), &changed).unwrap(), now("hoshimi/3"));
        assert_eq!(first.rollback_model(&caller()).unwrap().as_deref(), Some("hoshimi/2"));
        assert_eq!(first.rollback_model(&caller()).unwrap(), Some(configured.clone()));
        assert_eq!(first.rollback_model(&caller()).unwrap(), None);
        feed(&first, "h01", "2", &her_sister());
        assert_eq!((linked_by(&place, "hoshimi/2"), linked_by(&place, &configured)), (1, 1));
    }
}

#[test]
fn what_is_no_model_of_this_network_is_refused() {
    let place = Place::sqlite().unwrap();
    let registry = registry(&place.open(&Clock::system()).unwrap(), settings());
    let unsound = other().replacen("household_size = 2.5", "household_size = 0.0", 1);
    assert!(matches!(registry.activate_model(&caller(), &unsound).unwrap(), Activated::Unsound(_)));
    let western = Model::western().to_toml();
    assert_eq!(registry.activate_model(&caller(), &western).unwrap(), Activated::OtherTradition);
    assert_eq!(deciding(&registry), Model::japanese().version());
}

#[test]
fn names_are_counted_once_there_are_enough_and_again_when_many_came() {
    let seed = seed();
    for place in places() {
        let store = place.open(&Clock::system()).unwrap();
        let registry = registry(&store, settings());
        assert!(!registry.count_names().unwrap(), "an empty store has no names");
        let fill = |from: u64, until: u64| {
            (from..until).for_each(|n| drop(feed(&registry, "h01", &n.to_string(), &said(seed, n, 0))));
        };
        fill(0, 1_000);
        assert!(registry.count_names().unwrap());
        let frequencies = registry.active_model().frequencies().clone();
        assert_eq!(frequencies.version(), 1);
        assert!(!registry.count_names().unwrap(), "nothing new");
        fill(1_000, 1_200);
        assert!(registry.count_names().unwrap(), "a fifth is new");
        assert_eq!(registry.active_model().frequencies().version(), 2);
    }
}

#[test]
fn a_replay_decides_by_the_models_of_then() {
    let seed = seed();
    for live in Place::each() {
        let changes = Changes::default();
        let mut dice = Dice::new(seed);
        let first = registry(&live.open(&Clock::system()).unwrap(), settings());
        play(&first, seed, &mut dice, 10, &changes);
        let kept = snapshot(&live.url);
        play(&first, seed, &mut dice, 10, &changes);
        first.activate_model(&caller(), &other()).unwrap();
        play(&first, seed, &mut dice, 15, &changes);
        first.rollback_model(&caller()).unwrap();
        play(&first, seed, &mut dice, 10, &changes);
        first.activate_model(&caller(), &other()).unwrap();
        play(&first, seed, &mut dice, 5, &changes);
        let (again, replayed) = rebuilt(&live, kept, &changes, settings());
        assert!(replayed.is_ok(), "seed {seed}, {}: {replayed:?}", live.url);
        assert_same(&live, &again, &format!("seed {seed}"));
    }
}
