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
}
