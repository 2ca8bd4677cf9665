//! How well two records agree, field by field, as a level of a short scale.
//!
//! A field that is missing on one side has no level: it speaks neither for nor against.

use super::normalize::address::Place;
use super::normalize::{WILDCARD, western};
use super::record::{ComparisonRecord, NamePair};
use strsim::{jaro_winkler, osa_distance};

/// A field that is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Field {
    /// Family name.
    Family,
    /// Given name.
    Given,
    /// Birth date.
    Birth,
    /// Administrative sex.
    Sex,
    /// Address.
    Address,
    /// Telephone.
    Phone,
}

impl Field {
    /// All fields, in order.
    pub const ALL: [Field; 6] = [Field::Family, Field::Given, Field::Birth, Field::Sex, Field::Address, Field::Phone];

    /// The name of the field in model files and explanations.
    pub fn id(self) -> &'static str {
        match self {
            Field::Family => "family",
            Field::Given => "given",
            Field::Birth => "birth",
            Field::Sex => "sex",
            Field::Address => "address",
            Field::Phone => "phone",
        }
    }
}

/// Which scale names are compared on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tradition {
    /// Kanji and kana.
    Japanese,
    /// Latin letters.
    Western,
}

const BIRTH: [&str; 8] =
    ["exact", "day_and_month_swapped", "one_digit", "month_and_day", "two_parts", "year", "year_next", "differs"];
const SEX: [&str; 2] = ["equal", "differs"];
const ADDRESS: [&str; 8] =
    ["town_and_block", "postal_and_block", "block_prefix", "town", "postal", "postal_one_digit", "city", "differs"];
const PHONE: [&str; 3] = ["equal", "one_digit", "differs"];
const JAPANESE: [&str; 8] = [
    "kanji_and_kana_equal",
    "kanji_equal_with_wildcard",
    "kanji_equal_kana_differs",
    "kana_equal_kanji_missing",
    "kana_equal_kanji_differs",
    "kana_one_edit",
    "shares_a_kanji",
    "differs",
];
const WESTERN_FAMILY: [&str; 7] = ["exact", "near", "similar", "one_token", "first_letters", "initial", "differs"];
const WESTERN_GIVEN: [&str; 8] =
    ["exact", "near", "nickname", "similar", "one_token", "first_letters", "initial", "differs"];

/// The levels that a field can have, from the strongest to the weakest.
pub fn scale(tradition: Tradition, field: Field) -> Vec<&'static str> {
    let names =
        |first: &'static str, rest: &[&'static str]| std::iter::once(first).chain(rest.iter().copied()).collect();
    match (field, tradition) {
        (Field::Family, Tradition::Japanese) => names("swapped_with_given", &JAPANESE),
        (Field::Given, Tradition::Japanese) => names("swapped_with_family", &JAPANESE),
        (Field::Family, Tradition::Western) => names("swapped_with_given", &WESTERN_FAMILY),
        (Field::Given, Tradition::Western) => names("swapped_with_family", &WESTERN_GIVEN),
        (Field::Birth, _) => BIRTH.to_vec(),
        (Field::Sex, _) => SEX.to_vec(),
        (Field::Address, _) => ADDRESS.to_vec(),
        (Field::Phone, _) => PHONE.to_vec(),
    }
}

/// The level of each field, none where a side is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Comparison {
    /// Family name.
    pub family: Option<&'static str>,
    /// Given name.
    pub given: Option<&'static str>,
    /// Birth date.
    pub birth: Option<&'static str>,
    /// Administrative sex.
    pub sex: Option<&'static str>,
    /// Address.
    pub address: Option<&'static str>,
    /// Telephone.
    pub phone: Option<&'static str>,
}

impl Comparison {
    /// Compares two records; the order does not matter.
    pub fn of(tradition: Tradition, a: &ComparisonRecord, b: &ComparisonRecord) -> Self {
        let (family, given) = names(tradition, a, b);
        let sex = a.sex.zip(b.sex).map(|(a, b)| if a == b { "equal" } else { "differs" });
        Self { family, given, birth: birth(a.birth, b.birth), sex, address: address(a, b), phone: phone(a, b) }
    }

    /// The level of `field`.
    pub fn level(&self, field: Field) -> Option<&'static str> {
        match field {
            Field::Family => self.family,
            Field::Given => self.given,
            Field::Birth => self.birth,
            Field::Sex => self.sex,
            Field::Address => self.address,
            Field::Phone => self.phone,
        }
    }
}

type Part = fn(&NamePair) -> &str;
type Level = Option<&'static str>;

fn names(tradition: Tradition, a: &ComparisonRecord, b: &ComparisonRecord) -> (Level, Level) {
    let level = |part: Part, is_given: bool| match tradition {
        Tradition::Japanese => japanese(a, b, part),
        Tradition::Western => western_name(a, b, part, is_given),
    };
    let (family, given) = (level(|pair| &pair.family, false), level(|pair| &pair.given, true));
    let weak = |level: Level| matches!(level, Some("differs" | "shares_a_kanji" | "first_letters" | "initial"));
    if weak(family) && weak(given) && swapped(a, b) {
        return (Some("swapped_with_given"), Some("swapped_with_family"));
    }
    (family, given)
}

fn swapped(a: &ComparisonRecord, b: &ComparisonRecord) -> bool {
    let crossed = |a: &[NamePair], b: &[NamePair]| {
        a.iter().any(|x| {
            !x.family.is_empty() && !x.given.is_empty() && b.iter().any(|y| x.family == y.given && x.given == y.family)
        })
    };
    crossed(&a.kanji, &b.kanji) || crossed(&a.reading, &b.reading)
}

/// All pairs of values of one part that both sides have.
fn crossed<'a>(a: &'a [NamePair], b: &'a [NamePair], part: Part) -> impl Iterator<Item = (&'a str, &'a str)> {
    let known = move |pair: &&NamePair| !part(pair).is_empty();
    a.iter().filter(known).flat_map(move |x| b.iter().filter(known).map(move |y| (part(x), part(y))))
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Agreement {
    Differs,
    Shares,
    Wildcard,
    Equal,
}

fn kanji_agreement(a: &str, b: &str) -> Agreement {
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

fn kana_agreement(a: &str, b: &str) -> Agreement {
    if a == b {
        Agreement::Equal
    } else if a.chars().count().min(b.chars().count()) >= 2 && osa_distance(a, b) <= 1 {
        Agreement::Shares
    } else {
        Agreement::Differs
    }
}

fn japanese(a: &ComparisonRecord, b: &ComparisonRecord, part: Part) -> Level {
    let kanji = crossed(&a.kanji, &b.kanji, part).map(|(a, b)| kanji_agreement(a, b)).max();
    let kana = crossed(&a.kana, &b.kana, part).map(|(a, b)| kana_agreement(a, b)).max();
    let kana = kana.or_else(|| crossed(&a.reading, &b.reading, part).map(|(a, b)| kana_agreement(a, b)).max());
    use Agreement::{Differs, Equal, Shares, Wildcard};
    Some(match (kanji, kana) {
        (None, None) => return None,
        (Some(Equal), Some(Equal) | None) => "kanji_and_kana_equal",
        (Some(Equal), _) => "kanji_equal_kana_differs",
        (Some(Wildcard), Some(Equal | Shares) | None) => "kanji_equal_with_wildcard",
        (None, Some(Equal)) => "kana_equal_kanji_missing",
        (Some(_), Some(Equal)) => "kana_equal_kanji_differs",
        (_, Some(Shares)) => "kana_one_edit",
        (Some(Shares | Wildcard), _) => "shares_a_kanji",
        (None | Some(Differs), _) => "differs",
    })
}

fn western_name(a: &ComparisonRecord, b: &ComparisonRecord, part: Part, is_given: bool) -> Level {
    let both = !a.latin.is_empty() && !b.latin.is_empty();
    let (x, y) = if both { (&a.latin, &b.latin) } else { (&a.reading, &b.reading) };
    let rank = |level: &&'static str| WESTERN_GIVEN.iter().position(|known| known == level);
    crossed(x, y, part).map(|(a, b)| western_pair(a, b, is_given)).min_by_key(rank)
}

fn western_pair(a: &str, b: &str, is_given: bool) -> &'static str {
    let (a_first, b_first) = (a.split(' ').next().unwrap_or(a), b.split(' ').next().unwrap_or(b));
    let shorter = a.chars().count().min(b.chars().count());
    let close = jaro_winkler(a, b);
    let joined = |text: &str| text.replace(' ', "");
    if a == b || joined(a) == joined(b) {
        "exact"
    } else if shorter == 1 {
        if a.chars().next() == b.chars().next() { "initial" } else { "differs" }
    } else if close >= 0.93 || (shorter >= 4 && osa_distance(a, b) <= 1) {
        "near"
    } else if is_given && western::are_nicknames(a, b) {
        "nickname"
    } else if close >= 0.88 {
        "similar"
    } else if a.split(' ').any(|token| token.len() >= 3 && b.split(' ').any(|other| other == token)) {
        "one_token"
    } else if a_first.chars().count() >= 3 && a_first.chars().take(3).eq(b_first.chars().take(3)) {
        "first_letters"
    } else {
        "differs"
    }
}

fn birth(a: u32, b: u32) -> Level {
    if a == 0 || b == 0 {
        return None;
    }
    let (year, month, day) = (|n: u32| n / 10_000, |n: u32| n / 100 % 100, |n: u32| n % 100);
    let partial = [a, b].iter().any(|n| day(*n) == 0 || month(*n) == 0);
    if partial {
        let years = year(a).abs_diff(year(b));
        // A known year says something, but never as much as a day.
        return Some(if years == 0 {
            "year"
        } else if years == 1 {
            "year_next"
        } else {
            "differs"
        });
    }
    if a == b {
        return Some("exact");
    }
    let same = [year(a) == year(b), month(a) == month(b), day(a) == day(b)];
    let parts = same.iter().filter(|same| **same).count();
    Some(if same == [true, false, false] && month(a) == day(b) && day(a) == month(b) {
        "day_and_month_swapped"
    } else if osa_distance(&format!("{a:08}"), &format!("{b:08}")) <= 1 {
        "one_digit"
    } else if same == [false, true, true] {
        "month_and_day"
    } else if parts == 2 {
        "two_parts"
    } else if year(a) == year(b) {
        "year"
    } else if year(a).abs_diff(year(b)) == 1 {
        "year_next"
    } else {
        "differs"
    })
}

fn strongest(scale: &[&'static str], levels: impl Iterator<Item = &'static str>) -> Level {
    levels.min_by_key(|level| scale.iter().position(|known| known == level))
}

fn address(a: &ComparisonRecord, b: &ComparisonRecord) -> Level {
    let pairs = a.places.iter().flat_map(|x| b.places.iter().map(move |y| (x, y)));
    strongest(&ADDRESS, pairs.filter_map(|(x, y)| place(x, y)))
}

fn place(a: &Place, b: &Place) -> Level {
    let both = |x: &str, y: &str| !x.is_empty() && !y.is_empty();
    let same = |x: &str, y: &str| both(x, y) && x == y;
    let comparable = both(&a.postal, &b.postal) || both(&a.town, &b.town) || both(&a.city, &b.city);
    if !comparable {
        return None;
    }
    let cities = !both(&a.city, &b.city) || a.city == b.city || a.city.ends_with(&b.city) || b.city.ends_with(&a.city);
    let town = same(&a.town, &b.town) && cities;
    let block = same(&a.block, &b.block);
    let prefix = |x: &str, y: &str| y.strip_prefix(x).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'));
    let blocks = both(&a.block, &b.block) && (prefix(&a.block, &b.block) || prefix(&b.block, &a.block));
    let near_town = both(&a.town, &b.town) && cities && jaro_winkler(&a.town, &b.town) >= 0.88;
    let postal = same(&a.postal, &b.postal);
    Some(if town && block {
        "town_and_block"
    } else if (postal || near_town) && block {
        "postal_and_block"
    } else if (town || postal) && blocks {
        "block_prefix"
    } else if town {
        "town"
    } else if postal {
        "postal"
    } else if both(&a.postal, &b.postal) && osa_distance(&a.postal, &b.postal) <= 1 {
        "postal_one_digit"
    } else if same(&a.city, &b.city) {
        "city"
    } else {
        "differs"
    })
}

fn phone(a: &ComparisonRecord, b: &ComparisonRecord) -> Level {
    let tail = super::normalize::phone::tail;
    let pairs = a.phones.iter().flat_map(|x| b.phones.iter().map(move |y| (tail(x), tail(y))));
    strongest(
        &PHONE,
        pairs.map(|(x, y)| {
            if x == y {
                "equal"
            } else if osa_distance(x, y) <= 1 {
                "one_digit"
            } else {
                "differs"
            }
        }),
    )
}
