//! Blocking keys by their values. A store holds these hashes: a change of normalisation or of hashing that moves one
//! would lose matches in silence, and needs a migration that files every record anew.

use super::*;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

fn check(said: &Demographics, expect: &[i64]) {
    let keys: Vec<i64> = ComparisonRecord::of(said).blocking_keys().iter().map(|key| key.0).collect();
    assert_eq!(keys, expect, "a change here needs a migration");
}

#[test]
fn of_a_woman_in_kanji_and_kana() {
    let keys = [
        -9098177072091630535,
        -9056067463683806320,
        -7233058402056267193,
        -4164783966225687758,
        -3162891885688910376,
        -2771232657607303259,
        -1686073314367357243,
        -519953754540610915,
        5200960226475977694,
        5351185342290728965,
        5457363120902712492,
        7236314829576218448,
        8062611980790583134,
    ];
    check(&person(HANAKO), &keys);
    // However it is written: variant kanji, half-width kana, kanji numerals, a number with its country.
    let line = "架空県見本市北町一丁目二番三号";
    check(&person(("齋藤", "花子", "ｻｲﾄｳ", "ﾊﾅｺ", "19800314", F, line, "+81-90-1234-5671")), &keys);
}

#[test]
fn of_a_man_in_latin_letters() {
    let said = Demographics {
        names: Field::Set(vec![PersonName::simple(None, "Müller", "William")]),
        ..person(("", "", "", "", "19800314", Sex::Male, "12 Main Street", "415-555-2671"))
    };
    check(
        &said,
        &[
            -8839049130788060537,
            -8777042626777461958,
            -8075206638750526942,
            -8049285209969557217,
            -4989238515995010131,
            -207860509657896415,
            391184255647345623,
            1822751459255910655,
            5999416678110604663,
            7288131016023739275,
        ],
    );
}

#[test]
fn of_a_newborn_with_a_mother() {
    let mother = Relationship {
        code: Coded { code: "MTH".to_owned(), system: String::new(), display: String::new() },
        names: vec![PersonName::simple(Some(Representation::Syllabic), "サイトウ", "ハナコ")],
    };
    let said = Demographics {
        relationships: Field::Set(vec![mother]),
        ..person(("斎藤", "ベビー", "サイトウ", "ベビー", "20260314", F, "", ""))
    };
    check(&said, &[-2220282795939307571, -2112983992992926025, 2818482170725840503]);
}

#[test]
fn of_a_postal_code() {
    let part = |kind, value: &str| AddressPart { kind, value: value.to_owned() };
    let address = Address {
        uses: vec![],
        parts: vec![part(AddressPartKind::PostalCode, "999-0101"), part(AddressPartKind::City, "星見市青葉町")],
    };
    let said = Demographics {
        addresses: Field::Set(vec![address]),
        ..person(("斎藤", "花子", "サイトウ", "ハナコ", "19800314", F, "", ""))
    };
    check(
        &said,
        &[
            -9056067463683806320,
            -2771232657607303259,
            -1686073314367357243,
            -927839458401860297,
            5200960226475977694,
            5351185342290728965,
            5457363120902712492,
            6549809356596124871,
            7236314829576218448,
            8062611980790583134,
        ],
    );
}

#[test]
fn rows_and_tokens_are_read_back_by_later_versions() {
    let hanako = person(HANAKO);
    let row = ComparisonRecord::of(&hanako).encode();
    let digest: String = Sha256::digest(&row).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(digest, "a2087eaeb24381ebe0d2e5e52b8cd507eaf42849de572d00007f7e9a4c5fe2c8");
    let tokens: BTreeSet<String> = search_tokens(&hanako).iter().map(|t| format!("{} {}", t.kind, t.value)).collect();
    let expect = [
        "1 サイトウ",
        "1 斎藤",
        "11 F",
        "13 架空県",
        "14 見本市",
        "15 北町",
        "16 1-2-3",
        "17 012345671",
        "2 ハナコ",
        "2 花子",
        "21 saitohanako",
        "3 saito",
        "4 hanako",
        "7 斎藤花子",
        "8 hanako saito",
        "9 19800314",
    ];
    assert_eq!(tokens.into_iter().collect::<Vec<_>>(), expect);
}
