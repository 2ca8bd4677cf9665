//! Many records in one transaction of a store that this process alone has: what is written is gathered and put into the
//! tables in the order of their keys, and what decisions read is kept in memory.
//!
//! Rows that come one by one change pages all over the file, each of them again and again; in order each page is written
//! once. What is gathered is put into the tables before anything reads them, whatever that is, so that nobody has to know
//! of it: only what is asked for each record is answered from memory, and answered as the tables would.

use super::connection::Connection;
use super::filed::{Terms, filed_under};
use super::look::Look;
use super::many::insert_all;
use super::rows::{AuditRow, EventRow, InboxRow, LinkRow, OutboxRow, PersonRow, ReviewRow, SourceRecordRow};
use super::schema::{
    audit, comparison_row, demographic_version, event, inbox, link, outbox, person, regional_id, review, source_record,
};
use super::sweep::insert_filing;
use super::witness::{Changes, Thing, Witness};
use super::{StoreError, Transaction};
use crate::identity::{PersonId, RecordId};
use crate::matching::{BlockingKey, ComparisonRecord, MemoryIndex, SearchToken};
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sqlite::SqliteConnection;
use std::collections::{HashMap, HashSet};

/// Records that are read at a time.
const PAGE: usize = 5_000;
/// After so many records the rows that come in the order of their keys anyway are put into their tables.
const GATHERED: usize = 4_000;

/// How much of the file SQLite keeps in memory while records are loaded, and afterwards, in KiB.
const LOADING_CACHE: u32 = 512 * 1024;
const USUAL_CACHE: u32 = 64 * 1024;

/// What decisions read of all records, and what is gathered.
#[derive(Default)]
pub struct Load {
    index: MemoryIndex,
    /// The keys of all identifiers that are known.
    identifiers: HashSet<i64>,
    /// Records about which a steward decided.
    decided: HashSet<i64>,
    /// The domain of each record, by its place among `domains`.
    domain_of: HashMap<i64, u16>,
    domains: Vec<String>,
    records: i64,
    wide: Wide,
    filing: Filing,
    /// What was changed since it was looked at last, and how often that was.
    changes: Changes,
    looks: u64,
}

/// Rows that come nearly in the order of their keys.
#[derive(Default)]
struct Wide {
    inbox: Vec<InboxRow>,
    records: Vec<SourceRecordRow>,
    versions: Vec<VersionRow>,
    persons: Vec<PersonRow>,
    regionals: Vec<RegionalRow>,
    links: Vec<LinkRow>,
    rows: Vec<i64>,
    terms: Vec<TermsRow>,
    reviews: Vec<ReviewRow>,
    events: Vec<EventRow>,
    outbox: Vec<OutboxRow>,
    audit: Vec<AuditRow>,
    /// The records among these, and whether a link is among these as well.
    fresh: HashMap<i64, bool>,
    /// Whether there is anything.
    is_pending: bool,
}

/// Under what records are filed: rows all over their tables.
#[derive(Default)]
struct Filing {
    keys: Vec<(i64, i64)>,
    tokens: Vec<(i16, Box<str>, i64)>,
    records: HashSet<i64>,
}

#[derive(Insertable)]
#[diesel(table_name = demographic_version, treat_none_as_default_value = false)]
struct VersionRow {
    record_id: i64,
    version: i32,
    recorded: i64,
    principal: String,
    inbox_id: Option<i64>,
    content: String,
}

#[derive(Insertable)]
#[diesel(table_name = regional_id, treat_none_as_default_value = false)]
struct RegionalRow {
    value: String,
    person_id: i64,
    state: &'static str,
    issued: i64,
    retired: Option<i64>,
}

#[derive(Insertable)]
#[diesel(table_name = comparison_row, treat_none_as_default_value = false)]
struct FiledRow {
    record_id: i64,
    row: Vec<u8>,
    person_id: Option<i64>,
}

#[derive(Insertable)]
#[diesel(table_name = filed_under, treat_none_as_default_value = false)]
struct TermsRow {
    record_id: i64,
    terms: String,
}

impl Load {
    fn domain(&mut self, key: &str) -> u16 {
        let known = self.domains.iter().position(|known| known == key);
        let at = known.unwrap_or_else(|| {
            self.domains.push(key.to_owned());
            self.domains.len() - 1
        });
        u16::try_from(at).unwrap_or(u16::MAX)
    }
}

/// What a transaction does where many records are loaded.
impl Transaction<'_> {
    /// Reads all that decisions need into memory; none where several processes may write, whose changes it would miss.
    pub fn load(&mut self) -> Result<Option<Box<Load>>, StoreError> {
        if !matches!(self.connection(), Connection::Sqlite(_)) {
            return Ok(None);
        }
        let mut load = Box::new(Load::default());
        let mut after = i64::MIN;
        loop {
            let page = self.rows_after(after, PAGE)?;
            let Some(last) = page.last() else { break };
            after = last.record.0;
            for filed in page {
                let record =
                    ComparisonRecord::decode(&filed.row).map_err(|_| StoreError::Corrupt("a comparison row"))?;
                load.index.file(filed.record, filed.person, &record.blocking_keys(), filed.row);
            }
        }
        let mut after = i64::MIN;
        loop {
            let page = self.record_keys_after(after, PAGE)?;
            let Some((last, ..)) = page.last() else { break };
            after = *last;
            for (id, identifier_key, domain, _) in page {
                load.identifiers.insert(identifier_key);
                let at = load.domain(&domain);
                load.domain_of.insert(id, at);
                load.records += 1;
            }
        }
        for decision in self.decisions()? {
            load.decided.extend([decision.record_a, decision.record_b]);
        }
        Ok(Some(load))
    }

    /// From here on what is written is gathered, and decisions read `load`.
    pub fn load_begin(&mut self, load: Box<Load>) -> Result<(), StoreError> {
        self.filed_tables()?;
        self.filing.is_later = false;
        // What is noted of single things would not be noted of these.
        self.all_changed();
        self.load = Some(load);
        self.cache(LOADING_CACHE)
    }

    /// How much of the file SQLite keeps in memory, in KiB.
    fn cache(&mut self, size: u32) -> Result<(), StoreError> {
        match self.connection() {
            Connection::Sqlite(connection) => connection.batch_execute(&format!("PRAGMA cache_size = -{size}")),
            Connection::Postgres(_) => Ok(()),
        }
        .map_err(|error| self.failed(error))
    }

    /// What decisions read now, where records are loaded.
    pub fn load_look(&mut self) -> Option<Look<'_>> {
        let load = self.load.as_mut()?;
        load.looks += 1;
        // What changed before it is looked at is not asked for any more.
        load.changes.begin(load.looks);
        load.changes.forget();
        load.changes.begin(load.looks + 1);
        Some(Look::at(&load.index, &load.identifiers, load.looks))
    }

    /// Whether so much is gathered that `load_some` is due.
    pub fn load_is_due(&self) -> bool {
        self.load.as_ref().is_some_and(|load| load.wide.fresh.len() >= GATHERED)
    }

    /// Puts what comes in the order of its keys anyway into the tables.
    pub fn load_some(&mut self) -> Result<(), StoreError> {
        let Some(load) = &mut self.load else { return Ok(()) };
        let wide = std::mem::take(&mut load.wide);
        let rows = filed_rows(&wide.rows, &load.index);
        let result = match self.connection() {
            Connection::Sqlite(connection) => insert_wide(connection, wide, rows),
            Connection::Postgres(_) => Ok(()),
        };
        result.map_err(|error| self.failed(error))
    }

    /// Puts all that is gathered into the tables, and gives the memory back for the next transaction.
    pub fn load_end(&mut self) -> Result<Option<Box<Load>>, StoreError> {
        self.load_some()?;
        self.load_filed()?;
        self.cache(USUAL_CACHE)?;
        Ok(self.load.take())
    }

    /// Before a statement: what is gathered is put where it finds it.
    pub(super) fn settle(&mut self) -> Result<(), StoreError> {
        if self.load.as_ref().is_some_and(|load| load.wide.is_pending) { self.load_some() } else { Ok(()) }
    }

    /// Puts under what records are filed into the tables.
    fn load_filed(&mut self) -> Result<(), StoreError> {
        let Some(load) = &mut self.load else { return Ok(()) };
        let Filing { mut keys, mut tokens, .. } = std::mem::take(&mut load.filing);
        keys.sort_unstable();
        keys.dedup();
        tokens.sort_unstable();
        tokens.dedup();
        let result = match self.connection() {
            Connection::Sqlite(connection) => insert_filing(connection, keys, tokens, false),
            Connection::Postgres(_) => Ok(()),
        };
        result.map_err(|error| self.failed(error))
    }

    /// The domain of a record.
    pub fn domain_of(&mut self, record: RecordId) -> Result<Option<String>, StoreError> {
        if let Some(load) = &self.load
            && let Some(known) = load.domain_of.get(&record.0).and_then(|at| load.domains.get(usize::from(*at)))
        {
            return Ok(Some(known.clone()));
        }
        Ok(self.record_get(record)?.map(|row| row.domain_key))
    }
}

fn filed_rows(ids: &[i64], index: &MemoryIndex) -> Vec<FiledRow> {
    let filed = ids.iter().filter_map(|id| index.record(RecordId(*id)));
    filed
        .map(|one| FiledRow { record_id: one.record.0, row: one.row, person_id: one.person.map(|person| person.0) })
        .collect()
}

fn insert_wide(connection: &mut SqliteConnection, mut wide: Wide, rows: Vec<FiledRow>) -> QueryResult<()> {
    // By the key of its index, which is scattered; the rows themselves come at the end either way.
    wide.inbox.sort_unstable_by_key(|row| (row.message_key, row.id));
    insert_all!(connection, inbox::table, 32, wide.inbox);
    insert_all!(connection, source_record::table, 32, wide.records);
    insert_all!(connection, demographic_version::table, 32, wide.versions);
    insert_all!(connection, person::table, 32, wide.persons);
    wide.regionals.sort_unstable_by(|left, right| left.value.cmp(&right.value));
    insert_all!(connection, regional_id::table, 32, wide.regionals);
    // Before the rows for comparison, which have the persons already: a trigger would write each of them again.
    insert_all!(connection, link::table, 32, wide.links);
    insert_all!(connection, comparison_row::table, 32, rows);
    insert_all!(connection, filed_under::table, 32, wide.terms);
    insert_all!(connection, review::table, 16, wide.reviews);
    insert_all!(connection, event::table, 32, wide.events);
    insert_all!(connection, outbox::table, 32, wide.outbox);
    insert_all!(connection, audit::table, 32, wide.audit);
    Ok(())
}

/// What the tables ask before they ask the database. Each gives nothing where nothing is loaded, and its callers then
/// go on as ever.
impl Transaction<'_> {
    /// Whether what was looked at is still so; none where nothing is loaded.
    pub(super) fn load_still(&self, witness: &Witness) -> Option<bool> {
        self.load.as_ref().map(|load| load.changes.none_of(witness))
    }

    /// The index that decisions read, where records are loaded.
    pub(super) fn loaded_index(&self) -> Option<&MemoryIndex> {
        self.load.as_ref().map(|load| &load.index)
    }

    pub(super) fn load_inbox(&mut self, row: &InboxRow) -> bool {
        self.gather(|wide| wide.inbox.push(row.clone()))
    }

    /// Settles the message that was gathered last; whether it was that.
    pub(super) fn load_settled(&mut self, id: i64, outcome: &str, place: i64, drawn: &str) -> bool {
        let last = self.load.as_mut().and_then(|load| load.wide.inbox.last_mut()).filter(|row| row.id == id);
        let Some(row) = last else { return false };
        outcome.clone_into(&mut row.outcome);
        row.seq = Some(place);
        row.drawn = Some(drawn.to_owned());
        true
    }

    pub(super) fn load_record(&mut self, row: &SourceRecordRow) -> bool {
        let Some(load) = &mut self.load else { return false };
        load.identifiers.insert(row.identifier_key);
        let domain = load.domain(&row.domain_key);
        load.domain_of.insert(row.id, domain);
        load.records += 1;
        load.wide.fresh.insert(row.id, false);
        self.has_loaded();
        self.gather(|wide| wide.records.push(row.clone()))
    }

    /// Whether no record has an identifier of this key.
    pub(super) fn load_lacks(&self, identifier_key: i64) -> bool {
        self.load.as_ref().is_some_and(|load| !load.identifiers.contains(&identifier_key))
    }

    /// Whether no steward decided about this record.
    pub(super) fn load_is_undecided(&self, record: RecordId) -> bool {
        self.load.as_ref().is_some_and(|load| !load.decided.contains(&record.0))
    }

    /// Whether this record is gathered, and no link of it.
    pub(super) fn load_is_unlinked(&self, record: RecordId) -> bool {
        self.load.as_ref().is_some_and(|load| load.wide.fresh.get(&record.0) == Some(&false))
    }

    /// The reviews of a record that is gathered.
    pub(super) fn load_reviews(&self, record: RecordId, state: &str) -> Option<Vec<ReviewRow>> {
        let load = self.load.as_ref().filter(|load| load.wide.fresh.contains_key(&record.0))?;
        let of = load.wide.reviews.iter().rev().take_while(|row| row.record_id == record.0);
        let mut rows: Vec<ReviewRow> = of.filter(|row| row.state == state).cloned().collect();
        rows.sort_by_key(|row| (row.opened, row.id));
        Some(rows)
    }

    pub(super) fn load_count(&self) -> Option<i64> {
        self.load.as_ref().map(|load| load.records)
    }

    pub(super) fn load_version(
        &mut self,
        (record, version, recorded): (RecordId, i32, i64),
        principal: &str,
        inbox_id: Option<i64>,
        content: &str,
    ) -> bool {
        self.gather(|wide| {
            let (principal, content) = (principal.to_owned(), content.to_owned());
            wide.versions.push(VersionRow { record_id: record.0, version, recorded, principal, inbox_id, content });
        })
    }

    /// Whether this record is filed among what is gathered.
    pub(super) fn load_has_filed(&self, record: RecordId) -> bool {
        self.load.as_ref().is_some_and(|load| load.filing.records.contains(&record.0))
    }

    pub(super) fn load_filing(
        &mut self,
        record: RecordId,
        (keys, tokens, row): (&[BlockingKey], &[SearchToken], &[u8]),
        terms: &Terms,
    ) -> Result<bool, StoreError> {
        let Some(fresh) = self.load.as_ref().map(|load| load.wide.fresh.contains_key(&record.0)) else {
            return Ok(false);
        };
        let terms = TermsRow { record_id: record.0, terms: terms.to_text()? };
        let person = if fresh { None } else { self.person_of(record)? };
        let Some(load) = &mut self.load else { return Ok(false) };
        load.index.file(record, person, keys, row.to_vec());
        keys.iter().for_each(|key| load.changes.of_key(key.0, record.0));
        load.changes.of(Thing::Record(record.0));
        load.filing.records.insert(record.0);
        load.filing.keys.extend(keys.iter().map(|key| (key.0, record.0)));
        load.filing.tokens.extend(tokens.iter().map(|token| (token.kind, token.value.as_str().into(), record.0)));
        Ok(self.gather(|wide| {
            wide.rows.push(record.0);
            wide.terms.push(terms);
        }))
    }

    /// Before a record is taken out of all files, for good or to be filed anew.
    pub(super) fn load_unfile(&mut self, record: RecordId) -> Result<(), StoreError> {
        if self.load_has_filed(record) {
            self.load_some()?;
            self.load_filed()?;
        }
        if let Some(load) = &mut self.load {
            load.index.remove(record);
            load.changes.forget();
        }
        Ok(())
    }

    pub(super) fn load_person(&mut self, row: &PersonRow) -> bool {
        self.gather(|wide| wide.persons.push(row.clone()))
    }

    pub(super) fn load_regional(&mut self, value: &str, person: PersonId, issued: i64) -> bool {
        self.gather(|wide| {
            let row =
                RegionalRow { value: value.to_owned(), person_id: person.0, state: "active", issued, retired: None };
            wide.regionals.push(row);
        })
    }

    pub(super) fn load_link(&mut self, row: &LinkRow) -> bool {
        let Some(load) = &mut self.load else { return false };
        load.index.belongs(RecordId(row.record_id), Some(PersonId(row.person_id)));
        load.changes.of(Thing::Record(row.record_id));
        load.changes.of(Thing::Person(row.person_id));
        if let Some(linked) = load.wide.fresh.get_mut(&row.record_id) {
            *linked = true;
        }
        self.gather(|wide| wide.links.push(row.clone()))
    }

    /// The link of a record has ended.
    pub(super) fn load_unlinked(&mut self, record: RecordId) {
        if let Some(load) = &mut self.load {
            load.index.belongs(record, None);
            load.changes.forget();
        }
    }

    pub(super) fn load_review(&mut self, row: &ReviewRow) -> bool {
        self.gather(|wide| wide.reviews.push(row.clone()))
    }

    pub(super) fn load_event(&mut self, row: &EventRow) -> bool {
        self.gather(|wide| wide.events.push(row.clone()))
    }

    pub(super) fn load_outbox(&mut self, row: &OutboxRow) -> bool {
        self.gather(|wide| wide.outbox.push(row.clone()))
    }

    pub(super) fn load_audit(&mut self, row: &AuditRow) -> bool {
        self.gather(|wide| wide.audit.push(row.clone()))
    }

    fn gather(&mut self, put: impl FnOnce(&mut Wide)) -> bool {
        let Some(load) = &mut self.load else { return false };
        put(&mut load.wide);
        load.wide.is_pending = true;
        true
    }
}
