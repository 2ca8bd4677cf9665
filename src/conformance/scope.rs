//! The values of one run: invented names, fresh identifiers, and what was captured on the way.

use super::target::Target;
use crate::clock::{Clock, hl7_timestamp};
use std::collections::BTreeMap;

/// Invented syllables: kanji, kana, half-width kana, romaji.
const SYLLABLES: [[&str; 4]; 16] = [
    ["木", "キ", "ｷ", "ki"],
    ["田", "タ", "ﾀ", "ta"],
    ["野", "ノ", "ﾉ", "no"],
    ["山", "ヤマ", "ﾔﾏ", "yama"],
    ["森", "モリ", "ﾓﾘ", "mori"],
    ["石", "イシ", "ｲｼ", "ishi"],
    ["原", "ハラ", "ﾊﾗ", "hara"],
    ["西", "ニシ", "ﾆｼ", "nishi"],
    ["川", "カワ", "ｶﾜ", "kawa"],
    ["村", "ムラ", "ﾑﾗ", "mura"],
    ["松", "マツ", "ﾏﾂ", "matsu"],
    ["中", "ナカ", "ﾅｶ", "naka"],
    ["清", "キヨ", "ｷﾖ", "kiyo"],
    ["安", "ヤス", "ﾔｽ", "yasu"],
    ["星", "ホシ", "ﾎｼ", "hoshi"],
    ["広", "ヒロ", "ﾋﾛ", "hiro"],
];

/// Names with their values.
pub(super) struct Scope {
    values: BTreeMap<String, String>,
    clock: Clock,
}

impl Scope {
    /// A fresh scope for one case.
    pub(super) fn new(target: &Target, clock: &Clock) -> Self {
        let mut values: BTreeMap<String, String> = target.domains.clone();
        let seed = clock.uuid();
        for (name, value) in [("regional", &target.regional), ("device", &target.device), ("sender", &target.sender)] {
            values.insert(name.to_owned(), value.clone());
        }
        let run: String = seed.simple().to_string().chars().take(10).collect();
        values.insert("run".to_owned(), format!("T{run}"));
        let bits = seed.as_u128();
        for (part, name) in ["family", "given", "family2", "given2"].iter().enumerate() {
            for (column, suffix) in ["", "_kana", "_half", "_romaji"].iter().enumerate() {
                let start = u32::try_from(part * 12).unwrap_or(0);
                let text: String = (0..3u32)
                    .filter_map(|n| {
                        let pick = usize::try_from((bits >> (start + n * 4)) & 15).ok()?;
                        SYLLABLES.get(pick)?.get(column).copied()
                    })
                    .collect();
                values.insert(format!("{name}{suffix}"), text);
            }
        }
        let day = |shift: u32, base: u128| {
            let n = bits >> shift;
            format!("{}{:02}{:02}", base + n % 60, 1 + (n >> 8) % 12, 1 + (n >> 16) % 28)
        };
        let birth = day(80, 1930);
        values.insert("birth_year".to_owned(), birth.chars().take(4).collect());
        values.insert("birth".to_owned(), birth);
        values.insert("birth2".to_owned(), day(100, 1940));
        values.insert("phone".to_owned(), format!("050-{:04}-{:04}", (bits >> 64) % 10_000, (bits >> 90) % 10_000));
        Self { values, clock: clock.clone() }
    }

    /// Gives `name` a value.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.values.insert(name.to_owned(), value.to_owned());
    }

    /// The OID of a domain name; an OID stands for itself.
    pub(super) fn oid(&self, domain: &str) -> Result<String, String> {
        let domain = self.expand(domain)?;
        match self.values.get(&domain) {
            Some(oid) => Ok(oid.clone()),
            None if domain.starts_with(|c: char| c.is_ascii_digit()) => Ok(domain),
            None => Err(format!("the target has no domain `{domain}`")),
        }
    }

    /// OID and value of `domain:value`. A value that begins with `=` is taken as it is, without the prefix.
    pub(super) fn identifier(&self, text: &str) -> Result<(String, String), String> {
        let (domain, value) = text.split_once(':').ok_or_else(|| format!("`{text}` is not `domain:value`"))?;
        let value = self.expand(value)?;
        let value = match value.strip_prefix('=') {
            Some(whole) => whole.to_owned(),
            None => format!("{}-{value}", self.expand("${run}")?),
        };
        Ok((self.oid(domain)?, value))
    }

    /// `text` with every `${name}` replaced. `${uuid}` and `${now}` are fresh at each place.
    pub(super) fn expand(&self, text: &str) -> Result<String, String> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            out.push_str(before);
            let (name, tail) = after.split_once('}').ok_or_else(|| format!("an open placeholder in `{text}`"))?;
            match name {
                "uuid" => out.push_str(&self.clock.uuid().to_string()),
                "now" => out.push_str(&hl7_timestamp(self.clock.micros(), "Asia/Tokyo")),
                _ => out.push_str(self.values.get(name).ok_or_else(|| format!("nothing is named `{name}`"))?),
            }
            rest = tail;
        }
        out.push_str(rest);
        Ok(out)
    }
}
