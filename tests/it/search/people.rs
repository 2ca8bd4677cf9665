//! Invented people and invented questions about them.

use crate::support::{demographics, id, oid};
use nayose::identity::{
    Address, AddressPart, AddressPartKind, BirthCriterion, Coded, Demographics, DemographicsQuery, Field,
    NameCriterion, NamePart, NamePartKind, PartialDate, PersonName, Relationship, Representation, Sex, Telecom,
    TelecomScheme,
};

/// Numbers that look like chance, the same for the same seed.
pub struct Dice(pub u64);

impl Dice {
    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((x ^ (x >> 31)) % end as u64) as usize
    }

    /// Whether something happens that does so many times of a hundred.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

/// The domains in which people have numbers.
pub const KEYS: [&str; 4] = ["h01", "h02", "h03", "c01"];
pub const OIDS: [&str; 4] = ["2.999.1.11", "2.999.1.12", "2.999.1.13", "2.999.1.21"];

/// A name in every writing: kanji in two forms, kana, kana by its letters, and a slip of one letter in them.
pub struct Word {
    pub kanji: [&'static str; 2],
    pub kana: &'static str,
    pub sound: &'static str,
    slip: &'static str,
}

const fn word(kanji: [&'static str; 2], kana: &'static str, sound: &'static str, slip: &'static str) -> Word {
    Word { kanji, kana, sound, slip }
}

// The sounds are their own class: no long vowel, no doubled letter, none that has two spellings.
const FAMILIES: [Word; 10] = [
    word(["高橋", "髙橋"], "タカハシ", "takahasi", "takahagi"),
    word(["高畑", "髙畑"], "タカハタ", "takahata", "takahatu"),
    word(["吉田", "𠮷田"], "ヨシダ", "yosida", "yosido"),
    word(["山崎", "山﨑"], "ヤマザキ", "yamazaki", "yamasaki"),
    word(["山田", "山田"], "ヤマダ", "yamada", "yamado"),
    word(["浜田", "濱田"], "ハマダ", "hamada", "hamata"),
    word(["中村", "中村"], "ナカムラ", "nakamura", "nakamora"),
    word(["小沢", "小澤"], "コザワ", "kozawa", "kozawe"),
    word(["広瀬", "廣瀬"], "ヒロセ", "hirose", "hirosa"),
    word(["森", "森"], "モリ", "mori", "mory"),
];

const GIVEN: [Word; 10] = [
    word(["花子", "花子"], "ハナコ", "hanako", "hanaka"),
    word(["花江", "花江"], "ハナエ", "hanae", "hanao"),
    word(["正和", "正和"], "マサカズ", "masakazu", "masakasu"),
    word(["正広", "正廣"], "マサヒロ", "masahiro", "masahira"),
    word(["友子", "友子"], "トモコ", "tomoko", "tomoka"),
    word(["秋", "秋"], "アキ", "aki", "ako"),
    word(["春樹", "春樹"], "ハルキ", "haruki", "haruko"),
    word(["直美", "直美"], "ナオミ", "naomi", "naoki"),
    word(["実", "實"], "ミノル", "minoru", "minora"),
    word(["里沙", "里沙"], "リサ", "risa", "rina"),
];

#[derive(Clone, PartialEq, Default)]
pub struct Spot<T> {
    pub postal: T,
    pub city: T,
    pub town: T,
}

pub struct Person {
    /// Domain by its number here, and value.
    pub ids: Vec<(usize, String)>,
    pub family: &'static Word,
    pub given: &'static Word,
    pub sex: Sex,
    pub birth: String,
    pub place: Spot<String>,
    pub phone: Option<String>,
    pub mother: Option<&'static Word>,
    variant: usize,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Form {
    Kanji,
    Kana,
    Sound,
}

/// A part of a name as it is asked for: as it is written, and what that is in each form that it can be held against.
#[derive(Clone)]
pub struct Text {
    pub written: String,
    pub forms: Vec<(Form, String)>,
}

#[derive(Clone)]
pub struct AskedName {
    pub family: Option<Text>,
    pub given: Option<Text>,
    pub similar: bool,
}

/// A question.
#[derive(Default)]
pub struct Asked {
    pub names: Vec<AskedName>,
    pub sex: Option<Sex>,
    pub birth: Option<(i32, i32)>,
    pub addresses: Vec<Spot<Option<String>>>,
    pub phones: Vec<String>,
    pub ids: Vec<(usize, String)>,
    pub mothers: Vec<Text>,
    pub domains: Vec<usize>,
    pub minimum: Option<u8>,
    pub source: Option<usize>,
    pub quantity: Option<u32>,
}

/// How many parameters there are: each can be asked alone.
pub const PARAMETERS: usize = 7;

fn city(rng: &mut Dice) -> String {
    (*rng.pick(&["星見市", "月代市", "雲居市"])).to_owned()
}

fn town(rng: &mut Dice) -> String {
    (*rng.pick(&["青葉町", "若草町", "夕凪町", "露草町"])).to_owned()
}

impl Person {
    /// Person `number` of a population of `of`.
    pub fn random(rng: &mut Dice, number: usize, of: usize) -> Self {
        let first = rng.below(KEYS.len());
        let second = rng.below(KEYS.len());
        let mut ids = vec![(first, format!("n{number}"))];
        if second != first && rng.chance(30) {
            ids.push((second, format!("n{number}")));
        }
        let (year, month, day) = (1930 + rng.below(90), 1 + rng.below(12), 2 + rng.below(27));
        let birth = match rng.below(20) {
            0 => format!("{year}"),
            1 => format!("{year}{month:02}"),
            _ => format!("{year}{month:02}{day:02}"),
        };
        let postal = format!("9{:06}", rng.below(of.max(100) / 20) * 7 + 1);
        Self {
            ids,
            family: rng.pick(&FAMILIES),
            given: rng.pick(&GIVEN),
            sex: if rng.chance(50) { Sex::Female } else { Sex::Male },
            birth,
            place: Spot { postal, city: city(rng), town: town(rng) },
            phone: rng.chance(90).then(|| format!("050{:08}", 10_000_007 + number / 3 * 11)),
            mother: rng.chance(50).then(|| rng.pick(&FAMILIES)),
            variant: rng.below(2),
        }
    }

    /// The first and the last day of the birth.
    pub fn period(&self) -> (i32, i32) {
        PartialDate::parse_hl7(&self.birth).unwrap().period()
    }

    /// What a source says of this person.
    pub fn said(&self) -> Demographics {
        let name = |form, family: &str, given: &str| PersonName::simple(Some(form), family, given);
        let (kanji, kana) = (Representation::Ideographic, Representation::Syllabic);
        let both = |word: &Word| {
            let family = |form, text: &str| PersonName::simple(Some(form), text, "");
            vec![family(kanji, word.kanji[self.variant]), family(kana, word.kana)]
        };
        let mother = |word: &Word| Relationship {
            code: Coded {
                code: "MTH".to_owned(),
                system: "2.16.840.1.113883.5.111".to_owned(),
                display: String::new(),
            },
            names: both(word),
        };
        Demographics {
            names: Field::Set(vec![
                name(kanji, self.family.kanji[self.variant], self.given.kanji[self.variant]),
                name(kana, self.family.kana, self.given.kana),
            ]),
            sex: Field::Set(self.sex),
            birth_date: Field::Set(PartialDate::parse_hl7(&self.birth).unwrap()),
            addresses: Field::Set(vec![address(&Spot {
                postal: Some(self.place.postal.clone()),
                city: Some(self.place.city.clone()),
                town: Some(format!("{}3丁目2番1号", self.place.town)),
            })]),
            telecoms: self.phone.as_ref().map_or(Field::Keep, |phone| Field::Set(vec![telecom(phone)])),
            relationships: self.mother.map_or(Field::Keep, |word| Field::Set(vec![mother(word)])),
            ..demographics(&crate::support::hanako())
        }
    }
}

fn address(spot: &Spot<Option<String>>) -> Address {
    let parts = [
        (AddressPartKind::PostalCode, &spot.postal),
        (AddressPartKind::City, &spot.city),
        (AddressPartKind::StreetAddressLine, &spot.town),
    ];
    let given = parts.into_iter().filter_map(|(kind, text)| Some(AddressPart { kind, value: text.clone()? }));
    Address { uses: Vec::new(), parts: given.collect() }
}

fn telecom(phone: &str) -> Telecom {
    let value = format!("tel:{}-{}-{}", &phone[..3], &phone[3..7], &phone[7..]);
    Telecom { uses: Vec::new(), scheme: TelecomScheme::Phone, value }
}

fn hiragana(text: &str) -> String {
    text.chars().map(|c| char::from_u32(u32::from(c) - 0x60).unwrap()).collect()
}

impl Text {
    fn random(rng: &mut Dice, word: &Word) -> Self {
        let cut = |text: &str, n: usize| text.chars().take(n).collect::<String>();
        match rng.below(9) {
            0 | 1 => Self::of(word.kanji[rng.below(2)], vec![(Form::Kanji, word.kanji[0].to_owned())]),
            2 => Self::of(word.kana, Self::by_kana(word.kana, word.sound)),
            3 => Self::of(&hiragana(word.kana), vec![(Form::Sound, word.sound.to_owned())]),
            4 => Self::of(&word.sound.to_uppercase(), vec![(Form::Sound, word.sound.to_owned())]),
            5 => Self::of(word.slip, vec![(Form::Sound, word.slip.to_owned())]),
            6 => {
                let head = format!("{}*", cut(word.sound, 3));
                Self::of(&head, vec![(Form::Sound, head.clone())])
            }
            7 => {
                let last: String = word.kanji[0].chars().rev().take(1).collect();
                Self::of(&format!("*{last}"), vec![(Form::Kanji, format!("*{last}"))])
            }
            _ => {
                let head = cut(word.kanji[0], 1);
                Self::of(&head, vec![(Form::Kanji, head.clone())])
            }
        }
    }

    fn of(written: &str, forms: Vec<(Form, String)>) -> Self {
        Self { written: written.to_owned(), forms }
    }

    /// Kana are a spelling of their own, too.
    fn by_kana(kana: &str, sound: &str) -> Vec<(Form, String)> {
        vec![(Form::Kana, kana.to_owned()), (Form::Sound, sound.to_owned())]
    }
}

impl AskedName {
    fn random(rng: &mut Dice, person: &Person) -> Self {
        let parts = rng.below(3);
        Self {
            family: (parts != 1).then(|| Text::random(rng, person.family)),
            given: (parts != 0).then(|| Text::random(rng, person.given)),
            similar: rng.chance(20),
        }
    }
}

fn number(birth: &str) -> (i32, i32) {
    PartialDate::parse_hl7(birth).unwrap().period()
}

impl Asked {
    /// A question by these parameters, most of them about one person of the population.
    pub fn random(rng: &mut Dice, people: &[Person], parameters: &[usize]) -> Self {
        let person = rng.pick(people);
        let mut asked = Self::default();
        for parameter in parameters {
            asked.add(rng, *parameter, person, people);
        }
        asked.minimum = rng.chance(20).then(|| 70 + rng.below(31) as u8);
        asked.quantity = rng.chance(40).then(|| 1 + rng.below(40) as u32);
        asked.source = rng.chance(20).then(|| person.ids[0].0);
        if rng.chance(20) {
            asked.domains = vec![rng.below(KEYS.len())];
            asked.domains.extend(rng.chance(50).then_some((asked.domains[0] + 1) % KEYS.len()));
        }
        asked
    }

    fn add(&mut self, rng: &mut Dice, parameter: usize, person: &Person, people: &[Person]) {
        let other = rng.pick(people);
        match parameter {
            0 => {
                self.names.push(AskedName::random(rng, person));
                if rng.chance(30) {
                    self.names.push(AskedName::random(rng, other));
                }
            }
            1 => self.sex = Some(person.sex),
            2 => {
                let (first, last) = person.period();
                self.birth = Some(match rng.below(4) {
                    0 => (first, last),
                    1 => number(&person.birth[..4]),
                    2 => (first - 50_000, last),
                    _ => (first / 100 * 100 + 1, first / 100 * 100 + 28),
                });
            }
            3 => {
                let of = |rng: &mut Dice, place: &Spot<String>| {
                    let which = 1 + rng.below(7);
                    let part = |bit: usize, text: &String| (which & bit != 0).then(|| text.clone());
                    Spot { postal: part(1, &place.postal), city: part(2, &place.city), town: part(4, &place.town) }
                };
                self.addresses.push(of(rng, &person.place));
                if rng.chance(30) {
                    self.addresses.push(of(rng, &other.place));
                }
            }
            4 => self.phones.extend(person.phone.iter().chain(&other.phone).cloned()),
            5 => {
                let own = rng.chance(90);
                self.ids.extend(person.ids.iter().take(1 + rng.below(2)).cloned());
                self.ids.extend((!own).then(|| other.ids[0].clone()));
            }
            _ => {
                let word = person.mother.unwrap_or(&FAMILIES[0]);
                self.mothers.push(Text::random(rng, word));
            }
        }
    }

    /// Whether anything says whom is sought.
    pub fn constrains(&self) -> bool {
        let lists = [self.names.len(), self.addresses.len(), self.phones.len(), self.mothers.len(), self.ids.len()];
        lists.iter().any(|n| *n > 0) || self.sex.is_some() || self.birth.is_some()
    }

    /// As the product takes it.
    pub fn criteria(&self) -> DemographicsQuery {
        let part = |kind, text: &Option<Text>| {
            text.as_ref().map(|text| NamePart { kind, value: text.written.clone(), qualifiers: Vec::new() })
        };
        let name = |asked: &AskedName| NameCriterion {
            name: PersonName {
                uses: Vec::new(),
                representation: None,
                parts: part(NamePartKind::Family, &asked.family)
                    .into_iter()
                    .chain(part(NamePartKind::Given, &asked.given))
                    .collect(),
            },
            similar: asked.similar,
        };
        let mother = |text: &Text| PersonName {
            parts: part(NamePartKind::Family, &Some(text.clone())).into_iter().collect(),
            ..PersonName::default()
        };
        DemographicsQuery {
            names: self.names.iter().map(name).collect(),
            sex: self.sex,
            birth: self.birth.map(|(from, to)| BirthCriterion { from: Some(from), to: Some(to) }),
            addresses: self.addresses.iter().map(address).collect(),
            telecoms: self.phones.iter().map(|phone| telecom(phone)).collect(),
            identifiers: self.ids.iter().map(|(domain, value)| id(KEYS[*domain], value)).collect(),
            mothers_maiden_names: self.mothers.iter().map(mother).collect(),
            domains: self.domains.iter().map(|domain| oid(OIDS[*domain])).collect(),
            minimum_degree: self.minimum,
        }
    }
}
