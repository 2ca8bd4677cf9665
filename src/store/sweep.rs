//! SQLite: puts what records are filed under into the tables by which they are sought, much of it at a time and in the
//! order of the tables, so that a page that is changed takes many rows at once.
//!
//! It may be left anywhere, and what it has done may be done again: whatever stands in `filing_due` is still due. It must
//! never be gone on with after its transaction was undone, or after something else has changed those tables.

use super::filed::Terms;
use super::many::{insert_all, insert_missing};
use super::schema::{blocking_key, search_token};
use super::{StoreError, Transaction};
use diesel::prelude::*;
use diesel::sqlite::SqliteConnection;
use std::collections::BTreeMap;

/// To read what a record is filed under takes as long as to put so many rows into their tables.
const ROWS_OF_READING: usize = 16;

/// So many records are read, or done with, by one statement.
const PAGE: usize = 512;

/// One pass over all that was due when it began.
pub(super) struct Sweep {
    /// The last place that was due then.
    last: i64,
    /// How far it has read.
    gathered: i64,
    /// How far it has said that nothing is due any more.
    done: i64,
    /// What is left to do, in the order of the tables: whether a row is to be there.
    keys: BTreeMap<(i64, i64), bool>,
    tokens: BTreeMap<(i16, Box<str>, i64), bool>,
}

#[derive(Insertable)]
#[diesel(table_name = blocking_key, treat_none_as_default_value = false)]
struct KeyRow {
    key: i64,
    record_id: i64,
}

#[derive(Insertable)]
#[diesel(table_name = search_token, treat_none_as_default_value = false)]
struct TokenRow {
    kind: i16,
    value: String,
    record_id: i64,
}

impl Sweep {
    /// Over all that is due now; none where nothing is.
    pub(super) fn begin(tx: &mut Transaction<'_>) -> Result<Option<Self>, StoreError> {
        Ok(tx.due_places()?.map(|(first, last)| Self::between(first - 1, last)))
    }

    /// Over what is due at one place.
    pub(super) fn of(place: i64) -> Self {
        Self::between(place - 1, place)
    }

    fn between(after: i64, last: i64) -> Self {
        Self { last, gathered: after, done: after, keys: BTreeMap::new(), tokens: BTreeMap::new() }
    }

    /// All of it, within one transaction.
    pub(super) fn all(tx: &mut Transaction<'_>) -> Result<(), StoreError> {
        Self::begin(tx)?.map_or(Ok(()), |sweep| sweep.finish(tx))
    }

    pub(super) fn finish(mut self, tx: &mut Transaction<'_>) -> Result<(), StoreError> {
        while !self.step(tx, usize::MAX)? {}
        Ok(())
    }

    /// Does about as much as to put so many rows into their tables; whether all is done.
    pub(super) fn step(&mut self, tx: &mut Transaction<'_>, rows: usize) -> Result<bool, StoreError> {
        if self.gathered < self.last {
            self.gather(tx, rows.div_ceil(ROWS_OF_READING).min(PAGE))?;
        } else if !self.keys.is_empty() {
            self.put_keys(tx, rows)?;
        } else if !self.tokens.is_empty() {
            self.put_tokens(tx, rows)?;
        } else if self.done < self.last {
            let page = i64::try_from(rows.min(PAGE)).unwrap_or(i64::MAX);
            let up_to = self.done.saturating_add(page).min(self.last);
            tx.due_done(self.done, up_to)?;
            self.done = up_to;
        }
        Ok(self.done >= self.last)
    }

    fn gather(&mut self, tx: &mut Transaction<'_>, records: usize) -> Result<(), StoreError> {
        let page = tx.due_between(self.gathered, self.last, records)?;
        self.gathered = page.last().map_or(self.last, |(place, ..)| *place);
        for (_, record, was, terms) in page {
            for (text, is_there) in [(was, false), (terms, true)] {
                let Some(text) = text else { continue };
                let terms = Terms::from_text(&text)?;
                self.keys.extend(terms.keys().iter().map(|key| ((*key, record), is_there)));
                for token in terms.tokens() {
                    let (kind, value) = token?;
                    self.tokens.insert((kind, value.into(), record), is_there);
                }
            }
        }
        Ok(())
    }

    fn put_keys(&mut self, tx: &mut Transaction<'_>, rows: usize) -> Result<(), StoreError> {
        let (mut put, mut gone) = (Vec::new(), Vec::new());
        while put.len() + gone.len() < rows {
            let Some((row, is_there)) = self.keys.pop_first() else { break };
            if is_there { put.push(row) } else { gone.push(row) }
        }
        tx.on_sqlite(|connection| {
            for (key, record) in gone {
                diesel::delete(blocking_key::table.find((key, record))).execute(connection)?;
            }
            insert_filing(connection, put, Vec::new(), true)
        })
    }

    fn put_tokens(&mut self, tx: &mut Transaction<'_>, rows: usize) -> Result<(), StoreError> {
        let (mut put, mut gone) = (Vec::new(), Vec::new());
        while put.len() + gone.len() < rows {
            let Some((row, is_there)) = self.tokens.pop_first() else { break };
            if is_there { put.push(row) } else { gone.push(row) }
        }
        tx.on_sqlite(|connection| {
            for (kind, value, record) in gone {
                diesel::delete(search_token::table.find((kind, &*value, record))).execute(connection)?;
            }
            insert_filing(connection, Vec::new(), put, true)
        })
    }
}

/// Puts rows into the tables by which records are sought, best in their order; whether some may be there already.
pub(super) fn insert_filing(
    connection: &mut SqliteConnection,
    keys: Vec<(i64, i64)>,
    tokens: Vec<(i16, Box<str>, i64)>,
    again: bool,
) -> QueryResult<()> {
    let keys = keys.into_iter().map(|(key, record_id)| KeyRow { key, record_id });
    let tokens = tokens.into_iter().map(|(kind, value, record_id)| TokenRow { kind, value: value.into(), record_id });
    if again {
        insert_missing!(connection, blocking_key::table, 128, keys);
        insert_missing!(connection, search_token::table, 128, tokens);
    } else {
        insert_all!(connection, blocking_key::table, 128, keys);
        insert_all!(connection, search_token::table, 128, tokens);
    }
    Ok(())
}
