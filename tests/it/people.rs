//! The people of the bursts: two unlike persons at once, each as eight clerks write one, from a seed.
//!
//! `NAYOSE_BURSTS` sets how many bursts are played (the full form is 1,000), `NAYOSE_SEED` plays the people of a
//! printed seed again.

use crate::support::*;
use nayose::clock::Clock;
use nayose::identity::Sex;
use std::sync::Barrier;

pub const FEEDERS: [&str; 8] = ["h01", "h02", "h03", "h04", "h05", "h06", "h07", "c01"];

/// Family names in two spellings, with kana in two widths.
const FAMILIES: [(&str, &str, &str, &str); 6] = [
    ("齋藤", "斎藤", "サイトウ", "ｻｲﾄｳ"),
    ("渡邊", "渡辺", "ワタナベ", "ﾜﾀﾅﾍﾞ"),
    ("髙橋", "高橋", "タカハシ", "ﾀｶﾊｼ"),
    ("濱田", "浜田", "ハマダ", "ﾊﾏﾀﾞ"),
    ("廣瀬", "広瀬", "ヒロセ", "ﾋﾛｾ"),
    ("澤村", "沢村", "サワムラ", "ｻﾜﾑﾗ"),
];
const GIVEN: [(&str, &str, &str); 8] = [
    ("花子", "ハナコ", "ﾊﾅｺ"),
    ("由美", "ユミ", "ﾕﾐ"),
    ("健一", "ケンイチ", "ｹﾝｲﾁ"),
    ("大輔", "ダイスケ", "ﾀﾞｲｽｹ"),
    ("美咲", "ミサキ", "ﾐｻｷ"),
    ("浩", "ヒロシ", "ﾋﾛｼ"),
    ("千代", "チヨ", "ﾁﾖ"),
    ("翔太", "ショウタ", "ｼｮｳﾀ"),
];

/// How many bursts are played: `NAYOSE_BURSTS`, else `short`.
pub fn bursts(short: u64) -> u64 {
    named("NAYOSE_BURSTS").unwrap_or(short)
}

/// The seed of this run: `NAYOSE_SEED`, else a new one; printed, so that it can be played again.
pub fn seed() -> u64 {
    let seed = named("NAYOSE_SEED").unwrap_or(Clock::system().micros() as u64);
    println!("seed {seed}");
    seed
}

/// A number that the environment gives.
pub fn named(variable: &str) -> Option<u64> {
    std::env::vars().find(|(name, _)| name == variable).and_then(|(_, value)| value.parse().ok())
}

/// Plays one burst: both persons from all domains at once. `feed` gets the feeder's number, its domain, which of
/// the two persons, the identifier's value, and what the clerk says.
pub fn burst(seed: u64, number: u64, feed: impl Fn(usize, &str, usize, &str, &Said) + Sync) {
    let barrier = Barrier::new(FEEDERS.len() * 2);
    std::thread::scope(|scope| {
        for (n, domain) in FEEDERS.iter().enumerate() {
            for person in [0, 1] {
                let (barrier, feed) = (&barrier, &feed);
                scope.spawn(move || {
                    let said = said(seed, number * 2 + person as u64, n);
                    let value = format!("{person}-{number}");
                    barrier.wait();
                    feed(n, domain, person, &value, &said);
                });
            }
        }
    });
}

/// Whether a cross-reference from `h01` shows one person, and not the other: seven other locals, one regional ID.
pub fn assert_whole(shown: &[String], seed: u64, number: u64, person: usize) {
    assert_eq!(shown.len(), FEEDERS.len(), "seed {seed}, burst {number}: seven other locals and one regional ID");
    let regional = format!("{REGIONAL}^");
    let own = |text: &&String| text.ends_with(&format!("^{person}-{number}"));
    assert_eq!(
        (shown.iter().filter(own).count(), shown.iter().filter(|text| text.starts_with(&regional)).count()),
        (FEEDERS.len() - 1, 1),
        "seed {seed}, burst {number}: two persons became one"
    );
}

/// Person `number` of the run `seed`, as clerk `clerk` writes them. Namesakes are unlike by construction: of the
/// first 4,032 people any two of one name are born in different years and in a different month or on another day.
/// (By chance alone two of 2,000 had one name and one birth date, and were rightly taken for one.)
pub fn said(seed: u64, number: u64, clerk: usize) -> Said {
    let drawn = mixed(seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let family = FAMILIES[(number % 6) as usize];
    let given = GIVEN[(number / 6 % 8) as usize];
    let turn = number / 48;
    let leak = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
    let (old, wide) = (clerk.is_multiple_of(2), !clerk.is_multiple_of(3));
    Said {
        kanji: (if old { family.0 } else { family.1 }, given.0),
        kana: if wide { (family.2, given.1) } else { (family.3, given.2) },
        sex: if drawn.is_multiple_of(2) { Sex::Female } else { Sex::Male },
        birth: leak(format!("{}{:02}{:02}", 1930 + turn, (turn * 5 + seed) % 12 + 1, (turn * 11 + seed) % 28 + 1)),
        block: leak(format!("{}丁目{}番{}号", drawn / 101 % 9 + 1, drawn / 103 % 30 + 1, drawn / 107 % 40 + 1)),
        phone: leak(format!("tel:090-{:04}-{:04}", drawn / 109 % 9000 + 100, drawn / 113 % 9000 + 100)),
        town: (leak(format!("99{:05}", number)), leak(format!("星見市第{}町", number))),
    }
}

fn mixed(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
