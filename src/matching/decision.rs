//! Match, possible match or non-match: one record against the persons that are known.
//!
//! It must never link on weight alone where a guard holds, and a steward's word stands above every weight.

use super::explanation::Explanation;
use super::guard::{self, Guard};
use super::model::{Model, Settings};
use super::record::ComparisonRecord;
use super::retrieval::{Retrieval, retrieve};
use super::row::RowError;
use super::seam::{Candidate, Candidates};
use super::weight::PairScore;
use crate::identity::{PersonId, RecordId};
use std::collections::{BTreeMap, BTreeSet};

/// What stewards have decided about the record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Constraints {
    /// Records of the same person.
    pub must_link: BTreeSet<RecordId>,
    /// Records of other persons.
    pub cannot_link: BTreeSet<RecordId>,
}

/// The matcher's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The record is of this person.
    Match {
        /// The person.
        person: PersonId,
    },
    /// A steward must look.
    Possible,
    /// Of none of the persons known.
    NonMatch,
}

/// How well the record fits one person.
#[derive(Clone, Debug, PartialEq)]
pub struct PersonScore {
    /// The person; none for a record that is linked to none.
    pub person: Option<PersonId>,
    /// The record of the person that fits best.
    pub best: RecordId,
    /// The mean weight over the person's records, each clamped.
    pub bits: f64,
    /// What the weight amounts to.
    pub probability: f64,
    /// What holds or forbids the match.
    pub guards: Vec<Guard>,
    /// The weight against each record.
    pub pairs: Vec<(RecordId, PairScore)>,
}

impl PersonScore {
    /// Whether a steward could be asked about this person: not forbidden, and not below the bound of review.
    pub fn is_possible(&self, model: &Model) -> bool {
        !self.is_vetoed() && self.bits >= model.settings().review_bits
    }

    /// Why the record fits its best record of this person, as JSON without personal values.
    pub fn explanation(&self, model: &Model) -> String {
        let best = self.pairs.iter().find(|(record, _)| *record == self.best);
        let explained = best.map(|(_, pair)| Explanation::of(pair, &self.guards, model));
        explained.and_then(|explanation| serde_json::to_string(&explanation).ok()).unwrap_or_default()
    }

    /// The weight against the record that fits best, not clamped.
    fn best_bits(&self) -> f64 {
        self.pairs.iter().map(|(_, pair)| pair.bits).max_by(f64::total_cmp).unwrap_or(self.bits)
    }

    fn is_vetoed(&self) -> bool {
        self.guards.iter().any(|guard| guard.is_veto())
    }

    /// The best record is in the automatic zone, and the person as a whole supports it.
    pub(super) fn is_sure(&self, settings: &Settings) -> bool {
        let best = self.pairs.iter().map(|(_, pair)| pair.bits).fold(f64::MIN, f64::max);
        best >= settings.automatic_bits && self.bits >= settings.support_bits
    }

    fn is_held(&self) -> bool {
        self.guards.iter().any(|guard| *guard != Guard::MustLink)
    }
}

/// The outcome, and all that led to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The matcher's word.
    pub outcome: Outcome,
    /// The persons considered, the most likely first.
    pub ranked: Vec<PersonScore>,
    /// How candidates were found.
    pub retrieval: Retrieval,
}

const MOST_MEMBERS: usize = 30;
const LARGE_PERSON: usize = 20;
const MOST_PERSONS: usize = 16;
/// So many candidates are compared at a time, the likeliest first, until one is a match beyond doubt: who could be its
/// rival shares nearly as many keys, and stands among the first as well. And until all that were compared at a time are
/// far from a match, after the second time: those that follow share still fewer keys. In a large base most candidates of
/// a stranger are so.
const AT_A_TIME: usize = 16;
/// A person whose best candidate weighs less, in bits, is judged by its candidates alone: whatever its other records
/// say, it is no match, and no steward is asked.
const HOPELESS: f64 = -4.0;
pub(super) const PAIR_BOUNDS: (f64, f64) = (-10.0, 15.0);
pub(super) const CONTRADICTION: f64 = -15.0;

/// Decides of which person `record` is. `own` is the record's own key where it is already stored.
pub fn decide<C: Candidates>(
    record: &ComparisonRecord,
    own: Option<RecordId>,
    constraints: &Constraints,
    model: &Model,
    source: &mut C,
) -> Result<Verdict, C::Error> {
    decide_after(AT_A_TIME, (record, own), constraints, model, source)
}

/// As [`decide`], where `at_a_time` candidates are compared before it is asked whether that is enough.
pub(super) fn decide_after<C: Candidates>(
    at_a_time: usize,
    (record, own): (&ComparisonRecord, Option<RecordId>),
    constraints: &Constraints,
    model: &Model,
    source: &mut C,
) -> Result<Verdict, C::Error> {
    let (found, mut retrieval) = retrieve(record, own, source)?;
    let portions = (found.as_slice(), at_a_time.max(1));
    let Compared { scored, persons, mut ranked } =
        compare(record, portions, constraints, model, source, &mut retrieval)?;
    let mut by_best: Vec<(PersonId, Fit)> = persons.into_iter().collect();
    by_best.sort_by(|(a, x), (b, y)| y.best.total_cmp(&x.best).then(a.cmp(b)));
    let hopeless = model.settings.review_bits.min(HOPELESS);
    for (person, fit) in by_best.into_iter().take(MOST_PERSONS) {
        let known = |id: &RecordId| scored.get(id).cloned().map(|pair| (*id, pair));
        if fit.best < hopeless {
            let pairs = fit.records.iter().filter_map(known).collect();
            ranked.push(person_score(Some(person), pairs, constraints, model));
            continue;
        }
        let mut pairs = Vec::new();
        for member in source.members(person, MOST_MEMBERS + 1)? {
            if Some(member.record) == own {
                continue;
            }
            let known = scored.get(&member.record).cloned();
            match known.map_or_else(|| Scored::of(record, &member, model), Ok) {
                Ok(pair) => pairs.push((member.record, pair)),
                Err(_) => retrieval.degraded = true,
            }
        }
        if !pairs.is_empty() {
            pairs.truncate(MOST_MEMBERS);
            ranked.push(person_score(Some(person), pairs, constraints, model));
        }
    }
    Ok(conclude(ranked, retrieval, model))
}

/// The candidates that were compared.
#[derive(Default)]
struct Compared {
    scored: BTreeMap<RecordId, Scored>,
    persons: BTreeMap<PersonId, Fit>,
    /// Those that are nobody's.
    ranked: Vec<PersonScore>,
}

/// How a person fits by those of its records that are candidates.
struct Fit {
    best: f64,
    records: Vec<RecordId>,
}

/// Compares the candidates, the likeliest first, until the rest cannot come near what was found.
fn compare<C: Candidates>(
    record: &ComparisonRecord,
    (found, at_a_time): (&[RecordId], usize),
    constraints: &Constraints,
    model: &Model,
    source: &mut C,
    retrieval: &mut Retrieval,
) -> Result<Compared, C::Error> {
    let named = constraints.must_link.union(&constraints.cannot_link).filter(|id| !found.contains(id)).copied();
    let (first, rest) = found.split_at(found.len().min(at_a_time));
    let first: Vec<RecordId> = first.iter().copied().chain(named).collect();
    let mut compared = Compared::default();
    let clear = model.settings.automatic_bits + model.settings.margin_bits;
    let hopeless = model.settings.review_bits.min(HOPELESS);
    retrieval.scored = 0;
    for some in std::iter::once(first.as_slice()).chain(rest.chunks(at_a_time)) {
        retrieval.scored += some.len();
        let (mut settled, mut any_hope) = (false, false);
        for candidate in source.rows(some)? {
            match Scored::of(record, &candidate, model) {
                Ok(pair) => {
                    let parted = constraints.cannot_link.contains(&candidate.record);
                    settled |= pair.score.bits >= clear && pair.guards.is_empty() && !parted;
                    any_hope |= pair.score.bits >= hopeless;
                    compared.take(&candidate, pair, constraints, model);
                }
                Err(_) => {
                    (retrieval.degraded, any_hope) = (true, true);
                }
            }
        }
        if settled || (!any_hope && retrieval.scored > first.len()) {
            break;
        }
    }
    Ok(compared)
}

impl Compared {
    fn take(&mut self, candidate: &Candidate, pair: Scored, constraints: &Constraints, model: &Model) {
        match candidate.person {
            Some(person) => {
                let told = constraints.must_link.contains(&candidate.record);
                let bits = if told { f64::MAX } else { pair.score.bits };
                let fit = self.persons.entry(person).or_insert(Fit { best: bits, records: Vec::new() });
                fit.best = fit.best.max(bits);
                fit.records.push(candidate.record);
            }
            None => {
                let pairs = vec![(candidate.record, pair.clone())];
                self.ranked.push(person_score(None, pairs, constraints, model));
            }
        }
        self.scored.insert(candidate.record, pair);
    }
}

#[derive(Clone)]
struct Scored {
    score: PairScore,
    guards: Vec<Guard>,
}

impl Scored {
    fn of(record: &ComparisonRecord, candidate: &Candidate, model: &Model) -> Result<Self, RowError> {
        let other = ComparisonRecord::decode(&candidate.row)?;
        let score = model.score(record, &other);
        let guards = guard::of_pair(record, &other, &score.comparison);
        Ok(Self { score, guards })
    }
}

fn person_score(
    person: Option<PersonId>,
    pairs: Vec<(RecordId, Scored)>,
    constraints: &Constraints,
    model: &Model,
) -> PersonScore {
    let (low, high) = PAIR_BOUNDS;
    let count = f64::from(u32::try_from(pairs.len()).unwrap_or(u32::MAX).max(1));
    let bits = pairs.iter().map(|(_, pair)| pair.score.bits.clamp(low, high)).sum::<f64>() / count;
    let strongest = pairs.iter().max_by(|(a, x), (b, y)| x.score.bits.total_cmp(&y.score.bits).then(b.cmp(a)));
    let best = strongest.map_or(RecordId(0), |(id, _)| *id);
    let mut guards: BTreeSet<Guard> = pairs.iter().flat_map(|(_, pair)| pair.guards.iter().copied()).collect();
    if pairs.len() > LARGE_PERSON {
        guards.insert(Guard::Size);
    }
    if pairs.iter().any(|(_, pair)| pair.score.bits < CONTRADICTION) {
        guards.insert(Guard::Contradiction);
    }
    if pairs.iter().any(|(id, _)| constraints.cannot_link.contains(id)) {
        guards.insert(Guard::CannotLink);
    }
    if pairs.iter().any(|(id, _)| constraints.must_link.contains(id)) {
        guards.insert(Guard::MustLink);
    }
    let pairs = pairs.into_iter().map(|(id, pair)| (id, pair.score)).collect();
    let (probability, guards) = (model.probability(bits), guards.into_iter().collect());
    PersonScore { person, best, bits, probability, guards, pairs }
}

fn conclude(mut ranked: Vec<PersonScore>, retrieval: Retrieval, model: &Model) -> Verdict {
    let settings = model.settings;
    ranked.sort_by(|a, b| b.bits.total_cmp(&a.bits).then(a.best.cmp(&b.best)));
    let told: Vec<usize> = positions(&ranked, |score| score.guards.contains(&Guard::MustLink));
    if let [only] = told.as_slice() {
        let outcome = match ranked.get(*only) {
            Some(score) if score.guards.contains(&Guard::CannotLink) => Outcome::Possible,
            Some(PersonScore { person: Some(person), .. }) => Outcome::Match { person: *person },
            _ => Outcome::Possible,
        };
        return Verdict { outcome, ranked, retrieval };
    }
    if told.len() > 1 {
        return Verdict { outcome: Outcome::Possible, ranked, retrieval };
    }
    let open = positions(&ranked, |score| score.person.is_some() && !score.is_vetoed());
    let Some(first) = open.first().and_then(|at| ranked.get(*at)) else {
        return Verdict { outcome: Outcome::NonMatch, ranked, retrieval };
    };
    // Rivals are told apart by the whole weight against the best record: the mean is clamped, and would bring a
    // namesake within the margin of a sure match.
    let rival = open.iter().skip(1).filter_map(|at| ranked.get(*at)).map(PersonScore::best_bits).max_by(f64::total_cmp);
    let close = rival.is_some_and(|rival| first.best_bits() - rival < settings.margin_bits);
    let doubtful = close && first.bits >= settings.review_bits;
    let mut added = Vec::new();
    if retrieval.degraded {
        added.push(Guard::Degraded);
    }
    if doubtful {
        added.push(Guard::SecondPerson);
    }
    if let Some(first) = open.first().and_then(|at| ranked.get_mut(*at)) {
        first.guards.extend(added);
    }
    let outcome = match open.first().and_then(|at| ranked.get(*at)) {
        Some(score) if score.is_sure(&settings) && !score.is_held() => {
            score.person.map_or(Outcome::Possible, |person| Outcome::Match { person })
        }
        Some(score) if score.bits >= settings.review_bits => Outcome::Possible,
        _ => Outcome::NonMatch,
    };
    Verdict { outcome, ranked, retrieval }
}

fn positions(ranked: &[PersonScore], test: impl Fn(&PersonScore) -> bool) -> Vec<usize> {
    ranked.iter().enumerate().filter(|(_, score)| test(score)).map(|(at, _)| at).collect()
}
