//! ITI-46, PIXV3 Update Notification: the identifiers of a patient changed (ITI TF-2: 3.46.4.1); and the same told to
//! the document registry of the affinity domain, in the words of ITI-44 (ITI TF-2: 3.44.4).
//!
//! What is told, and to whom, is decided before: this writes it, and reads what the other end says of it.

use super::iti45_crossref::shown;
use crate::clock::{Clock, hl7_timestamp};
use crate::hl7v3::compose::{RequestFrame, registry_add, registry_merge, update_notification};
use crate::hl7v3::{AcceptCode, Device, InstanceIdentifier, ShownIdentifier, read_acknowledgement};
use crate::registry::{Notification, Telling, Trouble};
use crate::xml::Element;

/// What the messages to one subscriber say of both ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotificationSettings {
    /// Our own device id, an OID.
    pub device: String,
    /// The subscriber's device id, an OID; empty where it has none.
    pub receiver: String,
    /// IANA name of the network's time zone.
    pub time_zone: String,
    /// `P`, `T` or `D`.
    pub processing_code: String,
}

/// A message that is ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// The payload, a document element of `urn:hl7-org:v3`.
    pub body: String,
    /// `wsa:Action`
    pub action: &'static str,
}

/// Writes what one subscriber is told.
pub struct Notifier {
    settings: NotificationSettings,
    clock: Clock,
}

impl Notifier {
    /// For the subscriber of `settings`.
    pub fn new(settings: NotificationSettings, clock: Clock) -> Self {
        Self { settings, clock }
    }

    /// The message of `notification`. Each try has an id of its own, since what is told may differ from the try before.
    pub fn write(&self, notification: &Notification) -> Outgoing {
        let frame = RequestFrame {
            id: InstanceIdentifier { root: notification.message_id.clone(), extension: None },
            creation_time: hl7_timestamp(self.clock.micros(), &self.settings.time_zone),
            processing_code: self.settings.processing_code.clone(),
            sender: device(&self.settings.device),
            receiver: device(&self.settings.receiver),
        };
        let identifiers: Vec<ShownIdentifier> = notification.identifiers.iter().cloned().map(shown).collect();
        let (body, action) = match &notification.telling {
            Telling::CrossReference => (update_notification(&frame, identifiers), "urn:hl7-org:v3:PRPA_IN201302UV02"),
            Telling::Issued => (registry_add(&frame, identifiers), "urn:hl7-org:v3:PRPA_IN201301UV02"),
            Telling::Replaced(old) => (registry_merge(&frame, identifiers, old), "urn:hl7-org:v3:PRPA_IN201304UV02"),
        };
        Outgoing { body, action }
    }

    /// What the subscriber says of it.
    pub fn read(&self, payload: &Element) -> Result<(), Trouble> {
        match read_acknowledgement(payload).map_err(Trouble::Refused)?.code {
            AcceptCode::Accept => Ok(()),
            AcceptCode::Error => Err(Trouble::Refused("acknowledged as an error (CE or AE)")),
            AcceptCode::Reject => Err(Trouble::Refused("acknowledged as rejected (CR or AR)")),
        }
    }
}

fn device(id: &str) -> Device {
    Device { ids: vec![InstanceIdentifier { root: id.to_owned(), extension: None }], organizations: Vec::new() }
}
