//! What scenarios of failing calls do around them: feeds that must succeed, feeds that may fail, a log that is full.

use crate::database::Database;
use crate::server::Server;
use crate::world::{Heard, World, attempt};

/// Makes the log so long that the next message has it copied into the store. The pages are few, since it is one page
/// again and again: a number in the head of the file, which means nothing to the product, is put up and back.
pub fn fill_log(url: &str) -> Result<(), String> {
    const FRAMES: u64 = 8190;
    const FRAME: u64 = 2048 + 24;
    let log = format!("{}-wal", url.trim_start_matches("sqlite:"));
    let mut database = Database::open(url)?;
    database.run("PRAGMA wal_autocheckpoint = 0; PRAGMA synchronous = OFF")?;
    while std::fs::metadata(&log).map_err(|error| format!("{log}: {error}"))?.len() < 32 + FRAMES * FRAME {
        database.run(&"PRAGMA user_version = 1; PRAGMA user_version = 0;".repeat(16))?;
    }
    Ok(())
}

/// Feeds `many` messages, which must all be acknowledged.
pub fn feeds(world: &mut World, server: &Server, many: usize) -> Result<(), String> {
    let client = &mut world.journal.clients[0];
    let mut connection = server.connect().ok_or("no connection")?;
    for _ in 0..many {
        client.compose_add();
        if !matches!(attempt(client, &mut connection)?, Heard::Yes) {
            return Err("a feed is not acknowledged although nothing fails".to_owned());
        }
    }
    Ok(())
}

/// Feeds `many` messages, twice each where the first attempt was no success, whatever comes of it.
pub fn feeds_whatever(world: &mut World, server: &Server, many: usize) -> Result<(), String> {
    let client = &mut world.journal.clients[0];
    for _ in 0..many * 2 {
        if let Some(mut connection) = server.connect()
            && matches!(attempt(client, &mut connection)?, Heard::Yes)
            && many == 1
        {
            break;
        }
    }
    Ok(())
}
