//! `import`: people from files into the store, by the rules of a feed.
//!
//! A line that cannot be taken must never cost another one, and no personal value stands in a report or an error: only
//! the file that was asked for holds what was refused.

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
use crate::clock::Clock;
use crate::registry::{Entry, Failure, Reached, Reason, Registry, Taken};
use crate::server;
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use lines::{Domains, Line, Lines};
use rejects::Rejects;
use report::{Invalid, Of, Report};
use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::mpsc::sync_channel;

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
    let lines = Lines { registry: &registry, domains, fallback, threads: asked.threads() };
    let mut run = Run {
        asked,
        registry: &registry,
        rejects: asked.rejects.as_deref().map(Rejects::new),
        report: Report::begin(&registry).map_err(|error| failed("import", &error))?,
    };
    for file in plan {
        run.file(&lines, file)?;
    }
    run.end()
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
    rejects: Option<Rejects>,
    report: Report,
}

impl Run<'_> {
    fn file(&mut self, lines: &Lines<'_>, file: File) -> Result<(), Exit> {
        let File { path, mut reader, mapping, digest } = file;
        let name = path.display().to_string();
        let done = if self.asked.again { Ok(0) } else { self.registry.imported(&digest) };
        let mut progress = Progress {
            reached: Reached { file: digest, line: 0 },
            done: done.map_err(|error| failed("import", &error))?,
            of: Of::new(&name),
            bar: bar(&name),
        };
        let header = reader.header.clone();
        let (sender, receiver) = sync_channel(2);
        let ended = std::thread::scope(|scope| {
            let reading = scope.spawn(move || lines.read_all(&mut reader, &mapping, &sender));
            let mut ended = Ok(());
            for batch in receiver {
                ended = self.batch(batch, &mut progress, &header);
                if ended.is_err() {
                    break;
                }
            }
            (ended, reading.join())
        });
        progress.bar.finish_and_clear();
        self.report.files.push(progress.of);
        match ended {
            (Err(exit), _) => Err(exit),
            (Ok(()), Ok(Ok(()))) => Ok(()),
            (Ok(()), Ok(Err(what))) => {
                complain(&format!("import: {what}\n"));
                Err(Exit::Unavailable)
            }
            (Ok(()), Err(_)) => Err(Exit::Defect),
        }
    }

    /// Takes what was read and prepared together, in portions of one transaction each.
    fn batch(&mut self, batch: Vec<Line>, progress: &mut Progress, header: &[String]) -> Result<(), Exit> {
        let mut portion: Vec<(usize, Entry, String)> = Vec::new();
        for line in batch {
            progress.of.records += 1;
            match line {
                Line::Bad { line, why, raw } => self.refuse((line, why, &raw), progress, header)?,
                Line::Good { line, .. } if number(line) <= progress.done => progress.of.before += 1,
                Line::Good { line, entry, raw } => portion.push((line, *entry, raw)),
            }
            if portion.len() == self.registry.import_size() {
                self.portion(std::mem::take(&mut portion), progress, header)?;
            }
        }
        self.portion(portion, progress, header)
    }

    fn portion(
        &mut self,
        portion: Vec<(usize, Entry, String)>,
        progress: &mut Progress,
        header: &[String],
    ) -> Result<(), Exit> {
        let Some((last, _, _)) = portion.last() else { return Ok(()) };
        progress.reached.line = number(*last);
        let mut places = Vec::with_capacity(portion.len());
        let mut entries = Vec::with_capacity(portion.len());
        for (line, entry, raw) in portion {
            places.push((line, raw));
            entries.push(entry);
        }
        let taken = self.registry.import(entries, &progress.reached).map_err(|error| failed("import", &error))?;
        for (taken, (line, raw)) in taken.into_iter().zip(places) {
            match taken {
                Taken::Added => progress.of.added += 1,
                Taken::Revised => progress.of.revised += 1,
                Taken::Unchanged => progress.of.unchanged += 1,
                Taken::Refused(reason) => {
                    self.refuse((line, said(reason).to_owned(), raw.as_bytes()), progress, header)?;
                }
            }
            progress.bar.inc(1);
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
        let Run { asked, registry, report, .. } = self;
        let done = report.end(registry).map_err(|error: Failure| failed("import", &error))?;
        say(&if asked.store.json { format!("{}\n", done.json()) } else { done.text() });
        Ok(if done.invalid() > 0 { Exit::Found } else { Exit::Done })
    }
}

struct Progress {
    reached: Reached,
    /// What was done before.
    done: u64,
    of: Of,
    bar: ProgressBar,
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
