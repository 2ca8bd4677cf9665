//! Whether what was read before a write still stands when the write begins.
//!
//! With one writer every feed waits for all before it, so what can be worked out beforehand should be: a rehearsal
//! reads a snapshot and notes what it read; the writer remembers what was changed lately, and the result of a rehearsal
//! counts only where nothing of what it read has changed since. It must never say that something stands where it is not
//! sure: what it has forgotten has changed.

use std::collections::HashMap;

/// So many changes are remembered; then all are forgotten, and rehearsals of before count no more.
const REMEMBERED: usize = 200_000;

/// What a decision reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Thing {
    /// Which records are filed under this key.
    Key(i64),
    /// The comparison row of a record, whose it is, and whether it is active.
    Record(i64),
    /// Which records are this person's.
    Person(i64),
}

/// What a rehearsal has read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// The last group that was surely committed before the first thing was read.
    pub(super) since: u64,
    pub(super) seen: Vec<Thing>,
}

/// What was changed lately, by which group of the writer.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// The group that is being written.
    group: u64,
    /// What groups up to this one have changed is not remembered.
    forgotten: u64,
    last: HashMap<Thing, u64>,
}

impl Changes {
    /// From here on changes are those of `group`.
    pub(super) fn begin(&mut self, group: u64) {
        self.group = group;
        if self.last.len() > REMEMBERED {
            self.forget();
        }
    }

    /// `thing` is being changed; it counts as changed even if that is undone.
    pub(super) fn of(&mut self, thing: Thing) {
        self.last.insert(thing, self.group);
    }

    /// Anything may have been changed.
    pub(super) fn forget(&mut self) {
        self.last.clear();
        self.forgotten = self.group;
    }

    /// Whether nothing has changed of what `witness` saw.
    pub(super) fn none_of(&self, witness: &Witness) -> bool {
        let unchanged = |thing: &Thing| self.last.get(thing).is_none_or(|group| *group <= witness.since);
        witness.since >= self.forgotten && witness.seen.iter().all(unchanged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_since_or_was_forgotten_does_not_stand() {
        let mut changes = Changes::default();
        let witness = |since, thing| Witness { since, seen: vec![Thing::Person(7), thing] };
        let stands = |changes: &Changes, since, thing| changes.none_of(&witness(since, thing));
        changes.begin(1);
        changes.of(Thing::Key(1));
        assert!(!stands(&changes, 0, Thing::Key(1)), "changed by a group that it did not see");
        assert!(stands(&changes, 1, Thing::Key(1)), "that group was committed before it read");
        assert!(stands(&changes, 0, Thing::Record(1)), "another thing of the same number");
        changes.begin(2);
        changes.of(Thing::Key(1));
        assert!(!stands(&changes, 1, Thing::Key(1)), "changed once more");
        assert!(stands(&changes, 2, Thing::Key(1)));
        changes.forget();
        assert!(!stands(&changes, 1, Thing::Record(1)), "nobody knows");
        assert!(stands(&changes, 2, Thing::Record(1)), "read after all that was forgotten");
        changes.begin(3);
        for key in 0..=200_000 {
            changes.of(Thing::Record(key));
        }
        changes.begin(4);
        assert!(!stands(&changes, 2, Thing::Key(5)) && stands(&changes, 4, Thing::Record(5)), "memory is bounded");
    }
}
