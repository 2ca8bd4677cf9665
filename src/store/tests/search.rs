//! What is filed is found, and nothing else.

use super::*;
use crate::matching::{BlockingKey, Candidates, SearchClause, SearchToken, TokenMatch};
use proptest::prelude::*;

fn token(kind: i16, value: &str) -> SearchToken {
    SearchToken { kind, value: value.to_owned() }
}

fn satisfies(tokens: &[SearchToken], wanted: &TokenMatch) -> bool {
    tokens.iter().any(|held| match wanted {
        TokenMatch::Exact(token) => held == token,
        TokenMatch::Prefix(token) => held.kind == token.kind && held.value.starts_with(&token.value),
        TokenMatch::Range { kind, from, to } => held.kind == *kind && *from <= held.value && held.value <= *to,
    })
}

/// What a search finds; tokens that come with it must be all of the record's.
fn records_found(
    tx: &mut Transaction<'_>,
    clauses: &[SearchClause],
    limit: usize,
) -> Result<Vec<RecordId>, StoreError> {
    let found = tx.tokens_search(clauses, limit)?;
    let known = |tokens: &Vec<SearchToken>| clauses.iter().all(|clause| clause.is_met_by(tokens));
    assert!(found.iter().filter_map(|one| one.tokens.as_ref()).all(known));
    Ok(found.into_iter().map(|one| one.record).collect())
}

fn naive(filed: &[Vec<SearchToken>], clauses: &[SearchClause], limit: usize) -> Vec<RecordId> {
    let all = |tokens: &&Vec<SearchToken>| {
        clauses.iter().all(|clause| clause.any_of.iter().any(|wanted| satisfies(tokens, wanted)))
    };
    let numbered = filed.iter().zip(1..).filter(|(tokens, _)| all(tokens));
    numbered.map(|(_, id)| RecordId(id)).take(limit).collect()
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
    ]
}

fn clauses() -> impl Strategy<Value = Vec<SearchClause>> {
    let clause = prop::collection::vec(a_match(), 1..4).prop_map(|any_of| SearchClause { any_of });
    prop::collection::vec(clause, 1..4)
}

#[test]
fn a_search_finds_what_a_naive_scan_finds() {
    each(|store, _| {
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
                    let found = read(store, |tx| records_found(tx, &clauses, limit));
                    prop_assert_eq!(&found, &naive(&filed, &clauses, limit), "{:?}", store);
                    // What is done where no clause leaves few.
                    let at_once = read(store, |tx| tx.tokens_search_at_once(&clauses, limit));
                    prop_assert_eq!(found, at_once, "{:?}", store);
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
        assert_eq!(read(store, |tx| records_found(tx, &[], 10)), ids(&[]));
        let empty = [SearchClause { any_of: Vec::new() }];
        assert_eq!(read(store, |tx| records_found(tx, &empty, 10)), ids(&[]));
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
