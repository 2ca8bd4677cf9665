//! Drops from the journal what nobody can need any more, a little at a time.
//!
//! What may be dropped is the registry's to say. It must never be in the way of a feed.

use super::dispatch::{Bell, complain};
use crate::registry::Registry;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

/// How often it is looked.
const LOOK_EVERY: Duration = Duration::from_secs(600);
/// The pause between two transactions: what feeds have the store for.
const PAUSE: Duration = Duration::from_millis(200);

/// The thread of one process that drops old messages; dropped, it ends after the transaction in work.
pub struct Keeper {
    bell: Arc<Bell>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    /// Drops messages that came in longer ago than `kept`, as far as they may be.
    pub fn start(registry: &Registry, kept: Duration) -> std::io::Result<Self> {
        let bell = Arc::new(Bell::default());
        let (registry, rung) = (registry.clone(), Arc::clone(&bell));
        let thread = std::thread::Builder::new().name("journal-keeper".to_owned()).spawn(move || {
            loop {
                let wait = match registry.journal_prune(kept) {
                    Ok(0) => LOOK_EVERY,
                    Ok(_) => PAUSE,
                    Err(failure) => {
                        complain("old messages stay in the journal", &failure);
                        LOOK_EVERY
                    }
                };
                if !rung.wait(wait) {
                    return;
                }
            }
        })?;
        Ok(Self { bell, thread: Some(thread) })
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.bell.stop();
        if let Some(thread) = self.thread.take() {
            // One that broke off has said so.
            let _ = thread.join();
        }
    }
}
