//! What a record is filed under, and how candidates are retrieved.

use super::{CHUNK, row_limit};
use crate::identity::{PersonId, RecordId};
use crate::matching::{BlockingKey, Candidate, Candidates, MemoryIndex, SearchToken};
use crate::planted::{self, Bug};
use crate::store::connection::{Connection, PgConnection, on_connection};
use crate::store::filed::Terms;
use crate::store::look::in_order;
use crate::store::schema::{blocking_key, comparison_row, link, search_token, source_record};
use crate::store::witness::Thing;
use crate::store::{Hold, StoreError, Transaction};
use diesel::prelude::*;
use diesel::sqlite::SqliteConnection;
use std::collections::BTreeSet;

/// A record, its domain, and what is compared of it.
pub type ComparedRow = (i64, String, Vec<u8>);

impl Transaction<'_> {
    /// Files `record`, which is active and was filed under nothing so far, under these keys and tokens with this
    /// comparison row. Whose it is the store itself notes there, now and whenever that changes.
    pub fn filing_insert(
        &mut self,
        record: RecordId,
        keys: &[BlockingKey],
        tokens: &[SearchToken],
        row: &[u8],
    ) -> Result<(), StoreError> {
        if planted::has(Bug::FilingStale) {
            return Ok(());
        }
        self.touched_filed(record.0, tokens);
        let (all_keys, all_tokens) = (keys, tokens);
        let keys: BTreeSet<&BlockingKey> = keys.iter().collect();
        let tokens: BTreeSet<&SearchToken> = tokens.iter().collect();
        let terms = Terms::of(&keys, &tokens);
        if self.load_filing(record, (all_keys, all_tokens, row), &terms)? {
            return Ok(());
        }
        keys.iter().for_each(|key| self.changed_key(key.0, record.0));
        self.changed(Thing::Record(record.0));
        if self.is_sqlite() {
            if self.filing.is_later {
                self.due_note(record, None)?;
            } else {
                self.filed_tables()?;
                self.on_sqlite(|connection| filed_one_by_one(connection, record, &keys, &tokens))?;
            }
            self.terms_put(record, &terms)?;
        } else if let Connection::Postgres(connection) = self.connection() {
            filed_together(connection, record, &keys, &tokens).map_err(|error| self.failed(error))?;
        }
        on_connection!(self, connection => diesel::insert_into(comparison_row::table)
            .values((comparison_row::record_id.eq(record.0), comparison_row::row.eq(row)))
            .execute(connection))?;
        if let Some(resident) = self.resident.clone().filter(|resident| resident.follows(record)) {
            let person = self.person_of(record)?;
            resident.file(record, person, all_keys, row);
        }
        Ok(())
    }

    /// Files `record` under these keys and tokens with this comparison row, and under nothing else.
    pub fn filing_replace(
        &mut self,
        record: RecordId,
        keys: &[BlockingKey],
        tokens: &[SearchToken],
        row: &[u8],
    ) -> Result<(), StoreError> {
        if planted::has(Bug::FilingStale) {
            return Ok(());
        }
        self.load_unfile(record)?;
        self.unfile(record)?;
        self.filing_insert(record, keys, tokens, row)
    }

    /// Takes `record` out of all files.
    pub fn filing_remove(&mut self, record: RecordId) -> Result<(), StoreError> {
        self.load_unfile(record)?;
        self.unfile(record)
    }

    fn unfile(&mut self, record: RecordId) -> Result<(), StoreError> {
        self.touched_filed(record.0, &[]);
        if self.is_sqlite() {
            self.take_terms(record)?;
        } else {
            on_connection!(self, connection =>
                diesel::delete(blocking_key::table.filter(blocking_key::record_id.eq(record.0))).execute(connection))?;
            on_connection!(self, connection =>
                diesel::delete(search_token::table.filter(search_token::record_id.eq(record.0))).execute(connection))?;
        }
        on_connection!(self, connection => diesel::delete(comparison_row::table.find(record.0)).execute(connection))?;
        if let Some(resident) = &self.resident {
            resident.remove(record);
        }
        Ok(())
    }

    /// On SQLite: what `record` was filed under goes from the tables, at once or later.
    fn take_terms(&mut self, record: RecordId) -> Result<(), StoreError> {
        self.changed(Thing::Record(record.0));
        let Some(terms) = self.terms_take(record)? else { return Ok(()) };
        terms.keys().iter().for_each(|key| self.changed_key(*key, record.0));
        if self.filing.is_later {
            return self.due_note(record, Some(&terms));
        }
        self.filed_tables()?;
        let tokens = terms.tokens().collect::<Result<Vec<_>, _>>()?;
        self.on_sqlite(|connection| {
            for key in terms.keys() {
                diesel::delete(blocking_key::table.find((*key, record.0))).execute(connection)?;
            }
            for (kind, value) in tokens {
                diesel::delete(search_token::table.find((kind, value, record.0))).execute(connection)?;
            }
            Ok(())
        })
    }

    /// At most `limit` records that are filed, after this one, in ascending order.
    pub fn rows_after(&mut self, after: i64, limit: usize) -> Result<Vec<Candidate>, StoreError> {
        let rows: Vec<(i64, Option<i64>, Vec<u8>)> = on_connection!(self, connection => comparison_row::table
            .filter(comparison_row::record_id.gt(after))
            .order(comparison_row::record_id.asc())
            .limit(row_limit(limit))
            .select((comparison_row::record_id, comparison_row::person_id, comparison_row::row))
            .load(connection))?;
        Ok(rows.into_iter().map(candidate).collect())
    }

    /// What is compared of the records after `after`, in their order, each with its domain.
    pub fn comparison_rows(&mut self, after: i64, limit: usize) -> Result<Vec<ComparedRow>, StoreError> {
        on_connection!(self, connection => comparison_row::table
            .inner_join(source_record::table.on(source_record::id.eq(comparison_row::record_id)))
            .filter(comparison_row::record_id.gt(after))
            .order(comparison_row::record_id.asc())
            .limit(row_limit(limit))
            .select((comparison_row::record_id, source_record::domain_key, comparison_row::row))
            .load(connection))
    }

    /// What is asked of memory: of what is loaded, else of what is kept there; none where neither has all records.
    fn ask_memory<T>(&self, ask: impl FnOnce(&MemoryIndex) -> T) -> Option<T> {
        if let Some(index) = self.loaded_index() {
            return Some(ask(index));
        }
        let whole = self.resident.as_ref()?.whole()?;
        Some(ask(whole.index()))
    }

    fn rows_now(&mut self, records: &[RecordId]) -> Result<Vec<Candidate>, StoreError> {
        let mut found = Vec::with_capacity(records.len());
        let one_by_one = matches!(self.connection(), Connection::Sqlite(_));
        // On SQLite a statement for one row is compiled once, and one with `IN (...)` each time.
        for record in records.iter().filter(|_| one_by_one) {
            let rows: Vec<(i64, Option<i64>, Vec<u8>)> = on_connection!(self, connection => comparison_row::table
                .filter(comparison_row::record_id.eq(record.0))
                .select((comparison_row::record_id, comparison_row::person_id, comparison_row::row))
                .load(connection))?;
            found.extend(rows.into_iter().map(candidate));
        }
        for chunk in records.chunks(CHUNK).filter(|_| !one_by_one) {
            let ids: Vec<i64> = chunk.iter().map(|record| record.0).collect();
            let rows: Vec<(i64, Option<i64>, Vec<u8>)> = on_connection!(self, connection => comparison_row::table
                .filter(comparison_row::record_id.eq_any(&ids))
                .select((comparison_row::record_id, comparison_row::person_id, comparison_row::row))
                .load(connection))?;
            found.extend(rows.into_iter().map(candidate));
        }
        found.sort_by_key(|candidate: &Candidate| candidate.record);
        found.dedup_by_key(|candidate| candidate.record);
        Ok(found)
    }
}

/// A statement for one row is compiled once, and one for many rows each time: here compiling is the dearer part.
fn filed_one_by_one(
    connection: &mut SqliteConnection,
    record: RecordId,
    keys: &BTreeSet<&BlockingKey>,
    tokens: &BTreeSet<&SearchToken>,
) -> QueryResult<()> {
    for key in keys {
        let row = (blocking_key::key.eq(key.0), blocking_key::record_id.eq(record.0));
        diesel::insert_into(blocking_key::table).values(row).execute(connection)?;
    }
    for token in tokens {
        let value = search_token::value.eq(token.value.as_str());
        let row = (search_token::kind.eq(token.kind), value, search_token::record_id.eq(record.0));
        diesel::insert_into(search_token::table).values(row).execute(connection)?;
    }
    Ok(())
}

/// Each statement is a round trip: here fewer are better.
fn filed_together(
    connection: &mut PgConnection,
    record: RecordId,
    keys: &BTreeSet<&BlockingKey>,
    tokens: &BTreeSet<&SearchToken>,
) -> QueryResult<()> {
    let keys: Vec<_> =
        keys.iter().map(|key| (blocking_key::key.eq(key.0), blocking_key::record_id.eq(record.0))).collect();
    for rows in keys.chunks(CHUNK) {
        diesel::insert_into(blocking_key::table).values(rows).execute(connection)?;
    }
    let filed = |token: &&SearchToken| {
        let value = search_token::value.eq(token.value.clone());
        (search_token::kind.eq(token.kind), value, search_token::record_id.eq(record.0))
    };
    let tokens: Vec<_> = tokens.iter().map(filed).collect();
    for rows in tokens.chunks(CHUNK) {
        diesel::insert_into(search_token::table).values(rows).execute(connection)?;
    }
    Ok(())
}

impl Candidates for Transaction<'_> {
    type Error = StoreError;

    fn posting(&mut self, key: BlockingKey, limit: usize) -> Result<Vec<RecordId>, StoreError> {
        if let Some(found) = self.ask_memory(|mut index| index.posting(key, limit)) {
            return Ok(found.unwrap_or_else(|never| match never {}));
        }
        self.filed_tables()?;
        let records: Vec<i64> = on_connection!(self, connection => blocking_key::table
            .filter(blocking_key::key.eq(key.0))
            .order(blocking_key::record_id.asc())
            .limit(row_limit(limit))
            .select(blocking_key::record_id)
            .load(connection))?;
        let cut = records.last().filter(|_| records.len() == limit);
        self.read_key(key.0, cut.copied().unwrap_or(i64::MAX));
        Ok(records.into_iter().map(RecordId).collect())
    }

    fn rows(&mut self, records: &[RecordId]) -> Result<Vec<Candidate>, StoreError> {
        if let Some(found) = self.ask_memory(|index| in_order(index, records)) {
            return Ok(found);
        }
        self.read(records.iter().map(|record| Thing::Record(record.0)));
        loop {
            let found = self.rows_now(records)?;
            let persons: Vec<PersonId> = found.iter().filter_map(|candidate| candidate.person).collect();
            // Whose they were may have changed before that person was held; of who is held it cannot.
            if !self.hold_persons(&persons, Hold::Shared)? {
                return Ok(found);
            }
        }
    }

    fn members(&mut self, person: PersonId, limit: usize) -> Result<Vec<Candidate>, StoreError> {
        if let Some(found) = self.ask_memory(|mut index| index.members(person, limit)) {
            return Ok(found.unwrap_or_else(|never| match never {}));
        }
        let rows: Vec<(i64, Option<i64>, Vec<u8>)> = on_connection!(self, connection => link::table
            .inner_join(comparison_row::table.on(comparison_row::record_id.eq(link::record_id)))
            .filter(link::person_id.eq(person.0))
            .filter(link::valid_to.is_null())
            .order(link::record_id.asc())
            .limit(row_limit(limit))
            .select((link::record_id, link::person_id.nullable(), comparison_row::row))
            .load(connection))?;
        self.read([Thing::Person(person.0)]);
        self.read(rows.iter().map(|(record, _, _)| Thing::Record(*record)));
        Ok(rows.into_iter().map(candidate).collect())
    }
}

fn candidate((record, person, row): (i64, Option<i64>, Vec<u8>)) -> Candidate {
    Candidate { record: RecordId(record), person: person.map(PersonId), row }
}
