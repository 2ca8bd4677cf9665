//! The text of a search for tokens, in the making: between which values each clause lies.

use crate::matching::{SearchClause, TokenMatch};

/// A statement in the making, with `$1`, `$2` ... in the order of its values; both databases read them so.
#[derive(Default)]
pub(super) struct Statement {
    pub(super) sql: String,
    pub(super) values: Vec<Value>,
}

pub(super) enum Value {
    Kind(i16),
    Text(String),
    Number(i64),
}

impl Statement {
    pub(super) fn text(&mut self, sql: &str) {
        self.sql.push_str(sql);
    }

    pub(super) fn value(&mut self, value: Value) {
        self.values.push(value);
        self.sql.push('$');
        self.sql.push_str(&self.values.len().to_string());
    }

    /// `table.kind = .. AND table.value ..` for one alternative.
    pub(super) fn condition(&mut self, table: &str, wanted: &TokenMatch) {
        let Bounds { kind, from: first, to: last, before } = Bounds::of(wanted);
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
    pub(super) fn union(&mut self, clause: &SearchClause) {
        for (index, wanted) in clause.any_of.iter().enumerate() {
            self.text(if index == 0 { "" } else { " UNION " });
            self.text("SELECT s.record_id FROM search_token s WHERE ");
            self.condition("s", wanted);
        }
    }

    /// The same where SQLite has what each record is filed under beside it.
    pub(super) fn exists_beside(&mut self, clause: &SearchClause) {
        self.text(
            "EXISTS (SELECT 1 FROM filed_under u, json_each(u.terms, '$[1]') o WHERE u.record_id = f.record_id AND (",
        );
        for (index, wanted) in clause.any_of.iter().enumerate() {
            let Bounds { kind, from, to, before } = Bounds::of(wanted);
            self.text(if index == 0 { "(" } else { " OR (" });
            let mut bound = |operator: &str, text: String| {
                self.text(operator);
                self.value(Value::Text(text));
            };
            bound("o.value >= ", format!("{kind}={from}"));
            match to {
                Some(to) => bound(" AND o.value <= ", format!("{kind}={to}")),
                // What comes after `=`.
                None => bound(" AND o.value < ", before.map_or(format!("{kind}>"), |end| format!("{kind}={end}"))),
            }
            self.text(")");
        }
        self.text("))");
    }

    /// `EXISTS (...)` for a clause that narrows what another found.
    pub(super) fn exists(&mut self, clause: &SearchClause) {
        self.text("EXISTS (SELECT 1 FROM search_token o WHERE o.record_id = f.record_id AND (");
        for (index, wanted) in clause.any_of.iter().enumerate() {
            self.text(if index == 0 { "(" } else { " OR (" });
            self.condition("o", wanted);
            self.text(")");
        }
        self.text("))");
    }
}

/// Between which tokens those lie that may be meant.
pub(in crate::store) struct Bounds<'a> {
    pub(in crate::store) kind: i16,
    pub(in crate::store) from: &'a str,
    /// The last, where one is told.
    pub(in crate::store) to: Option<&'a str>,
    /// What comes after all of them, where no last one is told.
    pub(in crate::store) before: Option<String>,
}

impl<'a> Bounds<'a> {
    pub(in crate::store) fn of(wanted: &'a TokenMatch) -> Self {
        let (kind, from, to) = match wanted {
            TokenMatch::Exact(token) => (token.kind, token.value.as_str(), Some(token.value.as_str())),
            TokenMatch::Prefix(token) => (token.kind, token.value.as_str(), None),
            TokenMatch::Close { kind, value, head } => (*kind, value.get(..*head).unwrap_or_default(), None),
            TokenMatch::Range { kind, from, to } => (*kind, from.as_str(), Some(to.as_str())),
        };
        Self { kind, from, to, before: if to.is_none() { after_prefix(from) } else { None } }
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
