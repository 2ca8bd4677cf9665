//! Versions of demographics: append-only.

use super::CHUNK;
use crate::identity::{Demographics, RecordId};
use crate::planted::{self, Bug};
use crate::store::connection::{Connection, on_connection};
use crate::store::demographics_twin::{from_text, to_text};
use crate::store::schema::{demographic_version, source_record};
use crate::store::{StoreError, Transaction};
use diesel::prelude::*;

impl Transaction<'_> {
    /// Adds a version; [`Transaction::record_set_version`] makes it current.
    pub fn version_insert(
        &mut self,
        record: RecordId,
        version: i32,
        now: i64,
        principal: &str,
        inbox_id: Option<i64>,
        demographics: &Demographics,
    ) -> Result<(), StoreError> {
        self.touched_said(record.0, version, demographics);
        let content = to_text(demographics)?;
        if self.load_version((record, version, now), principal, inbox_id, &content) {
            return Ok(());
        }
        on_connection!(self, connection => diesel::insert_into(demographic_version::table)
            .values((
                demographic_version::record_id.eq(record.0),
                demographic_version::version.eq(version),
                demographic_version::recorded.eq(now),
                demographic_version::principal.eq(principal),
                demographic_version::inbox_id.eq(inbox_id),
                demographic_version::content.eq(&content),
            ))
            .execute(connection))?;
        if planted::has(Bug::TwoTransactions)
            && let connection @ Connection::Sqlite(_) = self.connection()
        {
            let split = connection.batch("COMMIT; BEGIN IMMEDIATE; SAVEPOINT message");
            split.map_err(|error| self.failed(error))?;
        }
        Ok(())
    }

    /// The demographics of a record as they stand.
    pub fn version_current(&mut self, record: RecordId) -> Result<Option<Demographics>, StoreError> {
        Ok(self.versions_current(&[record])?.pop().map(|(_, demographics)| demographics))
    }

    /// The demographics of several records as they stand, in ascending order of record.
    pub fn versions_current(&mut self, records: &[RecordId]) -> Result<Vec<(RecordId, Demographics)>, StoreError> {
        let mut found = Vec::with_capacity(records.len());
        let few = self.one_by_one(records.len());
        for record in records.iter().filter(|_| few) {
            let rows: Vec<(i64, String)> = on_connection!(self, connection => demographic_version::table
                .inner_join(source_record::table.on(source_record::id
                    .eq(demographic_version::record_id)
                    .and(source_record::version.eq(demographic_version::version))))
                .filter(source_record::id.eq(record.0))
                .select((demographic_version::record_id, demographic_version::content))
                .load(connection))?;
            for (record, content) in rows {
                found.push((RecordId(record), from_text(&content)?));
            }
        }
        for chunk in records.chunks(CHUNK).filter(|_| !few) {
            let ids: Vec<i64> = chunk.iter().map(|record| record.0).collect();
            let rows: Vec<(i64, String)> = on_connection!(self, connection => demographic_version::table
                .inner_join(source_record::table.on(source_record::id
                    .eq(demographic_version::record_id)
                    .and(source_record::version.eq(demographic_version::version))))
                .filter(source_record::id.eq_any(&ids))
                .select((demographic_version::record_id, demographic_version::content))
                .load(connection))?;
            for (record, content) in rows {
                found.push((RecordId(record), from_text(&content)?));
            }
        }
        found.sort_by_key(|(record, _)| *record);
        found.dedup_by_key(|(record, _)| *record);
        Ok(found)
    }

    /// All that was ever said of a record: version, time, principal, demographics.
    pub fn versions_all(&mut self, record: RecordId) -> Result<Vec<(i32, i64, String, Demographics)>, StoreError> {
        let rows: Vec<(i32, i64, String, String)> = on_connection!(self, connection => demographic_version::table
            .filter(demographic_version::record_id.eq(record.0))
            .order(demographic_version::version.asc())
            .select((
                demographic_version::version, demographic_version::recorded, demographic_version::principal,
                demographic_version::content,
            ))
            .load(connection))?;
        rows.into_iter()
            .map(|(version, recorded, principal, content)| Ok((version, recorded, principal, from_text(&content)?)))
            .collect()
    }
}
