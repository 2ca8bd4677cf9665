//! What operators and stewards ask of the registry and are told, as JSON: the same for the commands and for the API.
//!
//! It must never decide anything: each call is one function of the registry. It knows neither HTTP nor the command
//! line, and logs nothing: what it tells holds personal data, for whoever may have it. Every call is audited with who
//! made it, refused ones too.

mod calls;
mod openapi;
mod problem;
pub mod shapes;
#[cfg(test)]
mod tests;

pub use calls::{CALLS, Call, Part};
pub use openapi::document;
pub use problem::{PROBLEMS, Problem};

use crate::access::Principal;
use crate::identity::{Oid, PatientIdentifier, PersonId, RecordId};
use crate::registry::Registry;
use serde_json::Value;

/// Where all calls stand below.
pub const BASE: &str = "/api/v1";

/// The calls over one registry.
#[derive(Clone)]
pub struct Desk {
    registry: Registry,
    zone: String,
}

/// A call as it came in. It has no `Debug`: it names persons.
pub struct Request<'a> {
    /// `GET`, `POST`.
    pub method: &'a str,
    /// The path below [`BASE`], as it was sent.
    pub path: &'a str,
    /// The query, as it was sent.
    pub query: &'a str,
    /// The body.
    pub body: &'a [u8],
}

/// The answer to a call. It has no `Debug`: it may hold anything.
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Its media type.
    pub media: &'static str,
    /// A JSON document.
    pub body: String,
}

/// What a call was told, and what its audit row is to name.
pub(super) struct Told {
    body: Value,
    records: Vec<RecordId>,
    persons: Vec<PersonId>,
    /// Whether the registry has audited it already.
    audited: bool,
}

impl Told {
    fn of(body: Value) -> Self {
        Self { body, records: Vec::new(), persons: Vec::new(), audited: false }
    }

    fn about(body: Value, person: PersonId) -> Self {
        Self { persons: vec![person], ..Self::of(body) }
    }

    /// Something was changed: that is audited with the change.
    fn done(body: Value) -> Self {
        Self { audited: true, ..Self::of(body) }
    }
}

/// What was said with a call.
pub(super) struct Asked<'a> {
    who: &'a Principal,
    id: String,
    query: Vec<(String, String)>,
    body: Value,
}

impl Asked<'_> {
    fn id(&self) -> &str {
        &self.id
    }

    fn number(&self) -> Result<i64, Problem> {
        self.id.parse().map_err(|_| Problem::of("malformed"))
    }

    fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn query_number(&self, name: &str) -> Result<Option<usize>, Problem> {
        self.query(name).map(str::parse).transpose().map_err(|_| Problem::of("malformed"))
    }

    fn text(&self, name: &str) -> Result<&str, Problem> {
        self.optional(name)?.ok_or_else(|| Problem::of("malformed"))
    }

    fn optional(&self, name: &str) -> Result<Option<&str>, Problem> {
        match self.body.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value.as_str().map(Some).ok_or_else(|| Problem::of("malformed")),
        }
    }

    fn flag(&self, name: &str) -> Result<bool, Problem> {
        match self.body.get(name) {
            None | Some(Value::Null) => Ok(false),
            Some(value) => value.as_bool().ok_or_else(|| Problem::of("malformed")),
        }
    }

    fn reason(&self) -> Result<&str, Problem> {
        Ok(self.optional("reason")?.unwrap_or_default())
    }

    fn list(&self, name: &str) -> Result<&[Value], Problem> {
        match self.body.get(name) {
            None | Some(Value::Null) => Ok(&[]),
            Some(value) => value.as_array().map(Vec::as_slice).ok_or_else(|| Problem::of("malformed")),
        }
    }
}

impl Desk {
    /// The calls over `registry`; `zone` is the network's time zone.
    pub fn new(registry: Registry, zone: &str) -> Self {
        Self { registry, zone: zone.to_owned() }
    }

    /// Answers a call of `who`; blocks on the store.
    pub fn answer(&self, who: &Principal, request: &Request<'_>) -> Answer {
        let (call, id) = match found(request.method, request.path) {
            Ok(found) => found,
            Err(problem) => return self.refuse(who, "desk", &problem),
        };
        match self.told(who, call, id, request) {
            Ok(told) => Answer { status: 200, media: "application/json", body: told.to_string() },
            Err(problem) => self.refuse(who, call.name, &problem),
        }
    }

    /// Refuses a caller who has not shown the token.
    pub fn stranger(&self) -> Answer {
        self.refuse(&Principal::unregistered(""), "desk", &Problem::of("unauthorized"))
    }

    fn told(&self, who: &Principal, call: &Call, id: String, request: &Request<'_>) -> Result<Value, Problem> {
        let query = read_query(request.query).ok_or_else(|| Problem::of("malformed"))?;
        let body = if request.body.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(request.body).map_err(|_| Problem::of("malformed"))?
        };
        let known = |name: &str| call.body.iter().any(|part| part.name == name);
        // A word that is not known may be meant as one that is.
        if body.as_object().is_some_and(|said| !said.keys().all(|name| known(name)))
            || !(body.is_object() || body.is_null())
            || !query.iter().all(|(name, _)| call.query.iter().any(|part| part.name == name))
        {
            return Err(Problem::of("malformed"));
        }
        let told = (call.act)(self, &Asked { who, id, query, body })?;
        if !told.audited {
            self.registry.audit_query(who, call.name, "", None, (told.records, told.persons))?;
        }
        Ok(told.body)
    }

    fn refuse(&self, who: &Principal, name: &'static str, problem: &Problem) -> Answer {
        let touched = (Vec::new(), Vec::new());
        match self.registry.audit_query(who, name, "", Some(problem.reason()), touched) {
            Ok(()) => problem.answer(),
            // What cannot be audited is not answered otherwise.
            Err(failure) => Problem::from(failure).answer(),
        }
    }

    /// A regional ID, or `OID^VALUE`.
    fn identifier(&self, text: &str) -> Result<PatientIdentifier, Problem> {
        match text.split_once('^') {
            None if text.trim().is_empty() => Err(Problem::of("malformed")),
            None => {
                let authority = self.registry.domains().regional().oid.clone();
                Ok(PatientIdentifier { authority, value: text.to_owned() })
            }
            Some((domain, value)) if !value.is_empty() => {
                let authority = Oid::parse(domain).map_err(|_| Problem::of("malformed"))?;
                Ok(PatientIdentifier { authority, value: value.to_owned() })
            }
            Some(_) => Err(Problem::of("malformed")),
        }
    }
}

/// The call of this method and path, and what stands for `{id}` in it.
fn found(method: &str, path: &str) -> Result<(&'static Call, String), Problem> {
    let mut somebody = false;
    for call in &CALLS {
        let Some(id) = fits(call.path, path) else { continue };
        if call.method == method {
            return Ok((call, id.ok_or_else(|| Problem::of("malformed"))?));
        }
        somebody = true;
    }
    Err(Problem::of(if somebody { "wrong_method" } else { "no_such_path" }))
}

/// Whether `path` is of this form; then what stands for `{id}`, or none where it cannot be read.
fn fits(form: &str, path: &str) -> Option<Option<String>> {
    let (form, path): (Vec<&str>, Vec<&str>) = (form.split('/').collect(), path.split('/').collect());
    let mut id = Some(String::new());
    if form.len() != path.len() {
        return None;
    }
    for (meant, said) in form.into_iter().zip(path) {
        if meant == "{id}" && !said.is_empty() {
            id = decoded(said);
        } else if meant != said {
            return None;
        }
    }
    Some(id)
}

fn read_query(query: &str) -> Option<Vec<(String, String)>> {
    let parts = query.split('&').filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            Some((decoded(name)?, decoded(value)?))
        })
        .collect()
}

/// `%41` is `A`; none where that is no text.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut plain = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        plain.push(match byte {
            b'%' => {
                let two = [bytes.next()?, bytes.next()?];
                u8::from_str_radix(std::str::from_utf8(&two).ok()?, 16).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(plain).ok()
}

/// `text` as a part of a path or query.
pub fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
