//! A piece of work on its way to the writer of a SQLite file and back to its caller.
//!
//! A caller must never hear of success before the writer has committed.

use super::{StoreError, Transaction};
use std::sync::mpsc::SyncSender;

/// A work on its way through the writer.
pub(super) trait Job: Send {
    /// Does it; whether it wants to be kept.
    fn run(&mut self, transaction: &mut Transaction<'_>) -> bool;
    /// Whether it did not want to be kept.
    fn has_failed(&self) -> bool;
    /// Tells the caller how it ended; `failure` overrides the result where the commit did not come about.
    fn finish(self: Box<Self>, failure: Option<StoreError>);
}

pub(super) struct Work<T, E, W> {
    work: W,
    result: Option<Result<T, E>>,
    reply: SyncSender<Result<T, E>>,
}

impl<T, E, W> Work<T, E, W> {
    /// A work whose caller hears through `reply`.
    pub(super) fn new(work: W, reply: SyncSender<Result<T, E>>) -> Self {
        Self { work, result: None, reply }
    }
}

impl<T, E, W> Job for Work<T, E, W>
where
    T: Send,
    E: From<StoreError> + Send,
    W: FnMut(&mut Transaction<'_>) -> Result<T, E> + Send,
{
    fn run(&mut self, transaction: &mut Transaction<'_>) -> bool {
        let attempt = std::panic::AssertUnwindSafe(|| (self.work)(transaction));
        let result = std::panic::catch_unwind(attempt).unwrap_or_else(|_| Err(StoreError::Panicked.into()));
        self.result = Some(result);
        !self.has_failed()
    }

    fn has_failed(&self) -> bool {
        matches!(self.result, Some(Err(_)))
    }

    fn finish(self: Box<Self>, failure: Option<StoreError>) {
        let Work { work, result, reply } = *self;
        // What the work holds may be the last handle on the store: it goes before the caller hears.
        drop(work);
        let result = match (result, failure) {
            (Some(Err(error)), _) => Err(error),
            (_, Some(failure)) => Err(failure.into()),
            (Some(Ok(value)), None) => Ok(value),
            (None, None) => Err(StoreError::Unavailable("the writer did not run the work".to_owned()).into()),
        };
        // The caller may be gone; its work is durable nevertheless.
        let _ = reply.send(result);
    }
}
