//! Search by tokens: all clauses must be satisfied, each by any of its alternatives.

use super::row_limit;
use crate::identity::RecordId;
use crate::matching::{CountedValues, SearchClause, SearchToken, TokenMatch};
use crate::store::connection::on_connection;
use crate::store::schema::search_token;
use crate::store::{StoreError, Transaction};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Double, SmallInt, Text};
use std::collections::BTreeSet;

/// How far matches of a clause are counted to find the one that leaves fewest.
const COUNTED: i64 = 2_000;

/// How many records that satisfy one clause are fetched, to be narrowed here instead of by the database.
const FETCHED: i64 = 500;

/// So few records are looked at one by one sooner than any further clause is sought.
const FEW: usize = 32;

/// A record that satisfies a search.
pub struct FoundRecord {
    /// The record.
    pub record: RecordId,
    /// All its tokens, where they were looked at.
    pub tokens: Option<Vec<SearchToken>>,
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

/// A statement in the making, with `$1`, `$2` ... in the order of its values; both databases read them so.
#[derive(Default)]
struct Statement {
    sql: String,
    values: Vec<Value>,
}

enum Value {
    Kind(i16),
    Text(String),
    Number(i64),
}

impl Statement {
    fn text(&mut self, sql: &str) {
        self.sql.push_str(sql);
    }

    fn value(&mut self, value: Value) {
        self.values.push(value);
        self.sql.push('$');
        self.sql.push_str(&self.values.len().to_string());
    }

    /// `table.kind = .. AND table.value ..` for one alternative.
    fn condition(&mut self, table: &str, wanted: &TokenMatch) {
        let (kind, first, last, before) = match wanted {
            TokenMatch::Exact(token) => (token.kind, &token.value, Some(&token.value), None),
            TokenMatch::Prefix(token) => (token.kind, &token.value, None, after_prefix(&token.value)),
            TokenMatch::Range { kind, from, to } => (*kind, from, Some(to), None),
        };
        self.text(&format!("{table}.kind = "));
        self.value(Value::Kind(kind));
        let mut bound = |operator: &str, text: &str| {
            self.text(&format!(" AND {table}.value {operator} "));
            self.value(Value::Text(text.to_owned()));
        };
        if Some(first) == last {
            bound("=", first);
            return;
        }
        bound(">=", first);
        if let Some(last) = last {
            bound("<=", last);
        }
        if let Some(before) = before {
            bound("<", &before);
        }
    }

    /// The records that satisfy `clause`, each alternative sought by the primary key.
    fn union(&mut self, clause: &SearchClause) {
        for (index, wanted) in clause.any_of.iter().enumerate() {
            self.text(if index == 0 { "" } else { " UNION " });
            self.text("SELECT s.record_id FROM search_token s WHERE ");
            self.condition("s", wanted);
        }
    }

    /// `EXISTS (...)` for a clause that narrows what another found.
    fn exists(&mut self, clause: &SearchClause) {
        self.text("EXISTS (SELECT 1 FROM search_token o WHERE o.record_id = f.record_id AND (");
        for (index, wanted) in clause.any_of.iter().enumerate() {
            self.text(if index == 0 { "(" } else { " OR (" });
            self.condition("o", wanted);
            self.text(")");
        }
        self.text("))");
    }
}

impl Transaction<'_> {
    /// How many records have a token of `kind`, the probability that two of them have the same, and the `most` common
    /// values of more than one record, each with how many have it.
    pub fn token_counts(&mut self, kind: i16, most: usize) -> Result<CountedValues, StoreError> {
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

    /// At most `limit` records that satisfy all `clauses`, in ascending order; none for no clause.
    ///
    /// Clauses are best given with the most telling first: as soon as one has left few records, their own tokens
    /// decide about the rest. That takes a few short statements, each compiled once; the statement that asks for
    /// everything is another for every query.
    pub fn tokens_search(&mut self, clauses: &[SearchClause], limit: usize) -> Result<Vec<FoundRecord>, StoreError> {
        if clauses.is_empty() || clauses.iter().any(|clause| clause.any_of.is_empty()) {
            return Ok(Vec::new());
        }
        let mut kept: Option<BTreeSet<i64>> = None;
        for clause in clauses {
            let Some(found) = self.fetched(clause)? else { continue };
            let both = match kept {
                Some(kept) => kept.intersection(&found).copied().collect(),
                None => found,
            };
            if both.len() <= FEW {
                return self.narrowed(both, clauses, limit);
            }
            kept = Some(both);
        }
        let found = self.tokens_search_at_once(clauses, limit)?;
        Ok(found.into_iter().map(|record| FoundRecord { record, tokens: None }).collect())
    }

    /// The records that satisfy `clause`, or none where they are too many to fetch.
    fn fetched(&mut self, clause: &SearchClause) -> Result<Option<BTreeSet<i64>>, StoreError> {
        let mut found = BTreeSet::new();
        for wanted in &clause.any_of {
            let records: Vec<i64> = self.postings(wanted)?;
            if i64::try_from(records.len()).unwrap_or(i64::MAX) >= FETCHED {
                return Ok(None);
            }
            found.extend(records);
        }
        Ok(Some(found))
    }

    fn postings(&mut self, wanted: &TokenMatch) -> Result<Vec<i64>, StoreError> {
        use search_token::dsl;
        let (kind, from, to, before) = match wanted {
            TokenMatch::Exact(token) => {
                return on_connection!(self, connection => dsl::search_token
                    .filter(dsl::kind.eq(token.kind))
                    .filter(dsl::value.eq(&token.value))
                    .limit(FETCHED)
                    .select(dsl::record_id)
                    .load(connection));
            }
            TokenMatch::Prefix(token) => (token.kind, &token.value, None, after_prefix(&token.value)),
            TokenMatch::Range { kind, from, to } => (*kind, from, Some(to), None),
        };
        match (to, before) {
            (Some(to), _) => on_connection!(self, connection => dsl::search_token
                .filter(dsl::kind.eq(kind))
                .filter(dsl::value.ge(from))
                .filter(dsl::value.le(to))
                .limit(FETCHED)
                .select(dsl::record_id)
                .load(connection)),
            (None, Some(before)) => on_connection!(self, connection => dsl::search_token
                .filter(dsl::kind.eq(kind))
                .filter(dsl::value.ge(from))
                .filter(dsl::value.lt(&before))
                .limit(FETCHED)
                .select(dsl::record_id)
                .load(connection)),
            (None, None) => on_connection!(self, connection => dsl::search_token
                .filter(dsl::kind.eq(kind))
                .filter(dsl::value.ge(from))
                .limit(FETCHED)
                .select(dsl::record_id)
                .load(connection)),
        }
    }

    /// Those of `records` whose own tokens satisfy all `clauses`.
    fn narrowed(
        &mut self,
        records: BTreeSet<i64>,
        clauses: &[SearchClause],
        limit: usize,
    ) -> Result<Vec<FoundRecord>, StoreError> {
        let mut found = Vec::with_capacity(records.len());
        for record in records {
            let tokens: Vec<(i16, String)> = on_connection!(self, connection => search_token::table
                .filter(search_token::record_id.eq(record))
                .select((search_token::kind, search_token::value))
                .load(connection))?;
            let tokens: Vec<SearchToken> =
                tokens.into_iter().map(|(kind, value)| SearchToken { kind, value }).collect();
            if clauses.iter().all(|clause| clause.is_met_by(&tokens)) && found.len() < limit {
                found.push(FoundRecord { record: RecordId(record), tokens: Some(tokens) });
            }
        }
        Ok(found)
    }

    /// The same by one statement, for clauses of which none leaves few.
    pub(in crate::store) fn tokens_search_at_once(
        &mut self,
        clauses: &[SearchClause],
        limit: usize,
    ) -> Result<Vec<RecordId>, StoreError> {
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
            statement.exists(clause);
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

/// The least text that is greater in byte order than all that begin with `prefix`; none if there is no such.
fn after_prefix(prefix: &str) -> Option<String> {
    let mut head = prefix.to_owned();
    while let Some(last) = head.pop() {
        let next = match last {
            '\u{D7FF}' => Some('\u{E000}'),
            other => char::from_u32(u32::from(other) + 1),
        };
        if let Some(next) = next {
            head.push(next);
            return Some(head);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_after_a_prefix() {
        let check =
            |prefix: &str, expect: Option<&str>| assert_eq!(after_prefix(prefix).as_deref(), expect, "{prefix:?}");
        check("ab", Some("ac"));
        check("a\u{10FFFF}", Some("b"));
        check("\u{D7FF}", Some("\u{E000}"));
        check("\u{10FFFF}", None);
        check("", None);
    }
}
