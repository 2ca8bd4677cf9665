//! What decisions read of all records, kept in memory by the process that alone writes a SQLite file.
//!
//! It is read from the tables by and by, between the groups of the writer, and follows each change from then on. Until
//! all of it is there, and wherever something that it had followed was undone, decisions ask the tables as ever. It must
//! never answer otherwise than the tables would: a change that it does not know how to follow makes it begin anew.

use super::{StoreError, Transaction};
use crate::identity::{PersonId, RecordId};
use crate::matching::{BlockingKey, ComparisonRecord, MemoryIndex};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Records that are read between two groups: a few milliseconds, since feeds wait meanwhile.
const PAGE: usize = 400;

/// The index, shared by the writer and by those who decide without writing.
#[derive(Default)]
pub(super) struct Resident(RwLock<State>);

#[derive(Default)]
struct State {
    index: MemoryIndex,
    /// The last record that was read; none where none was.
    reached: Option<i64>,
    is_whole: bool,
    /// Most records; 0 where none are kept.
    most: usize,
}

/// The index where all records are in it.
pub(super) struct Whole<'a>(RwLockReadGuard<'a, State>);

impl Whole<'_> {
    pub(super) fn index(&self) -> &MemoryIndex {
        &self.0.index
    }
}

impl Resident {
    /// From now on up to so many records are kept.
    pub(super) fn keep(&self, most: usize) {
        *self.write() = State { most, ..State::default() };
    }

    /// Whether there is more to be read.
    pub(super) fn is_reading(&self) -> bool {
        let state = self.read();
        state.most > 0 && !state.is_whole
    }

    /// The index, where all records are in it.
    pub(super) fn whole(&self) -> Option<Whole<'_>> {
        let state = self.read();
        state.is_whole.then(|| Whole(state))
    }

    /// Whether all records are in it.
    pub(super) fn is_whole(&self) -> bool {
        self.read().is_whole
    }

    /// Begins anew: something was undone, or changed in a way that is not followed.
    pub(super) fn forget(&self) {
        let mut state = self.write();
        if state.reached.is_some() || state.is_whole {
            *state = State { most: state.most, ..State::default() };
        }
    }

    /// Reads some more, between two groups.
    pub(super) fn read_some(&self, tx: &mut Transaction<'_>) {
        if let Err(error) = self.read_page(tx) {
            log::warn!("records are not kept in memory: {error}");
            self.keep(0);
        }
    }

    fn read_page(&self, tx: &mut Transaction<'_>) -> Result<(), StoreError> {
        let page = tx.rows_after(self.read().reached.unwrap_or(i64::MIN), PAGE)?;
        let mut state = self.write();
        for filed in &page {
            let record = ComparisonRecord::decode(&filed.row).map_err(|_| StoreError::Corrupt("a comparison row"))?;
            state.index.file(filed.record, filed.person, &record.blocking_keys(), filed.row.clone());
        }
        match page.last() {
            Some(last) => state.reached = Some(last.record.0),
            None => state.is_whole = true,
        }
        state.give_up_beyond_most();
        Ok(())
    }

    /// `record` is filed under these keys, and is this person's.
    pub(super) fn file(&self, record: RecordId, person: Option<PersonId>, keys: &[BlockingKey], row: &[u8]) {
        self.follow(record, |index| index.file(record, person, keys, row.to_vec()));
    }

    /// `record` is filed no more.
    pub(super) fn remove(&self, record: RecordId) {
        self.follow(record, |index| index.remove(record));
    }

    /// `record` is this person's now, or nobody's.
    pub(super) fn belongs(&self, record: RecordId, person: Option<PersonId>) {
        self.follow(record, |index| index.belongs(record, person));
    }

    /// Whether changes of `record` are followed: what was not read yet will be read as it is then.
    pub(super) fn follows(&self, record: RecordId) -> bool {
        self.read().follows(record)
    }

    fn follow(&self, record: RecordId, change: impl FnOnce(&mut MemoryIndex)) {
        let mut state = self.write();
        if state.follows(record) {
            change(&mut state.index);
            state.give_up_beyond_most();
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn follows(&self, record: RecordId) -> bool {
        self.is_whole || self.reached.is_some_and(|reached| record.0 <= reached)
    }

    fn give_up_beyond_most(&mut self) {
        if self.index.len() > self.most {
            log::info!("more than {} records: decisions read the tables", self.most);
            *self = State::default();
        }
    }
}
