//! People from files, many in one transaction, each by the rules of a feed: the same decision, the same links, reviews,
//! history, audit and journal.
//!
//! What is known already changes nothing and leaves no trace. How far a file was taken in is kept in the transaction of
//! its last line, so that a run that was cut off goes on there. A line that cannot be taken must never stop the others.

use super::act::{Act, Hidden, IMPORT};
use super::error::Reason;
use super::feed::{Asserted, Weighed};
use super::intake::{Intake, Touched};
use super::rehearsal::Rehearsal;
use super::{Failure, Registry};
use crate::access::Principal;
use crate::audit::Action;
use crate::identity::{Demographics, Oid, PatientIdentifier};
use crate::metrics::Count;
use crate::store::{Load, Transaction, demographics_from_text, demographics_to_text};
use std::num::NonZero;
use std::sync::Arc;

/// What a line of a file says of one patient, and what the matcher makes of it.
#[derive(Clone)]
pub struct Entry {
    identifier: PatientIdentifier,
    demographics: Demographics,
    said: String,
    weighed: Arc<Weighed>,
}

/// What became of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// The identifier was new.
    Added,
    /// Something else was known of it.
    Revised,
    /// All of it was known.
    Unchanged,
    /// It cannot be taken in.
    Refused(Reason),
}

/// How far a file is taken in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    /// The file, by a digest of what it holds and of how it is read.
    pub file: String,
    /// The line of the last record that is done.
    pub line: u64,
}

/// What a transaction came to that took in entries as they came.
pub struct Flowed {
    /// What became of each.
    pub taken: Vec<Taken>,
    /// Whether there are no more.
    pub ended: bool,
    /// What is kept in memory for the next one.
    pub load: Box<Load>,
}

/// Entries of a file in its order, with the line of the last one.
pub type Portion = (Vec<Entry>, u64);

/// Fewest and most entries of a transaction that takes them in as they come. Each transaction writes nearly all pages
/// of what records are filed under, so that it should be as large as what is there; and what is not committed when it
/// is killed has to be done again.
const FLOW: (usize, usize) = (512, 262_144);

/// Most records of a store that are kept in memory for it: about a kilobyte each.
const KEPT: i64 = 3_000_000;

/// What becomes of many entries of one transaction, and what is to be counted.
type Together = (Vec<Taken>, Vec<Count>);

impl Registry {
    /// Prepares what a line says; any number of threads may do that at a time.
    pub fn entry(&self, identifier: PatientIdentifier, demographics: Demographics) -> Result<Entry, Failure> {
        let weighed = Arc::new(self.weigh_over(None, &demographics));
        Ok(Entry { identifier, said: demographics_to_text(&demographics)?, demographics, weighed })
    }

    /// The last line of `file` that is done; 0 where none is.
    pub fn imported(&self, file: &str) -> Result<u64, Failure> {
        let kept = self.0.store.read(|tx| -> Result<_, Failure> { Ok(tx.setting(&setting_of(file))?) })?;
        kept.map_or(Ok(0), |text| text.parse().map_err(|_| Failure::Corrupt("how far a file was taken in")))
    }

    /// How many entries are best taken in together.
    pub fn import_size(&self) -> usize {
        // PostgreSQL holds a lock for each key until the commit, and has room for so many.
        if self.0.store.has_many_writers() { 32 } else { 512 }
    }

    /// Takes `entries` in, in their order and in one transaction, with how far their file is reached then.
    pub fn import(&self, entries: Vec<Entry>, reached: &Reached) -> Result<Vec<Taken>, Failure> {
        self.journal_rules()?;
        self.0.regional.prepare_for(&self.0.store, entries.len())?;
        self.follow_growth();
        let entries = Arc::new(entries);
        match self.import_together(&entries, Some(reached)) {
            Err(failure) if failure.reason() == Some(Reason::Defect) => {
                log::error!("a line of a file failed and was rolled back with those beside it: {failure}");
                self.import_apart(&entries, reached)
            }
            taken => taken,
        }
    }

    /// Each entry in a transaction of its own: one that fails is refused.
    fn import_apart(&self, entries: &[Entry], reached: &Reached) -> Result<Vec<Taken>, Failure> {
        let mut all = Vec::with_capacity(entries.len());
        for entry in entries {
            match self.import_together(&Arc::new(vec![entry.clone()]), None) {
                Err(failure) if failure.reason() == Some(Reason::Defect) => all.push(Taken::Refused(Reason::Defect)),
                taken => all.extend(taken?),
            }
        }
        let reached = reached.clone();
        self.write(Vec::new(), move |tx| reach(tx, &reached))?;
        Ok(all)
    }

    fn import_together(&self, entries: &Arc<Vec<Entry>>, reached: Option<&Reached>) -> Result<Vec<Taken>, Failure> {
        let mut locks = Vec::new();
        if self.0.store.has_many_writers() {
            locks.extend(entries.iter().filter_map(|entry| self.identifier_lock(&entry.identifier)));
            locks.extend(entries.iter().flat_map(|entry| entry.weighed.keys()));
        }
        let (registry, entries, reached) = (self.clone(), Arc::clone(entries), reached.cloned());
        let (taken, counts) = self.0.store.write(locks, move |tx| -> Result<Together, Failure> {
            let mut taken = Vec::with_capacity(entries.len());
            for (at, entry) in entries.iter().enumerate() {
                tx.draw_anew();
                let last = reached.as_ref().filter(|_| at + 1 == entries.len());
                taken.push(registry.import_one(tx, entry, None, last)?);
                // Each line is a feed of its own, and is told of as one.
                tx.tell_all()?;
            }
            if let Some(reached) = &reached {
                reach(tx, reached)?;
            }
            Ok((taken, tx.take_counts()))
        })?;
        self.wake();
        self.0.store.metrics().did(&counts);
        Ok(taken)
    }

    /// What decisions read, in memory, for entries that are taken in as they come; none where that is not worth its while
    /// for so many, or cannot be, since other processes write as well.
    pub fn import_load(&self, entries: u64) -> Result<Option<Box<Load>>, Failure> {
        let there = self.0.population.records();
        let few = there <= 20_000 || u64::try_from(there).unwrap_or(u64::MAX) / 4 <= entries;
        if self.0.store.has_many_writers() || there > KEPT || !few {
            return Ok(None);
        }
        self.0.store.read(|tx| Ok(tx.load()?))
    }

    /// Takes entries in as `next` gives them, in one transaction that is as large as is good; none are given back when it
    /// fails, and nothing is kept of them.
    pub fn import_flow(
        &self,
        load: Box<Load>,
        file: &str,
        mut next: impl FnMut() -> Option<Portion> + Send + 'static,
    ) -> Result<Flowed, Failure> {
        self.journal_rules()?;
        let there = usize::try_from(self.0.population.records()).unwrap_or(usize::MAX);
        let most = there.clamp(FLOW.0, FLOW.1);
        self.0.regional.prepare_for(&self.0.store, most)?;
        self.follow_growth();
        let (registry, file) = (self.clone(), file.to_owned());
        let mut load = Some(load);
        let (flowed, counts) = self.0.store.write(Vec::new(), move |tx| -> Result<(Flowed, Vec<Count>), Failure> {
            // What came before is gone when this is run again.
            tx.load_begin(load.take().ok_or(Failure::Corrupt("a load that failed"))?)?;
            let (taken, ended) = registry.flow(tx, &file, most, &mut next)?;
            let load = tx.load_end()?.ok_or(Failure::Corrupt("a load"))?;
            Ok((Flowed { taken, ended, load }, tx.take_counts()))
        })?;
        self.wake();
        self.0.store.metrics().did(&counts);
        Ok(flowed)
    }

    fn flow(
        &self,
        tx: &mut Transaction<'_>,
        file: &str,
        most: usize,
        next: &mut impl FnMut() -> Option<Portion>,
    ) -> Result<(Vec<Taken>, bool), Failure> {
        let mut taken = Vec::new();
        loop {
            let Some((entries, line)) = next() else { return Ok((taken, true)) };
            let reached = Reached { file: file.to_owned(), line };
            reach(tx, &reached)?;
            let mut ahead = self.decide_ahead(tx, &entries).into_iter();
            for (at, entry) in entries.iter().enumerate() {
                tx.draw_anew();
                let last = Some(&reached).filter(|_| at + 1 == entries.len());
                taken.push(self.import_one(tx, entry, ahead.next().flatten(), last)?);
                tx.tell_all()?;
            }
            if tx.load_is_due() {
                tx.load_some()?;
            }
            // What a portion may need was leased.
            if taken.len() + self.import_size() > most {
                return Ok((taken, false));
            }
        }
    }

    /// Decides about those of `entries` whose identifiers are new, on all processors and ahead of their turn: on what
    /// the entries before them change in their turn, a decision that read it is made again.
    fn decide_ahead(&self, tx: &mut Transaction<'_>, entries: &[Entry]) -> Vec<Option<Rehearsal>> {
        let (generation, model) = self.0.population.model();
        let look = if self.0.worth.is_given() { tx.load_look() } else { None };
        let Some(look) = look else { return Vec::new() };
        let decided = |entry: &Entry| {
            let key = self.identifier_lock(&entry.identifier)?;
            look.lacks(key).then(|| Rehearsal::on(&look, &entry.weighed, (generation, &model)))
        };
        let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
        let (own, others) = entries.split_at(entries.len().div_ceil(threads));
        std::thread::scope(|scope| {
            let pieces = others.chunks(own.len().max(1));
            let at_work: Vec<_> = pieces
                .map(|piece| (piece.len(), scope.spawn(|| piece.iter().map(decided).collect::<Vec<_>>())))
                .collect();
            let mut all: Vec<_> = own.iter().map(decided).collect();
            for (length, piece) in at_work {
                // One that broke off is decided in its turn, where that is told.
                all.extend(piece.join().unwrap_or_else(|_| vec![None; length]));
            }
            all
        })
    }

    fn import_one(
        &self,
        tx: &mut Transaction<'_>,
        entry: &Entry,
        ahead: Option<Rehearsal>,
        reached: Option<&Reached>,
    ) -> Result<Taken, Failure> {
        let one = match self.named(tx, &entry.identifier)? {
            Ok(one) => one,
            Err(reason) => return Ok(Taken::Refused(reason)),
        };
        let revised = one.found.is_some();
        if revised && !self.weigh(tx, &one, &entry.demographics)?.changed {
            return Ok(Taken::Unchanged);
        }
        let act = Act::Import {
            authority: entry.identifier.authority.to_string(),
            value: Hidden(entry.identifier.value.clone()),
            said: Hidden(entry.said.clone()),
            done: reached.map(|reached| (reached.file.clone(), reached.line)),
        };
        let time = self.0.clock.micros();
        let rehearsal = ahead.unwrap_or_else(|| Rehearsal::of_new(Arc::clone(&entry.weighed)));
        let operator = Principal::operator();
        self.import_word(tx, (&operator, time, &act), (&one, &entry.demographics), Some(&rehearsal))?;
        if revised {
            return Ok(Taken::Revised);
        }
        // As between two feeds.
        self.0.population.grew(1);
        if self.0.population.is_due(time) {
            self.0.population.is_now(tx.records_count()?);
        }
        Ok(Taken::Added)
    }

    /// What is known under `identifier`; the operator may name any domain of the network.
    fn named(
        &self,
        tx: &mut Transaction<'_>,
        identifier: &PatientIdentifier,
    ) -> Result<Result<Asserted, Reason>, Failure> {
        let domains = &self.0.domains;
        if domains.is_regional(&identifier.authority) {
            return Ok(Err(Reason::RegionalAsserted));
        }
        let Some(authority) = domains.by_oid(&identifier.authority) else {
            return Ok(Err(Reason::AuthorityNotGranted));
        };
        self.sought(tx, &authority.key, identifier)
    }

    fn import_word(
        &self,
        tx: &mut Transaction<'_>,
        (operator, time, act): (&Principal, i64, &Act),
        (one, demographics): (&Asserted, &Demographics),
        rehearsal: Option<&Rehearsal>,
    ) -> Result<(), Failure> {
        let journalled = self.journal_act(tx, &operator.key, time, act)?;
        let action = if one.found.is_some() { Action::Update } else { Action::Create };
        let intake = Intake {
            principal: operator.clone(),
            transaction: IMPORT,
            action,
            message_id: String::new(),
            payload_hash: String::new(),
            payload: Vec::new(),
            reply_id: String::new(),
            received: time,
        };
        let mut touched = Touched::default();
        let said = (std::slice::from_ref(one), demographics);
        self.take_word(tx, (&intake, journalled.id()), said, rehearsal, &mut touched)?;
        self.act_done(tx, &journalled, action, touched)
    }

    /// An import of the journal takes effect again; whether it could.
    pub(super) fn import_again(
        &self,
        tx: &mut Transaction<'_>,
        actor: &str,
        time: i64,
        act: &Act,
    ) -> Result<bool, Failure> {
        let Act::Import { authority, value, said, done } = act else { return Ok(false) };
        let authority = Oid::parse(authority).map_err(|_| Failure::Corrupt("an act"))?;
        let identifier = PatientIdentifier { authority, value: value.0.clone() };
        let demographics = demographics_from_text(&said.0)?;
        let Ok(one) = self.named(tx, &identifier)? else { return Ok(false) };
        let operator = Principal { key: actor.to_owned(), registered: true };
        self.import_word(tx, (&operator, time, act), (&one, &demographics), None)?;
        if let Some((file, line)) = done {
            reach(tx, &Reached { file: file.clone(), line: *line })?;
        }
        Ok(true)
    }
}

/// The name under which it is kept how far a file is taken in. A word of the store: it never changes.
fn setting_of(file: &str) -> String {
    format!("import:{file}")
}

fn reach(tx: &mut Transaction<'_>, reached: &Reached) -> Result<(), Failure> {
    Ok(tx.setting_put(&setting_of(&reached.file), &reached.line.to_string())?)
}
