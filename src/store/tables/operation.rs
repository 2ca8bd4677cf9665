//! What stewards did to links and persons, and what takes it back.

use super::process::one;
use crate::identity::PersonId;
use crate::store::connection::on_connection;
use crate::store::schema::{link, person, regional_id, steward_operation};
use crate::store::{LinkRow, OperationRow, StoreError, Transaction};
use diesel::prelude::*;

impl Transaction<'_> {
    /// Keeps what was done.
    pub fn operation_insert(&mut self, row: &OperationRow) -> Result<(), StoreError> {
        on_connection!(self, connection =>
            diesel::insert_into(steward_operation::table).values(row).execute(connection))?;
        Ok(())
    }

    /// One operation.
    pub fn operation_get(&mut self, id: i64) -> Result<Option<OperationRow>, StoreError> {
        on_connection!(self, connection => steward_operation::table
            .find(id)
            .select(OperationRow::as_select())
            .first(connection)
            .optional())
    }

    /// What was done to a person, the earliest first.
    pub fn operations_of(&mut self, person: PersonId) -> Result<Vec<OperationRow>, StoreError> {
        on_connection!(self, connection => steward_operation::table
            .filter(steward_operation::person_id.eq(person.0))
            .order((steward_operation::time.asc(), steward_operation::id.asc()))
            .select(OperationRow::as_select())
            .load(connection))
    }

    /// Notes that it was undone.
    pub fn operation_undone(&mut self, id: i64, now: i64) -> Result<(), StoreError> {
        let changed = on_connection!(self, connection => diesel::update(steward_operation::table.find(id))
            .set(steward_operation::undone.eq(Some(now)))
            .execute(connection))?;
        one(changed)
    }

    /// A link, whether it holds or not.
    pub fn link_get(&mut self, id: i64) -> Result<Option<LinkRow>, StoreError> {
        on_connection!(self, connection => link::table
            .find(id)
            .select(LinkRow::as_select())
            .first(connection)
            .optional())
    }

    /// A retired person is one of its own again.
    pub fn person_revive(&mut self, id: PersonId) -> Result<(), StoreError> {
        self.touched_person(id.0);
        let changed = on_connection!(self, connection => diesel::update(person::table.find(id.0))
            .set((person::state.eq("active"), person::successor.eq(None::<i64>)))
            .execute(connection))?;
        one(changed)
    }

    /// A retired regional ID is in use again, by its own person.
    pub fn regional_revive(&mut self, value: &str) -> Result<(), StoreError> {
        self.touched_regional(value)?;
        let changed = on_connection!(self, connection => diesel::update(regional_id::table.find(value))
            .set((regional_id::state.eq("active"), regional_id::retired.eq(None::<i64>)))
            .execute(connection))?;
        one(changed)
    }
}
