//! Spellings of one value are folded to one form before they are compared.
//!
//! It must never change what is stored for display: the folded forms are for comparison alone.

pub mod address;
pub mod japanese;
pub mod phone;
pub mod western;

use unicode_normalization::UnicodeNormalization;

/// Stands for any one character: a black circle, a geta mark or a question mark inside a name.
pub const WILDCARD: char = '\u{25CF}';

/// Compatibility forms, width and case folded; blanks of every kind become one.
pub fn fold(text: &str) -> String {
    match fold_simply(text) {
        Some(folded) => folded,
        None => fold_wholly(text),
    }
}

fn fold_wholly(text: &str) -> String {
    let folded: String = text.nfkc().flat_map(char::to_lowercase).collect();
    folded.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// As [`fold_wholly`], for text of characters each of which folds by itself: nearly all that is ever folded.
fn fold_simply(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut blank = false;
    for c in text.chars() {
        let folded = match u32::from(c) {
            0..=0x7F => c.to_ascii_lowercase(),
            // Kana in the form that is written, and the kanji that have one code.
            0x3041..=0x3096 | 0x30A1..=0x30FA | 0x30FC | 0x3005 | 0x4E00..=0x9FFF => c,
            0x3000 => ' ',
            // Letters and digits in full width.
            code @ 0xFF01..=0xFF5E => char::from_u32(code - 0xFEE0)?.to_ascii_lowercase(),
            _ => return None,
        };
        if folded.is_ascii() && folded.is_whitespace() {
            blank = !out.is_empty();
        } else {
            if std::mem::take(&mut blank) {
                out.push(' ');
            }
            out.push(folded);
        }
    }
    Some(out)
}

/// In which script a name is written, guessed from its characters.
pub fn script(text: &str) -> Option<crate::identity::Representation> {
    use crate::identity::Representation::{Alphabetic, Ideographic, Syllabic};
    let folded = fold(text);
    if folded.chars().any(|c| japanese::is_kanji(c) || c == WILDCARD || c == '〓') {
        Some(Ideographic)
    } else if folded.chars().any(japanese::is_kana) {
        Some(Syllabic)
    } else if folded.chars().any(char::is_alphabetic) {
        Some(Alphabetic)
    } else {
        None
    }
}

/// Whether a folded name stands for a name that is not known.
pub fn is_placeholder_name(text: &str) -> bool {
    let bare = bare(text);
    const WHOLE: [&str; 21] = [
        "不明",
        "身元不明",
        "氏名不明",
        "名無し",
        "未定",
        "未命名",
        "フメイ",
        "ふめい",
        "テスト",
        "てすと",
        "unknown",
        "unk",
        "test",
        "testpatient",
        "none",
        "na",
        "noname",
        "anonymous",
        "inmate",
        "dummy",
        "患者",
    ];
    is_newborn(&bare) || WHOLE.contains(&bare.as_str()) || bare.chars().all(|c| c == 'x')
}

/// Whether a name says only that its bearer was just born.
pub fn is_newborn_name(text: &str) -> bool {
    is_newborn(&bare(text))
}

fn bare(text: &str) -> String {
    let mut folded = fold(text);
    folded.retain(|c| c.is_alphanumeric() || c == 'ー');
    folded
}

fn is_newborn(bare: &str) -> bool {
    const PARTS: [&str; 6] = ["ベビー", "ベイビー", "新生児", "シンセイジ", "べびー", "しんせいじ"];
    let english = ["baby", "babyboy", "babygirl", "newborn", "infant", "bb", "bg"].contains(&bare);
    english || bare.starts_with("babyof") || PARTS.iter().any(|part| bare.contains(part))
}

/// Whether a date `yyyymmdd` is one that systems write when they know none.
pub fn is_placeholder_date(date: u32) -> bool {
    matches!(
        date,
        0 | 10_101 | 18_000_101 | 18_991_230 | 18_991_231 | 19_000_101 | 19_010_101 | 99_991_231 | 99_990_101
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Representation::{Alphabetic, Ideographic, Syllabic};

    #[test]
    fn scripts() {
        for (text, expect) in [
            ("山田", Some(Ideographic)),
            ("佐々木", Some(Ideographic)),
            ("やまだ", Some(Syllabic)),
            ("ﾔﾏﾀﾞ", Some(Syllabic)),
            ("ＹＡＭＡＤＡ", Some(Alphabetic)),
            ("みどり子", Some(Ideographic)),
            ("123", None),
            ("", None),
        ] {
            assert_eq!(script(text), expect, "{text}");
        }
    }

    #[test]
    fn text_that_folds_simply_folds_to_the_same() {
        let plain = (0..=0x7Fu32).chain(0x3000..=0x30FF).chain(0x4E00..=0x9FFF).chain(0xFF00..=0xFFEF);
        for c in plain.filter_map(char::from_u32) {
            for text in [format!("{c}"), format!(" {c}\u{3000}{c}カ{c}A\t"), format!("か{c}ﾞ"), format!("ア{c}e")]
            {
                if let Some(folded) = fold_simply(&text) {
                    assert_eq!(folded, fold_wholly(&text), "{text:?}");
                }
            }
        }
        assert_eq!(fold_simply("  山田　Taro\tＸ１ "), Some("山田 taro x1".to_owned()));
        assert_eq!(fold_simply("ﾔﾏﾀﾞ"), None);
    }

    #[test]
    fn placeholders() {
        for name in ["ベビー", "新生児", "ハナコベビー", "不明", "BABY", "Baby Boy", "UNKNOWN", "ＴＥＳＴ", "ﾍﾞﾋﾞｰ"]
        {
            assert!(is_placeholder_name(name), "{name}");
        }
        for name in ["花子", "ハナコ", "Testa", "Babette", "明"] {
            assert!(!is_placeholder_name(name), "{name}");
        }
        assert!(is_newborn_name("新生児") && !is_newborn_name("不明"));
        assert!(is_placeholder_date(19_000_101) && !is_placeholder_date(19_000_102));
    }
}
