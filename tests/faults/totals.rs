//! What a run has reached: kept in a file, so that a run that was stopped goes on.

use nayose::clock::{Clock, hl7_timestamp};
use std::path::PathBuf;

/// The figures of one part, and where they are kept.
pub struct Totals {
    file: Option<PathBuf>,
    pub name: String,
    pub seed: u64,
    /// Stores begun, each with a seed of its own that follows from the run's.
    pub stores: u64,
    pub cycles: u64,
    pub settled: u64,
    pub repeats: u64,
    pub unknown: u64,
    pub present: u64,
    pub slowest_start_ms: u64,
    pub started: String,
}

impl Totals {
    /// The figures in `file` where it is there and of the same part, else none yet.
    pub fn open(name: &str, seed: Option<u64>, file: Option<PathBuf>) -> Result<Self, String> {
        let now = Clock::system().micros();
        let drawn = seed.unwrap_or((now as u64) % 1_000_000_007);
        let mut totals = Self {
            file,
            name: name.to_owned(),
            seed: drawn,
            stores: 0,
            cycles: 0,
            settled: 0,
            repeats: 0,
            unknown: 0,
            present: 0,
            slowest_start_ms: 0,
            started: hl7_timestamp(now, "UTC"),
        };
        let Some(text) = totals.file.as_ref().and_then(|file| std::fs::read_to_string(file).ok()) else {
            return Ok(totals);
        };
        let kept: serde_json::Value = serde_json::from_str(&text).map_err(|error| format!("the state: {error}"))?;
        if kept["part"] != name || seed.is_some_and(|seed| kept["seed"] != seed) {
            return Err(format!("the state is of another run: {}, seed {}", kept["part"], kept["seed"]));
        }
        for (key, field) in totals.fields() {
            *field = kept[key].as_u64().ok_or_else(|| format!("the state has no {key}"))?;
        }
        totals.started = kept["started"].as_str().unwrap_or_default().to_owned();
        Ok(totals)
    }

    fn fields(&mut self) -> [(&'static str, &mut u64); 8] {
        [
            ("seed", &mut self.seed),
            ("stores", &mut self.stores),
            ("cycles", &mut self.cycles),
            ("settled", &mut self.settled),
            ("repeats", &mut self.repeats),
            ("unknown", &mut self.unknown),
            ("present", &mut self.present),
            ("slowest_start_ms", &mut self.slowest_start_ms),
        ]
    }

    /// Keeps the figures; in one step, since a run may be stopped at any time.
    pub fn save(&mut self) -> Result<(), String> {
        let Some(file) = self.file.clone() else { return Ok(()) };
        let mut kept = serde_json::json!({ "part": self.name, "started": self.started });
        for (key, field) in self.fields() {
            kept[key] = (*field).into();
        }
        let beside = file.with_extension("new");
        let written = std::fs::write(&beside, format!("{kept}\n")).and_then(|()| std::fs::rename(&beside, &file));
        written.map_err(|error| format!("the state cannot be kept: {error}"))
    }

    /// The figures in one line.
    pub fn line(&self) -> String {
        format!(
            "{}: {} cycles over {} stores, {} feeds acknowledged, {} repeats answered alike, {} unknown of which {} were \
             there, slowest start {} ms, seed {}, since {}",
            self.name,
            self.cycles,
            self.stores,
            self.settled,
            self.repeats,
            self.unknown,
            self.present,
            self.slowest_start_ms,
            self.seed,
            self.started
        )
    }
}
