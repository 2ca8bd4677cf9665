//! Each table as cells of text: which columns it has, and by which number its rows are read.
//!
//! A test compares this with the schema, so that no table and no column is ever forgotten.

use crate::store::connection::on_connection;
use crate::store::filed::Terms;
use crate::store::{StoreError, Transaction, schema};
use diesel::prelude::*;
use serde_json::{Number, Value};

/// A row: the number it is read by, and its cells.
pub(super) type Row = (i64, Vec<Value>);

/// Reads rows: after which number, and how many at most.
type Page = fn(&mut Transaction<'_>, Option<i64>, i64) -> Result<Vec<Row>, StoreError>;

/// What can be done with one table, whatever its columns.
pub(super) struct Table {
    pub name: &'static str,
    pub columns: &'static [&'static str],
    pub count: fn(&mut Transaction<'_>) -> Result<i64, StoreError>,
    /// At most so many rows of a greater number, in order of it; a table without one gives all of them at once.
    pub page: Page,
    pub fill: fn(&mut Transaction<'_>, Vec<Vec<Value>>) -> Result<(), StoreError>,
    pub clear: fn(&mut Transaction<'_>) -> Result<(), StoreError>,
}

/// A value in a cell of text.
trait Cell: Sized {
    fn put(self) -> Result<Value, StoreError>;
    fn take(value: Value) -> Option<Self>;
}

impl Cell for i64 {
    fn put(self) -> Result<Value, StoreError> {
        Ok(Value::from(self))
    }
    fn take(value: Value) -> Option<Self> {
        value.as_i64()
    }
}

impl Cell for i32 {
    fn put(self) -> Result<Value, StoreError> {
        Ok(Value::from(self))
    }
    fn take(value: Value) -> Option<Self> {
        value.as_i64().and_then(|number| i32::try_from(number).ok())
    }
}

impl Cell for i16 {
    fn put(self) -> Result<Value, StoreError> {
        Ok(Value::from(self))
    }
    fn take(value: Value) -> Option<Self> {
        value.as_i64().and_then(|number| i16::try_from(number).ok())
    }
}

impl Cell for bool {
    fn put(self) -> Result<Value, StoreError> {
        Ok(Value::from(self))
    }
    fn take(value: Value) -> Option<Self> {
        value.as_bool()
    }
}

impl Cell for f64 {
    fn put(self) -> Result<Value, StoreError> {
        Number::from_f64(self).map(Value::Number).ok_or(StoreError::Corrupt("a weight that is no number"))
    }
    fn take(value: Value) -> Option<Self> {
        value.as_f64()
    }
}

impl Cell for String {
    fn put(self) -> Result<Value, StoreError> {
        Ok(Value::String(self))
    }
    fn take(value: Value) -> Option<Self> {
        match value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }
}

/// Text where the bytes are text, as messages are; else a list with their hexadecimal form.
impl Cell for Vec<u8> {
    fn put(self) -> Result<Value, StoreError> {
        Ok(match String::from_utf8(self) {
            Ok(text) => Value::String(text),
            Err(bytes) => {
                let digits: String = bytes.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
                Value::Array(vec![Value::String(digits)])
            }
        })
    }
    fn take(value: Value) -> Option<Self> {
        match value {
            Value::String(text) => Some(text.into_bytes()),
            Value::Array(one) => {
                let digits = one.first()?.as_str()?;
                let pair = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
                (0..digits.len()).step_by(2).map(pair).collect()
            }
            _ => None,
        }
    }
}

impl<C: Cell> Cell for Option<C> {
    fn put(self) -> Result<Value, StoreError> {
        self.map_or(Ok(Value::Null), C::put)
    }
    fn take(value: Value) -> Option<Self> {
        if value.is_null() { Some(None) } else { C::take(value).map(Some) }
    }
}

/// One table: `by` names the indexed number that its rows are read by; a small table has none.
macro_rules! table {
    ($table:ident $(by $number:ident)? { $($column:ident: $type:ty),+ $(,)? }) => {{
        type Cells = ($($type,)+);
        fn count(tx: &mut Transaction<'_>) -> Result<i64, StoreError> {
            on_connection!(tx, connection => schema::$table::table.count().get_result(connection))
        }
        fn cells(row: Cells) -> Result<Vec<Value>, StoreError> {
            let ($($column,)+) = row;
            Ok(vec![$(Cell::put($column)?),+])
        }
        fn fill(tx: &mut Transaction<'_>, rows: Vec<Vec<Value>>) -> Result<(), StoreError> {
            let mut values = Vec::with_capacity(rows.len());
            for row in rows {
                let mut cells = row.into_iter();
                values.push(($({
                    let cell = <$type as Cell>::take(cells.next().unwrap_or_default());
                    let cell = cell.ok_or(StoreError::Corrupt("a cell of another type"))?;
                    schema::$table::$column.eq(cell)
                },)+));
            }
            on_connection!(tx, connection =>
                diesel::insert_into(schema::$table::table).values(&values).execute(connection))?;
            Ok(())
        }
        fn clear(tx: &mut Transaction<'_>) -> Result<(), StoreError> {
            on_connection!(tx, connection => diesel::delete(schema::$table::table).execute(connection))?;
            Ok(())
        }
        table!(@page $table $($number)?, $($column)+);
        Table { name: stringify!($table), columns: &[$(stringify!($column)),+], count, page, fill, clear }
    }};
    (@page $table:ident $number:ident, $($column:ident)+) => {
        fn page(tx: &mut Transaction<'_>, after: Option<i64>, limit: i64) -> Result<Vec<Row>, StoreError> {
            // Keys that are hashes may be negative: before the first page no row is passed over.
            let rows: Vec<(i64, Cells)> = match after {
                Some(after) => on_connection!(tx, connection => schema::$table::table
                    .filter(schema::$table::$number.gt(after))
                    .order(schema::$table::$number.asc())
                    .limit(limit)
                    .select((schema::$table::$number, ($(schema::$table::$column,)+)))
                    .load(connection)),
                None => on_connection!(tx, connection => schema::$table::table
                    .order(schema::$table::$number.asc())
                    .limit(limit)
                    .select((schema::$table::$number, ($(schema::$table::$column,)+)))
                    .load(connection)),
            }?;
            rows.into_iter().map(|(number, row)| Ok((number, cells(row)?))).collect()
        }
    };
    (@page $table:ident, $($column:ident)+) => {
        fn page(tx: &mut Transaction<'_>, _: Option<i64>, _: i64) -> Result<Vec<Row>, StoreError> {
            let rows: Vec<Cells> = on_connection!(tx, connection => schema::$table::table
                .select(($(schema::$table::$column,)+))
                .load(connection))?;
            rows.into_iter().map(|row| Ok((0, cells(row)?))).collect()
        }
    };
}

/// How many rows a table has by what SQLite has beside the records: what is due is among them, as everywhere.
fn count_beside(tx: &mut Transaction<'_>, place: &'static str) -> Result<i64, StoreError> {
    #[derive(QueryableByName)]
    struct Counted {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        n: i64,
    }
    let sql = format!("SELECT coalesce(sum(json_array_length(terms, '{place}')), 0) AS n FROM filed_under");
    Ok(tx.on_sqlite(|connection| diesel::sql_query(sql).get_result::<Counted>(connection))?.n)
}

/// Rows of whole records, as many as are asked for or a few more.
fn page_beside(
    tx: &mut Transaction<'_>,
    (after, limit): (Option<i64>, i64),
    rows_of: fn(i64, &Terms, &mut Vec<Row>) -> Result<(), StoreError>,
) -> Result<Vec<Row>, StoreError> {
    let (mut rows, mut after) = (Vec::new(), after.unwrap_or(i64::MIN));
    while i64::try_from(rows.len()).unwrap_or(i64::MAX) < limit {
        let page = tx.terms_between(after, i64::MAX, 64)?;
        let Some((last, _)) = page.last() else { break };
        after = *last;
        for (record, terms) in &page {
            rows_of(*record, terms, &mut rows)?;
        }
    }
    Ok(rows)
}

fn key_count(tx: &mut Transaction<'_>) -> Result<i64, StoreError> {
    if tx.is_sqlite() {
        return count_beside(tx, "$[0]");
    }
    on_connection!(tx, connection => schema::blocking_key::table.count().get_result(connection))
}

fn token_count(tx: &mut Transaction<'_>) -> Result<i64, StoreError> {
    if tx.is_sqlite() {
        return count_beside(tx, "$[1]");
    }
    on_connection!(tx, connection => schema::search_token::table.count().get_result(connection))
}

fn key_page(tx: &mut Transaction<'_>, after: Option<i64>, limit: i64) -> Result<Vec<Row>, StoreError> {
    if !tx.is_sqlite() {
        return (table!(blocking_key by record_id { key: i64, record_id: i64 }).page)(tx, after, limit);
    }
    page_beside(tx, (after, limit), |record, terms, rows| {
        rows.extend(terms.keys().iter().map(|key| (record, vec![Value::from(*key), Value::from(record)])));
        Ok(())
    })
}

fn token_page(tx: &mut Transaction<'_>, after: Option<i64>, limit: i64) -> Result<Vec<Row>, StoreError> {
    if !tx.is_sqlite() {
        let plain = table!(search_token by record_id { kind: i16, value: String, record_id: i64 });
        return (plain.page)(tx, after, limit);
    }
    page_beside(tx, (after, limit), |record, terms, rows| {
        for token in terms.tokens() {
            let (kind, value) = token?;
            rows.push((record, vec![Value::from(kind), Value::from(value), Value::from(record)]));
        }
        Ok(())
    })
}

/// Every table in the order of an export, but for who holds which lane of keys, and for what SQLite alone keeps beside
/// the records, which is the same again.
pub(super) const TABLES: [Table; 22] = [
    table!(setting { name: String, value: String }),
    table!(domain {
        key: String,
        name: String,
        facility: String,
        one_identifier_per_person: bool,
        state: String,
        regional: bool,
    }),
    table!(domain_name {
        oid: String, valid_from: i64, domain_key: String, namespace: String, valid_to: Option<i64>,
    }),
    table!(regional_block { prefix: String, next: i64 }),
    table!(inbox by message_key {
        message_key: i64, id: i64, principal: String, message_id: String, transaction_name: String,
        payload_hash: String, payload: Vec<u8>, received: i64, reply_id: String, outcome: String, seq: Option<i64>,
        drawn: Option<String>,
    }),
    table!(source_record by id {
        id: i64, identifier_key: i64, domain_key: String, value: String, generation: i32, status: String,
        survivor: Option<i64>, version: i32, created: i64,
    }),
    table!(demographic_version by record_id {
        record_id: i64, version: i32, recorded: i64, principal: String, inbox_id: Option<i64>, content: String,
    }),
    table!(comparison_row by record_id { record_id: i64, row: Vec<u8>, person_id: Option<i64> }),
    Table { page: key_page, count: key_count, ..table!(blocking_key by record_id { key: i64, record_id: i64 }) },
    Table {
        page: token_page,
        count: token_count,
        ..table!(search_token by record_id { kind: i16, value: String, record_id: i64 })
    },
    table!(person by id { id: i64, state: String, successor: Option<i64>, created: i64 }),
    table!(regional_id by person_id {
        value: String, person_id: i64, state: String, issued: i64, retired: Option<i64>,
    }),
    table!(link by id {
        id: i64, record_id: i64, person_id: i64, origin: String, actor: String, weight: f64, model: String,
        reason: String, valid_from: i64, valid_to: Option<i64>,
    }),
    table!(steward_decision by id {
        id: i64, record_a: i64, record_b: i64, verdict: String, actor: String, reason: String, decided: i64,
        withdrawn: Option<i64>,
    }),
    table!(steward_operation by id {
        id: i64, kind: String, actor: String, reason: String, time: i64, person_id: i64, effects: String,
        undone: Option<i64>,
    }),
    table!(review by id {
        id: i64, kind: String, record_id: i64, other_record: Option<i64>, person_id: Option<i64>, weight: f64,
        model: String, explanation: String, opened: i64, state: String, decided: Option<i64>,
        decided_by: Option<String>, verdict: Option<String>,
    }),
    table!(event by id {
        id: i64, seq: Option<i64>, time: i64, kind: String, record_id: Option<i64>, person_id: Option<i64>,
        other_id: Option<i64>, actor: String, inbox_id: Option<i64>, detail: String,
    }),
    table!(outbox by id {
        id: i64, seq: Option<i64>, time: i64, kind: String, person_id: i64, record_id: Option<i64>,
        domains: String, state: String, attempts: i32,
    }),
    table!(subscriber {
        name: String,
        domains: String,
        state: String,
        delivered: i64,
        attempts: i32,
        refusals: i32,
        next_try: i64,
        trouble: String,
        holder: String,
        held_until: i64,
        audience: Option<String>,
        shown: Option<String>,
        snapshot: Option<String>,
        snapshot_after: Option<i64>,
    }),
    table!(dead_letter by outbox_id {
        subscriber: String, outbox_id: i64, seq: i64, time: i64, kind: String, person_id: i64, attempts: i32,
        trouble: String, parked: i64, state: String,
    }),
    table!(audit by id {
        id: i64, seq: Option<i64>, time: i64, transaction_name: String, principal: String, action: String,
        outcome: i32, reason: String, message_id: String, records: String, persons: String, digest: Option<String>,
    }),
    table!(kept_query by id {
        id: i64, principal: String, query_id: String, kept: i64, expires: i64, domains: String, page_size: i32,
        next: i32, pages: String, results: String, echo: String,
    }),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_and_column_is_exported() {
        let mut exported: Vec<String> = TABLES
            .iter()
            .flat_map(|table| table.columns.iter().map(|column| format!("{}.{column}", table.name)))
            .collect();
        exported.sort();
        let (mut stated, mut table) = (Vec::new(), String::new());
        for line in include_str!("../schema.rs").lines().map(str::trim) {
            if let Some((name, _)) = line.split_once(" (").filter(|_| line.ends_with('{')) {
                table = name.to_owned();
            } else if let Some((column, _)) = line.split_once(" -> ").filter(|_| table != "process") {
                stated.push(format!("{table}.{column}"));
            }
        }
        stated.sort();
        assert_eq!(exported, stated);
    }

    #[test]
    fn cells_come_back_as_they_were() {
        fn check<C: Cell + Clone + PartialEq + std::fmt::Debug>(cell: C) {
            let text = cell.clone().put().unwrap().to_string();
            assert_eq!(C::take(serde_json::from_str(&text).unwrap()), Some(cell), "{text}");
        }
        check(i64::MIN);
        check(i64::MAX);
        check(f64::MIN_POSITIVE);
        check(0.1_f64 + 0.2);
        check(-17.234_567_890_123_456_f64);
        check("a\n\"\u{0}名\u{2028}".to_owned());
        check("<a>名</a>".as_bytes().to_vec());
        check(vec![0xff_u8, 0, 0x80]);
        check(Vec::<u8>::new());
        check(None::<i64>);
        check(Some(String::new()));
        assert_eq!(i32::take(Value::from(i64::MAX)), None);
        assert!(f64::NAN.put().is_err());
    }
}
