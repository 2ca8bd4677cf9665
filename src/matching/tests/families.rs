//! Generated families: everyone is fed at two hospitals, and nobody may be joined with a relative.

use super::*;

const FAMILIES: [(&str, &str, &str); 6] = [
    ("高橋", "髙橋", "タカハシ"),
    ("渡辺", "渡邊", "ワタナベ"),
    ("山崎", "山﨑", "ヤマザキ"),
    ("小沢", "小澤", "オザワ"),
    ("浜田", "濵田", "ハマダ"),
    ("大野", "大野", "オオノ"),
];
const GIVEN: [(&str, &str, Sex); 8] = [
    ("健一", "ケンイチ", Sex::Male),
    ("洋子", "ヨウコ", F),
    ("大輔", "ダイスケ", Sex::Male),
    ("美咲", "ミサキ", F),
    ("直樹", "ナオキ", Sex::Male),
    ("恵", "メグミ", F),
    ("翔太", "ショウタ", Sex::Male),
    ("さくら", "サクラ", F),
];

#[test]
fn relatives_stay_apart_and_everyone_is_found_again() {
    let model = Model::japanese();
    let mut index = MemoryIndex::new();
    let mut first_seen: Vec<(i64, usize)> = Vec::new();
    let (mut wrong, mut found, mut asked) = (0, 0, 0);
    for hospital in 0..2 {
        for house in 0..24usize {
            let (old, new, kana) = FAMILIES[house % FAMILIES.len()];
            let line = format!(
                "架空県見本市{}町{}丁目{}番{}号",
                ["北", "南", "東", "西"][house % 4],
                house % 5 + 1,
                house + 1,
                house * 3 % 20 + 1
            );
            let phone = format!("03-{:04}-{:04}", 2000 + house * 37, 1234 + house * 91);
            for member in 0..4usize {
                let (given, given_kana, sex) = GIVEN[(house + member * 3) % GIVEN.len()];
                let year = if member < 2 { 1960 + house % 20 } else { 1990 + house % 10 + member };
                let birth =
                    format!("{year}{:02}{:02}", (house * 5 + member * 7) % 12 + 1, (house * 3 + member * 11) % 28 + 1);
                let family = if hospital == 0 { old } else { new };
                // Every third moves between the visits, and the telephone changes with it.
                let moved = hospital == 1 && member == 2;
                let (line, phone) = if moved { ("", "") } else { (line.as_str(), phone.as_str()) };
                let key = house * 4 + member;
                let id = i64::try_from(hospital * 1000 + key + 1).unwrap();
                let outcome = feed(&mut index, id, (family, given, kana, given_kana, &birth, sex, line, phone), &model);
                let own = first_seen.iter().find(|(_, seen)| *seen == key).map(|(id, _)| PersonId(*id));
                asked += i32::from(own.is_some());
                match outcome {
                    Outcome::Match { person } if Some(person) == own => found += 1,
                    Outcome::Match { .. } => wrong += 1,
                    _ => {}
                }
                if hospital == 0 {
                    first_seen.push((id, key));
                }
            }
        }
    }
    assert_eq!((wrong, asked), (0, 96));
    assert!(found >= 94, "found {found} of {asked}");
}
