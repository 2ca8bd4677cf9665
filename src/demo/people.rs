//! Invented households: couples, children, twins, grandparents, and namesakes of other households.
//!
//! A household is a pure function of the seed and its number, so that a region of any size is made in
//! flat memory. It must never depend on a household before it, the clock, or the machine.

use super::names::{Word, words};
use super::random::Random;
use crate::identity::{PartialDate, Sex};

/// The year in which the region lives: ages are told at its start.
pub const YEAR: u32 = 2026;

/// Where someone lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    /// Index of the town.
    pub town: usize,
    /// District, block and house: 丁目, 番, 号.
    pub block: [u32; 3],
    /// The name of the building and the room, in a building of flats.
    pub building: Option<(&'static str, u32)>,
}

/// One invented person, as nobody wrote them down yet.
#[derive(Clone, PartialEq, Eq)]
pub struct Person {
    /// The number of the real person: equal for all records of one.
    pub truth: u32,
    /// Surname today.
    pub surname: &'static Word,
    /// Surname before marriage, where another.
    pub maiden: Option<&'static Word>,
    /// Given name.
    pub given: &'static Word,
    /// Sex.
    pub sex: Sex,
    /// Age in full years at the start of [`YEAR`].
    pub age: u32,
    /// Birth date.
    pub birth: PartialDate,
    /// Which of twins, from 1.
    pub twin: Option<u8>,
    /// Where the household lives.
    pub home: Home,
    /// Where it lived before.
    pub previous: Home,
    /// The household's telephone.
    pub phone: Option<String>,
    /// The person's own telephone, and the one before it.
    pub mobile: Option<[String; 2]>,
}

const BUILDINGS: [&str; 8] = [
    "コーポ星影",
    "ハイツ月見坂",
    "メゾン雲居",
    "グランデ夕凪",
    "露草荘",
    "レジデンス潮路",
    "サンコート若草野",
    "第二藍染ビル",
];

static UNNAMED: Word = Word { kanji: "無名", kana: "ムメイ", romaji: "Mumei" };

/// Stream numbers of names lie apart from those of households.
const NAMES: u64 = 1 << 40;

/// The first adult: the name may be another household's (`namesake`), the life is its own.
struct Head {
    surname: &'static Word,
    given: &'static Word,
    sex: Sex,
    age: u32,
}

fn head(seed: u64, number: u64) -> Head {
    let mut random = Random::stream(seed, NAMES + number);
    let sex = if random.per_mille(550) { Sex::Male } else { Sex::Female };
    let age = 20 + (random.below(75) + random.below(75)) / 2;
    Head { surname: surname(&mut random), given: given(sex, age, &mut random), sex, age }
}

fn surname(random: &mut Random) -> &'static Word {
    words().surnames.get(words().surname(random)).unwrap_or(&UNNAMED)
}

fn given(sex: Sex, age: u32, random: &mut Random) -> &'static Word {
    words().givens(sex).get(words().given(sex, age, random)).unwrap_or(&UNNAMED)
}

fn home(random: &mut Random) -> Home {
    let towns = u32::try_from(words().towns.len()).unwrap_or(1);
    let town = usize::try_from(random.below(towns)).unwrap_or(0);
    let block = [1 + random.below(6), 1 + random.below(30), 1 + random.below(25)];
    let building = random.per_mille(400).then(|| {
        let name = random.pick(&BUILDINGS).copied().unwrap_or_default();
        (name, (1 + random.below(8)) * 100 + 1 + random.below(12))
    });
    Home { town, block, building }
}

/// A number whose exchange begins with 1: no fixed line can have one.
fn phone(random: &mut Random) -> String {
    format!("0{}9-1{:02}-{:04}", 2 + random.below(6), random.below(100), random.below(10_000))
}

/// A number whose first digit after the mobile prefix is 0: none is assigned.
pub fn mobile(random: &mut Random) -> String {
    let prefix = 7 + random.below(3);
    format!("0{prefix}0-0{}{:02}-{:04}", 1 + random.below(9), random.below(100), random.below(10_000))
}

fn birth(age: u32, random: &mut Random) -> PartialDate {
    let year = i16::try_from(YEAR - 1 - age.min(99)).unwrap_or_default();
    let month = u8::try_from(1 + random.below(12)).unwrap_or(1);
    let day = u8::try_from(1 + random.below(31)).unwrap_or(1);
    date(year, month, day)
}

/// The date, or the last day of a shorter month.
pub fn date(year: i16, month: u8, day: u8) -> PartialDate {
    let found = (0..4).find_map(|less| PartialDate::new(year, month, day.saturating_sub(less)).ok());
    found.unwrap_or_else(|| {
        #[expect(clippy::expect_used, reason = "a constant that is a date")]
        PartialDate::new(2000, 1, 1).expect("a date")
    })
}

/// Who is in one household, being made.
struct Family {
    random: Random,
    surname: &'static Word,
    home: Home,
    previous: Home,
    phone: Option<String>,
    people: Vec<Person>,
}

impl Family {
    fn add(&mut self, sex: Sex, age: u32, given_name: &'static Word) -> &mut Person {
        let age = age.min(99);
        let has_mobile = age >= 12 && self.random.per_mille(if age < 75 { 900 } else { 450 });
        let mobile = has_mobile.then(|| [mobile(&mut self.random), mobile(&mut self.random)]);
        self.people.push(Person {
            truth: 0,
            surname: self.surname,
            maiden: None,
            given: given_name,
            sex,
            age,
            birth: birth(age, &mut self.random),
            twin: None,
            home: self.home.clone(),
            previous: self.previous.clone(),
            phone: self.phone.clone(),
            mobile,
        });
        let last = self.people.len() - 1;
        #[expect(clippy::indexing_slicing, reason = "just pushed")]
        &mut self.people[last]
    }

    fn adult(&mut self, sex: Sex, age: u32) -> &mut Person {
        let name = given(sex, age, &mut self.random);
        self.add(sex, age, name)
    }

    /// A spouse; a wife took the husband's surname.
    fn spouse(&mut self, of: Sex, age: u32) {
        let sex = if of == Sex::Male { Sex::Female } else { Sex::Male };
        let age = (age + self.random.below(9)).saturating_sub(4).max(18);
        let maiden = surname(&mut self.random);
        self.adult(sex, age);
        if let Some(wife) = self.people.iter_mut().rev().find(|person| person.sex == Sex::Female) {
            wife.maiden = Some(maiden);
        }
    }

    fn children(&mut self, parent_age: u32) {
        let oldest = parent_age.saturating_sub(22).min(24);
        for _ in 0..1 + self.random.weighted(&[45, 40, 15]) {
            let age = self.random.below(oldest + 1);
            let child = self.child(age);
            if self.random.per_mille(10) {
                self.twin_of(&child);
            }
        }
    }

    fn child(&mut self, age: u32) -> Person {
        let sex = if self.random.per_mille(512) { Sex::Male } else { Sex::Female };
        let name = self.new_given(sex, age);
        self.add(sex, age, name).clone()
    }

    fn twin_of(&mut self, first: &Person) {
        let second = self.child(first.age);
        for person in &mut self.people {
            if person.given == second.given && person.sex == second.sex {
                person.birth = first.birth.clone();
                person.twin = Some(2);
            } else if person.given == first.given && person.sex == first.sex {
                person.twin = Some(1);
            }
        }
    }

    /// A given name that nobody else of the household has.
    fn new_given(&mut self, sex: Sex, age: u32) -> &'static Word {
        let mut name = given(sex, age, &mut self.random);
        for _ in 0..8 {
            if self.people.iter().all(|person| person.given.kana != name.kana) {
                break;
            }
            name = given(sex, age, &mut self.random);
        }
        name
    }
}

/// The household `number` of the region of `seed`; its people count on from `first_truth`.
pub fn household(seed: u64, number: u64, first_truth: u32) -> Vec<Person> {
    let mut random = Random::stream(seed, number);
    let namesake = number > 0 && random.per_mille(5);
    let mut head = head(seed, if namesake { number - 1 } else { number });
    if namesake {
        head.age = (head.age + random.below(7)).min(99);
    }
    let (home, previous) = (home(&mut random), home(&mut random));
    let line = random.per_mille(650).then(|| phone(&mut random));
    let kind = match head.age {
        0..=23 => 0,
        24..=58 => random.weighted(&[28, 14, 38, 8, 12]),
        _ => random.weighted(&[35, 65]),
    };
    let mut family = Family { random, surname: head.surname, home, previous, phone: line, people: Vec::new() };
    family.add(head.sex, head.age, head.given);
    if matches!(kind, 1 | 2 | 4) {
        family.spouse(head.sex, head.age);
    }
    if kind >= 2 {
        family.children(head.age);
    }
    if kind == 4 {
        let age = head.age + 24 + family.random.below(10);
        family.adult(Sex::Female, age);
        if family.random.per_mille(600) {
            family.adult(Sex::Male, age + 2);
        }
    }
    for (person, truth) in family.people.iter_mut().zip(first_truth..) {
        person.truth = truth;
    }
    family.people
}

impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Person({}, …)", self.truth)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(households: u64) -> Vec<Vec<Person>> {
        (0..households).map(|number| household(5, number, 0)).collect()
    }

    #[test]
    fn households_have_relatives_of_every_age() {
        let all = all(3_000);
        let people: Vec<_> = all.iter().flatten().collect();
        assert!(people.iter().all(|person| person.age <= 99));
        for decade in 0..9 {
            let there = people.iter().filter(|person| person.age / 10 == decade).count();
            assert!(there > 100, "{there} in decade {decade}");
        }
        assert!(all.iter().any(|family| family.len() >= 5));
        assert!(all.iter().all(|f| f.iter().all(|p| p.home == f[0].home && p.surname == f[0].surname)));
        let twins = people.iter().filter(|person| person.twin == Some(2)).count();
        let children = people.iter().filter(|person| person.age < 20).count();
        assert!((2..60).contains(&twins) && twins * 30 < children, "{twins} of {children}");
    }

    #[test]
    fn twins_share_the_birth_date_and_no_name() {
        let all = all(3_000);
        for family in all.iter().filter(|family| family.iter().any(|person| person.twin == Some(2))) {
            let pair: Vec<_> = family.iter().filter(|person| person.twin.is_some()).collect();
            assert!(pair.len() >= 2 && pair.iter().any(|p| p.given != pair[0].given));
            assert!(pair.iter().all(|p| p.birth == pair[0].birth) || pair.len() > 2);
        }
    }

    #[test]
    fn namesakes_occur_with_other_lives() {
        let all = all(3_000);
        let namesakes = all
            .windows(2)
            .filter(|w| w[0][0].surname == w[1][0].surname && w[0][0].given == w[1][0].given)
            .inspect(|w| assert!(w[0][0].birth != w[1][0].birth && w[0][0].home != w[1][0].home))
            .count();
        assert!((4..40).contains(&namesakes), "{namesakes}");
    }

    #[test]
    fn telephones_cannot_be_real() {
        for person in all(500).into_iter().flatten() {
            if let Some(line) = person.phone {
                assert!(line.len() == 12 && line.split('-').nth(1).unwrap().starts_with('1'), "{line}");
            }
            for number in person.mobile.into_iter().flatten() {
                assert!(number.len() == 13 && number.split('-').nth(1).unwrap().starts_with('0'), "{number}");
            }
        }
    }
}
