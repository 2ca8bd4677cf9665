//! What happened, and what others must be told. Both are read in commit order.

use crate::identity::{PersonId, RecordId};
use crate::planted::{self, Bug};
use crate::store::connection::on_connection;
use crate::store::schema::{event, outbox};
use crate::store::{EventRow, OutboxRow, StoreError, Transaction};
use diesel::prelude::*;

impl Transaction<'_> {
    /// Keeps an event; its place in commit order is the store's to give.
    pub fn event_insert(&mut self, row: &EventRow) -> Result<(), StoreError> {
        if planted::has(Bug::EventMissing) {
            return Ok(());
        }
        let row = EventRow { seq: self.place(|sequences| &sequences.event), ..row.clone() };
        if self.load_event(&row) {
            return Ok(());
        }
        on_connection!(self, connection => diesel::insert_into(event::table).values(&row).execute(connection))?;
        Ok(())
    }

    /// The events of a record, or of a person, or of either, in commit order; none where neither is given.
    pub fn events_of(
        &mut self,
        record: Option<RecordId>,
        person: Option<PersonId>,
    ) -> Result<Vec<EventRow>, StoreError> {
        let mut rows: Vec<EventRow> = Vec::new();
        if let Some(record) = record {
            rows.extend(on_connection!(self, connection => event::table
                .filter(event::record_id.eq(record.0))
                .select(EventRow::as_select())
                .load(connection))?);
        }
        if let Some(person) = person {
            rows.extend(on_connection!(self, connection => event::table
                .filter(event::person_id.eq(person.0))
                .select(EventRow::as_select())
                .load(connection))?);
        }
        // Those without a place yet were committed last.
        rows.sort_by_key(|row| (row.seq.unwrap_or(i64::MAX), row.id));
        rows.dedup_by_key(|row| row.id);
        Ok(rows)
    }

    /// Notes what must be told once the work is done: of one person once, however many changes it takes.
    pub fn tell(&mut self, row: OutboxRow) {
        let known = self.told.iter_mut().find(|one| one.person_id == row.person_id && one.kind == row.kind);
        let Some(known) = known else { return self.told.push(row) };
        for domain in row.domains.split_whitespace() {
            if !known.domains.split_whitespace().any(|one| one == domain) {
                known.domains = format!("{} {domain}", known.domains);
            }
        }
    }

    /// Nothing is to be told of `person` under `kind` after all.
    pub fn tell_not(&mut self, person: PersonId, kind: &str) {
        self.told.retain(|one| one.person_id != person.0 || one.kind != kind);
    }

    /// Keeps all that was noted to be told, the last statements of the work; whether there was anything.
    pub fn tell_all(&mut self) -> Result<bool, StoreError> {
        let told = std::mem::take(&mut self.told);
        for row in &told {
            self.outbox_insert(row)?;
        }
        Ok(!told.is_empty())
    }

    /// Keeps what must be told.
    pub fn outbox_insert(&mut self, row: &OutboxRow) -> Result<(), StoreError> {
        if planted::has(Bug::OutboxMissing) {
            return Ok(());
        }
        let row = OutboxRow { seq: self.place(|sequences| &sequences.outbox), ..row.clone() };
        if self.load_outbox(&row) {
            return Ok(());
        }
        on_connection!(self, connection => diesel::insert_into(outbox::table).values(&row).execute(connection))?;
        Ok(())
    }
}
