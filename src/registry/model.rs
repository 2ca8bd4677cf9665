//! Which model decides, and how common names are. Both are kept in the store under a generation, journalled like what
//! stewards do, and change from one decision to the next, without a stop.
//!
//! The configured model decides until another is activated. A model that decided once is never altered: another one of
//! its version gets the next number.

use super::intake::{Touched, stable_key};
use super::{Failure, Registry};
use crate::access::Principal;
use crate::audit::Action;
use crate::matching::{COUNTED_KINDS, Frequencies, Model, ModelError};
use crate::store::Transaction;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Under these names settings of the store are kept. They never change.
const GENERATION: &str = "model.generation";
const FILE: &str = "model.file";
const FREQUENCIES: &str = "model.frequencies";

/// Fewer records than this have too few names to count.
const FEWEST: i64 = 1_000;
/// Names are counted again when this share of the records is new.
const GROWTH: i64 = 5;
/// So many values of one kind are looked up in a snapshot.
const MOST_VALUES: usize = 20_000;

/// What decides from some moment on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Generation {
    /// The version of the model; none for the configured one.
    model: Option<String>,
    /// The version of the snapshot of names; 0 for none.
    frequencies: u32,
    /// How many records there were when names were counted.
    counted: i64,
    /// The generation to go back to.
    before: Option<i64>,
}

/// A change of what decides. Its form is kept in the journal: it only ever grows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum ModelChange {
    /// This model decides from here on.
    Activate { model: String },
    /// The model before it decides again.
    Rollback,
    /// Names were counted.
    Count { frequencies: String },
}

/// The names under which changes are journalled. Words of the store: they never change.
pub(super) const CHANGES: [&str; 3] = ["model activate", "model rollback", "names count"];

impl ModelChange {
    fn name(&self) -> &'static str {
        let [activate, rollback, count] = CHANGES;
        match self {
            ModelChange::Activate { .. } => activate,
            ModelChange::Rollback => rollback,
            ModelChange::Count { .. } => count,
        }
    }
}

/// What became of the wish to activate a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Activated {
    /// It decides from now on, under this version.
    Now(String),
    /// It is no sound model.
    Unsound(ModelError),
    /// It compares other scales than the one that decides.
    OtherTradition,
}

impl Registry {
    /// From now on the model in this file decides.
    pub fn activate_model(&self, actor: &Principal, file: &str) -> Result<Activated, Failure> {
        let model = match Model::from_toml(file) {
            Ok(model) => model,
            Err(error) => return Ok(Activated::Unsound(error)),
        };
        if model.tradition() != self.0.settings.model.tradition() {
            return Ok(Activated::OtherTradition);
        }
        self.change(actor, ModelChange::Activate { model: model.to_toml() })?;
        Ok(Activated::Now(self.active_model().version()))
    }

    /// From now on the model decides that did before the last one was activated; its version, none where there is none.
    pub fn rollback_model(&self, actor: &Principal) -> Result<Option<String>, Failure> {
        let done = self.change(actor, ModelChange::Rollback)?;
        Ok(done.then(|| self.active_model().version()))
    }

    /// The model that decides.
    pub fn active_model(&self) -> Arc<Model> {
        self.0.population.model().1
    }

    /// Counts how common names are, where enough records came since it was last done; whether they were counted.
    pub fn count_names(&self) -> Result<bool, Failure> {
        let read = self.0.store.read(|tx| -> Result<_, Failure> {
            let (_, now) = current(tx)?;
            let records = tx.records_count()?;
            let grown = records.saturating_sub(now.counted).saturating_mul(GROWTH) >= now.counted.max(FEWEST);
            if records < FEWEST || (now.frequencies > 0 && !grown) {
                return Ok(None);
            }
            let mut kinds = Vec::new();
            for kind in COUNTED_KINDS {
                kinds.push((kind, tx.token_counts(kind, MOST_VALUES)?));
            }
            Ok(Some(Frequencies::of(now.frequencies + 1, kinds)))
        })?;
        let Some(frequencies) = read else { return Ok(false) };
        self.change(&Principal::operator(), ModelChange::Count { frequencies: frequencies.to_text() })
    }

    fn change(&self, actor: &Principal, act: ModelChange) -> Result<bool, Failure> {
        self.journal_rules()?;
        let (registry, actor, now) = (self.clone(), actor.key.clone(), self.0.clock.micros());
        // Two changes at a time must not both follow the same generation.
        let locks = vec![stable_key(&[GENERATION])];
        let done = self.write(locks, move |tx| registry.change_in(tx, &actor, now, &act))?;
        self.refresh_model()?;
        Ok(done)
    }

    /// Makes the next generation; `false` where there is nothing to do.
    pub(super) fn change_in(
        &self,
        tx: &mut Transaction<'_>,
        actor: &str,
        time: i64,
        act: &ModelChange,
    ) -> Result<bool, Failure> {
        let (number, now) = current(tx)?;
        let next = match act {
            ModelChange::Activate { model } => {
                let file = Model::from_toml(model).map_err(|_| Failure::Corrupt("a model"))?;
                let version = keep(tx, file)?;
                if now.model.as_ref() == Some(&version) {
                    return Ok(false);
                }
                Generation { model: Some(version), before: Some(number), ..now }
            }
            ModelChange::Rollback => {
                let Some(before) = now.before else { return Ok(false) };
                let before = generation(tx, before)?;
                Generation { model: before.model, before: before.before, ..now }
            }
            ModelChange::Count { frequencies } => {
                let counted = tx.records_count()?;
                let version =
                    Frequencies::from_text(frequencies).ok_or(Failure::Corrupt("a count of names"))?.version();
                if version <= now.frequencies {
                    return Ok(false);
                }
                tx.setting_put(&format!("{FREQUENCIES}.{version}"), frequencies)?;
                Generation { frequencies: version, counted, ..now }
            }
        };
        let payload = serde_json::to_vec(act).map_err(|_| Failure::Corrupt("a change of the model"))?;
        let journalled = self.journal_own(tx, act.name(), actor, time, payload)?;
        let text = serde_json::to_string(&next).map_err(|_| Failure::Corrupt("a generation of the model"))?;
        tx.setting_put(&format!("{GENERATION}.{}", number + 1), &text)?;
        tx.setting_put(GENERATION, &(number + 1).to_string())?;
        self.act_done(tx, &journalled, Action::Update, Touched::default())?;
        Ok(true)
    }

    /// Takes what decides now from the store.
    pub(super) fn refresh_model(&self) -> Result<(), Failure> {
        let found = self.0.store.read(|tx| -> Result<_, Failure> {
            let (number, _) = current(tx)?;
            if number == self.0.population.model().0 {
                return Ok(None);
            }
            Ok(Some((number, self.model_of(tx, number)?)))
        })?;
        if let Some((number, model)) = found {
            self.0.population.decides(number, &model);
            // Messages take effect under other rules from here on.
            self.0.ruled.store(false, std::sync::atomic::Ordering::Relaxed);
        }
        Ok(())
    }

    /// The number of the generation that decides in this transaction: of a store that is this process's alone it is
    /// known.
    pub(super) fn generation_now(&self, tx: &mut Transaction<'_>) -> Result<i64, Failure> {
        let known = self.0.population.model().0;
        if self.0.store.has_many_writers() { Ok(current_number(tx)?) } else { Ok(known) }
    }

    /// The model of a generation, under the bounds that are configured.
    pub(super) fn model_of(&self, tx: &mut Transaction<'_>, number: i64) -> Result<Model, Failure> {
        model_of(tx, number, &self.0.settings.model)
    }
}

/// The model that decides in a store now, where `configured` is what the configuration says.
pub(super) fn in_force(tx: &mut Transaction<'_>, configured: &Model) -> Result<Model, Failure> {
    let number = current_number(tx)?;
    model_of(tx, number, configured)
}

fn model_of(tx: &mut Transaction<'_>, number: i64, configured: &Model) -> Result<Model, Failure> {
    let Generation { model, frequencies, .. } = generation(tx, number)?;
    let weights = match model {
        None => configured.clone(),
        Some(version) => {
            let text = tx.setting(&format!("{FILE}.{version}"))?.ok_or(Failure::Corrupt("an activated model"))?;
            Model::from_toml(&text).map_err(|_| Failure::Corrupt("an activated model"))?
        }
    };
    let weights = weights.with_settings(configured.settings());
    if frequencies == 0 {
        return Ok(weights);
    }
    let text = tx.setting(&format!("{FREQUENCIES}.{frequencies}"))?.ok_or(Failure::Corrupt("a count of names"))?;
    let names = Frequencies::from_text(&text).ok_or(Failure::Corrupt("a count of names"))?;
    Ok(weights.with_frequencies(Arc::new(names)))
}

fn current_number(tx: &mut Transaction<'_>) -> Result<i64, Failure> {
    let text = tx.setting(GENERATION)?;
    text.map_or(Ok(0), |text| text.parse().map_err(|_| Failure::Corrupt("the generation of the model")))
}

fn current(tx: &mut Transaction<'_>) -> Result<(i64, Generation), Failure> {
    let number = current_number(tx)?;
    Ok((number, generation(tx, number)?))
}

fn generation(tx: &mut Transaction<'_>, number: i64) -> Result<Generation, Failure> {
    if number == 0 {
        return Ok(Generation::default());
    }
    let text = tx.setting(&format!("{GENERATION}.{number}"))?.ok_or(Failure::Corrupt("a generation of the model"))?;
    serde_json::from_str(&text).map_err(|_| Failure::Corrupt("a generation of the model"))
}

/// Keeps a model under its version, or under the next one that is free or is this very model's.
fn keep(tx: &mut Transaction<'_>, mut model: Model) -> Result<String, Failure> {
    loop {
        let (version, text) = (model.version(), model.to_toml());
        let name = format!("{FILE}.{version}");
        match tx.setting(&name)? {
            Some(known) if known != text => model = model.with_next_version(),
            Some(_) => return Ok(version),
            None => {
                tx.setting_put(&name, &text)?;
                return Ok(version);
            }
        }
    }
}
