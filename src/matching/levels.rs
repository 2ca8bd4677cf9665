//! The scales of agreement of single values, as small numbers: 1 is the strongest level, 0 says that a side is missing.
//!
//! Feeds and files are compared by these functions alone, so that a figure of one is a figure of both. Nothing here
//! may allocate for values that agree: millions of pairs pass through.

use super::comparison::{Field, Tradition};
use super::normalize::{WILDCARD, western};
use strsim::jaro_winkler;

/// A place on the scale of a field: 0 where a side is missing, else 1 for the strongest level.
pub type Code = u8;

/// A side has no value.
pub const MISSING: Code = 0;
/// The first level of every scale of names: family and given name stand in each other's place.
pub const SWAPPED: Code = 1;

const BIRTH: [&str; 8] =
    ["exact", "day_and_month_swapped", "one_digit", "month_and_day", "two_parts", "year", "year_next", "differs"];
const SEX: [&str; 2] = ["equal", "differs"];
const ADDRESS: [&str; 8] =
    ["town_and_block", "postal_and_block", "block_prefix", "town", "postal", "postal_one_digit", "city", "differs"];
const PHONE: [&str; 3] = ["equal", "one_digit", "differs"];
const JAPANESE_FAMILY: [&str; 12] = [
    "swapped_with_given",
    "kanji_and_kana_equal",
    "kanji_equal_with_wildcard",
    "kanji_equal_kana_differs",
    "kana_equal_kanji_missing",
    "kana_equal_kanji_differs",
    "kana_one_edit",
    "shares_a_kanji",
    "shares_a_kanji_kana_differs",
    "differs_in_one_script",
    "differs_of_women",
    "differs",
];
const JAPANESE_GIVEN: [&str; 11] = [
    "swapped_with_family",
    "kanji_and_kana_equal",
    "kanji_equal_with_wildcard",
    "kanji_equal_kana_differs",
    "kana_equal_kanji_missing",
    "kana_equal_kanji_differs",
    "kana_one_edit",
    "shares_a_kanji",
    "shares_a_kanji_kana_differs",
    "differs_in_one_script",
    "differs",
];
const WESTERN_FAMILY: [&str; 9] = [
    "swapped_with_given",
    "exact",
    "near",
    "similar",
    "one_token",
    "first_letters",
    "initial",
    "differs_of_women",
    "differs",
];
const WESTERN_GIVEN: [&str; 9] =
    ["swapped_with_family", "exact", "near", "nickname", "similar", "one_token", "first_letters", "initial", "differs"];

/// The levels that a field can have, from the strongest to the weakest.
pub fn scale(tradition: Tradition, field: Field) -> &'static [&'static str] {
    match (field, tradition) {
        (Field::Family, Tradition::Japanese) => &JAPANESE_FAMILY,
        (Field::Given, Tradition::Japanese) => &JAPANESE_GIVEN,
        (Field::Family, Tradition::Western) => &WESTERN_FAMILY,
        (Field::Given, Tradition::Western) => &WESTERN_GIVEN,
        (Field::Birth, _) => &BIRTH,
        (Field::Sex, _) => &SEX,
        (Field::Address, _) => &ADDRESS,
        (Field::Phone, _) => &PHONE,
    }
}

/// The name of a place on the scale; none where a side is missing.
pub fn name(tradition: Tradition, field: Field, code: Code) -> Option<&'static str> {
    scale(tradition, field).get(usize::from(code).checked_sub(1)?).copied()
}

/// The code whose weight a level has: names in each other's place agree wholly, and that they were exchanged is as
/// likely for one person as for two.
pub fn weighed_as(field: Field, code: Code) -> Code {
    if code == SWAPPED && matches!(field, Field::Family | Field::Given) { 2 } else { code }
}

/// Whether a level of a name is so weak that the names may stand in each other's place.
pub fn is_weak_name(tradition: Tradition, field: Field, code: Code) -> bool {
    match (tradition, field) {
        (Tradition::Japanese, _) => matches!(code, 8..=12),
        (Tradition::Western, Field::Family) => matches!(code, 6..=9),
        (Tradition::Western, _) => matches!(code, 7..=9),
    }
}

/// Whether one of two Western names may stand alone, in the other's other place: one of the fields is missing on a side,
/// and the other one says no more than that the names differ.
pub fn may_be_moved(family: Code, given: Code) -> bool {
    let weak = |field, code| code == MISSING || is_weak_name(Tradition::Western, field, code);
    (family == MISSING || given == MISSING) && weak(Field::Family, family) && weak(Field::Given, given)
}

/// The stronger of two.
pub fn stronger(a: Code, b: Code) -> Code {
    match (a, b) {
        (MISSING, other) | (other, MISSING) => other,
        (a, b) => a.min(b),
    }
}

/// What is left of two texts without their common head and tail.
fn middles<'a>(a: &'a str, b: &'a str) -> (&'a str, &'a str) {
    let head: usize = a.chars().zip(b.chars()).take_while(|(x, y)| x == y).map(|(x, _)| x.len_utf8()).sum();
    let (a, b) = (a.get(head..).unwrap_or(a), b.get(head..).unwrap_or(b));
    let tail: usize = a.chars().rev().zip(b.chars().rev()).take_while(|(x, y)| x == y).map(|(x, _)| x.len_utf8()).sum();
    (a.get(..a.len() - tail).unwrap_or(a), b.get(..b.len() - tail).unwrap_or(b))
}

/// Whether one insertion, deletion, substitution or exchange of neighbours leads from one text to the other.
pub fn within_one_edit(a: &str, b: &str) -> bool {
    let (a, b) = middles(a, b);
    let (mut x, mut y) = (a.chars(), b.chars());
    match (x.next(), x.next(), x.next(), y.next(), y.next(), y.next()) {
        (None, None, _, _, None, _) | (_, None, _, None, None, _) | (Some(_), None, _, Some(_), None, _) => true,
        (Some(p), Some(q), None, Some(r), Some(s), None) => p == s && q == r,
        _ => false,
    }
}

fn is_shorter_than(text: &str, length: usize) -> bool {
    text.chars().take(length).count() < length
}

/// How two values of one script agree.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Agreement {
    /// Not at all.
    Differs,
    /// In part: a kanji, or all but one edit of a reading.
    Shares,
    /// Character by character, where one is unreadable.
    Wildcard,
    /// Wholly.
    Equal,
}

/// Whether two names stand in each other's place: one exactly, the other but for a slip.
pub fn are_crossed(a: (&str, &str), b: (&str, &str)) -> bool {
    let known = [a.0, a.1, b.0, b.1].iter().all(|part| !part.is_empty());
    let near = |x: &str, y: &str| x == y || !is_shorter_than(x, 4) && !is_shorter_than(y, 4) && within_one_edit(x, y);
    known && ((a.0 == b.1 && near(a.1, b.0)) || (a.1 == b.0 && near(a.0, b.1)))
}

/// The levels of family and given name where of one of two Western names only one part is known, and is the other's part
/// of the other place: a column that was left empty moves a name. It says as much as a name with a slip, since two places
/// were looked at. Both are missing where it is not so.
pub fn moved(a: (&str, &str), b: (&str, &str)) -> (Code, Code) {
    const NEAR: Code = 3;
    let of = |lone: (&str, &str), other: (&str, &str)| match lone {
        ("", name) if !name.is_empty() && name == other.0 => (NEAR, MISSING),
        (name, "") if !name.is_empty() && name == other.1 => (MISSING, NEAR),
        _ => (MISSING, MISSING),
    };
    // Of two that stand alone either may be the one that moved: it is taken for a family name, whichever comes first.
    let (one, other) = (of(a, b), of(b, a));
    if one.0 == MISSING && other != (MISSING, MISSING) { other } else { one }
}

/// How two names in kanji agree.
pub fn kanji_agreement(a: &str, b: &str) -> Agreement {
    let wild = a.contains(WILDCARD) || b.contains(WILDCARD);
    if a == b && !wild {
        return Agreement::Equal;
    }
    let fits = |(x, y): (char, char)| x == y || x == WILDCARD || y == WILDCARD;
    let certain = a.chars().zip(b.chars()).any(|(x, y)| x == y);
    if wild && a.chars().count() == b.chars().count() && a.chars().zip(b.chars()).all(fits) && certain {
        Agreement::Wildcard
    } else if a.chars().any(|c| c != WILDCARD && b.contains(c)) {
        Agreement::Shares
    } else {
        Agreement::Differs
    }
}

/// A syllable without its mark: whether it is voiced is often heard or read otherwise.
fn unmarked(c: char) -> char {
    const MARKED: &str = "ガギグゲゴザジズゼゾダデドバビブベボパピプペポヴ";
    const PLAIN: &str = "カキクケコサシスセソタテトハヒフヘホハヒフヘホウ";
    MARKED.chars().zip(PLAIN.chars()).find(|(marked, _)| *marked == c).map_or(c, |(_, plain)| plain)
}

/// How two readings agree.
pub fn kana_agreement(a: &str, b: &str) -> Agreement {
    if a == b || a.len() == b.len() && a.chars().map(unmarked).eq(b.chars().map(unmarked)) {
        Agreement::Equal
    } else if !is_shorter_than(a, 2) && !is_shorter_than(b, 2) && within_one_edit(a, b) {
        Agreement::Shares
    } else {
        Agreement::Differs
    }
}

/// Read alike where one is not known in kanji: `kana_equal_kanji_missing`.
pub const READ_ALIKE_KANJI_MISSING: Code = 5;
/// Read alike and written otherwise: `kana_equal_kanji_differs`.
pub const READ_ALIKE: Code = 6;
/// `kana_one_edit`.
pub const KANA_ONE_EDIT: Code = 7;
/// `shares_a_kanji`.
pub const SHARES_A_KANJI: Code = 8;
/// `differs_in_one_script`.
pub const DIFFERS_IN_ONE_SCRIPT: Code = 10;

/// The level of a Japanese name from the agreement of its scripts.
pub fn japanese(kanji: Option<Agreement>, kana: Option<Agreement>) -> Code {
    use Agreement::{Differs, Equal, Shares, Wildcard};
    match (kanji, kana) {
        (None, None) => MISSING,
        (Some(Equal), Some(Equal) | None) => 2,
        (Some(Equal), Some(_)) => 4,
        (Some(Wildcard), Some(Equal | Shares) | None) => 3,
        (None, Some(Equal)) => READ_ALIKE_KANJI_MISSING,
        (Some(_), Some(Equal)) => READ_ALIKE,
        (_, Some(Shares)) => KANA_ONE_EDIT,
        // A reading that differs as well says more than one that is not known.
        (Some(Shares), None) => SHARES_A_KANJI,
        (Some(Shares | Wildcard), Some(Differs | Wildcard)) => 9,
        (None, Some(_)) | (Some(Differs), None) => DIFFERS_IN_ONE_SCRIPT,
        (Some(Differs), Some(_)) => 11,
    }
}

/// The level of a family name, given whether both are women: most who change it do so at marriage.
pub fn of_family(tradition: Tradition, code: Code, women: bool) -> Code {
    match (tradition, code) {
        (Tradition::Japanese, 11) if !women => 12,
        (Tradition::Western, 8) if !women => 9,
        (_, code) => code,
    }
}

/// The level of a Western family name; family names have no familiar forms.
pub fn western_family(a: &str, b: &str) -> Code {
    let code = western(a, b, false);
    if code > 4 { code - 1 } else { code }
}

/// The level of a Western given name.
pub fn western_given(a: &str, b: &str) -> Code {
    western(a, b, true)
}

fn western(a: &str, b: &str, is_given: bool) -> Code {
    if a.is_empty() || b.is_empty() {
        return MISSING;
    }
    if a == b || a.chars().filter(|c| *c != ' ').eq(b.chars().filter(|c| *c != ' ')) {
        return 2;
    }
    if is_shorter_than(a, 2) || is_shorter_than(b, 2) {
        let same = a.chars().next() == b.chars().next();
        return if same { 8 } else { 9 };
    }
    let close = jaro_winkler(a, b);
    // Of three letters one is soon another name.
    let long = |length: usize| !is_shorter_than(a, length) && !is_shorter_than(b, length);
    let slip = || within_one_edit(a, b) && (long(4) || long(3) && !(is_given && western::are_two_names(a, b)));
    let (a_first, b_first) = (a.split(' ').next().unwrap_or(a), b.split(' ').next().unwrap_or(b));
    let heads = !is_shorter_than(a_first, 3) && !is_shorter_than(b_first, 3);
    if close >= 0.93 || slip() {
        3
    } else if is_given && western::are_nicknames(a, b) {
        4
    } else if close >= 0.88 {
        5
    } else if a.split(' ').any(|token| token.len() >= 3 && b.split(' ').any(|other| other == token)) {
        6
    } else if heads && a_first.chars().take(3).eq(b_first.chars().take(3)) {
        7
    } else {
        9
    }
}

fn digits(date: u32) -> [u32; 8] {
    let at = |divisor: u32| date / divisor % 10;
    [at(10_000_000), at(1_000_000), at(100_000), at(10_000), at(1_000), at(100), at(10), at(1)]
}

/// Whether two dates differ by one digit, an exchange of neighbours, or a digit that slipped in or out.
fn one_digit(a: u32, b: u32) -> bool {
    let (x, y) = (digits(a), digits(b));
    let differing = x.iter().zip(y.iter()).filter(|(x, y)| x != y).count();
    let first = x.iter().zip(y.iter()).position(|(x, y)| x != y).unwrap_or(0);
    let crossed = || x.get(first) == y.get(first + 1) && x.get(first + 1) == y.get(first);
    differing <= 1 || (differing == 2 && crossed())
}

/// The level of two birth dates `yyyymmdd`, zeros where a part is unknown.
pub fn birth(a: u32, b: u32) -> Code {
    if a == 0 || b == 0 {
        return MISSING;
    }
    let (year, month, day) = (|n: u32| n / 10_000, |n: u32| n / 100 % 100, |n: u32| n % 100);
    let partial = [a, b].iter().any(|n| day(*n) == 0 || month(*n) == 0);
    if partial {
        // A known year says something, but never as much as a day.
        return match year(a).abs_diff(year(b)) {
            0 => 6,
            1 => 7,
            _ => 8,
        };
    }
    if a == b {
        return 1;
    }
    let same = [year(a) == year(b), month(a) == month(b), day(a) == day(b)];
    let parts = same.iter().filter(|same| **same).count();
    if same == [true, false, false] && month(a) == day(b) && day(a) == month(b) {
        2
    } else if one_digit(a, b) {
        3
    } else if same == [false, true, true] {
        4
    } else if parts == 2 {
        5
    } else if year(a) == year(b) {
        6
    } else if year(a).abs_diff(year(b)) == 1 {
        7
    } else {
        8
    }
}

/// The parts of one address that are compared; any may be empty.
#[derive(Clone, Copy)]
pub struct PlaceParts<'a> {
    /// Digits of the postal code.
    pub postal: &'a str,
    /// City, with its ward.
    pub city: &'a str,
    /// Town, or street.
    pub town: &'a str,
    /// The numbers within the town.
    pub block: &'a str,
}

/// The parts of an address in the order of [`place_by`].
pub const PLACE_PARTS: usize = 4;
const CITY: usize = 1;
const TOWN: usize = 2;
const BLOCK: usize = 3;

/// The level of two addresses.
pub fn place(a: PlaceParts<'_>, b: PlaceParts<'_>) -> Code {
    let parts = [(a.postal, b.postal), (a.city, b.city), (a.town, b.town), (a.block, b.block)];
    let equal = parts.map(|(x, y)| (!x.is_empty() && !y.is_empty()).then(|| x == y));
    place_by(equal, |part| parts.get(part).copied().unwrap_or_default())
}

/// The level of two addresses of which it is known whether postal code, city, town and block are equal, none where a
/// side is missing; `texts` are read only where they are not.
pub fn place_by<'a>(equal: [Option<bool>; PLACE_PARTS], texts: impl Fn(usize) -> (&'a str, &'a str)) -> Code {
    let [postal, city, town, block] = equal;
    if postal.is_none() && town.is_none() && city.is_none() {
        return MISSING;
    }
    let cities = || {
        city != Some(false) || {
            let (x, y) = texts(CITY);
            x.ends_with(y) || y.ends_with(x)
        }
    };
    let prefix = |x: &str, y: &str| y.strip_prefix(x).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'));
    let blocks = || {
        let (x, y) = texts(BLOCK);
        block.is_some() && (prefix(x, y) || prefix(y, x))
    };
    let near_town = || {
        let (x, y) = texts(TOWN);
        town.is_some() && cities() && jaro_winkler(x, y) >= 0.88
    };
    let near_postal = || {
        let (x, y) = texts(0);
        postal.is_some() && within_one_edit(x, y)
    };
    let (is_town, is_postal, is_block) = (town == Some(true) && cities(), postal == Some(true), block == Some(true));
    if is_town && is_block {
        1
    } else if is_block && (is_postal || near_town()) {
        2
    } else if (is_town || is_postal) && blocks() {
        3
    } else if is_town {
        4
    } else if is_postal {
        5
    } else if near_postal() {
        6
    } else if city == Some(true) {
        7
    } else {
        8
    }
}

/// The level of two telephone numbers by their last nine digits.
pub fn phone(a: &str, b: &str) -> Code {
    if a == b {
        1
    } else if within_one_edit(a, b) {
        2
    } else {
        3
    }
}
