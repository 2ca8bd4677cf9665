//! The journal of messages.

use crate::planted::{self, Bug};
use crate::store::connection::on_connection;
use crate::store::schema::inbox;
use crate::store::{InboxRow, StoreError, Transaction};
use diesel::prelude::*;

impl Transaction<'_> {
    /// Messages of this key, sender and id, the earliest first.
    pub fn inbox_find(
        &mut self,
        message_key: i64,
        principal: &str,
        message_id: &str,
    ) -> Result<Vec<InboxRow>, StoreError> {
        on_connection!(self, connection => inbox::table
            .filter(inbox::message_key.eq(message_key))
            .filter(inbox::principal.eq(principal))
            .filter(inbox::message_id.eq(message_id))
            .order(inbox::id.asc())
            .select(InboxRow::as_select())
            .load(connection))
    }

    /// Journals a message.
    pub fn inbox_insert(&mut self, row: &InboxRow) -> Result<(), StoreError> {
        if planted::has(Bug::JournalMissing) {
            return Ok(());
        }
        on_connection!(self, connection => diesel::insert_into(inbox::table).values(row).execute(connection))?;
        Ok(())
    }

    /// Keeps how the message ended.
    pub fn inbox_set_outcome(&mut self, message_key: i64, id: i64, outcome: &str) -> Result<(), StoreError> {
        if planted::has(Bug::OutcomeNotStored) || planted::has(Bug::JournalMissing) {
            return Ok(());
        }
        let changed = on_connection!(self, connection => diesel::update(inbox::table.find((message_key, id)))
            .set(inbox::outcome.eq(outcome))
            .execute(connection))?;
        super::process::one(changed)
    }
}
