//! `backup`: a copy of a SQLite store that may be in use.

use super::kept::{key_to_seal, make};
use super::{Backup, Environment, Exit, Logging, complain, say};
use crate::sealed::Key;
use crate::store::Image;
use std::fs::File;
use std::path::Path;

pub(super) fn run(backup: &Backup, logging: Logging, environment: Environment) -> Exit {
    logging.start_quietly();
    let done = match (&backup.new_key, &backup.to) {
        (Some(path), _) => new_key(path),
        (None, Some(to)) => copy(backup, to, environment),
        (None, None) => Err(Exit::Usage),
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
    let bytes = make("backup", to, key.as_ref(), |out| -> Result<u64, String> {
        let image = Image::of(path).map_err(|error| error.to_string())?;
        let mut copied = File::open(image.path()).map_err(|error| format!("the copy cannot be read: {error}"))?;
        std::io::copy(&mut copied, out).map_err(|error| format!("{}: {error}", to.display()))
    })?;
    if backup.store.json {
        let report = serde_json::json!({ "file": to, "store_bytes": bytes, "encrypted": key.is_some() });
        say(&format!("{report}\n"));
    } else {
        let how = if key.is_some() { "encrypted" } else { "NOT ENCRYPTED" };
        say(&format!("{}: the store, {bytes} bytes, {how}\n", to.display()));
    }
    Ok(Exit::Done)
}
