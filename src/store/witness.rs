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
    pub(super) seen: Vec<Seen>,
}

/// A thing that was read, as far as it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) thing: Thing,
    /// Of the records filed under a key those up to this one: what comes after it changes nothing. Keys grow, so that a
    /// key with too many records is read alike however many come.
    pub(super) up_to: i64,
}

impl Seen {
    /// All of it was read.
    pub(super) fn whole(thing: Thing) -> Self {
        Self { thing, up_to: i64::MAX }
    }
}

/// What was changed lately, by which group of the writer.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// The group that is being written.
    group: u64,
    /// What groups up to this one have changed is not remembered.
    forgotten: u64,
    /// The group, and the record that it was about where it is a key that changed.
    last: HashMap<Thing, Vec<(u64, i64)>>,
    remembered: usize,
}

impl Changes {
    /// From here on changes are those of `group`.
    pub(super) fn begin(&mut self, group: u64) {
        self.group = group;
        if self.remembered > REMEMBERED {
            self.forget();
        }
    }

    /// Changes of `group` are not noted.
    pub(super) fn skip(&mut self, group: u64) {
        self.group = group;
        self.forget();
    }

    /// `thing` is being changed; it counts as changed even if that is undone.
    pub(super) fn of(&mut self, thing: Thing) {
        self.at(thing, i64::MIN);
    }

    /// `record` is being filed under `key`, or no more, likewise.
    pub(super) fn of_key(&mut self, key: i64, record: i64) {
        self.at(Thing::Key(key), record);
    }

    fn at(&mut self, thing: Thing, record: i64) {
        self.last.entry(thing).or_default().push((self.group, record));
        self.remembered += 1;
    }

    /// Anything may have been changed.
    pub(super) fn forget(&mut self) {
        self.last.clear();
        self.remembered = 0;
        self.forgotten = self.group;
    }

    /// Whether nothing has changed of what `witness` saw.
    pub(super) fn none_of(&self, witness: &Witness) -> bool {
        let unchanged = |seen: &Seen| {
            let counts = |(group, record): &(u64, i64)| *group > witness.since && *record <= seen.up_to;
            !self.last.get(&seen.thing).is_some_and(|changes| changes.iter().rev().any(counts))
        };
        witness.since >= self.forgotten && witness.seen.iter().all(unchanged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_since_or_was_forgotten_does_not_stand() {
        let mut changes = Changes::default();
        let witness = |since, thing| Witness { since, seen: vec![Seen::whole(Thing::Person(7)), Seen::whole(thing)] };
        let stands = |changes: &Changes, since, thing| changes.none_of(&witness(since, thing));
        changes.begin(1);
        changes.of(Thing::Key(1));
        assert!(!stands(&changes, 0, Thing::Key(1)), "changed by a group that it did not see");
        assert!(stands(&changes, 1, Thing::Key(1)), "that group was committed before it read");
        assert!(stands(&changes, 0, Thing::Record(1)), "another thing of the same number");
        changes.begin(2);
        changes.of_key(1, 50);
        let read_up_to = |up_to| Witness { since: 1, seen: vec![Seen { thing: Thing::Key(1), up_to }] };
        assert!(changes.none_of(&read_up_to(49)), "what came after the last that was read");
        assert!(!changes.none_of(&read_up_to(50)), "among those that were read");
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
        changes.skip(5);
        assert!(!stands(&changes, 4, Thing::Key(5)), "nobody noted what that group changed");
        assert!(stands(&changes, 5, Thing::Key(5)));
    }
}
