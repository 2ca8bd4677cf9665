//! An invented region to try the service with: facilities, people, their records with clerks' errors, and
//! calls to paste.
//!
//! All of it is a pure function of the settings: the same seed gives the same records on every machine.
//! Nothing here may name a real person, facility, place or telephone number, and nothing here opens a
//! store or a listener.

mod calls;
mod errors;
mod names;
mod people;
mod random;
mod region;
mod scripts;
mod showcase;
mod visits;

pub use calls::{Call, calls};
pub use region::{
    DEVICE_OID, Facility, FacilityKind, H01_DEVICE_OID, NETWORK_NAME, REGIONAL_NAMESPACE, REGIONAL_OID, Region, region,
};
pub use showcase::{SHOWCASE_C01_VALUE, SHOWCASE_H01_VALUE, SHOWCASE_SISTER_VALUE};

use crate::identity::{Demographics, DomainKey, Oid};
use random::Random;
use std::collections::VecDeque;

/// The seed of the region that the documentation shows.
pub const DEFAULT_SEED: u64 = 20_260_401;

/// How many people the region has unless told otherwise.
pub const DEFAULT_PEOPLE: usize = 2_700;

/// The most people a region can have: identifiers have seven digits at least, and one is kept for the
/// printed calls.
pub const MAX_PEOPLE: usize = 9_999_999;

/// What region to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How many people, the showcase family's two included; at most [`MAX_PEOPLE`].
    pub people: usize,
    /// Which region: other seeds give other people.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { people: DEFAULT_PEOPLE, seed: DEFAULT_SEED }
    }
}

/// One record of one facility.
#[derive(Clone, PartialEq, Eq)]
pub struct DemoRecord {
    /// The facility's key.
    pub domain: DomainKey,
    /// The facility's OID.
    pub oid: Oid,
    /// The patient number that the facility gave.
    pub value: String,
    /// What the facility's clerk wrote down.
    pub demographics: Demographics,
    /// Which real person this is: equal for all records of one person. For measuring only, never fed.
    pub truth: u32,
}

impl std::fmt::Debug for DemoRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DemoRecord({}, …)", self.domain)
    }
}

/// The records of the region, the showcase family's first, then household by household in flat memory.
pub fn records(settings: &Settings) -> impl Iterator<Item = DemoRecord> + use<> {
    let settings = Settings { people: settings.people.min(MAX_PEOPLE), ..*settings };
    let region = region();
    let family = showcase::records(&region);
    let ready = family.into_iter().filter(|record| exists(record.truth, settings)).collect();
    Records { settings, region, household: 0, next_truth: showcase::PEOPLE, ready }
}

fn exists(truth: u32, settings: Settings) -> bool {
    usize::try_from(truth).is_ok_and(|truth| truth < settings.people)
}

/// The streams of records lie apart from those of households and names.
const RECORDS: u64 = 1 << 41;

struct Records {
    settings: Settings,
    region: Region,
    household: u64,
    next_truth: u32,
    ready: VecDeque<DemoRecord>,
}

impl Records {
    fn fill(&mut self) {
        let people = people::household(self.settings.seed, self.household, self.next_truth);
        self.household += 1;
        for person in people {
            self.next_truth = person.truth + 1;
            if !exists(person.truth, self.settings) {
                continue;
            }
            let mut random = Random::stream(self.settings.seed, RECORDS + u64::from(person.truth));
            for index in visits::visited(&person, &self.region, &mut random) {
                let slips = errors::draw(&mut random);
                let (demographics, _) = errors::write_down(&person, &slips, &mut random);
                self.ready.extend(visits::record(&self.region, index, person.truth, demographics));
            }
        }
    }
}

impl Iterator for Records {
    type Item = DemoRecord;

    fn next(&mut self) -> Option<DemoRecord> {
        while self.ready.is_empty() && exists(self.next_truth, self.settings) {
            self.fill();
        }
        self.ready.pop_front()
    }
}

#[cfg(test)]
mod tests;
