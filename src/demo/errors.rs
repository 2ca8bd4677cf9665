//! What clerks do to a person's particulars: one person, written down differently at each facility.
//!
//! Every slip is drawn from the record's own stream and told to the caller, so that rates can be measured.
//! A slip must never leave a record without any name.

use super::names::{PREFECTURE, words};
use super::people::{Home, Person, YEAR, date, mobile};
use super::random::Random;
use super::scripts;
use crate::identity::{
    Address, AddressPart, AddressPartKind, Demographics, Field, PartialDate, PersonName, Representation, Sex, Telecom,
    TelecomScheme, UnknownReason,
};

/// One kind of slip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Slip {
    /// A character of another form: 齋 for 斎.
    KanjiVariant,
    /// Only kana was written down.
    KanjiMissing,
    /// Kana in half width.
    HalfWidthKana,
    /// Hiragana for katakana.
    Hiragana,
    /// No kana.
    KanaMissing,
    /// ヨ for ョ.
    SmallKana,
    /// One kana is another.
    KanaTypo,
    /// No Latin letters.
    RomajiMissing,
    /// The household's address before.
    MovedAddress,
    /// The block in another notation.
    BlockRewritten,
    /// A digit of the birth date is another.
    BirthDigit,
    /// Day and month changed places.
    BirthSwapped,
    /// The other sex.
    SexTypo,
    /// The surname before marriage.
    MarriedSurname,
    /// No telephone.
    PhoneMissing,
    /// The telephone before.
    PhoneChanged,
    /// Family and given name changed places.
    NamesSwapped,
    /// A newborn without a name yet.
    BabyName,
}

/// How often each slip occurs where it can, in a thousand records. Informed guesses: there is no public
/// Japanese ground truth.
pub const RATES: [(Slip, u32); 18] = [
    (Slip::KanjiVariant, 80),
    (Slip::KanjiMissing, 30),
    (Slip::HalfWidthKana, 60),
    (Slip::Hiragana, 30),
    (Slip::KanaMissing, 40),
    (Slip::SmallKana, 60),
    (Slip::KanaTypo, 10),
    (Slip::RomajiMissing, 600),
    (Slip::MovedAddress, 100),
    (Slip::BlockRewritten, 450),
    (Slip::BirthDigit, 12),
    (Slip::BirthSwapped, 2),
    (Slip::SexTypo, 5),
    (Slip::MarriedSurname, 60),
    (Slip::PhoneMissing, 120),
    (Slip::PhoneChanged, 50),
    (Slip::NamesSwapped, 3),
    (Slip::BabyName, 400),
];

/// Draws the slips of one record.
pub fn draw(random: &mut Random) -> Vec<Slip> {
    RATES.iter().filter_map(|(slip, rate)| random.per_mille(*rate).then_some(*slip)).collect()
}

/// The record that a clerk who makes `slips` writes of `person`, and the slips that left a trace.
pub fn write_down(person: &Person, slips: &[Slip], random: &mut Random) -> (Demographics, Vec<Slip>) {
    let mut desk = Desk { slips, made: Vec::new(), random };
    let names = desk.names(person);
    let birth_date = desk.birth(person);
    let sex = match (person.sex, desk.makes(Slip::SexTypo)) {
        (Sex::Male, true) => Sex::Female,
        (Sex::Female, true) => Sex::Male,
        (sex, _) => sex,
    };
    let home = if desk.makes(Slip::MovedAddress) { &person.previous } else { &person.home };
    let addresses = vec![desk.address(home)];
    let telecoms = desk.telecoms(person);
    let said = Demographics {
        names: Field::Set(names),
        sex: Field::Set(sex),
        birth_date: Field::Set(birth_date),
        addresses: Field::Set(addresses),
        telecoms: if telecoms.is_empty() { Field::Unknown(UnknownReason::NoInformation) } else { Field::Set(telecoms) },
        multiple_birth: if person.twin.is_some() { Field::Set(true) } else { Field::Keep },
        birth_order: person.twin.map_or(Field::Keep, Field::Set),
        ..Default::default()
    };
    // A record as stored says nothing further where nothing is said.
    (said.over(Demographics::default()), desk.made)
}

struct Desk<'a> {
    slips: &'a [Slip],
    made: Vec<Slip>,
    random: &'a mut Random,
}

impl Desk<'_> {
    fn has(&self, slip: Slip) -> bool {
        self.slips.contains(&slip)
    }

    /// Whether the slip was drawn; then it is noted as made.
    fn makes(&mut self, slip: Slip) -> bool {
        let drawn = self.has(slip);
        if drawn {
            self.made.push(slip);
        }
        drawn
    }

    /// `new` in place of `old` where the slip was drawn and changes something.
    fn change(&mut self, slip: Slip, old: &mut String, new: impl FnOnce(&str, &mut Random) -> String) {
        if self.has(slip) {
            let written = new(old, self.random);
            if written != *old {
                *old = written;
                self.note(slip);
            }
        }
    }

    fn note(&mut self, slip: Slip) {
        if !self.made.contains(&slip) {
            self.made.push(slip);
        }
    }

    fn names(&mut self, person: &Person) -> Vec<PersonName> {
        let surname = match person.maiden {
            Some(maiden) if maiden != person.surname && self.makes(Slip::MarriedSurname) => maiden,
            _ => person.surname,
        };
        let mut kanji = [surname.kanji.to_owned(), person.given.kanji.to_owned()];
        let mut kana = [surname.kana.to_owned(), person.given.kana.to_owned()];
        let mut romaji = [surname.romaji.to_owned(), person.given.romaji.to_owned()];
        if person.age == 0 && self.makes(Slip::BabyName) {
            for (name, placeholder) in [(&mut kanji, "ベビー"), (&mut kana, "ベビー"), (&mut romaji, "Baby")] {
                let [_, given] = name;
                placeholder.clone_into(given);
            }
        }
        for part in &mut kanji {
            self.change(Slip::KanjiVariant, part, scripts::variant);
        }
        let typo_part = usize::from(self.random.per_mille(500));
        if let Some(part) = kana.get_mut(typo_part) {
            self.change(Slip::KanaTypo, part, scripts::kana_typo);
        }
        for part in &mut kana {
            self.change(Slip::SmallKana, part, |text, _| scripts::large_kana(text));
            if self.has(Slip::HalfWidthKana) {
                self.change(Slip::HalfWidthKana, part, |text, _| scripts::half_width(text));
            } else {
                self.change(Slip::Hiragana, part, |text, _| scripts::hiragana(text));
            }
        }
        if self.makes(Slip::NamesSwapped) {
            kanji.reverse();
            kana.reverse();
            romaji.reverse();
        }
        self.representations(kanji, kana, romaji)
    }

    fn representations(&mut self, kanji: [String; 2], kana: [String; 2], romaji: [String; 2]) -> Vec<PersonName> {
        let mut names = Vec::new();
        let no_kanji = self.makes(Slip::KanjiMissing);
        // A record without kanji and kana would be no record of a Japanese desk.
        let no_kana = !no_kanji && self.makes(Slip::KanaMissing);
        let no_romaji = self.makes(Slip::RomajiMissing);
        for (left_out, representation, [family, given]) in [
            (no_kanji, Representation::Ideographic, kanji),
            (no_kana, Representation::Syllabic, kana),
            (no_romaji, Representation::Alphabetic, romaji),
        ] {
            if !left_out {
                names.push(PersonName::simple(Some(representation), &family, &given));
            }
        }
        names
    }

    fn birth(&mut self, person: &Person) -> PartialDate {
        let (year, month, day) =
            (person.birth.year(), person.birth.month().unwrap_or(1), person.birth.day().unwrap_or(1));
        let mut written = person.birth.clone();
        if self.has(Slip::BirthSwapped) && day <= 12 && day != month {
            written = date(year, day, month);
            self.note(Slip::BirthSwapped);
        } else if self.has(Slip::BirthDigit) {
            written = match self.random.below(3) {
                0 => date(year - 10, month, day),
                1 => date(year, if month > 9 { month - 9 } else { month % 9 + 1 }, day),
                _ => date(year, month, if day % 10 < 8 { day + 1 } else { day - 1 }),
            };
            if written != person.birth {
                self.note(Slip::BirthDigit);
            }
        }
        // Nobody is written down before being born.
        if u32::try_from(written.year()).unwrap_or(0) >= YEAR { person.birth.clone() } else { written }
    }

    fn address(&mut self, home: &Home) -> Address {
        let [chome, ban, go] = home.block;
        let style = if self.makes(Slip::BlockRewritten) { 1 + self.random.below(5) } else { 0 };
        let block = match style {
            0 => format!("{chome}丁目{ban}番{go}号"),
            1 => format!("{chome}-{ban}-{go}"),
            2 => scripts::full_width(&format!("{chome}-{ban}-{go}")),
            3 => scripts::full_width(&format!("{chome}丁目{ban}番{go}号")),
            4 => format!("{chome}丁目{ban}番地{go}"),
            _ => format!("{}丁目{ban}-{go}", scripts::kanji_digit(chome)),
        };
        let part = |kind, value: &str| AddressPart { kind, value: value.to_owned() };
        let mut parts = vec![part(AddressPartKind::State, PREFECTURE)];
        let town = words().towns.get(home.town);
        if let Some(town) = town {
            parts.push(part(AddressPartKind::City, town.city));
            parts.push(part(AddressPartKind::Precinct, town.name));
        }
        parts.push(part(AddressPartKind::StreetAddressLine, &block));
        if let Some((name, room)) = home.building {
            let room = match style {
                0 | 4 => format!("{name}{room}号室"),
                2 | 3 => format!("{name}　{}", scripts::full_width(&room.to_string())),
                _ => format!("{name} {room}"),
            };
            parts.push(part(AddressPartKind::StreetAddressLine, &room));
        }
        if let Some(town) = town {
            parts.push(part(AddressPartKind::PostalCode, town.postal_code));
        }
        Address { uses: vec!["HP".to_owned()], parts }
    }

    fn telecoms(&mut self, person: &Person) -> Vec<Telecom> {
        let telecom = |usage: &str, number: &str| Telecom {
            uses: vec![usage.to_owned()],
            scheme: TelecomScheme::Phone,
            value: format!("tel:{number}"),
        };
        let reachable = person.phone.is_some() || person.mobile.is_some();
        if reachable && self.makes(Slip::PhoneMissing) {
            return Vec::new();
        }
        let changed = reachable && self.makes(Slip::PhoneChanged);
        let before = changed.then(|| mobile(self.random));
        let mut found = Vec::new();
        if let Some(phone) = person.phone.as_deref().filter(|_| !changed) {
            found.push(telecom("HP", phone));
        }
        match (&person.mobile, before) {
            (Some([_, old]), Some(_)) => found.push(telecom("MC", old)),
            (Some([now, _]), None) => found.push(telecom("MC", now)),
            (None, Some(other)) => found.push(telecom("MC", &other)),
            (None, None) => {}
        }
        found
    }
}

#[cfg(test)]
mod tests;
