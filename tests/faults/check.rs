//! The store against the journal: each acknowledged message once, each unknown one once or never, none by half.

use crate::database::Database;
use crate::journal::{Client, Journal, Kind, Message, State};
use std::collections::HashMap;

/// How far the checker has read; rows before it were compared already.
#[derive(Clone, Copy, Default)]
pub struct Mark {
    inbox: u64,
    versions: u64,
}

/// In the outcome of a message that was refused for what it says. No message of the journal is.
const REFUSED: &str = "\"refusal\":{";

/// A row of the journal of messages.
struct Inbox {
    row: u64,
    id: String,
    reply_id: String,
    outcome: String,
}

struct Version {
    row: u64,
    record: String,
    version: u64,
    inbox_id: String,
}

struct Record {
    id: String,
    status: String,
    survivor: String,
    version: u64,
}

/// What the store holds, as far as it was read.
struct Found {
    inbox: HashMap<String, Vec<Inbox>>,
    /// By marker.
    versions: HashMap<String, Vec<Version>>,
    /// By domain and value.
    records: HashMap<(String, String), Record>,
}

/// How many of the unknown messages were found, and up to where everything is compared.
pub struct Checked {
    pub mark: Mark,
    pub unknown: u64,
    pub present: u64,
}

/// Compares the rows after `mark` with the messages that were not checked yet, and all counts with the whole
/// journal. What is found checked is not looked at again before a check from the beginning.
pub fn check(journal: &mut Journal, database: &mut Database, mark: Mark) -> Result<Checked, String> {
    let found = Found::read(database, mark)?;
    let (mut unknown, mut present) = (0, 0);
    let mut open = Vec::new();
    for client in &journal.clients {
        for message in &client.messages[client.checked..] {
            let is_there = found.judge(client, message)?;
            if let State::Settled(_) = message.state {
                continue;
            }
            open.push(message.id.clone());
            unknown += u64::from(message.state == State::Unknown);
            present += u64::from(is_there);
        }
    }
    let known: usize = found.inbox.values().map(Vec::len).sum();
    let expected = journal.messages().filter(|message| found.inbox.contains_key(&message.id)).count();
    if known != expected {
        return Err(format!("{known} messages are in the store, of which {expected} were sent"));
    }
    counts(journal, database, &found)?;
    let next = found.mark(&open, mark);
    for client in &mut journal.clients {
        let settled = client.messages.iter().rposition(|message| matches!(message.state, State::Settled(_)));
        client.checked = settled.map_or(0, |last| last + 1);
    }
    Ok(Checked { mark: next, unknown, present })
}

/// Whether as many rows are in the store as the whole journal gives.
fn counts(journal: &Journal, database: &mut Database, found: &Found) -> Result<(), String> {
    let is_there =
        |message: &&Message| matches!(message.state, State::Settled(_)) || found.inbox.contains_key(&message.id);
    let there: Vec<&Message> = journal.messages().filter(is_there).collect();
    let adds = there.iter().filter(|message| message.kind == Kind::Add).count();
    let merges = there.iter().filter(|message| matches!(message.kind, Kind::Merge { .. })).count();
    let expected = [
        ("SELECT count(*) FROM inbox WHERE reply_id <> '' AND outcome NOT LIKE '%\"refusal\":{%'", there.len()),
        ("SELECT count(*) FROM source_record", adds),
        ("SELECT count(*) FROM source_record WHERE status = 'subsumed'", merges),
        ("SELECT count(*) FROM demographic_version", there.len() - merges),
    ];
    for (sql, expected) in expected {
        let counted = database.number(sql)?;
        if counted != expected as u64 {
            return Err(format!("{sql}: {counted}, by the senders' journals {expected}"));
        }
    }
    Ok(())
}

impl Found {
    fn read(database: &mut Database, mark: Mark) -> Result<Self, String> {
        let row = database.row();
        let mut found = Self { inbox: HashMap::new(), versions: HashMap::new(), records: HashMap::new() };
        let rows = database.column(&format!(
            "SELECT CAST({row} AS TEXT) || '|' || message_id || '|' || CAST(id AS TEXT) || '|' || reply_id || '|' || outcome \
             AS line FROM inbox WHERE reply_id <> '' AND {}",
            database.after(mark.inbox)
        ))?;
        for line in &rows {
            let [row, message, id, reply_id, outcome] = split(line)?;
            if outcome.contains(REFUSED) {
                continue;
            }
            let (row, id, reply_id) = (number(row)?, id.to_owned(), reply_id.to_owned());
            let inbox = Inbox { row, id, reply_id, outcome: outcome.to_owned() };
            found.inbox.entry(message.to_owned()).or_default().push(inbox);
        }
        let rows = database.column(&format!(
            "SELECT CAST({row} AS TEXT) || '|' || CAST(record_id AS TEXT) || '|' || CAST(version AS TEXT) || '|' || \
             coalesce(CAST(inbox_id AS TEXT), '') || '|' || content AS line FROM demographic_version WHERE {}",
            database.after(mark.versions)
        ))?;
        for line in &rows {
            let [row, record, version, inbox_id, content] = split(line)?;
            let marker = marker_in(content).ok_or("a version that no message made")?;
            let version = Version {
                row: number(row)?,
                record: record.to_owned(),
                version: number(version)?,
                inbox_id: inbox_id.to_owned(),
            };
            found.versions.entry(marker.to_owned()).or_default().push(version);
        }
        let rows = database.column(
            "SELECT domain_key || '|' || value || '|' || CAST(id AS TEXT) || '|' || status || '|' || \
             coalesce(CAST(survivor AS TEXT), '') || '|' || CAST(version AS TEXT) AS line FROM source_record",
        )?;
        for line in &rows {
            let [domain, value, id, status, survivor, version] = split(line)?;
            let (id, status, survivor) = (id.to_owned(), status.to_owned(), survivor.to_owned());
            let record = Record { id, status, survivor, version: number(version)? };
            if found.records.insert((domain.to_owned(), value.to_owned()), record).is_some() {
                return Err(format!("two records of {domain}/{value}"));
            }
        }
        Ok(found)
    }

    /// Whether `message` is in the store; an error where it must not be as it is.
    fn judge(&self, client: &Client, message: &Message) -> Result<bool, String> {
        let wrong = |what: &str| Err(format!("{what}: {:?} {} ({})", message.kind, message.id, state(&message.state)));
        let rows = self.inbox.get(&message.id).map_or(&[][..], Vec::as_slice);
        let versions = self.versions.get(&message.marker).map_or(&[][..], Vec::as_slice);
        match (&message.state, rows) {
            (_, [_, _, ..]) => return wrong("a message is there twice"),
            (State::Settled(_), []) => return wrong("an acknowledged message is lost"),
            (State::Refused, [_]) => return wrong("a message that was refused has been kept"),
            (State::Settled(said), [row]) if !said.contains(&row.reply_id) => {
                return wrong("the acknowledgement is not the one that is stored");
            }
            _ => {}
        }
        let patient = self.record_of(client, message.patient);
        let Some(row) = rows.first() else {
            let half = !versions.is_empty() || (message.kind == Kind::Add && patient.is_some());
            return if half { wrong("half of a message is there") } else { self.judge_unmerged(client, message) };
        };
        if !row.outcome.contains("\"refusal\":null") {
            return wrong("an accepted message has no such outcome");
        }
        let Some(record) = patient else { return wrong("the message is there without its record") };
        match message.kind {
            Kind::Merge { subsumed } => {
                let gone = self.record_of(client, subsumed);
                let merged = gone.is_some_and(|gone| gone.status == "subsumed" && gone.survivor == record.id);
                if merged { Ok(true) } else { wrong("a merge is there by half") }
            }
            Kind::Add | Kind::Revise => match versions {
                [one] if one.inbox_id != row.id || one.record != record.id => wrong("a version is another message's"),
                [one] if one.version > record.version => wrong("a version is not counted by its record"),
                [_] => Ok(true),
                [] => wrong("a message is there without its version"),
                _ => wrong("a message took effect twice"),
            },
        }
    }

    /// A merge that is not there has not subsumed anybody.
    fn judge_unmerged(&self, client: &Client, message: &Message) -> Result<bool, String> {
        let Kind::Merge { subsumed } = message.kind else { return Ok(false) };
        match self.record_of(client, subsumed) {
            Some(record) if record.status == "active" => Ok(false),
            _ => Err(format!("half of a merge is there: {}", message.id)),
        }
    }

    fn record_of(&self, client: &Client, patient: usize) -> Option<&Record> {
        let patient = &client.patients[patient];
        self.records.get(&(patient.record.domain.0.clone(), patient.value.clone()))
    }

    /// The place before the first row that belongs to a message of `open`: it is compared once more.
    fn mark(&self, open: &[String], before: Mark) -> Mark {
        let rows = |select: &dyn Fn(&str) -> bool| {
            let inbox: Vec<&Inbox> =
                self.inbox.iter().filter(|(id, _)| select(id)).flat_map(|(_, rows)| rows).collect();
            let versions: Vec<u64> = self
                .versions
                .values()
                .flatten()
                .filter(|version| inbox.iter().any(|row| row.id == version.inbox_id))
                .map(|version| version.row)
                .collect();
            (inbox.iter().map(|row| row.row).collect::<Vec<u64>>(), versions)
        };
        let (inbox, versions) = rows(&|id| open.iter().any(|one| one == id));
        let newest = |found: Option<u64>, before| found.unwrap_or(before);
        let all_inbox = newest(self.inbox.values().flatten().map(|row| row.row).max(), before.inbox);
        let all_versions = newest(self.versions.values().flatten().map(|version| version.row).max(), before.versions);
        Mark {
            inbox: inbox.into_iter().min().map_or(all_inbox, |row| row.saturating_sub(1)),
            versions: versions.into_iter().min().map_or(all_versions, |row| row.saturating_sub(1)),
        }
    }
}

fn state(state: &State) -> &'static str {
    match state {
        State::Refused => "refused",
        State::Unknown => "unknown",
        State::Settled(_) => "acknowledged",
    }
}

/// The marker of the message that made this version.
fn marker_in(content: &str) -> Option<&str> {
    let from = content.find("tel:0990-")? + "tel:".len();
    let rest = &content[from..];
    Some(&rest[..rest.find(|c: char| !c.is_ascii_digit() && c != '-')?])
}

fn split<const N: usize>(line: &str) -> Result<[&str; N], String> {
    let parts: Vec<&str> = line.splitn(N, '|').collect();
    parts.try_into().map_err(|_| format!("a row of another form: {line}"))
}

fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("not a number: {text}"))
}
