//! What is filed is found, and nothing else.

use super::*;
use crate::matching::{BlockingKey, Candidates, SearchClause, SearchToken, TokenKinds, TokenMatch};
use crate::store::Lookup;
use proptest::prelude::*;

fn token(kind: i16, value: &str) -> SearchToken {
    SearchToken { kind, value: value.to_owned() }
}

fn satisfies(tokens: &[SearchToken], wanted: &TokenMatch) -> bool {
    tokens.iter().any(|held| match wanted {
        TokenMatch::Exact(token) => held == token,
        TokenMatch::Prefix(token) => held.kind == token.kind && held.value.starts_with(&token.value),
        TokenMatch::Close { kind, value, head } => {
            let same = value.get(..*head).is_some_and(|head| held.value.starts_with(head));
            held.kind == *kind && same && is_near(value, &held.value)
        }
        TokenMatch::Range { kind, from, to } => held.kind == *kind && *from <= held.value && held.value <= *to,
    })
}

/// One letter is another, missing, added, or swapped with its neighbour; or none is.
fn is_near(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let without = |letters: &[char]| -> Vec<Vec<char>> {
        (0..letters.len()).map(|at| [&letters[..at], &letters[at + 1..]].concat()).collect()
    };
    let differing: Vec<usize> = (0..a.len().min(b.len())).filter(|at| a[*at] != b[*at]).collect();
    let swapped = |first: usize, second: usize| second == first + 1 && a[first] == b[second] && a[second] == b[first];
    match (a.len(), b.len()) {
        (m, n) if m == n => match *differing.as_slice() {
            [] | [_] => true,
            [first, second] => swapped(first, second),
            _ => false,
        },
        (m, n) if m == n + 1 => without(&a).contains(&b),
        (m, n) if n == m + 1 => without(&b).contains(&a),
        _ => false,
    }
}

/// What a search finds, which comes with all tokens of each record.
fn records_found(
    tx: &mut dyn Lookup,
    clauses: &[SearchClause],
    limit: usize,
) -> Result<Option<Vec<RecordId>>, StoreError> {
    let Some(found) = tx.tokens_search(clauses, TokenKinds::ALL, limit)? else { return Ok(None) };
    assert!(found.iter().all(|one| clauses.iter().all(|clause| clause.is_met_by(&one.tokens))));
    Ok(Some(found.into_iter().map(|one| one.record).collect()))
}

fn naive(filed: &[Vec<SearchToken>], clauses: &[SearchClause]) -> Vec<RecordId> {
    let all = |tokens: &&Vec<SearchToken>| {
        clauses.iter().all(|clause| clause.any_of.iter().any(|wanted| satisfies(tokens, wanted)))
    };
    let numbered = filed.iter().zip(1..).filter(|(tokens, _)| all(tokens));
    numbered.map(|(_, id)| RecordId(id)).collect()
}

/// Few letters, so that much coincides; byte order and text order differ among them.
fn value() -> impl Strategy<Value = String> {
    "[aBé\u{D7FF}\u{10FFFF}]{0,3}"
}

fn a_token() -> impl Strategy<Value = SearchToken> {
    (1i16..3, value()).prop_map(|(kind, value)| SearchToken { kind, value })
}

fn a_match() -> impl Strategy<Value = TokenMatch> {
    prop_oneof![
        a_token().prop_map(TokenMatch::Exact),
        a_token().prop_map(TokenMatch::Prefix),
        (1i16..3, value(), value()).prop_map(|(kind, from, to)| TokenMatch::Range { kind, from, to }),
        (1i16..3, value()).prop_filter_map("a head and more", |(kind, value)| {
            let head = value.char_indices().nth(1)?.0;
            Some(TokenMatch::Close { kind, value, head })
        }),
    ]
}

fn clauses() -> impl Strategy<Value = Vec<SearchClause>> {
    let clause = prop::collection::vec(a_match(), 1..4).prop_map(|any_of| SearchClause { any_of });
    prop::collection::vec(clause, 1..4)
}

#[test]
fn a_search_finds_what_a_naive_scan_finds() {
    each(|store, _| {
        write(store, |tx| (1..=30).try_for_each(|id| tx.record_insert(&record(id, &id.to_string()))));
        let from_memory = directory::settle(store);
        let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
            cases: 12,
            failure_persistence: None,
            ..ProptestConfig::default()
        });
        let filed = prop::collection::vec(prop::collection::vec(a_token(), 0..5), 30);
        let questions = prop::collection::vec((clauses(), 1usize..40), 12);
        runner
            .run(&(filed, questions), |(filed, questions)| {
                let filing = filed.clone();
                write(store, move |tx| {
                    for (tokens, id) in filing.iter().zip(1..) {
                        tx.filing_replace(RecordId(id), &[], tokens, b"row")?;
                    }
                    Ok(())
                });
                for (clauses, limit) in questions {
                    let wanted = naive(&filed, &clauses);
                    let found = read(store, |tx| records_found(tx, &clauses, limit));
                    let expected = (wanted.len() <= limit).then(|| wanted.clone());
                    prop_assert_eq!(&found, &expected, "{:?}", store);
                    prop_assert_eq!(store.answers_from_memory(), from_memory);
                    let looked_up = store.look_up(|known| records_found(known, &clauses, limit)).unwrap();
                    prop_assert_eq!(&looked_up, &expected, "{:?}, from memory: {}", store, from_memory);
                    // What is done where no clause leaves few.
                    let resolved = read(store, |tx| tx.resolved(&clauses));
                    let vague = |wanted: &TokenMatch| matches!(wanted, TokenMatch::Close { .. });
                    if resolved.iter().any(|clause| clause.any_of.iter().any(vague)) {
                        continue;
                    }
                    let at_once = read(store, |tx| tx.tokens_search_at_once(&resolved, limit));
                    let cut: Vec<RecordId> = wanted.into_iter().take(limit).collect();
                    prop_assert_eq!(at_once, cut, "{:?}", store);
                }
                Ok(())
            })
            .unwrap();
    });
}

#[test]
fn no_clause_finds_nobody() {
    each(|store, _| {
        write(store, |tx| tx.filing_replace(RecordId(1), &[], &[token(1, "a")], b""));
        assert_eq!(read(store, |tx| records_found(tx, &[], 10)), Some(ids(&[])));
        let empty = [SearchClause { any_of: Vec::new() }];
        assert_eq!(read(store, |tx| records_found(tx, &empty, 10)), Some(ids(&[])));
    });
}

#[test]
fn a_posting_has_a_limit_and_an_order() {
    each(|store, _| {
        write(store, |tx| {
            for id in [9, 2, 5, 7] {
                tx.filing_replace(RecordId(id), &[BlockingKey(-4), BlockingKey(-4), BlockingKey(id)], &[], b"row")?;
            }
            tx.filing_replace(RecordId(5), &[BlockingKey(1)], &[], b"row")
        });
        read(store, |tx| {
            assert_eq!(tx.posting(BlockingKey(-4), 10)?, ids(&[2, 7, 9]));
            assert_eq!(tx.posting(BlockingKey(-4), 2)?, ids(&[2, 7]));
            assert_eq!(tx.posting(BlockingKey(5), 10)?, ids(&[]));
            Ok(())
        });
        write(store, |tx| tx.filing_remove(RecordId(2)));
        assert_eq!(read(store, |tx| tx.posting(BlockingKey(-4), 10)), ids(&[7, 9]));
    });
}
