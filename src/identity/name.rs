//! A name of a person, its parts in the order in which they were given.

use std::fmt;

/// In which script a name is written (v3 EN `@use` IDE, SYL, ABC).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Representation {
    /// `IDE`: kanji.
    Ideographic,
    /// `SYL`: kana.
    Syllabic,
    /// `ABC`: Latin letters.
    Alphabetic,
}

/// Which part of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NamePartKind {
    /// Family name.
    Family,
    /// Given name; the first is the first name, the others middle names.
    Given,
    /// Before the name: a title, a particle.
    Prefix,
    /// After the name: Jr., III.
    Suffix,
    /// A separator that the sender wrote between parts.
    Delimiter,
    /// Text outside any part; an unstructured name is a single part of this kind.
    Text,
}

/// One part of a name.
#[derive(Clone, PartialEq, Eq)]
pub struct NamePart {
    /// Which part.
    pub kind: NamePartKind,
    /// Its text, as the source wrote it.
    pub value: String,
    /// Qualifiers as sent (v3 ENXP `@qualifier`: `BR` birth, `SP` spouse, `CL` call me ...).
    pub qualifiers: Vec<String>,
}

/// One name in one representation.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct PersonName {
    /// Uses as sent without the representation (v3 EN `@use`: `L`, `P`, `ASGN` ...).
    pub uses: Vec<String>,
    /// The script, where the source said it.
    pub representation: Option<Representation>,
    /// The parts, in order.
    pub parts: Vec<NamePart>,
}

impl PersonName {
    /// A name of one family and one given part.
    pub fn simple(representation: Option<Representation>, family: &str, given: &str) -> Self {
        let part = |kind, value: &str| NamePart { kind, value: value.to_owned(), qualifiers: Vec::new() };
        let mut parts = Vec::new();
        if !family.is_empty() {
            parts.push(part(NamePartKind::Family, family));
        }
        if !given.is_empty() {
            parts.push(part(NamePartKind::Given, given));
        }
        Self { uses: vec!["L".to_owned()], representation, parts }
    }

    /// The texts of all parts of `kind`, in order.
    pub fn parts_of(&self, kind: NamePartKind) -> impl Iterator<Item = &str> {
        self.parts.iter().filter(move |part| part.kind == kind).map(|part| part.value.as_str())
    }

    /// The family names joined by a blank; empty where there is none.
    pub fn family(&self) -> String {
        self.parts_of(NamePartKind::Family).collect::<Vec<_>>().join(" ")
    }

    /// The first given name; empty where there is none.
    pub fn first_given(&self) -> String {
        self.parts_of(NamePartKind::Given).next().unwrap_or_default().to_owned()
    }

    /// Whether any part holds text.
    pub fn is_empty(&self) -> bool {
        self.parts.iter().all(|part| part.value.trim().is_empty())
    }
}

impl fmt::Debug for NamePart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}(…)", self.kind)
    }
}

impl fmt::Debug for PersonName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PersonName({:?}, {} parts)", self.representation, self.parts.len())
    }
}
