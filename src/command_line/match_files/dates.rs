//! Birth dates as files write them: ISO, compact, with an era, or in a form that the mapping tells.

use crate::matching::normalize::fold;

/// The date as `yyyymmdd`, zeros where a part is unknown. A day that no calendar has is kept as written: a slip of a
/// digit is evidence too.
pub fn read(text: &str, format: Option<&str>) -> Option<u32> {
    let text = fold(text);
    if text.is_empty() {
        return None;
    }
    if let Some(format) = format {
        let date = jiff::civil::Date::strptime(format, &text).ok()?;
        let part = |n: i8| u32::try_from(n).ok();
        return number(u32::try_from(date.year()).ok()?, part(date.month())?, part(date.day())?);
    }
    if let Some((start, rest)) = era(&text) {
        let parts = numbers(&rest.replace('元', "1"));
        let year = start.checked_add(*parts.first()?)?;
        return number(year, parts.get(1).copied().unwrap_or(0), parts.get(2).copied().unwrap_or(0));
    }
    // A time of day may follow.
    let day = text.split([' ', 't']).next().unwrap_or_default();
    match numbers(day).as_slice() {
        [compact] if day.len() == 8 => number(compact / 10_000, compact / 100 % 100, compact % 100),
        [compact] if day.len() == 6 => number(compact / 100, compact % 100, 0),
        [year] if day.len() == 4 => number(*year, 0, 0),
        [year, month] => number(*year, *month, 0),
        [year, month, date] if *year > 31 => number(*year, *month, *date),
        _ => None,
    }
}

fn number(year: u32, month: u32, day: u32) -> Option<u32> {
    (year > 0 && year < 10_000 && month < 100 && day < 100).then(|| year * 10_000 + month * 100 + day)
}

fn numbers(text: &str) -> Vec<u32> {
    let parts = text.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty());
    parts.map(|part| part.parse().unwrap_or(0)).collect()
}

/// The year before the first of the era, and what follows the era's name.
fn era(text: &str) -> Option<(u32, &str)> {
    const ERAS: [(&str, char, u32); 5] =
        [("明治", 'm', 1867), ("大正", 't', 1911), ("昭和", 's', 1925), ("平成", 'h', 1988), ("令和", 'r', 2018)];
    ERAS.iter().find_map(|(name, letter, start)| {
        let rest = text.strip_prefix(name).or_else(|| text.strip_prefix(*letter))?;
        rest.starts_with(|c: char| c.is_ascii_digit() || c == '元' || c == '.').then_some((*start, rest))
    })
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn dates_are_read() {
        for (text, format, expect) in [
            ("1980-03-14", None, Some(19_800_314)),
            ("1980/3/14", None, Some(19_800_314)),
            ("１９８０年３月１４日", None, Some(19_800_314)),
            ("19800314", None, Some(19_800_314)),
            ("1980-03", None, Some(19_800_300)),
            ("1980", None, Some(19_800_000)),
            ("1980-03-14T00:00:00", None, Some(19_800_314)),
            ("S55.3.14", None, Some(19_800_314)),
            ("昭和55年3月14日", None, Some(19_800_314)),
            ("令和元年5月1日", None, Some(20_190_501)),
            ("14/03/1980", Some("%d/%m/%Y"), Some(19_800_314)),
            ("19801345", None, Some(19_801_345)),
            ("14/03/1980", None, None),
            ("h4294967295", None, None),
            ("4000000000-12", None, None),
            ("unknown", None, None),
            ("", None, None),
        ] {
            assert_eq!(read(text, format), expect, "{text}");
        }
    }
}
