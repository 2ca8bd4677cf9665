//! How many records the base holds, as decisions take it: the prior of a match depends on it.
//!
//! Counting them all for each feed would cost more than the feed. So they are counted at start, and again when this
//! process has added a twentieth, which moves the prior by less than a tenth of a bit, or after a while, for what
//! other processes have added.

use crate::matching::{self, Model};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// Counted again when this share of the records is new.
const GROWTH: i64 = 20;
/// Counted again at the latest after so many microseconds: ten minutes.
const WHILE: i64 = 10 * 60 * 1_000_000;

/// The model under the size of the base as it was counted last.
pub(super) struct Population {
    /// Never below what the model was configured with: a base that is filling would else begin with decisions that
    /// its own growth belies.
    least: u32,
    /// With the generation that it is of.
    model: RwLock<(i64, Arc<Model>)>,
    counted: AtomicI64,
    counted_at: AtomicI64,
    added: AtomicI64,
}

impl Population {
    /// A base of `records`, counted at `now`.
    pub(super) fn new(model: &Model, records: i64, now: i64) -> Self {
        let population = Self {
            least: model.settings().population,
            model: RwLock::new((0, Arc::new(model.clone()))),
            counted: AtomicI64::new(0),
            counted_at: AtomicI64::new(now),
            added: AtomicI64::new(0),
        };
        population.is_now(records);
        population
    }

    /// Another model decides, or other names are common; the size of the base stays.
    pub(super) fn decides(&self, generation: i64, model: &Model) {
        let mut deciding = self.model.write().unwrap_or_else(PoisonError::into_inner);
        let population = deciding.1.settings().population;
        let settings = matching::Settings { population, ..model.settings() };
        *deciding = (generation, Arc::new(model.clone().with_settings(settings)));
    }

    /// The model to decide by, and its generation.
    pub(super) fn model(&self) -> (i64, Arc<Model>) {
        self.model.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// This process has added a record.
    pub(super) fn grew(&self, records: i64) {
        self.added.fetch_add(records, Ordering::Relaxed);
    }

    /// Whether the records must be counted again; says so to one caller.
    pub(super) fn is_due(&self, now: i64) -> bool {
        let counted_at = self.counted_at.load(Ordering::Relaxed);
        let base = self.counted.load(Ordering::Relaxed).max(i64::from(self.least));
        let grown = self.added.load(Ordering::Relaxed).saturating_mul(GROWTH) >= base;
        (grown || now.saturating_sub(counted_at) >= WHILE)
            && self.counted_at.compare_exchange(counted_at, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// The base holds `records`.
    pub(super) fn is_now(&self, records: i64) {
        self.added.store(0, Ordering::Relaxed);
        self.counted.store(records, Ordering::Relaxed);
        let population = u32::try_from(records).unwrap_or(u32::MAX).max(self.least);
        let mut model = self.model.write().unwrap_or_else(PoisonError::into_inner);
        let settings = matching::Settings { population, ..model.1.settings() };
        model.1 = Arc::new(model.1.as_ref().clone().with_settings(settings));
    }

    /// How many records there are, as far as this process knows.
    pub(super) fn records(&self) -> i64 {
        self.counted.load(Ordering::Relaxed).saturating_add(self.added.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_is_counted_again_when_it_matters() {
        let population = Population::new(&Model::japanese(), 100_000, 0);
        let check = |now: i64, due: bool, what: &str| assert_eq!(population.is_due(now), due, "{what}");
        assert_eq!(population.model().1.settings().population, 100_000);
        population.grew(4_999);
        check(1, false, "not yet a twentieth");
        population.grew(1);
        assert_eq!(population.records(), 105_000);
        check(2, true, "a twentieth");
        population.is_now(106_000);
        assert_eq!((population.model().1.settings().population, population.records()), (106_000, 106_000));
        check(3, false, "just counted");
        check(WHILE + 2, true, "after a while");
        check(WHILE + 2, false, "told to one caller");
    }

    #[test]
    fn a_small_base_decides_as_a_larger_one() {
        let population = Population::new(&Model::japanese(), 3, 0);
        let least = Model::japanese().settings().population;
        assert_eq!(population.model().1.settings().population, least);
        population.grew(i64::from(least) / GROWTH - 1);
        assert!(!population.is_due(1));
        population.grew(1);
        assert!(population.is_due(1));
    }
}
