//! What of a feed can be worked out before its turn with the writer.
//!
//! With one writer (SQLite) all that is done in the write holds up every feed behind it. So what the matcher makes of
//! the demographics is worked out before; and where feeds wait for the writer the decision is made on a snapshot, and
//! taken in the write where nothing that it read has changed since; else it is made anew. It must never come to
//! anything else than the decision in the write would: what it reads is noted by the store, and what it rests on
//! besides (the version known, stewards' decisions, the size of the base) is compared.

use super::feed::{Asserted, FeedCommand, Weighed, with_hints};
use super::{Failure, Registry};
use crate::access::Principal;
use crate::identity::{Demographics, RecordId};
use crate::matching::{Constraints, Model, Verdict, decide};
use crate::store::{Look, Transaction, Witness};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// What a feed will come to, if nothing changes.
#[derive(Clone)]
pub(super) struct Rehearsal {
    /// The record that the first identifier is, and its version.
    basis: Basis,
    pub weighed: Arc<Weighed>,
    decided: Option<(Decided, Witness)>,
}

#[derive(Clone)]
struct Decided {
    constraints: Constraints,
    population: u32,
    generation: i64,
    verdict: Verdict,
}

impl Rehearsal {
    /// What was worked out as if the identifier were new, and not decided.
    pub(super) fn of_new(weighed: Arc<Weighed>) -> Self {
        Self { basis: None, weighed, decided: None }
    }

    /// Decides about `weighed`, under an identifier that nobody knows, on what `look` shows.
    pub(super) fn on(look: &Look<'_>, weighed: &Arc<Weighed>, (generation, model): (i64, &Model)) -> Self {
        let constraints = Constraints::default();
        let (verdict, witness) = look.rehearse(|source| decide(&weighed.comparison, None, &constraints, model, source));
        let verdict = verdict.unwrap_or_else(|never| match never {});
        let population = model.settings().population;
        let decided = Decided { constraints, population, generation, verdict };
        Self { basis: None, weighed: Arc::clone(weighed), decided: Some((decided, witness)) }
    }

    /// Whether it rests on what is known now under this identifier.
    pub(super) fn is_of(&self, one: &Asserted) -> bool {
        self.basis == basis(one)
    }
}

/// Whether deciding ahead is worth its while: in a small base feeds have many keys in common, and most of what was
/// decided ahead has to be decided again.
pub(super) struct Worth {
    /// How many of the last stood, in 1,024ths; older ones count less and less.
    stood: AtomicU32,
    asked: AtomicU32,
}

/// Below this share it is only tried now and then.
const ENOUGH: u32 = 640;
/// So seldom.
const NOW_AND_THEN: u32 = 32;
/// One counts for so much of the whole.
const WEIGHT: u32 = 16;

impl Worth {
    pub(super) fn new() -> Self {
        Self { stood: AtomicU32::new(1024), asked: AtomicU32::new(0) }
    }

    pub(super) fn is_given(&self) -> bool {
        self.stood.load(Ordering::Relaxed) >= ENOUGH
            || self.asked.fetch_add(1, Ordering::Relaxed).is_multiple_of(NOW_AND_THEN)
    }

    fn saw(&self, stood: bool) {
        let old = self.stood.load(Ordering::Relaxed);
        let new = if stood { old + (1024 - old).div_ceil(WEIGHT) } else { old - old.div_ceil(WEIGHT) };
        // Of two at a time one may be lost: it is an estimate.
        self.stood.store(new, Ordering::Relaxed);
    }
}

/// A record and its version, where there is one.
type Basis = Option<(i64, i32)>;

fn basis(one: &Asserted) -> Basis {
    one.found.as_ref().map(|row| (row.id, row.version))
}

impl Registry {
    /// Works out what `command` will come to; none where that saves nothing or cannot be.
    pub(super) fn rehearse(&self, principal: &Principal, command: &FeedCommand) -> Option<Rehearsal> {
        let store = &self.0.store;
        if store.has_many_writers() {
            return None;
        }
        if store.is_waited_for() && !store.decides_from_memory() && self.0.worth.is_given() {
            let (worked, witness) = store.rehearse(|tx| self.work_out(tx, principal, command))?;
            let (basis, weighed, decided) = worked?;
            return Some(Rehearsal { basis, weighed: Arc::new(weighed), decided: Some((decided, witness)) });
        }
        // As if the identifier were new; of hints the store has to tell.
        let plain = command.other_identifiers.is_empty();
        plain.then(|| Rehearsal::of_new(Arc::new(self.weigh_over(None, &command.demographics))))
    }

    /// What a feed with these demographics, under an identifier that nobody knows, would come to now. Nothing is
    /// written, and nothing is audited: who shows it to somebody must see to both.
    pub fn consider(&self, demographics: &Demographics) -> Result<Verdict, Failure> {
        let weighed = self.weigh_over(None, demographics);
        let (_, model) = self.0.population.model();
        self.0.store.consider(|tx| Ok(decide(&weighed.comparison, None, &Constraints::default(), &model, tx)?))
    }

    fn work_out(
        &self,
        tx: &mut Transaction<'_>,
        principal: &Principal,
        command: &FeedCommand,
    ) -> Result<Option<(Basis, Weighed, Decided)>, Failure> {
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
        let (generation, model) = self.0.population.model();
        let verdict = decide(&weighed.comparison, own, &constraints, &model, tx)?;
        let population = model.settings().population;
        Ok(Some((basis(first), weighed, Decided { constraints, population, generation, verdict })))
    }

    /// The decision about `record`: the one that was rehearsed where it still stands, else made now.
    pub(super) fn verdict(
        &self,
        tx: &mut Transaction<'_>,
        record: RecordId,
        weighed: &Weighed,
        rehearsal: Option<&Rehearsal>,
    ) -> Result<Verdict, Failure> {
        let (constraints, model) = (self.constraints(tx, record)?, self.model(tx)?);
        let ahead = rehearsal.filter(|rehearsal| std::ptr::eq(Arc::as_ptr(&rehearsal.weighed), weighed));
        if let Some((decided, witness)) = ahead.and_then(|rehearsal| rehearsal.decided.as_ref()) {
            let stands = decided.population == model.settings().population
                && decided.generation == tx.generation()
                && decided.constraints == constraints
                && tx.still(witness);
            self.0.worth.saw(stands);
            if stands {
                let verdict = decided.verdict.clone();
                self.compare_shadow(tx, (record, &weighed.comparison), &constraints, (&verdict, &model))?;
                return Ok(verdict);
            }
        }
        let verdict = decide(&weighed.comparison, Some(record), &constraints, &model, tx)?;
        self.compare_shadow(tx, (record, &weighed.comparison), &constraints, (&verdict, &model))?;
        Ok(verdict)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_seldom_stands_is_seldom_tried() {
        let worth = Worth::new();
        let tried = |worth: &Worth| (0..96).filter(|_| worth.is_given()).count();
        assert_eq!(tried(&worth), 96, "until it is known");
        (0..200).for_each(|_| worth.saw(false));
        assert_eq!(tried(&worth), 3);
        (0..200).for_each(|_| worth.saw(true));
        assert_eq!(tried(&worth), 96, "and again when it stands");
        (0..200).for_each(|turn| worth.saw(turn % 2 == 0));
        assert_eq!(tried(&worth), 3, "half is not enough");
    }
}
