//! Prefixes and the namespaces they stand for, and one copy of each name however often it occurs.
//!
//! The numbers of bindings are bounded apart from [`Limits`](super::Limits): each element with declarations
//! keeps a list of all that is in scope, so unbounded lists would multiply the size of a hostile document.

use std::collections::HashSet;
use std::sync::Arc;

use super::characters::split;
use super::element::ExpandedName;
use super::reference;
use super::tag::Tag;

type Reason = &'static str;

/// Prefixes with their namespaces; each prefix at most once.
pub(super) type Scope = Arc<Vec<(String, Arc<str>)>>;

/// The namespace that `xml` always stands for.
pub(super) const XML: &str = "http://www.w3.org/XML/1998/namespace";
const XMLNS: &str = "http://www.w3.org/2000/xmlns/";

/// Most different namespaces declared in one document.
pub(super) const NAMESPACES: usize = 32;
/// Most prefixes in scope at one place: `xml` and one for each namespace, the default one included. Not fewer,
/// or a document that we wrote anew, with every namespace declared on its root, could not be read again.
const PREFIXES: usize = NAMESPACES + 1;

/// The names met so far, each held once.
pub(super) struct Names {
    locals: HashSet<Arc<str>>,
    namespaces: HashSet<Arc<str>>,
    none: Arc<str>,
    longest: usize,
}

impl Names {
    /// No names yet; none may be longer than `longest` bytes.
    pub(super) fn new(longest: usize) -> Self {
        Self { locals: HashSet::new(), namespaces: HashSet::new(), none: Arc::from(""), longest }
    }

    /// Prefix and local name of a qualified name, checked.
    pub(super) fn check<'n>(&self, qname: &'n str) -> Result<(&'n str, &'n str), Reason> {
        let (prefix, local) = split(qname).ok_or("a name is malformed")?;
        if prefix.len() > self.longest || local.len() > self.longest {
            return Err("a name is too long");
        }
        Ok((prefix, local))
    }

    /// An element's name, whose parts were checked, resolved: without a prefix it is in the default namespace.
    pub(super) fn element(&mut self, prefix: &str, local: &str, scope: &Scope) -> Result<ExpandedName, Reason> {
        let namespace = match lookup(scope, prefix) {
            Some(namespace) => namespace,
            None if prefix.is_empty() => self.none.clone(),
            None if prefix == "xmlns" => return Err("an element uses the prefix xmlns"),
            None => return Err("the prefix of an element is not declared"),
        };
        Ok(ExpandedName { namespace, local: self.local(local) })
    }

    /// An attribute's name, resolved: without a prefix it is in no namespace.
    pub(super) fn attribute(&mut self, qname: &str, scope: &Scope) -> Result<ExpandedName, Reason> {
        let (prefix, local) = self.check(qname)?;
        let namespace = if prefix.is_empty() {
            self.none.clone()
        } else {
            lookup(scope, prefix).ok_or("the prefix of an attribute is not declared")?
        };
        Ok(ExpandedName { namespace, local: self.local(local) })
    }

    fn local(&mut self, local: &str) -> Arc<str> {
        if let Some(known) = self.locals.get(local) {
            return known.clone();
        }
        let name: Arc<str> = Arc::from(local);
        self.locals.insert(name.clone());
        name
    }

    fn namespace(&mut self, uri: &str) -> Result<Arc<str>, Reason> {
        if let Some(known) = self.namespaces.get(uri) {
            return Ok(known.clone());
        }
        if self.namespaces.len() >= NAMESPACES {
            return Err("too many namespaces are declared");
        }
        let name: Arc<str> = Arc::from(uri);
        self.namespaces.insert(name.clone());
        Ok(name)
    }
}

/// What is in scope around the root.
pub(super) fn outermost() -> Scope {
    Arc::new(vec![("xml".to_owned(), Arc::from(XML))])
}

/// The prefix that `qname` declares, if it is a namespace declaration; the default namespace has none.
pub(super) fn declares(qname: &str) -> Option<&str> {
    if qname == "xmlns" { Some("") } else { qname.strip_prefix("xmlns:") }
}

/// What is in scope inside `tag`: the list around it where the tag declares nothing.
pub(super) fn inside(outer: &Scope, tag: &Tag<'_>, names: &mut Names) -> Result<Scope, Reason> {
    let mut inner = outer.clone();
    for (qname, raw) in &tag.attributes {
        let Some(prefix) = declares(qname) else { continue };
        names.check(qname)?;
        let uri = reference::value(raw)?;
        lawful(prefix, &uri)?;
        if lookup(&inner, prefix).as_deref().unwrap_or_default() == uri {
            continue;
        }
        let list = Arc::make_mut(&mut inner);
        list.retain(|(bound, _)| bound != prefix);
        if !uri.is_empty() {
            list.push((prefix.to_owned(), names.namespace(&uri)?));
        }
        if list.len() > PREFIXES {
            return Err("too many prefixes are in scope");
        }
    }
    Ok(inner)
}

/// Namespaces in XML 1.0, section 3: what `xml` and `xmlns` stand for is fixed, and no prefix can be undone.
fn lawful(prefix: &str, uri: &str) -> Result<(), Reason> {
    match (prefix, uri) {
        ("xmlns", _) => Err("the prefix xmlns is declared"),
        ("xml", XML) => Ok(()),
        ("xml", _) => Err("the prefix xml is declared anew"),
        (_, XML) => Err("the namespace of xml is given another prefix"),
        (_, XMLNS) => Err("the namespace of xmlns is declared"),
        ("", _) => Ok(()),
        (_, "") => Err("the declaration of a prefix is undone"),
        _ => Ok(()),
    }
}

fn lookup(scope: &Scope, prefix: &str) -> Option<Arc<str>> {
    scope.iter().rev().find(|(bound, _)| bound == prefix).map(|(_, uri)| uri.clone())
}
