//! A second model beside the one in force: it decides about each feed as well, and nothing comes of it but a count, and a
//! note of each of the last decisions that differ.
//!
//! It must never change what a feed comes to. Notes hold keys and weights, and no value of a patient.

use super::what_if::{Difference, Fate, Rule, Sample, fate};
use super::{Failure, Registry};
use crate::identity::{PersonId, RecordId};
use crate::matching::{self, ComparisonRecord, Constraints, Model, Verdict, decide};
use crate::metrics::Count;
use crate::store::{Transaction, View};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// So many notes are kept.
const KEPT: u64 = 1_000;
/// How the names begin under which notes are kept. A word of the store: it never changes.
const NAME: &str = "shadow:";

/// The model in the shadow, where there is one.
#[derive(Default)]
pub(super) struct Shadow {
    model: RwLock<Option<Arc<Model>>>,
    /// The place of the next note; none is known before the first.
    next: AtomicU64,
}

/// A decision that differed.
#[derive(Clone, Debug, PartialEq)]
pub struct ShadowNote {
    /// When, microseconds.
    pub time: i64,
    /// The model in the shadow, with its version.
    pub model: String,
    /// How it differed.
    pub difference: Option<Difference>,
    /// About which record, and what the two came to.
    pub sample: Sample,
}

impl Registry {
    /// From now on `model` decides in the shadow of the one in force, or none does.
    pub fn shadow(&self, model: Option<Model>) -> Result<(), Failure> {
        if model.is_some() {
            self.continue_shadow()?;
        }
        *self.0.shadow.model.write().unwrap_or_else(PoisonError::into_inner) = model.map(Arc::new);
        Ok(())
    }

    /// Decides about `record` by the model in the shadow, and notes where that differs from `verdict`.
    pub(super) fn compare_shadow(
        &self,
        tx: &mut Transaction<'_>,
        (record, comparison): (RecordId, &ComparisonRecord),
        constraints: &Constraints,
        (verdict, model): (&Verdict, &Model),
    ) -> Result<(), Failure> {
        let shadow = self.0.shadow.model.read().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(shadow) = shadow else { return Ok(()) };
        let settings = matching::Settings { population: model.settings().population, ..shadow.settings() };
        let linking = self.0.settings.linking;
        let rule = |model: Model| Rule { model, linking };
        let then = rule(shadow.as_ref().clone().with_settings(settings));
        let other = decide(comparison, Some(record), constraints, &then.model, tx)?;
        let sample = Sample { record, now: fate(verdict, &rule(model.clone())), then: fate(&other, &then) };
        let difference = Difference::between(sample.now.0, sample.then.0);
        tx.did(Count::Shadow { agreement: difference.map_or("same", Difference::word) });
        if difference.is_some() {
            let note = ShadowNote { time: self.0.clock.micros(), model: then.model.version(), difference, sample };
            let place = self.0.shadow.next.fetch_add(1, Ordering::Relaxed) % KEPT;
            tx.setting_put(&format!("{NAME}{place:04}"), &note.to_json().to_string())?;
        }
        Ok(())
    }

    /// Goes on noting where another process stopped.
    fn continue_shadow(&self) -> Result<(), Failure> {
        let kept = self.0.store.read(|tx| -> Result<_, Failure> { Ok(tx.settings_from(NAME)?) })?;
        let newest = kept.iter().filter_map(|(name, text)| {
            let place: u64 = name.strip_prefix(NAME)?.parse().ok()?;
            Some((ShadowNote::from_json(text)?.time, place))
        });
        let next = newest.max().map_or(0, |(_, place)| place + 1);
        self.0.shadow.next.store(next, Ordering::Relaxed);
        Ok(())
    }
}

impl ShadowNote {
    /// The notes that the store at `view` keeps, the latest first.
    pub fn all(view: &mut View) -> Result<Vec<Self>, Failure> {
        let kept = view.read(|tx| -> Result<_, Failure> { Ok(tx.settings_from(NAME)?) })?;
        let mut notes: Vec<Self> = kept.iter().filter_map(|(_, text)| Self::from_json(text)).collect();
        notes.sort_by_key(|note| std::cmp::Reverse(note.time));
        Ok(notes)
    }

    fn to_json(&self) -> Value {
        let side = |(fate, bits): (Fate, f64)| {
            let (word, person) = match fate {
                Fate::Linked(person) => ("linked", Some(person.0)),
                Fate::Review(person) => ("review", Some(person.0)),
                Fate::Alone => ("alone", None),
            };
            json!([word, person, bits])
        };
        json!({
            "time": self.time, "model": self.model, "record": self.sample.record.0,
            "now": side(self.sample.now), "then": side(self.sample.then),
        })
    }

    fn from_json(text: &str) -> Option<Self> {
        let told: Value = serde_json::from_str(text).ok()?;
        let side = |name: &str| {
            let side = told.get(name)?;
            let person = side.get(1)?.as_i64().map(PersonId);
            let fate = match (side.get(0)?.as_str()?, person) {
                ("linked", Some(person)) => Fate::Linked(person),
                ("review", Some(person)) => Fate::Review(person),
                _ => Fate::Alone,
            };
            Some((fate, side.get(2)?.as_f64()?))
        };
        let sample = Sample { record: RecordId(told.get("record")?.as_i64()?), now: side("now")?, then: side("then")? };
        Some(Self {
            time: told.get("time")?.as_i64()?,
            model: told.get("model")?.as_str()?.to_owned(),
            difference: Difference::between(sample.now.0, sample.then.0),
            sample,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_comes_back_as_it_was() {
        let sample = Sample {
            record: RecordId(7),
            now: (Fate::Linked(PersonId(913_063_772_011_102_213)), 12.5),
            then: (Fate::Alone, -3.25),
        };
        let difference = Difference::between(sample.now.0, sample.then.0);
        let note = ShadowNote { time: 5, model: "m/1".to_owned(), difference, sample };
        assert_eq!(ShadowNote::from_json(&note.to_json().to_string()), Some(note));
        assert_eq!(ShadowNote::from_json("{}"), None);
    }
}
