//! Which process holds which lane of keys, the locks of PostgreSQL, and places in commit order.

use crate::store::connection::{Connection, on_connection};
use crate::store::schema::{audit, event, inbox, outbox, process};
use crate::store::transaction::Sequences;
use crate::store::{Counts, StoreError, Transaction};
use diesel::dsl::max;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Integer};
use std::sync::atomic::AtomicI64;

/// First half of the advisory locks that are this program's own; the other half says which.
const OWN_LOCKS: i32 = 0x6e61;
const LOCK_MIGRATIONS: i32 = -1;
const LOCK_SEAL: i32 = -2;
const LOCK_PLACES: i32 = -3;

/// Gives a place in commit order to every row of a table that has none.
macro_rules! seal_table {
    ($table:literal) => {
        concat!(
            "UPDATE ",
            $table,
            " SET seq = placed.place FROM (SELECT id, (SELECT coalesce(max(seq), 0) FROM ",
            $table,
            ") + row_number() OVER (ORDER BY id) AS place FROM ",
            $table,
            " WHERE seq IS NULL) AS placed WHERE ",
            $table,
            ".id = placed.id"
        )
    };
}

#[derive(QueryableByName)]
struct Taken {
    #[diesel(sql_type = Bool)]
    taken: bool,
}

/// An error where an update that must meet one row met none.
pub(super) fn one(changed: usize) -> Result<(), StoreError> {
    if changed == 1 { Ok(()) } else { Err(StoreError::Corrupt("a row that must be there is missing")) }
}

impl Transaction<'_> {
    /// The lane after the one that was leased last.
    pub(in crate::store) fn lane_after_last(&mut self) -> Result<i32, StoreError> {
        let last: Option<i32> = on_connection!(self, connection => process::table
            .order((process::started.desc(), process::lane.desc()))
            .select(process::lane)
            .first(connection)
            .optional())?;
        Ok(last.map_or(0, |lane| (lane + 1) % crate::store::ids::LANES))
    }

    /// Notes that this process holds `lane`.
    pub(in crate::store) fn lane_take(&mut self, lane: i32, host: &str, now: i64) -> Result<(), StoreError> {
        let values = (process::host.eq(host), process::pid.eq(i64::from(std::process::id())), process::started.eq(now));
        on_connection!(self, connection => diesel::insert_into(process::table)
            .values((process::lane.eq(lane), values))
            .on_conflict(process::lane)
            .do_update()
            .set(values)
            .execute(connection))?;
        Ok(())
    }

    /// Takes the lock of `lane` as long as this connection lives; whether it was free. PostgreSQL only.
    pub(in crate::store) fn lane_lock(&mut self, lane: i32) -> Result<bool, StoreError> {
        let taken: Taken = on_connection!(self, connection =>
            diesel::sql_query("SELECT pg_try_advisory_lock($1, $2) AS taken")
                .bind::<Integer, _>(OWN_LOCKS)
                .bind::<Integer, _>(lane)
                .get_result(connection))?;
        Ok(taken.taken)
    }

    /// Whether no process that lives holds `lane`. Where this process is the database nobody else ever does.
    pub fn lane_is_free(&mut self, lane: i32) -> Result<bool, StoreError> {
        if matches!(self.connection(), Connection::Sqlite(_)) {
            return Ok(false);
        }
        let taken: Taken = on_connection!(self, connection =>
            diesel::sql_query("SELECT pg_try_advisory_xact_lock($1, $2) AS taken")
                .bind::<Integer, _>(OWN_LOCKS)
                .bind::<Integer, _>(lane)
                .get_result(connection))?;
        Ok(taken.taken)
    }

    /// Waits until no other process migrates. PostgreSQL only.
    pub(in crate::store) fn lock_migrations(&mut self) -> Result<(), StoreError> {
        self.own_lock("SELECT pg_advisory_lock($1, $2)", LOCK_MIGRATIONS)
    }

    /// Lets other processes migrate.
    pub(in crate::store) fn unlock_migrations(&mut self) -> Result<(), StoreError> {
        self.own_lock("SELECT pg_advisory_unlock($1, $2)", LOCK_MIGRATIONS)
    }

    /// Until the end of the transaction: waits until nobody has taken a place that is not committed, and lets nobody
    /// take one (`all`), or takes one. PostgreSQL only.
    pub(super) fn lock_places(&mut self, all: bool) -> Result<(), StoreError> {
        let sql =
            if all { "SELECT pg_advisory_xact_lock($1, $2)" } else { "SELECT pg_advisory_xact_lock_shared($1, $2)" };
        self.own_lock(sql, LOCK_PLACES)
    }

    fn own_lock(&mut self, sql: &str, which: i32) -> Result<(), StoreError> {
        on_connection!(self, connection => diesel::sql_query(sql)
            .bind::<Integer, _>(OWN_LOCKS)
            .bind::<Integer, _>(which)
            .execute(connection))?;
        Ok(())
    }

    /// Gives each event, outbox row and audit row that is committed its place in commit order; where one
    /// connection writes they have it already.
    pub fn seal(&mut self) -> Result<(), StoreError> {
        if matches!(self.connection(), Connection::Sqlite(_)) {
            return Ok(());
        }
        self.own_lock("SELECT pg_advisory_xact_lock($1, $2)", LOCK_SEAL)?;
        self.give_places()
    }

    fn give_places(&mut self) -> Result<(), StoreError> {
        for sql in [seal_table!("event"), seal_table!("outbox"), seal_table!("audit")] {
            on_connection!(self, connection => diesel::sql_query(sql).execute(connection))?;
        }
        Ok(())
    }

    /// Whether nobody has sent or asked this store anything yet.
    pub fn is_without_content(&mut self) -> Result<bool, StoreError> {
        use crate::store::schema::{person, regional_id, source_record};
        let mut rows: i64 = on_connection!(self, c => inbox::table.count().get_result(c))?;
        rows += on_connection!(self, c => source_record::table.count().get_result::<i64>(c))?;
        rows += on_connection!(self, c => person::table.count().get_result::<i64>(c))?;
        rows += on_connection!(self, c => regional_id::table.count().get_result::<i64>(c))?;
        rows += on_connection!(self, c => audit::table.count().get_result::<i64>(c))?;
        Ok(rows == 0)
    }

    /// After rows came from another store: those without a place get one, and what is written next comes after them.
    pub(in crate::store) fn settle_places(&mut self) -> Result<(), StoreError> {
        self.give_places()?;
        let reached = self.sequences()?;
        if matches!(self.connection(), Connection::Postgres(_)) {
            let last = reached.inbox.load(std::sync::atomic::Ordering::Relaxed);
            on_connection!(self, connection => diesel::sql_query("SELECT setval('journal_seq', $1)")
                .bind::<BigInt, _>(last.max(1))
                .execute(connection))?;
        }
        self.continue_after(&reached);
        Ok(())
    }

    /// How far each sequence is.
    pub(in crate::store) fn sequences(&mut self) -> Result<Sequences, StoreError> {
        let events: Option<i64> = on_connection!(self, c => event::table.select(max(event::seq)).first(c))?;
        let outbox: Option<i64> = on_connection!(self, c => outbox::table.select(max(outbox::seq)).first(c))?;
        let audits: Option<i64> = on_connection!(self, c => audit::table.select(max(audit::seq)).first(c))?;
        let from = |last: Option<i64>| AtomicI64::new(last.unwrap_or(0));
        let journal: Option<i64> = on_connection!(self, c => inbox::table.select(max(inbox::seq)).first(c))?;
        Ok(Sequences { event: from(events), outbox: from(outbox), audit: from(audits), inbox: from(journal) })
    }

    /// How many source records there are.
    pub fn records_count(&mut self) -> Result<i64, StoreError> {
        use crate::store::schema::source_record;
        if let Some(count) = self.load_count() {
            return Ok(count);
        }
        on_connection!(self, connection => source_record::table.count().get_result(connection))
    }

    /// How much the store holds.
    pub fn counts(&mut self) -> Result<Counts, StoreError> {
        use crate::store::schema::{demographic_version, link, person, review, source_record};
        Ok(Counts {
            records: on_connection!(self, c => source_record::table.count().get_result(c))?,
            persons: on_connection!(self, c => person::table.filter(person::state.eq("active")).count().get_result(c))?,
            links: on_connection!(self, c => link::table.filter(link::valid_to.is_null()).count().get_result(c))?,
            reviews_open: on_connection!(self, c => review::table.filter(review::state.eq("open")).count().get_result(c))?,
            events: on_connection!(self, c => event::table.count().get_result(c))?,
            versions: on_connection!(self, c => demographic_version::table.count().get_result(c))?,
        })
    }
}
