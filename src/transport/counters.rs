//! Counters of requests in the text format that Prometheus reads.
//!
//! A label must never hold an identifier, a name, or anything that a peer sent.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Requests by transaction and outcome.
#[derive(Debug, Default)]
pub struct Counters(Mutex<BTreeMap<(&'static str, &'static str), u64>>);

impl Counters {
    /// Counts one request.
    pub fn count(&self, transaction: &'static str, outcome: &'static str) {
        let mut counts = self.lock();
        let count = counts.entry((transaction, outcome)).or_default();
        *count = count.saturating_add(1);
    }

    /// All counters as text.
    pub fn render(&self) -> String {
        let mut text =
            String::from("# HELP nayose_requests_total Requests answered.\n# TYPE nayose_requests_total counter\n");
        for ((transaction, outcome), count) in self.lock().iter() {
            let labels = format!("transaction=\"{transaction}\",outcome=\"{outcome}\"");
            // Writing to a string cannot fail.
            let _ = writeln!(text, "nayose_requests_total{{{labels}}} {count}");
        }
        text
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(&'static str, &'static str), u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_transaction_and_outcome() {
        let counters = Counters::default();
        counters.count("ITI-44", "answered");
        counters.count("ITI-44", "answered");
        counters.count("none", "fault");
        let text = counters.render();
        assert!(text.contains("nayose_requests_total{transaction=\"ITI-44\",outcome=\"answered\"} 2\n"), "{text}");
        assert!(text.contains("nayose_requests_total{transaction=\"none\",outcome=\"fault\"} 1\n"), "{text}");
    }
}
