//! Counts in the background how common names are, so that decisions know it and no feed has to.
//!
//! When it is worth counting is the registry's to say. It must never be in the way of a feed.

use super::dispatch::{Bell, complain};
use crate::registry::Registry;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

/// How often it is looked whether enough is new.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// The thread of one process that counts names; dropped, it ends after the count in work.
pub struct Counter {
    bell: Arc<Bell>,
    thread: Option<JoinHandle<()>>,
}

impl Counter {
    /// Counts the names of `registry` whenever enough records are new.
    pub fn start(registry: &Registry) -> std::io::Result<Self> {
        let bell = Arc::new(Bell::default());
        let (registry, rung) = (registry.clone(), Arc::clone(&bell));
        let thread = std::thread::Builder::new().name("name-counter".to_owned()).spawn(move || {
            loop {
                if let Err(failure) = registry.count_names() {
                    complain("names are not counted anew", &failure);
                }
                if !rung.wait(LOOK_EVERY) {
                    return;
                }
            }
        })?;
        Ok(Self { bell, thread: Some(thread) })
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        self.bell.stop();
        if let Some(thread) = self.thread.take() {
            // One that broke off has said so.
            let _ = thread.join();
        }
    }
}
