//! Files records anew that an earlier version has filed, a few at a time, until none is left.
//!
//! What that means is the registry's to say. It must never be in the way of a feed.

use super::dispatch::{Bell, complain};
use crate::registry::Registry;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

/// Records that are looked at in one transaction.
const AT_ONCE: usize = 64;
/// The pause between two transactions: what feeds have the store for.
const PAUSE: Duration = Duration::from_millis(20);
/// How long until it is tried again after it failed.
const AFTER_TROUBLE: Duration = Duration::from_secs(60);

/// The thread of one process that files records anew; dropped, it ends after the transaction in work.
pub struct Refiler {
    bell: Arc<Bell>,
    thread: Option<JoinHandle<()>>,
}

impl Refiler {
    /// Files anew what is to be.
    pub fn start(registry: &Registry) -> std::io::Result<Self> {
        let bell = Arc::new(Bell::default());
        let (registry, rung) = (registry.clone(), Arc::clone(&bell));
        let thread = std::thread::Builder::new().name("refiler".to_owned()).spawn(move || {
            let mut records = 0;
            loop {
                let pause = match registry.refile_some(AT_ONCE) {
                    Ok(refiled) => {
                        records += refiled.records;
                        if !refiled.more {
                            break;
                        }
                        PAUSE
                    }
                    Err(failure) => {
                        complain("records stay filed as an earlier version filed them", &failure);
                        AFTER_TROUBLE
                    }
                };
                if !rung.wait(pause) {
                    return;
                }
            }
            if records > 0 {
                log::info!("{records} records were filed anew, as this version files them");
            }
        })?;
        Ok(Self { bell, thread: Some(thread) })
    }
}

impl Drop for Refiler {
    fn drop(&mut self) {
        self.bell.stop();
        if let Some(thread) = self.thread.take() {
            // One that broke off has said so.
            let _ = thread.join();
        }
    }
}
