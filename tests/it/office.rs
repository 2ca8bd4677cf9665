//! The operators' interface: every call over both stores, audited with who made it; and commands that go through a server
//! that has the store open.

use crate::care::{ends, nayose};
use crate::support::*;
use crate::wire::{Process, configuration};
use nayose::access::Principal;
use nayose::desk::{CALLS, Desk, Request, encoded};
use nayose::identity::PatientIdentifier;
use nayose::registry::{Linking, Registry, Settings};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;

fn steward() -> Principal {
    Principal::system("steward:hayashi")
}

fn call(desk: &Desk, method: &str, path: &str, query: &str, body: &Value) -> (u16, Value) {
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let answer = desk.answer(&steward(), &Request { method, path, query, body: &body });
    (answer.status, serde_json::from_str(&answer.body).unwrap())
}

fn done(desk: &Desk, method: &str, path: &str, query: &str, body: &Value) -> Value {
    let (status, told) = call(desk, method, path, query, body);
    assert_eq!(status, 200, "{method} {path}: {told}");
    told
}

fn refused(desk: &Desk, method: &str, path: &str, body: &Value) -> (u16, String) {
    let (status, told) = call(desk, method, path, "", body);
    (status, told["type"].as_str().unwrap_or_default().trim_start_matches("urn:nayose:problem:").to_owned())
}

fn of(identifier: &PatientIdentifier) -> String {
    encoded(&format!("{}^{}", identifier.authority, identifier.value))
}

/// Who did what, as the audit trail has it, the latest last.
fn audited(registry: &Registry) -> Vec<(String, String, i32)> {
    registry.store().flush_audit().unwrap();
    let rows = registry.store().read(|tx| tx.audit_recent(500)).unwrap();
    let mut rows: Vec<_> = rows.into_iter().map(|row| (row.transaction_name, row.principal, row.outcome)).collect();
    rows.reverse();
    rows
}

/// Whether each of these calls is in the audit trail as the steward's, with its outcome.
fn assert_audited(registry: &Registry, calls: &[(&str, i32)]) {
    let audited = audited(registry);
    for (name, outcome) in calls {
        let row = ((*name).to_owned(), "steward:hayashi".to_owned(), *outcome);
        assert!(audited.contains(&row), "{row:?} of {audited:?}");
    }
    assert!(registry.verify().unwrap().iter().all(|finding| finding.broken == 0));
}

#[test]
fn what_a_steward_does_is_answered_and_audited_with_who() {
    on_both_stores(|store| {
        let registry = registry(store, Settings { linking: Linking::Propose, ..settings() });
        let desk = Desk::new(registry.clone(), "Asia/Tokyo");
        feed(&registry, "h01", "1", &hanako());
        feed(&registry, "h02", "2", &hanako_at_the_clinic());
        feed(&registry, "c01", "3", &her_sister());
        let (one, two, three) = (of(&id("h01", "1")), of(&id("h02", "2")), of(&id("c01", "3")));
        let none = Value::Null;
        let post = |path: &str, body: Value| done(&desk, "POST", path, "", &body);
        let reviews = done(&desk, "GET", "/reviews", "limit=5", &none);
        let review = reviews["reviews"][0]["id"].as_i64().unwrap();
        assert!(reviews["reviews"][0]["reasons"].as_array().unwrap().len() > 1, "{reviews}");
        let shown = done(&desk, "GET", &format!("/reviews/{review}"), "", &none);
        assert!(
            shown["account"]["steps"].as_array().unwrap().len() > 4 && shown["left"]["demographics"]["kana"] != none
        );
        post(&format!("/reviews/{review}/decision"), json!({ "verdict": "same", "reason": "looked" }));
        let person = done(&desk, "GET", &format!("/persons/{two}"), "", &none);
        assert_eq!(person["records"].as_array().unwrap().len(), 2, "{person}");
        let linked = post(&format!("/persons/{three}/link"), json!({ "other": "2.999.1.11^1", "reason": "x" }));
        let told = done(&desk, "GET", &format!("/persons/{one}/history"), "", &none);
        assert_eq!(told["operations"][0]["operation"], linked["operation"]);
        assert_eq!(told["operations"][0]["actor"], "steward:hayashi");
        let day = done(&desk, "GET", &format!("/persons/{one}/history"), "on=2000-01-01", &none);
        assert_eq!(day["held"], json!([]));
        post(&format!("/operations/{}/undo", linked["operation"]), json!({ "reason": "no" }));
        let merged = post(&format!("/persons/{three}/merge"), json!({ "other": "2.999.1.12^2" }))["operation"].clone();
        post(&format!("/operations/{merged}/undo"), json!({ "reason": "no" }));
        let both = nayose::registry::FeedCommand {
            identifiers: vec![id("h03", "5"), id("c02", "6")],
            other_identifiers: Vec::new(),
            demographics: demographics(&her_twin()),
        };
        registry.feed(&intake("both", "both"), both).unwrap();
        let six = of(&id("c02", "6"));
        post(&format!("/persons/{six}/split"), json!({ "others": [], "reason": "two" }));
        assert_audited(
            &registry,
            &[
                ("reviews", 0),
                ("review", 0),
                ("review decide", 0),
                ("person", 0),
                ("person link", 0),
                ("person history", 0),
                ("person undo", 0),
                ("person merge", 0),
                ("person split", 0),
            ],
        );
    });
}

#[test]
fn what_an_operator_asks_is_answered_and_audited_with_who() {
    on_both_stores(|store| {
        let registry = registry(store, settings());
        let desk = Desk::new(registry.clone(), "Asia/Tokyo");
        feed(&registry, "h01", "1", &hanako());
        feed(&registry, "c01", "3", &her_sister());
        let (one, three) = (of(&id("h01", "1")), of(&id("c01", "3")));
        let none = Value::Null;
        let why = done(&desk, "GET", "/explain", &format!("left={one}&right={three}"), &none);
        assert!(why["account"]["flips"].is_array() && why["left"]["demographics"] == none, "no values unasked: {why}");
        let why = done(&desk, "GET", "/explain", &format!("left={one}&right={three}&values=true"), &none);
        assert_eq!(why["left"]["value"], "1");
        done(&desk, "POST", &format!("/persons/{one}/register"), "", &none);
        let would = done(&desk, "POST", &format!("/persons/{three}/erase"), "", &json!({}));
        assert_eq!((&would["erased"], &would["records"]), (&json!(false), &json!(1)));
        let gone = done(&desk, "POST", &format!("/persons/{three}/erase"), "", &json!({ "yes": true }));
        assert_eq!(gone["erased"], true);
        let told = done(&desk, "GET", "/outbox", "", &none);
        assert_eq!(told, json!({ "subscribers": [], "dead_letters": [] }));
        assert_eq!(refused(&desk, "GET", "/outbox/7", &none), (404, "no_dead_letter".to_owned()));
        assert_eq!(
            refused(&desk, "POST", "/outbox/replay", &json!({ "ids": [7] })),
            (404, "no_dead_letter".to_owned())
        );
        assert_eq!(done(&desk, "GET", "/domains", "", &none)["domains"].as_array().unwrap().len(), DOMAINS.len());
        assert_eq!(done(&desk, "GET", "/systems", "", &none)["access"], "open");
        assert_audited(
            &registry,
            &[
                ("explain", 0),
                ("person register", 0),
                ("person erase", 0),
                ("outbox", 0),
                ("outbox letter", 4),
                ("outbox replay", 4),
                ("domains", 0),
                ("systems", 0),
            ],
        );
    });
}

#[test]
fn what_cannot_be_done_is_one_row_of_the_table() {
    on_both_stores(|store| {
        let registry = registry(store, settings());
        let desk = Desk::new(registry.clone(), "Asia/Tokyo");
        feed(&registry, "h01", "1", &hanako());
        feed(&registry, "h02", "2", &hanako());
        let (one, nobody) = (of(&id("h01", "1")), of(&id("h03", "9")));
        let check = |method: &str, path: &str, body: Value, status: u16, word: &str| {
            assert_eq!(refused(&desk, method, path, &body), (status, word.to_owned()), "{method} {path}");
        };
        let other = || json!({ "other": "2.999.1.12^2" });
        check("GET", "/nothing", Value::Null, 404, "no_such_path");
        check("POST", "/reviews", Value::Null, 405, "wrong_method");
        check("GET", "/reviews/7", Value::Null, 404, "no_review");
        check("GET", "/reviews/seven", Value::Null, 400, "malformed");
        check("POST", "/reviews/7/decision", json!({ "verdict": "same" }), 404, "no_review");
        check("POST", "/reviews/7/decision", json!({ "verdict": "maybe" }), 400, "malformed");
        check("POST", "/reviews/7/decision", json!({ "verdict": "same", "raeson": "x" }), 400, "malformed");
        check("POST", &format!("/persons/{one}/link"), json!({}), 400, "malformed");
        check("POST", &format!("/persons/{one}/link"), json!([]), 400, "malformed");
        check("POST", &format!("/persons/{nobody}/link"), other(), 404, "unknown_identifier");
        check("POST", &format!("/persons/{one}/link"), other(), 409, "nothing_to_do");
        check("GET", &format!("/persons/{nobody}"), Value::Null, 404, "unknown_identifier");
        check("GET", &format!("/persons/{one}/historie"), Value::Null, 404, "no_such_path");
        check("POST", "/operations/7/undo", json!({}), 404, "no_operation");
        check("GET", "/domains/h99", Value::Null, 404, "no_domain");
        check("GET", "/systems/emr", Value::Null, 404, "no_system");
        done(&desk, "POST", &format!("/persons/{one}/unlink"), "", &json!({}));
        let (status, told) = call(&desk, "POST", &format!("/persons/{one}/merge"), "", &other());
        assert_eq!((status, told["decisions"].as_array().unwrap().len()), (409, 1), "{told}");
        let stranger = desk.stranger();
        assert_eq!(stranger.status, 401);
        let refusals = audited(&registry).into_iter().filter(|(_, _, outcome)| *outcome == 4).count();
        assert_eq!(refusals, 18, "refused ones too");
    });
}

#[test]
fn a_domain_is_added_and_its_state_decides_what_it_may() {
    on_both_stores(|store| {
        let registry = registry(store, settings());
        let desk = Desk::new(registry.clone(), "Asia/Tokyo");
        feed(&registry, "h01", "1", &hanako());
        feed(&registry, "h02", "2", &hanako());
        let set = |state: &str| done(&desk, "POST", "/domains/h02/state", "", &json!({ "state": state }));
        assert_eq!(others(&registry, "h01", "1").len(), 2);
        set("staged");
        assert_eq!(others(&registry, "h01", "1").len(), 1, "the regional ID alone");
        assert!(registry.cross_reference(&caller(), &id("h02", "2"), &[]).unwrap().is_err(), "as if unknown");
        feed(&registry, "h02", "3", &her_sister());
        set("retired");
        assert_eq!(others(&registry, "h01", "1").len(), 2, "what it said is answered");
        let command = nayose::registry::FeedCommand {
            identifiers: vec![id("h02", "4")],
            other_identifiers: Vec::new(),
            demographics: demographics(&hanako()),
        };
        let late = registry.feed(&intake("late", "late"), command).unwrap().outcome;
        assert!(late.refusal.is_some(), "and nothing more is taken in");
        let new = json!({ "id": "h09", "oid": "2.999.1.19", "namespace": "H09" });
        assert_eq!(done(&desk, "POST", "/domains", "", &new)["served"], false);
        assert_eq!(refused(&desk, "POST", "/domains", &new), (409, "domain_taken".to_owned()));
        assert_eq!(
            refused(&desk, "POST", "/domains/h02/state", &json!({ "state": "x" })),
            (400, "malformed".to_owned())
        );
        // The configuration adds and alters; the state is the store's.
        let again = crate::support::registry(store, settings());
        let views = again.domain_views().unwrap();
        let state = |key: &str| {
            let view = views.iter().find(|view| view.settings.key.0 == key).unwrap();
            (view.state.word(), view.configured, view.served)
        };
        assert_eq!((state("h02"), state("h09")), (("retired", true, true), ("live", false, true)));
    });
}

#[test]
fn every_call_has_a_test() {
    let text = include_str!("office.rs");
    for call in &CALLS {
        let stem = call.path.split("/{id}").next().unwrap().trim_start_matches('/');
        let last = call.path.rsplit('/').next().unwrap();
        let said = if last == "{id}" { format!("/{stem}/") } else { format!("/{last}") };
        assert!(text.contains(&said), "{} {}", call.method, call.path);
    }
}

/// A server with an operators' listener on a free port.
fn with_an_office(url: &str) -> String {
    configuration(url).replace("admin = \"off\"", "admin = \"127.0.0.1:0\"")
}

#[test]
fn commands_that_write_go_through_the_server_that_has_the_store_open() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let url = format!("sqlite:{}/store.db", path.display());
    let server = Process::start_with(path, "a", &with_an_office(&url));
    server.feed("h01", "1", &hanako());
    server.feed("h02", "2", &her_sister());
    let token = path.join("store.db.token");
    assert_eq!(std::fs::metadata(&token).unwrap().permissions().mode() & 0o777, 0o600);
    let run = |words: &[&str], status| ends(path, &[words, &["--config", "a.toml"]].concat(), status);
    let linked = run(&["person", "link", "2.999.1.12^2", "2.999.1.11^1", "--reason", "one", "--json"], 0);
    let operation = serde_json::from_str::<Value>(&linked).unwrap()["operation"].to_string();
    assert_eq!(server.others("h01", "1").len(), 2, "the server answers by it");
    let shown = run(&["person", "show", "2.999.1.11^1", "--json"], 0);
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["records"].as_array().unwrap().len(), 2, "reading goes on beside the server: {shown}");
    assert!(run(&["review", "list"], 0).contains("nothing waits"));
    let contradicted = run(&["person", "link", "2.999.1.12^2", "2.999.1.11^1"], 1);
    assert!(contradicted.contains("it is so already"), "{contradicted}");
    run(&["person", "unmerge", &operation, "--reason", "two"], 0);
    let svg = run(&["explain", "2.999.1.11^1", "2.999.1.12^2", "--svg", "why.svg"], 0);
    assert!(svg.contains("what would change it") && !svg.contains("ハナコ"), "{svg}");
    assert!(std::fs::read_to_string(path.join("why.svg")).unwrap().starts_with("<svg"));
    assert!(run(&["explain", "2.999.1.11^1", "2.999.1.12^2", "--values"], 0).contains("ハナコ"));
    run(&["domain", "state", "h02", "staged"], 0);
    assert_eq!(server.others("h01", "1").len(), 1);
    run(&["review", "decide", "7", "--same"], 1);
    run(&["outbox", "replay", "--all"], 1);
    // Without the token nobody gets in, and the description is no secret.
    let addresses = std::fs::read_to_string(path.join("a.addresses")).unwrap();
    let admin = addresses.lines().find_map(|line| line.strip_prefix("admin=")).unwrap();
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let get = |path: &str, shown: &str| {
        let mut answer = agent.get(format!("http://{admin}{path}")).header("Authorization", shown).call().unwrap();
        (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
    };
    assert_eq!(get("/api/v1/reviews", "Bearer 0").0, 401);
    assert_eq!(get("/api/v1/reviews", &format!("bearer {}", "0".repeat(64))).0, 401);
    let right = format!("Bearer {}", std::fs::read_to_string(&token).unwrap().trim());
    assert_eq!(get("/api/v1/reviews", &right).0, 200);
    let described: Value = serde_json::from_str(&get("/api/v1/openapi.json", "").1).unwrap();
    let printed: Value = serde_json::from_str(&ends(path, &["schema", "openapi"], 0)).unwrap();
    assert_eq!(described, printed);
    // A server that is gone, however it went, is in nobody's way.
    server.kill();
    run(&["person", "merge", "2.999.1.11^1", "2.999.1.12^2"], 0);
}

#[test]
fn a_command_that_cannot_reach_the_server_refuses() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let server = Process::start(path, "a", &format!("sqlite:{}/store.db", path.display()));
    server.feed("h01", "1", &hanako());
    let words = ["person", "unlink", "2.999.1.11^1", "--config", "a.toml"];
    let refused = ends(path, &words, 3);
    assert!(refused.contains("operators' interface cannot be found") && refused.contains("process"), "{refused}");
    assert!(nayose(path, &["person", "show", "2.999.1.11^1", "--config", "a.toml"]).status.success());
    assert!(!path.join("store.db.token").exists(), "no interface, no token");
}
