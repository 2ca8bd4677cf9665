//! One statement of a message fails, in each table in turn: the message is refused, kept as such, and leaves nothing
//! else behind. A trigger in the store makes it fail, so that the product itself is as it is served.

use crate::arguments::Arguments;
use crate::client::Answer;
use crate::database::Database;
use crate::kill::launch;
use crate::world::World;

/// Those that each message of a new patient writes to. The tables by which records are sought come later, with no message.
const TABLES: [&str; 11] = [
    "inbox",
    "source_record",
    "demographic_version",
    "filed_under",
    "comparison_row",
    "person",
    "link",
    "regional_id",
    "event",
    "outbox",
    "audit",
];

/// A failing statement in each table.
pub fn each_table(arguments: &Arguments) -> Result<String, String> {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("store.db").display());
    let mut world = World::new(launch(&url, folder.path(), arguments), arguments.seed.unwrap_or(1), 1);
    let server = world.launch.start()?;
    world.load(server.http, |_| std::thread::sleep(std::time::Duration::from_millis(200)))?;
    world.settle(server.http)?;
    let mut database = Database::open(&url)?;
    for table in TABLES {
        database.run(&format!(
            "CREATE TRIGGER planted BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'planted'); END"
        ))?;
        let client = &mut world.journal.clients[0];
        let payload = client.compose_add().payload.clone();
        let mut connection = server.connect().ok_or("no connection")?;
        let answer = connection.feed(&payload);
        database.run("DROP TRIGGER planted")?;
        match answer {
            Answer::Refused => {}
            // Refused in words, and kept as refused.
            Answer::Other(said) if said.contains("<typeCode code=\"CE\"/>") => {}
            answer => return Err(format!("{table}: a statement failed, and the answer was {answer:?}")),
        }
        world.check(true).map_err(|what| format!("{table}: {what}"))?;
        world.journal.clients[0].give_up();
        world.settle(server.http)?;
    }
    drop(database);
    server.stop()?;
    // What the log says of a defect here was planted.
    drop(world.launch.said());
    world.conclude()?;
    Ok(format!("refusal: a statement failed in each of {} tables, nothing was left by half", TABLES.len()))
}
