//! What was timed in one round.

use std::time::Duration;

/// How long each answer took, and the round as a whole.
pub struct Figures {
    latencies: Vec<Duration>,
    took: Duration,
    computed: Duration,
}

/// The processor time that this process has used: of server and clients together.
pub fn computed() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    // The name of the process, which may hold blanks, ends with the last bracket; user and system time are the
    // 12th and 13th field after it, in hundredths of a second.
    let after = stat.rsplit(')').next().unwrap();
    let ticks = after.split_whitespace().skip(11).take(2).map(|field| field.parse::<u64>().unwrap()).sum::<u64>();
    Duration::from_millis(ticks * 10)
}

impl Figures {
    pub fn new(mut latencies: Vec<Duration>, took: Duration, computed: Duration) -> Self {
        latencies.sort_unstable();
        Self { latencies, took, computed }
    }

    /// Microseconds of processor time for each answer.
    pub fn cost(&self) -> f64 {
        self.computed.as_secs_f64() * 1e6 / f64::from(u32::try_from(self.latencies.len()).unwrap())
    }

    /// For a ceiling that has no single answers.
    pub fn of_count(count: usize, took: Duration, computed: Duration) -> Self {
        Self { latencies: vec![took / u32::try_from(count).unwrap(); count], took, computed }
    }

    /// With what had to be done for these answers afterwards.
    pub fn and(&self, took: Duration, computed: Duration) -> Self {
        Self { latencies: self.latencies.clone(), took: self.took + took, computed: self.computed + computed }
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
