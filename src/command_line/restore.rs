//! `restore`: a store from a backup or an export, checked, with the gap that senders must fill.
//!
//! It must never touch a store that holds anything: what is there is worth more than what would come.

use super::kept::{self, Kept, Partial};
use super::show::{failed, open, table, when};
use super::{Environment, Exit, Logging, Restore, complain, say};
use crate::clock::Clock;
use crate::config::Configuration;
use crate::registry::{Finding, Registry};
use crate::store::{self, Copied, ExportError, SenderRow, Store, StoreError};
use std::io::{self, BufRead, BufReader};
use std::path::Path;

pub(super) fn run(restore: &Restore, logging: Logging, environment: Environment) -> Exit {
    logging.start_quietly();
    take_in(restore, environment).unwrap_or_else(|exit| exit)
}

fn take_in(restore: &Restore, environment: Environment) -> Result<Exit, Exit> {
    let settings = restore.store.configuration(environment)?;
    let url = settings.store.url.as_str();
    match (kept::open("restore", &restore.from, restore.key_file.as_deref())?, url.strip_prefix("sqlite:")) {
        (Kept::Image(image), Some(path)) => lay(image, Path::new(path))?,
        (Kept::Image(image), None) => through_export(image, url)?,
        (Kept::Export(lines), _) => import(lines, url)?,
    }
    let registry = open("restore", &settings)?;
    if !restore.moved {
        registry.pass_over_regional().map_err(|failure| failed("restore", &failure))?;
    }
    report(restore, &settings, &registry)
}

fn refused(what: impl std::fmt::Display) -> Exit {
    complain(&format!("restore: {what}\n"));
    Exit::Unavailable
}

fn not_read(error: &io::Error) -> Exit {
    complain(&format!("restore: {error}\n"));
    if error.kind() == io::ErrorKind::InvalidData { Exit::Found } else { Exit::Unavailable }
}

/// Lays the image down as the file of the store; it gets its name when every byte of it was authenticated.
fn lay(mut image: Box<dyn BufRead + Send>, path: &Path) -> Result<(), Exit> {
    if path.exists() {
        return Err(refused(format!("there is a store {} already; name one that is not there", path.display())));
    }
    let mut partial = Partial::begin(path).map_err(|error| not_read(&error))?;
    io::copy(&mut image, &mut partial.file).map_err(|error| not_read(&error))?;
    partial.keep(path).map_err(|error| not_read(&error))
}

/// From a SQLite file into another kind of store, by the lines of an export. The file is laid down for as long as that
/// takes, in the folder for temporary files, for its owner alone.
fn through_export(image: Box<dyn BufRead + Send>, url: &str) -> Result<(), Exit> {
    let name = format!("nayose-restore-{}.db", Clock::system().uuid());
    let path = std::env::temp_dir().join(name);
    let laid = lay(image, &path).and_then(|()| {
        let from = format!("sqlite:{}", path.display());
        // An image of an older version is brought up to date before it is read.
        drop(Store::open(&from, &Clock::system()).map_err(refused)?);
        let (reader, mut writer) = io::pipe().map_err(|error| not_read(&error))?;
        let exporting = std::thread::spawn(move || store::export(&from, &mut writer));
        let imported = import(Box::new(BufReader::new(reader)), url);
        match exporting.join() {
            Ok(Err(error)) => Err(refused(error)),
            Ok(Ok(_)) => imported,
            Err(_) => Err(Exit::Defect),
        }
    });
    for end in ["", "-lock", "-wal", "-shm"] {
        // Not all of them are there.
        let _ = std::fs::remove_file(format!("{}{end}", path.display()));
    }
    laid
}

fn import(lines: Box<dyn BufRead + Send>, url: &str) -> Result<(), Exit> {
    let wrong = |error: ExportError| {
        let exit = match &error {
            ExportError::Content { .. } => Exit::Found,
            ExportError::File(file) if file.kind() == io::ErrorKind::InvalidData => Exit::Found,
            _ => Exit::Unavailable,
        };
        complain(&format!("restore: {error}\n"));
        exit
    };
    let store = Store::open(url, &Clock::system()).map_err(|error| wrong(error.into()))?;
    store.import(lines).map(|_: Copied| ()).map_err(wrong)
}

/// What was restored, whether it holds together, and how far each sender's messages are in it.
fn report(restore: &Restore, settings: &Configuration, registry: &Registry) -> Result<Exit, Exit> {
    let findings = registry.verify().map_err(|failure| failed("restore", &failure))?;
    let broken: Vec<&Finding> = findings.iter().filter(|finding| finding.broken > 0).collect();
    let senders = registry.store().read(|tx| -> Result<Vec<SenderRow>, StoreError> { tx.senders() });
    let senders = senders.map_err(|error| failed("restore", &error.into()))?;
    let counts = registry.store().counts().map_err(|error| failed("restore", &error.into()))?;
    let zone = &settings.network.time_zone;
    if restore.store.json {
        let of_sender = |sender: &SenderRow| {
            serde_json::json!({
                "sender": sender.principal, "messages": sender.messages, "last_message": sender.last_message,
                "last_received": when(sender.last_received, zone),
            })
        };
        let of_rule = |finding: &&Finding| serde_json::json!({ "rule": finding.rule, "broken": finding.broken });
        let report = serde_json::json!({
            "records": counts.records, "persons": counts.persons, "links": counts.links,
            "broken": broken.iter().map(of_rule).collect::<Vec<_>>(),
            "senders": senders.iter().map(of_sender).collect::<Vec<_>>(),
        });
        say(&format!("{report}\n"));
    } else {
        say(&format!("restored: {} records, {} persons, {} links\n", counts.records, counts.persons, counts.links));
        for finding in &broken {
            say(&format!("BROKEN {} {}\n", finding.broken, finding.rule));
        }
        say("each sender must send again what it sent after the last message that is here:\n");
        let head = ["SENDER", "MESSAGES", "LAST RECEIVED", "LAST MESSAGE"].map(str::to_owned).to_vec();
        let of_sender = |sender: &SenderRow| {
            let last = when(sender.last_received, zone);
            vec![sender.principal.clone(), sender.messages.to_string(), last, sender.last_message.clone()]
        };
        say(&table(&std::iter::once(head).chain(senders.iter().map(of_sender)).collect::<Vec<_>>()));
    }
    Ok(if broken.is_empty() { Exit::Done } else { Exit::Found })
}
