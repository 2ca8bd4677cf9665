//! What a run found, as text, JUnit or JSON.

use super::html::{self, About};
use super::template::escape;
use serde::Serialize;

/// How a case ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Every expectation held.
    Passed,
    /// What did not hold, each with its step.
    Failed(Vec<String>),
    /// The reason it was not played.
    Skipped(String),
}

/// One case, in one dress.
#[derive(Clone, Debug, Serialize)]
pub struct Result {
    /// Case name.
    pub name: String,
    /// How the messages were dressed.
    pub variant: String,
    /// What the case shows.
    pub title: String,
    /// The rows of the standard that it proves.
    pub proves: Vec<String>,
    /// How it ended.
    pub outcome: Outcome,
}

/// All cases of a run.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// In the order played.
    pub results: Vec<Result>,
}

impl Report {
    /// The cases that failed.
    pub fn failed(&self) -> impl Iterator<Item = &Result> {
        self.results.iter().filter(|r| matches!(r.outcome, Outcome::Failed(_)))
    }

    /// How many cases failed.
    pub fn failures(&self) -> usize {
        self.failed().count()
    }

    /// For people: failures in full, and the sums.
    pub fn text(&self) -> String {
        let mut out = String::new();
        for result in &self.results {
            let (word, lines) = match &result.outcome {
                Outcome::Passed => ("passed", Vec::new()),
                Outcome::Failed(lines) => ("FAILED", lines.clone()),
                Outcome::Skipped(reason) => ("skipped", vec![reason.clone()]),
            };
            out.push_str(&format!("{word:7} {} [{}] {}\n", result.name, result.variant, result.title));
            lines.iter().for_each(|line| out.push_str(&format!("        {line}\n")));
        }
        out.push_str(&format!("{} cases, {} failed\n", self.results.len(), self.failures()));
        out
    }

    /// For build servers.
    pub fn junit(&self) -> String {
        let (all, failed) = (self.results.len(), self.failures());
        let mut out = format!("<testsuite name=\"conformance\" tests=\"{all}\" failures=\"{failed}\">\n");
        for result in &self.results {
            let inside = match &result.outcome {
                Outcome::Passed => String::new(),
                Outcome::Failed(lines) => format!("<failure>{}</failure>", escape(&lines.join("\n"))),
                Outcome::Skipped(reason) => format!("<skipped message=\"{}\"/>", escape(reason)),
            };
            let (name, variant) = (escape(&result.name), &result.variant);
            out.push_str(&format!("<testcase classname=\"{variant}\" name=\"{name}\">{inside}</testcase>\n"));
        }
        out.push_str("</testsuite>\n");
        out
    }

    /// For a customer: one page that stands alone.
    pub fn html(&self, about: &About) -> String {
        html::page(self, about)
    }

    /// For scripts.
    pub fn json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}
