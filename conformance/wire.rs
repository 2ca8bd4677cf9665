//! A bare HTTP listener over our own SOAP layer, with a place to spoil what comes in and goes out.
//!
//! The product's listener cannot be made to err; this one can. It serves tests alone.

use nayose::clock::Clock;
use nayose::transactions::{Endpoint, Peer, Service};
use nayose::transport::Settings;
use nayose::transport::soap::{HttpAnswer, Request, exchange};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What a planted bug does: with the request as it came, and with the service that answers it properly.
pub type Bug = fn(&str, &dyn Fn(&str) -> HttpAnswer, &Mutex<Vec<[String; 2]>>) -> HttpAnswer;

/// Serves `service` as long as the process lives; the path `/3/pix` is answered by way of `bugs[3]`.
pub fn serve(service: Service, bugs: Vec<Bug>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let (service, bugs) = (Arc::new(service), Arc::new(bugs));
    let memory = Arc::new(Mutex::new(Vec::new()));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (service, bugs, memory) = (service.clone(), bugs.clone(), memory.clone());
            // A client that breaks off is not this server's trouble.
            std::thread::spawn(move || answer(stream, &service, &bugs, &memory).unwrap_or_default());
        }
    });
    address
}

fn answer(stream: TcpStream, service: &Service, bugs: &[Bug], memory: &Mutex<Vec<[String; 2]>>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let (mut path, mut length, mut media_type) = (String::new(), 0, None);
    for (number, line) in (&mut reader).lines().enumerate() {
        let line = line?;
        match line.split_once(':') {
            _ if number == 0 => path = line.split(' ').nth(1).unwrap_or_default().to_owned(),
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse().unwrap_or(0);
            }
            Some((name, value)) if name.eq_ignore_ascii_case("content-type") => {
                media_type = Some(value.trim().to_owned());
            }
            None if line.is_empty() => break,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let (number, endpoint) = path.trim_start_matches('/').split_once('/').unwrap_or_default();
    let endpoint = if endpoint == "pdq" { Endpoint::Pdq } else { Endpoint::Pix };
    let (rules, clock) = (Settings::default().rules(), Clock::system());
    let properly = |body: &str| {
        let peer = Peer::default();
        let request = Request { body: body.as_bytes(), content_type: media_type.as_deref(), endpoint, peer: &peer };
        exchange(&request, service, &rules, &|| clock.uuid().to_string()).expect("a store that knows what it did")
    };
    let bug = number.parse::<usize>().ok().and_then(|number| bugs.get(number)).expect("a path of a bug");
    let answer = bug(&String::from_utf8_lossy(&body), &properly, memory);
    let headers: String = answer.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let (status, media_type, length) = (answer.status, answer.content_type, answer.body.len());
    let head = format!(
        "HTTP/1.1 {status} x\r\ncontent-type: {media_type}\r\ncontent-length: {length}\r\nconnection: close\r\n"
    );
    write!(reader.get_mut(), "{head}{headers}\r\n{}", answer.body)
}
