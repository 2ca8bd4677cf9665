//! An element with its names resolved and its text delivered whole.

use std::fmt;
use std::sync::Arc;

use super::characters::{is_space, split};

/// A name with its namespace; the namespace is empty where there is none.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ExpandedName {
    /// Namespace URI.
    pub namespace: Arc<str>,
    /// Local name.
    pub local: Arc<str>,
}

/// One attribute, its value normalised and with references resolved.
#[derive(Clone, PartialEq, Eq)]
pub struct Attribute {
    /// The name. Attributes without a prefix have no namespace.
    pub name: ExpandedName,
    /// The value.
    pub value: String,
}

/// What an element holds. Comments are gone; text is joined across comments, CDATA and references.
#[derive(Clone, PartialEq, Eq)]
pub enum Node {
    /// A child element.
    Element(Element),
    /// Text between two tags, whole and unchanged; never empty, never two in a row.
    Text(String),
}

/// An element of a well-formed document.
#[derive(Clone, PartialEq, Eq)]
pub struct Element {
    /// Its name.
    pub name: ExpandedName,
    /// Its attributes in document order, namespace declarations left out.
    pub attributes: Vec<Attribute>,
    /// Its content in document order.
    pub children: Vec<Node>,
    /// The prefixes in scope here with their namespaces, for QNames in content (`xsi:type`).
    pub scope: Arc<Vec<(String, Arc<str>)>>,
    /// Line of the start tag, from 1.
    pub line: u32,
}

impl Element {
    /// The child elements, in order.
    pub fn elements(&self) -> impl Iterator<Item = &Element> {
        self.children.iter().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
    }

    /// The child elements named `local` in the same namespace as `self`.
    pub fn all<'a>(&'a self, local: &'a str) -> impl Iterator<Item = &'a Element> {
        self.elements().filter(move |e| &*e.name.local == local && e.name.namespace == self.name.namespace)
    }

    /// The first child element named `local` in the same namespace as `self`.
    pub fn first<'a>(&'a self, local: &'a str) -> Option<&'a Element> {
        self.all(local).next()
    }

    /// The value of the attribute `local` that is in no namespace.
    pub fn attribute(&self, local: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|a| a.name.namespace.is_empty() && &*a.name.local == local)
            .map(|a| a.value.as_str())
    }

    /// The value of the attribute `local` in `namespace`.
    pub fn attribute_in(&self, namespace: &str, local: &str) -> Option<&str> {
        let named = |a: &&Attribute| &*a.name.namespace == namespace && &*a.name.local == local;
        self.attributes.iter().find(named).map(|a| a.value.as_str())
    }

    /// The text directly inside this element, joined, child elements left out.
    pub fn text(&self) -> String {
        let texts = self.children.iter().filter_map(|node| match node {
            Node::Text(text) => Some(text.as_str()),
            Node::Element(_) => None,
        });
        texts.collect()
    }

    /// Whether this is `local` in `namespace`.
    pub fn is(&self, namespace: &str, local: &str) -> bool {
        &*self.name.namespace == namespace && &*self.name.local == local
    }

    /// Resolves a QName in content, such as the value of `xsi:type`, against the prefixes in scope.
    /// An unbound prefix, or what is no QName, gives `None`; no prefix means the default namespace.
    pub fn resolve(&self, qname: &str) -> Option<(Arc<str>, String)> {
        let (prefix, local) = split(qname.trim_matches(is_space))?;
        let bound = self.scope.iter().rev().find(|(p, _)| p == prefix).map(|(_, uri)| uri.clone());
        match bound {
            Some(uri) => Some((uri, local.to_owned())),
            None if prefix.is_empty() => Some((Arc::from(""), local.to_owned())),
            None => None,
        }
    }
}

impl fmt::Debug for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "@{}", self.name.local)
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Node::Element(element) => element.fmt(f),
            Node::Text(text) => write!(f, "Text({} bytes)", text.len()),
        }
    }
}

impl fmt::Debug for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{} line {} {:?} {:?}>", self.name.local, self.line, self.attributes, self.children)
    }
}
