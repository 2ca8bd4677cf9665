//! The rows of the standard that must be proved, and the table of which case proves which, kept as `ROWS.md`.
//!
//! A row is a situation in our own words; a case names the rows that it proves. A row without a case, and a case
//! that names no row, are mistakes.

use nayose::conformance::Case;
use std::collections::BTreeMap;

const SECTIONS: [(&str, &str, &[&str]); 5] = [
    ("3.1", "Patient Identity Feed (ITI-44)", &FEED),
    ("3.2", "PIX query (ITI-45)", &CROSS_REFERENCE),
    ("4.3", "PIX update notification (ITI-46)", &NOTIFICATION),
    ("3.3", "Patient Demographics Query (ITI-47)", &DEMOGRAPHICS),
    ("3.5", "SOAP and HTTP", &SOAP),
];

const FEED: [&str; 40] = [
    "accepted",
    "accepted with remarks",
    "unknown assigning authority",
    "sender not authorised",
    "regional identifier asserted",
    "neither id nor name",
    "several subjects in 301 or 302",
    "replacementOf in 301 or 302",
    "301 for a known id",
    "302 for an unknown id",
    "feed of a subsumed identifier",
    "same message again",
    "message id used again for another payload",
    "message id that no schema allows",
    "merge accepted",
    "merge: authorities differ",
    "merge: surviving = subsumed",
    "merge: subsumed unknown",
    "merge: subsumed already subsumed",
    "merge: surviving unknown",
    "merge: surviving already subsumed",
    "merge: no replacementOf",
    "merge: no prior id",
    "merge: more than one prior id",
    "merge: status not obsolete and active",
    "merge: status not obsolete and active, strict",
    "interactionId does not fit the root",
    "processingCode not served",
    "processingModeCode not T, lenient",
    "processingModeCode not T, strict",
    "versionCode not supported",
    "schema violation",
    "data type violation: date",
    "data type violation: OID",
    "data type violation: truth value",
    "wrong code system",
    "wrong value",
    "internal failure",
    "store unavailable",
    "receiver and sender swapped",
];

const CROSS_REFERENCE: [&str; 16] = [
    "case 1",
    "case 2",
    "case 3",
    "case 3 without a domain asked for",
    "case 4: unknown identifier",
    "case 4: unknown authority",
    "case 4 and case 5",
    "case 5",
    "case 6",
    "echo of the query",
    "requested domain is the queried one",
    "subsumed identifier",
    "several patient identifiers",
    "sender not authorised",
    "invalid query",
    "internal failure",
];

const NOTIFICATION: [&str; 14] = [
    "add",
    "add that links",
    "revise that breaks a link",
    "merge",
    "several identifiers of one domain",
    "identifiers of watched domains alone",
    "no notification of domains that are not watched",
    "no notification of demographics alone",
    "identifiers that are not granted",
    "order",
    "error acknowledgement",
    "name",
    "wrapper",
    "custodian",
];

const DEMOGRAPHICS: [&str; 22] = [
    "case 1",
    "case 1 kanji",
    "case 1 kana",
    "case 1 romaji",
    "case 2",
    "case 3",
    "each parameter",
    "demographics come back",
    "Pediatric Demographics",
    "one source",
    "no match",
    "initialQuantity suffices",
    "initialQuantity smaller, continuation supported",
    "startResultNumber beyond the end",
    "too many matches",
    "unsupported parameter or invalid query",
    "subsumed identifier",
    "sender not authorised",
    "internal error",
    "continue unknown",
    "cancel of a known query",
    "cancel unknown",
];

const SOAP: [&str; 31] = [
    "GET",
    "GET of the description",
    "wrong content type",
    "body too large",
    "not well-formed",
    "wrong charset",
    "DTD",
    "processing instruction",
    "not an Envelope",
    "no Body",
    "empty Body",
    "more than one child of Body",
    "SOAP 1.1",
    "mustUnderstand",
    "unknown header",
    "unknown root",
    "Action missing, lenient",
    "Action missing, strict",
    "Action and root differ",
    "MessageID missing, lenient",
    "MessageID missing, strict",
    "ReplyTo missing, strict",
    "RelatesTo",
    "duplicated header",
    "unusable ReplyTo",
    "WS-Addressing of 2004",
    "overload",
    "store down",
    "no readable message id",
    "content error is no fault",
    "fault relates to the request",
];

/// Rows that no case can prove, and why.
const ELSEWHERE: [(&str, &str); 1] =
    [("3.3 initialQuantity smaller, continuation not supported", "the continuation option is claimed")];

/// The whole file.
pub fn rows(cases: &[Case]) -> String {
    let mut proved: BTreeMap<&str, Vec<&Case>> = BTreeMap::new();
    for case in cases {
        for row in &case.proves {
            proved.entry(row.as_str()).or_default().push(case);
        }
    }
    let mut out = String::from(
        "# What the cases prove\n\nWritten by `NAYOSE_WRITE_ROWS=1 cargo test --test conformance rows`; do not edit.\n",
    );
    for (section, title, rows) in SECTIONS {
        out.push_str(&format!("\n## {title}\n\n| Row | Cases |\n|---|---|\n"));
        for row in rows {
            let cases = proved.get(format!("{section} {row}").as_str()).map(Vec::as_slice).unwrap_or_default();
            let links: Vec<String> =
                cases.iter().map(|c| format!("[{}]({}/case.toml) {}", c.name, c.name, c.title)).collect();
            out.push_str(&format!("| {row} | {} |\n", links.join("<br>")));
        }
    }
    out.push_str("\n## Without a case\n\n| Row | Why |\n|---|---|\n");
    for (row, why) in ELSEWHERE {
        out.push_str(&format!("| {row} | {why} |\n"));
    }
    out
}

/// The rows that no case proves, and the rows that cases name and that are none.
pub fn unproved(cases: &[Case]) -> (Vec<String>, Vec<String>) {
    let all = SECTIONS.iter().flat_map(|(section, _, rows)| rows.iter().map(move |row| format!("{section} {row}")));
    let all: Vec<String> = all.collect();
    let named: Vec<&String> = cases.iter().flat_map(|case| &case.proves).collect();
    let missing = all.iter().filter(|row| !named.contains(row)).cloned().collect();
    let strangers = named.into_iter().filter(|row| !all.contains(row)).cloned().collect();
    (missing, strangers)
}
