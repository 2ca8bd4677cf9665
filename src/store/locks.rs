//! What a transaction of PostgreSQL has locked besides rows: identifiers, blocking keys, persons, each by a number. With
//! these, what took effect one after the other by its place in the journal did so by what it read, too (decision 6).
//!
//! Whatever a transaction reads or changes of a person it holds by then until it ends, shared by those that only read.
//! What is known before it begins is waited for in ascending order. What comes up on the way is only tried: where
//! another transaction has it, all that was wanted is waited for in that order from the beginning. So nobody ever waits
//! for somebody who waits for him.

use super::connection::Connection;
use super::{StoreError, Transaction};
use crate::identity::PersonId;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool};
use std::collections::BTreeMap;

/// Whether others may hold it as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hold {
    /// Others may read it, too.
    Shared,
    /// Nobody else may.
    Alone,
}

/// What is held, or wanted, in ascending order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Locks(BTreeMap<i64, Hold>);

impl Locks {
    /// `keys`, each held alone.
    pub(super) fn alone(keys: Vec<i64>) -> Self {
        Self(keys.into_iter().map(|key| (key, Hold::Alone)).collect())
    }

    /// Adds these; those of them that were not held so.
    fn add(&mut self, keys: impl IntoIterator<Item = i64>, hold: Hold) -> Self {
        let mut added = Self::default();
        for key in keys {
            if self.0.get(&key).is_none_or(|held| *held < hold) {
                self.0.insert(key, hold);
                added.0.insert(key, hold);
            }
        }
        added
    }

    fn columns(&self) -> (Vec<i64>, Vec<bool>) {
        self.0.iter().map(|(key, hold)| (*key, *hold == Hold::Alone)).unzip()
    }
}

#[derive(QueryableByName)]
struct Taken {
    #[diesel(sql_type = Bool)]
    taken: bool,
}

impl Transaction<'_> {
    /// Waits for `locks`, in ascending order, and holds them until the end of the transaction. One connection writes
    /// SQLite: no lock is needed there.
    pub(super) fn lock(&mut self, locks: Locks) -> Result<(), StoreError> {
        let (keys, alone) = locks.columns();
        self.locks = Some(locks);
        if keys.is_empty() {
            return Ok(());
        }
        let result = match self.connection() {
            Connection::Sqlite(_) => return Ok(()),
            Connection::Postgres(connection) => diesel::sql_query(
                "SELECT CASE WHEN a THEN pg_advisory_xact_lock(k)::text ELSE pg_advisory_xact_lock_shared(k)::text END \
                 FROM unnest($1, $2) AS wanted (k, a)",
            )
            .bind::<Array<BigInt>, _>(keys)
            .bind::<Array<Bool>, _>(alone)
            .execute(connection.as_mut()),
        };
        result.map(drop).map_err(|error| self.failed(error))
    }

    /// What this transaction held or wanted.
    pub(super) fn take_locks(&mut self) -> Locks {
        self.locks.take().unwrap_or_default()
    }

    /// Holds `keys` until the end of the transaction, too; whether any was not held before. Where another transaction
    /// has one of them, the race is lost, and the work runs again with all of them from the beginning.
    pub fn hold(&mut self, keys: impl IntoIterator<Item = i64>, hold: Hold) -> Result<bool, StoreError> {
        let added = match &mut self.locks {
            Some(locks) => locks.add(keys, hold),
            None => return Ok(false),
        };
        let (keys, alone) = added.columns();
        if keys.is_empty() {
            return Ok(false);
        }
        let result: QueryResult<Taken> = match self.connection() {
            Connection::Sqlite(_) => return Ok(false),
            Connection::Postgres(connection) => diesel::sql_query(
                "SELECT bool_and(CASE WHEN a THEN pg_try_advisory_xact_lock(k) \
                 ELSE pg_try_advisory_xact_lock_shared(k) END) AS taken FROM unnest($1, $2) AS wanted (k, a)",
            )
            .bind::<Array<BigInt>, _>(keys)
            .bind::<Array<Bool>, _>(alone)
            .get_result(connection.as_mut()),
        };
        match result {
            Ok(Taken { taken: true }) => Ok(true),
            Ok(_) => Err(self.must_wait()),
            Err(error) => Err(self.failed(error)),
        }
    }

    /// Holds `persons` until the end of the transaction; whether any was not held before.
    pub fn hold_persons(&mut self, persons: &[PersonId], hold: Hold) -> Result<bool, StoreError> {
        self.hold(persons.iter().map(|person| person.0), hold)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_not_held_is_sought() {
        use Hold::{Alone, Shared};
        let check = |held: &[(i64, Hold)], asked: (&[i64], Hold), sought: &[i64], after: &[(i64, Hold)]| {
            let mut locks = Locks(held.iter().copied().collect());
            let added = locks.add(asked.0.iter().copied(), asked.1);
            assert_eq!(added.columns().0, sought, "{asked:?} beside {held:?}");
            assert_eq!(locks, Locks(after.iter().copied().collect()), "{asked:?} beside {held:?}");
        };
        check(&[], (&[3, 1, 3], Shared), &[1, 3], &[(1, Shared), (3, Shared)]);
        check(&[(1, Shared)], (&[1, 2], Shared), &[2], &[(1, Shared), (2, Shared)]);
        check(&[(1, Alone)], (&[1], Shared), &[], &[(1, Alone)]);
        check(&[(1, Shared)], (&[1], Alone), &[1], &[(1, Alone)]);
        check(&[(1, Alone)], (&[1], Alone), &[], &[(1, Alone)]);
    }
}
