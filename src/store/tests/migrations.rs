//! Steps from an older store: all of one or nothing of it, and every older format still opens.

use super::*;
use crate::store::connection::{Connection, postgres, sqlite_writer};
use crate::store::export;
use crate::store::migrations::{bring_up_to_date, run};
use diesel_migrations::FileBasedMigrations;
use std::path::{Path, PathBuf};

fn connect(place: &Place) -> Connection {
    match place.url.strip_prefix("sqlite:") {
        Some(path) => sqlite_writer(path).unwrap(),
        None => postgres(&place.url).unwrap(),
    }
}

fn kind(place: &Place) -> &'static str {
    if place.url.starts_with("sqlite:") { "sqlite" } else { "postgres" }
}

/// The steps for this kind of store, in order: name and statements.
fn steps(place: &Place) -> Vec<(String, Vec<String>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(kind(place));
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(path.join("up.sql")).unwrap();
            let code: String = text
                .lines()
                .filter(|line| !line.trim_start().starts_with("--"))
                .map(|line| format!("{line}\n"))
                .collect();
            (path.file_name().unwrap().to_string_lossy().into_owned(), statements(&code))
        })
        .collect()
}

/// The statements of a step. What a trigger or a function does is part of the statement that makes it.
fn statements(code: &str) -> Vec<String> {
    let mut found = vec![String::new()];
    let mut inside = false;
    for piece in code.split_inclusive(';') {
        let words = piece.split_whitespace().collect::<Vec<_>>();
        inside = (inside || words.contains(&"BEGIN")) && !matches!(*words, ["END;"] | ["END", "$body$;"]);
        let Some(last) = found.last_mut() else { continue };
        last.push_str(if inside { piece } else { piece.trim_end_matches(';') });
        if !inside {
            found.push(String::new());
        }
    }
    found.iter().map(|statement| statement.trim().to_owned()).filter(|statement| !statement.is_empty()).collect()
}

/// Runs these steps as the store runs its own.
fn attempt(connection: &mut Connection, steps: &[(String, Vec<String>)]) -> Result<(), StoreError> {
    let folder = tempfile::tempdir().unwrap();
    for (name, statements) in steps {
        std::fs::create_dir(folder.path().join(name)).unwrap();
        std::fs::write(folder.path().join(name).join("up.sql"), statements.join(";\n")).unwrap();
    }
    let source = FileBasedMigrations::from_path(folder.path()).unwrap();
    match connection {
        Connection::Sqlite(connection) => run(connection.as_mut(), source),
        Connection::Postgres(connection) => run(connection.as_mut(), source),
    }
}

/// Everything that the database knows of its tables, indexes and steps.
fn shape(connection: &mut Connection) -> Vec<String> {
    use diesel::{QueryableByName, RunQueryDsl as _};
    #[derive(QueryableByName)]
    struct Line {
        #[diesel(sql_type = diesel::sql_types::Text)]
        line: String,
    }
    let sqlite =
        "SELECT coalesce(sql, name) AS line FROM sqlite_master WHERE name NOT LIKE '\\_\\_%' ESCAPE '\\' ORDER BY 1";
    let postgres = "SELECT table_name || '.' || column_name || ' ' || data_type AS line FROM information_schema.columns \
                    WHERE table_schema = 'public' AND table_name NOT LIKE '\\_\\_%' UNION ALL \
                    SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename NOT LIKE '\\_\\_%' ORDER BY 1";
    let applied = "SELECT version AS line FROM __diesel_schema_migrations ORDER BY 1";
    let mut lines: Vec<Line> = match connection {
        Connection::Sqlite(connection) => diesel::sql_query(sqlite).load(connection.as_mut()),
        Connection::Postgres(connection) => diesel::sql_query(postgres).load(connection.as_mut()),
    }
    .unwrap();
    // A database that has never seen a step has no list of them.
    let applied: Vec<Line> = match connection {
        Connection::Sqlite(connection) => diesel::sql_query(applied).load(connection.as_mut()),
        Connection::Postgres(connection) => diesel::sql_query(applied).load(connection.as_mut()),
    }
    .unwrap_or_default();
    lines.extend(applied);
    lines.into_iter().map(|line| line.line).collect()
}

#[test]
fn a_step_that_fails_at_any_statement_is_undone_and_is_done_again() {
    for place in Place::each() {
        let (steps, mut tried) = (steps(&place), 0);
        for (at, (name, statements)) in steps.iter().enumerate() {
            attempt(&mut connect(&place), &steps[..at]).unwrap();
            let before = shape(&mut connect(&place));
            for count in 0..=statements.len() {
                let mut cut = statements[..count].to_vec();
                cut.push("SELECT a_function_that_is_not_there()".to_owned());
                let broken = [&steps[..at], &[(name.clone(), cut)]].concat();
                assert!(attempt(&mut connect(&place), &broken).is_err(), "{} {name} {count}", place.url);
                assert_eq!(shape(&mut connect(&place)), before, "{} {name}: half of it after {count}", place.url);
                tried += 1;
            }
        }
        assert!(tried > 40, "{tried}");
        drop(place.open(&clock()).unwrap());
    }
}

#[test]
fn a_process_that_dies_at_any_statement_of_a_step_leaves_nothing_of_it() {
    for place in Place::each() {
        for (at, (name, statements)) in steps(&place).iter().enumerate() {
            attempt(&mut connect(&place), &steps(&place)[..at]).unwrap();
            let before = shape(&mut connect(&place));
            for count in 1..=statements.len() {
                let mut dying = connect(&place);
                dying.batch("BEGIN").unwrap();
                dying.batch(&statements[..count].join(";\n")).unwrap();
                // Nobody says goodbye, as nobody does when a process dies.
                drop(dying);
                if place.url.starts_with("postgres") {
                    wait_for_others(&mut connect(&place));
                }
                assert_eq!(shape(&mut connect(&place)), before, "{} {name} {count}", place.url);
            }
        }
        drop(place.open(&clock()).unwrap());
    }
}

/// Waits until the server has noticed that the other connection is gone.
fn wait_for_others(connection: &mut Connection) {
    use diesel::{QueryableByName, RunQueryDsl as _};
    #[derive(QueryableByName)]
    struct Others {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        others: i64,
    }
    let sql = "SELECT count(*) AS others FROM pg_stat_activity WHERE datname = current_database() AND \
               pid <> pg_backend_pid() AND backend_type = 'client backend'";
    for _ in 0..1000 {
        let Connection::Postgres(connection) = &mut *connection else { return };
        let others: Others = diesel::sql_query(sql).get_result(connection.as_mut()).unwrap();
        if others.others == 0 {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
}

#[test]
fn stores_of_every_older_format_are_opened_and_go_on() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/stores");
    for place in Place::each() {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if !name.ends_with(&format!(".{}.sql", kind(&place))) {
                continue;
            }
            found.push(name.split('.').next().unwrap_or_default().to_owned());
            let old = if kind(&place) == "sqlite" { Place::sqlite().unwrap() } else { Place::postgres().unwrap() };
            connect(&old).batch(&std::fs::read_to_string(&path).unwrap()).unwrap();
            let store = old.open(&clock()).unwrap();
            let counts = store.counts().unwrap();
            assert!(
                counts.records > 20 && counts.persons > 5 && counts.versions >= counts.records,
                "{name}: {counts:?}"
            );
            let broken: Vec<_> = read(&store, |tx| tx.invariants()).into_iter().filter(|(_, rows)| *rows > 0).collect();
            assert!(broken.is_empty(), "{name}: {broken:?}");
            write(&store, |tx| tx.record_insert(&record(1, "new")));
            export(&old.url, &mut Vec::new()).unwrap();
        }
        for (step, _) in steps(&place).iter().rev().skip(1) {
            assert!(found.iter().any(|one| step.starts_with(one.as_str())), "{}: no store of {step}", kind(&place));
        }
    }
}

#[test]
fn a_store_that_another_version_wrote_is_neither_exported_nor_copied() {
    for place in Place::each() {
        drop(place.open(&clock()).unwrap());
        let mut connection = connect(&place);
        connection.batch("INSERT INTO __diesel_schema_migrations (version) VALUES ('9999')").unwrap();
        drop(connection);
        let newer = export(&place.url, &mut Vec::new());
        assert!(matches!(newer, Err(crate::store::ExportError::Store(StoreError::TooNew))), "{newer:?}");
        let image = place.url.strip_prefix("sqlite:").map(crate::store::Image::of);
        assert!(image.is_none_or(|image| matches!(image, Err(StoreError::TooNew))));
        let mut connection = connect(&place);
        bring_up_to_date(&mut connection).unwrap_err();
        connection.batch("DELETE FROM __diesel_schema_migrations").unwrap();
        drop(connection);
        let older = export(&place.url, &mut Vec::new());
        assert!(older.is_err_and(|error| error.to_string().contains("older version")));
    }
}
