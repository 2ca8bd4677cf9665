//! Addresses as prefecture, city, town and block, from parts or from a whole line.

use super::{fold, japanese};
use crate::identity::{Address, AddressPartKind};

/// One address for comparison; any part may be empty.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// Digits of the postal code.
    pub postal: String,
    /// Prefecture or state.
    pub prefecture: String,
    /// City, with its ward or its county.
    pub city: String,
    /// Town, or the street.
    pub town: String,
    /// The numbers within the town, `1-2-3`.
    pub block: String,
}

impl Place {
    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.postal.is_empty() && self.city.is_empty() && self.town.is_empty() && self.block.is_empty()
    }

    /// The parts of `address`, taken from where the source put them, else split from its text.
    pub fn of(address: &Address) -> Self {
        use AddressPartKind::{
            City, County, HouseNumber, HouseNumberNumeric, PostalCode, Precinct, State, StreetAddressLine, StreetName,
            StreetNameBase, Text,
        };
        let joined = |kinds: &[AddressPartKind]| {
            let parts = address.parts.iter().filter(|part| kinds.contains(&part.kind));
            fold(&parts.map(|part| part.value.as_str()).collect::<Vec<_>>().join(" "))
        };
        let mut postal = postal(&joined(&[PostalCode]));
        let (mut prefecture, mut city) = (joined(&[State]), joined(&[County, City]));
        let mut rest =
            joined(&[Precinct, StreetName, StreetNameBase, HouseNumber, HouseNumberNumeric, StreetAddressLine, Text]);
        if postal.is_empty() {
            (postal, rest) = leading_postal(rest);
        }
        if is_japanese(&format!("{prefecture}{city}{rest}")) {
            rest = rest.replace(' ', "");
            (prefecture, city, rest) = split_japanese(&prefecture, &city, &rest);
        }
        let (town, block) = split_block(&rest);
        let key = |text: &str| plain(text);
        Self { postal, prefecture: key(&prefecture), city: key(&city), town: key(&town), block }
    }
}

/// A part of an address by which it is compared: kanji variants folded, letters only.
pub fn plain(text: &str) -> String {
    if is_japanese(text) {
        japanese::kanji(text).replace('ヶ', "ケ").replace("大字", "").replace('字', "")
    } else {
        super::western::tokens(text).join(" ")
    }
}

fn is_japanese(text: &str) -> bool {
    text.chars().any(|c| japanese::is_kanji(c) || japanese::is_kana(c))
}

/// The digits of a postal code; placeholders give none.
pub fn postal(text: &str) -> String {
    let digits: String = fold(text).chars().filter(char::is_ascii_alphanumeric).collect();
    if digits.chars().all(|c| c == '0') || digits.chars().all(|c| c == '9') { String::new() } else { digits }
}

fn leading_postal(text: String) -> (String, String) {
    let bare = text.trim_start_matches('〒').trim_start();
    let digits: String = bare.chars().take_while(|c| c.is_ascii_digit() || is_hyphen(*c)).collect();
    let count = digits.chars().filter(char::is_ascii_digit).count();
    match bare.get(digits.len()..) {
        Some(rest) if count == 7 && is_japanese(rest) => (postal(&digits), rest.trim().to_owned()),
        _ => (String::new(), text),
    }
}

fn split_japanese(prefecture: &str, city: &str, rest: &str) -> (String, String, String) {
    let line = format!("{prefecture}{city}{rest}").replace(' ', "");
    let chars: Vec<char> = line.chars().collect();
    let three = chars.get(2).is_some_and(|c| matches!(c, '都' | '道' | '府' | '県'));
    let four = chars.get(3).is_some_and(|c| *c == '県');
    let from = if four {
        4
    } else if three && !line.starts_with("京都市") {
        3
    } else {
        0
    };
    let text = |range: &[char]| range.iter().collect::<String>();
    let (head, tail) = chars.split_at_checked(from).unwrap_or((&[], &chars));
    let until =
        if city.is_empty() { city_end(tail, from > 0) } else { tail.len().saturating_sub(rest.chars().count()) };
    let (city, town) = tail.split_at_checked(until).unwrap_or((&[], tail));
    (text(head), text(city), text(town))
}

/// How many characters the city takes at the head of a line without prefecture.
/// Without a prefecture a bare 町 or 村 is a town, not a municipality.
fn city_end(line: &[char], has_prefecture: bool) -> usize {
    let find = |c: char, from: usize, within: usize| {
        line.iter().enumerate().skip(from).take(within).find(|(_, at)| **at == c).map(|(at, _)| at + 1)
    };
    if let Some(mut end) = find('市', 1, 6) {
        if line.get(end) == Some(&'市') {
            end += 1;
        }
        return find('区', end, 5).unwrap_or(end);
    }
    if let Some(end) = find('郡', 1, 5) {
        return find('町', end + 1, 7).or_else(|| find('村', end + 1, 7)).unwrap_or(end);
    }
    let municipality = || find('町', 1, 5).or_else(|| find('村', 1, 5)).filter(|_| has_prefecture);
    find('区', 1, 5).or_else(municipality).unwrap_or(0)
}

fn is_hyphen(c: char) -> bool {
    matches!(c, '-' | '‐' | '‑' | '–' | '—' | '―' | '−' | 'ー' | 'ｰ' | 'の' | 'ノ' | '~')
}

fn numeral(c: char) -> Option<u32> {
    "〇一二三四五六七八九".chars().position(|n| n == c).and_then(|n| u32::try_from(n).ok())
}

/// Kanji numerals as digits, where a unit of numbering or a hyphen shows that they count.
fn arabic(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::new();
    let mut at = 0;
    while let Some(c) = chars.get(at) {
        let run: Vec<char> =
            chars.iter().skip(at).take_while(|c| numeral(**c).is_some() || matches!(c, '十' | '百')).copied().collect();
        let after = chars.get(at + run.len());
        let counts = after.is_some_and(|c| is_hyphen(*c) || matches!(c, '丁' | '番' | '号'));
        let ends = after.is_none() && out.chars().last().is_some_and(|c| is_hyphen(c) || c.is_ascii_digit());
        let follows = out.chars().last().is_some_and(|c| matches!(c, '目' | '番' | '地' | '号'));
        if run.is_empty() {
            out.push(*c);
            at += 1;
        } else if counts || ends || follows {
            out.push_str(&number(&run));
            at += run.len();
        } else {
            out.extend(&run);
            at += run.len();
        }
    }
    out
}

fn number(run: &[char]) -> String {
    if !run.iter().any(|c| matches!(c, '十' | '百')) {
        return run.iter().filter_map(|c| numeral(*c)).map(|n| n.to_string()).collect();
    }
    let (mut total, mut last) = (0u32, None);
    for c in run {
        match c {
            '十' => total = total.saturating_add(last.take().unwrap_or(1) * 10),
            '百' => total = total.saturating_add(last.take().unwrap_or(1) * 100),
            c => last = numeral(*c),
        }
    }
    total.saturating_add(last.unwrap_or(0)).to_string()
}

/// Town (or street) and block of what follows the city; a building is left out.
fn split_block(text: &str) -> (String, String) {
    let text = if is_japanese(text) { arabic(text) } else { text.to_owned() };
    let digit = text.find(|c: char| c.is_ascii_digit()).unwrap_or(text.len());
    let (town, rest) = text.split_at_checked(digit).unwrap_or((&text, ""));
    if town.trim().is_empty() && !is_japanese(rest) {
        let number: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
        return (rest.get(number.len()..).unwrap_or_default().to_owned(), number);
    }
    (town.trim_end_matches(is_hyphen).to_owned(), block(rest))
}

/// The numbers at the head of `text` joined by hyphens: `1丁目2番地3号` is `1-2-3`.
pub fn block(text: &str) -> String {
    let mut numbers: Vec<String> = Vec::new();
    let mut open = false;
    for c in arabic(&fold(text)).chars() {
        match c {
            c if c.is_ascii_digit() => {
                if !open {
                    numbers.push(String::new());
                }
                open = true;
                if let Some(last) = numbers.last_mut() {
                    last.push(c);
                }
            }
            '丁' | '目' | '番' | '地' | '号' => open = false,
            c if is_hyphen(c) => open = false,
            _ => break,
        }
    }
    let bare = numbers.iter().map(|n| n.trim_start_matches('0')).filter(|n| !n.is_empty());
    bare.take(4).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::AddressPart;

    fn line(text: &str) -> Place {
        let part = AddressPart { kind: AddressPartKind::Text, value: text.to_owned() };
        Place::of(&Address { uses: Vec::new(), parts: vec![part] })
    }

    #[test]
    fn blocks() {
        for text in
            ["１丁目２番地３号", "1-2-3", "１－２－３", "一丁目二番三号", "1ー2ー3", "1の2の3", "01-02-03 コーポ5"]
        {
            assert_eq!(block(text), "1-2-3", "{text}");
        }
        assert_eq!(block("十二丁目二十番"), "12-20");
        assert_eq!(block("番外地"), "");
    }

    #[test]
    fn lines() {
        for (text, prefecture, city, town, number) in [
            ("東京都千代田区丸の内一丁目二番三号", "東京都", "千代田区", "丸ノ内", "1-2-3"),
            ("〒100-0005 東京都千代田区丸の内１－２－３ 東ビル", "東京都", "千代田区", "丸ノ内", "1-2-3"),
            ("三重県四日市市北町5-1", "三重県", "四日市市", "北町", "5-1"),
            ("大阪府大阪市西区阿波座2丁目2番9号", "大阪府", "大阪市西区", "阿波座", "2-2-9"),
            ("千葉県夷隅郡大多喜町堀切5番", "千葉県", "夷隅郡大多喜町", "堀切", "5"),
            ("京都市右京区西京極3", "", "京都市右京区", "西京極", "3"),
            ("12 Main Street", "", "", "main street", "12"),
        ] {
            let place = line(text);
            assert_eq!(
                (&*place.prefecture, &*place.city, &*place.town, &*place.block),
                (prefecture, city, town, number),
                "{text}"
            );
        }
        assert_eq!(line("〒100-0005 東京都千代田区丸の内").postal, "1000005");
    }
}
