//! What questions look up, kept in memory by the process that alone writes a SQLite file.
//!
//! It is read from the tables by and by, between the groups of the writer. From then on it follows each group: what a
//! group touched is read again before its commit, and takes the place of what was known after it, before anybody hears
//! of the commit. So it is what was committed, as a whole, at all times. Until all of it is there questions ask the
//! tables. It must never answer otherwise than they would: what it cannot follow makes it begin anew.

mod contents;
mod search;
mod words;

pub(super) use contents::{KeptPerson, KeptRecord, KeptRegional};

use super::{FoundRecord, Lookup, OwnedRecord, PersonRow, SourceRecordRow, StoreError, Transaction};
use crate::identity::{Demographics, PersonId, RecordId};
use crate::matching::{SearchClause, SearchToken, TokenKinds};
use contents::Contents;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Records, or persons, that are read between two groups: a few milliseconds, since feeds wait meanwhile.
const PAGE: usize = 100;

/// Shared by the writer, which alone changes it, and by those who ask.
#[derive(Default)]
pub(super) struct Directory(RwLock<State>);

#[derive(Default)]
struct State {
    contents: Contents,
    /// The last record that was read; none where none was.
    records: Reached,
    /// The last person that was read.
    persons: Reached,
    /// Most records; 0 where none are kept.
    most: usize,
}

/// How far it was read.
#[derive(Clone, Copy, Default)]
enum Reached {
    #[default]
    Nothing,
    UpTo(i64),
    All,
}

impl Reached {
    fn is_all(self) -> bool {
        matches!(self, Reached::All)
    }

    /// Whether what was read has this one, or would.
    fn holds(self, id: i64) -> bool {
        match self {
            Reached::Nothing => false,
            Reached::UpTo(last) => id <= last,
            Reached::All => true,
        }
    }

    fn last(self) -> i64 {
        match self {
            Reached::Nothing => i64::MIN,
            Reached::UpTo(last) => last,
            Reached::All => i64::MAX,
        }
    }
}

/// What the transactions of a group have touched of what questions look up.
#[derive(Default)]
pub(super) struct Touched {
    records: HashMap<i64, Known>,
    persons: Vec<i64>,
    all: bool,
}

/// What is known of a record that was touched, so that it need not be read again.
#[derive(Default)]
pub(super) struct Known {
    /// A version of its demographics, and they.
    pub(super) said: Option<(i32, Arc<Demographics>)>,
    /// The tokens under which it is filed.
    pub(super) tokens: Option<Vec<SearchToken>>,
}

impl Touched {
    pub(super) fn record(&mut self, record: i64) {
        if !self.all {
            self.records.entry(record).or_default();
        }
    }

    /// `record` has this version of its demographics from now on.
    pub(super) fn said(&mut self, record: i64, version: i32, said: &Demographics) {
        if !self.all {
            self.records.entry(record).or_default().said = Some((version, Arc::new(said.clone())));
        }
    }

    /// The demographics of `record` are others now, in whatever version.
    pub(super) fn said_anew(&mut self, record: i64) {
        if !self.all {
            self.records.entry(record).or_default().said = None;
        }
    }

    /// `record` is filed under these tokens from now on.
    pub(super) fn filed(&mut self, record: i64, tokens: &[SearchToken]) {
        if !self.all {
            self.records.entry(record).or_default().tokens = Some(tokens.to_vec());
        }
    }

    /// Something was undone: of all that was touched nothing is known.
    pub(super) fn doubt(&mut self) {
        self.records.values_mut().for_each(|known| *known = Known::default());
    }

    pub(super) fn person(&mut self, person: i64) {
        if !self.all {
            self.persons.push(person);
        }
    }

    /// Anything may have been touched.
    pub(super) fn all(&mut self) {
        *self = Self { all: true, ..Self::default() };
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

/// What a group leaves of what it touched.
pub(super) enum Left {
    These(Vec<KeptRecord>, Vec<KeptPerson>),
    /// Nobody knows.
    Unknown,
}

impl Directory {
    /// From now on up to so many records are kept.
    pub(super) fn keep(&self, most: usize) {
        let before = std::mem::replace(&mut *self.write(), State { most, ..State::default() });
        let_go(before);
    }

    /// Whether there is more to be read.
    pub(super) fn is_reading(&self) -> bool {
        let state = self.read();
        state.most > 0 && !state.is_whole()
    }

    /// Whether all is in it.
    pub(super) fn is_whole(&self) -> bool {
        self.read().is_whole()
    }

    /// All that is kept, where all is; nothing of it changes as long as it is held.
    pub(super) fn glance(&self) -> Option<Glance<'_>> {
        let state = self.read();
        state.is_whole().then(|| Glance(state))
    }

    /// Whether anything is kept.
    pub(super) fn keeps(&self) -> bool {
        self.read().most > 0
    }

    /// Reads some more, between two groups.
    pub(super) fn read_some(&self, tx: &mut Transaction<'_>) {
        if let Err(error) = self.read_page(tx) {
            log::warn!("questions are not answered from memory: {error}");
            self.keep(0);
        }
    }

    fn read_page(&self, tx: &mut Transaction<'_>) -> Result<(), StoreError> {
        let (records, persons) = {
            let state = self.read();
            (state.records, state.persons)
        };
        if !records.is_all() {
            let page = tx.records_kept(records.last(), i64::MAX, PAGE)?;
            let mut state = self.write();
            state.records = page.last().map_or(Reached::All, |last| Reached::UpTo(last.row.id));
            page.into_iter().for_each(|record| state.contents.put_record(record));
            bounded(state);
            return Ok(());
        }
        let page = tx.persons_kept(persons.last(), i64::MAX, PAGE)?;
        let mut state = self.write();
        state.persons = page.last().map_or(Reached::All, |last| Reached::UpTo(last.row.id));
        page.into_iter().for_each(|person| state.contents.put_person(person));
        Ok(())
    }

    /// What the open transaction leaves of what was touched in it.
    pub(super) fn left(&self, tx: &mut Transaction<'_>, mut touched: Touched) -> Left {
        let (records, persons) = {
            let state = self.read();
            (state.records, state.persons)
        };
        if touched.all {
            return Left::Unknown;
        }
        let mut read = |tx: &mut Transaction<'_>| -> Result<Left, StoreError> {
            let (mut kept_records, mut kept_persons) = (Vec::new(), Vec::new());
            for (record, known) in touched.records.drain() {
                if records.holds(record) {
                    kept_records.extend(tx.record_kept(record, known)?);
                }
            }
            touched.persons.sort_unstable();
            touched.persons.dedup();
            for person in touched.persons.drain(..).filter(|id| persons.holds(*id)) {
                kept_persons.extend(tx.persons_kept(person - 1, person, 1)?);
            }
            // In ascending order, so that what is new comes last.
            kept_records.sort_by_key(|record: &KeptRecord| record.row.id);
            Ok(Left::These(kept_records, kept_persons))
        };
        read(tx).unwrap_or_else(|error| {
            log::warn!("what was changed cannot be read again, questions ask the tables for now: {error}");
            Left::Unknown
        })
    }

    /// The group that left this is committed.
    pub(super) fn follow(&self, left: Left) {
        let (records, persons) = match left {
            Left::These(records, persons) if records.is_empty() && persons.is_empty() => return,
            Left::These(records, persons) => (records, persons),
            Left::Unknown => {
                let most = self.read().most;
                return self.keep(most);
            }
        };
        let mut state = self.write();
        persons.into_iter().for_each(|person| state.contents.put_person(person));
        records.into_iter().for_each(|record| state.contents.put_record(record));
        bounded(state);
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_whole(&self) -> bool {
        self.records.is_all() && self.persons.is_all()
    }
}

/// Gives all up where more than the most is kept.
fn bounded(mut state: RwLockWriteGuard<'_, State>) {
    if state.contents.len() > state.most {
        log::info!("more than {} records: questions ask the tables", state.most);
        let given_up = std::mem::take(&mut *state);
        drop(state);
        let_go(given_up);
    }
}

/// To free a million records takes seconds, for which nobody should wait.
fn let_go(state: State) {
    if state.contents.len() > PAGE {
        // Where there is no thread for it, it is freed here.
        let _ = std::thread::Builder::new().name("store-forget".to_owned()).spawn(move || drop(state));
    }
}

/// All that questions look up, at one moment.
pub(super) struct Glance<'a>(RwLockReadGuard<'a, State>);

impl Glance<'_> {
    fn contents(&self) -> &Contents {
        &self.0.contents
    }
}

impl Lookup for Glance<'_> {
    fn record_find(&mut self, key: i64, domain: &str, value: &str) -> Result<Option<SourceRecordRow>, StoreError> {
        let same = self.contents().identified(key).map(|one| &one.row);
        let same = same.filter(|row| row.domain_key == domain && row.value == value);
        Ok(same.max_by_key(|row| row.generation).cloned())
    }

    fn person_of(&mut self, record: RecordId) -> Result<Option<PersonId>, StoreError> {
        Ok(self.contents().record(record.0).and_then(|one| one.person))
    }

    fn person_get(&mut self, id: PersonId) -> Result<Option<PersonRow>, StoreError> {
        Ok(self.contents().person(id.0).map(|kept| kept.row.clone()))
    }

    fn records_of(&mut self, id: PersonId) -> Result<Vec<SourceRecordRow>, StoreError> {
        let members = self.contents().members(id.0).map(|one| &one.row);
        Ok(members.filter(|row| row.status == "active").cloned().collect())
    }

    fn records_owned(&mut self, records: &[RecordId]) -> Result<Vec<OwnedRecord>, StoreError> {
        let mut records = records.to_vec();
        records.sort_unstable();
        records.dedup();
        let owned = |record: RecordId| {
            let one = self.contents().record(record.0)?;
            let domain = one.row.domain_key.clone();
            Some(OwnedRecord { record, domain, active: one.row.status == "active", person: one.person? })
        };
        Ok(records.into_iter().filter_map(owned).collect())
    }

    fn regional_find(&mut self, value: &str) -> Result<Option<(PersonId, String)>, StoreError> {
        let found = self.contents().regional(value);
        Ok(found.map(|(person, regional)| (PersonId(person), regional.state.clone())))
    }

    fn regional_of(&mut self, person: PersonId) -> Result<Option<String>, StoreError> {
        let Some(kept) = self.contents().person(person.0) else { return Ok(None) };
        let active = kept.regionals.iter().filter(|regional| regional.state == "active");
        Ok(active.min_by_key(|regional| (regional.issued, &regional.value)).map(|regional| regional.value.clone()))
    }

    fn overlays_open(&mut self, records: &[RecordId]) -> Result<Vec<RecordId>, StoreError> {
        let overlaid = |record: &&RecordId| self.contents().record(record.0).is_some_and(|one| one.overlaid);
        Ok(records.iter().filter(overlaid).copied().collect())
    }

    fn versions_current(&mut self, records: &[RecordId]) -> Result<Vec<(RecordId, Arc<Demographics>)>, StoreError> {
        let mut records = records.to_vec();
        records.sort_unstable();
        records.dedup();
        let said = |record: RecordId| Some((record, self.contents().record(record.0)?.said.clone()?));
        Ok(records.into_iter().filter_map(said).collect())
    }

    fn tokens_of(&mut self, records: &[i64], kinds: TokenKinds) -> Result<Vec<FoundRecord>, StoreError> {
        let contents = self.contents();
        let tokens = |record: &i64| FoundRecord {
            record: RecordId(*record),
            tokens: contents.record(*record).map_or_else(Vec::new, |one| contents.tokens(&one.words, kinds)),
        };
        Ok(records.iter().map(tokens).collect())
    }

    fn tokens_search(
        &mut self,
        clauses: &[SearchClause],
        kinds: TokenKinds,
        limit: usize,
    ) -> Result<Option<Vec<FoundRecord>>, StoreError> {
        Ok(self.contents().search(clauses, kinds, limit))
    }
}
