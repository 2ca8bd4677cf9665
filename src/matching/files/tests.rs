//! What the matcher for files must do, on invented people.

use super::*;
use crate::identity::{Demographics, Field, PartialDate, PersonName, Representation, Sex, Telecom, TelecomScheme};
use crate::matching::ComparisonRecord;

const FAMILIES: [(&str, &str); 8] = [
    ("斎藤", "サイトウ"),
    ("高橋", "タカハシ"),
    ("渡辺", "ワタナベ"),
    ("小林", "コバヤシ"),
    ("中村", "ナカムラ"),
    ("山口", "ヤマグチ"),
    ("清水", "シミズ"),
    ("池田", "イケダ"),
];
/// The two halves of given names.
const FIRST: [(&str, &str); 12] = [
    ("花", "ハナ"),
    ("健", "ケン"),
    ("由", "ユ"),
    ("真", "マ"),
    ("千", "チ"),
    ("誠", "セイ"),
    ("美", "ミ"),
    ("博", "ヒロ"),
    ("直", "ナオ"),
    ("和", "カズ"),
    ("信", "ノブ"),
    ("咲", "サキ"),
];
const SECOND: [(&str, &str); 13] = [
    ("子", "コ"),
    ("男", "オ"),
    ("江", "エ"),
    ("美", "ミ"),
    ("也", "ヤ"),
    ("夫", "フ"),
    ("代", "ヨ"),
    ("香", "カ"),
    ("太", "タ"),
    ("里", "リ"),
    ("奈", "ナ"),
    ("希", "キ"),
    ("人", "ト"),
];

/// Person number `n`, as a hospital writes them; `slip` leaves the telephone out.
fn person(n: usize, slip: bool) -> ComparisonRecord {
    let (family, family_kana) = FAMILIES[n % 8];
    let ((first, first_kana), (second, second_kana)) = (FIRST[n / 8 % 12], SECOND[n / 8 % 13]);
    let (given, given_kana) = (&format!("{first}{second}"), &format!("{first_kana}{second_kana}"));
    let birth = format!("{}{:02}{:02}", 1930 + n * 7 % 80, 1 + n * 5 % 12, 1 + n * 11 % 28);
    let phone = format!("090{:08}", 10_000_019 + n * 1_234_577);
    let demographics = Demographics {
        names: Field::Set(vec![
            PersonName::simple(Some(Representation::Ideographic), family, given),
            PersonName::simple(Some(Representation::Syllabic), family_kana, given_kana),
        ]),
        sex: Field::Set(if n.is_multiple_of(2) { Sex::Female } else { Sex::Male }),
        birth_date: PartialDate::parse_hl7(&birth).map_or(Field::Keep, Field::Set),
        telecoms: if slip {
            Field::Keep
        } else {
            Field::Set(vec![Telecom { uses: Vec::new(), scheme: TelecomScheme::Phone, value: phone }])
        },
        ..Demographics::default()
    };
    ComparisonRecord::of(&demographics)
}

/// `people` persons with two records each, one after the other, in files 0 and 1.
fn table(people: usize) -> Table {
    let mut table = Table::new(Vec::new());
    for n in 0..people {
        for (file, slip) in [(0, false), (1, n % 3 == 0)] {
            table.add(&FileRecord::new(person(n, slip), Vec::new(), format!("H{file}"), file));
        }
    }
    table
}

fn run(people: usize, options: Options, train: bool) -> (Matcher, Outcome) {
    let mut matcher = Matcher::new(table(people), Model::japanese(), options).unwrap();
    if train {
        matcher.train(Training { random_pairs: 50_000, ..Training::default() });
    }
    matcher.score();
    let outcome = matcher.decide();
    (matcher, outcome)
}

#[test]
fn each_person_is_found_once() {
    // 1,200 people are more than are compared pair by pair: they are found by keys.
    for (people, train) in [(60, false), (1_200, false), (1_200, true)] {
        let (_, outcome) = run(people, Options::default(), train);
        assert_eq!(outcome.clusters.persons, people, "{people} {train}");
        for n in 0..u32::try_from(people).unwrap() {
            assert_eq!(outcome.clusters.person(2 * n), outcome.clusters.person(2 * n + 1), "{n} of {people} {train}");
        }
    }
}

#[test]
fn records_that_say_nothing_are_nobodys() {
    let nobody = ComparisonRecord::default();
    let woman = ComparisonRecord { sex: Some(Sex::Female), ..ComparisonRecord::default() };
    for (records, filler) in [(2, 0), (3, 0), (40, 0), (3, 300), (3, 1_200)] {
        for said in [&nobody, &woman] {
            let mut table = table(filler);
            for at in 0..records {
                table.add(&FileRecord::new(said.clone(), Vec::new(), format!("H{at}"), 0));
            }
            let mut matcher = Matcher::new(table, Model::japanese(), Options::default()).unwrap();
            matcher.score();
            let outcome = matcher.decide();
            assert_eq!(outcome.clusters.persons, filler + records, "{records} beside {filler}");
            let first = u32::try_from(2 * filler).unwrap();
            assert!(
                outcome.pairs.iter().all(|pair| pair.right < first),
                "{records} beside {filler}: {:?}",
                outcome.pairs
            );
        }
    }
}

#[test]
fn a_name_alone_is_no_person_in_a_small_file() {
    let named = || {
        let name = PersonName::simple(Some(Representation::Alphabetic), "Thornbury", "Margaret");
        ComparisonRecord::of(&Demographics { names: Field::Set(vec![name]), ..Demographics::default() })
    };
    let mut table = Table::new(Vec::new());
    (0..3).for_each(|at| table.add(&FileRecord::new(named(), Vec::new(), format!("H{at}"), 0)));
    let mut matcher = Matcher::new(table, Model::western(), Options::default()).unwrap();
    matcher.score();
    let outcome = matcher.decide();
    // In a base of a thousand.
    assert!(outcome.pairs.iter().all(|pair| pair.bits < 8.0), "{:?}", outcome.pairs);
}

#[test]
fn threads_and_order_do_not_show() {
    let (matcher, outcome) = run(1_100, Options { threads: 1, ..Options::default() }, true);
    let (other, others) = run(1_100, Options { threads: 3, ..Options::default() }, true);
    assert_eq!(outcome.pairs, others.pairs);
    assert_eq!(outcome.clusters, others.clusters);
    assert_eq!(matcher.model().to_toml(), other.model().to_toml());
}

#[test]
fn a_trained_model_is_read_back() {
    let (matcher, _) = run(1_100, Options::default(), true);
    let model = Model::from_toml(&matcher.model().to_toml()).unwrap();
    assert_eq!(model.version(), "japanese-trained/1");
    assert_eq!(model.core(), matcher.model().core());
    assert_ne!(model.core(), Model::japanese().core());
}

#[test]
fn files_without_duplicates_are_not_searched_within() {
    let mut table = Table::new(Vec::new());
    for (file, n) in [(0, 1), (0, 1), (1, 1), (1, 2)] {
        table.add(&FileRecord::new(person(n, false), Vec::new(), String::new(), file));
    }
    let options = Options { between_files: true, ..Options::default() };
    let mut matcher = Matcher::new(table, Model::japanese(), options).unwrap();
    matcher.score();
    let outcome = matcher.decide();
    assert_eq!(matcher.pairs_scored(), 4);
    assert_ne!(outcome.clusters.person(0), outcome.clusters.person(1), "both are of the first file");
    assert!(outcome.pairs.iter().all(|pair| pair.left < 2 && pair.right >= 2));
}

#[test]
fn twins_are_never_matched() {
    let twin = |given: &str, kana: &str| {
        let mut record = person(1, false);
        record.kanji[0].given = given.to_owned();
        record.kana[0].given = kana.to_owned();
        record.reading[0].given = crate::matching::normalize::japanese::reading(kana);
        record
    };
    let mut table = table(300);
    for (given, kana) in [("美咲", "ミサキ"), ("彩花", "アヤカ"), ("美咲", "ミサキ")] {
        table.add(&FileRecord::new(twin(given, kana), Vec::new(), "H2".to_owned(), 0));
    }
    let mut matcher = Matcher::new(table, Model::japanese(), Options::default()).unwrap();
    matcher.score();
    let sure: Vec<(u32, u32)> = matcher
        .decide()
        .pairs
        .iter()
        .filter(|pair| pair.decision == Decision::Match && pair.right >= 600)
        .map(|pair| (pair.left, pair.right))
        .collect();
    assert_eq!(sure, [(600, 602)], "the same twin twice, and neither her sister nor another of the household");
}

#[test]
fn who_has_no_given_name_is_the_only_one_of_the_house_born_that_day() {
    let said = |given: &str, kana: &str| {
        let mut record = person(1, false);
        record.kanji[0].given = given.to_owned();
        record.kana[0].given = kana.to_owned();
        record.reading[0].given = crate::matching::normalize::japanese::reading(kana);
        record
    };
    let settings = Settings { automatic_bits: 7.0, ..Settings::default() };
    let (misaki, ayaka, unnamed) = (("美咲", "ミサキ"), ("彩花", "アヤカ"), ("", ""));
    let check = |said_of: &[(&str, &str)], expect: &[(u32, u32)]| {
        let mut table = Table::new(Vec::new());
        // None of them is like the twins.
        for n in (100..400).filter(|n| n % 8 != 1) {
            for source in ["H0", "H1"] {
                table.add(&FileRecord::new(person(n, false), Vec::new(), source.to_owned(), 0));
            }
        }
        let first = u32::try_from(table.len()).unwrap();
        for (at, (given, kana)) in said_of.iter().enumerate() {
            table.add(&FileRecord::new(said(given, kana), Vec::new(), format!("H{}", at + 2), 0));
        }
        let mut matcher = Matcher::new(table, Model::japanese().with_settings(settings), Options::default()).unwrap();
        matcher.score();
        let matches = matcher.decide().pairs.into_iter().filter(|pair| pair.decision == Decision::Match);
        let sure: Vec<(u32, u32)> =
            matches.filter(|pair| pair.right >= first).map(|pair| (pair.left - first, pair.right - first)).collect();
        assert_eq!(sure, expect, "{said_of:?}");
    };
    check(&[misaki, unnamed], &[(0, 1)]);
    check(&[misaki, misaki, unnamed], &[(0, 1), (0, 2), (1, 2)]);
    check(&[misaki, misaki, unnamed, ayaka], &[(0, 1)]);
}

#[test]
fn a_record_fits_a_person_better_than_any_record_of_hers() {
    let (full, mut dated, mut reached) = (person(1, false), person(1, false), person(1, false));
    dated.phones.clear();
    reached.birth = 0;
    let mut table = Table::new(Vec::new());
    for record in [dated, reached, full] {
        table.add(&FileRecord::new(record, Vec::new(), "H0".to_owned(), 0));
    }
    table.close();
    let weights = Weights::of(&Model::japanese(), &table);
    let best = weights.pair(&table, 2, 0).bits.max(weights.pair(&table, 2, 1).bits);
    let whole = weights.whole(&table, &[0, 1], &[2]);
    assert!(whole.bits > best + 1.0 && whole.guards == 0, "{whole:?} {best}");
}

/// Number 1, named so in kanji and kana.
fn named(kanji: &str, kana: &str) -> ComparisonRecord {
    let mut record = person(1, false);
    record.kanji[0].given = kanji.to_owned();
    record.kana[0].given = kana.to_owned();
    record.reading[0].given = crate::matching::normalize::japanese::reading(kana);
    record
}

/// Five hundred persons, none of whom is like number 1, and some women called 恵.
fn others() -> Table {
    let mut table = Table::new(Vec::new());
    let mut add = |record: ComparisonRecord, source: &str| {
        table.add(&FileRecord::new(record, Vec::new(), source.to_owned(), 0));
    };
    for n in (100..700).filter(|n| n % 8 != 1) {
        add(person(n, false), "H0");
        add(person(n, false), "H1");
    }
    for (n, (kanji, kana)) in
        [("直恵", "ナオエ"), ("信恵", "ノブエ"), ("真恵", "マエ"), ("咲恵", "サキエ")].into_iter().enumerate()
    {
        let mut record = named(kanji, kana);
        record.birth = 19_500_101 + u32::try_from(n * 50_000).unwrap();
        record.kanji[0].family = "池田".to_owned();
        record.kana[0].family = "イケダ".to_owned();
        record.phones.clear();
        add(record, "H0");
    }
    table
}

/// Whether two records are matched among `others`.
fn are_matched(a: ComparisonRecord, b: ComparisonRecord) -> bool {
    let mut table = others();
    let first = u32::try_from(table.len()).unwrap();
    table.add(&FileRecord::new(a, Vec::new(), "H2".to_owned(), 0));
    table.add(&FileRecord::new(b, Vec::new(), "H3".to_owned(), 0));
    let settings = Settings { automatic_bits: 8.0, ..Settings::default() };
    let mut matcher = Matcher::new(table, Model::japanese().with_settings(settings), Options::default()).unwrap();
    matcher.score();
    matcher.decide().pairs.iter().any(|pair| pair.left == first && pair.decision == Decision::Match)
}

#[test]
fn a_name_is_hers_if_it_is_read_as_hers() {
    let kazue = || named("和江", "カズエ");
    for (kanji, kana, hers) in [
        // Respelled; a sister who shares the kanji; one who is read alike in part.
        ("和恵", "", true),
        ("和香", "", false),
        ("直恵", "", false),
        // Only the kana is known: a slip that is nobody's name, and a sister's name.
        ("", "カズヘ", true),
        ("", "カズヨ", false),
        // Both are known, and one is a slip.
        ("和恵", "カヅメ", false),
        ("和恵", "カエズ", true),
        ("和代", "カズヨ", false),
    ] {
        assert_eq!(are_matched(kazue(), named(kanji, kana)), hers, "{kanji} {kana}");
        assert_eq!(are_matched(named(kanji, kana), kazue()), hers, "{kanji} {kana}, the other way round");
    }
    assert!(are_matched(named("和江", ""), named("", "カズエ")), "one in kanji and one in kana");
    assert!(!are_matched(named("和江", ""), named("", "カズヨ")), "one in kanji and a sister in kana");
}

#[test]
fn whoever_is_read_otherwise_in_another_record_is_somebody_else() {
    let mut table = others();
    let first = u32::try_from(table.len()).unwrap();
    for (kanji, kana) in [("和江", "カズエ"), ("和恵", ""), ("和恵", "カズヨシ")] {
        table.add(&FileRecord::new(named(kanji, kana), Vec::new(), "H2".to_owned(), 0));
    }
    table.close();
    let weights = Weights::of(&Model::japanese(), &table);
    let of = |xs: &[u32]| weights.whole(&table, &[first], xs).guards & scoring::BY_READING != 0;
    assert!(!of(&[first + 1]) && of(&[first + 1, first + 2]) && of(&[first + 2, first + 1]));
    // A twin with one record in kanji and one in kana, whose name nobody else has.
    let mut table = others();
    for (kanji, kana) in [("和江", "カズエ"), ("和里", ""), ("", "カズリ")] {
        table.add(&FileRecord::new(named(kanji, kana), Vec::new(), "H2".to_owned(), 0));
    }
    table.close();
    let first = u32::try_from(table.len() - 3).unwrap();
    let of = |xs: &[u32]| weights.whole(&table, &[first], xs).guards & scoring::BY_READING != 0;
    assert!(!of(&[first + 2]) && of(&[first + 1, first + 2]) && of(&[first + 2, first + 1]));
    // Of two records alone both are asked: what is read alike, and one in kanji beside a sister in kana.
    let mut table = others();
    for (kanji, kana) in [("和江", "カズエ"), ("和恵", ""), ("和江", ""), ("", "カズヨ")] {
        table.add(&FileRecord::new(named(kanji, kana), Vec::new(), "H2".to_owned(), 0));
    }
    table.close();
    let first = u32::try_from(table.len() - 4).unwrap();
    let asked = |a: u32, b: u32| weights.pair(&table, first + a, first + b).guards & scoring::BY_READING != 0;
    assert!(asked(1, 0) && asked(3, 2) && !asked(2, 0), "by the reading alone");
}

#[test]
fn names_in_their_own_place_say_more_than_in_each_others() {
    let plain = person(1, false);
    let (mut crossed, mut undated) = (plain.clone(), plain.clone());
    for pair in crossed.kanji.iter_mut().chain(&mut crossed.kana).chain(&mut crossed.reading) {
        std::mem::swap(&mut pair.family, &mut pair.given);
    }
    undated.birth = 0;
    undated.phones.clear();
    let mut table = Table::new(Vec::new());
    for record in [&plain, &crossed, &undated] {
        table.add(&FileRecord::new(record.clone(), Vec::new(), "H0".to_owned(), 0));
    }
    table.close();
    let weights = Weights::of(&Model::japanese(), &table);
    for xs in [[0, 1], [1, 0]] {
        let whole = weights.whole(&table, &xs, &[2]);
        assert_eq!((whole.guards, whole.bits), (0, weights.whole(&table, &[0], &[2]).bits), "{xs:?}");
    }
    assert_ne!(weights.whole(&table, &[1], &[2]).guards, 0);
}

#[test]
fn where_all_are_at_hand_a_rare_name_is_no_namesakes() {
    let (mut dated, mut elsewhere) = (named("和江", "カズエ"), named("和江", "カズエ"));
    elsewhere.birth += 1;
    elsewhere.phones.clear();
    assert!(are_matched(dated.clone(), elsewhere.clone()), "a slip of the day, and nobody else has the name");
    let mut renamed = named("和江", "カズエ");
    renamed.kanji[0].family = "池田".to_owned();
    renamed.kana[0].family = "イケダ".to_owned();
    renamed.reading[0].family = crate::matching::normalize::japanese::reading("イケダ");
    renamed.sex = Some(Sex::Female);
    dated.sex = Some(Sex::Female);
    renamed.phones.clear();
    assert!(are_matched(dated.clone(), renamed.clone()), "she may have married");
    (dated.birth, renamed.birth) = (20_090_321, 20_090_321);
    assert!(!are_matched(dated.clone(), renamed), "a child has not married");
    dated = named("和江", "カズエ");
    dated.phones.clear();
    let guards = crate::matching::guards_of(&dated, &elsewhere, &Model::japanese());
    assert_eq!(guards, [crate::matching::Guard::Namesake], "of two records alone it is asked");
}

#[test]
fn further_fields_have_levels() {
    let check = |compare: Compare, a: &str, b: &str, expect: &str| {
        let code = usize::from(compare.level(a, b));
        let level = code.checked_sub(1).map_or("missing", |at| compare.scale()[at]);
        assert_eq!(level, expect, "{compare:?} {a} {b}");
        assert_eq!(compare.level(a, b), compare.level(b, a), "{compare:?} {a} {b}");
    };
    for (compare, a, b, expect) in [
        (Compare::Exact, "a", "", "missing"),
        (Compare::Exact, "a", "a", "equal"),
        (Compare::Exact, "a", "b", "differs"),
        (Compare::String, "carpenter", "carpentr", "near"),
        (Compare::String, "carpenter", "nurse", "differs"),
        (Compare::Token, "a b", "b a", "equal"),
        (Compare::Token, "a b c", "a b", "most_words"),
        (Compare::Token, "a b c", "a", "some_words"),
        (Compare::Token, "a", "b", "differs"),
        (Compare::Number, "10", "10.0", "equal"),
        (Compare::Number, "100", "101", "near"),
        (Compare::Number, "1", "100", "differs"),
        (Compare::Identifier, "123456", "123465", "one_edit"),
        (Compare::Identifier, "123456", "125436", "two_edits"),
        (Compare::Identifier, "123456", "987650", "differs"),
        (Compare::Insurance, "1:2/1", "1:2/1", "number_and_branch"),
        (Compare::Insurance, "1:2/", "1:2/1", "number"),
        (Compare::Insurance, "1:2/3", "1:2/1", "branch_differs"),
        (Compare::Insurance, "1:25/3", "1:26/3", "one_digit"),
        (Compare::Insurance, "1:25/3", "4:98/3", "differs"),
        (Compare::Middle, "anna", "a", "initial"),
        (Compare::Middle, "anna", "b", "differs"),
        (Compare::Mail, "jo.doe@a.example", "jo.doe@b.example", "local_part"),
        (Compare::Mail, "jo.doe@a.example", "jodoe@a.example", "near"),
        (Compare::Mail, "jo.doe@a.example", "x@b.example", "differs"),
    ] {
        check(compare, a, b, expect);
    }
}

#[test]
fn nothing_shows_a_value() {
    let table = table(2);
    let shown = format!("{table:?} {:?}", FileRecord::new(person(1, false), Vec::new(), String::new(), 0));
    assert!(!shown.contains("高橋") && !shown.contains("タカハシ"), "{shown}");
}

mod moved;
