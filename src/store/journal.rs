//! The journal of a store, read beside whoever has the store open.

use super::export::look;
use super::{InboxRow, StoreError, Transaction, migrations};
use crate::store::connection::Connection;

/// Rows that are read at a time.
const PAGE: usize = 500;

/// All messages and acts of a store that have a place, in order of it.
pub struct Journal {
    connection: Connection,
    page: std::vec::IntoIter<InboxRow>,
    after: i64,
    whole: bool,
}

impl Journal {
    /// The journal of the store at `url`, which is not written to.
    pub fn of(url: &str) -> Result<Self, StoreError> {
        let mut connection = look(url)?;
        migrations::version(&mut connection)?;
        let whole = Transaction::new(&mut connection, None).journal_is_whole()?;
        Ok(Self { connection, page: Vec::new().into_iter(), after: i64::MIN, whole })
    }

    /// Whether nothing was dropped from it.
    pub fn is_whole(&self) -> bool {
        self.whole
    }
}

impl Iterator for Journal {
    type Item = Result<InboxRow, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(row) = self.page.next() {
            return Some(Ok(row));
        }
        match Transaction::new(&mut self.connection, None).journal_after(self.after, PAGE) {
            Err(error) => Some(Err(error)),
            Ok(page) => {
                self.after = page.last().and_then(|row| row.seq)?;
                self.page = page.into_iter();
                self.page.next().map(Ok)
            }
        }
    }
}
