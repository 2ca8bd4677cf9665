//! Rotten bits: a stopped store of which a disk has damaged something.
//!
//! A command or a start that meets it says so and ends; no panic, and no answer that is wrong without a word of
//! `verify`. What no check can see (a letter of a name that became another) is counted, and must be a change of so few
//! bytes; a page that is gone, or another's, must be noticed.

use crate::arguments::Arguments;
use crate::client::Answer;
use crate::kill::launch;
use crate::random::Random;
use crate::server::binary;
use crate::totals::Totals;
use crate::world::{Heard, World, attempt};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::Command;

const PAGE: u64 = 2048;

/// Damages of one store.
const CYCLES_OF_A_STORE: u64 = 50;

/// What became of the damages.
#[derive(Default)]
struct Found {
    noticed: u64,
    /// Neither noticed nor told to anybody.
    silent: u64,
    /// Not noticed, and another answer than before.
    wrong: u64,
    refused: u64,
}

/// Damages one store after the other.
pub fn cycles(arguments: &Arguments) -> Result<String, String> {
    let mut totals = Totals::open("rotten bits", arguments.seed, arguments.state.clone())?;
    println!("{}: seed {}, {} cycles done", totals.name, totals.seed, totals.cycles);
    let mut found = Found::default();
    while totals.cycles < arguments.cycles {
        let seed = totals.seed.wrapping_add(totals.stores);
        totals.stores += 1;
        let folder = tempfile::Builder::new().prefix("nayose-faults-").tempdir().unwrap();
        let store = folder.path().join("store.db");
        let url = format!("sqlite:{}", store.display());
        let mut world = World::new(launch(&url, folder.path(), arguments), seed, 1);
        let before = fill(&mut world)?;
        let clean = std::fs::read(&store).map_err(|error| error.to_string())?;
        for _ in 0..CYCLES_OF_A_STORE.min(arguments.cycles - totals.cycles) {
            for file in ["store.db-wal", "store.db-shm"] {
                // Of the damaged one before.
                let _ = std::fs::remove_file(folder.path().join(file));
            }
            std::fs::write(&store, &clean).map_err(|error| error.to_string())?;
            let damage = Damage::draw(&mut world.random, clean.len() as u64);
            damage.apply(&store)?;
            one(&world, &before, &damage, &mut found)
                .map_err(|what| format!("{damage:?}: {what}, store seed {seed}"))?;
            totals.cycles += 1;
        }
        totals.save()?;
    }
    Ok(format!(
        "rotten bits: {} damages, {} noticed by verify, {} of all were met by a start or a request that refused; not \
         noticed: {} that changed no answer, {} that changed one; seed {}, since {}",
        totals.cycles, found.noticed, found.refused, found.silent, found.wrong, totals.seed, totals.started
    ))
}

/// Feeds a store, and what it answers about each patient.
fn fill(world: &mut World) -> Result<Vec<String>, String> {
    let server = world.launch.start()?;
    for _ in 0..60 {
        let mut connection = server.connect().ok_or("no connection")?;
        if !matches!(attempt(&mut world.journal.clients[0], &mut connection)?, Heard::Yes) {
            return Err("a feed is not acknowledged although nothing fails".to_owned());
        }
    }
    let told = questions(world).iter().map(|(path, question)| ask(&server, path, question)).collect::<Option<Vec<_>>>();
    server.stop()?;
    told.ok_or_else(|| "a question is not answered although nothing fails".to_owned())
}

fn questions(world: &World) -> Vec<(&'static str, String)> {
    let patients = world.journal.clients[0].patients.iter().filter(|patient| patient.alive);
    patients.flat_map(|patient| [("pix", patient.query()), ("pdq", patient.search())]).collect()
}

/// What is told: every identifier of the answer. None where there is no good answer.
fn ask(server: &crate::server::Server, path: &str, question: &str) -> Option<String> {
    let Answer::Acknowledged(answer) = server.connect()?.ask(path, question) else { return None };
    let mut told: Vec<&str> = answer.split('<').filter(|tag| tag.contains("extension=\"")).collect();
    told.sort_unstable();
    Some(told.concat())
}

fn one(world: &World, before: &[String], damage: &Damage, found: &mut Found) -> Result<(), String> {
    let url = &world.launch.url;
    let is_noticed = !runs(&["verify", "--store", url])?;
    runs(&["review", "list", "--store", url])?;
    found.noticed += u64::from(is_noticed);
    let mut wrong = 0;
    let mut refused = false;
    match world.launch.try_start() {
        Err(status) if status.code() == Some(3) => {
            refused = true;
            let said = world.launch.said();
            if !said.contains("is damaged") {
                return Err(format!("a start is refused without a clear word: {said}"));
            }
        }
        // A damaged index can show an identifier that is another's: the configuration seems to clash with it.
        Err(status) if status.code() == Some(2) && is_noticed => refused = true,
        Err(status) => return Err(format!("the start ended with {status}: {}", world.launch.said())),
        Ok(server) => {
            for ((path, question), expected) in questions(world).iter().zip(before) {
                match ask(&server, path, question) {
                    None => refused = true,
                    Some(told) => wrong += u64::from(told != *expected),
                }
            }
        }
    }
    found.refused += u64::from(refused);
    let said = world.launch.said();
    if let Some(line) = said.lines().find(|line| line.contains("panicked") || line.contains("defect")) {
        return Err(format!("the server has a defect: {line}"));
    }
    if !is_noticed && (wrong > 0 || refused) && damage.is_gross() {
        return Err(format!("verify has nothing to say; {wrong} wrong answers, refused: {refused}: {said}"));
    }
    if !is_noticed {
        *(if wrong > 0 { &mut found.wrong } else { &mut found.silent }) += 1;
    }
    Ok(())
}

/// Whether a command ended well; an error where it broke off.
fn runs(words: &[&str]) -> Result<bool, String> {
    let done = Command::new(binary()).args(words).output().map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&done.stderr);
    if done.status.code().is_none() || said.contains("panicked") || said.contains("defect") {
        return Err(format!("{words:?} broke off: {}: {said}", done.status));
    }
    Ok(done.status.success())
}

/// What a disk has done to the file.
#[derive(Debug)]
enum Damage {
    Bit { at: u64, bit: u64 },
    Bytes { at: u64, bytes: Vec<u8> },
    Zeroed { page: u64 },
    Misplaced { page: u64, other: u64 },
    Cut { at: u64 },
}

impl Damage {
    fn draw(random: &mut Random, length: u64) -> Self {
        let pages = length / PAGE;
        let (at, page) = (random.below(length), random.below(pages));
        match random.below(5) {
            0 => Self::Bit { at, bit: random.below(8) },
            1 => {
                let count = 1 + random.below(64.min(length - at));
                Self::Bytes { at, bytes: (0..count).map(|_| random.next() as u8).collect() }
            }
            2 => Self::Zeroed { page },
            3 => Self::Misplaced { page, other: (page + 1 + random.below(pages - 1)) % pages },
            _ => Self::Cut { at },
        }
    }

    /// More than some bytes.
    fn is_gross(&self) -> bool {
        !matches!(self, Self::Bit { .. } | Self::Bytes { .. })
    }

    fn apply(&self, store: &Path) -> Result<(), String> {
        let file = std::fs::File::options().read(true).write(true).open(store).map_err(|error| error.to_string())?;
        let done = match self {
            Self::Bit { at, bit } => {
                let mut byte = [0];
                file.read_exact_at(&mut byte, *at).and_then(|()| file.write_all_at(&[byte[0] ^ (1 << bit)], *at))
            }
            Self::Bytes { at, bytes } => file.write_all_at(bytes, *at),
            Self::Zeroed { page } => file.write_all_at(&vec![0; PAGE as usize], page * PAGE),
            Self::Misplaced { page, other } => {
                let mut bytes = vec![0; PAGE as usize];
                file.read_exact_at(&mut bytes, other * PAGE).and_then(|()| file.write_all_at(&bytes, page * PAGE))
            }
            Self::Cut { at } => file.set_len(*at),
        };
        done.map_err(|error| error.to_string())
    }
}
