//! A log whose end is torn: cut, overwritten, or mixed up, as a disk leaves it that was writing when the power failed.
//!
//! The message that was being written is there as a whole or not at all; all before it stand. Where the log is damaged
//! further up, which no honest disk does, messages are lost from there on; but what stands is a beginning of what was
//! fed, and every rule holds.

use crate::arguments::Arguments;
use crate::database::Database;
use crate::journal::{Client, Kind, State};
use crate::kill::launch;
use crate::random::Random;
use crate::totals::Totals;
use crate::world::{Heard, World, attempt};
use std::collections::HashSet;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

/// A frame of the log: its head and a page.
const FRAME: u64 = 24 + 2048;

/// Each cycle on a fresh store; every third is damaged anywhere.
pub fn cycles(arguments: &Arguments) -> Result<String, String> {
    let mut totals = Totals::open("torn log", arguments.seed, arguments.state.clone())?;
    println!("{}: seed {}, {} cycles done", totals.name, totals.seed, totals.cycles);
    while totals.cycles < arguments.cycles {
        let seed = totals.seed.wrapping_add(totals.stores);
        totals.stores += 1;
        let folder = tempfile::Builder::new().prefix("nayose-faults-").tempdir().unwrap();
        let path = folder.path().join("store.db");
        let mut world = World::new(launch(&format!("sqlite:{}", path.display()), folder.path(), arguments), seed, 1);
        let log = folder.path().join("store.db-wal");
        let anywhere = totals.stores.is_multiple_of(3);
        one(&mut world, &log, anywhere, &mut totals).map_err(|what| format!("{what}, store seed {seed}"))?;
        totals.cycles += 1;
        totals.settled += world.journal.settled();
        totals.save()?;
    }
    Ok(totals.line())
}

fn one(world: &mut World, log: &Path, anywhere: bool, totals: &mut Totals) -> Result<(), String> {
    let mut server = world.launch.start()?;
    let many = 4 + world.random.below(20);
    let mut length = 0;
    for _ in 0..=many {
        length = size(log)?;
        let mut connection = server.connect().ok_or("no connection")?;
        if !matches!(attempt(&mut world.journal.clients[0], &mut connection)?, Heard::Yes) {
            return Err("a feed is not acknowledged although nothing fails".to_owned());
        }
    }
    server.kill();
    damage(log, if anywhere { 0 } else { length }, &mut world.random)?;
    if !anywhere {
        world.journal.clients[0].take_back();
    }
    let server = world.launch.start()?;
    if anywhere {
        keep_what_stands(&mut world.journal.clients[0], &world.launch.url)?;
        world.check(true)?;
        server.stop()?;
        world.launch.no_defects()?;
        return world.verify();
    }
    let checked = world.check(true)?;
    totals.unknown += checked.unknown;
    totals.present += checked.present;
    totals.slowest_start_ms = totals.slowest_start_ms.max(server.ready.as_millis() as u64);
    server.stop()?;
    world.conclude()
}

fn size(log: &Path) -> Result<u64, String> {
    std::fs::metadata(log).map(|found| found.len()).map_err(|error| format!("{}: {error}", log.display()))
}

/// Damages the log somewhere after `from`.
fn damage(log: &Path, from: u64, random: &mut Random) -> Result<(), String> {
    let to = size(log)?;
    if to <= from {
        return Err("the last message has left nothing in the log".to_owned());
    }
    let file = std::fs::File::options().read(true).write(true).open(log).map_err(|error| error.to_string())?;
    let at = from + random.below(to - from);
    let done = match random.below(4) {
        0 => file.set_len(at),
        // A sector that never came, or with what was in it before.
        1 => file.write_all_at(&vec![random.next() as u8; 512.min((to - at) as usize)], at),
        2 => {
            let mut byte = [0];
            file.read_exact_at(&mut byte, at).and_then(|()| file.write_all_at(&[byte[0] ^ (1 << random.below(8))], at))
        }
        // Frames in another order: the last one is written where `at` is.
        _ => {
            let place = |byte: u64| 32 + (byte.saturating_sub(32) / FRAME) * FRAME;
            let mut frame = vec![0; FRAME as usize];
            let (last, here) = (place(to - FRAME), place(at));
            file.read_exact_at(&mut frame, last).and_then(|()| {
                frame[30] ^= u8::from(last == here);
                file.write_all_at(&frame, here)
            })
        }
    };
    done.map_err(|error| error.to_string())
}

/// Forgets what the store does not have, which must be the last messages and no others.
fn keep_what_stands(client: &mut Client, url: &str) -> Result<(), String> {
    let lines = Database::open(url)?.column("SELECT message_id AS line FROM inbox WHERE reply_id <> ''")?;
    let there: HashSet<String> = lines.into_iter().collect();
    let first = client.messages.iter().position(|message| !there.contains(&message.id));
    let first = first.unwrap_or(client.messages.len());
    if client.messages[first..].iter().any(|message| there.contains(&message.id)) {
        return Err("a message stands although one before it is lost".to_owned());
    }
    while client.messages.len() > first {
        client.take_back();
        client.messages.pop();
    }
    Ok(())
}

impl Client {
    /// The last message was not acknowledged after all, for what it knows.
    fn take_back(&mut self) {
        let Some(last) = self.messages.last_mut() else { return };
        last.state = State::Unknown;
        if let Kind::Merge { subsumed } = last.kind {
            self.patients[subsumed].alive = true;
        }
    }
}
