//! One mistake of a configuration, and the words that help to mend it.
//!
//! A mistake must never repeat a value that may hold a secret; the store's address is one.

use std::fmt;

/// One thing that is wrong with a configuration: where, what, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Mistake {
    /// The line of the file; `None` where the environment or the whole file is meant.
    pub line: Option<u32>,
    /// The key with its path, such as `network.regional.oid`; empty where no key is meant.
    pub key: String,
    /// What is wrong.
    pub what: String,
    /// What would be right.
    pub right: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        write!(f, "{}; {}", self.what, self.right)
    }
}

/// The one of `known` that is spelt most like `word`; `None` where none is near enough to be meant.
pub(super) fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let enough = word.chars().count().div_ceil(2).min(4);
    known
        .iter()
        .map(|candidate| {
            // A word that was broken off is as near as one slip.
            let edits = if candidate.starts_with(word) { 1 } else { distance(word, candidate) };
            (edits, *candidate)
        })
        .filter(|(edits, _)| *edits <= enough)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Levenshtein's distance. Written out here because the law keeps strsim to the matcher, whose measures
/// must not be confused with help for a mistyped key.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, from) in left.chars().enumerate() {
        let mut previous = index + 1;
        let mut next = vec![previous];
        for (pair, to) in row.windows(2).zip(&right) {
            let [diagonal, above] = pair else { continue };
            let changed = diagonal + usize::from(from != *to);
            previous = changed.min(above + 1).min(previous + 1);
            next.push(previous);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (left, right, edits) in
            [("", "", 0), ("", "abc", 3), ("abc", "", 3), ("http", "htp", 1), ("kitten", "sitting", 3)]
        {
            assert_eq!(distance(left, right), edits, "{left} {right}");
        }
    }

    #[test]
    fn nearest_key() {
        let known = ["http", "https", "mllp", "allow_plain", "address_file"];
        for (word, expect) in [
            ("htp", Some("http")),
            ("httpss", Some("https")),
            ("adress_file", Some("address_file")),
            ("allow-plain", Some("allow_plain")),
            ("allow", Some("allow_plain")),
            ("zzz", None),
        ] {
            assert_eq!(nearest(word, &known), expect, "{word}");
        }
    }
}
