//! A first mapping from the names of the columns and from what stands in them; for a preview, and to begin with.

use super::profile::Column;
use crate::matching::normalize::fold;

/// What columns are called, folded and without blanks and signs, for each field of ours.
const NAMES: [(&str, &[&str]); 27] = [
    (
        "record_id",
        &[
            "id",
            "recid",
            "recordid",
            "patientid",
            "pid",
            "mrn",
            "uniqueid",
            "no",
            "患者id",
            "患者番号",
            "診察券番号",
            "カルテ番号",
        ],
    ),
    (
        "source",
        &[
            "source",
            "facility",
            "hospital",
            "domain",
            "authority",
            "施設",
            "施設コード",
            "病院",
            "医療機関",
            "医療機関コード",
        ],
    ),
    ("family", &["family", "familyname", "surname", "lastname", "sei", "姓", "氏", "漢字姓", "姓漢字"]),
    ("given", &["given", "givenname", "firstname", "forename", "mei", "名", "漢字名", "名漢字"]),
    ("family_kana", &["familykana", "seikana", "lastnamekana", "姓カナ", "カナ姓", "セイ", "姓かな", "せい"]),
    ("given_kana", &["givenkana", "meikana", "firstnamekana", "名カナ", "カナ名", "メイ", "名かな", "めい"]),
    ("family_romaji", &["familyromaji", "familylatin", "seiromaji", "ローマ字姓", "姓ローマ字"]),
    ("given_romaji", &["givenromaji", "givenlatin", "meiromaji", "ローマ字名", "名ローマ字"]),
    ("full_name", &["fullname", "name", "patientname", "氏名", "患者氏名", "漢字氏名", "名前"]),
    ("middle", &["middle", "middlename"]),
    ("suffix", &["suffix", "namesuffix"]),
    ("sex", &["sex", "gender", "性別"]),
    ("birth_date", &["birthdate", "dateofbirth", "dob", "birthday", "born", "birth", "生年月日", "誕生日"]),
    ("postal_code", &["postalcode", "postal", "postcode", "zip", "zipcode", "郵便番号", "〒"]),
    ("prefecture", &["prefecture", "pref", "都道府県"]),
    ("city", &["city", "suburb", "市区町村"]),
    ("town", &["town", "町名", "町域"]),
    ("block", &["block", "banchi", "streetnumber", "番地", "丁目番地"]),
    ("building", &["building", "bldg", "address2", "建物", "建物名", "方書"]),
    ("street", &["street", "streetname", "address1"]),
    ("address", &["address", "住所", "現住所"]),
    ("state", &["state"]),
    (
        "phone",
        &[
            "phone",
            "phone1",
            "phone2",
            "tel",
            "telephone",
            "mobile",
            "cell",
            "電話",
            "電話番号",
            "携帯",
            "携帯電話",
            "自宅電話",
        ],
    ),
    ("email", &["email", "mail", "メール", "メールアドレス"]),
    ("mothers_maiden_name", &["mothersmaidenname", "母の旧姓"]),
    ("birth_place", &["birthplace", "placeofbirth", "出生地"]),
    ("birth_order", &["birthorder"]),
];

fn bare(name: &str) -> String {
    fold(name).chars().filter(|c| c.is_alphanumeric() || *c == '〒' || *c == 'ー').collect()
}

/// The field of ours that each column is most likely, in the order of the columns.
pub fn guess(columns: &[Column]) -> Vec<(String, &'static str)> {
    let mut found: Vec<(String, &'static str)> = Vec::new();
    let taken = |found: &[(String, &str)], field: &str| found.iter().any(|(_, known)| *known == field);
    for column in columns {
        let name = bare(&column.name);
        let field = NAMES.iter().find(|(field, names)| {
            let ours = bare(field);
            name == ours || names.contains(&name.as_str())
        });
        if let Some((field, _)) = field.filter(|(field, _)| *field == "phone" || !taken(&found, field)) {
            found.push((column.name.clone(), *field));
        }
    }
    let free = |found: &[(String, &str)], column: &Column| !found.iter().any(|(name, _)| *name == column.name);
    // What the name does not tell, what stands there may.
    if !taken(&found, "birth_date")
        && let Some(column) = columns.iter().find(|column| free(&found, column) && column.looks_like_dates())
    {
        found.push((column.name.clone(), "birth_date"));
    }
    if !taken(&found, "record_id")
        && let Some(column) =
            columns.iter().find(|column| free(&found, column) && column.looks_like_numbers_of_records())
    {
        found.push((column.name.clone(), "record_id"));
    }
    found
}

/// The mapping file that says so.
pub fn to_toml(guessed: &[(String, &'static str)]) -> String {
    let quoted = |name: &str| toml::Value::String(name.to_owned()).to_string();
    let mut text = "[columns]\n".to_owned();
    for (field, _) in NAMES {
        let columns: Vec<String> =
            guessed.iter().filter(|(_, known)| *known == field).map(|(name, _)| quoted(name)).collect();
        match columns.as_slice() {
            [] => {}
            [one] if field != "phone" => text.push_str(&format!("{field} = {one}\n")),
            several => text.push_str(&format!("{field} = [{}]\n", several.join(", "))),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(names: &[&str], rows: &[&[&str]]) -> Vec<Column> {
        let mut columns: Vec<Column> = names.iter().map(|name| Column::new(name)).collect();
        for row in rows {
            columns.iter_mut().zip(row.iter()).for_each(|(column, cell)| column.take(cell));
        }
        columns
    }

    #[test]
    fn columns_are_known_by_their_names() {
        let names = ["患者ID", "姓", "名", "姓（カナ）", "Date of Birth", "〒", "TEL", "携帯電話", "zzz"];
        let text = to_toml(&guess(&columns(&names, &[])));
        let expect = "[columns]\nrecord_id = \"患者ID\"\nfamily = \"姓\"\ngiven = \"名\"\nfamily_kana = \"姓（カナ）\"\n\
                      birth_date = \"Date of Birth\"\npostal_code = \"〒\"\nphone = [\"TEL\", \"携帯電話\"]\n";
        assert_eq!(text, expect);
    }

    #[test]
    fn or_by_what_stands_there() {
        let rows: [&[&str]; 3] = [&["a1", "1980-01-02", "x"], &["a2", "S55.1.3", "x"], &["a3", "19800104", "y"]];
        let found = guess(&columns(&["p", "q", "r"], &rows));
        assert_eq!(found, [("q".to_owned(), "birth_date"), ("p".to_owned(), "record_id")]);
    }
}
