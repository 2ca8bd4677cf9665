//! Files that hold a copy of a store: made whole or not at all, readable by their owner alone, encrypted unless the
//! operator says otherwise.
//!
//! It must never overwrite a file, and never leave half of one under the name that was asked for.

use super::{Exit, Secrecy, complain};
use crate::sealed::{Key, MAGIC, Opener, Sealer};
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// How much is read or written at a time.
const BUFFER: usize = 256 * 1024;

/// The key to encrypt with; none for a file that shall not be encrypted. Says what is wrong.
pub(super) fn key_to_seal(command: &str, secrecy: &Secrecy) -> Result<Option<Key>, Exit> {
    match &secrecy.key_file {
        Some(path) => read_key(command, path).map(Some),
        None if secrecy.plain => Ok(None),
        None => {
            complain(&format!(
                "{command}: the file will hold every patient: give --key-file FILE to encrypt it (`nayose backup \
                 --new-key FILE` makes one), or --plain if it must not be\n"
            ));
            Err(Exit::Usage)
        }
    }
}

fn read_key(command: &str, path: &Path) -> Result<Key, Exit> {
    Key::read(path).map_err(|error| {
        complain(&format!("{command}: {}: {error}\n", path.display()));
        Exit::Usage
    })
}

/// Makes the file `to`: `content` writes it, and gives what is to be reported.
pub(super) fn make<T, E: std::fmt::Display>(
    command: &str,
    to: &Path,
    key: Option<&Key>,
    content: impl FnOnce(&mut dyn Write) -> Result<T, E>,
) -> Result<T, Exit> {
    let partial = Partial::begin(to).map_err(|error| not_written(command, to, &error))?;
    let file = partial.file.try_clone().map_err(|error| not_written(command, to, &error))?;
    let out = BufWriter::with_capacity(BUFFER, file);
    let failed = |error: E| {
        complain(&format!("{command}: {error}\n"));
        Exit::Unavailable
    };
    let (told, flushed) = match key {
        None => {
            let mut out = out;
            (content(&mut out).map_err(failed)?, out.flush())
        }
        Some(key) => {
            let mut sealer = Sealer::new(out, key).map_err(|error| not_written(command, to, &error))?;
            (content(&mut sealer).map_err(failed)?, sealer.finish().map(drop))
        }
    };
    flushed.and_then(|()| partial.keep(to)).map_err(|error| not_written(command, to, &error))?;
    Ok(told)
}

fn not_written(command: &str, to: &Path, error: &io::Error) -> Exit {
    complain(&format!("{command}: {} cannot be written: {error}\n", to.display()));
    Exit::Unavailable
}

/// A file that is gone unless it is kept.
pub(super) struct Partial {
    pub(super) path: PathBuf,
    pub(super) file: File,
}

impl Partial {
    /// A new file beside `to`, for its owner alone; `to` must not be there.
    pub(super) fn begin(to: &Path) -> io::Result<Self> {
        if to.exists() {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "it is there already, and is not overwritten"));
        }
        let mut name = to.as_os_str().to_owned();
        name.push(".partial");
        let path = PathBuf::from(name);
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path)?;
        Ok(Self { path, file })
    }

    /// Gives the file its name once it is on the disk.
    pub(super) fn keep(self, to: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        // A hard link, unlike a renaming, never takes the place of a file that appeared meanwhile.
        std::fs::hard_link(&self.path, to)?;
        let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // Under its own name, if it was kept; half of one is of no use to anybody.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// What a copy of a store holds, decrypted.
pub(super) enum Kept {
    /// A SQLite file.
    Image(Box<dyn BufRead + Send>),
    /// The lines of an export.
    Export(Box<dyn BufRead + Send>),
}

/// Opens a file of `backup` or `export`, and says what is wrong with it.
pub(super) fn open(command: &str, from: &Path, key_file: Option<&Path>) -> Result<Kept, Exit> {
    let wrong = |error: io::Error| {
        complain(&format!("{command}: {}: {error}\n", from.display()));
        if error.kind() == io::ErrorKind::InvalidData { Exit::Found } else { Exit::Unavailable }
    };
    let mut file = BufReader::with_capacity(BUFFER, File::open(from).map_err(wrong)?);
    let sealed = file.fill_buf().map_err(wrong)?.starts_with(MAGIC);
    let mut content: Box<dyn BufRead + Send> = match (sealed, key_file) {
        (true, Some(path)) => {
            let key = read_key(command, path)?;
            Box::new(BufReader::with_capacity(BUFFER, Opener::new(file, &key).map_err(wrong)?))
        }
        (true, None) => {
            complain(&format!("{command}: {} is encrypted: give its --key-file\n", from.display()));
            return Err(Exit::Usage);
        }
        (false, _) => Box::new(file),
    };
    let head = content.fill_buf().map_err(wrong)?;
    if head.starts_with(b"SQLite format 3\0") {
        Ok(Kept::Image(content))
    } else if head.starts_with(b"{") {
        Ok(Kept::Export(content))
    } else {
        complain(&format!("{command}: {} is neither a backup nor an export of nayose\n", from.display()));
        Err(Exit::Found)
    }
}
