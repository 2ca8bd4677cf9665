//! What the reporting commands share: opening the registry of a store, and rendering people for an operator.
//!
//! What is rendered here goes to standard output alone; it must never be logged.

use super::{Exit, complain};
use crate::clock::Clock;
use crate::config::Configuration;
use crate::identity::{AddressPartKind, Demographics, PersonName, Representation, Sex};
use crate::registry::{Failure, Registry};
use crate::server::{self, StartError};
use std::path::Path;

/// Says why nothing was started and gives the status for it.
pub(super) fn not_started(command: &str, error: &StartError) -> Exit {
    complain(&format!("{command}: {error}\n"));
    if error.is_configuration() { Exit::Usage } else { Exit::Unavailable }
}

/// Says that the store did not answer.
pub(super) fn failed(command: &str, failure: &Failure) -> Exit {
    let cause = std::error::Error::source(failure).map(|cause| format!(": {cause}")).unwrap_or_default();
    complain(&format!("{command}: {failure}{cause}\n"));
    Exit::Unavailable
}

/// The registry over the store of `settings`; a file that is not there is not made.
pub(super) fn open(command: &str, settings: &Configuration) -> Result<Registry, Exit> {
    if let Some(path) = settings.store.url.strip_prefix("sqlite:")
        && !Path::new(path).exists()
    {
        complain(&format!("{command}: there is no store {path}; name one with --store or in the configuration\n"));
        return Err(Exit::Unavailable);
    }
    server::registry(settings, Clock::system()).map_err(|error| not_started(command, &error))
}

/// `micros` in the network's time zone, to the second.
pub(super) fn when(micros: i64, zone: &str) -> String {
    let time = jiff::Timestamp::from_microsecond(micros).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let zone = jiff::tz::TimeZone::get(zone).unwrap_or(jiff::tz::TimeZone::UTC);
    time.to_zoned(zone).strftime("%Y-%m-%d %H:%M:%S %:z").to_string()
}

/// What is said of a patient, one row a field, in an order that is the same for everybody.
pub(super) fn fields(demographics: &Demographics) -> Vec<(&'static str, String)> {
    let kinds = [
        ("name", Representation::Ideographic),
        ("kana", Representation::Syllabic),
        ("latin", Representation::Alphabetic),
    ];
    let names = demographics.names.values();
    let mut rows: Vec<(&'static str, String)> = kinds
        .into_iter()
        .map(|(label, kind)| {
            (label, joined(names.iter().filter(|name| name.representation == Some(kind)).map(name_text)))
        })
        .collect();
    rows.push(("other name", joined(names.iter().filter(|name| name.representation.is_none()).map(name_text))));
    let sex = match demographics.sex.value() {
        None => "",
        Some(Sex::Female) => "female",
        Some(Sex::Male) => "male",
        Some(Sex::Undifferentiated) => "undifferentiated",
    };
    rows.push(("sex", sex.to_owned()));
    rows.push(("born", demographics.birth_date.value().map(|date| date.to_hl7()).unwrap_or_default()));
    let addresses = demographics.addresses.values().iter().map(|address| {
        let parts = address.parts.iter().filter(|part| part.kind != AddressPartKind::Country);
        parts.map(|part| part.value.as_str()).collect::<Vec<_>>().join(" ")
    });
    rows.push(("address", joined(addresses)));
    rows.push(("telecom", joined(demographics.telecoms.values().iter().map(|telecom| telecom.value.clone()))));
    rows
}

fn name_text(name: &PersonName) -> String {
    name.parts.iter().map(|part| part.value.trim()).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

fn joined(texts: impl Iterator<Item = String>) -> String {
    texts.filter(|text| !text.is_empty()).collect::<Vec<_>>().join("; ")
}

/// The same as one JSON object, fields that say nothing left out.
pub(super) fn fields_json(demographics: &Demographics) -> serde_json::Value {
    let said = fields(demographics).into_iter().filter(|(_, text)| !text.is_empty());
    serde_json::Value::Object(said.map(|(label, text)| (label.replace(' ', "_"), text.into())).collect())
}

/// Rows as columns of equal width; wide characters count as two.
pub(super) fn table(rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = Vec::new();
    for row in rows {
        for (index, cell) in row.iter().enumerate() {
            match widths.get_mut(index) {
                Some(known) => *known = (*known).max(width(cell)),
                None => widths.push(width(cell)),
            }
        }
    }
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, most) in row.iter().zip(&widths) {
            line.push_str(cell);
            line.push_str(&" ".repeat(most.saturating_sub(width(cell)) + 2));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn width(text: &str) -> usize {
    // Kana, ideographs and full-width forms take two columns of a terminal.
    text.chars()
        .map(|c| if matches!(c, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{ff60}' | '\u{20000}'..) { 2 } else { 1 })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_in_the_networks_zone() {
        assert_eq!(when(0, "Asia/Tokyo"), "1970-01-01 09:00:00 +09:00");
        assert_eq!(when(0, "Nowhere/Land"), "1970-01-01 00:00:00 +00:00");
    }

    #[test]
    fn columns_stand_below_each_other_in_a_terminal() {
        let rows = [["漢字", "x"], ["a", "y"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(table(&rows), "漢字  x\na     y\n");
    }

    #[test]
    fn fields_that_say_nothing_are_not_in_the_json() {
        assert_eq!(fields_json(&Demographics::default()), serde_json::json!({}));
    }
}
