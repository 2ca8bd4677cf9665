//! A load of many clients on kept connections over plain sockets: as little client as possible, since it
//! shares the machine with what it measures.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// What a run saw.
pub struct Figures {
    pub per_second: f64,
    pub p50: Duration,
    pub p99: Duration,
}

/// Plays `requests` bodies, drawn by number, from `clients` connections; every answer must contain `expect`.
pub fn play(address: SocketAddr, path: &str, clients: usize, requests: usize, expect: &str, body: &(dyn Fn(usize) -> String + Sync)) -> Figures {
    let next = AtomicUsize::new(0);
    let started = Instant::now();
    let mut taken: Vec<Duration> = std::thread::scope(|scope| {
        let handles: Vec<_> = (0..clients)
            .map(|_| {
                scope.spawn(|| {
                    let mut connection = Connection::open(address);
                    let mut taken = Vec::new();
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= requests {
                            return taken;
                        }
                        let body = body(number);
                        let asked = Instant::now();
                        let answer = connection.post(path, &body);
                        taken.push(asked.elapsed());
                        assert!(answer.contains(expect), "request {number} was not answered as expected: {answer}");
                    }
                })
            })
            .collect();
        handles.into_iter().flat_map(|handle| handle.join().expect("a client panicked")).collect()
    });
    let elapsed = started.elapsed();
    taken.sort_unstable();
    let at = |share: f64| taken[((taken.len() - 1) as f64 * share) as usize];
    Figures { per_second: requests as f64 / elapsed.as_secs_f64(), p50: at(0.5), p99: at(0.99) }
}

/// One kept connection.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("the server takes connections");
        stream.set_nodelay(true).expect("a socket option");
        Self { stream, buffer: Vec::with_capacity(16 << 10) }
    }

    /// Posts `body` and returns the whole answer, headers included.
    pub fn post(&mut self, path: &str, body: &str) -> String {
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/soap+xml; charset=UTF-8\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.stream.write_all(request.as_bytes()).expect("the request is sent");
        self.buffer.clear();
        let mut piece = [0_u8; 16 << 10];
        loop {
            let read = self.stream.read(&mut piece).expect("the answer is read");
            assert!(read > 0, "the server closed the connection");
            self.buffer.extend_from_slice(&piece[..read]);
            if let Some(head) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                let text = String::from_utf8_lossy(&self.buffer[..head]).to_ascii_lowercase();
                let length = text.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
                let length: usize = length.and_then(|text| text.trim().parse().ok()).expect("the answer has a length");
                if self.buffer.len() >= head + 4 + length {
                    return String::from_utf8_lossy(&self.buffer).into_owned();
                }
            }
        }
    }
}
