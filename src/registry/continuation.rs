//! The further pages of a search (ITI TF-2: 3.47.4.1.2.1, Continuation Option): who was found, and in which order, is
//! kept in the store for a while, bound to who asked.
//!
//! What a page tells of a person is read when it is told: nobody is shown what they may not see any more. A person who
//! can be shown no more leaves a gap that is told, never a patient fewer in silence.

use super::error::{Place, Reason, Refusal};
use super::intake::stable_key;
use super::search::{FoundPerson, SearchAnswer};
use super::{Failure, Registry};
use crate::access::Principal;
use crate::identity::{Oid, PersonId, RecordId};
use crate::store::{KeptQueryRow, SourceRecordRow, Transaction};
use std::sync::Arc;

/// So many queries of one principal are kept; the oldest make room.
const KEPT_EACH: usize = 200;
/// So many replies to one query are remembered, for a continuation that names the reply that it follows.
const REPLIES: usize = 32;

/// What is kept of a query whose first page is told now.
#[derive(Clone)]
pub struct FirstPage {
    /// The query's id, root and extension joined by `^`.
    pub query_id: String,
    /// The id of the reply that tells it.
    pub reply_id: String,
    /// How many patients it tells.
    pub size: u32,
    /// The domains asked for.
    pub domains: Vec<Oid>,
    /// The echo of the query, for the replies that follow.
    pub echo: String,
}

/// What is asked of a query that is kept.
#[derive(Clone)]
pub struct NextPage {
    /// The query's id, root and extension joined by `^`.
    pub query_id: String,
    /// The place of the first patient wanted, from 1; the one after the last told where none is named.
    pub start: Option<u32>,
    /// How many at most; as many as before where it is not said.
    pub size: Option<u32>,
    /// The reply that the message says it follows.
    pub follows: Option<String>,
    /// The id of the reply to this.
    pub reply_id: String,
}

/// A further page.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// The patients on it.
    pub people: Vec<FoundPerson>,
    /// Patients of the whole list.
    pub total: u32,
    /// Patients after this page.
    pub remaining: u32,
    /// Patients of this page that can be shown no more.
    pub gone: u32,
    /// The echo of the query.
    pub echo: String,
}

/// One place of the list: the person, the record that fitted, the degree.
type Kept = (i64, i64, u8);
/// A reply and the place after it.
type Told = (String, i32);

impl Registry {
    /// Keeps the list of `found`, of which the first page is told; another query of that id is forgotten.
    pub fn keep_query(&self, principal: &Principal, page: &FirstPage, found: &SearchAnswer) -> Result<(), Failure> {
        let now = self.0.clock.micros();
        let results: Vec<Kept> = found.people.iter().map(|one| (one.person.0, one.record.0, one.degree)).collect();
        let domains: Vec<&str> = page.domains.iter().map(Oid::as_str).collect();
        let size = i32::try_from(page.size).unwrap_or(i32::MAX);
        let row = KeptQueryRow {
            id: query_key(principal, &page.query_id),
            principal: principal.key.clone(),
            query_id: page.query_id.clone(),
            kept: now,
            expires: now.saturating_add(i64::from(self.0.settings.search_kept_seconds).saturating_mul(1_000_000)),
            domains: text(&domains)?,
            page_size: size,
            next: size,
            pages: text(&[(&page.reply_id, size)])?,
            results: text(&results)?,
            echo: page.echo.clone(),
        };
        self.write(vec![row.id], move |tx| {
            tx.queries_trim(&row.principal, KEPT_EACH, now)?;
            Ok(tx.query_keep(&row)?)
        })
    }

    /// The next page of a query that is kept for `principal`; that of another is unknown to it.
    pub fn continue_query(&self, principal: &Principal, asked: &NextPage) -> Result<Result<Page, Refusal>, Failure> {
        if !self.0.settings.policy.knows(principal) {
            return Ok(Err(Refusal::new(Reason::UnknownSender, Place::Sender)));
        }
        let key = query_key(principal, &asked.query_id);
        let (registry, principal, asked) = (self.clone(), principal.clone(), asked.clone());
        self.write(vec![key], move |tx| match registry.kept(tx, key, &principal, &asked.query_id)? {
            Some(row) => registry.page(tx, &principal, &row, &asked).map(Ok),
            None => Ok(Err(Refusal::new(Reason::UnknownQuery, Place::Message))),
        })
    }

    /// Forgets a query that is kept for `principal`.
    pub fn cancel_query(&self, principal: &Principal, query_id: &str) -> Result<Result<(), Refusal>, Failure> {
        if !self.0.settings.policy.knows(principal) {
            return Ok(Err(Refusal::new(Reason::UnknownSender, Place::Sender)));
        }
        let key = query_key(principal, query_id);
        let (registry, principal, query_id) = (self.clone(), principal.clone(), query_id.to_owned());
        self.write(vec![key], move |tx| {
            let known = registry.kept(tx, key, &principal, &query_id)?.is_some() && tx.query_forget(key)?;
            Ok(if known { Ok(()) } else { Err(Refusal::new(Reason::UnknownQuery, Place::Message)) })
        })
    }

    fn kept(
        &self,
        tx: &mut Transaction<'_>,
        key: i64,
        principal: &Principal,
        query_id: &str,
    ) -> Result<Option<KeptQueryRow>, Failure> {
        let now = self.0.clock.micros();
        tx.queries_trim(&principal.key, KEPT_EACH, now)?;
        let ours = |row: &KeptQueryRow| row.principal == principal.key && row.query_id == query_id && row.expires > now;
        Ok(tx.query_kept(key)?.filter(ours))
    }

    fn page(
        &self,
        tx: &mut Transaction<'_>,
        principal: &Principal,
        row: &KeptQueryRow,
        asked: &NextPage,
    ) -> Result<Page, Failure> {
        let results: Vec<Kept> = read(&row.results, "the results of a query that is kept")?;
        let mut pages: Vec<Told> = read(&row.pages, "the pages of a query that is kept")?;
        let domains: Vec<String> = read(&row.domains, "the domains of a query that is kept")?;
        let domains: Vec<Oid> = domains.iter().filter_map(|oid| Oid::parse(oid).ok()).collect();
        let total = i32::try_from(results.len()).unwrap_or(i32::MAX);
        let from = first(row, &pages, asked).clamp(0, total);
        let size = asked.size.map_or(row.page_size, |size| i32::try_from(size).unwrap_or(i32::MAX));
        let to = from.saturating_add(size).min(total);
        let (mut people, mut gone) = (Vec::new(), 0);
        let places = usize::try_from(from).unwrap_or(0)..usize::try_from(to).unwrap_or(0);
        for kept in results.get(places).unwrap_or_default() {
            match self.shown_again(tx, principal, kept, &domains)? {
                Some(person) => people.push(person),
                None => gone += 1,
            }
        }
        pages.push((asked.reply_id.clone(), to));
        pages.drain(..pages.len().saturating_sub(REPLIES));
        tx.query_told(row.id, size, to, &text(&pages)?)?;
        let count = |number: i32| u32::try_from(number).unwrap_or(0);
        Ok(Page { people, total: count(total), remaining: count(total - to), gone, echo: row.echo.clone() })
    }

    /// What may be shown now of one who was found, by the record that fitted, else by another of the person's.
    fn shown_again(
        &self,
        tx: &mut Transaction<'_>,
        principal: &Principal,
        (person, record, degree): &Kept,
        domains: &[Oid],
    ) -> Result<Option<FoundPerson>, Failure> {
        let fitted = RecordId(*record);
        let person = match tx.person_of(fitted)? {
            Some(person) => person,
            None => self.living(tx, PersonId(*person))?,
        };
        let rows = tx.records_of(person)?;
        let hidden = self.quarantined(tx, &rows)?;
        let may_be_told = |row: &&SourceRecordRow| {
            row.status == "active" && !hidden.contains(&RecordId(row.id)) && self.may_search(principal, &row.domain_key)
        };
        let told: Vec<RecordId> = rows.iter().filter(may_be_told).map(|row| RecordId(row.id)).collect();
        let Some(record) = told.iter().find(|record| **record == fitted).or(told.first()).copied() else {
            return Ok(None);
        };
        let Some((_, demographics)) = tx.versions_current(&[record])?.into_iter().next() else { return Ok(None) };
        self.shown_person(tx, principal, person, (*degree, record, Arc::new(demographics)), domains)
    }
}

/// Where the page begins: as asked, else after the reply that the message follows, else after what was told last.
fn first(row: &KeptQueryRow, pages: &[Told], asked: &NextPage) -> i32 {
    if let Some(start) = asked.start {
        return i32::try_from(start.saturating_sub(1)).unwrap_or(i32::MAX);
    }
    let follows = |told: &&Told| asked.follows.as_ref().is_some_and(|id| id.eq_ignore_ascii_case(&told.0));
    pages.iter().rev().find(follows).map_or(row.next, |(_, after)| *after)
}

fn query_key(principal: &Principal, query_id: &str) -> i64 {
    stable_key(&["query", &principal.key, query_id])
}

fn text<T: serde::Serialize>(value: &[T]) -> Result<String, Failure> {
    serde_json::to_string(value).map_err(|_| Failure::Corrupt("a query that is to be kept"))
}

fn read<T: serde::de::DeserializeOwned>(text: &str, what: &'static str) -> Result<T, Failure> {
    serde_json::from_str(text).map_err(|_| Failure::Corrupt(what))
}
