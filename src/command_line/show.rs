//! What the reporting commands share: opening the registry of a store, and rendering people for an operator.
//!
//! What is rendered here goes to standard output alone; it must never be logged.

pub(super) use crate::desk::shapes::{fields, when};

use super::{Exit, complain};
use crate::clock::Clock;
use crate::config::Configuration;
use crate::registry::{Failure, Registry};
use crate::server::{self, StartError};
use crate::store::StoreError;
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

/// The registry over the store of `settings`, to look at: also while a server has it open.
pub(super) fn open(command: &str, settings: &Configuration) -> Result<Registry, Exit> {
    is_there(command, settings)?;
    let opened = match server::registry(settings, Clock::system()) {
        Err(StartError::Store(StoreError::Locked { .. })) => server::onlooker(settings, Clock::system()),
        opened => opened,
    };
    opened.map_err(|error| not_started(command, &error))
}

/// A file that is not there is not made.
pub(super) fn is_there(command: &str, settings: &Configuration) -> Result<(), Exit> {
    if let Some(path) = settings.store.url.strip_prefix("sqlite:")
        && !Path::new(path).exists()
    {
        complain(&format!("{command}: there is no store {path}; name one with --store or in the configuration\n"));
        return Err(Exit::Unavailable);
    }
    Ok(())
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
    fn columns_stand_below_each_other_in_a_terminal() {
        let rows = [["漢字", "x"], ["a", "y"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(table(&rows), "漢字  x\na     y\n");
    }
}
