//! Tells subscribers what changed: one thread for each, which tells one change at a time.
//!
//! What is told, and when, is the registry's to say; how it is said is a [`Sink`]'s. A dispatcher must never go on to
//! the next change before the last one was taken or put aside, and it notes nothing as taken before it was.

use crate::planted::{self, Bug};
use crate::registry::{Failure, Notification, Pace, Registry, Subscription, Trouble, Turn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// How often it is looked whether there is something to tell: another process may have changed something.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How soon it is looked again once something changed: its place in the order may not be given yet.
const LOOK_AGAIN: Duration = Duration::from_millis(5);
/// How often old changes are dropped.
const PRUNE_EVERY: Duration = Duration::from_secs(3600);

/// One subscriber at the other end of a wire.
pub trait Sink: Send {
    /// Tells it one change; returns when it has taken it, or has not, and within half of the lease at the latest.
    fn deliver(&mut self, notification: &Notification) -> Result<(), Trouble>;
}

/// The threads of one process that tell subscribers; dropped, they end after the delivery in work.
pub struct Dispatcher {
    bell: Arc<Bell>,
    threads: Vec<JoinHandle<()>>,
}

/// Wakes threads that wait: because there is something to do, or so that they end.
#[derive(Default)]
pub(super) struct Bell {
    state: Mutex<Rung>,
    rung: Condvar,
}

#[derive(Clone, Copy, Default)]
struct Rung {
    times: u64,
    stopped: bool,
}

impl Bell {
    /// Waits; whether to go on.
    pub(super) fn wait(&self, time: Duration) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.rung.wait_timeout_while(state, time, |state| !state.stopped);
        !waited.unwrap_or_else(PoisonError::into_inner).0.stopped
    }

    /// Waits, and less long where it is rung more often than `heard`, which is brought up to date; whether to go on.
    fn wait_to_be_rung(&self, time: Duration, heard: &mut u64) -> bool {
        let known = *heard;
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.rung.wait_timeout_while(state, time, |state| !state.stopped && state.times == known);
        let state = *waited.unwrap_or_else(PoisonError::into_inner).0;
        *heard = state.times;
        !state.stopped
    }

    /// Wakes those who wait for something to do.
    fn ring(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).times += 1;
        self.rung.notify_all();
    }

    /// Wakes all that wait, for the last time.
    pub(super) fn stop(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).stopped = true;
        self.rung.notify_all();
    }
}

impl Dispatcher {
    /// Tells each subscriber through its sink, and drops what is older than `kept` and told to all.
    pub fn start(
        registry: &Registry,
        sinks: Vec<(Subscription, Box<dyn Sink>)>,
        pace: Pace,
        kept: Duration,
    ) -> std::io::Result<Self> {
        let bell = Arc::new(Bell::default());
        let rung = Arc::downgrade(&bell);
        registry.when_told(Box::new(move || rung.upgrade().map(|bell| bell.ring()).is_some()));
        let mut dispatcher = Self { bell: Arc::clone(&bell), threads: Vec::new() };
        for (subscription, sink) in sinks {
            let teller = Teller {
                registry: registry.clone(),
                system: subscription.system,
                holder: registry.holder(),
                sink,
                pace,
                first: None,
            };
            dispatcher.spawn("outbox-teller", move |bell| teller.run(bell))?;
        }
        let registry = registry.clone();
        dispatcher.spawn("outbox-pruner", move |bell| {
            loop {
                match registry.outbox_prune(kept) {
                    Ok(0) => {}
                    Ok(dropped) => log::info!("{dropped} changes left the outbox: all were told"),
                    Err(failure) => complain("old changes stay in the outbox", &failure),
                }
                if !bell.wait(PRUNE_EVERY) {
                    return;
                }
            }
        })?;
        Ok(dispatcher)
    }

    fn spawn(&mut self, name: &str, work: impl FnOnce(&Bell) + Send + 'static) -> std::io::Result<()> {
        let bell = Arc::clone(&self.bell);
        self.threads.push(std::thread::Builder::new().name(name.to_owned()).spawn(move || work(&bell))?);
        Ok(())
    }
}

impl Drop for Dispatcher {
    fn drop(&mut self) {
        self.bell.stop();
        for thread in self.threads.drain(..) {
            // One that broke off has said so.
            let _ = thread.join();
        }
    }
}

struct Teller {
    registry: Registry,
    system: String,
    holder: String,
    sink: Box<dyn Sink>,
    pace: Pace,
    /// What was told last, for a bug that is planted.
    first: Option<Notification>,
}

impl Teller {
    fn run(mut self, bell: &Bell) {
        let (mut heard, mut idle) = (0, LOOK_EVERY);
        loop {
            let wait = match self.registry.outbox_turn(&self.system, &self.holder, &self.pace) {
                Ok(Turn::Tell(notification)) => self.tell(&notification),
                Ok(Turn::Later(time)) => time.min(LOOK_EVERY),
                Ok(Turn::Nothing) => idle,
                Ok(Turn::Elsewhere) => LOOK_EVERY,
                Err(failure) => {
                    complain("the outbox cannot be read", &failure);
                    LOOK_EVERY * 4
                }
            };
            let before = heard;
            if !bell.wait_to_be_rung(wait, &mut heard) {
                return;
            }
            idle = if heard == before { LOOK_EVERY.min(idle * 2) } else { LOOK_AGAIN };
        }
    }

    /// Tells one change and notes what became of it; how long to wait then.
    fn tell(&mut self, notification: &Notification) -> Duration {
        let notification = match &self.first {
            Some(first) if planted::has(Bug::RenderedOnce) && first.seq == notification.seq => &first.clone(),
            _ => notification,
        };
        if planted::has(Bug::RenderedOnce) {
            self.first = Some(notification.clone());
        }
        if planted::has(Bug::NotedBeforeTold) {
            let _ = self.registry.outbox_taken(&self.system, &self.holder, notification);
        }
        // A sink that breaks off has told nothing that we know of.
        let told = catch_unwind(AssertUnwindSafe(|| self.sink.deliver(notification)))
            .unwrap_or(Err(Trouble::Refused("the delivery broke off by a defect")));
        let told = match told {
            Err(Trouble::Unreachable(_)) if planted::has(Bug::UnreachedForgotten) => Ok(()),
            told => told,
        };
        let noted = match told {
            Ok(()) => self.registry.outbox_taken(&self.system, &self.holder, notification),
            Err(trouble) => {
                self.registry.outbox_troubled(&self.system, &self.holder, notification, trouble, &self.pace)
            }
        };
        match noted {
            Ok(true) => Duration::ZERO,
            Ok(false) => LOOK_EVERY,
            Err(failure) => {
                complain("what was told cannot be noted, so it will be told again", &failure);
                LOOK_EVERY
            }
        }
    }
}

pub(super) fn complain(what: &str, failure: &Failure) {
    let cause = std::error::Error::source(failure).map(|cause| format!(": {cause}")).unwrap_or_default();
    log::error!("{what}: {failure}{cause}");
}
