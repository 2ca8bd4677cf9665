//! The n-th call that writes fails, for every n until a scenario ends without reaching it.
//!
//! Whatever call it is, once or from then on: no defect, no false acknowledgement, a store that opens and keeps every
//! rule, and after a failed sync of a commit a server that ends. `nth_io.c` makes the calls fail.

use crate::arguments::Arguments;
use crate::client::{Answer, Connection};
use crate::database::Database;
use crate::random::Random;
use crate::server::{Launch, Server, binary};
use crate::steps::{feeds, feeds_whatever, fill_log};
use crate::totals::Totals;
use crate::world::{Heard, World, attempt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What happens while calls may fail.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Act {
    /// The server starts: on nothing, after a stop, after a kill.
    StartOnNothing,
    StartAfterStop,
    StartAfterKill,
    FirstFeed,
    Feed,
    Revise,
    Merge,
    Repeat,
    Refused,
    Feeds,
    /// So many senders at once, one message each.
    Group(usize),
    CrossReference,
    CrossReferenceOfNobody,
    Search,
    /// A question whose answer waits for its audit row.
    AuditedQuery,
    QueryThenFeed,
    Checkpoint,
    Stop,
    /// Commands on a store that no server has open.
    VerifyCommand,
    ShowCommand,
    ReviewCommand,
    DemoCommand,
}

const SCENARIOS: [(&str, Act); 23] = [
    ("start on nothing", Act::StartOnNothing),
    ("start after a stop", Act::StartAfterStop),
    ("start after a kill", Act::StartAfterKill),
    ("first feed", Act::FirstFeed),
    ("feed", Act::Feed),
    ("revise", Act::Revise),
    ("merge", Act::Merge),
    ("repeat", Act::Repeat),
    ("refused feed", Act::Refused),
    ("four feeds", Act::Feeds),
    ("group of 8", Act::Group(8)),
    ("ITI-45", Act::CrossReference),
    ("ITI-45 of nobody", Act::CrossReferenceOfNobody),
    ("ITI-47", Act::Search),
    ("ITI-45 with audit.wait", Act::AuditedQuery),
    ("query, then feed", Act::QueryThenFeed),
    ("checkpoint", Act::Checkpoint),
    ("stop", Act::Stop),
    ("verify command", Act::VerifyCommand),
    ("person show command", Act::ShowCommand),
    ("review list command", Act::ReviewCommand),
    ("demo command", Act::DemoCommand),
    ("group of 64", Act::Group(64)),
];

/// How calls fail: the word, from then on or once, and the error of the system.
const MODES: [(&str, bool, i32); 3] =
    [("EIO once", false, 5), ("EIO for ever", true, 5), ("ENOSPC for ever", true, 28)];

/// One scenario in all its modes.
struct Scenario<'a> {
    name: &'static str,
    act: Act,
    shim: &'a Path,
    seed: u64,
    /// Whether the calls are drawn, some apart, instead of one after the other.
    drawn: bool,
}

impl Scenario<'_> {
    /// How many runs each mode took and the last call that failed in it; the modes beside each other.
    fn each_mode(&self, arguments: &Arguments) -> Result<Vec<(u64, u64)>, String> {
        std::thread::scope(|scope| {
            let modes: Vec<_> = MODES.map(|mode| scope.spawn(move || self.mode(mode, arguments))).into_iter().collect();
            modes.into_iter().map(|mode| mode.join().map_err(|_| "a mode broke off".to_owned())?).collect()
        })
    }

    fn mode(&self, mode: (&'static str, bool, i32), arguments: &Arguments) -> Result<(u64, u64), String> {
        let mut random = Random::new(self.seed, 4 + mode.2 as u64 * 2 + u64::from(mode.1));
        let (mut runs, mut at, mut missed, mut last) = (0, 1, 0, 0);
        let mut is_copied = false;
        // Runs differ a little: twice in a row no run must have reached its call.
        while missed < 2 {
            let run = Run { act: self.act, at, mode, shim: self.shim, seed: self.seed.wrapping_add(at) };
            let fired = run.go(arguments).map_err(|what| format!("{}, {} at call {at}: {what}", self.name, mode.0))?;
            runs += 1;
            is_copied |= fired.as_ref().is_some_and(|call| call.trim_end().ends_with("/store.db"));
            (missed, last) = if fired.is_some() { (0, at) } else { (missed + 1, last) };
            at += if self.drawn { 1 + random.below(40) } else { 1 };
        }
        if self.act == Act::Checkpoint && !is_copied {
            return Err(format!("{}: no call failed that copies the log into the store", self.name));
        }
        Ok((runs, last))
    }
}

/// One run of one scenario.
struct Run<'a> {
    act: Act,
    at: u64,
    mode: (&'static str, bool, i32),
    shim: &'a Path,
    seed: u64,
}

/// When the store's file was written to last.
fn changed(url: &str) -> Option<std::time::SystemTime> {
    std::fs::metadata(url.trim_start_matches("sqlite:")).and_then(|file| file.modified()).ok()
}

/// Every n of every scenario; in the short form a few that are drawn.
pub fn every(arguments: &Arguments) -> Result<String, String> {
    let mut totals = Totals::open("n-th I/O", arguments.seed, arguments.state.clone())?;
    let folder = tempfile::tempdir().unwrap();
    let shim = build(folder.path())?;
    println!("n-th I/O: seed {}, {} scenarios done", totals.seed, totals.stores);
    let wanted = usize::try_from(arguments.cycles).unwrap_or(SCENARIOS.len()).min(SCENARIOS.len());
    let mut random = Random::new(totals.seed, 3);
    while (totals.stores as usize) < wanted {
        let whole = arguments.is_whole;
        let number = if whole { totals.stores as usize } else { random.index(SCENARIOS.len()) };
        let (name, act) = SCENARIOS[number];
        if !whole && matches!(act, Act::DemoCommand | Act::Group(64)) {
            // Too long for a short form.
            continue;
        }
        let drawn = !whole;
        let scenario = Scenario { name, act, shim: &shim, seed: totals.seed, drawn };
        let modes = scenario.each_mode(arguments)?;
        let runs: u64 = modes.iter().map(|(runs, _)| runs).sum();
        let reached: Vec<String> = modes.iter().map(|(_, last)| last.to_string()).collect();
        println!("n-th I/O: {name}: {runs} runs, the last call of each mode {}", reached.join(", "));
        totals.stores += 1;
        totals.cycles += runs;
        totals.save()?;
    }
    Ok(format!(
        "n-th I/O: {} scenarios, {} runs, no defect, no false acknowledgement, seed {}, since {}",
        totals.stores, totals.cycles, totals.seed, totals.started
    ))
}

/// The scenario that catches what is answered or kept against the rules around a commit.
pub fn around_a_commit(arguments: &Arguments) -> Result<String, String> {
    let folder = tempfile::tempdir().unwrap();
    let shim = build(folder.path())?;
    for mode in MODES.into_iter().take(2) {
        let mut at = 1;
        while (Run { act: Act::Feed, at, mode, shim: &shim, seed: 1 }).go(arguments)?.is_some() {
            at += 1;
        }
    }
    Ok("every call around a commit failed".to_owned())
}

/// Compiles the shim.
fn build(folder: &Path) -> Result<PathBuf, String> {
    let shim = folder.join("nth_io.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults/nth_io.c");
    let made = Command::new("cc").args(["-O1", "-shared", "-fPIC", "-o"]).arg(&shim).arg(source).arg("-ldl").output();
    let made = made.map_err(|error| format!("cc: {error}"))?;
    if made.status.success() { Ok(shim) } else { Err(String::from_utf8_lossy(&made.stderr).into_owned()) }
}

impl Run<'_> {
    /// Plays the scenario; what call failed, where it was reached.
    fn go(&self, arguments: &Arguments) -> Result<Option<String>, String> {
        // In memory where that can be had: what is tried is not the disk.
        let memory = Path::new("/dev/shm");
        let place = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let folder = tempfile::Builder::new().prefix("nayose-faults-").tempdir_in(place).unwrap();
        let store = folder.path().join("store");
        std::fs::create_dir_all(&store).unwrap();
        let url = format!("sqlite:{}", store.join("store.db").display());
        let plain = crate::kill::launch(&url, folder.path(), arguments);
        let mut world = World::new(
            plain.clone(),
            self.seed,
            match self.act {
                Act::Group(senders) => senders,
                _ => 1,
            },
        );
        let mut failing = self.failing(plain, folder.path());
        failing.audit_wait = self.act == Act::AuditedQuery;
        self.play(&mut world, &failing, folder.path())?;
        let fired = std::fs::read_to_string(folder.path().join("report")).ok();
        world.launch.no_defects()?;
        // Without any fault: what is there?
        let mut server = world.launch.start()?;
        world.check(true)?;
        self.is_audited(&world, folder.path())?;
        world.settle(server.http)?;
        world.check(true)?;
        server.kill();
        world.launch.no_defects()?;
        world.verify()?;
        Ok(fired)
    }

    /// An answer that waited for its audit row has one.
    fn is_audited(&self, world: &World, folder: &Path) -> Result<(), String> {
        if self.act != Act::AuditedQuery || !folder.join("answered").exists() {
            return Ok(());
        }
        let mut database = Database::open(&world.launch.url)?;
        match database.number("SELECT count(*) FROM audit WHERE transaction_name = 'ITI-45'")? {
            1 => Ok(()),
            rows => Err(format!("a question was answered, and has {rows} audit rows")),
        }
    }

    fn failing(&self, plain: Launch, folder: &Path) -> Launch {
        let path = |name: &str| folder.join(name).display().to_string();
        plain
            .with("LD_PRELOAD", &self.shim.display().to_string())
            .with("NTH_IO_UNDER", &path("store"))
            .with("NTH_IO_ARMED", &path("armed"))
            .with("NTH_IO_REPORT", &path("report"))
            .with("NTH_IO_AT", &self.at.to_string())
            .with("NTH_IO_FOREVER", if self.mode.1 { "1" } else { "0" })
            .with("NTH_IO_ERRNO", &self.mode.2.to_string())
    }

    fn play(&self, world: &mut World, failing: &Launch, folder: &Path) -> Result<(), String> {
        let arm = || std::fs::write(folder.join("armed"), "").unwrap();
        match self.act {
            Act::StartOnNothing => {
                arm();
                // It starts, or says why not.
                drop(failing.try_start());
                return Ok(());
            }
            Act::StartAfterStop | Act::StartAfterKill => {
                let mut server = world.launch.start()?;
                feeds(world, &server, 3)?;
                if self.act == Act::StartAfterStop {
                    server.stop()?
                } else {
                    server.kill()
                }
                arm();
                drop(failing.try_start());
                return Ok(());
            }
            Act::VerifyCommand | Act::ShowCommand | Act::ReviewCommand | Act::DemoCommand => {
                return self.command(world, failing, arm);
            }
            _ => {}
        }
        let mut server = failing.start()?;
        match self.act {
            Act::FirstFeed | Act::Group(_) => {}
            _ => feeds(world, &server, 4)?,
        }
        if self.act == Act::Checkpoint {
            // A server that finds a long log has it copied while it starts, and begins it anew with a message after that.
            fill_log(&world.launch.url)?;
            server.kill();
            let before = changed(&world.launch.url);
            arm();
            let Ok(mut server) = failing.try_start() else { return Ok(()) };
            let begun = Instant::now();
            while changed(&world.launch.url) == before && begun.elapsed() < Duration::from_millis(100) {
                std::thread::sleep(Duration::from_millis(1));
            }
            feeds_whatever(world, &server, 2)?;
            server.kill();
            return Ok(());
        }
        arm();
        let ends_well = self.act_on(world, &mut server, folder)?;
        self.must_end(&mut server, folder, ends_well)?;
        server.kill();
        Ok(())
    }

    /// What is asked of the running server. Whether only commits can have failed.
    fn act_on(&self, world: &mut World, server: &mut Server, folder: &Path) -> Result<bool, String> {
        let http = server.http;
        let client = &mut world.journal.clients[0];
        match self.act {
            Act::FirstFeed | Act::Feed => drop(client.compose_add()),
            Act::Revise => drop(client.compose_revise()),
            Act::Merge => {
                while client.compose_merge().is_none() {
                    client.compose_add();
                    let mut connection = Connection::open(http).ok_or("no connection")?;
                    if !matches!(attempt(client, &mut connection)?, Heard::Yes) {
                        return Ok(true);
                    }
                }
            }
            Act::Repeat => {
                let payload = client.messages[0].payload.clone();
                if let Some(mut connection) = Connection::open(http) {
                    drop(connection.feed(&payload));
                }
                return Ok(true);
            }
            Act::Refused => {
                let payload = client.foreign();
                if let Some(mut connection) = Connection::open(http) {
                    drop(connection.feed(&payload));
                }
                return Ok(true);
            }
            Act::Group(_) => return world.once(http).map(|()| true),
            Act::Checkpoint => {}
            Act::Feeds => return feeds_whatever(world, server, 2).map(|()| true),
            Act::CrossReference | Act::CrossReferenceOfNobody | Act::Search | Act::QueryThenFeed => {
                let patient = &client.patients[0];
                let (path, payload) = match self.act {
                    Act::Search => ("pdq", patient.search()),
                    Act::CrossReferenceOfNobody => ("pix", patient.query().replace(&patient.value, "nobody")),
                    _ => ("pix", patient.query()),
                };
                if let Some(mut connection) = Connection::open(http) {
                    drop(connection.ask(path, &payload));
                }
                if self.act != Act::QueryThenFeed {
                    // Its audit row is written when it has waited for company.
                    std::thread::sleep(Duration::from_millis(60));
                    return Ok(true);
                }
            }
            Act::AuditedQuery => {
                let asked =
                    Connection::open(http).map(|mut connection| connection.ask("pix", &client.patients[0].query()));
                if let Some(Answer::Acknowledged(_)) = asked {
                    std::fs::write(folder.join("answered"), "").unwrap();
                }
                return Ok(true);
            }
            Act::Stop => {
                server.terminate();
                server.ended(Duration::from_secs(40)).ok_or("the server does not stop")?;
                return Ok(false);
            }
            _ => {}
        }
        // The second attempt meets what the first has left.
        feeds_whatever(world, server, 1)?;
        Ok(true)
    }

    /// After a commit whose sync failed nothing may go on.
    fn must_end(&self, server: &mut Server, folder: &Path, only_commits: bool) -> Result<(), String> {
        let report = std::fs::read_to_string(folder.join("report")).unwrap_or_default();
        if !only_commits || !report.starts_with("sync ") || !report.trim_end().ends_with("-wal") {
            return Ok(());
        }
        match server.ended(Duration::from_secs(5)) {
            Some(status) if !status.success() => Ok(()),
            Some(_) => Err("a server whose commit failed ended as if all were well".to_owned()),
            None => Err("a server whose commit failed goes on".to_owned()),
        }
    }

    /// A command on a store that no server has open.
    fn command(&self, world: &mut World, failing: &Launch, arm: impl Fn()) -> Result<(), String> {
        let store = world.launch.url.clone();
        let who = match self.act {
            Act::DemoCommand => String::new(),
            _ => {
                let server = world.launch.start()?;
                feeds(world, &server, 3)?;
                let patient = &world.journal.clients[0].patients[0];
                let who = format!("{}^{}", patient.record.oid, patient.value);
                server.stop()?;
                who
            }
        };
        // The demo fills a store of its own.
        let demo = store.replace("store.db", "demo.db");
        let words: &[&str] = match self.act {
            Act::VerifyCommand => &["verify", "--store", &store],
            Act::ShowCommand => &["person", "show", &who, "--store", &store],
            Act::ReviewCommand => &["review", "list", "--store", &store],
            _ => &["demo", "--build-only", "--people", "3", "--store", &demo],
        };
        arm();
        let mut command = Command::new(binary());
        command.args(words).envs(failing.environment.iter().cloned()).stdin(Stdio::null());
        let done = command.output().map_err(|error| error.to_string())?;
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        if done.status.code().is_none() || said.contains("panicked") || said.contains("defect") {
            return Err(format!("{words:?} broke off: {}: {said}", done.status));
        }
        Ok(())
    }
}
