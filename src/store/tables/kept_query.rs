//! Queries by demographics of which further pages can be asked for. Whose they are is the registry's to say.

use crate::store::connection::on_connection;
use crate::store::schema::kept_query;
use crate::store::{KeptQueryRow, StoreError, Transaction};
use diesel::prelude::*;

impl Transaction<'_> {
    /// Keeps a query; one that had its place is forgotten.
    pub fn query_keep(&mut self, row: &KeptQueryRow) -> Result<(), StoreError> {
        self.query_forget(row.id)?;
        on_connection!(self, connection => diesel::insert_into(kept_query::table).values(row).execute(connection))?;
        Ok(())
    }

    /// The query that is kept under `id`.
    pub fn query_kept(&mut self, id: i64) -> Result<Option<KeptQueryRow>, StoreError> {
        on_connection!(self, connection => kept_query::table
            .find(id)
            .select(KeptQueryRow::as_select())
            .first(connection)
            .optional())
    }

    /// How far a query has been told now.
    pub fn query_told(&mut self, id: i64, page_size: i32, next: i32, pages: &str) -> Result<(), StoreError> {
        on_connection!(self, connection => diesel::update(kept_query::table.find(id))
            .set((kept_query::page_size.eq(page_size), kept_query::next.eq(next), kept_query::pages.eq(pages)))
            .execute(connection))?;
        Ok(())
    }

    /// Forgets a query; whether there was one.
    pub fn query_forget(&mut self, id: i64) -> Result<bool, StoreError> {
        let gone: usize = on_connection!(self, connection =>
            diesel::delete(kept_query::table.find(id)).execute(connection))?;
        Ok(gone > 0)
    }

    /// Forgets all queries, whoever asked.
    pub fn queries_forget(&mut self) -> Result<(), StoreError> {
        on_connection!(self, connection => diesel::delete(kept_query::table).execute(connection))?;
        Ok(())
    }

    /// Forgets what expired before `now`, and of `principal` all but the latest `most`.
    pub fn queries_trim(&mut self, principal: &str, most: usize, now: i64) -> Result<(), StoreError> {
        on_connection!(self, connection => diesel::delete(kept_query::table.filter(kept_query::expires.le(now)))
            .execute(connection))?;
        let older: Vec<i64> = on_connection!(self, connection => kept_query::table
            .filter(kept_query::principal.eq(principal))
            .order((kept_query::kept.desc(), kept_query::id.desc()))
            .offset(super::row_limit(most))
            .limit(super::row_limit(super::CHUNK))
            .select(kept_query::id)
            .load(connection))?;
        for id in older {
            self.query_forget(id)?;
        }
        Ok(())
    }
}
