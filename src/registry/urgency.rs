//! Which question a steward should look at first: what does harm now, then what nobody can be sure of.
//!
//! The order is a proposal. Nothing is ever decided by it, and what stands last is asked as much as what stands first.

use super::linking::OVERLAY;
use crate::matching::{Explanation, Guard};
use serde_json::Value;

/// How urgent a question is, and why.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Urgency {
    /// What an error does, from 1: an answer that may be wrong now weighs more than one that may be missing.
    pub risk: f64,
    /// How little is known, from 0 to 1: 1 is as likely as not.
    pub doubt: f64,
    /// The reasons in words, without personal values.
    pub reasons: Vec<String>,
}

/// What the urgency of a question depends on.
pub(super) struct Asked<'a> {
    pub kind: &'a str,
    pub weight: f64,
    /// To which the weight amounts.
    pub probability: f64,
    /// Whether both records are one person now.
    pub linked: bool,
    /// How many records the persons concerned have.
    pub records: usize,
    /// The explanation that was stored with the question.
    pub explanation: &'a str,
}

/// What each doubling of the records concerned adds to the risk.
const DOUBLING: f64 = 0.25;

impl Urgency {
    pub(super) fn of(asked: &Asked<'_>) -> Self {
        let (base, why) = match asked.kind {
            OVERLAY => (4.0, "one identifier, suddenly another person: what it is answered with may be wrong now"),
            "contradiction" => (3.0, "a link that a steward or a source made, against what the record says now"),
            "proposed_match" => (1.0, "the matcher is sure, and the network lets a steward decide"),
            _ => (1.0, "the matcher is not sure"),
        };
        let mut reasons = vec![why.to_owned()];
        let mut risk: f64 = base;
        if asked.linked && base < 2.0 {
            risk += 1.0;
            reasons.push("they are one person now".to_owned());
        }
        let many = f64::from(u32::try_from(asked.records).unwrap_or(u32::MAX).max(1));
        if asked.records > 2 {
            reasons.push(format!("{} identifiers are concerned", asked.records));
        }
        risk += (many / 2.0).log2().max(0.0) * DOUBLING;
        let probability = asked.probability;
        let doubt = 4.0 * probability * (1.0 - probability);
        if asked.weight != 0.0 {
            reasons.push(format!("probability {probability:.2} of one person"));
        }
        reasons.extend(guards(asked.explanation));
        Self { risk, doubt, reasons }
    }

    /// What questions are ordered by: the higher, the sooner. Doubt weighs half of what the least harm does.
    pub fn rank(&self) -> f64 {
        2.0 * self.risk + self.doubt
    }
}

/// The guards of a stored explanation, in words.
fn guards(explanation: &str) -> Vec<String> {
    let said: Value = serde_json::from_str(explanation).unwrap_or_default();
    let guards = said.get("guards").and_then(Value::as_array).into_iter().flatten();
    let words = guards.filter_map(Value::as_str).filter(|guard| *guard != Guard::MustLink.id());
    words.map(|guard| Explanation::words_of_guard(guard).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matching::Calibration;

    fn of(kind: &str, weight: f64, linked: bool, records: usize) -> Urgency {
        let probability = Calibration::default().probability(weight);
        Urgency::of(&Asked { kind, weight, probability, linked, records, explanation: "" })
    }

    #[test]
    fn harm_comes_first_then_doubt() {
        let order = [
            of("overlay", 0.0, false, 2),
            of("contradiction", -3.0, true, 2),
            of("possible_match", 0.2, true, 3),
            of("possible_match", 0.2, false, 9),
            of("possible_match", 0.2, false, 2),
            of("possible_match", 5.0, false, 2),
        ];
        assert!(order.windows(2).all(|two| two[0].rank() > two[1].rank()), "{order:?}");
    }

    #[test]
    fn the_reasons_are_said() {
        let explanation = "{\"guards\":[\"twin\",\"must_link\"]}";
        let (kind, weight, probability) = ("possible_match", 1.0, 2.0 / 3.0);
        let asked = Asked { kind, weight, probability, linked: true, records: 5, explanation };
        let reasons = Urgency::of(&asked).reasons.join("; ");
        for word in ["not sure", "one person now", "5 identifiers", "probability 0.67", "twins or siblings"] {
            assert!(reasons.contains(word), "{word}: {reasons}");
        }
        assert!(!reasons.contains("steward has said"));
    }
}
