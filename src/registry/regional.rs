//! Regional IDs: a number that cannot be guessed from the time of issue, with a check digit (decision 9).
//!
//! Each process leases blocks of counters from the store; a counter is permuted over the whole range by a
//! keyed Feistel network, so that neighbours in time are no neighbours in number. A number is never used twice.

use super::{Failure, RegionalSettings, Registry};
use crate::clock::Clock;
use crate::store::Store;
use siphasher::sip::SipHasher13;
use std::hash::Hasher;
use std::sync::{Mutex, PoisonError};

/// Counters leased at once; what a stopped process did not use is never issued.
const BLOCK: i64 = 1_000;
/// Below this many left, the next block is leased: more than one feed or merge can ever take.
const RESERVE: i64 = 64;
const ROUNDS: u64 = 6;
const KEY_SETTING: &str = "regional_id_key";

/// Issues regional IDs for one process.
pub(super) struct Issuer {
    prefix: String,
    digits: u8,
    key: u64,
    leased: Mutex<Vec<(i64, i64)>>,
}

impl Issuer {
    /// The issuer of this network; the permutation's key is drawn once for each store.
    pub(super) fn open(store: &Store, settings: &RegionalSettings, clock: &Clock) -> Result<Self, Failure> {
        let drawn =
            format!("{:016x}", u64::try_from(clock.uuid().as_u128() >> 64).unwrap_or_default() ^ low_bits(clock));
        let key = store
            .write(Vec::new(), move |tx| -> Result<String, Failure> { Ok(tx.setting_once(KEY_SETTING, &drawn)?) })?;
        Self::with(&key, settings)
    }

    /// Likewise over a store that is only looked at: nothing can be leased there.
    pub(super) fn look(store: &Store, settings: &RegionalSettings) -> Result<Self, Failure> {
        let key = store.read(|tx| -> Result<Option<String>, Failure> { Ok(tx.setting(KEY_SETTING)?) })?;
        Self::with(&key.unwrap_or_else(|| "0".to_owned()), settings)
    }

    fn with(key: &str, settings: &RegionalSettings) -> Result<Self, Failure> {
        let key = u64::from_str_radix(key, 16).map_err(|_| Failure::Corrupt("the key of regional IDs"))?;
        Ok(Self { prefix: settings.prefix.clone(), digits: settings.digits, key, leased: Mutex::new(Vec::new()) })
    }

    /// Makes sure that enough counters are leased for one message; in a transaction of its own, before it.
    pub(super) fn prepare(&self, store: &Store) -> Result<(), Failure> {
        self.prepare_for(store, 0)
    }

    /// Likewise for many records of one transaction.
    pub(super) fn prepare_for(&self, store: &Store, records: usize) -> Result<(), Failure> {
        let wanted = i64::try_from(records).unwrap_or(i64::MAX).saturating_add(RESERVE);
        let left: i64 =
            self.leased.lock().unwrap_or_else(PoisonError::into_inner).iter().map(|(next, end)| end - next).sum();
        if left >= wanted {
            return Ok(());
        }
        let (prefix, block) = (self.prefix.clone(), wanted.max(BLOCK));
        let start =
            store.write(Vec::new(), move |tx| -> Result<i64, Failure> { Ok(tx.regional_lease(&prefix, block)?) })?;
        self.leased.lock().unwrap_or_else(PoisonError::into_inner).push((start, start + block));
        Ok(())
    }

    /// Leaves out as many counters as may have been issued after the copy was made that this store comes from: a
    /// thousandth of all. Whoever holds such an ID must never meet it at another person.
    fn pass_over(&self, store: &Store) -> Result<(), Failure> {
        let share = 10_i64.saturating_pow(u32::from(self.digits)) / 1_000;
        let (prefix, size) = (self.prefix.clone(), share.max(BLOCK));
        store.write(Vec::new(), move |tx| -> Result<(), Failure> { Ok(tx.regional_lease(&prefix, size).map(drop)?) })
    }

    /// The next counter. What a rolled back transaction took is lost, never issued again.
    pub(super) fn take(&self) -> Result<i64, Failure> {
        let mut leased = self.leased.lock().unwrap_or_else(PoisonError::into_inner);
        let block =
            leased.iter_mut().find(|(next, end)| next < end).ok_or(Failure::Corrupt("no regional ID is leased"))?;
        let counter = block.0;
        block.0 += 1;
        leased.retain(|(next, end)| next < end);
        Ok(counter)
    }

    /// The regional ID of a counter.
    pub(super) fn render(&self, counter: i64) -> String {
        let counter = u64::try_from(counter).unwrap_or_default();
        let range = 10_u64.pow(u32::from(self.digits));
        let number = permute(counter % range, range, self.key);
        let body = format!("{number:0width$}", width = usize::from(self.digits));
        let check = mod_11_10(&body);
        format!("{}{body}{check}", self.prefix)
    }
}

impl Registry {
    /// After this store was restored from a copy: no regional ID that was issued after the copy is issued again.
    pub fn pass_over_regional(&self) -> Result<(), Failure> {
        self.0.regional.pass_over(&self.0.store)
    }
}

/// A bijection of `0..range`: a Feistel network over the next even power of two, walked until it lands inside.
fn permute(value: u64, range: u64, key: u64) -> u64 {
    let half_bits = (64 - (range - 1).leading_zeros()).div_ceil(2);
    let mask = (1_u64 << half_bits) - 1;
    let mut walked = value;
    loop {
        let (mut left, mut right) = (walked >> half_bits, walked & mask);
        for round in 0..ROUNDS {
            let mut hasher = SipHasher13::new_with_keys(key, round);
            hasher.write_u64(right);
            (left, right) = (right, left ^ (hasher.finish() & mask));
        }
        walked = (left << half_bits) | right;
        if walked < range {
            return walked;
        }
    }
}

/// The check digit of ISO/IEC 7064 MOD 11,10 for a text of digits.
fn mod_11_10(digits: &str) -> u32 {
    let mut product = 10;
    for digit in digits.chars().filter_map(|c| c.to_digit(10)) {
        let sum = match (digit + product) % 10 {
            0 => 10,
            sum => sum,
        };
        product = (sum * 2) % 11;
    }
    (11 - product) % 10
}

fn low_bits(clock: &Clock) -> u64 {
    let bytes = clock.uuid().into_bytes();
    bytes.iter().fold(0_u64, |sum, byte| sum.rotate_left(8) ^ u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_of_the_published_example() {
        // ISO/IEC 7064 gives 0794 with check digit 5 as its example for MOD 11,10.
        assert_eq!(mod_11_10("0794"), 5);
    }

    #[test]
    fn a_changed_digit_changes_the_check_digit() {
        for (at, _) in "123456789".char_indices() {
            let mut changed = "123456789".to_owned();
            changed.replace_range(at..=at, "0");
            assert_ne!(mod_11_10("123456789"), mod_11_10(&changed), "digit {at}");
        }
    }

    #[test]
    fn the_permutation_is_one_to_one_and_scatters() {
        let range = 10_000;
        let mut seen: Vec<u64> = (0..range).map(|n| permute(n, range, 7)).collect();
        let neighbours = seen.windows(2).filter(|pair| pair[0].abs_diff(pair[1]) == 1).count();
        assert!(neighbours < 20, "{neighbours}");
        seen.sort_unstable();
        assert_eq!(seen, (0..range).collect::<Vec<_>>());
    }
}
