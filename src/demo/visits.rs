//! Who goes where, and under which patient number.
//!
//! A number must be unique within its facility without a list of those given: it is a permutation of the
//! person's number, another one at each facility.

use super::names::words;
use super::people::Person;
use super::random::Random;
use super::region::{CITIES, FacilityKind, Region};
use super::{DemoRecord, region::Facility};
use crate::identity::Demographics;

/// In how many of a thousand people there are one, two ... six records: 2.2 on average.
const RECORDS_PER_PERSON: [u32; 6] = [350, 320, 190, 80, 40, 20];

/// The indexes of the facilities that `person` has been to, each once; at least one.
pub fn visited(person: &Person, region: &Region, random: &mut Random) -> Vec<usize> {
    let wanted = 1 + random.weighted(&RECORDS_PER_PERSON);
    let towns_per_city = words().towns.len() / usize::try_from(CITIES).unwrap_or(1);
    let city = u32::try_from(person.home.town / towns_per_city.max(1)).unwrap_or(0);
    let mut weights: Vec<u32> =
        region.facilities.iter().map(|facility| attraction(facility, city, person.age)).collect();
    let mut found = Vec::new();
    for _ in 0..wanted {
        let index = random.weighted(&weights);
        if let Some(weight) = weights.get_mut(index) {
            *weight = 0;
        }
        found.push(index);
    }
    found
}

fn attraction(facility: &Facility, city: u32, age: u32) -> u32 {
    let kind = match facility.kind {
        FacilityKind::Hospital => 8,
        FacilityKind::Clinic => 4,
        FacilityKind::Dentist => 5,
        FacilityKind::CareHome if age >= 70 => 10,
        FacilityKind::CareHome => 0,
    };
    if facility.city == city { kind * 8 } else { kind }
}

/// The record of person `truth` at the facility `index`; none where there is no such facility.
pub fn record(region: &Region, index: usize, truth: u32, demographics: Demographics) -> Option<DemoRecord> {
    let facility = region.facilities.get(index)?;
    Some(DemoRecord {
        domain: facility.authority.key.clone(),
        oid: facility.authority.oid.clone(),
        value: patient_number(facility.kind, index, truth),
        demographics,
        truth,
    })
}

/// Hospitals give eight digits, all others seven, filled with zeros.
pub fn patient_number(kind: FacilityKind, index: usize, truth: u32) -> String {
    let index = u64::try_from(index).unwrap_or(0);
    // Both factors end in 7 and so share no divisor with a power of ten: no two people get one number.
    let step = 6_180_337 + 20 * index;
    let start = 4_183_027 + 7_919 * index;
    let number = start + step * u64::from(truth);
    match kind {
        FacilityKind::Hospital => format!("{:08}", number % 100_000_000),
        _ => format!("{:07}", number % 10_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn numbers_are_unique_within_a_facility() {
        for (kind, index, length) in [(FacilityKind::Hospital, 0, 8), (FacilityKind::Clinic, 7, 7)] {
            let numbers: HashSet<_> = (0..50_000).map(|truth| patient_number(kind, index, truth)).collect();
            assert_eq!(numbers.len(), 50_000);
            assert!(numbers.iter().all(|number| number.len() == length));
            assert!(numbers.iter().any(|number| number.starts_with('0')));
        }
    }
}
