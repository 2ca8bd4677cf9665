//! A crowd at the door: connections that say nothing, and connections that say one byte a second.
//!
//! The server is a process of its own with its usual limits. The crowd comes from several addresses of this machine,
//! as it would from a network: one address alone is not let in so often.

use crate::client::Load;
use crate::figures::{Figures, median};
use crate::scene::Scene;
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Addresses that the crowd comes from.
const ADDRESSES: u8 = 8;
/// Normal clients, from an address of their own.
const CLIENTS: usize = 4;

/// The process under measurement; killed when dropped.
pub struct Process {
    child: Child,
    pub http: SocketAddr,
    admin: SocketAddr,
    /// From its start to its first ready answer.
    pub ready_after: Duration,
}

impl Process {
    pub fn start(scene: &Scene) -> Self {
        let beside = |name: &str| scene.path.with_file_name(name);
        let (config, addresses) = (beside("crowd.toml"), beside("crowd.addresses"));
        let text = format!(
            "[server]\nhttp = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\nlog_level = \"warn\"\n[store]\nurl = \"sqlite:{}\"\n\
             [network]\nregional = {{ oid = \"2.999.1\", namespace = \"HOSHIMI\" }}\ndevice = \"2.999.1.0\"\n",
            scene.path.display()
        );
        std::fs::write(&config, text).unwrap();
        let _ = std::fs::remove_file(&addresses);
        let begun = Instant::now();
        let mut command = Command::new(env!("CARGO_BIN_EXE_nayose"));
        command.args(["serve", "--config"]).arg(&config).arg("--address-file").arg(&addresses);
        let mut child = command.stdin(Stdio::null()).spawn().unwrap();
        while !addresses.exists() {
            assert!(child.try_wait().unwrap().is_none(), "the server ended at once");
            std::thread::sleep(Duration::from_millis(1));
        }
        let lines = std::fs::read_to_string(&addresses).unwrap();
        let of = |name: &str| lines.lines().find_map(|line| line.strip_prefix(name)).unwrap().parse().unwrap();
        while !is_ready(of("http=")) {
            std::thread::sleep(Duration::from_millis(1));
        }
        let ready_after = begun.elapsed();
        Self { child, http: of("http="), admin: of("admin="), ready_after }
    }

    /// Resident memory in MiB: all of it, and that which is no page of the store's file.
    fn memory(&self) -> (u64, u64) {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let of = |name: &str| -> u64 {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
        };
        (of("VmRSS:"), of("RssAnon:"))
    }

    /// What the server says of its connections.
    fn connections(&self) -> u64 {
        let mut stream = TcpStream::connect(self.admin).unwrap();
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut text = String::new();
        let _ = stream.read_to_string(&mut text);
        text.lines().find_map(|line| line.strip_prefix("nayose_connections ")).unwrap().parse().unwrap()
    }
}

impl Process {
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// As an operator stops it.
    pub fn stop(&mut self) {
        let _ = Command::new("sh").args(["-c", "kill -TERM \"$0\"", &self.child.id().to_string()]).status();
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

fn is_ready(http: SocketAddr) -> bool {
    let Ok(mut stream) = TcpStream::connect(http) else { return false };
    let mut text = String::new();
    stream.write_all(b"GET /ready HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").is_ok()
        && stream.read_to_string(&mut text).is_ok()
        && text.starts_with("HTTP/1.1 200")
}

/// A connection from one of the crowd's addresses.
fn connect(to: SocketAddr, number: usize) -> std::io::Result<TcpStream> {
    let from = Ipv4Addr::new(127, 0, 1, 1 + u8::try_from(number % usize::from(ADDRESSES)).unwrap());
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
    socket.bind(&SocketAddr::from((IpAddr::V4(from), 0)).into())?;
    socket.connect(&to.into())?;
    Ok(socket.into())
}

/// Asks for its health once, and is silent from then on.
fn idle(to: SocketAddr, number: usize) -> std::io::Result<TcpStream> {
    let mut stream = connect(to, number)?;
    stream.write_all(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut answer = [0; 512];
    if stream.read(&mut answer)? == 0 {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    stream.set_nonblocking(true)?;
    Ok(stream)
}

/// Whether the other side has closed it.
fn is_closed(stream: &TcpStream) -> bool {
    !matches!(stream.peek(&mut [0]), Err(error) if error.kind() == ErrorKind::WouldBlock)
}

/// One that says a byte a second: of a head, or of a body.
fn slow(to: SocketAddr, number: usize) -> std::io::Result<TcpStream> {
    let mut stream = connect(to, number)?;
    if number.is_multiple_of(2) {
        stream.write_all(
            b"POST /pix HTTP/1.1\r\nHost: x\r\nContent-Type: application/soap+xml\r\nContent-Length: 100000\r\n\r\n",
        )?;
    }
    stream.set_nonblocking(true)?;
    Ok(stream)
}

/// What became of the crowd.
#[derive(Default)]
struct Counted {
    open: AtomicUsize,
    idle_closed: AtomicUsize,
    slow_closed: AtomicUsize,
    stop: AtomicBool,
}

/// Keeps the silent ones there: who is sent away comes back.
fn keep_idle(to: SocketAddr, count: usize, counted: &Counted) {
    let mut all: Vec<Option<TcpStream>> = (0..count).map(|number| idle(to, number).ok()).collect();
    counted.open.store(all.iter().flatten().count(), Ordering::Relaxed);
    while !counted.stop.load(Ordering::Relaxed) {
        for (number, one) in all.iter_mut().enumerate() {
            if one.as_ref().is_none_or(is_closed) {
                counted.idle_closed.fetch_add(1, Ordering::Relaxed);
                *one = idle(to, number).ok();
            }
        }
        std::thread::sleep(Duration::from_millis(500));
    }
}

/// Says a byte a second on each; who is sent away comes back.
fn keep_slow(to: SocketAddr, count: usize, counted: &Counted) {
    let mut all: Vec<Option<TcpStream>> = (0..count).map(|number| slow(to, number).ok()).collect();
    while !counted.stop.load(Ordering::Relaxed) {
        let second = Instant::now();
        for (number, one) in all.iter_mut().enumerate() {
            let gone = one.as_mut().is_none_or(|stream| is_closed(stream) || stream.write_all(b"a").is_err());
            if gone {
                counted.slow_closed.fetch_add(1, Ordering::Relaxed);
                *one = slow(to, number).ok();
            }
        }
        std::thread::sleep(Duration::from_secs(1).saturating_sub(second.elapsed()));
    }
}

/// The rounds of a normal load.
fn rounds(scene_load: &Load<'_>, to: SocketAddr, count: usize, time: Duration) -> Vec<Figures> {
    (0..count).map(|_| scene_load.for_some_time(to, time)).collect()
}

fn say(name: &str, rounds: &[Figures]) -> f64 {
    let p99 = median(rounds.iter().map(|f| f.percentile(0.99)));
    println!(
        "  {name:<22} {:>7.0} requests/s, p50 {:>6.2} ms, p99 {p99:>6.2} ms (medians of {} rounds)",
        median(rounds.iter().map(Figures::rate)),
        median(rounds.iter().map(|f| f.percentile(0.50))),
        rounds.len()
    );
    p99
}

/// Measures normal requests without the crowd, with it, and without it again.
pub fn measure(scene: &Scene, count: usize, time: Duration, (silent, byte_a_second): (usize, usize)) {
    let process = Process::start(scene);
    println!("from start to ready: {:.3} s", process.ready_after.as_secs_f64());
    let bodies = scene.pix_queries(2_000);
    let load = Load { path: "pix", bodies: &bodies, clients: CLIENTS, proof: &["<queryResponseCode code="] };
    load.for_some_time(process.http, time);
    let mut alone = rounds(&load, process.http, count, time);
    let before = process.memory();
    let counted = Counted::default();
    let (crowded, memory, connections) = std::thread::scope(|scope| {
        scope.spawn(|| keep_idle(process.http, silent, &counted));
        scope.spawn(|| keep_slow(process.http, byte_a_second, &counted));
        let begun = Instant::now();
        while counted.open.load(Ordering::Relaxed) == 0 && begun.elapsed() < Duration::from_secs(60) {
            std::thread::sleep(Duration::from_millis(100));
        }
        println!("{silent} silent connections were made in {:.1} s", begun.elapsed().as_secs_f64());
        let crowded = rounds(&load, process.http, count, time);
        let seen = (crowded, process.memory(), process.connections());
        counted.stop.store(true, Ordering::Relaxed);
        seen
    });
    alone.extend(rounds(&load, process.http, count, time));
    let of = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
    println!("ITI-45, {CLIENTS} clients; {silent} silent connections, {byte_a_second} that say a byte a second");
    println!(
        "  {} silent were let in; {connections} connections in the server at the end; sent away meanwhile: {} silent, \
         {} slow",
        of(&counted.open),
        of(&counted.idle_closed),
        of(&counted.slow_closed)
    );
    let (quiet, loud) = (say("without the crowd", &alone), say("with it", &crowded));
    println!("  p99 with / without {:.2}", loud / quiet);
    println!(
        "  resident memory {} MiB before, {} MiB with the crowd; of that no page of a file {} and {} MiB",
        before.0, memory.0, before.1, memory.1
    );
}
