//! `import`: people from files into the store, by the rules of a feed.
//!
//! A line that cannot be taken must never cost another one, and no personal value stands in a report or an error: only
//! the file that was asked for holds what was refused.

mod flow;
mod guess;
mod lines;
mod preview;
mod profile;
mod rejects;
mod report;

use super::match_files::mapping::{self, Mapping};
use super::match_files::reader::Reader;
use super::show::{failed, not_started};
use super::{Environment, Exit, Logging, StoreChoice, complain, say};
use crate::access::Principal;
use crate::clock::Clock;
use crate::identity::Oid;
use crate::registry::{Failure, Load, Reached, Reason, Registry, Staged, Taken};
use crate::server;
use clap::Args;
use flow::{Seen, Source};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use lines::{Domains, Line, Lines};
use rejects::Rejects;
use report::{Invalid, Of, Report};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, sync_channel};

/// Most lines that could not be taken that a report lists; all are counted.
const MOST_COMPLAINTS: usize = 10_000;

/// `import`.
#[derive(Args, Clone)]
pub struct Import {
    /// People: .csv with a header, or .ndjson; either may be compressed (.gz)
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Which column is which field [default: columns that have our names]
    #[arg(long, value_name = "FILE")]
    pub mapping: Option<PathBuf>,
    /// The assigning authority of the identifiers, where no `source` column says it: an OID, or the key of a domain
    #[arg(long, value_name = "OID")]
    pub domain: Option<String>,
    /// Write nothing: profile the columns, guess a mapping where none is given, say what an import would come to
    #[arg(long, conflicts_with_all = ["rejects", "again"])]
    pub preview: bool,
    /// Stage the domain of --domain first: what is loaded is matched and reported, but neither answered nor told until
    /// `nayose domain state KEY live`
    #[arg(long, requires = "domain", conflicts_with = "preview")]
    pub stage: bool,
    /// Write the lines that could not be taken here, so that they can be corrected and imported
    #[arg(long, value_name = "FILE")]
    pub rejects: Option<PathBuf>,
    /// Take in again what was taken in before: what has changed since goes back to what the file says
    #[arg(long)]
    pub again: bool,
    /// How many threads read [default: as many as there are cores]
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Which store.
    #[command(flatten)]
    pub store: StoreChoice,
}

pub(super) fn run(asked: &Import, logging: Logging, environment: Environment) -> Exit {
    logging.start_quietly();
    taken(asked, environment).unwrap_or_else(|exit| exit)
}

fn taken(asked: &Import, environment: Environment) -> Result<Exit, Exit> {
    let wrong = |what: String| {
        complain(&format!("import: {what}\n"));
        Exit::Usage
    };
    let settings = asked.store.configuration(environment)?;
    if asked.preview {
        return preview::run(asked, &settings);
    }
    let plan = asked.plan().map_err(wrong)?;
    let registry = server::registry(&settings, Clock::system()).map_err(|error| not_started("import", &error))?;
    let domains = Domains::of_registry(&registry);
    let fallback = asked.domain.as_deref().map(|said| {
        domains
            .named(said)
            .ok_or_else(|| wrong(format!("--domain: there is no such domain; there are {}", domains.words())))
    });
    let fallback = fallback.transpose()?;
    let staged = match &fallback {
        Some(authority) if asked.stage => Some(stage(&registry, authority)?),
        _ => None,
    };
    let lines = Lines { registry: &registry, domains, fallback, threads: asked.threads() };
    let mut run = Run {
        asked,
        registry: &registry,
        staged,
        rejects: asked.rejects.as_deref().map(Rejects::new),
        report: Report::begin(&registry).map_err(|error| failed("import", &error))?,
    };
    for file in plan {
        run.file(&lines, file)?;
    }
    run.end()
}

/// Stages a domain that nobody was told of; gives its key.
fn stage(registry: &Registry, authority: &Oid) -> Result<String, Exit> {
    let key = registry.domains().by_oid(authority).map(|known| known.key.0.clone()).unwrap_or_default();
    let done = registry.stage(&Principal::operator(), &key).map_err(|error| failed("import", &error))?;
    match done {
        Staged::Before => Ok(key),
        Staged::Now => {
            // Other processes learn it within a second; nothing of it may be told before.
            if registry.store().has_many_writers() {
                std::thread::sleep(std::time::Duration::from_secs(2));
            }
            Ok(key)
        }
        Staged::Told | Staged::Unknown => {
            complain(&format!(
                "import: {key} has records that are told of; only a domain without records can be staged\n"
            ));
            Err(Exit::Usage)
        }
    }
}

impl Import {
    fn threads(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        self.threads.unwrap_or_else(cores).clamp(1, 256)
    }

    /// Opens all files before anything is taken in.
    fn plan(&self) -> Result<Vec<File>, String> {
        let said = self.mapping.as_deref().map(Mapping::load).transpose()?;
        let mut files: Vec<File> = Vec::new();
        for path in &self.files {
            let reader = Reader::open(path)?;
            let mapping = match (&said, reader.is_json()) {
                (Some(mapping), _) => mapping.clone(),
                (None, false) => Mapping::of_header(&reader.header).map_err(|what| reader.at(1, &what))?,
                (None, true) => {
                    Mapping::of_header(&mapping::NAMES.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())?
                }
            };
            if mapping.columns("record_id").is_empty() {
                return Err("the mapping names no record_id: which column holds the patient identifier?".to_owned());
            }
            if self.domain.is_none() && mapping.columns("source").is_empty() {
                return Err("give --domain, or map the column that names the domain of each line to source".to_owned());
            }
            if !reader.is_json()
                && let Some((name, column)) = mapping.missing(&reader.header)
            {
                let there = reader.header.join(", ");
                let what = format!("there is no column {column:?}, which the mapping calls {name}; there are {there}");
                return Err(reader.at(1, &what));
            }
            let alike = |one: &File| one.reader.header == reader.header && one.reader.is_json() == reader.is_json();
            if self.rejects.is_some() && !files.iter().all(alike) {
                return Err("--rejects takes files of one kind with the same columns".to_owned());
            }
            let digest = lines::digest(path, &mapping, self.domain.as_deref())?;
            files.push(File { path: path.clone(), reader, mapping, digest });
        }
        Ok(files)
    }
}

/// A file that is about to be taken in.
struct File {
    path: PathBuf,
    reader: Reader,
    mapping: Mapping,
    digest: String,
}

struct Run<'a> {
    asked: &'a Import,
    registry: &'a Registry,
    /// The key of the domain that is loaded to be looked at.
    staged: Option<String>,
    rejects: Option<Rejects>,
    report: Report,
}

impl Run<'_> {
    fn file(&mut self, lines: &Lines<'_>, file: File) -> Result<(), Exit> {
        let File { path, reader, mapping, digest } = file;
        let name = path.display().to_string();
        let unreadable = |error| failed("import", &error);
        let done = if self.asked.again { 0 } else { self.registry.imported(&digest).map_err(unreadable)? };
        let mut progress = Progress { digest, done, told: 0, of: Of::new(&name), bar: bar(&name) };
        let header = reader.header.clone();
        let mut whole = false;
        let mut reader = Some(reader);
        if let Some(load) = self.registry.import_load(estimate(&path)).map_err(unreadable)?
            && let Some(reader) = reader.take()
        {
            whole = reading(lines, reader, &mapping, |read| self.flow(load, read, &mut progress, &header))?;
        }
        if !whole {
            let reader = reader.map_or_else(|| Reader::open(&path), Ok).map_err(|what| {
                complain(&format!("import: {what}\n"));
                Exit::Unavailable
            })?;
            reading(lines, reader, &mapping, |read| self.apart(read, &mut progress, &header))?;
        }
        progress.bar.finish_and_clear();
        self.report.files.push(progress.of);
        Ok(())
    }

    /// Takes what is read as it comes, in transactions that grow with the store; whether all of it. Where a line fails
    /// it is found by taking the rest in small ones.
    fn flow(
        &mut self,
        mut load: Box<Load>,
        read: Receiver<Vec<Line>>,
        progress: &mut Progress,
        header: &[String],
    ) -> Result<bool, Exit> {
        let source = Source::new(read, (progress.done, progress.told), self.registry.import_size());
        loop {
            let mut first = source.portion();
            let (mut taken, mut ended) = (Vec::new(), true);
            if first.is_some() {
                let (next, bar) = (source.clone(), progress.bar.clone());
                let next = move || {
                    let portion = first.take().or_else(|| next.portion());
                    bar.inc(portion.as_ref().map_or(0, |(entries, _)| number(entries.len())));
                    portion
                };
                match self.registry.import_flow(load, &progress.digest, next) {
                    Ok(flowed) => (taken, ended, load) = (flowed.taken, flowed.ended, flowed.load),
                    Err(failure) if failure.reason() == Some(Reason::Defect) => {
                        log::error!("many lines together failed, and are taken in small portions: {failure}");
                        return Ok(false);
                    }
                    Err(failure) => return Err(failed("import", &failure)),
                }
            }
            self.tell(source.take_seen(), taken, progress, header)?;
            if ended {
                return Ok(true);
            }
        }
    }

    /// Takes what is read in portions of one transaction each.
    fn apart(&mut self, read: Receiver<Vec<Line>>, progress: &mut Progress, header: &[String]) -> Result<(), Exit> {
        let source = Source::new(read, (progress.done, progress.told), self.registry.import_size());
        while let Some((entries, line)) = source.portion() {
            let reached = Reached { file: progress.digest.clone(), line };
            progress.bar.inc(number(entries.len()));
            let taken = self.registry.import(entries, &reached).map_err(|error| failed("import", &error))?;
            self.tell(source.take_seen(), taken, progress, header)?;
        }
        self.tell(source.take_seen(), Vec::new(), progress, header)
    }

    /// Tells what became of lines whose transaction is committed.
    fn tell(
        &mut self,
        seen: Vec<Seen>,
        taken: Vec<Taken>,
        progress: &mut Progress,
        header: &[String],
    ) -> Result<(), Exit> {
        let mut taken = taken.into_iter();
        for one in seen {
            let (Seen::Before { line } | Seen::Bad { line, .. } | Seen::Entered { line, .. }) = &one;
            progress.told = number(*line);
            match one {
                Seen::Before { .. } => progress.of.before += 1,
                Seen::Bad { line, why, raw } => self.refuse((line, why, &raw), progress, header)?,
                Seen::Entered { line, raw } => match taken.next() {
                    Some(Taken::Added) => progress.of.added += 1,
                    Some(Taken::Revised) => progress.of.revised += 1,
                    Some(Taken::Unchanged) | None => progress.of.unchanged += 1,
                    Some(Taken::Refused(reason)) => {
                        self.refuse((line, said(reason).to_owned(), raw.as_bytes()), progress, header)?;
                    }
                },
            }
            progress.of.records += 1;
        }
        Ok(())
    }

    fn refuse(
        &mut self,
        (line, why, raw): (usize, String, &[u8]),
        progress: &mut Progress,
        header: &[String],
    ) -> Result<(), Exit> {
        progress.of.invalid += 1;
        let file = progress.of.file.clone();
        progress.bar.suspend(|| complain(&format!("{file}: line {line}: {why}\n")));
        self.report.refused(Invalid { file, line, why });
        match &mut self.rejects {
            Some(rejects) => rejects.keep(header, raw).map_err(|what| {
                complain(&format!("import: {what}\n"));
                Exit::Unavailable
            }),
            None => Ok(()),
        }
    }

    fn end(self) -> Result<Exit, Exit> {
        let Run { asked, registry, staged, report, .. } = self;
        let done = report.end(registry).map_err(|error: Failure| failed("import", &error))?;
        let staged = staged.map(|key| super::standing::Standing::of("import", registry, &key)).transpose()?;
        let (mut json, mut text) = (done.json(), done.text());
        if let Some(staged) = staged {
            text.push_str(&staged.text());
            if let Some(told) = json.as_object_mut() {
                told.insert("staged".to_owned(), staged.json());
            }
        }
        say(&if asked.store.json { format!("{json}\n") } else { text });
        Ok(if done.invalid() > 0 { Exit::Found } else { Exit::Done })
    }
}

struct Progress {
    /// By what the file is known again.
    digest: String,
    /// The last line that was taken in by an earlier run.
    done: u64,
    /// The last line of which this run has told what became of it.
    told: u64,
    of: Of,
    bar: ProgressBar,
}

/// About how many records a file holds, by its size.
fn estimate(path: &Path) -> u64 {
    let bytes = std::fs::metadata(path).map_or(0, |file| file.len());
    let packed = path.extension().is_some_and(|end| end.eq_ignore_ascii_case("gz"));
    bytes / if packed { 40 } else { 150 }
}

/// Reads a file on a thread of its own while `take` takes what is read.
fn reading<T>(
    lines: &Lines<'_>,
    mut reader: Reader,
    mapping: &Mapping,
    take: impl FnOnce(Receiver<Vec<Line>>) -> Result<T, Exit>,
) -> Result<T, Exit> {
    let (sender, receiver) = sync_channel(2);
    std::thread::scope(|scope| {
        let reading = scope.spawn(move || lines.read_all(&mut reader, mapping, &sender));
        let taken = take(receiver)?;
        match reading.join() {
            Ok(Ok(())) => Ok(taken),
            Ok(Err(what)) => {
                complain(&format!("import: {what}\n"));
                Err(Exit::Unavailable)
            }
            Err(_) => Err(Exit::Defect),
        }
    })
}

fn number(line: usize) -> u64 {
    u64::try_from(line).unwrap_or(u64::MAX)
}

/// Why the registry does not take a line.
fn said(reason: Reason) -> &'static str {
    match reason {
        Reason::IdentifierSubsumed => "the identifier was merged into another one",
        Reason::RegionalAsserted => "the identifier is of the regional authority, which gives its own",
        Reason::AuthorityNotGranted => "the domain is not one of this network",
        _ => "this line failed; that is a defect of nayose, see its log",
    }
}

fn bar(name: &str) -> ProgressBar {
    let target =
        if std::io::stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let style = ProgressStyle::with_template("{msg}: {pos} records ({per_sec}) {spinner}");
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(None, target).with_style(style).with_message(name.to_owned())
}

#[cfg(test)]
mod tests;
