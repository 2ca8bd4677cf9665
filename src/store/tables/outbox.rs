//! Who has been told how much of the outbox, and the leases of those who tell.
//!
//! The outbox has one row for each change, whoever is told: each subscriber has a place in it. Times are the
//! store's own where it has a clock, so that processes whose clocks differ agree about a lease.

use super::row_limit;
use crate::identity::PersonId;
use crate::store::connection::{Connection, on_connection};
use crate::store::schema::{dead_letter, outbox, setting, subscriber};
use crate::store::{DeadLetterRow, OutboxRow, StoreError, SubscriberRow, Transaction};
use diesel::dsl::{max, min};
use diesel::prelude::*;
use diesel::sql_types::BigInt;

/// The setting that says since when every change has its row in the outbox.
const KEPT_SINCE: &str = "outbox_kept_since";

#[derive(QueryableByName)]
struct Now {
    #[diesel(sql_type = BigInt)]
    now: i64,
}

impl Transaction<'_> {
    /// The clock of the database server; none where this process is the database.
    pub fn database_time(&mut self) -> Result<Option<i64>, StoreError> {
        let now: Result<Now, _> = match self.connection() {
            Connection::Sqlite(_) => return Ok(None),
            Connection::Postgres(connection) => {
                diesel::sql_query("SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT) AS now")
                    .get_result(connection.as_mut())
            }
        };
        now.map(|now| Some(now.now)).map_err(|error| self.failed(error))
    }

    /// At most `limit` rows after the place `after`, in commit order; rows whose place is not assigned yet wait for it.
    pub fn outbox_after(&mut self, after: i64, limit: usize) -> Result<Vec<OutboxRow>, StoreError> {
        on_connection!(self, connection => outbox::table
            .filter(outbox::seq.gt(after))
            .order(outbox::seq.asc())
            .limit(row_limit(limit))
            .select(OutboxRow::as_select())
            .load(connection))
    }

    /// How many rows stand after the place `after`.
    pub fn outbox_count_after(&mut self, after: i64) -> Result<i64, StoreError> {
        on_connection!(self, connection =>
            outbox::table.filter(outbox::seq.gt(after)).count().get_result(connection))
    }

    /// Every subscriber that was ever configured, by name.
    pub fn subscribers(&mut self) -> Result<Vec<SubscriberRow>, StoreError> {
        on_connection!(self, connection => subscriber::table
            .order(subscriber::name.asc())
            .select(SubscriberRow::as_select())
            .load(connection))
    }

    /// One subscriber.
    pub fn subscriber(&mut self, name: &str) -> Result<Option<SubscriberRow>, StoreError> {
        on_connection!(self, connection => subscriber::table
            .find(name)
            .select(SubscriberRow::as_select())
            .first(connection)
            .optional())
    }

    /// From now on `name`, of kind `audience`, is told of `domains`: from where it was, or from here on where it is new.
    pub fn subscriber_on(&mut self, name: &str, domains: &str, audience: &str) -> Result<(), StoreError> {
        let last: Option<i64> = on_connection!(self, c => outbox::table.select(max(outbox::seq)).first(c))?;
        let row = SubscriberRow {
            name: name.to_owned(),
            domains: domains.to_owned(),
            state: "on".to_owned(),
            delivered: last.unwrap_or(0),
            attempts: 0,
            refusals: 0,
            next_try: 0,
            trouble: String::new(),
            holder: String::new(),
            held_until: 0,
            audience: Some(audience.to_owned()),
            shown: None,
            snapshot: None,
            snapshot_after: None,
        };
        on_connection!(self, connection => diesel::insert_into(subscriber::table)
            .values(&row)
            .on_conflict(subscriber::name)
            .do_update()
            .set((
                subscriber::domains.eq(domains),
                subscriber::state.eq("on"),
                subscriber::audience.eq(Some(audience)),
            ))
            .execute(connection))?;
        Ok(())
    }

    /// Notes what `name` may be shown now. Where it is to be told anew of what there is in `snapshot`, it begins with
    /// the first person.
    pub fn subscriber_shown(&mut self, name: &str, shown: &str, snapshot: Option<&str>) -> Result<(), StoreError> {
        on_connection!(self, connection => diesel::update(subscriber::table.find(name))
            .set(subscriber::shown.eq(Some(shown)))
            .execute(connection))?;
        if let Some(domains) = snapshot {
            on_connection!(self, connection => diesel::update(subscriber::table.find(name))
                .set((subscriber::snapshot.eq(Some(domains)), subscriber::snapshot_after.eq(Some(0_i64))))
                .execute(connection))?;
        }
        Ok(())
    }

    /// Notes that `name` was told anew of all persons up to `person`, or of all where there is none; false where
    /// `holder` has lost its lease to another.
    pub fn subscriber_told_anew(
        &mut self,
        name: &str,
        holder: &str,
        person: Option<PersonId>,
    ) -> Result<bool, StoreError> {
        let of_holder = subscriber::table.find(name).filter(subscriber::holder.eq(holder));
        let changed = match person {
            Some(person) => on_connection!(self, connection => diesel::update(of_holder)
                .set(subscriber::snapshot_after.eq(Some(person.0)))
                .execute(connection))?,
            None => on_connection!(self, connection => diesel::update(of_holder)
                .set((subscriber::snapshot.eq(None::<&str>), subscriber::snapshot_after.eq(None::<i64>)))
                .execute(connection))?,
        };
        Ok(changed == 1)
    }

    /// `name` is configured no more; its place is kept.
    pub fn subscriber_off(&mut self, name: &str) -> Result<(), StoreError> {
        on_connection!(self, connection => diesel::update(subscriber::table.find(name))
            .set(subscriber::state.eq("off"))
            .execute(connection))?;
        Ok(())
    }

    /// Takes or renews the lease on `name` where nobody else holds it; whether it is held now.
    pub fn subscriber_lease(&mut self, name: &str, holder: &str, now: i64, until: i64) -> Result<bool, StoreError> {
        let free = subscriber::holder.eq(holder).or(subscriber::held_until.le(now));
        let taken = on_connection!(self, connection => diesel::update(subscriber::table.find(name))
            .filter(free)
            .set((subscriber::holder.eq(holder), subscriber::held_until.eq(until)))
            .execute(connection))?;
        Ok(taken == 1)
    }

    /// Ends the lease on `name`, whoever holds it.
    pub fn subscriber_free(&mut self, name: &str) -> Result<(), StoreError> {
        on_connection!(self, connection => diesel::update(subscriber::table.find(name))
            .set((subscriber::holder.eq(""), subscriber::held_until.eq(0_i64)))
            .execute(connection))?;
        Ok(())
    }

    /// Notes that all up to the place `delivered` is done with; false where `holder` has lost its lease to another.
    pub fn subscriber_delivered(&mut self, name: &str, holder: &str, delivered: i64) -> Result<bool, StoreError> {
        let changed = on_connection!(self, connection => diesel::update(subscriber::table.find(name))
            .filter(subscriber::holder.eq(holder))
            .filter(subscriber::delivered.le(delivered))
            .set((
                subscriber::delivered.eq(delivered),
                subscriber::attempts.eq(0),
                subscriber::refusals.eq(0),
                subscriber::next_try.eq(0),
                subscriber::trouble.eq(""),
            ))
            .execute(connection))?;
        Ok(changed == 1)
    }

    /// Notes that a delivery failed; false where `holder` has lost its lease to another.
    pub fn subscriber_troubled(
        &mut self,
        name: &str,
        holder: &str,
        (attempts, refusals): (i32, i32),
        next_try: i64,
        trouble: &str,
    ) -> Result<bool, StoreError> {
        let changed = on_connection!(self, connection => diesel::update(subscriber::table.find(name))
            .filter(subscriber::holder.eq(holder))
            .set((
                subscriber::attempts.eq(attempts),
                subscriber::refusals.eq(refusals),
                subscriber::next_try.eq(next_try),
                subscriber::trouble.eq(trouble),
            ))
            .execute(connection))?;
        Ok(changed == 1)
    }

    /// Keeps what a subscriber would not take, or would not take again.
    pub fn dead_letter_put(&mut self, row: &DeadLetterRow) -> Result<(), StoreError> {
        let again = (
            dead_letter::attempts.eq(row.attempts),
            dead_letter::trouble.eq(row.trouble.clone()),
            dead_letter::parked.eq(row.parked),
            dead_letter::state.eq(row.state.clone()),
        );
        on_connection!(self, connection => diesel::insert_into(dead_letter::table)
            .values(row)
            .on_conflict((dead_letter::subscriber, dead_letter::outbox_id))
            .do_update()
            .set(again.clone())
            .execute(connection))?;
        Ok(())
    }

    /// Dead letters in commit order.
    pub fn dead_letters(&mut self, limit: usize) -> Result<Vec<DeadLetterRow>, StoreError> {
        on_connection!(self, connection => dead_letter::table
            .order((dead_letter::subscriber.asc(), dead_letter::seq.asc()))
            .limit(row_limit(limit))
            .select(DeadLetterRow::as_select())
            .load(connection))
    }

    /// How many dead letters there are.
    pub fn dead_letters_count(&mut self) -> Result<i64, StoreError> {
        on_connection!(self, connection => dead_letter::table.count().get_result(connection))
    }

    /// The first dead letter of `name` that is to be tried again.
    pub fn dead_letter_again(&mut self, name: &str) -> Result<Option<DeadLetterRow>, StoreError> {
        on_connection!(self, connection => dead_letter::table
            .filter(dead_letter::subscriber.eq(name))
            .filter(dead_letter::state.eq("again"))
            .order(dead_letter::seq.asc())
            .select(DeadLetterRow::as_select())
            .first(connection)
            .optional())
    }

    /// Takes a dead letter away: it was delivered.
    pub fn dead_letter_remove(&mut self, name: &str, outbox_id: i64) -> Result<(), StoreError> {
        on_connection!(self, connection =>
            diesel::delete(dead_letter::table.find((name, outbox_id))).execute(connection))?;
        Ok(())
    }

    /// Drops what happened before `before` and every configured subscriber is done with; how many rows. The last
    /// row stays: it says how far the sequence is.
    pub fn outbox_prune(&mut self, before: i64, limit: usize) -> Result<usize, StoreError> {
        let slowest: Option<i64> = on_connection!(self, connection => subscriber::table
            .filter(subscriber::state.eq("on"))
            .select(min(subscriber::delivered))
            .first(connection))?;
        let last: Option<i64> = on_connection!(self, c => outbox::table.select(max(outbox::seq)).first(c))?;
        let Some(last) = last else { return Ok(0) };
        let old: Vec<i64> = on_connection!(self, connection => outbox::table
            .filter(outbox::seq.le(slowest.unwrap_or(last)))
            .filter(outbox::seq.lt(last))
            .filter(outbox::time.lt(before))
            .order(outbox::seq.asc())
            .limit(row_limit(limit))
            .select(outbox::id)
            .load(connection))?;
        if old.is_empty() {
            return Ok(0);
        }
        on_connection!(self, connection => diesel::insert_into(setting::table)
            .values((setting::name.eq(KEPT_SINCE), setting::value.eq(before.to_string())))
            .on_conflict(setting::name)
            .do_update()
            .set(setting::value.eq(before.to_string()))
            .execute(connection))?;
        on_connection!(self, connection =>
            diesel::delete(outbox::table.filter(outbox::id.eq_any(&old))).execute(connection))
    }
}
