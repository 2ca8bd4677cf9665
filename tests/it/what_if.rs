//! What another model would decide: nothing where it is the same, what was asked where it is not, and nothing written.

use crate::care::nayose;
use crate::import::folder;
use crate::people::{said, seed};
use crate::support::*;
use nayose::clock::Clock;
use nayose::store::export;
use serde_json::Value;
use std::path::Path;

fn asked(folder: &Path, words: &[&str]) -> Value {
    let words = [&["what-if", "--json"][..], words].concat();
    let output = nayose(folder, &words);
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{words:?}: {out}{err}");
    serde_json::from_str(&out).unwrap()
}

fn exported(url: &str) -> String {
    let mut lines = Vec::new();
    export(url, &mut lines).unwrap();
    String::from_utf8(lines).unwrap()
}

#[test]
fn what_would_change_is_told_and_nothing_is() {
    let seed = seed();
    for place in places() {
        let folder = folder(&place.url, "");
        let store = place.open(&Clock::system()).unwrap();
        let registry = registry(&store, settings());
        for number in 0..20 {
            for (clerk, domain) in ["h01", "h02", "c01"].iter().enumerate() {
                feed(&registry, domain, &number.to_string(), &said(seed, number, clerk));
            }
        }
        feed(&registry, "h03", "1", &hanako());
        feed(&registry, "h04", "1", &her_twin());
        registry.link(&caller(), &id("h03", "1"), &id("h04", "1"), "as the test wants it").unwrap().unwrap();
        // The server has the store open all the while; what it has to number after its commits is numbered.
        store.flush_audit().unwrap();
        let before = exported(&place.url);
        let same = asked(folder.path(), &[]);
        assert_eq!((&same["differing"], &same["held"], &same["records"]), (&0.into(), &0.into(), &62.into()), "{same}");
        assert_eq!(same["now"]["linked"], 62, "seed {seed}, the two by the steward's word: {same}");
        let strict = asked(folder.path(), &["--automatic", "1000", "--samples", "3"]);
        assert_eq!(
            (&strict["links_to_review"], &strict["differing"]),
            (&60.into(), &60.into()),
            "seed {seed}: {strict}"
        );
        assert_eq!(strict["samples"]["links_to_review"].as_array().unwrap().len(), 3);
        assert_eq!(strict["then"]["review"].as_u64().unwrap() + strict["then"]["alone"].as_u64().unwrap(), 60);
        let blind = asked(folder.path(), &["--automatic", "1000", "--review", "1000", "--threads", "1"]);
        assert_eq!(
            (&blind["links_vanish"], &blind["links_to_review"]),
            (&60.into(), &0.into()),
            "seed {seed}: {blind}"
        );
        let western = asked(folder.path(), &["--model", "western"]);
        assert_ne!(western["then"]["model"], western["now"]["model"]);
        assert_eq!(before, exported(&place.url), "the content of every table is what it was");
        let text = nayose(folder.path(), &["what-if", "--automatic", "1000"]);
        let text = String::from_utf8_lossy(&text.stdout).into_owned();
        assert!(text.contains("60 links to review") && text.contains("60 of 62 records differ"), "{text}");
        assert!(!text.contains("花子") && !text.contains("0990"), "no value: {text}");
        let wrong = nayose(folder.path(), &["what-if", "--automatic", "3", "--review", "5"]);
        assert_eq!(wrong.status.code(), Some(2));
    }
}

#[test]
fn a_model_in_the_shadow_is_counted_and_noted_and_decides_nothing() {
    use nayose::matching::{Model, Settings};
    for place in places() {
        let folder = folder(&place.url, "");
        let store = place.open(&Clock::system()).unwrap();
        let registry = registry(&store, settings());
        let model = Model::japanese();
        let strict = Settings { automatic_bits: 1000.0, ..model.settings() };
        feed(&registry, "h01", "1", &hanako());
        registry.shadow(Some(model.with_settings(strict))).unwrap();
        feed(&registry, "c01", "1", &hanako_at_the_clinic());
        feed(&registry, "h02", "1", &her_sister());
        assert_eq!(others(&registry, "h01", "1").len(), 2, "linked as ever");
        let counted = store.metrics().render();
        for line in
            ["nayose_shadow_total{agreement=\"links_to_review\"} 1", "nayose_shadow_total{agreement=\"same\"} 1"]
        {
            assert!(counted.contains(line), "{line}: {counted}");
        }
        let noted = asked(folder.path(), &["--shadow"]);
        let note = &noted["notes"][0];
        assert_eq!((noted["notes"].as_array().unwrap().len(), &note["difference"]), (1, &"links_to_review".into()));
        assert_eq!((&note["now"]["outcome"], &note["then"]["outcome"]), (&"linked".into(), &"review".into()));
        registry.shadow(None).unwrap();
        feed(&registry, "h03", "1", &hanako());
        assert_eq!(asked(folder.path(), &["--shadow"]), noted);
        let text = nayose(folder.path(), &["what-if", "--shadow"]);
        assert!(String::from_utf8_lossy(&text.stdout).contains("1 links to review"));
    }
}

#[test]
fn a_store_that_is_not_there_is_not_made() {
    let place = nayose::store::testing::Place::sqlite().unwrap();
    let folder = folder(&place.url, "");
    assert_eq!(nayose(folder.path(), &["what-if"]).status.code(), Some(3));
    assert!(!Path::new(place.url.trim_start_matches("sqlite:")).exists());
}

#[test]
fn what_decides_in_the_store_is_what_is_compared_with() {
    use nayose::matching::Model;
    for place in places() {
        let folder = folder(&place.url, "");
        let store = place.open(&Clock::system()).unwrap();
        let registry = registry(&store, settings());
        feed(&registry, "h01", "1", &hanako());
        feed(&registry, "c01", "1", &hanako_at_the_clinic());
        let configured = asked(folder.path(), &[]);
        assert_eq!(configured["now"]["model"], Model::japanese().version());
        let file = Model::japanese().with_next_version().to_toml();
        assert!(matches!(registry.activate_model(&caller(), &file), Ok(nayose::registry::Activated::Now(_))));
        let active = asked(folder.path(), &[]);
        assert_eq!(active["now"]["model"], Model::japanese().with_next_version().version(), "{active}");
        assert_eq!((&active["then"]["model"], &active["differing"]), (&active["now"]["model"], &0.into()));
        let back = asked(folder.path(), &["--model", "japanese"]);
        assert_eq!(back["then"]["model"], Model::japanese().version(), "{back}");
    }
}
