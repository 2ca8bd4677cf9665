//! The subscribers of the configuration, each at the other end of its wire.

use super::StartError;
use super::dispatch::{Dispatcher, Sink};
use crate::clock::Clock;
use crate::config::{Configuration, Subscriber, SubscriberKind};
use crate::registry::{Audience, Notification, Pace, Registry, Subscription, Trouble};
use crate::transactions::{NotificationSettings, Notifier};
use crate::transport::{CallSettings, Caller, ListenError, Unanswered};
use std::time::Duration;

/// A subscriber that is told by SOAP.
struct Soap {
    notifier: Notifier,
    caller: Caller,
}

impl Sink for Soap {
    fn deliver(&mut self, notification: &Notification) -> Result<(), Trouble> {
        let message = self.notifier.write(notification);
        // The envelope has the id of the message: both are fresh for each try.
        let answer = self.caller.call(message.action, &message.body, &notification.message_id);
        let answer = answer.map_err(|why| match why {
            Unanswered::Unreachable(word) => Trouble::Unreachable(word),
            Unanswered::Failing(word) => Trouble::Failing(word),
            Unanswered::Refused(word) => Trouble::Refused(word),
        })?;
        self.notifier.read(&answer)
    }
}

/// What tells the subscribers of the configuration.
pub fn dispatcher(registry: &Registry, settings: &Configuration) -> Result<Dispatcher, StartError> {
    let mut sinks: Vec<(Subscription, Box<dyn Sink>)> = Vec::with_capacity(settings.subscribers.len());
    for one in &settings.subscribers {
        sinks.push((subscription(one), Box::new(sink(one, settings, registry.clock())?)));
    }
    let subscriptions: Vec<Subscription> = sinks.iter().map(|(subscription, _)| subscription.clone()).collect();
    registry.subscribe(&subscriptions).map_err(StartError::Registry)?;
    let kept = Duration::from_secs(u64::from(settings.outbox.keep_days) * 24 * 60 * 60);
    Dispatcher::start(registry, sinks, Pace::default(), kept)
        .map_err(|error| StartError::Listen(ListenError::Server(error)))
}

fn subscription(subscriber: &Subscriber) -> Subscription {
    Subscription {
        system: subscriber.system.clone(),
        domains: subscriber.domains.clone(),
        audience: match subscriber.kind {
            SubscriberKind::Consumer => Audience::Consumer,
            SubscriberKind::Registry => Audience::Registry,
        },
        snapshot: subscriber.snapshot,
    }
}

fn sink(subscriber: &Subscriber, settings: &Configuration, clock: &Clock) -> Result<Soap, StartError> {
    let system = &subscriber.system;
    let device = settings.systems.iter().find(|known| known.id == *system).and_then(|known| known.device.as_ref());
    if device.is_none() {
        log::warn!("subscriber {system}: its [[system]] has no device, so messages name no receiver");
    }
    if subscriber.url.starts_with("http://") && !is_loopback(&subscriber.url) {
        log::warn!(
            "subscriber {system}: identifiers of patients go to it without TLS; its url should begin with https"
        );
    }
    let network = &settings.network;
    let notifier = Notifier::new(
        NotificationSettings {
            device: network.device.as_str().to_owned(),
            receiver: device.map(|device| device.as_str().to_owned()).unwrap_or_default(),
            time_zone: network.time_zone.clone(),
            processing_code: network.processing_codes.first().map(|code| code.code().to_owned()).unwrap_or_default(),
        },
        clock.clone(),
    );
    let own = settings.server.tls.as_ref();
    let call = CallSettings {
        authorities: subscriber.ca.clone().or_else(|| own.and_then(|own| own.client_ca.clone())),
        certificate: subscriber
            .certificate
            .clone()
            .or_else(|| own.map(|own| (own.certificate.clone(), own.key.clone()))),
        ..CallSettings::new(&subscriber.url)
    };
    let caller = Caller::new(&call).map_err(|why| {
        StartError::Configuration(format!("subscriber {system}: {why}; right: PEM files that can be read"))
    })?;
    Ok(Soap { notifier, caller })
}

/// Whether `url` is of this machine.
fn is_loopback(url: &str) -> bool {
    let after = url.split_once("//").map_or(url, |(_, rest)| rest);
    let authority = after.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_on_this_machine_is_known() {
        let check = |url: &str, expect| assert_eq!(is_loopback(url), expect, "{url}");
        check("http://127.0.0.1:9/x", true);
        check("http://localhost", true);
        check("http://u:p@[::1]:80/x", true);
        check("http://viewer.example/localhost", false);
        check("http://127.0.0.1.example", false);
        check("http://localhost@viewer.example/", false);
    }

    #[test]
    fn a_certificate_that_cannot_be_read_is_named() {
        let mut settings = Configuration::default();
        let viewer = Subscriber::of("viewer", "https://viewer.example/");
        settings.subscribers.push(Subscriber { ca: Some("no/such/ca.pem".into()), ..viewer });
        let error = sink(&settings.subscribers[0], &settings, &Clock::system()).err().unwrap();
        assert!(error.is_configuration() && error.to_string().contains("no/such/ca.pem"), "{error}");
    }
}
