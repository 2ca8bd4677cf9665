//! Cases in which a high weight must not decide alone.

use super::comparison::{Comparison, Tradition};
use super::model::Model;
use super::normalize::western;
use super::record::ComparisonRecord;
use crate::identity::Sex;

/// Why a pair or a person is held for a steward, or refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Guard {
    /// Same family and birth date, other given name: a twin or sibling.
    Twin,
    /// Different order in a multiple birth.
    BirthOrder,
    /// Different generation suffixes.
    Suffix,
    /// Same name and address, births 15 years or more apart; or the same names crossed, births not alike. Where one
    /// digit makes it a generation (1977 and 1997) it is raised too, unless both write the given name with the same
    /// kanji: no family register takes the name of one who is in it, so in Japan that is a slip.
    Generation,
    /// Births that differ with nothing beside the name to support a slip: a namesake. A slip of one digit wants the
    /// same house, or the same town where no house is known, phone or mail address; anything further the same house,
    /// phone or mail address. So does another family name.
    Namesake,
    /// Two men of one name in one house, and the birth date of one is not known: a Western son may have his father's
    /// name.
    Undated,
    /// A newborn without a name yet.
    Newborn,
    /// One born at that time and of that family, if it is known, and no given name to tell a twin by.
    Unnamed,
    /// The person already has many records.
    Size,
    /// Not all candidates could be read.
    Degraded,
    /// A second person is nearly as likely.
    SecondPerson,
    /// One of the person's records speaks clearly against it.
    Contradiction,
    /// A steward has said that they are different.
    CannotLink,
    /// A steward has said that they are one; it overrides the weight.
    MustLink,
}

impl Guard {
    /// The name in explanations.
    pub fn id(self) -> &'static str {
        match self {
            Guard::Twin => "twin",
            Guard::BirthOrder => "birth_order",
            Guard::Suffix => "suffix",
            Guard::Generation => "generation",
            Guard::Namesake => "namesake",
            Guard::Undated => "undated",
            Guard::Newborn => "newborn",
            Guard::Unnamed => "unnamed",
            Guard::Size => "size",
            Guard::Degraded => "degraded",
            Guard::SecondPerson => "second_person",
            Guard::Contradiction => "contradiction",
            Guard::CannotLink => "cannot_link",
            Guard::MustLink => "must_link",
        }
    }

    /// Whether it forbids the match; else it asks for a steward.
    pub fn is_veto(self) -> bool {
        matches!(self, Guard::BirthOrder | Guard::Suffix | Guard::CannotLink)
    }
}

/// No parent is older than a child by more than this.
const MOST_YEARS_OF_A_GENERATION: u32 = 59;

/// What two records say, beside their levels, that a guard looks at.
#[derive(Clone, Copy, Debug, Default)]
pub struct PairFacts {
    /// `yyyymmdd`, 0 where unknown.
    pub births: [u32; 2],
    /// Orders within a multiple birth, 0 where unknown.
    pub orders: [u8; 2],
    /// Both have a generation suffix, and not the same.
    pub suffixes_differ: bool,
    /// Which was born just now, and has no name.
    pub newborn: [bool; 2],
    /// Both are men.
    pub men: bool,
    /// Each given name is a name by itself: where they are near, no slip of the other.
    pub two_names: bool,
    /// The mail address is the same but for a slip.
    pub mail: bool,
    /// Of both it is known in which house they live.
    pub housed: bool,
}

/// What fields that are not independent take back, in bits. The weights of two fields are added as if each slipped by
/// itself; relatives are where that is wrong. Twins share the birth date because they are twins, and a son who has his
/// father's name is a generation younger because he is a son: `h` counts either once too often as a chance.
pub fn dependence(raised: &[Guard]) -> f64 {
    let of = |guard: Guard, bits: f64| if raised.contains(&guard) { bits } else { 0.0 };
    of(Guard::Twin, -2.5) + of(Guard::Generation, -5.0) + of(Guard::Suffix, -10.0) + of(Guard::BirthOrder, -20.0)
}

impl PairFacts {
    /// What these records say.
    pub fn of(a: &ComparisonRecord, b: &ComparisonRecord) -> Self {
        Self {
            births: [a.birth, b.birth],
            orders: [a.birth_order, b.birth_order],
            suffixes_differ: !a.suffix.is_empty() && !b.suffix.is_empty() && a.suffix != b.suffix,
            newborn: [a.newborn, b.newborn],
            men: a.sex == Some(Sex::Male) && b.sex == Some(Sex::Male),
            two_names: are_two_names(a, b),
            // A record for comparison holds none.
            mail: false,
            housed: [a, b].iter().all(|record| record.places.iter().any(|place| !place.block.is_empty())),
        }
    }
}

/// The guards that two records raise.
pub fn of_pair(a: &ComparisonRecord, b: &ComparisonRecord, levels: &Comparison) -> Vec<Guard> {
    of_facts(PairFacts::of(a, b), levels)
}

/// The guards that two records raise, compared as `model` compares.
pub fn guards_of(a: &ComparisonRecord, b: &ComparisonRecord, model: &Model) -> Vec<Guard> {
    of_pair(a, b, &Comparison::of(model.tradition(), a, b))
}

fn are_two_names(a: &ComparisonRecord, b: &ComparisonRecord) -> bool {
    let (x, y) = (a.latin.iter().map(|pair| &pair.given), b.latin.iter().map(|pair| &pair.given));
    x.into_iter().any(|x| y.clone().any(|y| western::are_two_names(x, y)))
}

/// The guards that two records raise, from their levels and what else they say.
pub fn of_facts(facts: PairFacts, levels: &Comparison) -> Vec<Guard> {
    let mut guards = Vec::new();
    let agrees =
        |level: Option<&str>| level.is_some_and(|level| level.contains("equal") || level == "exact" || level == "near");
    let given_differs = matches!(
        levels.given,
        Some(
            "kana_one_edit"
                | "shares_a_kanji"
                | "shares_a_kanji_kana_differs"
                | "differs_in_one_script"
                | "differs"
                | "first_letters"
                | "similar"
                | "one_token"
        )
    );
    let two_names = facts.two_names && levels.given == Some("near");
    let births_close = matches!(levels.birth, Some("exact" | "one_digit" | "day_and_month_swapped"));
    if agrees(levels.family) && (given_differs || two_names) && births_close {
        guards.push(Guard::Twin);
    }
    if facts.orders[0] != 0 && facts.orders[1] != 0 && facts.orders[0] != facts.orders[1] {
        guards.push(Guard::BirthOrder);
    }
    if facts.suffixes_differ {
        guards.push(Guard::Suffix);
    }
    let years = (facts.births[0] / 10_000).abs_diff(facts.births[1] / 10_000);
    let both = facts.births[0] != 0 && facts.births[1] != 0;
    let unlike = !births_close && levels.birth != Some("month_and_day");
    let kanji_alike = levels.given.is_some_and(|level| level.starts_with("kanji"));
    let digit_of_generation = levels.birth == Some("one_digit") && !kanji_alike && years <= MOST_YEARS_OF_A_GENERATION;
    if both
        && (unlike || digit_of_generation)
        && years >= 15
        && agrees(levels.family)
        && agrees(levels.given)
        && levels.address == Some("town_and_block")
    {
        guards.push(Guard::Generation);
    }
    // Names in each other's place and no birth date: one person where house, telephone or mail is the same.
    let met = is_one_house(levels) || is_reached(facts, levels);
    if levels.family == Some("swapped_with_given") && !births_close && (both || !met) {
        guards.push(Guard::Generation);
    }
    if is_namesake(facts, levels) {
        guards.push(Guard::Namesake);
    }
    if is_undated(facts, levels) {
        guards.push(Guard::Undated);
    }
    if levels.given.is_none() && (facts.newborn[0] || facts.newborn[1]) {
        guards.push(Guard::Newborn);
    } else if levels.given.is_none() && births_close && (levels.family.is_none() || agrees(levels.family)) {
        guards.push(Guard::Unnamed);
    }
    guards
}

/// Whether they live in one house, as far as it is known.
fn is_one_house(levels: &Comparison) -> bool {
    matches!(levels.address, Some("town_and_block" | "postal_and_block"))
}

/// Whether they are reached by the same telephone or mail address.
fn is_reached(facts: PairFacts, levels: &Comparison) -> bool {
    levels.phone == Some("equal") || facts.mail
}

/// Whether births or family names differ, and nothing beside the name speaks for one person.
fn is_namesake(facts: PairFacts, levels: &Comparison) -> bool {
    let (same_house, reached) = (is_one_house(levels), is_reached(facts, levels));
    let births_unlike = matches!(levels.birth, Some("two_parts" | "year" | "year_next" | "differs"));
    let births_inexact = levels.birth.is_some_and(|level| level != "exact");
    // Two houses of one town are two families', unless one of them is not known.
    let one_town = matches!(levels.address, Some("town" | "postal")) && !facts.housed;
    let neighbours = same_house || one_town || levels.address == Some("block_prefix");
    let supported = reached || if births_unlike { same_house } else { neighbours };
    // Another family name, and neither house nor telephone tells of a marriage.
    let family_differs = matches!(
        levels.family,
        Some(
            "differs" | "differs_of_women" | "differs_in_one_script" | "shares_a_kanji_kana_differs" | "first_letters"
        )
    );
    (births_inexact && !supported) || (family_differs && !reached && !same_house)
}

/// Whether they could be father and son of one name in one house, one of them without a birth date.
fn is_undated(facts: PairFacts, levels: &Comparison) -> bool {
    let one_name = [levels.family, levels.given] == [Some("exact"); 2];
    levels.birth.is_none() && is_one_house(levels) && one_name && facts.men
}

/// Whether one identifier is suddenly another person: given name, birth date and sex change together (decision 15).
/// A slip in one of them, or a value that was not known, is none.
pub fn is_overlay(tradition: Tradition, before: &ComparisonRecord, after: &ComparisonRecord) -> bool {
    let levels = Comparison::of(tradition, before, after);
    let given = [
        "shares_a_kanji",
        "shares_a_kanji_kana_differs",
        "differs_in_one_script",
        "differs",
        "first_letters",
        "initial",
    ];
    levels.given.is_some_and(|level| given.contains(&level))
        && matches!(levels.birth, Some("month_and_day" | "two_parts" | "year" | "year_next" | "differs"))
        && levels.sex == Some("differs")
}
