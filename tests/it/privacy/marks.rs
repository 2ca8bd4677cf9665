//! Values that nothing else holds, as a patient, a peer or an operator might give them.

/// Every mark, as it is sent. Each is looked for in the forms that it may take on its way.
pub const MARKS: [&str; 34] = [
    "Zqfamily",
    "Zqgiven",
    "魑魅丸",
    "魍魎子",
    "ゾクゾワ",
    "ヌペポヌ",
    "Zqcity",
    "Zqstreet",
    "321-7755",
    "0998-77-5566",
    "zqmail@zq.example",
    "18770131",
    "ZQ-H01-7711",
    "ZQ-H01-7712",
    "ZQ-C01-7713",
    "ZQ-FOREIGN-99",
    "ZQ-UNKNOWN-98",
    "ZQ-REGIONAL-97",
    "ZQ-MESSAGE-55",
    "zqquery",
    "zqmother",
    "zqmalformed",
    "zqcharset",
    "zqentity",
    "zqdomain",
    "zqurl",
    "zqpath",
    "zqheader",
    "zqlength",
    "zqoversize",
    "zqblock",
    "zqaction",
    "zqroot",
    "zqreplyto",
];

/// Marks of operators: secrets in a configuration, and what was typed after a command.
const SECRETS: [&str; 3] = ["zqsecret", "zqtyped", "ZQ-TYPED-11"];

/// The forms that a value may take: as it is, digits alone, and the bytes as `Debug` prints them.
fn forms(mark: &str) -> Vec<String> {
    let mut forms = vec![mark.to_lowercase()];
    if mark.chars().any(|c| c.is_ascii_digit()) && !mark.chars().any(char::is_alphabetic) {
        forms.push(mark.replace('-', ""));
    }
    if mark == "18770131" {
        forms.push("1877-01-31".to_owned());
    }
    let bytes: Vec<String> = mark.bytes().map(|byte| byte.to_string()).collect();
    forms.push(bytes.join(", "));
    let escaped: String = mark.chars().map(|c| format!("\\u{{{:x}}}", u32::from(c))).collect();
    forms.push(escaped);
    forms.push(percent(mark).to_lowercase());
    forms
}

fn percent(mark: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-.@".contains(&byte);
    mark.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// The marks that `text` holds.
pub fn found_in(text: &str) -> impl Iterator<Item = &'static str> {
    let text = text.to_lowercase();
    let holds = move |mark: &&'static str| forms(mark).iter().any(|form| text.contains(form));
    MARKS.into_iter().chain(SECRETS).filter(holds)
}

/// The first line of `text` that holds `mark`.
pub fn line_with(text: &str, mark: &str) -> String {
    let forms = forms(mark);
    let line = text.lines().find(|line| forms.iter().any(|form| line.to_lowercase().contains(form)));
    line.unwrap_or_default().chars().take(400).collect()
}

/// The marks that are not among the bytes `sent`.
pub fn never_sent(sent: &[u8]) -> Vec<&'static str> {
    let text = String::from_utf8_lossy(sent).to_lowercase();
    MARKS.into_iter().filter(|mark| !text.contains(&mark.to_lowercase())).collect()
}

#[test]
fn a_mark_is_found_in_every_form() {
    let check = |text: &str, expect: &[&str]| assert_eq!(found_in(text).collect::<Vec<_>>(), expect, "{text}");
    check("WARN no such patient ZQFAMILY here", &["Zqfamily"]);
    check("tel 0998775566", &["0998-77-5566"]);
    check("born 1877-01-31", &["18770131"]);
    check("[90, 113, 99, 105, 116, 121]", &["Zqcity"]);
    check("name=%E9%AD%91%E9%AD%85%E4%B8%B8", &["魑魅丸"]);
    check("\\u{9b51}\\u{9b45}\\u{4e38}", &["魑魅丸"]);
    check("password zqsecret", &["zqsecret"]);
    check("nothing", &[]);
}
