//! A look at a store that somebody else may have open: nothing is locked and nothing is written there.

use super::connection::Connection;
use super::export::look;
use super::{StoreError, Transaction, migrations};

/// A connection that only looks.
pub struct View(Connection);

impl View {
    /// Looks at the store at `url`, which must be there and have the tables that this program knows.
    pub fn of(url: &str) -> Result<Self, StoreError> {
        let mut connection = look(url)?;
        migrations::version(&mut connection)?;
        Ok(Self(connection))
    }

    /// Runs `work` on what is committed at one moment.
    pub fn read<T, E: From<StoreError>>(
        &mut self,
        work: impl FnOnce(&mut Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let begin = match self.0 {
            Connection::Sqlite(_) => "BEGIN",
            Connection::Postgres(_) => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        };
        self.0.batch(begin).map_err(StoreError::from)?;
        let result = work(&mut Transaction::new(&mut self.0, None));
        // Nothing was written: how that ends says nothing.
        let _ = self.0.batch("ROLLBACK");
        result
    }
}
