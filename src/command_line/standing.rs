//! How a domain stands among the others: what is looked at before it goes live.

use super::show::failed;
use super::{Exit, complain};
use crate::registry::{DomainReport, DomainState, Registry};
use serde_json::{Value, json};

/// What is said of a domain.
pub(super) struct Standing {
    key: String,
    state: DomainState,
    numbers: DomainReport,
}

impl Standing {
    /// How the domain `key` stands now.
    pub(super) fn of(command: &str, registry: &Registry, key: &str) -> Result<Self, Exit> {
        let unreadable = |error| failed(command, &error);
        let views = registry.domain_views().map_err(unreadable)?;
        let Some(view) = views.into_iter().find(|view| view.settings.key.0 == key) else {
            complain(&format!("{command}: there is no domain of this key; `nayose domain list` shows them\n"));
            return Err(Exit::Found);
        };
        let numbers = registry.domain_report(key).map_err(unreadable)?.unwrap_or_default();
        Ok(Self { key: key.to_owned(), state: view.state, numbers })
    }

    /// As one JSON document.
    pub(super) fn json(&self) -> Value {
        let DomainReport { records, persons, linked, reviews } = self.numbers;
        json!({
            "domain": self.key, "state": self.state.word(), "records": records, "persons": persons,
            "duplicates": records.saturating_sub(persons), "linked": linked, "new": persons.saturating_sub(linked),
            "reviews": reviews,
        })
    }

    /// As a line for people.
    pub(super) fn text(&self) -> String {
        let DomainReport { records, persons, linked, reviews } = self.numbers;
        format!(
            "{} is {}: {records} records of {persons} persons, so {} duplicates within; {linked} of the persons are known \
             in other live domains, {} are new; {reviews} questions wait for a steward\n",
            self.key,
            self.state.word(),
            records.saturating_sub(persons),
            persons.saturating_sub(linked)
        )
    }
}
