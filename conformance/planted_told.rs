//! Bugs of what a server tells of its own accord (ITI-46): each must fail one of the cases named for it.
//!
//! They are planted between the message that our own server writes and the wire, as those of `planted` are between the
//! answer and the wire.

use crate::folder;
use crate::region;
use crate::target::{self, CONSUMER, DEVICE, VIEWER};
use nayose::clock::Clock;
use nayose::conformance::{Ear, Options, Report, run};
use nayose::identity::DomainKey;
use nayose::registry::{Notification, Pace, Registry, Subscription, Trouble};
use nayose::server::{Dispatcher, Sink};
use nayose::store::testing::Place;
use nayose::transactions::{NotificationSettings, Notifier, Outgoing, Service};
use nayose::transport::{self, CallSettings, Caller};
use std::sync::Arc;
use std::time::Duration;

/// What a bug makes of a message before it is sent; none: it is not sent, and noted as told.
type Bug = fn(Outgoing, &mut Vec<Outgoing>) -> Option<Outgoing>;

/// A bug, the cases of which one must fail, and whether what the consumer says is believed.
struct Planted {
    what: &'static str,
    cases: &'static [&'static str],
    bug: Bug,
    listens: bool,
}

const fn planted(what: &'static str, cases: &'static [&'static str], bug: Bug) -> Planted {
    Planted { what, cases, bug, listens: true }
}

fn changed(message: Outgoing, from: &str, to: &str) -> Option<Outgoing> {
    Some(Outgoing { body: message.body.replace(from, to), ..message })
}

const ID: &str = "<id root=\"2.999.1.11\"";

const BUGS: [Planted; 12] = [
    planted("the trigger is that of an add", &["iti46/added"], |message, _| {
        changed(message, "PRPA_TE201302UV02", "PRPA_TE201301UV02")
    }),
    planted("no acknowledgement is asked for", &["iti46/wrapper"], |message, _| {
        changed(message, "acceptAckCode code=\"AL\"", "acceptAckCode code=\"NE\"")
    }),
    planted("identifiers have no name of their authority", &["iti46/added"], |message, _| {
        changed(message, " assigningAuthorityName=\"H01\"", "")
    }),
    planted("the receiver is the server", &["iti46/added"], |message, _| {
        changed(message, "<id root=\"2.999.1.0.9\"/>", "<id root=\"2.999.1.900\"/>")
    }),
    planted("there is no custodian", &["iti46/wrapper"], |message, _| {
        let (before, rest) = message.body.split_once("<custodian")?;
        let (_, after) = rest.split_once("</custodian>")?;
        Some(Outgoing { body: format!("{before}{after}"), ..message })
    }),
    planted("there is no name", &["iti46/wrapper"], |message, _| changed(message, "<name nullFlavor=\"NA\"/>", "")),
    planted("the organization is of one domain alone", &["iti46/linked"], |message, _| {
        let (before, after) = message.body.split_once("<providerOrganization")?;
        let after = after.replace("<id root=\"2.999.1.12\"/>", "");
        Some(Outgoing { body: format!("{before}<providerOrganization{after}"), ..message })
    }),
    planted("the regional identifier is told unasked", &["iti46/added", "iti46/linked"], |message, _| {
        let more = format!("<id root=\"2.999.1\" extension=\"1\" assigningAuthorityName=\"R\"/>{ID}");
        Some(Outgoing { body: message.body.replacen(ID, &more, 1), ..message })
    }),
    planted("of a broken link one side is told", &["iti46/broken"], |message, kept| {
        // The third message of that case and what follows it on the same change.
        kept.push(message.clone());
        (kept.len() != 4).then_some(message)
    }),
    planted("a link is not told", &["iti46/linked"], |message, _| {
        (!message.body.contains("assigningAuthorityName=\"H02\"")).then_some(message)
    }),
    planted("changes are told in another order", &["iti46/order"], |message, kept| {
        kept.push(message.clone());
        if kept.len() == 1 { None } else { Some(kept.remove(kept.len() - 2)) }
    }),
    Planted {
        what: "a refusal is taken for a yes",
        cases: &["iti46/refused"],
        bug: |message, _| Some(message),
        listens: false,
    },
];

/// A subscriber behind a bug.
struct Behind {
    notifier: Notifier,
    caller: Caller,
    planted: Option<&'static Planted>,
    kept: Vec<Outgoing>,
}

impl Sink for Behind {
    fn deliver(&mut self, notification: &Notification) -> Result<(), Trouble> {
        let message = self.notifier.write(notification);
        let message = match self.planted {
            Some(planted) => (planted.bug)(message, &mut self.kept),
            None => Some(message),
        };
        let Some(message) = message else { return Ok(()) };
        let fresh = Clock::system().uuid().to_string();
        let answer = self.caller.call(message.action, &message.body, &fresh);
        let told =
            answer.map_err(|_| Trouble::Unreachable("not reached")).and_then(|answer| self.notifier.read(&answer));
        if self.planted.is_some_and(|planted| !planted.listens) { Ok(()) } else { told }
    }
}

/// Plays `cases` against a server of our own whose notifications go through `planted`.
fn play(planted: Option<&'static Planted>, cases: &[&str]) -> Report {
    let (clock, place) = (Clock::system(), Place::sqlite().expect("a folder for the store"));
    let registry = Registry::open(place.open(&clock).expect("a store"), region::settings(), clock.clone());
    let registry = registry.expect("a registry");
    let ear = Ear::listen("127.0.0.1:0", CONSUMER).expect("a consumer");
    let notifier = NotificationSettings {
        device: DEVICE.to_owned(),
        receiver: CONSUMER.to_owned(),
        time_zone: "Asia/Tokyo".to_owned(),
        processing_code: "P".to_owned(),
    };
    let sink = Behind {
        notifier: Notifier::new(notifier, clock),
        caller: Caller::new(&CallSettings::new(&ear.url())).expect("a caller"),
        planted,
        kept: Vec::new(),
    };
    let domains = ["h01", "h02"].map(|domain| DomainKey(domain.to_owned())).to_vec();
    let subscription = Subscription { system: VIEWER.to_owned(), domains, ..Subscription::default() };
    registry.subscribe(std::slice::from_ref(&subscription)).expect("a subscriber");
    let sinks: Vec<(Subscription, Box<dyn Sink>)> = vec![(subscription, Box::new(sink))];
    let kept = Duration::from_secs(86_400);
    let _dispatcher = Dispatcher::start(&registry, sinks, Pace::default(), kept).expect("a dispatcher");
    let listeners =
        transport::Settings { http: Some("127.0.0.1:0".to_owned()), admin: None, ..transport::Settings::default() };
    let running = transport::spawn(listeners, Arc::new(Service::new(registry, target::network()))).expect("listeners");
    let mut target = target::target(&format!("http://{}", running.address("http").expect("an address")), "open");
    target.consumer = Some(target::consumer(&ear));
    let only = cases.iter().map(|case| (*case).to_owned()).collect();
    let options = Options { only, ear: Some(Arc::new(ear)), ..Options::default() };
    run(&folder(), &target, &options).expect("readable cases")
}

#[test]
fn every_planted_bug_of_notifications_is_noticed() {
    let mut unnoticed = Vec::new();
    for planted in &BUGS {
        let report = play(Some(planted), planted.cases);
        let failed: Vec<&str> = report.failed().map(|case| case.name.as_str()).collect();
        println!("{}: {}", planted.what, failed.join(", "));
        assert_eq!(report.results.len(), planted.cases.len(), "{}: names a case that is none", planted.what);
        if failed.is_empty() {
            unnoticed.push(planted.what);
        }
    }
    assert_eq!(unnoticed, Vec::<&str>::new(), "no case notices");
}

#[test]
fn notifications_without_a_bug_fail_nothing() {
    let report = play(None, &["iti46/"]);
    assert!(report.results.len() > 8, "not every case was played");
    assert_eq!(report.failures(), 0, "{}", report.text());
}
