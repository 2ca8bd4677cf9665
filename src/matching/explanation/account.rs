//! The whole account of two records: what adds up to their weight, by which keys they find each other, and what would
//! change what comes of it.

use super::flip::{Flip, flips};
use super::{Explanation, rounded};
use crate::matching::guard::{self, Guard};
use crate::matching::model::Model;
use crate::matching::record::ComparisonRecord;
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt::Write;

/// One step from nothing to the weight.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    /// `prior`, a field, `household` (what members of one have in common, taken back), or `together` (what twins, or
    /// parent and child, have in common for being that, taken back).
    pub of: &'static str,
    /// How well the field agrees; none beside fields.
    pub level: Option<&'static str>,
    /// What it adds.
    pub bits: f64,
    /// The part of it that is due to the frequency of the value.
    pub frequency_bits: f64,
    /// The sum so far.
    pub sum: f64,
}

/// From where on what is done, in bits.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Thresholds {
    /// From here on records are linked without asking.
    pub automatic: f64,
    /// What the mean over all records of the person must reach besides.
    pub support: f64,
    /// From here on a steward is asked.
    pub review: f64,
    /// How far the second likely person must be behind.
    pub margin: f64,
}

/// A key under which both records are filed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SharedKey {
    /// What it is made of.
    pub made_of: &'static str,
    /// How many records are filed under it; no more are counted than it takes to call it over-full.
    pub records: usize,
    /// So many that it does not find anybody alone.
    pub overfull: bool,
}

/// All that led to the weight of two records. It holds no personal value.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Account {
    /// Levels, weight and guards.
    #[serde(flatten)]
    pub explanation: Explanation,
    /// The weight, step by step; they add up to it.
    pub steps: Vec<Step>,
    /// From where on what is done.
    pub thresholds: Thresholds,
    /// The keys that both are filed under.
    pub keys: Vec<SharedKey>,
    /// What would change what comes of it.
    pub flips: Vec<Flip>,
}

impl Account {
    /// The account of two records; `others` are the guards that the rest of a person raises, `size` says how many
    /// records are filed under a key and whether those are too many.
    pub fn of<E>(
        (a, b): (&ComparisonRecord, &ComparisonRecord),
        others: &[Guard],
        model: &Model,
        mut size: impl FnMut(crate::matching::BlockingKey) -> Result<(usize, bool), E>,
    ) -> Result<Self, E> {
        let score = model.score(a, b);
        let raised = guard::of_pair(a, b, &score.comparison);
        let guards: BTreeSet<Guard> = raised.iter().chain(others).copied().collect();
        let guards: Vec<Guard> = guards.into_iter().collect();
        let theirs = b.named_keys();
        let mut keys = Vec::new();
        for (key, made_of) in a.named_keys().into_iter().filter(|key| theirs.contains(key)) {
            let (records, overfull) = size(key)?;
            keys.push(SharedKey { made_of, records, overfull });
        }
        keys.sort_by_key(|key| key.records);
        let added = score.fields.iter().map(|field| field.bits_vs_unrelated).sum::<f64>();
        let mut sum = 0.0;
        let mut step = |of, level, bits: f64, frequency: f64| {
            sum += bits;
            Step { of, level, bits: rounded(bits), frequency_bits: rounded(frequency), sum: rounded(sum) }
        };
        let mut steps = vec![step("prior", None, score.prior_bits, 0.0)];
        for field in &score.fields {
            steps.push(step(field.field.id(), Some(field.level), field.bits_vs_unrelated, field.frequency_bits));
        }
        let household = score.bits - score.prior_bits - added - score.dependence_bits;
        steps.push(step("household", None, household, 0.0));
        if score.dependence_bits != 0.0 {
            steps.push(step("together", None, score.dependence_bits, 0.0));
        }
        let settings = model.settings();
        Ok(Self {
            explanation: Explanation::of(&score, &guards, model),
            steps,
            thresholds: Thresholds {
                automatic: settings.automatic_bits,
                support: settings.support_bits,
                review: settings.review_bits,
                margin: settings.margin_bits,
            },
            keys,
            flips: flips(&score, guard::PairFacts::of(a, b), others, model),
        })
    }

    /// The account as lines for a clerk.
    pub fn to_text(&self) -> String {
        let of = &self.explanation;
        let mut out = format!(
            "{}: {:+.1} bits, probability {:.4}, by {}\n\n",
            said(of.zone),
            of.weight,
            of.probability,
            of.model
        );
        // Writing to a string cannot fail.
        let _ = writeln!(out, "  {:10} {:34} {:>7} {:>7}", "", "", "bits", "sum");
        for step in &self.steps {
            let _ = write!(out, "  {:10} {:34} {:+7.1} {:+7.1}", step.of, self.words_of(step), step.bits, step.sum);
            let frequency = step.frequency_bits;
            let _ = if frequency == 0.0 {
                writeln!(out)
            } else {
                writeln!(out, "   ({frequency:+.1} for how frequent the value is)")
            };
        }
        let at = &self.thresholds;
        let _ = writeln!(
            out,
            "\nfrom {:+.1} on linked without asking (and {:+.1} on the mean of the whole person), from {:+.1} on a \
             steward is asked",
            at.automatic, at.support, at.review
        );
        for guard in &of.guards {
            let _ = writeln!(out, "guard {guard}: {}", guard_words(guard));
        }
        match self.keys.as_slice() {
            [] => out.push_str("found by: no key in common, so neither would be looked at for the other\n"),
            keys => {
                let each = keys.iter().map(|key| {
                    let many = if key.overfull { " or more, too many to look at each" } else { "" };
                    format!("{} ({} records{many})", key.made_of, key.records)
                });
                let _ = writeln!(out, "found by: {}", each.collect::<Vec<_>>().join("; "));
            }
        }
        if self.flips.is_empty() {
            out.push_str("no single field would change this\n");
        } else {
            out.push_str("what would change it:\n");
            self.flips.iter().for_each(|flip| {
                let _ = writeln!(out, "  {}", flip.words());
            });
        }
        out
    }

    /// What a step is about, for people.
    pub(super) fn words_of(&self, step: &Step) -> String {
        match (step.of, step.level) {
            ("prior", _) => format!("one person among {} records", self.explanation.population),
            (_, Some(level)) => level.replace('_', " "),
            ("together", _) => "what relatives have together".to_owned(),
            _ => format!("likeness of relatives: {:.0} %", self.explanation.household_share_of_denominator * 100.0),
        }
    }
}

/// A zone in the words of the matcher.
pub(super) fn said(zone: &str) -> &'static str {
    match zone {
        "auto" => "match",
        "review" => "possible match",
        _ => "non-match",
    }
}

/// A guard in words for a clerk.
pub(super) fn guard_words(id: &str) -> &'static str {
    match id {
        "twin" => "same family name and birth date, another given name: twins or siblings",
        "birth_order" => "they were born as different ones of twins",
        "suffix" => "different generation suffixes",
        "generation" => "same name and address, births far apart: parent and child",
        "namesake" => "births differ, and nothing beside the name supports a slip: namesakes",
        "undated" => "men of one name in one house, and one has no birth date: father and son",
        "unnamed" => "one has no given name, so that a twin cannot be told apart",
        "newborn" => "a newborn that has no name yet",
        "size" => "the person has very many records already",
        "degraded" => "not all candidates could be looked at",
        "second_person" => "another person is nearly as likely",
        "contradiction" => "one of the person's records speaks clearly against it",
        "cannot_link" => "a steward has said that they are two",
        "must_link" => "a steward has said that they are one",
        _ => "a steward must look",
    }
}
