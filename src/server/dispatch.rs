//! Tells subscribers what changed: one thread for each, which tells one change at a time.
//!
//! What is told, and when, is the registry's to say; how it is said is a [`Sink`]'s. A dispatcher must never go on to
//! the next change before the last one was taken or put aside, and it notes nothing as taken before it was.

use crate::registry::{Failure, Notification, Pace, Registry, Subscription, Trouble, Turn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// How often it is looked whether there is something to tell.
const LOOK_EVERY: Duration = Duration::from_millis(500);
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

/// Wakes threads that wait, so that they end.
#[derive(Default)]
pub(super) struct Bell {
    stopped: Mutex<bool>,
    rung: Condvar,
}

impl Bell {
    /// Waits; whether to go on.
    pub(super) fn wait(&self, time: Duration) -> bool {
        let stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.rung.wait_timeout_while(stopped, time, |stopped| !*stopped);
        !*waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Wakes all that wait, for the last time.
    pub(super) fn stop(&self) {
        *self.stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
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
        let mut dispatcher = Self { bell: Arc::clone(&bell), threads: Vec::new() };
        for (subscription, sink) in sinks {
            let teller = Teller {
                registry: registry.clone(),
                system: subscription.system,
                holder: registry.clock().uuid().to_string(),
                sink,
                pace,
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
}

impl Teller {
    fn run(mut self, bell: &Bell) {
        loop {
            let wait = match self.registry.outbox_turn(&self.system, &self.holder, &self.pace) {
                Ok(Turn::Tell(notification)) => self.tell(&notification),
                Ok(Turn::Later(time)) => time.min(LOOK_EVERY),
                Ok(Turn::Nothing | Turn::Elsewhere) => LOOK_EVERY,
                Err(failure) => {
                    complain("the outbox cannot be read", &failure);
                    LOOK_EVERY * 4
                }
            };
            if !bell.wait(wait) {
                return;
            }
        }
    }

    /// Tells one change and notes what became of it; how long to wait then.
    fn tell(&mut self, notification: &Notification) -> Duration {
        // A sink that breaks off has told nothing that we know of.
        let told = catch_unwind(AssertUnwindSafe(|| self.sink.deliver(notification)))
            .unwrap_or(Err(Trouble::Refused("the delivery broke off by a defect")));
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
