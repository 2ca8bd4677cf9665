//! A person joins the network: the act that issues a regional ID where feeds do not (decision 9).
//!
//! It must never issue a second one to a person who has one.

use super::act::Act;
use super::domains::REGIONAL_KEY;
use super::history::{CHANGED, Occurrence};
use super::intake::Touched;
use super::linking::Cause;
use super::{Failure, Registry};
use crate::access::Principal;
use crate::audit::Action;
use crate::identity::{PatientIdentifier, PersonId};
use crate::store::{Hold, Transaction};

/// The regional ID of a person who is registered now.
#[derive(Clone, PartialEq, Eq)]
pub struct Registered {
    /// The regional ID.
    pub regional: String,
    /// Whether it was issued just now.
    pub issued: bool,
}

impl Registry {
    /// Registers the person known as `identifier` with the network; `None` where nobody is.
    pub fn register(
        &self,
        operator: &Principal,
        identifier: &PatientIdentifier,
    ) -> Result<Option<Registered>, Failure> {
        let Some(person) = self.0.store.read(|tx| self.person_by_identifier(tx, identifier))? else {
            return Ok(None);
        };
        self.0.regional.prepare(&self.0.store)?;
        self.journal_rules()?;
        let (registry, actor, now) = (self.clone(), operator.key.clone(), self.0.clock.micros());
        let identifier = identifier.clone();
        // Two that register one person at a time must not both find that there is no ID.
        self.write(vec![person.0], move |tx| {
            let Some(person) = registry.person_by_identifier(tx, &identifier)? else { return Ok(None) };
            let late = tx.hold_persons(&[person], Hold::Alone)?;
            if late && registry.person_by_identifier(tx, &identifier)? != Some(person) {
                return Err(tx.lost_race().into());
            }
            registry.register_in(tx, &actor, now, person).map(Some)
        })
    }

    /// Registers `person`, and journals that.
    pub(super) fn register_in(
        &self,
        tx: &mut Transaction<'_>,
        actor: &str,
        time: i64,
        person: PersonId,
    ) -> Result<Registered, Failure> {
        let journalled = self.journal_act(tx, actor, time, &Act::Register { person: person.0 })?;
        let cause = &Cause::new(time, actor, None);
        let known = tx.regional_of(person)?;
        let issued = known.is_none();
        let regional = match known {
            Some(regional) => regional,
            None => {
                let about = (None, Some(person), None);
                self.note(tx, cause.time, Occurrence::PersonRegistered, about, cause.actor, None)?;
                let regional = self.issue_regional(tx, cause.time, person)?;
                self.told_of(tx, cause, person, REGIONAL_KEY)?;
                regional
            }
        };
        let touched = Touched { records: Vec::new(), persons: vec![person] };
        self.act_done(tx, &journalled, Action::Update, touched)?;
        Ok(Registered { regional, issued })
    }

    /// Gives `person` the next regional ID.
    pub(super) fn issue_regional(
        &self,
        tx: &mut Transaction<'_>,
        time: i64,
        person: PersonId,
    ) -> Result<String, Failure> {
        let regional = self.0.regional.render(tx.draw_counter(|| self.0.regional.take())?);
        tx.regional_insert(&regional, person, time)?;
        self.tell_besides(tx, CHANGED, time, person, REGIONAL_KEY);
        Ok(regional)
    }
}
