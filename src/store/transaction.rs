//! One open transaction: what every table function takes.

use super::connection::Connection;
use super::directory::Touched;
use super::drawn::Draws;
use super::filed::FilingState;
use super::load::Load;
use super::locks::Locks;
use super::resident::Resident;
use super::witness::{Changes, Seen, Thing, Witness};
use super::{InboxRow, OutboxRow, StoreError};
use crate::identity::Demographics;
use crate::matching::SearchToken;
use crate::metrics::Count;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// An open transaction. It commits or rolls back as the work that holds it ends; see [`super::Store::write`].
pub struct Transaction<'a> {
    connection: &'a mut Connection,
    sequences: Option<&'a Sequences>,
    retry: bool,
    waits: bool,
    broken: bool,
    refused: bool,
    counts: Vec<Count>,
    /// What must be told, not written yet.
    pub(super) told: Vec<OutboxRow>,
    pub(super) draws: Draws,
    /// Where many records are loaded.
    pub(super) load: Option<Box<Load>>,
    loaded: usize,
    /// None where nothing is written, and where no lock is needed.
    pub(super) locks: Option<Locks>,
    /// Where what decisions read is kept in memory.
    pub(super) resident: Option<Arc<Resident>>,
    /// What was read, where it is noted.
    seen: Option<Vec<Seen>>,
    /// Where changes are noted.
    changes: Option<&'a mut Changes>,
    /// Where it is noted what questions will be answered otherwise.
    touched: Option<&'a mut Touched>,
    pub(super) filing: FilingState,
    /// A message that is journalled, of which it is not known yet how it ended.
    pub(super) unsettled: Option<InboxRow>,
}

/// The last place in commit order of each table that has one. With one writer the order of inserts is the
/// order of commits; PostgreSQL has many, and assigns places after the commit.
#[derive(Default)]
pub(super) struct Sequences {
    pub(super) event: AtomicI64,
    pub(super) outbox: AtomicI64,
    pub(super) audit: AtomicI64,
    pub(super) inbox: AtomicI64,
}

impl<'a> Transaction<'a> {
    pub(super) fn new(connection: &'a mut Connection, sequences: Option<&'a Sequences>) -> Self {
        Self {
            connection,
            sequences,
            retry: false,
            waits: false,
            broken: false,
            refused: false,
            counts: Vec::new(),
            told: Vec::new(),
            draws: Draws::default(),
            load: None,
            loaded: 0,
            locks: None,
            resident: None,
            seen: None,
            changes: None,
            touched: None,
            filing: FilingState::default(),
            unsettled: None,
        }
    }

    /// Decides from memory where all is kept there, and has it follow what is changed.
    pub(super) fn keep(&mut self, resident: Arc<Resident>) {
        self.resident = Some(resident);
    }

    /// Notes what it reads.
    pub(super) fn noting(mut self) -> Self {
        self.seen = Some(Vec::new());
        self
    }

    /// Notes what it changes, where somebody asks.
    pub(super) fn telling(mut self, changes: Option<&'a mut Changes>) -> Self {
        self.changes = changes;
        self
    }

    /// Notes what it touches of what questions look up.
    pub(super) fn touching(mut self, touched: Option<&'a mut Touched>) -> Self {
        self.touched = touched;
        self
    }

    /// Questions about `record` may be answered otherwise from now on.
    pub(super) fn touched_record(&mut self, record: i64) {
        if let Some(touched) = &mut self.touched {
            touched.record(record);
        }
    }

    /// `record` has this version of its demographics from now on.
    pub(super) fn touched_said(&mut self, record: i64, version: i32, said: &Demographics) {
        if let Some(touched) = &mut self.touched {
            touched.said(record, version, said);
        }
    }

    /// The demographics of `record` are others now, in whatever version.
    pub(super) fn touched_said_anew(&mut self, record: i64) {
        if let Some(touched) = &mut self.touched {
            touched.said_anew(record);
        }
    }

    /// `record` is filed under these tokens from now on.
    pub(super) fn touched_filed(&mut self, record: i64, tokens: &[SearchToken]) {
        if let Some(touched) = &mut self.touched {
            touched.filed(record, tokens);
        }
    }

    /// Questions about `person` may be answered otherwise from now on.
    pub(super) fn touched_person(&mut self, person: i64) {
        if let Some(touched) = &mut self.touched {
            touched.person(person);
        }
    }

    /// Whether it is noted what is touched.
    pub(super) fn notes_touched(&self) -> bool {
        self.touched.is_some()
    }

    /// What was read, where it was noted.
    pub(super) fn take_seen(&mut self) -> Vec<Seen> {
        self.seen.take().unwrap_or_default()
    }

    /// Notes that all of these was read.
    pub(super) fn read(&mut self, things: impl IntoIterator<Item = Thing>) {
        if let Some(seen) = &mut self.seen {
            seen.extend(things.into_iter().map(Seen::whole));
        }
    }

    /// Notes that of the records under `key` those up to one were read.
    pub(super) fn read_key(&mut self, key: i64, up_to: i64) {
        if let Some(seen) = &mut self.seen {
            seen.push(Seen { thing: Thing::Key(key), up_to });
        }
    }

    pub(super) fn changed(&mut self, thing: Thing) {
        if let Some(changes) = &mut self.changes {
            changes.of(thing);
        }
    }

    /// `record` is filed under `key`, or no more.
    pub(super) fn changed_key(&mut self, key: i64, record: i64) {
        if let Some(changes) = &mut self.changes {
            changes.of_key(key, record);
        }
    }

    /// Anything may have been changed.
    pub(super) fn all_changed(&mut self) {
        if let Some(resident) = &self.resident {
            resident.forget();
        }
        if let Some(changes) = &mut self.changes {
            changes.forget();
        }
        if let Some(touched) = &mut self.touched {
            touched.all();
        }
    }

    /// Whether changes are noted here.
    pub(super) fn tells(&self) -> bool {
        self.changes.is_some()
    }

    /// Whether all that `witness` saw is as it was; no where that is not known.
    pub fn still(&self, witness: &Witness) -> bool {
        let told = || self.changes.as_ref().is_some_and(|changes| changes.none_of(witness));
        self.load_still(witness).unwrap_or_else(told)
    }

    /// One more record was loaded.
    pub(super) fn has_loaded(&mut self) {
        self.loaded += 1;
    }

    /// How many records were loaded.
    pub(super) fn loaded(&self) -> usize {
        self.loaded
    }

    /// Notes what is to be counted once this is committed.
    pub fn did(&mut self, count: Count) {
        self.counts.push(count);
    }

    /// What is to be counted after the commit.
    pub fn take_counts(&mut self) -> Vec<Count> {
        std::mem::take(&mut self.counts)
    }

    pub(super) fn connection(&mut self) -> &mut Connection {
        self.connection
    }

    /// Whether it is the transaction of the one writer.
    pub(super) fn writes_here(&self) -> bool {
        self.sequences.is_some()
    }

    /// The next place in the sequence that `which` picks; none where places are assigned after the commit.
    pub(super) fn place(&self, which: fn(&Sequences) -> &AtomicI64) -> Option<i64> {
        self.sequences.map(|sequences| which(sequences).fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// From now on places are given after those that were `reached`.
    pub(super) fn continue_after(&mut self, reached: &Sequences) {
        let Some(ours) = self.sequences else { return };
        for (ours, reached) in [
            (&ours.event, &reached.event),
            (&ours.outbox, &reached.outbox),
            (&ours.audit, &reached.audit),
            (&ours.inbox, &reached.inbox),
        ] {
            ours.fetch_max(reached.load(Ordering::Relaxed), Ordering::Relaxed);
        }
    }

    /// Translates an error, and remembers whether the whole transaction may be tried again.
    pub(super) fn failed(&mut self, error: diesel::result::Error) -> StoreError {
        self.refused = true;
        self.retry |= may_retry(&error);
        self.broken |= is_closed(&error);
        error.into()
    }

    /// What to fail with when another transaction was quicker: all of the work is run again, within a bound.
    pub fn lost_race(&mut self) -> StoreError {
        self.retry = true;
        StoreError::Busy
    }

    /// What to fail with when another transaction holds what this one turned out to need.
    pub(super) fn must_wait(&mut self) -> StoreError {
        self.waits = true;
        self.lost_race()
    }

    /// Whether it only has to wait for another transaction.
    pub(super) fn wants_to_wait(&self) -> bool {
        self.waits
    }

    /// Whether a statement failed for contention alone.
    pub(super) fn wants_retry(&self) -> bool {
        self.retry
    }

    /// Whether any statement failed. PostgreSQL then turns a commit into a rollback without a word.
    pub(super) fn was_refused(&self) -> bool {
        self.refused
    }

    /// Whether the connection is lost.
    pub(super) fn is_broken(&self) -> bool {
        self.broken
    }
}

/// Whether `error` is a lost race: SQLSTATE 40001, or 40P01, which diesel tells by its text alone.
pub(super) fn may_retry(error: &diesel::result::Error) -> bool {
    use diesel::result::{DatabaseErrorKind as Kind, Error};
    match error {
        Error::DatabaseError(Kind::SerializationFailure, _) => true,
        Error::DatabaseError(_, info) => info.message().contains("deadlock detected"),
        _ => false,
    }
}

/// Whether `error` says that the connection is gone.
pub(super) fn is_closed(error: &diesel::result::Error) -> bool {
    use diesel::result::{DatabaseErrorKind as Kind, Error};
    match error {
        Error::DatabaseError(Kind::ClosedConnection, _) => true,
        Error::DatabaseError(Kind::Unknown | Kind::UnableToSendCommand, info) => {
            info.message().contains("connection") || info.message().contains("communicating")
        }
        _ => false,
    }
}
