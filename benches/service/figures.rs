//! What was timed in one round.

use std::time::Duration;

/// How long each answer took, and the round as a whole.
pub struct Figures {
    latencies: Vec<Duration>,
    took: Duration,
}

impl Figures {
    pub fn new(mut latencies: Vec<Duration>, took: Duration) -> Self {
        latencies.sort_unstable();
        Self { latencies, took }
    }

    /// For a ceiling that has no single answers.
    pub fn of_count(count: usize, took: Duration) -> Self {
        Self { latencies: vec![took / u32::try_from(count).unwrap(); count], took }
    }

    /// Answers a second.
    pub fn rate(&self) -> f64 {
        f64::from(u32::try_from(self.latencies.len()).unwrap()) / self.took.as_secs_f64()
    }

    /// Milliseconds.
    pub fn percentile(&self, part: f64) -> f64 {
        let last = self.latencies.len().saturating_sub(1);
        let rank = (0..=last).find(|at| {
            f64::from(u32::try_from(*at + 1).unwrap()) >= part * f64::from(u32::try_from(last + 1).unwrap())
        });
        rank.and_then(|at| self.latencies.get(at)).map_or(f64::NAN, |found| found.as_secs_f64() * 1_000.0)
    }
}

pub fn median(of: impl IntoIterator<Item = f64>) -> f64 {
    let mut all: Vec<f64> = of.into_iter().collect();
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or(f64::NAN)
}
