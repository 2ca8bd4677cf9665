//! Too few descriptors, or too little memory: what is refused is refused honestly, and nothing that was acknowledged is
//! lost, not even where the process ends for want of memory.

use crate::arguments::Arguments;
use crate::client::Answer;
use crate::kill::launch;
use crate::power::run;
use crate::server::Server;
use crate::totals::Totals;
use crate::world::{Heard, World, attempt};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// So many more connections are made than there are descriptors.
const CROWD: u64 = 60;

/// What a process ends with that may open too few files to start.
const TOO_FEW: i32 = 2;

/// How soon after the crowd is gone a feed must be taken.
const RECOVERS_WITHIN: Duration = Duration::from_secs(5);

/// A server that may open few files, and a crowd that takes them all.
pub fn descriptors(arguments: &Arguments) -> Result<String, String> {
    let mut slowest = Duration::ZERO;
    let mut unfit = 0;
    let line = each_store("descriptors", arguments, 4, |world| {
        // From fewer than the process needs to start to enough for all that it does.
        let most = 8 + world.random.below(110);
        let plain = world.launch.clone();
        world.launch.wrapped = ["prlimit", &format!("--nofile={most}:{most}")].map(str::to_owned).to_vec();
        let started = world.launch.try_start();
        match started {
            Ok(server) => slowest = slowest.max(crowded(world, server, most)?),
            Err(status) if status.code() == Some(TOO_FEW) && most < 64 => unfit += 1,
            Err(status) => return Err(format!("with {most} descriptors the start ended with {status}")),
        }
        world.launch.no_defects()?;
        world.launch = plain;
        world.conclude()
    })?;
    Ok(format!("{line}, {unfit} starts refused, slowest recovery {} ms", slowest.as_millis()))
}

fn crowded(world: &mut World, mut server: Server, most: u64) -> Result<Duration, String> {
    let mut kept = server.connect().ok_or("no connection")?;
    let feed = |world: &mut World, kept: &mut crate::client::Connection| attempt(&mut world.journal.clients[0], kept);
    feed(world, &mut kept)?;
    let crowd: Vec<TcpStream> = (0..most + CROWD).filter_map(|_| TcpStream::connect(server.http).ok()).collect();
    std::thread::sleep(Duration::from_millis(100));
    for _ in 0..10 {
        // Acknowledged or refused, and told so: its connection is its own.
        if matches!(feed(world, &mut kept)?, Heard::Nothing) {
            return Err("a feed of a connection that was there first is not answered".to_owned());
        }
        let asked = kept.ask("pix", &world.journal.clients[0].patients[0].query());
        if matches!(asked, Answer::Unknown) {
            return Err("a question of a connection that was there first is not answered".to_owned());
        }
    }
    drop(crowd);
    let gone = Instant::now();
    loop {
        if let Some(mut connection) = server.connect()
            && matches!(feed(world, &mut connection)?, Heard::Yes)
        {
            break;
        }
        if gone.elapsed() > RECOVERS_WITHIN {
            return Err("it does not serve again although the crowd is gone".to_owned());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let recovered = gone.elapsed();
    world.settle(server.http)?;
    world.check(true)?;
    server.kill();
    Ok(recovered)
}

/// A server whose address space has a bound: from less than it needs to start to enough for most of what it does.
pub fn memory(arguments: &Arguments) -> Result<String, String> {
    let (mut unfit, mut ended, mut unready) = (0, 0, 0);
    let line = each_store("memory", arguments, 24, |world| {
        let plain = world.launch.clone();
        let bound = (48 << 20) + world.random.below(160 << 20);
        world.launch.wrapped = ["prlimit", &format!("--as={bound}")].map(str::to_owned).to_vec();
        match world.launch.try_start() {
            Err(_) => unfit += 1,
            Ok(mut server) => {
                some_feeds(world, &server)?;
                world.load(server.http, |_| std::thread::sleep(Duration::from_millis(400)))?;
                let is_ready = server.connect().and_then(|mut connection| connection.get("ready")) == Some(200);
                match server.ended(Duration::from_millis(if is_ready { 0 } else { 2_000 })) {
                    Some(_) => ended += 1,
                    None => unready += u64::from(!is_ready),
                }
                server.kill();
            }
        }
        // What it said is no defect of its own: nothing can be done without memory.
        drop(world.launch.said());
        world.launch = plain;
        let again = world.launch.start()?;
        world.check(true)?;
        again.stop()?;
        world.conclude()
    })?;
    Ok(format!("{line}; {unfit} did not start, {ended} ended, {unready} went on and were not ready"))
}

/// Feeds of few senders, so that much is acknowledged before memory runs out under many.
fn some_feeds(world: &mut World, server: &Server) -> Result<(), String> {
    for turn in 0..world.random.index(60) {
        let Some(mut connection) = server.connect() else { break };
        attempt(&mut world.journal.clients[turn % 3], &mut connection)?;
    }
    Ok(())
}

/// Does `one` with a fresh store until all cycles are done.
fn each_store(
    name: &str,
    arguments: &Arguments,
    clients: usize,
    mut one: impl FnMut(&mut World) -> Result<(), String>,
) -> Result<String, String> {
    run(&["sh", "-c", "command -v prlimit >/dev/null"], &[])
        .map_err(|_| "SKIPPED: prlimit is missing (apt-get install util-linux)".to_owned())?;
    let mut totals = Totals::open(name, arguments.seed, arguments.state.clone())?;
    println!("{}: seed {}, {} cycles done", totals.name, totals.seed, totals.cycles);
    while totals.cycles < arguments.cycles {
        let seed = totals.seed.wrapping_add(totals.stores);
        totals.stores += 1;
        let folder = tempfile::Builder::new().prefix("nayose-faults-").tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("store.db").display());
        let mut world = World::new(launch(&url, folder.path(), arguments), seed, clients);
        one(&mut world).map_err(|what| format!("{what}, store seed {seed}: {}", world.launch.said()))?;
        totals.cycles += 1;
        totals.settled += world.journal.settled();
        totals.repeats += world.repeats();
        totals.save()?;
    }
    Ok(totals.line())
}
