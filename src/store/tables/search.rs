//! Search by tokens: all clauses must be satisfied, each by any of its alternatives.

mod statement;

pub(in crate::store) use statement::Bounds;

use super::{CHUNK, row_limit};
use crate::identity::RecordId;
use crate::matching::{CountedValues, SearchClause, SearchToken, TokenKinds, TokenMatch};
use crate::store::connection::{Connection, on_connection};
use crate::store::schema::search_token;
use crate::store::{StoreError, Transaction};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Double, SmallInt, Text};
use statement::{Statement, Value};
use std::collections::BTreeMap;

/// How far matches of a clause are counted to find the one that leaves fewest.
const COUNTED: i64 = 2_000;

/// How many records that satisfy one alternative are fetched, to be narrowed here instead of by the database: few at
/// first, since often one clause alone leaves few.
const FETCHED: [i64; 2] = [128, 4_096];

/// So few records are looked at one by one sooner than any further clause is sought.
const FEW: usize = 32;

/// So many values that begin alike are looked through for those that are close; where there are more, all are taken.
const ALIKE: usize = 512;

/// A record that satisfies a search.
pub struct FoundRecord {
    /// The record.
    pub record: RecordId,
    /// Its tokens of the kinds asked for.
    pub tokens: Vec<SearchToken>,
}

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = Text)]
    value: String,
    #[diesel(sql_type = BigInt)]
    n: i64,
}

#[derive(QueryableByName)]
struct Counts {
    #[diesel(sql_type = BigInt)]
    total: i64,
    #[diesel(sql_type = Double)]
    pairs: f64,
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = BigInt)]
    record_id: i64,
}

impl Transaction<'_> {
    /// How many records have a token of `kind`, the probability that two of them have the same, and the `most` common
    /// values of more than one record, each with how many have it.
    pub fn token_counts(&mut self, kind: i16, most: usize) -> Result<CountedValues, StoreError> {
        self.filed_tables()?;
        let sums: Counts = on_connection!(self, connection => diesel::sql_query(
            "SELECT CAST(coalesce(sum(n), 0) AS BIGINT) AS total, \
                    CAST(coalesce(sum(n * (n - 1)), 0) AS DOUBLE PRECISION) AS pairs \
             FROM (SELECT count(*) AS n FROM search_token WHERE kind = $1 GROUP BY value) AS counted")
            .bind::<SmallInt, _>(kind)
            .get_result(connection))?;
        let values: Vec<Counted> = on_connection!(self, connection => diesel::sql_query(
            "SELECT value, count(*) AS n FROM search_token WHERE kind = $1 GROUP BY value HAVING count(*) > 1 \
             ORDER BY 2 DESC, 1 LIMIT $2")
            .bind::<SmallInt, _>(kind)
            .bind::<BigInt, _>(row_limit(most))
            .load(connection))?;
        let whole = |n: i64| u32::try_from(n).unwrap_or(u32::MAX);
        let total = f64::from(whole(sums.total));
        let values = values.into_iter().map(|counted| (counted.value, whole(counted.n))).collect();
        let collision = sums.pairs / (total * (total - 1.0)).max(1.0);
        Ok(CountedValues { total: whole(sums.total), collision, values })
    }

    /// The records that satisfy all `clauses`, in ascending order, with their tokens of these `kinds`, among which those
    /// of the clauses must be; nothing at all where more than `limit` come into question. No clause finds nobody.
    ///
    /// Clauses are best given with the most telling first: as soon as one has left few records, their own tokens
    /// decide about the rest. That takes a few short statements, each compiled once; the statement that asks for
    /// everything is another for every query.
    pub fn tokens_search(
        &mut self,
        clauses: &[SearchClause],
        kinds: TokenKinds,
        limit: usize,
    ) -> Result<Option<Vec<FoundRecord>>, StoreError> {
        if clauses.is_empty() || clauses.iter().any(|clause| clause.any_of.is_empty()) {
            return Ok(Some(Vec::new()));
        }
        self.filed_tables()?;
        let [first, most] = FETCHED;
        let records = match self.sought(clauses, first)? {
            Some(records) => records,
            None => {
                let resolved = self.resolved(clauses)?;
                match self.sought(&resolved, most)? {
                    Some(records) => records,
                    None => {
                        let found = self.tokens_search_at_once(&resolved, limit.saturating_add(1))?;
                        if found.len() > limit {
                            return Ok(None);
                        }
                        found.into_iter().map(|record| record.0).collect()
                    }
                }
            }
        };
        let mut found = self.tokens_of(&records, kinds)?;
        found.retain(|one| clauses.iter().all(|clause| clause.is_met_by(&one.tokens)));
        Ok((found.len() <= limit).then_some(found))
    }

    /// The records that satisfy those of `clauses` that can be fetched, each alternative up to `most`: all clauses, or
    /// enough of them to leave few records. None where neither is so.
    fn sought(&mut self, clauses: &[SearchClause], most: i64) -> Result<Option<Vec<i64>>, StoreError> {
        let mut kept: Option<Vec<i64>> = None;
        let mut whole = true;
        for clause in clauses {
            let Some(found) = self.fetched(clause, most)? else {
                whole = false;
                continue;
            };
            let both = match kept {
                Some(kept) => common(&kept, &found),
                None => found,
            };
            if both.len() <= FEW {
                return Ok(Some(both));
            }
            kept = Some(both);
        }
        Ok(kept.filter(|_| whole))
    }

    /// The records that satisfy `clause`, in ascending order, or none where an alternative has `most` or more.
    fn fetched(&mut self, clause: &SearchClause, most: i64) -> Result<Option<Vec<i64>>, StoreError> {
        let mut all: Vec<i64> = Vec::new();
        for wanted in &clause.any_of {
            let (seen, found) = self.postings(wanted, most)?;
            if i64::try_from(seen).unwrap_or(i64::MAX) >= most {
                return Ok(None);
            }
            all.extend(found);
        }
        all.sort_unstable();
        all.dedup();
        Ok(Some(all))
    }

    /// How many tokens were looked at, at most `most`, and the records of those that are meant.
    fn postings(&mut self, wanted: &TokenMatch, most: i64) -> Result<(usize, Vec<i64>), StoreError> {
        use search_token::dsl;
        let Bounds { kind, from, to, before } = Bounds::of(wanted);
        let before = before.as_deref();
        if let (TokenMatch::Close { .. }, Some(before)) = (wanted, before) {
            let found: Vec<(String, i64)> = on_connection!(self, connection => dsl::search_token
                .filter(dsl::kind.eq(kind))
                .filter(dsl::value.ge(from))
                .filter(dsl::value.lt(before))
                .limit(most)
                .select((dsl::value, dsl::record_id))
                .load(connection))?;
            let seen = found.len();
            let meant = |(value, record)| wanted.is_met_by(&SearchToken { kind, value }).then_some(record);
            return Ok((seen, found.into_iter().filter_map(meant).collect()));
        }
        let found: Vec<i64> = match (to, before) {
            (Some(to), _) if to == from => on_connection!(self, connection => dsl::search_token
                .filter(dsl::kind.eq(kind))
                .filter(dsl::value.eq(from))
                .limit(most)
                .select(dsl::record_id)
                .load(connection))?,
            (Some(to), _) => on_connection!(self, connection => dsl::search_token
                .filter(dsl::kind.eq(kind))
                .filter(dsl::value.ge(from))
                .filter(dsl::value.le(to))
                .limit(most)
                .select(dsl::record_id)
                .load(connection))?,
            (None, Some(before)) => on_connection!(self, connection => dsl::search_token
                .filter(dsl::kind.eq(kind))
                .filter(dsl::value.ge(from))
                .filter(dsl::value.lt(before))
                .limit(most)
                .select(dsl::record_id)
                .load(connection))?,
            (None, None) => on_connection!(self, connection => dsl::search_token
                .filter(dsl::kind.eq(kind))
                .filter(dsl::value.ge(from))
                .limit(most)
                .select(dsl::record_id)
                .load(connection))?,
        };
        Ok((found.len(), found))
    }

    /// The same clauses with the values that there are in the place of what need only be close.
    pub(in crate::store) fn resolved(&mut self, clauses: &[SearchClause]) -> Result<Vec<SearchClause>, StoreError> {
        clauses.iter().map(|clause| self.resolved_one(clause)).collect()
    }

    fn resolved_one(&mut self, clause: &SearchClause) -> Result<SearchClause, StoreError> {
        let mut any_of = Vec::with_capacity(clause.any_of.len());
        for wanted in &clause.any_of {
            let close = matches!(wanted, TokenMatch::Close { .. });
            let values = if close { self.values_between(&Bounds::of(wanted))? } else { None };
            let Some(values) = values else {
                any_of.push(wanted.clone());
                continue;
            };
            let kind = Bounds::of(wanted).kind;
            let tokens = values.into_iter().map(|value| SearchToken { kind, value });
            // What is sought itself is among those that are close to it, and may be close to another that is sought.
            let sought = |token: &SearchToken, known: &[TokenMatch]| {
                let plain = clause.any_of.iter().filter(|other| !matches!(other, TokenMatch::Close { .. }));
                plain.chain(known).any(|other| other.is_met_by(token))
            };
            let new: Vec<_> = tokens.filter(|token| wanted.is_met_by(token) && !sought(token, &any_of)).collect();
            any_of.extend(new.into_iter().map(TokenMatch::Exact));
        }
        Ok(SearchClause { any_of })
    }

    /// The values of tokens between these bounds, or none where they are too many to look through.
    fn values_between(&mut self, bounds: &Bounds<'_>) -> Result<Option<Vec<String>>, StoreError> {
        use search_token::dsl;
        let Some(before) = &bounds.before else { return Ok(None) };
        if matches!(self.connection(), Connection::Postgres(_)) {
            let values: Vec<String> = on_connection!(self, connection => dsl::search_token
                .filter(dsl::kind.eq(bounds.kind))
                .filter(dsl::value.ge(bounds.from))
                .filter(dsl::value.lt(before))
                .select(dsl::value)
                .distinct()
                .limit(row_limit(ALIKE + 1))
                .load(connection))?;
            return Ok((values.len() <= ALIKE).then_some(values));
        }
        // Each value is one step into the index, over all the records that have it.
        let mut values: Vec<String> = Vec::new();
        while values.len() <= ALIKE {
            let next: Option<String> = match values.last() {
                None => on_connection!(self, connection => dsl::search_token
                    .filter(dsl::kind.eq(bounds.kind))
                    .filter(dsl::value.ge(bounds.from))
                    .filter(dsl::value.lt(before))
                    .order(dsl::value.asc())
                    .select(dsl::value)
                    .first(connection)
                    .optional())?,
                Some(last) => on_connection!(self, connection => dsl::search_token
                    .filter(dsl::kind.eq(bounds.kind))
                    .filter(dsl::value.gt(last))
                    .filter(dsl::value.lt(before))
                    .order(dsl::value.asc())
                    .select(dsl::value)
                    .first(connection)
                    .optional())?,
            };
            match next {
                Some(next) => values.push(next),
                None => return Ok(Some(values)),
            }
        }
        Ok(None)
    }

    /// The tokens of these kinds of each of `records`, in their order.
    pub fn tokens_of(&mut self, records: &[i64], kinds: TokenKinds) -> Result<Vec<FoundRecord>, StoreError> {
        if self.is_sqlite() {
            let mut found = Vec::with_capacity(records.len());
            for record in records {
                let mut tokens = self.filed_tokens(*record)?;
                tokens.retain(|token| kinds.holds(token.kind));
                found.push(FoundRecord { record: RecordId(*record), tokens });
            }
            return Ok(found);
        }
        let (first, last) = kinds.bounds().unwrap_or((0, -1));
        let one_by_one = self.one_by_one(records.len());
        let mut tokens: BTreeMap<i64, Vec<SearchToken>> = BTreeMap::new();
        for record in records.iter().filter(|_| one_by_one) {
            let found: Vec<(i16, String)> = on_connection!(self, connection => search_token::table
                .filter(search_token::record_id.eq(record))
                .filter(search_token::kind.ge(first))
                .filter(search_token::kind.le(last))
                .select((search_token::kind, search_token::value))
                .load(connection))?;
            let found = found.into_iter().filter(|(kind, _)| kinds.holds(*kind));
            tokens.insert(*record, found.map(|(kind, value)| SearchToken { kind, value }).collect());
        }
        for chunk in records.chunks(CHUNK).filter(|_| !one_by_one) {
            let found: Vec<(i64, i16, String)> = on_connection!(self, connection => search_token::table
                .filter(search_token::record_id.eq_any(chunk))
                .filter(search_token::kind.ge(first))
                .filter(search_token::kind.le(last))
                .select((search_token::record_id, search_token::kind, search_token::value))
                .load(connection))?;
            for (record, kind, value) in found.into_iter().filter(|(_, kind, _)| kinds.holds(*kind)) {
                tokens.entry(record).or_default().push(SearchToken { kind, value });
            }
        }
        let each = records.iter().map(|record| (*record, tokens.remove(record).unwrap_or_default()));
        Ok(each.map(|(record, tokens)| FoundRecord { record: RecordId(record), tokens }).collect())
    }

    /// The same by one statement, for clauses of which none leaves few.
    pub(in crate::store) fn tokens_search_at_once(
        &mut self,
        clauses: &[SearchClause],
        limit: usize,
    ) -> Result<Vec<RecordId>, StoreError> {
        if clauses.iter().any(|clause| clause.any_of.is_empty()) {
            return Ok(Vec::new());
        }
        self.filed_tables()?;
        let mut best = (i64::MAX, 0);
        for (index, clause) in clauses.iter().enumerate() {
            let count = if clauses.len() == 1 { 0 } else { self.count_matches(clause)? };
            best = best.min((count, index));
        }
        let mut statement = Statement::default();
        statement.text("SELECT f.record_id FROM (");
        clauses.iter().skip(best.1).take(1).for_each(|clause| statement.union(clause));
        statement.text(") AS f");
        let others = clauses.iter().enumerate().filter(|(index, _)| *index != best.1);
        for (place, (_, clause)) in others.enumerate() {
            statement.text(if place == 0 { " WHERE " } else { " AND " });
            if self.is_sqlite() {
                statement.exists_beside(clause);
            } else {
                statement.exists(clause);
            }
        }
        // One alternative can hold a record under several tokens.
        statement.text(" GROUP BY f.record_id ORDER BY f.record_id LIMIT ");
        statement.value(Value::Number(row_limit(limit)));
        Ok(self.found(statement)?.into_iter().map(RecordId).collect())
    }

    /// How many tokens satisfy `clause`, counted no further than needed to choose.
    fn count_matches(&mut self, clause: &SearchClause) -> Result<i64, StoreError> {
        let mut total = 0;
        for wanted in &clause.any_of {
            let mut statement = Statement::default();
            statement.text("SELECT count(*) AS record_id FROM (SELECT 1 FROM search_token s WHERE ");
            statement.condition("s", wanted);
            statement.text(" LIMIT ");
            statement.value(Value::Number(COUNTED));
            statement.text(") AS counted");
            total += self.found(statement)?.into_iter().sum::<i64>();
            if total >= COUNTED {
                break;
            }
        }
        Ok(total)
    }

    fn found(&mut self, statement: Statement) -> Result<Vec<i64>, StoreError> {
        let Statement { sql, values } = statement;
        let rows: Vec<Found> = on_connection!(self, connection => {
            let mut query = diesel::sql_query(&sql).into_boxed();
            for value in &values {
                query = match value {
                    Value::Kind(kind) => query.bind::<SmallInt, _>(*kind),
                    Value::Text(text) => query.bind::<Text, _>(text.as_str()),
                    Value::Number(number) => query.bind::<BigInt, _>(*number),
                };
            }
            query.load(connection)
        })?;
        Ok(rows.into_iter().map(|row| row.record_id).collect())
    }
}

/// What both lists have, which are in ascending order.
fn common(some: &[i64], others: &[i64]) -> Vec<i64> {
    let mut others = others.iter().peekable();
    let is_there = |record: &&i64| {
        while others.next_if(|other| *other < *record).is_some() {}
        others.peek() == Some(record)
    };
    some.iter().filter(is_there).copied().collect()
}
