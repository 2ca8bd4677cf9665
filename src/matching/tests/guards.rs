//! Each guard: what raises it, what just does not, and that it holds what the weight alone would link.

use super::super::guard::{Guard, is_overlay, of_pair};
use super::super::{Tradition, normalize};
use super::*;

fn raised(a: Said<'_>, b: Said<'_>) -> Vec<Guard> {
    let (a, b) = (ComparisonRecord::of(&person(a)), ComparisonRecord::of(&person(b)));
    let levels = Comparison::of(Tradition::Japanese, &a, &b);
    let guards = of_pair(&a, &b, &levels);
    assert_eq!(of_pair(&b, &a, &Comparison::of(Tradition::Japanese, &b, &a)), guards, "the other way round");
    guards
}

const HOME: &str = "架空県見本市北町1-2-3";
const AWAY: &str = "架空県別市南町7-7";
const PHONE: &str = "090-1234-5671";

fn she(
    given: (&'static str, &'static str),
    birth: &'static str,
    line: &'static str,
    phone: &'static str,
) -> Said<'static> {
    ("斎藤", given.0, "サイトウ", given.1, birth, F, line, phone)
}

#[test]
fn what_two_records_raise() {
    let hanako = ("花子", "ハナコ");
    let check = |said: Said<'_>, expect: &[Guard]| {
        assert_eq!(raised(HANAKO, said), expect, "{} {} {} {}", said.1, said.4, said.6, said.7);
    };
    check(she(hanako, "19800314", HOME, PHONE), &[]);
    // Twins and siblings: the given name alone tells them apart.
    check(she(("桃子", "モモコ"), "19800314", HOME, PHONE), &[Guard::Twin]);
    check(she(("花代", "ハナヨ"), "19800314", HOME, PHONE), &[Guard::Twin]);
    check(she(("桃子", "モモコ"), "19800315", HOME, PHONE), &[Guard::Twin]);
    check(she(("桃子", "モモコ"), "19830901", HOME, PHONE), &[]);
    check(("田中", "桃子", "タナカ", "モモコ", "19800314", F, HOME, PHONE), &[]);
    // A namesake: the birth date differs, and nothing beside the name supports a slip.
    check(she(hanako, "19800315", AWAY, ""), &[Guard::Namesake]);
    check(she(hanako, "19800315", "架空県見本市北町8-8", ""), &[Guard::Namesake]);
    check(she(hanako, "19800315", "架空県見本市北町", ""), &[]);
    check(she(hanako, "19800315", "架空県見本市北町1-2", ""), &[]);
    check(she(hanako, "19800315", "架空県見本市北町8-8", PHONE), &[]);
    check(she(hanako, "19800315", AWAY, PHONE), &[]);
    check(she(hanako, "19801127", "架空県見本市北町8-8", ""), &[Guard::Namesake]);
    check(she(hanako, "19801127", HOME, ""), &[]);
    // Mother and daughter of one name in one house.
    check(she(hanako, "20051127", HOME, PHONE), &[Guard::Generation]);
    check(she(hanako, "19951127", HOME, PHONE), &[Guard::Generation]);
    check(she(hanako, "19941127", HOME, PHONE), &[]);
    check(she(hanako, "20050314", HOME, PHONE), &[]);
    // One birthday, and a digit that makes it a generation: of one spelling a slip, for a register takes no name twice.
    check(she(hanako, "19600314", HOME, PHONE), &[]);
    check(she(("", "ハナコ"), "19600314", HOME, PHONE), &[Guard::Generation]);
    check(she(("華子", "ハナコ"), "19600314", HOME, PHONE), &[Guard::Generation]);
    check(she(("華子", "ハナコ"), "19810314", HOME, PHONE), &[]);
    check(she(("華子", "ハナコ"), "18800314", HOME, PHONE), &[]);
    check(("花子", "斎藤", "ハナコ", "サイトウ", "20051127", F, HOME, PHONE), &[Guard::Generation]);
    check(("花子", "斎藤", "ハナコ", "サイトウ", "19800314", F, HOME, PHONE), &[]);
    check(("花子", "斎藤", "ハナコ", "サイトウ", "", F, HOME, ""), &[]);
    check(("花子", "斎藤", "ハナコ", "サイトウ", "", F, "", PHONE), &[]);
    check(("花子", "斎藤", "ハナコ", "サイトウ", "", F, AWAY, ""), &[Guard::Generation]);
    // A newborn without a name.
    check(she(("ベビー", "ベビー"), "19800314", HOME, PHONE), &[Guard::Newborn]);
}

#[test]
fn birth_order_and_suffix_forbid() {
    let record = |order: u8, suffix: &str| ComparisonRecord {
        birth_order: order,
        suffix: suffix.to_owned(),
        ..ComparisonRecord::of(&person(HANAKO))
    };
    let check = |a: (u8, &str), b: (u8, &str), expect: &[Guard]| {
        let (a, b) = (record(a.0, a.1), record(b.0, b.1));
        let guards = of_pair(&a, &b, &Comparison::of(Tradition::Japanese, &a, &b));
        assert_eq!(guards, expect);
        assert!(guards.iter().all(|guard| guard.is_veto()));
    };
    check((1, ""), (2, ""), &[Guard::BirthOrder]);
    check((1, ""), (1, ""), &[]);
    check((0, ""), (2, ""), &[]);
    check((0, "jr"), (0, "sr"), &[Guard::Suffix]);
    check((0, "jr"), (0, "jr"), &[]);
    check((0, ""), (0, "sr"), &[]);
}

/// What `decide` says of `said` against one person with these records.
fn against(records: &[Said<'_>], said: Said<'_>) -> Verdict {
    let mut index = MemoryIndex::new();
    for (one, id) in records.iter().zip(1..) {
        index.insert(RecordId(id), Some(PersonId(1)), &ComparisonRecord::of(&person(*one)));
    }
    let record = ComparisonRecord::of(&person(said));
    decide(&record, None, &Constraints::default(), &Model::japanese(), &mut index).unwrap()
}

#[test]
fn a_person_of_many_records_is_held() {
    let check = |count: usize, expect: Outcome, held: bool| {
        let verdict = against(&vec![HANAKO; count], HANAKO);
        assert_eq!(verdict.outcome, expect, "{count} records");
        assert_eq!(verdict.ranked[0].guards.contains(&Guard::Size), held, "{count} records");
    };
    check(20, Outcome::Match { person: PersonId(1) }, false);
    check(21, Outcome::Possible, true);
}

#[test]
fn one_record_that_speaks_clearly_against_holds_the_person() {
    let stranger = ("田中", "一郎", "タナカ", "イチロウ", "19610708", Sex::Male, AWAY, "03-2222-3456");
    let verdict = against(&[HANAKO, HANAKO, HANAKO, stranger], HANAKO);
    assert_eq!(verdict.outcome, Outcome::Possible);
    assert_eq!(verdict.ranked[0].guards, [Guard::Namesake, Guard::Contradiction]);
    let verdict = against(&[HANAKO, HANAKO, HANAKO, she(("花子", "ハナコ"), "19800314", AWAY, "")], HANAKO);
    assert_eq!(verdict.outcome, Outcome::Match { person: PersonId(1) });
}

#[test]
fn two_persons_who_fit_alike_are_left_to_a_steward() {
    let mut index = MemoryIndex::new();
    for id in [1, 2] {
        index.insert(RecordId(id), Some(PersonId(id)), &ComparisonRecord::of(&person(HANAKO)));
    }
    let record = ComparisonRecord::of(&person(HANAKO));
    let verdict = decide(&record, None, &Constraints::default(), &Model::japanese(), &mut index).unwrap();
    assert_eq!((verdict.outcome, &*verdict.ranked[0].guards), (Outcome::Possible, &[Guard::SecondPerson][..]));
}

#[test]
fn placeholders_speak_neither_for_nor_against() {
    let nobody = ("不明", "不明", "フメイ", "フメイ", "19000101", F, "", "000-0000-0000");
    let record = ComparisonRecord::of(&person(nobody));
    assert!(record.kanji.is_empty() && record.kana.is_empty() && record.phones.is_empty() && record.birth == 0);
    assert!(record.blocking_keys().is_empty());
    assert_eq!(against(&[nobody], nobody).outcome, Outcome::NonMatch, "two unknown persons are not one");
    assert!(!normalize::is_placeholder_name("花子"));
}

#[test]
fn overlays() {
    let check = |tradition, said: Said<'_>, expect: bool| {
        let (before, after) = (ComparisonRecord::of(&person(HANAKO)), ComparisonRecord::of(&person(said)));
        assert_eq!(is_overlay(tradition, &before, &after), expect, "{} {}", said.1, said.4);
    };
    let japanese = Tradition::Japanese;
    let man = |given: &'static str, kana, birth| ("斎藤", given, "サイトウ", kana, birth, Sex::Male, HOME, PHONE);
    check(japanese, man("健一", "ケンイチ", "19551130"), true);
    check(japanese, man("花男", "ハナオトコ", "19551130"), true);
    check(japanese, ("田中", "健一", "タナカ", "ケンイチ", "19800327", Sex::Male, AWAY, ""), true);
    check(japanese, man("花子", "ハナコ", "19551130"), false);
    check(japanese, man("健一", "ケンイチ", "19800314"), false);
    check(japanese, man("健一", "ケンイチ", "19800315"), false);
    check(japanese, she(("桃子", "モモコ"), "19551130", HOME, PHONE), false);
    check(japanese, man("", "", "19551130"), false);
    check(japanese, man("健一", "ケンイチ", ""), false);
}
