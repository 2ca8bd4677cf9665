//! Why two records are one person, whose an identifier was, which question comes first, and what speaks against a person.

use crate::support::*;
use nayose::clock::Clock;
use nayose::matching::Model;
use nayose::registry::{Linking, Overlay, ReviewVerdict, Settings};

fn now() -> i64 {
    Clock::system().micros()
}

#[test]
fn the_live_store_explains_what_it_did() {
    on_both_stores(|store| {
        let registry = registry(store, settings());
        feed(&registry, "h01", "1", &hanako());
        feed(&registry, "h02", "2", &hanako_at_the_clinic());
        feed(&registry, "c01", "3", &her_sister());
        let view = registry.explain(&id("h01", "1"), &id("h02", "2")).unwrap().unwrap();
        let linked = registry.person(&id("h02", "2")).unwrap().unwrap();
        let link = linked.records.iter().find(|record| record.identifier == id("h02", "2")).unwrap();
        let said = &view.account;
        assert!(view.is_one_person() && said.explanation.zone == "auto" && view.outcome == "match", "{view:?}");
        assert!(said.keys.iter().any(|key| key.made_of == "telephone" && key.records == 3 && !key.overfull));
        assert_eq!(said.explanation.model, Model::japanese().version());
        let whole = view.whole.as_ref().unwrap();
        assert_eq!((whole.records, whole.rank), (1, 1));
        assert!((whole.bits - link.weight).abs() < 0.02, "the weight of the link: {} and {}", whole.bits, link.weight);
        assert!(said.explanation.weight >= whole.bits, "the mean is clamped, the pair is not");
        let sister = registry.explain(&id("c01", "3"), &id("h01", "1")).unwrap().unwrap();
        assert!(!sister.is_one_person() && sister.account.explanation.zone != "auto");
        assert_ne!(sister.outcome, "match");
        // Her person by its regional ID: the record of it that fits best, and the whole of it.
        let regional = id("regional", &linked.regional.unwrap());
        let whole = registry.explain(&id("c01", "3"), &regional).unwrap().unwrap();
        assert_eq!(whole.whole.as_ref().map(|whole| whole.records), Some(2));
        let pair = registry.explain(&regional, &regional).unwrap().unwrap();
        assert_ne!(pair.left.record, pair.right.record, "two of her records, not one beside itself");
        assert_eq!(registry.explain(&id("h03", "9"), &regional).unwrap().map(drop), Err(0));
        assert_eq!(registry.explain(&id("h01", "1"), &id("h01", "1")).unwrap().map(drop), Err(1));
        assert_eq!(registry.explain(&id("c01", "3"), &id("h03", "9")).unwrap().map(drop), Err(1));
    });
}

#[test]
fn a_stewards_word_is_part_of_the_explanation() {
    on_both_stores(|store| {
        let registry = registry(store, settings());
        feed(&registry, "h01", "1", &hanako());
        feed(&registry, "h02", "2", &hanako());
        registry.unlink(&caller(), &id("h02", "2"), "a namesake").unwrap().unwrap();
        let view = registry.explain(&id("h02", "2"), &id("h01", "1")).unwrap().unwrap();
        assert!(!view.is_one_person() && view.outcome == "non-match");
        assert_eq!(view.account.explanation.guards, ["cannot_link"]);
        assert_eq!((view.words.len(), view.words[0].verdict.as_str()), (1, "different"));
        let flip = view.account.flips.iter().find(|flip| flip.of == "guard").unwrap();
        assert_eq!((flip.from, flip.zone), ("cannot_link", "auto"), "but for that word");
    });
}

#[test]
fn whose_an_identifier_was_is_known_for_every_time() {
    on_both_stores(|store| {
        let registry = registry(store, settings());
        let before = now();
        feed(&registry, "h01", "1", &hanako());
        feed(&registry, "h02", "2", &hanako());
        let together = now();
        let of = |identifier: &nayose::identity::PatientIdentifier, from: i64, to: i64| {
            let held = registry.linked_within(identifier, (from, to)).unwrap().unwrap();
            held.into_iter()
                .map(|one| {
                    let mut values: Vec<String> = one.links.into_iter().map(|link| link.identifier.value).collect();
                    values.sort();
                    (one.person, one.regional.unwrap(), values)
                })
                .collect::<Vec<_>>()
        };
        let hers = registry.person(&id("h01", "1")).unwrap().unwrap();
        let regional = hers.regional.clone().unwrap();
        let split = registry.unlink(&caller(), &id("h02", "2"), "two").unwrap().unwrap();
        let apart = now();
        registry.undo(&caller(), split, "one").unwrap().unwrap();
        let end = now();
        assert_eq!(of(&id("h02", "2"), before - 2, before - 1), [], "not known yet");
        assert_eq!(of(&id("h02", "2"), together, together)[0].2, ["1", "2"]);
        let alone = of(&id("h02", "2"), apart, apart);
        assert_eq!((alone.len(), &alone[0].2[..]), (1, &["2".to_owned()][..]));
        assert_ne!(alone[0].0, hers.person);
        // In the whole of the time it was two persons', and it ended where it began.
        let all: Vec<_> = of(&id("h02", "2"), before, end).into_iter().map(|(person, _, _)| person).collect();
        assert_eq!((all.first(), all.len()), (Some(&hers.person), 3));
        assert_eq!(all.first(), all.last());
        assert_eq!(of(&id("regional", &regional), apart, apart)[0].2, ["1"]);
        assert_eq!(
            of(&id("regional", &alone[0].1), end, end)[0].0,
            hers.person,
            "a retired one leads to who it became"
        );
        assert_eq!(registry.linked_within(&id("h03", "9"), (before, end)).unwrap(), None);
    });
}

#[test]
fn the_question_that_can_do_harm_now_comes_first() {
    on_both_stores(|store| {
        let proposing = Settings { linking: Linking::Propose, overlay: Overlay::Relink, ..settings() };
        let registry = registry(store, proposing);
        feed(&registry, "h01", "1", &hanako());
        feed(&registry, "h02", "2", &hanako_at_the_clinic());
        let man = Said {
            sex: nayose::identity::Sex::Male,
            birth: "19500101",
            kanji: ("高橋", "健"),
            kana: ("タカハシ", "ケン"),
            ..hanako()
        };
        feed(&registry, "c01", "3", &her_sister());
        feed(&registry, "c01", "3", &man);
        let order: Vec<String> = registry.reviews(10).unwrap().into_iter().map(|review| review.kind).collect();
        assert_eq!(order.first().map(String::as_str), Some("overlay"), "{order:?}");
        assert!(order.iter().any(|kind| kind == "proposed_match"), "{order:?}");
        let first = registry.reviews(1).unwrap().remove(0);
        assert!(first.urgency.reasons[0].contains("suddenly another person") && first.now.is_none());
        let shown = registry.review(first.id).unwrap().unwrap();
        let account = shown.now.as_ref().and_then(|now| now.account.as_ref()).unwrap();
        assert!(account.explanation.weight < 0.0, "before and now are unlike: {account:?}");
    });
}

#[test]
fn what_speaks_against_a_person_is_shown_with_a_split() {
    on_both_stores(|store| {
        let registry = registry(store, settings());
        feed(&registry, "h01", "1", &hanako());
        feed(&registry, "h02", "2", &hanako());
        let hers = |value: &str| registry.person(&id("h01", value)).unwrap().unwrap().doubts;
        assert_eq!(hers("1"), Default::default());
        let man = Said {
            sex: nayose::identity::Sex::Male,
            birth: "19500101",
            kanji: ("高橋", "健"),
            kana: ("タカハシ", "ケン"),
            ..hanako()
        };
        feed(&registry, "c01", "3", &man);
        feed(&registry, "c02", "4", &man);
        // The source says in one message that 2 and 3 are one patient: that brings the two together.
        let merged =
            registry.merge_persons(&caller(), &id("h02", "2"), &id("c01", "3"), "by mistake").unwrap().unwrap();
        let told = hers("1");
        assert_eq!(told.bridge, None, "a steward's word holds it: {told:?}");
        registry.undo(&caller(), merged, "it was").unwrap().unwrap();
        let command = nayose::registry::FeedCommand {
            identifiers: vec![id("h02", "2"), id("c01", "3"), id("c02", "4")],
            other_identifiers: Vec::new(),
            demographics: demographics(&man),
        };
        registry.feed(&intake("both", "both"), command).unwrap();
        feed(&registry, "h02", "2", &man);
        let doubts = registry.person(&id("h02", "2")).unwrap().unwrap().doubts;
        if registry.person(&id("h01", "1")).unwrap().unwrap().person
            == registry.person(&id("h02", "2")).unwrap().unwrap().person
        {
            let bridge = doubts.bridge.unwrap();
            assert_eq!(bridge.goes, [id("h01", "1")]);
            assert!(bridge.against > 0);
        }
    });
}

#[test]
fn words_that_the_links_do_not_follow_are_shown() {
    on_both_stores(|store| {
        let registry = registry(store, settings());
        feed(&registry, "h01", "1", &hanako());
        feed(&registry, "h02", "2", &hanako());
        registry.unlink(&caller(), &id("h02", "2"), "a namesake").unwrap().unwrap();
        // The hospital itself says that they are one: its word makes the link, the steward's stays beside it.
        let command = nayose::registry::MergeCommand { survivor: id("h01", "9"), subsumed: id("h01", "1") };
        registry.merge(&intake("merge", "merge"), command).unwrap();
        let both = nayose::registry::FeedCommand {
            identifiers: vec![id("h02", "2"), id("h01", "9")],
            other_identifiers: Vec::new(),
            demographics: demographics(&hanako()),
        };
        registry.feed(&intake("both", "both"), both).unwrap();
        let person = registry.person(&id("h02", "2")).unwrap().unwrap();
        let together = person.records.len() == 2;
        let asked = registry.reviews(10).unwrap();
        assert!(
            !together
                || !person.doubts.contradictions.is_empty()
                || asked.iter().any(|one| one.kind == "contradiction"),
            "{:?}",
            person.doubts
        );
        for review in asked {
            let shown = registry.review(review.id).unwrap().unwrap().now.unwrap();
            assert!(shown.words.iter().all(|word| word.verdict == "different"), "{shown:?}");
            registry.decide_review(&caller(), review.id, ReviewVerdict::Different, "as before").unwrap();
        }
    });
}
