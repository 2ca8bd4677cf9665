//! Why a call was not done: one row for each reason, as a problem of RFC 9457.

use super::Answer;
use crate::registry::{Failure, Objection, Reason};
use serde_json::{Value, json};

/// Why a call was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// A word that programs can rely on; the last part of the problem's `type`.
    pub word: &'static str,
    /// What it means, for people; never a value that was sent.
    pub title: &'static str,
    /// The decisions that stand in the way.
    pub decisions: Vec<i64>,
}

/// Every row, in the order of the statuses.
pub static PROBLEMS: [Problem; 18] = [
    row(400, "malformed", "the call cannot be understood: look at its form in openapi.json"),
    row(401, "unauthorized", "a bearer token is needed, that of the file beside the store or of server.token_file"),
    row(404, "no_such_path", "there is no such path"),
    row(404, "unknown_identifier", "nobody is known by an identifier that was given"),
    row(404, "no_review", "there is no such review, or it is not open"),
    row(404, "no_operation", "there is no such operation, or it was undone"),
    row(404, "no_dead_letter", "there is no such change that was put aside"),
    row(404, "no_domain", "there is no such domain"),
    row(404, "no_system", "there is no such system"),
    row(405, "wrong_method", "this path is called with another method"),
    row(409, "nothing_to_do", "it is so already, or there is no other record beside it"),
    row(409, "not_one_person", "these identifiers are not all of one person"),
    row(409, "contradicts_decision", "a steward decided otherwise before, and nothing was done: undo that first"),
    row(409, "changed_since", "the same records were moved by something since: undo that first"),
    row(409, "domain_taken", "another domain has this key or OID"),
    row(500, "defect", "a defect of ours; nothing was done"),
    row(500, "outcome_unknown", "whether it was done is not known: look before you repeat it"),
    row(503, "store_unavailable", "the store cannot be used now; nothing was done"),
];

const fn row(status: u16, word: &'static str, title: &'static str) -> Problem {
    Problem { status, word, title, decisions: Vec::new() }
}

impl Problem {
    /// The row of this word; one that is not in the table is a defect.
    pub fn of(word: &str) -> Self {
        let found = PROBLEMS.iter().find(|row| row.word == word);
        found.cloned().unwrap_or(row(500, "defect", "a defect of ours; nothing was done"))
    }

    /// The problem as an answer.
    pub fn answer(&self) -> Answer {
        let mut told =
            json!({ "type": format!("urn:nayose:problem:{}", self.word), "title": self.title, "status": self.status });
        if let (false, Some(object)) = (self.decisions.is_empty(), told.as_object_mut()) {
            object.insert("decisions".to_owned(), json!(self.decisions));
        }
        Answer { status: self.status, media: "application/problem+json", body: told.to_string() }
    }

    /// How the audit trail names it.
    pub(super) fn reason(&self) -> Reason {
        match self.word {
            "unauthorized" => Reason::UnknownSender,
            "unknown_identifier" => Reason::UnknownIdentifier,
            "no_domain" => Reason::UnknownDomain,
            "defect" | "outcome_unknown" => Reason::Defect,
            "store_unavailable" => Reason::StoreUnavailable,
            _ => Reason::Unusable,
        }
    }

    /// The problem in a body that [`Problem::answer`] wrote: its word and title.
    pub fn read(body: &Value) -> Option<Self> {
        let word = body.get("type")?.as_str()?.rsplit(':').next()?;
        let decisions = body.get("decisions").and_then(Value::as_array).into_iter().flatten();
        Some(Self { decisions: decisions.filter_map(Value::as_i64).collect(), ..Self::of(word) })
    }
}

impl From<Objection> for Problem {
    fn from(objection: Objection) -> Self {
        match objection {
            Objection::Unknown(_) => Self::of("unknown_identifier"),
            Objection::Nothing => Self::of("nothing_to_do"),
            Objection::Apart => Self::of("not_one_person"),
            Objection::Contradicts(decisions) => Self { decisions, ..Self::of("contradicts_decision") },
            Objection::NoOperation => Self::of("no_operation"),
            Objection::ChangedSince => Self::of("changed_since"),
        }
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match failure.reason() {
            None => Self::of("outcome_unknown"),
            Some(Reason::StoreUnavailable) => Self::of("store_unavailable"),
            Some(_) => Self::of("defect"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_one_row_and_is_read_back() {
        for row in &PROBLEMS {
            assert_eq!(PROBLEMS.iter().filter(|other| other.word == row.word).count(), 1, "{}", row.word);
            let told = Problem { decisions: vec![7], ..row.clone() };
            let body = serde_json::from_str(&told.answer().body).unwrap();
            assert_eq!(Problem::read(&body), Some(told));
        }
        assert!(PROBLEMS.windows(2).all(|two| two[0].status <= two[1].status));
    }

    #[test]
    fn every_reason_of_the_registry_has_its_row() {
        let check = |objection: Objection, word: &str| assert_eq!(Problem::from(objection).word, word);
        check(Objection::Unknown(1), "unknown_identifier");
        check(Objection::Nothing, "nothing_to_do");
        check(Objection::Apart, "not_one_person");
        check(Objection::Contradicts(vec![4]), "contradicts_decision");
        check(Objection::NoOperation, "no_operation");
        check(Objection::ChangedSince, "changed_since");
        assert_eq!(Problem::from(Failure::OutcomeUnknown).word, "outcome_unknown");
        assert_eq!(Problem::from(Failure::Corrupt("x")).word, "defect");
    }
}
