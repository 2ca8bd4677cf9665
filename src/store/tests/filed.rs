//! What records are filed under is what the tables say, whenever it is put there and whoever asks.

use super::resident::Dice;
use super::*;
use crate::matching::{BlockingKey, Candidates, ComparisonRecord, SearchClause, SearchToken, TokenKinds, TokenMatch};
use crate::store::Image;
use std::collections::BTreeMap;

const RECORDS: u64 = 40;
const KEYS: u64 = 12;
const VALUES: u64 = 9;

/// Under what each record is filed.
type Filed = BTreeMap<i64, (Vec<BlockingKey>, Vec<SearchToken>)>;

fn terms(dice: &mut Dice) -> (Vec<BlockingKey>, Vec<SearchToken>) {
    let keys = (0..dice.below(5)).map(|_| BlockingKey(i64::try_from(dice.below(KEYS)).unwrap() - 5)).collect();
    let token = |dice: &mut Dice| {
        let kind = i16::try_from(dice.below(3)).unwrap() + 9;
        SearchToken {
            kind,
            value: ["", "a=b", "a\"\\", "名", "名古", "名古屋", "z", "\u{10FFFF}", "za"]
                [usize::try_from(dice.below(VALUES)).unwrap()]
            .to_owned(),
        }
    };
    (keys, (0..dice.below(5)).map(|_| token(dice)).collect())
}

/// A change of one record, which sometimes is undone.
fn change(store: &Store, dice: &mut Dice, filed: &mut Filed) {
    let id = i64::try_from(dice.below(RECORDS)).unwrap() + 1;
    let (what, undone, (keys, tokens)) = (dice.below(8), dice.below(40) == 0, terms(dice));
    let known = filed.contains_key(&id);
    let (given_keys, given_tokens) = (keys.clone(), tokens.clone());
    let row = ComparisonRecord::default().encode();
    let done = store.write(Vec::new(), move |tx| {
        match what {
            0 => tx.filing_remove(RecordId(id))?,
            1 => {
                tx.filing_remove(RecordId(id))?;
                tx.due_now(RecordId(id))?;
            }
            2..=4 if !known => tx.filing_insert(RecordId(id), &given_keys, &given_tokens, &row)?,
            _ => tx.filing_replace(RecordId(id), &given_keys, &given_tokens, &row)?,
        }
        if undone { Err(StoreError::Busy) } else { Ok(()) }
    });
    assert_eq!(done.is_err(), undone);
    if !undone {
        filed.remove(&id);
        if what > 1 {
            filed.insert(id, (keys, tokens));
        }
    }
}

/// Asks the tables all that can be asked of them.
fn check(tx: &mut Transaction<'_>, filed: &Filed, when: &str) -> Result<(), StoreError> {
    for key in 0..KEYS {
        let key = BlockingKey(i64::try_from(key).unwrap() - 5);
        let with = filed.iter().filter(|(_, (keys, _))| keys.contains(&key));
        let expected: Vec<RecordId> = with.map(|(id, _)| RecordId(*id)).collect();
        assert_eq!(tx.posting(key, 100)?, expected, "{when}: {key:?}");
    }
    let exact = |kind, value: &str| TokenMatch::Exact(SearchToken { kind, value: value.to_owned() });
    let prefix = |kind, value: &str| TokenMatch::Prefix(SearchToken { kind, value: value.to_owned() });
    let range = |kind, from: &str, to: &str| TokenMatch::Range { kind, from: from.to_owned(), to: to.to_owned() };
    let asked = [
        vec![exact(9, "名")],
        vec![prefix(9, "名古"), exact(10, "z")],
        vec![prefix(11, "")],
        vec![range(10, "a", "z")],
    ];
    let clauses: Vec<SearchClause> = asked.into_iter().map(|any_of| SearchClause { any_of }).collect();
    for some in [&clauses[..1], &clauses[1..2], &clauses[2..3], &clauses[1..], &clauses[2..]] {
        let met = |tokens: &[SearchToken]| some.iter().all(|clause| clause.is_met_by(tokens));
        let expected: Vec<RecordId> =
            filed.iter().filter(|(_, (_, tokens))| met(tokens)).map(|(id, _)| RecordId(*id)).collect();
        let found = tx.tokens_search(some, TokenKinds::ALL, 1_000)?.unwrap();
        assert_eq!(found.into_iter().map(|one| one.record).collect::<Vec<_>>(), expected, "{when}: {some:?}");
        assert_eq!(tx.tokens_search_at_once(some, 1_000)?, expected, "{when}: {some:?} at once");
    }
    let of_kind = filed.values().flat_map(|(_, tokens)| {
        let mut tokens: Vec<&SearchToken> = tokens.iter().filter(|token| token.kind == 9).collect();
        tokens.sort();
        tokens.dedup();
        tokens
    });
    assert_eq!(usize::try_from(tx.token_counts(9, 10)?.total).unwrap(), of_kind.count(), "{when}");
    let broken: Vec<_> =
        tx.invariants()?.into_iter().filter(|(rule, rows)| rule.contains("sought") && *rows > 0).collect();
    assert_eq!(broken, [], "{when}");
    Ok(())
}

/// Lets the writer bring all into memory, so that the tables can wait; whether they can.
fn settle(store: &Store) -> bool {
    (0..50).any(|_| {
        write(store, |_| Ok(()));
        store.decides_from_memory() && store.answers_from_memory()
    })
}

#[test]
fn tables_that_come_later_say_the_same() {
    let place = Place::sqlite().unwrap();
    let path = place.url.strip_prefix("sqlite:").unwrap();
    let (mut dice, mut filed, mut due) = (Dice::fresh(), Filed::new(), 0);
    for start in 0..8 {
        let store = place.open(&clock()).unwrap();
        assert_eq!(read(&store, |tx| tx.due_count()), 0, "a store that was closed has nothing due");
        read(&store, |tx| check(tx, &filed, "after a start"));
        store.keep_in_memory(1_000);
        store.answer_from_memory(1_000);
        for turn in 0..200 {
            change(&store, &mut dice, &mut filed);
            if turn % 3 == 0 {
                assert!(settle(&store));
            }
            due += usize::from(read(&store, |tx| tx.due_count()) > 0);
            let when = format!("start {start}, change {turn}");
            match dice.below(40) {
                0 => {
                    let (filed, when) = (filed.clone(), format!("{when}, by the writer"));
                    store.keep_in_memory(0);
                    write(&store, move |tx| check(tx, &filed, &when));
                    store.keep_in_memory(1_000);
                }
                1 => {
                    // As a crash leaves it.
                    let image = Image::of(path).unwrap();
                    let other = Store::open(&format!("sqlite:{}", image.path().display()), &clock()).unwrap();
                    read(&other, |tx| check(tx, &filed, &format!("{when}, in a copy")));
                    assert_eq!(read(&other, |tx| tx.due_count()), 0);
                }
                2 => {
                    let looked = Store::look(&place.url, &clock()).unwrap();
                    read(&looked, |tx| check(tx, &filed, &format!("{when}, from outside")));
                }
                _ => read(&store, |tx| check(tx, &filed, &when)),
            }
        }
    }
    assert!(due > 800, "something was due after {due} of 1,600 changes");
}

#[test]
fn what_is_filed_otherwise_is_found() {
    let place = Place::sqlite().unwrap();
    let store = place.open(&clock()).unwrap();
    let token = SearchToken { kind: 3, value: "sato".to_owned() };
    write(&store, move |tx| tx.filing_insert(RecordId(1), &[BlockingKey(4)], std::slice::from_ref(&token), b"row"));
    let broken = |store: &Store| -> i64 {
        read(store, |tx| tx.invariants())
            .into_iter()
            .filter(|(rule, _)| rule.contains("sought"))
            .map(|(_, rows)| rows)
            .sum()
    };
    assert_eq!(broken(&store), 0);
    for (change, back) in [
        ("DELETE FROM blocking_key", "INSERT INTO blocking_key VALUES (4, 1)"),
        ("UPDATE blocking_key SET key = 5", "UPDATE blocking_key SET key = 4"),
        ("UPDATE search_token SET value = 'saka'", "UPDATE search_token SET value = 'sato'"),
        ("INSERT INTO search_token VALUES (4, '', 1)", "DELETE FROM search_token WHERE kind = 4"),
    ] {
        let run = |sql: &'static str| {
            write(&store, move |tx| {
                tx.on_sqlite(|connection| diesel::connection::SimpleConnection::batch_execute(connection, sql))
            });
        };
        run(change);
        assert_eq!(broken(&store), 1, "{change}");
        run(back);
        assert_eq!(broken(&store), 0, "{back}");
    }
}
