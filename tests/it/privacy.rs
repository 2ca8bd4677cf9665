//! Personal data stays where it belongs: marked values go through every door, and nothing that the program says to
//! its operators, and no refusal, may hold one of them. A proper answer may: it goes to who may see it.

mod doors;
mod marks;

use marks::{found_in, never_sent};
use nayose::store::testing::Place;
use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The binary in `folder`, with what it says kept in files there.
fn nayose(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    let log = |name: &str| File::options().create(true).append(true).open(folder.join(name)).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_nayose"));
    command.current_dir(folder).args(arguments).envs(variables.iter().copied());
    command.stdin(Stdio::null()).stdout(log("stdout")).stderr(log("stderr"));
    command
}

/// A server that is stopped when dropped.
struct Serving {
    child: Child,
    http: String,
    admin: String,
}

impl Serving {
    fn start(folder: &Path, url: &str, format: &str, access: &str) -> Self {
        std::fs::write(folder.join("nayose.toml"), doors::configuration(url, access)).unwrap();
        let arguments = ["--log", format, "--log-level", "trace", "serve", "--address-file", "addresses"];
        let child = nayose(folder, &arguments, &[]).spawn().unwrap();
        let file = folder.join("addresses");
        let begun = Instant::now();
        while !file.exists() {
            assert!(begun.elapsed() < Duration::from_secs(30), "no address file: {}", said(folder));
            std::thread::sleep(Duration::from_millis(20));
        }
        let lines = std::fs::read_to_string(&file).unwrap();
        let address = |name: &str| lines.lines().find_map(|line| line.strip_prefix(name)).unwrap().to_owned();
        Self { child, http: address("http="), admin: address("admin=") }
    }

    fn stop(mut self) {
        let order = format!("kill -TERM {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &order]).status().unwrap().success());
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // Stopped already, or the test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends bytes as they are and reads to the end of the connection.
fn talk(address: &str, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    // A server that has refused already may not read on.
    let _ = stream.write_all(request);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

/// All that was said in `folder`, files that the program wrote besides its store included.
fn said(folder: &Path) -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with("store.db") || name.ends_with(".toml") || path.is_dir() {
            continue;
        }
        text.push_str(&format!("\n== {name}\n"));
        text.push_str(&String::from_utf8_lossy(&std::fs::read(&path).unwrap()));
    }
    text
}

/// `text` without each part between `from` and `to`.
fn without(text: &str, from: &str, to: &str) -> String {
    let mut rest = text;
    let mut kept = String::new();
    while let Some((before, after)) = rest.split_once(from) {
        kept.push_str(before);
        rest = after.split_once(to).map_or("", |(_, after)| after);
    }
    kept + rest
}

/// What of an answer must hold no mark: all of a refusal, of a proper answer to a query only what it says about
/// the query. The message id that an answer relates to is echoed, as the standards demand.
fn guarded(answer: &str) -> String {
    let answer = without(answer, "<wsa:RelatesTo>", "</wsa:RelatesTo>");
    let answer = without(&answer, "<targetMessage>", "</targetMessage>");
    if !answer.contains("<PRPA_IN201306UV02") && !answer.contains("<PRPA_IN201310UV02") {
        return answer;
    }
    let details = answer.split("<acknowledgementDetail").skip(1);
    details
        .filter_map(|part| part.split_once("</acknowledgementDetail>"))
        .map(|(detail, _)| detail.to_owned())
        .collect()
}

/// Sends everything through every door of a server, then lets the commands speak; nothing may be found.
fn check(url: &str, format: &str, access: &str) {
    let folder = tempfile::tempdir().unwrap();
    let (folder, url) = (folder.path(), if url.is_empty() { "sqlite:store.db" } else { url });
    let serving = Serving::start(folder, url, format, access);
    let mut sent = Vec::new();
    let (mut leaks, mut wrong) = (Vec::new(), Vec::new());
    for door in doors::doors(access) {
        let address = if door.admin { &serving.admin } else { &serving.http };
        let answer = talk(address, &door.request);
        if !answer.starts_with(door.expect) || !answer.contains(door.holds) {
            wrong.push(format!("{}: not {} {}: {answer}", door.name, door.expect, door.holds));
        }
        leaks.extend(found_in(&guarded(&answer)).map(|mark| format!("{mark} in the answer to: {}", door.name)));
        sent.extend(door.request);
    }
    assert_eq!(wrong, Vec::<String>::new(), "a door that was not reached proves nothing");
    assert_eq!(never_sent(&sent), Vec::<&str>::new(), "a mark that was never sent proves nothing");
    // The pages again, now that there is something to tell of.
    for page in ["/metrics", "/health", "/ready", "/"] {
        let answer =
            talk(&serving.admin, format!("GET {page} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").as_bytes());
        leaks.extend(found_in(&answer).map(|mark| format!("{mark} on {page}")));
    }
    serving.stop();
    let text = said(folder);
    assert!(text.contains("listens at"), "the log is not where it was looked for: {text}");
    leaks.extend(found_in(&text).map(|mark| format!("{mark} in: {}", marks::line_with(&text, mark))));
    assert_eq!(leaks, Vec::<String>::new(), "{access} {format}");
}

#[test]
fn no_personal_data_in_the_log_for_people_nor_in_refusals() {
    check("", "text", "open");
}

#[test]
fn no_personal_data_in_the_log_for_machines_nor_in_refusals() {
    check("", "json", "registered");
}

#[test]
fn no_personal_data_in_the_log_over_postgresql() {
    if let Some(place) = Place::postgres() {
        check(&place.url, "text", "open");
    }
}

/// Commands that are given wrong things: what they say goes to a terminal, whose history others may read.
#[test]
fn no_personal_data_nor_secret_in_what_commands_complain_about() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let made = Serving::start(folder, "sqlite:store.db", "text", "open");
    made.stop();
    for (arguments, status) in doors::COMMANDS {
        let with_level: Vec<&str> = ["--log-level", "trace"].iter().chain(*arguments).copied().collect();
        let ended = nayose(folder, &with_level, &[]).status().unwrap();
        assert_eq!(ended.code(), Some(*status), "{arguments:?}: {}", said(folder));
    }
    for (number, (text, variables)) in doors::WRONG_CONFIGURATIONS.iter().enumerate() {
        let file = format!("wrong-{number}.toml");
        std::fs::write(folder.join(&file), text).unwrap();
        for command in
            [&["check-config", "--config"][..], &["check-config", "--json", "--config"], &["serve", "--config"]]
        {
            let arguments: Vec<&str> =
                ["--log-level", "trace"].iter().chain(command).copied().chain([&*file]).collect();
            let mut child = nayose(folder, &arguments, variables).spawn().unwrap();
            let begun = Instant::now();
            let ended = loop {
                match child.try_wait().unwrap() {
                    Some(status) => break status.code(),
                    None if begun.elapsed() > Duration::from_secs(30) => {
                        let _ = child.kill();
                        panic!("serves with a wrong configuration: {text}");
                    }
                    None => std::thread::sleep(Duration::from_millis(20)),
                }
            };
            assert!(command[0] == "check-config" || matches!(ended, Some(2 | 3)), "{text}: {ended:?}");
        }
    }
    let text = said(folder);
    let leaks: Vec<_> = found_in(&text).map(|mark| format!("{mark} in: {}", marks::line_with(&text, mark))).collect();
    assert_eq!(leaks, Vec::<String>::new());
}
