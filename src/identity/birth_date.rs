//! A date that keeps the precision with which it was given. Birth dates never shift between time zones.

use std::fmt;

/// How much of a date is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Precision {
    /// The year.
    Year,
    /// Year and month.
    Month,
    /// The day.
    Day,
}

/// A calendar date of known precision; the time of day, where one was sent, is kept as text.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PartialDate {
    year: i16,
    month: u8,
    day: u8,
    /// What followed the day in the HL7 form: `hhmmss.f±zzzz`, or empty.
    time: String,
}

/// Why a text or number is no date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateError;

impl fmt::Display for DateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a calendar date of the form YYYY, YYYYMM or YYYYMMDD with an optional time")
    }
}

impl std::error::Error for DateError {}

impl PartialDate {
    /// A date of the given precision; `month` and `day` are 0 where unknown.
    pub fn new(year: i16, month: u8, day: u8) -> Result<Self, DateError> {
        let known = month != 0 || day == 0;
        if !(0..=9999).contains(&year) || month > 12 || !known || day > days_in(year, month) {
            return Err(DateError);
        }
        Ok(Self { year, month, day, time: String::new() })
    }

    /// Reads the HL7 form (v2 DT/DTM, v3 TS): `YYYY[MM[DD[HH[MM[SS[.f]]]]]][±ZZZZ]`.
    pub fn parse_hl7(text: &str) -> Result<Self, DateError> {
        let zone_at = text.find(['+', '-']).unwrap_or(text.len());
        let (moment, zone) = text.split_at_checked(zone_at).ok_or(DateError)?;
        let (digits, fraction) = moment.split_once('.').map_or((moment, None), |(d, f)| (d, Some(f)));
        let all_digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
        let even = matches!(digits.len(), 4 | 6 | 8 | 10 | 12 | 14);
        let fraction_fits = fraction.is_none_or(|f| digits.len() == 14 && all_digits(f));
        let zone_fits =
            zone.is_empty() || (digits.len() > 8 && zone.len() <= 5 && zone.get(1..).is_some_and(all_digits));
        if !all_digits(digits) || !even || !fraction_fits || !zone_fits {
            return Err(DateError);
        }
        let number =
            |from: usize, to: usize| digits.get(from..to).map_or(Ok(0), |s| s.parse::<i16>()).map_err(|_| DateError);
        let small = |from, to| number(from, to).and_then(|n| u8::try_from(n).map_err(|_| DateError));
        let month = small(4, 6)?;
        let day = small(6, 8)?;
        if (digits.len() >= 6 && month == 0) || (digits.len() >= 8 && day == 0) {
            return Err(DateError);
        }
        if small(8, 10)? > 24 || small(10, 12)? > 59 || small(12, 14)? > 60 {
            return Err(DateError);
        }
        let mut date = Self::new(number(0, 4)?, month, day)?;
        date.time = text.get(8..).unwrap_or_default().to_owned();
        Ok(date)
    }

    /// The HL7 form, as precise as it was given.
    pub fn to_hl7(&self) -> String {
        match self.precision() {
            Precision::Year => format!("{:04}", self.year),
            Precision::Month => format!("{:04}{:02}", self.year, self.month),
            Precision::Day => format!("{:04}{:02}{:02}{}", self.year, self.month, self.day, self.time),
        }
    }

    /// How much is known.
    pub fn precision(&self) -> Precision {
        match (self.month, self.day) {
            (0, _) => Precision::Year,
            (_, 0) => Precision::Month,
            _ => Precision::Day,
        }
    }

    /// The year.
    pub fn year(&self) -> i16 {
        self.year
    }

    /// The month, 1 to 12, where known.
    pub fn month(&self) -> Option<u8> {
        (self.month != 0).then_some(self.month)
    }

    /// The day of the month, where known.
    pub fn day(&self) -> Option<u8> {
        (self.day != 0).then_some(self.day)
    }

    /// The first and the last day of the period that this date denotes, as `yyyymmdd` numbers.
    pub fn period(&self) -> (i32, i32) {
        let number = |month: u8, day: u8| i32::from(self.year) * 10_000 + i32::from(month) * 100 + i32::from(day);
        match self.precision() {
            Precision::Year => (number(1, 1), number(12, 31)),
            Precision::Month => (number(self.month, 1), number(self.month, days_in(self.year, self.month))),
            Precision::Day => (number(self.month, self.day), number(self.month, self.day)),
        }
    }
}

impl fmt::Debug for PartialDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PartialDate({:?}, …)", self.precision())
    }
}

fn days_in(year: i16, month: u8) -> u8 {
    match month {
        0 => 0,
        2 if (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_the_hl7_form() {
        for good in ["1940", "194001", "19400229", "1940022913", "19400229135959.5+0900"] {
            assert_eq!(PartialDate::parse_hl7(good).unwrap().to_hl7(), good);
        }
        for bad in [
            "",
            "194",
            "19400230",
            "19410229",
            "194000",
            "19401301",
            "19400101+0900",
            "2014-04-01T20:08:38Z",
            "2020923",
            "１９４０",
        ] {
            assert_eq!(PartialDate::parse_hl7(bad), Err(DateError), "{bad}");
        }
    }

    #[test]
    fn a_year_denotes_all_its_days() {
        assert_eq!(PartialDate::parse_hl7("1940").unwrap().period(), (19_400_101, 19_401_231));
        assert_eq!(PartialDate::parse_hl7("194002").unwrap().period(), (19_400_201, 19_400_229));
    }
}
