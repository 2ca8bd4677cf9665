//! The law of the modules as data, with the checker that holds the tree to it.
//!
//! It reads source text alone and must never need the crate to compile.

use std::path::{Path, PathBuf};

const ALL: &[&str] = &["*"];

/// What each module may import of ours, bottom up.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("clock", &[]),
    ("metrics", &[]),
    ("planted", &[]),
    ("sealed", &[]),
    ("identity", &[]),
    ("xml", &[]),
    ("matching", &["identity"]),
    ("access", &["identity"]),
    ("audit", &["identity", "clock", "xml"]),
    ("hl7v3", &["identity", "xml"]),
    ("store", &["identity", "matching", "access", "audit", "clock", "metrics", "planted"]),
    ("registry", &["identity", "matching", "access", "audit", "store", "clock", "metrics", "planted"]),
    ("desk", &["identity", "access", "audit", "clock", "registry"]),
    ("transactions", &["clock", "metrics", "identity", "xml", "access", "audit", "hl7v3", "registry"]),
    ("transport", &["transactions", "desk", "sealed", "access", "audit", "xml", "registry", "clock", "metrics"]),
    ("demo", &["identity", "hl7v3"]),
    ("config", ALL),
    ("conformance", ALL),
    ("command_line", ALL),
    ("logging", ALL),
    ("server", ALL),
    ("main", ALL),
    ("lib", ALL),
];

/// The crates that are kept to some modules.
const ONLY_IN: &[(&str, &[&str])] = &[
    ("quick_xml", &["xml"]),
    ("strsim", &["matching"]),
    ("diesel", &["store"]),
    ("diesel_async", &["store"]),
    ("diesel_migrations", &["store"]),
    ("tokio_postgres", &["store"]),
    ("libsqlite3_sys", &["store"]),
    ("actix_web", &["transport", "server"]),
    ("actix_tls", &["transport", "server"]),
    ("ureq", &["conformance", "command_line", "transport", "demo"]),
    ("yaserde", &["hl7v3", "conformance"]),
    ("clap", &["command_line", "config", "main"]),
    ("aead_stream", &["sealed"]),
    ("chacha20poly1305", &["sealed"]),
    ("getrandom", &["sealed"]),
    ("indicatif", &["command_line", "demo"]),
    ("prometheus_client", &["metrics"]),
    ("env_logger", &["logging", "main", "server"]),
];

/// Every `.rs` file under `dir`.
pub fn sources(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).expect("a readable source folder") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The source without comments, and without what stands from `#[cfg(test)]` on at the foot of a file.
pub fn code_of(text: &str) -> String {
    let lines = text.lines().take_while(|line| !line.starts_with("#[cfg(test)]"));
    let kept: Vec<&str> = lines.filter(|line| !line.trim_start().starts_with("//")).collect();
    kept.join("\n")
}

fn word(text: &str) -> &str {
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len());
    &text[..end]
}

/// The first segments named after each `crate::`, also inside `crate::{…}`.
fn imports(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        if code[..at].ends_with(|c: char| c == '$' || c.is_alphanumeric()) {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        let Some(group) = rest.strip_prefix('{') else {
            found.push(word(rest).to_owned());
            continue;
        };
        let (mut depth, mut fresh) = (1, true);
        for (i, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 1 => fresh = true,
                c if fresh && (c.is_alphabetic() || c == '_') => {
                    found.push(word(&group[i..]).to_owned());
                    fresh = false;
                }
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }
    found
}

/// Whether the code names the crate as a path.
fn names_crate(code: &str, name: &str) -> bool {
    let path = format!("{name}::");
    code.match_indices(&path).any(|(at, _)| {
        let before = &code[..at];
        let absolute = !before.ends_with("::") || before.trim_end_matches("::").ends_with(|c: char| c.is_whitespace());
        absolute && !before.ends_with(|c: char| c.is_alphanumeric() || c == '_')
    }) || code.contains(&format!("use {name};"))
}

/// The breaches of one file of `module`.
fn breaches(module: &str, text: &str) -> Vec<String> {
    let code = code_of(text);
    let Some((_, may)) = MAY_IMPORT.iter().find(|(name, _)| *name == module) else {
        return vec![format!("`{module}` is not in the law")];
    };
    let mut found = Vec::new();
    for import in imports(&code) {
        let known = MAY_IMPORT.iter().any(|(name, _)| *name == import);
        if known && import != module && *may != ALL && !may.contains(&import.as_str()) {
            found.push(format!("`{module}` names `{import}`"));
        }
    }
    for (name, homes) in ONLY_IN {
        if names_crate(&code, name) && !homes.contains(&module) {
            found.push(format!("`{module}` names the crate `{name}`"));
        }
    }
    found
}

#[test]
fn the_tree_keeps_the_law() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    for path in sources(&root) {
        let relative = path.strip_prefix(&root).expect("below src");
        if relative.file_name().is_some_and(|f| f == "tests.rs") || relative.iter().any(|p| p == "tests") {
            continue;
        }
        let first = relative.iter().next().expect("a name").to_string_lossy();
        let text = std::fs::read_to_string(&path).expect("readable source");
        for breach in breaches(first.trim_end_matches(".rs"), &text) {
            found.push(format!("{}: {breach}", relative.display()));
        }
    }
    assert!(found.is_empty(), "breaches of the law:\n{}", found.join("\n"));
}

#[test]
fn a_planted_breach_is_found() {
    let check = |module: &str, text: &str, expect: usize| {
        assert_eq!(breaches(module, text).len(), expect, "{module}: {text}: {:?}", breaches(module, text));
    };
    check("identity", "use crate::store::Row;", 1);
    check("hl7v3", "use crate::{identity::{Name, Sex}, xml, registry::Error};", 1);
    check("hl7v3", "use crate::{\n    identity::Name,\n    xml,\n};", 0);
    check("transport", "fn f() { crate::store::open() }", 1);
    check("registry", "use diesel::prelude::*;", 1);
    check("registry", "use diesel_async::AsyncConnection;", 1);
    check("store", "use diesel::prelude::*;", 0);
    check("matching", "// crate::store is not named in code\nuse crate::identity::Name;", 0);
    check("matching", "use crate::identity::Name;\n#[cfg(test)]\nmod tests { use crate::demo::x; }", 0);
    check("elsewhere", "", 1);
}
