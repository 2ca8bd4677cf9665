//! The rules under which messages take effect, journalled whenever they change: a replay under other rules would come
//! to something else, and is refused.

use super::intake::{Touched, stable_key};
use super::{Failure, Registry, Settings};
use crate::audit::Action;
use crate::store::Transaction;
use serde_json::{Value, json};
use std::sync::atomic::Ordering;

/// The name under which rules are journalled. A word of the store: it never changes.
pub(super) const RULES: &str = "rules";

/// All of `settings` that an effect depends on, by name.
fn rules(settings: &Settings, model: &str) -> Value {
    let domains: Vec<Value> = settings
        .domains
        .iter()
        .map(|domain| json!([domain.key.0, domain.oid.to_string(), domain.one_identifier_per_person]))
        .collect();
    let regional = &settings.regional;
    let bounds = settings.model.settings();
    json!({
        "model": model,
        "bounds": format!("{:?}", crate::matching::Settings { population: 0, ..bounds }),
        "least_population": bounds.population,
        "linking": format!("{:?}", settings.linking),
        "foreign_identifiers": format!("{:?}", settings.foreign_identifiers),
        "overlay": format!("{:?}", settings.overlay),
        "access": format!("{:?}", settings.policy),
        "regional": [regional.oid.to_string(), regional.prefix, regional.digits, format!("{:?}", regional.issue)],
        "domains": domains,
    })
}

/// Longest value of a rule that is shown.
const SHOWN: usize = 40;

/// The names of what differs, with both values where they are short.
pub(super) fn differences(ours: &Value, theirs: &Value) -> Vec<String> {
    let names = ours.as_object().into_iter().flatten().map(|(name, _)| name);
    let differing = names.filter(|name| ours.get(name) != theirs.get(name));
    let shown = |name: &String| {
        let [ours, theirs] = [ours, theirs].map(|rules| rules.get(name).unwrap_or(&Value::Null).to_string());
        let short = ours.len() <= SHOWN && theirs.len() <= SHOWN;
        if short { format!("{name}: {theirs}, not {ours}") } else { name.clone() }
    };
    differing.map(shown).collect()
}

impl Registry {
    /// The rules of this registry over this store.
    pub(super) fn rules(&self) -> Value {
        let mut rules = rules(&self.0.settings, &self.active_model().version());
        // Regional IDs depend on a key that is the store's: by a number that is never issued it is told from others.
        if let Some(rules) = rules.as_object_mut() {
            rules.insert("regional_key".to_owned(), json!(self.0.regional.render(i64::MAX)));
        }
        rules
    }

    /// Writes the rules before the first change that this process makes, unless they are those that stand.
    pub(super) fn journal_rules(&self) -> Result<(), Failure> {
        if self.0.ruled.load(Ordering::Relaxed) {
            return Ok(());
        }
        let payload = self.rules().to_string();
        let (registry, now) = (self.clone(), self.0.clock.micros());
        // Two that begin at a time must not both find that the rules are new.
        self.write(vec![stable_key(&[RULES])], move |tx| registry.rule(tx, "operator", now, &payload))?;
        self.0.ruled.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// From here on messages take effect under the rules in `payload`.
    pub(super) fn rule(&self, tx: &mut Transaction<'_>, actor: &str, time: i64, payload: &str) -> Result<(), Failure> {
        if tx.setting(RULES)?.as_deref() == Some(payload) {
            return Ok(());
        }
        tx.setting_put(RULES, payload)?;
        let journalled = self.journal_own(tx, RULES, actor, time, payload.as_bytes().to_vec())?;
        self.act_done(tx, &journalled, Action::Update, Touched::default())
    }
}
