//! What is answered on the thread that read it.

use super::*;

/// A question for identifiers, which the fake says is brief.
fn question() -> String {
    soap_post("/pix").replace("PRPA_IN201301UV02", "PRPA_IN201309UV02")
}

#[test]
fn a_brief_question_is_answered_by_the_thread_that_read_it() {
    let (tell, told) = mpsc::channel();
    let mut fake = Fake::new(Does::Replies);
    fake.entered = Box::new(move || tell.send(std::thread::current().id()).unwrap());
    let running = spawn(Settings { questions_at_once: 1, ..settings() }, Arc::new(fake)).unwrap();
    let http = running.address("http").unwrap();
    let asked = |request: &str| {
        assert_eq!(status(&talk(http, request)), "200");
        told.recv().unwrap()
    };
    let here = asked(&question());
    assert_eq!(asked(&question()), here);
    assert_ne!(asked(&soap_post("/pix")), here, "a feed waits for its commit");
    let long = question().replace("山田", &"山".repeat(30_000));
    let length = long.split_once("\r\n\r\n").unwrap().1.len();
    let long = long.replace(header_line(&long, "Content-Length"), &format!("Content-Length: {length}"));
    assert_ne!(asked(&long), here, "what is long is not brief");
    running.stop().unwrap();
}

#[test]
fn a_defect_in_a_brief_question_is_a_fault_and_the_server_lives_on() {
    let running = start(settings(), Does::Panics);
    let http = running.address("http").unwrap();
    for _ in 0..3 {
        let answer = talk(http, &question());
        assert_eq!(status(&answer), "500", "{answer}");
        assert!(answer.contains("env:Receiver"), "{answer}");
    }
    running.stop().unwrap();
}

/// The line of a header as it was written.
fn header_line<'a>(request: &'a str, name: &str) -> &'a str {
    request.lines().find(|line| line.starts_with(name)).unwrap()
}
