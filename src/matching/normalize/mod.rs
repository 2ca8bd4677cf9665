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
    let folded: String = text.nfkc().flat_map(char::to_lowercase).collect();
    folded.split_whitespace().collect::<Vec<_>>().join(" ")
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
    let folded = fold(text);
    let bare: String = folded.chars().filter(|c| c.is_alphanumeric() || *c == 'ー').collect();
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
    is_newborn_name(text) || WHOLE.contains(&bare.as_str()) || bare.chars().all(|c| c == 'x')
}

/// Whether a name says only that its bearer was just born.
pub fn is_newborn_name(text: &str) -> bool {
    let folded = fold(text);
    let bare: String = folded.chars().filter(|c| c.is_alphanumeric() || *c == 'ー').collect();
    const PARTS: [&str; 6] = ["ベビー", "ベイビー", "新生児", "シンセイジ", "べびー", "しんせいじ"];
    let english = ["baby", "babyboy", "babygirl", "newborn", "infant", "bb", "bg"].contains(&bare.as_str());
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
