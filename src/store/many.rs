//! Many rows by one statement of SQLite, which is compiled once.

use diesel::result::{DatabaseErrorInformation, DatabaseErrorKind, Error};

/// Inserts rows, so many by a statement that is compiled once, and the rest one by one.
///
/// A statement that may fail half way has each page that it is the first to change copied beforehand. One that passes
/// over what is there already cannot fail, and is asked whether it has: then all of the transaction fails, unless such
/// rows are to be passed over.
macro_rules! insert_all {
    (@ $connection:expr, $table:expr, $many:literal, $rows:expr, $passes_over:literal) => {{
        let mut rows = $rows.into_iter();
        loop {
            let some: Box<[_]> = rows.by_ref().take($many).collect();
            match <Box<[_; $many]>>::try_from(some) {
                Ok(some) => {
                    let inserted = diesel::insert_or_ignore_into($table).values(some).execute($connection)?;
                    if inserted != $many && !$passes_over {
                        return Err($crate::store::many::there_already());
                    }
                }
                Err(rest) => {
                    for row in rest.into_iter() {
                        if $passes_over {
                            diesel::insert_or_ignore_into($table).values(row).execute($connection)?;
                        } else {
                            diesel::insert_into($table).values(row).execute($connection)?;
                        }
                    }
                    break;
                }
            }
        }
    }};
    ($connection:expr, $table:expr, $many:literal, $rows:expr) => {
        $crate::store::many::insert_all!(@ $connection, $table, $many, $rows, false)
    };
}
pub(super) use insert_all;

/// As [`insert_all`], and passes over what is there already.
macro_rules! insert_missing {
    ($connection:expr, $table:expr, $many:literal, $rows:expr) => {
        $crate::store::many::insert_all!(@ $connection, $table, $many, $rows, true)
    };
}
pub(super) use insert_missing;

pub(super) fn there_already() -> Error {
    let what: Box<dyn DatabaseErrorInformation + Send + Sync> = Box::new("a row is there already".to_owned());
    Error::DatabaseError(DatabaseErrorKind::UniqueViolation, what)
}
