//! Each reason has one row: how a refusal of the registry is told in each language.
//!
//! A missing translation is a missing `match` arm. No text holds a value of the message.

use crate::hl7v3::{AcceptCode, Detail, QueryEnd, Severity};
use crate::registry::{Reason, Refusal};

/// HL7 v2 table 0357, used by v3 for want of a code of its own: 204 unknown key identifier.
const TABLE_0357: &str = "2.16.840.1.113883.12.357";
const ACKNOWLEDGEMENT_DETAIL: &str = "2.16.840.1.113883.5.1100";

/// One row.
pub(super) struct Problem {
    /// `acknowledgementDetail/code` and its system.
    pub code: (&'static str, &'static str),
    /// The text, the same for every caller.
    pub text: &'static str,
    /// Accept acknowledgement of a feed.
    pub accept: AcceptCode,
    /// How a query ends.
    pub query: QueryEnd,
}

/// The row of `reason`.
pub(super) fn problem(reason: Reason) -> Problem {
    let unknown = |text| Problem { code: ("204", TABLE_0357), text, accept: AcceptCode::Error, query: QueryEnd::Error };
    let other = |code, text, accept, query| Problem { code: (code, ACKNOWLEDGEMENT_DETAIL), text, accept, query };
    match reason {
        Reason::UnknownSender => other("NS260", "unknown sender", AcceptCode::Error, QueryEnd::Error),
        Reason::AuthorityNotGranted => unknown("unknown assigning authority"),
        Reason::RegionalAsserted => unknown("identifiers of the regional authority are issued by this registry alone"),
        Reason::IdentifierSubsumed => unknown("unknown key identifier: it was merged into another"),
        Reason::MergeAcrossAuthorities => {
            unknown("the surviving and the subsumed identifier have different assigning authorities")
        }
        Reason::MergeWithItself => unknown("the surviving and the subsumed identifier are the same"),
        Reason::SubsumedUnknown => unknown("unknown key identifier: the subsumed identifier"),
        Reason::SurvivorSubsumed => unknown("unknown key identifier: the surviving identifier was merged into another"),
        Reason::MessageIdReused => {
            other("SYN103", "the message id was used before for another payload", AcceptCode::Error, QueryEnd::Error)
        }
        Reason::UnknownIdentifier => unknown("Unknown Key Identifier"),
        Reason::UnknownDomain => unknown("Unknown Key Identifier: the requested domain"),
        Reason::NoCriteria => other("SYN100", "no query parameters", AcceptCode::Error, QueryEnd::InvalidQuery),
        Reason::TooManyMatches => other(
            "INTERR",
            "too many patients match: add a parameter, such as the birth date or the full name",
            AcceptCode::Error,
            QueryEnd::Error,
        ),
        Reason::UnknownQuery => unknown("Unknown Key Identifier: no such query is kept"),
        Reason::Unusable => other("SYN", "the message is not usable", AcceptCode::Error, QueryEnd::InvalidQuery),
        Reason::Defect => other("INTERR", "internal error", AcceptCode::Error, QueryEnd::Aborted),
        Reason::StoreUnavailable => {
            other("NOSTORE", "the store is not available", AcceptCode::Reject, QueryEnd::Aborted)
        }
    }
}

/// The acknowledgement detail of a refusal that stood at `location`.
pub(super) fn detail(refusal: &Refusal, location: Option<String>) -> Detail {
    let row = problem(refusal.reason);
    Detail {
        severity: Severity::Error,
        code: row.code.0.to_owned(),
        code_system: row.code.1.to_owned(),
        text: row.text.to_owned(),
        locations: location.into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_says_something_of_its_own() {
        let mut texts: Vec<_> = Reason::ALL.iter().map(|reason| problem(*reason).text).collect();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), Reason::ALL.len());
    }
}
