//! `import --preview`: what stands in the files, what an import would come to, and nothing written anywhere.
//!
//! No value of a patient is shown: only names of columns, counts, and the forms in which values are written.

use super::guess;
use super::lines::{Domains, Named};
use super::profile::{Column, share};
use super::{Import, MOST_COMPLAINTS};
use crate::command_line::match_files::input::Row;
use crate::command_line::match_files::mapping::{self, Layout, Mapping};
use crate::command_line::match_files::people::{Cells, Person, all, demographics, person};
use crate::command_line::match_files::reader::{Reader, Record, cells};
use crate::command_line::show::{failed, not_started, table};
use crate::command_line::{Exit, complain, say};
use crate::config::Configuration;
use crate::identity::{DomainKey, Oid};
use crate::matching::ComparisonRecord;
use crate::matching::files::{Decision, Matcher, Options, Outcome, Table};
use crate::registry::{Fate, Moment, Rule};
use crate::server;
use crate::store::View;
use serde_json::{Map, Value, json};
use std::borrow::Cow;

/// Records that a thread looks at together.
const BATCH: usize = 2048;
/// Records from which a mapping is guessed.
const GUESSED_FROM: usize = 5_000;
/// The bounds whose effect is shown.
const BOUNDS: [f64; 7] = [4.0, 6.0, 8.0, 10.0, 12.0, 15.0, 20.0];

/// What is known before a line is looked at.
struct Scene {
    mapping: Mapping,
    guessed: Option<String>,
    domains: Domains,
    fallback: Option<Oid>,
    rule: Rule,
    /// What the store holds, where there is one.
    store: Option<Moment>,
    threads: usize,
}

/// What was seen.
struct Seen {
    columns: Vec<Column>,
    table: Table,
    records: u64,
    invalid: Vec<(String, usize, String)>,
    invalid_count: u64,
    /// Linked to somebody in the store, asked about, nobody's.
    fates: [u64; 3],
    known: u64,
}

/// What one line comes to.
struct Looked {
    line: usize,
    cells: Vec<(String, String)>,
    outcome: Result<(Person, Named, Fate), String>,
}

pub fn run(asked: &Import, settings: &Configuration) -> Result<Exit, Exit> {
    let wrong = |what: String| {
        complain(&format!("import: {what}\n"));
        Exit::Usage
    };
    let (scene, mut view) = scene(asked, settings)?;
    let mut seen = Seen {
        columns: Vec::new(),
        table: Table::new(scene.mapping.further()),
        records: 0,
        invalid: Vec::new(),
        invalid_count: 0,
        fates: [0; 3],
        known: 0,
    };
    for (number, path) in asked.files.iter().enumerate() {
        let mut reader = Reader::open(path).map_err(wrong)?;
        let file = u16::try_from(number).unwrap_or(u16::MAX);
        let name = path.display().to_string();
        scene.look(&mut reader, (file, &name), view.as_mut(), &mut seen).map_err(wrong)?;
    }
    let table = std::mem::take(&mut seen.table);
    let options = Options { threads: scene.threads, ..Options::default() };
    let matched = Matcher::new(table, scene.rule.model.clone(), options).map(|mut matcher| {
        matcher.score();
        matcher.decide()
    });
    let told = Told { scene: &scene, seen: &seen, matched: matched.as_ref() };
    say(&if asked.store.json { format!("{}\n", told.json()) } else { told.text() });
    Ok(if seen.invalid_count > 0 { Exit::Found } else { Exit::Done })
}

fn scene(asked: &Import, settings: &Configuration) -> Result<(Scene, Option<View>), Exit> {
    let wrong = |what: String| {
        complain(&format!("import: {what}\n"));
        Exit::Usage
    };
    let rules = server::rules_of(settings).map_err(|error| not_started("import", &error))?;
    let (mapping, guessed) = match &asked.mapping {
        Some(path) => (Mapping::load(path).map_err(wrong)?, None),
        None => {
            let text = guessed(asked).map_err(wrong)?;
            let mapping = Mapping::parse(&text).map_err(|what| {
                wrong(format!("no mapping can be guessed ({what}); say with --mapping which column is which"))
            })?;
            (mapping, Some(text))
        }
    };
    let domains = Domains::of(
        rules
            .domains
            .iter()
            .map(|one| (one.key.0.clone(), one.oid.clone(), one.namespace.clone(), one.facility.clone())),
    );
    let fallback = asked.domain.as_deref().map(|said| {
        let unknown = || wrong(format!("--domain: there is no such domain; there are {}", domains.words()));
        domains.named(said).ok_or_else(unknown)
    });
    let unreadable = |error: crate::registry::Failure| failed("import", &error);
    let (view, store) = match settings.store.url.strip_prefix("sqlite:") {
        Some(path) if !std::path::Path::new(path).exists() => (None, None),
        _ => {
            let mut view = View::of(&settings.store.url).map_err(|error| unreadable(error.into()))?;
            let moment = Moment::of(&mut view, &rules.model).map_err(unreadable)?;
            (Some(view), Some(moment))
        }
    };
    let model = store.as_ref().map_or_else(|| rules.model.clone(), |moment| moment.model().clone());
    let rule = Rule { model, linking: rules.linking };
    let scene =
        Scene { mapping, guessed, fallback: fallback.transpose()?, domains, rule, store, threads: asked.threads() };
    Ok((scene, view))
}

/// A mapping from the first records of the first file.
fn guessed(asked: &Import) -> Result<String, String> {
    let Some(path) = asked.files.first() else { return Err("no file is named".to_owned()) };
    let mut reader = Reader::open(path)?;
    let mut columns = Vec::new();
    let header = reader.header.clone();
    for _ in 0..GUESSED_FROM {
        let Some(record) = reader.record()? else { break };
        if let Ok(text) = record.read
            && let Ok(cells) = by_name(&text, &header, reader.is_json())
        {
            take(&mut columns, &cells);
        }
    }
    Ok(guess::to_toml(&guess::guess(&columns)))
}

/// The cells of a record with the names of their columns.
fn by_name(text: &str, header: &[String], json: bool) -> Result<Vec<(String, String)>, String> {
    if json {
        let value: Map<String, Value> =
            serde_json::from_str(text).map_err(|error| format!("column {}: not a JSON object", error.column()))?;
        let column = |name: &String| mapping::Column { name: name.clone(), place: None };
        return Ok(value.keys().map(|name| (name.clone(), all(&value, &column(name)))).collect());
    }
    let mut row = Vec::new();
    cells(text, &mut row)?;
    if row.len() != header.len() {
        return Err(format!("has {} columns, the header {}", row.len(), header.len()));
    }
    Ok(header.iter().cloned().zip(row.into_iter().map(Cow::into_owned)).collect())
}

/// Adds cells to the profile; a column that is new gets its place.
fn take(columns: &mut Vec<Column>, cells: &[(String, String)]) {
    for (at, (name, cell)) in cells.iter().enumerate() {
        let place = match columns.get(at) {
            Some(column) if column.name == *name => at,
            _ => columns.iter().position(|column| column.name == *name).unwrap_or_else(|| {
                columns.push(Column::new(name));
                columns.len() - 1
            }),
        };
        if let Some(column) = columns.get_mut(place) {
            column.take(cell);
        }
    }
}

impl Scene {
    fn look(
        &self,
        reader: &mut Reader,
        (file, name): (u16, &str),
        mut view: Option<&mut View>,
        seen: &mut Seen,
    ) -> Result<(), String> {
        if !reader.is_json()
            && let Some((field, column)) = self.mapping.missing(&reader.header)
        {
            return Err(reader.at(1, &format!("there is no column {column:?}, which the mapping calls {field}")));
        }
        let (header, json) = (reader.header.clone(), reader.is_json());
        let layout = Layout::of(&self.mapping, &header);
        loop {
            let mut records = Vec::with_capacity(BATCH * self.threads);
            while records.len() < BATCH * self.threads {
                match reader.record()? {
                    Some(record) => records.push(record),
                    None => break,
                }
            }
            if records.is_empty() {
                return Ok(());
            }
            let size = records.len().div_ceil(self.threads).max(1);
            let (header, layout) = (&header, &layout);
            let looked: Vec<Looked> = std::thread::scope(|scope| {
                let work = move |some: &[Record]| -> Vec<Looked> {
                    some.iter().map(|record| self.looked(record, file, (header, layout, json))).collect()
                };
                let running: Vec<_> = records.chunks(size).map(|some| scope.spawn(move || work(some))).collect();
                running.into_iter().filter_map(|thread| thread.join().ok()).flatten().collect()
            });
            take_all(looked, name, view.as_deref_mut(), seen).map_err(|error| error.to_string())?;
        }
    }

    fn looked(&self, record: &Record, file: u16, (header, layout, json): (&[String], &Layout, bool)) -> Looked {
        let line = record.line;
        let mut looked = Looked { line, cells: Vec::new(), outcome: Err(String::new()) };
        let text = match &record.read {
            Ok(text) => text,
            Err(bad) => {
                looked.outcome = Err(bad.why.clone());
                return looked;
            }
        };
        match by_name(text, header, json) {
            Err(why) => looked.outcome = Err(why),
            Ok(named) => {
                looked.outcome = if json {
                    let value: Map<String, Value> =
                        named.iter().map(|(name, cell)| (name.clone(), Value::String(cell.clone()))).collect();
                    self.of(layout, &value, (file, line))
                } else {
                    let row: Vec<Cow<'_, str>> = named.iter().map(|(_, cell)| Cow::Borrowed(cell.as_str())).collect();
                    self.of(layout, &Row(&row), (file, line))
                };
                looked.cells = named;
            }
        }
        looked
    }

    /// What a line with these cells comes to.
    fn of(
        &self,
        layout: &Layout,
        cells: &impl Cells,
        (file, line): (u16, usize),
    ) -> Result<(Person, Named, Fate), String> {
        let named = self.domains.identifier(layout, self.fallback.as_ref(), cells)?;
        let tradition = self.rule.model.tradition();
        let said = demographics(layout, tradition, cells)?;
        let fate =
            self.store.as_ref().map_or(Fate::Alone, |moment| moment.fate(&ComparisonRecord::of(&said), &self.rule));
        Ok((person(layout, tradition, cells, file, line), named, fate))
    }
}

fn take_all(
    looked: Vec<Looked>,
    name: &str,
    view: Option<&mut View>,
    seen: &mut Seen,
) -> Result<(), crate::registry::Failure> {
    let mut named = Vec::new();
    for one in looked {
        seen.records += 1;
        take(&mut seen.columns, &one.cells);
        match one.outcome {
            Err(why) => {
                seen.invalid_count += 1;
                if seen.invalid.len() < MOST_COMPLAINTS {
                    seen.invalid.push((name.to_owned(), one.line, why));
                }
            }
            Ok((person, identifier, fate)) => {
                seen.table.add(&person.record);
                let [linked, review, alone] = &mut seen.fates;
                *match fate {
                    Fate::Linked(_) => linked,
                    Fate::Review(_) => review,
                    Fate::Alone => alone,
                } += 1;
                named.push((DomainKey(identifier.key), identifier.value));
            }
        }
    }
    if let Some(view) = view {
        seen.known += Moment::known(view, &named)?;
    }
    Ok(())
}

struct Told<'a> {
    scene: &'a Scene,
    seen: &'a Seen,
    matched: Option<&'a Outcome>,
}

impl Told<'_> {
    /// What a column is taken for.
    fn field(&self, column: &Column) -> Option<&'static str> {
        let names = crate::command_line::match_files::mapping::NAMES;
        names.iter().copied().find(|name| self.scene.mapping.columns(name).contains(&column.name))
    }

    /// The model that fits the names, and the shares of names in kanji or kana and in Latin letters.
    fn suggested(&self) -> (&'static str, f64, f64) {
        let names = ["family", "given", "family_kana", "given_kana", "full_name"];
        let columns = self.seen.columns.iter().filter(|column| self.field(column).is_some_and(|f| names.contains(&f)));
        let (mut eastern, mut latin) = (0, 0);
        for [kanji, kana, letters] in columns.map(Column::scripts) {
            eastern += kanji + kana;
            latin += letters;
        }
        let all = eastern + latin;
        (if eastern >= latin && all > 0 { "japanese" } else { "western" }, share(eastern, all), share(latin, all))
    }

    /// Persons, pairs that are matches, and pairs that a steward would be asked about.
    fn within(&self) -> (u64, u64, u64) {
        let Some(outcome) = self.matched else { return (0, 0, 0) };
        let count = |decision| outcome.pairs.iter().filter(|pair| pair.decision == decision).count();
        let number = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        (number(outcome.clusters.persons), number(count(Decision::Match)), number(count(Decision::Possible)))
    }

    fn bounds(&self) -> Vec<(f64, usize)> {
        let pairs = self.matched.map_or(&[][..], |outcome| outcome.pairs.as_slice());
        BOUNDS.iter().map(|bits| (*bits, pairs.iter().filter(|pair| pair.bits >= *bits).count())).collect()
    }

    fn json(&self) -> Value {
        let seen = self.seen;
        let (suggested, eastern, latin) = self.suggested();
        let (persons, matches, possible) = self.within();
        let valid = seen.records - seen.invalid_count;
        let settings = self.scene.rule.model.settings();
        let [links, reviews, new] = seen.fates;
        json!({
            "records": seen.records,
            "invalid": seen.invalid_count,
            "invalid_lines": seen.invalid.iter()
                .map(|(file, line, why)| json!({ "file": file, "line": line, "reason": why }))
                .collect::<Vec<_>>(),
            "columns": seen.columns.iter().map(|column| column.json(self.field(column))).collect::<Vec<_>>(),
            "mapping": self.scene.guessed,
            "model": {
                "in_force": self.scene.rule.model.version(), "suggested": suggested,
                "names_japanese": eastern, "names_latin": latin,
            },
            "within": {
                "persons": persons, "duplicates": valid.saturating_sub(persons), "matches": matches,
                "possible_matches": possible,
            },
            "store": self.scene.store.as_ref().map(|moment| json!({
                "records": moment.records(), "known": seen.known, "links": links, "reviews": reviews, "new": new,
            })),
            "thresholds": {
                "automatic_bits": settings.automatic_bits, "review_bits": settings.review_bits,
                "pairs_from": self.bounds().iter()
                    .map(|(bits, pairs)| json!({ "bits": bits, "pairs": pairs }))
                    .collect::<Vec<_>>(),
            },
        })
    }

    fn text(&self) -> String {
        let seen = self.seen;
        let mut rows = vec![["column", "field", "filled", "distinct", ""].map(str::to_owned).to_vec()];
        rows.extend(seen.columns.iter().map(|column| column.row(self.field(column))));
        let mut text = table(&rows);
        if let Some(mapping) = &self.scene.guessed {
            text.push_str(&format!(
                "\na mapping guessed from the columns; look at it, and give it with --mapping:\n{mapping}"
            ));
        }
        let (suggested, eastern, latin) = self.suggested();
        let (persons, matches, possible) = self.within();
        let valid = seen.records - seen.invalid_count;
        let settings = self.scene.rule.model.settings();
        text.push_str(&format!(
            "\nmodel: {} in force; {suggested} fits the names ({:.1} % in kanji or kana, {:.1} % in Latin letters)\n\
             {} records, {} invalid\nwithin: {persons} persons, so {} duplicates; {matches} pairs match, {possible} are for \
             a steward\n",
            self.scene.rule.model.version(),
            eastern * 100.0,
            latin * 100.0,
            seen.records,
            seen.invalid_count,
            valid.saturating_sub(persons),
        ));
        let [links, reviews, new] = seen.fates;
        text.push_str(&match &self.scene.store {
            None => "store: not there yet\n".to_owned(),
            Some(moment) => format!(
                "store: holds {} records; {} of these identifiers are known; by what is said {links} link to somebody \
                 there, {reviews} are for a steward, {new} are new\n",
                moment.records(),
                seen.known
            ),
        });
        let bounds: Vec<String> = self.bounds().iter().map(|(bits, pairs)| format!("{bits}: {pairs}")).collect();
        text.push_str(&format!(
            "pairs within by the least weight in bits (automatic from {}, review from {}): {}\n",
            settings.automatic_bits,
            settings.review_bits,
            bounds.join(", ")
        ));
        for (file, line, why) in &seen.invalid {
            text.push_str(&format!("{file}: line {line}: {why}\n"));
        }
        text
    }
}
