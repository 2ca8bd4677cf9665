//! How far the last snapshot of a store reaches into its journal: what stands before that place a replay never needs.
//!
//! PostgreSQL keeps it in the store. A SQLite store has one process at a time, which may be a server, so there it stands
//! in a file beside the store. It must never be believed of another store: the message at the place is named too.

use super::export::look;
use super::{Store, StoreError, Transaction, migrations};
use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Under this name PostgreSQL keeps it. A word of the store: it never changes.
const KEPT: &str = "journal_kept";

/// A place in the journal that everything before it had taken when it was asked for, and the message that stands there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalPlace {
    /// The place.
    pub seq: i64,
    /// The key of the message or act.
    pub id: i64,
}

impl fmt::Display for JournalPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.seq, self.id)
    }
}

impl FromStr for JournalPlace {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const RIGHT: &str = "give what `nayose backup --begin` said, such as 4711-913099152005529600";
        let (seq, id) = text.trim().split_once('-').ok_or(RIGHT)?;
        Ok(Self { seq: seq.parse().map_err(|_| RIGHT)?, id: id.parse().map_err(|_| RIGHT)? })
    }
}

impl JournalPlace {
    /// How far the store at `url` is now: whatever has an earlier place is committed, so a snapshot that begins
    /// afterwards has it. None where its journal is empty. The store may be in use.
    pub fn now(url: &str) -> Result<Option<Self>, StoreError> {
        let mut connection = look(url)?;
        migrations::version(&mut connection)?;
        connection.batch("BEGIN")?;
        let place = Transaction::new(&mut connection, None).journal_reached();
        connection.batch("COMMIT")?;
        place
    }

    /// From now on a snapshot that reaches this far is known of the store at `url`; refused where its journal never had
    /// this message at this place.
    pub fn keep(self, url: &str) -> Result<(), StoreError> {
        let mut connection = look(url)?;
        migrations::version(&mut connection)?;
        let mut transaction = Transaction::new(&mut connection, None);
        if !transaction.journal_has(self)? {
            return Err(StoreError::Unavailable(
                "the place is of another store, or a later snapshot was noted".to_owned(),
            ));
        }
        match url.strip_prefix("sqlite:") {
            None => transaction.setting_put(KEPT, &self.to_string()),
            Some(path) => write(&beside(path), self)
                .map_err(|error| StoreError::Unavailable(format!("no note can be made beside it: {error}"))),
        }
    }
}

fn beside(path: &str) -> PathBuf {
    PathBuf::from(format!("{path}-kept"))
}

fn write(path: &Path, place: JournalPlace) -> io::Result<()> {
    let partial = PathBuf::from(format!("{}.partial", path.display()));
    let mut file = File::create(&partial)?;
    writeln!(file, "{place}")?;
    file.sync_all()?;
    std::fs::rename(&partial, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

impl Store {
    /// How far the last snapshot reaches, if one was noted.
    pub fn journal_kept(&self) -> Result<Option<JournalPlace>, StoreError> {
        let noted = match self.0.url.strip_prefix("sqlite:") {
            None => self.read(|tx| tx.setting(KEPT))?,
            Some(path) => match std::fs::read_to_string(beside(path)) {
                Ok(text) => Some(text),
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                Err(_) => return Err(StoreError::Corrupt("the note of the last snapshot")),
            },
        };
        noted.map(|text| text.parse().map_err(|_| StoreError::Corrupt("the note of the last snapshot"))).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_is_written() {
        let check = |text: &str, right: Option<(i64, i64)>| {
            let read = text.parse::<JournalPlace>().ok();
            assert_eq!(read.map(|place| (place.seq, place.id)), right, "{text:?}");
            assert!(read.is_none_or(|place| place.to_string() == text.trim()));
        };
        check("7-91\n", Some((7, 91)));
        check("7", None);
        check("7-", None);
        check("seven-1", None);
        check("", None);
    }
}
