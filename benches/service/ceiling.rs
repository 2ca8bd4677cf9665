//! The ceiling for feeds: the rows that a run of feeds left behind, put into a copy of the store as it was before,
//! with the same indexes and the same settings, so many messages' rows in each commit, and nothing else done.
//!
//! Also the same rows each table's in the order of its key, which no messages bring: what could be had at the most.

use crate::figures::{Figures, computed};
use diesel::connection::SimpleConnection as _;
use diesel::sql_types::{BigInt, Text};
use diesel::{Connection as _, QueryableByName, RunQueryDsl as _, SqliteConnection, sql_query};
use std::path::Path;
use std::time::Instant;

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// In which order rows are put into their tables.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// In that of the messages that brought them, so that a commit has the rows of its messages.
    Messages,
    /// In that of their keys, whoever brought them.
    Keys,
}

/// Repeats what the `messages` feeds between the stores `before` and `after` wrote, `group` messages a commit.
pub fn group_commits(
    (before, after, folder): (&Path, &Path, &Path),
    (messages, group): (usize, usize),
    order: Order,
) -> Figures {
    let copy = folder.join("ceiling.db");
    crate::scene::remove(&copy);
    std::fs::copy(before, &copy).unwrap();
    let mut store = SqliteConnection::establish(&copy.display().to_string()).unwrap();
    store
        .batch_execute(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-65536; PRAGMA wal_autocheckpoint=8192; PRAGMA foreign_keys=OFF;",
        )
        .unwrap();
    store.batch_execute(&format!("ATTACH '{}' AS fed; ATTACH ':memory:' AS rows", after.display())).unwrap();
    let commits = messages.div_ceil(group);
    let mut statements = Vec::new();
    let mut total = 0;
    for Name { name } in tables(&mut store) {
        // What differs was written by the feeds: cut into as many pieces as there are commits. The difference comes in
        // the order of the columns; the keys of rows, records and persons grow from message to message.
        let columns: Vec<Name> =
            sql_query(format!("SELECT name FROM pragma_table_info('{name}')")).load(&mut store).unwrap();
        let grows = ["id", "record_id", "person_id"].into_iter().find(|known| columns.iter().any(|c| c.name == *known));
        let over =
            grows.filter(|_| order == Order::Messages).map_or(String::new(), |known| format!("ORDER BY {known}"));
        store
            .batch_execute(&format!(
                "CREATE TABLE rows.{name} AS SELECT *, ntile({commits}) OVER ({over}) AS commit_number FROM \
                 (SELECT * FROM fed.{name} EXCEPT SELECT * FROM main.{name}); \
                 CREATE INDEX rows.{name}_by_commit ON {name} (commit_number);"
            ))
            .unwrap();
        let count: Count =
            sql_query(format!("SELECT count(*) AS count FROM rows.{name}")).get_result(&mut store).unwrap();
        if count.count == 0 {
            continue;
        }
        total += count.count;
        let columns = columns.into_iter().map(|c| format!("\"{}\"", c.name)).collect::<Vec<_>>().join(", ");
        statements.push((name, columns));
    }
    store.batch_execute("DETACH fed").unwrap();
    let (begin, before) = (Instant::now(), computed());
    for commit in 1..=commits {
        let inserts: String = statements
            .iter()
            .map(|(name, columns)| {
                format!("INSERT OR REPLACE INTO main.{name} ({columns}) SELECT {columns} FROM rows.{name} WHERE commit_number = {commit};")
            })
            .collect();
        store.batch_execute(&format!("BEGIN IMMEDIATE; {inserts} COMMIT;")).unwrap();
    }
    let (took, used) = (begin.elapsed(), computed() - before);
    println!(
        "  (a feed left {:.1} rows)",
        f64::from(u32::try_from(total).unwrap()) / f64::from(u32::try_from(messages).unwrap())
    );
    drop(store);
    crate::scene::remove(&copy);
    Figures::of_count(messages, took, used)
}

fn tables(store: &mut SqliteConnection) -> Vec<Name> {
    let all = "SELECT name FROM main.sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name";
    sql_query(all).load(store).unwrap()
}
