//! Pairs that every model must judge alike, whatever it was learned from: one person, or relatives and namesakes.
//!
//! A model that would join sisters is refused when it is read, however well its numbers add up. The people are
//! invented.

use super::comparison::Tradition;
use super::model::Model;
use super::normalize::address::Place;
use super::normalize::{japanese, western};
use super::record::{ComparisonRecord, NamePair};
use crate::identity::Sex;

/// What a model must come to.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Must {
    /// A link is not out of the question.
    Review,
    /// No link by the weight alone.
    NoLink,
    /// Not even a question.
    Nothing,
}

struct Frozen {
    name: &'static str,
    left: ComparisonRecord,
    right: ComparisonRecord,
    must: Must,
}

struct Said {
    family: (&'static str, &'static str),
    given: (&'static str, &'static str),
    birth: u32,
    sex: Sex,
    block: &'static str,
    phone: &'static str,
}

impl Said {
    fn record(&self, tradition: Tradition) -> ComparisonRecord {
        let pair = |family: String, given: String| vec![NamePair { family, given }];
        let (family, given) = (self.family, self.given);
        let mut record = ComparisonRecord {
            birth: self.birth,
            sex: Some(self.sex),
            places: vec![Place {
                postal: "0091111".to_owned(),
                city: "星海市".to_owned(),
                town: "星影町".to_owned(),
                block: self.block.to_owned(),
                ..Place::default()
            }],
            phones: vec![self.phone.to_owned()],
            ..ComparisonRecord::default()
        };
        match tradition {
            Tradition::Japanese => {
                record.kanji = pair(japanese::kanji(family.0), japanese::kanji(given.0));
                record.kana = pair(japanese::kana(family.1), japanese::kana(given.1));
                record.reading = pair(japanese::reading(family.1), japanese::reading(given.1));
            }
            Tradition::Western => record.latin = pair(western::name(family.1), western::name(given.1)),
        }
        record
    }
}

const HOME: (&str, &str) = ("1-2-3", "0311112222");
const AWAY: (&str, &str) = ("4-5-6", "0355556666");

fn said(
    given: (&'static str, &'static str),
    birth: u32,
    sex: Sex,
    (block, phone): (&'static str, &'static str),
) -> Said {
    Said { family: ("斎藤", "Saito"), given, birth, sex, block, phone }
}

fn pairs(tradition: Tradition) -> Vec<Frozen> {
    let kana = |family: &'static str, given: &'static str| (family, given);
    let (hanako, momoko, kenji) = match tradition {
        Tradition::Japanese => (kana("花子", "ハナコ"), kana("桃代", "モモヨ"), kana("健二", "ケンジ")),
        Tradition::Western => (kana("", "Margaret"), kana("", "Susan"), kana("", "William")),
    };
    let (female, male) = (Sex::Female, Sex::Male);
    let own = || said(hanako, 19_800_314, female, HOME);
    let stranger = || Said {
        family: if tradition == Tradition::Japanese { ("高橋", "タカハシ") } else { ("", "Thornbury") },
        ..said(kenji, 19_551_130, male, AWAY)
    };
    let of = |name, right: Said, must| {
        let mut left = own();
        let mut right = right;
        if tradition == Tradition::Japanese {
            left.family = ("斎藤", "サイトウ");
            if right.family.1 == "Saito" {
                right.family = left.family;
            }
        }
        Frozen { name, left: left.record(tradition), right: right.record(tradition), must }
    };
    vec![
        of("one person, said alike", own(), Must::Review),
        of("one person who moved", said(hanako, 19_800_314, female, AWAY), Must::Review),
        of("sisters in one house", said(momoko, 19_830_901, female, HOME), Must::NoLink),
        of("brother and sister", said(kenji, 19_830_901, male, HOME), Must::NoLink),
        of("mother and daughter", said(momoko, 20_050_622, female, HOME), Must::NoLink),
        of("namesakes", said(hanako, 19_611_205, female, AWAY), Must::NoLink),
        of("strangers", stranger(), Must::Nothing),
    ]
}

/// The first pair that `model` judges otherwise, with its weight.
pub fn misjudged(model: &Model) -> Option<String> {
    let settings = model.settings();
    pairs(model.tradition()).into_iter().find_map(|pair| {
        let bits = model.score(&pair.left, &pair.right).bits;
        let (holds, limit) = match pair.must {
            Must::Review => (bits >= settings.review_bits, settings.review_bits),
            Must::NoLink => (bits < settings.automatic_bits, settings.automatic_bits),
            Must::Nothing => (bits < settings.review_bits, settings.review_bits),
        };
        let side = if pair.must == Must::Review { "at least" } else { "under" };
        (!holds)
            .then(|| format!("weighs the frozen pair \"{}\" {bits:+.1} bits; it must be {side} {limit:+.1}", pair.name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shipped_models_judge_the_frozen_pairs_as_they_must() {
        for model in [Model::japanese(), Model::western()] {
            assert_eq!(misjudged(&model), None);
            let weights: Vec<f64> =
                pairs(model.tradition()).iter().map(|pair| model.score(&pair.left, &pair.right).bits).collect();
            assert!(weights[0] > model.settings().automatic_bits, "{weights:?}");
        }
    }

    #[test]
    fn a_model_that_joins_sisters_is_refused_and_the_pair_named() {
        // Given names that say nothing, and birth dates that say less.
        let text = Model::japanese().to_toml();
        let model = Model::from_toml(&text).unwrap();
        let loose =
            model.clone().with_settings(crate::matching::Settings { automatic_bits: -60.0, ..model.settings() });
        let what = misjudged(&loose).unwrap();
        assert!(what.contains("sisters in one house"), "{what}");
    }
}
