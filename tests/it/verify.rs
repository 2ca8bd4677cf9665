//! Each rule of `verify` is seen broken by planted rows, on both stores, and a healthy store keeps all.

use crate::support::*;
use nayose::clock::Clock;
use nayose::registry::{Finding, MergeCommand, Registry};
use nayose::store::testing::Place;

/// A family, one of whom moved, one of whom has two numbers in one hospital that were merged.
fn lived_in(place: &Place) -> Registry {
    let registry = registry(&place.open(&Clock::system()).unwrap(), settings());
    feed(&registry, "h01", "100", &hanako());
    feed(&registry, "c01", "7", &hanako_at_the_clinic());
    feed(&registry, "h01", "101", &her_sister());
    feed(&registry, "h01", "100", &Said { block: "5丁目1番1号", ..hanako() });
    feed(&registry, "h01", "300", &hanako());
    let merge = MergeCommand { survivor: id("h01", "100"), subsumed: id("h01", "300") };
    assert_eq!(registry.merge(&intake("m", "m"), merge).unwrap().outcome.refusal, None);
    let lonely =
        Said { kanji: ("北野", "健一"), kana: ("キタノ", "ケンイチ"), birth: "19510607", ..hanako() };
    feed(&registry, "h02", "1", &lonely);
    feed(&registry, "h02", "2", &her_twin());
    let merge = MergeCommand { survivor: id("h02", "1"), subsumed: id("h02", "2") };
    assert_eq!(registry.merge(&intake("n", "n"), merge).unwrap().outcome.refusal, None);
    registry
}

fn broken(registry: &Registry) -> Vec<Finding> {
    registry.verify().unwrap().into_iter().filter(|finding| finding.broken > 0).collect()
}

/// Plants `damage` in a store of each kind, and expects a broken rule whose text begins with `rule`.
fn check(damage: &str, rule: &str) {
    check_each(places(), damage, rule);
}

/// The same in those of one kind.
fn check_in(scheme: &str, damage: &str, rule: &str) {
    check_each(places().into_iter().filter(|place| place.url.starts_with(scheme)), damage, rule);
}

fn check_each(places: impl IntoIterator<Item = Place>, damage: &str, rule: &str) {
    for place in places {
        drop(lived_in(&place));
        place.damage(damage).unwrap();
        let registry = registry(&place.open(&Clock::system()).unwrap(), settings());
        let found = broken(&registry);
        let held = found.iter().any(|finding| finding.rule.starts_with(rule));
        assert!(held, "{}: {damage}: {rule}: {found:?}", place.url);
    }
}

#[test]
fn a_store_that_was_lived_in_keeps_every_rule() {
    for place in places() {
        let registry = lived_in(&place);
        assert_eq!(broken(&registry), [], "{}", place.url);
        assert!(registry.verify().unwrap().len() >= 19);
    }
}

#[test]
fn who_had_a_number_that_is_suddenly_another_persons_may_be_left_without_a_record() {
    for place in places() {
        let registry = lived_in(&place);
        let he = Said {
            kanji: ("西田", "剛"),
            kana: ("ニシダ", "ゴウ"),
            birth: "19331122",
            sex: nayose::identity::Sex::Male,
            ..hanako()
        };
        feed(&registry, "h02", "9", &he);
        feed(&registry, "h02", "9", &hanako());
        assert!(others(&registry, "h02", "9").contains(&"2.999.1.11^100".to_owned()), "it is hers now");
        assert_eq!(broken(&registry), [], "{}", place.url);
    }
}

#[test]
fn lost_and_doubled_links_are_found() {
    let sister = "(SELECT id FROM source_record WHERE value = '101')";
    check(
        &format!("UPDATE link SET valid_to = 1 WHERE record_id = {sister}"),
        "every active record is linked to exactly one person",
    );
    let filed = "no subsumed record is linked to a person, or filed";
    let key = "INSERT INTO blocking_key (key, record_id) SELECT 1, id FROM source_record WHERE status = 'subsumed'";
    check_in("postgres", key, filed);
    check_in("sqlite", key, "the tables by which records are sought");
    let beside = "INSERT INTO filed_under SELECT id, '[[1],[]]' FROM source_record WHERE status = 'subsumed'";
    check_in("sqlite", beside, filed);
    check(
        &format!("UPDATE link SET person_id = 1 WHERE record_id = {sister}"),
        "every link leads from a record to an active person",
    );
    check("INSERT INTO person (id, state, created) VALUES (1, 'active', 1)", "every active person has a record");
    check("UPDATE person SET state = 'retired', successor = id", "every retired person leads to one who exists");
    check("UPDATE source_record SET survivor = id WHERE status = 'subsumed'", "every subsumed record leads to a");
}

#[test]
fn regional_ids_of_nobody_and_of_one_twice_are_found() {
    check(
        "INSERT INTO regional_id (value, person_id, state, issued) \
         SELECT 'x', min(id), 'active', 1 FROM person WHERE state = 'active'",
        "no person has two regional IDs at a time",
    );
    check(
        "INSERT INTO regional_id (value, person_id, state, issued) VALUES ('x', 1, 'active', 1)",
        "every regional ID is a person's",
    );
}

#[test]
fn lost_and_doubled_versions_and_messages_are_found() {
    check("DELETE FROM demographic_version WHERE version = 1", "every record has all its versions");
    check("UPDATE demographic_version SET record_id = 1 WHERE version = 2", "every version is a record's");
    check("UPDATE demographic_version SET inbox_id = 1 WHERE version = 2", "every version that a message made has");
    check("UPDATE inbox SET outcome = ''", "every message has an outcome");
    check("DELETE FROM audit WHERE time = (SELECT max(time) FROM audit)", "every message was audited");
    check(
        "INSERT INTO inbox (message_key, id, principal, message_id, transaction_name, payload_hash, payload, received, \
         reply_id, outcome) SELECT message_key, id + 1, principal, message_id, transaction_name, payload_hash, \
         payload, received, reply_id, outcome FROM inbox WHERE message_id = 'm'",
        "no message took effect twice",
    );
    check(
        "UPDATE demographic_version SET inbox_id = 7 WHERE record_id IN \
         (SELECT record_id FROM demographic_version WHERE version = 2)",
        "no message made two versions of one record",
    );
}

#[test]
fn events_and_notifications_that_are_missing_or_astray_are_found() {
    let astray = "every event and every row of the outbox";
    check("UPDATE event SET person_id = 1 WHERE kind = 'linked'", astray);
    check("UPDATE event SET record_id = 1 WHERE kind = 'linked'", astray);
    check("UPDATE outbox SET person_id = 1", astray);
    let untold = "every link was noted as an event";
    check("DELETE FROM event WHERE kind = 'linked' AND time = (SELECT max(valid_from) FROM link)", untold);
    check("DELETE FROM outbox WHERE person_id = (SELECT max(person_id) FROM link)", untold);
}

#[test]
fn a_record_that_is_not_filed_under_what_it_says_is_found() {
    let misfiled = "every active record is filed under what it says now";
    let sister = "(SELECT id FROM source_record WHERE value = '101')";
    check(&format!("DELETE FROM comparison_row WHERE record_id = {sister}"), misfiled);
    check_in("sqlite", &format!("DELETE FROM filed_under WHERE record_id = {sister}"), misfiled);
    // What SQLite has beside the record is what it is filed under, and the tables are held against that.
    for (scheme, rule) in [("postgres", misfiled), ("sqlite", "the tables by which records are sought")] {
        let last = "value = (SELECT max(value) FROM search_token)";
        check_in(scheme, &format!("DELETE FROM blocking_key WHERE record_id = {sister}"), rule);
        check_in(scheme, &format!("DELETE FROM search_token WHERE record_id = {sister}"), rule);
        check_in(scheme, &format!("DELETE FROM search_token WHERE {last} OR record_id = {sister}"), rule);
        check_in(scheme, &format!("INSERT INTO blocking_key (key, record_id) VALUES (1, {sister})"), rule);
    }
}

#[test]
fn damaged_pages_are_found() {
    let place = Place::sqlite().unwrap();
    drop(lived_in(&place));
    // Its index is forgotten, and nobody has its pages.
    place.damage("PRAGMA writable_schema = ON; DELETE FROM sqlite_master WHERE name = 'audit_time'").unwrap();
    let registry = registry(&place.open(&Clock::system()).unwrap(), settings());
    let rules: Vec<String> = broken(&registry).into_iter().map(|finding| finding.rule).collect();
    assert_eq!(rules, ["the database's own pages and indexes are whole"]);
}

#[test]
fn the_demo_keeps_every_rule() {
    let folder = tempfile::tempdir().unwrap();
    let store = format!("sqlite:{}", folder.path().join("demo.db").display());
    let run = |words: &[&str]| {
        let done = std::process::Command::new(env!("CARGO_BIN_EXE_nayose")).args(words).output().unwrap();
        (done.status.code(), String::from_utf8(done.stdout).unwrap())
    };
    assert_eq!(run(&["demo", "--build-only", "--people", "200", "--store", &store]).0, Some(0));
    let (status, said) = run(&["verify", "--store", &store]);
    assert_eq!(status, Some(0), "{said}");
    assert!(said.lines().count() >= 19 && said.lines().all(|line| line.starts_with("holds ")), "{said}");
    let damaged = Place::sqlite().unwrap();
    drop(lived_in(&damaged));
    damaged.damage("DELETE FROM audit").unwrap();
    let (status, said) = run(&["verify", "--store", &damaged.url]);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("BROKEN") && said.contains("every message was audited"), "{said}");
    let (_, said) = run(&["verify", "--json", "--store", &damaged.url]);
    assert!(said.contains("\"broken\":1"), "{said}");
}
