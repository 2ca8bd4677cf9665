//! Persons, and the records that are theirs.

use super::CHUNK;
use super::process::one;
use crate::identity::{PersonId, RecordId};
use crate::store::connection::on_connection;
use crate::store::schema::{link, person, source_record};
use crate::store::{PersonRow, SourceRecordRow, StoreError, Transaction};
use diesel::prelude::*;

impl Transaction<'_> {
    /// Adds a person.
    pub fn person_insert(&mut self, id: PersonId, now: i64) -> Result<(), StoreError> {
        let row = PersonRow { id: id.0, state: "active".to_owned(), successor: None, created: now };
        on_connection!(self, connection => diesel::insert_into(person::table).values(&row).execute(connection))?;
        Ok(())
    }

    /// One person.
    pub fn person_get(&mut self, id: PersonId) -> Result<Option<PersonRow>, StoreError> {
        on_connection!(self, connection => person::table
            .find(id.0)
            .select(PersonRow::as_select())
            .first(connection)
            .optional())
    }

    /// Retires a person; `successor` is who it turned out to be, where it is known.
    pub fn person_retire(&mut self, id: PersonId, successor: Option<PersonId>) -> Result<(), StoreError> {
        let changed = on_connection!(self, connection => diesel::update(person::table.find(id.0))
            .set((person::state.eq("retired"), person::successor.eq(successor.map(|person| person.0))))
            .execute(connection))?;
        one(changed)
    }

    /// Whose record this is now.
    pub fn person_of(&mut self, record: RecordId) -> Result<Option<PersonId>, StoreError> {
        let found: Option<i64> = on_connection!(self, connection => link::table
            .filter(link::record_id.eq(record.0))
            .filter(link::valid_to.is_null())
            .select(link::person_id)
            .first(connection)
            .optional())?;
        Ok(found.map(PersonId))
    }

    /// The active records that are this person's now, in ascending order.
    pub fn records_of(&mut self, id: PersonId) -> Result<Vec<SourceRecordRow>, StoreError> {
        on_connection!(self, connection => link::table
            .inner_join(source_record::table.on(source_record::id.eq(link::record_id)))
            .filter(link::person_id.eq(id.0))
            .filter(link::valid_to.is_null())
            .filter(source_record::status.eq("active"))
            .order(link::record_id.asc())
            .select(SourceRecordRow::as_select())
            .load(connection))
    }

    /// Whose records these are now, in ascending order of record; those that are nobody's are left out.
    pub fn persons_of(&mut self, records: &[RecordId]) -> Result<Vec<(RecordId, PersonId)>, StoreError> {
        let mut found: Vec<(i64, i64)> = Vec::with_capacity(records.len());
        for chunk in records.chunks(CHUNK) {
            let ids: Vec<i64> = chunk.iter().map(|record| record.0).collect();
            found.extend(on_connection!(self, connection => link::table
                .filter(link::record_id.eq_any(&ids))
                .filter(link::valid_to.is_null())
                .select((link::record_id, link::person_id))
                .load::<(i64, i64)>(connection))?);
        }
        found.sort_unstable();
        found.dedup();
        Ok(found.into_iter().map(|(record, person)| (RecordId(record), PersonId(person))).collect())
    }
}
