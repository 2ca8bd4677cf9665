//! What is read, on its way into one transaction after the other: entries go in, and of each line it is remembered what
//! must be told when the transaction is committed, and not before.

use super::lines::Line;
use crate::registry::{Entry, Portion};
use std::collections::VecDeque;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A line whose transaction is under way.
pub enum Seen {
    /// It was taken in by an earlier run.
    Before {
        /// Its number.
        line: usize,
    },
    /// It is taken in.
    Entered {
        /// Its number.
        line: usize,
        /// As it stands in the file.
        raw: String,
    },
    /// It cannot be taken in.
    Bad {
        /// Its number.
        line: usize,
        /// Why.
        why: String,
        /// As it stands in the file.
        raw: Vec<u8>,
    },
}

/// The lines that are read and not taken yet; handles share them.
#[derive(Clone)]
pub struct Source(Arc<Mutex<Inner>>);

struct Inner {
    receiver: Receiver<Vec<Line>>,
    read: VecDeque<Line>,
    seen: Vec<Seen>,
    done: u64,
    told: u64,
    size: usize,
}

impl Source {
    /// Lines from `receiver` in portions of `size`; those up to `done` were taken in before, and those up to `told` are
    /// passed over.
    pub fn new(receiver: Receiver<Vec<Line>>, (done, told): (u64, u64), size: usize) -> Self {
        let (read, seen) = (VecDeque::new(), Vec::new());
        Self(Arc::new(Mutex::new(Inner { receiver, read, seen, done, told, size })))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next entries; none at the end of the file.
    pub fn portion(&self) -> Option<Portion> {
        self.inner().portion()
    }

    /// What was seen since this was asked last.
    pub fn take_seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.inner().seen)
    }
}

impl Inner {
    fn portion(&mut self) -> Option<Portion> {
        let (mut entries, mut last): (Vec<Entry>, u64) = (Vec::new(), 0);
        while entries.len() < self.size {
            let Some(line) = self.next() else { break };
            match line {
                Line::Bad { line, .. } | Line::Good { line, .. } if super::number(line) <= self.told => {}
                Line::Bad { line, why, raw } => self.seen.push(Seen::Bad { line, why, raw }),
                Line::Good { line, .. } if super::number(line) <= self.done => {
                    self.seen.push(Seen::Before { line });
                }
                Line::Good { line, entry, raw } => {
                    last = super::number(line);
                    entries.push(*entry);
                    self.seen.push(Seen::Entered { line, raw });
                }
            }
        }
        (!entries.is_empty()).then_some((entries, last))
    }

    fn next(&mut self) -> Option<Line> {
        if self.read.is_empty() {
            self.read.extend(self.receiver.recv().unwrap_or_default());
        }
        self.read.pop_front()
    }
}
