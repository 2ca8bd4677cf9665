//! `train` on files and on a store.

use super::super::{Exit, run};
use crate::clock::Clock;
use crate::identity::RecordId;
use crate::matching::Model;
use crate::store::{DecisionRow, Store, StoreError, Transaction};
use std::ffi::OsString;
use std::fmt::Write;
use std::path::Path;

fn nayose(folder: &Path, words: &str) -> Exit {
    let words = words.split_whitespace().map(|word| match word.split_once('@') {
        Some((before, name)) => {
            let mut word = OsString::from(before);
            word.push(folder.join(name));
            word
        }
        None => OsString::from(word),
    });
    run(std::iter::once(OsString::from("nayose")).chain(words), Vec::new())
}

fn people() -> String {
    let families = ["斎藤", "高橋", "渡辺", "小林", "中村", "山口", "清水", "池田"];
    let (heads, tails) = (["花", "健", "由", "真", "千", "誠", "美"], ["子", "男", "江", "也", "代", "香"]);
    let mut text = "record_id,source,family,given,birth_date,phone\n".to_owned();
    for n in 0..400usize {
        let (family, given) = (families[n % 8], format!("{}{}", heads[n / 8 % 7], tails[n / 56 % 6]));
        let birth = format!("{}-{:02}-{:02}", 1930 + n * 7 % 80, 1 + n * 5 % 12, 1 + n * 11 % 28);
        for source in ["A", "B"] {
            let phone = if n % 3 == 0 && source == "B" {
                String::new()
            } else {
                format!("090{:08}", 10_000_019 + n * 1_234_577)
            };
            let _ = writeln!(text, "{source}{n},{source},{family},{given},{birth},{phone}");
        }
    }
    text
}

#[test]
fn a_model_is_learned_from_files_saved_activated_and_rolled_back() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("p.csv"), people()).unwrap();
    assert_eq!(nayose(folder.path(), "train @p.csv --save @model.toml --json"), Exit::Done);
    let saved = std::fs::read_to_string(folder.path().join("model.toml")).unwrap();
    assert!(saved.contains("id = \"japanese-trained\""), "{saved}");
    // A store to activate it in.
    let built = "demo --people 120 --build-only --store sqlite:@s.db";
    assert_eq!(nayose(folder.path(), built), Exit::Done);
    let store = "--store sqlite:@s.db";
    assert_eq!(nayose(folder.path(), &format!("train --rollback {store}")), Exit::Found, "nothing was activated");
    assert_eq!(nayose(folder.path(), &format!("train --activate @model.toml {store}")), Exit::Done);
    assert_eq!(nayose(folder.path(), &format!("train --rollback {store} --json")), Exit::Done);
    // Learned in the store itself, and activated at once.
    assert_eq!(nayose(folder.path(), &format!("train {store} --save @own.toml --activate")), Exit::Done);
    assert!(std::fs::read_to_string(folder.path().join("own.toml")).unwrap().contains("-trained"));
    assert_eq!(nayose(folder.path(), &format!("evaluate {store}")), Exit::Found, "no steward has decided");
}

#[test]
fn what_cannot_be_is_said() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("p.csv"), people()).unwrap();
    std::fs::write(folder.path().join("bad.toml"), "id = \"x\"\n").unwrap();
    for (words, expect) in [
        ("train @p.csv --activate", Exit::Usage),
        ("train @missing.csv", Exit::Usage),
        ("train --store sqlite:@missing.db", Exit::Unavailable),
        ("train --activate @missing.toml --store sqlite:@missing.db", Exit::Usage),
        ("match-files", Exit::Usage),
        ("train @p.csv --model @bad.toml", Exit::Usage),
    ] {
        assert_eq!(nayose(folder.path(), words), expect, "{words}");
    }
}

/// What stewards would have said of the demo: the records of one person are one person's, those of neighbours are not.
fn decide_many(folder: &Path) -> usize {
    let url = format!("sqlite:{}", folder.join("s.db").display());
    let store = Store::open(&url, &Clock::system()).unwrap();
    let (ids, decided) = (store.clone(), store.clone());
    let pairs: Vec<(i64, i64, bool)> = store
        .read(|tx| -> Result<_, StoreError> {
            let records: Vec<i64> =
                tx.comparison_rows(i64::MIN, 1_000)?.into_iter().map(|(record, ..)| record).collect();
            let mut owned = Vec::new();
            for record in &records {
                owned.push((tx.person_of(RecordId(*record))?, *record));
            }
            let pairs = owned.iter().enumerate().flat_map(|(at, (mine, a))| {
                owned.iter().skip(at + 1).filter_map(move |(theirs, b)| {
                    let near = a.abs_diff(*b) < 3 || (a + b) % 97 == 0;
                    (mine == theirs || near).then_some((*a, *b, mine == theirs))
                })
            });
            Ok(pairs.collect())
        })
        .unwrap();
    let count = pairs.len();
    let said = move |tx: &mut Transaction<'_>| -> Result<(), StoreError> {
        for (a, b, same) in &pairs {
            tx.decision_insert(&DecisionRow {
                id: ids.fresh_id(),
                record_a: *a.min(b),
                record_b: *a.max(b),
                verdict: if *same { "same" } else { "different" }.to_owned(),
                actor: "clerk".to_owned(),
                reason: String::new(),
                decided: 0,
                withdrawn: None,
            })?;
        }
        Ok(())
    };
    decided.write(Vec::new(), said).unwrap();
    count
}

#[test]
fn what_stewards_decided_is_measured_and_calibrates_what_is_learned() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(nayose(folder.path(), "demo --people 120 --build-only --store sqlite:@s.db"), Exit::Done);
    let store = "--store sqlite:@s.db";
    assert_eq!(nayose(folder.path(), &format!("train {store} --save @before.toml")), Exit::Done);
    let count = decide_many(folder.path());
    assert!(count >= 200, "{count}");
    assert_eq!(nayose(folder.path(), &format!("evaluate {store} --json")), Exit::Done);
    assert_eq!(nayose(folder.path(), &format!("train {store} --save @after.toml")), Exit::Done);
    let read = |name: &str| Model::from_toml(&std::fs::read_to_string(folder.path().join(name)).unwrap()).unwrap();
    assert_eq!(read("before.toml").calibration(), None, "nobody has decided anything");
    assert_eq!(read("after.toml").calibration().map(|line| line.decisions), u32::try_from(count).ok());
    assert_eq!(nayose(folder.path(), &format!("train {store} --activate @after.toml")), Exit::Done);
}
