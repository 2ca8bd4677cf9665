//! Every level of every field in both traditions, one line each, and that no level is without one.

use super::super::levels::scale;
use super::super::normalize::address::Place;
use super::super::{Field, Tradition};
use super::*;
use std::collections::BTreeSet;

type Level = Option<&'static str>;

fn pairs(family: &str, given: &str) -> Vec<NamePair> {
    if family.is_empty() && given.is_empty() {
        return Vec::new();
    }
    vec![NamePair { family: family.to_owned(), given: given.to_owned() }]
}

/// A record of one name: `part` in kanji and kana stands where `field` says, beside a part that agrees.
fn japanese(field: Field, kanji: &str, kana: &str) -> ComparisonRecord {
    let at = |text: &str, beside: &str| match (field, text) {
        (_, "") => Vec::new(),
        (Field::Family, text) => pairs(text, beside),
        (_, text) => pairs(beside, text),
    };
    ComparisonRecord { kanji: at(kanji, "梅"), kana: at(kana, "ウメ"), ..Default::default() }
}

fn western(field: Field, name: &str) -> ComparisonRecord {
    let latin = if field == Field::Family { pairs(name, "xenia") } else { pairs("quill", name) };
    ComparisonRecord { latin, ..Default::default() }
}

/// Compares both ways round, and remembers which levels were met.
fn met(tradition: Tradition, field: Field, a: &ComparisonRecord, b: &ComparisonRecord, expect: Level) -> Level {
    let level = Comparison::of(tradition, a, b).level(field);
    assert_eq!(level, expect, "{field:?}");
    assert_eq!(Comparison::of(tradition, b, a).level(field), expect, "{field:?}, the other way round");
    level
}

fn all_are_met(tradition: Tradition, field: Field, seen: &BTreeSet<&str>) {
    let all: BTreeSet<&str> = scale(tradition, field).iter().copied().collect();
    let missing: Vec<_> = all.difference(seen).collect();
    assert!(missing.is_empty(), "{tradition:?} {field:?}: no line for {missing:?}");
}

#[test]
fn names_in_kanji_and_kana() {
    for (field, across) in [(Field::Family, "swapped_with_given"), (Field::Given, "swapped_with_family")] {
        let mut seen = BTreeSet::from([across]);
        let mut check = |a: (&str, &str), b: (&str, &str), expect: Level| {
            let (left, right) = (japanese(field, a.0, a.1), japanese(field, b.0, b.1));
            seen.extend(met(Tradition::Japanese, field, &left, &right, expect));
        };
        check(("花子", "ハナコ"), ("花子", "ハナコ"), Some("kanji_and_kana_equal"));
        check(("花子", "ハナコ"), ("花子", ""), Some("kanji_and_kana_equal"));
        check(("花子", "ハナコ"), ("花●", "ハナコ"), Some("kanji_equal_with_wildcard"));
        check(("花子", "ハナコ"), ("花●", ""), Some("kanji_equal_with_wildcard"));
        check(("花子", "ハナコ"), ("花子", "カコ"), Some("kanji_equal_kana_differs"));
        check(("花子", "ハナコ"), ("", "ハナコ"), Some("kana_equal_kanji_missing"));
        check(("花子", "ハナコ"), ("波名", "ハナコ"), Some("kana_equal_kanji_differs"));
        check(("花子", "ハナコ"), ("", "バナゴ"), Some("kana_equal_kanji_missing"));
        check(("花子", "ハナコ"), ("良男", "ハナオ"), Some("kana_one_edit"));
        check(("花子", "ハナコ"), ("桃子", "モモコ"), Some("shares_a_kanji_kana_differs"));
        check(("花子", "ハナコ"), ("桃子", ""), Some("shares_a_kanji"));
        check(("花子", "ハナコ"), ("一郎", "イチロウ"), Some("differs"));
        check(("花子", "ハナコ"), ("", "イチロウ"), Some("differs_in_one_script"));
        check(("花子", ""), ("●●", ""), Some("differs_in_one_script"));
        check(("花子", ""), ("", "ハナコ"), None);
        check(("", ""), ("花子", "ハナコ"), None);
        let women = |kanji, kana| ComparisonRecord { sex: Some(F), ..japanese(field, kanji, kana) };
        let expect = if field == Field::Family { "differs_of_women" } else { "differs" };
        let (left, right) = (women("花子", "ハナコ"), women("一郎", "イチロウ"));
        seen.extend(met(Tradition::Japanese, field, &left, &right, Some(expect)));
        all_are_met(Tradition::Japanese, field, &seen);
    }
}

#[test]
fn names_in_latin_letters() {
    let mut families = BTreeSet::from(["swapped_with_given"]);
    let mut givens = BTreeSet::from(["swapped_with_family"]);
    let mut check = |a: &str, b: &str, family: Level, given: Level| {
        let of = |field, name| western(field, name);
        let (tradition, fields) = (Tradition::Western, (Field::Family, Field::Given));
        families.extend(met(tradition, fields.0, &of(fields.0, a), &of(fields.0, b), family));
        givens.extend(met(tradition, fields.1, &of(fields.1, a), &of(fields.1, b), given));
    };
    let both = |level: &'static str| (Some(level), Some(level));
    for (a, b, (family, given)) in [
        ("johnson", "johnson", both("exact")),
        ("jo anne", "joanne", both("exact")),
        ("johnson", "jonson", both("near")),
        ("hansen", "hanson", both("near")),
        ("william", "bill", (Some("differs"), Some("nickname"))),
        ("christensen", "christianson", both("similar")),
        ("maria luisa", "anna luisa", both("one_token")),
        ("barnett", "bardeen", both("first_letters")),
        ("w", "william", both("initial")),
        ("w", "peter", both("differs")),
        ("smith", "taylor", both("differs")),
        ("smith", "", (None, None)),
    ] {
        check(a, b, family, given);
    }
    let women = |name| ComparisonRecord { sex: Some(F), ..western(Field::Family, name) };
    let (smith, taylor) = (women("smith"), women("taylor"));
    families.extend(met(Tradition::Western, Field::Family, &smith, &taylor, Some("differs_of_women")));
    all_are_met(Tradition::Western, Field::Family, &families);
    all_are_met(Tradition::Western, Field::Given, &givens);
}

#[test]
fn names_in_each_others_place() {
    let check = |tradition, a: ComparisonRecord, b: ComparisonRecord, crossed: bool| {
        let levels = Comparison::of(tradition, &a, &b);
        let is_crossed = (levels.family, levels.given) == (Some("swapped_with_given"), Some("swapped_with_family"));
        assert_eq!(is_crossed, crossed, "{levels:?}");
    };
    let kanji = |family, given| ComparisonRecord { kanji: pairs(family, given), ..Default::default() };
    let latin = |family, given| ComparisonRecord {
        latin: pairs(family, given),
        reading: pairs(family, given),
        ..Default::default()
    };
    check(Tradition::Japanese, kanji("斎藤", "花"), kanji("花", "斎藤"), true);
    check(Tradition::Japanese, kanji("斎藤", "花"), kanji("花", "佐藤"), false);
    check(Tradition::Japanese, kanji("花", "花"), kanji("花", "花"), false);
    check(Tradition::Western, latin("smith", "taylor"), latin("taylor", "smith"), true);
    check(Tradition::Western, latin("smith", ""), latin("", "smith"), false);
}

#[test]
fn a_western_name_that_stands_alone_may_stand_in_the_other_place() {
    let check = |a: (&str, &str), b: (&str, &str), family: Level, given: Level| {
        let of = |(family, given)| ComparisonRecord {
            latin: pairs(family, given),
            reading: pairs(family, given),
            ..Default::default()
        };
        for (a, b) in [(of(a), of(b)), (of(b), of(a))] {
            let levels = Comparison::of(Tradition::Western, &a, &b);
            assert_eq!((levels.family, levels.given), (family, given), "{a:?} {b:?}");
        }
    };
    check(("", "smith"), ("smith", "rosalind"), Some("near"), None);
    check(("rosalind", ""), ("smith", "rosalind"), None, Some("near"));
    check(("", "smith"), ("smith", ""), Some("near"), None);
    check(("", "rosalind"), ("smith", "rosalind"), None, Some("exact"));
    check(("", "smith"), ("smith", "smith"), None, Some("exact"));
    check(("", "smyth"), ("smith", "rosalind"), None, Some("differs"));
    check(("taylor", "smith"), ("smith", "rosalind"), Some("differs"), Some("differs"));
}

#[test]
fn births() {
    let mut seen = BTreeSet::new();
    let mut check = |a: u32, b: u32, expect: Level| {
        let born = |birth| ComparisonRecord { birth, ..Default::default() };
        seen.extend(met(Tradition::Japanese, Field::Birth, &born(a), &born(b), expect));
    };
    check(19_800_314, 19_800_314, Some("exact"));
    check(19_800_304, 19_800_403, Some("day_and_month_swapped"));
    check(19_800_314, 19_800_315, Some("one_digit"));
    check(19_800_314, 19_800_341, Some("one_digit"));
    check(19_800_314, 19_650_314, Some("month_and_day"));
    check(19_800_314, 19_800_327, Some("two_parts"));
    check(19_800_314, 19_801_114, Some("two_parts"));
    check(19_800_314, 19_801_127, Some("year"));
    check(19_800_314, 19_811_127, Some("year_next"));
    check(19_800_314, 19_551_127, Some("differs"));
    check(19_800_000, 19_800_314, Some("year"));
    check(19_810_000, 19_800_314, Some("year_next"));
    check(19_900_000, 19_800_300, Some("differs"));
    check(0, 19_800_314, None);
    all_are_met(Tradition::Japanese, Field::Birth, &seen);
}

#[test]
fn sexes_and_telephones() {
    let mut seen = BTreeSet::new();
    for (a, b, expect) in [
        (Some(F), Some(F), Some("equal")),
        (Some(F), Some(Sex::Male), Some("differs")),
        (Some(F), None, None),
        (None, None, None),
    ] {
        let of = |sex| ComparisonRecord { sex, ..Default::default() };
        seen.extend(met(Tradition::Western, Field::Sex, &of(a), &of(b), expect));
    }
    all_are_met(Tradition::Western, Field::Sex, &seen);
    let mut seen = BTreeSet::new();
    for (a, b, expect) in [
        (&["0312345678"][..], &["0312345678"][..], Some("equal")),
        (&["0312345678", "0399998888"], &["0399998888"], Some("equal")),
        (&["0312345678"], &["0312345679"], Some("one_digit")),
        (&["0312345678"], &["0499990000"], Some("differs")),
        (&["0312345678"], &[], None),
    ] {
        let of = |phones: &[&str]| ComparisonRecord {
            phones: phones.iter().map(|phone| (*phone).to_owned()).collect(),
            ..Default::default()
        };
        seen.extend(met(Tradition::Western, Field::Phone, &of(a), &of(b), expect));
    }
    all_are_met(Tradition::Western, Field::Phone, &seen);
}

#[test]
fn addresses() {
    let mut seen = BTreeSet::new();
    /// Postal code, city, town, block.
    type At<'a> = (&'a str, &'a str, &'a str, &'a str);
    let home: At<'_> = ("1000005", "見本市", "北町", "1-2-3");
    let place = |(postal, city, town, block): At<'_>| Place {
        postal: postal.to_owned(),
        city: city.to_owned(),
        town: town.to_owned(),
        block: block.to_owned(),
        prefecture: String::new(),
    };
    let mut check = |there: At<'_>, expect: Level| {
        let of = |at| ComparisonRecord { places: vec![place(at)], ..Default::default() };
        seen.extend(met(Tradition::Japanese, Field::Address, &of(home), &of(there), expect));
    };
    check(home, Some("town_and_block"));
    check(("", "", "北町", "1-2-3"), Some("town_and_block"));
    check(("1000005", "見本市", "南通", "1-2-3"), Some("postal_and_block"));
    check(("1000005", "見本市", "北町", "1-2"), Some("block_prefix"));
    check(("1000005", "見本市", "北町", "1-2-33"), Some("town"));
    check(("", "見本市", "北町", "9-8"), Some("town"));
    check(("1000005", "", "", ""), Some("postal"));
    check(("1000006", "", "", ""), Some("postal_one_digit"));
    check(("2229999", "見本市", "南通", "9-8"), Some("city"));
    check(("2229999", "別市", "北町", "1-2-3"), Some("differs"));
    check(("", "", "", "1-2-3"), None);
    all_are_met(Tradition::Japanese, Field::Address, &seen);
    let two = ComparisonRecord {
        places: vec![place(("2229999", "別市", "南通", "5")), place(home)],
        ..Default::default()
    };
    let one = ComparisonRecord { places: vec![place(home)], ..Default::default() };
    met(Tradition::Japanese, Field::Address, &two, &one, Some("town_and_block"));
}
