//! Every query parameter alone, and random combinations, against a look at every person.
//!
//! The short form asks few people; `NAYOSE_SEARCH_PEOPLE` and `NAYOSE_SEARCH_QUESTIONS` make it larger, and
//! `NAYOSE_SEED` repeats one.

mod people;
mod reference;

use crate::people::{named, seed};
use crate::support::*;
use nayose::clock::{Clock, hl7_timestamp};
use nayose::hl7v3::compose::{RequestFrame, pdq_continue, pdq_query};
use nayose::hl7v3::{Device, InstanceIdentifier, Strictness};
use nayose::registry::{FeedCommand, Linking, Registry, Settings};
use nayose::store::export;
use nayose::store::testing::Place;
use nayose::transactions::{self, Endpoint, Peer, Service};
use nayose::xml::{self, Element};
use people::{Asked, Dice, KEYS, OIDS, PARAMETERS, Person};
use std::collections::HashMap;
use std::io::{BufReader, BufWriter, Seek};

/// More people than these are fed once, and copied from one store into the other.
const MANY: usize = 4_000;
const LIMIT: u32 = 200;
const FEEDERS: usize = 12;

/// How an answer ended, and the patients of all its pages in order: the first own identifier, and the degree.
#[derive(Debug, PartialEq)]
enum Answer {
    Told(Vec<(String, u32)>),
    Refused(String),
}

fn fed(registry: &Registry, people: &[Person]) {
    std::thread::scope(|scope| {
        for feeder in 0..FEEDERS {
            scope.spawn(move || {
                for person in people.iter().skip(feeder).step_by(FEEDERS) {
                    let message = Clock::system().uuid().to_string();
                    let command = FeedCommand {
                        identifiers: person.ids.iter().map(|(domain, value)| id(KEYS[*domain], value)).collect(),
                        other_identifiers: Vec::new(),
                        demographics: person.said(),
                    };
                    let settled = registry.feed(&intake(&message, &message), command).unwrap();
                    assert_eq!(settled.outcome.refusal, None);
                }
            });
        }
    });
}

fn service(registry: Registry) -> Service {
    let settings = transactions::Settings {
        device: "2.999.1.0".to_owned(),
        time_zone: "Asia/Tokyo".to_owned(),
        processing_codes: vec!["P".to_owned()],
        strictness: Strictness::Strict,
        devices: HashMap::new(),
    };
    Service::new(registry, settings)
}

fn frame(source: Option<usize>) -> RequestFrame {
    let id = |root: &str| InstanceIdentifier { root: root.to_owned(), extension: None };
    let clock = Clock::system();
    RequestFrame {
        id: id(&clock.uuid().to_string()),
        creation_time: hl7_timestamp(clock.micros(), "Asia/Tokyo"),
        processing_code: "P".to_owned(),
        sender: Device { ids: vec![id("2.999.1.11.1")], ..Device::default() },
        receiver: Device {
            ids: vec![id("2.999.1.0")],
            organizations: source.map(|domain| id(OIDS[domain])).into_iter().collect(),
        },
    }
}

fn at<'a>(from: &'a Element, path: &str) -> Option<&'a Element> {
    let below = |at: &'a Element, name: &str| at.elements().find(|child| &*child.name.local == name);
    path.split('/').try_fold(from, below)
}

fn value(from: &Element, path: &str) -> u32 {
    at(from, path).and_then(|found| found.attribute("value")).and_then(|text| text.parse().ok()).unwrap()
}

fn send(service: &Service, message: &str) -> Element {
    let payload = xml::read(message.as_bytes(), None, &xml::Limits::default()).unwrap();
    let reply = service.handle(Endpoint::Pdq, &payload, &Peer::default()).unwrap();
    xml::read(reply.body.as_bytes(), None, &xml::Limits::default()).unwrap()
}

/// Asks, and goes on for as long as there is more.
fn answer(service: &Service, asked: &Asked) -> Answer {
    let (frame, query) =
        (frame(asked.source), InstanceIdentifier { root: Clock::system().uuid().to_string(), extension: None });
    let mut reply = send(service, &pdq_query(&frame, &query, &asked.criteria(), asked.quantity));
    let mut told = Vec::new();
    loop {
        let code = at(&reply, "acknowledgement/typeCode").unwrap().attribute("code").unwrap();
        let act = reply.first("controlActProcess").unwrap();
        let quantity = |name: &str| value(act, &format!("queryAck/result{name}Quantity"));
        let page: Vec<(String, u32)> = act.all("subject").map(patient).collect();
        assert_eq!(quantity("Current") as usize, page.len());
        if code != "AA" {
            assert!(page.is_empty() && quantity("Total") == 0 && told.is_empty());
            let detail = at(&reply, "acknowledgement/acknowledgementDetail/code").unwrap();
            return Answer::Refused(detail.attribute("code").unwrap().to_owned());
        }
        told.extend(page);
        assert_eq!(quantity("Total") as usize, told.len() + quantity("Remaining") as usize);
        if quantity("Remaining") == 0 {
            return Answer::Told(told);
        }
        assert!(quantity("Current") > 0);
        let follows = InstanceIdentifier {
            root: at(&reply, "id").unwrap().attribute("root").unwrap().to_owned(),
            extension: None,
        };
        reply = send(service, &pdq_continue(&self::frame(asked.source), &follows, &query, None, None));
    }
}

fn patient(subject: &Element) -> (String, u32) {
    let patient = at(subject, "registrationEvent/subject1/patient").unwrap();
    let own = patient.all("id").find(|id| id.attribute("root") != Some(REGIONAL)).unwrap();
    let degree = value(patient, "subjectOf1/queryMatchObservation/value");
    (own.attribute("extension").unwrap().to_owned(), degree)
}

/// What a look at every person finds.
fn expected(people: &[Person], asked: &Asked) -> Answer {
    if !asked.constrains() {
        return Answer::Refused("SYN100".to_owned());
    }
    let fits = |person: &Person| Some((person.ids[0].1.clone(), reference::degree(asked, person)?));
    let found: Vec<(String, u32)> = people.iter().filter_map(fits).collect();
    if found.len() > LIMIT as usize { Answer::Refused("INTERR".to_owned()) } else { Answer::Told(found) }
}

/// How a question ended.
#[derive(Clone, Copy, Default)]
struct Judged {
    /// A look at every person finds somebody, and not too many.
    finds: bool,
    /// It was refused all the same.
    refused: bool,
}

/// Compares the two.
fn compare(service: &Service, people: &[Person], asked: &Asked, name: &str) -> Judged {
    let (found, wanted) = (answer(service, asked), expected(people, asked));
    let finds = matches!(&wanted, Answer::Told(found) if !found.is_empty());
    Judged { finds, refused: agree((found, wanted), people.len(), asked, name) }
}

/// Fails where the two do not agree; whether it was refused although a look at every person finds few.
fn agree((found, wanted): (Answer, Answer), people: usize, asked: &Asked, name: &str) -> bool {
    let broad = |asked: &Asked| {
        asked
            .names
            .iter()
            .any(|name| [&name.family, &name.given].into_iter().flatten().any(|text| text.written.contains('*')))
    };
    match (found, wanted) {
        (Answer::Told(found), Answer::Told(mut wanted)) => {
            assert!(found.windows(2).all(|pair| pair[0].1 >= pair[1].1), "{name}: not in order of degree");
            let mut found = found;
            found.sort();
            wanted.sort();
            assert_eq!(found, wanted, "{name}");
            false
        }
        (Answer::Refused(code), Answer::Told(wanted)) => {
            // Too many come into question for the filter to look at each: told as too broad, never cut.
            assert!(
                code == "INTERR" && (people > MANY || broad(asked) || !asked.mothers.is_empty()),
                "{name}: {code}, not {wanted:?}"
            );
            true
        }
        (found, wanted) => {
            assert_eq!(found, wanted, "{name}");
            false
        }
    }
}

/// Asks `service`, which knows `people`, by every parameter alone and by random combinations.
fn play(service: &Service, dice: &mut Dice, people: &[Person], questions: usize) {
    let (mut refused, mut narrow) = (0, 0);
    for parameter in 0..PARAMETERS {
        for turn in 0..8 {
            let asked = Asked::random(dice, people, &[parameter]);
            let judged = compare(service, people, &asked, &format!("parameter {parameter}, turn {turn}"));
            refused += usize::from(judged.refused);
        }
    }
    for question in 0..questions {
        let parameters: Vec<usize> = (0..PARAMETERS).filter(|_| dice.chance(35)).collect();
        let asked = Asked::random(dice, people, &parameters);
        let judged = compare(service, people, &asked, &format!("question {question}: {parameters:?}"));
        narrow += usize::from(judged.finds);
        refused += usize::from(judged.refused);
        if question % 100 == 99 {
            println!("{} questions, {narrow} found somebody, {refused} were refused", question + 1);
        }
    }
    println!(
        "{} people, {PARAMETERS} parameters alone, {questions} combinations: {narrow} found somebody, {refused} were \
         refused as too broad though few fit",
        people.len()
    );
    assert!(narrow > questions / 4, "{narrow} of {questions} questions find anybody");
    assert!(refused <= questions / 10, "{refused} of {questions} refused");
}

/// The store at `place` with `people` in it: told by their sources, or where they are many copied from one who was told.
fn filled(place: &Place, people: &[Person], told: Option<&Place>) -> Registry {
    let rules = Settings { linking: Linking::Propose, search_limit: LIMIT, ..settings() };
    let store = place.open(&Clock::system()).unwrap();
    let begun = std::time::Instant::now();
    if let Some(told) = told.filter(|_| people.len() > MANY) {
        let mut file = tempfile::tempfile().unwrap();
        export(&told.url, &mut BufWriter::new(&mut file)).unwrap();
        file.rewind().unwrap();
        store.import(Box::new(BufReader::new(file))).unwrap();
        println!("{} people copied in {} s to {store:?}", people.len(), begun.elapsed().as_secs());
        return registry(&store, rules);
    }
    let registry = registry(&store, rules);
    fed(&registry, people);
    println!("{} people fed in {} s to {store:?}", people.len(), begun.elapsed().as_secs());
    registry
}

#[test]
fn every_parameter_and_their_combinations_equal_a_look_at_every_person() {
    let seed = seed();
    let count = named("NAYOSE_SEARCH_PEOPLE").unwrap_or(400) as usize;
    let questions = named("NAYOSE_SEARCH_QUESTIONS").unwrap_or(100) as usize;
    let places = places();
    for place in &places {
        let mut dice = Dice(seed);
        let people: Vec<Person> = (0..count).map(|number| Person::random(&mut dice, number, count)).collect();
        let told = places.first().filter(|first| first.url != place.url);
        play(&service(filled(place, &people, told)), &mut dice, &people, questions);
    }
}

#[test]
fn the_reference_is_short() {
    let lines = include_str!("reference.rs").lines().count();
    assert!(lines < 100, "{lines} lines");
}
