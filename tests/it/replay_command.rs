//! `nayose replay` as an operator runs it: a server is fed over HTTP, backed up, fed on and lost; the backup and the
//! journal after it give the same store.

use crate::care::ends;
use crate::replay::{assert_same, snapshot};
use crate::support::*;
use crate::wire::{Process, acknowledged, configuration, merge_payload, revise_payload};
use nayose::store::testing::Place;
use std::path::Path;

fn moved(said: Said) -> Said {
    Said { town: ("9990102", "星見市緑町"), block: "1丁目1番1号", ..said }
}

fn accepted(server: &Process, payload: &str) {
    let answered = server.send(payload);
    assert_eq!(acknowledged(&answered.payload), "CA", "{}", answered.envelope);
}

/// Adds, a revise, a merge, a refusal, and a repeat in a new envelope.
fn feed_some(server: &Process, round: usize) {
    let value = |number: usize| format!("{round}-{number}");
    server.feed("h01", &value(1), &hanako());
    server.feed("c01", &value(2), &hanako_at_the_clinic());
    server.feed("h02", &value(3), &her_twin());
    accepted(server, &revise_payload("h01", &value(1), &moved(hanako())));
    server.feed("h02", &value(4), &her_sister());
    let merge = merge_payload("h02", &value(4), &value(3), &her_sister());
    accepted(server, &merge);
    accepted(server, &merge);
    let again = server.send(&merge_payload("h02", &value(4), &value(3), &her_sister()));
    assert_eq!(acknowledged(&again.payload), "CE", "who is subsumed already: {}", again.envelope);
}

/// Backs up the store at `url` into `kept`, by the means of its kind.
fn back_up(folder: &Path, url: &str) {
    let command = if url.starts_with("sqlite:") { "backup" } else { "export" };
    ends(folder, &[command, "--store", url, "--to", "kept", "--key-file", "key"], 0);
}

fn restore(folder: &Path, url: &str, config: &str) {
    ends(folder, &["restore", "kept", "--store", url, "--key-file", "key", "--moved", "--config", config], 0);
}

fn replay(folder: &Path, from: &str, to: &str, config: &str, status: i32) -> String {
    ends(folder, &["replay", "--from", from, "--store", to, "--config", config], status)
}

/// A place of the kind of `like` where no store is yet.
fn place_like(like: &Place) -> Place {
    if like.url.starts_with("sqlite:") { Place::sqlite().unwrap() } else { Place::postgres().unwrap() }
}

#[test]
fn a_backup_and_the_journal_after_it_give_what_was_lost() {
    for live in places() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        ends(path, &["backup", "--new-key", "key"], 0);
        let server = Process::start(path, "a", &live.url);
        feed_some(&server, 1);
        back_up(path, &live.url);
        feed_some(&server, 2);
        server.kill();
        let new = place_like(&live);
        restore(path, &new.url, "a.toml");
        let told = replay(path, &live.url, &new.url, "a.toml", 0);
        assert!(told.starts_with("7 messages and acts done again, 8 were there already"), "{told}");
        assert_same(&live, &new, "replayed");
        assert!(replay(path, &live.url, &new.url, "a.toml", 0).starts_with("0 messages and acts done again, 15 were"));
        ends(path, &["verify", "--store", &new.url, "--config", "a.toml"], 0);
        // It serves on, and knows a repeat.
        let again = Process::start(path, "b", &new.url);
        feed_some(&again, 3);
    }
}

#[test]
fn across_a_change_of_rules_each_configuration_is_given_up_to_where_it_held() {
    for live in places() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        ends(path, &["backup", "--new-key", "key"], 0);
        let first = configuration(&live.url);
        let second = first
            .replace("[access]", "linking = \"propose\"\n[access]")
            .replace("log_level", "lenient = false\nlog_level");
        let server = Process::start_with(path, "first", &first);
        feed_some(&server, 1);
        back_up(path, &live.url);
        feed_some(&server, 2);
        server.kill();
        let server = Process::start_with(path, "second", &second);
        feed_some(&server, 3);
        server.kill();
        let new = place_like(&live);
        restore(path, &new.url, "first.toml");
        let told = replay(path, &live.url, &new.url, "first.toml", 2);
        assert!(
            told.contains("(linking: \"Propose\", not \"Automatic\"); give the configuration of then and run it again"),
            "{told}"
        );
        // Under rules that do not hold any more nothing is done, and nothing is lost.
        let between = snapshot(&new.url).len();
        replay(path, &live.url, &new.url, "first.toml", 2);
        assert_eq!(snapshot(&new.url).len(), between);
        let told = replay(path, &live.url, &new.url, "second.toml", 0);
        assert!(told.starts_with("8 messages and acts done again, 15 were there already"), "{told}");
        assert_same(&live, &new, "replayed under two rules");
        ends(path, &["verify", "--store", &new.url, "--config", "second.toml"], 0);
    }
}

#[test]
fn a_store_whose_replay_stopped_issues_no_regional_id_twice() {
    for live in places() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        ends(path, &["backup", "--new-key", "key"], 0);
        let first = configuration(&live.url);
        let server = Process::start_with(path, "first", &first);
        server.feed("h01", "1", &hanako());
        back_up(path, &live.url);
        // A server that starts takes numbers of its own, which the backup knows nothing of.
        server.kill();
        let server = Process::start_with(path, "first", &first);
        feed_some(&server, 2);
        server.kill();
        Process::start_with(path, "second", &first.replace("[access]", "linking = \"propose\"\n[access]")).feed(
            "h01",
            "9",
            &hanako(),
        );
        let new = place_like(&live);
        restore(path, &new.url, "first.toml");
        replay(path, &live.url, &new.url, "first.toml", 2);
        let server = Process::start_with(path, "third", &first.replace(&live.url, &new.url));
        for number in 0..3 {
            server.feed(
                "h03",
                &number.to_string(),
                &Said { birth: ["19110101", "19220202", "19330303"][number], ..her_twin() },
            );
        }
    }
}

#[test]
fn a_backup_notes_how_far_it_reaches_by_itself_or_around_another_tool() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let noted = |name: &str| std::fs::read_to_string(path.join(format!("{name}-kept"))).ok();
    {
        let store =
            nayose::store::Store::open(&format!("sqlite:{}/live.db", path.display()), &nayose::clock::Clock::system());
        feed(&registry(&store.unwrap(), settings()), "h01", "1", &hanako());
    }
    ends(path, &["backup", "--new-key", "key"], 0);
    let begun = ends(path, &["backup", "--store", "sqlite:live.db", "--begin"], 0);
    assert_eq!(noted("live.db"), None, "not made yet");
    ends(path, &["backup", "--store", "sqlite:live.db", "--to", "no/such/folder", "--key-file", "key"], 3);
    assert_eq!(noted("live.db"), None, "not made");
    ends(path, &["backup", "--store", "sqlite:live.db", "--to", "b", "--key-file", "key"], 0);
    assert_eq!(noted("live.db"), Some(begun.clone()));
    if let Some(live) = Place::postgres() {
        let store = live.open(&nayose::clock::Clock::system()).unwrap();
        let told = ends(path, &["backup", "--store", &live.url, "--begin"], 1);
        assert!(told.contains("empty"), "{told}");
        feed(&registry(&store, settings()), "h01", "1", &hanako());
        assert!(ends(path, &["backup", "--store", &live.url, "--done", begun.trim()], 3).contains("another store"));
        let place = ends(path, &["backup", "--store", &live.url, "--begin"], 0);
        assert_eq!(store.journal_kept().unwrap(), None);
        ends(path, &["backup", "--store", &live.url, "--done", place.trim()], 0);
        assert_eq!(store.journal_kept().unwrap().unwrap().to_string(), place.trim());
        ends(path, &["backup", "--store", &live.url, "--done", "12"], 2);
    }
}
