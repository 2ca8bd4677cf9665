//! ITI-47, Patient Demographics Query HL7 V3 (ITI TF-2: 3.47.4.2.3). The continuation option is not there
//! yet: an answer larger than `initialQuantity` is signalled as truncated (`AE`), never cut in silence.

use super::iti45_crossref::{asked, shown};
use super::{Reply, Request, Service, problem, wrapper};
use crate::hl7v3::{
    self, AcceptCode, Content, DemographicsAnswer, Detail, FoundPatient, PatientQuery, QueryEnd, Severity,
};
use crate::identity::{PersonId, RecordId};
use crate::registry::{Failure, FoundPerson, Place, Reason, Refusal};

const RESPONSE: &str = "urn:hl7-org:v3:PRPA_IN201306UV02";
const ACKNOWLEDGED: &str = "urn:hl7-org:v3:MCCI_IN000002UV01";

type Touched = (Vec<RecordId>, Vec<PersonId>);

impl Service {
    /// Decode, decide, encode.
    pub(super) fn iti47(&self, request: &Request<'_>) -> Result<Reply, Failure> {
        let objection = wrapper::objection(&self.settings, request);
        let (answer, reason, touched) = match (&objection, &request.message.content) {
            (None, Ok(Content::Demographics(query))) => self.search(request, query),
            (None, Err(details)) => {
                (ended(QueryEnd::InvalidQuery, details.clone()), Some(Reason::Unusable), Touched::default())
            }
            _ => (
                ended(QueryEnd::InvalidQuery, objection.into_iter().collect()),
                Some(Reason::Unusable),
                Touched::default(),
            ),
        };
        self.registry.audit_query(&request.principal, "ITI-47", &request.message_id(), reason, touched)?;
        Ok(self.respond(request, &answer))
    }

    /// No query is kept, so that none can be continued.
    pub(super) fn iti47_continue(&self, request: &Request<'_>) -> Result<Reply, Failure> {
        let detail = self.no_such_query(request)?;
        Ok(self.respond(request, &ended(QueryEnd::Error, vec![detail])))
    }

    /// No query is kept, so that none can be cancelled.
    pub(super) fn iti47_cancel(&self, request: &Request<'_>) -> Result<Reply, Failure> {
        let details = [self.no_such_query(request)?];
        let frame = self.fresh_frame(request);
        let body = hl7v3::accept_acknowledgement(&frame, &request.message.header, AcceptCode::Error, &details);
        Ok(Reply { body, action: ACKNOWLEDGED })
    }

    /// Audits a continuation or cancellation, and says what is wrong with it.
    fn no_such_query(&self, request: &Request<'_>) -> Result<Detail, Failure> {
        let refusal = Refusal::new(Reason::UnknownQuery, Place::Message);
        let (message_id, nobody) = (request.message_id(), Touched::default());
        self.registry.audit_query(&request.principal, "ITI-47", &message_id, Some(refusal.reason), nobody)?;
        Ok(problem::detail(&refusal, Some(continued(request))))
    }

    fn respond(&self, request: &Request<'_>, answer: &DemographicsAnswer) -> Reply {
        let (query_id, echo) = asked(request);
        let frame = self.fresh_frame(request);
        let body = hl7v3::demographics_response(&frame, &request.message.header, &query_id, echo, answer);
        Reply { body, action: RESPONSE }
    }

    fn search(&self, request: &Request<'_>, query: &PatientQuery) -> (DemographicsAnswer, Option<Reason>, Touched) {
        match self.registry.search(&request.principal, &query.criteria) {
            Ok(Ok(found)) => {
                let touched =
                    (found.people.iter().map(|p| p.record).collect(), found.people.iter().map(|p| p.person).collect());
                (page(request, query, found.people), None, touched)
            }
            Ok(Err(refusals)) => {
                let reason = refusals.first().map(|refusal| refusal.reason);
                let end = reason.map_or(QueryEnd::Error, |reason| problem::problem(reason).query);
                let details =
                    refusals.iter().map(|refusal| problem::detail(refusal, place(request, query, refusal))).collect();
                (ended(end, details), reason, Touched::default())
            }
            Err(failure) => {
                log::error!("a demographics query failed: {failure}");
                let reason = failure.reason().unwrap_or(Reason::Defect);
                let details = vec![problem::detail(&Refusal::new(reason, Place::Message), None)];
                (ended(QueryEnd::Aborted, details), Some(reason), Touched::default())
            }
        }
    }
}

/// All patients, or the first `initialQuantity` of them with the sign that there are more.
fn page(request: &Request<'_>, query: &PatientQuery, people: Vec<FoundPerson>) -> DemographicsAnswer {
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let total = count(people.len());
    let asked_for = query.initial_quantity.map_or(people.len(), |n| usize::try_from(n).unwrap_or(usize::MAX));
    let patients: Vec<FoundPatient> = people.into_iter().take(asked_for).map(patient).collect();
    let remaining = total - count(patients.len());
    let mut details = request.message.remarks.clone();
    let end = match (total, remaining) {
        (0, _) => QueryEnd::NotFound,
        (_, 0) => QueryEnd::Found,
        _ => {
            details.push(truncated());
            QueryEnd::Error
        }
    };
    DemographicsAnswer { end, details, patients, total, remaining }
}

fn truncated() -> Detail {
    Detail {
        severity: Severity::Error,
        code: String::new(),
        code_system: String::new(),
        text: "more patients match than initialQuantity allows, and continuation is not supported".to_owned(),
        locations: vec!["/PRPA_IN201305UV02/controlActProcess/queryByParameter/initialQuantity".to_owned()],
    }
}

fn patient(found: FoundPerson) -> FoundPatient {
    FoundPatient {
        identifiers: found.identifiers.into_iter().map(shown).collect(),
        domains_without: found.domains_without,
        demographics: found.demographics,
        degree: found.degree,
    }
}

fn ended(end: QueryEnd, details: Vec<Detail>) -> DemographicsAnswer {
    DemographicsAnswer { end, details, patients: Vec::new(), total: 0, remaining: 0 }
}

fn place(request: &Request<'_>, query: &PatientQuery, refusal: &Refusal) -> Option<String> {
    let root = &*request.payload.name.local;
    match refusal.place {
        Place::Domain(n) => query.domain_locations.get(n).cloned(),
        Place::Sender => Some(format!("/{root}/sender/device/id")),
        _ => Some(format!("/{root}/controlActProcess/queryByParameter/parameterList")),
    }
}

fn continued(request: &Request<'_>) -> String {
    format!("/{}/controlActProcess/queryContinuation/queryId", request.payload.name.local)
}
