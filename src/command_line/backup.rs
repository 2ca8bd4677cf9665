//! `backup`: a copy of a SQLite store that may be in use.

use super::kept::{key_to_seal, make};
use super::{Backup, Environment, Exit, Logging, complain, say};
use crate::sealed::Key;
use crate::store::{Image, JournalPlace, StoreError};
use std::fs::File;
use std::path::Path;

pub(super) fn run(backup: &Backup, logging: Logging, environment: Environment) -> Exit {
    logging.start_quietly();
    let done = match (&backup.new_key, &backup.to) {
        (Some(path), _) => new_key(path),
        (None, Some(to)) => copy(backup, to, environment),
        (None, None) => mark(backup, environment),
    };
    done.unwrap_or_else(|exit| exit)
}

fn new_key(path: &Path) -> Result<Exit, Exit> {
    Key::create(path).map_err(|error| {
        complain(&format!("backup: {} cannot be made: {error}\n", path.display()));
        Exit::Unavailable
    })?;
    say(&format!("{}: a new key; without it no backup can be read again, so keep a copy in a safe\n", path.display()));
    Ok(Exit::Done)
}

/// Before and after another tool makes the backup.
fn mark(backup: &Backup, environment: Environment) -> Result<Exit, Exit> {
    let url = backup.store.configuration(environment)?.store.url;
    if let Some(place) = backup.done {
        place.keep(&url).map_err(refused)?;
        return Ok(Exit::Done);
    }
    match JournalPlace::now(&url).map_err(refused)? {
        Some(place) => say(&format!("{place}\n")),
        None => {
            complain("backup: the journal is empty\n");
            return Ok(Exit::Found);
        }
    }
    Ok(Exit::Done)
}

fn refused(error: StoreError) -> Exit {
    complain(&format!("backup: {error}\n"));
    Exit::Unavailable
}

fn copy(backup: &Backup, to: &Path, environment: Environment) -> Result<Exit, Exit> {
    let settings = backup.store.configuration(environment)?;
    let Some(path) = settings.store.url.strip_prefix("sqlite:") else {
        complain(
            "backup: a PostgreSQL store is backed up by pg_dump, or continuously by archiving its log: see \
             docs/backup.md; `nayose export` writes one that either kind of store takes in\n",
        );
        return Err(Exit::Usage);
    };
    let key = key_to_seal("backup", &backup.secrecy)?;
    let (bytes, place) = make("backup", to, key.as_ref(), |out| -> Result<(u64, Option<JournalPlace>), String> {
        let image = Image::of(path).map_err(|error| error.to_string())?;
        let mut copied = File::open(image.path()).map_err(|error| format!("the copy cannot be read: {error}"))?;
        let bytes = std::io::copy(&mut copied, out).map_err(|error| format!("{}: {error}", to.display()))?;
        Ok((bytes, image.journal_place().map_err(|error| error.to_string())?))
    })?;
    // Only now is the backup on the disk.
    if let Some(place) = place {
        place.keep(&settings.store.url).map_err(refused)?;
    }
    if backup.store.json {
        let report = serde_json::json!({ "file": to, "store_bytes": bytes, "encrypted": key.is_some() });
        say(&format!("{report}\n"));
    } else {
        let how = if key.is_some() { "encrypted" } else { "NOT ENCRYPTED" };
        say(&format!("{}: the store, {bytes} bytes, {how}\n", to.display()));
    }
    Ok(Exit::Done)
}
