//! Both sets of migrations and the schema in code say the same.

use super::*;
use crate::store::connection::{Connection, postgres, sqlite_writer};
use crate::store::migrations::{bring_up_to_date, take_down};
use diesel::prelude::*;
use diesel::sql_types::Text;

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    name: String,
}

fn columns(connection: &mut Connection) -> Vec<String> {
    let rows: Vec<Column> = match connection {
        Connection::Sqlite(connection) => diesel::sql_query(
            "SELECT m.name || '.' || c.name AS name FROM sqlite_master m JOIN pragma_table_info(m.name) c \
             WHERE m.type = 'table' AND m.name NOT LIKE '\\_\\_%' ESCAPE '\\'",
        )
        .load(connection.as_mut()),
        Connection::Postgres(connection) => diesel::sql_query(
            "SELECT table_name || '.' || column_name AS name FROM information_schema.columns \
             WHERE table_schema = 'public' AND table_name NOT LIKE '\\_\\_%'",
        )
        .load(connection.as_mut()),
    }
    .unwrap();
    let mut names: Vec<String> = rows.into_iter().map(|row| row.name).collect();
    names.sort();
    names
}

/// The columns as `diesel::table!` states them, read from the source.
fn stated() -> Vec<String> {
    let mut names = Vec::new();
    let mut table = String::new();
    for line in include_str!("../schema.rs").lines() {
        let line = line.trim();
        if let Some((name, _)) = line.split_once(" (").filter(|_| line.ends_with('{')) {
            table = name.to_owned();
        } else if let Some((column, _)) = line.split_once(" -> ") {
            names.push(format!("{table}.{column}"));
        }
    }
    names.sort();
    names
}

/// The columns that SQLite alone has.
fn sqlite_alone(place: &Place) -> Vec<String> {
    let alone =
        ["filed_under.record_id", "filed_under.terms", "filing_due.place", "filing_due.record_id", "filing_due.was"];
    if place.url.starts_with("sqlite:") { alone.map(str::to_owned).to_vec() } else { Vec::new() }
}

#[test]
fn migrations_go_up_down_and_up_and_agree_with_the_schema() {
    for place in Place::each() {
        let mut connection = match place.url.strip_prefix("sqlite:") {
            Some(path) => sqlite_writer(path).unwrap(),
            None => postgres(&place.url).unwrap(),
        };
        let mut expected = stated();
        expected.extend(sqlite_alone(&place));
        expected.sort();
        bring_up_to_date(&mut connection).unwrap();
        assert_eq!(columns(&mut connection), expected);
        bring_up_to_date(&mut connection).unwrap();
        take_down(&mut connection).unwrap();
        assert_eq!(columns(&mut connection), Vec::<String>::new());
        bring_up_to_date(&mut connection).unwrap();
        assert!(stated().len() > 100);
        assert_eq!(columns(&mut connection), expected);
    }
}

#[test]
fn a_store_with_a_step_unknown_to_us_is_newer() {
    for place in Place::each() {
        drop(place.open(&clock()).unwrap());
        let mut connection = match place.url.strip_prefix("sqlite:") {
            Some(path) => sqlite_writer(path).unwrap(),
            None => postgres(&place.url).unwrap(),
        };
        connection.batch("INSERT INTO __diesel_schema_migrations (version) VALUES ('9999')").unwrap();
        drop(connection);
        assert!(matches!(place.open(&clock()), Err(StoreError::TooNew)), "{}", place.url);
    }
}
