//! The pages of a search: stable, bound to who asked, gone after a while, and never shorter in silence.

use super::support::*;
use nayose::access::Principal;
use nayose::clock::Clock;
use nayose::identity::{DemographicsQuery, NameCriterion, PersonName};
use nayose::registry::{FirstPage, MergeCommand, NextPage, Page, Reason, Registry, SearchAnswer, Source};
use nayose::store::Store;
use std::collections::BTreeSet;

/// Six of one family, at two hospitals.
fn family(registry: &Registry) {
    let given =
        [("花子", "ハナコ"), ("一郎", "イチロウ"), ("次郎", "ジロウ"), ("春", "ハル"), ("秋", "アキ"), ("冬", "フユ")];
    for (n, (kanji, kana)) in given.into_iter().enumerate() {
        let birth = ["19400101", "19510212", "19620323", "19730404", "19840515", "19950626"][n];
        let said = Said { kanji: ("齋藤", kanji), kana: ("サイトウ", kana), birth, ..hanako() };
        feed(registry, if n % 2 == 0 { "h01" } else { "h02" }, &format!("{n}"), &said);
    }
}

fn asked() -> DemographicsQuery {
    let name = PersonName::simple(None, "斎藤", "");
    DemographicsQuery { names: vec![NameCriterion { name, similar: false }], ..DemographicsQuery::default() }
}

fn found(registry: &Registry) -> SearchAnswer {
    registry.search(&caller(), &asked()).unwrap().unwrap()
}

fn keep(registry: &Registry, principal: &Principal, query_id: &str, size: u32) {
    let (query_id, reply_id) = (query_id.to_owned(), "reply-1".to_owned());
    let page = FirstPage { query_id, reply_id, size, domains: Vec::new(), echo: "<echo/>".to_owned() };
    registry.keep_query(principal, &page, &found(registry)).unwrap();
}

fn next(query_id: &str) -> NextPage {
    let (query_id, reply_id) = (query_id.to_owned(), Clock::system().uuid().to_string());
    NextPage { query_id, start: None, size: None, follows: None, reply_id }
}

fn page(registry: &Registry, asked: &NextPage) -> Page {
    registry.continue_query(&caller(), asked).unwrap().unwrap()
}

/// The first identifier of each patient: of the regional authority.
fn whose(page: &Page) -> Vec<String> {
    page.people.iter().map(|one| one.identifiers[0].identifier.value.clone()).collect()
}

fn on_a_family(check: impl Fn(&Store, &Registry)) {
    on_both_stores(|store| {
        let registry = registry(store, settings());
        family(&registry);
        check(store, &registry);
    });
}

#[test]
fn pages_are_cut_from_one_list_whatever_happens_meanwhile() {
    on_a_family(|_, registry| {
        let all: Vec<String> =
            found(registry).people.iter().map(|one| one.identifiers[0].identifier.value.clone()).collect();
        assert_eq!(all.len(), 6);
        keep(registry, &caller(), "q", 2);
        feed(
            registry,
            "h03",
            "new",
            &Said { kanji: ("斎藤", "太郎"), kana: ("サイトウ", "タロウ"), birth: "20010203", ..hanako() },
        );
        let second = page(registry, &next("q"));
        assert_eq!((whose(&second).as_slice(), second.total, second.remaining), (&all[2..4], 6, 2));
        assert_eq!((second.gone, second.echo.as_str()), (0, "<echo/>"));
        let last = page(registry, &NextPage { size: Some(10), ..next("q") });
        assert_eq!((whose(&last).as_slice(), last.total, last.remaining), (&all[4..], 6, 0));
        let beyond = page(registry, &NextPage { start: Some(7), ..next("q") });
        assert_eq!((beyond.people.len(), beyond.total, beyond.remaining), (0, 6, 0));
        let again = page(registry, &NextPage { start: Some(2), size: Some(3), ..next("q") });
        assert_eq!((whose(&again).as_slice(), again.remaining), (&all[1..4], 2));
    });
}

#[test]
fn a_repeated_continuation_gets_the_same_page() {
    on_a_family(|_, registry| {
        keep(registry, &caller(), "q", 1);
        let follows = |id: &str| NextPage { follows: Some(id.to_uppercase()), ..next("q") };
        let first = NextPage { reply_id: "reply-2".to_owned(), ..follows("reply-1") };
        let told = page(registry, &first);
        assert_eq!(
            whose(&page(registry, &NextPage { reply_id: "reply-2b".to_owned(), ..first.clone() })),
            whose(&told)
        );
        let after = page(registry, &follows("reply-2"));
        assert_ne!(whose(&after), whose(&told));
        assert_eq!(after.remaining, 3);
        assert_eq!(page(registry, &follows("a reply that never was")).remaining, 2, "the page after the last one told");
    });
}

#[test]
fn pages_are_their_askers_alone_and_for_a_while() {
    on_a_family(|store, registry| {
        let unknown = |registry: &Registry, principal: &Principal, query_id: &str| {
            registry.continue_query(principal, &next(query_id)).unwrap().unwrap_err().reason
        };
        keep(registry, &caller(), "q", 2);
        let other = Principal::unregistered("2.999.1.12.1");
        assert_eq!(unknown(registry, &other, "q"), Reason::UnknownQuery);
        assert_eq!(registry.cancel_query(&other, "q").unwrap().unwrap_err().reason, Reason::UnknownQuery);
        assert_eq!(unknown(registry, &caller(), "another"), Reason::UnknownQuery);
        assert_eq!(page(registry, &next("q")).people.len(), 2, "still there");
        // Another process, ten minutes later.
        let later = Clock::fixed(Clock::system().micros() + 601_000_000);
        let later = Registry::open(store.clone(), settings(), later).unwrap();
        assert_eq!(unknown(&later, &caller(), "q"), Reason::UnknownQuery);
        keep(registry, &caller(), "q", 2);
        assert_eq!(registry.cancel_query(&caller(), "q").unwrap(), Ok(()));
        assert_eq!(unknown(registry, &caller(), "q"), Reason::UnknownQuery);
        // The same id for another query: the later one counts.
        keep(registry, &caller(), "q", 2);
        keep(registry, &caller(), "q", 5);
        assert_eq!(page(registry, &next("q")).people.len(), 1);
    });
}

#[test]
fn who_keeps_many_queries_loses_the_oldest() {
    on_both_stores(|store| {
        let registry = registry(store, settings());
        feed(&registry, "h01", "1", &hanako());
        for n in 0..202 {
            keep(&registry, &caller(), &format!("q{n}"), 1);
        }
        let other = Principal::unregistered("2.999.1.12.1");
        keep(&registry, &other, "q0", 1);
        let is_kept = |query_id: &str| registry.continue_query(&caller(), &next(query_id)).unwrap().is_ok();
        let kept: BTreeSet<String> = (0..202).map(|n| format!("q{n}")).filter(|id| is_kept(id)).collect();
        assert!(kept.len() <= 201 && kept.contains("q201") && !kept.contains("q0"), "{} are kept", kept.len());
    });
}

#[test]
fn nobody_is_shown_who_may_be_shown_no_more() {
    on_a_family(|_, registry| {
        let found = found(registry);
        keep(registry, &caller(), "q", 1);
        // The second of the list becomes another identifier of the hospital's: the person is shown by what is left.
        let of = |n: usize| found.people[n].identifiers[1].identifier.clone();
        let subsumed = of(1);
        let survivor = nayose::identity::PatientIdentifier { value: "survivor".to_owned(), ..subsumed.clone() };
        let merge = MergeCommand { survivor: survivor.clone(), subsumed: subsumed.clone() };
        let settled = registry.merge(&intake("m-1", "m-1"), merge).unwrap();
        assert_eq!(settled.outcome.refusal, None);
        let second = page(registry, &next("q"));
        assert_eq!((second.people.len(), second.gone), (1, 0));
        let shown: Vec<_> = second.people[0].identifiers.iter().map(|one| one.identifier.clone()).collect();
        assert!(shown.contains(&survivor) && !shown.contains(&subsumed), "{shown:?}");
    });
}

#[test]
fn an_erasure_forgets_what_was_asked() {
    on_a_family(|_, registry| {
        let echo = "<family>斎藤</family>".to_owned();
        let (query_id, reply_id) = ("q".to_owned(), "r".to_owned());
        let first = FirstPage { query_id, reply_id, size: 1, domains: Vec::new(), echo };
        registry.keep_query(&caller(), &first, &found(registry)).unwrap();
        registry.erase(&Principal::operator(), &id("h01", "0"), "asked for").unwrap().unwrap();
        let refused = registry.continue_query(&caller(), &next("q")).unwrap().unwrap_err();
        assert_eq!(refused.reason, Reason::UnknownQuery);
        assert_eq!(found(registry).people.len(), 5);
    });
}

#[test]
fn what_is_hidden_meanwhile_leaves_a_gap_that_is_told() {
    use nayose::access::{Grant, Permission, Policy};
    on_a_family(|store, _| {
        let emr = Principal::system("emr");
        let grants = |domains: &[&str]| {
            let grant = |domain: &&str| Grant {
                domain: Some(nayose::identity::DomainKey((*domain).to_owned())),
                may: [Permission::See, Permission::Search].into(),
            };
            Policy::Registered([("emr".to_owned(), domains.iter().map(grant).collect())].into())
        };
        let both = registry(store, nayose::registry::Settings { policy: grants(&["h01", "h02"]), ..settings() });
        let list = both.search(&emr, &asked()).unwrap().unwrap();
        let page = FirstPage {
            query_id: "q".to_owned(),
            reply_id: "r".to_owned(),
            size: 1,
            domains: Vec::new(),
            echo: String::new(),
        };
        both.keep_query(&emr, &page, &list).unwrap();
        let one = registry(store, nayose::registry::Settings { policy: grants(&["h01"]), ..settings() });
        let rest = one.continue_query(&emr, &NextPage { start: Some(1), size: Some(6), ..next("q") }).unwrap().unwrap();
        assert_eq!((rest.people.len(), rest.gone, rest.total), (3, 3, 6));
    });
}

#[test]
fn one_source_is_searched_and_shown_where_the_receiver_names_it() {
    on_both_stores(|store| {
        let registry = registry(store, settings());
        feed(&registry, "h01", "1", &hanako());
        feed(&registry, "c01", "9", &hanako_at_the_clinic());
        let shown = |source: &Source, family: &str| {
            let name = PersonName::simple(None, family, "");
            let asked = DemographicsQuery {
                names: vec![NameCriterion { name, similar: false }],
                ..DemographicsQuery::default()
            };
            let found = registry.search_at(source, &caller(), &asked).unwrap().unwrap().people;
            let kanji = |one: &nayose::registry::FoundPerson| one.demographics.names.values()[0].family();
            (found.iter().map(kanji).collect::<Vec<_>>(), found.first().map_or(0, |one| one.identifiers.len()))
        };
        let hospital = registry.source(&[oid("2.999.1.11")], None);
        let clinic = registry.source(&[oid("2.999.77"), oid("2.999.1.21")], None);
        assert_eq!(
            shown(&hospital, "斎藤"),
            (vec!["齋藤".to_owned()], 3),
            "one source's words, everybody's identifiers"
        );
        assert_eq!(shown(&clinic, "斎藤"), (vec!["斎藤".to_owned()], 3));
        let elsewhere = registry.source(&[oid("2.999.1.12")], None);
        assert_eq!(shown(&elsewhere, "斎藤").0, Vec::<String>::new(), "what a source does not know it does not tell");
        assert_eq!(registry.source(&[oid("2.999.77")], Some("emr")), Source::Best);
    });
}
