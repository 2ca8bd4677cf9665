//! What `/metrics` says after traffic that is known: exact counts, on both stores, and no word of a peer's in a label.

use super::support::*;
use nayose::hl7v3::Strictness;
use nayose::registry::Registry;
use nayose::store::Store;
use nayose::transactions::{self, Service};
use nayose::transport::{self, Running};
use std::collections::{BTreeMap, HashMap};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

fn serve(registry: Registry) -> Running {
    let settings = transactions::Settings {
        device: "2.999.1.0".to_owned(),
        time_zone: "Asia/Tokyo".to_owned(),
        processing_codes: vec!["P".to_owned()],
        strictness: Strictness::Lenient,
        devices: HashMap::new(),
    };
    let anywhere = Some("127.0.0.1:0".to_owned());
    let listeners = transport::Settings { http: anywhere.clone(), admin: anywhere, ..transport::Settings::default() };
    transport::spawn(listeners, Arc::new(Service::new(registry, settings))).unwrap()
}

fn talk(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn post(running: &Running, path: &str, kind: &str, body: &str) -> String {
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n"
    );
    talk(running.address("http").unwrap(), &(head + body))
}

/// Each line of the page as name with labels, and value.
fn measured(running: &Running) -> BTreeMap<String, f64> {
    let page = talk(running.address("admin").unwrap(), "GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    let (head, body) = page.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("application/openmetrics-text"), "{head}");
    let lines = body.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| line.rsplit_once(' '))
        .map(|(name, value)| (name.to_owned(), value.parse().unwrap()))
        .collect()
}

fn message(interaction: &str, number: u32, act: &str) -> String {
    format!(
        "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\"><s:Body><{interaction} xmlns=\"urn:hl7-org:v3\" \
         ITSVersion=\"XML_1.0\"><id root=\"2.999.9\" extension=\"{number}\"/><creationTime value=\"20260401090000\"/>\
         <interactionId root=\"2.16.840.1.113883.1.6\" extension=\"{interaction}\"/><processingCode code=\"P\"/>\
         <processingModeCode code=\"T\"/><acceptAckCode code=\"AL\"/><receiver><device><id root=\"2.999.1.0\"/></device></receiver>\
         <sender><device><id root=\"2.999.1.11.1\"/></device></sender>\
         <controlActProcess classCode=\"CACT\" moodCode=\"EVN\">{act}</controlActProcess></{interaction}></s:Body></s:Envelope>"
    )
}

fn fed(number: u32, root: &str, value: &str, given: &str, birth: &str) -> String {
    message(
        "PRPA_IN201301UV02",
        number,
        &format!(
            "<subject><registrationEvent><statusCode code=\"active\"/><subject1><patient classCode=\"PAT\">\
             <id root=\"{root}\" extension=\"{value}\"/><statusCode code=\"active\"/><patientPerson>\
             <name use=\"IDE\"><family>斎藤</family><given>{given}</given></name>\
             <administrativeGenderCode code=\"F\"/><birthTime value=\"{birth}\"/>\
             <addr><city>星見市</city><streetAddressLine>青葉町3-2-15</streetAddressLine><postalCode>999-0101</postalCode></addr>\
             <telecom value=\"tel:0990-12-3456\"/></patientPerson></patient></subject1></registrationEvent></subject>"
        ),
    )
}

fn asked(number: u32, value: &str) -> String {
    message(
        "PRPA_IN201309UV02",
        number,
        &format!(
            "<queryByParameter><queryId root=\"2.999.9\"/><statusCode code=\"new\"/><responsePriorityCode code=\"I\"/>\
             <parameterList><patientIdentifier><value root=\"2.999.1.11\" extension=\"{value}\"/>\
             <semanticsText>Patient.id</semanticsText></patientIdentifier></parameterList></queryByParameter>"
        ),
    )
}

fn traffic(running: &Running) {
    let soap = "application/soap+xml";
    let (h01, c01) = ("2.999.1.11", "2.999.1.21");
    for (body, holds) in [
        (fed(1, h01, "1", "花子", "19800214"), "code=\"CA\""),
        (fed(2, c01, "9", "花子", "19800214"), "code=\"CA\""),
        (fed(2, c01, "9", "花子", "19800214"), "code=\"CA\""),
        // Her twin, by all that is known: a steward is asked.
        (fed(3, h01, "2", "桃代", "19800214"), "code=\"CA\""),
        (fed(4, "2.999.66", "1", "花子", "19800214"), "code=\"CE\""),
        (asked(5, "1"), "code=\"AA\""),
        (asked(6, "nobody"), "code=\"AE\""),
    ] {
        let answer = post(running, "/pix", soap, &body);
        assert!(answer.contains(holds), "{holds}: {answer}");
    }
    assert!(post(running, "/pix", soap, "<a/>").contains("Fault"));
    assert!(post(running, "/pix", "text/plain", "a").starts_with("HTTP/1.1 415"));
}

fn check(store: &Store) {
    let running = serve(registry(store, settings()));
    traffic(&running);
    store.flush_audit().unwrap();
    let page = measured(&running);
    let expect: &[(&str, f64)] = &[
        ("nayose_requests_total{transaction=\"ITI-44\",outcome=\"answered\"}", 5.0),
        ("nayose_requests_total{transaction=\"ITI-45\",outcome=\"answered\"}", 2.0),
        ("nayose_requests_total{transaction=\"none\",outcome=\"fault\"}", 1.0),
        ("nayose_requests_total{transaction=\"none\",outcome=\"refused\"}", 1.0),
        ("nayose_request_seconds_count{transaction=\"ITI-44\"}", 5.0),
        ("nayose_request_seconds_bucket{le=\"+Inf\",transaction=\"ITI-45\"}", 2.0),
        ("nayose_feeds_total{outcome=\"accepted\"}", 3.0),
        ("nayose_feeds_total{outcome=\"repeated\"}", 1.0),
        ("nayose_feeds_total{outcome=\"refused\"}", 1.0),
        ("nayose_refusals_total{transaction=\"ITI-44\",reason=\"authority_not_granted\"}", 1.0),
        ("nayose_refusals_total{transaction=\"ITI-45\",reason=\"unknown_identifier\"}", 1.0),
        ("nayose_decisions_total{outcome=\"match\"}", 1.0),
        ("nayose_decisions_total{outcome=\"possible\"}", 1.0),
        ("nayose_decisions_total{outcome=\"non_match\"}", 1.0),
        ("nayose_candidates_count", 3.0),
        ("nayose_candidates_sum", 3.0),
        ("nayose_links_total{origin=\"automatic\"}", 3.0),
        ("nayose_records_added_total", 3.0),
        ("nayose_reviews_opened_total{kind=\"possible_match\"}", 1.0),
        ("nayose_review_queue", 1.0),
        ("nayose_records", 3.0),
        ("nayose_store_ready", 1.0),
        ("nayose_store_queue", 0.0),
        ("nayose_audit_waiting", 0.0),
        ("nayose_requests_in_flight", 0.0),
        ("nayose_store_connections", 0.0),
        (concat!("nayose_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"}"), 1.0),
    ];
    for (name, value) in expect {
        assert_eq!(page.get(*name), Some(value), "{name} of {page:#?}");
    }
    assert!(page["nayose_commit_seconds_count"] >= 5.0);
    assert_eq!(page.keys().filter(|name| name.contains("2.999") || name.contains("斎藤")).count(), 0);
    // A decided review leaves the queue.
    let registry = registry(store, settings());
    let review = registry.reviews(1).unwrap()[0].id;
    let steward = nayose::access::Principal::operator();
    registry.decide_review(&steward, review, nayose::registry::ReviewVerdict::Different, "").unwrap();
    let page = measured(&running);
    assert_eq!(page["nayose_review_queue"], 0.0);
    assert_eq!(page["nayose_reviews_ended_total{how=\"decided\"}"], 1.0);
    running.stop().unwrap();
}

#[test]
fn metrics_count_what_happened() {
    on_both_stores(check);
}

#[test]
fn decisions_follow_the_growth_of_the_base_and_say_so() {
    on_both_stores(|store| {
        // Of so few, a twentieth is soon added; nothing else tells a small base from a large one.
        let bounds = nayose::matching::Settings { population: 40, ..settings().model.settings() };
        let model = settings().model.with_settings(bounds);
        let registry = registry(store, nayose::registry::Settings { model, ..settings() });
        let kanji = ["山", "川", "田", "森", "原", "島", "谷", "浜"];
        let births = ["19310102", "19420304", "19530506", "19640708", "19750910", "19861112", "19970113", "20080215"];
        for (n, birth) in births.iter().enumerate() {
            for (m, family) in kanji.iter().enumerate() {
                let name = (*family, kanji[(n + m) % kanji.len()]);
                feed(&registry, "h01", &format!("{n}-{m}"), &Said { kanji: name, kana: ("", ""), birth, ..hanako() });
            }
        }
        feed(&registry, "h01", "1", &her_sister());
        // A namesake with a slip: a steward is asked.
        let away = Said { birth: "19830902", town: ("1110000", "別市"), block: "9", ..her_sister() };
        feed(&registry, "h02", "2", &Said { phone: "tel:0990-55-5555", ..away });
        let reviews = registry.reviews(10_000).unwrap();
        let hers: Vec<_> =
            reviews.iter().filter(|r| r.left.as_ref().is_some_and(|(_, value, _)| value == "2")).collect();
        let why: serde_json::Value = serde_json::from_str(&hers[0].explanation).unwrap();
        let population = why["population"].as_u64().unwrap();
        assert!((60..=66).contains(&population), "64 people came before her: {population}");
    });
}
