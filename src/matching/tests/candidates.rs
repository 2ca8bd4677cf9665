//! Comparing few candidates first comes to the same as comparing all.

use super::super::decision::decide_after;
use super::super::retrieval::MOST_SCORED;
use super::*;
use crate::demo;

/// Fewer than are compared at a time, since a small region has few namesakes.
const LOOK: usize = 6;

/// Feeds an invented region and decides each record twice: after a look at few, and after all. `NAYOSE_PEOPLE` sets how
/// many records there are.
#[test]
fn a_look_at_few_decides_as_all_do() {
    let named = std::env::vars().find(|(name, _)| name == "NAYOSE_PEOPLE");
    let people = named.map_or(2_000, |(_, value)| value.parse().unwrap());
    let model = Model::japanese();
    let mut index = MemoryIndex::new();
    let (mut spared, mut linked, mut compared) = (0, 0, 0);
    for (record, id) in demo::records(&demo::Settings { people, seed: fresh_seed() }).zip(1..) {
        let said = ComparisonRecord::of(&record.demographics);
        let mut decided =
            |first: usize| decide_after(first, (&said, None), &Constraints::default(), &model, &mut index).unwrap();
        let (few, all) = (decided(LOOK), decided(MOST_SCORED));
        assert_eq!(few.outcome, all.outcome, "record {id}");
        let person = match few.outcome {
            Outcome::Match { person } => person,
            _ => PersonId(id),
        };
        compared += few.retrieval.scored;
        spared += all.retrieval.scored - few.retrieval.scored;
        linked += usize::from(person != PersonId(id));
        index.insert(RecordId(id), Some(person), &said);
    }
    println!("{people} records: {linked} linked, {compared} pairs compared, {spared} spared");
    assert!(linked > 500, "{linked} linked");
    assert!(spared > 100, "{spared} spared");
}

fn fresh_seed() -> u64 {
    let seed = u64::try_from(crate::clock::Clock::system().micros()).unwrap();
    eprintln!("seed {seed}");
    seed
}

/// One whom the number of a birth forbids is no match: who else it is, is among the rest.
#[test]
fn a_forbidden_match_does_not_end_the_look() {
    let model = Model::japanese();
    let mut index = MemoryIndex::new();
    let twin = ComparisonRecord { birth_order: 1, ..ComparisonRecord::of(&person(HANAKO)) };
    let said = ComparisonRecord { birth_order: 2, ..twin.clone() };
    index.insert(RecordId(1), Some(PersonId(1)), &twin);
    index.insert(RecordId(2), Some(PersonId(2)), &ComparisonRecord { birth_order: 2, phones: vec![], ..twin.clone() });
    let decided = |said: &ComparisonRecord, index: &mut MemoryIndex, constraints: &Constraints| {
        decide_after(1, (said, None), constraints, &model, index).unwrap().retrieval.scored
    };
    assert_eq!(decided(&twin, &mut index, &Constraints::default()), 1, "the one is enough");
    assert_eq!(decided(&said, &mut index, &Constraints::default()), 2, "the first is forbidden");
    let parted = Constraints { cannot_link: [RecordId(1)].into(), ..Constraints::default() };
    assert_eq!(decided(&twin, &mut index, &parted), 2, "a steward has parted them");
}
