//! What a store knows that a model can be learned from, and measured by: its records, and what stewards decided.

use super::{Failure, Registry};
use crate::identity::RecordId;
use crate::matching::files::{FileRecord, Table};
use crate::matching::{Candidates, ComparisonRecord, Model};

/// So many records are read at a time.
const BATCH: usize = 5_000;

/// All active records, and the pairs about which stewards decided.
pub struct TrainingRecords {
    /// What is compared of each.
    pub table: Table,
    /// The places of two records in the table, and whether they are one person.
    pub judged: Vec<(u32, u32, bool)>,
}

/// What a model says of two records about which a steward decided.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct JudgedPair {
    /// Its weight, in bits.
    pub bits: f64,
    /// The steward's word: they are one person.
    pub same: bool,
}

impl Registry {
    /// The records to train on. Those whose comparison row was written by another version are left out.
    pub fn training_records(&self) -> Result<TrainingRecords, Failure> {
        let mut table = Table::new(Vec::new());
        let mut places: Vec<i64> = Vec::new();
        let mut after = i64::MIN;
        loop {
            // Batch by batch, so that no reader of the store is held up for long.
            let rows = self.0.store.read(|tx| -> Result<_, Failure> { Ok(tx.comparison_rows(after, BATCH)?) })?;
            let Some((last, ..)) = rows.last() else { break };
            after = *last;
            for (record, domain, row) in rows {
                if let Ok(comparison) = ComparisonRecord::decode(&row) {
                    table.add(&FileRecord::new(comparison, Vec::new(), domain, 0));
                    places.push(record);
                }
            }
        }
        let decisions = self.0.store.read(|tx| -> Result<_, Failure> { Ok(tx.decisions()?) })?;
        let place = |record: i64| places.binary_search(&record).ok().and_then(|at| u32::try_from(at).ok());
        let judged = decisions.iter().filter_map(|decision| {
            let (a, b) = (place(decision.record_a)?, place(decision.record_b)?);
            Some((a.max(b), a.min(b), decision.verdict == "same"))
        });
        Ok(TrainingRecords { judged: judged.collect(), table })
    }

    /// What `model` would say here of every pair about which a steward decided.
    pub fn judged_pairs(&self, model: &Model) -> Result<Vec<JudgedPair>, Failure> {
        let model = model.clone().in_place_of(&self.active_model());
        self.0.store.read(|tx| {
            let mut pairs = Vec::new();
            for decision in tx.decisions()? {
                let rows = tx.rows(&[RecordId(decision.record_a), RecordId(decision.record_b)])?;
                let records: Vec<ComparisonRecord> =
                    rows.iter().filter_map(|row| ComparisonRecord::decode(&row.row).ok()).collect();
                if let [a, b] = records.as_slice() {
                    pairs.push(JudgedPair { bits: model.score(a, b).bits, same: decision.verdict == "same" });
                }
            }
            Ok(pairs)
        })
    }
}
