//! Reads typed values out of one table of the file and gathers everything that is wrong on the way.
//!
//! It must never stop at the first mistake, and it knows no key by itself: the keys that were asked for
//! are the known ones, so the list of known keys cannot drift from the code that reads them.

use super::mistake::{Mistake, nearest};
use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::{Range, RangeInclusive};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The span of a value that came from the environment, which has no line.
pub(super) const ENVIRONMENT: Range<usize> = usize::MAX..usize::MAX;

/// A place in the file, as a range of bytes.
pub(super) type Place = Range<usize>;

/// Everything found wrong so far, and where lines begin.
pub(super) struct Findings {
    line_ends: Vec<usize>,
    mistakes: RefCell<Vec<Mistake>>,
    unserved: RefCell<Vec<Mistake>>,
}

impl Findings {
    pub(super) fn new(text: &str) -> Self {
        let line_ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(index, _)| index).collect();
        Self { line_ends, mistakes: RefCell::default(), unserved: RefCell::default() }
    }

    /// The line of `place`, counted from 1; the environment has none.
    pub(super) fn line(&self, place: &Place) -> Option<u32> {
        if *place == ENVIRONMENT {
            return None;
        }
        u32::try_from(self.line_ends.partition_point(|end| *end < place.start) + 1).ok()
    }

    pub(super) fn add(&self, place: Option<&Place>, key: &str, what: impl Into<String>, right: impl Into<String>) {
        self.mistakes.borrow_mut().push(self.finding(place, key, what.into(), right.into()));
    }

    fn finding(&self, place: Option<&Place>, key: &str, mut what: String, right: String) -> Mistake {
        if place == Some(&ENVIRONMENT) {
            what = format!("{what} (from {})", super::environment::variable(key));
        }
        let line = place.and_then(|place| self.line(place));
        Mistake { line, key: key.to_owned(), what, right }
    }

    /// What is right as it stands and has no effect in this version, in the order of the file.
    pub(super) fn take_unserved(&self) -> Vec<Mistake> {
        let mut unserved = self.unserved.take();
        unserved.sort_by_key(|one| one.line.unwrap_or(u32::MAX));
        unserved
    }

    /// All mistakes in the order of the file; those without a line come last.
    pub(super) fn into_mistakes(self) -> Vec<Mistake> {
        let mut mistakes = self.mistakes.into_inner();
        mistakes.sort_by_key(|mistake| mistake.line.unwrap_or(u32::MAX));
        mistakes
    }
}

/// One table of the file while it is read.
pub(super) struct Section<'a, 'i> {
    path: String,
    place: Option<Place>,
    table: Option<&'a DeTable<'i>>,
    findings: &'a Findings,
    asked: RefCell<Vec<&'static str>>,
}

impl<'a, 'i> Section<'a, 'i> {
    pub(super) fn root(table: &'a DeTable<'i>, findings: &'a Findings) -> Self {
        Self { path: String::new(), place: None, table: Some(table), findings, asked: RefCell::default() }
    }

    /// The full name of `key` in this table.
    pub(super) fn path(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    pub(super) fn is_present(&self) -> bool {
        self.table.is_some()
    }

    pub(super) fn place(&self) -> Option<&Place> {
        self.place.as_ref()
    }

    pub(super) fn wrong(&self, place: Option<&Place>, key: &str, what: impl Into<String>, right: impl Into<String>) {
        self.findings.add(place, &self.path(key), what, right);
    }

    /// Notes that what stands at `place` has no effect in this version; `instead` says what does.
    pub(super) fn unserved(&self, place: Option<&Place>, key: &str, what: &str, instead: &str) {
        let finding = self.findings.finding(place, &self.path(key), what.to_owned(), instead.to_owned());
        self.findings.unserved.borrow_mut().push(finding);
    }

    /// The table `key`; one that the file leaves out reads as empty.
    pub(super) fn table(&self, key: &'static str) -> Section<'a, 'i> {
        let (place, table) = match self.get(key) {
            None => (None, None),
            Some(value) => match value.get_ref() {
                DeValue::Table(table) => (Some(value.span()), Some(table)),
                other => {
                    self.wrong_type(key, value, other, "a table");
                    (None, None)
                }
            },
        };
        Section { path: self.path(key), place, table, findings: self.findings, asked: RefCell::default() }
    }

    /// The tables `[[key]]`.
    pub(super) fn tables(&self, key: &'static str) -> Vec<Section<'a, 'i>> {
        self.items(key, "a list of tables")
            .into_iter()
            .filter_map(|value| match value.get_ref() {
                DeValue::Table(table) => Some(Section {
                    path: self.path(key),
                    place: Some(value.span()),
                    table: Some(table),
                    findings: self.findings,
                    asked: RefCell::default(),
                }),
                other => {
                    self.wrong_type(key, value, other, "a table");
                    None
                }
            })
            .collect()
    }

    /// The texts in the list `key`; `None` where the file leaves it out or has no list.
    pub(super) fn texts(&self, key: &'static str) -> Option<Vec<(String, Place)>> {
        let value = self.get(key)?;
        if !value.get_ref().is_array() {
            self.wrong_type(key, value, value.get_ref(), "a list of texts");
            return None;
        }
        let mut texts = Vec::new();
        for value in self.items(key, "a list of texts") {
            match value.get_ref() {
                DeValue::String(text) => texts.push((text.to_string(), value.span())),
                other => self.wrong_type(key, value, other, "a text"),
            }
        }
        Some(texts)
    }

    pub(super) fn text(&self, key: &'static str) -> Option<(String, Place)> {
        let value = self.get(key)?;
        match value.get_ref() {
            DeValue::String(text) => Some((text.to_string(), value.span())),
            other => {
                self.wrong_type(key, value, other, "a text in quotes");
                None
            }
        }
    }

    /// Where the value of `key` stands, whatever it is.
    pub(super) fn value_place(&self, key: &'static str) -> Option<Place> {
        self.get(key).map(Spanned::span)
    }

    /// A text that must be there and must not be empty.
    pub(super) fn required(&self, key: &'static str, right: &str) -> Option<(String, Place)> {
        match self.get(key) {
            None => {
                self.wrong(self.place(), key, "missing", right);
                None
            }
            Some(_) => self.filled(key, right),
        }
    }

    /// A text that is not blank where it is there.
    pub(super) fn filled(&self, key: &'static str, right: &str) -> Option<(String, Place)> {
        let (text, place) = self.text(key)?;
        if text.trim().is_empty() {
            self.wrong(Some(&place), key, "empty", right);
            return None;
        }
        Some((text, place))
    }

    /// A text that `parse` understands; what is wrong otherwise names the text.
    pub(super) fn parsed<T>(
        &self,
        key: &'static str,
        right: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<(T, Place)> {
        let (text, place) = self.text(key)?;
        let value = parse(&text);
        if value.is_none() {
            self.wrong(Some(&place), key, format!("\"{text}\" is not understood"), right);
        }
        value.map(|value| (value, place))
    }

    /// As [`Section::parsed`], for a text that may hold a secret: what is wrong does not repeat it.
    pub(super) fn parsed_secret<T>(
        &self,
        key: &'static str,
        right: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let (text, place) = self.text(key)?;
        let value = parse(&text);
        if value.is_none() {
            self.wrong(Some(&place), key, "this address is not understood", right);
        }
        value
    }

    /// One of `words`.
    pub(super) fn choice<T: Copy>(&self, key: &'static str, words: &[(&str, T)]) -> Option<(T, Place)> {
        let right = one_of(words.iter().map(|(word, _)| *word));
        self.parsed(key, &right, |text| words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value))
    }

    pub(super) fn flag(&self, key: &'static str) -> Option<bool> {
        let value = self.get(key)?;
        match value.get_ref() {
            DeValue::Boolean(flag) => return Some(*flag),
            DeValue::String(text) if value.span() == ENVIRONMENT => match text.as_ref() {
                "true" => return Some(true),
                "false" => return Some(false),
                other => self.wrong(Some(&ENVIRONMENT), key, format!("\"{other}\" is not understood"), "true or false"),
            },
            other => self.wrong_type(key, value, other, "true or false"),
        }
        None
    }

    pub(super) fn number(&self, key: &'static str, range: RangeInclusive<u32>) -> Option<u32> {
        let value = self.get(key)?;
        let right = format!("a whole number from {} to {}", range.start(), range.end());
        let (shown, number) = match value.get_ref() {
            DeValue::Integer(number) => (number.to_string(), u32::from_str_radix(number.as_str(), number.radix()).ok()),
            DeValue::String(text) if value.span() == ENVIRONMENT => (text.to_string(), text.parse().ok()),
            other => {
                self.wrong_type(key, value, other, &right);
                return None;
            }
        };
        let number = number.filter(|number| range.contains(number));
        if number.is_none() {
            self.wrong(Some(&value.span()), key, format!("{shown} is out of range"), right);
        }
        number
    }

    /// Says which keys of this table nobody asked for. To be called when all of them are read.
    pub(super) fn finish(self) {
        let known = self.asked.borrow();
        for (key, _) in self.table.into_iter().flatten() {
            let word = key.get_ref().as_ref();
            if known.contains(&word) {
                continue;
            }
            let right = match nearest(word, &known) {
                Some(near) => format!("did you mean {}?", self.path(near)),
                None => one_of(known.iter().copied()),
            };
            self.wrong(Some(&key.span()), word, "unknown key", right);
        }
    }

    fn get(&self, key: &'static str) -> Option<&'a Spanned<DeValue<'i>>> {
        let mut asked = self.asked.borrow_mut();
        if !asked.contains(&key) {
            asked.push(key);
        }
        self.table.and_then(|table| table.get(key))
    }

    fn items(&self, key: &'static str, right: &str) -> Vec<&'a Spanned<DeValue<'i>>> {
        match self.get(key) {
            None => Vec::new(),
            Some(value) => match value.get_ref() {
                DeValue::Array(items) => items.iter().collect(),
                other => {
                    self.wrong_type(key, value, other, right);
                    Vec::new()
                }
            },
        }
    }

    fn wrong_type(&self, key: &str, value: &Spanned<DeValue<'i>>, found: &DeValue<'i>, right: &str) {
        let found = found.type_str();
        let article = if found.starts_with(['a', 'i']) { "an" } else { "a" };
        self.wrong(Some(&value.span()), key, format!("{article} {found} where it does not belong"), right);
    }
}

/// Values that must be unlike each other, each with the line on which it was first seen.
pub(super) struct Distinct {
    what: &'static str,
    seen: HashMap<String, Option<u32>>,
}

impl Distinct {
    pub(super) fn new(what: &'static str) -> Self {
        Self { what, seen: HashMap::new() }
    }

    /// Notes `value`; a second one like it is a mistake that names the first.
    pub(super) fn note(&mut self, section: &Section<'_, '_>, key: &str, value: &str, place: &Place) {
        match self.seen.get(value) {
            None => {
                self.seen.insert(value.to_owned(), section.findings.line(place));
            }
            Some(first) => {
                let first = first
                    .map_or_else(|| "by a default or the environment".to_owned(), |line| format!("on line {line}"));
                let what = format!("\"{value}\" is already used {first}");
                section.wrong(Some(place), key, what, format!("{} of its own", self.what));
            }
        }
    }
}

/// `"a", "b" or "c"`.
pub(super) fn one_of<'w>(words: impl Iterator<Item = &'w str>) -> String {
    let quoted: Vec<String> = words.map(|word| format!("\"{word}\"")).collect();
    match quoted.split_last() {
        None => "nothing".to_owned(),
        Some((only, [])) => only.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    }
}
