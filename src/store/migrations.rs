//! The steps from an older store to this one, both databases in step.

use super::StoreError;
use super::connection::Connection;
use super::error::is_damage;
use diesel::backend::Backend;
use diesel::migration::{MigrationSource, MigrationVersion};
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

/// The newest step of a store, which must be the newest that we know; nothing is changed.
pub(super) fn version(connection: &mut Connection) -> Result<String, StoreError> {
    use diesel::RunQueryDsl as _;
    #[derive(diesel::QueryableByName)]
    struct Step {
        #[diesel(sql_type = diesel::sql_types::Text)]
        version: String,
    }
    let sql = "SELECT version FROM __diesel_schema_migrations ORDER BY version";
    let applied: Result<Vec<Step>, diesel::result::Error> = match connection {
        Connection::Sqlite(connection) => diesel::sql_query(sql).load(connection.as_mut()),
        Connection::Postgres(connection) => diesel::sql_query(sql).load(connection.as_mut()),
    };
    let applied = applied.map_err(|error| match StoreError::from(error) {
        StoreError::Damaged => StoreError::Damaged,
        _ => StoreError::Unavailable("it is no store of nayose".to_owned()),
    })?;
    let newest = applied.into_iter().map(|step| step.version).next_back().unwrap_or_default();
    match newest.as_str().cmp(newest_known()?.as_str()) {
        std::cmp::Ordering::Greater => Err(StoreError::TooNew),
        std::cmp::Ordering::Equal => Ok(newest),
        std::cmp::Ordering::Less => Err(StoreError::Unavailable(
            "it was written by an older version; start this one on it once, or use that one".to_owned(),
        )),
    }
}

/// The newest step that we know: of both databases, since they have the same.
fn newest_known() -> Result<String, StoreError> {
    let steps = MigrationSource::<diesel::sqlite::Sqlite>::migrations(&SQLITE).map_err(refused)?;
    Ok(steps.iter().map(|step| step.name().version().to_string()).max().unwrap_or_default())
}

/// How many steps the tables are behind; looks only. A store that knows a step which we do not is refused.
pub(super) fn missing(connection: &mut Connection) -> Result<usize, StoreError> {
    use diesel::RunQueryDsl as _;
    const APPLIED: &str = "SELECT version FROM __diesel_schema_migrations";
    let (applied, known) = match connection {
        Connection::Sqlite(connection) => {
            (diesel::sql_query(APPLIED).load::<Applied>(connection.as_mut()), known::<diesel::sqlite::Sqlite>(&SQLITE)?)
        }
        Connection::Postgres(connection) => {
            (diesel::sql_query(APPLIED).load::<Applied>(connection.as_mut()), known::<diesel::pg::Pg>(&POSTGRES)?)
        }
    };
    // Where there is no such table no step was ever taken.
    let applied = match applied.map_err(StoreError::from) {
        Err(StoreError::Database(_)) => Vec::new(),
        other => other?,
    };
    let applied: Vec<MigrationVersion<'_>> =
        applied.into_iter().map(|step| MigrationVersion::from(step.version)).collect();
    if applied.iter().any(|version| !known.contains(version)) {
        return Err(StoreError::TooNew);
    }
    Ok(known.len() - applied.len())
}

#[derive(diesel::QueryableByName)]
struct Applied {
    #[diesel(sql_type = diesel::sql_types::Text)]
    version: String,
}

/// The steps that we know.
fn known<B: Backend>(ours: &EmbeddedMigrations) -> Result<Vec<MigrationVersion<'static>>, StoreError> {
    let steps = MigrationSource::<B>::migrations(ours).map_err(refused)?;
    Ok(steps.iter().map(|step| step.name().version().as_owned()).collect())
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

/// Each step and the note that it is done are one transaction: after a crash it is done, or it is not.
pub(super) fn run<B, C, S>(connection: &mut C, ours: S) -> Result<(), StoreError>
where
    B: Backend,
    C: MigrationHarness<B>,
    S: MigrationSource<B>,
{
    let steps = ours.migrations().map_err(refused)?;
    let known: Vec<MigrationVersion<'_>> = steps.iter().map(|step| step.name().version().as_owned()).collect();
    let applied = connection.applied_migrations().map_err(refused)?;
    if applied.iter().any(|version| !known.contains(version)) {
        return Err(StoreError::TooNew);
    }
    connection.run_pending_migrations(ours).map(drop).map_err(refused)
}

fn refused(error: Box<dyn std::error::Error + Send + Sync>) -> StoreError {
    if is_damage(&error.to_string()) {
        return StoreError::Damaged;
    }
    StoreError::Database(format!("a migration failed: {error}"))
}
