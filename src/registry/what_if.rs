//! What another model would decide about the people of a store, compared with what the model in force would, both with
//! all that is known now.
//!
//! It reads one moment of the store into memory and writes nothing. A source's and a steward's word stands whatever a
//! model says, and is counted apart. Records and persons are told by their keys alone.

use super::feed::identifier_key;
use super::model::in_force;
use super::{Failure, Linking};
use crate::identity::{DomainKey, PersonId, RecordId};
use crate::matching::{self, ComparisonRecord, Constraints, MemoryIndex, Model, Outcome, Verdict, decide};
use crate::store::{Transaction, View};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Records that are read at a time.
const PAGE: usize = 5_000;

/// One moment of a store, in memory: what decisions read.
pub struct Moment {
    index: MemoryIndex,
    constraints: HashMap<RecordId, Constraints>,
    by_word: HashSet<RecordId>,
    records: i64,
    model: Model,
}

/// What becomes of a record under a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is linked to this person.
    Linked(PersonId),
    /// A steward is asked whether it is this person's.
    Review(PersonId),
    /// It stays alone.
    Alone,
}

/// How two fates differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Difference {
    /// A link that is not made now.
    Appears,
    /// A link that is made now and would not be.
    Vanishes,
    /// A link that is made now; a steward would be asked.
    ToReview,
    /// The link goes to another person.
    Moves,
    /// A steward would be asked who is not now.
    ReviewAppears,
    /// A steward is asked now who would not be.
    ReviewVanishes,
}

impl Difference {
    /// All of them.
    pub const ALL: [Difference; 6] = [
        Difference::Appears,
        Difference::Vanishes,
        Difference::ToReview,
        Difference::Moves,
        Difference::ReviewAppears,
        Difference::ReviewVanishes,
    ];

    /// The word in reports.
    pub fn word(self) -> &'static str {
        match self {
            Difference::Appears => "links_appear",
            Difference::Vanishes => "links_vanish",
            Difference::ToReview => "links_to_review",
            Difference::Moves => "links_move",
            Difference::ReviewAppears => "reviews_appear",
            Difference::ReviewVanishes => "reviews_vanish",
        }
    }

    /// From what is now to what would be; none where both are the same.
    pub fn between(now: Fate, then: Fate) -> Option<Self> {
        match (now, then) {
            (Fate::Linked(now), Fate::Linked(then)) => (now != then).then_some(Difference::Moves),
            (Fate::Linked(_), Fate::Review(_)) => Some(Difference::ToReview),
            (Fate::Linked(_), Fate::Alone) => Some(Difference::Vanishes),
            (Fate::Review(_) | Fate::Alone, Fate::Linked(_)) => Some(Difference::Appears),
            (Fate::Alone, Fate::Review(_)) => Some(Difference::ReviewAppears),
            (Fate::Review(_), Fate::Alone) => Some(Difference::ReviewVanishes),
            (Fate::Review(_), Fate::Review(_)) | (Fate::Alone, Fate::Alone) => None,
        }
    }
}

/// One record whose fate differs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// The record.
    pub record: RecordId,
    /// What becomes of it now, and the weight of the likeliest person.
    pub now: (Fate, f64),
    /// What would become of it.
    pub then: (Fate, f64),
}

/// What would change.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WhatIf {
    /// Records that were decided about.
    pub records: u64,
    /// How many differ, and the first of them.
    pub differences: BTreeMap<Difference, (u64, Vec<Sample>)>,
    /// Those that differ, but whose link is a source's or a steward's word.
    pub held: u64,
    /// Links, questions and records alone: now, and then.
    pub fates: [[u64; 3]; 2],
    /// Records whose link in the store is not what the model in force would make now, with all that is known now.
    pub unlike_store: u64,
}

impl Moment {
    /// What the store at `view` holds now, where `configured` is the model of the configuration.
    pub fn of(view: &mut View, configured: &Model) -> Result<Self, Failure> {
        view.read(|tx| Self::read(tx, configured))
    }

    fn read(tx: &mut Transaction<'_>, configured: &Model) -> Result<Self, Failure> {
        let mut index = MemoryIndex::new();
        let mut after = i64::MIN;
        loop {
            let page = tx.rows_after(after, PAGE)?;
            let Some(last) = page.last() else { break };
            after = last.record.0;
            for filed in page {
                if let Ok(record) = ComparisonRecord::decode(&filed.row) {
                    index.file(filed.record, filed.person, &record.blocking_keys(), filed.row);
                }
            }
        }
        let mut constraints: HashMap<RecordId, Constraints> = HashMap::new();
        for decision in tx.decisions()? {
            let sides = [RecordId(decision.record_a), RecordId(decision.record_b)];
            for (one, other) in [(sides[0], sides[1]), (sides[1], sides[0])] {
                let of = constraints.entry(one).or_default();
                let told = if decision.verdict == "same" { &mut of.must_link } else { &mut of.cannot_link };
                told.insert(other);
            }
        }
        let by_word = tx.linked_by_word()?.into_iter().collect();
        let (records, model) = (tx.records_count()?, in_force(tx, configured)?);
        Ok(Self { index, constraints, by_word, records, model: sized(model, records) })
    }

    /// How many records the store holds.
    pub fn records(&self) -> i64 {
        self.records
    }

    /// The model that decides there: the one that was activated, with the names that were counted, else the configured one.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// What would become of a record that is not in the store.
    pub fn fate(&self, record: &ComparisonRecord, rule: &Rule) -> Fate {
        let verdict = decide(record, None, &Constraints::default(), &rule.model, &mut &self.index);
        fate(&verdict.unwrap_or_else(|never| match never {}), rule).0
    }

    /// How many of these identifiers are known to the store.
    pub fn known(view: &mut View, identifiers: &[(DomainKey, String)]) -> Result<u64, Failure> {
        view.read(|tx| {
            let mut known = 0;
            for (domain, value) in identifiers {
                known += u64::from(tx.record_find(identifier_key(domain, value), &domain.0, value)?.is_some());
            }
            Ok(known)
        })
    }

    /// What would change if `then` decided and not `now`; `threads` work, and `tick` is told how many are done.
    pub fn what_if(&self, now: &Rule, then: &Rule, asked: Asked, tick: &(dyn Fn(u64) + Sync)) -> WhatIf {
        let ids: Vec<RecordId> = self.index.ids().collect();
        let size = ids.len().div_ceil(asked.threads.max(1)).max(1);
        let parts: Vec<WhatIf> = std::thread::scope(|scope| {
            let work = |part: &[RecordId]| {
                let mut found = WhatIf::default();
                for some in part.chunks(PAGE / 10) {
                    some.iter().for_each(|id| self.compare(*id, now, then, asked.samples, &mut found));
                    tick(u64::try_from(some.len()).unwrap_or_default());
                }
                found
            };
            let running: Vec<_> = ids.chunks(size).map(|part| scope.spawn(move || work(part))).collect();
            running.into_iter().filter_map(|thread| thread.join().ok()).collect()
        });
        let mut whole = WhatIf::default();
        for part in parts {
            whole.add(part, asked.samples);
        }
        whole
    }

    fn compare(&self, id: RecordId, now: &Rule, then: &Rule, samples: usize, found: &mut WhatIf) {
        let Some(filed) = self.index.record(id) else { return };
        let Ok(record) = ComparisonRecord::decode(&filed.row) else { return };
        let none = Constraints::default();
        let constraints = self.constraints.get(&id).unwrap_or(&none);
        let fate = |rule: &Rule| {
            let verdict = decide(&record, Some(id), constraints, &rule.model, &mut &self.index);
            fate(&verdict.unwrap_or_else(|never| match never {}), rule)
        };
        let (is, would) = (fate(now), fate(then));
        found.records += 1;
        for (fates, (fate, _)) in found.fates.iter_mut().zip([is, would]) {
            let [linked, review, alone] = fates;
            *match fate {
                Fate::Linked(_) => linked,
                Fate::Review(_) => review,
                Fate::Alone => alone,
            } += 1;
        }
        let held = self.by_word.contains(&id);
        let company = filed.person.filter(|person| self.index.has_company(*person));
        let made = match is.0 {
            Fate::Linked(person) => Some(person),
            Fate::Review(_) | Fate::Alone => None,
        };
        let unlike = made.map_or(company.is_some(), |made| Some(made) != filed.person);
        found.unlike_store += u64::from(unlike && !held);
        let Some(difference) = Difference::between(is.0, would.0) else { return };
        if held {
            found.held += 1;
            return;
        }
        let (count, kept) = found.differences.entry(difference).or_default();
        *count += 1;
        if kept.len() < samples {
            kept.push(Sample { record: id, now: is, then: would });
        }
    }
}

/// A model, and whether its matches are linked.
pub struct Rule {
    /// The model.
    pub model: Model,
    /// Whether it links by itself.
    pub linking: Linking,
}

/// How the question is asked.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// Most samples of each difference.
    pub samples: usize,
    /// How many threads work.
    pub threads: usize,
}

/// What becomes of a record by this verdict, and the weight of the likeliest person.
pub(super) fn fate(verdict: &Verdict, rule: &Rule) -> (Fate, f64) {
    let of = |person: PersonId| {
        let score = verdict.ranked.iter().find(|score| score.person == Some(person));
        score.map_or(0.0, |score| score.bits)
    };
    let possible = || {
        let asked = verdict.ranked.iter().filter(|score| score.is_possible(&rule.model));
        asked.filter_map(|score| Some((score.person?, score.bits))).next()
    };
    match (verdict.outcome, rule.linking) {
        (Outcome::Match { person }, Linking::Automatic) => (Fate::Linked(person), of(person)),
        (Outcome::Match { person }, Linking::Propose) => (Fate::Review(person), of(person)),
        (Outcome::Possible, _) => possible().map_or((Fate::Alone, 0.0), |(person, bits)| (Fate::Review(person), bits)),
        (Outcome::NonMatch, _) => (Fate::Alone, verdict.ranked.first().map_or(0.0, |score| score.bits)),
    }
}

impl WhatIf {
    fn add(&mut self, part: WhatIf, samples: usize) {
        self.records += part.records;
        self.held += part.held;
        self.unlike_store += part.unlike_store;
        for (whole, part) in self.fates.iter_mut().flatten().zip(part.fates.into_iter().flatten()) {
            *whole += part;
        }
        for (difference, (count, kept)) in part.differences {
            let (all, known) = self.differences.entry(difference).or_default();
            *all += count;
            known.extend(kept.into_iter().take(samples.saturating_sub(known.len())));
        }
    }

    /// How many records differ in any way.
    pub fn differing(&self) -> u64 {
        self.differences.values().map(|(count, _)| count).sum()
    }
}

/// `model` for a base of this size, never below what it was configured with.
fn sized(model: Model, records: i64) -> Model {
    let settings = model.settings();
    let population = u32::try_from(records).unwrap_or(u32::MAX).max(settings.population);
    model.with_settings(matching::Settings { population, ..settings })
}
