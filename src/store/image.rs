//! A copy of a SQLite store that is in use, as one file of one moment.
//!
//! It reads through a connection of its own: the process that has the store open neither waits nor notices, but that
//! its write-ahead log grows until the copy is made. It must never write to the store.

use super::connection::sqlite_onlooker;
use super::{JournalPlace, StoreError, Transaction, migrations};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// A copy that is gone when dropped. It lies beside the store, where the same people can read it.
pub struct Image {
    path: PathBuf,
    /// Held against a second copy at the same time.
    file: File,
}

impl Image {
    /// Copies the store at `path`, whether a server has it open or not.
    pub fn of(path: &str) -> Result<Self, StoreError> {
        if !Path::new(path).exists() {
            return Err(StoreError::Unavailable(format!("there is no file {path}")));
        }
        let mut connection = sqlite_onlooker(path)?;
        migrations::version(&mut connection)?;
        let image = Self::place(path)?;
        let target = image.path.to_string_lossy().replace('\'', "''");
        connection.batch(&format!("VACUUM INTO '{target}'"))?;
        Ok(image)
    }

    /// The empty file that the copy goes into; what an interrupted copy left there is overwritten.
    fn place(path: &str) -> Result<Self, StoreError> {
        let cannot = |_| StoreError::Unavailable("no copy can be made beside it".to_owned());
        let path = PathBuf::from(format!("{path}-copy"));
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(false).mode(0o600).open(&path).map_err(cannot)?;
        if file.try_lock().is_err() {
            return Err(StoreError::Unavailable("another copy of it is being made".to_owned()));
        }
        let image = Self { path, file };
        image.file.set_len(0).map_err(cannot)?;
        Ok(image)
    }

    /// How far the journal is in it.
    pub fn journal_place(&self) -> Result<Option<JournalPlace>, StoreError> {
        let mut connection = sqlite_onlooker(&self.path.to_string_lossy())?;
        Transaction::new(&mut connection, None).journal_reached()
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        // What cannot be removed is overwritten by the next.
        let _ = std::fs::remove_file(&self.path);
    }
}
