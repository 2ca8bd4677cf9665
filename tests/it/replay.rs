//! From a snapshot and the journal after it to exactly the persons and links that were.

use crate::histories::{Changes, Dice, Told, histories, play};
use crate::people::seed;
use crate::support::*;
use nayose::audit::Action;
use nayose::clock::Clock;
use nayose::registry::{Change, JournalRow, Linking, MergeCommand, Registry, ReplayError, Replayed, Settings};
use nayose::store::testing::Place;
use nayose::store::{Journal, export};

/// All that must be the same: everything but places in commit order and numbers that were leased and not used.
pub fn story(url: &str) -> Vec<String> {
    let mut lines = Vec::new();
    export(url, &mut lines).unwrap();
    let same = [
        "source_record",
        "demographic_version",
        "comparison_row",
        "blocking_key",
        "search_token",
        "person",
        "regional_id",
        "link",
        "steward_decision",
        "steward_operation",
        "review",
    ];
    let of_story = |line: &&str| same.iter().any(|table| line.starts_with(&format!("[\"{table}\"")));
    String::from_utf8(lines).unwrap().lines().filter(of_story).map(str::to_owned).collect()
}

pub fn snapshot(url: &str) -> Vec<u8> {
    let mut lines = Vec::new();
    export(url, &mut lines).unwrap();
    lines
}

fn again(registry: &Registry, journal: Vec<JournalRow>, changes: &Changes) -> Result<Replayed, ReplayError> {
    again_from(registry, journal, true, changes)
}

fn again_from(
    registry: &Registry,
    journal: Vec<JournalRow>,
    whole: bool,
    changes: &Changes,
) -> Result<Replayed, ReplayError> {
    let changes = changes.lock().unwrap();
    registry.replay(journal.into_iter().map(Ok), whole, |row| match changes.get(&row.message_id) {
        Some(Told::Feed(command)) => Change::Feed(Action::Update, command.clone()),
        Some(Told::Merge(command)) => Change::Merge(command.clone()),
        None => Change::Unusable(Action::Update),
    })
}

pub fn journal(url: &str) -> Vec<JournalRow> {
    Journal::of(url).unwrap().map(Result::unwrap).collect()
}

fn like(place: &Place) -> Place {
    if place.url.starts_with("sqlite:") { Place::sqlite().unwrap() } else { Place::postgres().unwrap() }
}

/// Restores `kept` and does again what `live` did since.
pub fn rebuilt(
    live: &Place,
    kept: Vec<u8>,
    changes: &Changes,
    settings: Settings,
) -> (Place, Result<Replayed, ReplayError>) {
    let place = like(live);
    let store = place.open(&Clock::system()).unwrap();
    store.import(Box::new(std::io::Cursor::new(kept))).unwrap();
    let (journal, whole) = (journal(&live.url), Journal::of(&live.url).unwrap().is_whole());
    let replayed = again_from(&registry(&store, settings), journal, whole, changes);
    (place, replayed)
}

pub fn assert_same(live: &Place, rebuilt: &Place, what: &str) {
    let (was, is) = (story(&live.url), story(&rebuilt.url));
    let differs = was.iter().zip(&is).find(|(left, right)| left != right);
    assert!(was == is, "{what}, {}: {} and {} rows, first {differs:?}", live.url, was.len(), is.len());
}

#[test]
fn random_histories_are_rebuilt_exactly() {
    let seed = seed();
    for history in histories(8) {
        for live in Place::each() {
            let (seed, changes) = (seed + history, Changes::default());
            let mut dice = Dice::new(seed);
            let linking = if dice.below(4) == 0 { Linking::Propose } else { Linking::Automatic };
            let settings = || Settings { linking, ..settings() };
            let first = registry(&live.open(&Clock::system()).unwrap(), settings());
            let before = dice.below(30) as usize;
            play(&first, seed, &mut dice, before, &changes);
            let kept = snapshot(&live.url);
            play(&first, seed, &mut dice, 30, &changes);
            let (again, replayed) = rebuilt(&live, kept, &changes, settings());
            assert!(replayed.as_ref().is_ok_and(|told| told.done > 10), "seed {seed}, {}: {replayed:?}", live.url);
            assert_same(&live, &again, &format!("seed {seed}"));
        }
    }
}

#[test]
fn what_many_did_at_once_is_rebuilt_exactly() {
    let seed = seed();
    for round in histories(3) {
        for live in Place::each() {
            let (seed, changes) = (seed + round * 8, Changes::default());
            let store = live.open(&Clock::system()).unwrap();
            // Another process where the store takes two.
            let second =
                if live.url.starts_with("postgres") { live.open(&Clock::system()).unwrap() } else { store.clone() };
            let both = [registry(&store, settings()), registry(&second, settings())];
            let kept = snapshot(&live.url);
            std::thread::scope(|scope| {
                for thread in 0..6 {
                    let (registry, changes) = (&both[thread % 2], &changes);
                    scope.spawn(move || play(registry, seed, &mut Dice::new(seed + thread as u64), 25, changes));
                }
            });
            let (again, replayed) = rebuilt(&live, kept, &changes, settings());
            assert!(replayed.is_ok(), "seed {seed}, {}: {replayed:?}", live.url);
            assert_same(&live, &again, &format!("seed {seed}"));
        }
    }
}

#[test]
fn a_journal_that_leads_elsewhere_stops_the_replay() {
    on_both_stores(|target| {
        let live = Place::sqlite().unwrap();
        let store = live.open(&Clock::system()).unwrap();
        let (first, changes) = (registry(&store, settings()), Changes::default());
        let kept = snapshot(&live.url);
        play(&first, 7, &mut Dice::new(7), 12, &changes);
        target.import(Box::new(std::io::Cursor::new(kept))).unwrap();
        let rows = journal(&live.url);
        let at = rows.iter().position(|row| row.transaction_name == "ITI-44" && row.outcome.contains("null")).unwrap();
        let second = registry(target, settings());
        let check = |change: &dyn Fn(&mut JournalRow), what: &str| {
            let mut rows = rows.clone();
            change(&mut rows[at]);
            let stopped = again(&second, rows, &changes);
            assert!(matches!(stopped, Err(ReplayError::Diverged(_) | ReplayError::Failure(_))), "{what}: {stopped:?}");
        };
        let drawn = |text: &str| {
            let text = text.to_owned();
            move |row: &mut JournalRow| row.drawn = Some(text.clone())
        };
        check(&drawn("{\"i\":[]}"), "nothing drawn");
        check(&drawn("{\"i\":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1],\"r\":[5,6,7]}"), "more drawn");
        check(
            &|row| row.outcome = "{\"refusal\":null,\"remarks\":[{\"ForeignIdentifierKept\":0}]}".to_owned(),
            "outcome",
        );
        let mut older = rows.clone();
        older[at].drawn = None;
        assert!(matches!(again(&second, older, &changes), Err(ReplayError::NotRecorded(_))));
        let done = again(&second, rows.clone(), &changes).unwrap();
        assert!(done.done > 0);
        let nothing = again(&second, rows.clone(), &changes).unwrap();
        assert_eq!((nothing.done, nothing.known), (0, rows.len() as u64), "what is there is not done again");
        assert!(second.verify().unwrap().iter().all(|finding| finding.broken == 0));
        // The store goes on with numbers of its own.
        feed(&second, "h03", "99", &hanako());
    });
}

#[test]
fn a_replay_under_other_rules_is_refused_by_the_name_of_the_rule() {
    let live = Place::sqlite().unwrap();
    let (store, changes) = (live.open(&Clock::system()).unwrap(), Changes::default());
    drop(registry(&store, settings()));
    let kept = snapshot(&live.url);
    play(&registry(&store, settings()), 3, &mut Dice::new(3), 5, &changes);
    play(&registry(&store, settings()), 3, &mut Dice::new(4), 5, &changes);
    play(&registry(&store, Settings { linking: Linking::Propose, ..settings() }), 3, &mut Dice::new(3), 5, &changes);
    let rules: Vec<_> = journal(&live.url).into_iter().filter(|row| row.transaction_name == "rules").collect();
    assert_eq!(rules.len(), 2, "written when they change, and only then");
    let place = Place::sqlite().unwrap();
    let target = place.open(&Clock::system()).unwrap();
    target.import(Box::new(std::io::Cursor::new(kept))).unwrap();
    match again(&registry(&target, settings()), journal(&live.url), &changes) {
        Err(ReplayError::OtherRules { names, .. }) => {
            assert_eq!(names, ["linking: \"Propose\", not \"Automatic\""]);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_registration_is_done_again_with_the_same_number() {
    use nayose::registry::{Issue, RegionalSettings};
    on_both_stores(|target| {
        let on_registration = || {
            let regional = RegionalSettings { issue: Issue::OnRegistration, ..settings().regional };
            Settings { regional, ..settings() }
        };
        let live = Place::sqlite().unwrap();
        let (store, changes) = (live.open(&Clock::system()).unwrap(), Changes::default());
        let first = registry(&store, on_registration());
        let kept = snapshot(&live.url);
        let command = nayose::registry::FeedCommand {
            identifiers: vec![id("h01", "1")],
            other_identifiers: Vec::new(),
            demographics: demographics(&hanako()),
        };
        changes.lock().unwrap().insert("m1".to_owned(), Told::Feed(Box::new(command.clone())));
        first.feed(&intake("m1", "p1"), command).unwrap();
        let registered = first.register(&caller(), &id("h01", "1")).unwrap().unwrap();
        target.import(Box::new(std::io::Cursor::new(kept))).unwrap();
        let second = registry(target, on_registration());
        again(&second, journal(&live.url), &changes).unwrap();
        let known = second.register(&caller(), &id("h01", "1")).unwrap().unwrap();
        assert!(!known.issued && known.regional == registered.regional);
        let merge = MergeCommand { survivor: id("h01", "2"), subsumed: id("h01", "1") };
        assert_eq!(second.merge(&intake("m2", "p2"), merge).unwrap().outcome.refusal, None, "and goes on");
    });
}
