//! Fields that files may have beside the six that every model knows: their names, scales and starting weights.
//!
//! The weights here are where training starts from, and what stands where there is too little to train on.

use crate::matching::levels::{Code, MISSING, within_one_edit};
use crate::matching::model::Level;
use strsim::jaro_winkler;

/// How the values of a further field are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Compare {
    /// Equal or not.
    Exact,
    /// Text in which slips happen.
    String,
    /// Words in any order.
    Token,
    /// A number.
    Number,
    /// A number issued to one person.
    Identifier,
    /// Number within an insurer, and the branch that tells members of a household apart: `number/branch`.
    Insurance,
    /// Middle name or initial.
    Middle,
    /// Mail address.
    Mail,
}

impl Compare {
    /// The comparison that a mapping names.
    pub fn of_name(name: &str) -> Option<Self> {
        Some(match name {
            "exact" => Compare::Exact,
            "string" => Compare::String,
            "token" => Compare::Token,
            "number" => Compare::Number,
            _ => return None,
        })
    }

    /// The levels from the strongest to the weakest, with the weights from which training starts: m, u, h.
    fn start(self) -> &'static [(&'static str, f64, f64, f64)] {
        match self {
            Compare::Exact => &[("equal", 0.9, 0.05, 0.3), ("differs", 0.1, 0.95, 0.7)],
            Compare::String => &[
                ("equal", 0.85, 0.005, 0.2),
                ("near", 0.06, 0.005, 0.02),
                ("similar", 0.02, 0.02, 0.03),
                ("differs", 0.07, 0.97, 0.75),
            ],
            Compare::Token => &[
                ("equal", 0.8, 0.005, 0.3),
                ("most_words", 0.06, 0.005, 0.05),
                ("some_words", 0.06, 0.05, 0.1),
                ("differs", 0.08, 0.94, 0.55),
            ],
            Compare::Number => &[("equal", 0.9, 0.01, 0.1), ("near", 0.03, 0.02, 0.05), ("differs", 0.07, 0.97, 0.85)],
            Compare::Identifier => &[
                ("equal", 0.93, 1e-7, 1e-6),
                ("one_edit", 0.03, 1e-5, 1e-5),
                ("two_edits", 0.004, 2e-4, 2e-4),
                ("differs", 0.036, 0.9998, 0.9998),
            ],
            Compare::Insurance => &[
                ("number_and_branch", 0.271, 1e-7, 0.0005),
                ("number", 0.49, 1e-6, 0.50),
                ("one_digit", 0.008, 1e-6, 0.008),
                ("branch_differs", 0.001, 1e-6, 0.29),
                ("differs", 0.23, 0.999997, 0.2015),
            ],
            Compare::Middle => &[
                ("equal", 0.80, 0.02, 0.02),
                ("near", 0.03, 0.01, 0.01),
                ("initial", 0.10, 0.06, 0.06),
                ("differs", 0.07, 0.91, 0.91),
            ],
            Compare::Mail => &[
                ("equal", 0.70, 1e-5, 0.01),
                ("local_part", 0.03, 2e-5, 0.001),
                ("near", 0.10, 5e-4, 0.005),
                ("similar", 0.05, 0.02, 0.05),
                ("differs", 0.12, 0.97947, 0.934),
            ],
        }
    }

    /// The names of the levels, from the strongest.
    pub fn scale(self) -> Vec<&'static str> {
        self.start().iter().map(|(name, ..)| *name).collect()
    }

    /// The starting weights.
    pub fn levels(self) -> Vec<Level> {
        self.start().iter().map(|(id, m, u, h)| Level { id: (*id).to_owned(), m: *m, u: *u, h: *h }).collect()
    }

    /// Whether the value is shared within a household, so that it shows relatives.
    pub fn is_of_households(self) -> bool {
        self == Compare::Insurance
    }

    /// Whether equal values are rare enough to find candidates by.
    pub fn makes_keys(self) -> bool {
        matches!(self, Compare::Identifier | Compare::Insurance | Compare::Mail)
    }

    /// Whether the frequency of a value that agrees counts.
    pub fn has_frequencies(self) -> bool {
        matches!(self, Compare::Exact | Compare::String | Compare::Token | Compare::Middle)
    }

    /// The level of two folded values.
    pub fn level(self, a: &str, b: &str) -> Code {
        if a.is_empty() || b.is_empty() {
            return MISSING;
        }
        if self == Compare::Insurance {
            return insurance(a, b);
        }
        if a == b {
            return 1;
        }
        match self {
            Compare::Exact | Compare::Insurance => 2,
            Compare::String => match jaro_winkler(a, b) {
                _ if a.len() >= 4 && b.len() >= 4 && within_one_edit(a, b) => 2,
                close if close >= 0.92 => 2,
                close if close >= 0.80 => 3,
                _ => 4,
            },
            Compare::Token => token(a, b),
            Compare::Number => number(a, b),
            Compare::Identifier if within_one_edit(a, b) => 2,
            Compare::Identifier if strsim::osa_distance(a, b) == 2 => 3,
            Compare::Identifier => 4,
            Compare::Middle => middle(a, b),
            Compare::Mail => mail(a, b),
        }
    }
}

fn insurance(a: &str, b: &str) -> Code {
    let (x, x_branch) = a.split_once('/').unwrap_or((a, ""));
    let (y, y_branch) = b.split_once('/').unwrap_or((b, ""));
    if x != y {
        return if within_one_edit(x, y) { 3 } else { 5 };
    }
    match (x_branch, y_branch) {
        ("", _) | (_, "") => 2,
        (p, q) if p == q => 1,
        _ => 4,
    }
}

fn token(a: &str, b: &str) -> Code {
    let shared = a.split(' ').filter(|word| b.split(' ').any(|other| other == *word)).count();
    let most = a.split(' ').count().max(b.split(' ').count());
    match shared {
        0 => 4,
        n if n >= most => 1,
        n if n * 2 >= most => 2,
        _ => 3,
    }
}

fn number(a: &str, b: &str) -> Code {
    let (Ok(x), Ok(y)) = (a.parse::<f64>(), b.parse::<f64>()) else { return 3 };
    let distance = (x - y).abs();
    if distance == 0.0 {
        1
    } else if distance <= 1.0 || distance <= 0.02 * x.abs().max(y.abs()) {
        2
    } else {
        3
    }
}

fn middle(a: &str, b: &str) -> Code {
    let same_initial = a.chars().next() == b.chars().next();
    if a.chars().count() == 1 || b.chars().count() == 1 {
        return if same_initial { 3 } else { 4 };
    }
    if jaro_winkler(a, b) >= 0.9 { 2 } else { 4 }
}

fn mail(a: &str, b: &str) -> Code {
    let (x, _) = a.split_once('@').unwrap_or((a, ""));
    let (y, _) = b.split_once('@').unwrap_or((b, ""));
    if x == y && x.len() >= 4 {
        return 2;
    }
    match jaro_winkler(x, y) {
        _ if within_one_edit(a, b) => 3,
        close if close >= 0.92 => 3,
        close if close >= 0.82 => 4,
        _ => 5,
    }
}

/// A further field of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Further {
    /// Its name in models and reports.
    pub id: String,
    /// How its values are compared.
    pub compare: Compare,
}

/// The further fields that the mapping names without `[extra]`.
pub const KNOWN: [(&str, Compare); 6] = [
    ("insurance", Compare::Insurance),
    ("national_id", Compare::Identifier),
    ("middle", Compare::Middle),
    ("email", Compare::Mail),
    ("mothers_maiden_name", Compare::String),
    ("birth_place", Compare::String),
];
