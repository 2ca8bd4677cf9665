//! What a weight amounts to as a probability, once people have said of enough pairs what they are.
//!
//! Weights, their bounds and what is decided stay as they are: only the probability that is told of a weight changes.
//! It must never be fitted to fewer answers than bear it, nor be told of a weight as surer than what it was fitted to.

use serde::{Deserialize, Serialize};

/// The probability of a weight: that of `slope * bits + shift` bits.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// How much of a bit a bit is worth.
    pub slope: f64,
    /// What every weight lacks, in bits.
    pub shift: f64,
    /// On how many answers this rests.
    pub decisions: u32,
}

/// Fewer answers than so many bear no fit.
const FEWEST: usize = 200;
/// Nor do fewer than so many of either kind.
const FEWEST_OF_A_KIND: usize = 10;
/// Weights beyond this, in bits, count as so much: people are asked about doubtful pairs, and one of another kind
/// must not turn the line for all.
const FARTHEST: f64 = 15.0;
/// How far slope and shift are expected to lie from 1 and 0, as standard deviations.
const EXPECTED: (f64, f64) = (0.5, 4.0);
const SLOPES: (f64, f64) = (0.2, 3.0);
const SHIFTS: (f64, f64) = (-20.0, 20.0);
const ROUNDS: usize = 50;

impl Default for Calibration {
    fn default() -> Self {
        Self { slope: 1.0, shift: 0.0, decisions: 0 }
    }
}

impl Calibration {
    /// The probability to which a weight in bits amounts.
    pub fn probability(&self, bits: f64) -> f64 {
        1.0 / (1.0 + (-(self.slope * bits + self.shift)).exp2())
    }

    /// Fits the line to pairs of a weight in bits and whether the two are one person; none where they are too few.
    ///
    /// Logistic regression on the log-odds (Platt 1999), held near the line as computed by a normal prior, so that pairs
    /// that a bound parts cleanly do not make everything certain.
    pub fn fit(pairs: &[(f64, bool)]) -> Option<Self> {
        let same = pairs.iter().filter(|(_, same)| *same).count();
        if pairs.len() < FEWEST || same.min(pairs.len() - same) < FEWEST_OF_A_KIND {
            return None;
        }
        let (mut slope, mut shift) = (1.0, 0.0);
        for _ in 0..ROUNDS {
            let (by_slope, by_shift) = step(pairs, slope, shift);
            slope = (slope - by_slope).clamp(SLOPES.0, SLOPES.1);
            shift = (shift - by_shift).clamp(SHIFTS.0, SHIFTS.1);
            if by_slope.abs() < 1e-9 && by_shift.abs() < 1e-9 {
                break;
            }
        }
        Some(Self { slope, shift, decisions: u32::try_from(pairs.len()).unwrap_or(u32::MAX) })
    }

    /// Why it is none, where it is none.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        if !(SLOPES.0..=SLOPES.1).contains(&self.slope) {
            return Err("slope must lie between 0.2 and 3");
        }
        if !(SHIFTS.0..=SHIFTS.1).contains(&self.shift) {
            return Err("shift must lie between -20 and 20");
        }
        Ok(())
    }
}

/// How far Newton's step leads from a slope and a shift.
fn step(pairs: &[(f64, bool)], slope: f64, shift: f64) -> (f64, f64) {
    const NATURAL: f64 = std::f64::consts::LN_2;
    let (mut by_slope, mut by_shift) = ((slope - 1.0) / EXPECTED.0.powi(2), shift / EXPECTED.1.powi(2));
    let (mut twice_slope, mut both, mut twice_shift) = (EXPECTED.0.powi(-2), 0.0, EXPECTED.1.powi(-2));
    for (bits, same) in pairs {
        let bits = bits.clamp(-FARTHEST, FARTHEST);
        let told = Calibration { slope, shift, decisions: 0 }.probability(bits);
        let off = NATURAL * (told - f64::from(u8::from(*same)));
        let bend = NATURAL * NATURAL * told * (1.0 - told);
        by_slope += off * bits;
        by_shift += off;
        twice_slope += bend * bits * bits;
        both += bend * bits;
        twice_shift += bend;
    }
    // The prior keeps this above zero.
    let size = twice_slope * twice_shift - both * both;
    ((twice_shift * by_slope - both * by_shift) / size, (twice_slope * by_shift - both * by_slope) / size)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many pairs of each weight, of which a share is the same person.
    fn pairs(share: impl Fn(f64) -> f64) -> Vec<(f64, bool)> {
        let mut all = Vec::new();
        for step in -8i16..=8 {
            let bits = f64::from(step);
            let same = 100.0 * share(bits);
            all.extend((0..100u8).map(|at| (bits, f64::from(at) + 0.5 < same)));
        }
        all
    }

    #[test]
    fn what_stewards_said_is_found_again() {
        for (slope, shift) in [(1.0, 0.0), (0.6, -1.5), (1.4, 2.0)] {
            let true_line = Calibration { slope, shift, decisions: 0 };
            let found = Calibration::fit(&pairs(|bits| true_line.probability(bits))).unwrap();
            assert!((found.slope - slope).abs() < 0.06 && (found.shift - shift).abs() < 0.25, "{found:?}");
            assert_eq!(found.decisions, 1_700);
        }
    }

    #[test]
    fn too_few_answers_bear_no_fit() {
        let all = pairs(|bits| Calibration::default().probability(bits));
        assert!(Calibration::fit(&all[..FEWEST - 1]).is_none());
        let one_kind: Vec<(f64, bool)> = all.iter().map(|(bits, _)| (*bits, true)).collect();
        assert!(Calibration::fit(&one_kind).is_none(), "nobody ever said that two are not one person");
    }

    #[test]
    fn a_clean_cut_makes_nothing_certain() {
        let cut = Calibration::fit(&pairs(|bits| f64::from(u8::from(bits >= 3.0)))).unwrap();
        assert!((0.01..0.5).contains(&cut.probability(2.0)), "{cut:?}");
        assert!((0.5..0.99).contains(&cut.probability(3.0)), "{cut:?}");
        assert!(Calibration::default().check().is_ok());
        assert!(Calibration { slope: 0.0, ..cut }.check().is_err());
        assert!(Calibration { shift: f64::NAN, ..cut }.check().is_err());
    }
}
