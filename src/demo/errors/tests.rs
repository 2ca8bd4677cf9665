use super::super::people::household;
use super::*;
use std::collections::HashMap;

fn some_person() -> Person {
    household(9, 4, 0).remove(0)
}

fn written(person: &Person, slips: &[Slip]) -> (Demographics, Vec<Slip>) {
    write_down(person, slips, &mut Random::stream(2, 2))
}

#[test]
fn drawn_rates_are_the_rates_said() {
    let mut random = Random::stream(11, 0);
    let mut seen: HashMap<Slip, u32> = HashMap::new();
    for _ in 0..20_000 {
        for slip in draw(&mut random) {
            *seen.entry(slip).or_default() += 1;
        }
    }
    for (slip, rate) in RATES {
        let count = seen.get(&slip).copied().unwrap_or(0);
        let (low, high) = (rate * 20 * 7 / 10, rate * 20 * 13 / 10 + 5);
        assert!((low..=high).contains(&count), "{slip:?}: {count}, not {low}..{high}");
    }
}

#[test]
fn made_rates_are_within_bounds() {
    let mut random = Random::stream(12, 0);
    let mut seen: HashMap<Slip, u32> = HashMap::new();
    let mut records = 0u32;
    for number in 0..6_000 {
        for person in household(12, number, 0) {
            let slips = draw(&mut random);
            let (_, made) = write_down(&person, &slips, &mut random);
            assert!(made.iter().all(|slip| slips.contains(slip)), "a slip that was not drawn");
            made.into_iter().for_each(|slip| *seen.entry(slip).or_default() += 1);
            records += 1;
        }
    }
    let per_mille = |slip| seen.get(&slip).copied().unwrap_or(0) * 1000 / records;
    for (slip, low, high) in [
        (Slip::KanjiVariant, 5, 60),
        (Slip::KanjiMissing, 20, 40),
        (Slip::HalfWidthKana, 45, 75),
        (Slip::KanaTypo, 5, 16),
        (Slip::MovedAddress, 80, 120),
        (Slip::BirthDigit, 7, 18),
        (Slip::SexTypo, 2, 9),
        (Slip::PhoneMissing, 90, 150),
        (Slip::NamesSwapped, 0, 7),
        (Slip::MarriedSurname, 3, 40),
    ] {
        assert!((low..=high).contains(&per_mille(slip)), "{slip:?}: {} of 1000", per_mille(slip));
    }
    for (slip, _) in RATES {
        assert!(seen.contains_key(&slip), "{slip:?} is never made");
    }
}

#[test]
fn a_clean_record_says_everything() {
    let person = some_person();
    let (said, made) = written(&person, &[]);
    assert!(made.is_empty());
    for representation in [Representation::Ideographic, Representation::Syllabic, Representation::Alphabetic] {
        let name = said.name_in(representation).unwrap();
        assert!(!name.family().is_empty() && !name.first_given().is_empty());
    }
    assert_eq!(said.birth_date, Field::Set(person.birth.clone()));
    let address = &said.addresses.values()[0];
    for kind in [
        AddressPartKind::State,
        AddressPartKind::City,
        AddressPartKind::Precinct,
        AddressPartKind::StreetAddressLine,
        AddressPartKind::PostalCode,
    ] {
        assert!(!address.first(kind).is_empty(), "{kind:?}");
    }
}

#[test]
fn every_record_keeps_a_name() {
    let all: Vec<Slip> = RATES.iter().map(|(slip, _)| *slip).collect();
    let (said, made) = written(&some_person(), &all);
    assert!(said.names.values().iter().any(|name| !name.is_empty()));
    assert!(made.contains(&Slip::KanjiMissing) && !made.contains(&Slip::KanaMissing));
}

#[test]
fn slips_change_what_they_say() {
    let person = some_person();
    let (clean, _) = written(&person, &[]);
    for slip in [Slip::SexTypo, Slip::NamesSwapped, Slip::HalfWidthKana, Slip::MovedAddress, Slip::BlockRewritten] {
        let (said, made) = written(&person, &[slip]);
        assert_eq!(made, [slip]);
        assert!(said != clean, "{slip:?}");
    }
}
