//! What stands in the columns of a file: how full they are, how various, in which forms, and what looks like no value.
//!
//! A value is never kept nor shown: only its hash, and the form in which it is written.

use crate::command_line::match_files::dates;
use crate::identity::Representation;
use crate::matching::normalize::{is_placeholder_date, is_placeholder_name, phone, script};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

/// So many values of a column are told apart.
const DISTINCT: usize = 200_000;
/// So many forms of a column are told apart, and so many shown.
const FORMS: usize = 200;
const SHOWN: usize = 4;
/// A value that stands in more than this share of the filled cells of a various column is suspicious: a hundredth.
const SUSPICIOUS: u64 = 100;

/// One column.
#[derive(Clone, Default)]
pub struct Column {
    /// Its name.
    pub name: String,
    lines: u64,
    filled: u64,
    values: HashMap<u64, u64>,
    more: bool,
    forms: BTreeMap<String, u64>,
    dates: u64,
    placeholder_dates: u64,
    placeholder_names: u64,
    empty_phones: u64,
    scripts: [u64; 3],
}

impl Column {
    /// A column of which nothing is known yet.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// Takes one cell.
    pub fn take(&mut self, cell: &str) {
        self.lines += 1;
        let cell = cell.trim();
        if cell.is_empty() {
            return;
        }
        self.filled += 1;
        let mut hasher = DefaultHasher::new();
        cell.hash(&mut hasher);
        let hash = hasher.finish();
        if let Some(count) = self.values.get_mut(&hash) {
            *count += 1;
        } else if self.values.len() < DISTINCT {
            self.values.insert(hash, 1);
        } else {
            self.more = true;
        }
        let form = form(cell);
        if let Some(count) = self.forms.get_mut(&form) {
            *count += 1;
        } else if self.forms.len() < FORMS {
            self.forms.insert(form, 1);
        }
        let digits = cell.chars().any(|c| c.is_ascii_digit() || ('０'..='９').contains(&c));
        if digits && let Some(date) = dates::read(cell, None) {
            self.dates += 1;
            self.placeholder_dates += u64::from(is_placeholder_date(date));
        }
        self.empty_phones += u64::from(digits && phone::digits(cell).is_empty());
        self.placeholder_names += u64::from(!digits && is_placeholder_name(cell));
        match script(cell) {
            Some(Representation::Ideographic) => self.scripts[0] += 1,
            Some(Representation::Syllabic) => self.scripts[1] += 1,
            Some(Representation::Alphabetic) => self.scripts[2] += 1,
            None => {}
        }
    }

    /// Whether nearly all that stands there are dates.
    pub fn looks_like_dates(&self) -> bool {
        self.filled > 0 && self.dates * 10 >= self.filled * 9
    }

    /// Whether every line has another value.
    pub fn looks_like_numbers_of_records(&self) -> bool {
        self.filled == self.lines && self.filled > 0 && self.values.values().all(|count| *count == 1)
    }

    /// Cells in kanji, in kana and in Latin letters.
    pub fn scripts(&self) -> [u64; 3] {
        self.scripts
    }

    fn most_frequent(&self) -> u64 {
        self.values.values().copied().max().unwrap_or(0)
    }

    /// What looks like no value, in words, for a column that is `field`.
    fn suspicious(&self, field: Option<&str>) -> Vec<String> {
        let mut found = Vec::new();
        let field = field.unwrap_or_default();
        let most = self.most_frequent();
        let various = self.values.len() > 100 && !matches!(field, "sex" | "source" | "prefecture" | "state" | "city");
        if self.values.len() == 1 && self.filled > 1 {
            found.push("all lines say the same".to_owned());
        } else if various && most > 5 && most * SUSPICIOUS > self.filled {
            found.push(format!("one value stands in {most} lines: is it a placeholder?"));
        }
        let counted = [
            (field == "birth_date", self.placeholder_dates, "dates that systems write where they know none"),
            (field == "birth_date", self.filled - self.dates, "dates that cannot be read without birth_date_format"),
            (is_name(field), self.placeholder_names, "names that stand for an unknown or newborn person"),
            (field == "phone", self.empty_phones, "telephones that are placeholders"),
        ];
        for (applies, count, what) in counted {
            if applies && count > 0 {
                found.push(format!("{count} {what}"));
            }
        }
        found
    }

    /// The forms in which most values are written, where they tell no value.
    fn shown_forms(&self, field: Option<&str>) -> Vec<(&str, u64)> {
        if !matches!(field, Some("birth_date" | "postal_code" | "phone")) {
            return Vec::new();
        }
        let mut forms: Vec<(&str, u64)> = self.forms.iter().map(|(form, count)| (form.as_str(), *count)).collect();
        forms.sort_by(|(a, x), (b, y)| y.cmp(x).then(a.cmp(b)));
        forms.truncate(SHOWN);
        forms
    }

    fn fill_rate(&self) -> f64 {
        share(self.filled, self.lines)
    }

    /// As JSON; `field` is what it is taken for.
    pub fn json(&self, field: Option<&str>) -> Value {
        let forms = self.shown_forms(field).into_iter();
        json!({
            "name": self.name,
            "field": field,
            "filled": self.filled,
            "fill_rate": self.fill_rate(),
            "distinct": self.values.len(),
            "distinct_is_more": self.more,
            "most_frequent": self.most_frequent(),
            "formats": forms.map(|(form, count)| json!({ "format": form, "count": count })).collect::<Vec<_>>(),
            "suspicious": self.suspicious(field),
        })
    }

    /// As a row of a table.
    pub fn row(&self, field: Option<&str>) -> Vec<String> {
        let forms: Vec<String> =
            self.shown_forms(field).into_iter().map(|(form, count)| format!("{form} ({count})")).collect();
        vec![
            self.name.clone(),
            field.unwrap_or("-").to_owned(),
            format!("{:.1} %", self.fill_rate() * 100.0),
            format!("{}{}", self.values.len(), if self.more { "+" } else { "" }),
            [forms.join(", "), self.suspicious(field).join("; ")]
                .into_iter()
                .filter(|text| !text.is_empty())
                .collect::<Vec<_>>()
                .join("; "),
        ]
    }
}

fn is_name(field: &str) -> bool {
    matches!(field, "family" | "given" | "family_kana" | "given_kana" | "family_romaji" | "given_romaji" | "full_name")
}

/// A share, rounded to a ten-thousandth.
pub fn share(part: u64, whole: u64) -> f64 {
    let count = |n: u64| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
    if whole == 0 { 0.0 } else { (count(part) / count(whole) * 10_000.0).round() / 10_000.0 }
}

/// How a value is written: each digit as 9, letters as A, kana as ア and kanji as 字, but the characters of dates.
fn form(text: &str) -> String {
    let shown = |c: char| match c {
        '0'..='9' => '9',
        '０'..='９' => '９',
        '年' | '月' | '日' | '元' => c,
        c if c.is_ascii_alphabetic() => 'A',
        '\u{3041}'..='\u{30ff}' | '\u{ff66}'..='\u{ff9f}' => 'ア',
        c if c.is_alphabetic() => '字',
        c => c,
    };
    text.chars().take(24).map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_tells_what_is_suspicious_and_no_value() {
        let mut column = Column::new("born");
        for number in 0..150 {
            column.take(&format!("19{:02}-{:02}-11", number % 90 + 10, number % 12 + 1));
        }
        (0..20).for_each(|_| column.take("1900-01-01"));
        column.take("soon");
        column.take(" ");
        let told = column.json(Some("birth_date"));
        assert_eq!((&told["filled"], &told["formats"][0]["format"]), (&171.into(), &"9999-99-99".into()));
        assert_eq!(told["suspicious"][0], "one value stands in 20 lines: is it a placeholder?");
        assert_eq!(told["suspicious"][1], "20 dates that systems write where they know none");
        assert_eq!(told["suspicious"][2], "1 dates that cannot be read without birth_date_format");
        assert!(!told.to_string().contains("1900-01-01") && !told.to_string().contains("soon"));
        assert_eq!(form("昭和55年3月"), "字字99年9月");
    }
}
