//! The preset for a connectathon, and that nothing but a test's store is ever emptied.

use crate::care::ends;
use crate::support::*;
use crate::wire::{Process, configuration};
use nayose::clock::Clock;
use nayose::store::testing::Place;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

fn records(place: &Place) -> i64 {
    place.open(&Clock::system()).unwrap().counts().unwrap().records
}

#[test]
fn a_tests_store_is_emptied_and_serves_again() {
    for place in places() {
        let folder = tempfile::tempdir().unwrap();
        let tested = configuration(&place.url).replace("[network]\n", "[network]\ntest = true\n");
        let server = Process::start_with(folder.path(), "test", &tested);
        server.feed("h01", "1", &hanako());
        drop(server);
        let reset = ["reset", "--config", "test.toml"];
        assert!(ends(folder.path(), &reset, 2).contains("--yes") && records(&place) == 1);
        assert!(ends(folder.path(), &[&reset[..], &["--yes"]].concat(), 0).contains("the store is empty"));
        assert_eq!(records(&place), 0);
        let server = Process::start_with(folder.path(), "test", &tested);
        server.feed("h01", "1", &her_sister());
        assert_eq!(server.others("h01", "1").len(), 1, "the regional ID");
        drop(server);
        let registry = registry(&place.open(&Clock::system()).unwrap(), settings());
        assert!(registry.verify().unwrap().iter().all(|finding| finding.broken == 0));
    }
}

#[test]
fn a_store_in_production_is_never_emptied() {
    for place in places() {
        let folder = tempfile::tempdir().unwrap();
        let production = configuration(&place.url);
        let server = Process::start_with(folder.path(), "production", &production);
        server.feed("h01", "1", &hanako());
        drop(server);
        let said = ends(folder.path(), &["reset", "--yes", "--config", "production.toml"], 2);
        assert!(said.contains("network.test is not true"), "{said}");
        // Whatever a configuration says afterwards.
        let test = production.replace("[network]\n", "[network]\ntest = true\n");
        std::fs::write(folder.path().join("test.toml"), test).unwrap();
        let said = ends(folder.path(), &["reset", "--yes", "--config", "test.toml"], 2);
        assert!(said.contains("nothing of it was touched"), "{said}");
        let said = ends(folder.path(), &["serve", "--config", "test.toml"], 2);
        assert!(said.contains("of a network in production"), "{said}");
        assert_eq!(records(&place), 1);
    }
}

#[test]
fn the_preset_serves_the_domains_of_the_test_tools() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_nayose"));
    command.args(["serve", "--connectathon", "--address-file", "addresses"]).current_dir(folder.path());
    command.env("NAYOSE_SERVER__HTTP", "127.0.0.1:0").env("NAYOSE_SERVER__ADMIN", "off");
    let mut server = command.stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let begun = Instant::now();
    while !folder.path().join("addresses").exists() {
        assert!(begun.elapsed() < Duration::from_secs(60), "it wrote no addresses");
        std::thread::sleep(Duration::from_millis(20));
    }
    server.kill().unwrap();
    server.wait().unwrap();
    let url = format!("sqlite:{}", folder.path().join("nayose-connectathon.db").display());
    let store = nayose::store::Store::open(&url, &Clock::system()).unwrap();
    let domains = store.read(|tx| tx.domains()).unwrap();
    let oids: Vec<&str> = domains.iter().map(|domain| domain.oid.as_str()).collect();
    for colour in ["1000", "2000", "3000"] {
        assert!(oids.contains(&format!("1.3.6.1.4.1.21367.13.20.{colour}").as_str()), "{oids:?}");
    }
    drop(store);
    ends(folder.path(), &["reset", "--connectathon", "--yes"], 0);
}
