//! Why the registry says no. A [`Refusal`] is an answer, stored and sent; a [`Failure`] is a defect or an
//! outage of ours, logged here and shown to nobody. `transactions::problem` translates both, and only it.

use crate::audit::AuditOutcome;
use crate::store::StoreError;
use serde::{Deserialize, Serialize};
use std::fmt;

/// One variant for each reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Reason {
    /// No configured system calls like this.
    UnknownSender,
    /// The authority is not configured, or the sender may not feed it: told alike (decision 13).
    AuthorityNotGranted,
    /// A feed asserts an identifier of the regional authority, which is the registry's own.
    RegionalAsserted,
    /// The identifier was subsumed by a merge and is dead.
    IdentifierSubsumed,
    /// Merge: the two identifiers have different authorities.
    MergeAcrossAuthorities,
    /// Merge: the two identifiers are the same.
    MergeWithItself,
    /// Merge: the subsumed identifier is unknown, or was subsumed before.
    SubsumedUnknown,
    /// Merge: the surviving identifier was subsumed before.
    SurvivorSubsumed,
    /// The message id was used before for another payload.
    MessageIdReused,
    /// Nobody is known by this identifier, or the caller may not ask by it: told alike.
    UnknownIdentifier,
    /// A requested domain is unknown, or hidden from the caller: told alike.
    UnknownDomain,
    /// A query by demographics that names no criterion.
    NoCriteria,
    /// More people match than the network's limit.
    TooManyMatches,
    /// The query continues nothing that is kept.
    UnknownQuery,
    /// The message could not be used as it is; the language says where and why.
    Unusable,
    /// A defect of ours.
    Defect,
    /// The store cannot be written or read now.
    StoreUnavailable,
}

impl Reason {
    /// Every reason, for tests of completeness.
    pub const ALL: [Reason; 17] = [
        Reason::UnknownSender,
        Reason::AuthorityNotGranted,
        Reason::RegionalAsserted,
        Reason::IdentifierSubsumed,
        Reason::MergeAcrossAuthorities,
        Reason::MergeWithItself,
        Reason::SubsumedUnknown,
        Reason::SurvivorSubsumed,
        Reason::MessageIdReused,
        Reason::UnknownIdentifier,
        Reason::UnknownDomain,
        Reason::NoCriteria,
        Reason::TooManyMatches,
        Reason::UnknownQuery,
        Reason::Unusable,
        Reason::Defect,
        Reason::StoreUnavailable,
    ];

    /// One word for audit and metrics.
    pub fn word(self) -> &'static str {
        match self {
            Reason::UnknownSender => "unknown_sender",
            Reason::AuthorityNotGranted => "authority_not_granted",
            Reason::RegionalAsserted => "regional_asserted",
            Reason::IdentifierSubsumed => "identifier_subsumed",
            Reason::MergeAcrossAuthorities => "merge_across_authorities",
            Reason::MergeWithItself => "merge_with_itself",
            Reason::SubsumedUnknown => "subsumed_unknown",
            Reason::SurvivorSubsumed => "survivor_subsumed",
            Reason::MessageIdReused => "message_id_reused",
            Reason::UnknownIdentifier => "unknown_identifier",
            Reason::UnknownDomain => "unknown_domain",
            Reason::NoCriteria => "no_criteria",
            Reason::TooManyMatches => "too_many_matches",
            Reason::UnknownQuery => "unknown_query",
            Reason::Unusable => "unusable",
            Reason::Defect => "defect",
            Reason::StoreUnavailable => "store_unavailable",
        }
    }

    /// How the audit trail grades it.
    pub fn audit_outcome(self) -> AuditOutcome {
        match self {
            Reason::Defect | Reason::StoreUnavailable => AuditOutcome::SeriousFailure,
            _ => AuditOutcome::MinorFailure,
        }
    }
}

/// Which part of the request a refusal is about; the transaction knows where that stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Place {
    /// The message as a whole.
    Message,
    /// Who sent it.
    Sender,
    /// The n-th of the patient's identifiers, from 0.
    Identifier(usize),
    /// The n-th of the other identifiers, from 0.
    OtherIdentifier(usize),
    /// Merge: the identifier that stays.
    Survivor,
    /// Merge: the identifier that goes.
    Subsumed,
    /// The identifier asked about.
    Asked,
    /// The n-th of the requested domains, from 0.
    Domain(usize),
}

/// A refusal: the reason and what it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Refusal {
    /// Why.
    pub reason: Reason,
    /// About what.
    pub place: Place,
}

impl Refusal {
    /// A refusal for `reason` about `place`.
    pub fn new(reason: Reason, place: Place) -> Self {
        Self { reason, place }
    }
}

/// What went wrong on our side.
#[derive(Debug)]
pub enum Failure {
    /// The store could not do it.
    Store(StoreError),
    /// Something stored cannot be read back: a defect.
    Corrupt(&'static str),
    /// The commit may or may not have happened: nothing may be answered.
    OutcomeUnknown,
}

impl Failure {
    /// The reason to give, or none where nothing may be said.
    pub fn reason(&self) -> Option<Reason> {
        match self {
            Failure::Store(StoreError::Unavailable(_) | StoreError::Busy | StoreError::Damaged) => {
                Some(Reason::StoreUnavailable)
            }
            Failure::Store(_) | Failure::Corrupt(_) => Some(Reason::Defect),
            Failure::OutcomeUnknown => None,
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unknown => Failure::OutcomeUnknown,
            other => Failure::Store(other),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Store(_) => f.write_str("the store could not do it"),
            Failure::Corrupt(what) => write!(f, "what is stored cannot be read: {what}"),
            Failure::OutcomeUnknown => f.write_str("whether the change was committed is unknown"),
        }
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Failure::Store(error) => Some(error),
            _ => None,
        }
    }
}
