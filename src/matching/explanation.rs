//! Why a pair got its weight: levels and bits.
//!
//! It must never hold a personal value: explanations go to logs and to people without the right to see values.

mod account;
mod bridge;
mod flip;
mod waterfall;

pub use account::{Account, SharedKey, Step, Thresholds};
pub use bridge::{Bridge, bridge};
pub use flip::Flip;

use super::guard::Guard;
use super::model::Model;
use super::weight::PairScore;
use serde::Serialize;
use std::fmt::Write;

/// What one field contributed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FieldExplanation {
    /// The field.
    pub field: &'static str,
    /// How well it agrees.
    pub level: &'static str,
    /// Evidence against "unrelated people".
    pub bits_vs_unrelated: f64,
    /// Evidence against "members of one household".
    pub bits_vs_household: f64,
    /// The part due to the frequency of the value.
    pub frequency_bits: f64,
}

/// The reasons of a weight.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// Model and version.
    pub model: String,
    /// log2 of the odds.
    pub weight: f64,
    /// The probability to which it amounts.
    pub probability: f64,
    /// `auto`, `review` or `new`, by the weight and the guards.
    pub zone: &'static str,
    /// log2 of the prior odds.
    pub prior_bits: f64,
    /// What fields that are not independent take back.
    pub dependence_bits: f64,
    /// How many records the base held, from which the prior odds follow.
    pub population: u32,
    /// The fields that both records have.
    pub fields: Vec<FieldExplanation>,
    /// Near 1: this looks like a relative.
    pub household_share_of_denominator: f64,
    /// The guards that fired.
    pub guards: Vec<&'static str>,
}

impl Explanation {
    /// The reasons of `score` under `model`, with the guards that fired.
    pub fn of(score: &PairScore, guards: &[Guard], model: &Model) -> Self {
        let fields = score.fields.iter().map(|field| FieldExplanation {
            field: field.field.id(),
            level: field.level,
            bits_vs_unrelated: rounded(field.bits_vs_unrelated),
            bits_vs_household: rounded(field.bits_vs_household),
            frequency_bits: rounded(field.frequency_bits),
        });
        Self {
            model: model.version(),
            weight: rounded(score.bits),
            probability: model.probability(score.bits),
            zone: zone_of(score.bits, guards, model),
            prior_bits: rounded(score.prior_bits),
            dependence_bits: rounded(score.dependence_bits),
            population: score.population,
            fields: fields.collect(),
            household_share_of_denominator: rounded(score.household_share),
            guards: guards.iter().map(|guard| guard.id()).collect(),
        }
    }

    /// A guard, by the name that it has in explanations, in words for a clerk.
    pub fn words_of_guard(id: &str) -> &'static str {
        account::guard_words(id)
    }

    /// The reasons as lines for people.
    pub fn to_text(&self) -> String {
        let mut out = format!("{}: {:+.1} bits (probability {:.4})\n", self.zone, self.weight, self.probability);
        for field in &self.fields {
            let (name, level) = (field.field, field.level.replace('_', " "));
            // Writing to a string cannot fail.
            let _ = writeln!(
                out,
                "  {name:8} {level:28} {:+6.1} against unrelated, {:+6.1} against household",
                field.bits_vs_unrelated, field.bits_vs_household
            );
        }
        let _ = writeln!(out, "  {:8} {:28} {:+6.1}", "prior", self.model, self.prior_bits);
        if self.dependence_bits != 0.0 {
            let _ = writeln!(out, "  {:8} {:28} {:+6.1}", "together", "not independent", self.dependence_bits);
        }
        if !self.guards.is_empty() {
            let _ = writeln!(out, "  guards: {}", self.guards.join(", "));
        }
        out
    }
}

/// What comes of a weight under these guards: `auto`, `review` or `new`.
fn zone_of(bits: f64, guards: &[Guard], model: &Model) -> &'static str {
    let settings = model.settings;
    let held = guards.iter().any(|guard| *guard != Guard::MustLink);
    let vetoed = guards.iter().any(|guard| guard.is_veto());
    if vetoed || bits < settings.review_bits {
        "new"
    } else if held || bits < settings.automatic_bits {
        "review"
    } else {
        "auto"
    }
}

fn rounded(bits: f64) -> f64 {
    (bits * 100.0).round() / 100.0
}
