//! What each sender sent and heard, kept where no fault reaches: in the memory of the process that causes them.

use crate::random::Random;
use nayose::clock::{Clock, hl7_timestamp};
use nayose::demo::{self, DemoRecord};
use nayose::hl7v3::compose::{FedPatient, RequestFrame, feed_add, feed_merge, feed_revise, pdq_query, pix_query};
use nayose::hl7v3::{Device, InstanceIdentifier, ShownIdentifier};
use nayose::identity::{
    Demographics, DemographicsQuery, Field, NameCriterion, PatientIdentifier, Telecom, TelecomScheme,
};

/// People of one store: more than a store ever gets messages.
const PEOPLE: usize = 50_000;

/// What a sender knows of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Not sent, or refused each time: nothing may be there.
    Refused,
    /// Sent, and no answer came: it may be there or not.
    Unknown,
    /// Acknowledged, in these words: it must be there, once, for ever.
    Settled(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Add,
    Revise,
    /// Into the message's patient.
    Merge {
        subsumed: usize,
    },
}

pub struct Message {
    pub id: String,
    pub kind: Kind,
    pub patient: usize,
    /// A telephone number that no other message has.
    pub marker: String,
    pub payload: String,
    pub state: State,
}

pub struct Patient {
    pub record: DemoRecord,
    pub value: String,
    pub alive: bool,
}

/// One sender. Its next message goes out when the last is settled.
pub struct Client {
    number: usize,
    /// Patients that came in, whatever became of them.
    admitted: usize,
    random: Random,
    source: Box<dyn Iterator<Item = DemoRecord> + Send>,
    pub patients: Vec<Patient>,
    pub messages: Vec<Message>,
    /// How many messages the checker has seen settled.
    pub checked: usize,
    pub repeats: u64,
}

pub struct Journal {
    pub clients: Vec<Client>,
}

impl Journal {
    pub fn new(seed: u64, clients: usize) -> Self {
        Self { clients: (0..clients).map(|number| Client::new(seed, number)).collect() }
    }

    pub fn messages(&self) -> impl Iterator<Item = &Message> {
        self.clients.iter().flat_map(|client| &client.messages)
    }

    pub fn settled(&self) -> u64 {
        self.messages().filter(|message| matches!(message.state, State::Settled(_))).count() as u64
    }
}

impl Client {
    fn new(seed: u64, number: usize) -> Self {
        // Half of the people of two neighbours are the same, so that links are made.
        let settings = demo::Settings { people: PEOPLE, seed: seed ^ (number as u64 / 2) };
        let source = demo::records(&settings).skip(number * 3);
        Self {
            number,
            admitted: 0,
            random: Random::new(seed, 1000 + number as u64),
            source: Box::new(source),
            patients: Vec::new(),
            messages: Vec::new(),
            checked: 0,
            repeats: 0,
        }
    }

    /// The message that is not settled yet, or a new one.
    pub fn current(&mut self) -> &mut Message {
        let open = self.messages.last().is_some_and(|last| !matches!(last.state, State::Settled(_)));
        if !open {
            self.compose();
        }
        self.messages.last_mut().unwrap()
    }

    /// A message that was acknowledged before, where there is one.
    pub fn settled_before(&mut self) -> Option<&Message> {
        let settled = self.messages.iter().filter(|message| matches!(message.state, State::Settled(_))).count();
        // They come in order, so that only the last can be open.
        (settled > 0).then(|| &self.messages[self.random.index(settled)])
    }

    /// Notes what was heard of the current message.
    pub fn heard(&mut self, state: State) {
        let message = self.messages.last_mut().unwrap();
        // What was sent into the dark stays unknown, whatever a later attempt hears, unless that settles it.
        if message.state == State::Unknown && state == State::Refused {
            return;
        }
        if let (State::Settled(_), Kind::Merge { subsumed }) = (&state, message.kind) {
            self.patients[subsumed].alive = false;
        }
        message.state = state;
    }

    fn compose(&mut self) {
        let alive: Vec<usize> = (0..self.patients.len()).filter(|n| self.patients[*n].alive).collect();
        let number = self.messages.len();
        let marker = format!("0990-{}-{number}", self.number);
        let (kind, patient) = match self.random.below(10) {
            0 | 1 if !alive.is_empty() => (Kind::Revise, alive[self.random.index(alive.len())]),
            2 if self.pair(&alive).is_some() => {
                let (survivor, subsumed) = self.pair(&alive).unwrap();
                (Kind::Merge { subsumed }, survivor)
            }
            _ => (Kind::Add, self.admit()),
        };
        self.say(kind, patient, marker);
    }

    /// Composes a message of `kind` about `patient`.
    fn say(&mut self, kind: Kind, patient: usize, marker: String) {
        let frame = frame();
        let telecom = Telecom { uses: Vec::new(), scheme: TelecomScheme::Phone, value: format!("tel:{marker}") };
        let about = &mut self.patients[patient];
        let demographics = Demographics { telecoms: Field::Set(vec![telecom]), ..about.record.demographics.clone() };
        let fed = FedPatient {
            identifiers: vec![ShownIdentifier { identifier: about.identifier(), authority_name: String::new() }],
            other_identifiers: Vec::new(),
            demographics,
        };
        let payload = match kind {
            Kind::Add => feed_add(&frame, &fed),
            Kind::Revise => feed_revise(&frame, &fed),
            Kind::Merge { subsumed } => feed_merge(&frame, &fed, &self.patients[subsumed].identifier()),
        };
        self.messages.push(Message { id: frame.id.root, kind, patient, marker, payload, state: State::Refused });
    }

    /// Has the next person come in.
    fn admit(&mut self) -> usize {
        self.admitted += 1;
        let record = self.source.next().expect("enough people");
        self.patients.push(Patient { record, value: format!("{}-{}", self.number, self.admitted), alive: true });
        self.patients.len() - 1
    }

    /// The latest two patients of one facility: survivor and subsumed.
    fn pair(&self, alive: &[usize]) -> Option<(usize, usize)> {
        alive.iter().rev().find_map(|later| {
            let facility = &self.patients[*later].record.oid;
            let earlier = alive.iter().find(|n| *n < later && self.patients[**n].record.oid == *facility)?;
            Some((*earlier, *later))
        })
    }

    /// A new message about a new patient, for scenarios that say what happens next.
    pub fn compose_add(&mut self) -> &mut Message {
        let number = self.messages.len();
        let patient = self.admit();
        self.say(Kind::Add, patient, format!("0990-{}-{number}", self.number));
        self.messages.last_mut().unwrap()
    }

    /// Forgets the latest message, which was refused for good, and its new patient.
    pub fn give_up(&mut self) {
        self.messages.pop();
        self.patients.pop();
    }

    /// A feed of an authority that nobody knows, which is refused and kept as such.
    pub fn foreign(&mut self) -> String {
        let known = &self.patients[0].record.oid.to_string();
        self.messages[0].payload.replace(known, "2.999.77").replace(&self.messages[0].id, &frame().id.root)
    }

    /// A revise of the latest patient.
    pub fn compose_revise(&mut self) -> &mut Message {
        let number = self.messages.len();
        self.say(Kind::Revise, self.patients.len() - 1, format!("0990-{}-{number}", self.number));
        self.messages.last_mut().unwrap()
    }

    /// A merge of two patients of one facility; the second is brought in where there is none.
    pub fn compose_merge(&mut self) -> Option<&mut Message> {
        let alive: Vec<usize> = (0..self.patients.len()).filter(|n| self.patients[*n].alive).collect();
        let (survivor, subsumed) = self.pair(&alive)?;
        let number = self.messages.len();
        self.say(Kind::Merge { subsumed }, survivor, format!("0990-{}-{number}", self.number));
        self.messages.last_mut()
    }
}

impl Patient {
    pub fn identifier(&self) -> PatientIdentifier {
        PatientIdentifier { authority: self.record.oid.clone(), value: self.value.clone() }
    }

    /// ITI-47 for this patient, by name.
    pub fn search(&self) -> String {
        let names = self.record.demographics.names.values().iter().take(1);
        let criteria = DemographicsQuery {
            names: names.map(|name| NameCriterion { name: name.clone(), similar: false }).collect(),
            ..DemographicsQuery::default()
        };
        pdq_query(&frame(), &frame().id, &criteria, None)
    }

    /// ITI-45 for this patient.
    pub fn query(&self) -> String {
        pix_query(&frame(), &frame().id, &self.identifier(), &[])
    }
}

fn frame() -> RequestFrame {
    let device = |oid: &str| Device {
        ids: vec![InstanceIdentifier { root: oid.to_owned(), extension: None }],
        organizations: Vec::new(),
    };
    let clock = Clock::system();
    RequestFrame {
        id: InstanceIdentifier { root: clock.uuid().to_string(), extension: None },
        creation_time: hl7_timestamp(clock.micros(), "Asia/Tokyo"),
        processing_code: "P".to_owned(),
        sender: device(demo::H01_DEVICE_OID),
        receiver: device(demo::DEVICE_OID),
    }
}
