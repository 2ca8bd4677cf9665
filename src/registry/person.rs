//! One person as this registry holds it, for its operators: records, links and what happened.

use super::{Doubts, Failure, Registry};
use crate::identity::{Demographics, PatientIdentifier, PersonId, RecordId};

/// One source record of a person.
#[derive(Clone, Debug)]
pub struct RecordView {
    /// The identifier.
    pub identifier: PatientIdentifier,
    /// What the source says.
    pub demographics: Demographics,
    /// Origin of its link: `automatic`, `source`, `steward`.
    pub origin: String,
    /// Weight of the link in bits; 0 for the first record of a person.
    pub weight: f64,
    /// Why it is linked: `first record`, `match`, or the word of the source or steward.
    pub reason: String,
    /// Since when it is linked, microseconds.
    pub since: i64,
}

/// One person.
#[derive(Clone, Debug)]
pub struct PersonView {
    /// Who.
    pub person: PersonId,
    /// The regional ID, where issued.
    pub regional: Option<String>,
    /// The records.
    pub records: Vec<RecordView>,
    /// What happened: time in microseconds, what, by whom.
    pub history: Vec<(i64, String, String)>,
    /// What speaks against it as it stands.
    pub doubts: Doubts,
}

impl Registry {
    /// The person known as `identifier`, with records and history; for operators of the store alone.
    pub fn person(&self, identifier: &PatientIdentifier) -> Result<Option<PersonView>, Failure> {
        self.0.store.read(|tx| {
            let Some(person) = self.person_by_identifier(tx, identifier)? else { return Ok(None) };
            let mut records = Vec::new();
            let rows = tx.records_of(person)?;
            let doubts = self.doubts(tx, person, &rows)?;
            for row in rows {
                let Some(authority) = self.0.domains.by_key(&row.domain_key) else { continue };
                let record = RecordId(row.id);
                let link = tx.link_current(record)?;
                records.push(RecordView {
                    identifier: PatientIdentifier { authority: authority.oid.clone(), value: row.value },
                    demographics: tx.version_current(record)?.unwrap_or_default(),
                    origin: link.as_ref().map(|link| link.origin.clone()).unwrap_or_default(),
                    weight: link.as_ref().map_or(0.0, |link| link.weight),
                    reason: link.as_ref().map(|link| link.reason.clone()).unwrap_or_default(),
                    since: link.map_or(0, |link| link.valid_from),
                });
            }
            let history = tx
                .events_of(None, Some(person))?
                .into_iter()
                .map(|event| (event.time, event.kind, event.actor))
                .collect();
            Ok(Some(PersonView { person, regional: tx.regional_of(person)?, records, history, doubts }))
        })
    }
}
