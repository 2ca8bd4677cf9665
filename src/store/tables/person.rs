//! Persons, and the records that are theirs.

use super::CHUNK;
use super::process::one;
use crate::identity::{PersonId, RecordId};
use crate::store::connection::{Connection, on_connection};
use crate::store::schema::{link, person, source_record};
use crate::store::{Hold, PersonRow, SourceRecordRow, StoreError, Transaction};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text};

#[derive(QueryableByName)]
struct Held {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Text)]
    state: String,
}

/// A record and whose it is.
pub struct OwnedRecord {
    /// The record.
    pub record: RecordId,
    /// The key of its domain.
    pub domain: String,
    /// Whether it was not subsumed.
    pub active: bool,
    /// Whose it is.
    pub person: PersonId,
}

impl Transaction<'_> {
    /// Locks the persons whose `records` these are, until the end of the transaction, so that nobody moves a record to
    /// or from them, or reads what they are, meanwhile (decision 6). `seen` is what a decision was built on.
    /// Where another transaction has just changed any of it, the race is lost and the work runs again. A store
    /// with one writer needs none of this.
    pub fn persons_lock(&mut self, records: &[RecordId], seen: Option<(RecordId, PersonId)>) -> Result<(), StoreError> {
        if matches!(self.connection(), Connection::Sqlite(_)) {
            return Ok(());
        }
        let asked: Vec<RecordId> = records.iter().copied().chain(seen.map(|(record, _)| record)).collect();
        let before = self.persons_of(&asked)?;
        let mut persons: Vec<i64> = before.iter().map(|(_, person)| person.0).collect();
        persons.sort_unstable();
        persons.dedup();
        self.hold(persons.iter().copied(), Hold::Alone)?;
        // A process of the version before this one knows the locks on rows alone.
        let held = self.persons_hold(&persons)?;
        let all = held.iter().map(|row| row.id).eq(persons) && held.iter().all(|row| row.state == "active");
        let as_seen = seen.is_none_or(|pair| before.contains(&pair));
        if all && as_seen && self.persons_of(&asked)? == before { Ok(()) } else { Err(self.lost_race()) }
    }

    /// Each statement of a transaction that reads what is committed sees what was committed before its own start,
    /// and a row that had to be waited for as it is after the wait.
    fn persons_hold(&mut self, persons: &[i64]) -> Result<Vec<Held>, StoreError> {
        let result = match self.connection() {
            Connection::Sqlite(_) => return Ok(Vec::new()),
            Connection::Postgres(connection) => {
                diesel::sql_query("SELECT id, state FROM person WHERE id = ANY($1) ORDER BY id FOR UPDATE")
                    .bind::<Array<BigInt>, _>(persons)
                    .load(connection.as_mut())
            }
        };
        result.map_err(|error| self.failed(error))
    }

    /// Adds a person.
    pub fn person_insert(&mut self, id: PersonId, now: i64) -> Result<(), StoreError> {
        self.touched_person(id.0);
        let row = PersonRow { id: id.0, state: "active".to_owned(), successor: None, created: now };
        if self.load_person(&row) {
            return Ok(());
        }
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
        self.touched_person(id.0);
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

    /// At most `limit` active persons after `after`, in ascending order.
    pub fn persons_after(&mut self, after: PersonId, limit: usize) -> Result<Vec<PersonId>, StoreError> {
        let found: Vec<i64> = on_connection!(self, connection => person::table
            .filter(person::id.gt(after.0))
            .filter(person::state.eq("active"))
            .order(person::id.asc())
            .limit(super::row_limit(limit))
            .select(person::id)
            .load(connection))?;
        Ok(found.into_iter().map(PersonId).collect())
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
        let few = self.one_by_one(records.len());
        for record in records.iter().filter(|_| few) {
            found.extend(on_connection!(self, connection => link::table
                .filter(link::record_id.eq(record.0))
                .filter(link::valid_to.is_null())
                .select((link::record_id, link::person_id))
                .load::<(i64, i64)>(connection))?);
        }
        for chunk in records.chunks(CHUNK).filter(|_| !few) {
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

    /// These records with their domains and whose they are now, in ascending order; those that are nobody's are left
    /// out.
    pub fn records_owned(&mut self, records: &[RecordId]) -> Result<Vec<OwnedRecord>, StoreError> {
        let mut rows: Vec<(i64, String, String, i64)> = Vec::with_capacity(records.len());
        let few = self.one_by_one(records.len());
        for record in records.iter().filter(|_| few) {
            rows.extend(on_connection!(self, connection => link::table
                .inner_join(source_record::table.on(source_record::id.eq(link::record_id)))
                .filter(link::record_id.eq(record.0))
                .filter(link::valid_to.is_null())
                .select((source_record::id, source_record::domain_key, source_record::status, link::person_id))
                .load::<(i64, String, String, i64)>(connection))?);
        }
        for chunk in records.chunks(CHUNK).filter(|_| !few) {
            let ids: Vec<i64> = chunk.iter().map(|record| record.0).collect();
            rows.extend(on_connection!(self, connection => link::table
                .inner_join(source_record::table.on(source_record::id.eq(link::record_id)))
                .filter(link::record_id.eq_any(&ids))
                .filter(link::valid_to.is_null())
                .select((source_record::id, source_record::domain_key, source_record::status, link::person_id))
                .load::<(i64, String, String, i64)>(connection))?);
        }
        rows.sort_unstable();
        rows.dedup();
        let owned = |(record, domain, status, person): (i64, String, String, i64)| OwnedRecord {
            record: RecordId(record),
            domain,
            active: status == "active",
            person: PersonId(person),
        };
        Ok(rows.into_iter().map(owned).collect())
    }
}
