//! `demo`: a synthetic region, served on loopback.
//!
//! It is open to every caller, so it must never be reached from beyond this machine.

use super::{Demo, Exit, Logging, complain};
use crate::config::LogFormat;

pub(super) fn run(demo: &Demo, logging: Logging) -> Exit {
    if !demo.http.ip().is_loopback() {
        complain(&format!(
            "demo: {} can be reached from beyond this machine, and the demo is open to every caller; \
             give a loopback address, such as 127.0.0.1:8080\n",
            demo.http
        ));
        return Exit::Usage;
    }
    logging.start(LogFormat::Text, log::LevelFilter::Warn);
    start(demo)
}

/// Builds the region and serves it until interrupted.
fn start(_demo: &Demo) -> Exit {
    complain("demo: the demo's region is not part of this build\n");
    Exit::Unavailable
}
