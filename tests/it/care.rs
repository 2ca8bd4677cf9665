//! Backups, restores and exports: what comes back is what was there, and what was touched is refused.

use crate::histories::{Changes, Dice, histories, play};
use crate::people::{said, seed};
use crate::support::*;
use nayose::clock::Clock;
use nayose::store::testing::Place;
use nayose::store::{ExportError, Store, export};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Runs `nayose` in `folder`.
pub fn nayose(folder: &Path, words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_nayose")).args(words).current_dir(folder).output().unwrap()
}

/// Likewise; it must end as meant.
pub fn ends(folder: &Path, words: &[&str], status: i32) -> String {
    let output = nayose(folder, words);
    let told = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(status), "{words:?}: {told}");
    told
}

fn exported(url: &str) -> String {
    let mut lines = Vec::new();
    export(url, &mut lines).unwrap();
    String::from_utf8(lines).unwrap()
}

fn import(store: &Store, lines: &str) -> Result<(), ExportError> {
    store.import(Box::new(std::io::Cursor::new(lines.to_owned().into_bytes()))).map(drop)
}

fn records(url: &str) -> i64 {
    Store::open(url, &Clock::system()).unwrap().counts().unwrap().records
}

#[test]
fn a_backup_of_a_store_in_use_holds_all_that_was_acknowledged_before() {
    let (folder, seed) = (tempfile::tempdir().unwrap(), seed());
    let store = Store::open(&format!("sqlite:{}/live.db", folder.path().display()), &Clock::system()).unwrap();
    let registry = registry(&store, settings());
    ends(folder.path(), &["backup", "--new-key", "key"], 0);
    let (acknowledged, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let (before, after) = std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0.. {
                feed(&registry, "h01", &number.to_string(), &said(seed, number, 0));
                acknowledged.store(number + 1, Ordering::SeqCst);
                if stop.load(Ordering::SeqCst) {
                    return;
                }
            }
        });
        while acknowledged.load(Ordering::SeqCst) < 40 {
            std::thread::yield_now();
        }
        let before = acknowledged.load(Ordering::SeqCst);
        let words = ["backup", "--store", "sqlite:live.db", "--to", "b1", "--key-file", "key"];
        let output = nayose(folder.path(), &words);
        let after = acknowledged.load(Ordering::SeqCst);
        // First of all, or the feeder would go on for ever.
        stop.store(true, Ordering::SeqCst);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        (before, after)
    });
    assert!(after > before, "the writer went on meanwhile: {before} {after}");
    drop((registry, store));
    assert!(!folder.path().join("live.db-copy").exists(), "no copy in clear is left");
    let told = ends(folder.path(), &["restore", "b1", "--store", "sqlite:new.db", "--key-file", "key"], 0);
    assert!(told.contains("2.999.1.11.1"), "the gap of each sender: {told}");
    let restored = records(&format!("sqlite:{}/new.db", folder.path().display()));
    assert!(restored >= i64::try_from(before).unwrap(), "{restored} of at least {before}");
    // Stopped, too.
    ends(folder.path(), &["backup", "--store", "sqlite:live.db", "--to", "b2", "--key-file", "key"], 0);
    ends(folder.path(), &["restore", "b2", "--store", "sqlite:all.db", "--key-file", "key", "--moved"], 0);
    let path = |name: &str| format!("sqlite:{}/{name}", folder.path().display());
    assert!(exported(&path("live.db")) == exported(&path("all.db")));
}

#[test]
fn a_backup_is_secret_whole_and_never_written_over_anything() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&format!("sqlite:{}/live.db", folder.path().display()), &Clock::system()).unwrap();
    feed(&registry(&store, settings()), "h01", "7734-9", &hanako());
    let (folder, file) = (folder.path(), folder.path().join("b"));
    let ends = |words: &str, status: i32| ends(folder, &words.split_whitespace().collect::<Vec<_>>(), status);
    ends("backup --new-key key", 0);
    ends("backup --new-key other", 0);
    ends("backup --new-key key", 3);
    ends("backup --store sqlite:live.db --to b", 2);
    assert!(!file.exists());
    ends("backup --store sqlite:live.db --to b --key-file key", 0);
    let bytes = std::fs::read(&file).unwrap();
    let holds = |bytes: &[u8], text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(!holds(&bytes, "7734-9") && !holds(&bytes, "SQLite"), "readable");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    ends("backup --store sqlite:live.db --to b --key-file key", 3);
    assert!(std::fs::read(&file).unwrap() == bytes, "written over");
    ends("restore b --store sqlite:new.db", 2);
    ends("restore b --store sqlite:new.db --key-file other", 1);
    std::fs::write(folder.join("cut"), &bytes[..bytes.len() / 2]).unwrap();
    ends("restore cut --store sqlite:new.db --key-file key", 1);
    assert!(!folder.join("new.db").exists() && !folder.join("new.db.partial").exists(), "half a store is left");
    ends("restore b --store sqlite:live.db --key-file key", 3);
    ends("restore b --store sqlite:new.db --key-file key", 0);
    ends("restore b --store sqlite:new.db --key-file key", 3);
    ends("backup --store sqlite:live.db --to plain --plain", 0);
    assert!(holds(&std::fs::read(folder.join("plain")).unwrap(), "7734-9"));
    ends("restore plain --store sqlite:plain.db", 0);
    ends("backup --store sqlite:none.db --to c --key-file key", 3);
    assert!(!folder.join("c").exists() && !folder.join("none.db").exists());
    ends("restore key --store sqlite:x.db", 1);
    let told = ends("backup --store postgres://u@h/d --to c --plain", 2);
    assert!(told.contains("pg_dump"), "{told}");
}

#[test]
fn no_regional_id_that_was_issued_after_the_backup_is_issued_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| format!("sqlite:{}/{name}", folder.path().display());
    let issued = |url: &str, from: u64| {
        let store = Store::open(url, &Clock::system()).unwrap();
        let registry = registry(&store, settings());
        for number in from..from + 20 {
            feed(&registry, "h01", &number.to_string(), &said(1, number, 0));
        }
        (from..from + 20).map(|number| others(&registry, "h01", &number.to_string())).collect::<Vec<_>>()
    };
    issued(&path("live.db"), 0);
    ends(folder.path(), &["backup", "--store", "sqlite:live.db", "--to", "b", "--plain"], 0);
    let lost = issued(&path("live.db"), 20);
    ends(folder.path(), &["restore", "b", "--store", "sqlite:new.db"], 0);
    let again = issued(&path("new.db"), 40);
    assert!(again.iter().all(|ids| !lost.contains(ids)), "{lost:?} {again:?}");
}

/// SQLite to PostgreSQL and back: the lines are the same each time.
fn goes_round(lines: &str) {
    let mut from = lines.to_owned();
    for place in [Place::postgres(), Place::sqlite().ok()].into_iter().flatten() {
        let store = place.open(&Clock::system()).unwrap();
        import(&store, &from).unwrap();
        let again = exported(&place.url);
        let differs = from.lines().zip(again.lines()).find(|(left, right)| left != right);
        assert!(from == again, "{}: {differs:?}", place.url);
        from = again;
    }
}

#[test]
fn an_export_goes_round_through_both_kinds_of_store() {
    let seed = seed();
    for history in histories(3) {
        let place = Place::sqlite().unwrap();
        let store = place.open(&Clock::system()).unwrap();
        let registry = registry(&store, settings());
        play(&registry, seed + history, &mut Dice::new(seed + history), 60, &Changes::default());
        println!("seed {}", seed + history);
        goes_round(&exported(&place.url));
    }
}

#[test]
fn an_imported_store_goes_on_as_if_nothing_had_been() {
    on_both_stores(|store| {
        let place = Place::sqlite().unwrap();
        let first = registry(&place.open(&Clock::system()).unwrap(), settings());
        feed(&first, "h01", "1", &hanako());
        first.store().flush_audit().unwrap();
        // A server may have been started on the new store before.
        drop(registry(store, settings()));
        import(store, &exported(&place.url)).unwrap();
        let second = registry(store, settings());
        feed(&second, "c01", "2", &hanako_at_the_clinic());
        assert_eq!(others(&second, "h01", "1").len(), 2);
        assert!(second.verify().unwrap().iter().all(|finding| finding.broken == 0));
        assert!(matches!(import(store, &exported(&place.url)), Err(ExportError::NotEmpty)));
        assert_eq!(store.counts().unwrap().records, 2);
    });
}

#[test]
fn an_export_that_was_touched_leaves_nothing_behind() {
    let place = Place::sqlite().unwrap();
    feed(&registry(&place.open(&Clock::system()).unwrap(), settings()), "h01", "7734-9", &hanako());
    let lines = exported(&place.url);
    let kept: Vec<&str> = lines.lines().collect();
    let joined = |lines: Vec<&str>| lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    let without = |at: usize| joined([&kept[..at], &kept[at + 1..]].concat());
    let mut swapped = kept.clone();
    swapped.swap(kept.len() - 2, kept.len() - 3);
    let touched = [
        ("a changed cell", lines.replacen("7734-9", "7734-8", 1)),
        ("a row less", without(kept.len() / 2)),
        ("no closing line", without(kept.len() - 1)),
        ("no header", without(0)),
        ("rows that changed places", joined(swapped)),
        ("more behind", format!("{lines}{{}}\n")),
        ("cut in a line", lines[..lines.len() / 2].to_owned()),
        ("nothing", String::new()),
        ("of another column", lines.replacen("\"outcome\"", "\"outcomes\"", 1)),
        ("a later store", lines.replacen("\"store\":\"0", "\"store\":\"9", 1)),
        ("a later format", lines.replacen("\"format\":1", "\"format\":2", 1)),
    ];
    on_both_stores(|store| {
        for (what, lines) in &touched {
            assert!(import(store, lines).is_err(), "{what}");
            assert_eq!(store.counts().unwrap().records, 0, "{what}");
        }
        import(store, &lines).unwrap();
        assert_eq!(store.counts().unwrap().records, 1);
    });
}

#[test]
fn a_backup_moves_into_the_other_kind_of_store() {
    let Some(target) = Place::postgres() else { return };
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}/live.db", folder.path().display());
    feed(&registry(&Store::open(&url, &Clock::system()).unwrap(), settings()), "h01", "1", &hanako());
    ends(folder.path(), &["backup", "--store", "sqlite:live.db", "--to", "b", "--plain"], 0);
    ends(folder.path(), &["restore", "b", "--store", &target.url, "--moved"], 0);
    assert!(exported(&url) == exported(&target.url));
    ends(folder.path(), &["export", "--store", &target.url, "--to", "e", "--plain"], 0);
    ends(folder.path(), &["restore", "e", "--store", "sqlite:back.db", "--moved"], 0);
    ends(folder.path(), &["export", "--store", "sqlite:back.db", "--to", "f", "--plain"], 0);
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    assert!(read("e") == read("f"));
    ends(folder.path(), &["restore", "e", "--store", &target.url], 3);
}
