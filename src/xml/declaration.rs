//! The XML declaration, `<?xml version="1.0" encoding="..." standalone="..."?>`, by its own strict grammar.
//!
//! It must never accept another version than 1.0: XML 1.1 gives other characters and line ends a meaning.

use super::characters::is_space;
use super::tag::{self, Tag};

type Reason = &'static str;

const MALFORMED: Reason = "the XML declaration is malformed";

/// Reads what stands between `<?` and `?>` and returns the declared encoding, if any.
pub(super) fn encoding(content: &str) -> Result<Option<&str>, Reason> {
    let Tag { name, attributes } = tag::parse(content, 3).map_err(|_| MALFORMED)?;
    let mut parts = attributes.into_iter().peekable();
    if name != "xml" {
        return Err(MALFORMED);
    }
    match parts.next() {
        Some(("version", "1.0")) => {}
        Some(("version", _)) => return Err("a version of XML other than 1.0 is not accepted"),
        _ => return Err("the XML declaration states no version"),
    }
    let declared = parts.next_if(|(name, _)| *name == "encoding").map(|(_, label)| label);
    let standalone = parts.next_if(|(name, _)| *name == "standalone").map(|(_, value)| value);
    if parts.next().is_some() || declared.is_some_and(|label| !is_label(label)) {
        return Err(MALFORMED);
    }
    if standalone.is_some_and(|value| value != "yes" && value != "no") {
        return Err(MALFORMED);
    }
    Ok(declared)
}

/// Cuts the declaration that opens `text` down to its content; `None` where it opens with something else.
pub(super) fn opening(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("<?")?;
    let spaced = rest.strip_prefix("xml")?.starts_with(is_space);
    if spaced { rest.split_once("?>").map(|(content, _)| content) } else { None }
}

fn is_label(label: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    label.starts_with(|c: char| c.is_ascii_alphabetic()) && label.chars().all(allowed)
}
