//! A feed's decision worked out before its turn with the writer.
//!
//! With one writer (SQLite) a decision in the write holds up every feed behind it. So it is made on a snapshot first,
//! and taken in the write where nothing that it read has changed since; else it is made anew. It must never come to
//! anything else than the decision in the write would: what it reads is noted by the store, and what it rests on
//! besides (the version known, stewards' decisions, the size of the base) is compared.

use super::feed::{Asserted, FeedCommand, Weighed, with_hints};
use super::{Failure, Registry};
use crate::access::Principal;
use crate::identity::RecordId;
use crate::matching::{Constraints, Verdict, decide};
use crate::store::{Transaction, Witness};

/// What a feed will come to, if nothing changes.
pub(super) struct Rehearsal {
    /// The record that the first identifier is, and its version.
    basis: Option<(i64, i32)>,
    pub weighed: Weighed,
    constraints: Constraints,
    population: u32,
    verdict: Verdict,
    witness: Witness,
}

/// All but the witness, which is had when the reading has ended.
struct Worked {
    basis: Option<(i64, i32)>,
    weighed: Weighed,
    constraints: Constraints,
    population: u32,
    verdict: Verdict,
}

impl Rehearsal {
    /// Whether it rests on what is known now under this identifier.
    pub(super) fn is_of(&self, one: &Asserted) -> bool {
        self.basis == basis(one)
    }
}

fn basis(one: &Asserted) -> Option<(i64, i32)> {
    one.found.as_ref().map(|row| (row.id, row.version))
}

impl Registry {
    /// Works out what `command` will come to; none where that saves nothing or cannot be.
    pub(super) fn rehearse(&self, principal: &Principal, command: &FeedCommand) -> Option<Rehearsal> {
        let (worked, witness) = self.0.store.rehearse(|tx| self.work_out(tx, principal, command))?;
        let Worked { basis, weighed, constraints, population, verdict } = worked?;
        Some(Rehearsal { basis, weighed, constraints, population, verdict, witness })
    }

    fn work_out(
        &self,
        tx: &mut Transaction<'_>,
        principal: &Principal,
        command: &FeedCommand,
    ) -> Result<Option<Worked>, Failure> {
        let Ok((asserted, foreign)) = self.resolve(tx, principal, command)? else { return Ok(None) };
        let Some(first) = asserted.first() else { return Ok(None) };
        let weighed = self.weigh(tx, first, &with_hints(&command.demographics, foreign))?;
        if !weighed.changed {
            return Ok(None);
        }
        let own = first.found.as_ref().map(|row| RecordId(row.id));
        let constraints = match own {
            Some(record) => self.constraints(tx, record)?,
            None => Constraints::default(),
        };
        let model = self.0.population.model();
        let verdict = decide(&weighed.comparison, own, &constraints, &model, tx)?;
        let population = model.settings().population;
        Ok(Some(Worked { basis: basis(first), weighed, constraints, population, verdict }))
    }

    /// The decision about `record`: the one that was rehearsed where it still stands, else made now.
    pub(super) fn verdict(
        &self,
        tx: &mut Transaction<'_>,
        record: RecordId,
        weighed: &Weighed,
        rehearsal: Option<&Rehearsal>,
    ) -> Result<Verdict, Failure> {
        let (constraints, model) = (self.constraints(tx, record)?, self.model(tx));
        let stands = |rehearsal: &&Rehearsal| {
            rehearsal.population == model.settings().population
                && rehearsal.constraints == constraints
                && rehearsal.weighed.said == weighed.said
                && tx.still(&rehearsal.witness)
        };
        match rehearsal.filter(stands) {
            Some(rehearsal) => Ok(rehearsal.verdict.clone()),
            None => Ok(decide(&weighed.comparison, Some(record), &constraints, &model, tx)?),
        }
    }
}
