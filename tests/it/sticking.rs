//! What a steward said holds whatever comes after it: a revision, the same record again, a merge of identifiers, another
//! model. Only who undoes it by its number takes it back; what contradicts it is shown.

use crate::support::*;
use nayose::identity::{PatientIdentifier, PersonId};
use nayose::matching::{self, Model};
use nayose::registry::{FeedCommand, MergeCommand, Objection, Registry, ReviewVerdict, Settings};

fn whose(registry: &Registry, identifier: &PatientIdentifier) -> PersonId {
    registry.person(identifier).unwrap().unwrap().person
}

/// Two records that the matcher takes for one woman, told apart; and two that it would never bring together, told to be one.
fn told(registry: &Registry) {
    feed(registry, "h01", "1", &hanako());
    feed(registry, "h02", "2", &hanako());
    assert_eq!(whose(registry, &id("h01", "1")), whose(registry, &id("h02", "2")), "by the score");
    registry.unlink(&caller(), &id("h02", "2"), "a namesake").unwrap().unwrap();
    feed(registry, "c01", "3", &stranger());
    registry.link(&caller(), &id("c01", "3"), &id("h01", "1"), "he became she").unwrap().unwrap();
}

fn stranger() -> Said {
    Said {
        kanji: ("高橋", "健"),
        kana: ("タカハシ", "ケン"),
        birth: "19500101",
        town: ("9990109", "遠方市南町"),
        phone: "tel:0990-77-7777",
        ..hanako()
    }
}

/// 1 and 3 are one, 2 is another one, by whatever identifiers they are known now.
fn assert_held(registry: &Registry, [one, two, three]: [&PatientIdentifier; 3], after: &str) {
    assert_eq!(whose(registry, one), whose(registry, three), "told to be one, after {after}");
    assert_ne!(whose(registry, one), whose(registry, two), "told apart, after {after}");
    assert!(registry.verify().unwrap().iter().all(|finding| finding.broken == 0), "after {after}");
}

#[test]
fn through_revisions_and_the_same_again() {
    on_both_stores(|store| {
        let registry = registry(store, settings());
        told(&registry);
        let (one, two, three) = (id("h01", "1"), id("h02", "2"), id("c01", "3"));
        let all = [&one, &two, &three];
        assert_held(&registry, all, "nothing");
        for round in 0..2 {
            feed(&registry, "h02", "2", &hanako());
            feed(&registry, "h02", "2", &hanako_at_the_clinic());
            feed(&registry, "h01", "1", &hanako_at_the_clinic());
            feed(&registry, "c01", "3", &Said { block: "1丁目1番1号", ..stranger() });
            feed(&registry, "c01", "3", &stranger());
            feed(&registry, "h01", "1", &hanako());
            assert_held(&registry, all, &format!("round {round}"));
        }
        // A third record of the woman joins whom it fits, and brings neither together.
        feed(&registry, "c02", "4", &hanako());
        assert_held(&registry, all, "another record");
        let shown = registry.explain(&two, &one).unwrap().unwrap();
        assert!(shown.outcome != "match" && shown.words.len() == 1, "{shown:?}");
    });
}

#[test]
fn through_merges_of_identifiers() {
    on_both_stores(|store| {
        let registry = registry(store, settings());
        told(&registry);
        let merge = |message: &str, survivor: PatientIdentifier, subsumed: PatientIdentifier| {
            let merged = registry.merge(&intake(message, message), MergeCommand { survivor, subsumed }).unwrap();
            assert_eq!(merged.outcome.refusal, None);
        };
        // Into a number that was never fed, and into one that was.
        merge("m1", id("h02", "20"), id("h02", "2"));
        feed(&registry, "c01", "30", &stranger());
        merge("m2", id("c01", "30"), id("c01", "3"));
        let (one, two, three) = (id("h01", "1"), id("h02", "20"), id("c01", "30"));
        let all = [&one, &two, &three];
        assert_held(&registry, all, "merges");
        feed(&registry, "h02", "20", &hanako_at_the_clinic());
        feed(&registry, "h02", "20", &hanako());
        feed(&registry, "c01", "30", &Said { block: "1丁目1番1号", ..stranger() });
        assert_held(&registry, all, "merges and revisions");
        let against = registry.link(&caller(), &two, &one, "one after all").unwrap();
        assert!(matches!(against, Err(Objection::Contradicts(_))), "{against:?}");
    });
}

#[test]
fn through_another_model_and_other_thresholds() {
    on_both_stores(|store| {
        told(&registry(store, settings()));
        let (one, two, three) = (id("h01", "1"), id("h02", "2"), id("c01", "3"));
        let all = [&one, &two, &three];
        let eager = Model::japanese().settings();
        let eager = matching::Settings { automatic_bits: -60.0, support_bits: -60.0, review_bits: -80.0, ..eager };
        let timid = matching::Settings { automatic_bits: 900.0, review_bits: 800.0, ..Model::japanese().settings() };
        for (name, model) in [
            ("a model that links everybody", Model::japanese().with_settings(eager)),
            ("a model that links nobody", Model::japanese().with_settings(timid)),
            ("the western model", Model::western()),
        ] {
            let registry = registry(store, Settings { model, ..settings() });
            feed(&registry, "h02", "2", &hanako_at_the_clinic());
            feed(&registry, "h01", "1", &hanako_at_the_clinic());
            feed(&registry, "c01", "3", &Said { block: "1丁目1番1号", ..stranger() });
            assert_held(&registry, all, name);
            feed(&registry, "h02", "2", &hanako());
            feed(&registry, "h01", "1", &hanako());
            feed(&registry, "c01", "3", &stranger());
            assert_held(&registry, all, name);
        }
    });
}

#[test]
fn what_contradicts_it_is_shown_and_undone_only_by_its_number() {
    on_both_stores(|store| {
        let registry = registry(store, settings());
        told(&registry);
        feed(&registry, "c01", "3", &Said { block: "1丁目1番1号", ..stranger() });
        let open = registry.reviews(10).unwrap();
        assert!(open.iter().any(|review| review.kind == "contradiction"), "{open:?}");
        assert_eq!(open[0].kind, "contradiction", "before what is only possible");
        let shown = registry.review(open[0].id).unwrap().unwrap().now.unwrap();
        assert!(shown.doubts.reviews.iter().any(|(id, _)| *id == open[0].id), "{shown:?}");
        let done = registry.operations(&id("h01", "1")).unwrap();
        let linked = done.iter().find(|operation| operation.kind == "link").unwrap();
        registry.undo(&caller(), linked.id, "no").unwrap().unwrap();
        assert_ne!(whose(&registry, &id("h01", "1")), whose(&registry, &id("c01", "3")));
    });
}

#[test]
fn whoever_is_told_apart_from_a_person_whom_all_others_have_left_stays_that_person() {
    on_both_stores(|store| {
        let registry = registry(store, settings());
        let both = FeedCommand {
            identifiers: vec![id("h01", "100")],
            other_identifiers: vec![id("h02", "9")],
            demographics: demographics(&hanako()),
        };
        registry.feed(&intake("m1", "p1"), both).unwrap();
        feed(&registry, "h02", "9", &stranger());
        let open = registry.reviews(10).unwrap();
        let doubt = open.iter().find(|review| review.kind == "contradiction").unwrap();
        registry.unlink(&caller(), &id("h01", "100"), "looked").unwrap().unwrap();
        let before = others(&registry, "h02", "9");
        assert!(registry.decide_review(&caller(), doubt.id, ReviewVerdict::Different, "looked").unwrap());
        assert_eq!(others(&registry, "h02", "9"), before, "she keeps her regional ID");
        assert_ne!(others(&registry, "h01", "100"), before);
        let broken = registry.verify().unwrap().into_iter().filter(|finding| finding.broken > 0);
        assert_eq!(broken.map(|finding| finding.rule).collect::<Vec<_>>(), [""; 0]);
    });
}
