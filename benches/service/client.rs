//! Clients that keep their connection and send the next request when the last one is answered.

use crate::figures::{Figures, computed};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Requests and how they are sent.
pub struct Load<'a> {
    pub path: &'static str,
    pub bodies: &'a [String],
    pub clients: usize,
    /// What each answer must hold.
    pub proof: &'a [&'a str],
}

impl Load<'_> {
    /// Sends the first request; gives the body of the answer.
    pub fn one(&self, to: SocketAddr) -> Vec<u8> {
        let mut connection = Connection::new(to);
        let answer = connection.exchange(self.path, self.bodies.first().unwrap());
        self.judge(&answer);
        answer
    }

    /// Sends the first `count` requests one after the other; gives the bodies of the answers.
    pub fn some(&self, to: SocketAddr, count: usize) -> Vec<Vec<u8>> {
        let mut connection = Connection::new(to);
        let answers: Vec<_> = self.bodies.iter().take(count).map(|body| connection.exchange(self.path, body)).collect();
        answers.iter().for_each(|answer| self.judge(answer));
        answers
    }

    /// Sends requests until the time is over; each client begins at another place of the list.
    pub fn for_some_time(&self, to: SocketAddr, time: Duration) -> Figures {
        let (next, begin) = (AtomicUsize::new(0), Instant::now());
        self.run(to, || (begin.elapsed() < time).then(|| next.fetch_add(1, Ordering::Relaxed) % self.bodies.len()))
    }

    /// Sends each request once.
    pub fn each_once(&self, to: SocketAddr) -> Figures {
        let next = AtomicUsize::new(0);
        self.run(to, || Some(next.fetch_add(1, Ordering::Relaxed)).filter(|at| *at < self.bodies.len()))
    }

    fn run(&self, to: SocketAddr, next: impl Fn() -> Option<usize> + Sync) -> Figures {
        let (begin, before) = (Instant::now(), computed());
        let latencies = std::thread::scope(|scope| {
            let client = || {
                let mut connection = Connection::new(to);
                let mut latencies = Vec::new();
                while let Some(body) = next().and_then(|at| self.bodies.get(at)) {
                    let sent = Instant::now();
                    let answer = connection.exchange(self.path, body);
                    latencies.push(sent.elapsed());
                    self.judge(&answer);
                }
                latencies
            };
            let threads: Vec<_> = (0..self.clients).map(|_| scope.spawn(client)).collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        Figures::new(latencies, begin.elapsed(), computed() - before)
    }

    fn judge(&self, answer: &[u8]) {
        for proof in self.proof {
            let found = std::str::from_utf8(answer).is_ok_and(|text| text.contains(proof));
            assert!(found, "an answer without {proof}: {}", String::from_utf8_lossy(answer));
        }
    }
}

struct Connection {
    stream: TcpStream,
    host: String,
    received: Vec<u8>,
}

impl Connection {
    fn new(to: SocketAddr) -> Self {
        let stream = TcpStream::connect(to).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, host: to.to_string(), received: Vec::new() }
    }

    fn exchange(&mut self, path: &str, body: &str) -> Vec<u8> {
        let request = format!(
            "POST /{path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/soap+xml; charset=UTF-8\r\nContent-Length: {}\r\n\r\n{body}",
            self.host,
            body.len()
        );
        self.stream.write_all(request.as_bytes()).unwrap();
        self.received.clear();
        let mut part = [0; 16 * 1024];
        loop {
            if let Some((from, length)) = self.head()
                && let Some(body) = self.received.get(from..from + length)
            {
                return body.to_vec();
            }
            let read = self.stream.read(&mut part).unwrap();
            assert!(read > 0, "the server closed the connection after {} bytes", self.received.len());
            self.received.extend_from_slice(part.get(..read).unwrap());
        }
    }

    /// Where the body begins and how long it is, once the head is there.
    fn head(&self) -> Option<(usize, usize)> {
        let mut lines = self.received.split_inclusive(|byte| *byte == b'\n');
        let (mut from, mut length) = (0, 0);
        loop {
            let line = lines.next()?;
            from += line.len();
            let text = std::str::from_utf8(line).unwrap().trim();
            if text.is_empty() && line.ends_with(b"\n") {
                return Some((from, length));
            }
            if text.starts_with("HTTP/") {
                assert!(text.starts_with("HTTP/1.1 200"), "not answered: {text}");
            } else if let Some((name, value)) = text.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().unwrap();
            }
        }
    }
}
