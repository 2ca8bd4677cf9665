//! What a degree of match is worth: of the people who are told with it, how many are the one that was meant.
//!
//! Somebody is asked for as one facility knows them, with its clerk's slips, and sought in what the other facilities
//! know of everybody. `NAYOSE_QUESTIONS` asks more often, `NAYOSE_SEED` repeats a run.

use crate::people::{named, seed};
use nayose::demo::{self, DemoRecord};
use nayose::identity::{
    BirthCriterion, Demographics, DemographicsQuery, NameCriterion, NamePartKind, PartialDate, PersonName,
};
use nayose::matching::{NamePolicy, SearchPlan, SearchToken, search_tokens};
use std::collections::BTreeMap;
use std::convert::Infallible;

const PEOPLE: usize = 4_000;

/// How many were told with a degree, and how many of them were meant.
#[derive(Clone, Copy, Default)]
struct Told {
    all: u32,
    meant: u32,
}

impl Told {
    fn share(self) -> f64 {
        f64::from(self.meant) / f64::from(self.all.max(1))
    }
}

/// By degree.
type Worth = BTreeMap<u8, Told>;

struct Known {
    record: DemoRecord,
    tokens: Vec<SearchToken>,
}

fn day(said: &Demographics) -> Option<i32> {
    said.birth_date.value()?.to_hl7().parse().ok().filter(|day: &i32| *day > 9_999_999)
}

/// A question as it is asked of `said`: by its first, second or third name, by the day of birth where that is wanted, and
/// with a letter that is missing where the asker slips.
fn question(said: &Demographics, name: usize, (born, slips): (bool, bool)) -> Option<DemographicsQuery> {
    let mut name: PersonName = said.names.values().get(name)?.clone();
    if slips {
        let given = name.parts.iter_mut().find(|part| part.kind == NamePartKind::Given)?;
        given.value.pop().filter(|_| given.value.chars().count() > 3)?;
    }
    let birth = if born { Some(BirthCriterion { from: Some(day(said)?), to: Some(day(said)?) }) } else { None };
    Some(DemographicsQuery {
        names: vec![NameCriterion { name, similar: false }],
        birth,
        ..DemographicsQuery::default()
    })
}

/// The best degree of each person whom `query` finds in what others than `asker` know.
fn found(all: &[Known], asker: usize, query: &DemographicsQuery) -> BTreeMap<u32, u8> {
    let plan = SearchPlan::of(query, NamePolicy::Similar);
    let mut best: BTreeMap<u32, u8> = BTreeMap::new();
    for (_, known) in all.iter().enumerate().filter(|(at, _)| *at != asker) {
        let birth_date =
            || Ok::<Option<PartialDate>, Infallible>(known.record.demographics.birth_date.value().cloned());
        let Ok(degree) = plan.degree(&known.tokens, birth_date);
        if let Some(degree) = degree {
            let known = best.entry(known.record.truth).or_default();
            *known = degree.max(*known);
        }
    }
    best
}

/// Of people with a record elsewhere, each as `ask` asks for them.
fn worth(
    all: &[Known],
    questions: usize,
    ask: impl Fn(&Demographics) -> Option<DemographicsQuery>,
) -> (Worth, u32, u32) {
    let mut records: BTreeMap<u32, u32> = BTreeMap::new();
    all.iter().for_each(|known| *records.entry(known.record.truth).or_default() += 1);
    let asked = all.iter().enumerate().filter(|(_, known)| records.get(&known.record.truth).is_some_and(|n| *n > 1));
    let asked = asked.filter_map(|(at, known)| Some((at, known.record.truth, ask(&known.record.demographics)?)));
    let step = (all.len() / questions).max(1);
    let (mut worth, mut questions, mut reached) = (Worth::new(), 0, 0);
    for (at, truth, query) in asked.step_by(step) {
        questions += 1;
        for (person, degree) in found(all, at, &query) {
            let told = worth.entry(degree).or_default();
            told.all += 1;
            told.meant += u32::from(person == truth);
            reached += u32::from(person == truth);
        }
    }
    (worth, questions, reached)
}

#[test]
fn a_higher_degree_is_worth_more() {
    let seed = seed();
    let questions = named("NAYOSE_QUESTIONS").and_then(|n| usize::try_from(n).ok()).unwrap_or(150);
    let known = |record: DemoRecord| Known { tokens: search_tokens(&record.demographics), record };
    let all: Vec<Known> = demo::records(&demo::Settings { people: PEOPLE, seed }).map(known).collect();
    let mut closely = Told::default();
    for (name, writing) in ["kanji", "kana", "romaji"].iter().enumerate() {
        for (born, slips) in [(true, false), (true, true), (false, false), (false, true)] {
            let (worth, questions, reached) = worth(&all, questions, |said| question(said, name, (born, slips)));
            println!(
                "{writing}, day of birth {born}, a slip {slips}: {questions} questions, {reached} told of whom was meant"
            );
            for (degree, told) in &worth {
                println!("  {degree:3} {:6} told, {:.4} of them meant", told.all, told.share());
            }
            if born {
                let sure = worth.get(&100).copied().unwrap_or_default();
                assert!(sure.all == 0 || sure.share() > 0.99, "{writing}: 100 is worth {}", sure.share());
                let close: Vec<Told> = worth.range(75..100).map(|(_, told)| *told).collect();
                closely.all += close.iter().map(|told| told.all).sum::<u32>();
                closely.meant += close.iter().map(|told| told.meant).sum::<u32>();
            }
        }
    }
    println!("75 to 99 with a day of birth: {} told, {:.4} of them meant", closely.all, closely.share());
    assert!(closely.all >= 10 && closely.share() > 0.75, "what is close is worth {}", closely.share());
}
