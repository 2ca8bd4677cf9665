//! The binary: hand the arguments and the environment to the library, turn its word into an exit status.

use nayose::command_line::{self, Exit};
use nayose::logging;
use std::process::ExitCode;

/// Requests are many small values on many threads, which the system's allocator serves more slowly (benches/README.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    logging::quiet_panics();
    let environment = std::env::vars_os()
        .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
        .collect();
    // A panic is a defect of ours; the hook has already said where.
    std::panic::catch_unwind(|| command_line::run(std::env::args_os(), environment)).unwrap_or(Exit::Defect).into()
}
