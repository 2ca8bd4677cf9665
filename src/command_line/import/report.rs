//! What an import did, by file and in all; no value of a patient.

use super::MOST_COMPLAINTS;
use crate::registry::{Failure, Registry};
use crate::store::Counts;
use serde_json::{Value, json};

/// A line that could not be taken.
pub struct Invalid {
    /// The file.
    pub file: String,
    /// The line.
    pub line: usize,
    /// Why.
    pub why: String,
}

/// What became of the records of one file.
pub struct Of {
    /// Its name.
    pub file: String,
    /// Records read.
    pub records: u64,
    /// Identifiers that were new.
    pub added: u64,
    /// Of which something else was known.
    pub revised: u64,
    /// Of which all was known.
    pub unchanged: u64,
    /// Taken in by an earlier run.
    pub before: u64,
    /// That could not be taken.
    pub invalid: u64,
}

impl Of {
    /// Nothing yet.
    pub fn new(file: &str) -> Self {
        Self { file: file.to_owned(), records: 0, added: 0, revised: 0, unchanged: 0, before: 0, invalid: 0 }
    }

    fn json(&self) -> Value {
        json!({
            "file": self.file, "records": self.records, "added": self.added, "revised": self.revised,
            "unchanged": self.unchanged, "before": self.before, "invalid": self.invalid,
        })
    }

    fn line(&self) -> String {
        let mut parts = vec![format!("{} added", self.added)];
        for (count, what) in [
            (self.revised, "revised"),
            (self.unchanged, "unchanged"),
            (self.before, "taken in before"),
            (self.invalid, "invalid"),
        ] {
            if count > 0 {
                parts.push(format!("{count} {what}"));
            }
        }
        format!("{}: {} records: {}\n", self.file, self.records, parts.join(", "))
    }
}

/// What is done so far.
pub struct Report {
    /// By file.
    pub files: Vec<Of>,
    invalid: Vec<Invalid>,
    before: Counts,
    begun: i64,
}

impl Report {
    /// How the store is before.
    pub fn begin(registry: &Registry) -> Result<Self, Failure> {
        let before = registry.store().counts()?;
        Ok(Self { files: Vec::new(), invalid: Vec::new(), before, begun: registry.clock().micros() })
    }

    /// Notes a line that could not be taken.
    pub fn refused(&mut self, invalid: Invalid) {
        if self.invalid.len() < MOST_COMPLAINTS {
            self.invalid.push(invalid);
        }
    }

    /// How the store is after.
    pub fn end(self, registry: &Registry) -> Result<Ended, Failure> {
        let micros = u64::try_from(registry.clock().micros() - self.begun).unwrap_or_default();
        let seconds = std::time::Duration::from_micros(micros).as_secs_f64();
        Ok(Ended { after: registry.store().counts()?, seconds, report: self })
    }
}

/// What was done.
pub struct Ended {
    report: Report,
    after: Counts,
    seconds: f64,
}

impl Ended {
    /// How many lines could not be taken.
    pub fn invalid(&self) -> u64 {
        self.report.files.iter().map(|of| of.invalid).sum()
    }

    fn sum(&self, of: fn(&Of) -> u64) -> u64 {
        self.report.files.iter().map(of).sum()
    }

    /// As one JSON document.
    pub fn json(&self) -> Value {
        let (before, after) = (&self.report.before, &self.after);
        let invalid = self.report.invalid.iter();
        json!({
            "records": self.sum(|of| of.records),
            "added": self.sum(|of| of.added),
            "revised": self.sum(|of| of.revised),
            "unchanged": self.sum(|of| of.unchanged),
            "before": self.sum(|of| of.before),
            "invalid": self.invalid(),
            "invalid_lines": invalid
                .map(|one| json!({ "file": one.file, "line": one.line, "reason": one.why }))
                .collect::<Vec<_>>(),
            "files": self.report.files.iter().map(Of::json).collect::<Vec<_>>(),
            "persons": after.persons - before.persons,
            "reviews": after.reviews_open - before.reviews_open,
            "store": { "records": after.records, "persons": after.persons, "reviews": after.reviews_open },
            "seconds": (self.seconds * 1000.0).round() / 1000.0,
        })
    }

    /// As lines for people.
    pub fn text(&self) -> String {
        let mut text: String = self.report.files.iter().map(Of::line).collect();
        let (before, after) = (&self.report.before, &self.after);
        text.push_str(&format!(
            "the store holds {} records of {} persons ({:+}), {} reviews wait for a steward ({:+}); {:.1} s\n",
            after.records,
            after.persons,
            after.persons - before.persons,
            after.reviews_open,
            after.reviews_open - before.reviews_open,
            self.seconds
        ));
        text
    }
}
