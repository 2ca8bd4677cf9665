//! Doubtful matches, and what stewards decide about them. A decision is between two records, holds until a
//! person withdraws it, and is never overridden by a score.

use super::act::Act;
use super::explain::{Word, size};
use super::feed::hold_files;
use super::history::Occurrence;
use super::intake::Touched;
use super::linking::{Cause, LinkGround, OVERLAY};
use super::urgency::{Asked, Urgency};
use super::{Doubts, Failure, Registry};
use crate::access::Principal;
use crate::audit::Action;
use crate::identity::{Demographics, PersonId, RecordId};
use crate::matching::{Account, ComparisonRecord, search_tokens};
use crate::store::{DecisionRow, ReviewRow, Transaction};
use serde::{Deserialize, Serialize};

/// Questions that are ranked; of more, the oldest.
const MOST_RANKED: usize = 10_000;

/// What a steward says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// The record is this person.
    Same,
    /// The record is another person.
    Different,
}

/// Authority's OID, value and demographics.
type Side = (String, String, Demographics);

/// A review with both sides, for the steward's eyes.
#[derive(Clone, Debug)]
pub struct ReviewView {
    /// The review's key.
    pub id: i64,
    /// `possible_match`, `proposed_match`, `contradiction`, `overlay`.
    pub kind: String,
    /// `open`, `decided`, `withdrawn`.
    pub state: String,
    /// Weight in bits.
    pub weight: f64,
    /// When it was opened, microseconds.
    pub opened: i64,
    /// The record in question: authority's OID, value and demographics.
    pub left: Option<(String, String, Demographics)>,
    /// The other record, likewise; for an overlay what the record said before.
    pub right: Option<(String, String, Demographics)>,
    /// Why it was asked, as JSON without personal values.
    pub explanation: String,
    /// How urgent it is.
    pub urgency: Urgency,
    /// How the two are compared now, and what stewards said of them; where one question is looked at.
    pub now: Option<ReviewedNow>,
}

/// What is to be known before a question is decided.
#[derive(Clone, Debug)]
pub struct ReviewedNow {
    /// The matcher's account of both sides as they are now.
    pub account: Option<Account>,
    /// Words of stewards that hold between the two persons.
    pub words: Vec<Word>,
    /// What speaks against the person of the record as it stands.
    pub doubts: Doubts,
}

impl Registry {
    /// Open reviews, the most urgent first, and of equals the oldest.
    pub fn reviews(&self, limit: usize) -> Result<Vec<ReviewView>, Failure> {
        self.0.store.read(|tx| {
            let mut ranked = Vec::new();
            for row in tx.reviews("open", MOST_RANKED)? {
                ranked.push((self.urgency(tx, &row)?, row));
            }
            // The sort is stable: they come the oldest first.
            ranked.sort_by(|(a, _), (b, _)| b.rank().total_cmp(&a.rank()));
            ranked.truncate(limit);
            ranked.into_iter().map(|(urgency, row)| self.review_view(tx, row, urgency)).collect()
        })
    }

    /// One review, with all that is to be known before it is decided.
    pub fn review(&self, id: i64) -> Result<Option<ReviewView>, Failure> {
        self.0.store.read(|tx| {
            let Some(row) = tx.review_get(id)? else { return Ok(None) };
            let (urgency, record, other) = (self.urgency(tx, &row)?, RecordId(row.record_id), row.other_record);
            let mut view = self.review_view(tx, row, urgency)?;
            view.now = Some(self.reviewed_now(tx, &view, record, other.map(RecordId))?);
            Ok(Some(view))
        })
    }

    fn urgency(&self, tx: &mut Transaction<'_>, row: &ReviewRow) -> Result<Urgency, Failure> {
        let mine = tx.person_of(RecordId(row.record_id))?;
        let theirs = match row.other_record {
            Some(other) => tx.person_of(RecordId(other))?,
            None => row.person_id.map(PersonId),
        };
        let linked = mine.is_some() && mine == theirs && row.other_record.is_some();
        let mut records = 0;
        for person in [mine, theirs.filter(|theirs| Some(*theirs) != mine)].into_iter().flatten() {
            records += tx.records_of(person)?.len();
        }
        let (kind, weight) = (row.kind.as_str(), row.weight);
        let probability = self.model_now().probability(weight);
        Ok(Urgency::of(&Asked { kind, weight, probability, linked, records, explanation: &row.explanation }))
    }

    fn reviewed_now(
        &self,
        tx: &mut Transaction<'_>,
        view: &ReviewView,
        record: RecordId,
        other: Option<RecordId>,
    ) -> Result<ReviewedNow, Failure> {
        let model = self.model_now();
        let sides = view.left.as_ref().zip(view.right.as_ref());
        let account = sides.map(|((_, _, left), (_, _, right))| {
            let (left, right) = (ComparisonRecord::of(left), ComparisonRecord::of(right));
            Account::of((&left, &right), &[], &model, |key| size(tx, key))
        });
        let mine = tx.person_of(record)?;
        let rows = mine.map(|person| tx.records_of(person)).transpose()?.unwrap_or_default();
        let mut words = Vec::new();
        if let Some(theirs) = other.map(|other| tx.person_of(other)).transpose()?.flatten() {
            for theirs in tx.records_of(theirs)? {
                for row in &rows {
                    words.extend(self.words_between(tx, RecordId(row.id), RecordId(theirs.id))?);
                }
            }
        }
        words.sort_by_key(|word| (word.time, word.id));
        words.dedup();
        let doubts = mine.map(|person| self.doubts(tx, person, &rows)).transpose()?.unwrap_or_default();
        Ok(ReviewedNow { account: account.transpose()?, words, doubts })
    }

    /// Decides an open review; `false` where there is no such open review.
    pub fn decide_review(&self, steward: &Principal, id: i64, verdict: Verdict, reason: &str) -> Result<bool, Failure> {
        self.0.regional.prepare(&self.0.store)?;
        self.journal_rules()?;
        let (registry, actor, reason, now) =
            (self.clone(), steward.key.clone(), reason.to_owned(), self.0.clock.micros());
        let act = Act::Decide { review: id, verdict, reason };
        self.write(Vec::new(), move |tx| registry.decide_open(tx, &actor, now, &act))
    }

    /// Decides the review that `act` names, if it is open, and journals that.
    pub(super) fn decide_open(
        &self,
        tx: &mut Transaction<'_>,
        actor: &str,
        now: i64,
        act: &Act,
    ) -> Result<bool, Failure> {
        let Act::Decide { review, verdict, reason } = act else { return Ok(false) };
        let Some(found) = tx.review_get(*review)? else { return Ok(false) };
        let both: Vec<RecordId> =
            [Some(found.record_id), found.other_record].into_iter().flatten().map(RecordId).collect();
        tx.persons_lock(&both, None)?;
        if let (None, Some(person)) = (found.other_record, found.person_id) {
            self.hold_living(tx, PersonId(person))?;
        }
        // Another steward may have decided it before the persons were locked.
        let Some(row) = tx.review_get(*review)?.filter(|row| row.state == "open") else { return Ok(false) };
        let journalled = self.journal_act(tx, actor, now, act)?;
        let cause = Cause::new(now, actor, None);
        let touched = self.decide_in(tx, &cause, &row, *verdict, reason)?;
        self.act_done(tx, &journalled, Action::Update, touched)?;
        Ok(true)
    }

    fn decide_in(
        &self,
        tx: &mut Transaction<'_>,
        cause: &Cause<'_>,
        row: &ReviewRow,
        verdict: Verdict,
        reason: &str,
    ) -> Result<Touched, Failure> {
        let (word, record) = (verdict_word(verdict), RecordId(row.record_id));
        if let Some(other) = row.other_record {
            let id = self.fresh(tx)?;
            tx.decision_insert(&DecisionRow {
                id,
                record_a: record.0,
                record_b: other,
                verdict: word.to_owned(),
                actor: cause.actor.to_owned(),
                reason: reason.to_owned(),
                decided: cause.time,
                withdrawn: None,
            })?;
        }
        tx.review_close(row.id, "decided", cause.actor, Some(word), cause.time)?;
        let about = (Some(record), row.person_id.map(PersonId), row.other_record);
        self.note(tx, cause.time, Occurrence::ReviewDecided, about, cause.actor, None)?;
        self.apply_verdict(tx, cause, row, verdict)?;
        if row.kind == OVERLAY {
            self.refile(tx, record)?;
        }
        Ok(Touched { records: vec![record], persons: row.person_id.map(PersonId).into_iter().collect() })
    }

    /// Same: the record's link becomes the steward's, wherever the other record is linked by now.
    /// Different: a record that shares the other's person leaves it, unless no other is left there.
    fn apply_verdict(
        &self,
        tx: &mut Transaction<'_>,
        cause: &Cause<'_>,
        row: &ReviewRow,
        verdict: Verdict,
    ) -> Result<(), Failure> {
        let record = RecordId(row.record_id);
        let theirs = match row.other_record {
            Some(other) => tx.person_of(RecordId(other))?,
            None => row.person_id.map(|person| self.living(tx, PersonId(person))).transpose()?,
        };
        let (Some(theirs), mine) = (theirs, tx.person_of(record)?) else { return Ok(()) };
        let ground = LinkGround { origin: "steward", weight: row.weight, reason: verdict_word(verdict) };
        match (verdict, mine == Some(theirs)) {
            (Verdict::Same, false) => self.move_record(tx, cause, record, theirs, &ground),
            (Verdict::Same, true) => {
                self.leave(tx, cause, record)?;
                self.join(tx, cause, record, theirs, &ground)
            }
            // All others have left: it is alone who the person is, and a new one would leave that without a record.
            (Verdict::Different, true) if row.kind != OVERLAY && tx.records_of(theirs)?.len() == 1 => Ok(()),
            (Verdict::Different, true) => {
                self.leave(tx, cause, record)?;
                self.told(tx, cause, theirs, record)?;
                let person = self.open_person(tx, cause)?;
                self.join(tx, cause, record, person, &ground)
            }
            (Verdict::Different, false) => Ok(()),
        }
    }

    /// A record that was in quarantine is compared and found again, by what it says now.
    fn refile(&self, tx: &mut Transaction<'_>, record: RecordId) -> Result<(), Failure> {
        if tx.record_get(record)?.is_none_or(|row| row.status != "active") {
            return Ok(());
        }
        let said = tx.version_current(record)?.unwrap_or_default();
        let comparison = ComparisonRecord::of(&said);
        hold_files(tx, &comparison)?;
        Ok(tx.filing_replace(record, &comparison.blocking_keys(), &search_tokens(&said), &comparison.encode())?)
    }

    fn review_view(&self, tx: &mut Transaction<'_>, row: ReviewRow, urgency: Urgency) -> Result<ReviewView, Failure> {
        let left = self.side(tx, RecordId(row.record_id))?;
        let right = match row.other_record {
            Some(other) => self.side(tx, RecordId(other))?,
            None if row.kind == OVERLAY => self.side_before(tx, RecordId(row.record_id), row.opened)?,
            None => None,
        };
        Ok(ReviewView {
            id: row.id,
            kind: row.kind,
            state: row.state,
            weight: row.weight,
            opened: row.opened,
            left,
            right,
            explanation: row.explanation,
            urgency,
            now: None,
        })
    }

    /// What the record said before `time`.
    fn side_before(&self, tx: &mut Transaction<'_>, record: RecordId, time: i64) -> Result<Option<Side>, Failure> {
        let versions = tx.versions_all(record)?;
        let before = versions.into_iter().rfind(|(_, recorded, _, _)| *recorded < time);
        Ok(self.side(tx, record)?.zip(before).map(|((oid, value, _), (_, _, _, said))| (oid, value, said)))
    }

    fn side(&self, tx: &mut Transaction<'_>, record: RecordId) -> Result<Option<Side>, Failure> {
        let Some(row) = tx.record_get(record)? else { return Ok(None) };
        let demographics = tx.version_current(record)?.unwrap_or_default();
        let oid = self.0.domains.by_key(&row.domain_key).map(|authority| authority.oid.to_string()).unwrap_or_default();
        Ok(Some((oid, row.value, demographics)))
    }
}

fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Same => "same",
        Verdict::Different => "different",
    }
}
