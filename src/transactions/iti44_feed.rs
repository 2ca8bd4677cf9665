//! ITI-44, Patient Identity Feed HL7 V3: add, revise and duplicates resolved (ITI TF-2: 3.44.4).

use super::{Reply, Request, Service, hash_of, problem, wrapper};
use crate::audit::Action;
use crate::hl7v3::{self, AcceptCode, Content, Detail, Feed, Interaction, Merge, Severity, Strictness};
use crate::registry::{
    Change, Failure, FeedCommand, FeedOutcome, Intake, JournalRow as InboxRow, MergeCommand, Place, Reason, Refusal,
    Remark,
};
use crate::xml::{self, Limits};

const ACKNOWLEDGED: &str = "urn:hl7-org:v3:MCCI_IN000002UV01";

impl Service {
    /// Decode, decide, encode.
    pub(super) fn iti44(&self, request: &Request<'_>) -> Result<Reply, Failure> {
        let intake = self.intake(request);
        let objection = wrapper::objection(&self.settings, request);
        let settled = match (&objection, &request.message.content) {
            (None, Ok(Content::Feed(feed))) => self.registry.feed(&intake, feed_command(feed)),
            (None, Ok(Content::Merge(merge))) => self.registry.merge(&intake, merge_command(merge)),
            _ => self.registry.unusable(&intake),
        };
        let settled = match settled {
            Err(failure) if failure.reason() == Some(Reason::StoreUnavailable) => {
                let refusal = Refusal::new(Reason::StoreUnavailable, Place::Message);
                let outcome = FeedOutcome { refusal: Some(refusal), remarks: Vec::new() };
                return Ok(self.acknowledge(request, &self.fresh_frame(request), objection, &outcome));
            }
            other => other?,
        };
        let frame = self.frame(&settled.reply_id, settled.reply_time);
        Ok(self.acknowledge(request, &frame, objection, &settled.outcome))
    }

    /// What a message of the journal says, whoever was strict when it came in: what was accepted then is read alike by
    /// who forgives, and what was refused has its refusal.
    pub fn change(&self, row: &InboxRow) -> Change {
        let read = xml::read(&row.payload, None, &Limits::default().of_rewritten()).ok();
        let message = read.and_then(|payload| hl7v3::decode(&payload, Strictness::Lenient).ok());
        let Some(message) = message else { return Change::Unusable(Action::Update) };
        let action = action_of(message.header.interaction);
        match &message.content {
            Ok(Content::Feed(feed)) => Change::Feed(action, Box::new(feed_command(feed))),
            Ok(Content::Merge(merge)) => Change::Merge(merge_command(merge)),
            _ => Change::Unusable(action),
        }
    }

    fn intake(&self, request: &Request<'_>) -> Intake {
        let payload = request.payload_bytes();
        Intake {
            principal: request.principal.clone(),
            transaction: "ITI-44",
            action: action_of(request.message.header.interaction),
            message_id: request.message_id(),
            payload_hash: hash_of(&payload),
            payload,
            reply_id: request.reply_id.clone(),
            received: request.received,
        }
    }

    /// The reply is a pure encoding of the request and its outcome, so that a repeat gets the same bytes.
    fn acknowledge(
        &self,
        request: &Request<'_>,
        frame: &hl7v3::ReplyFrame,
        objection: Option<Detail>,
        outcome: &FeedOutcome,
    ) -> Reply {
        let (code, details) = match (outcome.refusal, objection) {
            (Some(Refusal { reason: Reason::Unusable, .. }), Some(objection)) => (AcceptCode::Reject, vec![objection]),
            (Some(Refusal { reason: Reason::Unusable, .. }), None) => unusable(request),
            (Some(refusal), _) => (
                problem::problem(refusal.reason).accept,
                vec![problem::detail(&refusal, place(request, refusal.place))],
            ),
            (None, _) => (AcceptCode::Accept, remarks(request, &outcome.remarks)),
        };
        let body = hl7v3::accept_acknowledgement(frame, &request.message.header, code, &details);
        Reply { body, action: ACKNOWLEDGED }
    }
}

fn action_of(interaction: Interaction) -> Action {
    match interaction {
        Interaction::Add => Action::Create,
        Interaction::Merge => Action::Delete,
        _ => Action::Update,
    }
}

fn unusable(request: &Request<'_>) -> (AcceptCode, Vec<Detail>) {
    let details = match &request.message.content {
        Err(details) => details.clone(),
        Ok(_) => Vec::new(),
    };
    let rejected = !details.is_empty() && details.iter().all(wrapper::rejects);
    (if rejected { AcceptCode::Reject } else { AcceptCode::Error }, details)
}

fn remarks(request: &Request<'_>, remarks: &[Remark]) -> Vec<Detail> {
    let told = remarks.iter().map(|remark| match remark {
        Remark::ForeignIdentifierKept(n) => Detail {
            severity: Severity::Warning,
            code: String::new(),
            code_system: String::new(),
            text: "the identifier is outside the domains that this sender may assert; kept as a hint, not cross-referenced".to_owned(),
            locations: place(request, Place::OtherIdentifier(*n)).into_iter().collect(),
        },
    });
    request.message.remarks.iter().cloned().chain(told).collect()
}

/// The XPath of what a refusal is about.
fn place(request: &Request<'_>, place: Place) -> Option<String> {
    let root = &*request.payload.name.local;
    let patient = || format!("/{root}/controlActProcess/subject/registrationEvent/subject1/patient");
    match (place, request.message.content.as_ref().ok()) {
        (Place::Sender, _) => Some(format!("/{root}/sender/device/id")),
        (Place::Message, Some(Content::Feed(_))) => Some(format!("{}/id", patient())),
        (Place::Message, _) => Some(format!("/{root}/id")),
        (Place::Identifier(n), Some(Content::Feed(feed))) => {
            feed.identifiers.get(n).map(|placed| placed.location.clone())
        }
        (Place::OtherIdentifier(n), Some(Content::Feed(feed))) => {
            feed.other_identifiers.get(n).map(|placed| placed.location.clone())
        }
        (Place::Survivor, Some(Content::Merge(merge))) => Some(merge.survivor.location.clone()),
        (Place::Subsumed, Some(Content::Merge(merge))) => Some(merge.subsumed.location.clone()),
        _ => None,
    }
}

fn feed_command(feed: &Feed) -> FeedCommand {
    FeedCommand {
        identifiers: feed.identifiers.iter().map(|placed| placed.value.clone()).collect(),
        other_identifiers: feed.other_identifiers.iter().map(|placed| placed.value.clone()).collect(),
        demographics: feed.demographics.clone(),
    }
}

fn merge_command(merge: &Merge) -> MergeCommand {
    MergeCommand { survivor: merge.survivor.value.clone(), subsumed: merge.subsumed.value.clone() }
}
