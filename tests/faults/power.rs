//! Power loss: the file system under the server is shut down, so that all that was not synced is gone.
//!
//! The server is frozen first: a sync that races with the shutdown is a fault of another kind. It must be seen to
//! lose where commits are not synced, else it proves nothing; `planted` does that.

use crate::arguments::Arguments;
use crate::kill::launch;
use crate::totals::Totals;
use crate::world::World;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Cycles of one image.
const CYCLES_OF_A_STORE: u64 = 100;

const WHOLE_EVERY: u64 = 25;

const CLIENTS: usize = 4;

/// An image file with a file system of its own, mounted through a loop device.
pub struct Image {
    kind: &'static str,
    folder: tempfile::TempDir,
}

impl Image {
    /// Makes and mounts one; `Err` says why this machine cannot.
    pub fn new(kind: &'static str) -> Result<Self, String> {
        can_mount()?;
        let folder = tempfile::Builder::new().prefix("nayose-faults-").tempdir().unwrap();
        let image = Self { kind, folder };
        std::fs::create_dir_all(image.mount_point()).unwrap();
        let file = std::fs::File::create(image.file()).map_err(|error| error.to_string())?;
        // The smallest that mkfs.xfs makes; sparse.
        file.set_len(320 << 20).map_err(|error| error.to_string())?;
        let make: &[&str] = if kind == "xfs" { &["mkfs.xfs", "-q", "-f"] } else { &["mkfs.ext4", "-q", "-F"] };
        run(make, &[&image.file()])?;
        image.mount().map_err(|what| format!("SKIPPED: {what}"))?;
        Ok(image)
    }

    pub fn kind(&self) -> &'static str {
        self.kind
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("image")
    }

    pub fn mount_point(&self) -> PathBuf {
        self.folder.path().join("mounted")
    }

    /// Outside of what is struck.
    pub fn beside(&self) -> &Path {
        self.folder.path()
    }

    pub fn mount(&self) -> Result<(), String> {
        run(&["mount", "-o", "loop"], &[&self.file(), &self.mount_point()])
    }

    /// The file system takes and keeps nothing more.
    pub fn shut_down(&self) -> Result<(), String> {
        run(&["xfs_io", "-x", "-c", "shutdown"], &[&self.mount_point()])
    }

    pub fn unmount(&self) -> Result<(), String> {
        let mut last = Ok(());
        for _ in 0..100 {
            last = run(&["umount"], &[&self.mount_point()]);
            if last.is_ok() {
                break;
            }
            // A process that was killed still lets go.
            std::thread::sleep(Duration::from_millis(20));
        }
        last
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        if self.unmount().is_err() {
            println!("{} image left mounted at {}", self.kind, self.mount_point().display());
        }
    }
}

/// Whether file systems can be made, mounted and shut down here.
pub fn can_mount() -> Result<(), String> {
    if !crate::is_root() {
        return Err("SKIPPED: only root can mount".to_owned());
    }
    for program in ["mkfs.ext4", "mkfs.xfs", "xfs_io"] {
        run(&["sh", "-c", &format!("command -v {program} >/dev/null")], &[])
            .map_err(|_| format!("SKIPPED: {program} is missing (apt-get install xfsprogs e2fsprogs)"))?;
    }
    Ok(())
}

/// Runs a program to its end; its words where it failed.
pub fn run(words: &[&str], paths: &[&Path]) -> Result<(), String> {
    let (program, options) = words.split_first().unwrap();
    let done = Command::new(program).args(options).args(paths).stdin(Stdio::null()).output();
    let done = done.map_err(|error| format!("{program}: {error}"))?;
    let said = String::from_utf8_lossy(&done.stderr);
    if done.status.success() { Ok(()) } else { Err(format!("{program}: {}", said.trim())) }
}

/// Cycles on ext4.
pub fn ext4(arguments: &Arguments) -> Result<String, String> {
    cycles(arguments, "ext4")
}

/// Cycles on XFS.
pub fn xfs(arguments: &Arguments) -> Result<String, String> {
    cycles(arguments, "xfs")
}

fn cycles(arguments: &Arguments, kind: &'static str) -> Result<String, String> {
    let mut totals = Totals::open(&format!("power {kind}"), arguments.seed, arguments.state.clone())?;
    println!("{}: seed {}, {} cycles done", totals.name, totals.seed, totals.cycles);
    while totals.cycles < arguments.cycles {
        let seed = totals.seed.wrapping_add(totals.stores);
        totals.stores += 1;
        let image = Image::new(kind)?;
        let url = format!("sqlite:{}", image.mount_point().join("store.db").display());
        let mut world = World::new(launch(&url, image.beside(), arguments), seed, CLIENTS);
        let done = one_store(&mut world, &image, &mut totals, arguments.cycles);
        done.map_err(|what| format!("{what}\n  store seed {seed}\n  {}", totals.line()))?;
        println!("{}", totals.line());
    }
    totals.save()?;
    Ok(totals.line())
}

fn one_store(world: &mut World, image: &Image, totals: &mut Totals, until: u64) -> Result<(), String> {
    let (before, repeats) = (totals.settled, totals.repeats);
    for cycle in 1..=CYCLES_OF_A_STORE {
        let mut server = world.launch.start()?;
        totals.slowest_start_ms = totals.slowest_start_ms.max(server.ready.as_millis() as u64);
        let checked = world.check(false)?;
        totals.unknown += checked.unknown;
        totals.present += checked.present;
        let mut struck = Ok(());
        world.load(server.http, |random| {
            std::thread::sleep(Duration::from_micros(random.below(200_000)));
            server.freeze();
            struck = image.shut_down();
            server.kill();
        })?;
        struck?;
        image.unmount()?;
        image.mount()?;
        world.launch.no_defects()?;
        totals.cycles += 1;
        totals.settled = before + world.journal.settled();
        totals.repeats = repeats + world.repeats();
        if cycle % WHOLE_EVERY == 0 {
            world.check(true)?;
            world.verify()?;
        }
        if totals.cycles >= until {
            break;
        }
    }
    world.conclude()?;
    totals.settled = before + world.journal.settled();
    totals.save()
}
