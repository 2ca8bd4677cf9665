//! The inside of a start tag taken apart: its name, its attributes, their values still raw.
//!
//! The tokeniser below us finds the ends of tags but accepts anything between them, so every rule of the
//! grammar is checked here. Nothing is resolved here.

use super::characters::is_space;

type Reason = &'static str;

/// A start tag, as written.
pub(super) struct Tag<'t> {
    /// The name, prefix and all.
    pub name: &'t str,
    /// Names and raw values in the order written.
    pub attributes: Vec<(&'t str, &'t str)>,
}

/// Takes apart what stands between `<` and `>` or `/>`; at most `limit` attributes.
pub(super) fn parse(content: &str, limit: usize) -> Result<Tag<'_>, Reason> {
    let (name, mut rest) = content.split_at(content.find(is_space).unwrap_or(content.len()));
    if name.is_empty() {
        return Err("a name is malformed");
    }
    let mut attributes = Vec::new();
    loop {
        let trimmed = rest.trim_start_matches(is_space);
        if trimmed.is_empty() {
            return Ok(Tag { name, attributes });
        }
        if trimmed.len() == rest.len() {
            return Err("attributes are not separated by white space");
        }
        if attributes.len() >= limit {
            return Err("an element has too many attributes");
        }
        let (attribute, after) = one(trimmed)?;
        attributes.push(attribute);
        rest = after;
    }
}

/// One attribute at the start of `text`, and what follows it.
fn one(text: &str) -> Result<((&str, &str), &str), Reason> {
    let (name, after) = text.split_once('=').ok_or("an attribute has no value")?;
    let name = name.trim_end_matches(is_space);
    if name.contains(is_space) {
        return Err("an attribute has no value");
    }
    let after = after.trim_start_matches(is_space);
    let quote = after.chars().next().filter(|c| matches!(c, '"' | '\'')).ok_or("an attribute value is not quoted")?;
    let inside = after.strip_prefix(quote).unwrap_or_default();
    let (value, after) = inside.split_once(quote).ok_or("an attribute value is not closed")?;
    if value.contains('<') {
        return Err("an attribute value contains <");
    }
    Ok(((name, value), after))
}
