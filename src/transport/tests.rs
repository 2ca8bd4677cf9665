//! The listeners over real sockets.

mod brief;
mod limits;

use super::fake::{Does, Fake, HEADERS, PAYLOAD, envelope};
use super::*;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

fn settings() -> Settings {
    Settings {
        http: Some("127.0.0.1:0".to_owned()),
        admin: Some("127.0.0.1:0".to_owned()),
        workers: 1,
        body_deadline: Duration::from_millis(400),
        ..Settings::default()
    }
}

fn start(settings: Settings, does: Does) -> Running {
    spawn(settings, Arc::new(Fake::new(does))).unwrap()
}

/// A server that takes its time, and a word for each request that is in work.
fn start_slowly(settings: Settings) -> (Running, mpsc::Receiver<()>) {
    let (tell, told) = mpsc::channel();
    let mut fake = Fake::new(Does::RepliesAfter(Duration::from_millis(700)));
    fake.entered = Box::new(move || {
        // A test that has seen enough has stopped listening.
        let _ = tell.send(());
    });
    (spawn(settings, Arc::new(fake)).unwrap(), told)
}

fn await_work(told: &mpsc::Receiver<()>) {
    told.recv_timeout(Duration::from_secs(20)).expect("a request in work");
}

fn await_file(file: &Path) {
    let begun = Instant::now();
    while !file.exists() {
        assert!(begun.elapsed() < Duration::from_secs(20), "no file {}", file.display());
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream
}

/// Sends bytes and reads until the other side closes.
fn talk(address: SocketAddr, request: &str) -> String {
    let mut stream = connect(address);
    // A refusal may come before all was written.
    let _ = stream.write_all(request.as_bytes());
    rest(stream)
}

fn rest(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn post(path: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: mpi.example\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    )
}

fn soap_post(path: &str) -> String {
    post(path, "Content-Type: application/soap+xml; charset=UTF-8\r\n", &envelope(HEADERS, PAYLOAD))
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: mpi.example:81\r\nConnection: close\r\n\r\n")
}

fn header<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let head = answer.split("\r\n\r\n").next()?;
    let mut fields = head.lines().filter_map(|line| line.split_once(':'));
    fields.find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or("nothing")
}

#[test]
fn a_request_is_answered_and_counted() {
    let running = start(settings(), Does::Replies);
    let http = running.address("http").unwrap();
    let answer = talk(http, &soap_post("/pix"));
    assert_eq!(status(&answer), "200", "{answer}");
    assert_eq!(header(&answer, "content-type"), Some("application/soap+xml; charset=UTF-8"));
    assert!(answer.contains("<MCCI_IN000002UV01 xmlns=\"urn:hl7-org:v3\">山田</MCCI_IN000002UV01>"), "{answer}");
    assert_eq!(status(&talk(http, &soap_post("/pdq"))), "400");
    let metrics = talk(running.address("admin").unwrap(), &get("/metrics"));
    assert!(metrics.contains("nayose_requests_total{transaction=\"ITI-44\",outcome=\"answered\"} 1"), "{metrics}");
    assert!(metrics.contains("nayose_requests_total{transaction=\"none\",outcome=\"fault\"} 1"), "{metrics}");
    running.stop().unwrap();
}

/// Reads one answer of the service, the connection being kept.
fn one(stream: &mut TcpStream) -> String {
    let mut answer = String::new();
    let mut buffer = [0; 4096];
    while !answer.contains("</env:Envelope>") {
        let count = stream.read(&mut buffer).unwrap();
        assert_ne!(count, 0, "closed: {answer}");
        answer.push_str(&String::from_utf8_lossy(&buffer[..count]));
    }
    answer
}

#[test]
fn a_connection_serves_one_request_after_another() {
    let running = start(settings(), Does::Replies);
    let mut stream = connect(running.address("http").unwrap());
    let request = soap_post("/pix").replace("Connection: close\r\n", "");
    for _ in 0..3 {
        stream.write_all(request.as_bytes()).unwrap();
        let answer = one(&mut stream);
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        assert_ne!(header(&answer, "connection"), Some("close"));
    }
    drop(stream);
    running.stop().unwrap();
}

#[test]
fn an_offer_to_upgrade_is_answered_as_http_1_1_and_the_end_is_announced() {
    let running = start(settings(), Does::Replies);
    let offer = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n";
    let request = soap_post("/pix").replace("Connection: close\r\n", offer);
    let answer = talk(running.address("http").unwrap(), &request);
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert_eq!(header(&answer, "connection"), Some("close"), "{answer}");
    running.stop().unwrap();
}

#[test]
fn what_is_no_request_is_turned_away_by_its_status() {
    let limits = xml::Limits { bytes: 2000, ..xml::Limits::default() };
    let running = start(Settings { limits, ..settings() }, Does::Replies);
    let http = running.address("http").unwrap();
    let check = |request: &str, expect: &str| {
        let answer = talk(http, request);
        assert_eq!(status(&answer), expect, "{request}: {answer}");
        answer
    };
    for request in [get("/pix"), get("/pdq?x"), soap_post("/pix").replacen("POST", "PUT", 1)] {
        assert_eq!(header(&check(&request, "405"), "allow"), Some("POST"));
    }
    check(&get("/elsewhere"), "404");
    check(&post("/pix", "Content-Type: application/json\r\n", "{}"), "415");
    check(&post("/pix", "", "x"), "415");
    check(&post("/pix", "Content-Type: application/soap+xml\r\nContent-Encoding: gzip\r\n", "x"), "415");
    check(&post("/pix", "Content-Type: application/soap+xml\r\n", &"x".repeat(2001)), "413");
    let chunk = format!("7d1\r\n{}\r\n0\r\n\r\n", "x".repeat(2001));
    let chunked =
        "POST /pix HTTP/1.1\r\nHost: x\r\nContent-Type: application/soap+xml\r\nTransfer-Encoding: chunked\r\n\r\n";
    check(&format!("{chunked}{chunk}"), "413");
    check(&post("/pix", "Content-Type: application/soap+xml\r\n", "x"), "400");
    running.stop().unwrap();
}

#[test]
fn a_slow_body_is_not_waited_for() {
    let running = start(settings(), Does::Replies);
    let mut stream = connect(running.address("http").unwrap());
    let head = "POST /pix HTTP/1.1\r\nHost: x\r\nContent-Type: application/soap+xml\r\nContent-Length: 100\r\n\r\n<";
    let begun = Instant::now();
    stream.write_all(head.as_bytes()).unwrap();
    let answer = rest(stream);
    assert_eq!(status(&answer), "408", "{answer}");
    assert!(begun.elapsed() < Duration::from_secs(5));
    running.stop().unwrap();
}

#[test]
fn descriptions_and_probes_are_served() {
    let mut fake = Fake::new(Does::Replies);
    fake.ready = false;
    let running = spawn(settings(), Arc::new(fake)).unwrap();
    let http = running.address("http").unwrap();
    let pix = talk(http, &get("/pix?wsdl"));
    assert!(pix.contains("location=\"http://mpi.example:81/pix\""), "{pix}");
    let pdq = talk(http, &get("/pdq?WSDL"));
    assert!(pdq.contains("location=\"http://mpi.example:81/pdq\""), "{pdq}");
    for address in [http, running.address("admin").unwrap()] {
        assert_eq!(status(&talk(address, &get("/health"))), "200");
        assert_eq!(status(&talk(address, &get("/ready"))), "503");
    }
    running.stop().unwrap();
}

#[test]
fn past_the_bound_of_requests_in_work_the_answer_is_503() {
    let narrow = Settings { in_flight: 1, ..settings() };
    let (running, told) = start_slowly(narrow);
    let http = running.address("http").unwrap();
    let first = std::thread::spawn(move || talk(http, &soap_post("/pix")));
    await_work(&told);
    let second = talk(http, &soap_post("/pix"));
    assert_eq!((status(&second), header(&second, "retry-after")), ("503", Some("2")), "{second}");
    assert_eq!(status(&first.join().unwrap()), "200");
    assert_eq!(status(&talk(http, &soap_post("/pix"))), "200");
    running.stop().unwrap();
}

#[test]
fn a_panic_is_a_fault_and_the_server_lives_on() {
    let running = start(settings(), Does::Panics);
    let http = running.address("http").unwrap();
    for _ in 0..3 {
        let answer = talk(http, &soap_post("/pix"));
        assert_eq!(status(&answer), "500", "{answer}");
        assert!(answer.contains("env:Receiver"), "{answer}");
    }
    running.stop().unwrap();
}

#[test]
fn where_the_outcome_is_not_known_the_connection_ends_without_a_byte() {
    let running = start(settings(), Does::LosesTheOutcome);
    let http = running.address("http").unwrap();
    for connection in ["Connection: close\r\n", "", "Connection: Upgrade\r\nUpgrade: h2c\r\n"] {
        let mut stream = connect(http);
        stream.write_all(soap_post("/pix").replace("Connection: close\r\n", connection).as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("the end, and not the end of patience");
        assert_eq!(String::from_utf8_lossy(&answer), "");
    }
    assert_eq!(status(&talk(http, &get("/health"))), "200");
    let metrics = talk(running.address("admin").unwrap(), &get("/metrics"));
    assert!(metrics.contains("nayose_requests_total{transaction=\"ITI-44\",outcome=\"unknown\"} 3"), "{metrics}");
    running.stop().unwrap();
}

#[test]
fn a_handler_that_has_failed_stops_the_server_without_losing_a_request() {
    let mut fake = Fake::new(Does::RepliesAfter(Duration::from_millis(300)));
    let (tell, told) = mpsc::channel();
    fake.entered = Box::new(move || tell.send(()).unwrap());
    let fake = Arc::new(fake);
    let running = spawn(settings(), fake.clone()).unwrap();
    let http = running.address("http").unwrap();
    let request = std::thread::spawn(move || talk(http, &soap_post("/pix")));
    await_work(&told);
    fake.failed.store(true, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(status(&request.join().unwrap()), "200");
    let begun = Instant::now();
    while TcpStream::connect(http).is_ok() {
        assert!(begun.elapsed() < Duration::from_secs(20), "it serves on");
        std::thread::sleep(Duration::from_millis(10));
    }
    running.stop().unwrap();
}

#[test]
fn a_stop_lets_requests_in_work_finish() {
    let (running, told) = start_slowly(settings());
    let http = running.address("http").unwrap();
    let idle = connect(http);
    let request = std::thread::spawn(move || talk(http, &soap_post("/pix")));
    await_work(&told);
    let begun = Instant::now();
    running.stop().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(10), "an idle connection holds the stop up");
    let answer = request.join().unwrap();
    assert_eq!(status(&answer), "200", "{answer}");
    assert!(TcpStream::connect(http).is_err());
    drop(idle);
}

/// Not a test by itself: the process that [`a_signal_stops_the_server_without_losing_a_request`] stops.
#[test]
#[ignore = "is run as a child of another test"]
fn serves_until_a_signal() {
    let Some(file) = std::env::var_os("NAYOSE_TEST_ADDRESS_FILE") else { return };
    let file = PathBuf::from(file);
    let mut fake = Fake::new(Does::RepliesAfter(Duration::from_millis(700)));
    let mark = file.with_extension("in-work");
    fake.entered = Box::new(move || std::fs::write(&mark, "").unwrap());
    run(Settings { address_file: Some(file), ..settings() }, Arc::new(fake), |_| {}).unwrap();
}

#[test]
fn a_signal_stops_the_server_without_losing_a_request() {
    for signal in ["-TERM", "-INT"] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("addresses");
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "transport::tests::serves_until_a_signal", "--ignored"])
            .env("NAYOSE_TEST_ADDRESS_FILE", &file)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        await_file(&file);
        let lines = std::fs::read_to_string(&file).unwrap();
        let http = lines.lines().find_map(|line| line.strip_prefix("http=")).unwrap().parse().unwrap();
        let request = std::thread::spawn(move || talk(http, &soap_post("/pix")));
        await_file(&file.with_extension("in-work"));
        // The shell's own word: a bare machine has no program of that name.
        let order = format!("kill {signal} {}", child.id());
        let kill = std::process::Command::new("sh").args(["-c", &order]).status();
        assert!(kill.unwrap().success());
        let answer = request.join().unwrap();
        assert_eq!(status(&answer), "200", "{signal}: {answer}");
        assert!(child.wait().unwrap().success(), "{signal}");
    }
}

#[test]
fn the_address_file_names_every_listener() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("addresses");
    std::fs::write(&file, "stale").unwrap();
    let running = start(Settings { address_file: Some(file.clone()), ..settings() }, Does::Replies);
    let expect: String =
        ["http", "admin"].iter().map(|name| format!("{name}={}\n", running.address(name).unwrap())).collect();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), expect);
    running.stop().unwrap();
}

#[test]
fn a_listener_without_tls_stays_on_this_machine_unless_allowed() {
    let check = |settings: Settings, expect: Option<&str>| {
        let started = spawn(settings, Arc::new(Fake::new(Does::Replies)));
        match (started, expect) {
            (Ok(running), None) => running.stop().unwrap(),
            (Err(error), Some(reason)) => assert!(error.to_string().contains(reason), "{error}"),
            (Ok(_), Some(reason)) => panic!("started, although: {reason}"),
            (Err(error), None) => panic!("{error}"),
        }
    };
    let everywhere = Some("0.0.0.0:0".to_owned());
    let plain = "use https, or set server.allow_plain";
    check(Settings { http: everywhere.clone(), ..settings() }, Some(plain));
    check(Settings { http: Some(":0".to_owned()), ..settings() }, Some(plain));
    check(Settings { admin: everywhere.clone(), ..settings() }, Some(plain));
    check(Settings { http: everywhere, allow_plain: true, ..settings() }, None);
    check(Settings { http: Some("localhost:0".to_owned()), ..settings() }, None);
    check(Settings { http: Some("nonsense".to_owned()), ..settings() }, Some("http cannot listen at nonsense"));
    check(Settings { http: None, ..settings() }, Some("neither http nor https"));
}

#[test]
fn an_address_in_use_is_an_error_that_names_the_listener() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let http = Some(taken.local_addr().unwrap().to_string());
    let error = spawn(Settings { http, ..settings() }, Arc::new(Fake::new(Does::Replies))).err().unwrap();
    assert!(matches!(error, ListenError::Address { name: "http", .. }), "{error}");
}

mod tls {
    use super::*;
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
    use rustls::{ClientConfig, ClientConnection, HandshakeKind, RootCertStore, StreamOwned};
    use std::collections::HashMap;

    /// Of `client.pem`.
    const FINGERPRINT: &str =
        "67:56:7D:2E:6F:4A:15:B4:5F:D4:B8:C1:86:7A:76:E9:D9:6B:F8:36:3B:7C:30:68:01:73:3B:B6:7E:E5:81:9E";

    fn fixture(name: &str) -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/transport/fixtures").join(name)
    }

    fn listener(client_ca: bool) -> TlsListener {
        TlsListener {
            address: "127.0.0.1:0".to_owned(),
            certificate: fixture("server.pem"),
            key: fixture("server.key"),
            client_ca: client_ca.then(|| fixture("authority.pem")),
            systems: HashMap::from([(FINGERPRINT.to_owned(), "emr".to_owned())]),
        }
    }

    fn client(certified: bool) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(fixture("authority.pem")).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let builder = builder.with_root_certificates(roots);
        let config = if certified {
            let chain = vec![CertificateDer::from_pem_file(fixture("client.pem")).unwrap()];
            let key = PrivateKeyDer::from_pem_file(fixture("client.key")).unwrap();
            builder.with_client_auth_cert(chain, key).unwrap()
        } else {
            builder.with_no_client_auth()
        };
        Arc::new(config)
    }

    /// The answer, and how the hands were shaken.
    fn ask(address: SocketAddr, config: &Arc<ClientConfig>) -> (String, Option<HandshakeKind>) {
        let connection = ClientConnection::new(config.clone(), ServerName::try_from("localhost").unwrap()).unwrap();
        let mut stream = StreamOwned::new(connection, connect(address));
        let mut answer = Vec::new();
        let _ = stream.write_all(soap_post("/pix").as_bytes());
        let _ = stream.read_to_end(&mut answer);
        (String::from_utf8_lossy(&answer).into_owned(), stream.conn.handshake_kind())
    }

    #[test]
    fn a_client_is_known_by_its_certificate_and_no_session_is_resumed() {
        let fake = Arc::new(Fake::new(Does::Replies));
        let settings = Settings { http: None, https: Some(listener(true)), ..settings() };
        let running = spawn(settings, fake.clone()).unwrap();
        let address = running.address("https").unwrap();
        let config = client(true);
        for _ in 0..2 {
            let (answer, kind) = ask(address, &config);
            assert_eq!(status(&answer), "200", "{answer}");
            assert_eq!(kind, Some(HandshakeKind::Full));
        }
        let (answer, _) = ask(address, &client(false));
        assert_eq!(answer, "", "answered without a certificate");
        assert_eq!(*fake.systems.lock().unwrap(), [Some("emr".to_owned()), Some("emr".to_owned())]);
        running.stop().unwrap();
    }

    #[test]
    fn without_client_authorities_everyone_is_served_and_nobody_known() {
        let fake = Arc::new(Fake::new(Does::Replies));
        let settings = Settings { http: None, https: Some(listener(false)), ..settings() };
        let running = spawn(settings, fake.clone()).unwrap();
        let (answer, _) = ask(running.address("https").unwrap(), &client(false));
        assert_eq!(status(&answer), "200", "{answer}");
        assert_eq!(*fake.systems.lock().unwrap(), [None]);
        running.stop().unwrap();
    }

    fn behind_a_silent_crowd(handshake_deadline: Duration) -> (Running, Vec<TcpStream>) {
        let settings = Settings { http: None, https: Some(listener(false)), handshake_deadline, ..settings() };
        let running = start(settings, Does::Replies);
        let address = running.address("https").unwrap();
        let silent = (0..300).map(|_| connect(address)).collect();
        (running, silent)
    }

    #[test]
    fn a_crowd_that_shakes_no_hands_keeps_nobody_waiting() {
        // So long that whoever waits for the crowd's end is not answered here at all.
        let (running, silent) = behind_a_silent_crowd(Duration::from_secs(3_600));
        let (answer, _) = ask(running.address("https").unwrap(), &client(false));
        assert_eq!(status(&answer), "200", "{answer}");
        silent[0].set_nonblocking(true).unwrap();
        let waits = silent[0].peek(&mut [0]).unwrap_err();
        assert_eq!(waits.kind(), std::io::ErrorKind::WouldBlock, "the crowd is there still");
        drop(silent);
        running.stop().unwrap();
    }

    #[test]
    fn who_shakes_no_hands_is_sent_away() {
        let (running, mut silent) = behind_a_silent_crowd(Duration::from_millis(200));
        assert_eq!(rest(silent.swap_remove(0)), "", "ended without a word");
        drop(silent);
        running.stop().unwrap();
    }

    #[test]
    fn files_that_cannot_be_used_are_named() {
        let check = |spoil: &dyn Fn(&mut TlsListener), expect: &str| {
            let mut tls = listener(true);
            spoil(&mut tls);
            let settings = Settings { https: Some(tls), ..settings() };
            let error = spawn(settings, Arc::new(Fake::new(Does::Replies))).err().unwrap().to_string();
            assert!(error.contains(expect), "{error}");
        };
        check(&|tls| tls.certificate = fixture("none.pem"), "none.pem holds no certificates that can be read");
        check(&|tls| tls.certificate = fixture("server.key"), "server.key holds no certificate");
        check(&|tls| tls.key = fixture("server.pem"), "server.pem holds no private key");
        check(&|tls| tls.client_ca = Some(fixture("client.key")), "client.key holds no certificate");
        check(&|tls| tls.key = fixture("client.key"), "server.pem: ");
    }
}
