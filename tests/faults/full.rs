//! A disk that is full, then has room again: feeds are refused, questions answered, nothing is lost, and the same
//! process serves on by itself.

use crate::arguments::Arguments;
use crate::client::Answer;
use crate::kill::launch;
use crate::power::{Image, can_mount, run};
use crate::server::Server;
use crate::totals::Totals;
use crate::world::{Heard, World, attempt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How soon after there is room a feed must be taken.
const RECOVERS_WITHIN: Duration = Duration::from_secs(5);

/// More feeds than any room that is left inside the store's files can take.
const MOST_FEEDS: usize = 400;

/// Where the store is.
enum Disk {
    Memory(tempfile::TempDir),
    Image(Image),
}

impl Disk {
    fn new(kind: u64) -> Result<Self, String> {
        can_mount()?;
        match kind % 3 {
            0 => {
                let folder = tempfile::tempdir().unwrap();
                let mounted = folder.path().join("mounted");
                std::fs::create_dir_all(&mounted).unwrap();
                run(&["mount", "-t", "tmpfs", "-o", "size=256m", "tmpfs"], &[&mounted])
                    .map_err(|what| format!("SKIPPED: {what}"))?;
                Ok(Self::Memory(folder))
            }
            1 => Image::new("ext4").map(Self::Image),
            _ => Image::new("xfs").map(Self::Image),
        }
    }

    fn beside(&self) -> &Path {
        match self {
            Self::Memory(folder) => folder.path(),
            Self::Image(image) => image.beside(),
        }
    }

    fn mounted(&self) -> PathBuf {
        self.beside().join("mounted")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if let Self::Memory(folder) = self {
            // An image unmounts itself.
            let _ = run(&["umount"], &[&folder.path().join("mounted")]);
        }
    }
}

/// Each cycle on a fresh store: in memory, on ext4 and on XFS by turns.
pub fn cycles(arguments: &Arguments) -> Result<String, String> {
    let mut totals = Totals::open("full disk", arguments.seed, arguments.state.clone())?;
    let (mut refused, mut slowest) = (0, Duration::ZERO);
    while totals.cycles < arguments.cycles {
        let seed = totals.seed.wrapping_add(totals.stores);
        let disk = Disk::new(totals.stores)?;
        totals.stores += 1;
        let url = format!("sqlite:{}", disk.mounted().join("store.db").display());
        let mut world = World::new(launch(&url, disk.beside(), arguments), seed, 4);
        let done = one(&mut world, &disk).map_err(|what| format!("{what}, store seed {seed}"))?;
        refused += done.0;
        slowest = slowest.max(done.1);
        totals.cycles += 1;
        totals.settled += world.journal.settled();
        totals.save()?;
    }
    Ok(format!("{}, {refused} refused while full, slowest recovery {} ms", totals.line(), slowest.as_millis()))
}

/// How many feeds were refused, and how long it took to serve again.
fn one(world: &mut World, disk: &Disk) -> Result<(u64, Duration), String> {
    let mut server = world.launch.start()?;
    world.load(server.http, |random| std::thread::sleep(Duration::from_micros(random.below(400_000))))?;
    world.settle(server.http)?;
    let ballast = fill(&disk.mounted());
    let refused = feed_until_refused(world, &server)?;
    let patient = world.journal.clients[0].patients[0].query();
    for _ in 0..20 {
        match server.connect().map(|mut connection| connection.ask("pix", &patient)) {
            Some(Answer::Acknowledged(_)) => {}
            other => return Err(format!("a question was not answered while the disk is full: {other:?}")),
        }
    }
    world.load(server.http, |_| std::thread::sleep(Duration::from_millis(200)))?;
    for file in ballast {
        std::fs::remove_file(file).map_err(|error| error.to_string())?;
    }
    let room = Instant::now();
    let client = &mut world.journal.clients[0];
    loop {
        let heard = match server.connect() {
            Some(mut connection) => attempt(client, &mut connection)?,
            None => Heard::Nothing,
        };
        if matches!(heard, Heard::Yes) {
            break;
        }
        if room.elapsed() > RECOVERS_WITHIN {
            return Err("it does not serve again although there is room".to_owned());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let recovered = room.elapsed();
    world.settle(server.http)?;
    world.check(true)?;
    server.kill();
    world.launch.no_defects()?;
    world.conclude()?;
    Ok((refused, recovered))
}

fn feed_until_refused(world: &mut World, server: &Server) -> Result<u64, String> {
    let mut refused = 0;
    for _ in 0..MOST_FEEDS {
        let client = &mut world.journal.clients[0];
        let mut connection = server.connect().ok_or("the server is gone although the disk is only full")?;
        match attempt(client, &mut connection)? {
            Heard::Yes => {}
            Heard::No => refused += 1,
            Heard::Nothing => return Err("a feed was not answered although the disk is only full".to_owned()),
        }
        if refused == 5 {
            return Ok(refused);
        }
    }
    Err("the disk was not full: no feed was refused".to_owned())
}

/// Takes all room there is, down to the last block.
fn fill(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for kib in [16_384, 1_024, 64, 4] {
        loop {
            let file = folder.join(format!("ballast-{}", files.len()));
            let taken = run(&["fallocate", "-l", &format!("{kib}KiB")], &[&file]);
            files.push(file);
            if taken.is_err() {
                break;
            }
        }
    }
    files.retain(|file| file.exists());
    files
}
