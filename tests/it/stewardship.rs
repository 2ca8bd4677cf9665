//! What stewards do to links and persons: it sticks, it never overrides an earlier decision, and it can be undone.
//!
//! `NAYOSE_HISTORIES` sets how many random histories are played (the full form is 10,000), `NAYOSE_SEED` plays those of a
//! printed seed, with it `NAYOSE_HISTORIES_FROM` goes on where a run was stopped, and `NAYOSE_KIND` (`sqlite`, `postgres`)
//! plays them on one kind of store.

use crate::histories::{Dice, histories};
use crate::people::{said, seed};
use crate::support::*;
use nayose::clock::Clock;
use nayose::identity::PatientIdentifier;
use nayose::registry::{Objection, Registry, ReviewVerdict};
use nayose::store::testing::Place;
use std::collections::BTreeMap;

const SENDERS: [&str; 4] = ["h01", "h02", "c01", "c02"];

/// Whose each record is, and by what link: all but when it began.
fn links(registry: &Registry, all: &[PatientIdentifier]) -> BTreeMap<String, String> {
    let of = |identifier: &PatientIdentifier| {
        let person = registry.person(identifier).unwrap().unwrap();
        let link = person.records.iter().find(|record| record.identifier == *identifier).unwrap();
        let said = (person.person, &person.regional, &link.origin, link.weight.to_bits(), &link.reason);
        (format!("{}^{}", identifier.authority, identifier.value), format!("{said:?}"))
    };
    all.iter().map(of).collect()
}

/// Twelve records of five people, some of them alike.
fn populate(registry: &Registry, seed: u64) -> Vec<PatientIdentifier> {
    let fed = (0..12).map(|number| {
        let (domain, value) = (SENDERS[number as usize % 4], format!("{seed}-{number}"));
        feed(registry, domain, &value, &said(seed, number % 5, number as usize % 8));
        id(domain, &value)
    });
    fed.collect()
}

fn operate(registry: &Registry, all: &[PatientIdentifier], dice: &mut Dice) -> Option<i64> {
    let mut one = || &all[dice.below(all.len() as u64) as usize];
    let (first, second, third) = (one(), one(), one());
    let done = match dice.below(4) {
        0 => registry.link(&caller(), first, second, "looked"),
        1 => registry.unlink(&caller(), first, "looked"),
        2 => registry.merge_persons(&caller(), first, second, "looked"),
        _ => {
            // Of one person, as far as it goes: some of the records that the first is with.
            let with = registry.person(first).unwrap().unwrap().records;
            let some: Vec<_> =
                with.into_iter().map(|record| record.identifier).filter(|_| dice.below(2) == 0).collect();
            registry.split(&caller(), if some.is_empty() { std::slice::from_ref(third) } else { &some }, "looked")
        }
    };
    done.unwrap().ok()
}

/// What stands in the way of undoing each of `open`, for whoever mends it.
fn stuck(registry: &Registry, open: &[i64]) -> String {
    let mut told = "nothing can be undone any more".to_owned();
    for id in open {
        let told_of = registry.store().read(|tx| -> Result<String, nayose::store::StoreError> {
            let row = tx.operation_get(*id)?.unwrap();
            let mut told = format!("\n{id} {} of person {}: {}", row.kind, row.person_id, row.effects);
            let effects: serde_json::Value = serde_json::from_str(&row.effects).unwrap();
            for moved in effects["moved"].as_array().unwrap() {
                let of = |at: usize| moved[at].as_i64().unwrap();
                let held = tx.link_current(nayose::identity::RecordId(of(0)))?;
                let (ended, begun) = (tx.link_get(of(1))?, tx.link_get(of(2))?);
                let home = ended.as_ref().map(|link| nayose::identity::PersonId(link.person_id)).unwrap();
                let events = tx.events_of(None, Some(home))?;
                let events: Vec<_> = events.iter().map(|event| (&event.kind, event.inbox_id)).collect();
                told.push_str(&format!(
                    "\n  held {held:?}\n  meant {begun:?}\n  home {:?}\n  events {events:?}",
                    tx.person_get(home)?
                ));
            }
            Ok(told)
        });
        told.push_str(&told_of.unwrap());
    }
    told
}

#[test]
fn what_is_done_and_undone_in_any_legal_order_leaves_the_links_as_they_were() {
    let seed = seed();
    let (mut done, mut refused) = (0, 0);
    for place in places() {
        println!("on {}", place.url.split(':').next().unwrap());
        let mut held: Option<(Place, Registry, Vec<PatientIdentifier>)> = None;
        for history in histories(40) {
            let mut dice = Dice::new(seed + history);
            if history % 50 == 0 || held.is_none() {
                let fresh =
                    if place.url.starts_with("sqlite:") { Place::sqlite().ok() } else { Place::postgres() }.unwrap();
                let opened = registry(&fresh.open(&Clock::system()).unwrap(), settings());
                let all = populate(&opened, seed + history);
                held = Some((fresh, opened, all));
            }
            let (_, registry, all) = held.as_ref().unwrap();
            let before = links(registry, all);
            let mut open: Vec<i64> = (0..2 + dice.below(9)).filter_map(|_| operate(registry, all, &mut dice)).collect();
            done += open.len();
            let mut in_vain = 0;
            while !open.is_empty() {
                let at = dice.below(open.len() as u64) as usize;
                match registry.undo(&caller(), open[at], "a mistake").unwrap() {
                    Ok(_) => {
                        open.remove(at);
                        in_vain = 0;
                    }
                    Err(objection) => {
                        assert_eq!(objection, Objection::ChangedSince, "seed {}", seed + history);
                        (refused, in_vain) = (refused + 1, in_vain + 1);
                        assert!(in_vain < 500, "seed {}: {}", seed + history, stuck(registry, &open));
                    }
                }
            }
            assert_eq!(links(registry, all), before, "seed {}, {}", seed + history, place.url);
            if history % 20 == 0 {
                assert!(
                    registry.verify().unwrap().iter().all(|finding| finding.broken == 0),
                    "seed {}",
                    seed + history
                );
            }
        }
    }
    assert!(done > 20 && refused > 0, "{done} done, {refused} refused: nothing was shown");
}

/// Found by the 10,000 histories: a link that only looked like the one that an operation had made let it be undone
/// over what was done since, and then neither could be undone any more.
#[test]
fn what_was_brought_there_again_must_be_undone_first() {
    on_both_stores(|store| {
        let registry = registry(store, settings());
        for (domain, value, number) in [("h01", "1", 0), ("h02", "2", 1), ("c01", "3", 2)] {
            feed(&registry, domain, value, &said(7, number, 0));
        }
        let all = [id("h01", "1"), id("h02", "2"), id("c01", "3")];
        let [one, two, three] = &all;
        let before = links(&registry, &all);
        let merged = registry.merge_persons(&caller(), one, two, "one").unwrap().unwrap();
        let linked = registry.link(&caller(), two, three, "another").unwrap().unwrap();
        let again = registry.merge_persons(&caller(), one, three, "all one").unwrap().unwrap();
        for earlier in [merged, linked] {
            assert_eq!(registry.undo(&caller(), earlier, "no").unwrap(), Err(Objection::ChangedSince));
        }
        for operation in [again, linked, merged] {
            registry.undo(&caller(), operation, "no").unwrap().unwrap();
        }
        assert_eq!(links(&registry, &all), before);
    });
}

#[test]
fn a_merge_keeps_the_regional_id_and_gives_it_back() {
    on_both_stores(|store| {
        let registry = registry(store, settings());
        feed(&registry, "h01", "1", &hanako());
        feed(&registry, "h02", "2", &her_sister());
        let regional =
            |domain: &str, value: &str| registry.person(&id(domain, value)).unwrap().unwrap().regional.unwrap();
        let (first, second) = (regional("h01", "1"), regional("h02", "2"));
        let by = |value: &str| registry.person(&id("regional", value)).unwrap().unwrap().person;
        let (hanako, sister) = (by(&first), by(&second));
        let merged = registry.merge_persons(&caller(), &id("h01", "1"), &id("h02", "2"), "one woman").unwrap().unwrap();
        assert_eq!((by(&first), by(&second)), (hanako, hanako), "the retired one resolves to who stays");
        assert_eq!(others(&registry, "h01", "1").len(), 2);
        let told = registry.operations(&id("h02", "2")).unwrap();
        assert_eq!((told.len(), told[0].id, told[0].kind.as_str(), told[0].undone), (1, merged, "merge", None));
        registry.undo(&caller(), merged, "two after all").unwrap().unwrap();
        assert_eq!((by(&first), by(&second)), (hanako, sister));
        assert_eq!((regional("h01", "1"), regional("h02", "2")), (first, second));
        assert_eq!(registry.undo(&caller(), merged, "again").unwrap(), Err(Objection::NoOperation));
        assert!(registry.verify().unwrap().iter().all(|finding| finding.broken == 0));
    });
}

#[test]
fn what_a_steward_said_sticks() {
    on_both_stores(|store| {
        let registry = registry(store, settings());
        feed(&registry, "h01", "1", &hanako());
        feed(&registry, "h02", "2", &hanako());
        feed(&registry, "c01", "3", &her_sister());
        assert_eq!(others(&registry, "h01", "1").len(), 2, "one woman, by the score");
        registry.unlink(&caller(), &id("h02", "2"), "a namesake").unwrap().unwrap();
        registry.link(&caller(), &id("c01", "3"), &id("h01", "1"), "she changed her name").unwrap().unwrap();
        let alone = others(&registry, "h02", "2");
        assert_eq!(alone.len(), 1, "nobody beside her regional ID: {alone:?}");
        // What is fed again, revised or new, moves neither.
        feed(&registry, "h02", "2", &hanako_at_the_clinic());
        feed(&registry, "h01", "1", &hanako_at_the_clinic());
        feed(&registry, "c01", "3", &her_twin());
        assert_eq!(others(&registry, "h02", "2"), alone);
        assert!(others(&registry, "h01", "1").contains(&format!("{}^3", id("c01", "3").authority)));
        // Who says otherwise is shown what was said.
        let against = registry.link(&caller(), &id("h02", "2"), &id("h01", "1"), "the same").unwrap();
        assert!(matches!(&against, Err(Objection::Contradicts(decisions)) if decisions.len() == 1), "{against:?}");
        let against = registry.unlink(&caller(), &id("c01", "3"), "not she").unwrap();
        assert!(matches!(against, Err(Objection::Contradicts(_))), "{against:?}");
        let merged = registry.merge_persons(&caller(), &id("h01", "1"), &id("h02", "2"), "one").unwrap();
        assert!(matches!(merged, Err(Objection::Contradicts(_))), "{merged:?}");
    });
}

#[test]
fn what_cannot_be_done_is_said_and_nothing_is_changed() {
    on_both_stores(|store| {
        let registry = registry(store, settings());
        feed(&registry, "h01", "1", &hanako());
        feed(&registry, "h02", "2", &hanako());
        feed(&registry, "c01", "3", &her_sister());
        let (one, two, three, nobody) = (id("h01", "1"), id("h02", "2"), id("c01", "3"), id("h03", "9"));
        let all = [one.clone(), two.clone(), three.clone()];
        let before = links(&registry, &all);
        let steward = caller();
        let check = |done: Result<i64, Objection>, expect: Objection| assert_eq!(done, Err(expect));
        check(registry.link(&steward, &nobody, &one, "").unwrap(), Objection::Unknown(0));
        check(registry.link(&steward, &one, &nobody, "").unwrap(), Objection::Unknown(1));
        check(registry.link(&steward, &one, &two, "").unwrap(), Objection::Nothing);
        check(registry.merge_persons(&steward, &one, &two, "").unwrap(), Objection::Nothing);
        check(registry.unlink(&steward, &three, "").unwrap(), Objection::Nothing);
        check(registry.split(&steward, &[one.clone(), three.clone()], "").unwrap(), Objection::Apart);
        check(registry.split(&steward, &[one.clone(), two.clone()], "").unwrap(), Objection::Nothing);
        check(registry.undo(&steward, 7, "").unwrap(), Objection::NoOperation);
        assert_eq!(links(&registry, &all), before);
        let split = registry.split(&steward, std::slice::from_ref(&two), "another").unwrap().unwrap();
        feed(&registry, "h02", "2", &hanako());
        registry.link(&steward, &three, &two, "sisters are one").unwrap().unwrap();
        registry.undo(&steward, split, "one after all").unwrap().unwrap();
        assert_eq!(others(&registry, "h01", "1").len(), 2, "what joined the other person stays there");
        assert_eq!(others(&registry, "c01", "3").len(), 1);
    });
}

#[test]
fn a_question_that_an_operation_answers_is_closed() {
    on_both_stores(|store| {
        let registry = registry(store, settings());
        feed(&registry, "h01", "1", &Said { phone: "tel:0990-00-0000", ..hanako() });
        feed(&registry, "h02", "2", &Said { birth: "19800215", town: ("9990102", "星見市朝日町"), ..hanako() });
        let asked = registry.reviews(10).unwrap();
        if asked.is_empty() {
            // The model is sure of them: then somebody has to doubt first.
            let apart = registry.unlink(&caller(), &id("h02", "2"), "doubted").unwrap().unwrap();
            registry.undo(&caller(), apart, "no").unwrap().unwrap();
            return;
        }
        registry.merge_persons(&caller(), &id("h01", "1"), &id("h02", "2"), "one").unwrap().unwrap();
        assert!(registry.reviews(10).unwrap().is_empty());
        assert!(!registry.decide_review(&caller(), asked[0].id, ReviewVerdict::Different, "late").unwrap());
    });
}
