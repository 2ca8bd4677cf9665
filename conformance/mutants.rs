//! Messages with random mistakes: each gets a defined answer, and what is answered in HL7's language is valid.
//!
//! `NAYOSE_MUTANTS` says how many, `NAYOSE_SEED` which; with `NAYOSE_REPLIES` the replies of the first ones are written
//! there too, to be held against the schemas. The messages are our own, and where `NAYOSE_SAMPLES` names a folder the
//! real ones as well.

use crate::{samples, setting, target};
use nayose::clock::{Clock, hl7_timestamp};
use nayose::hl7v3::compose::{self, FedPatient, RequestFrame};
use nayose::hl7v3::{Device, InstanceIdentifier, ShownIdentifier, Strictness};
use nayose::identity::{
    BirthCriterion, Demographics, DemographicsQuery, Field, NameCriterion, Oid, PartialDate, PatientIdentifier,
    PersonName, Representation, Sex, Telecom, TelecomScheme,
};
use nayose::registry::Registry;
use nayose::store::testing::Place;
use nayose::transactions::{Endpoint, Peer, Service};
use nayose::transport::Settings;
use nayose::transport::soap::{HttpAnswer, Request, exchange};
use nayose::xml::{self, Attribute, Element, Limits, Node};

const SHORT: u64 = 1_500;
/// So many replies are written for the validator.
const WRITTEN: u64 = 250;
const ODD: [&str; 22] = [
    "",
    " ",
    "?",
    "0",
    "-1",
    "1",
    "true",
    "99999999999999999999",
    "1e400",
    "NaN",
    "19990230",
    "2026-04-01T12:00:00Z",
    "１９８０",
    "2.999.1.11",
    "2.999.01",
    "1.2.3.",
    "urn:oid:2.999.1",
    "MSK",
    "NI",
    "\u{202E}星",
    "\u{1F600}",
    "*",
];

struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((x ^ (x >> 31)) % u64::try_from(end.max(1)).expect("a size")).expect("a size")
    }

    fn odd(&mut self) -> String {
        match self.below(8) {
            0 => "x".repeat(self.below(5_000)),
            _ => ODD.get(self.below(ODD.len())).copied().unwrap_or_default().to_owned(),
        }
    }
}

fn own() -> Vec<(Endpoint, String)> {
    let id = |root: &str| InstanceIdentifier { root: root.to_owned(), extension: None };
    let clock = Clock::system();
    let device = |root: &str| Device { ids: vec![id(root)], organizations: vec![id("2.999.1.11")] };
    let frame = || RequestFrame {
        id: id(&clock.uuid().to_string()),
        creation_time: hl7_timestamp(clock.micros(), "Asia/Tokyo"),
        processing_code: "P".to_owned(),
        sender: device(target::SENDER),
        receiver: device(target::DEVICE),
    };
    let patient = |value: &str| PatientIdentifier {
        authority: Oid::parse("2.999.1.11").expect("an OID"),
        value: value.to_owned(),
    };
    let name = PersonName::simple(Some(Representation::Ideographic), "星見", "花子");
    let telecom =
        Telecom { uses: vec!["HP".to_owned()], scheme: TelecomScheme::Phone, value: "tel:050-0000-1234".to_owned() };
    let fed = FedPatient {
        identifiers: vec![ShownIdentifier { identifier: patient("A"), authority_name: String::new() }],
        other_identifiers: vec![ShownIdentifier { identifier: patient("B"), authority_name: String::new() }],
        demographics: Demographics {
            names: Field::Set(vec![name.clone()]),
            sex: Field::Set(Sex::Female),
            birth_date: Field::Set(PartialDate::new(1980, 2, 14).expect("a date")),
            telecoms: Field::Set(vec![telecom.clone()]),
            ..Demographics::default()
        },
    };
    let query = DemographicsQuery {
        names: vec![NameCriterion { name: name.clone(), similar: true }],
        birth: Some(BirthCriterion { from: Some(19_700_101), to: Some(19_901_231) }),
        telecoms: vec![telecom],
        domains: vec![Oid::parse("2.999.1.11").expect("an OID")],
        mothers_maiden_names: vec![name],
        minimum_degree: Some(50),
        ..DemographicsQuery::default()
    };
    let (pix, pdq, asked) = (Endpoint::Pix, Endpoint::Pdq, id("2.999.5"));
    vec![
        (pix, compose::feed_add(&frame(), &fed)),
        (pix, compose::feed_revise(&frame(), &fed)),
        (pix, compose::feed_merge(&frame(), &fed, &patient("C"))),
        (pix, compose::pix_query(&frame(), &asked, &patient("A"), &query.domains)),
        (pdq, compose::pdq_query(&frame(), &asked, &query, Some(1))),
        (pdq, compose::pdq_continue(&frame(), &asked, &asked, Some(1), Some(1))),
        (pdq, compose::pdq_cancel(&frame(), &asked, &asked)),
    ]
}

/// An element somewhere below `root`, or `root`.
fn somewhere<'a>(root: &'a mut Element, dice: &mut Dice) -> &'a mut Element {
    let below = root.elements().count();
    if below == 0 || dice.below(6) == 0 {
        return root;
    }
    let pick = dice.below(below);
    let mut elements = root.children.iter_mut().filter_map(|node| match node {
        Node::Element(element) => Some(element),
        Node::Text(_) => None,
    });
    somewhere(elements.nth(pick).expect("as many as were counted"), dice)
}

fn mutate(root: &mut Element, others: &[Element], dice: &mut Dice) {
    let how = dice.below(9);
    let graft = others.get(dice.below(others.len())).map(|other| somewhere(&mut other.clone(), dice).clone());
    let odd = dice.odd();
    let at = somewhere(root, dice);
    let (children, attributes) = (at.children.len(), at.attributes.len());
    match how {
        0 if children > 0 => _ = at.children.remove(dice.below(children)),
        1 if children > 0 => {
            let twin = at.children.get(dice.below(children)).cloned();
            at.children.extend(twin.filter(|twin| matches!(twin, Node::Element(_))));
        }
        2 if children > 1 => at.children.swap(dice.below(children), dice.below(children)),
        3 if attributes > 0 => {
            let pick = dice.below(attributes);
            at.attributes.get_mut(pick).expect("as many as were counted").value = odd;
        }
        4 if attributes > 0 => _ = at.attributes.remove(dice.below(attributes)),
        5 => {
            at.name.local =
                ["id", "name", "value", "subject", "queryByParameter"].get(dice.below(5)).copied().unwrap_or("x").into()
        }
        6 => at.children = vec![Node::Text(if odd.is_empty() { "x".to_owned() } else { odd })],
        7 if !at.attributes.iter().any(|known| &*known.name.local == "nullFlavor") => {
            let mut name = at.name.clone();
            (name.namespace, name.local) = ("".into(), "nullFlavor".into());
            at.attributes.push(Attribute { name, value: odd });
        }
        _ => at.children.extend(graft.map(Node::Element)),
    }
}

fn enveloped(payload: &str, root: &str) -> String {
    let action = match root {
        "QUQI_IN000003UV01" => "QUQI_IN000003UV01_Continue",
        other => other,
    };
    format!(
        "<e:Envelope xmlns:e=\"http://www.w3.org/2003/05/soap-envelope\" \
         xmlns:a=\"http://www.w3.org/2005/08/addressing\"><e:Header><a:Action e:mustUnderstand=\"1\">\
         urn:hl7-org:v3:{action}</a:Action><a:MessageID>urn:uuid:{}</a:MessageID><a:ReplyTo><a:Address>\
         http://www.w3.org/2005/08/addressing/anonymous</a:Address></a:ReplyTo></e:Header>\
         <e:Body>{payload}</e:Body></e:Envelope>",
        Clock::system().uuid()
    )
}

/// What is wrong with an answer, if anything.
fn undefined(answer: &HttpAnswer) -> Option<String> {
    let known = matches!(answer.status, 200 | 400 | 500);
    let Ok(document) = xml::read(answer.body.as_bytes(), None, &Limits::default()) else {
        return Some("the answer cannot be read".to_owned());
    };
    let body = document.first("Body").and_then(|body| body.elements().next());
    let fault = body.is_none_or(|payload| &*payload.name.local == "Fault");
    let fits = known && fault == (answer.status != 200) && answer.outcome != "failed";
    (!fits).then(|| format!("{} {}", answer.status, answer.outcome))
}

fn service(strictness: Strictness) -> (Service, Place) {
    let (clock, place) = (Clock::system(), Place::sqlite().expect("a folder for the store"));
    let registry =
        Registry::open(place.open(&clock).expect("a store"), crate::region::settings(), clock).expect("a registry");
    let codes = ["P", "T", "D"].map(str::to_owned).to_vec();
    (
        Service::new(
            registry,
            nayose::transactions::Settings { processing_codes: codes, strictness, ..target::network() },
        ),
        place,
    )
}

fn play(strictness: Strictness, seed: u64, count: u64) {
    let mut messages = own();
    messages.extend(samples::payloads());
    let trees: Vec<Element> = messages
        .iter()
        .map(|(_, text)| xml::read(text.as_bytes(), None, &Limits::default()).expect("a message"))
        .collect();
    let (service, _place) = service(strictness);
    let lenient = strictness == Strictness::Lenient;
    let rules = Settings { lenient, ..Settings::default() }.rules();
    let replies = setting("NAYOSE_REPLIES");
    for number in 0..count {
        let mut dice = Dice(seed.wrapping_add(number));
        let pick = dice.below(messages.len());
        let (Some((endpoint, _)), Some(tree)) = (messages.get(pick), trees.get(pick)) else { continue };
        let (mut payload, root) = (tree.clone(), tree.name.local.to_string());
        for _ in 0..=dice.below(3) {
            mutate(&mut payload, &trees, &mut dice);
        }
        let mut body = enveloped(&payload.to_xml(), &root).into_bytes();
        if dice.below(10) == 0 {
            let cut = dice.below(body.len());
            if let Some(byte) = body.get_mut(cut) {
                *byte ^= 1 << dice.below(8);
            }
        }
        let (peer, clock) = (Peer::default(), Clock::system());
        let content_type = Some("application/soap+xml; charset=UTF-8");
        let request = Request { body: &body, content_type, endpoint: *endpoint, peer: &peer };
        let answer =
            exchange(&request, &service, &rules, &|| clock.uuid().to_string()).expect("a store that knows what it did");
        let wrong = undefined(&answer);
        assert!(
            wrong.is_none(),
            "seed {seed}, message {number} ({root}): {wrong:?}\n{}",
            String::from_utf8_lossy(&body)
        );
        if let Some(folder) = replies.as_ref().filter(|_| answer.status == 200 && number < WRITTEN) {
            let word = if lenient { "lenient" } else { "strict" };
            std::fs::write(folder.join(format!("mutant-{word}-{number}.xml")), &answer.body).expect("a file");
        }
    }
}

#[test]
fn every_mutant_gets_a_defined_answer() {
    let number = |name: &str| setting(name).and_then(|value| value.to_string_lossy().parse::<u64>().ok());
    let seed = number("NAYOSE_SEED").unwrap_or_else(|| Clock::system().micros().unsigned_abs());
    println!("seed {seed}");
    let count = number("NAYOSE_MUTANTS").unwrap_or(SHORT);
    for strictness in [Strictness::Lenient, Strictness::Strict] {
        play(strictness, seed, count);
    }
}

#[test]
fn what_is_forgiven_is_counted() {
    let (service, _place) = service(Strictness::Lenient);
    let rules = Settings::default().rules();
    let (endpoint, text) = own().into_iter().next().expect("a message");
    let send = |text: &str, without: &str| {
        let body = enveloped(text, "PRPA_IN201301UV02").replace(without, "");
        let content_type = Some("application/soap+xml; charset=UTF-8");
        let request = Request { body: body.as_bytes(), content_type, endpoint, peer: &Peer::default() };
        let fresh = || Clock::system().uuid().to_string();
        exchange(&request, &service, &rules, &fresh).expect("a store that knows what it did").body
    };
    let counted =
        |what: &str| service.metrics().render().contains(&format!("nayose_forgiven_total{{what=\"{what}\"}} 1\n"));
    assert!(send(&text, "<none/>").contains("code=\"CA\""));
    assert!(!service.metrics().render().contains("nayose_forgiven_total{"), "a proper message needs no pardon");
    let sloppy = text.replace("<acceptAckCode code=\"AL\"/>", "<acceptAckCode code=\"NE\"/>");
    let action = "<a:Action e:mustUnderstand=\"1\">urn:hl7-org:v3:PRPA_IN201301UV02</a:Action>";
    send(&sloppy, action);
    assert!(counted("value") && counted("no_action"), "{}", service.metrics().render());
}
