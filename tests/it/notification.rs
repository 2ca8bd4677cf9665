//! ITI-46 over the wire: what a subscriber of a server is told, in which order, and what becomes of it where the
//! subscriber will not take it.

use crate::consumer::{Consumer, Says, Told};
use crate::people::said;
use crate::support::*;
use crate::wire::{Process, acknowledged, configuration, merge_payload, revise_payload};
use nayose::registry::{Registry, Settings};
use nayose::store::testing::Place;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// A server over `place` that tells `consumer`, whose table in the configuration holds `more` besides.
fn server(place: &Place, folder: &tempfile::TempDir, consumer: &Consumer, more: &str) -> Process {
    Process::start_with(folder.path(), "told", &told_by(&place.url, consumer, more))
}

fn told_by(url: &str, consumer: &Consumer, more: &str) -> String {
    let mut text = configuration(url);
    let _ = write!(
        text,
        "[[system]]\nid = \"viewer\"\ndevice = \"2.999.1.77\"\n[[subscriber]]\nsystem = \"viewer\"\nurl = \"{}\"\n{more}",
        consumer.url()
    );
    text
}

fn wait<T>(mut look: impl FnMut() -> Option<T>, for_what: &str) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "waited in vain for {for_what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// What was told, when there are `count` messages, without the regional authority's identifiers where `local`.
fn sets(consumer: &Consumer, count: usize) -> Vec<String> {
    let told = wait(
        || Some(consumer.told()).filter(|told| told.len() >= count),
        &format!(
            "{count} messages, of which came {:?}",
            consumer.told().iter().map(Told::identifiers).collect::<Vec<_>>()
        ),
    );
    told.iter().map(|one| text(&one.identifiers())).collect()
}

/// Waits until all of `expected` was told after the first `from` messages, in any order, and nothing that is new besides:
/// a killed server may have told something and not noted it.
fn told_since(consumer: &Consumer, from: usize, expected: &[&str]) {
    let told = wait(
        || Some(sets(consumer, from)).filter(|told| expected.iter().all(|one| told[from..].iter().any(|is| is == one))),
        &format!("{expected:?}, after {:?}", sets(consumer, from)),
    );
    let other = told[from..].iter().find(|one| !expected.contains(&one.as_str()) && !told[..from].contains(one));
    assert_eq!(other, None, "{told:?}");
}

fn text(identifiers: &BTreeSet<String>) -> String {
    identifiers.iter().map(String::as_str).collect::<Vec<_>>().join(" ")
}

/// Keeps the messages where replies are kept for the validator.
fn keep(consumer: &Consumer, name: &str) {
    let Some((_, folder)) = std::env::vars_os().find(|(variable, _)| variable == "NAYOSE_REPLIES") else { return };
    for (number, one) in consumer.told().iter().enumerate() {
        let file = std::path::Path::new(&folder).join(format!("notification-{name}-{number}.xml"));
        std::fs::write(file, &one.body).unwrap();
    }
}

const H01: &str = "2.999.1.11^1";
const H02: &str = "2.999.1.12^2";

#[test]
fn the_walk_through_of_the_profile_is_told() {
    for place in places() {
        let (folder, consumer) = (tempfile::tempdir().unwrap(), Consumer::start());
        let server = server(&place, &folder, &consumer, "domains = [\"h01\", \"h02\"]\n");
        server.feed("h01", "1", &hanako());
        assert_eq!(sets(&consumer, 1), [H01], "{}", place.url);
        // What concerns neither of its domains is not told, nor what changes no identifier.
        server.feed("h03", "3", &hanako_at_the_clinic());
        server.feed("h03", "4", &said(1, 5, 0));
        let moved = Said { phone: "tel:0990-99-9999", ..hanako() };
        assert_eq!(acknowledged(&server.send(&revise_payload("h01", "1", &moved)).payload), "CA");
        server.feed("h02", "2", &hanako_at_the_clinic());
        let linked = format!("{H01} {H02}");
        assert_eq!(sets(&consumer, 2), [H01, &linked]);
        // Suddenly somebody else: the link falls, and both sides are told.
        assert_eq!(acknowledged(&server.send(&revise_payload("h02", "2", &said(1, 9, 0))).payload), "CA");
        let told = sets(&consumer, 4);
        assert_eq!(told[..2], [H01, &linked]);
        let parted: BTreeSet<&str> = told[2..].iter().map(String::as_str).collect();
        assert_eq!(parted, BTreeSet::from([H01, H02]));
        let one = &consumer.told()[1];
        let media_type =
            "content-type: application/soap+xml; charset=utf-8; action=\"urn:hl7-org:v3:prpa_in201302uv02\"";
        assert!(one.head.to_lowercase().contains(media_type), "{}", one.head);
        assert!(one.head.starts_with("POST /pixconsumer HTTP/1.1"), "{}", one.head);
        assert_eq!(one.root(), "PRPA_IN201302UV02");
        for part in [
            ">urn:hl7-org:v3:PRPA_IN201302UV02</wsa:Action>",
            &format!("<wsa:To>{}</wsa:To>", consumer.url()),
            "<receiver typeCode=\"RCV\"><device classCode=\"DEV\" determinerCode=\"INSTANCE\"><id root=\"2.999.1.77\"/>",
            "<sender typeCode=\"SND\"><device classCode=\"DEV\" determinerCode=\"INSTANCE\"><id root=\"2.999.1.0\"/>",
            "assigningAuthorityName=\"H02\"",
            "<name nullFlavor=\"NA\"/>",
        ] {
            assert!(one.body.contains(part), "{part} in {}", one.body);
        }
        assert!(!one.body.contains("齋藤"), "nobody asked for her name");
        keep(&consumer, "consumer");
    }
}

#[test]
fn a_merge_is_told_once_by_what_stays() {
    for place in places() {
        let (folder, consumer) = (tempfile::tempdir().unwrap(), Consumer::start());
        let server = server(&place, &folder, &consumer, "domains = [\"h01\"]\n");
        server.feed("h01", "1", &said(2, 1, 0));
        server.feed("h01", "2", &said(2, 2, 0));
        sets(&consumer, 2);
        let merge = merge_payload("h01", "1", "2", &said(2, 1, 0));
        assert_eq!(acknowledged(&server.send(&merge).payload), "CA");
        sets(&consumer, 3);
        server.feed("h01", "9", &said(2, 3, 0));
        let told = sets(&consumer, 4);
        assert_eq!(told, ["2.999.1.11^1", "2.999.1.11^2", "2.999.1.11^1", "2.999.1.11^9"], "{}", place.url);
    }
}

#[test]
fn a_document_registry_hears_of_regional_identifiers_as_of_patients() {
    for place in places() {
        let (folder, consumer) = (tempfile::tempdir().unwrap(), Consumer::start());
        let first = server(&place, &folder, &consumer, "kind = \"registry\"\n");
        first.feed("h01", "1", &said(3, 1, 0));
        first.feed("h01", "2", &said(3, 2, 0));
        // A link to who is there issues nothing.
        first.feed("h02", "1", &said(3, 1, 1));
        let merge = merge_payload("h01", "1", "2", &said(3, 1, 0));
        assert_eq!(acknowledged(&first.send(&merge).payload), "CA");
        first.feed("h01", "3", &said(3, 3, 0));
        sets(&consumer, 4);
        let told = consumer.told();
        let roots: Vec<String> = told.iter().map(Told::root).collect();
        assert_eq!(roots, ["PRPA_IN201301UV02", "PRPA_IN201301UV02", "PRPA_IN201304UV02", "PRPA_IN201301UV02"]);
        let [stays, goes] = [0, 1].map(|number: usize| text(&told[number].identifiers()));
        assert!(stays.starts_with(&format!("{REGIONAL}^")) && stays != goes, "{stays} {goes}");
        assert_eq!((text(&told[2].identifiers()), told[2].replaced()), (stays, Some(goes)), "{}", place.url);
        keep(&consumer, "registry");
    }
}

#[test]
fn who_is_new_may_be_told_of_all_that_there_is() {
    for place in places() {
        let (folder, mut consumer) = (tempfile::tempdir().unwrap(), Consumer::start());
        let before = Process::start(folder.path(), "before", &place.url);
        before.feed("h01", "1", &said(4, 1, 0));
        before.feed("h02", "1", &said(4, 1, 1));
        before.feed("h02", "2", &said(4, 2, 1));
        before.feed("h03", "3", &said(4, 3, 1));
        drop(before);
        consumer.goes();
        let first = server(&place, &folder, &consumer, "domains = [\"h01\"]\nsnapshot = true\n");
        first.feed("h01", "9", &said(4, 9, 0));
        consumer.returns();
        let told: BTreeSet<String> = sets(&consumer, 3).into_iter().collect();
        assert_eq!(told, BTreeSet::from(["2.999.1.11^1".to_owned(), "2.999.1.11^9".to_owned()]), "{}", place.url);
        drop(first);
        // It watches another domain now: of who is in it, it is told anew, with all that it watches.
        let second = server(&place, &folder, &consumer, "domains = [\"h01\", \"h02\"]\n");
        told_since(&consumer, 3, &["2.999.1.11^1 2.999.1.12^1", "2.999.1.12^2"]);
        drop(second);
        // Nothing has changed: nothing is told, and then only what is new.
        let before = consumer.told().len();
        let third = server(&place, &folder, &consumer, "domains = [\"h01\", \"h02\"]\n");
        third.feed("h02", "5", &said(4, 5, 0));
        told_since(&consumer, before, &["2.999.1.12^5"]);
    }
}

#[test]
fn what_is_not_granted_is_not_told_and_a_grant_tells_it() {
    for place in places() {
        let (folder, consumer) = (tempfile::tempdir().unwrap(), Consumer::start());
        let registered = |grants: &str| {
            let grants =
                format!("grants = [{{ domain = \"h01\", may = [\"see\", \"notify\"] }}, {grants}]\n[[subscriber]]");
            let feeder = "[[system]]\nid = \"emr\"\ndevice = \"2.999.1.11.1\"\ngrants = [{ domain = \"*\", may = \
                          [\"assert\", \"update_demographics\", \"merge\", \"query_from\", \"see\"] }]\n";
            let text = told_by(&place.url, &consumer, "").replace("mode = \"open\"", "mode = \"registered\"");
            text.replace("[[subscriber]]", &grants) + feeder
        };
        let only = registered("{ domain = \"h02\", may = [\"see\"] }");
        let first = Process::start_with(folder.path(), "first", &only);
        first.feed("h02", "2", &said(5, 1, 0));
        first.feed("h01", "1", &said(5, 1, 1));
        // It may see this, and was not granted to be told of it.
        first.feed("h02", "7", &said(5, 7, 0));
        first.feed("h01", "8", &said(5, 8, 0));
        assert_eq!(sets(&consumer, 2), ["2.999.1.11^1", "2.999.1.11^8"], "{}", place.url);
        drop(first);
        let more = registered("{ domain = \"h02\", may = [\"see\", \"notify\"] }");
        let second = Process::start_with(folder.path(), "second", &more);
        told_since(&consumer, 2, &["2.999.1.11^1 2.999.1.12^2", "2.999.1.12^7"]);
        let before = consumer.told().len();
        drop(second);
        // Taken away again: what it holds of them is told as it is without.
        let third = Process::start_with(folder.path(), "third", &only);
        told_since(&consumer, before, &["2.999.1.11^1"]);
        drop(third);
    }
}

#[test]
fn what_a_subscriber_says_decides_what_becomes_of_it() {
    for place in places() {
        let (folder, consumer) = (tempfile::tempdir().unwrap(), Consumer::start());
        consumer.says(Says::AcceptsSloppily);
        let server = server(&place, &folder, &consumer, "domains = [\"h01\"]\n");
        server.feed("h01", "1", &said(6, 1, 0));
        sets(&consumer, 1);
        for (number, says) in [(2, Says::HangsUp), (3, Says::Page), (4, Says::Breaks), (5, Says::Refuses)] {
            consumer.says(says);
            let count = consumer.told().len();
            server.feed("h01", &number.to_string(), &said(6, number, 0));
            // The first try and one more, a second later at the earliest.
            sets(&consumer, count + 2);
            consumer.says(Says::Accepts);
            let taken = || consumer.told().last().is_some_and(|last| last.said == Says::Accepts).then_some(());
            wait(taken, "what was not taken is told until it is");
        }
        // When the next one is told, the one before is noted.
        server.feed("h01", "6", &said(6, 6, 0));
        wait(
            || consumer.told().last().filter(|last| last.identifiers().contains("2.999.1.11^6")).map(drop),
            "the last",
        );
        let ids: Vec<String> = consumer
            .told()
            .iter()
            .map(|one| one.body.split("<id root=\"").nth(1).unwrap().split('"').next().unwrap().to_owned())
            .collect();
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "each try has an id of its own");
        let order: Vec<String> = consumer.told().iter().map(|one| text(&one.identifiers())).collect();
        let mut once = order.clone();
        once.dedup();
        assert_eq!(once, (1..=6).map(|number| format!("2.999.1.11^{number}")).collect::<Vec<_>>());
        drop(server);
        let registry = open(&place);
        assert_eq!(registry.dead_letters().unwrap(), []);
        let told = audited(&registry, "ITI-46");
        assert!(
            told.iter().filter(|outcome| **outcome == 0).count() >= 5,
            "each is audited when it is taken: {told:?}"
        );
        assert!(told.iter().filter(|outcome| **outcome == 4).count() >= 4, "and when it is refused: {told:?}");
    }
}

fn open(place: &Place) -> Registry {
    let settings: Settings = settings();
    registry(&place.open(&nayose::clock::Clock::system()).unwrap(), settings)
}

/// How the audited messages of `transaction` ended.
fn audited(registry: &Registry, transaction: &str) -> Vec<i32> {
    let rows = registry.store().read(|tx| tx.audit_recent(1000)).unwrap();
    rows.iter().filter(|row| row.transaction_name == transaction).map(|row| row.outcome).collect()
}
