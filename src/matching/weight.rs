//! From levels to a weight: log2 of the odds that two records are of one person.

use super::comparison::{Comparison, Field, Tradition};
use super::guard;
use super::levels;
use super::model::Model;
use super::record::ComparisonRecord;

/// What one field contributed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FieldScore {
    /// The field.
    pub field: Field,
    /// Its level.
    pub level: &'static str,
    /// log2 m/u.
    pub bits_vs_unrelated: f64,
    /// log2 m/h.
    pub bits_vs_household: f64,
    /// The part of `bits_vs_unrelated` that is due to the frequency of the value.
    pub frequency_bits: f64,
}

/// The weight of a pair of records and how it came about; no personal values.
#[derive(Clone, Debug, PartialEq)]
pub struct PairScore {
    /// log2 of the posterior odds.
    pub bits: f64,
    /// log2 of the prior odds.
    pub prior_bits: f64,
    /// The size of the base from which the prior odds follow.
    pub population: u32,
    /// What fields that are not independent take back, in bits.
    pub dependence_bits: f64,
    /// How much of the probability of "not the same" is "of one household": near 1 for relatives.
    pub household_share: f64,
    /// The levels.
    pub comparison: Comparison,
    /// The fields that both records have.
    pub fields: Vec<FieldScore>,
}

/// The probability to which a weight in bits amounts, as it is computed (see [`Model::probability`]).
pub fn probability(bits: f64) -> f64 {
    1.0 / (1.0 + (-bits).exp2())
}

impl Model {
    /// The weight of a pair: P(levels | one person) over the mixture of household and unrelated, the prior, and what
    /// relatives take back.
    pub fn score(&self, a: &ComparisonRecord, b: &ComparisonRecord) -> PairScore {
        let comparison = Comparison::of(self.tradition(), a, b);
        let mut fields = Vec::new();
        let (mut unrelated, mut household) = (0.0, 0.0);
        for field in Field::ALL {
            let Some(level) = comparison.level(field) else { continue };
            let Some((bits_vs_unrelated, bits_vs_household)) = self.bits_of(field, level) else { continue };
            let frequency_bits = self.frequency_bits(field, level, a, b);
            let bits_vs_unrelated = bits_vs_unrelated + frequency_bits;
            unrelated += bits_vs_unrelated;
            household += bits_vs_household;
            fields.push(FieldScore { field, level, bits_vs_unrelated, bits_vs_household, frequency_bits });
        }
        let dependence_bits = guard::dependence(&guard::of_pair(a, b, &comparison));
        let (bits, household_share) = self.mixed(unrelated, household);
        let (prior_bits, population) = (self.prior_bits(), self.settings.population);
        let bits = bits + dependence_bits;
        PairScore { bits, prior_bits, population, dependence_bits, household_share, comparison, fields }
    }

    /// The weight of a pair whose fields add up to these bits against unrelated people and against members of one
    /// household, and how much of "not the same" is "of one household".
    pub(super) fn mixed(&self, unrelated: f64, household: f64) -> (f64, f64) {
        let share = self.household_share();
        let (of_household, of_unrelated) = (share * (-household).exp2(), (1.0 - share) * (-unrelated).exp2());
        let others = of_household + of_unrelated;
        (self.prior_bits() - others.log2(), of_household / others)
    }

    /// What a level speaks for one person, in bits, against unrelated people and against members of one household.
    pub(super) fn bits_of(&self, field: Field, level: &'static str) -> Option<(f64, f64)> {
        let known = self.level(field, weighed_as(self.tradition(), field, level))?;
        Some(((known.m / known.u).log2(), (known.m / known.h).log2()))
    }

    /// What the frequency of the value on which two records agree adds.
    fn frequency_bits(&self, field: Field, level: &'static str, a: &ComparisonRecord, b: &ComparisonRecord) -> f64 {
        let scale = levels::scale(self.tradition(), field);
        let place = scale.iter().position(|name| *name == level).and_then(|at| levels::Code::try_from(at + 1).ok());
        let exact = scale.get(1).and_then(|name| self.level(field, name));
        let (Some(code), Some(exact)) = (place, exact) else { return 0.0 };
        self.frequencies().adjustment(self.tradition(), (field, code, exact.u), a, b)
    }
}

/// The level whose weight a level has.
fn weighed_as(tradition: Tradition, field: Field, level: &'static str) -> &'static str {
    match levels::scale(tradition, field).iter().position(|name| *name == level) {
        Some(0) => levels::name(tradition, field, levels::weighed_as(field, levels::SWAPPED)).unwrap_or(level),
        _ => level,
    }
}
