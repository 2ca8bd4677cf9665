//! One audited request.

use crate::identity::{PersonId, RecordId};

/// What was done (RFC 3881 EventActionCode).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// `C`
    Create,
    /// `R`
    Read,
    /// `U`
    Update,
    /// `D`
    Delete,
    /// `E`
    Execute,
}

impl Action {
    /// The one-letter code.
    pub fn code(self) -> &'static str {
        match self {
            Action::Create => "C",
            Action::Read => "R",
            Action::Update => "U",
            Action::Delete => "D",
            Action::Execute => "E",
        }
    }
}

/// How it ended (RFC 3881 EventOutcomeIndicator).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditOutcome {
    /// 0
    Success,
    /// 4: refused for what the request said, or for who asked.
    MinorFailure,
    /// 8: failed for a reason of ours.
    SeriousFailure,
}

impl AuditOutcome {
    /// The numeric code.
    pub fn code(self) -> i32 {
        match self {
            AuditOutcome::Success => 0,
            AuditOutcome::MinorFailure => 4,
            AuditOutcome::SeriousFailure => 8,
        }
    }
}

/// One request and what it touched; written once for every request, refused ones too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEvent {
    /// `ITI-44`, `ITI-45`, `ITI-47`, or a steward's act (`review decide`).
    pub transaction: &'static str,
    /// Who asked: a principal's key.
    pub principal: String,
    /// What was done.
    pub action: Action,
    /// How it ended.
    pub outcome: AuditOutcome,
    /// The reason, one word from the table of problems; empty on success.
    pub reason: String,
    /// The message id as the caller gave it, or empty.
    pub message_id: String,
    /// The records that were touched or shown.
    pub records: Vec<RecordId>,
    /// The persons that were touched or shown.
    pub persons: Vec<PersonId>,
}
