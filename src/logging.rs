//! How log lines look and where they go: standard error, as text for people or as JSON for machines.
//!
//! The rest of the crate says what it has to say through the façade of `log` alone. What reads messages
//! event by event would log patients' data at its debug level, so those targets are silenced here, and
//! what we use of others is heard only where something is amiss: below that, they quote headers, statements
//! and handshakes. No level asked for must ever bring either back.

use crate::clock::Clock;
use crate::config::LogFormat;
use log::kv::{Error, Key, Value, VisitSource};
use std::fmt::Write as _;
use std::io::Write as _;

/// Targets that are never logged: they would write message content.
const SILENCED: [&str; 4] = ["yaserde", "yaserde_derive", "xml", "quick_xml"];

/// Where our own targets begin.
const OURS: &str = "nayose";

/// The least important level at which the code of others is heard.
const OF_OTHERS: log::LevelFilter = log::LevelFilter::Warn;

/// Starts logging at `level`; the first call in a process counts.
pub fn start(format: LogFormat, level: log::LevelFilter, clock: Clock) {
    let mut builder = env_logger::Builder::new();
    builder.filter_level(level.min(OF_OTHERS)).filter_module(OURS, level);
    for target in SILENCED {
        builder.filter_module(target, log::LevelFilter::Off);
    }
    builder.format(move |out, record| {
        if is_silenced(record.target()) {
            return Ok(());
        }
        writeln!(out, "{}", line(format, record, clock.micros()))
    });
    // A second start, as in a test that runs several commands, keeps the first.
    let _already_started = builder.try_init();
}

/// From now on a panic says only where it happened, which is enough to find the defect: its message may hold a value
/// from a patient's record. For the whole process, before anything is read.
pub fn quiet_panics() {
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map(|place| format!(" at {}:{}", place.file(), place.line())).unwrap_or_default();
        if log::log_enabled!(log::Level::Error) {
            log::error!("a defect stopped a piece of work{place}");
        } else {
            // A command that does not log, or has not begun to. Standard error may be gone.
            let _ = writeln!(std::io::stderr(), "a defect stopped a piece of work{place}");
        }
    }));
}

/// One line, without its end, for `record` at `micros` since 1970.
pub fn line(format: LogFormat, record: &log::Record<'_>, micros: i64) -> String {
    let time = jiff::Timestamp::from_microsecond(micros).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let time = time.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string();
    let mut fields = Fields(Vec::new());
    // A source that cannot be visited has no fields to show; the line itself still counts.
    let _unreadable = record.key_values().visit(&mut fields);
    match format {
        LogFormat::Text => text(&time, record, &fields.0),
        LogFormat::Json => {
            let fields: serde_json::Map<String, serde_json::Value> = fields.0.into_iter().collect();
            serde_json::json!({
                "time": time,
                "level": record.level().as_str().to_lowercase(),
                "target": record.target(),
                "message": record.args().to_string(),
                "fields": fields,
            })
            .to_string()
        }
    }
}

fn text(time: &str, record: &log::Record<'_>, fields: &[(String, serde_json::Value)]) -> String {
    let mut line = format!("{time} {:<5} {} ", record.level(), record.target());
    push_escaped(&mut line, &record.args().to_string());
    for (key, value) in fields {
        line.push(' ');
        push_escaped(&mut line, key);
        line.push('=');
        match value {
            serde_json::Value::String(word) if !word.is_empty() && !word.contains(['"', ' ', '=']) => {
                push_escaped(&mut line, word);
            }
            other => push_escaped(&mut line, &other.to_string()),
        }
    }
    line
}

/// Control characters would let a peer forge a line.
fn push_escaped(line: &mut String, text: &str) {
    for character in text.chars() {
        if character.is_control() {
            let _infallible = write!(line, "{}", character.escape_default());
        } else {
            line.push(character);
        }
    }
}

fn is_silenced(target: &str) -> bool {
    let root = target.split("::").next().unwrap_or_default();
    SILENCED.contains(&root)
}

/// The fields of a record in their order.
struct Fields(Vec<(String, serde_json::Value)>);

impl<'kvs> VisitSource<'kvs> for Fields {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), Error> {
        let json = if let Some(flag) = value.to_bool() {
            flag.into()
        } else if let Some(number) = value.to_i64() {
            number.into()
        } else if let Some(number) = value.to_u64() {
            number.into()
        } else if let Some(number) = value.to_f64() {
            number.into()
        } else {
            value.to_string().into()
        };
        self.0.push((key.to_string(), json));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use log::{Level, Record};

    fn check(format: LogFormat, message: &str, fields: &[(&str, Value<'_>)], expect: &str) {
        let shown = line(
            format,
            &Record::builder()
                .level(Level::Warn)
                .target("nayose::server")
                .args(format_args!("{message}"))
                .key_values(&fields)
                .build(),
            1_500_000,
        );
        assert_eq!(shown, expect);
    }

    #[test]
    fn text_is_for_people() {
        let fields = [("message.id", Value::from("m-1")), ("count", Value::from(3)), ("late", Value::from(true))];
        check(
            LogFormat::Text,
            "a feed was refused",
            &fields,
            "1970-01-01T00:00:01.500000Z WARN  nayose::server a feed was refused message.id=m-1 count=3 late=true",
        );
        check(
            LogFormat::Text,
            "odd",
            &[("why", Value::from("no such domain"))],
            "1970-01-01T00:00:01.500000Z WARN  nayose::server odd why=\"no such domain\"",
        );
    }

    #[test]
    fn a_line_cannot_be_forged() {
        check(
            LogFormat::Text,
            "one\ntwo",
            &[("key", Value::from("a\r\nb"))],
            "1970-01-01T00:00:01.500000Z WARN  nayose::server one\\ntwo key=a\\r\\nb",
        );
    }

    #[test]
    fn json_is_one_object() {
        check(
            LogFormat::Json,
            "a \"quoted\"\nword",
            &[("message.id", Value::from("m-1")), ("count", Value::from(3))],
            "{\"fields\":{\"count\":3,\"message.id\":\"m-1\"},\"level\":\"warn\",\"message\":\"a \\\"quoted\\\"\\nword\",\
             \"target\":\"nayose::server\",\"time\":\"1970-01-01T00:00:01.500000Z\"}",
        );
    }

    #[test]
    fn readers_of_messages_stay_silent() {
        for (target, expect) in
            [("yaserde", true), ("yaserde::de", true), ("xml::reader", true), ("nayose::xml", false), ("xmlish", false)]
        {
            assert_eq!(is_silenced(target), expect, "{target}");
        }
    }
}
