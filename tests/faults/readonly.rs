//! A file system that turns read-only under the server, or fails it altogether, while feeds are under way.
//!
//! Unlike a power loss the process lives on and meets the errors, in the middle of whatever it does. ext4 is aborted,
//! as its own code does after an error, and refuses every write with EROFS; XFS is shut down and fails all with EIO.
//!
//! It stands still for that moment: ext4 itself loses what was synced in it. (A plain program that writes and calls
//! `fdatasync`, and does nothing else, lost a write that the call had returned for in 6 of 60 such aborts.)

use crate::arguments::Arguments;
use crate::client::Answer;
use crate::kill::launch;
use crate::power::{Image, run};
use crate::totals::Totals;
use crate::world::{Heard, World, attempt};
use std::time::Duration;

/// What the process ends with where its store has failed.
const STORE_FAILED: i32 = 3;

/// Each cycle on a fresh store, ext4 and XFS by turns.
pub fn cycles(arguments: &Arguments) -> Result<String, String> {
    let mut totals = Totals::open("read-only", arguments.seed, arguments.state.clone())?;
    println!("{}: seed {}, {} cycles done", totals.name, totals.seed, totals.cycles);
    while totals.cycles < arguments.cycles {
        let seed = totals.seed.wrapping_add(totals.stores);
        let kind = if totals.stores.is_multiple_of(2) { "ext4" } else { "xfs" };
        let image = Image::new(kind)?;
        totals.stores += 1;
        let url = format!("sqlite:{}", image.mount_point().join("store.db").display());
        let mut world = World::new(launch(&url, image.beside(), arguments), seed, 4);
        one(&mut world, &image, &mut totals).map_err(|what| format!("{kind}: {what}, store seed {seed}"))?;
        totals.cycles += 1;
        totals.settled += world.journal.settled();
        totals.repeats += world.repeats();
        totals.save()?;
    }
    Ok(totals.line())
}

fn one(world: &mut World, image: &Image, totals: &mut Totals) -> Result<(), String> {
    let mut server = world.launch.start()?;
    let mut struck = Ok(());
    world.load(server.http, |random| {
        std::thread::sleep(Duration::from_micros(random.below(300_000)));
        server.freeze();
        struck = image.turn_read_only();
        server.thaw();
        std::thread::sleep(Duration::from_millis(300));
    })?;
    struck?;
    match server.ended(Duration::from_secs(2)) {
        Some(status) if status.code() == Some(STORE_FAILED) => {}
        Some(status) => return Err(format!("the server ended with {status}")),
        None => refuses(world, &server)?,
    }
    server.kill();
    world.launch.no_defects()?;
    image.unmount()?;
    image.mount()?;
    let again = world.launch.start()?;
    let checked = world.check(true)?;
    totals.unknown += checked.unknown;
    totals.present += checked.present;
    totals.slowest_start_ms = totals.slowest_start_ms.max(again.ready.as_millis() as u64);
    again.stop()?;
    world.conclude()
}

/// A server that has not ended acknowledges nothing that it cannot keep.
fn refuses(world: &mut World, server: &crate::server::Server) -> Result<(), String> {
    let client = &mut world.journal.clients[0];
    if let Some(mut connection) = server.connect()
        && matches!(attempt(client, &mut connection)?, Heard::Yes)
    {
        return Err("a feed is acknowledged on a file system that takes no writes".to_owned());
    }
    let patient = client.patients[0].query();
    match server.connect().map(|mut connection| connection.ask("pix", &patient)) {
        Some(Answer::Other(said)) => Err(format!("a question is answered with {said}")),
        _ => Ok(()),
    }
}

impl Image {
    /// Every write fails from here on; what was not synced is gone.
    fn turn_read_only(&self) -> Result<(), String> {
        if self.kind() == "xfs" {
            return self.shut_down();
        }
        run(&["mount", "-o", "remount,abort"], &[&self.mount_point()])
    }
}
