//! Source records: one identifier of one domain in one generation.

use super::CHUNK;
use super::process::one;
use crate::identity::RecordId;
use crate::metrics::Count;
use crate::store::connection::on_connection;
use crate::store::schema::source_record;
use crate::store::witness::Thing;
use crate::store::{SourceRecordRow, StoreError, Transaction};
use diesel::prelude::*;

impl Transaction<'_> {
    /// Whether there is any active record in the domain `key`.
    pub fn domain_is_used(&mut self, key: &str) -> Result<bool, StoreError> {
        let found: Option<i64> = on_connection!(self, connection => source_record::table
            .filter(source_record::domain_key.eq(key))
            .filter(source_record::status.eq("active"))
            .select(source_record::id)
            .first(connection)
            .optional())?;
        Ok(found.is_some())
    }

    /// The latest generation of an identifier.
    pub fn record_find(
        &mut self,
        identifier_key: i64,
        domain: &str,
        value: &str,
    ) -> Result<Option<SourceRecordRow>, StoreError> {
        if self.load_lacks(identifier_key) {
            return Ok(None);
        }
        on_connection!(self, connection => source_record::table
            .filter(source_record::identifier_key.eq(identifier_key))
            .filter(source_record::domain_key.eq(domain))
            .filter(source_record::value.eq(value))
            .order(source_record::generation.desc())
            .select(SourceRecordRow::as_select())
            .first(connection)
            .optional())
    }

    /// One record.
    pub fn record_get(&mut self, record: RecordId) -> Result<Option<SourceRecordRow>, StoreError> {
        on_connection!(self, connection => source_record::table
            .find(record.0)
            .select(SourceRecordRow::as_select())
            .first(connection)
            .optional())
    }

    /// Several records in ascending order; those that are not there are left out.
    pub fn records_get(&mut self, records: &[RecordId]) -> Result<Vec<SourceRecordRow>, StoreError> {
        let mut rows: Vec<SourceRecordRow> = Vec::with_capacity(records.len());
        let few = self.one_by_one(records.len());
        for record in records.iter().filter(|_| few) {
            rows.extend(on_connection!(self, connection => source_record::table
                .find(record.0)
                .select(SourceRecordRow::as_select())
                .load(connection))?);
        }
        for chunk in records.chunks(CHUNK).filter(|_| !few) {
            let ids: Vec<i64> = chunk.iter().map(|record| record.0).collect();
            rows.extend(on_connection!(self, connection => source_record::table
                .filter(source_record::id.eq_any(&ids))
                .select(SourceRecordRow::as_select())
                .load(connection))?);
        }
        rows.sort_by_key(|row| row.id);
        rows.dedup_by_key(|row| row.id);
        Ok(rows)
    }

    /// Key, key of the identifier, domain and status of at most `limit` records after this one, in ascending order.
    pub(in crate::store) fn record_keys_after(
        &mut self,
        after: i64,
        limit: usize,
    ) -> Result<Vec<(i64, i64, String, String)>, StoreError> {
        on_connection!(self, connection => source_record::table
            .filter(source_record::id.gt(after))
            .order(source_record::id.asc())
            .limit(super::row_limit(limit))
            .select((source_record::id, source_record::identifier_key, source_record::domain_key, source_record::status))
            .load(connection))
    }

    /// Adds a record.
    pub fn record_insert(&mut self, row: &SourceRecordRow) -> Result<(), StoreError> {
        self.touched_record(row.id);
        if !self.load_record(row) {
            on_connection!(self, connection =>
                diesel::insert_into(source_record::table).values(row).execute(connection))?;
        }
        self.did(Count::Record);
        Ok(())
    }

    /// Says which version of its demographics is current.
    pub fn record_set_version(&mut self, record: RecordId, version: i32) -> Result<(), StoreError> {
        self.touched_record(record.0);
        let changed = on_connection!(self, connection => diesel::update(source_record::table.find(record.0))
            .set(source_record::version.eq(version))
            .execute(connection))?;
        one(changed)
    }

    /// Notes that `survivor` took over this record.
    pub fn record_subsume(&mut self, record: RecordId, survivor: RecordId) -> Result<(), StoreError> {
        self.touched_record(record.0);
        self.changed(Thing::Record(record.0));
        if self.tells()
            && let Some(person) = self.person_of(record)?
        {
            self.changed(Thing::Person(person.0));
        }
        let changed = on_connection!(self, connection => diesel::update(source_record::table.find(record.0))
            .set((source_record::status.eq("subsumed"), source_record::survivor.eq(Some(survivor.0))))
            .execute(connection))?;
        one(changed)
    }
}
