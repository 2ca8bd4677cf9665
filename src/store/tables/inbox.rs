//! The journal of messages.

use crate::planted::{self, Bug};
use crate::store::connection::{Connection, on_connection};
use crate::store::schema::inbox;
use crate::store::{InboxRow, JournalPlace, SenderRow, StoreError, Transaction};
use diesel::prelude::*;

/// Under this name stands when the newest message came in that was dropped, and a little. A word of the store.
const DROPPED_BEFORE: &str = "journal_dropped_before";

impl Transaction<'_> {
    /// Messages of this key, sender and id, the earliest first.
    pub fn inbox_find(
        &mut self,
        message_key: i64,
        principal: &str,
        message_id: &str,
    ) -> Result<Vec<InboxRow>, StoreError> {
        on_connection!(self, connection => inbox::table
            .filter(inbox::message_key.eq(message_key))
            .filter(inbox::principal.eq(principal))
            .filter(inbox::message_id.eq(message_id))
            .order(inbox::id.asc())
            .select(InboxRow::as_select())
            .load(connection))
    }

    /// How far each sender's messages are, in order of sender.
    pub fn senders(&mut self) -> Result<Vec<SenderRow>, StoreError> {
        use diesel::dsl::{count_star, max};
        // What has no reply is an act of our own.
        let groups: Vec<(String, i64, Option<i64>)> = on_connection!(self, connection => inbox::table
            .filter(inbox::reply_id.ne(""))
            .group_by(inbox::principal)
            .select((inbox::principal, count_star(), max(inbox::received)))
            .load(connection))?;
        let mut found = Vec::with_capacity(groups.len());
        for (principal, messages, last) in groups {
            let last_received = last.unwrap_or_default();
            let last_message: String = on_connection!(self, connection => inbox::table
                .filter(inbox::principal.eq(&principal))
                .filter(inbox::reply_id.ne(""))
                .filter(inbox::received.eq(last_received))
                .order(inbox::id.desc())
                .select(inbox::message_id)
                .first(connection))?;
            found.push(SenderRow { principal, messages, last_message, last_received });
        }
        found.sort_by(|left, right| left.principal.cmp(&right.principal));
        Ok(found)
    }

    /// Journals a message. On SQLite it is written when it is [settled](Self::inbox_settle), at once with how it ended: to
    /// change so large a row costs as much as to write it.
    pub fn inbox_insert(&mut self, row: &InboxRow) -> Result<(), StoreError> {
        if planted::has(Bug::JournalMissing) {
            return Ok(());
        }
        if self.load_inbox(row) {
            return Ok(());
        }
        if self.is_sqlite() {
            // Nothing was settled of one that came before.
            return self.unsettled.replace(row.clone()).map_or(Ok(()), |before| self.inbox_write(&before));
        }
        self.inbox_write(row)
    }

    /// Writes what was journalled and not settled: to be called where a work ends well.
    pub(in crate::store) fn inbox_rest(&mut self) -> Result<(), StoreError> {
        self.unsettled.take().map_or(Ok(()), |row| self.inbox_write(&row))
    }

    fn inbox_write(&mut self, row: &InboxRow) -> Result<(), StoreError> {
        on_connection!(self, connection => diesel::insert_into(inbox::table).values(row).execute(connection))?;
        Ok(())
    }

    /// Keeps how the message ended, and what this transaction drew, and gives the message its place. It must be the
    /// last statement that waits for anybody: whoever waits for this transaction then gets a later place.
    pub fn inbox_settle(&mut self, message_key: i64, id: i64, outcome: &str) -> Result<(), StoreError> {
        let unsettled = self.unsettled.take_if(|row| row.id == id);
        if planted::has(Bug::OutcomeNotStored) || planted::has(Bug::JournalMissing) {
            return unsettled.map_or(Ok(()), |row| self.inbox_write(&row));
        }
        let drawn = self.drawn().to_text()?;
        let place = self.journal_place()?;
        if self.load_settled(id, outcome, place, &drawn) {
            return Ok(());
        }
        if let Some(row) = unsettled {
            let outcome = outcome.to_owned();
            return self.inbox_write(&InboxRow { outcome, seq: Some(place), drawn: Some(drawn), ..row });
        }
        let changed = on_connection!(self, connection => diesel::update(inbox::table.find((message_key, id)))
            .set((inbox::outcome.eq(outcome), inbox::seq.eq(place), inbox::drawn.eq(drawn.as_str())))
            .execute(connection))?;
        super::process::one(changed)
    }

    /// Keeps a message or act of another journal as it is, at the next place of this one.
    pub fn inbox_keep(&mut self, row: &InboxRow) -> Result<(), StoreError> {
        let row = InboxRow { seq: Some(self.journal_place()?), ..row.clone() };
        on_connection!(self, connection => diesel::insert_into(inbox::table).values(&row).execute(connection))?;
        Ok(())
    }

    fn journal_place(&mut self) -> Result<i64, StoreError> {
        #[derive(QueryableByName)]
        struct Place {
            #[diesel(sql_type = diesel::sql_types::BigInt)]
            place: i64,
        }
        if let Some(place) = self.place(|sequences| &sequences.inbox) {
            return Ok(place);
        }
        self.lock_places(false)?;
        let drawn: Place = on_connection!(self, connection =>
            diesel::sql_query("SELECT nextval('journal_seq') AS place").get_result(connection))?;
        Ok(drawn.place)
    }

    /// The last place that was taken, when all earlier ones are committed or given up; none where none was.
    pub(in crate::store) fn journal_reached(&mut self) -> Result<Option<JournalPlace>, StoreError> {
        if matches!(self.connection(), Connection::Postgres(_)) {
            self.lock_places(true)?;
        }
        let last: Option<(Option<i64>, i64)> = on_connection!(self, connection => inbox::table
            .filter(inbox::seq.is_not_null())
            .order(inbox::seq.desc())
            .select((inbox::seq, inbox::id))
            .first(connection)
            .optional())?;
        Ok(last.and_then(|(seq, id)| Some(JournalPlace { seq: seq?, id })))
    }

    /// Whether that message or act stands at that place.
    pub(in crate::store) fn journal_has(&mut self, place: JournalPlace) -> Result<bool, StoreError> {
        let found: Option<i64> = on_connection!(self, connection => inbox::table
            .filter(inbox::seq.eq(place.seq))
            .filter(inbox::id.eq(place.id))
            .select(inbox::id)
            .first(connection)
            .optional())?;
        Ok(found.is_some())
    }

    /// Whether nothing was dropped from the journal.
    pub(in crate::store) fn journal_is_whole(&mut self) -> Result<bool, StoreError> {
        Ok(self.setting(DROPPED_BEFORE)?.is_none())
    }

    /// Drops the first messages and acts as long as they came in before `before` and stand before `kept`, at most
    /// `limit`; how many. What stands at `kept` stays: by it the place is known to be of this store.
    pub fn journal_prune(&mut self, kept: JournalPlace, before: i64, limit: usize) -> Result<usize, StoreError> {
        if !self.journal_has(kept)? {
            return Ok(0);
        }
        let first: Vec<(Option<i64>, i64)> = on_connection!(self, connection => inbox::table
            .filter(inbox::seq.lt(kept.seq))
            .order(inbox::seq.asc())
            .limit(super::row_limit(limit))
            .select((inbox::seq, inbox::received))
            .load(connection))?;
        let old = first.into_iter().take_while(|(_, received)| *received < before);
        let (mut last, mut newest) = (None, i64::MIN);
        for (seq, received) in old {
            (last, newest) = (seq, newest.max(received));
        }
        let Some(last) = last else { return Ok(0) };
        let known = self.setting(DROPPED_BEFORE)?.and_then(|text| text.parse().ok()).unwrap_or(i64::MIN);
        self.setting_put(DROPPED_BEFORE, &known.max(newest.saturating_add(1)).to_string())?;
        on_connection!(self, connection => diesel::delete(inbox::table.filter(inbox::seq.le(last))).execute(connection))
    }

    /// At most `limit` messages and acts that have a place after `after`, in order of it.
    pub fn journal_after(&mut self, after: i64, limit: usize) -> Result<Vec<InboxRow>, StoreError> {
        on_connection!(self, connection => inbox::table
            .filter(inbox::seq.gt(after))
            .order(inbox::seq.asc())
            .limit(super::row_limit(limit))
            .select(InboxRow::as_select())
            .load(connection))
    }
}
