//! A person's right to be forgotten: no value is left in any table or byte, nobody is known any more, and all that others
//! rest on still holds.

use crate::histories::{Changes, Told};
use crate::replay::{journal, snapshot};
use crate::support::*;
use nayose::clock::Clock;
use nayose::registry::{Change, FeedCommand, Intake, JournalRow, Registry};
use nayose::store::testing::Place;
use nayose::store::{Journal, export};
use std::path::Path;

const PHONE: &str = "0998775566";
const MARKS: [&str; 8] = ["魑魅", "魍魎子", "ゾクゾワ", "ヌペポヌ", PHONE, "ZQ-7711", "zqword", "饕餮町"];

fn marked() -> Said {
    Said {
        kanji: ("魑魅", "魍魎子"),
        kana: ("ゾクゾワ", "ヌペポヌ"),
        birth: "18770131",
        town: ("9998877", "星見市饕餮町"),
        phone: "tel:0998-77-5566",
        ..hanako()
    }
}

/// Feeds as a hospital does, the message being the text of all that it says.
fn told(registry: &Registry, changes: &Changes, value: &str, domain: &str, said: &Said) {
    let message = Clock::system().uuid().to_string();
    let command = FeedCommand {
        identifiers: vec![id(domain, value)],
        other_identifiers: Vec::new(),
        demographics: demographics(said),
    };
    changes.lock().unwrap().insert(message.clone(), Told::Feed(Box::new(command.clone())));
    let payload = format!("{value} {:?} {:?} {} {} {}", said.kanji, said.kana, said.birth, said.town.1, said.phone);
    let intake = Intake { payload: payload.into_bytes(), ..intake(&message, &message) };
    assert_eq!(registry.feed(&intake, command).unwrap().outcome.refusal, None);
}

/// The marks in all tables, the journal's bytes among them.
fn in_tables(url: &str) -> Vec<&'static str> {
    let mut text = Vec::new();
    export(url, &mut text).unwrap();
    for row in Journal::of(url).unwrap() {
        text.extend(row.unwrap().payload);
    }
    found(&text)
}

/// The marks that these bytes hold; a telephone number as it was sent or by its digits.
fn found(bytes: &[u8]) -> Vec<&'static str> {
    let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    MARKS.into_iter().filter(|mark| holds(mark) || (*mark == PHONE && holds("0998-77-5566"))).collect()
}

/// The marks in the bytes of all files of an embedded store.
fn in_files(url: &str) -> Vec<&'static str> {
    let Some(path) = url.strip_prefix("sqlite:") else { return Vec::new() };
    let (path, mut all) = (Path::new(path), Vec::new());
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    for entry in std::fs::read_dir(path.parent().unwrap()).unwrap() {
        let file = entry.unwrap().path();
        if file.file_name().unwrap().to_string_lossy().starts_with(&name) {
            all.extend(std::fs::read(&file).unwrap());
        }
    }
    found(&all)
}

#[test]
fn no_value_of_an_erased_person_is_left_in_any_table_or_byte() {
    for place in places() {
        let changes = Changes::default();
        let registry = registry(&place.open(&Clock::system()).unwrap(), settings());
        feed(&registry, "h02", "2", &hanako());
        told(&registry, &changes, "ZQ-7711", "h01", &marked());
        // Once more without a change, then moved, then at a clinic, then merged away there.
        told(&registry, &changes, "ZQ-7711", "h01", &marked());
        told(&registry, &changes, "ZQ-7711", "h01", &Said { block: "9丁目9番9号", ..marked() });
        told(&registry, &changes, "ZQ-7711-C", "c01", &marked());
        told(&registry, &changes, "ZQ-7711-D", "c01", &Said { phone: "tel:0990-00-0000", ..marked() });
        let command =
            nayose::registry::MergeCommand { survivor: id("c01", "ZQ-7711-C"), subsumed: id("c01", "ZQ-7711-D") };
        let message = Intake { payload: b"ZQ-7711-C ZQ-7711-D".to_vec(), ..intake("merge", "merge") };
        registry.merge(&message, command).unwrap();
        let split = registry.unlink(&caller(), &id("c01", "ZQ-7711-C"), "zqword says so").unwrap().unwrap();
        registry.undo(&caller(), split, "zqword was wrong").unwrap().unwrap();
        let regional = registry.person(&id("h01", "ZQ-7711")).unwrap().unwrap().regional.unwrap();
        let other = registry.person(&id("h02", "2")).unwrap().unwrap();
        assert_eq!(in_tables(&place.url), MARKS, "what was never there proves nothing");
        let would = registry.erasure(&id("regional", &regional)).unwrap().unwrap();
        assert_eq!((would.records, would.versions), (3, 4), "{would:?}");
        let erased = registry.erase(&caller(), &id("h01", "ZQ-7711"), "asked for").unwrap().unwrap();
        assert_eq!(erased, would);
        assert_eq!(in_tables(&place.url), Vec::<&str>::new(), "{}", place.url);
        assert_eq!(in_files(&place.url), Vec::<&str>::new(), "while it is open");
        // As if she had never been here.
        for asked in [id("h01", "ZQ-7711"), id("c01", "ZQ-7711-C"), id("regional", &regional)] {
            assert!(registry.person(&asked).unwrap().is_none());
            assert!(registry.cross_reference(&caller(), &asked, &[]).unwrap().is_err());
            assert_eq!(registry.linked_within(&asked, (0, i64::MAX)).unwrap(), None);
            assert_eq!(registry.erase(&caller(), &asked, "again").unwrap(), None);
        }
        assert_eq!(registry.undo(&caller(), split, "no").unwrap(), Err(nayose::registry::Objection::NoOperation));
        let broken: Vec<_> = registry.verify().unwrap().into_iter().filter(|finding| finding.broken != 0).collect();
        assert_eq!(broken, [], "{}", place.url);
        // Whoever was beside her is as before, and a hospital that sends her again begins anew.
        let still = registry.person(&id("h02", "2")).unwrap().unwrap();
        assert_eq!((still.person, still.regional, still.records.len()), (other.person, other.regional, 1));
        feed(&registry, "h01", "ZQ-7711", &marked());
        let anew = registry.person(&id("h01", "ZQ-7711")).unwrap().unwrap();
        assert!(anew.records.len() == 1 && anew.regional.as_deref() != Some(&*regional));
        assert!(registry.verify().unwrap().iter().all(|finding| finding.broken == 0));
    }
}

fn again(registry: &Registry, journal: Vec<JournalRow>, changes: &Changes) -> nayose::registry::Replayed {
    let changes = changes.lock().unwrap();
    let read = |row: &JournalRow| match changes.get(&row.message_id) {
        Some(Told::Feed(command)) => Change::Feed(nayose::audit::Action::Update, command.clone()),
        Some(Told::Merge(command)) => Change::Merge(command.clone()),
        None => Change::Unusable(nayose::audit::Action::Update),
    };
    registry.replay(journal.into_iter().map(Ok), true, read).unwrap()
}

#[test]
fn a_replay_passes_over_what_was_erased_and_erases_again() {
    for live in places() {
        let changes = Changes::default();
        let first = registry(&live.open(&Clock::system()).unwrap(), settings());
        told(&first, &changes, "ZQ-7711", "h01", &marked());
        let kept = snapshot(&live.url);
        told(&first, &changes, "ZQ-7711-C", "c01", &marked());
        told(&first, &changes, "2", "h02", &hanako());
        first.erase(&caller(), &id("h01", "ZQ-7711"), "asked for").unwrap().unwrap();
        told(&first, &changes, "3", "h03", &her_sister());
        let place = if live.url.starts_with("sqlite:") { Place::sqlite().unwrap() } else { Place::postgres().unwrap() };
        let store = place.open(&Clock::system()).unwrap();
        store.import(Box::new(std::io::Cursor::new(kept))).unwrap();
        let second = registry(&store, settings());
        assert!(second.person(&id("h01", "ZQ-7711")).unwrap().is_some(), "the snapshot has her");
        let replayed = again(&second, journal(&live.url), &changes);
        assert_eq!(replayed.passed_over, 1, "{replayed:?}");
        assert!(second.person(&id("h01", "ZQ-7711")).unwrap().is_none(), "and the replay erases her again");
        assert!(second.person(&id("c01", "ZQ-7711-C")).unwrap().is_none());
        for (domain, value) in [("h02", "2"), ("h03", "3")] {
            let of = |registry: &Registry| registry.person(&id(domain, value)).unwrap().unwrap().regional;
            assert_eq!(of(&second), of(&first), "{domain} {value}");
        }
        let broken: Vec<_> = second.verify().unwrap().into_iter().filter(|finding| finding.broken != 0).collect();
        assert_eq!(broken, [], "{}", place.url);
        assert_eq!(again(&second, journal(&live.url), &changes).done, 0, "once is enough");
    }
}

#[test]
fn verify_finds_what_an_erasure_left() {
    let place = Place::sqlite().unwrap();
    let registry = registry(&place.open(&Clock::system()).unwrap(), settings());
    feed(&registry, "h01", "1", &hanako());
    feed(&registry, "h02", "2", &her_sister());
    registry.erase(&caller(), &id("h01", "1"), "asked for").unwrap().unwrap();
    let row = journal(&place.url).into_iter().find(|row| row.payload.is_empty()).unwrap();
    registry.store().write(Vec::new(), move |tx| tx.journal_blank(&row, b"not gone")).unwrap();
    let broken: Vec<_> = registry.verify().unwrap().into_iter().filter(|finding| finding.broken != 0).collect();
    assert!(broken.len() == 1 && broken[0].rule.starts_with("what was erased"), "{broken:?}");
}
