//! `NAYOSE_SECTION__KEY` variables, laid over the tables of the file.
//!
//! Only scalars can be set this way. Lists and tables must never come from the environment: they would
//! replace what the file says without anyone seeing it.

use super::section::{ENVIRONMENT, Findings};
use std::borrow::Cow;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

const PREFIX: &str = "NAYOSE_";

/// The name of the variable that sets `key`.
pub(super) fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "__").to_uppercase())
}

/// Lays every variable of ours over `table`. Variables without `__` belong to somebody else, unless they
/// begin like a section of ours: then an underscore was forgotten.
pub(super) fn lay_over(
    table: &mut DeTable<'_>,
    variables: impl Iterator<Item = (String, String)>,
    sections: &[&str],
    findings: &Findings,
) {
    for (name, value) in variables {
        let Some(key) = name.strip_prefix(PREFIX) else { continue };
        let key = key.to_lowercase();
        if key.contains("__") {
            let steps: Vec<&str> = key.split("__").collect();
            if let Err(what) = set(table, &steps, value) {
                let key = key.replace("__", ".");
                findings.add(Some(&ENVIRONMENT), &key, what, "set it in the file");
            }
        } else if let Some((section, rest)) = key.split_once('_')
            && sections.contains(&section)
        {
            let right = format!(
                "two underscores after the section: {PREFIX}{}__{}",
                section.to_uppercase(),
                rest.to_uppercase()
            );
            findings.add(None, &name, "this variable sets nothing", right);
        }
    }
}

fn set(table: &mut DeTable<'_>, steps: &[&str], value: String) -> Result<(), &'static str> {
    match steps {
        [] => Ok(()),
        [key] => match table.get_mut(*key).map(|old| old.get_ref().is_array() || old.get_ref().is_table()) {
            Some(true) => Err("a list or table cannot be set from the environment"),
            _ => {
                table.insert(owned(key), Spanned::new(ENVIRONMENT, DeValue::String(Cow::Owned(value))));
                Ok(())
            }
        },
        [section, rest @ ..] => {
            if !table.contains_key(*section) {
                table.insert(owned(section), Spanned::new(ENVIRONMENT, DeValue::Table(DeTable::new())));
            }
            match table.get_mut(*section).map(Spanned::get_mut) {
                Some(DeValue::Table(inner)) => set(inner, rest, value),
                _ => Err("a list cannot be set from the environment"),
            }
        }
    }
}

fn owned(key: &str) -> Spanned<Cow<'static, str>> {
    Spanned::new(ENVIRONMENT, Cow::Owned(key.to_owned()))
}
