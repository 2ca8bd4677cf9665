//! All that questions look up of records and of persons, as it is kept in memory.

use super::review::{Asked, is_overlaid};
use super::row_limit;
use crate::identity::{Demographics, PersonId, RecordId};
use crate::matching::SearchToken;
use crate::store::connection::on_connection;
use crate::store::demographics_twin::from_text;
use crate::store::directory::{KeptPerson, KeptRecord, KeptRegional, Known};
use crate::store::schema::{demographic_version, link, person, regional_id, review, source_record};
use crate::store::{PersonRow, SourceRecordRow, StoreError, Transaction};
use diesel::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A regional ID: whose it is, itself, its state, and when it was issued.
type Regional = (i64, String, String, i64);

impl Transaction<'_> {
    /// At most `limit` records after `after` up to `last`, in ascending order.
    pub(in crate::store) fn records_kept(
        &mut self,
        after: i64,
        last: i64,
        limit: usize,
    ) -> Result<Vec<KeptRecord>, StoreError> {
        let rows: Vec<SourceRecordRow> = on_connection!(self, connection => source_record::table
            .filter(source_record::id.gt(after))
            .filter(source_record::id.le(last))
            .order(source_record::id.asc())
            .limit(row_limit(limit))
            .select(SourceRecordRow::as_select())
            .load(connection))?;
        let Some(last) = rows.last().map(|row| row.id) else { return Ok(Vec::new()) };
        let contents: Vec<(i64, String)> = on_connection!(self, connection => demographic_version::table
            .inner_join(source_record::table.on(source_record::id
                .eq(demographic_version::record_id)
                .and(source_record::version.eq(demographic_version::version))))
            .filter(source_record::id.gt(after))
            .filter(source_record::id.le(last))
            .select((demographic_version::record_id, demographic_version::content))
            .load(connection))?;
        let mut said: BTreeMap<i64, Arc<Demographics>> = BTreeMap::new();
        for (record, content) in contents {
            // What was read piece by piece has room to grow: its copy has none.
            said.insert(record, Arc::new(from_text(&content)?.clone()));
        }
        let mut tokens: BTreeMap<i64, Vec<SearchToken>> = self.tokens_between(after, last)?.into_iter().collect();
        let links: Vec<(i64, i64)> = on_connection!(self, connection => link::table
            .filter(link::record_id.gt(after))
            .filter(link::record_id.le(last))
            .filter(link::valid_to.is_null())
            .select((link::record_id, link::person_id))
            .load(connection))?;
        let links: BTreeMap<i64, i64> = links.into_iter().collect();
        // By the records alone: with the state in the statement SQLite goes through all questions that are open.
        let asked: Vec<Asked> = on_connection!(self, connection => review::table
            .filter(review::record_id.gt(after))
            .filter(review::record_id.le(last))
            .select((review::record_id, review::kind, review::state))
            .load(connection))?;
        let overlaid: BTreeSet<i64> = asked.iter().filter(|asked| is_overlaid(asked)).map(|asked| asked.0).collect();
        let kept = |row: SourceRecordRow| KeptRecord {
            person: links.get(&row.id).map(|person| PersonId(*person)),
            said: said.remove(&row.id),
            tokens: tokens.remove(&row.id).unwrap_or_default(),
            overlaid: overlaid.contains(&row.id),
            row,
        };
        Ok(rows.into_iter().map(kept).collect())
    }

    /// One record, of which this is `known`.
    pub(in crate::store) fn record_kept(
        &mut self,
        record: i64,
        known: Known,
    ) -> Result<Option<KeptRecord>, StoreError> {
        let (Some((version, said)), Some(tokens)) = (known.said, known.tokens) else {
            return Ok(self.records_kept(record - 1, record, 1)?.pop());
        };
        let id = RecordId(record);
        let Some(row) = self.record_get(id)? else { return Ok(None) };
        if row.version != version {
            return Ok(self.records_kept(record - 1, record, 1)?.pop());
        }
        let (person, overlaid) = (self.person_of(id)?, !self.overlays_open(&[id])?.is_empty());
        Ok(Some(KeptRecord { row, person, said: Some(said), tokens, overlaid }))
    }

    /// At most `limit` persons after `after` up to `last`, in ascending order.
    pub(in crate::store) fn persons_kept(
        &mut self,
        after: i64,
        last: i64,
        limit: usize,
    ) -> Result<Vec<KeptPerson>, StoreError> {
        let rows: Vec<PersonRow> = on_connection!(self, connection => person::table
            .filter(person::id.gt(after))
            .filter(person::id.le(last))
            .order(person::id.asc())
            .limit(row_limit(limit))
            .select(PersonRow::as_select())
            .load(connection))?;
        let Some(last) = rows.last().map(|row| row.id) else { return Ok(Vec::new()) };
        let given: Vec<Regional> = on_connection!(self, connection => regional_id::table
            .filter(regional_id::person_id.gt(after))
            .filter(regional_id::person_id.le(last))
            .select((regional_id::person_id, regional_id::value, regional_id::state, regional_id::issued))
            .load(connection))?;
        let mut regionals: BTreeMap<i64, Vec<KeptRegional>> = BTreeMap::new();
        for (person, value, state, issued) in given {
            regionals.entry(person).or_default().push(KeptRegional { value, state, issued });
        }
        let kept = |row: PersonRow| KeptPerson { regionals: regionals.remove(&row.id).unwrap_or_default(), row };
        Ok(rows.into_iter().map(kept).collect())
    }
}
