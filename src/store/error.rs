//! What can go wrong with a store. No text here holds a stored value.

use std::fmt;

/// Why the store did not do what was asked.
#[derive(Debug)]
pub enum StoreError {
    /// It cannot be reached or has stopped; what was asked did not happen.
    Unavailable(String),
    /// Too much is waiting; ask again.
    Busy,
    /// The connection was lost while committing: it may or may not have happened.
    Unknown,
    /// Another process holds this store.
    Locked {
        /// Who holds it, as that process wrote it: process id and host.
        holder: String,
    },
    /// The store was written by a newer version of this program.
    TooNew,
    /// The database says that its file is damaged: a disk's fault, not ours.
    Damaged,
    /// Something stored cannot be read back: a defect.
    Corrupt(&'static str),
    /// The work panicked and was rolled back: a defect.
    Panicked,
    /// A rule of uniqueness was broken; which one.
    Conflict(String),
    /// The database refused a statement.
    Database(String),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreError::Unavailable(why) => write!(f, "the store is not available: {why}"),
            StoreError::Busy => f.write_str("the store is busy"),
            StoreError::Unknown => f.write_str("the connection was lost while committing; the outcome is unknown"),
            StoreError::Locked { holder } => write!(f, "another process holds the store ({holder})"),
            StoreError::TooNew => {
                f.write_str("the store was written by a newer version; use that version or a newer one")
            }
            StoreError::Damaged => f.write_str(
                "the store's file is damaged; stop the server, keep a copy of the file, and restore a backup \
                 (`nayose verify` says what is broken)",
            ),
            StoreError::Corrupt(what) => write!(f, "what is stored cannot be read: {what}"),
            StoreError::Panicked => f.write_str("a defect stopped the work; it was rolled back"),
            StoreError::Conflict(rule) => write!(f, "this would break a rule of uniqueness ({rule})"),
            StoreError::Database(what) => write!(f, "the database refused: {what}"),
        }
    }
}

impl std::error::Error for StoreError {}

impl From<diesel::result::Error> for StoreError {
    fn from(error: diesel::result::Error) -> Self {
        use diesel::result::{DatabaseErrorKind as Kind, Error};
        match error {
            Error::DatabaseError(Kind::UniqueViolation, info) => StoreError::Conflict(
                info.constraint_name().map_or_else(|| without_quotes(info.message()), str::to_owned),
            ),
            Error::DatabaseError(Kind::ClosedConnection, _) => {
                StoreError::Unavailable("the connection was closed".to_owned())
            }
            Error::DatabaseError(_, info) if is_damage(info.message()) => StoreError::Damaged,
            // Not what was asked is at fault, but what it is asked of: the sender may well come again.
            Error::DatabaseError(_, info) if is_out_of_means(info.message()) => {
                StoreError::Unavailable(without_quotes(info.message()))
            }
            error if is_full(&error) => StoreError::Unavailable("the disk is full".to_owned()),
            Error::DatabaseError(kind, info) => {
                StoreError::Database(format!("{kind:?}: {}", without_quotes(info.message())))
            }
            Error::NotFound => StoreError::Corrupt("a row that must be there is missing"),
            Error::SerializationError(_) | Error::QueryBuilderError(_) => {
                StoreError::Database("a statement could not be built".to_owned())
            }
            Error::DeserializationError(_) => StoreError::Corrupt("a column of another type"),
            _ => StoreError::Database("a transaction was left in a wrong state".to_owned()),
        }
    }
}

/// Whether `error` says that there is no room on the disk, in the words of either database. Nothing happened then.
pub(super) fn is_full(error: &diesel::result::Error) -> bool {
    let diesel::result::Error::DatabaseError(_, info) = error else { return false };
    info.message() == "database or disk is full" || info.message().contains("No space left on device")
}

/// Whether a database says in `message` that memory, descriptors or the disk have failed it.
fn is_out_of_means(message: &str) -> bool {
    ["out of memory", "unable to open database file", "disk I/O error", "attempt to write a readonly database"]
        .contains(&message)
}

/// Whether SQLite says in `message` that its file is not as it left it.
pub(super) fn is_damage(message: &str) -> bool {
    message.contains("database disk image is malformed")
        || message.contains("file is not a database")
        || message.contains("malformed database schema")
}

impl From<diesel::result::ConnectionError> for StoreError {
    fn from(error: diesel::result::ConnectionError) -> Self {
        use diesel::result::ConnectionError;
        match error {
            ConnectionError::BadConnection(why) => StoreError::Unavailable(without_quotes(&why)),
            _ => StoreError::Unavailable("it cannot be opened".to_owned()),
        }
    }
}

/// `message` with everything in double quotes left out, since PostgreSQL quotes values so.
pub(super) fn without_quotes(message: &str) -> String {
    message.split('"').step_by(2).collect::<Vec<_>>().join("…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_no_defect_and_every_other_refusal_is() {
        use diesel::result::{DatabaseErrorKind, Error};
        let check = |message: &str, full: bool| {
            let error = Error::DatabaseError(DatabaseErrorKind::Unknown, Box::new(message.to_owned()));
            assert_eq!(is_full(&error), full, "{message}");
            assert_eq!(matches!(StoreError::from(error), StoreError::Unavailable(_)), full, "{message}");
        };
        check("database or disk is full", true);
        check("could not extend file \"base/5/1\": No space left on device", true);
        check("FOREIGN KEY constraint failed", false);
        assert!(!is_full(&Error::NotFound));
    }

    #[test]
    fn what_fails_for_want_of_means_is_no_defect() {
        use diesel::result::{DatabaseErrorKind, Error};
        let check = |message: &str, unavailable: bool| {
            let error = Error::DatabaseError(DatabaseErrorKind::Unknown, Box::new(message.to_owned()));
            assert_eq!(matches!(StoreError::from(error), StoreError::Unavailable(_)), unavailable, "{message}");
        };
        check("out of memory", true);
        check("unable to open database file", true);
        check("disk I/O error", true);
        check("attempt to write a readonly database", true);
        check("no such savepoint: message", false);
        check("NOT NULL constraint failed: link.id", false);
    }

    #[test]
    fn a_damaged_file_is_told_from_a_refused_statement() {
        use diesel::result::{DatabaseErrorKind, Error};
        let check = |message: &str, damaged: bool| {
            let error = Error::DatabaseError(DatabaseErrorKind::Unknown, Box::new(message.to_owned()));
            assert_eq!(matches!(StoreError::from(error), StoreError::Damaged), damaged, "{message}");
        };
        check("database disk image is malformed", true);
        check("file is not a database", true);
        check("malformed database schema (person) - orphan index", true);
        check("disk I/O error", false);
        check("malformed JSON", false);
    }

    #[test]
    fn values_that_a_database_quotes_are_left_out() {
        assert_eq!(without_quotes("invalid input \"SECRET\" for x"), "invalid input … for x");
        assert_eq!(
            without_quotes("UNIQUE constraint failed: link.record_id"),
            "UNIQUE constraint failed: link.record_id"
        );
    }
}
