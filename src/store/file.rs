//! The file of a SQLite store: who holds it, and who may read it.
//!
//! It must never wait for another process, nor open a file that is held.

use super::StoreError;
use std::fs::File;
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;

/// Makes the file where there is none, so that no others of this machine can read it: it is to hold every patient.
/// What SQLite makes beside it has the same mode.
pub(super) fn make_private(path: &str) -> Result<(), StoreError> {
    match File::options().write(true).create_new(true).mode(MODE).open(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            Err(StoreError::Unavailable("its file cannot be made; can its folder be written?".to_owned()))
        }
        _ => Ok(()),
    }
}

/// Takes the lock file beside `path`, which the system releases when this process ends.
pub(super) fn hold(path: &str) -> Result<File, StoreError> {
    let cannot = |_| StoreError::Unavailable("its lock file cannot be made; does its folder exist?".to_owned());
    let mut options = File::options();
    let mut file =
        options.read(true).write(true).create(true).truncate(false).open(format!("{path}-lock")).map_err(cannot)?;
    if file.try_lock().is_err() {
        let mut holder = String::new();
        // Who holds it is told where it can be read.
        let _ = file.read_to_string(&mut holder);
        return Err(StoreError::Locked { holder: holder.trim().to_owned() });
    }
    file.set_len(0).map_err(cannot)?;
    writeln!(file, "process {} on {}", std::process::id(), host()).map_err(cannot)?;
    Ok(file)
}

/// The name of this machine, as well as it can be had.
pub(super) fn host() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map_or_else(|_| "this host".to_owned(), |s| s.trim().to_owned())
}

/// Who may read and write a new store: its owner, and its owner's group read.
const MODE: u32 = 0o640;
