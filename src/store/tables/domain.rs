//! Domains by their own key; OID and namespace are dated, since they change.

use crate::store::connection::on_connection;
use crate::store::schema::{domain, domain_name};
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
