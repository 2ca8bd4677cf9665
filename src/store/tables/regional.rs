//! Regional IDs, and the blocks from which they are issued.

use super::CHUNK;
use super::process::one;
use crate::identity::PersonId;
use crate::store::connection::on_connection;
use crate::store::schema::{regional_block, regional_id};
use crate::store::{StoreError, Transaction};
use diesel::prelude::*;

impl Transaction<'_> {
    /// The active regional ID of a person; the first issued where there are several.
    pub fn regional_of(&mut self, person: PersonId) -> Result<Option<String>, StoreError> {
        // Nearly always there is one: it is not sorted there, which takes a table of its own for each question.
        let found: Vec<(i64, String)> = on_connection!(self, connection => regional_id::table
            .filter(regional_id::person_id.eq(person.0))
            .filter(regional_id::state.eq("active"))
            .select((regional_id::issued, regional_id::value))
            .load(connection))?;
        Ok(found.into_iter().min().map(|(_, value)| value))
    }

    /// The first regional ID that a person was given, whether it is active or not.
    pub fn regional_given(&mut self, person: PersonId) -> Result<Option<String>, StoreError> {
        on_connection!(self, connection => regional_id::table
            .filter(regional_id::person_id.eq(person.0))
            .order((regional_id::issued.asc(), regional_id::value.asc()))
            .select(regional_id::value)
            .first(connection)
            .optional())
    }

    /// The active regional IDs of several persons, in ascending order of person.
    pub fn regionals_of(&mut self, persons: &[PersonId]) -> Result<Vec<(PersonId, String)>, StoreError> {
        let mut found: Vec<(i64, i64, String)> = Vec::with_capacity(persons.len());
        for chunk in persons.chunks(CHUNK) {
            let ids: Vec<i64> = chunk.iter().map(|person| person.0).collect();
            found.extend(on_connection!(self, connection => regional_id::table
                .filter(regional_id::person_id.eq_any(&ids))
                .filter(regional_id::state.eq("active"))
                .select((regional_id::person_id, regional_id::issued, regional_id::value))
                .load::<(i64, i64, String)>(connection))?);
        }
        found.sort_unstable();
        found.dedup_by_key(|(person, _, _)| *person);
        Ok(found.into_iter().map(|(person, _, value)| (PersonId(person), value)).collect())
    }

    /// The regional ID of a person that was in use between these two moments; the last issued where there are several.
    pub fn regional_within(&mut self, person: PersonId, from: i64, to: i64) -> Result<Option<String>, StoreError> {
        on_connection!(self, connection => regional_id::table
            .filter(regional_id::person_id.eq(person.0))
            .filter(regional_id::issued.le(to))
            .filter(regional_id::retired.is_null().or(regional_id::retired.ge(from)))
            .order((regional_id::issued.desc(), regional_id::value.asc()))
            .select(regional_id::value)
            .first(connection)
            .optional())
    }

    /// Gives a person a regional ID; one that was ever given is refused.
    pub fn regional_insert(&mut self, value: &str, person: PersonId, now: i64) -> Result<(), StoreError> {
        self.touched_person(person.0);
        if self.load_regional(value, person, now) {
            return Ok(());
        }
        on_connection!(self, connection => diesel::insert_into(regional_id::table)
            .values((
                regional_id::value.eq(value),
                regional_id::person_id.eq(person.0),
                regional_id::state.eq("active"),
                regional_id::issued.eq(now),
            ))
            .execute(connection))?;
        Ok(())
    }

    /// Whose regional ID this is, or was, and its state.
    pub fn regional_find(&mut self, value: &str) -> Result<Option<(PersonId, String)>, StoreError> {
        let found: Option<(i64, String)> = on_connection!(self, connection => regional_id::table
            .find(value)
            .select((regional_id::person_id, regional_id::state))
            .first(connection)
            .optional())?;
        Ok(found.map(|(person, state)| (PersonId(person), state)))
    }

    /// Its person's questions may be answered otherwise from now on.
    pub(super) fn touched_regional(&mut self, value: &str) -> Result<(), StoreError> {
        if self.notes_touched()
            && let Some((person, _)) = self.regional_find(value)?
        {
            self.touched_person(person.0);
        }
        Ok(())
    }

    /// Retires a regional ID; it stays its person's for ever.
    pub fn regional_retire(&mut self, value: &str, now: i64) -> Result<(), StoreError> {
        self.touched_regional(value)?;
        let changed = on_connection!(self, connection => diesel::update(regional_id::table.find(value))
            .set((regional_id::state.eq("retired"), regional_id::retired.eq(Some(now))))
            .execute(connection))?;
        one(changed)
    }

    /// Makes sure that no number of `prefix` below `next` is leased any more.
    pub fn regional_reach(&mut self, prefix: &str, next: i64) -> Result<(), StoreError> {
        on_connection!(self, connection => diesel::insert_into(regional_block::table)
            .values((regional_block::prefix.eq(prefix), regional_block::next.eq(0_i64)))
            .on_conflict_do_nothing()
            .execute(connection))?;
        on_connection!(self, connection => diesel::update(regional_block::table.find(prefix))
            .filter(regional_block::next.lt(next))
            .set(regional_block::next.eq(next))
            .execute(connection))?;
        Ok(())
    }

    /// Leases `size` numbers of `prefix`, and gives the first. They are the caller's once the transaction is
    /// committed, and not before.
    pub fn regional_lease(&mut self, prefix: &str, size: i64) -> Result<i64, StoreError> {
        if size <= 0 {
            return Err(StoreError::Corrupt("the size of a block"));
        }
        let next: i64 = on_connection!(self, connection => diesel::insert_into(regional_block::table)
            .values((regional_block::prefix.eq(prefix), regional_block::next.eq(size)))
            .on_conflict(regional_block::prefix)
            .do_update()
            .set(regional_block::next.eq(regional_block::next + size))
            .returning(regional_block::next)
            .get_result(connection))?;
        Ok(next - size)
    }
}
