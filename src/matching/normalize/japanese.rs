//! Kanji variants, kana and romaji.
//!
//! Kanji fold to one representative, kana to full-width katakana, and a reading in kana or in Latin letters
//! to one class in which Hepburn, Kunrei and Nihon spellings and long vowels coincide.

use super::{WILDCARD, fold};
use std::collections::HashMap;
use std::sync::OnceLock;
use unicode_normalization::UnicodeNormalization;

/// Whether `c` is a kanji or a mark that is written among kanji.
pub fn is_kanji(c: char) -> bool {
    matches!(u32::from(c), 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xF900..=0xFAFF | 0x2_0000..=0x3_FFFF)
        || c == '々'
        || c == '〆'
}

/// Whether `c` is hiragana or katakana.
pub fn is_kana(c: char) -> bool {
    matches!(u32::from(c), 0x3041..=0x3096 | 0x30A1..=0x30FA | 0x30FC)
}

fn variants() -> &'static HashMap<char, char> {
    static TABLE: OnceLock<HashMap<char, char>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let lines = include_str!("kanji_variants.txt").lines().filter(|line| !line.starts_with('#'));
        let groups = lines.filter_map(|line| line.split_once(' '));
        groups
            .flat_map(|(head, others)| {
                let head = head.chars().next().unwrap_or(WILDCARD);
                others.trim().chars().map(move |c| (c, head))
            })
            .collect()
    })
}

/// A name in kanji for comparison: variants folded, selectors and blanks dropped, unreadable characters a wildcard.
pub fn kanji(text: &str) -> String {
    let mut out = String::new();
    for c in fold(text).chars() {
        match c {
            '●' | '〓' | '?' | '■' | '□' | '\u{FFFD}' => out.push(WILDCARD),
            '々' => out.extend(out.chars().last()),
            'ケ' | 'ヶ' => out.push('ヶ'),
            c if matches!(u32::from(c), 0x3041..=0x3096) => out.push(to_katakana(c)),
            c if c.is_alphanumeric() || c == 'ー' => out.push(variants().get(&c).copied().unwrap_or(c)),
            _ => {}
        }
    }
    out
}

fn to_katakana(c: char) -> char {
    match u32::from(c) {
        code @ 0x3041..=0x3096 => char::from_u32(code + 0x60).unwrap_or(c),
        _ => c,
    }
}

/// Katakana of full width, nothing else folded; other characters but Latin letters are dropped.
fn katakana(text: &str) -> String {
    fold(text).chars().map(to_katakana).filter(|c| is_kana(*c) || c.is_alphabetic() && !is_kanji(*c)).collect()
}

const SMALL: &str = "ァィゥェォッャュョヮヵヶ";
const LARGE: &str = "アイウエオツヤユヨワカケ";

fn vowel_of(c: char) -> Option<char> {
    let last = syllable(c)?.chars().last()?;
    Some(match last {
        'a' => 'ア',
        'i' => 'イ',
        'u' => 'ウ',
        'e' => 'エ',
        'o' => 'オ',
        _ => return None,
    })
}

/// A reading in kana for comparison: small kana large, ヂ and ヅ as ジ and ズ, a long vowel written out, オウ as オオ.
pub fn kana(text: &str) -> String {
    let mut out = String::new();
    for c in katakana(text).chars() {
        let large = SMALL.chars().zip(LARGE.chars()).find(|(small, _)| *small == c).map_or(c, |(_, large)| large);
        let before = out.chars().last().and_then(vowel_of);
        match large {
            'ー' => out.extend(before),
            'ヂ' => out.push('ジ'),
            'ヅ' => out.push('ズ'),
            'ヲ' => out.push('オ'),
            'ヰ' => out.push('イ'),
            'ヱ' => out.push('エ'),
            'ウ' if before == Some('オ') => out.push('オ'),
            other => out.push(other),
        }
    }
    out
}

const FIRST_KATAKANA: char = 'ァ';
const LAST_KATAKANA: char = 'ヺ';

fn syllable(c: char) -> Option<&'static str> {
    const TABLE: &str = "アa イi ウu エe オo カka キki クku ケke コko サsa シsi スsu セse ソso タta チti ツtu テte トto \
        ナna ニni ヌnu ネne ノno ハha ヒhi フhu ヘhe ホho マma ミmi ムmu メme モmo ヤya ユyu ヨyo ラra リri ルru レre ロro \
        ワwa ヰi ヱe ヲo ンn ガga ギgi グgu ゲge ゴgo ザza ジzi ズzu ゼze ゾzo ダda ヂzi ヅzu デde ドdo バba ビbi ブbu ベbe \
        ボbo パpa ピpi プpu ペpe ポpo ヴbu";
    static SOUNDS: OnceLock<Vec<&'static str>> = OnceLock::new();
    let sounds = SOUNDS.get_or_init(|| {
        let entries = || TABLE.split_whitespace().filter_map(|entry| Some((entry.chars().next()?, entry)));
        let of = |kana: char| entries().find(|(c, _)| *c == kana).and_then(|(c, entry)| entry.get(c.len_utf8()..));
        (FIRST_KATAKANA..=LAST_KATAKANA).map(|c| of(c).unwrap_or_default()).collect()
    });
    let at = u32::from(c).checked_sub(u32::from(FIRST_KATAKANA))?;
    sounds.get(usize::try_from(at).ok()?).copied().filter(|sound| !sound.is_empty())
}

fn romaji(text: &str) -> String {
    let mut out = String::new();
    let mut double = false;
    for c in katakana(text).chars() {
        let glide = match c {
            'ャ' => Some("ya"),
            'ュ' => Some("yu"),
            'ョ' => Some("yo"),
            'ァ' => Some("a"),
            'ィ' => Some("i"),
            'ゥ' => Some("u"),
            'ェ' => Some("e"),
            'ォ' => Some("o"),
            _ => None,
        };
        if c == 'ッ' {
            double = true;
        } else if let Some(glide) = glide {
            out.pop();
            out.push_str(glide);
        } else if let Some(sound) = syllable(c) {
            if std::mem::take(&mut double) {
                out.extend(sound.chars().next());
            }
            out.push_str(sound);
        } else if c.is_alphabetic() {
            out.push(c);
        }
    }
    out
}

/// The class of a reading, from kana or from any of the usual spellings in Latin letters.
pub fn reading(text: &str) -> String {
    let bare: String = romaji(text).nfd().filter(|c| c.is_ascii_alphabetic()).collect();
    // Order matters: longer spellings first, then those that the earlier steps produce.
    const STEPS: [(&str, &str); 27] = [
        ("shi", "si"),
        ("sh", "sy"),
        ("tchi", "tti"),
        ("tch", "tty"),
        ("chi", "ti"),
        ("ch", "ty"),
        ("tsu", "tu"),
        ("dzu", "zu"),
        ("du", "zu"),
        ("di", "zi"),
        ("ji", "zi"),
        ("j", "zy"),
        ("fu", "hu"),
        ("f", "h"),
        ("v", "b"),
        ("l", "r"),
        ("mb", "nb"),
        ("mp", "np"),
        ("mm", "nm"),
        ("iya", "ya"),
        ("iyu", "yu"),
        ("iyo", "yo"),
        ("yy", "y"),
        ("ou", "o"),
        ("oo", "o"),
        ("c", "k"),
        ("wo", "o"),
    ];
    let step =
        |text: String, (from, to): &(&str, &str)| if text.contains(from) { text.replace(from, to) } else { text };
    let steps = STEPS.iter().fold(bare, step);
    let chars: Vec<char> = steps.chars().collect();
    let mut out = String::new();
    for (at, c) in chars.iter().enumerate() {
        let vowel_follows = chars.get(at + 1).is_some_and(|next| "aiueoy".contains(*next));
        let long = *c == 'h' && out.ends_with('o') && !vowel_follows;
        if !long && !out.ends_with(*c) {
            out.push(*c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kanji_variants_fold() {
        for (a, b) in [
            ("斎藤", "齋藤"),
            ("斉藤", "齊藤"),
            ("髙橋", "高橋"),
            ("渡邉", "渡邊"),
            ("渡辺", "渡邊"),
            ("山﨑", "山嵜"),
            ("小澤", "小沢"),
            ("濵田", "浜田"),
            ("廣瀨", "広瀬"),
            ("𠮷田", "吉田"),
            ("國嶌", "国島"),
            ("佐々木", "佐佐木"),
            ("山 田", "山田"),
        ] {
            assert_eq!(kanji(a), kanji(b), "{a} {b}");
        }
        assert_ne!(kanji("大田"), kanji("太田"));
        assert_eq!(kanji("〓橋"), kanji("●橋"));
        assert!(variants().len() >= 150, "{}", variants().len());
        for (from, to) in variants() {
            assert!(!variants().contains_key(to), "{from} folds to {to}, which folds again");
        }
    }

    #[test]
    fn kana_folds() {
        for (a, b) in [
            ("さいとう", "ｻｲﾄｳ"),
            ("キョウコ", "キヨウコ"),
            ("オオノ", "オーノ"),
            ("コウジ", "コオジ"),
            ("シヅカ", "シズカ"),
            ("ﾊｯﾄﾘ", "ハツトリ"),
        ] {
            assert_eq!(kana(a), kana(b), "{a} {b}");
        }
        assert_ne!(kana("オノ"), kana("オオノ"));
    }

    #[test]
    fn romaji_and_kana_share_a_class() {
        for (a, b) in [
            ("サトウ", "Satō"),
            ("サトウ", "SATOH"),
            ("サトウ", "satou"),
            ("シンジ", "Shinji"),
            ("シンジ", "sinzi"),
            ("ツチヤ", "Tsuchiya"),
            ("ツチヤ", "tutiya"),
            ("フジモト", "Hujimoto"),
            ("ホンマ", "Homma"),
            ("ナンバ", "Namba"),
            ("ジュンイチ", "Jun'ichi"),
            ("ジュンコ", "zyunko"),
            ("オオハシ", "Ohashi"),
            ("ハットリ", "Hattori"),
            ("リョウ", "Ryo"),
            ("チヅル", "Chizuru"),
            ("ヨウコ", "Yoko"),
            ("ユウキ", "Yuuki"),
        ] {
            assert_eq!(reading(a), reading(b), "{a} {b}");
        }
        assert_ne!(reading("ハシモト"), reading("ハヤシ"));
    }
}
