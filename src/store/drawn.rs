//! What a transaction drew that nobody could work out again: keys, counters of regional IDs, the size of the base that
//! its decision assumed. It is kept with the message, so that a replay draws the same and comes to the same.

use super::{StoreError, Transaction};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// What was drawn, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drawn {
    /// The first key, then how far each is from the one before it.
    #[serde(rename = "i", default)]
    steps: Vec<i64>,
    /// Counters of regional IDs.
    #[serde(rename = "r", default, skip_serializing_if = "Vec::is_empty")]
    counters: Vec<i64>,
    /// The size of the base that a decision assumed.
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    population: Option<u32>,
    /// The generation of the model that decided.
    #[serde(rename = "g", default, skip_serializing_if = "is_nothing")]
    generation: i64,
    /// A digest of what came of it.
    #[serde(rename = "h", default, skip_serializing_if = "is_nothing")]
    digest: i64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_nothing(digest: &i64) -> bool {
    *digest == 0
}

impl Drawn {
    /// As it is kept.
    pub fn to_text(&self) -> Result<String, StoreError> {
        serde_json::to_string(self).map_err(|_| StoreError::Corrupt("what was drawn"))
    }

    /// As it was kept.
    pub fn from_text(text: &str) -> Result<Self, StoreError> {
        serde_json::from_str(text).map_err(|_| StoreError::Corrupt("what was drawn"))
    }

    /// The counters of regional IDs that were taken.
    pub fn counters(&self) -> &[i64] {
        &self.counters
    }

    fn keys(&self) -> VecDeque<i64> {
        let mut last = 0_i64;
        let add = |step: &i64| {
            last = last.wrapping_add(*step);
            last
        };
        self.steps.iter().map(add).collect()
    }
}

/// What one transaction has drawn, and what it is to draw where it is a replay.
#[derive(Default)]
pub(super) struct Draws {
    done: Drawn,
    generation: Option<i64>,
    last: i64,
    given: Option<Given>,
}

struct Given {
    keys: VecDeque<i64>,
    counters: VecDeque<i64>,
    population: Option<u32>,
    generation: i64,
    digest: i64,
    /// Whether what is drawn beyond it is fresh.
    goes_on: bool,
}

const MORE: StoreError = StoreError::Corrupt("a replay that draws more than was drawn");

impl Transaction<'_> {
    /// From here on this transaction draws what `drawn` tells.
    pub fn draw_again(&mut self, drawn: &Drawn) {
        let counters = drawn.counters.iter().copied().collect();
        let Drawn { population, generation, digest, .. } = *drawn;
        self.draws.given = Some(Given { keys: drawn.keys(), counters, population, generation, digest, goes_on: false });
    }

    /// Likewise, and what is drawn beyond that is fresh: where it is known to come to something else.
    pub fn draw_on(&mut self, drawn: &Drawn) {
        self.draw_again(drawn);
        if let Some(given) = &mut self.draws.given {
            given.goes_on = true;
        }
    }

    /// What is drawn from here on is of another message or act of the same transaction.
    pub fn draw_anew(&mut self) {
        self.draws.done = Drawn::default();
        self.draws.generation = None;
        self.draws.last = 0;
    }

    /// The next key: `fresh`, or in a replay the one that was drawn.
    pub fn draw_key(&mut self, fresh: impl FnOnce() -> i64) -> Result<i64, StoreError> {
        let key = match &mut self.draws.given {
            Some(given) => match given.keys.pop_front() {
                Some(key) => key,
                None if given.goes_on => fresh(),
                None => return Err(MORE),
            },
            None => fresh(),
        };
        self.draws.done.steps.push(key.wrapping_sub(self.draws.last));
        self.draws.last = key;
        Ok(key)
    }

    /// The next counter of regional IDs, likewise.
    pub fn draw_counter<E: From<StoreError>>(&mut self, next: impl FnOnce() -> Result<i64, E>) -> Result<i64, E> {
        let counter = match &mut self.draws.given {
            Some(given) => match given.counters.pop_front() {
                Some(counter) => counter,
                None if given.goes_on => next()?,
                None => return Err(MORE.into()),
            },
            None => next()?,
        };
        self.draws.done.counters.push(counter);
        Ok(counter)
    }

    /// The size of the base that all decisions of this transaction assume: `now` at its first, or in a replay the one
    /// that was assumed.
    pub fn draw_population(&mut self, now: u32) -> u32 {
        let given = self.draws.given.as_ref().and_then(|given| given.population);
        *self.draws.done.population.get_or_insert(given.unwrap_or(now))
    }

    /// The generation of the model by which all decisions of this transaction are made: likewise.
    pub fn draw_generation(&mut self, now: i64) -> i64 {
        let first = self.draws.generation.is_none();
        let given = self.draws.given.as_ref().map(|given| given.generation);
        let generation = *self.draws.generation.get_or_insert(given.unwrap_or(now));
        if first {
            self.draws.done.generation = generation;
        }
        generation
    }

    /// The generation by which this transaction decides; 0 where it has not decided yet.
    pub fn generation(&self) -> i64 {
        self.draws.generation.unwrap_or(0)
    }

    /// What was drawn so far.
    pub fn drawn(&self) -> &Drawn {
        &self.draws.done
    }

    /// Something came of this transaction, told by a hash of it.
    pub fn came_of_it(&mut self, hash: i64) {
        self.draws.done.digest = self.draws.done.digest.rotate_left(5) ^ hash;
    }

    /// Whether a replay has drawn all that was drawn, and the same came of it.
    pub fn is_as_it_was(&self) -> bool {
        self.draws.given.as_ref().is_none_or(|given| {
            given.keys.is_empty() && given.counters.is_empty() && given.digest == self.draws.done.digest
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_back_in_order() {
        let check = |keys: &[i64]| {
            let mut last = 0;
            let steps = keys.iter().map(|key| std::mem::replace(&mut last, *key).wrapping_neg().wrapping_add(*key));
            let drawn = Drawn { steps: steps.collect(), ..Drawn::default() };
            let again = Drawn::from_text(&drawn.to_text().unwrap()).unwrap();
            assert_eq!(again.keys().into_iter().collect::<Vec<_>>(), keys);
        };
        check(&[]);
        check(&[913_063_772_011_102_213, 913_063_772_011_102_214, 913_063_772_011_102_210]);
        check(&[i64::MAX, i64::MIN, 0]);
        assert!(Drawn::from_text("").is_err());
    }
}
