//! Every field in every state comes back as it went.

use super::*;
use crate::identity::PersonName;
use proptest::prelude::*;

fn field<T: Clone + std::fmt::Debug + 'static>(value: impl Strategy<Value = T> + 'static) -> BoxedStrategy<Field<T>> {
    prop_oneof![
        Just(Field::Keep),
        Just(Field::Erase),
        Just(Field::Masked),
        prop::sample::select(vec![
            UnknownReason::NoInformation,
            UnknownReason::Unknown,
            UnknownReason::AskedButUnknown,
            UnknownReason::NotAsked,
            UnknownReason::Unavailable,
            UnknownReason::NotApplicable,
            UnknownReason::Other,
        ])
        .prop_map(Field::Unknown),
        value.prop_map(Field::Set),
    ]
    .boxed()
}

fn list<T: Clone + std::fmt::Debug + 'static>(
    value: impl Strategy<Value = T> + 'static,
) -> BoxedStrategy<Field<Vec<T>>> {
    field(prop::collection::vec(value, 0..3))
}

fn text() -> impl Strategy<Value = String> {
    r#"[a山"<& \\]{0,4}"#
}

fn coded() -> impl Strategy<Value = Coded> {
    (text(), text(), text()).prop_map(|(code, system, display)| Coded { code, system, display })
}

fn date() -> impl Strategy<Value = PartialDate> {
    prop::sample::select(vec!["1940", "194002", "19400229", "19400229135959.5+0900"])
        .prop_map(|text| PartialDate::parse_hl7(text).unwrap())
}

fn name() -> impl Strategy<Value = PersonName> {
    use NamePartKind::{Delimiter, Family, Given, Prefix, Suffix, Text};
    let kind = prop::sample::select(vec![Family, Given, Prefix, Suffix, Delimiter, Text]);
    let part = (kind, text(), prop::collection::vec(text(), 0..2)).prop_map(|(kind, value, qualifiers)| NamePart {
        kind,
        value,
        qualifiers,
    });
    let script = prop::sample::select(vec![
        None,
        Some(Representation::Ideographic),
        Some(Representation::Syllabic),
        Some(Representation::Alphabetic),
    ]);
    (prop::collection::vec(text(), 0..2), script, prop::collection::vec(part, 0..3))
        .prop_map(|(uses, representation, parts)| PersonName { uses, representation, parts })
}

fn address() -> impl Strategy<Value = Address> {
    use AddressPartKind::*;
    let kind = prop::sample::select(vec![
        Country,
        State,
        County,
        City,
        Precinct,
        PostalCode,
        StreetAddressLine,
        StreetName,
        HouseNumber,
        Unit,
        PostBox,
        Other,
        Text,
        StreetNameBase,
        CareOf,
        Delimiter,
    ]);
    let part = (kind, text()).prop_map(|(kind, value)| AddressPart { kind, value });
    (prop::collection::vec(text(), 0..2), prop::collection::vec(part, 0..4))
        .prop_map(|(uses, parts)| Address { uses, parts })
}

fn telecom() -> impl Strategy<Value = Telecom> {
    use TelecomScheme::{Fax, Mail, Other, Phone};
    (prop::collection::vec(text(), 0..2), prop::sample::select(vec![Phone, Fax, Mail, Other]), text())
        .prop_map(|(uses, scheme, value)| Telecom { uses, scheme, value })
}

fn demographics() -> impl Strategy<Value = Demographics> {
    let sex = field(prop::sample::select(vec![Sex::Female, Sex::Male, Sex::Undifferentiated]));
    let relative =
        (coded(), prop::collection::vec(name(), 0..2)).prop_map(|(code, names)| Relationship { code, names });
    let other = text().prop_map(|value| OtherIdentifier { authority: Oid::parse("2.999.1").unwrap(), value });
    let person = (list(name()), sex, field(date()), list(address()), list(telecom()));
    let life = (field(any::<bool>()), field(date()), field(any::<bool>()), field(any::<u8>()), field(address()));
    let more = || prop::option::of(coded());
    let language = (coded(), more(), more(), prop::option::of(any::<bool>()))
        .prop_map(|(code, mode, proficiency, preferred)| Language { code, mode, proficiency, preferred });
    let codes = (field(coded()), field(coded()), list(coded()), list(coded()), list(coded()), list(language));
    let rest = (list(relative), list(other), list(coded()), field(coded()));
    (person, life, codes, rest).prop_map(|(p, l, c, r)| Demographics {
        names: p.0,
        sex: p.1,
        birth_date: p.2,
        addresses: p.3,
        telecoms: p.4,
        deceased: l.0,
        deceased_time: l.1,
        multiple_birth: l.2,
        birth_order: l.3,
        birth_place: l.4,
        marital_status: c.0,
        religion: c.1,
        races: c.2,
        ethnic_groups: c.3,
        citizenships: c.4,
        languages: c.5,
        relationships: r.0,
        other_identifiers: r.1,
        confidentiality: r.2,
        vip: r.3,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_stored_is_what_was_said(said in demographics()) {
        let again = from_text(&to_text(&said).unwrap()).unwrap();
        prop_assert!(again == said, "{}", to_text(&said).unwrap());
    }
}

#[test]
fn what_cannot_be_read_is_told_and_not_guessed() {
    let check = |text: &str| assert!(matches!(from_text(text), Err(StoreError::Corrupt("demographics"))), "{text}");
    check("");
    check("[]x");
    check(r#"{"sex":{"set":"X"}}"#);
    check(r#"{"birth_date":{"set":"19400230"}}"#);
    check(r#"{"vip":{"unknown":"??"}}"#);
    assert!(from_text("{}").unwrap() == Demographics::default());
}
