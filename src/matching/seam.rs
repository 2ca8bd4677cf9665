//! What the store keeps for the matcher, and the one trait through which candidates are retrieved.

use crate::identity::{PersonId, RecordId};
use strsim::osa_distance;

/// A key under which a record is filed; records that share one are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlockingKey(pub i64);

/// One single-field token by which people are searched (decision 18 of the design).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SearchToken {
    /// Which field in which representation; the numbers are the matcher's and never change meaning.
    pub kind: i16,
    /// The normalised value.
    pub value: String,
}

impl std::fmt::Debug for SearchToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SearchToken({}, …)", self.kind)
    }
}

/// Some kinds of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenKinds(u64);

impl TokenKinds {
    /// All that there are: their numbers are 0 to 63.
    pub const ALL: Self = Self(u64::MAX);

    /// Whether `kind` is one of them.
    pub fn holds(self, kind: i16) -> bool {
        u32::try_from(kind).is_ok_and(|kind| kind < u64::BITS && self.0 >> kind & 1 == 1)
    }

    /// The least and the greatest of them; none where there is none.
    pub fn bounds(self) -> Option<(i16, i16)> {
        let first = i16::try_from(self.0.trailing_zeros()).ok()?;
        let last = i16::try_from(u64::BITS.checked_sub(1 + self.0.leading_zeros())?).ok()?;
        Some((first, last))
    }
}

impl FromIterator<i16> for TokenKinds {
    fn from_iter<T: IntoIterator<Item = i16>>(kinds: T) -> Self {
        let bit = |kind: i16| u32::try_from(kind).ok().and_then(|kind| 1_u64.checked_shl(kind)).unwrap_or(0);
        Self(kinds.into_iter().map(bit).fold(0, |all, one| all | one))
    }
}

/// One way in which a stored token can satisfy a clause.
#[derive(Clone, PartialEq, Eq)]
pub enum TokenMatch {
    /// Exactly this token.
    Exact(SearchToken),
    /// Tokens of the kind that begin with the value.
    Prefix(SearchToken),
    /// Tokens of `kind` that begin with the same `head` bytes of `value` and are at most one letter apart from it.
    Close {
        /// The kind.
        kind: i16,
        /// The value that is sought.
        value: String,
        /// So many bytes of it, at the border of a letter, are the same.
        head: usize,
    },
    /// Tokens of `kind` with `from <= value <= to` in byte order.
    Range {
        /// The kind.
        kind: i16,
        /// First value.
        from: String,
        /// Last value.
        to: String,
    },
}

impl std::fmt::Debug for TokenMatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenMatch(…)")
    }
}

/// Whether `other` begins with the same `head` bytes as `value` and is at most one letter apart: another one, one more,
/// one fewer, or two neighbours swapped.
pub(super) fn is_close(value: &str, head: usize, other: &str) -> bool {
    let same = value.get(..head).zip(other.get(..head)).is_some_and(|(ours, theirs)| ours == theirs);
    same && osa_distance(value, other) <= 1
}

impl TokenMatch {
    /// Whether `token` matches, values compared in byte order as a store compares them.
    pub fn is_met_by(&self, token: &SearchToken) -> bool {
        match self {
            TokenMatch::Exact(sought) => sought == token,
            TokenMatch::Prefix(sought) => sought.kind == token.kind && token.value.starts_with(&sought.value),
            TokenMatch::Close { kind, value, head } => *kind == token.kind && is_close(value, *head, &token.value),
            TokenMatch::Range { kind, from, to } => *kind == token.kind && *from <= token.value && token.value <= *to,
        }
    }
}

/// A record satisfies a clause when any of its tokens matches; it is sought by satisfying all clauses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchClause {
    /// The alternatives; never empty.
    pub any_of: Vec<TokenMatch>,
}

impl SearchClause {
    /// Whether a record with these tokens satisfies it.
    pub fn is_met_by(&self, tokens: &[SearchToken]) -> bool {
        self.any_of.iter().any(|wanted| tokens.iter().any(|token| wanted.is_met_by(token)))
    }
}

/// A record that may be the same person, as the store returns it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The record.
    pub record: RecordId,
    /// The person it is linked to now, if any.
    pub person: Option<PersonId>,
    /// Its compact comparison row, as the matcher encoded it.
    pub row: Vec<u8>,
}

/// Where candidates come from: the store when serving, memory for files and the initial load.
/// Both must return the same for the same records (a property test says so).
pub trait Candidates {
    /// What can go wrong.
    type Error;

    /// At most `limit` records filed under `key`, in ascending order.
    fn posting(&mut self, key: BlockingKey, limit: usize) -> Result<Vec<RecordId>, Self::Error>;

    /// The rows of `records`; those that are gone or subsumed are left out.
    fn rows(&mut self, records: &[RecordId]) -> Result<Vec<Candidate>, Self::Error>;

    /// At most `limit` records linked to `person` now.
    fn members(&mut self, person: PersonId, limit: usize) -> Result<Vec<Candidate>, Self::Error>;
}
