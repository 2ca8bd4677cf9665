//! The audit trail: written, never altered.

use super::row_limit;
use crate::audit::AuditEvent;
use crate::planted::{self, Bug};
use crate::store::connection::on_connection;
use crate::store::schema::audit;
use crate::store::{AuditRow, StoreError, Transaction};
use diesel::prelude::*;

impl Transaction<'_> {
    /// Keeps one audited request under `id`.
    pub fn audit_insert(&mut self, audited: &AuditEvent, id: i64, now: i64) -> Result<(), StoreError> {
        if planted::has(Bug::AuditMissing) {
            return Ok(());
        }
        let json = |ids: Vec<i64>| serde_json::to_string(&ids).map_err(|_| StoreError::Corrupt("an audit row"));
        let row = AuditRow {
            id,
            seq: self.place(|sequences| &sequences.audit),
            time: now,
            transaction_name: audited.transaction.to_owned(),
            principal: audited.principal.clone(),
            action: audited.action.code().to_owned(),
            outcome: audited.outcome.code(),
            reason: audited.reason.clone(),
            message_id: audited.message_id.clone(),
            records: json(audited.records.iter().map(|record| record.0).collect())?,
            persons: json(audited.persons.iter().map(|person| person.0).collect())?,
            digest: None,
        };
        if self.load_audit(&row) {
            return Ok(());
        }
        on_connection!(self, connection => diesel::insert_into(audit::table).values(&row).execute(connection))?;
        Ok(())
    }

    /// At most `limit` rows, the latest first.
    pub fn audit_recent(&mut self, limit: usize) -> Result<Vec<AuditRow>, StoreError> {
        on_connection!(self, connection => audit::table
            .order((audit::time.desc(), audit::id.desc()))
            .limit(row_limit(limit))
            .select(AuditRow::as_select())
            .load(connection))
    }
}
