//! ITI-47 by every kind of question that picks few people out of many, each against an echo of a reply of its own.

use crate::client::Load;
use crate::echo;
use crate::figures::{Figures, median};
use crate::questions::{self, Kind};
use crate::scene::{Scene, Server};
use std::time::Duration;

/// So many questions of a kind are asked.
const QUESTIONS: usize = 2_000;
/// So many are asked to learn how large a reply is.
const PROBES: usize = 40;

/// What is measured, and how.
pub struct Plan<'a> {
    pub rounds: usize,
    pub time: Duration,
    pub clients: usize,
    /// No ceiling.
    pub alone: bool,
    /// Kinds whose name holds this alone.
    pub only: Option<&'a str>,
}

/// Each kind in turn; of each, rounds of the echo and of the real thing take turns.
pub fn measure(scene: &Scene, plan: &Plan<'_>) {
    let kinds = questions::all(scene, QUESTIONS);
    let server = scene.serve();
    println!("ITI-47, {} clients, {} rounds of {} s", plan.clients, plan.rounds, plan.time.as_secs());
    println!(
        "  (people of a reply; its bytes; requests/s; p50, p99 in ms; us of processor each; fraction of the echo by rate, by processor)"
    );
    for kind in kinds.iter().filter(|kind| plan.only.is_none_or(|only| kind.name.contains(only))) {
        one(&server, kind, plan);
    }
    server.stop();
}

fn one(server: &Server, kind: &Kind, plan: &Plan<'_>) {
    assert!(!kind.bodies.is_empty(), "{}: nothing to ask", kind.name);
    let load = Load { path: "pdq", bodies: &kind.bodies, clients: plan.clients, proof: &["<queryResponseCode code="] };
    let mut replies = load.some(server.address, PROBES);
    let told: usize = replies.iter().map(|reply| people(reply)).sum();
    let refused = replies.iter().filter(|reply| !holds(reply, b"<queryResponseCode code=\"OK\"")).count();
    let mean = replies.iter().map(Vec::len).sum::<usize>() / replies.len().max(1);
    replies.sort_by_key(|reply| reply.len().abs_diff(mean));
    let echo = echo::start(replies.swap_remove(0));
    // What is read for the first time is read from the disk: one round that does not count.
    load.for_some_time(server.address, plan.time);
    let (mut ours, mut ceiling) = (Vec::new(), Vec::new());
    for _ in 0..plan.rounds {
        if !plan.alone {
            ceiling.push(load.for_some_time(echo.address, plan.time));
        }
        ours.push(load.for_some_time(server.address, plan.time));
    }
    echo.stop();
    let of = |value: fn(&Figures) -> f64| median(ours.iter().map(value));
    let part = |value: fn(&Figures, &Figures) -> f64| median(ours.iter().zip(&ceiling).map(|(a, b)| value(a, b)));
    println!(
        "  {:<36} {:>5.1} {:>7} {:>7.0} {:>6.2} {:>6.2} {:>6.0} {:>6.3} {:>6.3}{}",
        kind.name,
        share(told, replies.len() + 1),
        mean,
        of(Figures::rate),
        of(|f| f.percentile(0.50)),
        of(|f| f.percentile(0.99)),
        of(Figures::cost),
        part(|a, b| a.rate() / b.rate()),
        part(|a, b| b.cost() / a.cost()),
        if refused == 0 { String::new() } else { format!("  ({refused} of {} found nobody)", replies.len() + 1) },
    );
}

fn share(of: usize, among: usize) -> f64 {
    f64::from(u32::try_from(of).unwrap()) / f64::from(u32::try_from(among).unwrap())
}

fn people(reply: &[u8]) -> usize {
    reply.windows(16).filter(|window| window == b"<subject typeCod").count()
}

fn holds(reply: &[u8], what: &[u8]) -> bool {
    reply.windows(what.len()).any(|window| window == what)
}
