//! ITI-45, PIXV3 Query: which other identifiers does this patient have (ITI TF-2: 3.45.4.2.3, cases 1 to 6)?

use super::{Reply, Request, Service, problem, wrapper};
use crate::hl7v3::{
    self, Content, CrossReferenceAnswer, CrossReferenceQuery, Detail, InstanceIdentifier, QueryEnd, ShownIdentifier,
};
use crate::identity::{Oid, PersonId, RecordId};
use crate::registry::{Failure, Place, Reason, Refusal, ShownRecord};

const RESPONSE: &str = "urn:hl7-org:v3:PRPA_IN201310UV02";

impl Service {
    /// Decode, decide, encode.
    pub(super) fn iti45(&self, request: &Request<'_>) -> Result<Reply, Failure> {
        let objection = wrapper::objection(&self.settings, request);
        let (answer, reason, touched) = match (&objection, &request.message.content) {
            (None, Ok(Content::CrossReference(query))) => self.cross_reference(request, query),
            (None, Err(details)) => {
                (ended(QueryEnd::InvalidQuery, details.clone()), Some(Reason::Unusable), Default::default())
            }
            _ => (
                ended(QueryEnd::InvalidQuery, objection.into_iter().collect()),
                Some(Reason::Unusable),
                Default::default(),
            ),
        };
        self.registry.audit_query(&request.principal, "ITI-45", &request.message_id(), reason, touched)?;
        let (query_id, echo) = asked(request);
        let frame = self.fresh_frame(request);
        let body = hl7v3::cross_reference_response(&frame, &request.message.header, &query_id, echo, &answer);
        Ok(Reply { body, action: RESPONSE })
    }

    fn cross_reference(
        &self,
        request: &Request<'_>,
        query: &CrossReferenceQuery,
    ) -> (CrossReferenceAnswer, Option<Reason>, (Vec<RecordId>, Vec<PersonId>)) {
        let wanted: Vec<Oid> = query.data_sources.iter().map(|placed| placed.value.clone()).collect();
        match self.registry.cross_reference(&request.principal, &query.identifier.value, &wanted) {
            Ok(Ok(found)) => {
                let end = if found.identifiers.is_empty() { QueryEnd::NotFound } else { QueryEnd::Found };
                let records = found.identifiers.iter().filter_map(|shown| shown.record).collect();
                let identifiers = found.identifiers.into_iter().map(shown).collect();
                let answer = CrossReferenceAnswer { end, details: request.message.remarks.clone(), identifiers };
                (answer, None, (records, vec![found.person]))
            }
            Ok(Err(refusals)) => {
                let reason = refusals.first().map(|refusal| refusal.reason);
                let end = reason.map_or(QueryEnd::Error, |reason| problem::problem(reason).query);
                let details =
                    refusals.iter().map(|refusal| problem::detail(refusal, place(request, query, refusal))).collect();
                (ended(end, details), reason, Default::default())
            }
            Err(failure) => {
                log::error!("a cross-reference query failed: {failure}");
                let reason = failure.reason().unwrap_or(Reason::Defect);
                let refusal = Refusal::new(reason, Place::Message);
                (ended(QueryEnd::Aborted, vec![problem::detail(&refusal, None)]), Some(reason), Default::default())
            }
        }
    }
}

fn ended(end: QueryEnd, details: Vec<Detail>) -> CrossReferenceAnswer {
    CrossReferenceAnswer { end, details, identifiers: Vec::new() }
}

/// The query's id and echo, as far as they could be read.
pub(super) fn asked<'a>(request: &'a Request<'_>) -> (InstanceIdentifier, Option<&'a str>) {
    let id = request.message.query_id.clone().unwrap_or_default();
    (id, request.message.echo.as_deref())
}

fn place(request: &Request<'_>, query: &CrossReferenceQuery, refusal: &Refusal) -> Option<String> {
    match refusal.place {
        Place::Asked => Some(query.identifier.location.clone()),
        Place::Domain(n) => query.data_sources.get(n).map(|placed| placed.location.clone()),
        Place::Sender => Some(format!("/{}/sender/device/id", request.payload.name.local)),
        _ => None,
    }
}

/// An identifier as the language shows it.
pub(super) fn shown(record: ShownRecord) -> ShownIdentifier {
    ShownIdentifier { identifier: record.identifier, authority_name: record.namespace }
}
