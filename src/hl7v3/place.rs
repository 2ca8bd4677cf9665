//! Elements together with the XPath at which they stand, and the problems found on the way.

use super::message::{Detail, Severity};
use crate::xml::Element;
use std::rc::Rc;

const ACKNOWLEDGEMENT_DETAIL: &str = "2.16.840.1.113883.5.1100";

/// An element and where it stands. The path is put into words only where somebody is told of it: few elements are.
#[derive(Clone)]
pub(super) struct At<'a> {
    pub element: &'a Element,
    /// From 1, and 0 for one that stands alone.
    index: usize,
    up: Option<Rc<At<'a>>>,
}

impl<'a> At<'a> {
    /// The document element.
    pub(super) fn root(element: &'a Element) -> Self {
        Self { element, index: 0, up: None }
    }

    /// Where it stands, as an absolute XPath.
    pub(super) fn path(&self) -> String {
        let mut path = self.up.as_ref().map(|up| up.path()).unwrap_or_default();
        path.push('/');
        path.push_str(&self.element.name.local);
        if self.index > 0 {
            path.push_str(&format!("[{}]", self.index));
        }
        path
    }

    /// The same element with an index of its own in its path, or with none.
    pub(super) fn indexed(self, index: usize) -> Self {
        Self { index, ..self }
    }

    fn named<'n>(&self, name: &'n str) -> impl Iterator<Item = &'a Element> + use<'a, 'n> {
        let parent = self.element;
        parent.elements().filter(move |e| &*e.name.local == name && e.name.namespace == parent.name.namespace)
    }

    /// The children named `name`, with an index where there are several.
    pub(super) fn all(&self, name: &str) -> Vec<At<'a>> {
        let mut found = self.named(name);
        let Some(first) = found.next() else { return Vec::new() };
        let up = Rc::new(self.clone());
        let at = |element, index| At { element, index, up: Some(Rc::clone(&up)) };
        let mut all = vec![at(first, 0)];
        for element in found {
            all.push(at(element, all.len() + 1));
        }
        match all.as_mut_slice() {
            [_] => {}
            [first, ..] => first.index = 1,
            [] => {}
        }
        all
    }

    /// The first child named `name`.
    pub(super) fn first(&self, name: &str) -> Option<At<'a>> {
        let mut found = self.named(name);
        let element = found.next()?;
        Some(At { element, index: usize::from(found.next().is_some()), up: Some(Rc::new(self.clone())) })
    }

    /// The element at the end of a path of first children.
    pub(super) fn down(&self, names: &[&str]) -> Option<At<'a>> {
        let mut at = self.clone();
        for name in names {
            at = at.first(name)?;
        }
        Some(at)
    }

    /// The attribute `name`, blanks around it gone; none where empty or where the element is masked.
    pub(super) fn attribute(&self, name: &str) -> Option<&'a str> {
        let value = self.element.attribute(name).map(str::trim).filter(|text| !text.is_empty());
        value.filter(|_| !self.is_masked())
    }

    /// `@nullFlavor`.
    pub(super) fn null(&self) -> Option<&'a str> {
        self.element.attribute("nullFlavor").map(str::trim).filter(|text| !text.is_empty())
    }

    /// Whether there is a value that must not be used: what a masked element holds all the same is not read.
    pub(super) fn is_masked(&self) -> bool {
        is_masked(self.element)
    }
}

/// Whether the null flavour of `element` is `MSK`.
pub(super) fn is_masked(element: &Element) -> bool {
    element.attribute("nullFlavor").is_some_and(|null| null.trim() == "MSK")
}

/// What was found wrong, and what was forgiven.
#[derive(Default)]
pub(super) struct Findings {
    pub errors: Vec<Detail>,
    pub remarks: Vec<Detail>,
    /// What was forgiven, in words of this program, for counting.
    pub forgiven: Vec<&'static str>,
    pub strict: bool,
}

impl Findings {
    /// An error with a code of AcknowledgementDetailCode. The text holds no value of the message.
    pub(super) fn error(&mut self, code: &str, text: &str, path: &str) {
        self.errors.push(detail(Severity::Error, code, text, path));
    }

    /// Something forgiven: in strict mode an error with `code`, else a warning.
    pub(super) fn forgive(&mut self, code: &str, text: &str, path: &str) {
        if self.strict {
            self.error(code, text, path);
        } else {
            self.forgiven.push(word(code));
            self.remarks.push(detail(Severity::Warning, "", text, path));
        }
    }

    /// Something that is as it should not be, and that no schema forbids: a warning in both modes.
    pub fn warn(&mut self, text: &str, path: &str) {
        self.remarks.push(detail(Severity::Warning, "", text, path));
    }

    /// Something that has no effect here, as the standard allows: an information in both modes.
    pub(super) fn remark(&mut self, text: &str, path: &str) {
        self.remarks.push(detail(Severity::Information, "", text, path));
    }

    /// Something that has no effect here: in strict mode an error, else an information.
    pub(super) fn ignored(&mut self, code: &str, text: &str, path: &str) {
        if self.strict {
            self.error(code, text, path);
        } else {
            self.forgiven.push("ignored");
            self.remarks.push(detail(Severity::Information, "", text, path));
        }
    }
}

/// What was forgiven, by the code that strict reading gives it.
fn word(code: &str) -> &'static str {
    match code {
        "SYN100" => "missing_element",
        "SYN101" => "missing_attribute",
        "SYN102" => "data_type",
        "SYN103" => "value",
        "SYN104" => "code_system",
        "SYN110" => "repetition",
        _ => "order",
    }
}

fn detail(severity: Severity, code: &str, text: &str, path: &str) -> Detail {
    Detail {
        severity,
        code: code.to_owned(),
        code_system: if code.is_empty() { String::new() } else { ACKNOWLEDGEMENT_DETAIL.to_owned() },
        text: text.to_owned(),
        locations: vec![path.to_owned()],
    }
}
