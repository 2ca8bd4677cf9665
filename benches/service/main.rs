//! What the service can bear, as fractions of ceilings that are taken in the same run on the same machine.
//!
//! `cargo bench --bench service -- queries` compares ITI-45 and ITI-47 with a static echo of the same replies;
//! `cargo bench --bench service -- searches` compares ITI-47 by every kind of question that picks few people out of many
//! with an echo of such a reply (`--kind TEXT`: those whose name holds it), over a store where half of the people have a
//! mother's maiden name;
//! `cargo bench --bench service -- feeds` compares ITI-44 with bare group commits of the same rows;
//! `cargo bench --bench service -- crowd` compares normal requests with and without `--silent N` connections that say
//! nothing and `--slow N` that say a byte a second;
//! `cargo bench --bench service -- start` times a process from its start to its first ready answer, after it was
//! stopped and after it was killed amid feeds;
//! `cargo bench --bench service -- decisions` times the matcher's decision about one record against the store, in this
//! process and without writing. Options:
//! `--records N` (what the store holds first), `--rounds N`, `--seconds N` (of a query round), `--feeds N` (of a
//! feed round), `--folder DIR` (on the disk to be measured), `--keep` (the store, for the next run), `--alone` (no
//! ceiling: for a profiler), `--in-place` (feeds go into the store itself, which then holds more, and there is no
//! ceiling: for stores of which no copy can be made). It must never be run to prove that something is
//! right: it asserts only that what it times was answered, not that the answers are good.

#![expect(clippy::unwrap_used, reason = "a measurement that cannot be made ends with the reason")]
#![expect(clippy::print_stdout, reason = "the figures are the output")]

mod ceiling;
mod client;
mod crowd;
mod decisions;
mod echo;
mod figures;
mod questions;
mod scene;
mod searches;

use ceiling::Order;
use client::Load;
use figures::{Figures, median};
use scene::Scene;

/// As the binary has it; the echo has it too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

struct Options {
    what: String,
    records: usize,
    rounds: usize,
    seconds: u64,
    feeds: usize,
    clients: usize,
    folder: std::path::PathBuf,
    keep: bool,
    alone: bool,
    in_place: bool,
    crowd: (usize, usize),
    kind: Option<String>,
}

fn options() -> Options {
    let given: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let number = |name: &str, default: usize| {
        let at = given.iter().position(|word| word == name);
        at.and_then(|at| given.get(at + 1)).map_or(default, |text| text.parse().unwrap())
    };
    let text = |name: &str| given.iter().position(|word| word == name).and_then(|at| given.get(at + 1));
    Options {
        what: given.first().filter(|word| !word.starts_with("--")).cloned().unwrap_or_else(|| "all".to_owned()),
        records: number("--records", 20_000),
        rounds: number("--rounds", 5),
        seconds: u64::try_from(number("--seconds", 3)).unwrap(),
        feeds: number("--feeds", 10_000),
        clients: number("--clients", 16),
        folder: text("--folder").map_or_else(|| std::path::PathBuf::from("target/bench"), std::path::PathBuf::from),
        alone: given.iter().any(|word| word == "--alone"),
        in_place: given.iter().any(|word| word == "--in-place"),
        keep: given.iter().any(|word| word == "--keep"),
        crowd: (number("--silent", 10_000), number("--slow", 1_000)),
        kind: text("--kind").cloned(),
    }
}

fn main() {
    let options = options();
    std::fs::create_dir_all(&options.folder).unwrap();
    let scene = Scene::prepare(&options.folder, options.records, options.what == "searches");
    println!("{} records, {} persons in the store, SQLite, {}", scene.records, scene.persons, scene.described);
    if matches!(options.what.as_str(), "all" | "queries") {
        queries(&scene, &options);
    }
    if options.what == "searches" {
        let time = std::time::Duration::from_secs(options.seconds);
        let (rounds, clients, alone) = (options.rounds, options.clients, options.alone);
        searches::measure(&scene, &searches::Plan { rounds, time, clients, alone, only: options.kind.as_deref() });
    }
    if matches!(options.what.as_str(), "all" | "feeds") {
        if options.in_place { feeds_in_place(&scene, &options) } else { feeds(&scene, &options) }
    }
    if matches!(options.what.as_str(), "all" | "start") {
        start(&scene, &options);
    }
    if matches!(options.what.as_str(), "all" | "decisions") {
        decisions::measure(&scene, options.feeds);
    }
    if matches!(options.what.as_str(), "all" | "crowd") {
        crowd::measure(&scene, options.rounds, std::time::Duration::from_secs(options.seconds), options.crowd);
    }
    if !options.keep {
        scene.remove();
    }
}

/// Rounds of the echo and of the real thing take turns, so that a busy machine is busy for both.
fn queries(scene: &Scene, options: &Options) {
    let server = scene.serve();
    let seconds = std::time::Duration::from_secs(options.seconds);
    for (name, path, bodies) in
        [("ITI-45", "pix", scene.pix_queries(2_000)), ("ITI-47", "pdq", scene.pdq_queries(2_000))]
    {
        let load = Load { path, bodies: &bodies, clients: options.clients, proof: &["<queryResponseCode code="] };
        let reply = load.one(server.address);
        let echo = echo::start(reply.clone());
        let (mut ours, mut ceiling) = (Vec::new(), Vec::new());
        // What is read for the first time is read from the disk: one round that does not count.
        load.for_some_time(server.address, seconds);
        for _ in 0..options.rounds {
            if options.alone {
                ours.push(load.for_some_time(server.address, seconds));
                continue;
            }
            ceiling.push(load.for_some_time(echo.address, seconds));
            ours.push(load.for_some_time(server.address, seconds));
        }
        println!(
            "{name}: {} clients, reply of {} bytes, {} rounds of {} s",
            options.clients,
            reply.len(),
            options.rounds,
            options.seconds
        );
        compare("static echo", &ceiling, "nayose", &ours);
        echo.stop();
    }
    server.stop();
}

fn compare(of: &str, ceiling: &[Figures], name: &str, ours: &[Figures]) {
    for (who, figures) in [(of, ceiling), (name, ours)] {
        println!(
            "  {who:<12} {:>8.0} requests/s, p50 {:>6.2} ms, p99 {:>6.2} ms, {:>5.0} us of processor each (medians of rounds)",
            median(figures.iter().map(Figures::rate)),
            median(figures.iter().map(|f| f.percentile(0.50))),
            median(figures.iter().map(|f| f.percentile(0.99))),
            median(figures.iter().map(Figures::cost)),
        );
    }
    let ratios = |of: fn(&Figures, &Figures) -> f64| ours.iter().zip(ceiling).map(move |(a, b)| of(a, b));
    println!(
        "  fraction of the ceiling: rate {:.3}, p99 {:.3}, processor time {:.3}",
        median(ratios(|a, b| a.rate() / b.rate())),
        median(ratios(|a, b| b.percentile(0.99) / a.percentile(0.99))),
        median(ratios(|a, b| b.cost() / a.cost())),
    );
}

fn feeds(scene: &Scene, options: &Options) {
    let (mut many, mut all, mut one) = (Vec::new(), Vec::new(), Vec::new());
    let (mut bare, mut sorted) = (Vec::new(), Vec::new());
    for round in 0..options.rounds {
        let copy = scene.copy();
        let server = copy.serve();
        let bodies = scene.feeds(options.feeds, round);
        let accepted = &["<typeCode code=\"CA\""];
        let load = Load { path: "pix", bodies: &bodies, clients: 64, proof: accepted };
        let came = load.each_once(server.address);
        // What records are filed under is put into its tables when the server stops, and is paid for here.
        let (begun, before) = (std::time::Instant::now(), figures::computed());
        server.stop();
        all.push(came.and(begun.elapsed(), figures::computed() - before));
        many.push(came);
        if !options.alone {
            let stores = (scene.path.as_path(), copy.path.as_path(), options.folder.as_path());
            bare.push(ceiling::group_commits(stores, (options.feeds, 64), Order::Messages));
            sorted.push(ceiling::group_commits(stores, (options.feeds, 64), Order::Keys));
        }
        let server = copy.serve();
        let bodies = scene.feeds(options.feeds / 10, options.rounds + round);
        one.push(Load { path: "pix", bodies: &bodies, clients: 1, proof: accepted }.each_once(server.address));
        server.stop();
        copy.remove();
    }
    println!("ITI-44: {} feeds by 64 clients into a copy of the store, {} rounds", options.feeds, options.rounds);
    let costs = |all: &[Figures]| median(all.iter().map(Figures::cost));
    let rates = |all: &[Figures]| median(all.iter().map(Figures::rate));
    for (order, bare) in [("messages", &bare), ("keys", &sorted)] {
        println!(
            "  bare group commits of the same rows, 64 messages each, in order of {order} {:>8.0} messages/s, {:.0} us of processor each",
            rates(bare),
            costs(bare)
        );
    }
    println!(
        "  nayose, 64 clients {:>8.0} feeds/s, {:.0} us of processor each, p99 {:.1} ms",
        rates(&many),
        costs(&many),
        median(many.iter().map(|f| f.percentile(0.99)))
    );
    println!(
        "  nayose, 64 clients {:>8.0} feeds/s with the stop after them, {:.0} us of processor each",
        rates(&all),
        costs(&all)
    );
    println!(
        "  nayose, one client {:>8.0} feeds/s, p99 {:.1} ms",
        rates(&one),
        median(one.iter().map(|f| f.percentile(0.99)))
    );
    let pairs =
        |a: &[Figures], b: &[Figures]| median(a.iter().zip(b).map(|(a, b)| a.rate() / b.rate()).collect::<Vec<_>>());
    println!(
        "  with the stop {:.3} of the ceiling ({:.3} of that in order of keys); 64 clients are {:.1} times one",
        pairs(&all, &bare),
        pairs(&all, &sorted),
        pairs(&many, &one)
    );
}

fn feeds_in_place(scene: &Scene, options: &Options) {
    let server = scene.serve();
    let (mut many, mut one) = (Vec::new(), Vec::new());
    for round in 0..options.rounds {
        let send = |clients: usize, count: usize, round: usize| {
            let bodies = scene.feeds(count, round);
            Load { path: "pix", bodies: &bodies, clients, proof: &["<typeCode code=\"CA\""] }.each_once(server.address)
        };
        many.push(send(64, options.feeds, round));
        let last = many.iter().map(Figures::rate).next_back().unwrap_or_default();
        println!("  round {round}: {last:.0} feeds/s");
        one.push(send(1, options.feeds / 10, options.rounds + round));
    }
    server.stop();
    for (clients, all) in [(64, &many), (1, &one)] {
        println!(
            "ITI-44, {clients} clients: {:>6.0} feeds/s, {:.0} us of processor each, p50 {:.1} ms, p99 {:.1} ms \
             (medians of {} rounds)",
            median(all.iter().map(Figures::rate)),
            median(all.iter().map(Figures::cost)),
            median(all.iter().map(|f| f.percentile(0.50))),
            median(all.iter().map(|f| f.percentile(0.99))),
            all.len()
        );
    }
}

/// From the start of the process to its first ready answer.
fn start(scene: &Scene, options: &Options) {
    let (mut stopped, mut killed) = (Vec::new(), Vec::new());
    for round in 0..options.rounds {
        let mut process = crowd::Process::start(scene);
        stopped.push(process.ready_after.as_secs_f64());
        let bodies = scene.feeds(options.feeds, 100 + round);
        let load = Load { path: "pix", bodies: &bodies, clients: 64, proof: &["<typeCode code=\"CA\""] };
        load.each_once(process.http);
        process.kill();
        let mut process = crowd::Process::start(scene);
        killed.push(process.ready_after.as_secs_f64());
        process.stop();
    }
    for (after, all) in [("a stop", stopped), ("a kill after feeds", killed)] {
        let slowest = all.iter().copied().fold(0.0, f64::max);
        println!("from start to ready after {after}: median {:.3} s, slowest {slowest:.3} s", median(all.into_iter()));
    }
}
