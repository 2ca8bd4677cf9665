//! The table of the rows of the standard that the cases prove, kept beside them as `ROWS.md`.

use nayose::conformance::Case;
use std::collections::BTreeMap;

const SECTIONS: [(&str, &str); 4] = [
    ("3.1", "Patient Identity Feed (ITI-44)"),
    ("3.2", "PIX query (ITI-45)"),
    ("3.3", "Patient Demographics Query (ITI-47)"),
    ("3.5", "SOAP and HTTP"),
];

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
    for (section, title) in SECTIONS {
        out.push_str(&format!("\n## {title}\n\n| Row | Cases |\n|---|---|\n"));
        for (row, cases) in &proved {
            if let Some(row) = row.strip_prefix(section) {
                let links: Vec<String> =
                    cases.iter().map(|c| format!("[{}]({}/case.toml) {}", c.name, c.name, c.title)).collect();
                out.push_str(&format!("| {} | {} |\n", row.trim(), links.join("<br>")));
            }
        }
    }
    out
}

/// The rows that stand under no section, and so in no table.
pub fn homeless(cases: &[Case]) -> Vec<&str> {
    let known = |row: &&str| !SECTIONS.iter().any(|(section, _)| row.starts_with(&format!("{section} ")));
    cases.iter().flat_map(|c| &c.proves).map(String::as_str).filter(known).collect()
}
