//! Western names: letters without marks, tokens without particles, suffixes, titles, familiar forms.

use super::fold;
use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;
use unicode_normalization::UnicodeNormalization;

const PARTICLES: [&str; 22] = [
    "de", "del", "della", "di", "da", "dos", "du", "la", "le", "van", "von", "der", "den", "ter", "ten", "zu", "el",
    "al", "bin", "ibn", "y", "st",
];
const TITLES: [&str; 12] = ["mr", "mrs", "ms", "miss", "dr", "prof", "sir", "dame", "rev", "herr", "frau", "mme"];
const SUFFIXES: [(&str, &str); 10] = [
    ("jr", "jr"),
    ("junior", "jr"),
    ("sr", "sr"),
    ("senior", "sr"),
    ("ii", "2"),
    ("iii", "3"),
    ("iv", "4"),
    ("2nd", "2"),
    ("3rd", "3"),
    ("4th", "4"),
];

/// The tokens of a name without marks, punctuation, titles and suffixes.
pub fn tokens(text: &str) -> Vec<String> {
    let letters: String = fold(text)
        .nfd()
        .filter(|c| !unicode_normalization::char::is_combining_mark(*c) && !matches!(c, '\'' | '’' | '`' | '.'))
        .collect();
    let letters = letters
        .replace('ß', "ss")
        .replace('ø', "o")
        .replace('æ', "ae")
        .replace('œ', "oe")
        .replace('ł', "l")
        .replace('đ', "d");
    let tokens = letters.split(|c: char| !c.is_alphanumeric()).filter(|token| !token.is_empty());
    tokens.filter(|token| !TITLES.contains(token) && suffix(token).is_none()).map(str::to_owned).collect()
}

/// A name for comparison: its tokens joined, particles dropped unless nothing else is left.
pub fn name(text: &str) -> String {
    let all = tokens(text);
    let plain: Vec<&str> = all.iter().map(String::as_str).filter(|token| !PARTICLES.contains(token)).collect();
    if plain.is_empty() { all.join(" ") } else { plain.join(" ") }
}

/// A name for comparison where it is in Latin letters, else the text itself.
pub fn folded(text: &str) -> String {
    if super::script(text) == Some(crate::identity::Representation::Alphabetic) { name(text) } else { text.to_owned() }
}

/// Other forms of a folded given name.
pub fn forms(given: &str) -> Vec<&'static str> {
    let Some(numbers) = groups().get(given) else { return Vec::new() };
    let mut forms: Vec<&str> =
        groups().iter().filter(|(_, of)| of.iter().any(|n| numbers.contains(n))).map(|(form, _)| *form).collect();
    forms.sort_unstable();
    forms
}

/// What a generation suffix means: `jr`, `sr`, `2` ...; none where the text is no suffix.
pub fn suffix(text: &str) -> Option<&'static str> {
    let bare: String = fold(text).chars().filter(|c| c.is_alphanumeric()).collect();
    SUFFIXES.iter().find(|(form, _)| *form == bare).map(|(_, meaning)| *meaning)
}

fn groups() -> &'static HashMap<&'static str, Vec<usize>> {
    static TABLE: OnceLock<HashMap<&'static str, Vec<usize>>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut table: HashMap<&'static str, Vec<usize>> = HashMap::new();
        for (number, line) in include_str!("nicknames.txt").lines().filter(|line| !line.starts_with('#')).enumerate() {
            for form in line.split_whitespace() {
                table.entry(form).or_default().push(number);
            }
        }
        table
    })
}

/// Whether two folded given names are forms of one name.
pub fn are_nicknames(a: &str, b: &str) -> bool {
    let of = |name: &str| name.split(' ').next().and_then(|first| groups().get(first));
    matches!((of(a), of(b)), (Some(a), Some(b)) if a.iter().any(|group| b.contains(group)))
}

/// A name by which spellings that sound alike are one: doubled letters once, no silent `h` and no `e` at its end.
fn spelled(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars().filter(|c| *c != ' ') {
        if !out.ends_with(c) && (c != 'h' || out.is_empty()) {
            out.push(c);
        }
    }
    if out.len() > 2 && out.ends_with('e') {
        out.pop();
    }
    out
}

/// Whether two folded given names are one: forms of it, or spellings.
pub fn are_one_name(a: &str, b: &str) -> bool {
    are_nicknames(a, b) || spelled(a) == spelled(b)
}

/// Whether two folded given names, near as they are, are two names, neither a slip nor a form of the other.
pub fn are_two_names(a: &str, b: &str) -> bool {
    static TABLE: OnceLock<HashSet<&'static str>> = OnceLock::new();
    let names = TABLE.get_or_init(|| {
        let lines = include_str!("given_names.txt").lines().filter(|line| !line.starts_with('#'));
        lines.flat_map(str::split_whitespace).chain(groups().keys().copied()).collect()
    });
    a != b && names.contains(a) && names.contains(b) && !are_one_name(a, b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fold() {
        for (text, expect) in [
            ("Müller", "muller"),
            ("O'Brien", "obrien"),
            ("van der Berg", "berg"),
            ("García-López", "garcia lopez"),
            ("Dr. Smith Jr.", "smith"),
            ("De La", "de la"),
            ("ＳＭＩＴＨ", "smith"),
        ] {
            assert_eq!(name(text), expect, "{text}");
        }
        assert_eq!(suffix("Jr."), Some("jr"));
        assert_eq!(suffix("III"), Some("3"));
        assert_eq!(suffix("Smith"), None);
    }

    #[test]
    fn nicknames() {
        assert!(are_nicknames("william", "bill") && are_nicknames("peggy", "margaret"));
        assert!(are_two_names("mary", "maria") && are_two_names("joan", "joanna") && are_two_names("eric", "erica"));
        assert!(!are_two_names("mary", "mray") && !are_two_names("mary", "mary"));
        assert!(are_one_name("matthew", "mathew") && are_one_name("sara", "sarah") && are_one_name("ann", "anne"));
        assert!(are_one_name("steven", "steve") && !are_one_name("mary", "marie") && !are_one_name("joan", "joanna"));
        assert!(!are_nicknames("william", "robert") && !are_nicknames("bill", "margaret"));
    }
}
