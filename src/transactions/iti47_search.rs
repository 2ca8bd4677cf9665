//! ITI-47, Patient Demographics Query HL7 V3, with the continuation option (ITI TF-2: 3.47.4.2.3): an answer larger
//! than `initialQuantity` is told page by page, from a list that is kept for whoever asked.

use super::iti45_crossref::{asked, shown};
use super::{Reply, Request, Service, problem, wrapper};
use crate::hl7v3::{
    self, AcceptCode, Content, Continuation, DemographicsAnswer, Detail, FoundPatient, InstanceIdentifier,
    PatientQuery, QueryEnd, Severity,
};
use crate::identity::{Oid, PersonId, RecordId};
use crate::registry::{Failure, FirstPage, FoundPerson, NextPage, Place, Reason, Refusal, SearchAnswer, Source};

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

    /// The next page of a query that is kept.
    pub(super) fn iti47_continue(&self, request: &Request<'_>) -> Result<Reply, Failure> {
        let objection = wrapper::objection(&self.settings, request);
        let mut echo = None;
        let (answer, reason, touched) = match (&objection, &request.message.content) {
            (None, Ok(Content::Continuation(asked))) => self.page(request, asked, &mut echo),
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
        let (query_id, _) = asked(request);
        let frame = self.fresh_frame(request);
        let header = &request.message.header;
        let body = hl7v3::demographics_response(&frame, header, &query_id, echo.as_deref(), &answer);
        Ok(Reply { body, action: RESPONSE })
    }

    fn page(
        &self,
        request: &Request<'_>,
        asked: &Continuation,
        echo: &mut Option<String>,
    ) -> (DemographicsAnswer, Option<Reason>, Touched) {
        let next = NextPage {
            query_id: joined(&asked.query_id),
            start: asked.start,
            size: asked.quantity,
            follows: asked.follows.as_ref().map(|id| id.root.clone()),
            reply_id: request.reply_id.clone(),
        };
        let place = |refusal: &Refusal| self::continued(request, refusal.place);
        match self.registry.continue_query(&request.principal, &next) {
            Ok(Ok(page)) => {
                *echo = Some(page.echo).filter(|echo| !echo.is_empty());
                let touched = touched(&page.people);
                let mut details = request.message.remarks.clone();
                details.extend((page.gone > 0).then(gone));
                let patients = page.people.into_iter().map(patient).collect();
                let (total, remaining) = (page.total, page.remaining);
                (DemographicsAnswer { end: QueryEnd::Found, details, patients, total, remaining }, None, touched)
            }
            Ok(Err(refusal)) => refused(&[refusal], place),
            Err(failure) => failed(&failure),
        }
    }

    /// Forgets a query that is kept.
    pub(super) fn iti47_cancel(&self, request: &Request<'_>) -> Result<Reply, Failure> {
        let objection = wrapper::objection(&self.settings, request);
        let (code, details, reason) = match (objection, &request.message.content) {
            (Some(objection), _) => (AcceptCode::Reject, vec![objection], Some(Reason::Unusable)),
            (None, Ok(Content::Continuation(asked))) => self.cancel(request, asked),
            (None, Err(details)) => (AcceptCode::Error, details.clone(), Some(Reason::Unusable)),
            (None, Ok(_)) => (AcceptCode::Error, Vec::new(), Some(Reason::Unusable)),
        };
        let nobody = Touched::default();
        self.registry.audit_query(&request.principal, "ITI-47", &request.message_id(), reason, nobody)?;
        let frame = self.fresh_frame(request);
        let body = hl7v3::accept_acknowledgement(&frame, &request.message.header, code, &details);
        Ok(Reply { body, action: ACKNOWLEDGED })
    }

    fn cancel(&self, request: &Request<'_>, asked: &Continuation) -> (AcceptCode, Vec<Detail>, Option<Reason>) {
        let refusal = match self.registry.cancel_query(&request.principal, &joined(&asked.query_id)) {
            Ok(Ok(())) => return (AcceptCode::Accept, request.message.remarks.clone(), None),
            Ok(Err(refusal)) => refusal,
            Err(failure) => {
                log::error!("a query could not be cancelled: {failure}");
                Refusal::new(failure.reason().unwrap_or(Reason::Defect), Place::Message)
            }
        };
        let detail = problem::detail(&refusal, Some(continued(request, refusal.place)));
        (problem::problem(refusal.reason).accept, vec![detail], Some(refusal.reason))
    }

    /// The source that the receiver names (ITI TF-2: 3.47.4.1.3, decision 19).
    fn source(&self, request: &Request<'_>) -> Source {
        let receiver = &request.message.header.receiver;
        let device = receiver.ids.first().map(|id| id.root.as_str()).unwrap_or_default();
        let named: Vec<Oid> =
            receiver.organizations.iter().chain(&receiver.ids).filter_map(|id| Oid::parse(&id.root).ok()).collect();
        let system = self.settings.devices.get(device).filter(|_| device != self.settings.device);
        self.registry.source(&named, system.map(String::as_str))
    }

    fn respond(&self, request: &Request<'_>, answer: &DemographicsAnswer) -> Reply {
        let (query_id, echo) = asked(request);
        let frame = self.fresh_frame(request);
        let body = hl7v3::demographics_response(&frame, &request.message.header, &query_id, echo, answer);
        Reply { body, action: RESPONSE }
    }

    fn search(&self, request: &Request<'_>, query: &PatientQuery) -> (DemographicsAnswer, Option<Reason>, Touched) {
        let place = |refusal: &Refusal| place(request, query, refusal);
        match self.registry.search_at(&self.source(request), &request.principal, &query.criteria) {
            Ok(Ok(found)) => match self.keep(request, query, &found) {
                Ok(()) => {
                    let (total, mut people) = (count(found.people.len()), found.people);
                    people.truncate(query.initial_quantity.map_or(people.len(), size));
                    let touched = touched(&people);
                    (first_page(request, total, people), None, touched)
                }
                Err(failure) => failed(&failure),
            },
            Ok(Err(refusals)) => refused(&refusals, place),
            Err(failure) => failed(&failure),
        }
    }

    /// Keeps what was found where the first page is not all of it.
    fn keep(&self, request: &Request<'_>, query: &PatientQuery, found: &SearchAnswer) -> Result<(), Failure> {
        let Some(size) = query.initial_quantity.filter(|size| *size < count(found.people.len())) else { return Ok(()) };
        let page = FirstPage {
            query_id: joined(&query.query_id),
            reply_id: request.reply_id.clone(),
            size,
            domains: query.criteria.domains.clone(),
            echo: request.message.echo.clone().unwrap_or_default(),
        };
        self.registry.keep_query(&request.principal, &page, found)
    }
}

/// The first patients of `total`.
fn first_page(request: &Request<'_>, total: u32, people: Vec<FoundPerson>) -> DemographicsAnswer {
    let patients: Vec<FoundPatient> = people.into_iter().map(patient).collect();
    let remaining = total.saturating_sub(count(patients.len()));
    let end = if total == 0 { QueryEnd::NotFound } else { QueryEnd::Found };
    DemographicsAnswer { end, details: request.message.remarks.clone(), patients, total, remaining }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn size(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn touched(people: &[FoundPerson]) -> Touched {
    (people.iter().map(|one| one.record).collect(), people.iter().map(|one| one.person).collect())
}

fn refused(refusals: &[Refusal], place: impl Fn(&Refusal) -> String) -> (DemographicsAnswer, Option<Reason>, Touched) {
    let reason = refusals.first().map(|refusal| refusal.reason);
    let end = reason.map_or(QueryEnd::Error, |reason| problem::problem(reason).query);
    let details = refusals.iter().map(|refusal| problem::detail(refusal, Some(place(refusal)))).collect();
    (ended(end, details), reason, Touched::default())
}

fn failed(failure: &Failure) -> (DemographicsAnswer, Option<Reason>, Touched) {
    log::error!("a demographics query failed: {failure}");
    let reason = failure.reason().unwrap_or(Reason::Defect);
    let details = vec![problem::detail(&Refusal::new(reason, Place::Message), None)];
    (ended(QueryEnd::Aborted, details), Some(reason), Touched::default())
}

/// A query's id as it is kept.
fn joined(id: &InstanceIdentifier) -> String {
    id.extension.as_ref().map_or_else(|| id.root.clone(), |extension| format!("{}^{extension}", id.root))
}

/// A page is as long as was asked for, but for those whom the asker may see no more.
fn gone() -> Detail {
    Detail {
        severity: Severity::Warning,
        code: String::new(),
        code_system: String::new(),
        text: "patients of this page can be shown no more: it is shorter by so many".to_owned(),
        locations: Vec::new(),
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

fn place(request: &Request<'_>, query: &PatientQuery, refusal: &Refusal) -> String {
    let root = &*request.payload.name.local;
    let list = || format!("/{root}/controlActProcess/queryByParameter/parameterList");
    match refusal.place {
        Place::Domain(n) => query.domain_locations.get(n).cloned().unwrap_or_else(list),
        Place::Sender => format!("/{root}/sender/device/id"),
        _ => list(),
    }
}

/// Where a continuation or cancellation is at fault.
fn continued(request: &Request<'_>, place: Place) -> String {
    let root = &*request.payload.name.local;
    match place {
        Place::Sender => format!("/{root}/sender/device/id"),
        _ => format!("/{root}/controlActProcess/queryContinuation/queryId"),
    }
}
