//! Bytes to text: which encoding they are in, and whether they are.
//!
//! A byte order mark stands above what the transport says, that above the XML declaration, and without
//! any of them the text is UTF-8 (RFC 7303, section 3). It must never guess, and never replace a malformed
//! byte by a mark: a name with a hole in it is another name.

use std::borrow::Cow;

use encoding_rs::{EUC_JP, Encoding, ISO_2022_JP, SHIFT_JIS, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::declaration;

type Reason = &'static str;

const UNSUPPORTED: Reason = "the character encoding is not supported";
const CONTRADICTED: Reason = "the declared encoding contradicts the bytes";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Charset {
    Ascii,
    Latin1,
    /// UTF-16 of either order.
    Utf16,
    Other(&'static Encoding),
}

/// Decodes the whole of `bytes` without its byte order mark; `transport` is the label that came with them.
pub(super) fn decode<'b>(bytes: &'b [u8], transport: Option<&str>) -> Result<Cow<'b, str>, Reason> {
    let transport = transport.map(named).transpose()?;
    let (marked, body) = match Encoding::for_bom(bytes) {
        Some((encoding, length)) => (Some(encoding), bytes.get(length..).unwrap_or_default()),
        None => (None, bytes),
    };
    let apparent = marked.or_else(|| ordered(body));
    let charset = match (marked, transport, apparent) {
        (Some(mark), ..) => Charset::Other(mark),
        (None, Some(Charset::Utf16), order) => Charset::Other(order.unwrap_or(UTF_16BE)),
        (None, Some(said), _) => said,
        (None, None, Some(order)) => Charset::Other(order),
        (None, None, None) => declared(body)?.unwrap_or(Charset::Other(UTF_8)),
    };
    let text = text(charset, body)?;
    // Where the transport speaks, the declaration may be stale: a gateway may have transcoded the body.
    if let (None, Some(encoding)) = (transport, apparent) {
        agree(encoding, &text)?;
    }
    Ok(text)
}

fn text(charset: Charset, body: &[u8]) -> Result<Cow<'_, str>, Reason> {
    let decoded = match charset {
        Charset::Ascii => std::str::from_utf8(body).ok().filter(|text| text.is_ascii()).map(Cow::Borrowed),
        Charset::Latin1 => Some(encoding_rs::mem::decode_latin1(body)),
        Charset::Utf16 => return Err(CONTRADICTED),
        Charset::Other(encoding) => encoding.decode_without_bom_handling_and_without_replacement(body),
    };
    decoded.ok_or("the bytes are malformed in their character encoding")
}

/// The charset that `label` names, if we take it.
fn named(label: &str) -> Result<Charset, Reason> {
    let label = label.trim_matches(|c: char| c.is_ascii_whitespace() || c == '"');
    // The web gives Latin-1 and ASCII the meaning of windows-1252, and does not know cp932; XML does neither.
    match label.to_ascii_lowercase().as_str() {
        "us-ascii" | "ascii" => return Ok(Charset::Ascii),
        "iso-8859-1" | "latin1" => return Ok(Charset::Latin1),
        "utf-16" => return Ok(Charset::Utf16),
        "cp932" => return Ok(Charset::Other(SHIFT_JIS)),
        _ => {}
    }
    let known = [UTF_8, UTF_16LE, UTF_16BE, SHIFT_JIS, EUC_JP, ISO_2022_JP, WINDOWS_1252];
    let found = Encoding::for_label(label.as_bytes()).filter(|encoding| known.contains(encoding));
    found.map(Charset::Other).ok_or(UNSUPPORTED)
}

/// UTF-16 without a mark shows itself by the first `<`.
fn ordered(body: &[u8]) -> Option<&'static Encoding> {
    match body {
        [b'<', 0, ..] => Some(UTF_16LE),
        [0, b'<', ..] => Some(UTF_16BE),
        _ => None,
    }
}

/// What the XML declaration says, read from the bytes themselves: up to its end they are ASCII in every
/// encoding we take but UTF-16.
fn declared(body: &[u8]) -> Result<Option<Charset>, Reason> {
    if !body.starts_with(b"<?xml") {
        return Ok(None);
    }
    let ascii = body.iter().position(|byte| !byte.is_ascii()).unwrap_or(body.len());
    let head = body.get(..ascii).and_then(|head| std::str::from_utf8(head).ok()).unwrap_or_default();
    let Some(content) = declaration::opening(head) else { return Ok(None) };
    let Some(label) = declaration::encoding(content)? else { return Ok(None) };
    match named(label)? {
        Charset::Utf16 => Err(CONTRADICTED),
        Charset::Other(encoding) if encoding == UTF_16LE || encoding == UTF_16BE => Err(CONTRADICTED),
        charset => Ok(Some(charset)),
    }
}

/// A declaration must not name another encoding than the one that the bytes show (XML 1.0, 4.3.3).
fn agree(encoding: &'static Encoding, text: &str) -> Result<(), Reason> {
    let Some(content) = declaration::opening(text) else { return Ok(()) };
    let Some(label) = declaration::encoding(content)? else { return Ok(()) };
    let agreed = match named(label)? {
        Charset::Utf16 => encoding != UTF_8,
        charset => charset == Charset::Other(encoding),
    };
    if agreed { Ok(()) } else { Err(CONTRADICTED) }
}

#[cfg(test)]
mod tests;
