//! `doctor`: whether all that a server needs is in order, and what to do where it is not.
//!
//! It looks, also while a server runs; it must never mend, write, or show a secret.

mod certificate;
mod files;

use super::{Doctor, Environment, Exit, Logging, check_config, configuration_file, say};
use crate::clock::Clock;
use crate::config::Configuration;
use crate::server;
use crate::store::{Inspection, StoreError, inspect};

/// Clocks that differ by more are an alarm.
const SKEW: i64 = 2 * SECOND;
const SECOND: i64 = 1_000_000;
const HOUR: i64 = 3_600 * SECOND;
const DAY: i64 = 24 * HOUR;

/// How a matter stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In order.
    Good,
    /// It works, and somebody must look at it.
    Look,
    /// It does not work, or is not safe.
    Bad,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            State::Good => "ok",
            State::Look => "look",
            State::Bad => "BAD",
        }
    }
}

/// One matter: how it stands and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Check {
    about: &'static str,
    state: State,
    says: String,
    to_do: String,
}

fn good(about: &'static str, says: impl Into<String>) -> Check {
    Check { about, state: State::Good, says: says.into(), to_do: String::new() }
}

fn look(about: &'static str, says: impl Into<String>, to_do: impl Into<String>) -> Check {
    Check { about, state: State::Look, says: says.into(), to_do: to_do.into() }
}

fn bad(about: &'static str, says: impl Into<String>, to_do: impl Into<String>) -> Check {
    Check { about, state: State::Bad, says: says.into(), to_do: to_do.into() }
}

pub(super) fn run(doctor: &Doctor, logging: Logging, environment: Environment) -> Exit {
    logging.start_quietly();
    let checks = examine(doctor, environment);
    let found = checks.iter().filter(|check| check.state != State::Good).count();
    if doctor.store.json {
        say(&format!("{}\n", json(&checks, found)));
    } else {
        say(&text(&checks, found));
    }
    if found == 0 { Exit::Done } else { Exit::Found }
}

fn examine(doctor: &Doctor, mut environment: Environment) -> Vec<Check> {
    if let Some(url) = &doctor.store.store {
        environment.push(("NAYOSE_STORE__URL".to_owned(), url.clone()));
    }
    let file = configuration_file(doctor.store.config.as_deref());
    let settings = match Configuration::load(file.as_deref(), environment.into_iter()) {
        Ok(settings) => settings,
        Err(mistakes) => {
            let says = check_config::text(file.as_deref(), &mistakes);
            return vec![bad("configuration", says.trim_end(), "correct each line as it says")];
        }
    };
    let now = Clock::system().micros();
    let mut checks = vec![configuration(&settings)];
    checks.extend(files::secrets(file.as_deref(), &settings));
    checks.extend(certificate::all(&settings, now));
    checks.push(descriptors(&settings));
    if let Some(path) = settings.store.url.strip_prefix("sqlite:") {
        checks.extend(files::of_store(path));
    }
    checks.extend(store(&inspect(&settings.store.url), now));
    checks
}

fn configuration(settings: &Configuration) -> Check {
    if settings.unserved.is_empty() {
        return good("configuration", "no mistakes");
    }
    let keys: Vec<&str> = settings.unserved.iter().map(|one| one.key.as_str()).collect();
    look(
        "configuration",
        format!("this version does not serve {}", keys.join(", ")),
        "`nayose check-config` says what has an effect instead",
    )
}

fn descriptors(settings: &Configuration) -> Check {
    let needed = server::descriptors_needed(settings);
    match server::raised_descriptors() {
        None => look("open files", "the limit of this process is not known", "run `ulimit -Hn` where the server runs"),
        Some(limit) if limit < needed => bad(
            "open files",
            format!("a process may open {limit} files, and server.max_connections may need {needed}"),
            format!("LimitNOFILE={needed} in the unit of systemd, or a lower server.max_connections"),
        ),
        Some(limit) => good("open files", format!("{limit} may be open, {needed} may be needed")),
    }
}

/// What was seen of the store.
fn store(seen: &Result<Inspection, StoreError>, now: i64) -> Vec<Check> {
    let seen = match seen {
        Ok(seen) => seen,
        Err(error @ StoreError::TooNew) => {
            return vec![bad("store", error.to_string(), "install the version that wrote it, or a newer one")];
        }
        Err(error @ StoreError::Damaged) => {
            let to_do = "test the disk and the memory of this machine, and restore to another disk (`nayose restore`)";
            return vec![bad("store", error.to_string(), to_do)];
        }
        Err(error) => {
            let to_do = "look whether the database runs and whether store.url is right; a new SQLite store is made by \
                         the first start of `nayose serve`";
            return vec![bad("store", error.to_string(), to_do)];
        }
    };
    let holder = seen.holder.as_ref().map_or_else(String::new, |holder| format!("; {holder} has it open"));
    if seen.steps_missing > 0 {
        let says = format!("it answers, and is {} steps behind this version{holder}", seen.steps_missing);
        return vec![look("store", says, "make a backup; the next start of `nayose serve` brings it up to date")];
    }
    vec![
        good("store", format!("it answers and is up to date{holder}")),
        clock(seen, now),
        outbox(seen, now),
        reviews(seen, now),
    ]
}

fn clock(seen: &Inspection, now: i64) -> Check {
    match seen.database_time.map(|time| time.abs_diff(now)) {
        None => good("clock", "this machine's own is the only one"),
        Some(skew) if skew > SKEW.unsigned_abs() => bad(
            "clock",
            format!("this machine and the database server differ by {} seconds", skew / SECOND.unsigned_abs()),
            "let both follow the same time server: `timedatectl` on each",
        ),
        Some(skew) => good("clock", format!("this machine and the database server differ by {} ms", skew / 1_000)),
    }
}

fn outbox(seen: &Inspection, now: i64) -> Check {
    if seen.dead_letters > 0 {
        let says = format!("{} changes were put aside, because a subscriber would not take them", seen.dead_letters);
        return look(
            "outbox",
            says,
            "`nayose outbox list` shows them; mend the subscriber, then `nayose outbox replay`",
        );
    }
    match &seen.oldest_untold {
        Some((time, system)) if now - time > HOUR => look(
            "outbox",
            format!("{system} was not told of a change that is {} hours old", (now - time) / HOUR),
            "look whether that subscriber can be reached; nothing is lost meanwhile",
        ),
        _ => good("outbox", "everybody was told"),
    }
}

fn reviews(seen: &Inspection, now: i64) -> Check {
    let says = format!("{} questions wait for a steward", seen.reviews);
    match seen.oldest_review {
        Some(opened) if now - opened > 7 * DAY => {
            look("reviews", format!("{says}, the oldest for {} days", (now - opened) / DAY), "`nayose review list`")
        }
        _ => good("reviews", says),
    }
}

fn text(checks: &[Check], found: usize) -> String {
    let mut text = String::new();
    for check in checks {
        text.push_str(&format!("{:<5} {}: {}\n", check.state.word(), check.about, check.says));
        if !check.to_do.is_empty() {
            text.push_str(&format!("      to do: {}\n", check.to_do));
        }
    }
    match found {
        0 => text.push_str("all is in order\n"),
        found => text.push_str(&format!("{found} of {} matters need somebody\n", checks.len())),
    }
    text
}

fn json(checks: &[Check], found: usize) -> serde_json::Value {
    let all: Vec<_> = checks
        .iter()
        .map(|check| {
            serde_json::json!({
                "about": check.about,
                "state": check.state.word().to_lowercase(),
                "says": check.says,
                "to_do": check.to_do,
            })
        })
        .collect();
    serde_json::json!({ "checks": all, "found": found })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_is_judged() {
        let now = 100 * DAY;
        let check = |change: fn(&mut Inspection), about: &str, state, words: &str| {
            let mut seen = Inspection::default();
            change(&mut seen);
            let checks = store(&Ok(seen), now);
            let one = checks.iter().find(|check| check.about == about).unwrap();
            assert!(one.state == state && one.says.contains(words), "{one:?}");
            assert_eq!(one.to_do.is_empty(), state == State::Good, "what is amiss says what to do: {one:?}");
        };
        check(|_| (), "store", State::Good, "up to date");
        check(|seen| seen.holder = Some("process 7 on h".to_owned()), "store", State::Good, "process 7 on h");
        check(|seen| seen.steps_missing = 2, "store", State::Look, "2 steps behind");
        check(|seen| seen.database_time = Some(100 * DAY - 3 * SECOND), "clock", State::Bad, "3 seconds");
        check(|seen| seen.database_time = Some(100 * DAY + 4 * SECOND), "clock", State::Bad, "4 seconds");
        check(|seen| seen.database_time = Some(100 * DAY + SECOND), "clock", State::Good, "1000 ms");
        check(|seen| seen.dead_letters = 4, "outbox", State::Look, "4 changes");
        check(|seen| seen.oldest_untold = Some((98 * DAY, "viewer".to_owned())), "outbox", State::Look, "48 hours");
        check(|seen| seen.oldest_untold = Some((100 * DAY - HOUR, "viewer".to_owned())), "outbox", State::Good, "");
        check(|seen| seen.oldest_review = Some(92 * DAY), "reviews", State::Look, "8 days");
        check(|seen| seen.oldest_review = Some(93 * DAY), "reviews", State::Good, "");
        assert_eq!(store(&Err(StoreError::TooNew), now)[0].state, State::Bad);
        assert!(store(&Err(StoreError::Damaged), now)[0].to_do.contains("restore"));
    }
}
