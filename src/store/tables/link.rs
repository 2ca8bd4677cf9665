//! Links: a record has at most one that holds, and keeps all that ever held.

use super::word;
use crate::identity::{PersonId, RecordId};
use crate::metrics::Count;
use crate::store::connection::on_connection;
use crate::store::schema::link;
use crate::store::witness::Thing;
use crate::store::{LinkRow, StoreError, Transaction};
use diesel::prelude::*;

impl Transaction<'_> {
    /// Adds a link; refused while another one holds for the record.
    pub fn link_open(&mut self, row: &LinkRow) -> Result<(), StoreError> {
        if !self.load_link(row) {
            on_connection!(self, connection => diesel::insert_into(link::table).values(row).execute(connection))?;
        }
        if let Some(resident) = &self.resident {
            resident.belongs(RecordId(row.record_id), Some(PersonId(row.person_id)));
        }
        self.touched_record(row.record_id);
        self.changed(Thing::Record(row.record_id));
        self.changed(Thing::Person(row.person_id));
        self.did(Count::Linked(word(&row.origin, &["automatic", "source", "steward"])));
        Ok(())
    }

    /// Ends the link that holds, and gives it back as it is now; none where none holds.
    pub fn link_close(&mut self, record: RecordId, now: i64) -> Result<Option<LinkRow>, StoreError> {
        let Some(mut held) = self.link_current(record)? else {
            return Ok(None);
        };
        held.valid_to = Some(now);
        on_connection!(self, connection => diesel::update(link::table)
            .filter(link::record_id.eq(held.record_id))
            .filter(link::id.eq(held.id))
            .set(link::valid_to.eq(held.valid_to))
            .execute(connection))?;
        self.load_unlinked(record);
        if let Some(resident) = &self.resident {
            resident.belongs(record, None);
        }
        self.touched_record(record.0);
        self.changed(Thing::Record(record.0));
        self.changed(Thing::Person(held.person_id));
        self.did(Count::Unlinked);
        Ok(Some(held))
    }

    /// The link that holds.
    pub fn link_current(&mut self, record: RecordId) -> Result<Option<LinkRow>, StoreError> {
        if self.load_is_unlinked(record) {
            return Ok(None);
        }
        on_connection!(self, connection => link::table
            .filter(link::record_id.eq(record.0))
            .filter(link::valid_to.is_null())
            .select(LinkRow::as_select())
            .first(connection)
            .optional())
    }

    /// The records whose link is somebody's word, and not the matcher's.
    pub fn linked_by_word(&mut self) -> Result<Vec<RecordId>, StoreError> {
        let found: Vec<i64> = on_connection!(self, connection => link::table
            .filter(link::valid_to.is_null())
            .filter(link::origin.ne("automatic"))
            .select(link::record_id)
            .load(connection))?;
        Ok(found.into_iter().map(RecordId).collect())
    }

    /// All links of a record, the earliest first.
    pub fn links_of_record(&mut self, record: RecordId) -> Result<Vec<LinkRow>, StoreError> {
        on_connection!(self, connection => link::table
            .filter(link::record_id.eq(record.0))
            .order((link::valid_from.asc(), link::id.asc()))
            .select(LinkRow::as_select())
            .load(connection))
    }

    /// All links to a person, the earliest first.
    pub fn links_of_person(&mut self, person: PersonId) -> Result<Vec<LinkRow>, StoreError> {
        on_connection!(self, connection => link::table
            .filter(link::person_id.eq(person.0))
            .order((link::valid_from.asc(), link::id.asc()))
            .select(LinkRow::as_select())
            .load(connection))
    }
}
