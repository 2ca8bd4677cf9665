//! Brings what records are filed under up to this version of normalisation and keys, a few records at a time, while
//! all goes on.
//!
//! A record that was filed by an earlier version is found as it was filed then, until its turn comes. Where processes of
//! both versions serve one store, what the earlier one files after this one is done stays as it files it until it is
//! revised. It must never change a link, a version, or what anybody is told: only where a record is sought.

use super::feed::hold_files;
use super::intake::stable_key;
use super::verify::is_filed_rightly;
use super::{Failure, Registry};
use crate::identity::RecordId;
use crate::matching::{ComparisonRecord, FILING_VERSION, search_tokens};
use crate::store::Transaction;

/// Under these names settings of the store are kept. They never change.
const VERSION: &str = "filing.version";
const DONE: &str = "filing.done";

/// What stores were filed by that do not say it.
const FIRST: u32 = 1;

/// How far filing anew has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refiled {
    /// Records that were filed anew now.
    pub records: usize,
    /// Whether there may be more.
    pub more: bool,
}

impl Registry {
    /// Notes by which version a store without records is filed, unless that is noted.
    pub(super) fn stamp_filing(&self) -> Result<(), Failure> {
        if self.0.store.read(|tx| -> Result<_, Failure> { Ok(tx.setting(VERSION)?) })?.is_some() {
            return Ok(());
        }
        self.write(Vec::new(), stamp)
    }

    /// Looks at the next `most` records, and files anew those that an earlier version has filed. Several processes over
    /// one store take turns.
    pub fn refile_some(&self, most: usize) -> Result<Refiled, Failure> {
        let is_done = |tx: &mut Transaction<'_>| -> Result<_, Failure> { Ok(filed_by(tx)? >= FILING_VERSION) };
        if self.0.store.read(is_done)? {
            return Ok(Refiled { records: 0, more: false });
        }
        self.write(vec![stable_key(&[VERSION])], move |tx| {
            if filed_by(tx)? >= FILING_VERSION {
                return Ok(Refiled { records: 0, more: false });
            }
            let from = RecordId(done(tx)?);
            let page = tx.filed_after(from, most)?;
            let mut records = 0;
            // Who is not filed at all is held back, until a steward has decided.
            for filed in page.iter().filter(|filed| filed.row.is_some() && !is_filed_rightly(filed)) {
                let comparison = ComparisonRecord::of(&filed.demographics);
                hold_files(tx, &comparison)?;
                let tokens = search_tokens(&filed.demographics);
                tx.filing_replace(filed.record, &comparison.blocking_keys(), &tokens, &comparison.encode())?;
                records += 1;
            }
            if let Some(last) = page.last() {
                tx.setting_put(DONE, &last.record.0.to_string())?;
            }
            // What comes after is filed by this version: it need not be waited for.
            let more = page.len() == most;
            if !more {
                tx.setting_put(VERSION, &FILING_VERSION.to_string())?;
            }
            Ok(Refiled { records, more })
        })
    }
}

/// Notes in a store without records that this version files them.
pub(super) fn stamp(tx: &mut Transaction<'_>) -> Result<(), Failure> {
    let version = if tx.records_count()? == 0 { FILING_VERSION } else { FIRST };
    tx.setting_once(VERSION, &version.to_string())?;
    Ok(())
}

/// Which version has filed the records of a store, but for those that were filed since or anew.
fn filed_by(tx: &mut Transaction<'_>) -> Result<u32, Failure> {
    let noted = tx.setting(VERSION)?;
    noted.map_or(Ok(FIRST), |text| text.parse().map_err(|_| Failure::Corrupt("the version of filing")))
}

fn done(tx: &mut Transaction<'_>) -> Result<i64, Failure> {
    let noted = tx.setting(DONE)?;
    noted.map_or(Ok(i64::MIN), |text| text.parse().map_err(|_| Failure::Corrupt("how far filing anew has come")))
}

/// The last record that must be filed as this version does.
pub(super) fn filed_up_to(tx: &mut Transaction<'_>) -> Result<RecordId, Failure> {
    match filed_by(tx)? {
        FILING_VERSION => Ok(RecordId(i64::MAX)),
        older if older < FILING_VERSION => Ok(RecordId(done(tx)?)),
        // A later program has filed them in its way.
        _ => Ok(RecordId(i64::MIN)),
    }
}
