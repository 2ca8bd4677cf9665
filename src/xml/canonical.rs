//! A tree written so that documents of the same meaning become the same bytes.
//!
//! Prefixes, namespace declarations, the order of attributes, comments, CDATA sections, references and the
//! white space between elements have no say. It is no XML Canonicalization of the W3C, which keeps
//! prefixes: it is what hashes of payloads are taken of, so any change of it makes repeats look new.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use super::characters::{is_blank, is_space, split};
use super::element::{Attribute, Element, Node};
use super::scope;
use super::writer::Writer;

const INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";

impl Element {
    /// Writes the element as a document of its own, the same for every way of writing it.
    ///
    /// Namespaces get the prefixes `n0`, `n1` and so on in the order in which they occur, all declared on this
    /// element; attributes are sorted by namespace and name; the QName in an `xsi:type` gets the prefix of its
    /// namespace; white space beside an element is dropped. [`read`](super::read) takes the result, under the
    /// limits of [`of_rewritten`](super::Limits::of_rewritten), and writing that again gives the same.
    #[must_use]
    pub fn to_xml(&self) -> String {
        let mut prefixes = Prefixes::default();
        prefixes.collect(self);
        let mut out = Writer::new();
        prefixes.write(self, true, &mut out);
        out.finish()
    }
}

#[derive(Default)]
struct Prefixes {
    of: HashMap<Arc<str>, String>,
    in_order: Vec<Arc<str>>,
}

impl Prefixes {
    fn collect(&mut self, element: &Element) {
        self.add(&element.name.namespace);
        for attribute in sorted(element) {
            self.add(&attribute.name.namespace);
            if let Some((namespace, _)) = typed(element, attribute) {
                self.add(&namespace);
            }
        }
        for child in element.elements() {
            self.collect(child);
        }
    }

    fn add(&mut self, namespace: &Arc<str>) {
        if namespace.is_empty() || &**namespace == scope::XML || self.of.contains_key(namespace) {
            return;
        }
        self.of.insert(namespace.clone(), format!("n{}", self.in_order.len()));
        self.in_order.push(namespace.clone());
    }

    fn qname<'n>(&self, namespace: &str, local: &'n str) -> Cow<'n, str> {
        match self.of.get(namespace) {
            Some(prefix) => Cow::Owned(format!("{prefix}:{local}")),
            None if namespace == scope::XML => Cow::Owned(format!("xml:{local}")),
            None => Cow::Borrowed(local),
        }
    }

    fn write(&self, element: &Element, is_root: bool, out: &mut Writer) {
        out.open(&self.qname(&element.name.namespace, &element.name.local));
        if is_root {
            for (number, namespace) in self.in_order.iter().enumerate() {
                out.attribute(&format!("xmlns:n{number}"), namespace);
            }
        }
        for attribute in sorted(element) {
            let name = self.qname(&attribute.name.namespace, &attribute.name.local);
            out.attribute(&name, &self.value(element, attribute));
        }
        let is_leaf = element.elements().next().is_none();
        for child in &element.children {
            match child {
                Node::Element(child) => self.write(child, false, out),
                Node::Text(text) if is_leaf || !is_blank(text) => _ = out.text(text),
                Node::Text(_) => {}
            }
        }
        out.close();
    }

    fn value<'a>(&self, element: &Element, attribute: &'a Attribute) -> Cow<'a, str> {
        if !is_type(attribute) {
            return Cow::Borrowed(&attribute.value);
        }
        let qname = attribute.value.trim_matches(is_space);
        match typed(element, attribute) {
            Some((namespace, local)) => Cow::Owned(self.qname(&namespace, &local).into_owned()),
            // An unbound prefix must not become bound by chance: with two colons it is no QName.
            None if split(qname).is_some() => Cow::Owned(format!("_:{qname}")),
            None => Cow::Borrowed(&attribute.value),
        }
    }
}

fn sorted(element: &Element) -> Vec<&Attribute> {
    let mut attributes: Vec<&Attribute> = element.attributes.iter().collect();
    attributes.sort_by_key(|attribute| (&*attribute.name.namespace, &*attribute.name.local));
    attributes
}

fn is_type(attribute: &Attribute) -> bool {
    &*attribute.name.local == "type" && &*attribute.name.namespace == INSTANCE
}

/// The expanded name that an `xsi:type` holds, where its prefix is bound.
fn typed(element: &Element, attribute: &Attribute) -> Option<(Arc<str>, String)> {
    if is_type(attribute) { element.resolve(&attribute.value) } else { None }
}

#[cfg(test)]
mod tests;
