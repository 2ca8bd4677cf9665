//! A subscriber that is away, or refuses, under the load of feeds, while the server is killed: when both are back, each
//! change has reached it at least once, in the order of the outbox.
//!
//! What it was told is compared with the rows of the outbox, read with plain SQL.

use crate::arguments::Arguments;
use crate::cluster::Cluster;
use crate::consumer::{Consumer, Says, Told};
use crate::database::Database;
use crate::kill::launch;
use crate::totals::Totals;
use crate::world::World;
use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Kills of one store, after which all is compared.
const CYCLES_OF_A_STORE: u64 = 6;
const CLIENTS: usize = 2;
/// How long a server is fed at most before it is killed.
const LOAD: Duration = Duration::from_millis(700);
/// A lease of a process that was killed on PostgreSQL holds for a minute.
const PATIENCE: Duration = Duration::from_secs(150);

pub fn sqlite(arguments: &Arguments) -> Result<String, String> {
    cycles(arguments, "away sqlite", None)
}

pub fn postgres(arguments: &Arguments) -> Result<String, String> {
    let cluster = Cluster::start()?;
    cycles(arguments, "away postgres", Some(&cluster))
}

fn cycles(arguments: &Arguments, name: &str, cluster: Option<&Cluster>) -> Result<String, String> {
    let mut totals = Totals::open(name, arguments.seed, arguments.state.clone())?;
    println!("{name}: seed {}, {} cycles done", totals.seed, totals.cycles);
    while totals.cycles < arguments.cycles {
        let seed = totals.seed.wrapping_add(totals.stores);
        totals.stores += 1;
        let folder = tempfile::Builder::new().prefix("nayose-faults-").tempdir().unwrap();
        let url = match cluster {
            None => format!("sqlite:{}", folder.path().join("store.db").display()),
            Some(cluster) => cluster.database(&format!("away_{seed}_{}", totals.cycles))?,
        };
        let mut consumer = Consumer::start();
        let mut launch = launch(&url, folder.path(), arguments);
        launch.subscriber = Some(consumer.url());
        let mut world = World::new(launch, seed, CLIENTS);
        let done = one_store(&mut world, &mut consumer, &mut totals);
        done.map_err(|what| format!("{what}\n  store seed {seed}\n  {}", totals.line()))?;
        totals.save()?;
    }
    Ok(totals.line())
}

fn one_store(world: &mut World, consumer: &mut Consumer, totals: &mut Totals) -> Result<(), String> {
    let before = totals.settled;
    for _ in 0..CYCLES_OF_A_STORE {
        let mut server = world.launch.start()?;
        let http = server.http;
        world.load(http, |random| {
            let mut some = || std::thread::sleep(Duration::from_micros(random.below(LOAD.as_micros() as u64)));
            some();
            consumer.says(Says::Refuses);
            some();
            consumer.goes();
            some();
            server.kill();
        })?;
        world.launch.no_defects()?;
        consumer.says(Says::Accepts);
        // One start in three finds it away still.
        if world.random.below(3) > 0 {
            consumer.returns();
        }
        totals.cycles += 1;
        totals.settled = before + world.journal.settled();
    }
    consumer.goes();
    consumer.returns();
    let server = world.launch.start()?;
    world.settle(server.http)?;
    all_told(&world.launch.url)?;
    refuse_twice(world, consumer, server.http)?;
    world.settle(server.http)?;
    let rows = all_told(&world.launch.url)?;
    server.stop()?;
    world.launch.no_defects()?;
    compare(&rows, &consumer.told(), &world.launch.url)?;
    totals.settled = before + world.journal.settled();
    Ok(())
}

/// Feeds until the subscriber has refused one change twice, of one process: by chance alone that hardly happens, since
/// the servers above are killed soon.
fn refuse_twice(world: &mut World, consumer: &Consumer, http: SocketAddr) -> Result<(), String> {
    let mut database = Database::open(&world.launch.url)?;
    let (before, begun) = (consumer.told().len(), Instant::now());
    consumer.says(Says::Refuses);
    while consumer.told().len() < before + 2 {
        if begun.elapsed() > PATIENCE {
            return Err("a change that was refused is not told again".to_owned());
        }
        if left(&mut database)? == 0 {
            world.once(http)?;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    consumer.says(Says::Accepts);
    Ok(())
}

/// Changes that the subscriber is still to be told.
fn left(database: &mut Database) -> Result<u64, String> {
    database.number(
        "SELECT (SELECT count(*) FROM outbox WHERE seq IS NULL) + (SELECT count(*) FROM outbox o WHERE o.seq > \
         (SELECT delivered FROM subscriber))",
    )
}

/// The persons of the outbox in order, once the subscriber is done with all of it.
fn all_told(url: &str) -> Result<Vec<String>, String> {
    let mut database = Database::open(url)?;
    let begun = Instant::now();
    loop {
        let left = left(&mut database)?;
        if left == 0 {
            break;
        }
        if begun.elapsed() > PATIENCE {
            return Err(format!("the subscriber is back, and {left} changes are not told"));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let dead = database.number("SELECT count(*) FROM dead_letter")?;
    if dead > 0 {
        return Err(format!("{dead} changes were put aside"));
    }
    database.column(
        "SELECT CAST(person_id AS TEXT) AS line FROM outbox WHERE kind = 'cross_reference_changed' ORDER BY seq",
    )
}

/// Whether `told` is `rows` in order, each at least once, where the last one may be told again.
fn compare(rows: &[String], told: &[Told], url: &str) -> Result<(), String> {
    let mut database = Database::open(url)?;
    let pairs = |lines: Vec<String>| -> HashMap<String, String> {
        let split = |line: &String| line.split_once(' ').map(|(left, right)| (left.to_owned(), right.to_owned()));
        lines.iter().filter_map(split).collect()
    };
    let successors = pairs(database.column(
        "SELECT CAST(id AS TEXT) || ' ' || CAST(successor AS TEXT) AS line FROM person WHERE successor IS NOT NULL",
    )?);
    let regional = pairs(database.column("SELECT value || ' ' || CAST(person_id AS TEXT) AS line FROM regional_id")?);
    let living = |person: &String| {
        let mut living = person;
        while let Some(successor) = successors.get(living) {
            living = successor;
        }
        living.clone()
    };
    let rows: Vec<String> = rows.iter().map(living).collect();
    let mut ids = BTreeSet::new();
    // Where in the outbox it may be, since a person may be there twice in a row.
    let mut places: BTreeSet<usize> = BTreeSet::from([0]);
    for (number, one) in told.iter().enumerate() {
        let id = one.body.split("<id root=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
        if !ids.insert(id.to_owned()) {
            return Err(format!("message {number} has the id of an earlier one: it was rendered before"));
        }
        let identifiers = one.identifiers();
        let person = identifiers.iter().find_map(|id| regional.get(id.split_once('^')?.1));
        let person = living(person.ok_or(format!("message {number} has no regional ID"))?);
        // Place n: n rows were told. The n-th may be told again, and the next one may be told.
        let next = places.iter().flat_map(|place| [*place, place + 1]);
        let fits = |place: &usize| *place > 0 && rows.get(*place - 1) == Some(&person);
        places = next.filter(fits).collect();
        if places.is_empty() {
            return Err(format!("message {number} of {} is neither the next change nor the last again", told.len()));
        }
    }
    if rows.is_empty() || places.contains(&rows.len()) {
        return Ok(());
    }
    Err(format!("{} changes, of which at most {:?} reached the subscriber", rows.len(), places.last()))
}
