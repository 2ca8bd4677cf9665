//! Nothing acknowledged is ever lost: the fault harness.
//!
//! Without arguments, as `cargo test` runs it, the short form of every part with a fresh seed. With a part it is the
//! full form, which goes on where it was stopped if it has a `--state` file; see `docs/reliability.md`. It must never
//! judge by what the product says of itself alone: senders keep journals of their own, and the store is read with
//! plain SQL.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a test may panic; the exceptions in clippy.toml do not reach a harness of its own"
)]

mod arguments;
mod away;
mod check;
mod client;
mod cluster;
#[expect(dead_code, reason = "the integration tests use the rest of it")]
#[path = "../it/consumer.rs"]
mod consumer;
mod cut;
mod database;
mod full;
mod journal;
mod kill;
mod nth;
mod planted;
mod power;
mod random;
mod readonly;
mod refusal;
mod rot;
mod server;
mod starve;
mod steps;
mod torn;
mod totals;
mod world;

use arguments::Arguments;
use std::process::{Command, ExitCode};
use std::time::Instant;

/// A part: its name, how it is run, and how many cycles its short form has.
type Part = (&'static str, fn(&Arguments) -> Result<String, String>, u64);

const PARTS: &[Part] = &[
    ("refusal", refusal::each_table, 1),
    ("full", full::cycles, 1),
    ("planted", planted::every, 1),
    ("kill sqlite", kill::sqlite, 50),
    ("kill postgres", kill::postgres, 6),
    ("away sqlite", away::sqlite, 6),
    ("away postgres", away::postgres, 6),
    ("cut", cut::cycles, 8),
    ("power ext4", power::ext4, 15),
    ("power xfs", power::xfs, 15),
    ("nth", nth::every, 3),
    ("read-only", readonly::cycles, 2),
    ("torn", torn::cycles, 9),
    ("rot", rot::cycles, 8),
    ("descriptors", starve::descriptors, 2),
    ("memory", starve::memory, 3),
];

fn main() -> ExitCode {
    let arguments = match Arguments::read(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(mistake) => {
            eprintln!("faults: {mistake}");
            return ExitCode::from(2);
        }
    };
    if let Some(binary) = &arguments.binary {
        server::BINARY.get_or_init(|| binary.clone());
    }
    let wanted = match arguments.part.as_str() {
        "kill" => format!("kill {}", arguments.store),
        "away" => format!("away {}", arguments.store),
        "power" => format!("power {}", arguments.filesystem),
        other => other.to_owned(),
    };
    let chosen: Vec<Part> = PARTS.iter().copied().filter(|(name, ..)| wanted.is_empty() || *name == wanted).collect();
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for (name, run, short) in chosen {
        let begun = Instant::now();
        let asked = match arguments.cycles {
            0 if arguments.is_whole && name == "nth" => Arguments { cycles: u64::MAX, ..arguments.clone() },
            0 => arguments.short(short),
            _ => arguments.clone(),
        };
        match run(&asked) {
            Ok(line) => {
                println!("ok {line} ({:.1} s)", begun.elapsed().as_secs_f64());
                passed += 1;
            }
            Err(what) if what.starts_with("SKIPPED") && !must_not_skip(name) => {
                println!("{what} ({name})");
                skipped += 1;
            }
            Err(what) => {
                println!("FAILED {name}: {what}");
                failed += 1;
            }
        }
    }
    let skipped = if skipped > 0 { format!(", {skipped} SKIPPED") } else { String::new() };
    println!("{passed} passed, {failed} failed{skipped}");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Where `NAYOSE_REQUIRE_FAULTS` is set a part that cannot be run here has failed, but for the planted bugs, which need
/// a build of their own.
fn must_not_skip(name: &str) -> bool {
    std::env::vars_os().any(|(variable, _)| variable == "NAYOSE_REQUIRE_FAULTS")
        && (name != "planted" || cfg!(feature = "planted"))
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.starts_with(b"0\n"))
}
