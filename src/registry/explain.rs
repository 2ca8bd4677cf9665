//! Why two records are of one person, or are not: what the matcher says of them now, and what stewards said.
//!
//! It must never change anything: what is asked here is asked of one snapshot.

use super::{Failure, Registry};
use crate::identity::{Demographics, PatientIdentifier, PersonId, RecordId};
use crate::matching::{
    Account, BlockingKey, Candidates, ComparisonRecord, Guard, Model, OVERFULL, Outcome, Verdict, decide,
};
use crate::store::{DecisionRow, Transaction};
use std::sync::Arc;

/// One side of what is explained.
#[derive(Clone, Debug)]
pub struct ExplainedRecord {
    /// The record.
    pub record: RecordId,
    /// Its identifier.
    pub identifier: PatientIdentifier,
    /// Whose it is now.
    pub person: Option<PersonId>,
    /// What its source says.
    pub demographics: Demographics,
}

/// A steward's word that holds between two records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// Its key.
    pub id: i64,
    /// `same` or `different`.
    pub verdict: String,
    /// Who said it.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// When, microseconds.
    pub time: i64,
}

impl Word {
    pub(super) fn of(row: DecisionRow) -> Self {
        Self { id: row.id, verdict: row.verdict, actor: row.actor, reason: row.reason, time: row.decided }
    }
}

/// How the left record fits the right one's person as a whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Whole {
    /// The mean weight over the person's records, each clamped.
    pub bits: f64,
    /// How many of the person's records were compared.
    pub records: usize,
    /// Its place among the persons that were considered, from 1.
    pub rank: usize,
    /// How many persons were considered.
    pub considered: usize,
    /// The guards that the person raises.
    pub guards: Vec<&'static str>,
}

/// Two records and all that is known of why.
#[derive(Clone, Debug)]
pub struct PairView {
    /// The record that was asked about.
    pub left: ExplainedRecord,
    /// The record that it was asked about with.
    pub right: ExplainedRecord,
    /// The matcher's account of the two.
    pub account: Account,
    /// How the left one fits the other's person; none where no key leads there.
    pub whole: Option<Whole>,
    /// What the matcher would decide about the left record now: `match`, `possible match`, `non-match`, or
    /// `match with another person`.
    pub outcome: &'static str,
    /// What stewards said of the two.
    pub words: Vec<Word>,
}

impl PairView {
    /// Whether both are one person now.
    pub fn is_one_person(&self) -> bool {
        self.left.person.is_some() && self.left.person == self.right.person
    }
}

/// Records of a person that are compared to find the two that are meant by a regional ID.
const MOST: usize = 30;

impl Registry {
    /// Explains the weight of two records; by a regional ID that of the person's which fits best is meant. Where one is
    /// not known, its place (0 or 1) is given instead. A record is not explained beside itself: then the second is
    /// unknown.
    pub fn explain(
        &self,
        left: &PatientIdentifier,
        right: &PatientIdentifier,
    ) -> Result<Result<PairView, usize>, Failure> {
        self.0.store.read(|tx| {
            let (lefts, rights) = (self.records_meant(tx, left)?, self.records_meant(tx, right)?);
            if lefts.is_empty() {
                return Ok(Err(0));
            }
            let model = self.model_now();
            let Some((one, other)) = fitting(tx, &lefts, &rights, &model)? else { return Ok(Err(1)) };
            let view = self.pair_view(tx, one, other, &model)?;
            Ok(view.ok_or(1))
        })
    }

    /// The model that decides now, for whoever asks and changes nothing.
    pub(super) fn model_now(&self) -> Arc<Model> {
        self.0.population.model().1
    }

    /// The active records that an identifier can mean.
    fn records_meant(&self, tx: &mut Transaction<'_>, meant: &PatientIdentifier) -> Result<Vec<RecordId>, Failure> {
        if !self.0.domains.is_regional(&meant.authority) {
            return Ok(self.record_known_as(tx, meant)?.into_iter().collect());
        }
        let Some(person) = self.person_by_identifier(tx, meant)? else { return Ok(Vec::new()) };
        Ok(tx.records_of(person)?.into_iter().take(MOST).map(|row| RecordId(row.id)).collect())
    }

    /// Two records as the matcher and the stewards see them now.
    pub(super) fn pair_view(
        &self,
        tx: &mut Transaction<'_>,
        left: RecordId,
        right: RecordId,
        model: &Model,
    ) -> Result<Option<PairView>, Failure> {
        let (Some(one), Some(other)) = (self.explained(tx, left)?, self.explained(tx, right)?) else { return Ok(None) };
        let comparisons = [&one, &other].map(|side| ComparisonRecord::of(&side.demographics));
        let [mine, theirs] = &comparisons;
        let constraints = self.constraints(tx, left)?;
        let verdict = decide(mine, Some(left), &constraints, model, tx)?;
        let at = verdict.ranked.iter().position(|score| score.person.is_some() && score.person == other.person);
        let score = at.and_then(|at| verdict.ranked.get(at));
        let raised = crate::matching::guards_of(mine, theirs, model);
        let others: Vec<Guard> = score
            .map(|score| score.guards.iter().copied().filter(|guard| !raised.contains(guard)).collect())
            .unwrap_or_default();
        let account = Account::of((mine, theirs), &others, model, |key| size(tx, key))?;
        let whole = at.zip(score).map(|(at, score)| Whole {
            bits: score.bits,
            records: score.pairs.len(),
            rank: at + 1,
            considered: verdict.ranked.len(),
            guards: score.guards.iter().map(|guard| guard.id()).collect(),
        });
        let words = self.words_between(tx, left, right)?;
        let outcome = outcome(&verdict, other.person);
        Ok(Some(PairView { left: one, right: other, account, whole, outcome, words }))
    }

    fn explained(&self, tx: &mut Transaction<'_>, record: RecordId) -> Result<Option<ExplainedRecord>, Failure> {
        let Some(row) = tx.record_get(record)? else { return Ok(None) };
        let Some(authority) = self.0.domains.by_key(&row.domain_key) else { return Ok(None) };
        let identifier = PatientIdentifier { authority: authority.oid.clone(), value: row.value };
        let demographics = tx.version_current(record)?.unwrap_or_default();
        Ok(Some(ExplainedRecord { record, identifier, person: tx.person_of(record)?, demographics }))
    }

    /// What stewards said of two records, as far as it holds.
    pub(super) fn words_between(
        &self,
        tx: &mut Transaction<'_>,
        one: RecordId,
        other: RecordId,
    ) -> Result<Vec<Word>, Failure> {
        let decisions = tx.decisions_of(one)?.into_iter();
        let between = decisions.filter(|row| row.record_a == other.0 || row.record_b == other.0);
        Ok(between.map(Word::of).collect())
    }
}

/// How many records are filed under a key, and whether those are too many to look at each.
pub(super) fn size(tx: &mut Transaction<'_>, key: BlockingKey) -> Result<(usize, bool), Failure> {
    let found = tx.posting(key, OVERFULL + 1)?.len();
    Ok((found.min(OVERFULL), found > OVERFULL))
}

/// The two that fit best, one of each side; none where each side has but the same record.
fn fitting(
    tx: &mut Transaction<'_>,
    lefts: &[RecordId],
    rights: &[RecordId],
    model: &Model,
) -> Result<Option<(RecordId, RecordId)>, Failure> {
    let pairs: Vec<(RecordId, RecordId)> = lefts
        .iter()
        .flat_map(|left| rights.iter().map(move |right| (*left, *right)))
        .filter(|(left, right)| left != right)
        .collect();
    if pairs.len() < 2 {
        return Ok(pairs.first().copied());
    }
    let all: Vec<RecordId> = lefts.iter().chain(rights).copied().collect();
    let said: std::collections::BTreeMap<RecordId, ComparisonRecord> = tx
        .versions_current(&all)?
        .into_iter()
        .map(|(record, demographics)| (record, ComparisonRecord::of(&demographics)))
        .collect();
    let bits = |(left, right): &(RecordId, RecordId)| {
        let both = said.get(left).zip(said.get(right));
        both.map_or(f64::MIN, |(left, right)| model.score(left, right).bits)
    };
    Ok(pairs.into_iter().max_by(|a, b| bits(a).total_cmp(&bits(b)).then(b.cmp(a))))
}

fn outcome(verdict: &Verdict, theirs: Option<PersonId>) -> &'static str {
    match verdict.outcome {
        Outcome::Match { person } if Some(person) == theirs => "match",
        Outcome::Match { .. } => "match with another person",
        Outcome::Possible => "possible match",
        Outcome::NonMatch => "non-match",
    }
}
