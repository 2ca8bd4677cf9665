//! Names of a query with `*` in them, which stands for any letters or none.
//!
//! A pattern is held against the normalised tokens of a record; it must never be held against what was written.

use super::normalize;
use super::seam::SearchToken;
use super::tokens::{NameKinds, kind, name_tokens};
use std::collections::BTreeMap;

/// A pattern over the tokens of one kind.
pub(super) struct Pattern {
    kind: i16,
    /// What stands between the stars, in order; none of them is empty.
    pieces: Vec<String>,
    from_start: bool,
    to_end: bool,
}

/// Whether `text` is a pattern.
pub(super) fn is_pattern(text: &str) -> bool {
    normalize::fold(text).contains('*')
}

/// The patterns of `text`, one for each kind under which all of it can be filed; none where it holds nothing but
/// stars. What has letters and no kind in common fits nothing.
pub(super) fn patterns(kinds: &[NameKinds], text: &str) -> Option<Vec<Pattern>> {
    let folded = normalize::fold(text);
    let (from_start, to_end) = (!folded.starts_with('*'), !folded.ends_with('*'));
    let pieces: Vec<&str> = folded.split('*').map(str::trim).filter(|piece| !piece.is_empty()).collect();
    if pieces.is_empty() {
        return None;
    }
    let mut found = Vec::new();
    for name in kinds {
        let mut of_kind: BTreeMap<i16, Vec<String>> = BTreeMap::new();
        for token in pieces.iter().flat_map(|piece| name_tokens(*name, piece)) {
            of_kind.entry(token.kind).or_default().push(token.value);
        }
        let whole = of_kind.into_iter().filter(|(_, values)| values.len() == pieces.len());
        found.extend(whole.map(|(kind, pieces)| Pattern { kind, pieces, from_start, to_end }));
    }
    if found.is_empty() {
        // The value `*` is in no record.
        let (pieces, from_start) = (vec!["*".to_owned()], true);
        found.push(Pattern { kind: kind::SEX, pieces, from_start, to_end: true });
    }
    Some(found)
}

impl Pattern {
    /// The same over the tokens of another kind.
    pub(super) fn over(&self, kind: i16) -> Self {
        Self { kind, pieces: self.pieces.clone(), ..*self }
    }

    /// The kind of its tokens.
    pub(super) fn kind(&self) -> i16 {
        self.kind
    }

    /// How every token that fits begins; none where that may be anyhow.
    pub(super) fn head(&self) -> Option<SearchToken> {
        let first = self.pieces.first().filter(|_| self.from_start)?;
        Some(SearchToken { kind: self.kind, value: first.clone() })
    }

    /// Whether `token` fits.
    pub(super) fn fits(&self, token: &SearchToken) -> bool {
        token.kind == self.kind && self.rest_of(&token.value).is_some_and(|rest| !self.to_end || rest.is_empty())
    }

    /// What is left of `value` after all pieces; the last one stands at the end where it must.
    fn rest_of<'a>(&self, value: &'a str) -> Option<&'a str> {
        let mut rest = value;
        let last = self.pieces.len().saturating_sub(1);
        for (n, piece) in self.pieces.iter().enumerate() {
            let at = match n {
                0 if self.from_start => rest.starts_with(piece.as_str()).then_some(0)?,
                n if n == last && self.to_end => {
                    rest.len().checked_sub(piece.len()).filter(|_| rest.ends_with(piece.as_str()))?
                }
                _ => rest.find(piece.as_str())?,
            };
            rest = rest.get(at + piece.len()..)?;
        }
        Some(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_letters() {
        let check = |text: &str, name: &str, expect: bool| {
            let found = patterns(&[NameKinds::Family], text).expect("letters");
            let tokens = name_tokens(NameKinds::Family, name);
            let fits = found.iter().any(|pattern| tokens.iter().any(|token| pattern.fits(token)));
            assert_eq!(fits, expect, "{text} {name}");
        };
        check("山*", "山田", true);
        check("山＊", "山", true);
        check("*田", "山田", true);
        check("*田", "田中", false);
        check("*本*", "山本田", true);
        check("山*田", "山本田", true);
        check("山*田", "山本", false);
        check("山*山", "山", false);
        check("さい*", "サイトウ", true);
        check("sai*", "サイトウ", true);
        check("*mith", "Smith", true);
        check("S*th", "Smyth", true);
        check("S*th", "Smythe", false);
        check("a*!", "abc", false);
        assert!(patterns(&[NameKinds::Family], " * ＊").is_none());
    }
}
