//! The only writer of XML: pushes tags and text onto a string, and holds the one escaper of the product.
//!
//! It must never write a text that is not escaped, other than through [`Writer::raw`].

use std::ops::Range;

use super::characters::is_char;

/// Writes one document or fragment. Names are the program's own and are not checked; everything else is
/// escaped. Elements left open are closed at the end, so what comes out is balanced.
///
/// ```
/// let mut out = nayose::xml::Writer::new();
/// out.open("id").attribute("root", "1.2.3").attribute("extension", "A&B").close();
/// assert_eq!(out.finish(), r#"<id root="1.2.3" extension="A&amp;B"/>"#);
/// ```
#[derive(Default)]
pub struct Writer {
    out: String,
    /// Where in `out` the names of the open elements stand.
    open: Vec<Range<usize>>,
    /// Whether the last start tag still lacks its `>`.
    unfinished: bool,
}

impl Writer {
    /// A writer with nothing written.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Likewise with room for so many bytes.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        Self { out: String::with_capacity(bytes), ..Self::default() }
    }

    /// Makes room for so many bytes more.
    pub fn reserve(&mut self, bytes: usize) {
        self.out.reserve(bytes);
    }

    /// Opens an element; attributes may follow.
    pub fn open(&mut self, name: &str) -> &mut Self {
        self.finish_tag();
        self.out.push('<');
        let start = self.out.len();
        self.out.push_str(name);
        self.open.push(start..self.out.len());
        self.unfinished = true;
        self
    }

    /// Adds an attribute to the element just opened. After content there is no place for it: it is left out,
    /// and a test build stops.
    pub fn attribute(&mut self, name: &str, value: &str) -> &mut Self {
        debug_assert!(self.unfinished, "an attribute after content");
        if self.unfinished {
            self.out.push(' ');
            self.out.push_str(name);
            self.out.push_str("=\"");
            escape(value, true, &mut self.out);
            self.out.push('"');
        }
        self
    }

    /// Writes text, escaped.
    pub fn text(&mut self, text: &str) -> &mut Self {
        if !text.is_empty() {
            self.finish_tag();
            escape(text, false, &mut self.out);
        }
        self
    }

    /// Closes the element opened last; one without content becomes an empty tag.
    pub fn close(&mut self) -> &mut Self {
        if let Some(name) = self.open.pop() {
            if self.unfinished {
                self.unfinished = false;
                self.out.push_str("/>");
            } else {
                self.out.push_str("</");
                self.out.extend_from_within(name);
                self.out.push('>');
            }
        }
        self
    }

    /// Writes an element that has attributes only.
    pub fn empty(&mut self, name: &str, attributes: &[(&str, &str)]) -> &mut Self {
        self.open(name);
        for (name, value) in attributes {
            self.attribute(name, value);
        }
        self.close()
    }

    /// Writes an element that has text only.
    pub fn leaf(&mut self, name: &str, text: &str) -> &mut Self {
        self.open(name).text(text).close()
    }

    /// Inserts XML that this writer or [`Element::to_xml`](super::Element::to_xml) made, as it is.
    pub fn raw(&mut self, xml: &str) -> &mut Self {
        if !xml.is_empty() {
            self.finish_tag();
            self.out.push_str(xml);
        }
        self
    }

    /// Closes what is open and returns what was written.
    #[must_use]
    pub fn finish(mut self) -> String {
        while !self.open.is_empty() {
            self.close();
        }
        self.out
    }

    fn finish_tag(&mut self) {
        if std::mem::take(&mut self.unfinished) {
            self.out.push('>');
        }
    }
}

/// Whether a byte belongs to a character that is written as it is, wherever it stands. What may not be told by one byte
/// (U+FFFE begins as full-width letters do) is looked at as a character.
fn is_plain(byte: u8) -> bool {
    byte >= b' ' && !matches!(byte, b'&' | b'<' | b'>' | b'"' | 0xEF)
}

/// Escapes `text` for content or for an attribute in double quotes, so that a reader gets back the same.
///
/// Characters that XML 1.0 has no way to write (U+0001 from an old feed, say) are dropped: no reference may
/// name them either, and one of them would make the whole reply unreadable for the receiver. `>` is escaped
/// for the sake of `]]>`; CR, and in attributes tab and line feed, since a reader would change them.
fn escape(text: &str, attribute: bool, out: &mut String) {
    if text.bytes().all(is_plain) {
        out.push_str(text);
        return;
    }
    let mut plain = 0;
    for (at, c) in text.char_indices() {
        let written = match c {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            '\r' => "&#13;",
            '"' if attribute => "&quot;",
            '\t' if attribute => "&#9;",
            '\n' if attribute => "&#10;",
            _ if is_char(c) => continue,
            _ => "",
        };
        out.push_str(text.get(plain..at).unwrap_or_default());
        out.push_str(written);
        plain = at + c.len_utf8();
    }
    out.push_str(text.get(plain..).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::Writer;

    fn check(build: impl Fn(&mut Writer), expect: &str) {
        let mut out = Writer::new();
        build(&mut out);
        assert_eq!(out.finish(), expect);
    }

    fn text(out: &mut Writer, text: &str) {
        out.leaf("a", text);
    }

    fn value(out: &mut Writer, value: &str) {
        out.empty("a", &[("b", value)]);
    }

    #[test]
    fn balance_is_kept() {
        check(|_| {}, "");
        check(|out| _ = out.open("a"), "<a/>");
        check(|out| _ = out.open("a").open("b").open("c"), "<a><b><c/></b></a>");
        check(|out| _ = out.open("a").open("b").close().close().close(), "<a><b/></a>");
        check(|out| _ = out.open("a").close().open("b"), "<a/><b/>");
        check(|out| _ = out.open("a").text("").close(), "<a/>");
        check(|out| _ = out.open("a").raw("").close(), "<a/>");
        check(|out| _ = out.open("a").raw("<b/>").text("<").close(), "<a><b/>&lt;</a>");
        check(|out| _ = out.open("名").attribute("字", "値").text("文"), r#"<名 字="値">文</名>"#);
    }

    #[test]
    fn text_is_escaped() {
        check(|out| text(out, "a&b<c>d\"e'f"), "<a>a&amp;b&lt;c&gt;d\"e'f</a>");
        check(|out| text(out, "&amp;"), "<a>&amp;amp;</a>");
        check(|out| text(out, "]]>"), "<a>]]&gt;</a>");
        check(|out| text(out, "a\r\n\tb"), "<a>a&#13;\n\tb</a>");
        check(|out| text(out, "２－７あ\u{fffe}"), "<a>２－７あ</a>");
        check(|out| text(out, "\0a\u{1}b\u{1f}c\u{fffe}d\u{ffff}"), "<a>abcd</a>");
        check(|out| text(out, "山田\u{20bb7}\u{7f}\u{85}"), "<a>山田\u{20bb7}\u{7f}\u{85}</a>");
    }

    #[test]
    fn values_are_escaped() {
        check(|out| value(out, "a&b<c>d\"e'f"), r#"<a b="a&amp;b&lt;c&gt;d&quot;e'f"/>"#);
        check(|out| value(out, "\t\n\r "), r#"<a b="&#9;&#10;&#13; "/>"#);
        check(|out| value(out, "\u{8}x\u{b}"), r#"<a b="x"/>"#);
        check(|out| value(out, "\" onload=\""), r#"<a b="&quot; onload=&quot;"/>"#);
    }

    #[test]
    #[should_panic(expected = "an attribute after content")]
    fn an_attribute_after_content_stops_a_test() {
        check(|out| _ = out.open("a").text("x").attribute("b", "c"), "");
    }
}
