//! Random histories: adds, revises, merges and stewards' decisions about few people who are easily taken for each
//! other, from a seed.
//!
//! `NAYOSE_HISTORIES` sets how many are played (the full form is 1,000), `NAYOSE_SEED` plays those of a printed seed, and
//! with it `NAYOSE_HISTORIES_FROM` goes on where a run was stopped (`--nocapture` shows how far it is).

use crate::people::said;
use crate::support::*;
use nayose::clock::Clock;
use nayose::registry::{FeedCommand, MergeCommand, Registry, ReviewVerdict};
use std::collections::HashMap;
use std::sync::Mutex;

const SENDERS: [&str; 4] = ["h01", "h02", "c01", "c02"];

/// The histories that are played: as many as `NAYOSE_HISTORIES` says, else `short`, without those that are done.
pub fn histories(short: u64) -> impl Iterator<Item = u64> {
    let named = |sought: &str| std::env::vars().find(|(name, _)| name == sought)?.1.parse().ok();
    let from = named("NAYOSE_HISTORIES_FROM").unwrap_or(0);
    (from..named("NAYOSE_HISTORIES").unwrap_or(short)).inspect(|history| {
        if history % 20 == 0 {
            println!("{history} histories are done");
        }
    })
}

/// What was said, by message id.
pub type Changes = Mutex<HashMap<String, Told>>;

#[derive(Clone)]
pub enum Told {
    Feed(Box<FeedCommand>),
    Merge(MergeCommand),
}

/// Numbers from a seed.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, most: u64) -> u64 {
        // Xorshift, as good as any for tests.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % most
    }
}

fn person(dice: &mut Dice, seed: u64) -> Said {
    match dice.below(8) {
        0 => hanako(),
        1 => hanako_at_the_clinic(),
        2 => her_sister(),
        3 => her_twin(),
        _ => {
            let (number, clerk) = (dice.below(3), dice.below(8) as usize);
            let known = said(seed % 4, number, clerk);
            // Moved house or lost the phone: what makes a match doubtful.
            match dice.below(4) {
                0 => Said { phone: "tel:0990-00-0000", town: ("9990101", "星見市青葉町"), ..known },
                1 => Said { birth: "19500101", ..known },
                _ => known,
            }
        }
    }
}

/// Plays `steps` steps.
pub fn play(registry: &Registry, seed: u64, dice: &mut Dice, steps: usize, changes: &Changes) {
    let note = |message: &str, told| changes.lock().unwrap().insert(message.to_owned(), told);
    for _ in 0..steps {
        let domain = SENDERS[dice.below(4) as usize];
        let value = |dice: &mut Dice| (dice.below(5) + 1).to_string();
        let message = Clock::system().uuid().to_string();
        match dice.below(13) {
            11 => operate(registry, dice),
            12 => {
                let done = registry.operations(&id(domain, &value(dice))).unwrap();
                if let Some(last) = done.last() {
                    // What was undone, or changed since, is refused.
                    let _ = registry.undo(&caller(), last.id, "a mistake").unwrap();
                }
            }
            0 => {
                let command = MergeCommand { survivor: id(domain, &value(dice)), subsumed: id(domain, &value(dice)) };
                note(&message, Told::Merge(command.clone()));
                registry.merge(&intake(&message, &message), command).unwrap();
            }
            1 | 2 => {
                let open = registry.reviews(100).unwrap();
                if !open.is_empty() {
                    let review = &open[dice.below(open.len() as u64) as usize];
                    let verdict = if dice.below(2) == 0 { ReviewVerdict::Same } else { ReviewVerdict::Different };
                    registry.decide_review(&caller(), review.id, verdict, "looked").unwrap();
                }
            }
            _ => {
                let mut identifiers = vec![id(domain, &value(dice))];
                if dice.below(5) == 0 {
                    identifiers.push(id(SENDERS[dice.below(4) as usize], &value(dice)));
                }
                let said = demographics(&person(dice, seed));
                let command = FeedCommand { identifiers, other_identifiers: Vec::new(), demographics: said };
                note(&message, Told::Feed(Box::new(command.clone())));
                registry.feed(&intake(&message, &message), command).unwrap();
            }
        }
    }
}

/// Something that a steward does to links or persons; what cannot be done is refused.
fn operate(registry: &Registry, dice: &mut Dice) {
    let mut one = || id(SENDERS[dice.below(4) as usize], &(dice.below(5) + 1).to_string());
    let (first, second) = (one(), one());
    let _ = match dice.below(4) {
        0 => registry.link(&caller(), &first, &second, "looked"),
        1 => registry.unlink(&caller(), &first, "looked"),
        2 => registry.merge_persons(&caller(), &first, &second, "looked"),
        _ => registry.split(&caller(), &[first, second], "looked"),
    }
    .unwrap();
}
