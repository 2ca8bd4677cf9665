//! Search in memory: all clauses must be satisfied, each by any of its alternatives.

use super::contents::{Contents, Place};
use super::words::Meant;
use crate::identity::RecordId;
use crate::matching::{SearchClause, SearchToken, TokenKinds};
use crate::store::FoundRecord;

/// Most words of a clause that are gathered; of a clause that means more each record is asked instead, where another
/// leaves fewer.
const MOST_WORDS: usize = 4_096;

/// What a clause means.
enum Sought<'a> {
    Words(Meant),
    Many(&'a SearchClause),
}

impl Sought<'_> {
    fn uses(&self) -> usize {
        match self {
            Sought::Words(meant) => meant.uses,
            Sought::Many(_) => usize::MAX,
        }
    }
}

impl Contents {
    /// As [`crate::store::Transaction::tokens_search`].
    pub(super) fn search(&self, clauses: &[SearchClause], kinds: TokenKinds, limit: usize) -> Option<Vec<FoundRecord>> {
        let mut sought: Vec<Sought<'_>> = clauses.iter().map(|clause| self.sought(clause)).collect();
        sought.sort_by_key(Sought::uses);
        let mut rest = sought.iter();
        let Some(first) = rest.next() else { return Some(Vec::new()) };
        let mut left = match first {
            Sought::Words(meant) => self.words.places(meant, self.len()),
            Sought::Many(clause) => {
                let all = self.words.meant(clause, usize::MAX);
                all.map_or_else(Vec::new, |all| self.words.places(&all, self.len()))
            }
        };
        for one in rest {
            let narrowed = match one {
                Sought::Words(meant) => self.words.with_any(meant, &left, self.len()),
                Sought::Many(_) => None,
            };
            match narrowed {
                Some(narrowed) => left = narrowed,
                None => left.retain(|place| self.meets(*place, one)),
            }
        }
        if left.len() > limit {
            return None;
        }
        let mut found: Vec<FoundRecord> = left.into_iter().filter_map(|place| self.found(place, kinds)).collect();
        found.sort_by_key(|one| one.record);
        Some(found)
    }

    fn sought<'a>(&self, clause: &'a SearchClause) -> Sought<'a> {
        self.words.meant(clause, MOST_WORDS).map_or(Sought::Many(clause), Sought::Words)
    }

    fn meets(&self, place: Place, sought: &Sought<'_>) -> bool {
        let Some(record) = self.at(place) else { return false };
        match sought {
            Sought::Words(meant) => meant.any_of(&record.words),
            Sought::Many(clause) => {
                let tokens = || record.words.iter().filter_map(|word| self.words.token(*word));
                clause.any_of.iter().any(|wanted| tokens().any(|token| wanted.is_met_by(token)))
            }
        }
    }

    fn found(&self, place: Place, kinds: TokenKinds) -> Option<FoundRecord> {
        let record = self.at(place)?;
        Some(FoundRecord { record: RecordId(record.row.id), tokens: self.tokens(&record.words, kinds) })
    }

    /// The tokens of these kinds among `words`.
    pub(super) fn tokens(&self, words: &[u32], kinds: TokenKinds) -> Vec<SearchToken> {
        words
            .iter()
            .filter_map(|word| self.words.token(*word))
            .filter(|token| kinds.holds(token.kind))
            .cloned()
            .collect()
    }
}
