//! `export`: all that a store holds, in a form that a store of either kind takes in.

use super::kept::{key_to_seal, make};
use super::{Environment, Exit, Export, Logging, say};
use crate::store;

pub(super) fn run(export: &Export, logging: Logging, environment: Environment) -> Exit {
    logging.start_quietly();
    write(export, environment).unwrap_or_else(|exit| exit)
}

fn write(export: &Export, environment: Environment) -> Result<Exit, Exit> {
    let settings = export.store.configuration(environment)?;
    let key = key_to_seal("export", &export.secrecy)?;
    let copied = make("export", &export.to, key.as_ref(), |out| store::export(&settings.store.url, out))?;
    if export.store.json {
        let report = serde_json::json!({
            "file": export.to, "rows": copied.rows, "sha256": copied.digest, "encrypted": key.is_some(),
        });
        say(&format!("{report}\n"));
    } else {
        let how = if key.is_some() { "encrypted" } else { "NOT ENCRYPTED" };
        say(&format!("{}: {} rows, sha256 {}, {how}\n", export.to.display(), copied.rows, copied.digest));
    }
    Ok(Exit::Done)
}
