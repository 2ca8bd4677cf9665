//! Whether probabilities can be believed: of the pairs that were given about this probability, how many are one person.

use std::fmt::Write;

/// The bounds of the bands of probability; those near certainty are narrow, since that is where links are made.
const BOUNDS: [f64; 11] = [0.0, 0.05, 0.2, 0.5, 0.7, 0.9, 0.95, 0.99, 0.999, 0.9999, 1.0];

/// The pairs of one band.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Band {
    from: f64,
    to: f64,
    pairs: f64,
    /// The sum of their probabilities.
    told: f64,
    /// How many are one person.
    same: f64,
}

impl Band {
    fn told(&self) -> f64 {
        self.told / self.pairs
    }

    fn seen(&self) -> f64 {
        self.same / self.pairs
    }

    /// Whether what was told lies where, with 19 chances of 20, the truth does.
    fn is_borne_out(&self) -> bool {
        // All of them one person is an interval that ends just below 1 by rounding.
        const ROUNDING: f64 = 1e-9;
        let (low, high) = interval(self.same, self.pairs);
        (low - ROUNDING..=high + ROUNDING).contains(&self.told())
    }
}

/// What was told and what is so, band by band.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Reliability(Vec<Band>);

impl Reliability {
    /// Of pairs with a probability that they are one person, and whether they are.
    pub(super) fn of(pairs: impl Iterator<Item = (f64, bool)>) -> Self {
        let bounds = BOUNDS.iter().zip(BOUNDS.iter().skip(1));
        let mut bands: Vec<Band> = bounds.map(|(from, to)| Band { from: *from, to: *to, ..Band::default() }).collect();
        for (told, same) in pairs {
            if let Some(band) = bands.iter_mut().rev().find(|band| told >= band.from) {
                band.pairs += 1.0;
                band.told += told;
                band.same += f64::from(u8::from(same));
            }
        }
        bands.retain(|band| band.pairs > 0.0);
        Self(bands)
    }

    /// How far what was told is from what is so, on average over all pairs (the expected calibration error).
    fn error(&self) -> f64 {
        let all: f64 = self.0.iter().map(|band| band.pairs).sum();
        self.0.iter().map(|band| (band.told - band.same).abs()).sum::<f64>() / all.max(1.0)
    }

    pub(super) fn json(&self) -> serde_json::Value {
        let band = |band: &Band| {
            let (low, high) = interval(band.same, band.pairs);
            serde_json::json!({
                "from": band.from, "to": band.to, "pairs": band.pairs, "told": band.told(), "seen": band.seen(),
                "seen_interval": [low, high], "borne_out": band.is_borne_out(),
            })
        };
        let bands: Vec<_> = self.0.iter().map(band).collect();
        serde_json::json!({ "expected_error": self.error(), "bands": bands })
    }

    pub(super) fn text(&self) -> String {
        let mut out = String::new();
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{:^18} {:>9} {:>9}  one person (95 %)", "probability", "pairs", "told");
        for band in &self.0 {
            let (low, high) = interval(band.same, band.pairs);
            let range = format!("{} to {}", band.from, band.to);
            let mark = if band.is_borne_out() { "" } else { " *" };
            let _ = writeln!(
                out,
                "{range:^18} {:>9.0} {:>9.4}  {:.4} ({low:.4} to {high:.4}){mark}",
                band.pairs,
                band.told(),
                band.seen()
            );
        }
        let _ = writeln!(out, "{:.4} off on average; * is not borne out by what was seen", self.error());
        out
    }
}

/// Where a share of which `right` of `all` were seen lies with 19 chances of 20 (Wilson's interval).
pub(super) fn interval(right: f64, all: f64) -> (f64, f64) {
    const Z: f64 = 1.959_964;
    if all <= 0.0 {
        return (0.0, 1.0);
    }
    let share = right / all;
    let middle = share + Z * Z / (2.0 * all);
    let reach = Z * (share * (1.0 - share) / all + Z * Z / (4.0 * all * all)).sqrt();
    let scale = 1.0 + Z * Z / all;
    (((middle - reach) / scale).max(0.0), ((middle + reach) / scale).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_wide_for_few_and_narrow_for_many() {
        let (low, high) = interval(9.0, 10.0);
        assert!((0.59..0.61).contains(&low) && (0.98..0.99).contains(&high), "{low} {high}");
        let (low, high) = interval(900.0, 1000.0);
        assert!((0.879..0.881).contains(&low) && (0.916..0.918).contains(&high), "{low} {high}");
        assert_eq!(interval(0.0, 0.0), (0.0, 1.0));
    }

    #[test]
    fn what_was_told_is_held_against_what_is_so() {
        let told = |probability: f64, pairs: usize, same: usize| (0..pairs).map(move |at| (probability, at < same));
        let seen = Reliability::of(told(0.6, 100, 60).chain(told(0.95, 100, 50)).chain(told(1.0, 50, 50)));
        let bands: Vec<(f64, f64, f64, bool)> =
            seen.0.iter().map(|band| (band.from, band.pairs, band.seen(), band.is_borne_out())).collect();
        assert_eq!(
            bands,
            [(0.5, 100.0, 0.6, true), (0.95, 100.0, 0.5, false), (0.9999, 50.0, 1.0, true)],
            "a bound belongs to the band above it"
        );
        assert!((seen.error() - 45.0 / 250.0).abs() < 1e-9, "{}", seen.error());
        assert_eq!(seen.text().matches(" *\n").count(), 1, "{}", seen.text());
        assert_eq!(seen.json()["bands"][1]["borne_out"], false);
        assert_eq!(Reliability::of(std::iter::empty()).error(), 0.0);
    }
}
