//! The words from which invented people are made: surnames, given names, towns.
//!
//! Surnames and given names are common words of the language; towns, cities and the prefecture do not
//! exist. No list of real people, addresses or facilities may enter here.

use super::random::Random;
use crate::identity::Sex;
use std::sync::OnceLock;

/// The invented prefecture.
pub const PREFECTURE: &str = "星見崎県";

/// One word in three representations.
#[derive(Debug, PartialEq, Eq)]
pub struct Word {
    /// In kanji.
    pub kanji: &'static str,
    /// In full-width katakana.
    pub kana: &'static str,
    /// In Latin letters.
    pub romaji: &'static str,
}

/// One town of the region.
#[derive(Debug, PartialEq, Eq)]
pub struct Town {
    /// Its city.
    pub city: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Its postal code, of a block that is invented.
    pub postal_code: &'static str,
}

/// All words, read once.
#[derive(Debug)]
pub struct Words {
    /// Surnames, the commonest first.
    pub surnames: Vec<Word>,
    /// Women's given names, the older generations' first.
    pub female: Vec<Word>,
    /// Men's given names, the older generations' first.
    pub male: Vec<Word>,
    /// Towns, city by city.
    pub towns: Vec<Town>,
    surname_weights: Vec<u32>,
}

/// The words of the region.
pub fn words() -> &'static Words {
    static WORDS: OnceLock<Words> = OnceLock::new();
    WORDS.get_or_init(|| {
        let surnames = read_words(include_str!("data/surnames.txt"));
        // Zipf with an offset: the commonest has about 2 %, as headcounts of surnames show.
        let surname_weights = (0u32..).take(surnames.len()).map(|rank| 1_000_000 / (rank + 12)).collect();
        Words {
            surnames,
            female: read_words(include_str!("data/given_female.txt")),
            male: read_words(include_str!("data/given_male.txt")),
            towns: rows(include_str!("data/towns.txt"))
                .map(|[city, name, postal_code]| Town { city, name, postal_code })
                .collect(),
            surname_weights,
        }
    })
}

impl Words {
    /// The index of a surname, the common ones more often.
    pub fn surname(&self, random: &mut Random) -> usize {
        random.weighted(&self.surname_weights)
    }

    /// The index of a given name for someone of `age`: the lists run from old to young, with a wide spread.
    pub fn given(&self, sex: Sex, age: u32, random: &mut Random) -> usize {
        let length = u32::try_from(self.givens(sex).len()).unwrap_or(u32::MAX);
        let spread = length * 45 / 100;
        let youth = 100u32.saturating_sub(age);
        let start = (length - spread) * youth / 100;
        // Two draws: names near the middle of their time are commoner.
        let drawn = start + (random.below(spread) + random.below(spread)) / 2;
        usize::try_from(drawn.min(length.saturating_sub(1))).unwrap_or(0)
    }

    /// The given names of `sex`.
    pub fn givens(&self, sex: Sex) -> &[Word] {
        if sex == Sex::Male { &self.male } else { &self.female }
    }
}

fn read_words(text: &'static str) -> Vec<Word> {
    rows(text).map(|[kanji, kana, romaji]| Word { kanji, kana, romaji }).collect()
}

fn rows(text: &'static str) -> impl Iterator<Item = [&'static str; 3]> {
    text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
        let mut cells = line.split('\t');
        Some([cells.next()?, cells.next()?, cells.next()?])
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn enough_words_each_whole() {
        let words = words();
        assert!(words.surnames.len() >= 200 && words.female.len() >= 250 && words.male.len() >= 250);
        for word in words.surnames.iter().chain(&words.female).chain(&words.male) {
            assert!(word.kana.chars().all(|c| ('ァ'..='ヶ').contains(&c)), "{word:?}");
            assert!(word.romaji.chars().all(|c| c.is_ascii_alphabetic()), "{word:?}");
            assert!(!word.kanji.is_empty() && !word.kanji.contains(' '), "{word:?}");
        }
        let spellings = words.female.iter().filter(|word| word.kana == "ヒロコ").count();
        assert!(spellings >= 3, "several spellings of one reading");
    }

    #[test]
    fn towns_and_cities() {
        let towns = &words().towns;
        let distinct: HashSet<_> = towns.iter().map(|town| (town.city, town.name)).collect();
        let cities: HashSet<_> = towns.iter().map(|town| town.city).collect();
        let codes: HashSet<_> = towns.iter().map(|town| town.postal_code).collect();
        assert!(distinct.len() >= 120 && distinct.len() == towns.len() && codes.len() == towns.len());
        assert_eq!(cities.len(), 6);
        assert!(towns.iter().all(|town| town.postal_code.starts_with("009-") && town.postal_code.len() == 8));
    }

    #[test]
    fn common_surnames_are_common_and_the_old_have_old_names() {
        let mut random = Random::stream(3, 3);
        let drawn: Vec<_> = (0..20_000).map(|_| words().surname(&mut random)).collect();
        let share = |index| drawn.iter().filter(|i| **i == index).count();
        assert!(share(0) > 3 * share(100) && share(0) < 1_000, "{} {}", share(0), share(100));
        let mean = |age, random: &mut Random| (0..500).map(|_| words().given(Sex::Female, age, random)).sum::<usize>();
        assert!(mean(90, &mut random) < mean(5, &mut random));
    }
}
