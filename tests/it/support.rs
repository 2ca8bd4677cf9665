//! A registry on a store of its own, on SQLite and on PostgreSQL, and people to feed it.

use nayose::access::Principal;
use nayose::audit::Action;
use nayose::clock::Clock;
use nayose::identity::{
    Address, AddressPart, AddressPartKind, Demographics, Field, PartialDate, PatientIdentifier, PersonName,
    Representation, Sex, Telecom, TelecomScheme,
};
use nayose::registry::{FeedCommand, Intake, Registry, Settings, Settled};
use nayose::store::Store;
use nayose::store::testing::Place;

pub use super::region::{DOMAINS, REGIONAL, oid, settings};

pub fn id(domain: &str, value: &str) -> PatientIdentifier {
    let found = DOMAINS.iter().find(|(key, _)| *key == domain).map_or(REGIONAL, |(_, oid)| *oid);
    PatientIdentifier { authority: oid(found), value: value.to_owned() }
}

/// A registry as a server has it: what decisions and questions read is kept in memory where it can be.
pub fn registry(store: &Store, settings: Settings) -> Registry {
    store.keep_in_memory(1_000_000);
    store.answer_from_memory(1_000_000);
    Registry::open(store.clone(), settings, Clock::system()).unwrap()
}

pub fn caller() -> Principal {
    Principal::unregistered("2.999.1.11.1")
}

pub fn intake(message_id: &str, payload: &str) -> Intake {
    let clock = Clock::system();
    Intake {
        principal: caller(),
        transaction: "ITI-44",
        action: Action::Update,
        message_id: message_id.to_owned(),
        payload_hash: payload.to_owned(),
        payload: payload.as_bytes().to_vec(),
        reply_id: clock.uuid().to_string(),
        received: clock.micros(),
    }
}

/// What a clerk types.
#[derive(Clone)]
pub struct Said {
    pub kanji: (&'static str, &'static str),
    pub kana: (&'static str, &'static str),
    pub sex: Sex,
    pub birth: &'static str,
    pub town: (&'static str, &'static str),
    pub block: &'static str,
    pub phone: &'static str,
}

pub fn hanako() -> Said {
    Said {
        kanji: ("齋藤", "花子"),
        kana: ("サイトウ", "ハナコ"),
        sex: Sex::Female,
        birth: "19800214",
        town: ("9990101", "星見市青葉町"),
        block: "3丁目2番15号",
        phone: "tel:0990-12-3456",
    }
}

/// The same woman as another clerk writes her: variant kanji, half-width kana, moved block number.
pub fn hanako_at_the_clinic() -> Said {
    Said { kanji: ("斎藤", "花子"), kana: ("ｻｲﾄｳ", "ﾊﾅｺ"), block: "３－４－７", ..hanako() }
}

pub fn her_sister() -> Said {
    Said { kanji: ("齋藤", "由美"), kana: ("サイトウ", "ユミ"), birth: "19830901", ..hanako() }
}

pub fn her_twin() -> Said {
    Said { birth: "19800214", ..her_sister() }
}

pub fn demographics(said: &Said) -> Demographics {
    let name = |r, (family, given): (&str, &str)| PersonName::simple(Some(r), family, given);
    let part = |kind, value: &str| AddressPart { kind, value: value.to_owned() };
    let address = Address {
        uses: vec!["H".to_owned()],
        parts: vec![
            part(AddressPartKind::PostalCode, said.town.0),
            part(AddressPartKind::State, "星県"),
            part(AddressPartKind::City, said.town.1),
            part(AddressPartKind::StreetAddressLine, said.block),
        ],
    };
    Demographics {
        names: Field::Set(vec![
            name(Representation::Ideographic, said.kanji),
            name(Representation::Syllabic, said.kana),
        ]),
        sex: Field::Set(said.sex),
        birth_date: Field::Set(PartialDate::parse_hl7(said.birth).unwrap()),
        addresses: Field::Set(vec![address]),
        telecoms: Field::Set(vec![Telecom {
            uses: Vec::new(),
            scheme: TelecomScheme::Phone,
            value: said.phone.to_owned(),
        }]),
        ..Demographics::default()
    }
}

pub fn feed(registry: &Registry, domain: &str, value: &str, said: &Said) -> Settled {
    let message = Clock::system().uuid().to_string();
    let command = FeedCommand {
        identifiers: vec![id(domain, value)],
        other_identifiers: Vec::new(),
        demographics: demographics(said),
    };
    let settled = registry.feed(&intake(&message, &message), command).unwrap();
    assert_eq!(settled.outcome.refusal, None);
    settled
}

/// The values that a cross-reference by `domain`/`value` shows, as `oid^value`, sorted.
pub fn others(registry: &Registry, domain: &str, value: &str) -> Vec<String> {
    let found = registry.cross_reference(&caller(), &id(domain, value), &[]).unwrap().unwrap();
    let mut shown: Vec<String> = found
        .identifiers
        .iter()
        .map(|shown| format!("{}^{}", shown.identifier.authority, shown.identifier.value))
        .collect();
    shown.sort();
    shown
}

/// Runs `check` on a fresh store of each kind. Without PostgreSQL it says so aloud, and fails where it is required.
pub fn on_both_stores(check: impl Fn(&Store)) {
    for place in places() {
        check(&place.open(&Clock::system()).unwrap());
    }
}

/// Likewise with a second handle: another process on PostgreSQL; on SQLite, which has one process, the same.
pub fn on_both_stores_with_a_second_process(check: impl Fn(&Store, &Store)) {
    for place in places() {
        let store = place.open(&Clock::system()).unwrap();
        let second =
            if place.url.starts_with("postgres") { place.open(&Clock::system()).unwrap() } else { store.clone() };
        check(&store, &second);
    }
}

/// A place of each kind; where PostgreSQL is required, it must be there.
pub fn places() -> Vec<Place> {
    let places = Place::each();
    let required = std::env::vars_os().any(|(name, _)| name == "NAYOSE_REQUIRE_POSTGRES");
    assert!(!required || places.len() == 2, "PostgreSQL is required here and could not be started");
    let kind = std::env::vars().find(|(name, _)| name == "NAYOSE_KIND").map(|(_, kind)| kind).unwrap_or_default();
    places.into_iter().filter(|place| place.url.starts_with(&kind)).collect()
}
