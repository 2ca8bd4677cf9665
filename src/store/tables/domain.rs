//! Domains by their own key; OID and namespace are dated, since they change.

use crate::identity::{PersonId, RecordId};
use crate::store::connection::on_connection;
use crate::store::schema::{domain, domain_name, link, review, source_record};
use crate::store::{DomainRow, StoreError, Transaction};
use diesel::prelude::*;

type Listed = (String, String, String, bool, String, bool, String, String);

impl Transaction<'_> {
    /// All domains with the names that hold, by key.
    pub fn domains(&mut self) -> Result<Vec<DomainRow>, StoreError> {
        let rows: Vec<Listed> = on_connection!(self, connection => domain::table
            .inner_join(domain_name::table.on(domain_name::domain_key.eq(domain::key)))
            .filter(domain_name::valid_to.is_null())
            .order(domain::key.asc())
            .select((
                domain::key, domain::name, domain::facility, domain::one_identifier_per_person, domain::state,
                domain::regional, domain_name::oid, domain_name::namespace,
            ))
            .load(connection))?;
        Ok(rows.into_iter().map(domain_row).collect())
    }

    /// Whether any record is of this domain.
    pub fn domain_has_records(&mut self, key: &str) -> Result<bool, StoreError> {
        let found: Option<i64> = on_connection!(self, connection => source_record::table
            .filter(source_record::domain_key.eq(key))
            .select(source_record::id)
            .first(connection)
            .optional())?;
        Ok(found.is_some())
    }

    /// The active records of a domain and whose they are now.
    pub fn links_in(&mut self, key: &str) -> Result<Vec<(RecordId, PersonId)>, StoreError> {
        let rows: Vec<(i64, i64)> = on_connection!(self, connection => source_record::table
            .inner_join(link::table.on(link::record_id.eq(source_record::id)))
            .filter(source_record::domain_key.eq(key))
            .filter(source_record::status.eq("active"))
            .filter(link::valid_to.is_null())
            .select((link::record_id, link::person_id))
            .load(connection))?;
        Ok(rows.into_iter().map(|(record, person)| (RecordId(record), PersonId(person))).collect())
    }

    /// The persons who have an active record in a domain, in ascending order.
    pub fn persons_in(&mut self, key: &str) -> Result<Vec<PersonId>, StoreError> {
        let mut persons: Vec<PersonId> = self.links_in(key)?.into_iter().map(|(_, person)| person).collect();
        persons.sort_unstable();
        persons.dedup();
        Ok(persons)
    }

    /// How many questions about records of a domain are open.
    pub fn reviews_open_in(&mut self, key: &str) -> Result<i64, StoreError> {
        on_connection!(self, connection => review::table
            .inner_join(source_record::table.on(source_record::id.eq(review::record_id)))
            .filter(review::state.eq("open"))
            .filter(source_record::domain_key.eq(key))
            .count()
            .get_result(connection))
    }

    /// Puts a domain into a state; whether there is one of this key.
    pub fn domain_set_state(&mut self, key: &str, state: &str) -> Result<bool, StoreError> {
        let changed = on_connection!(self, connection => diesel::update(domain::table.find(key))
            .set(domain::state.eq(state))
            .execute(connection))?;
        Ok(changed == 1)
    }

    /// Adds a domain or alters it, all but its state; a name that changed is closed at `now`, never lost.
    pub fn domain_put(&mut self, row: &DomainRow, now: i64) -> Result<(), StoreError> {
        let values = (
            domain::name.eq(&row.name),
            domain::facility.eq(&row.facility),
            domain::one_identifier_per_person.eq(row.one_identifier_per_person),
            domain::regional.eq(row.regional),
        );
        on_connection!(self, connection => diesel::insert_into(domain::table)
            .values((domain::key.eq(&row.key), domain::state.eq(&row.state), values))
            .on_conflict(domain::key)
            .do_update()
            .set(values)
            .execute(connection))?;
        self.domain_name_put(row, now)
    }

    fn domain_name_put(&mut self, row: &DomainRow, now: i64) -> Result<(), StoreError> {
        let current: Option<(String, String)> = on_connection!(self, connection => domain_name::table
            .filter(domain_name::domain_key.eq(&row.key))
            .filter(domain_name::valid_to.is_null())
            .select((domain_name::oid, domain_name::namespace))
            .first(connection)
            .optional())?;
        if current.is_some_and(|(oid, namespace)| oid == row.oid && namespace == row.namespace) {
            return Ok(());
        }
        on_connection!(self, connection => diesel::update(domain_name::table
            .filter(domain_name::domain_key.eq(&row.key))
            .filter(domain_name::valid_to.is_null()))
            .set(domain_name::valid_to.eq(Some(now)))
            .execute(connection))?;
        on_connection!(self, connection => diesel::insert_into(domain_name::table)
            .values((
                domain_name::oid.eq(&row.oid),
                domain_name::valid_from.eq(now),
                domain_name::domain_key.eq(&row.key),
                domain_name::namespace.eq(&row.namespace),
            ))
            .execute(connection))?;
        Ok(())
    }
}

fn domain_row(row: Listed) -> DomainRow {
    let (key, name, facility, one_identifier_per_person, state, regional, oid, namespace) = row;
    DomainRow { key, name, facility, oid, namespace, one_identifier_per_person, state, regional }
}
