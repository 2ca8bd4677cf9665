//! The only parser and writer of XML in the product: a strict layer over quick-xml.
//!
//! It turns bytes into a tree whose names are resolved and whose text is whole, or into an error that
//! names the place; and a tree or pushes into bytes. It must never expand an entity beyond the five of
//! XML itself, follow a reference, accept a DTD, or know what a document means.

mod canonical;
mod characters;
mod charset;
mod declaration;
mod element;
mod reader;
mod reference;
mod scope;
mod tag;
mod writer;

pub use element::{Attribute, Element, ExpandedName, Node};
pub use writer::Writer;

/// What a document may hold at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the document as received.
    pub bytes: usize,
    /// Depth of nesting.
    pub depth: usize,
    /// Attributes of one element, namespace declarations included.
    pub attributes: usize,
    /// Elements in all.
    pub elements: usize,
    /// Bytes of one name.
    pub name: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 1 << 20, depth: 64, attributes: 64, elements: 20_000, name: 256 }
    }
}

impl Limits {
    /// The limits under which what [`Element::to_xml`] wrote can be read again, if these are the limits that
    /// the original passed: escaping may lengthen a text, and the root declares every namespace.
    #[must_use]
    pub fn of_rewritten(&self) -> Self {
        let bytes = self.bytes.saturating_mul(8).saturating_add(4096);
        Self { bytes, attributes: self.attributes.saturating_add(scope::NAMESPACES), ..*self }
    }
}

/// Why bytes are no document that we take. The text names reason and place, never content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct XmlError {
    /// The reason, in words.
    pub reason: &'static str,
    /// Line, from 1; 0 where unknown.
    pub line: u32,
}

impl std::fmt::Display for XmlError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (line {})", self.reason, self.line)
    }
}

impl std::error::Error for XmlError {}

/// Reads a whole document. `charset` is what the transport said (the `charset` parameter of the media type);
/// a byte order mark stands above it, the XML declaration below.
pub fn read(bytes: &[u8], charset: Option<&str>, limits: &Limits) -> Result<Element, XmlError> {
    let refused = |reason| XmlError { reason, line: 0 };
    if bytes.len() > limits.bytes {
        return Err(refused("the document is too large"));
    }
    let text = charset::decode(bytes, charset).map_err(refused)?;
    // Line ends before anything else (XML 1.0, 2.11): a CR that was written as a reference stays.
    let text = if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n").into() } else { text };
    reader::read(&text, limits)
}

#[cfg(test)]
mod tests;
