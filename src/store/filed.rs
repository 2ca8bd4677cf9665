//! SQLite: what each record is filed under, as it stands beside the record, and which of it the tables by which it is
//! sought do not say yet.
//!
//! Rows that come one by one each change a page of their own, in a large store far more than all else of a feed. Where
//! nobody needs the tables, because decisions and questions are answered from memory, they are put there later, many at
//! a time and in order (see [`super::sweep`]). Whoever reads those tables must call [`Transaction::filed_tables`] before:
//! nobody may ever see that something is due.

use super::connection::Connection;
use super::sweep::Sweep;
use super::tables::row_limit;
use super::{StoreError, Transaction};
use crate::identity::RecordId;
use crate::matching::{BlockingKey, SearchToken};
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sqlite::SqliteConnection;
use std::collections::BTreeSet;

diesel::table! {
    filed_under (record_id) {
        record_id -> BigInt,
        terms -> Text,
    }
}

diesel::table! {
    filing_due (place) {
        place -> BigInt,
        record_id -> BigInt,
        was -> Nullable<Text>,
    }
}

diesel::allow_tables_to_appear_in_same_query!(filed_under, filing_due);

/// Under what a record is filed: keys, and tokens as `kind=value`.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Terms(Vec<i64>, Vec<String>);

impl Terms {
    pub(super) fn of(keys: &BTreeSet<&BlockingKey>, tokens: &BTreeSet<&SearchToken>) -> Self {
        let tokens = tokens.iter().map(|token| format!("{}={}", token.kind, token.value));
        Self(keys.iter().map(|key| key.0).collect(), tokens.collect())
    }

    pub(super) fn to_text(&self) -> Result<String, StoreError> {
        serde_json::to_string(self).map_err(|_| StoreError::Corrupt("what a record is filed under"))
    }

    pub(super) fn from_text(text: &str) -> Result<Self, StoreError> {
        serde_json::from_str(text).map_err(|_| StoreError::Corrupt("what a record is filed under"))
    }

    pub(super) fn keys(&self) -> &[i64] {
        &self.0
    }

    /// Each token: its kind and its value.
    pub(super) fn tokens(&self) -> impl Iterator<Item = Result<(i16, &str), StoreError>> {
        self.1.iter().map(|token| {
            let parts = token.split_once('=').and_then(|(kind, value)| Some((kind.parse().ok()?, value)));
            parts.ok_or(StoreError::Corrupt("what a record is filed under"))
        })
    }

    fn search_tokens(&self) -> Result<Vec<SearchToken>, StoreError> {
        self.tokens().map(|token| token.map(|(kind, value)| SearchToken { kind, value: value.to_owned() })).collect()
    }

    fn join(&mut self, others: &Terms) {
        self.0.extend(&others.0);
        self.1.extend(others.1.iter().cloned());
    }
}

/// What fills the table where its rows did not come with it: the tables must say all.
const FILL: &str = "INSERT INTO filed_under (record_id, terms) \
    SELECT c.record_id, json_array(json(coalesce(k.keys, '[]')), json(coalesce(t.tokens, '[]'))) \
    FROM comparison_row c \
    LEFT JOIN (SELECT record_id, json_group_array(key) AS keys FROM blocking_key GROUP BY record_id) k \
        ON k.record_id = c.record_id \
    LEFT JOIN (SELECT record_id, json_group_array(kind || '=' || value) AS tokens FROM search_token \
        GROUP BY record_id) t ON t.record_id = c.record_id \
    ORDER BY c.record_id";

/// The tables as they would be if nothing were due, over those that are there, for one reader until its snapshot ends.
const OVERLAY: &str = "PRAGMA query_only = OFF; \
    CREATE TEMP TABLE due_key (key, record_id, PRIMARY KEY (key, record_id)) WITHOUT ROWID; \
    INSERT OR IGNORE INTO temp.due_key SELECT w.value, d.record_id FROM main.filing_due d \
        JOIN main.filed_under f ON f.record_id = d.record_id, json_each(f.terms, '$[0]') w ORDER BY 1, 2; \
    CREATE TEMP TABLE due_token (kind, value, record_id, PRIMARY KEY (kind, value, record_id)) WITHOUT ROWID; \
    INSERT OR IGNORE INTO temp.due_token SELECT CAST(substr(w.value, 1, instr(w.value, '=') - 1) AS INTEGER), \
        substr(w.value, instr(w.value, '=') + 1), d.record_id FROM main.filing_due d \
        JOIN main.filed_under f ON f.record_id = d.record_id, json_each(f.terms, '$[1]') w ORDER BY 1, 2, 3; \
    CREATE TEMP VIEW blocking_key AS SELECT key, record_id FROM main.blocking_key \
        WHERE record_id NOT IN (SELECT record_id FROM main.filing_due) \
        UNION ALL SELECT key, record_id FROM temp.due_key; \
    CREATE TEMP VIEW search_token AS SELECT kind, value, record_id FROM main.search_token \
        WHERE record_id NOT IN (SELECT record_id FROM main.filing_due) \
        UNION ALL SELECT kind, value, record_id FROM temp.due_token; \
    PRAGMA query_only = ON";

/// What stands in `filing_due` with what the record is filed under now: the place, the record, what the tables may say,
/// and what they should.
pub(super) type Due = (i64, i64, Option<String>, Option<String>);

impl Transaction<'_> {
    /// Before the tables by which records are sought are read: they say all from here on.
    pub(super) fn filed_tables(&mut self) -> Result<(), StoreError> {
        if self.filing.tables_say_all || !self.is_sqlite() {
            return Ok(());
        }
        if self.due_count()? > 0 {
            if self.writes_here() {
                Sweep::all(self)?;
                self.filing.is_disturbed = true;
            } else {
                // Also where it is left half way.
                self.filing.is_overlaid = true;
                self.on_sqlite(|connection| connection.batch_execute(OVERLAY))?;
            }
        }
        self.filing.tables_say_all = true;
        Ok(())
    }

    /// What `record` is filed under from now on, which was filed under nothing.
    pub(super) fn terms_put(&mut self, record: RecordId, terms: &Terms) -> Result<(), StoreError> {
        let text = terms.to_text()?;
        self.on_sqlite(|connection| {
            let row = (filed_under::record_id.eq(record.0), filed_under::terms.eq(&text));
            diesel::insert_into(filed_under::table).values(row).execute(connection)
        })?;
        Ok(())
    }

    /// What `record` was filed under, and is no more.
    pub(super) fn terms_take(&mut self, record: RecordId) -> Result<Option<Terms>, StoreError> {
        let terms = self.terms_of(record.0)?;
        if terms.is_some() {
            self.on_sqlite(|connection| diesel::delete(filed_under::table.find(record.0)).execute(connection))?;
        }
        Ok(terms)
    }

    fn terms_of(&mut self, record: i64) -> Result<Option<Terms>, StoreError> {
        let text: Option<String> = self.on_sqlite(|connection| {
            filed_under::table.find(record).select(filed_under::terms).first(connection).optional()
        })?;
        text.map(|text| Terms::from_text(&text)).transpose()
    }

    /// The tokens of a record.
    pub(super) fn filed_tokens(&mut self, record: i64) -> Result<Vec<SearchToken>, StoreError> {
        self.terms_of(record)?.map_or_else(|| Ok(Vec::new()), |terms| terms.search_tokens())
    }

    /// The keys and the tokens of a record, each in order.
    pub(super) fn filed_terms(&mut self, record: i64) -> Result<(Vec<BlockingKey>, Vec<SearchToken>), StoreError> {
        let terms = self.terms_of(record)?.unwrap_or_default();
        let (mut keys, mut tokens) = (terms.keys().to_vec(), terms.search_tokens()?);
        keys.sort_unstable();
        tokens.sort();
        Ok((keys.into_iter().map(BlockingKey).collect(), tokens))
    }

    /// The records after `after` up to `last` that are filed, with their terms, in ascending order.
    pub(super) fn terms_between(&mut self, after: i64, last: i64, limit: i64) -> Result<Vec<(i64, Terms)>, StoreError> {
        let rows: Vec<(i64, String)> = self.on_sqlite(|connection| {
            filed_under::table
                .filter(filed_under::record_id.gt(after))
                .filter(filed_under::record_id.le(last))
                .order(filed_under::record_id.asc())
                .limit(limit)
                .load(connection)
        })?;
        rows.into_iter().map(|(record, text)| Ok((record, Terms::from_text(&text)?))).collect()
    }

    /// The tokens of the records after `after` up to `last`.
    pub(super) fn tokens_between(&mut self, after: i64, last: i64) -> Result<Vec<(i64, Vec<SearchToken>)>, StoreError> {
        let rows = self.terms_between(after, last, i64::MAX)?;
        rows.into_iter().map(|(record, terms)| Ok((record, terms.search_tokens()?))).collect()
    }

    /// Makes the terms of all records from the tables, where they came without.
    pub(super) fn terms_fill(&mut self) -> Result<(), StoreError> {
        if !self.is_sqlite() {
            return Ok(());
        }
        self.on_sqlite(|connection| connection.batch_execute(FILL))
    }

    /// Forgets all terms and all that is due.
    pub(super) fn terms_clear(&mut self) -> Result<(), StoreError> {
        if !self.is_sqlite() {
            return Ok(());
        }
        self.filing.is_disturbed = true;
        self.on_sqlite(|connection| connection.batch_execute("DELETE FROM filed_under; DELETE FROM filing_due"))
    }
}

/// What is due.
impl Transaction<'_> {
    /// How many records there are of which the tables do not say yet what they are filed under.
    pub(super) fn due_count(&mut self) -> Result<i64, StoreError> {
        self.on_sqlite(|connection| filing_due::table.count().get_result(connection))
    }

    /// The first and the last place of what is due; none where nothing is.
    pub(super) fn due_places(&mut self) -> Result<Option<(i64, i64)>, StoreError> {
        use diesel::dsl::{max, min};
        let first: Option<i64> =
            self.on_sqlite(|connection| filing_due::table.select(min(filing_due::place)).first(connection))?;
        let last: Option<i64> =
            self.on_sqlite(|connection| filing_due::table.select(max(filing_due::place)).first(connection))?;
        Ok(first.zip(last))
    }

    /// What is filed of `record` is put into the tables later, which may say `was` of it. It comes after all that is due
    /// now, also where it was due before: a sweep that is under way has not seen this.
    pub(super) fn due_note(&mut self, record: RecordId, was: Option<&Terms>) -> Result<(), StoreError> {
        self.filing.tables_say_all = false;
        let known: Option<Option<String>> = self.on_sqlite(|connection| {
            filing_due::table
                .filter(filing_due::record_id.eq(record.0))
                .select(filing_due::was)
                .first(connection)
                .optional()
        })?;
        let Some(known) = known else {
            let was = was.map(Terms::to_text).transpose()?;
            self.filing.noted += 1;
            self.on_sqlite(|connection| {
                let row = (filing_due::record_id.eq(record.0), filing_due::was.eq(was.as_deref()));
                diesel::insert_into(filing_due::table).values(row).execute(connection)
            })?;
            return Ok(());
        };
        let mut all = known.map_or_else(|| Ok(Terms::default()), |text| Terms::from_text(&text))?;
        was.into_iter().for_each(|was| all.join(was));
        let (text, place) = (all.to_text()?, self.due_places()?.map_or(0, |(_, last)| last) + 1);
        self.on_sqlite(|connection| {
            let row = (filing_due::place.eq(place), filing_due::record_id.eq(record.0), filing_due::was.eq(&text));
            diesel::replace_into(filing_due::table).values(row).execute(connection)
        })?;
        Ok(())
    }

    /// At most `limit` of what is due after one place up to another, in order.
    pub(super) fn due_between(&mut self, after: i64, last: i64, limit: usize) -> Result<Vec<Due>, StoreError> {
        self.on_sqlite(|connection| {
            filing_due::table
                .left_join(filed_under::table.on(filed_under::record_id.eq(filing_due::record_id)))
                .filter(filing_due::place.gt(after))
                .filter(filing_due::place.le(last))
                .order(filing_due::place.asc())
                .limit(row_limit(limit))
                .select((filing_due::place, filing_due::record_id, filing_due::was, filed_under::terms.nullable()))
                .load(connection)
        })
    }

    /// Nothing after one place up to another is due any more.
    pub(super) fn due_done(&mut self, after: i64, up_to: i64) -> Result<(), StoreError> {
        self.on_sqlite(|connection| {
            let done = filing_due::table.filter(filing_due::place.gt(after)).filter(filing_due::place.le(up_to));
            diesel::delete(done).execute(connection)
        })?;
        Ok(())
    }

    /// Of this record nothing is due any more: the tables say at once what it is filed under, and nothing else.
    pub(super) fn due_now(&mut self, record: RecordId) -> Result<(), StoreError> {
        if !self.is_sqlite() {
            return Ok(());
        }
        let place: Option<i64> = self.on_sqlite(|connection| {
            filing_due::table
                .filter(filing_due::record_id.eq(record.0))
                .select(filing_due::place)
                .first(connection)
                .optional()
        })?;
        let Some(place) = place else { return Ok(()) };
        Sweep::of(place).finish(self)?;
        self.filing.is_disturbed = true;
        Ok(())
    }

    /// Runs statements that SQLite alone has tables for.
    pub(super) fn on_sqlite<T>(
        &mut self,
        work: impl FnOnce(&mut SqliteConnection) -> QueryResult<T>,
    ) -> Result<T, StoreError> {
        self.settle()?;
        let result = match self.connection() {
            Connection::Sqlite(connection) => work(connection.as_mut()),
            Connection::Postgres(_) => return Err(StoreError::Corrupt("a table of the other kind of store")),
        };
        result.map_err(|error| self.failed(error))
    }

    /// Whether the store is a SQLite file.
    pub(super) fn is_sqlite(&mut self) -> bool {
        matches!(self.connection(), Connection::Sqlite(_))
    }
}

/// What a transaction knows of the tables by which records are sought.
#[derive(Default)]
pub(super) struct FilingState {
    /// What is filed comes to them later.
    pub(super) is_later: bool,
    /// They were looked at, and say all.
    pub(super) tables_say_all: bool,
    /// They are laid over by what is due: the snapshot must be ended so that it is gone.
    pub(super) is_overlaid: bool,
    /// What a sweep has gathered may not be so any more.
    pub(super) is_disturbed: bool,
    /// So many more records are due.
    pub(super) noted: usize,
}
