//! SIGKILL at random moments, in the middle of starts too.

use crate::arguments::Arguments;
use crate::cluster::Cluster;
use crate::random::Random;
use crate::server::Launch;
use crate::totals::Totals;
use crate::world::World;
use std::path::Path;
use std::time::{Duration, Instant};

/// Cycles of one store, so that comparing it stays quick.
const CYCLES_OF_A_STORE: u64 = 200;

/// The whole store is compared and verified after so many cycles.
const WHOLE_EVERY: u64 = 25;

const CLIENTS: usize = 4;

/// How long a server is fed at most before it is killed.
const LOAD: Duration = Duration::from_millis(150);

/// A start and a feed take longer there.
const LOAD_ON_POSTGRES: Duration = Duration::from_millis(400);

/// Runs cycles on SQLite until `arguments.cycles` are done.
pub fn sqlite(arguments: &Arguments) -> Result<String, String> {
    cycles(arguments, "kill sqlite", None)
}

/// Likewise on a private PostgreSQL, where the database is struck as well.
pub fn postgres(arguments: &Arguments) -> Result<String, String> {
    let mut cluster = Cluster::start()?;
    cycles(arguments, "kill postgres", Some(&mut cluster))
}

fn cycles(arguments: &Arguments, name: &str, mut cluster: Option<&mut Cluster>) -> Result<String, String> {
    let mut totals = Totals::open(name, arguments.seed, arguments.state.clone())?;
    println!("{name}: seed {}, {} cycles done", totals.seed, totals.cycles);
    while totals.cycles < arguments.cycles {
        let seed = totals.seed.wrapping_add(totals.stores);
        totals.stores += 1;
        let folder = tempfile::Builder::new().prefix("nayose-faults-").tempdir().unwrap();
        let url = match &cluster {
            None => format!("sqlite:{}", folder.path().join("store.db").display()),
            Some(cluster) => cluster.database(&format!("kill_{seed}_{}", totals.cycles))?,
        };
        let launch = launch(&url, folder.path(), arguments);
        let mut world = World::new(launch, seed, CLIENTS);
        let done = one_store(&mut world, &mut totals, arguments, cluster.as_deref_mut());
        if let Err(what) = done {
            // A store that a planted bug has broken tells nothing new.
            let kept = if arguments.plant.is_some() { None } else { Some(folder.keep()) };
            let place = kept.map(|kept| format!(", left in {}", kept.display())).unwrap_or_default();
            return Err(format!("{what}\n  store seed {seed}{place}\n  {}", totals.line()));
        }
    }
    totals.save()?;
    Ok(totals.line())
}

/// How the server is started, with the bug that is asked for.
pub fn launch(url: &str, folder: &Path, arguments: &Arguments) -> Launch {
    let launch = Launch::new(url, folder);
    match &arguments.plant {
        Some(bug) => launch.with("NAYOSE_PLANT", bug),
        None => launch,
    }
}

fn one_store(
    world: &mut World,
    totals: &mut Totals,
    arguments: &Arguments,
    mut cluster: Option<&mut Cluster>,
) -> Result<(), String> {
    let (before, repeats) = (totals.settled, totals.repeats);
    for cycle in 1..=CYCLES_OF_A_STORE {
        one_cycle(world, totals, cluster.as_deref_mut())?;
        totals.cycles += 1;
        totals.settled = before + world.journal.settled();
        totals.repeats = repeats + world.repeats();
        if cycle % WHOLE_EVERY == 0 {
            world.check(true)?;
            world.verify()?;
            totals.save()?;
            println!("{}", totals.line());
        }
        if totals.cycles >= arguments.cycles {
            break;
        }
    }
    world.conclude()?;
    totals.settled = before + world.journal.settled();
    totals.save()
}

fn one_cycle(world: &mut World, totals: &mut Totals, cluster: Option<&mut Cluster>) -> Result<(), String> {
    if world.random.below(4) == 0 {
        killed_while_starting(world);
    }
    let mut server = world.launch.start()?;
    totals.slowest_start_ms = totals.slowest_start_ms.max(server.ready.as_millis() as u64);
    let checked = world.check(false)?;
    totals.unknown += checked.unknown;
    totals.present += checked.present;
    let http = server.http;
    let mut struck = Ok(());
    let longest = if cluster.is_some() { LOAD_ON_POSTGRES } else { LOAD };
    match cluster {
        Some(cluster) if world.random.below(2) == 0 => {
            world.load(http, |random| struck = strike(cluster, random, http))?;
            struck?;
            server.kill();
        }
        _ => world.load(http, |random| {
            moment(random, longest);
            server.kill();
        })?,
    }
    world.launch.no_defects()
}

/// Waits for a moment that nobody can foresee.
fn moment(random: &mut Random, longest: Duration) {
    std::thread::sleep(Duration::from_micros(random.below(longest.as_micros() as u64)));
}

/// Kills a start at any point of it: recovery is struck in turn.
fn killed_while_starting(world: &mut World) {
    let mut child = world.launch.spawn();
    std::thread::sleep(Duration::from_micros(world.random.below(60_000)));
    let _ = child.kill();
    let _ = child.wait();
}

/// Ends the database under the running server, which must serve again by itself soon after it is back.
fn strike(cluster: &mut Cluster, random: &mut Random, http: std::net::SocketAddr) -> Result<(), String> {
    moment(random, LOAD_ON_POSTGRES);
    if random.below(2) == 0 {
        cluster.kill()?
    } else {
        cluster.stop_immediately()?
    }
    std::thread::sleep(Duration::from_micros(random.below(50_000)));
    let back = Instant::now();
    cluster.restart()?;
    loop {
        let ready = crate::client::Connection::open(http).and_then(|mut connection| connection.get("ready"));
        if ready == Some(200) {
            break;
        }
        if back.elapsed() > Duration::from_secs(5) {
            return Err("the server does not find the database again".to_owned());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    moment(random, LOAD_ON_POSTGRES);
    Ok(())
}
