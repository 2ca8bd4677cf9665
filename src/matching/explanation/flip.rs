//! What would have to be otherwise for the matcher to come to something else.

use super::account::said;
use super::{rounded, zone_of};
use crate::matching::comparison::Field;
use crate::matching::guard::{self, Guard, PairFacts};
use crate::matching::levels;
use crate::matching::model::Model;
use crate::matching::weight::PairScore;
use serde::Serialize;

/// One change that would be enough.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Flip {
    /// The field, or `guard`.
    pub of: &'static str,
    /// How it is now: a level, `missing`, or the guard.
    pub from: &'static str,
    /// How it would have to be: a level, `missing`, or `absent`.
    pub to: &'static str,
    /// The weight then.
    pub weight: f64,
    /// `auto`, `review` or `new` then.
    pub zone: &'static str,
}

const MISSING: &str = "missing";

impl Flip {
    /// The change in words.
    pub fn words(&self) -> String {
        let plain = |level: &str| level.replace('_', " ");
        match self.of {
            "guard" => format!("without the guard {}: {}", plain(self.from), said(self.zone)),
            of => format!(
                "{of} \"{}\" instead of \"{}\": {} at {:+.1} bits",
                plain(self.to),
                plain(self.from),
                said(self.zone),
                self.weight
            ),
        }
    }
}

/// For each field the smallest change to each other outcome; and each guard that alone stands in the way.
pub(super) fn flips(score: &PairScore, facts: PairFacts, others: &[Guard], model: &Model) -> Vec<Flip> {
    let guards = |levels: &_| {
        let raised = guard::of_facts(facts, levels);
        raised.into_iter().chain(others.iter().copied()).collect::<Vec<Guard>>()
    };
    let held = guards(&score.comparison);
    let now = zone_of(score.bits, &held, model);
    let mut found: Vec<Flip> = Vec::new();
    for field in Field::ALL {
        let from = score.comparison.level(field);
        // That names stand in each other's place is never a matter of one field.
        let scale = levels::scale(model.tradition(), field).iter().copied();
        let possible = scale.filter(|level| !level.starts_with("swapped")).map(Some).chain([None]);
        let mut of_field: Vec<Flip> = Vec::new();
        for to in possible.filter(|to| *to != from) {
            let levels = score.comparison.with(field, to);
            let weight = weight_with(score, field, to, model) + guard::dependence(&guard::of_facts(facts, &levels));
            let zone = zone_of(weight, &guards(&levels), model);
            if zone == now {
                continue;
            }
            let (from, to) = (from.unwrap_or(MISSING), to.unwrap_or(MISSING));
            let flip = Flip { of: field.id(), from, to, weight: rounded(weight), zone };
            let change = |flip: &Flip| (flip.weight - score.bits).abs();
            match of_field.iter_mut().find(|known| known.zone == zone) {
                Some(known) if change(known) <= change(&flip) => {}
                Some(known) => *known = flip,
                None => of_field.push(flip),
            }
        }
        found.extend(of_field);
    }
    for one in &held {
        let without: Vec<Guard> = held.iter().copied().filter(|guard| guard != one).collect();
        let zone = zone_of(score.bits, &without, model);
        if zone != now {
            found.push(Flip { of: "guard", from: one.id(), to: "absent", weight: rounded(score.bits), zone });
        }
    }
    found
}

/// The weight where `field` had the level `to`; what the frequency of its value added is not known then.
fn weight_with(score: &PairScore, field: Field, to: Option<&'static str>, model: &Model) -> f64 {
    let others = score.fields.iter().filter(|one| one.field != field);
    let (mut unrelated, mut household) =
        others.fold((0.0, 0.0), |(u, h), one| (u + one.bits_vs_unrelated, h + one.bits_vs_household));
    if let Some((u, h)) = to.and_then(|level| model.bits_of(field, level)) {
        unrelated += u;
        household += h;
    }
    model.mixed(unrelated, household).0
}
