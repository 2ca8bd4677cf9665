//! The same message in other, equally legal, clothes: the answer must not change.

use super::template::escape;
use crate::xml::{Element, Limits, Node, read};
use std::fmt::Write;

/// How messages are dressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Variant {
    /// As written.
    Plain,
    /// Every element and attribute type with an unusual prefix, and a default namespace that nothing uses.
    Prefixed,
    /// Default namespaces redeclared where they change.
    Defaulted,
    /// `xsi:type` on elements whose type is known.
    Typed,
    /// Comments and CDATA inside every text, comments between elements.
    Noisy,
    /// With the mistakes that deployed clients make and whose meaning is clear: what is lenient answers alike.
    Sloppy,
}

impl Variant {
    /// Those that differ from the plain one.
    pub(super) const OTHERS: [Self; 5] = [Self::Prefixed, Self::Defaulted, Self::Typed, Self::Noisy, Self::Sloppy];

    /// Whether a server that reads strictly must answer alike.
    pub(super) fn is_legal(self) -> bool {
        self != Self::Sloppy
    }

    /// Whether elements go without prefix.
    fn is_plain(self) -> bool {
        matches!(self, Self::Defaulted | Self::Sloppy)
    }

    /// A word for reports.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Prefixed => "prefixed",
            Self::Defaulted => "defaulted",
            Self::Typed => "typed",
            Self::Noisy => "noisy",
            Self::Sloppy => "sloppy",
        }
    }

    /// `text` dressed anew; what is no document stays as it is.
    pub(super) fn dress(self, text: &str) -> String {
        if self == Self::Plain {
            return text.to_owned();
        }
        let Ok(root) = read(text.as_bytes(), None, &Limits::default()) else { return text.to_owned() };
        let mut out = String::new();
        self.element(&root, None, &mut out);
        out
    }

    fn element(self, element: &Element, parent: Option<&Element>, out: &mut String) {
        let prefix = if self.is_plain() { String::new() } else { format!("{}:", prefix_of(&element.name.namespace)) };
        let tag = format!("{prefix}{}", element.name.local);
        let _ = write!(out, "<{tag}");
        if parent.is_none() {
            for uri in [SOAP, WSA, HL7, XSI] {
                let _ = write!(out, r#" xmlns:{}="{uri}""#, prefix_of(uri));
            }
            if self == Self::Prefixed {
                out.push_str(r#" xmlns="urn:example:unused""#);
            }
        }
        let inherited = parent.is_some_and(|p| p.name.namespace == element.name.namespace);
        if self.is_plain() && !inherited {
            let _ = write!(out, r#" xmlns="{}""#, element.name.namespace);
        } else if prefix_of(&element.name.namespace) == "other" && !inherited {
            let _ = write!(out, r#" xmlns:other="{}""#, element.name.namespace);
        }
        self.attributes(element, parent, out);
        out.push('>');
        if self == Self::Noisy {
            out.push_str("<!-- <id/> -->");
        }
        for node in &element.children {
            match node {
                Node::Element(child) => self.element(child, Some(element), out),
                Node::Text(text) => self.text(text, element, out),
            }
        }
        let _ = write!(out, "</{tag}>");
    }

    fn attributes(self, element: &Element, parent: Option<&Element>, out: &mut String) {
        let mut typed = false;
        for attribute in &element.attributes {
            if self == Self::Sloppy && forgotten(element, parent, &attribute.name.local) {
                continue;
            }
            let uri = &attribute.name.namespace;
            let is_type = &**uri == XSI && &*attribute.name.local == "type";
            typed |= is_type;
            let value = match is_type.then(|| element.resolve(&attribute.value)).flatten() {
                Some((ns, local)) if !ns.is_empty() => format!("{}:{local}", prefix_of(&ns)),
                _ if self == Self::Sloppy => mistaken(element, &attribute.name.local, &attribute.value),
                _ => attribute.value.clone(),
            };
            let prefix = if uri.is_empty() { String::new() } else { format!("{}:", prefix_of(uri)) };
            let _ = write!(out, r#" {prefix}{}="{}""#, attribute.name.local, escape(&value));
        }
        if self == Self::Typed
            && !typed
            && &*element.name.namespace == HL7
            && let Some(name) = type_of(element, parent)
        {
            let _ = write!(out, r#" x-si:type="h.7:{name}""#);
        }
    }

    fn text(self, text: &str, element: &Element, out: &mut String) {
        if self == Self::Sloppy {
            match &*element.name.local {
                "semanticsText" => {}
                "To" | "Address" => _ = write!(out, "\n  {}\n", escape(text.trim())),
                _ => out.push_str(&escape(text)),
            }
            return;
        }
        if self != Self::Noisy || text.trim().is_empty() || text.contains("]]>") {
            out.push_str(&escape(text));
            return;
        }
        let half = text.char_indices().nth(text.chars().count() / 2).map_or(0, |(at, _)| at);
        let (first, second) = text.split_at(half);
        let _ = write!(out, "{}<!-- between --><![CDATA[{second}]]>", escape(first));
    }
}

/// Attributes that deployed clients leave out.
fn forgotten(element: &Element, parent: Option<&Element>, name: &str) -> bool {
    let above = parent.map_or("", |parent| &*parent.name.local);
    match (&*element.name.local, name) {
        ("Action", "mustUnderstand") => &*element.name.namespace == WSA,
        ("subject", "contextConductionInd") | ("patientPerson", "determinerCode") => true,
        ("code", "codeSystem") => above == "controlActProcess",
        _ => false,
    }
}

/// Values as deployed clients write them.
fn mistaken(element: &Element, name: &str, value: &str) -> String {
    match (&*element.name.local, name) {
        ("interactionId", "extension") => format!("{} ", value.trim_end()),
        ("processingModeCode", "code") => "I".to_owned(),
        ("acceptAckCode", "code") => "NE".to_owned(),
        ("receiver", "typeCode") => "SND".to_owned(),
        ("creationTime", "value") => "2026-04-01T12:00:00Z".to_owned(),
        _ => value.to_owned(),
    }
}

const SOAP: &str = "http://www.w3.org/2003/05/soap-envelope";
const WSA: &str = "http://www.w3.org/2005/08/addressing";
const HL7: &str = "urn:hl7-org:v3";
const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";

fn prefix_of(uri: &str) -> &'static str {
    match uri {
        SOAP => "soap_12",
        WSA => "address",
        HL7 => "h.7",
        XSI => "x-si",
        _ => "other",
    }
}

/// The datatype that an element has in every model it stands in.
fn type_of(element: &Element, parent: Option<&Element>) -> Option<&'static str> {
    let parent = parent.map_or("", |p| &*p.name.local);
    match &*element.name.local {
        "id" | "interactionId" | "queryId" => Some("II"),
        "creationTime" | "birthTime" => Some("TS"),
        "processingCode" | "processingModeCode" | "acceptAckCode" | "statusCode" => Some("CS"),
        "administrativeGenderCode" => Some("CE"),
        "name" if parent == "patientPerson" => Some("PN"),
        "addr" if parent == "patientPerson" => Some("AD"),
        "telecom" if parent == "patientPerson" => Some("TEL"),
        "semanticsText" => Some("ST"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is left of a tree when clothes are taken off.
    fn bare(element: &Element) -> String {
        let attributes: Vec<String> = element
            .attributes
            .iter()
            .filter(|a| &*a.name.namespace != XSI)
            .map(|a| format!("{}={}", a.name.local, a.value))
            .collect();
        let below: String = element.elements().map(bare).collect();
        format!("{{{}}}{}({attributes:?},{},{below})", element.name.namespace, element.name.local, element.text())
    }

    #[test]
    fn clothes_change_nothing() {
        let text = r#"<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body><a xmlns="urn:hl7-org:v3" b="1"><id root="2.999"/><name>星&amp;見</name></a></e:Body></e:Envelope>"#;
        let plain = read(text.as_bytes(), None, &Limits::default()).expect("well-formed");
        for variant in Variant::OTHERS.into_iter().filter(|variant| variant.is_legal()) {
            let dressed = variant.dress(text);
            let tree = read(dressed.as_bytes(), None, &Limits::default()).expect(&dressed);
            assert_eq!(bare(&tree), bare(&plain), "{dressed}");
            assert_ne!(dressed, text);
        }
    }
}
