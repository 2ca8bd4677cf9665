//! The steps from an older store to this one, both databases in step.

use super::StoreError;
use super::connection::Connection;
use diesel::backend::Backend;
use diesel::migration::MigrationVersion;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// Brings the tables up to date. A store that knows a step which we do not is refused: it is newer.
pub(super) fn bring_up_to_date(connection: &mut Connection) -> Result<(), StoreError> {
    match connection {
        Connection::Sqlite(connection) => run(connection.as_mut(), SQLITE),
        Connection::Postgres(connection) => run(connection.as_mut(), POSTGRES),
    }
}

/// Takes every step back; for tests.
#[cfg(test)]
pub(super) fn take_down(connection: &mut Connection) -> Result<(), StoreError> {
    match connection {
        Connection::Sqlite(connection) => connection.as_mut().revert_all_migrations(SQLITE).map(drop).map_err(refused),
        Connection::Postgres(connection) => {
            connection.as_mut().revert_all_migrations(POSTGRES).map(drop).map_err(refused)
        }
    }
}

fn run<B: Backend, C: MigrationHarness<B>>(connection: &mut C, ours: EmbeddedMigrations) -> Result<(), StoreError> {
    use diesel::migration::MigrationSource;
    let steps = MigrationSource::<B>::migrations(&ours).map_err(refused)?;
    let known: Vec<MigrationVersion<'_>> = steps.iter().map(|step| step.name().version().as_owned()).collect();
    let applied = connection.applied_migrations().map_err(refused)?;
    if applied.iter().any(|version| !known.contains(version)) {
        return Err(StoreError::TooNew);
    }
    connection.run_pending_migrations(ours).map(drop).map_err(refused)
}

fn refused(error: Box<dyn std::error::Error + Send + Sync>) -> StoreError {
    StoreError::Database(format!("a migration failed: {error}"))
}
