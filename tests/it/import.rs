//! People from files into the store: the same as if each had been fed, whatever is bad in the file, however often it is
//! run and wherever it is killed.

use crate::care::{ends, nayose};
use crate::histories::Dice;
use crate::people::{said, seed};
use crate::replay::{assert_same, journal, rebuilt, snapshot};
use crate::support::*;
use crate::wire::configuration;
use nayose::clock::Clock;
use nayose::registry::{FeedCommand, Reached, Registry, Taken};
use nayose::store::testing::Place;
use nayose::store::{View, export};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

fn exported(url: &str) -> String {
    let mut lines = Vec::new();
    export(url, &mut lines).unwrap();
    String::from_utf8(lines).unwrap()
}

/// Which columns of each table tell what happened, whoever said it and when; `r`, `p` and `o` are keys of a record, a
/// person and another record.
const STORY: [(&str, &[(usize, char)]); 10] = [
    ("source_record", &[(1, 'r'), (3, ' '), (4, ' '), (6, ' '), (7, 'r'), (8, ' ')]),
    ("demographic_version", &[(1, 'r'), (2, ' '), (6, ' ')]),
    ("comparison_row", &[(1, 'r'), (2, ' '), (3, 'p')]),
    ("blocking_key", &[(1, ' '), (2, 'r')]),
    ("search_token", &[(1, ' '), (2, ' '), (3, 'r')]),
    ("person", &[(1, 'p'), (2, ' '), (3, 'p')]),
    ("link", &[(2, 'r'), (3, 'p'), (4, ' '), (6, ' '), (7, ' '), (8, ' ')]),
    ("review", &[(2, ' '), (3, 'r'), (4, 'r'), (5, 'p'), (6, ' '), (8, ' '), (10, ' ')]),
    ("event", &[(4, ' '), (5, 'r'), (6, 'p')]),
    ("outbox", &[(4, ' '), (5, 'p'), (7, ' ')]),
];

/// All that came of what was said, with keys by their order, so that two stores can be compared.
pub fn came_of_it(url: &str) -> Vec<String> {
    let lines: Vec<Value> = exported(url).lines().skip(1).map(|line| serde_json::from_str(line).unwrap()).collect();
    let rows = |table: &str| lines.iter().filter(|line| line[0] == table).cloned().collect::<Vec<_>>();
    let numbered = |table: &str| -> BTreeMap<i64, usize> {
        let mut keys: Vec<i64> = rows(table).iter().map(|row| row[1].as_i64().unwrap()).collect();
        keys.sort_unstable();
        keys.into_iter().zip(0..).collect()
    };
    let (records, persons) = (numbered("source_record"), numbered("person"));
    let mut story = Vec::new();
    for (table, columns) in STORY {
        let told = |row: &Value| {
            let cell = |(at, kind): &(usize, char)| match (kind, row[*at].as_i64()) {
                ('r', Some(key)) => format!("r{}", records[&key]),
                ('p', Some(key)) => format!("p{}", persons[&key]),
                _ => row[*at].to_string(),
            };
            format!("{table} {}", columns.iter().map(cell).collect::<Vec<_>>().join(" "))
        };
        let mut told: Vec<String> = rows(table).iter().map(told).collect();
        if !["event", "outbox", "link"].contains(&table) {
            told.sort();
        }
        story.extend(told);
    }
    story
}

pub fn assert_alike(one: &str, other: &str, what: &str) {
    let (left, right) = (came_of_it(one), came_of_it(other));
    let differs = left.iter().zip(&right).find(|(left, right)| left != right);
    assert!(left == right, "{what}: {} and {} rows, first {differs:?}", left.len(), right.len());
}

/// Few people who are easily taken for each other, told again and again.
pub fn told(dice: &mut Dice, seed: u64) -> (&'static str, String, Said) {
    let domain = ["h01", "h02", "c01"][dice.below(3) as usize];
    let known = match dice.below(6) {
        0 => hanako(),
        1 => hanako_at_the_clinic(),
        2 => her_sister(),
        3 => her_twin(),
        _ => said(seed % 4, dice.below(12), dice.below(8) as usize),
    };
    let known = if dice.below(4) == 0 { Said { phone: "tel:0990-00-0000", ..known } } else { known };
    (domain, (dice.below(40) + 1).to_string(), known)
}

fn command(domain: &str, value: &str, said: &Said) -> FeedCommand {
    let demographics = demographics(said);
    FeedCommand { identifiers: vec![id(domain, value)], other_identifiers: Vec::new(), demographics }
}

/// Takes `told` in, in portions of random size.
fn import_all(registry: &Registry, told: &[(&str, String, Said)], dice: &mut Dice) -> Vec<Taken> {
    let (mut all, mut rest) = (Vec::new(), told);
    while !rest.is_empty() {
        let (portion, others) = rest.split_at((dice.below(30) as usize + 1).min(rest.len()));
        rest = others;
        let entry = |(domain, value, said): &(&str, String, Said)| {
            registry.entry(id(domain, value), demographics(said)).unwrap()
        };
        let reached = Reached { file: "f".to_owned(), line: (told.len() - rest.len()) as u64 };
        all.extend(registry.import(portion.iter().map(entry).collect(), &reached).unwrap());
    }
    all
}

/// Takes `told` in as it comes, in transactions that end wherever the dice say; what decisions read is kept in memory.
fn flow_all(registry: &Registry, told: &[(&str, String, Said)], dice: &mut Dice) -> Vec<Taken> {
    let mut load = registry.import_load(u64::MAX).unwrap().unwrap();
    let (mut all, mut at) = (Vec::new(), 0);
    while at < told.len() {
        let mut portions = std::collections::VecDeque::new();
        for _ in 0..=dice.below(4) {
            let end = (at + dice.below(20) as usize + 1).min(told.len());
            let entry = |(domain, value, said): &(&str, String, Said)| {
                registry.entry(id(domain, value), demographics(said)).unwrap()
            };
            if at < end {
                portions.push_back((told[at..end].iter().map(entry).collect::<Vec<_>>(), end as u64));
            }
            at = end;
        }
        let portions = Arc::new(Mutex::new(portions));
        let mut ended = false;
        while !ended {
            let next = Arc::clone(&portions);
            let flowed = registry.import_flow(load, "f", move || next.lock().unwrap().pop_front()).unwrap();
            all.extend(flowed.taken);
            (load, ended) = (flowed.load, flowed.ended);
        }
    }
    all
}

#[test]
fn what_is_kept_in_memory_decides_as_the_store_would() {
    let seed = seed();
    for round in 0..3 {
        let (place, other) = (Place::sqlite().unwrap(), Place::sqlite().unwrap());
        let (flowing, apart) = (
            registry(&place.open(&Clock::system()).unwrap(), settings()),
            registry(&other.open(&Clock::system()).unwrap(), settings()),
        );
        let mut dice = Dice::new(seed + round);
        let told: Vec<_> = (0..120).map(|_| told(&mut dice, seed)).collect();
        // What is there before is read into memory.
        let (before, told) = told.split_at(dice.below(40) as usize);
        import_all(&flowing, before, &mut dice);
        import_all(&apart, before, &mut dice);
        let taken = flow_all(&flowing, told, &mut dice);
        assert_eq!(taken, import_all(&apart, told, &mut dice), "seed {seed}, round {round}");
        assert_alike(&place.url, &other.url, &format!("seed {seed}, round {round}"));
        assert!(flowing.verify().unwrap().iter().all(|finding| finding.broken == 0), "seed {seed}, round {round}");
        // And goes on as ever.
        feed(&flowing, "h01", "goes on", &hanako());
    }
}

#[test]
fn many_at_once_come_to_what_one_by_one_would() {
    let seed = seed();
    for place in places() {
        let other = if place.url.starts_with("sqlite:") { Place::sqlite() } else { Ok(Place::postgres().unwrap()) };
        let other = other.unwrap();
        let (together, apart) = (
            registry(&place.open(&Clock::system()).unwrap(), settings()),
            registry(&other.open(&Clock::system()).unwrap(), settings()),
        );
        let mut dice = Dice::new(seed);
        let told: Vec<_> = (0..150).map(|_| told(&mut dice, seed)).collect();
        let taken = import_all(&together, &told, &mut dice);
        for (domain, value, said) in &told {
            let message = Clock::system().uuid().to_string();
            apart.feed(&intake(&message, &message), command(domain, value, said)).unwrap();
        }
        assert_alike(&place.url, &other.url, &format!("seed {seed}, {}", place.url));
        let count = |what| taken.iter().filter(|taken| **taken == what).count();
        assert!(count(Taken::Added) > 50 && count(Taken::Revised) > 10, "seed {seed}: {taken:?}");
        assert_eq!(together.imported("f").unwrap(), 150);
        assert!(together.verify().unwrap().iter().all(|finding| finding.broken == 0), "seed {seed}");
        let before = exported(&place.url);
        assert!(import_all(&together, &told[149..], &mut dice).iter().all(|taken| *taken == Taken::Unchanged));
        let of_patients = |text: &str| text.lines().filter(|line| !line.contains("regional_block")).count();
        assert_eq!(of_patients(&before), of_patients(&exported(&place.url)), "what is known leaves no trace");
    }
}

#[test]
fn an_import_is_done_again_from_the_journal() {
    let seed = seed();
    for live in places() {
        let mut dice = Dice::new(seed);
        let first = registry(&live.open(&Clock::system()).unwrap(), settings());
        let kept = snapshot(&live.url);
        let told: Vec<_> = (0..80).map(|_| told(&mut dice, seed)).collect();
        import_all(&first, &told, &mut dice);
        assert!(journal(&live.url).iter().filter(|row| row.transaction_name == "import").count() > 40);
        let (again, replayed) = rebuilt(&live, kept, &Default::default(), settings());
        assert!(replayed.as_ref().is_ok_and(|told| told.done > 40), "seed {seed}, {}: {replayed:?}", live.url);
        assert_same(&live, &again, &format!("seed {seed}"));
        let second = registry(&again.open(&Clock::system()).unwrap(), settings());
        assert!(second.imported("f").unwrap() > 40, "how far the file was taken in is known again");
    }
}

const HEADER: &str = "no,facility,sei,mei,sei_kana,mei_kana,gender,born,zip,city,tel\n";
const MAPPING: &str = "[columns]\nrecord_id = \"no\"\nsource = \"facility\"\nfamily = \"sei\"\ngiven = \"mei\"\n\
                       family_kana = \"sei_kana\"\ngiven_kana = \"mei_kana\"\nsex = \"gender\"\nbirth_date = \"born\"\n\
                       postal_code = \"zip\"\ncity = \"city\"\nphone = [\"tel\"]\n";

pub fn line(facility: &str, value: &str, said: &Said) -> String {
    let sex = if said.sex == nayose::identity::Sex::Female { "女" } else { "男" };
    format!(
        "{value},{facility},{},{},{},{},{sex},{},{},{},{}\n",
        said.kanji.0,
        said.kanji.1,
        said.kana.0,
        said.kana.1,
        said.birth,
        said.town.0,
        said.town.1,
        said.phone.trim_start_matches("tel:")
    )
}

/// A folder with a configuration over the store at `url`, a mapping, and the file `people.csv`.
pub fn folder(url: &str, people: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("nayose.toml"), configuration(url)).unwrap();
    std::fs::write(folder.path().join("mapping.toml"), MAPPING).unwrap();
    std::fs::write(folder.path().join("people.csv"), format!("{HEADER}{people}")).unwrap();
    folder
}

#[test]
fn what_is_bad_in_a_file_is_told_by_its_line_and_costs_nothing_else() {
    for place in places() {
        let mut people = String::new();
        people.push_str(&line("h01", "1", &hanako()));
        people.push_str(&line("2.999.1.21", "2", &hanako_at_the_clinic()));
        people.push_str("3,h01,zq\"letter,x,,,,19800101,,,\n");
        people.push_str("4,h01,\"zq open,x,,,,19800101,,,\n");
        people.push_str(&line("H02", "5", &her_sister()));
        people.push_str("6,h01,zqfew\n");
        people.push_str("7,nowhere,zqname,x,,,,19800101,,,\n");
        people.push_str("8,h01,zqname,x,,,,19801345,,,\n");
        people.push_str("9,h01,zqname,x,,,,soon,,,\n");
        people.push_str(",h01,zqname,x,,,,19800101,,,\n");
        people.push_str("11,h01,,,,,,,,,\n");
        people.push_str("12,h01,\"two\nlines\",x,,,,19500101,,,\n");
        people.push_str(&line("h02", "13", &her_twin()));
        let folder = folder(&place.url, &people);
        let words = ["import", "people.csv", "--mapping", "mapping.toml", "--rejects", "bad.csv", "--json"];
        let told = ends(folder.path(), &words, 1);
        let report: Value = serde_json::from_str(told.lines().find(|line| line.starts_with('{')).unwrap()).unwrap();
        let lines: Vec<u64> =
            report["invalid_lines"].as_array().unwrap().iter().map(|one| one["line"].as_u64().unwrap()).collect();
        assert_eq!(lines, [5, 7, 8, 9, 10, 11, 12], "{told}");
        assert_eq!((&report["added"], &report["invalid"], &report["records"]), (&6.into(), &7.into(), &13.into()));
        assert!(!told.contains("zq"), "no value of a patient: {told}");
        let rejects = std::fs::read_to_string(folder.path().join("bad.csv")).unwrap();
        assert!(rejects.starts_with(HEADER) && rejects.contains("9,h01,zqname,x,,,,soon,,,\n"), "{rejects}");
        assert_eq!(rejects.lines().count(), 8);
        let registry = registry(&place.open(&Clock::system()).unwrap(), settings());
        assert_eq!(others(&registry, "h01", "1").len(), 2, "the clinic's record is hers, and a regional ID");
        drop(registry);
        let before = exported(&place.url);
        ends(folder.path(), &words, 1);
        assert_eq!(before, exported(&place.url), "the same file again changes nothing");
    }
}

#[test]
fn what_is_asked_wrongly_is_said_before_anything_is_taken() {
    let place = Place::sqlite().unwrap();
    let folder = folder(&place.url, &line("h01", "1", &hanako()));
    let check = |words: &[&str], expect: &str| {
        let told = ends(folder.path(), &[&["import"][..], words].concat(), 2);
        assert!(told.contains(expect), "{told}");
    };
    check(&["people.csv"], "no column has a name of ours");
    check(&["people.txt"], "give a .csv");
    std::fs::write(folder.path().join("m.toml"), "[columns]\nfamily = \"sei\"\n").unwrap();
    check(&["people.csv", "--mapping", "m.toml"], "record_id");
    std::fs::write(folder.path().join("m.toml"), "[columns]\nfamily = \"sei\"\nrecord_id = \"no\"\n").unwrap();
    check(&["people.csv", "--mapping", "m.toml"], "give --domain");
    check(&["people.csv", "--mapping", "m.toml", "--domain", "2.999.9"], "2.999.1.11 (h01)");
    let words = ["import", "people.csv", "--mapping", "m.toml", "--domain", "2.999.1.12"];
    assert!(ends(folder.path(), &words, 0).contains("1 records: 1 added"));
    // A value that an earlier line of another file gave.
    std::fs::write(folder.path().join("p.ndjson"), "{\"no\":1,\"sei\":\"齋藤\"}\n\n{\"no\":[2]}\nno\n").unwrap();
    let words = ["import", "p.ndjson", "--mapping", "m.toml", "--domain", "h02", "--json"];
    let told = ends(folder.path(), &words, 1);
    assert!(told.contains("\"unchanged\":1") && told.contains("line 3: says neither"), "{told}");
    assert!(told.contains("line 4: column 2: not a JSON object"), "{told}");
}

#[test]
fn a_run_that_was_killed_goes_on_where_it_was() {
    let seed = seed();
    let mut people = String::new();
    for number in 0..1_200 {
        // The same identifier is told again later, and differently: the order counts.
        let facility = ["h01", "h02", "c01"][number as usize % 3];
        let person = said(seed % 97, number / 3, number as usize % 8);
        people.push_str(&line(facility, &(number % 1_100).to_string(), &person));
    }
    let (whole, killed) = (Place::sqlite().unwrap(), Place::sqlite().unwrap());
    let words = ["import", "people.csv", "--mapping", "mapping.toml"];
    ends(folder(&whole.url, &people).path(), &words, 0);
    let folder = folder(&killed.url, &people);
    let mut kills = 0;
    loop {
        let before = committed(&killed.url);
        let mut child = Command::new(env!("CARGO_BIN_EXE_nayose"))
            .args(words)
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let ended = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break Some(status);
            }
            if committed(&killed.url) != before {
                break None;
            }
            std::thread::yield_now();
        };
        if let Some(status) = ended {
            assert_eq!(status.code(), Some(0));
            break;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
    }
    assert!(kills > 0, "it was too quick to be killed");
    println!("killed {kills} times");
    assert_alike(&whole.url, &killed.url, &format!("seed {seed}"));
}

/// How many records are there, if that can be read now.
fn committed(url: &str) -> i64 {
    View::of(url).and_then(|mut view| view.read(|tx| tx.records_count())).unwrap_or_default()
}

#[test]
fn files_of_every_kind_are_taken() {
    let place = Place::sqlite().unwrap();
    let folder = folder(&place.url, "");
    let text = format!("{HEADER}{}", line("h01", "1", &hanako()));
    let file = std::fs::File::create(folder.path().join("a.csv.gz")).unwrap();
    let mut packed = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, text.as_bytes()).unwrap();
    packed.finish().unwrap();
    let mut json = String::new();
    writeln!(json, "{{\"no\":\"2\",\"facility\":\"c01\",\"sei\":\"斎藤\",\"mei\":\"花子\",\"born\":\"S55.2.14\"}}")
        .unwrap();
    std::fs::write(folder.path().join("b.ndjson"), json).unwrap();
    let output = nayose(folder.path(), &["import", "a.csv.gz", "b.ndjson", "--mapping", "mapping.toml"]);
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{told}{}", String::from_utf8_lossy(&output.stderr));
    assert!(told.starts_with("a.csv.gz: 1 records: 1 added\nb.ndjson: 1 records: 1 added\n"), "{told}");
}

fn told_by(folder: &std::path::Path, words: &[&str], status: i32) -> Value {
    let output = nayose(folder, words);
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(status), "{words:?}: {out}{err}");
    serde_json::from_str(&out).unwrap()
}

#[test]
fn a_preview_tells_what_would_come_of_it_and_writes_nothing() {
    for place in places() {
        let mut people = String::new();
        people.push_str(&line("h02", "1", &hanako()));
        people.push_str(&line("c01", "2", &hanako_at_the_clinic()));
        people.push_str(&line("h03", "3", &her_sister()));
        people.push_str("4,h03,zqname,x,,,,soon,,,\n");
        let folder = folder(&place.url, &people);
        let words = ["import", "people.csv", "--preview", "--json"];
        if place.url.starts_with("sqlite:") {
            let told = told_by(folder.path(), &words, 1);
            assert_eq!(told["store"], Value::Null);
            assert!(export(&place.url, &mut Vec::new()).is_err(), "no store was made");
        }
        feed(&registry(&place.open(&Clock::system()).unwrap(), settings()), "h01", "9", &hanako());
        let before = exported(&place.url);
        let told = told_by(folder.path(), &words, 1);
        assert_eq!(before, exported(&place.url), "nothing is written");
        assert_eq!(
            (&told["records"], &told["invalid"], &told["invalid_lines"][0]["line"]),
            (&4.into(), &1.into(), &5.into())
        );
        let mapping = told["mapping"].as_str().unwrap();
        for known in [
            "record_id = \"no\"",
            "source = \"facility\"",
            "family = \"sei\"",
            "family_kana = \"sei_kana\"",
            "phone = [\"tel\"]",
        ] {
            assert!(mapping.contains(known), "{known}: {mapping}");
        }
        assert_eq!((&told["within"]["persons"], &told["within"]["duplicates"]), (&2.into(), &1.into()), "{told}");
        let store = &told["store"];
        assert_eq!((&store["records"], &store["links"], &store["known"]), (&1.into(), &2.into(), &0.into()), "{told}");
        assert_eq!(told["model"]["suggested"], "japanese");
        assert!(!told.to_string().contains("zqname") && !told.to_string().contains("花子"), "no value: {told}");
        // What was guessed can be given back as it is.
        std::fs::write(folder.path().join("guessed.toml"), mapping).unwrap();
        ends(folder.path(), &["import", "people.csv", "--mapping", "guessed.toml"], 1);
        let told = told_by(folder.path(), &[&words[..], &["--mapping", "guessed.toml"]].concat(), 1);
        assert_eq!((&told["store"]["known"], &told["mapping"]), (&3.into(), &Value::Null));
        let text = nayose(folder.path(), &["import", "people.csv", "--preview"]);
        let text = String::from_utf8_lossy(&text.stdout).into_owned();
        assert!(text.contains("a mapping guessed") && text.contains("3 of these identifiers are known"), "{text}");
    }
}
