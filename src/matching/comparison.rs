//! How well two records agree, field by field, as a level of a short scale.
//!
//! A field that is missing on one side has no level: it speaks neither for nor against.

use super::levels::{self, Code, MISSING, PlaceParts};
use super::normalize::address::Place;
use super::record::{ComparisonRecord, NamePair};
use crate::identity::Sex;

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
        let sex = a.sex.zip(b.sex).map_or(MISSING, |(a, b)| if a == b { 1 } else { 2 });
        let of = |field, code| levels::name(tradition, field, code);
        Self {
            family: of(Field::Family, family),
            given: of(Field::Given, given),
            birth: of(Field::Birth, levels::birth(a.birth, b.birth)),
            sex: of(Field::Sex, sex),
            address: of(Field::Address, address(a, b)),
            phone: of(Field::Phone, phone(a, b)),
        }
    }

    /// The same with another level of `field`.
    pub fn with(mut self, field: Field, level: Option<&'static str>) -> Self {
        match field {
            Field::Family => self.family = level,
            Field::Given => self.given = level,
            Field::Birth => self.birth = level,
            Field::Sex => self.sex = level,
            Field::Address => self.address = level,
            Field::Phone => self.phone = level,
        }
        self
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

fn names(tradition: Tradition, a: &ComparisonRecord, b: &ComparisonRecord) -> (Code, Code) {
    let level = |part: Part, is_given: bool| match tradition {
        Tradition::Japanese => japanese(a, b, part),
        Tradition::Western => western_name(a, b, part, is_given),
    };
    let (family, given) = (level(|pair| &pair.family, false), level(|pair| &pair.given, true));
    let women = a.sex == Some(Sex::Female) && b.sex == Some(Sex::Female);
    let family = levels::of_family(tradition, family, women);
    if levels::is_weak_name(tradition, Field::Family, family)
        && levels::is_weak_name(tradition, Field::Given, given)
        && swapped(a, b)
    {
        return (levels::SWAPPED, levels::SWAPPED);
    }
    if tradition == Tradition::Western
        && levels::may_be_moved(family, given)
        && let Some(moved) = moved(a, b)
    {
        return moved;
    }
    (family, given)
}

/// The levels of names of which one stands alone, in another place than with the other record.
fn moved(a: &ComparisonRecord, b: &ComparisonRecord) -> Option<(Code, Code)> {
    let both = !a.latin.is_empty() && !b.latin.is_empty();
    let (x, y) = if both { (&a.latin, &b.latin) } else { (&a.reading, &b.reading) };
    let pairs = x.iter().flat_map(|x| y.iter().map(move |y| (x, y)));
    let of = |(x, y): (&NamePair, &NamePair)| levels::moved((&x.family, &x.given), (&y.family, &y.given));
    pairs.map(of).find(|moved| *moved != (MISSING, MISSING))
}

fn swapped(a: &ComparisonRecord, b: &ComparisonRecord) -> bool {
    let crossed = |a: &[NamePair], b: &[NamePair]| {
        let parts = |pair: &NamePair| -> bool {
            b.iter().any(|other| levels::are_crossed((&pair.family, &pair.given), (&other.family, &other.given)))
        };
        a.iter().any(parts)
    };
    crossed(&a.kanji, &b.kanji) || crossed(&a.reading, &b.reading)
}

/// All pairs of values of one part that both sides have.
fn crossed<'a>(a: &'a [NamePair], b: &'a [NamePair], part: Part) -> impl Iterator<Item = (&'a str, &'a str)> {
    let known = move |pair: &&NamePair| !part(pair).is_empty();
    a.iter().filter(known).flat_map(move |x| b.iter().filter(known).map(move |y| (part(x), part(y))))
}

fn japanese(a: &ComparisonRecord, b: &ComparisonRecord, part: Part) -> Code {
    let kanji = crossed(&a.kanji, &b.kanji, part).map(|(a, b)| levels::kanji_agreement(a, b)).max();
    let kana = crossed(&a.kana, &b.kana, part).map(|(a, b)| levels::kana_agreement(a, b)).max();
    let kana = kana.or_else(|| crossed(&a.reading, &b.reading, part).map(|(a, b)| levels::kana_agreement(a, b)).max());
    levels::japanese(kanji, kana)
}

fn western_name(a: &ComparisonRecord, b: &ComparisonRecord, part: Part, is_given: bool) -> Code {
    let both = !a.latin.is_empty() && !b.latin.is_empty();
    let (x, y) = if both { (&a.latin, &b.latin) } else { (&a.reading, &b.reading) };
    let level = if is_given { levels::western_given } else { levels::western_family };
    crossed(x, y, part).map(|(a, b)| level(a, b)).fold(MISSING, levels::stronger)
}

fn parts(place: &Place) -> PlaceParts<'_> {
    PlaceParts { postal: &place.postal, city: &place.city, town: &place.town, block: &place.block }
}

fn address(a: &ComparisonRecord, b: &ComparisonRecord) -> Code {
    let pairs = a.places.iter().flat_map(|x| b.places.iter().map(move |y| (x, y)));
    pairs.map(|(x, y)| levels::place(parts(x), parts(y))).fold(MISSING, levels::stronger)
}

fn phone(a: &ComparisonRecord, b: &ComparisonRecord) -> Code {
    let tail = super::normalize::phone::tail;
    let pairs = a.phones.iter().flat_map(|x| b.phones.iter().map(move |y| (tail(x), tail(y))));
    pairs.map(|(x, y)| levels::phone(x, y)).fold(MISSING, levels::stronger)
}
