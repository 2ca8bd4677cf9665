//! Questions for stewards, and what they decided.

use super::process::one;
use super::{CHUNK, row_limit, word};
use crate::identity::RecordId;
use crate::metrics::Count;
use crate::store::connection::on_connection;
use crate::store::schema::{review, steward_decision};
use crate::store::{DecisionRow, ReviewRow, StoreError, Transaction};
use diesel::prelude::*;

/// The kind of a question that hides its record. A word of the store: it never changes.
const OVERLAY: &str = "overlay";

/// A question: its record, kind and state.
pub(super) type Asked = (i64, String, String);

/// Whether it is asked whether the record is suddenly another person.
pub(super) fn is_overlaid((_, kind, state): &Asked) -> bool {
    kind == OVERLAY && state == "open"
}

impl Transaction<'_> {
    /// All decisions that hold.
    pub fn decisions(&mut self) -> Result<Vec<DecisionRow>, StoreError> {
        on_connection!(self, connection => steward_decision::table
            .filter(steward_decision::withdrawn.is_null())
            .select(DecisionRow::as_select())
            .load(connection))
    }

    /// The decisions that hold about a record, on whichever side it stands.
    pub fn decisions_of(&mut self, record: RecordId) -> Result<Vec<DecisionRow>, StoreError> {
        if self.load_is_undecided(record) {
            return Ok(Vec::new());
        }
        // One statement for each side: for both in one SQLite may go through all decisions in their order.
        let mut rows: Vec<DecisionRow> = on_connection!(self, connection => steward_decision::table
            .filter(steward_decision::record_a.eq(record.0))
            .select(DecisionRow::as_select())
            .load(connection))?;
        let other: Vec<DecisionRow> = on_connection!(self, connection => steward_decision::table
            .filter(steward_decision::record_b.eq(record.0))
            .select(DecisionRow::as_select())
            .load(connection))?;
        rows.extend(other);
        rows.retain(|row| row.withdrawn.is_none());
        rows.sort_by_key(|row| row.id);
        rows.dedup_by_key(|row| row.id);
        Ok(rows)
    }

    /// Keeps a decision.
    pub fn decision_insert(&mut self, row: &DecisionRow) -> Result<(), StoreError> {
        on_connection!(self, connection =>
            diesel::insert_into(steward_decision::table).values(row).execute(connection))?;
        Ok(())
    }

    /// Takes a decision back; it stays in the history.
    pub fn decision_withdraw(&mut self, id: i64, now: i64) -> Result<(), StoreError> {
        let changed = on_connection!(self, connection => diesel::update(steward_decision::table.find(id))
            .set(steward_decision::withdrawn.eq(Some(now)))
            .execute(connection))?;
        one(changed)
    }

    /// Asks a question.
    pub fn review_insert(&mut self, row: &ReviewRow) -> Result<(), StoreError> {
        if row.kind == OVERLAY {
            self.touched_record(row.record_id);
        }
        if !self.load_review(row) {
            on_connection!(self, connection => diesel::insert_into(review::table).values(row).execute(connection))?;
        }
        let kinds = &["possible_match", "proposed_match", "contradiction", "overlay"];
        self.did(Count::ReviewOpened(word(&row.kind, kinds)));
        Ok(())
    }

    /// How many questions are open.
    pub fn reviews_open(&mut self) -> Result<i64, StoreError> {
        on_connection!(self, connection =>
            review::table.filter(review::state.eq("open")).count().get_result(connection))
    }

    /// At most `limit` questions in `state`, the oldest first.
    pub fn reviews(&mut self, state: &str, limit: usize) -> Result<Vec<ReviewRow>, StoreError> {
        on_connection!(self, connection => review::table
            .filter(review::state.eq(state))
            .order((review::opened.asc(), review::id.asc()))
            .limit(row_limit(limit))
            .select(ReviewRow::as_select())
            .load(connection))
    }

    /// One question.
    pub fn review_get(&mut self, id: i64) -> Result<Option<ReviewRow>, StoreError> {
        on_connection!(self, connection => review::table
            .find(id)
            .select(ReviewRow::as_select())
            .first(connection)
            .optional())
    }

    /// Those of `records` about which it is asked whether they are suddenly another person.
    pub fn overlays_open(&mut self, records: &[RecordId]) -> Result<Vec<RecordId>, StoreError> {
        let mut found = Vec::new();
        if let [only] = records {
            // Asked at each feed: a statement that is kept, which a list of unknown length is not.
            let asked: Vec<Asked> = on_connection!(self, connection => review::table
                .filter(review::record_id.eq(only.0))
                .select((review::record_id, review::kind, review::state))
                .load(connection))?;
            found.extend(asked.iter().any(is_overlaid).then_some(*only));
            return Ok(found);
        }
        for chunk in records.chunks(CHUNK) {
            let ids: Vec<i64> = chunk.iter().map(|record| record.0).collect();
            // By the records alone, as in `reviews_about`.
            let asked: Vec<Asked> = on_connection!(self, connection => review::table
                .filter(review::record_id.eq_any(&ids))
                .select((review::record_id, review::kind, review::state))
                .load(connection))?;
            found.extend(asked.iter().filter(|asked| is_overlaid(asked)).map(|(record, ..)| RecordId(*record)));
        }
        Ok(found)
    }

    /// Ends a question with the state, who ended it, and the verdict.
    pub fn review_close(
        &mut self,
        id: i64,
        state: &str,
        by: &str,
        verdict: Option<&str>,
        now: i64,
    ) -> Result<(), StoreError> {
        if self.notes_touched()
            && let Some(row) = self.review_get(id)?.filter(|row| row.kind == OVERLAY)
        {
            self.touched_record(row.record_id);
        }
        let changed = on_connection!(self, connection => diesel::update(review::table.find(id))
            .set((
                review::state.eq(state),
                review::decided.eq(Some(now)),
                review::decided_by.eq(Some(by)),
                review::verdict.eq(verdict),
            ))
            .execute(connection))?;
        self.did(Count::ReviewEnded(word(state, &["decided", "withdrawn"])));
        one(changed)
    }

    /// The questions in `state` about a record, on whichever side it stands.
    pub fn reviews_of_record(&mut self, record: RecordId, state: &str) -> Result<Vec<ReviewRow>, StoreError> {
        let mut found = self.reviews_about(record, state)?;
        let other: Vec<ReviewRow> = on_connection!(self, connection => review::table
            .filter(review::other_record.eq(record.0))
            .select(ReviewRow::as_select())
            .load(connection))?;
        found.extend(other.into_iter().filter(|row| row.state == state));
        found.sort_by_key(|row| (row.opened, row.id));
        found.dedup_by_key(|row| row.id);
        Ok(found)
    }

    /// The questions in `state` that are asked of a record itself. Sought by the record alone: with the state in the
    /// statement SQLite, which keeps no statistics, goes through all that are open.
    pub fn reviews_about(&mut self, record: RecordId, state: &str) -> Result<Vec<ReviewRow>, StoreError> {
        if let Some(rows) = self.load_reviews(record, state) {
            return Ok(rows);
        }
        let rows: Vec<ReviewRow> = on_connection!(self, connection => review::table
            .filter(review::record_id.eq(record.0))
            .select(ReviewRow::as_select())
            .load(connection))?;
        let mut rows: Vec<ReviewRow> = rows.into_iter().filter(|row| row.state == state).collect();
        rows.sort_by_key(|row| (row.opened, row.id));
        Ok(rows)
    }
}
