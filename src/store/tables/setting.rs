//! What is drawn once for a store.

use crate::store::connection::on_connection;
use crate::store::schema::setting;
use crate::store::{StoreError, Transaction};
use diesel::prelude::*;

impl Transaction<'_> {
    /// What holds under `name`: what stands there, else `drawn`, which stands there from now on.
    pub fn setting_once(&mut self, name: &str, drawn: &str) -> Result<String, StoreError> {
        on_connection!(self, connection => diesel::insert_into(setting::table)
            .values((setting::name.eq(name), setting::value.eq(drawn)))
            .on_conflict_do_nothing()
            .execute(connection))?;
        on_connection!(self, connection => setting::table.find(name).select(setting::value).first(connection))
    }

    /// What stands under `name`.
    pub fn setting(&mut self, name: &str) -> Result<Option<String>, StoreError> {
        on_connection!(self, connection =>
            setting::table.find(name).select(setting::value).first(connection).optional())
    }

    /// What stands under names that begin with `prefix`, by name.
    pub fn settings_from(&mut self, prefix: &str) -> Result<Vec<(String, String)>, StoreError> {
        let all: Vec<(String, String)> = on_connection!(self, connection => setting::table
            .select((setting::name, setting::value))
            .load(connection))?;
        let mut found: Vec<_> = all.into_iter().filter(|(name, _)| name.starts_with(prefix)).collect();
        found.sort();
        Ok(found)
    }

    /// Puts `value` under `name`, whatever stood there.
    pub fn setting_put(&mut self, name: &str, value: &str) -> Result<(), StoreError> {
        on_connection!(self, connection => diesel::insert_into(setting::table)
            .values((setting::name.eq(name), setting::value.eq(value)))
            .on_conflict(setting::name)
            .do_update()
            .set(setting::value.eq(value))
            .execute(connection))?;
        Ok(())
    }
}
