//! How fast people come in from a file, as a fraction of a bare bulk insert of the same rows.
//!
//! `cargo bench --bench import -- --records N --folder DIR` writes a file of N records of the demo's region, lets
//! `nayose import` take it into an empty SQLite store, and then puts the same rows into another empty store by one
//! `INSERT … SELECT` for each table, with the same indexes and settings, in the same run on the same machine. `--keep`
//! leaves the store there. It asserts only that what it times was done.

#![expect(clippy::unwrap_used, reason = "a measurement that cannot be made ends with the reason")]
#![expect(clippy::print_stdout, reason = "the figures are the output")]

use diesel::connection::SimpleConnection as _;
use diesel::sql_types::Text;
use diesel::{Connection as _, QueryableByName, RunQueryDsl as _, SqliteConnection, sql_query};
use nayose::clock::Clock;
use nayose::demo;
use nayose::identity::{AddressPartKind, Demographics, NamePartKind, Representation, Sex};
use nayose::store::Store;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

fn main() {
    let given: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let after = |name: &str| given.iter().position(|word| word == name).and_then(|at| given.get(at + 1));
    let records: usize = after("--records").map_or(20_000, |text| text.parse().unwrap());
    let seed: u64 =
        after("--seed").map_or_else(|| Clock::system().micros().unsigned_abs(), |text| text.parse().unwrap());
    let folder = after("--folder").map_or_else(std::env::temp_dir, PathBuf::from).join("nayose-bench-import");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    println!("{records} records, seed {seed}, in {}", folder.display());
    write_people(&folder, records, seed);
    let imported = import(&folder, records);
    let bare = bare_insert(&folder);
    let size = std::fs::metadata(folder.join("imported.db")).unwrap().len();
    let rate = |took: Duration| f64::from(u32::try_from(records).unwrap()) / took.as_secs_f64();
    println!("import       {:8.1} s, {:9.0} records a second", imported.as_secs_f64(), rate(imported));
    println!("bare insert  {:8.1} s, {:9.0} records a second", bare.as_secs_f64(), rate(bare));
    println!(
        "fraction     {:8.3}   (the store has {} bytes a record)",
        rate(imported) / rate(bare),
        size / u64::try_from(records).unwrap()
    );
    if !given.iter().any(|word| word == "--keep") {
        std::fs::remove_dir_all(&folder).unwrap();
    }
}

/// The region's people as a facility would hand them over, with a configuration that knows its domains.
fn write_people(folder: &Path, records: usize, seed: u64) {
    let mut config = format!("[store]\nurl = \"sqlite:{}\"\n", folder.join("imported.db").display());
    config.push_str("[network]\nname = \"Bench\"\nregional = { oid = \"2.999.1\", namespace = \"BENCH\" }\n");
    config.push_str("device = \"2.999.1.0\"\n[server]\nadmin = \"off\"\n");
    for facility in demo::region().facilities {
        let authority = facility.authority;
        config.push_str(&format!(
            "[[domain]]\nid = \"{}\"\noid = \"{}\"\nnamespace = \"{}\"\nname = \"x\"\n",
            authority.key.0, authority.oid, authority.namespace
        ));
    }
    std::fs::write(folder.join("nayose.toml"), config).unwrap();
    let mut file = std::io::BufWriter::new(std::fs::File::create(folder.join("people.csv")).unwrap());
    writeln!(file, "record_id,source,family,given,family_kana,given_kana,sex,birth_date,postal_code,prefecture,city,town,street,phone").unwrap();
    let all = demo::records(&demo::Settings { people: records, seed }).take(records);
    for record in all {
        writeln!(file, "{},{},{}", record.value, record.oid, cells(&record.demographics)).unwrap();
    }
    file.flush().unwrap();
}

fn cells(said: &Demographics) -> String {
    let name = |representation, kind| {
        let name = said.name_in(representation);
        name.and_then(|name| name.parts_of(kind).next().map(str::to_owned)).unwrap_or_default()
    };
    let address = said.addresses.values().first().cloned().unwrap_or_default();
    let sex = match said.sex.value() {
        Some(Sex::Female) => "F",
        Some(Sex::Male) => "M",
        _ => "",
    };
    let (kanji, kana) = (Representation::Ideographic, Representation::Syllabic);
    let cells = [
        name(kanji, NamePartKind::Family),
        name(kanji, NamePartKind::Given),
        name(kana, NamePartKind::Family),
        name(kana, NamePartKind::Given),
        sex.to_owned(),
        said.birth_date.value().map(|date| date.to_hl7()).unwrap_or_default(),
        address.first(AddressPartKind::PostalCode).to_owned(),
        address.first(AddressPartKind::State).to_owned(),
        address.first(AddressPartKind::City).to_owned(),
        address.first(AddressPartKind::Precinct).to_owned(),
        address.first(AddressPartKind::StreetAddressLine).to_owned(),
        said.telecoms
            .values()
            .first()
            .map(|telecom| telecom.value.trim_start_matches("tel:").to_owned())
            .unwrap_or_default(),
    ];
    cells.map(|cell| cell.replace([',', '"', '\n'], " ")).join(",")
}

fn import(folder: &Path, records: usize) -> Duration {
    let begin = Instant::now();
    let output = Command::new(env!("CARGO_BIN_EXE_nayose"))
        .args(["import", "people.csv", "--config", "nayose.toml"])
        .current_dir(folder)
        .output()
        .unwrap();
    let took = begin.elapsed();
    print!("{}", String::from_utf8_lossy(&output.stdout));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let store = Store::open(&format!("sqlite:{}", folder.join("imported.db").display()), &Clock::system()).unwrap();
    assert_eq!(store.counts().unwrap().records, i64::try_from(records).unwrap());
    took
}

/// The same rows in the order in which they lie there, and nothing else done.
fn bare_insert(folder: &Path) -> Duration {
    let copy = folder.join("bare.db");
    drop(Store::open(&format!("sqlite:{}", copy.display()), &Clock::system()).unwrap());
    let mut store = SqliteConnection::establish(&copy.display().to_string()).unwrap();
    store
        .batch_execute(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-65536; PRAGMA foreign_keys=OFF;",
        )
        .unwrap();
    store.batch_execute(&format!("ATTACH '{}' AS imported", folder.join("imported.db").display())).unwrap();
    let all = "SELECT name FROM main.sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' \
               AND name NOT LIKE '\\_\\_%' ESCAPE '\\' ORDER BY name";
    let tables: Vec<Name> = sql_query(all).load(&mut store).unwrap();
    let mut statements = "BEGIN IMMEDIATE;".to_owned();
    for Name { name } in tables {
        statements.push_str(&format!("INSERT OR REPLACE INTO main.\"{name}\" SELECT * FROM imported.\"{name}\";"));
    }
    let begin = Instant::now();
    store.batch_execute(&statements).unwrap();
    store.batch_execute("COMMIT; PRAGMA main.wal_checkpoint(TRUNCATE);").unwrap();
    begin.elapsed()
}
