//! References: the five entities that XML predefines and characters by number.
//!
//! No other entity exists here, so nothing can be expanded: a reference yields one character, always.

use super::characters::{is_char, is_name};

type Reason = &'static str;

/// The character that the reference between `&` and `;` stands for.
pub(super) fn resolve(name: &str) -> Result<char, Reason> {
    match name {
        "amp" => Ok('&'),
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "quot" => Ok('"'),
        "apos" => Ok('\''),
        _ => match name.strip_prefix('#') {
            Some(number) => character(number),
            None if is_name(name) => Err("an undefined entity is referenced"),
            None => Err("a reference is malformed"),
        },
    }
}

/// The value of an attribute: white space becomes spaces, references are resolved (XML 1.0, 3.3.3).
/// White space that was written as a reference stays what it is.
pub(super) fn value(raw: &str) -> Result<String, Reason> {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((plain, after)) = rest.split_once('&') {
        spaced(plain, &mut out);
        let (name, after) = after.split_once(';').ok_or("a reference is not closed")?;
        out.push(resolve(name)?);
        rest = after;
    }
    spaced(rest, &mut out);
    Ok(out)
}

fn spaced(plain: &str, out: &mut String) {
    out.extend(plain.chars().map(|c| if matches!(c, '\t' | '\n' | '\r') { ' ' } else { c }));
}

fn character(number: &str) -> Result<char, Reason> {
    let (digits, radix) = number.strip_prefix('x').map_or((number, 10), |hex| (hex, 16));
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return Err("a character reference is malformed");
    }
    let code = u32::from_str_radix(digits, radix).ok();
    let found = code.and_then(char::from_u32).filter(|c| is_char(*c));
    found.ok_or("a character reference names no character that XML allows")
}
