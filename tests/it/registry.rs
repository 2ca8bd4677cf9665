//! The rules of the domain, on both stores.

use crate::support::*;
use nayose::access::{Grant, Permission, Policy, Principal};
use nayose::identity::{BirthCriterion, DemographicsQuery, DomainKey, NameCriterion, PersonName, Representation};
use nayose::registry::{FeedCommand, Linking, MergeCommand, Place, Reason, Refusal, Remark, ReviewVerdict, Settings};

use std::collections::HashMap;

#[test]
fn two_clerks_one_woman_and_not_her_sister() {
    on_both_stores(|store| {
        let registry = registry(store, settings());
        feed(&registry, "h01", "100", &hanako());
        feed(&registry, "h01", "101", &her_sister());
        feed(&registry, "c01", "7", &hanako_at_the_clinic());
        let shown = others(&registry, "h01", "100");
        assert_eq!(shown.len(), 2, "the clinic's identifier and the regional ID");
        assert!(shown.contains(&"2.999.1.21^7".to_owned()));
        assert_eq!(others(&registry, "h01", "101").len(), 1, "the sister has a regional ID alone");
        let regional = registry.cross_reference(&caller(), &id("h01", "100"), &[oid(REGIONAL)]).unwrap().unwrap();
        assert_eq!(regional.identifiers.len(), 1);
        let value = regional.identifiers[0].identifier.value.clone();
        let locals = others(&registry, "regional", &value);
        assert_eq!(locals, ["2.999.1.11^100", "2.999.1.21^7"]);
    });
}

#[test]
fn a_twin_is_never_linked_by_itself() {
    on_both_stores(|store| {
        let registry = registry(store, settings());
        feed(&registry, "h01", "100", &hanako());
        feed(&registry, "c01", "8", &her_twin());
        assert_eq!(others(&registry, "h01", "100").len(), 1);
    });
}

#[test]
fn a_feed_that_asserts_a_regional_id_is_refused_at_its_place() {
    on_both_stores(|store| {
        let registry = registry(store, settings());
        let command = FeedCommand {
            identifiers: vec![id("h01", "100"), id("regional", "5")],
            other_identifiers: Vec::new(),
            demographics: demographics(&hanako()),
        };
        let settled = registry.feed(&intake("m1", "p1"), command).unwrap();
        assert_eq!(settled.outcome.refusal, Some(Refusal::new(Reason::RegionalAsserted, Place::Identifier(1))));
        assert_eq!(store.counts().unwrap().records, 0, "a refusal leaves nothing behind");
    });
}

#[test]
fn a_repeat_gets_the_stored_outcome_and_acts_not_again() {
    on_both_stores(|store| {
        let registry = registry(store, settings());
        let command = FeedCommand {
            identifiers: vec![id("h01", "100")],
            other_identifiers: Vec::new(),
            demographics: demographics(&hanako()),
        };
        let first = registry.feed(&intake("m1", "p1"), command.clone()).unwrap();
        let before = store.counts().unwrap();
        let second = registry.feed(&intake("m1", "p1"), command.clone()).unwrap();
        assert!(second.repeated && !first.repeated);
        assert_eq!(
            (&second.outcome, &second.reply_id, second.reply_time),
            (&first.outcome, &first.reply_id, first.reply_time)
        );
        let other = registry.feed(&intake("m1", "another payload"), command.clone()).unwrap();
        assert_eq!(other.outcome.refusal, Some(Refusal::new(Reason::MessageIdReused, Place::Message)));
        let unchanged = registry.feed(&intake("m2", "p1"), command).unwrap();
        assert_eq!(unchanged.outcome.refusal, None);
        let after = store.counts().unwrap();
        assert_eq!(
            (before.versions, before.events),
            (after.versions, after.events),
            "what changes nothing leaves no trace"
        );
    });
}

#[test]
fn a_revise_that_contradicts_an_automatic_link_breaks_it() {
    on_both_stores(|store| {
        let registry = registry(store, settings());
        feed(&registry, "h01", "100", &hanako());
        feed(&registry, "c01", "7", &hanako_at_the_clinic());
        assert_eq!(others(&registry, "h01", "100").len(), 2);
        feed(&registry, "c01", "7", &her_sister());
        assert_eq!(others(&registry, "h01", "100").len(), 1, "the link fell");
        feed(&registry, "c01", "7", &hanako_at_the_clinic());
        assert_eq!(others(&registry, "h01", "100").len(), 2, "and was made again");
    });
}

#[test]
fn a_merge_carries_the_links_over_and_kills_the_subsumed_identifier() {
    on_both_stores(|store| {
        let registry = registry(store, settings());
        feed(&registry, "h01", "100", &hanako());
        feed(&registry, "h01", "200", &her_sister());
        feed(&registry, "c01", "7", &hanako_at_the_clinic());
        let merge = MergeCommand { survivor: id("h01", "200"), subsumed: id("h01", "100") };
        assert_eq!(registry.merge(&intake("m1", "p1"), merge.clone()).unwrap().outcome.refusal, None);
        assert!(others(&registry, "h01", "200").contains(&"2.999.1.21^7".to_owned()));
        let dead = registry.cross_reference(&caller(), &id("h01", "100"), &[]).unwrap();
        assert_eq!(dead, Err(vec![Refusal::new(Reason::UnknownIdentifier, Place::Asked)]));
        for (message, survivor, subsumed, reason, place) in [
            ("again", "200", "100", Reason::SubsumedUnknown, Place::Subsumed),
            ("into the dead", "100", "200", Reason::SurvivorSubsumed, Place::Survivor),
            ("itself", "200", "200", Reason::MergeWithItself, Place::Subsumed),
            ("nobody", "200", "999", Reason::SubsumedUnknown, Place::Subsumed),
        ] {
            let merge = MergeCommand { survivor: id("h01", survivor), subsumed: id("h01", subsumed) };
            let refused = registry.merge(&intake(message, message), merge).unwrap().outcome.refusal;
            assert_eq!(refused, Some(Refusal::new(reason, place)), "{message}");
        }
        let across = MergeCommand { survivor: id("h01", "200"), subsumed: id("c01", "7") };
        let refused = registry.merge(&intake("across", "across"), across).unwrap().outcome.refusal;
        assert_eq!(refused, Some(Refusal::new(Reason::MergeAcrossAuthorities, Place::Subsumed)));
        let fed = FeedCommand {
            identifiers: vec![id("h01", "100")],
            other_identifiers: vec![],
            demographics: demographics(&hanako()),
        };
        let refused = registry.feed(&intake("dead", "dead"), fed).unwrap().outcome.refusal;
        assert_eq!(refused, Some(Refusal::new(Reason::IdentifierSubsumed, Place::Identifier(0))));
    });
}

#[test]
fn a_retired_regional_id_resolves_to_its_successor() {
    on_both_stores(|store| {
        let registry = registry(store, settings());
        feed(&registry, "h01", "100", &hanako());
        feed(&registry, "h01", "200", &her_sister());
        let old = registry.cross_reference(&caller(), &id("h01", "100"), &[oid(REGIONAL)]).unwrap().unwrap();
        let merge = MergeCommand { survivor: id("h01", "200"), subsumed: id("h01", "100") };
        registry.merge(&intake("m1", "p1"), merge).unwrap();
        let shown = others(&registry, "regional", &old.identifiers[0].identifier.value);
        assert_eq!(shown.len(), 2, "the survivor and the successor's regional ID, the retired one never");
        assert_eq!(shown[0], "2.999.1.11^200");
        assert_ne!(shown[1], format!("{REGIONAL}^{}", old.identifiers[0].identifier.value));
    });
}

#[test]
fn identifiers_outside_the_senders_domains_are_hints_with_a_warning() {
    on_both_stores(|store| {
        let registry = registry(store, settings());
        let foreign = nayose::identity::PatientIdentifier { authority: oid("2.999.9"), value: "x".to_owned() };
        let beside = FeedCommand {
            identifiers: vec![id("h01", "100")],
            other_identifiers: vec![foreign.clone()],
            demographics: demographics(&hanako()),
        };
        let settled = registry.feed(&intake("m1", "p1"), beside).unwrap();
        assert_eq!(settled.outcome.remarks, [Remark::ForeignIdentifierKept(0)]);
        let at_the_top = FeedCommand {
            identifiers: vec![foreign],
            other_identifiers: vec![],
            demographics: demographics(&hanako()),
        };
        let refused = registry.feed(&intake("m2", "p2"), at_the_top).unwrap().outcome.refusal;
        assert_eq!(refused, Some(Refusal::new(Reason::AuthorityNotGranted, Place::Identifier(0))));
    });
}

#[test]
fn several_identifiers_of_one_feed_are_one_patient() {
    on_both_stores(|store| {
        let registry = registry(store, settings());
        feed(&registry, "h02", "9", &her_sister());
        let both = FeedCommand {
            identifiers: vec![id("h01", "100")],
            other_identifiers: vec![id("h02", "9")],
            demographics: demographics(&hanako()),
        };
        registry.feed(&intake("m1", "p1"), both).unwrap();
        assert!(others(&registry, "h01", "100").contains(&"2.999.1.12^9".to_owned()));
    });
}

#[test]
fn what_the_source_asserted_is_held_and_flagged_when_a_revise_contradicts_it() {
    on_both_stores(|store| {
        let registry = registry(store, settings());
        let both = FeedCommand {
            identifiers: vec![id("h01", "100")],
            other_identifiers: vec![id("h02", "9")],
            demographics: demographics(&hanako()),
        };
        registry.feed(&intake("m1", "p1"), both).unwrap();
        feed(&registry, "h02", "9", &her_sister());
        assert!(others(&registry, "h01", "100").contains(&"2.999.1.12^9".to_owned()), "only automatic links fall");
        assert!(registry.reviews(10).unwrap().iter().any(|review| review.kind == "contradiction"));
    });
}

#[test]
fn a_senders_assertion_does_not_undo_a_stewards_word() {
    on_both_stores(|store| {
        let registry = registry(store, Settings { linking: Linking::Propose, ..settings() });
        feed(&registry, "c01", "7", &hanako());
        feed(&registry, "h02", "9", &hanako_at_the_clinic());
        let open = registry.reviews(10).unwrap();
        assert!(registry.decide_review(&Principal::operator(), open[0].id, ReviewVerdict::Same, "").unwrap());
        let both = FeedCommand {
            identifiers: vec![id("h01", "100")],
            other_identifiers: vec![id("h02", "9")],
            demographics: demographics(&her_sister()),
        };
        registry.feed(&intake("m1", "p1"), both).unwrap();
        assert!(others(&registry, "c01", "7").contains(&"2.999.1.12^9".to_owned()), "the steward's link is held");
        assert!(!others(&registry, "h01", "100").contains(&"2.999.1.12^9".to_owned()));
        assert!(registry.reviews(10).unwrap().iter().any(|review| review.kind == "contradiction"));
    });
}

#[test]
fn proposing_leaves_every_link_to_a_steward() {
    on_both_stores(|store| {
        let registry = registry(store, Settings { linking: Linking::Propose, ..settings() });
        feed(&registry, "h01", "100", &hanako());
        feed(&registry, "c01", "7", &hanako_at_the_clinic());
        assert_eq!(others(&registry, "h01", "100").len(), 1, "nothing is visible before a decision");
        let open = registry.reviews(10).unwrap();
        assert_eq!(open.len(), 1);
        assert!(registry.decide_review(&Principal::operator(), open[0].id, ReviewVerdict::Same, "same form").unwrap());
        assert_eq!(others(&registry, "h01", "100").len(), 2);
        assert!(!registry.decide_review(&Principal::operator(), open[0].id, ReviewVerdict::Same, "").unwrap(), "once");
        feed(&registry, "c01", "7", &her_sister());
        assert_eq!(others(&registry, "h01", "100").len(), 2, "a steward's link is held");
        assert!(registry.reviews(10).unwrap().iter().any(|review| review.kind == "contradiction"));
    });
}

#[test]
fn hidden_answers_exactly_like_unknown() {
    on_both_stores(|store| {
        let own = Grant {
            domain: Some(DomainKey("h01".into())),
            may: [Permission::Assert, Permission::QueryFrom, Permission::See, Permission::Search].into(),
        };
        let feeder = Grant { domain: None, may: Permission::WORDS.iter().map(|(_, p)| *p).collect() };
        let systems = HashMap::from([("viewer".to_owned(), vec![own]), ("loader".to_owned(), vec![feeder])]);
        let registry = registry(store, Settings { policy: Policy::Registered(systems), ..settings() });
        let loader = |message: &str| nayose::registry::Intake {
            principal: Principal::system("loader"),
            ..intake(message, message)
        };
        for (message, domain, value, said) in [("1", "h01", "100", hanako()), ("2", "c01", "7", hanako_at_the_clinic())]
        {
            let command = FeedCommand {
                identifiers: vec![id(domain, value)],
                other_identifiers: vec![],
                demographics: demographics(&said),
            };
            assert_eq!(registry.feed(&loader(message), command).unwrap().outcome.refusal, None);
        }
        let viewer = Principal::system("viewer");
        let ask = |domain: &str, value: &str, wanted: &[&str]| {
            let wanted: Vec<_> = wanted.iter().map(|text| oid(text)).collect();
            registry.cross_reference(&viewer, &id(domain, value), &wanted).unwrap()
        };
        assert_eq!(
            ask("h01", "100", &[]).unwrap().identifiers,
            [],
            "neither the clinic's nor the regional one is shown"
        );
        assert_eq!(ask("c01", "7", &[]), ask("c01", "no such", &[]));
        assert_eq!(ask("h01", "100", &["2.999.1.21"]), ask("h01", "100", &["2.999.77"]));
        let stranger = registry.cross_reference(&caller(), &id("h01", "100"), &[]).unwrap();
        assert_eq!(stranger, Err(vec![Refusal::new(Reason::UnknownSender, Place::Sender)]));
    });
}

#[test]
fn she_is_found_in_kanji_in_kana_and_by_birth_date() {
    on_both_stores(|store| {
        let registry = registry(store, settings());
        feed(&registry, "h01", "100", &hanako());
        feed(&registry, "h01", "101", &her_sister());
        feed(&registry, "c01", "7", &hanako_at_the_clinic());
        for (representation, family, given) in [
            (Some(Representation::Ideographic), "斉藤", "花子"),
            (Some(Representation::Ideographic), "齋藤", "花子"),
            (Some(Representation::Syllabic), "さいとう", "はなこ"),
            (Some(Representation::Alphabetic), "Saito", "Hanako"),
            (None, "", "ﾊﾅｺ"),
        ] {
            let name = NameCriterion { name: PersonName::simple(representation, family, given), similar: false };
            let query = DemographicsQuery {
                names: vec![name],
                birth: Some(BirthCriterion { from: Some(19_800_101), to: Some(19_801_231) }),
                ..DemographicsQuery::default()
            };
            let found = registry.search(&caller(), &query).unwrap().unwrap().people;
            assert_eq!(found.len(), 1, "{representation:?} {family} {given}");
            assert_eq!(found[0].identifiers.len(), 3, "two locals and the regional ID");
        }
        let nothing = registry.search(&caller(), &DemographicsQuery::default()).unwrap();
        assert_eq!(nothing, Err(vec![Refusal::new(Reason::NoCriteria, Place::Message)]));
    });
}
