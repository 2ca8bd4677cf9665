//! What must hold between the tables whatever happened to the process: asked in one snapshot, changed by nobody.

use crate::identity::{Demographics, RecordId};
use crate::matching::{BlockingKey, SearchToken};
use crate::store::connection::{Connection, on_connection};
use crate::store::demographics_twin::from_text;
use crate::store::schema::{blocking_key, comparison_row, demographic_version, person, search_token, source_record};
use crate::store::{StoreError, Transaction};
use diesel::prelude::*;
use diesel::sql_types::BigInt;

/// Rules that one statement can check, each with a query that counts the rows that break it.
///
/// Tables without an index for the question are compared as sets, once, so that a large store is verified too.
const RULES: [(&str, &str); 18] = [
    (
        "every active record is linked to exactly one person",
        "SELECT count(*) AS broken FROM source_record r WHERE r.status = 'active' AND \
         (SELECT count(*) FROM link l WHERE l.record_id = r.id AND l.valid_to IS NULL) <> 1",
    ),
    (
        "no subsumed record is linked to a person, or filed for the matcher",
        "SELECT count(*) AS broken FROM source_record r WHERE r.status = 'subsumed' AND \
         (EXISTS (SELECT 1 FROM link l WHERE l.record_id = r.id AND l.valid_to IS NULL) OR \
          EXISTS (SELECT 1 FROM blocking_key k WHERE k.record_id = r.id) OR \
          EXISTS (SELECT 1 FROM comparison_row c WHERE c.record_id = r.id) OR r.survivor IS NULL)",
    ),
    (
        "every record is compared as the person's whose it is",
        "SELECT count(*) AS broken FROM comparison_row c WHERE \
         coalesce(c.person_id, 0) <> coalesce((SELECT l.person_id FROM link l WHERE l.record_id = c.record_id AND \
         l.valid_to IS NULL), 0)",
    ),
    (
        // On PostgreSQL no index says so, since none could across shards.
        "no number is given twice",
        "SELECT (SELECT count(*) - count(DISTINCT id) FROM source_record) + \
         (SELECT count(*) - count(DISTINCT id) FROM link) + (SELECT count(*) - count(DISTINCT id) FROM review) + \
         (SELECT count(*) - count(DISTINCT id) FROM steward_decision) AS broken",
    ),
    (
        "every link leads from a record to an active person",
        "SELECT count(*) AS broken FROM link l LEFT JOIN person p ON p.id = l.person_id \
         LEFT JOIN source_record r ON r.id = l.record_id WHERE l.valid_to IS NULL AND \
         (p.id IS NULL OR p.state NOT IN ('active', 'erased') OR r.id IS NULL)",
    ),
    (
        // Whose only number is suddenly another person's is not that other one, and a steward was asked.
        "every active person has a record, or had one that is suddenly another person's",
        "SELECT count(*) AS broken FROM person p WHERE p.state = 'active' AND \
         NOT EXISTS (SELECT 1 FROM link l WHERE l.person_id = p.id AND l.valid_to IS NULL) AND \
         p.id NOT IN (SELECT v.person_id FROM review v WHERE v.kind = 'overlay' AND v.person_id IS NOT NULL)",
    ),
    (
        "no person has two regional IDs at a time, and no retired person has one",
        "SELECT count(*) AS broken FROM person p WHERE \
         (SELECT count(*) FROM regional_id i WHERE i.person_id = p.id AND i.retired IS NULL) > \
         CASE WHEN p.state = 'active' THEN 1 ELSE 0 END",
    ),
    (
        "every regional ID is a person's",
        "SELECT count(*) AS broken FROM regional_id i WHERE NOT EXISTS (SELECT 1 FROM person p WHERE p.id = i.person_id)",
    ),
    (
        "every record has all its versions, and the newest is the current one",
        "SELECT count(*) AS broken FROM source_record r LEFT JOIN \
         (SELECT record_id, count(*) AS many, max(version) AS newest FROM demographic_version GROUP BY record_id) v \
         ON v.record_id = r.id WHERE v.many IS NULL OR v.many <> r.version OR v.newest <> r.version",
    ),
    (
        "every version is a record's",
        "SELECT count(*) AS broken FROM demographic_version v WHERE \
         NOT EXISTS (SELECT 1 FROM source_record r WHERE r.id = v.record_id)",
    ),
    (
        "every version that a message made has that message in the journal",
        // Or did have it, before it was dropped for its age.
        "SELECT count(*) AS broken FROM (SELECT inbox_id FROM demographic_version WHERE inbox_id IS NOT NULL AND \
         recorded >= (SELECT coalesce(max(CAST(s.value AS BIGINT)), 0) FROM setting s \
         WHERE s.name = 'journal_dropped_before') EXCEPT SELECT id FROM inbox) AS lost",
    ),
    (
        "what was erased is filed nowhere, is nobody's who is known, and its messages are empty",
        "SELECT (SELECT count(*) FROM source_record r WHERE r.status = 'erased' AND (\
         EXISTS (SELECT 1 FROM blocking_key k WHERE k.record_id = r.id) OR \
         EXISTS (SELECT 1 FROM search_token t WHERE t.record_id = r.id) OR \
         EXISTS (SELECT 1 FROM comparison_row c WHERE c.record_id = r.id) OR r.value NOT LIKE 'erased:%')) + \
         (SELECT count(*) FROM inbox i WHERE length(i.payload) > 0 AND i.id IN (SELECT v.inbox_id FROM \
         demographic_version v JOIN source_record r ON r.id = v.record_id WHERE r.status = 'erased')) + \
         (SELECT count(*) FROM regional_id i JOIN person p ON p.id = i.person_id \
         WHERE p.state = 'erased' AND i.state = 'active') AS broken",
    ),
    ("every message has an outcome", "SELECT count(*) AS broken FROM inbox WHERE outcome = ''"),
    (
        "every message was audited",
        "SELECT count(*) AS broken FROM (SELECT message_id, principal FROM inbox \
         EXCEPT SELECT message_id, principal FROM audit) AS unseen",
    ),
    (
        "no message took effect twice",
        "SELECT count(*) AS broken FROM (SELECT 1 FROM inbox GROUP BY principal, message_id, payload_hash \
         HAVING count(*) > 1) AS twice",
    ),
    (
        "no message made two versions of one record",
        "SELECT count(*) AS broken FROM (SELECT 1 FROM demographic_version WHERE inbox_id IS NOT NULL \
         GROUP BY record_id, inbox_id HAVING count(*) > 1) AS twice",
    ),
    (
        "every event and every row of the outbox is about a person or record that exists",
        "SELECT (SELECT count(*) FROM event e WHERE (e.person_id IS NOT NULL AND \
         NOT EXISTS (SELECT 1 FROM person p WHERE p.id = e.person_id)) OR (e.record_id IS NOT NULL AND \
         NOT EXISTS (SELECT 1 FROM source_record r WHERE r.id = e.record_id))) + \
         (SELECT count(*) FROM outbox o WHERE NOT EXISTS (SELECT 1 FROM person p WHERE p.id = o.person_id)) AS broken",
    ),
    (
        "every link was noted as an event, and whoever watches is told of it",
        "SELECT (SELECT count(*) FROM (SELECT record_id, person_id FROM link \
         EXCEPT SELECT record_id, person_id FROM event WHERE kind = 'linked') AS unnoted) + \
         (SELECT count(*) FROM (SELECT l.person_id FROM link l WHERE l.valid_from >= \
         (SELECT coalesce(max(CAST(s.value AS BIGINT)), 0) FROM setting s WHERE s.name = 'outbox_kept_since') \
         AND NOT EXISTS (SELECT 1 FROM event e WHERE e.record_id = l.record_id AND e.person_id = l.person_id \
         AND e.kind = 'linked' AND e.detail = 'silent') \
         EXCEPT SELECT person_id FROM outbox) AS untold) AS broken",
    ),
];

/// How long a chain of successors can be that was not made by going round in a circle.
const LONGEST_CHAIN: usize = 100_000;

const SAY_THE_SAME: &str = "the tables by which records are sought say what each is filed under";

/// How many rows there are, and a sum that hardly any other rows have: by the tables, and beside the records.
const SAME: [(&str, &str); 2] = [
    (
        "SELECT count(*) AS n, coalesce(sum(((key % 1000003) * (record_id % 998244353)) % 1000000007), 0) AS mix \
         FROM blocking_key",
        "SELECT count(*) AS n, coalesce(sum(((w.value % 1000003) * (f.record_id % 998244353)) % 1000000007), 0) AS mix \
         FROM filed_under f, json_each(f.terms, '$[0]') w",
    ),
    (
        "SELECT count(*) AS n, coalesce(sum(((1 + kind * 131 + length(value) * 31 + coalesce(unicode(value), 0) \
         + coalesce(unicode(substr(value, -1)), 0) * 7) * (record_id % 998244353)) % 1000000007), 0) AS mix \
         FROM search_token",
        "SELECT count(*) AS n, coalesce(sum(((1 + kind * 131 + length(value) * 31 + coalesce(unicode(value), 0) \
         + coalesce(unicode(substr(value, -1)), 0) * 7) * (record_id % 998244353)) % 1000000007), 0) AS mix FROM \
         (SELECT CAST(substr(w.value, 1, instr(w.value, '=') - 1) AS INTEGER) AS kind, \
         substr(w.value, instr(w.value, '=') + 1) AS value, f.record_id AS record_id \
         FROM filed_under f, json_each(f.terms, '$[1]') w)",
    ),
];

#[derive(QueryableByName)]
struct Mixed {
    #[diesel(sql_type = BigInt)]
    n: i64,
    #[diesel(sql_type = BigInt)]
    mix: i64,
}

#[derive(QueryableByName)]
struct Broken {
    #[diesel(sql_type = BigInt)]
    broken: i64,
}

/// A record with what it says and what it is filed under.
pub struct Filed {
    /// The record.
    pub record: RecordId,
    /// What it says now.
    pub demographics: Demographics,
    /// Its blocking keys, in order.
    pub keys: Vec<BlockingKey>,
    /// Its search tokens, in order.
    pub tokens: Vec<SearchToken>,
    /// Its comparison row, where it has one.
    pub row: Option<Vec<u8>>,
}

impl Transaction<'_> {
    /// Each rule with the number of rows that break it.
    pub fn invariants(&mut self) -> Result<Vec<(&'static str, i64)>, StoreError> {
        let mut found = Vec::with_capacity(RULES.len() + 4);
        let is_sqlite = self.is_sqlite();
        for (rule, sql) in RULES {
            // SQLite has no index by record there, and another rule says that both are the same.
            let beside =
                sql.replace("FROM blocking_key", "FROM filed_under").replace("FROM search_token", "FROM filed_under");
            let sql = if is_sqlite { beside.as_str() } else { sql };
            let counted: Broken = on_connection!(self, connection => diesel::sql_query(sql).get_result(connection))?;
            found.push((rule, counted.broken));
        }
        if is_sqlite {
            found.push((SAY_THE_SAME, self.filed_otherwise()?));
        }
        let told = self.versions_not_erased(&Demographics::masked())?;
        found.push(("of what was erased no version says anything", told));
        let persons: Vec<(i64, Option<i64>)> = on_connection!(self, connection => person::table
            .filter(person::state.eq("retired"))
            .select((person::id, person::successor))
            .load(connection))?;
        found.push(("every retired person leads to one who exists, never round in a circle", circles(&persons)));
        let records: Vec<(i64, Option<i64>)> = on_connection!(self, connection => source_record::table
            .filter(source_record::status.eq("subsumed"))
            .select((source_record::id, source_record::survivor))
            .load(connection))?;
        found.push(("every subsumed record leads to a survivor, never round in a circle", circles(&records)));
        Ok(found)
    }

    /// What the database says of its own pages and indexes; empty where all is well. SQLite alone can be asked.
    pub fn integrity(&mut self) -> Result<Vec<String>, StoreError> {
        #[derive(QueryableByName)]
        struct Word {
            #[diesel(sql_type = diesel::sql_types::Text)]
            integrity_check: String,
        }
        let words: Result<Vec<Word>, diesel::result::Error> = match self.connection() {
            Connection::Sqlite(connection) => diesel::sql_query("PRAGMA integrity_check").load(connection.as_mut()),
            Connection::Postgres(_) => return Ok(Vec::new()),
        };
        let words = words.map_err(|error| self.failed(error))?;
        Ok(words.into_iter().map(|word| word.integrity_check).filter(|word| word != "ok").collect())
    }

    /// Whether the database finds its pages whole; indexes are not compared. PostgreSQL cannot be asked, and is.
    pub(in crate::store) fn is_whole(&mut self) -> Result<bool, StoreError> {
        #[derive(QueryableByName)]
        struct Word {
            #[diesel(sql_type = diesel::sql_types::Text)]
            quick_check: String,
        }
        let words: Result<Vec<Word>, diesel::result::Error> = match self.connection() {
            Connection::Sqlite(connection) => diesel::sql_query("PRAGMA quick_check(1)").load(connection.as_mut()),
            Connection::Postgres(_) => return Ok(true),
        };
        let words = words.map_err(|error| self.failed(error))?;
        Ok(words.iter().all(|word| word.quick_check == "ok"))
    }

    /// At most `limit` active records after `after`, in order, with what they are filed under.
    pub fn filed_after(&mut self, after: RecordId, limit: usize) -> Result<Vec<Filed>, StoreError> {
        let rows: Vec<(i64, String, Option<Vec<u8>>)> = on_connection!(self, connection => source_record::table
            .inner_join(demographic_version::table.on(demographic_version::record_id
                .eq(source_record::id)
                .and(demographic_version::version.eq(source_record::version))))
            .left_join(comparison_row::table.on(comparison_row::record_id.eq(source_record::id)))
            .filter(source_record::id.gt(after.0))
            .filter(source_record::status.eq("active"))
            .order(source_record::id.asc())
            .limit(super::row_limit(limit))
            .select((source_record::id, demographic_version::content, comparison_row::row.nullable()))
            .load(connection))?;
        let mut found = Vec::with_capacity(rows.len());
        for (record, content, row) in rows {
            let (keys, tokens) = if self.is_sqlite() { self.filed_terms(record)? } else { self.filed_rows(record)? };
            let demographics = from_text(&content)?;
            found.push(Filed { record: RecordId(record), demographics, keys, tokens, row });
        }
        Ok(found)
    }

    /// What a record is filed under by the tables, where they have an index by record.
    fn filed_rows(&mut self, record: i64) -> Result<(Vec<BlockingKey>, Vec<SearchToken>), StoreError> {
        let keys: Vec<i64> = on_connection!(self, connection => blocking_key::table
            .filter(blocking_key::record_id.eq(record))
            .order(blocking_key::key.asc())
            .select(blocking_key::key)
            .load(connection))?;
        let tokens: Vec<(i16, String)> = on_connection!(self, connection => search_token::table
            .filter(search_token::record_id.eq(record))
            .select((search_token::kind, search_token::value))
            .load(connection))?;
        let mut tokens: Vec<SearchToken> =
            tokens.into_iter().map(|(kind, value)| SearchToken { kind, value }).collect();
        tokens.sort();
        Ok((keys.into_iter().map(BlockingKey).collect(), tokens))
    }

    /// How many rows of the tables by which records are sought, at the least, are not what stands beside the records.
    fn filed_otherwise(&mut self) -> Result<i64, StoreError> {
        self.filed_tables()?;
        let mut otherwise = 0;
        for (tables, beside) in SAME {
            let tables: Mixed = self.on_sqlite(|connection| diesel::sql_query(tables).get_result(connection))?;
            let beside: Mixed = self.on_sqlite(|connection| diesel::sql_query(beside).get_result(connection))?;
            let different = i64::from(tables.mix != beside.mix);
            otherwise += (tables.n - beside.n).abs().max(different);
        }
        Ok(otherwise)
    }
}

/// How many of these `(key, next)` chains never come to an end, or end in nothing.
fn circles(chains: &[(i64, Option<i64>)]) -> i64 {
    let next: std::collections::HashMap<i64, Option<i64>> = chains.iter().copied().collect();
    let broken = |start: &&(i64, Option<i64>)| {
        let mut at = start.0;
        for _ in 0..LONGEST_CHAIN.min(next.len() + 1) {
            match next.get(&at) {
                Some(Some(further)) => at = *further,
                // It ends before it has led to anybody.
                Some(None) => return true,
                None => return false,
            }
        }
        true
    };
    i64::try_from(chains.iter().filter(broken).count()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_end_or_are_broken() {
        let check = |chains: &[(i64, Option<i64>)], broken| assert_eq!(circles(chains), broken, "{chains:?}");
        check(&[], 0);
        check(&[(1, Some(2)), (2, Some(3))], 0);
        check(&[(1, Some(1))], 1);
        check(&[(1, Some(2)), (2, Some(1)), (3, Some(4))], 2);
        check(&[(1, None)], 1);
    }
}
