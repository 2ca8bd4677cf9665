//! What an operator can choose and what it then does: overlays, when regional IDs are issued, audit before answer.

use super::support::*;
use nayose::access::Principal;
use nayose::identity::{DemographicsQuery, Sex};
use nayose::registry::{Issue, Overlay, Registry, ReviewVerdict, Settings};
use nayose::store::Store;

fn with(store: &Store, overlay: Overlay) -> Registry {
    registry(store, Settings { overlay, ..settings() })
}

/// H01's number of Hanako, and suddenly a man of another age under it.
fn somebody_else() -> Said {
    Said {
        kanji: ("齋藤", "健一"), kana: ("サイトウ", "ケンイチ"), sex: Sex::Male, birth: "19551130", ..hanako()
    }
}

/// Hanako at H01 and at C01, then the overlay at H01; the key of the review.
fn overlaid(registry: &Registry) -> i64 {
    feed(registry, "h01", "1", &hanako());
    feed(registry, "c01", "9", &hanako_at_the_clinic());
    assert!(others(registry, "c01", "9").contains(&"2.999.1.11^1".to_owned()), "one person to begin with");
    feed(registry, "h01", "1", &somebody_else());
    let reviews = registry.reviews(10).unwrap();
    let overlays: Vec<_> = reviews.iter().filter(|review| review.kind == "overlay").collect();
    assert_eq!(overlays.len(), 1, "an overlay is always asked about");
    let born = |side: &Option<(String, String, nayose::identity::Demographics)>| {
        side.as_ref().and_then(|(_, _, said)| said.birth_date.value().map(|date| date.to_hl7())).unwrap_or_default()
    };
    assert_eq!((born(&overlays[0].left), born(&overlays[0].right)), ("19551130".to_owned(), "19800214".to_owned()));
    overlays[0].id
}

fn found_by_birth(registry: &Registry, birth: i32) -> Vec<String> {
    let day = Some(nayose::identity::BirthCriterion { from: Some(birth), to: Some(birth) });
    let query = DemographicsQuery { birth: day, ..DemographicsQuery::default() };
    let people = registry.search(&caller(), &query).unwrap().unwrap().people;
    let mut shown: Vec<_> = people.iter().flat_map(|p| &p.identifiers).map(|s| s.identifier.value.clone()).collect();
    shown.retain(|value| value.len() == 1);
    shown
}

#[test]
fn a_slip_or_a_change_of_one_thing_is_no_overlay() {
    on_both_stores(|store| {
        let registry = with(store, Overlay::Quarantine);
        feed(&registry, "h01", "1", &hanako());
        let married = Said { kanji: ("山田", "花子"), kana: ("ヤマダ", "ハナコ"), ..hanako() };
        let renamed =
            Said { kanji: ("山田", "桃代"), kana: ("ヤマダ", "モモヨ"), sex: Sex::Male, ..hanako() };
        for said in [married, renamed, Said { sex: Sex::Male, birth: "19551130", ..hanako() }] {
            feed(&registry, "h01", "1", &said);
            assert!(registry.reviews(10).unwrap().iter().all(|review| review.kind != "overlay"));
            feed(&registry, "h01", "1", &hanako());
        }
    });
}

#[test]
fn an_overlay_is_decided_anew_and_asked_about() {
    on_both_stores(|store| {
        let registry = with(store, Overlay::Relink);
        let review = overlaid(&registry);
        assert!(!others(&registry, "c01", "9").contains(&"2.999.1.11^1".to_owned()), "the link has fallen");
        assert_eq!(others(&registry, "h01", "1").len(), 1, "his own regional ID");
        feed(&registry, "h01", "1", &Said { phone: "tel:0990-99-0000", ..somebody_else() });
        assert!(registry.review(review).unwrap().is_some_and(|review| review.state == "open"), "asked until answered");
        // A steward: it is the same woman after all.
        assert!(registry.decide_review(&Principal::operator(), review, ReviewVerdict::Same, "").unwrap());
        assert!(others(&registry, "c01", "9").contains(&"2.999.1.11^1".to_owned()));
    });
}

#[test]
fn an_overlay_in_quarantine_is_not_answered_until_a_steward_decides() {
    on_both_stores(|store| {
        for verdict in [ReviewVerdict::Same, ReviewVerdict::Different] {
            let place = nayose::store::testing::Place::sqlite().unwrap();
            let fresh = place.open(&nayose::clock::Clock::system()).unwrap();
            // The store of the second round must be empty; SQLite's is made anew, PostgreSQL's is used once.
            let store = if verdict == ReviewVerdict::Same { store } else { &fresh };
            let registry = with(store, Overlay::Quarantine);
            let review = overlaid(&registry);
            assert_eq!(others(&registry, "h01", "1"), Vec::<String>::new(), "not found");
            assert!(!others(&registry, "c01", "9").contains(&"2.999.1.11^1".to_owned()), "nor shown with others");
            assert_eq!(found_by_birth(&registry, 19_551_130), Vec::<String>::new());
            assert_eq!(found_by_birth(&registry, 19_800_214), ["9"]);
            let by_id = DemographicsQuery { identifiers: vec![id("h01", "1")], ..DemographicsQuery::default() };
            assert!(registry.search(&caller(), &by_id).unwrap().unwrap().people.is_empty());
            // He comes to another hospital: what waits for a steward draws nobody to Hanako.
            feed(&registry, "h02", "5", &somebody_else());
            assert!(!others(&registry, "c01", "9").contains(&"2.999.1.12^5".to_owned()));
            feed(&registry, "h01", "1", &Said { phone: "tel:0990-99-0000", ..somebody_else() });
            assert_eq!(others(&registry, "h01", "1"), Vec::<String>::new(), "still");
            assert!(registry.decide_review(&Principal::operator(), review, verdict, "").unwrap());
            let same = verdict == ReviewVerdict::Same;
            assert_eq!(others(&registry, "c01", "9").contains(&"2.999.1.11^1".to_owned()), same);
            assert_eq!(others(&registry, "h01", "1").len(), if same { 2 } else { 1 });
            assert!(found_by_birth(&registry, 19_551_130).contains(&"1".to_owned()), "filed again");
        }
    });
}

#[test]
fn a_number_that_went_to_another_person_does_not_take_the_regional_id_along() {
    on_both_stores(|store| {
        for (overlay, value) in [(Overlay::Quarantine, "1"), (Overlay::Relink, "2")] {
            let registry = with(store, overlay);
            feed(&registry, "h01", value, &hanako());
            let hers = registry.person(&id("h01", value)).unwrap().unwrap().regional.unwrap();
            feed(&registry, "h01", value, &somebody_else());
            let review = registry.reviews(10).unwrap().into_iter().find(|review| review.kind == "overlay").unwrap();
            assert!(registry.decide_review(&Principal::operator(), review.id, ReviewVerdict::Different, "").unwrap());
            let his = registry.person(&id("h01", value)).unwrap().unwrap().regional.unwrap();
            assert_ne!(hers, his, "{overlay:?}");
            assert_eq!(others(&registry, "regional", &hers), Vec::<String>::new(), "{overlay:?}");
            assert!(others(&registry, "regional", &his).contains(&format!("2.999.1.11^{value}")), "{overlay:?}");
        }
    });
}

#[test]
fn regional_ids_are_issued_when_they_shall_be() {
    on_both_stores(|store| {
        let mut chosen = settings();
        chosen.regional.issue = Issue::OnRegistration;
        let registry = registry(store, chosen);
        feed(&registry, "h01", "1", &hanako());
        feed(&registry, "c01", "9", &hanako_at_the_clinic());
        assert_eq!(others(&registry, "h01", "1"), ["2.999.1.21^9"], "a feed issues none");
        let operator = Principal::operator();
        assert!(registry.register(&operator, &id("h01", "unknown")).unwrap().is_none());
        let first = registry.register(&operator, &id("h01", "1")).unwrap().unwrap();
        let again = registry.register(&operator, &id("c01", "9")).unwrap().unwrap();
        assert!(first.issued && !again.issued && first.regional == again.regional);
        assert_eq!(
            others(&registry, "h01", "1"),
            ["2.999.1.21^9".to_owned(), format!("{REGIONAL}^{}", first.regional)]
        );
        assert_eq!(others(&registry, "regional", &first.regional), ["2.999.1.11^1", "2.999.1.21^9"]);
        let history = registry.person(&id("h01", "1")).unwrap().unwrap().history;
        assert_eq!(history.iter().filter(|(_, kind, _)| kind == "person_registered").count(), 1);
    });
}

#[test]
fn who_was_registered_stays_registered_when_two_persons_become_one() {
    on_both_stores(|store| {
        let mut chosen = settings();
        chosen.regional.issue = Issue::OnRegistration;
        let registry = registry(store, chosen);
        feed(&registry, "h01", "1", &hanako());
        feed(&registry, "h01", "2", &her_sister());
        let old = registry.register(&Principal::operator(), &id("h01", "2")).unwrap().unwrap().regional;
        let merge = nayose::registry::MergeCommand { survivor: id("h01", "1"), subsumed: id("h01", "2") };
        assert_eq!(registry.merge(&intake("m", "m"), merge).unwrap().outcome.refusal, None);
        assert_eq!(others(&registry, "h01", "1").len(), 1, "the survivor has a regional ID of its own now");
        assert!(others(&registry, "regional", &old).contains(&"2.999.1.11^1".to_owned()), "the old one leads there");
    });
}

#[test]
fn an_answer_waits_for_its_audit_row_where_it_shall() {
    on_both_stores(|store| {
        let registry = registry(store, Settings { audit_wait: true, ..settings() });
        for number in 0..40 {
            let message = format!("q{number}");
            registry.audit_query(&caller(), "ITI-45", &message, None, Default::default()).unwrap();
            let rows = store.read(|tx| tx.audit_recent(1)).unwrap();
            assert_eq!(rows[0].message_id, message, "committed before the answer");
        }
    });
}
