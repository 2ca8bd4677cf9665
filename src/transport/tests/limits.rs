//! Where limits are, what comes past them, and that what was taken is given back.

use super::*;

#[test]
fn questions_leave_places_to_feeds() {
    let narrow = Settings { in_flight: 2, questions: 1, ..settings() };
    let (running, told) = start_slowly(narrow);
    let http = running.address("http").unwrap();
    let question = soap_post("/pdq").replace("201301", "201305");
    let asked = question.clone();
    let first = std::thread::spawn(move || talk(http, &asked));
    await_work(&told);
    let second = talk(http, &question);
    assert_eq!((status(&second), header(&second, "retry-after")), ("503", Some("2")), "shed: {second}");
    assert!(second.contains("too many requests"), "in the protocol's form: {second}");
    assert_eq!(status(&talk(http, &soap_post("/pix"))), "200", "a feed has its place");
    assert_eq!(status(&first.join().unwrap()), "200");
    assert_eq!(status(&talk(http, &question)), "200");
    running.stop().unwrap();
}

/// Writes the head of a request, and then a byte of its body every so often, until the server has had enough.
fn trickle(address: SocketAddr, pause: Duration) -> (String, Duration) {
    let mut stream = connect(address);
    let head = "POST /pix HTTP/1.1\r\nHost: x\r\nContent-Type: application/soap+xml\r\nContent-Length: 9000\r\n\r\n";
    let begun = Instant::now();
    stream.write_all(head.as_bytes()).unwrap();
    let mut reader = stream.try_clone().unwrap();
    let answer = std::thread::spawn(move || {
        let mut first = [0; 4096];
        let count = reader.read(&mut first).unwrap_or(0);
        String::from_utf8_lossy(&first[..count]).into_owned()
    });
    while !answer.is_finished() && stream.write_all(b"<").is_ok() {
        std::thread::sleep(pause);
    }
    (answer.join().unwrap(), begun.elapsed())
}

#[test]
fn a_body_that_trickles_is_not_waited_for() {
    let patience = Duration::from_millis(300);
    let patient = Settings { body_deadline: Duration::from_secs(60), body_patience: patience, ..settings() };
    let running = start(patient, Does::Replies);
    let (answer, took) = trickle(running.address("http").unwrap(), Duration::from_millis(20));
    assert_eq!(status(&answer), "408", "{answer}");
    assert!(took >= patience && took < Duration::from_secs(5), "{took:?}");
    running.stop().unwrap();
}

#[test]
fn a_head_that_does_not_come_is_not_waited_for() {
    let running = start(Settings { head_deadline: Duration::from_millis(300), ..settings() }, Does::Replies);
    let begun = Instant::now();
    let mut stream = connect(running.address("http").unwrap());
    stream.write_all(b"POST /pix HTTP/1.1\r\nHost").unwrap();
    let answer = rest(stream);
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?} {answer}", begun.elapsed());
    running.stop().unwrap();
}

#[test]
fn bodies_have_a_bound_in_all() {
    let running = start(Settings { body_bytes: 48 * 1024, ..settings() }, Does::Replies);
    let http = running.address("http").unwrap();
    let large = envelope(HEADERS, &PAYLOAD.replace("山田", &"山".repeat(20_000)));
    let large = post("/pix", "Content-Type: application/soap+xml; charset=UTF-8\r\n", &large);
    let answer = talk(http, &large);
    assert_eq!((status(&answer), header(&answer, "retry-after")), ("503", Some("2")), "{answer}");
    assert_eq!(status(&talk(http, &soap_post("/pix"))), "200", "its room was given back");
    running.stop().unwrap();
}

#[test]
fn one_address_has_so_many_connections_and_no_more() {
    let running = start(Settings { connections_of_one: 3, ..settings() }, Does::Replies);
    let http = running.address("http").unwrap();
    let kept: Vec<TcpStream> = (0..3)
        .map(|_| {
            let mut stream = connect(http);
            stream.write_all(soap_post("/pix").replace("Connection: close\r\n", "").as_bytes()).unwrap();
            assert!(one(&mut stream).starts_with("HTTP/1.1 200 "));
            stream
        })
        .collect();
    assert_eq!(talk(http, &soap_post("/pix")), "", "closed without a word");
    drop(kept);
    let begun = Instant::now();
    while status(&talk(http, &soap_post("/pix"))) != "200" {
        assert!(begun.elapsed() < Duration::from_secs(20), "places are given back");
    }
    running.stop().unwrap();
}

#[test]
fn a_reply_that_is_not_read_does_not_keep_its_connection() {
    let deadline = Duration::from_millis(400);
    let fake = Arc::new(Fake::new(Does::Replies));
    let metrics = fake.metrics().clone();
    let settings = Settings { delivery_deadline: deadline, body_deadline: Duration::from_secs(60), ..settings() };
    let running = spawn(settings, fake).unwrap();
    let mut stream = connect(running.address("http").unwrap());
    stream.set_write_timeout(Some(Duration::from_millis(300))).unwrap();
    let large = envelope(HEADERS, &PAYLOAD.replace("山田", &"山".repeat(200_000)));
    let large = post("/pix", "Content-Type: application/soap+xml; charset=UTF-8\r\n", &large);
    let large = large.replace("Connection: close\r\n", "");
    let begun = Instant::now();
    // Until neither side takes more: what is read by nobody fills every buffer.
    while stream.write_all(large.as_bytes()).is_ok() {}
    let held = || metrics.gauges().connections.get();
    while held() > 0 {
        assert!(begun.elapsed() < Duration::from_secs(15), "it is still kept");
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(begun.elapsed() > deadline, "it was given no time");
    drop(stream);
    running.stop().unwrap();
}
