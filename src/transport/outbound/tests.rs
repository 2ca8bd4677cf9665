//! Calls over real sockets: to listeners of our own, and to peers that do not answer.

use super::*;
use crate::transport::fake::{Does, Fake};
use crate::transport::{Settings, TlsListener, spawn};
use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;

const ACTION: &str = "urn:hl7-org:v3:PRPA_IN201301UV02";
const PAYLOAD: &str = "<PRPA_IN201301UV02 xmlns=\"urn:hl7-org:v3\">山田</PRPA_IN201301UV02>";

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/transport/fixtures").join(name)
}

fn quick(url: &str) -> CallSettings {
    CallSettings { deadline: Duration::from_millis(600), ..CallSettings::new(url) }
}

fn call(settings: &CallSettings) -> Result<String, Unanswered> {
    let caller = Caller::new(settings).unwrap();
    caller.call(ACTION, PAYLOAD, "11111111-2222-4333-8444-555555555555").map(|payload| payload.text())
}

#[test]
fn a_listener_of_ours_understands_our_calls() {
    let settings =
        Settings { http: Some("127.0.0.1:0".to_owned()), admin: None, lenient: false, ..Settings::default() };
    let running = spawn(settings, Arc::new(Fake::new(Does::Replies))).unwrap();
    let url = format!("http://{}/pix", running.address("http").unwrap());
    let caller = Caller::new(&CallSettings::new(&url)).unwrap();
    for _ in 0..3 {
        let answered = caller.call(ACTION, PAYLOAD, "11111111-2222-4333-8444-555555555555").unwrap();
        assert_eq!((&*answered.name.local, answered.text().as_str()), ("MCCI_IN000002UV01", "山田"));
    }
    let elsewhere = format!("http://{}/nowhere", running.address("http").unwrap());
    assert_eq!(call(&quick(&elsewhere)), Err(Unanswered::Unreachable("nothing is served at its address (404 or 410)")));
    running.stop().unwrap();
    assert_eq!(call(&quick(&url)), Err(Unanswered::Unreachable("the connection was refused")));
}

#[test]
fn with_tls_both_ends_know_each_other() {
    let print = "AB".repeat(32);
    let listener = |client_ca: bool| TlsListener {
        address: "127.0.0.1:0".to_owned(),
        certificate: fixture("server.pem"),
        key: fixture("server.key"),
        client_ca: client_ca.then(|| fixture("authority.pem")),
        systems: HashMap::from([(print.clone(), "other".to_owned())]),
    };
    let start = |client_ca| {
        let settings = Settings { http: None, admin: None, https: Some(listener(client_ca)), ..Settings::default() };
        let running = spawn(settings, Arc::new(Fake::new(Does::Replies))).unwrap();
        let port = running.address("https").unwrap().port();
        (running, port)
    };
    let certified = |url: String| CallSettings {
        authorities: Some(fixture("authority.pem")),
        certificate: Some((fixture("client.pem"), fixture("client.key"))),
        ..CallSettings::new(&url)
    };
    let (running, port) = start(true);
    let settings = certified(format!("https://localhost:{port}/pix"));
    assert_eq!(call(&settings).as_deref(), Ok("山田"));
    let bare = CallSettings { certificate: None, ..settings.clone() };
    assert!(matches!(call(&bare), Err(Unanswered::Unreachable(_))), "a certificate is required there");
    let distrustful = CallSettings { authorities: Some(fixture("client.pem")), ..settings };
    assert_eq!(call(&distrustful), Err(Unanswered::Unreachable("its certificate is of no authority that is trusted")));
    running.stop().unwrap();
    let (running, port) = start(false);
    let other = certified(format!("https://127.0.0.1:{port}/pix"));
    assert_eq!(call(&other), Err(Unanswered::Unreachable("its certificate is not that of its address")));
    running.stop().unwrap();
}

/// A peer that does `with` each connection.
fn peer(with: impl Fn(std::net::TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || listener.incoming().flatten().for_each(with));
    format!("http://{address}/x")
}

#[test]
fn who_does_not_answer_in_time_or_too_much_is_given_up() {
    let (held, holding) = (std::sync::Mutex::new(Vec::new()), "no answer in time");
    let silent = peer(move |stream| held.lock().unwrap().push(stream));
    assert_eq!(call(&quick(&silent)), Err(Unanswered::Unreachable(holding)));
    let abrupt = peer(drop);
    assert_eq!(call(&quick(&abrupt)), Err(Unanswered::Unreachable("the connection broke")));
    let endless = peer(|mut stream| {
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n");
        while stream.write_all(&[b' '; 65_536]).is_ok() {}
    });
    let patient = CallSettings { deadline: Duration::from_secs(20), ..quick(&endless) };
    assert_eq!(call(&patient), Err(Unanswered::Unreachable("the answer is too large")));
    assert_eq!(call(&quick("http://no-such-host.invalid/")), Err(Unanswered::Unreachable("its name is not known")));
}

#[test]
fn a_redirection_is_not_followed() {
    let (told, asked) = std::sync::mpsc::channel();
    let elsewhere = peer(move |_| told.send(()).unwrap_or_default());
    let moved = peer(move |mut stream| {
        let _ = stream.read(&mut [0; 4096]);
        let head = format!("HTTP/1.1 307 Moved\r\nLocation: {elsewhere}\r\nContent-Length: 0\r\n\r\n");
        let _ = stream.write_all(head.as_bytes());
    });
    assert_eq!(call(&quick(&moved)), Err(Unanswered::Unreachable("a redirection, which is not followed")));
    assert!(asked.try_recv().is_err(), "a message about a patient went where nobody has configured");
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let check = |spoil: &dyn Fn(&mut CallSettings), expect: &str| {
        let mut settings = CallSettings {
            authorities: Some(fixture("authority.pem")),
            certificate: Some((fixture("client.pem"), fixture("client.key"))),
            ..CallSettings::new("https://localhost/")
        };
        spoil(&mut settings);
        let why = Caller::new(&settings).err().unwrap();
        assert!(why.contains(expect), "{why}");
    };
    check(&|settings| settings.authorities = Some(fixture("client.key")), "client.key holds no certificate");
    check(&|settings| settings.authorities = Some(fixture("none.pem")), "none.pem: ");
    check(
        &|settings| settings.certificate = Some((fixture("client.pem"), fixture("client.pem"))),
        "client.pem holds no private key",
    );
    check(
        &|settings| settings.certificate = Some((fixture("client.key"), fixture("client.key"))),
        "client.key holds no certificate",
    );
    // What needs none does not read them.
    let plain = CallSettings { authorities: Some(fixture("none.pem")), ..CallSettings::new("http://localhost/") };
    assert!(Caller::new(&plain).is_ok());
}
