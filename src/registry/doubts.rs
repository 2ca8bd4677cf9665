//! What speaks against a person as it stands: words of stewards that contradict each other or the links, questions that
//! are open, and a weak bridge between two groups of its records.

use super::explain::Word;
use super::{Failure, Registry};
use crate::identity::{PatientIdentifier, PersonId, RecordId};
use crate::matching::{ComparisonRecord, bridge};
use crate::store::{SourceRecordRow, Transaction};
use std::collections::{BTreeMap, BTreeSet};

/// Most records of which each is compared with each.
const MOST_COMPARED: usize = 60;

/// A word of a steward that the links do not follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradiction {
    /// One record.
    pub left: PatientIdentifier,
    /// The other.
    pub right: PatientIdentifier,
    /// What was said of them.
    pub word: Word,
}

/// A split that is proposed, because little holds the person together.
#[derive(Clone, Debug, PartialEq)]
pub struct WeakBridge {
    /// The identifiers that would go.
    pub goes: Vec<PatientIdentifier>,
    /// The identifiers that would stay.
    pub stays: Vec<PatientIdentifier>,
    /// The two that hold the groups together.
    pub held_by: (PatientIdentifier, PatientIdentifier),
    /// Their weight in bits.
    pub bits: f64,
    /// The mean weight between the groups.
    pub mean: f64,
    /// How many pairs across speak clearly against one person.
    pub against: usize,
}

/// All that speaks against a person as it stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Doubts {
    /// Words of stewards that the links do not follow.
    pub contradictions: Vec<Contradiction>,
    /// Open questions about its records: number and kind.
    pub reviews: Vec<(i64, String)>,
    /// A split that is proposed.
    pub bridge: Option<WeakBridge>,
}

impl Registry {
    /// What speaks against `person`, whose records are `rows`.
    pub(super) fn doubts(
        &self,
        tx: &mut Transaction<'_>,
        person: PersonId,
        rows: &[SourceRecordRow],
    ) -> Result<Doubts, Failure> {
        let mut doubts = Doubts::default();
        let own: BTreeSet<i64> = rows.iter().map(|row| row.id).collect();
        let mut told = BTreeSet::new();
        let mut seen = BTreeSet::new();
        for row in rows {
            for review in tx.reviews_of_record(RecordId(row.id), "open")? {
                let one = (review.id, review.kind);
                if !doubts.reviews.contains(&one) {
                    doubts.reviews.push(one);
                }
            }
            for decision in tx.decisions_of(RecordId(row.id))? {
                let within = own.contains(&decision.record_a) && own.contains(&decision.record_b);
                let (left, right) = (RecordId(decision.record_a), RecordId(decision.record_b));
                let same = decision.verdict == "same";
                if within && same {
                    told.insert((left, right));
                }
                let other = if decision.record_a == row.id { right } else { left };
                let apart = tx.person_of(other)?.is_some_and(|theirs| theirs != person);
                let against = if same { apart } else { within };
                if against && seen.insert(decision.id) {
                    let sides = self.identifier_of(tx, left)?.zip(self.identifier_of(tx, right)?);
                    doubts.contradictions.extend(sides.map(|(left, right)| Contradiction {
                        left,
                        right,
                        word: Word::of(decision),
                    }));
                }
            }
        }
        doubts.bridge = self.weak_bridge(tx, rows, &told)?;
        Ok(doubts)
    }

    fn weak_bridge(
        &self,
        tx: &mut Transaction<'_>,
        rows: &[SourceRecordRow],
        told: &BTreeSet<(RecordId, RecordId)>,
    ) -> Result<Option<WeakBridge>, Failure> {
        if rows.len() < 2 || rows.len() > MOST_COMPARED {
            return Ok(None);
        }
        let records: Vec<RecordId> = rows.iter().map(|row| RecordId(row.id)).collect();
        let said = tx.versions_current(&records)?;
        let said: Vec<(RecordId, ComparisonRecord)> =
            said.into_iter().map(|(record, said)| (record, ComparisonRecord::of(&said))).collect();
        let Some(found) = bridge(&said, told, &self.model_now()) else { return Ok(None) };
        let mut known = BTreeMap::new();
        for record in records {
            known.extend(self.identifier_of(tx, record)?.map(|identifier| (record, identifier)));
        }
        let all = |records: &[RecordId]| records.iter().filter_map(|record| known.get(record).cloned()).collect();
        let held_by = known.get(&found.held_by.0).cloned().zip(known.get(&found.held_by.1).cloned());
        Ok(held_by.map(|held_by| WeakBridge {
            goes: all(&found.goes),
            stays: all(&found.stays),
            held_by,
            bits: found.bits,
            mean: found.mean,
            against: found.against,
        }))
    }

    /// The identifier of a record; none where its domain is not configured any more.
    pub(super) fn identifier_of(
        &self,
        tx: &mut Transaction<'_>,
        record: RecordId,
    ) -> Result<Option<PatientIdentifier>, Failure> {
        let Some(row) = tx.record_get(record)? else { return Ok(None) };
        let authority = self.0.domains.by_key(&row.domain_key);
        Ok(authority.map(|authority| PatientIdentifier { authority: authority.oid.clone(), value: row.value }))
    }
}
