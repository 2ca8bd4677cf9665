//! A store with its senders: fed, struck, started again and compared, as often as it takes.

use crate::check::{Checked, Mark, check};
use crate::client::{Answer, Connection};
use crate::database::Database;
use crate::journal::{Client, Journal, State};
use crate::random::Random;
use crate::server::{Launch, configuration};
use nayose::clock::Clock;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// One message of so many is a repeat of one that was acknowledged before.
const REPEAT_EVERY: u64 = 6;

pub struct World {
    pub launch: Launch,
    pub journal: Journal,
    pub random: Random,
    mark: Mark,
}

impl World {
    pub fn new(launch: Launch, seed: u64, clients: usize) -> Self {
        Self { launch, journal: Journal::new(seed, clients), random: Random::new(seed, 7), mark: Mark::default() }
    }

    /// Lets every client feed until `fault` has returned, which may kill or freeze the server.
    pub fn load(&mut self, http: SocketAddr, fault: impl FnOnce(&mut Random)) -> Result<(), String> {
        let stop = AtomicBool::new(false);
        let random = &mut self.random;
        std::thread::scope(|scope| {
            let stop = &stop;
            let clients = &mut self.journal.clients;
            let feeding: Vec<_> =
                clients.iter_mut().map(|client| scope.spawn(move || feed(client, http, stop))).collect();
            fault(random);
            stop.store(true, Ordering::Relaxed);
            feeding.into_iter().try_for_each(|thread| thread.join().map_err(|_| "a client broke off".to_owned())?)
        })
    }

    /// Every client sends one message, all at once.
    pub fn once(&mut self, http: SocketAddr) -> Result<(), String> {
        std::thread::scope(|scope| {
            let one = |client: &mut Client| match Connection::open(http) {
                Some(mut connection) => attempt(client, &mut connection).map(drop),
                None => Ok(()),
            };
            let clients = &mut self.journal.clients;
            let feeding: Vec<_> = clients.iter_mut().map(|client| scope.spawn(move || one(client))).collect();
            feeding.into_iter().try_for_each(|thread| thread.join().map_err(|_| "a client broke off".to_owned())?)
        })
    }

    /// Resends what is open until it is acknowledged, and repeats what was acknowledged.
    pub fn settle(&mut self, http: SocketAddr) -> Result<(), String> {
        for client in &mut self.journal.clients {
            let begun = Instant::now();
            while client.messages.last().is_some_and(|last| !matches!(last.state, State::Settled(_))) {
                if begun.elapsed() > Duration::from_secs(20) {
                    return Err("a message is not acknowledged, however often it is sent".to_owned());
                }
                if let Some(mut connection) = Connection::open(http) {
                    attempt(client, &mut connection)?;
                }
            }
            if let Some(mut connection) = Connection::open(http) {
                repeat(client, &mut connection)?;
            }
        }
        Ok(())
    }

    /// Compares store and journal; `whole` from the first message on.
    pub fn check(&mut self, whole: bool) -> Result<Checked, String> {
        if whole {
            self.mark = Mark::default();
            for client in &mut self.journal.clients {
                client.checked = 0;
            }
        }
        let mut database = Database::open(&self.launch.url)?;
        let checked = check(&mut self.journal, &mut database, self.mark)?;
        self.mark = checked.mark;
        Ok(checked)
    }

    /// Asks the product itself, in a process where no server is: every rule must hold.
    pub fn verify(&self) -> Result<(), String> {
        let registry = nayose::server::registry(&configuration(&self.launch.url), Clock::system())
            .map_err(|error| format!("the store cannot be opened to be verified: {error}"))?;
        let findings = registry.verify().map_err(|failure| format!("verify: {failure}"))?;
        let broken = findings.into_iter().find(|finding| finding.broken > 0);
        broken.map_or(Ok(()), |finding| Err(format!("broken in {} places: {}", finding.broken, finding.rule)))
    }

    /// Starts the server, lets every client settle, stops it, and holds everything against everything.
    pub fn conclude(&mut self) -> Result<(), String> {
        let server = self.launch.start()?;
        self.settle(server.http)?;
        self.check(true)?;
        server.stop()?;
        self.launch.no_defects()?;
        self.verify()
    }

    pub fn repeats(&self) -> u64 {
        self.journal.clients.iter().map(|client| client.repeats).sum()
    }
}

/// Feeds one message after another until told to stop; reconnects where the connection is lost.
fn feed(client: &mut Client, http: SocketAddr, stop: &AtomicBool) -> Result<(), String> {
    let mut connection = None;
    let mut turn = client.messages.len() as u64;
    while !stop.load(Ordering::Relaxed) {
        let Some(open) = connection.as_mut() else {
            connection = Connection::open(http);
            if connection.is_none() {
                std::thread::sleep(Duration::from_millis(2));
            }
            continue;
        };
        turn += 1;
        let heard = if turn.is_multiple_of(REPEAT_EVERY) { repeat(client, open)? } else { attempt(client, open)? };
        match heard {
            Heard::Yes => {}
            Heard::No => std::thread::sleep(Duration::from_millis(10)),
            Heard::Nothing => connection = None,
        }
    }
    Ok(())
}

pub enum Heard {
    Yes,
    No,
    Nothing,
}

/// Sends the current message once.
pub fn attempt(client: &mut Client, connection: &mut Connection) -> Result<Heard, String> {
    let answer = connection.feed(&client.current().payload);
    let (state, heard) = match answer {
        Answer::Acknowledged(said) => (State::Settled(said), Heard::Yes),
        Answer::Refused => (State::Refused, Heard::No),
        Answer::Unknown => (State::Unknown, Heard::Nothing),
        Answer::Other(said) => {
            let kind = client.current().kind;
            return Err(format!("a valid {kind:?} was answered with {said}"));
        }
    };
    client.heard(state);
    Ok(heard)
}

/// Sends a message again that was acknowledged: the answer must be the same, byte for byte.
fn repeat(client: &mut Client, connection: &mut Connection) -> Result<Heard, String> {
    let Some(message) = client.settled_before() else { return Ok(Heard::Yes) };
    let heard = match (connection.feed(&message.payload), &message.state) {
        (Answer::Acknowledged(said), State::Settled(first)) if said == *first => Heard::Yes,
        (Answer::Refused, _) => Heard::No,
        (Answer::Unknown, _) => Heard::Nothing,
        (answer, _) => {
            return Err(format!("a repeat of {} was not answered as the first: {answer:?}", message.id));
        }
    };
    client.repeats += u64::from(matches!(heard, Heard::Yes));
    Ok(heard)
}
