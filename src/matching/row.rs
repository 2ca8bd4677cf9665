//! The comparison record as bytes: what the store keeps beside the blocking keys.
//!
//! The first byte is the version of the form; a reader refuses one that it does not know.

use super::normalize::address::Place;
use super::record::{ComparisonRecord, NamePair};
use crate::identity::Sex;
use std::fmt;

const VERSION: u8 = 1;

/// Why bytes are no comparison row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowError {
    /// Written by another version.
    Version(u8),
    /// Cut short, too long, or not text.
    Malformed,
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RowError::Version(found) => write!(f, "comparison row of version {found}, this program reads {VERSION}"),
            RowError::Malformed => f.write_str("comparison row is malformed"),
        }
    }
}

impl std::error::Error for RowError {}

struct Writer(Vec<u8>);

impl Writer {
    fn count(&mut self, n: usize) {
        self.0.push(u8::try_from(n).unwrap_or(u8::MAX));
    }

    fn text(&mut self, text: &str) {
        let mut end = text.len().min(usize::from(u8::MAX));
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        self.count(end);
        self.0.extend_from_slice(text.as_bytes().get(..end).unwrap_or_default());
    }

    fn pairs(&mut self, pairs: &[NamePair]) {
        self.count(pairs.len().min(usize::from(u8::MAX)));
        for pair in pairs.iter().take(usize::from(u8::MAX)) {
            self.text(&pair.family);
            self.text(&pair.given);
        }
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn byte(&mut self) -> Result<u8, RowError> {
        let (first, rest) = self.0.split_first().ok_or(RowError::Malformed)?;
        self.0 = rest;
        Ok(*first)
    }

    fn text(&mut self) -> Result<String, RowError> {
        let length = usize::from(self.byte()?);
        let (text, rest) = self.0.split_at_checked(length).ok_or(RowError::Malformed)?;
        self.0 = rest;
        std::str::from_utf8(text).map(str::to_owned).map_err(|_| RowError::Malformed)
    }

    fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Result<T, RowError>) -> Result<Vec<T>, RowError> {
        (0..self.byte()?).map(|_| item(self)).collect()
    }

    fn pair(&mut self) -> Result<NamePair, RowError> {
        Ok(NamePair { family: self.text()?, given: self.text()? })
    }

    fn place(&mut self) -> Result<Place, RowError> {
        Ok(Place {
            postal: self.text()?,
            prefecture: self.text()?,
            city: self.text()?,
            town: self.text()?,
            block: self.text()?,
        })
    }
}

impl ComparisonRecord {
    /// The bytes of the record.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer(vec![VERSION]);
        out.0.extend_from_slice(&self.birth.to_be_bytes());
        out.0.push(match self.sex {
            Some(Sex::Female) => 1,
            Some(Sex::Male) => 2,
            Some(Sex::Undifferentiated) | None => 0,
        });
        out.0.push(self.birth_order);
        out.0.push(u8::from(self.newborn));
        for pairs in [&self.kanji, &self.kana, &self.reading, &self.latin] {
            out.pairs(pairs);
        }
        out.count(self.places.len().min(usize::from(u8::MAX)));
        for place in self.places.iter().take(usize::from(u8::MAX)) {
            for part in [&place.postal, &place.prefecture, &place.city, &place.town, &place.block] {
                out.text(part);
            }
        }
        out.count(self.phones.len().min(usize::from(u8::MAX)));
        for phone in self.phones.iter().take(usize::from(u8::MAX)) {
            out.text(phone);
        }
        out.text(&self.suffix);
        out.text(&self.mother);
        out.0
    }

    /// Reads what [`ComparisonRecord::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, RowError> {
        let mut input = Reader(bytes);
        let version = input.byte()?;
        if version != VERSION {
            return Err(RowError::Version(version));
        }
        let birth = u32::from_be_bytes([input.byte()?, input.byte()?, input.byte()?, input.byte()?]);
        let sex = match input.byte()? {
            0 => None,
            1 => Some(Sex::Female),
            2 => Some(Sex::Male),
            _ => return Err(RowError::Malformed),
        };
        let (birth_order, newborn) = (input.byte()?, input.byte()? != 0);
        let mut names = || input.list(Reader::pair);
        let (kanji, kana, reading, latin) = (names()?, names()?, names()?, names()?);
        let places = input.list(Reader::place)?;
        let phones = input.list(Reader::text)?;
        let (suffix, mother) = (input.text()?, input.text()?);
        if !input.0.is_empty() {
            return Err(RowError::Malformed);
        }
        Ok(Self { kanji, kana, reading, latin, birth, sex, places, phones, suffix, birth_order, mother, newborn })
    }
}
