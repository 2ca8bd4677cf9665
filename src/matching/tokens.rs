//! The single-field tokens by which people are searched.
//!
//! Kinds are stored: a number must never change its meaning.

use super::normalize::address::Place;
use super::normalize::{self, japanese, phone, western};
use super::record::{MOTHER, date_number, family_and_given};
use super::seam::SearchToken;
use crate::identity::{
    Address, Demographics, NamePartKind, PartialDate, PersonName, Representation, Sex, Telecom, TelecomScheme,
};
use std::collections::BTreeSet;

/// The kinds of tokens.
pub mod kind {
    /// Family name in kanji.
    pub const FAMILY_KANJI: i16 = 1;
    /// Given name in kanji.
    pub const GIVEN_KANJI: i16 = 2;
    /// Class of the reading of the family name.
    pub const FAMILY_READING: i16 = 3;
    /// Class of the reading of the given name.
    pub const GIVEN_READING: i16 = 4;
    /// Family name in Latin letters.
    pub const FAMILY_LATIN: i16 = 5;
    /// Given name in Latin letters.
    pub const GIVEN_LATIN: i16 = 6;
    /// Both names in kanji, family first, without a blank.
    pub const FULL_KANJI: i16 = 7;
    /// The classes of both readings, in alphabetical order.
    pub const FULL_READING: i16 = 8;
    /// Birth date of known day, `yyyymmdd`.
    pub const BIRTH: i16 = 9;
    /// Birth date of unknown day: `yyyy`.
    pub const BIRTH_YEAR: i16 = 10;
    /// `F`, `M` or `U`.
    pub const SEX: i16 = 11;
    /// Postal code.
    pub const POSTAL: i16 = 12;
    /// Prefecture or state.
    pub const PREFECTURE: i16 = 13;
    /// City.
    pub const CITY: i16 = 14;
    /// Town or street.
    pub const TOWN: i16 = 15;
    /// Block.
    pub const BLOCK: i16 = 16;
    /// The last digits of a telephone.
    pub const PHONE: i16 = 17;
    /// Mail address.
    pub const MAIL: i16 = 18;
    /// Mother's maiden name in kanji.
    pub const MOTHER_KANJI: i16 = 19;
    /// Class of the reading of the mother's maiden name.
    pub const MOTHER_READING: i16 = 20;
    /// The classes of both readings joined without a blank, family first.
    pub const JOINED_READING: i16 = 21;
}

/// The kinds under which one part of a name is filed: in kanji, by reading, in Latin letters.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum NameKinds {
    /// Family name.
    Family,
    /// Given name.
    Given,
    /// Mother's maiden name.
    Mother,
}

impl NameKinds {
    fn kinds(self) -> (i16, i16, Option<i16>) {
        match self {
            NameKinds::Family => (kind::FAMILY_KANJI, kind::FAMILY_READING, Some(kind::FAMILY_LATIN)),
            NameKinds::Given => (kind::GIVEN_KANJI, kind::GIVEN_READING, Some(kind::GIVEN_LATIN)),
            NameKinds::Mother => (kind::MOTHER_KANJI, kind::MOTHER_READING, None),
        }
    }
}

fn token(kind: i16, value: String) -> SearchToken {
    SearchToken { kind, value }
}

/// The tokens of one part of a name as written; empty where it has no letters.
pub fn name_tokens(kinds: NameKinds, text: &str) -> Vec<SearchToken> {
    let (kanji, reading, latin) = kinds.kinds();
    let tokens = match normalize::script(text) {
        Some(Representation::Ideographic) => vec![token(kanji, japanese::kanji(text))],
        // A name whose official spelling is kana is filed in kanji's place too.
        Some(Representation::Syllabic) => {
            vec![token(reading, japanese::reading(text)), token(kanji, japanese::kanji(text))]
        }
        Some(Representation::Alphabetic) => {
            let name = western::name(text);
            let class = japanese::reading(&name);
            latin.map(|kind| token(kind, name)).into_iter().chain([token(reading, class)]).collect()
        }
        None => Vec::new(),
    };
    tokens.into_iter().filter(|token| !token.value.is_empty()).collect()
}

/// The tokens of a whole name.
pub fn full_tokens(family: &str, given: &str) -> Vec<SearchToken> {
    if family.is_empty() || given.is_empty() {
        return Vec::new();
    }
    if normalize::script(&format!("{family}{given}")) == Some(Representation::Ideographic) {
        return vec![token(kind::FULL_KANJI, format!("{}{}", japanese::kanji(family), japanese::kanji(given)))];
    }
    let class = |text: &str| japanese::reading(&western::folded(text));
    let mut both = [class(family), class(given)];
    let joined = both.concat();
    both.sort();
    vec![token(kind::FULL_READING, both.join(" ")), token(kind::JOINED_READING, joined)]
}

/// The tokens of an address.
pub fn place_tokens(address: &Address) -> Vec<SearchToken> {
    let place = Place::of(address);
    let parts = [
        (kind::POSTAL, place.postal),
        (kind::PREFECTURE, place.prefecture),
        (kind::CITY, place.city),
        (kind::TOWN, place.town),
        (kind::BLOCK, place.block),
    ];
    parts.into_iter().filter(|(_, value)| !value.is_empty()).map(|(kind, value)| token(kind, value)).collect()
}

/// The token of a telephone or mail address; none for others and for numbers that are placeholders.
pub fn telecom_token(telecom: &Telecom) -> Option<SearchToken> {
    let found = match telecom.scheme {
        TelecomScheme::Phone | TelecomScheme::Fax => {
            token(kind::PHONE, phone::tail(&phone::digits(&telecom.value)).to_owned())
        }
        TelecomScheme::Mail => {
            let value = normalize::fold(&telecom.value);
            token(kind::MAIL, value.strip_prefix("mailto:").unwrap_or(&value).to_owned())
        }
        TelecomScheme::Other => return None,
    };
    (!found.value.is_empty()).then_some(found)
}

/// The token of a sex.
pub fn sex_token(sex: Sex) -> SearchToken {
    let code = match sex {
        Sex::Female => "F",
        Sex::Male => "M",
        Sex::Undifferentiated => "U",
    };
    token(kind::SEX, code.to_owned())
}

fn birth_token(date: &PartialDate) -> Option<SearchToken> {
    let number = date_number(date);
    match (number, date.day()) {
        (0, _) => None,
        (_, Some(_)) => Some(token(kind::BIRTH, format!("{number:08}"))),
        (_, None) => Some(token(kind::BIRTH_YEAR, format!("{:04}", date.year()))),
    }
}

/// The words of a name of text only.
pub fn text_words(name: &PersonName) -> Vec<String> {
    let text = normalize::fold(&name.parts_of(NamePartKind::Text).collect::<Vec<_>>().join(" "));
    text.split([' ', ',', '、']).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Whether a name has text but no parts.
pub fn is_text_only(name: &PersonName) -> bool {
    name.family().trim().is_empty() && name.first_given().trim().is_empty() && !text_words(name).is_empty()
}

/// The tokens of a record, distinct and in order. Masked values have none. A name that stands for an unknown one
/// (a newborn's, say) has: it is no evidence, and makes no key, but who asks for it must find it.
pub fn search_tokens(demographics: &Demographics) -> Vec<SearchToken> {
    let mut found: BTreeSet<SearchToken> = BTreeSet::new();
    for name in demographics.names.values() {
        let real = |text: &String| !text.trim().is_empty();
        if is_text_only(name) {
            for word in text_words(name).iter().filter(|word| real(word)) {
                found.extend(name_tokens(NameKinds::Family, word));
                found.extend(name_tokens(NameKinds::Given, word));
            }
            let whole = text_words(name).concat();
            found.insert(token(kind::FULL_KANJI, japanese::kanji(&whole)));
        } else {
            let families = name.parts_of(NamePartKind::Family).map(str::to_owned);
            for family in families.chain([name.family()]).filter(real) {
                found.extend(name_tokens(NameKinds::Family, &family));
            }
            for given in name.parts_of(NamePartKind::Given).map(str::to_owned).filter(real) {
                found.extend(name_tokens(NameKinds::Given, &given));
            }
        }
        let (family, given) = family_and_given(name);
        if real(&family) && real(&given) {
            found.extend(full_tokens(&family, &given));
        }
    }
    found.extend(demographics.birth_date.value().and_then(birth_token));
    found.extend(demographics.sex.value().map(|sex| sex_token(*sex)));
    found.extend(demographics.addresses.values().iter().flat_map(place_tokens));
    found.extend(demographics.telecoms.values().iter().filter_map(telecom_token));
    let mothers = demographics.relationships.values().iter().filter(|relative| relative.code.code == MOTHER);
    for name in mothers.flat_map(|relative| &relative.names) {
        found.extend(mother_words(name).iter().flat_map(|word| name_tokens(NameKinds::Mother, word)));
    }
    found.into_iter().filter(|token| !token.value.is_empty()).collect()
}

/// The words of a mother's maiden name: the family name (that of her birth, where it is told apart), else its text,
/// else what there is.
pub fn mother_words(name: &PersonName) -> Vec<String> {
    let born = name
        .parts
        .iter()
        .filter(|part| part.kind == NamePartKind::Family && part.qualifiers.iter().any(|qualifier| qualifier == "BR"));
    let born = born.map(|part| part.value.as_str()).collect::<Vec<_>>().join(" ");
    let family = if born.trim().is_empty() { name.family() } else { born };
    if !family.trim().is_empty() {
        return vec![family];
    }
    let words = text_words(name);
    if words.is_empty() { name.parts_of(NamePartKind::Given).map(str::to_owned).collect() } else { words }
}
