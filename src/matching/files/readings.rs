//! How given names in kanji are read, learned from the records that write both kanji and kana.
//!
//! A name that is respelled (和恵, 和重) and a twin who shares a kanji (和恵, 和央) look alike where a record has no kana,
//! and a slip of the kana looks like a sister's name where a record has no kanji: only the reading tells. No dictionary
//! knows what a region calls its children; its own records do. What each kanji is read as is learned by EM over all ways
//! to cut a reading, so that a name that nobody else has is read as well.
//!
//! It must never call two names one whose readings are both known and are more than a slip apart.

use super::table::{Row, Symbol, Table};
use crate::matching::levels::{self, Agreement, Code, MISSING};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

/// What a kanji is read as at most, in kana.
const LONGEST: usize = 4;
/// Names of more kanji, or more kana, are not cut.
const MOST_KANJI: usize = 4;
const MOST_KANA: usize = 10;
const ROUNDS: usize = 4;
/// So many different names teach all that can be learned.
const ENOUGH: usize = 60_000;
/// A kanji that is read so more rarely than this is a slip in somebody's record.
const RARE: f64 = 0.01;
/// A kanji that is read so at least as often as this shows that a name is one, and no slip of another.
const PLAIN: f64 = 0.05;
/// Among fewer records that write both scripts it tells nothing that nobody is called so.
const FEWEST: usize = 1_000;
/// What is so much rarer than a name that it is near to is a slip of that.
const RARER: u32 = 50;

/// How kanji are read in given names.
#[derive(Clone, Default)]
pub struct Readings {
    /// By kanji, the share of each reading.
    of: HashMap<char, HashMap<String, f64>>,
    /// All names that records write in both scripts, the kana first, sorted.
    names: Vec<(Symbol, Symbol)>,
    /// How many records do.
    written: usize,
}

impl fmt::Debug for Readings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Readings({})", self.of.len())
    }
}

impl Readings {
    /// Learned from the given names of a table.
    pub fn of(table: &Table) -> Self {
        let both = table.rows().iter().map(|row| (row.kana.given, row.kanji.given)).filter(|(p, q)| *p != 0 && *q != 0);
        let written = both.clone().count();
        let names: Vec<(Symbol, Symbol)> = both.collect::<BTreeSet<_>>().into_iter().collect();
        let (kanji, kana) = (&table.kanji.given, &table.kana.given);
        let taught: Vec<(Vec<char>, Vec<char>)> = names
            .iter()
            .step_by(names.len().div_ceil(ENOUGH).max(1))
            .map(|(p, q)| (kanji.text(*q).chars().collect(), kana.text(*p).chars().collect()))
            .collect();
        Self { of: learned(&taught), names, written }
    }

    /// The level of two given names, once it is asked how they may be read: of those that are not written alike.
    pub fn level(&self, table: &Table, x: &Row, y: &Row, code: Code) -> Code {
        let better = match code {
            // Who has no name yet is not read.
            MISSING if !x.newborn && !y.newborn => levels::READ_ALIKE_KANJI_MISSING,
            levels::KANA_ONE_EDIT | levels::SHARES_A_KANJI | levels::DIFFERS_IN_ONE_SCRIPT => levels::READ_ALIKE,
            _ => return code,
        };
        if self.are_one(table, x, y) == Some(true) { better } else { code }
    }

    /// Whether two given names agree, at this level, only by how they may be read.
    pub fn are_needed(&self, table: &Table, x: &Row, y: &Row, code: Code) -> bool {
        let (texts, p, q) = (&table.kana.given, x.kana.given, y.kana.given);
        matches!(code, levels::READ_ALIKE | levels::READ_ALIKE_KANJI_MISSING)
            && (p == 0 || q == 0 || levels::kana_agreement(texts.text(p), texts.text(q)) != Agreement::Equal)
    }

    /// Whether two given names are known to be read otherwise: one in kanji whose readings are known, the other in kana
    /// that are somebody's name and no slip.
    pub fn tell_apart(&self, table: &Table, x: &Row, y: &Row, code: Code) -> bool {
        let is_name = |kana: Symbol| kana != 0 && self.spellings(table, kana, 1) == 1;
        let known = |p: &Row, q: &Row| self.are_known(table, p.kanji.given) && is_name(q.kana.given);
        (code == MISSING || code > levels::READ_ALIKE)
            && (known(x, y) || known(y, x))
            && self.are_one(table, x, y) == Some(false)
    }

    /// Whether it is known how each kanji of a name is read.
    fn are_known(&self, table: &Table, kanji: Symbol) -> bool {
        let text = table.kanji.given.text(kanji);
        !text.is_empty() && text.chars().all(|character| self.of.contains_key(&character))
    }

    /// Whether two given names are one by how they are read; none where no reading is known.
    fn are_one(&self, table: &Table, x: &Row, y: &Row) -> Option<bool> {
        match (self.is_read(table, x, y), self.is_read(table, y, x)) {
            (None, other) | (other, None) => other,
            (Some(p), Some(q)) => Some(p || q),
        }
    }

    /// Whether `other` may be read as `said` is; none where it is not known how that is.
    fn is_read(&self, table: &Table, said: &Row, other: &Row) -> Option<bool> {
        let (said, own, texts) = (said.kana.given, other.kana.given, &table.kana.given);
        if said == 0 || own == 0 && other.kanji.given == 0 {
            return None;
        }
        if own != 0 && levels::kana_agreement(texts.text(own), texts.text(said)) < Agreement::Shares {
            return Some(false);
        }
        Some(match other.kanji.given {
            0 => self.is_slip(table, own, said),
            kanji => self.may_be(table, kanji, said, RARE),
        })
    }

    /// Whether a name in kana is a slip of another: nobody, or hardly anybody, has a name that is read so.
    fn is_slip(&self, table: &Table, slip: Symbol, of: Symbol) -> bool {
        let few = usize::try_from(table.kana.given.count(of) / RARER).unwrap_or(0);
        self.written >= FEWEST && self.spellings(table, slip, few + 1) <= few && self.spellings(table, of, 1) == 1
    }

    /// How many names there are that are plainly read so, counted no further than `most`: a slip has none.
    fn spellings(&self, table: &Table, kana: Symbol, most: usize) -> usize {
        let from = self.names.partition_point(|(of, _)| *of < kana);
        let of_it = self.names.iter().skip(from).take_while(|(of, _)| *of == kana);
        of_it.filter(|(_, kanji)| self.may_be(table, *kanji, kana, PLAIN)).take(most).count()
    }

    /// Whether a name in kanji may be read so, each kanji in a way that has at least this share of it.
    fn may_be(&self, table: &Table, kanji: Symbol, kana: Symbol, least: f64) -> bool {
        let kanji: Vec<char> = table.kanji.given.text(kanji).chars().collect();
        let kana: Vec<char> = table.kana.given.text(kana).chars().collect();
        cuts(&kanji, &kana)
            .iter()
            .any(|cut| parts(&kanji, &kana, cut).all(|(character, part)| share(&self.of, character, &part) >= least))
    }
}

type Shares = HashMap<char, HashMap<String, f64>>;

fn share(shares: &Shares, kanji: char, part: &str) -> f64 {
    shares.get(&kanji).and_then(|of| of.get(part)).copied().unwrap_or(0.0)
}

/// What each kanji is read as, from names in kanji and kana: at first each way to cut a name counts alike, then by what
/// the rounds before made of its parts.
fn learned(names: &[(Vec<char>, Vec<char>)]) -> Shares {
    let mut shares = Shares::new();
    for round in 0..ROUNDS {
        let mut counted: BTreeMap<(char, String), f64> = BTreeMap::new();
        for (kanji, kana) in names {
            let cuts = cuts(kanji, kana);
            let weigh = |cut: &Vec<usize>| -> f64 {
                if round == 0 {
                    return 1.0;
                }
                parts(kanji, kana, cut).map(|(character, part)| share(&shares, character, &part)).product()
            };
            let weights: Vec<f64> = cuts.iter().map(weigh).collect();
            let all: f64 = weights.iter().sum();
            for (cut, weight) in cuts.iter().zip(weights).filter(|(_, weight)| *weight > 0.0) {
                for part in parts(kanji, kana, cut) {
                    *counted.entry(part).or_default() += weight / all;
                }
            }
        }
        shares = shares_of(counted);
    }
    shares
}

fn shares_of(counted: BTreeMap<(char, String), f64>) -> Shares {
    let mut totals: HashMap<char, f64> = HashMap::new();
    for ((character, _), count) in &counted {
        *totals.entry(*character).or_default() += count;
    }
    let mut shares = Shares::new();
    for ((character, part), count) in counted {
        let share = count / totals.get(&character).copied().unwrap_or(count);
        if share >= RARE {
            shares.entry(character).or_default().insert(part, share);
        }
    }
    shares
}

/// All ways to cut a name in kana into as many parts as there are kanji: where each part ends.
fn cuts(kanji: &[char], kana: &[char]) -> Vec<Vec<usize>> {
    if kanji.is_empty() || kanji.len() > MOST_KANJI || kana.len() > MOST_KANA {
        return Vec::new();
    }
    let mut all = vec![Vec::new()];
    for left in (0..kanji.len()).rev() {
        let longer = |cut: Vec<usize>| {
            let from = cut.last().copied().unwrap_or(0);
            let ends = if left == 0 { kana.len()..=kana.len() } else { from + 1..=kana.len().saturating_sub(left) };
            let ends = ends.filter(move |end| *end > from && *end <= from + LONGEST);
            ends.map(move |end| cut.iter().copied().chain([end]).collect()).collect::<Vec<Vec<usize>>>()
        };
        all = all.into_iter().flat_map(longer).collect();
    }
    all
}

fn parts<'a>(kanji: &'a [char], kana: &'a [char], cut: &'a [usize]) -> impl Iterator<Item = (char, String)> + 'a {
    let starts = [0].into_iter().chain(cut.iter().copied());
    kanji
        .iter()
        .zip(starts.zip(cut))
        .map(|(character, (from, until))| (*character, kana.get(from..*until).unwrap_or(&[]).iter().collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(names: &[(&str, &str)]) -> Vec<(Vec<char>, Vec<char>)> {
        names.iter().map(|(kanji, kana)| (kanji.chars().collect(), kana.chars().collect())).collect()
    }

    #[test]
    fn kanji_are_read_as_names_show() {
        let shares = learned(&written(&[
            ("和江", "カズエ"),
            ("和子", "カズコ"),
            ("和代", "カズヨ"),
            ("幸江", "サチエ"),
            ("幸子", "サチコ"),
            ("幸代", "ユキヨ"),
            ("幸", "ユキ"),
        ]));
        assert!(share(&shares, '和', "カズ") > 0.9 && share(&shares, '子', "コ") > 0.9, "{shares:?}");
        assert!(share(&shares, '幸', "サチ") > 0.3 && share(&shares, '幸', "ユキ") > 0.3, "{shares:?}");
        assert!(share(&shares, '和', "カ") < PLAIN, "{shares:?}");
    }

    #[test]
    fn a_reading_is_cut_in_every_way_and_none_is_left_over() {
        let of = |kanji: &str, kana: &str| cuts(&kanji.chars().collect::<Vec<_>>(), &kana.chars().collect::<Vec<_>>());
        assert_eq!(of("和江", "カズエ"), [[1, 3], [2, 3]]);
        assert_eq!(of("真由美", "マユミ"), [[1, 2, 3]]);
        assert_eq!(of("光", "ヒカル"), [[3]]);
        for (kanji, kana) in
            [("", "ア"), ("和江", ""), ("和江", "ア"), ("光", "アイウエオ"), ("一二三四五", "アイウエオ")]
        {
            assert!(of(kanji, kana).is_empty(), "{kanji} {kana}");
        }
    }
}
