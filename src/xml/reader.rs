//! Text to tree. quick-xml cuts the text into tags, texts, comments and references and is trusted with
//! nothing else: every rule of XML 1.0 and of its namespaces is checked here or in the modules beside it.
//!
//! It must never hand on a document that a conforming parser refuses, nor one that it read in part.

use quick_xml::Reader;
use quick_xml::errors::{Error, IllFormedError, SyntaxError};
use quick_xml::events::Event;

use super::characters::{is_blank, is_char, is_space};
use super::element::{Attribute, Element, Node};
use super::scope::{self, Names, Scope};
use super::tag::{self, Tag};
use super::{Limits, XmlError, declaration, reference};

type Reason = &'static str;

const DOCTYPE: Reason = "a document type declaration is not accepted";
const INSTRUCTION: Reason = "a processing instruction is not accepted";

/// Reads the whole of `text`, its byte order mark gone and its line ends all `\n`.
pub(super) fn read(text: &str, limits: &Limits) -> Result<Element, XmlError> {
    // The tokeniser swallows a mark at the start, which here can only be a second one.
    if let Some(at) = stray(text) {
        let reason = if at == 0 { "the document starts with a stray character" } else { "a character is not allowed" };
        return Err(XmlError { reason, line: count(1, text.get(..at)) });
    }
    let mut reader = Reader::from_str(text);
    // Ends are matched below, where the reason is known.
    reader.config_mut().check_end_names = false;
    reader.config_mut().allow_unmatched_ends = true;
    let mut building = Building::new(limits);
    let (mut start, mut line) = (0, 1);
    loop {
        let event = reader.read_event().map_err(|error| XmlError { reason: reason(&error), line })?;
        let end = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        let raw = text.get(start..end).unwrap_or_default();
        if matches!(event, Event::Eof) {
            return building.finish().map_err(|reason| XmlError { reason, line });
        }
        building.take(&event, raw, start, line).map_err(|reason| XmlError { reason, line })?;
        line = count(line, Some(raw));
        start = end;
    }
}

/// Where the first character is that must not be there.
fn stray(text: &str) -> Option<usize> {
    // Few bytes can begin such a character: controls, and what begins U+F000 to U+FFFF.
    let suspect = |byte: &u8| (*byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r')) || *byte == 0xEF;
    let from = text.as_bytes().iter().position(suspect)?;
    let mut rest = text.get(from..)?.char_indices().map(|(at, c)| (from + at, c));
    rest.find(|(at, c)| !is_char(*c) || (*at == 0 && *c == '\u{FEFF}')).map(|(at, _)| at)
}

fn count(from: u32, text: Option<&str>) -> u32 {
    let lines = text.unwrap_or_default().bytes().filter(|b| *b == b'\n').count();
    from.saturating_add(u32::try_from(lines).unwrap_or(u32::MAX))
}

/// An element whose end has not come yet.
struct Open<'t> {
    qname: &'t str,
    element: Element,
    /// Text since the last tag.
    text: String,
}

struct Building<'t, 'l> {
    limits: &'l Limits,
    names: Names,
    outermost: Scope,
    open: Vec<Open<'t>>,
    root: Option<Element>,
    elements: usize,
}

impl<'t, 'l> Building<'t, 'l> {
    fn new(limits: &'l Limits) -> Self {
        let names = Names::new(limits.name);
        Self { limits, names, outermost: scope::outermost(), open: Vec::new(), root: None, elements: 0 }
    }

    /// One token; `raw` is its whole text, which starts at the byte `start`.
    fn take(&mut self, event: &Event<'_>, raw: &'t str, start: usize, line: u32) -> Result<(), Reason> {
        match event {
            Event::Start(_) => {
                let opened = self.opened(within(raw, "<", ">")?, line)?;
                self.open.push(opened);
                Ok(())
            }
            Event::Empty(_) => {
                let opened = self.opened(within(raw, "<", "/>")?, line)?;
                self.closed(opened.element)
            }
            Event::End(_) => self.end(within(raw, "</", ">")?),
            Event::Text(_) => self.text(raw),
            Event::CData(_) => self.cdata(within(raw, "<![CDATA[", "]]>")?),
            Event::GeneralRef(_) => self.reference(within(raw, "&", ";")?),
            Event::Comment(_) => comment(within(raw, "<!--", "-->")?),
            Event::Decl(_) if start == 0 => declaration::encoding(within(raw, "<?", "?>")?).map(|_| ()),
            Event::Decl(_) => Err("an XML declaration does not open the document"),
            Event::DocType(_) => Err(DOCTYPE),
            Event::PI(_) => Err(INSTRUCTION),
            Event::Eof => Ok(()),
        }
    }

    fn opened(&mut self, content: &'t str, line: u32) -> Result<Open<'t>, Reason> {
        if self.open.is_empty() && self.root.is_some() {
            return Err("there is a second root element");
        }
        if self.open.len() >= self.limits.depth {
            return Err("the nesting is too deep");
        }
        self.elements += 1;
        if self.elements > self.limits.elements {
            return Err("there are too many elements");
        }
        let tag = tag::parse(content, self.limits.attributes)?;
        // Before anything is looked up, so that a malformed name is called that.
        let (prefix, local) = self.names.check(tag.name)?;
        if repeats(tag.attributes.iter().map(|(qname, _)| *qname)) {
            return Err("an attribute occurs twice");
        }
        let outer = self.open.last().map_or(&self.outermost, |open| &open.element.scope);
        let scope = scope::inside(outer, &tag, &mut self.names)?;
        let name = self.names.element(prefix, local, &scope)?;
        let attributes = self.attributes(&tag, &scope)?;
        let element = Element { name, attributes, children: Vec::new(), scope, line };
        Ok(Open { qname: tag.name, element, text: String::new() })
    }

    fn attributes(&mut self, tag: &Tag<'_>, scope: &Scope) -> Result<Vec<Attribute>, Reason> {
        let mut attributes = Vec::with_capacity(tag.attributes.len());
        for (qname, raw) in tag.attributes.iter().filter(|(qname, _)| scope::declares(qname).is_none()) {
            let name = self.names.attribute(qname, scope)?;
            attributes.push(Attribute { name, value: reference::value(raw)? });
        }
        if repeats(attributes.iter().map(|a| (&*a.name.namespace, &*a.name.local))) {
            return Err("an attribute occurs twice under different prefixes");
        }
        attributes.shrink_to_fit();
        Ok(attributes)
    }

    fn end(&mut self, content: &str) -> Result<(), Reason> {
        let open = self.open.pop().ok_or("an end tag has no start tag")?;
        if content.trim_end_matches(is_space) != open.qname {
            return Err("an end tag does not match its start tag");
        }
        let mut element = open.element;
        if !open.text.is_empty() {
            element.children.push(Node::Text(open.text));
        }
        element.children.shrink_to_fit();
        self.closed(element)
    }

    fn closed(&mut self, element: Element) -> Result<(), Reason> {
        match self.open.last_mut() {
            Some(parent) => {
                if !parent.text.is_empty() {
                    parent.element.children.push(Node::Text(std::mem::take(&mut parent.text)));
                }
                parent.element.children.push(Node::Element(element));
            }
            None => self.root = Some(element),
        }
        Ok(())
    }

    fn text(&mut self, raw: &str) -> Result<(), Reason> {
        if raw.contains("]]>") {
            return Err("text contains ]]>");
        }
        match self.open.last_mut() {
            Some(open) => open.text.push_str(raw),
            None if is_blank(raw) => {}
            None => return Err("there is text outside the root element"),
        }
        Ok(())
    }

    fn cdata(&mut self, content: &str) -> Result<(), Reason> {
        let open = self.open.last_mut().ok_or("there is a CDATA section outside the root element")?;
        open.text.push_str(content);
        Ok(())
    }

    fn reference(&mut self, name: &str) -> Result<(), Reason> {
        let c = reference::resolve(name)?;
        let open = self.open.last_mut().ok_or("there is a reference outside the root element")?;
        open.text.push(c);
        Ok(())
    }

    fn finish(self) -> Result<Element, Reason> {
        if !self.open.is_empty() {
            return Err("an element is not closed");
        }
        self.root.ok_or("there is no root element")
    }
}

fn comment(content: &str) -> Result<(), Reason> {
    if content.contains("--") || content.ends_with('-') {
        return Err("a comment contains --");
    }
    Ok(())
}

fn within<'t>(raw: &'t str, before: &str, after: &str) -> Result<&'t str, Reason> {
    raw.strip_prefix(before).and_then(|rest| rest.strip_suffix(after)).ok_or("markup is malformed")
}

fn repeats<T: Ord>(all: impl ExactSizeIterator<Item = T> + Clone) -> bool {
    // Most elements have one attribute or none.
    if all.len() < 2 {
        return false;
    }
    if all.len() <= FEW {
        let rest = |place| all.clone().skip(place + 1);
        return all.clone().enumerate().any(|(place, one)| rest(place).any(|other| other == one));
    }
    let mut all: Vec<T> = all.collect();
    all.sort_unstable();
    all.windows(2).any(|pair| matches!(pair, [a, b] if a == b))
}

/// So many are compared each with each, which takes no memory.
const FEW: usize = 8;

/// The tokeniser's errors in our words; its own could quote the document.
fn reason(error: &Error) -> Reason {
    match error {
        Error::Syntax(SyntaxError::UnclosedDoctype) => DOCTYPE,
        Error::IllFormed(IllFormedError::MissingDoctypeName) => DOCTYPE,
        Error::Syntax(SyntaxError::UnclosedPI) => INSTRUCTION,
        Error::Syntax(SyntaxError::UnclosedXmlDecl) => "the XML declaration is not closed",
        Error::Syntax(SyntaxError::UnclosedComment) => "a comment is not closed",
        Error::Syntax(SyntaxError::UnclosedCData) => "a CDATA section is not closed",
        Error::Syntax(SyntaxError::UnclosedTag) => "a tag is not closed",
        Error::Syntax(
            SyntaxError::UnclosedSingleQuotedAttributeValue | SyntaxError::UnclosedDoubleQuotedAttributeValue,
        ) => "an attribute value is not closed",
        Error::IllFormed(IllFormedError::UnclosedReference) => "a reference is not closed",
        _ => "markup is malformed",
    }
}

#[cfg(test)]
mod tests;
