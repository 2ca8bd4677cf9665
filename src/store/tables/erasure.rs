//! What is left of a person whose values are erased: rows without them, so that links, history and journal still hold.

use super::CHUNK;
use super::process::one;
use crate::identity::{Demographics, PersonId, RecordId};
use crate::store::connection::on_connection;
use crate::store::demographics_twin::to_text;
use crate::store::schema::{
    audit, demographic_version, inbox, kept_query, person, regional_id, review, source_record, steward_decision,
    steward_operation,
};
use crate::store::{InboxRow, StoreError, Transaction};
use diesel::prelude::*;

/// The status of a record and of a person whose values are erased. A word of the store: it never changes.
pub const ERASED: &str = "erased";

impl Transaction<'_> {
    /// The records that were subsumed by one of `records`, by whatever way; in ascending order.
    pub fn records_subsumed_by(&mut self, records: &[RecordId]) -> Result<Vec<RecordId>, StoreError> {
        let mut found: Vec<i64> = Vec::new();
        let mut survivors: Vec<i64> = records.iter().map(|record| record.0).collect();
        while !survivors.is_empty() {
            let mut next: Vec<i64> = Vec::new();
            for chunk in survivors.chunks(CHUNK) {
                let some: Vec<i64> = on_connection!(self, connection => source_record::table
                    .filter(source_record::survivor.eq_any(chunk))
                    .select(source_record::id)
                    .load(connection))?;
                next.extend(some.into_iter().filter(|id| !found.contains(id)));
            }
            found.extend(&next);
            survivors = next;
        }
        found.sort_unstable();
        Ok(found.into_iter().map(RecordId).collect())
    }

    /// How many versions a record has.
    pub fn versions_count(&mut self, record: RecordId) -> Result<i64, StoreError> {
        on_connection!(self, connection => demographic_version::table
            .filter(demographic_version::record_id.eq(record.0))
            .count()
            .get_result(connection))
    }

    /// The journal rows of all that touched one of `records`, as the audit trail has it, and of all that made a version
    /// of one; in ascending order of key.
    pub fn journal_of_records(&mut self, records: &[RecordId]) -> Result<Vec<InboxRow>, StoreError> {
        let mut found: Vec<InboxRow> = Vec::new();
        for record in records {
            let named = format!("%{}%", record.0);
            let messages: Vec<(String, String)> = on_connection!(self, connection => audit::table
                .filter(audit::records.like(&named))
                .filter(audit::message_id.ne(""))
                .select((audit::principal, audit::message_id))
                .distinct()
                .load(connection))?;
            for (principal, message_id) in messages {
                found.extend(on_connection!(self, connection => inbox::table
                    .filter(inbox::message_id.eq(&message_id))
                    .filter(inbox::principal.eq(&principal))
                    .select(InboxRow::as_select())
                    .load(connection))?);
            }
            let versions: Vec<i64> = on_connection!(self, connection => demographic_version::table
                .filter(demographic_version::record_id.eq(record.0))
                .filter(demographic_version::inbox_id.is_not_null())
                .select(demographic_version::inbox_id.assume_not_null())
                .load(connection))?;
            for chunk in versions.chunks(CHUNK) {
                found.extend(on_connection!(self, connection => inbox::table
                    .filter(inbox::id.eq_any(chunk))
                    .select(InboxRow::as_select())
                    .load(connection))?);
            }
        }
        found.sort_by_key(|row| row.id);
        found.dedup_by_key(|row| row.id);
        Ok(found)
    }

    /// Puts `payload` in the place of what a journal row holds.
    pub fn journal_blank(&mut self, row: &InboxRow, payload: &[u8]) -> Result<(), StoreError> {
        let changed = on_connection!(self, connection => diesel::update(inbox::table.find((row.message_key, row.id)))
            .set(inbox::payload.eq(payload))
            .execute(connection))?;
        one(changed)
    }

    /// Takes a record out of all files, and puts `tombstone` in the place of all that was ever said, and `value` in that
    /// of its identifier, to be found under `key`.
    pub fn record_erase(
        &mut self,
        record: RecordId,
        (key, value): (i64, &str),
        tombstone: &Demographics,
    ) -> Result<(), StoreError> {
        self.filing_remove(record)?;
        self.due_now(record)?;
        self.touched_said_anew(record.0);
        let content = to_text(tombstone)?;
        on_connection!(self, connection => diesel::update(demographic_version::table
            .filter(demographic_version::record_id.eq(record.0)))
            .set(demographic_version::content.eq(&content))
            .execute(connection))?;
        let changed = on_connection!(self, connection => diesel::update(source_record::table.find(record.0))
            .set((
                source_record::status.eq(ERASED),
                source_record::identifier_key.eq(key),
                source_record::value.eq(value),
            ))
            .execute(connection))?;
        one(changed)?;
        // What was written in words about the record may name whose it was.
        on_connection!(self, connection => diesel::update(steward_decision::table.filter(
            steward_decision::record_a.eq(record.0).or(steward_decision::record_b.eq(record.0))))
            .set(steward_decision::reason.eq(""))
            .execute(connection))?;
        on_connection!(self, connection => diesel::update(steward_operation::table
            .filter(steward_operation::effects.like(format!("%{}%", record.0))))
            .set(steward_operation::reason.eq(""))
            .execute(connection))?;
        on_connection!(self, connection => diesel::update(review::table.filter(
            review::record_id.eq(record.0).or(review::other_record.eq(record.0))))
            .set(review::explanation.eq(""))
            .execute(connection))?;
        Ok(())
    }

    /// A person whose records are erased: nobody is known by the regional IDs any more, and none is ever issued again.
    pub fn person_erase(&mut self, id: PersonId, now: i64) -> Result<(), StoreError> {
        self.touched_person(id.0);
        on_connection!(self, connection => diesel::update(steward_operation::table
            .filter(steward_operation::person_id.eq(id.0)))
            .set(steward_operation::reason.eq(""))
            .execute(connection))?;
        on_connection!(self, connection => diesel::update(regional_id::table
            .filter(regional_id::person_id.eq(id.0))
            .filter(regional_id::state.eq("active")))
            .set((regional_id::state.eq(ERASED), regional_id::retired.eq(Some(now))))
            .execute(connection))?;
        // Those of searches tell their echo, which holds what was asked for; they live for minutes anyway.
        on_connection!(self, connection => diesel::delete(kept_query::table).execute(connection))?;
        let changed = on_connection!(self, connection => diesel::update(person::table.find(id.0))
            .set(person::state.eq(ERASED))
            .execute(connection))?;
        one(changed)
    }

    /// How many versions of erased records hold anything but `tombstone`.
    pub fn versions_not_erased(&mut self, tombstone: &Demographics) -> Result<i64, StoreError> {
        let content = to_text(tombstone)?;
        on_connection!(self, connection => demographic_version::table
            .inner_join(source_record::table.on(source_record::id.eq(demographic_version::record_id)))
            .filter(source_record::status.eq(ERASED))
            .filter(demographic_version::content.ne(&content))
            .count()
            .get_result(connection))
    }
}
