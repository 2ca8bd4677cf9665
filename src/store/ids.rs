//! Fresh keys without asking the database: milliseconds since 2020, then the lane that this process has
//! leased, then a counter. Keys of one process only grow; two processes never share a lane at a time.

use crate::clock::Clock;
use std::sync::atomic::{AtomicI64, Ordering};

/// How many processes can hold a lane at a time.
pub(super) const LANES: i32 = 1024;

/// 2020-01-01T00:00:00Z in milliseconds since 1970.
const EPOCH_MILLIS: i64 = 1_577_836_800_000;

const COUNTER_BITS: u32 = 12;
const LANE_BITS: u32 = 10;

/// The source of keys of one process.
pub(super) struct Ids {
    clock: Clock,
    lane: i64,
    /// Milliseconds and counter of the key given last.
    last: AtomicI64,
}

impl Ids {
    pub(super) fn new(clock: Clock, lane: i32) -> Self {
        Self { clock, lane: i64::from(lane.rem_euclid(LANES)), last: AtomicI64::new(0) }
    }

    /// The lane that this process has leased.
    pub(super) fn lane(&self) -> i64 {
        self.lane
    }

    /// A key that this process has not given before; positive. A clock that steps back is outlived by the counter.
    pub(super) fn fresh(&self) -> i64 {
        let now = (self.clock.micros() / 1000 - EPOCH_MILLIS).max(0) << COUNTER_BITS;
        let following = |last: i64| Some(now.max(last + 1));
        let last = match self.last.fetch_update(Ordering::Relaxed, Ordering::Relaxed, following) {
            Ok(last) | Err(last) => last,
        };
        let moment = now.max(last + 1);
        let counter = moment & ((1 << COUNTER_BITS) - 1);
        ((moment >> COUNTER_BITS) << (COUNTER_BITS + LANE_BITS)) | (self.lane << COUNTER_BITS) | counter
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_only_grow_and_name_their_lane() {
        for start in [0, 1_800_000_000_000_000] {
            let ids = Ids::new(Clock::fixed(start), 5);
            let mut before = 0;
            for _ in 0..20_000 {
                let key = ids.fresh();
                assert!(key > before, "{key} after {before}");
                assert_eq!((key >> COUNTER_BITS) & 1023, 5);
                before = key;
            }
        }
    }
}
