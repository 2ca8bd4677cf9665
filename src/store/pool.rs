//! Connections that are lent one at a time. A borrower that panics loses its connection, never its place.

use super::StoreError;
use super::connection::Connection;
use crate::metrics::{Metrics, Raised};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a borrower waits before it hears that the store is busy.
const PATIENCE: Duration = Duration::from_secs(2);

type Make = Box<dyn Fn() -> Result<Connection, StoreError> + Send + Sync>;

/// A bounded set of connections, made when first needed.
pub(super) struct Pool {
    state: Mutex<State>,
    freed: Condvar,
    most: usize,
    pub(super) make: Make,
    metrics: Metrics,
}

struct State {
    idle: Vec<Connection>,
    lent: usize,
}

/// A connection on loan; it goes back when dropped, unless it was found broken.
pub(super) struct Loan<'a> {
    pool: &'a Pool,
    connection: Option<Connection>,
    fit: bool,
    /// Counts the loan.
    _lent: Raised,
}

impl Pool {
    pub(super) fn new(most: usize, metrics: &Metrics, make: Make) -> Self {
        let state = Mutex::new(State { idle: Vec::new(), lent: 0 });
        Self { state, freed: Condvar::new(), most, make, metrics: metrics.clone() }
    }

    /// Lends a connection to `work`, which says in its second result whether the connection is fit for others.
    pub(super) fn lend<R>(&self, work: impl FnOnce(&mut Connection) -> (R, bool)) -> Result<R, StoreError> {
        let mut loan = self.borrow()?;
        let Some(connection) = loan.connection.as_mut() else {
            return Err(StoreError::Busy);
        };
        let (result, fit) = work(connection);
        loan.fit = fit;
        Ok(result)
    }

    /// As [`Pool::lend`] where a connection is free now.
    pub(super) fn lend_free<R>(&self, work: impl FnOnce(&mut Connection) -> (R, bool)) -> Option<R> {
        let free = {
            let state = self.state();
            !state.idle.is_empty() || state.lent < self.most
        };
        // Another one may take it before us: then this waits like everybody.
        if free { self.lend(work).ok() } else { None }
    }

    /// Closes the idle connections, which a restart of the database has made useless.
    pub(super) fn forget_idle(&self) {
        let idle = std::mem::take(&mut self.state().idle);
        drop(idle);
    }

    fn borrow(&self) -> Result<Loan<'_>, StoreError> {
        let full = |state: &mut State| state.idle.is_empty() && state.lent >= self.most;
        let waited = self.freed.wait_timeout_while(self.state(), PATIENCE, full);
        let (mut state, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        if timeout.timed_out() {
            return Err(StoreError::Busy);
        }
        state.lent += 1;
        let idle = state.idle.pop();
        drop(state);
        let lent = Raised::on(&self.metrics.gauges().store_connections);
        let mut loan = Loan { pool: self, connection: idle, fit: false, _lent: lent };
        if loan.connection.is_none() {
            loan.connection = Some((self.make)()?);
        }
        Ok(loan)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Loan<'_> {
    fn drop(&mut self) {
        let connection = self.connection.take().filter(|_| self.fit);
        let mut state = self.pool.state();
        state.lent -= 1;
        state.idle.extend(connection);
        drop(state);
        self.pool.freed.notify_one();
    }
}
