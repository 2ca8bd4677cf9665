//! Whether a store is a network's in production or a test's, which only the first start decides: what is a test's may
//! be emptied, and patients of one never come into the other.

use super::refiling::stamp;
use super::{Failure, Registry};
use crate::store::Transaction;

/// The setting that says what a store is for. A word of the store: it never changes.
const PURPOSE: &str = "network_purpose";
const TEST: &str = "test";
const PRODUCTION: &str = "production";

impl Registry {
    /// Says that this store is a test's, or one in production; false where it is the other. A store that has content
    /// and was never asked is in production.
    pub fn is_for(&self, test: bool) -> Result<bool, Failure> {
        let known = self.0.store.read(|tx| -> Result<_, Failure> { Ok(tx.setting(PURPOSE)?) })?;
        if let Some(known) = known {
            return Ok((known == TEST) == test);
        }
        self.write(Vec::new(), move |tx| {
            let fresh = tx.is_without_content()?;
            let stamped = tx.setting_once(PURPOSE, if test && fresh { TEST } else { PRODUCTION })?;
            Ok((stamped == TEST) == test)
        })
    }

    /// Empties the store, if it is a test's; whether it is.
    pub fn reset(&self) -> Result<bool, Failure> {
        self.write(Vec::new(), move |tx: &mut Transaction<'_>| {
            if tx.setting(PURPOSE)?.as_deref() != Some(TEST) {
                return Ok(false);
            }
            tx.clear()?;
            stamp(tx)?;
            tx.setting_put(PURPOSE, TEST)?;
            Ok(true)
        })
    }
}
