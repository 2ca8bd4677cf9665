//! What a question looks up: identifiers, persons, and who fits a search.
//!
//! The tables answer it, and where this process alone writes and keeps all of it in memory, memory does. Whatever is
//! asked here must come to the same in both: nothing else about the store may decide what a question is answered.

use super::{FoundRecord, OwnedRecord, PersonRow, SourceRecordRow, StoreError, Transaction};
use crate::identity::{Demographics, PersonId, RecordId};
use crate::matching::{SearchClause, TokenKinds};
use std::sync::Arc;

/// One consistent state of the store, as far as questions ask for it. Each function says what that of the same name of
/// [`Transaction`] says.
pub trait Lookup {
    /// The latest generation of an identifier.
    fn record_find(&mut self, key: i64, domain: &str, value: &str) -> Result<Option<SourceRecordRow>, StoreError>;

    /// Whose this record is now.
    fn person_of(&mut self, record: RecordId) -> Result<Option<PersonId>, StoreError>;

    /// One person.
    fn person_get(&mut self, id: PersonId) -> Result<Option<PersonRow>, StoreError>;

    /// The active records that are this person's now, in ascending order.
    fn records_of(&mut self, id: PersonId) -> Result<Vec<SourceRecordRow>, StoreError>;

    /// These records with their domains and whose they are now, in ascending order.
    fn records_owned(&mut self, records: &[RecordId]) -> Result<Vec<OwnedRecord>, StoreError>;

    /// Whose regional ID this is, or was, and its state.
    fn regional_find(&mut self, value: &str) -> Result<Option<(PersonId, String)>, StoreError>;

    /// The active regional ID of a person; the first issued where there are several.
    fn regional_of(&mut self, person: PersonId) -> Result<Option<String>, StoreError>;

    /// Those of `records` about which it is asked whether they are suddenly another person.
    fn overlays_open(&mut self, records: &[RecordId]) -> Result<Vec<RecordId>, StoreError>;

    /// The demographics of several records as they stand, in ascending order of record.
    fn versions_current(&mut self, records: &[RecordId]) -> Result<Vec<(RecordId, Arc<Demographics>)>, StoreError>;

    /// The demographics of a record as they stand.
    fn version_current(&mut self, record: RecordId) -> Result<Option<Arc<Demographics>>, StoreError> {
        Ok(self.versions_current(&[record])?.pop().map(|(_, demographics)| demographics))
    }

    /// The tokens of these kinds of each of `records`, in their order.
    fn tokens_of(&mut self, records: &[i64], kinds: TokenKinds) -> Result<Vec<FoundRecord>, StoreError>;

    /// The records that satisfy all `clauses`, in ascending order, with their tokens of these `kinds`; nothing at all
    /// where more than `limit` come into question.
    fn tokens_search(
        &mut self,
        clauses: &[SearchClause],
        kinds: TokenKinds,
        limit: usize,
    ) -> Result<Option<Vec<FoundRecord>>, StoreError>;
}

impl Lookup for Transaction<'_> {
    fn record_find(&mut self, key: i64, domain: &str, value: &str) -> Result<Option<SourceRecordRow>, StoreError> {
        Transaction::record_find(self, key, domain, value)
    }

    fn person_of(&mut self, record: RecordId) -> Result<Option<PersonId>, StoreError> {
        Transaction::person_of(self, record)
    }

    fn person_get(&mut self, id: PersonId) -> Result<Option<PersonRow>, StoreError> {
        Transaction::person_get(self, id)
    }

    fn records_of(&mut self, id: PersonId) -> Result<Vec<SourceRecordRow>, StoreError> {
        Transaction::records_of(self, id)
    }

    fn records_owned(&mut self, records: &[RecordId]) -> Result<Vec<OwnedRecord>, StoreError> {
        Transaction::records_owned(self, records)
    }

    fn regional_find(&mut self, value: &str) -> Result<Option<(PersonId, String)>, StoreError> {
        Transaction::regional_find(self, value)
    }

    fn regional_of(&mut self, person: PersonId) -> Result<Option<String>, StoreError> {
        Transaction::regional_of(self, person)
    }

    fn overlays_open(&mut self, records: &[RecordId]) -> Result<Vec<RecordId>, StoreError> {
        Transaction::overlays_open(self, records)
    }

    fn versions_current(&mut self, records: &[RecordId]) -> Result<Vec<(RecordId, Arc<Demographics>)>, StoreError> {
        let said = Transaction::versions_current(self, records)?;
        Ok(said.into_iter().map(|(record, said)| (record, Arc::new(said))).collect())
    }

    fn tokens_of(&mut self, records: &[i64], kinds: TokenKinds) -> Result<Vec<FoundRecord>, StoreError> {
        Transaction::tokens_of(self, records, kinds)
    }

    fn tokens_search(
        &mut self,
        clauses: &[SearchClause],
        kinds: TokenKinds,
        limit: usize,
    ) -> Result<Option<Vec<FoundRecord>>, StoreError> {
        Transaction::tokens_search(self, clauses, kinds, limit)
    }
}
