//! Western names that stand alone, and persons of whom many records are known.

use super::super::clusters::Fit;
use super::super::scores::Known;
use super::super::scoring::Pair;
use super::*;
use crate::matching::NamePair;

/// A record as Western sources write it.
fn western(family: &str, given: &str, birth: u32) -> ComparisonRecord {
    let names = vec![NamePair { family: family.to_owned(), given: given.to_owned() }];
    ComparisonRecord { latin: names.clone(), reading: names, birth, ..ComparisonRecord::default() }
}

/// The day on which the people of the tests were born, and more strangers than a short key holds.
const DAY: u32 = 19_610_304;

/// More strangers than are compared each with each.
fn strangers() -> Table {
    let field = Further { id: "birth_place".to_owned(), compare: Compare::String };
    let mut table = Table::new(vec![field]);
    let word = |n: usize, heads: [&str; 5]| {
        let tails = ["ard", "el", "ion", "ox", "uth", "yn", "ock"];
        format!("{}{}{}", heads[n % 5], tails[n / 5 % 7], tails[n / 35 % 7])
    };
    for n in 0..2_100usize {
        let day = 1 + u32::try_from(n % 28).unwrap();
        let birth = if n < 40 { DAY } else { 19_000_100 + u32::try_from(n / 28).unwrap() * 10_000 + day };
        let record = western(&word(n, ["b", "c", "d", "f", "g"]), &word(n / 3, ["h", "j", "k", "l", "m"]), birth);
        table.add(&FileRecord::new(record, vec![format!("town {}", n % 300)], "H0".to_owned(), 0));
    }
    table
}

/// Whether two records among strangers are found to be likely one person's.
fn are_likely(a: (ComparisonRecord, &str), b: (ComparisonRecord, &str)) -> bool {
    let mut table = strangers();
    let first = u32::try_from(table.len()).unwrap();
    for ((record, place), source) in [a, b].into_iter().zip(["H1", "H2"]) {
        table.add(&FileRecord::new(record, vec![place.to_owned()], source.to_owned(), 0));
    }
    let mut matcher = Matcher::new(table, Model::western(), Options::default()).unwrap();
    matcher.score();
    matcher.decide().pairs.iter().any(|pair| pair.left == first && pair.probability > 0.5)
}

#[test]
fn a_name_that_stands_alone_is_found_in_the_other_place() {
    let rosalind = || (western("quennell", "rosalind", DAY), "");
    assert!(are_likely(rosalind(), (western("", "quennell", DAY), "")));
    assert!(are_likely(rosalind(), (western("rosalind", "", DAY), "")));
    assert!(!are_likely(rosalind(), (western("", "gwendolen", DAY), "")), "another name");
}

#[test]
fn a_name_and_where_somebody_was_born_find_a_record_without_a_birth_date() {
    let rosalind = (western("quennell", "rosalind", DAY), "port alder");
    assert!(are_likely(rosalind, (western("quennell", "rosalinde", 0), "port alder")));
}

#[test]
fn of_many_records_some_may_contradict_one() {
    let mut table = Table::new(Vec::new());
    for n in 0..9 {
        table.add(&FileRecord::new(person(n, false), Vec::new(), "H0".to_owned(), 0));
    }
    table.close();
    let weights = Weights::of(&Model::japanese(), &table);
    let pairs: Vec<Pair> =
        (0..8).map(|b| Pair { a: 8, b, bits: if b == 2 { -20.0 } else { 9.0 }, guards: 0 }).collect();
    let known = Known::of(&pairs, table.len());
    let fit = |ys: &[u32]| Fit::of(&table, &weights, &known, &[8], ys, false);
    let many = fit(&[0, 1, 2, 3, 4, 5, 6, 7]);
    assert!(many.stands(0.0, 0.25), "one of eight has nothing in common with it");
    assert!(!many.stands(0.0, 0.0) && !many.stands(0.0, 0.1), "as much as is asked");
    assert!(!fit(&[0, 1, 2]).stands(0.0, 0.5), "of three records none may");
    assert!(fit(&[0, 1, 3]).stands(0.0, 0.0));
}
