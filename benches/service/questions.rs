//! Questions of every kind that picks few people out of many, about the people of a scene.

use crate::scene::{Scene, frame, fresh, soap};
use nayose::demo::{self, DemoRecord};
use nayose::hl7v3::compose::pdq_query;
use nayose::identity::{
    Address, AddressPart, AddressPartKind, BirthCriterion, DemographicsQuery, NameCriterion, NamePartKind, Oid,
    PatientIdentifier, PersonName, Representation,
};
use nayose::matching::search_tokens;
use std::collections::{BTreeMap, BTreeSet};

/// Kinds of tokens of a record, as the matcher numbers them.
const FAMILY_READING: i16 = 3;
const GIVEN_READING: i16 = 4;

/// So many of the most common names are asked for.
const COMMON: usize = 20;

/// One kind of question, and the questions.
pub struct Kind {
    pub name: &'static str,
    pub bodies: Vec<String>,
}

type Make = fn(&DemoRecord) -> Option<DemographicsQuery>;

/// Every kind, at most `count` questions of each.
pub fn all(scene: &Scene, count: usize) -> Vec<Kind> {
    let of = |name, make: Make| Kind {
        name,
        bodies: scene.sample().iter().filter_map(make).take(count).map(asked).collect(),
    };
    let mut kinds = vec![
        of("identifier", |one| {
            let id = PatientIdentifier { authority: one.oid.clone(), value: one.value.clone() };
            Some(DemographicsQuery { identifiers: vec![id], ..DemographicsQuery::default() })
        }),
        regional(scene, count),
        of("name in kanji, birth date", |one| Some(and_birth(one, by_name(kanji(one)?)))),
        of("name in kana, birth date", |one| Some(and_birth(one, by_name(kana(one)?)))),
        of("name in romaji, birth date", |one| Some(and_birth(one, by_name(romaji(one)?)))),
    ];
    let [rare, common] = by_frequency(scene, count);
    kinds.extend([Kind { name: "rare name", bodies: rare }, Kind { name: "common name", bodies: common }]);
    kinds.extend([
        of("birth date", |one| Some(and_birth(one, DemographicsQuery::default()))),
        of("birth date, sex", |one| Some(and_birth(one, and_sex(one, DemographicsQuery::default())))),
        of("telephone", |one| {
            let telecom = one.demographics.telecoms.values().first()?.clone();
            Some(DemographicsQuery { telecoms: vec![telecom], ..DemographicsQuery::default() })
        }),
        of("postal code, family name", |one| {
            let family = PersonName::simple(None, &kana(one)?.family(), "");
            Some(at(one, &[AddressPartKind::PostalCode], by_name(family)))
        }),
        of("town, family name", |one| {
            let family = PersonName::simple(None, &kanji(one)?.family(), "");
            Some(at(one, &[AddressPartKind::StreetAddressLine], by_name(family)))
        }),
        of("address, given name", |one| {
            let given = PersonName::simple(None, "", &kana(one)?.first_given());
            let whole = [AddressPartKind::PostalCode, AddressPartKind::City, AddressPartKind::StreetAddressLine];
            Some(at(one, &whole, by_name(given)))
        }),
        of("mother's maiden name, birth date", |one| {
            let mothers = one.demographics.relationships.values().first()?.names.clone();
            let mothers = mothers.into_iter().take(1).collect();
            Some(and_birth(one, DemographicsQuery { mothers_maiden_names: mothers, ..DemographicsQuery::default() }))
        }),
        of("family name with a star, given name", |one| {
            let name = kanji(one)?;
            let head: String = name.family().chars().take(1).collect();
            Some(by_name(PersonName::simple(None, &format!("{head}*"), &name.first_given())))
        }),
        of("names alike, birth year, sex, city", |one| {
            let mut query = by_name(kana(one)?);
            query.names.iter_mut().for_each(|name| name.similar = true);
            let year = i32::from(one.demographics.birth_date.value()?.year());
            query.birth = Some(BirthCriterion { from: Some(year * 10_000 + 101), to: Some(year * 10_000 + 1_231) });
            Some(at(one, &[AddressPartKind::City], and_sex(one, query)))
        }),
    ]);
    kinds
}

fn asked(criteria: DemographicsQuery) -> String {
    soap("pdq", "PRPA_IN201305UV02", &pdq_query(&frame(), &fresh(), &criteria, None))
}

fn written(one: &DemoRecord, form: Representation) -> Option<PersonName> {
    let names = one.demographics.names.values().iter();
    let whole = |name: &&PersonName| !name.family().is_empty() && !name.first_given().is_empty();
    let name = names.filter(whole).find(|name| name.representation == Some(form))?;
    Some(PersonName::simple(None, &name.family(), &name.first_given()))
}

fn kanji(one: &DemoRecord) -> Option<PersonName> {
    written(one, Representation::Ideographic)
}

fn kana(one: &DemoRecord) -> Option<PersonName> {
    written(one, Representation::Syllabic)
}

/// By its sound in Latin letters.
fn romaji(one: &DemoRecord) -> Option<PersonName> {
    let tokens = search_tokens(&one.demographics);
    let sound = |kind| Some(tokens.iter().find(|token| token.kind == kind)?.value.clone());
    Some(PersonName::simple(None, &sound(FAMILY_READING)?, &sound(GIVEN_READING)?))
}

fn by_name(name: PersonName) -> DemographicsQuery {
    DemographicsQuery { names: vec![NameCriterion { name, similar: false }], ..DemographicsQuery::default() }
}

fn and_birth(one: &DemoRecord, query: DemographicsQuery) -> DemographicsQuery {
    let period = one.demographics.birth_date.value().map(|date| date.period());
    DemographicsQuery { birth: period.map(|(from, to)| BirthCriterion { from: Some(from), to: Some(to) }), ..query }
}

fn and_sex(one: &DemoRecord, query: DemographicsQuery) -> DemographicsQuery {
    DemographicsQuery { sex: one.demographics.sex.value().copied(), ..query }
}

/// And these parts of the address, as they were written.
fn at(one: &DemoRecord, kinds: &[AddressPartKind], query: DemographicsQuery) -> DemographicsQuery {
    let written = one.demographics.addresses.values().first().map(|address| address.parts.clone()).unwrap_or_default();
    let parts: Vec<AddressPart> = written.into_iter().filter(|part| kinds.contains(&part.kind)).collect();
    let address = Address { uses: Vec::new(), parts };
    let given = !address.parts.is_empty();
    DemographicsQuery { addresses: given.then_some(address).into_iter().collect(), ..query }
}

fn regional(scene: &Scene, count: usize) -> Kind {
    let registry = scene.registry();
    let oid = Oid::parse(demo::REGIONAL_OID).unwrap();
    let question = |one: &DemoRecord| {
        let id = PatientIdentifier { authority: one.oid.clone(), value: one.value.clone() };
        let value = registry.person(&id).unwrap()?.regional?;
        let id = PatientIdentifier { authority: oid.clone(), value };
        Some(asked(DemographicsQuery { identifiers: vec![id], ..DemographicsQuery::default() }))
    };
    Kind { name: "regional ID", bodies: scene.sample().iter().filter_map(question).take(count).collect() }
}

/// Names in kanji that one person has, and those that most have.
fn by_frequency(scene: &Scene, count: usize) -> [Vec<String>; 2] {
    let mut people: BTreeMap<(String, String), BTreeSet<u32>> = BTreeMap::new();
    for one in scene.people() {
        if let Some(name) = kanji(&one) {
            people.entry((name.family(), name.parts_of(NamePartKind::Given).collect())).or_default().insert(one.truth);
        }
    }
    let name = |(family, given): &(String, String)| asked(by_name(PersonName::simple(None, family, given)));
    let rare = people.iter().filter(|(_, who)| who.len() == 1).map(|(whole, _)| name(whole));
    let step = (people.len() / count.max(1)).max(1);
    let rare = rare.step_by(step).take(count).collect();
    let mut all: Vec<_> = people.iter().collect();
    all.sort_by_key(|(_, who)| std::cmp::Reverse(who.len()));
    [rare, all.into_iter().take(COMMON).map(|(whole, _)| name(whole)).collect()]
}
