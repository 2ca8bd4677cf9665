//! What changes something is done in the store where it is free, else by the server that has it open (decision 24):
//! one call of the desk either way.
//!
//! It must never write to a store that a server has open.

use super::show::{is_there, not_started};
use super::{Exit, complain};
use crate::access::Principal;
use crate::clock::Clock;
use crate::config::Configuration;
use crate::desk::{BASE, Desk, Problem, Request};
use crate::sealed::Token;
use crate::server::{self, StartError};
use crate::store::StoreError;
use serde_json::Value;
use std::net::SocketAddr;
use std::time::Duration;

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Who does what is asked.
enum Office {
    Here(Box<Desk>),
    Server(SocketAddr, Token),
}

/// Has a call done: `method` and `path` of the desk's table, and what is said with it.
pub(super) fn call(
    command: &str,
    settings: &Configuration,
    (method, path): (&str, &str),
    body: &Value,
) -> Result<Value, Exit> {
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let (status, told) = match office(command, settings)? {
        Office::Here(desk) => {
            let answer = desk.answer(&Principal::operator(), &Request { method, path, query: "", body: &body });
            (answer.status, answer.body)
        }
        Office::Server(address, token) => sent(address, &token, (method, path), &body).map_err(|error| {
            complain(&format!("{command}: the server that has the store open does not answer: {error}\n"));
            Exit::Unavailable
        })?,
    };
    let told: Value = serde_json::from_str(&told).unwrap_or_default();
    if status == 200 {
        return Ok(told);
    }
    let problem = Problem::read(&told).unwrap_or_else(|| Problem::of("defect"));
    complain(&format!("{command}: {}\n", words(&problem)));
    Err(match problem.status {
        400 => Exit::Usage,
        401 | 503 => Exit::Unavailable,
        500 => Exit::Defect,
        _ => Exit::Found,
    })
}

/// The problem, with the decisions that stand in the way.
pub(super) fn words(problem: &Problem) -> String {
    if problem.decisions.is_empty() {
        return problem.title.to_owned();
    }
    let numbers: Vec<String> = problem.decisions.iter().map(i64::to_string).collect();
    format!("{} ({} decision(s): {})", problem.title, numbers.len(), numbers.join(", "))
}

fn office(command: &str, settings: &Configuration) -> Result<Office, Exit> {
    is_there(command, settings)?;
    let holder = match server::registry(settings, Clock::system()) {
        Ok(registry) => return Ok(Office::Here(Box::new(Desk::new(registry, &settings.network.time_zone)))),
        Err(StartError::Store(StoreError::Locked { holder })) => holder,
        Err(error) => return Err(not_started(command, &error)),
    };
    if let Some((address, token)) = server::office(settings) {
        return Ok(Office::Server(address, token));
    }
    complain(&format!(
        "{command}: another process has the store open ({holder}), and its operators' interface cannot be found: \
         server.admin is off, it serves no requests, or its token cannot be read by this user; stop it first, or ask there\n"
    ));
    Err(Exit::Unavailable)
}

fn sent(
    address: SocketAddr,
    token: &Token,
    (method, path): (&str, &str),
    body: &[u8],
) -> Result<(u16, String), ureq::Error> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(PATIENCE))
        .proxy(None)
        .build()
        .into();
    let (address, shown) = (format!("http://{address}{BASE}{path}"), format!("Bearer {}", token.shown()));
    let mut answer = if method == "GET" {
        agent.get(&address).header("Authorization", &shown).call()?
    } else {
        let post = agent.post(&address).header("Authorization", &shown);
        post.content_type("application/json").send(body)?
    };
    Ok((answer.status().as_u16(), answer.body_mut().read_to_string()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_the_way_is_named() {
        let problem = Problem { decisions: vec![4, 5], ..Problem::of("contradicts_decision") };
        assert!(words(&problem).ends_with("undo that first (2 decision(s): 4, 5)"), "{}", words(&problem));
        assert_eq!(words(&Problem::of("no_review")), "there is no such review, or it is not open");
    }
}
