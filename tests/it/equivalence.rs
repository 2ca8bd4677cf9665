//! A history of adds, revises, merges and restarts, over people who are identical or disjoint, answers ITI-45 as a
//! reference model of it does: from bytes to bytes, on both stores.
//!
//! `NAYOSE_HISTORIES` sets how many histories are played (the full form is 10,000), `NAYOSE_SEED` plays those of a
//! printed seed again, `NAYOSE_HISTORIES_FROM` goes on where a run was stopped, and `NAYOSE_KIND` (`sqlite`, `postgres`)
//! names the one store that is played on.

use crate::histories::{Dice, histories};
use crate::people::{said, seed};
use crate::support::*;
use nayose::clock::{Clock, hl7_timestamp};
use nayose::hl7v3::compose::{FedPatient, RequestFrame, feed_add, feed_merge, feed_revise, pix_query};
use nayose::hl7v3::{Device, InstanceIdentifier, ShownIdentifier, Strictness};
use nayose::registry::Settings;
use nayose::store::testing::Place;
use nayose::transactions::{self, Endpoint, Peer, Service};
use nayose::xml::{self, Element};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::LazyLock;

/// A domain and a value in it.
type Id = (usize, usize);

/// Where the history plays; people of which no two share name, birth date, address or telephone.
const PLACES: [&str; 6] = ["h01", "h02", "h03", "c01", "c02", "h04"];
const PEOPLE: usize = 6;
const VALUES: usize = 4;

/// So many histories are played in one store, which is emptied before each.
const IN_ONE_STORE: u64 = 50;

/// Read once: a model takes its time.
static RULES: LazyLock<Settings> = LazyLock::new(settings);

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// A source says that its number is this person's: an add or a revise, as the flag says; it makes no difference.
    Feed(Id, usize, bool),
    /// The survivor and what is subsumed by it.
    Merge(Id, Id),
    Restart,
}

/// A record: who its demographics are of, whether a source has linked it, and to which person.
#[derive(Clone, Copy, Debug)]
struct Record {
    who: usize,
    by_source: bool,
    person: usize,
}

/// The reference: what is linked, by the rules alone. One comparison decides, since people are identical or disjoint.
#[derive(Clone, Debug, Default)]
struct Model {
    records: BTreeMap<Id, Record>,
    subsumed: BTreeSet<Id>,
    persons: usize,
    /// A bug, to see that it would be noticed.
    forgets_merges: bool,
    /// Likewise.
    keeps_links: bool,
}

impl Model {
    /// Does `step`; whether it is accepted.
    fn takes(&mut self, step: Step) -> bool {
        match step {
            Step::Restart => true,
            Step::Feed(id, _, _) if self.subsumed.contains(&id) => false,
            Step::Feed(id, who, _) => {
                let person = self.home(id, who);
                let by_source = self.records.get(&id).is_some_and(|known| known.by_source);
                self.records.insert(id, Record { who, by_source, person });
                true
            }
            Step::Merge(survivor, gone) => {
                let dead = self.subsumed.contains(&survivor) || survivor == gone;
                let Some(old) = self.records.get(&gone).copied().filter(|_| !dead) else { return false };
                self.records.remove(&gone);
                self.subsumed.insert(gone);
                let Some(into) = self.records.get(&survivor).map(|record| record.person) else {
                    // A survivor that was never fed takes over what was known.
                    self.records.insert(survivor, Record { by_source: true, ..old });
                    return true;
                };
                let carried = self.records.values_mut().filter(|record| record.person == old.person);
                for record in carried.filter(|_| old.person != into && !self.forgets_merges) {
                    *record = Record { by_source: true, person: into, ..*record };
                }
                true
            }
        }
    }

    /// The person of `id` once it is `who`.
    fn home(&mut self, id: Id, who: usize) -> usize {
        let others = |wanted: &dyn Fn(&Record) -> bool| {
            self.records.iter().find(|(other, record)| **other != id && wanted(record)).map(|(_, record)| record.person)
        };
        let same = others(&|record| record.who == who);
        let Some(known) = self.records.get(&id).copied() else { return same.unwrap_or_else(|| self.opened()) };
        let here = others(&|record| record.who == who && record.person == known.person);
        let alone = others(&|record| record.person == known.person).is_none();
        if known.who == who || known.by_source || here.is_some() || self.keeps_links {
            return known.person;
        }
        match same {
            Some(person) => person,
            None if alone => known.person,
            None => self.opened(),
        }
    }

    fn opened(&mut self) -> usize {
        self.persons += 1;
        self.persons
    }

    /// The other identifiers of the person of `id`; none where nobody is known by it.
    fn others(&self, id: Id) -> Option<BTreeSet<Id>> {
        let person = self.records.get(&id)?.person;
        let of = |(other, record): (&Id, &Record)| (record.person == person && *other != id).then_some(*other);
        Some(self.records.iter().filter_map(of).collect())
    }

    /// Whether a comparison alone cannot say whose `step` is: two persons have records of that one, or a source has
    /// made one person of two, so that every record of either contradicts one of the other. A steward is asked then.
    fn doubts(&self, step: Step) -> bool {
        let Step::Feed(id, who, _) = step else { return false };
        let others = || self.records.iter().filter(move |(other, _)| **other != id).map(|(_, record)| record);
        let homes: BTreeSet<usize> = others().filter(|one| one.who == who).map(|one| one.person).collect();
        let known = self.records.get(&id).is_some_and(|record| record.who == who);
        let mixed = others().any(|one| homes.contains(&one.person) && one.who != who);
        !known && (homes.len() > 1 || mixed)
    }
}

/// A server's service over a store, without its listeners.
struct Played<'a> {
    place: &'a Place,
    service: Option<Service>,
    seed: u64,
}

impl<'a> Played<'a> {
    fn start(place: &'a Place, seed: u64) -> Self {
        let mut played = Self { place, service: None, seed };
        let before = registry(&place.open(&Clock::system()).unwrap(), RULES.clone());
        assert!(before.is_for(true).unwrap() && before.reset().unwrap(), "a test's store is emptied");
        drop(before);
        played.restart();
        played
    }

    fn restart(&mut self) {
        // The store has one process at a time.
        self.service = None;
        let registry = registry(&self.place.open(&Clock::system()).unwrap(), RULES.clone());
        let settings = transactions::Settings {
            device: "2.999.1.0".to_owned(),
            time_zone: "Asia/Tokyo".to_owned(),
            processing_codes: vec!["P".to_owned()],
            strictness: Strictness::Strict,
            devices: HashMap::new(),
        };
        self.service = Some(Service::new(registry, settings));
    }

    /// The reply to a payload, through decode and encode.
    fn send(&self, payload: &str) -> Element {
        let read = |text: &str| xml::read(text.as_bytes(), None, &xml::Limits::default()).unwrap();
        let reply = self.service.as_ref().unwrap().handle(Endpoint::Pix, &read(payload), &Peer::default());
        read(&reply.unwrap().body)
    }

    /// Does `step`; whether it is accepted.
    fn takes(&mut self, step: Step) -> bool {
        let patient = |id: Id, who: usize| FedPatient {
            identifiers: vec![ShownIdentifier { identifier: named(id), authority_name: String::new() }],
            other_identifiers: Vec::new(),
            // Far apart: no two of them share anything but, by chance, the sex.
            demographics: demographics(&said(self.seed, who as u64 * 55, 0)),
        };
        let payload = match step {
            Step::Restart => {
                self.restart();
                return true;
            }
            Step::Feed(id, who, false) => feed_add(&frame(), &patient(id, who)),
            Step::Feed(id, who, true) => feed_revise(&frame(), &patient(id, who)),
            Step::Merge(survivor, gone) => feed_merge(&frame(), &patient(survivor, 0), &named(gone)),
        };
        match code(&self.send(&payload)) {
            "CA" => true,
            "CE" => false,
            other => panic!("acknowledged as {other}"),
        }
    }

    /// The identifiers that ITI-45 shows for `id`, as `oid^value`; none where it is unknown.
    fn others(&self, id: Id, domains: &[&str]) -> Option<BTreeSet<String>> {
        let frame = frame();
        let wanted: Vec<_> = domains.iter().map(|domain| crate::support::id(domain, "").authority).collect();
        let reply = self.send(&pix_query(&frame, &frame.id, &named(id), &wanted));
        let act = reply.first("controlActProcess").unwrap();
        let path = ["subject", "registrationEvent", "subject1", "patient"];
        let patient = path.iter().try_fold(act, |at, name| at.first(name));
        let ids = patient.into_iter().flat_map(|patient| patient.all("id"));
        let shown: BTreeSet<String> =
            ids.map(|id| format!("{}^{}", id.attribute("root").unwrap(), id.attribute("extension").unwrap())).collect();
        let response = act.first("queryAck").and_then(|ack| ack.first("queryResponseCode")).unwrap();
        match (code(&reply), response.attribute("code").unwrap(), shown.is_empty()) {
            ("AA", "OK", false) | ("AA", "NF", true) => Some(shown),
            ("AE", "AE", true) => None,
            other => panic!("answered {other:?}"),
        }
    }
}

fn code(reply: &Element) -> &str {
    reply.first("acknowledgement").and_then(|it| it.first("typeCode")).unwrap().attribute("code").unwrap()
}

fn named((domain, value): Id) -> nayose::identity::PatientIdentifier {
    id(PLACES[domain], &format!("N{value}"))
}

fn frame() -> RequestFrame {
    let clock = Clock::system();
    let own = |root: &str| InstanceIdentifier { root: root.to_owned(), extension: None };
    let device = |oid: &str| Device { ids: vec![own(oid)], ..Device::default() };
    RequestFrame {
        id: own(&clock.uuid().to_string()),
        creation_time: hl7_timestamp(clock.micros(), "Asia/Tokyo"),
        processing_code: "P".to_owned(),
        sender: device("2.999.1.11.1"),
        receiver: device("2.999.1.0"),
    }
}

/// The next step that leaves no doubt who is who.
fn drawn(dice: &mut Dice, model: &Model, domains: usize) -> Step {
    loop {
        let mut one = |most: usize| dice.below(most as u64) as usize;
        let step = match one(10) {
            0 => Step::Restart,
            1 | 2 => {
                let domain = one(domains);
                Step::Merge((domain, one(VALUES)), (domain, one(VALUES)))
            }
            _ => Step::Feed((one(domains), one(VALUES)), one(PEOPLE), one(2) == 0),
        };
        if !model.doubts(step) {
            return step;
        }
    }
}

/// Plays one history against `model`; the first difference, if there is one.
fn difference(place: &Place, seed: u64, mut model: Model) -> Option<String> {
    let mut dice = Dice::new(seed);
    let (domains, steps) = (3 + dice.below(4) as usize, 12 + dice.below(24));
    let mut played = Played::start(place, seed);
    let mut done = Vec::new();
    for _ in 0..steps {
        let step = drawn(&mut dice, &model, domains);
        let (is, should) = (played.takes(step), model.takes(step));
        done.push(step);
        if is != should {
            return Some(format!("accepted {is}, not {should}: {done:?}"));
        }
    }
    let mut regional: BTreeMap<String, usize> = BTreeMap::new();
    for id in (0..domains).flat_map(|domain| (0..VALUES).map(move |value| (domain, value))) {
        let should: Option<BTreeSet<String>> =
            model.others(id).map(|ids| ids.into_iter().map(|id| text(&named(id))).collect());
        let is = played.others(id, &PLACES[..domains]);
        if is != should {
            return Some(format!("{} has {is:?}, not {should:?}: {done:?}", text(&named(id))));
        }
        // In all domains there is one regional ID besides, of this person and no other.
        let Some(should) = should else { continue };
        let all = played.others(id, &[]).unwrap_or_default();
        let besides: Vec<&String> = all.difference(&should).collect();
        let person = model.records[&id].person;
        let [own] = *besides else { return Some(format!("regional {besides:?}: {done:?}")) };
        if !own.starts_with(&format!("{REGIONAL}^")) || *regional.entry(own.clone()).or_insert(person) != person {
            return Some(format!("{own} is {person} and another: {done:?}"));
        }
    }
    let persons: BTreeSet<&usize> = regional.values().collect();
    (persons.len() != regional.len())
        .then(|| format!("{} persons have {} IDs: {done:?}", persons.len(), regional.len()))
}

fn text(id: &nayose::identity::PatientIdentifier) -> String {
    format!("{}^{}", id.authority, id.value)
}

#[test]
fn random_histories_answer_as_the_model_does() {
    let (seed, mut held) = (seed(), Vec::new());
    for history in histories(40) {
        if held.is_empty() || history % IN_ONE_STORE == 0 {
            held = places();
        }
        for place in &held {
            let found = difference(place, seed + history, Model::default());
            assert_eq!(found, None, "seed {seed}, history {history}, {}", place.url);
        }
    }
}

#[test]
fn a_wrong_model_is_noticed() {
    let seed = seed();
    for wrong in [Model { forgets_merges: true, ..Model::default() }, Model { keeps_links: true, ..Model::default() }] {
        let mut seeds = seed..seed + 40;
        let found = seeds.find_map(|seed| difference(&Place::sqlite().unwrap(), seed, wrong.clone()));
        assert!(found.is_some(), "40 histories from seed {seed} do not notice {wrong:?}");
    }
}
