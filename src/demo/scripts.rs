//! Transformations between the forms in which Japanese is written down.
//!
//! Pure functions of text. They make errors, and must never be used to normalise what others sent.

use super::random::Random;

/// Groups of characters that are taken for one another in names.
const VARIANTS: [&[char]; 20] = [
    &['斎', '齋', '斉', '齊'],
    &['高', '髙'],
    &['辺', '邊', '邉'],
    &['崎', '﨑', '嵜'],
    &['沢', '澤'],
    &['広', '廣'],
    &['浜', '濱'],
    &['島', '嶋', '嶌'],
    &['国', '國'],
    &['桜', '櫻'],
    &['真', '眞'],
    &['恵', '惠'],
    &['徳', '德'],
    &['栄', '榮'],
    &['竜', '龍'],
    &['関', '關'],
    &['滝', '瀧'],
    &['富', '冨'],
    &['瀬', '瀨'],
    &['吉', '𠮷'],
];

/// Kana that sound or look alike.
const ALIKE: [&str; 12] =
    ["カガ", "キギ", "クグ", "シジ", "タダ", "ハバ", "ヒビ", "フブ", "ツシ", "ソン", "クワ", "ナメ"];

const FULL: &str =
    "アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワヲンッャュョー";
const HALF: &str = "ｱｲｳｴｵｶｷｸｹｺｻｼｽｾｿﾀﾁﾂﾃﾄﾅﾆﾇﾈﾉﾊﾋﾌﾍﾎﾏﾐﾑﾒﾓﾔﾕﾖﾗﾘﾙﾚﾛﾜｦﾝｯｬｭｮｰ";
const VOICED: &str = "ガギグゲゴザジズゼゾダヂヅデドバビブベボ";
const UNVOICED: &str = "カキクケコサシスセソタチツテトハヒフヘホ";
const PLOSIVE: &str = "パピプペポ";
const PLAIN: &str = "ハヒフヘホ";

/// `character` of `from` as the one of `to` at the same place.
fn mapped(character: char, from: &str, to: &str) -> Option<char> {
    from.chars().zip(to.chars()).find(|(source, _)| *source == character).map(|(_, target)| target)
}

/// `text` with its first character of several forms in another form; itself where it has none.
pub fn variant(text: &str, random: &mut Random) -> String {
    let mut changed = false;
    text.chars()
        .map(|character| {
            let group = VARIANTS.iter().find(|group| group.contains(&character)).filter(|_| !changed);
            group.map_or(character, |group| {
                changed = true;
                let others: Vec<char> = group.iter().copied().filter(|other| *other != character).collect();
                random.pick(&others).copied().unwrap_or(character)
            })
        })
        .collect()
}

/// Katakana in half width, voicing marks as characters of their own.
pub fn half_width(text: &str) -> String {
    let mut written = String::new();
    for character in text.chars() {
        let (base, mark) = if let Some(base) = mapped(character, VOICED, UNVOICED) {
            (base, Some('ﾞ'))
        } else if let Some(base) = mapped(character, PLOSIVE, PLAIN) {
            (base, Some('ﾟ'))
        } else {
            (character, None)
        };
        written.push(mapped(base, FULL, HALF).unwrap_or(base));
        written.extend(mark);
    }
    written
}

/// Katakana as hiragana.
pub fn hiragana(text: &str) -> String {
    let shifted = |c: char| u32::from(c).checked_sub(0x60).and_then(char::from_u32).unwrap_or(c);
    text.chars().map(|c| if ('ァ'..='ヶ').contains(&c) { shifted(c) } else { c }).collect()
}

/// Small kana written large: ヨ for ョ.
pub fn large_kana(text: &str) -> String {
    text.chars().map(|c| mapped(c, "ッャュョ", "ツヤユヨ").unwrap_or(c)).collect()
}

/// One kana replaced by one that sounds or looks alike, or the last one doubled into a long vowel.
pub fn kana_typo(text: &str, random: &mut Random) -> String {
    let partner = |c: char| {
        let pair = ALIKE.iter().find(|pair| pair.contains(c))?;
        pair.chars().find(|other| *other != c)
    };
    let places: Vec<usize> = text.chars().enumerate().filter(|(_, c)| partner(*c).is_some()).map(|(i, _)| i).collect();
    match random.pick(&places) {
        Some(place) => {
            text.chars().enumerate().map(|(i, c)| if i == *place { partner(c).unwrap_or(c) } else { c }).collect()
        }
        None => format!("{text}ウ"),
    }
}

/// ASCII digits and hyphens in full width.
pub fn full_width(text: &str) -> String {
    text.chars().map(|c| mapped(c, "0123456789-", "０１２３４５６７８９－").unwrap_or(c)).collect()
}

/// A number from 1 to 9 as a kanji; others as they are.
pub fn kanji_digit(number: u32) -> String {
    const DIGITS: [&str; 10] = ["", "一", "二", "三", "四", "五", "六", "七", "八", "九"];
    let index = usize::try_from(number).unwrap_or(0);
    DIGITS.get(index).filter(|digit| !digit.is_empty()).map_or_else(|| number.to_string(), |digit| (*digit).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        let mut random = Random::stream(1, 1);
        for (written, expect) in [
            (half_width("サイトウ"), "ｻｲﾄｳ"),
            (half_width("ワタナベジュンペイ"), "ﾜﾀﾅﾍﾞｼﾞｭﾝﾍﾟｲ"),
            (hiragana("サイトウ"), "さいとう"),
            (hiragana("ベビー"), "べびー"),
            (large_kana("キョウコ"), "キヨウコ"),
            (full_width("3-5-12"), "３－５－１２"),
            (kanji_digit(3), "三"),
            (kanji_digit(12), "12"),
            (variant("高橋", &mut random), "髙橋"),
            (variant("林", &mut random), "林"),
        ] {
            assert_eq!(written, expect);
        }
        assert_ne!(kana_typo("サトウ", &mut random), "サトウ");
        assert_eq!(FULL.chars().count(), HALF.chars().count());
    }
}
