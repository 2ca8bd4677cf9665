//! Whether all that is stored still holds together: for operators, after a restore, and after every fault that
//! the reliability suite plants. It must never mend anything: what is broken is told.

use super::refiling::filed_up_to;
use super::{Failure, Registry};
use crate::identity::RecordId;
use crate::matching::{BlockingKey, ComparisonRecord, search_tokens};
use crate::store::Filed;

/// Records that are read at a time.
const PAGE: usize = 500;

/// A rule and how much breaks it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What must hold.
    pub rule: String,
    /// How many rows, records or pages break it.
    pub broken: i64,
}

impl Registry {
    /// Checks every invariant of the store in one snapshot, and that every record is filed under exactly what its
    /// current demographics give. One entry for each rule, the kept ones too.
    pub fn verify(&self) -> Result<Vec<Finding>, Failure> {
        self.0.store.read(|tx| {
            let pages = tx.integrity()?;
            let mut findings = vec![Finding {
                rule: "the database's own pages and indexes are whole".to_owned(),
                broken: i64::try_from(pages.len()).unwrap_or(i64::MAX),
            }];
            let rules = tx.invariants()?;
            findings.extend(rules.into_iter().map(|(rule, broken)| Finding { rule: rule.to_owned(), broken }));
            // Those after it were filed by an earlier version, and are filed anew by and by.
            let last = filed_up_to(tx)?;
            let (mut after, mut misfiled) = (RecordId(i64::MIN), 0);
            loop {
                let page = tx.filed_after(after, PAGE)?;
                let Some(end) = page.last() else { break };
                after = end.record;
                misfiled += page.iter().filter(|filed| filed.record <= last && !is_filed_rightly(filed)).count();
            }
            findings.push(Finding {
                rule: "every active record is filed under what it says now".to_owned(),
                broken: i64::try_from(misfiled).unwrap_or(i64::MAX),
            });
            Ok(findings)
        })
    }
}

/// Whether a record is filed as this version files it.
pub(super) fn is_filed_rightly(filed: &Filed) -> bool {
    let comparison = ComparisonRecord::of(&filed.demographics);
    let mut keys: Vec<BlockingKey> = comparison.blocking_keys();
    keys.sort();
    keys.dedup();
    keys == filed.keys
        && search_tokens(&filed.demographics) == filed.tokens
        && filed.row.as_deref() == Some(comparison.encode().as_slice())
}
