//! The keys of the tables against what `docs/scale-out.md` says of them: Citus distributes a table only where the column
//! that distributes it stands in the primary key and in every unique index.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Each table with the columns of each key that must be unique.
type Keys = BTreeMap<String, Vec<BTreeSet<String>>>;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The words in double quotes, or what stands there bare.
fn names(list: &str) -> BTreeSet<String> {
    list.split(',').map(|name| name.trim().trim_matches('"').to_owned()).collect()
}

/// The keys that all steps for PostgreSQL leave behind.
fn keys() -> Keys {
    let mut steps: Vec<_> = std::fs::read_dir(root().join("migrations/postgres")).unwrap().flatten().collect();
    steps.sort_by_key(|step| step.file_name());
    let mut keys = Keys::new();
    for step in steps {
        let sql = std::fs::read_to_string(step.path().join("up.sql")).unwrap();
        let code: String =
            sql.lines().filter(|line| !line.trim_start().starts_with("--")).collect::<Vec<_>>().join(" ");
        for statement in code.split(';').map(str::trim) {
            let words: Vec<&str> = statement.split_whitespace().collect();
            let name = |at: usize| words[at].trim_matches('"').to_owned();
            match words.as_slice() {
                ["CREATE", "TABLE", ..] => {
                    let (before, after) = statement.split_once("PRIMARY KEY").expect("a table without a primary key");
                    let own = before.rsplit(',').next().unwrap();
                    let first = own.rsplit('(').next().unwrap().split_whitespace().next();
                    let columns = match after.trim_start().strip_prefix('(') {
                        Some(list) => names(list.split(')').next().unwrap()),
                        None => names(first.unwrap()),
                    };
                    keys.insert(name(2), vec![columns]);
                }
                ["CREATE", "UNIQUE", "INDEX", ..] => {
                    let list = statement.split_once('(').unwrap().1.split(')').next().unwrap();
                    keys.get_mut(&name(5)).expect("an index of no table").push(names(list));
                }
                ["ALTER", "TABLE", ..] if statement.contains("ADD PRIMARY KEY (") && !statement.contains("UNIQUE") => {
                    let list = statement.split_once("ADD PRIMARY KEY (").unwrap().1.split(')').next().unwrap();
                    keys.get_mut(&name(2)).expect("a key of no table")[0] = names(list);
                }
                ["ALTER", "TABLE", ..] if statement.contains("PRIMARY KEY") || statement.contains("UNIQUE") => {
                    panic!("teach this test to read {statement}");
                }
                // None of these is unique.
                ["DROP", "INDEX", "\"link_record\"" | "\"steward_decision_a\"" | "\"review_record\""] => {}
                ["DROP", "TABLE" | "INDEX", ..] => panic!("teach this test to read {statement}"),
                _ => {}
            }
        }
    }
    keys
}

/// What the page says of each table: by what it is distributed, and whether it fits.
fn said() -> BTreeMap<String, (String, String)> {
    let page = std::fs::read_to_string(root().join("docs/scale-out.md")).unwrap();
    let (_, page) = page.split_once("### Table by table").unwrap();
    let mut said = BTreeMap::new();
    for line in page.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        for table in cells[1].split(", ") {
            said.insert(table.trim_matches('`').to_owned(), (cells[2].to_owned(), cells[3].to_owned()));
        }
    }
    said
}

#[test]
fn every_key_has_the_column_that_distributes_its_table_or_the_page_says_that_it_has_not() {
    let (keys, said) = (keys(), said());
    assert!(keys.len() >= 20 && keys["inbox"] == [names("message_key, id")], "{keys:?}");
    assert_eq!(keys.keys().collect::<Vec<_>>(), said.keys().collect::<Vec<_>>(), "a table that the page does not have");
    let mut unfit = Vec::new();
    for (table, (by, fits)) in &said {
        // Reference tables, and those that stay on the coordinator, may have any key.
        let Some(column) = by.strip_prefix('`').and_then(|by| by.strip_suffix('`')) else { continue };
        let has_it = keys[table].iter().all(|key| key.contains(column));
        assert_eq!(
            has_it,
            fits.starts_with("yes"),
            "{table} by {column}: the page says {fits}, its keys are {:?}",
            keys[table]
        );
        if !has_it {
            unfit.push(table.as_str());
        }
    }
    assert!(unfit.is_empty(), "{unfit:?}");
}
