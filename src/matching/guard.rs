//! Cases in which a high weight must not decide alone.

use super::comparison::{Comparison, Tradition};
use super::model::Model;
use super::record::ComparisonRecord;

/// Why a pair or a person is held for a steward, or refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Guard {
    /// Same family and birth date, other given name: a twin or sibling.
    Twin,
    /// Different order in a multiple birth.
    BirthOrder,
    /// Different generation suffixes.
    Suffix,
    /// Same name and address, births 15 years or more apart and no slip of one digit; or the same names crossed, births not alike.
    Generation,
    /// Births that differ with nothing beside the name to support a slip: a namesake. A slip of one digit wants the
    /// same town or phone, anything further the same house or phone.
    Namesake,
    /// A newborn without a name yet.
    Newborn,
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
            Guard::Newborn => "newborn",
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

/// What two records say, beside their levels, that a guard looks at.
#[derive(Clone, Copy, Debug)]
pub struct PairFacts {
    /// `yyyymmdd`, 0 where unknown.
    pub births: [u32; 2],
    /// Orders within a multiple birth, 0 where unknown.
    pub orders: [u8; 2],
    /// Both have a generation suffix, and not the same.
    pub suffixes_differ: bool,
    /// Which was born just now, and has no name.
    pub newborn: [bool; 2],
}

impl PairFacts {
    /// What these records say.
    pub fn of(a: &ComparisonRecord, b: &ComparisonRecord) -> Self {
        Self {
            births: [a.birth, b.birth],
            orders: [a.birth_order, b.birth_order],
            suffixes_differ: !a.suffix.is_empty() && !b.suffix.is_empty() && a.suffix != b.suffix,
            newborn: [a.newborn, b.newborn],
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
    let births_close = matches!(levels.birth, Some("exact" | "one_digit" | "day_and_month_swapped"));
    if agrees(levels.family) && given_differs && births_close {
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
    if both
        && unlike
        && years >= 15
        && agrees(levels.family)
        && agrees(levels.given)
        && levels.address == Some("town_and_block")
    {
        guards.push(Guard::Generation);
    }
    if levels.family == Some("swapped_with_given") && !births_close {
        guards.push(Guard::Generation);
    }
    let births_unlike = matches!(levels.birth, Some("two_parts" | "year" | "year_next" | "differs"));
    let same_house = matches!(levels.address, Some("town_and_block" | "postal_and_block"));
    let births_inexact = levels.birth.is_some_and(|level| level != "exact");
    let neighbours = same_house || matches!(levels.address, Some("block_prefix" | "town" | "postal"));
    let no_support = levels.phone != Some("equal") && !(if births_unlike { same_house } else { neighbours });
    if births_inexact && no_support {
        guards.push(Guard::Namesake);
    }
    if (facts.newborn[0] || facts.newborn[1]) && levels.given.is_none() {
        guards.push(Guard::Newborn);
    }
    guards
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
