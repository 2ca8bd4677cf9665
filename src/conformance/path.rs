//! A small path language over the reply: `a/b[2]/c[@root='1']/@code`, `//c`, and `.` for the text.
//!
//! Names are local names; `[n]` counts among the steps that matched under one parent, from 1.

use crate::xml::Element;

/// What a path finds: values of attributes and texts, or one empty entry for each element.
pub(super) fn find(root: &Element, path: &str) -> Result<Vec<String>, String> {
    let mut here = vec![root];
    let mut steps = split(path).into_iter().peekable();
    while let Some(step) = steps.next() {
        if let Some(name) = step.strip_prefix('@') {
            return Ok(here.iter().filter_map(|e| attribute(e, name)).collect());
        }
        if step == "." {
            return Ok(here.iter().map(|e| e.text().trim().to_owned()).collect());
        }
        if step.is_empty() {
            let next = steps.next().ok_or_else(|| format!("`{path}` ends in //"))?;
            let mut all = Vec::new();
            here.iter().for_each(|e| descend(e, &mut all));
            let (name, tests) = parse(&next)?;
            here = pick(all.into_iter().filter(|e| *e.name.local == *name).collect(), &tests);
            continue;
        }
        let (name, tests) = parse(&step)?;
        let mut next = Vec::new();
        for element in here {
            next.extend(pick(element.elements().filter(|c| *c.name.local == *name).collect(), &tests));
        }
        here = next;
    }
    Ok(here.iter().map(|_| String::new()).collect())
}

/// The elements a path without `@` and `.` finds.
pub(super) fn elements<'a>(root: &'a Element, path: &str) -> Vec<&'a Element> {
    let mut here = vec![root];
    for step in split(path) {
        here = here.into_iter().flat_map(Element::elements).filter(|c| *c.name.local == *step).collect();
    }
    here
}

fn attribute(element: &Element, name: &str) -> Option<String> {
    let found = element.attributes.iter().find(|a| *a.name.local == *name)?;
    Some(found.value.clone())
}

fn descend<'a>(element: &'a Element, into: &mut Vec<&'a Element>) {
    for child in element.elements() {
        into.push(child);
        descend(child, into);
    }
}

/// At slashes outside brackets.
fn split(path: &str) -> Vec<String> {
    let mut steps = vec![String::new()];
    let mut inside = false;
    for c in path.chars() {
        match c {
            '/' if !inside => steps.push(String::new()),
            c => {
                inside = (inside || c == '[') && c != ']';
                if let Some(last) = steps.last_mut() {
                    last.push(c);
                }
            }
        }
    }
    if path.starts_with("//") {
        steps.remove(0);
    }
    steps
}

enum Test {
    Nth(usize),
    Is(String, String),
    Has(String),
}

fn parse(step: &str) -> Result<(String, Vec<Test>), String> {
    let mut parts = step.split('[');
    let name = parts.next().unwrap_or_default().to_owned();
    let test = |text: &str| {
        let text = text.strip_suffix(']').ok_or_else(|| format!("an open bracket in `{step}`"))?;
        let Some(named) = text.strip_prefix('@') else {
            return text.parse().map(Test::Nth).map_err(|_| format!("`{text}` is no test"));
        };
        Ok(match named.split_once('=') {
            Some((name, value)) => Test::Is(name.to_owned(), value.trim_matches(['\'', '"']).to_owned()),
            None => Test::Has(named.to_owned()),
        })
    };
    let tests = parts.map(test).collect::<Result<Vec<_>, String>>()?;
    Ok((name, tests))
}

fn pick<'a>(mut found: Vec<&'a Element>, tests: &[Test]) -> Vec<&'a Element> {
    for test in tests {
        found = match test {
            Test::Nth(n) => found.into_iter().skip(n.saturating_sub(1)).take(1).collect(),
            Test::Is(name, value) => {
                found.into_iter().filter(|e| attribute(e, name).as_deref() == Some(value.as_str())).collect()
            }
            Test::Has(name) => found.into_iter().filter(|e| attribute(e, name).is_some()).collect(),
        };
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_find() {
        let xml = "<a><b c='1'><d>x</d></b><b c='2'><d> y </d><d/></b></a>";
        let root = crate::xml::read(xml.as_bytes(), None, &crate::xml::Limits::default()).expect("well-formed");
        let check = |path: &str, expect: &[&str]| assert_eq!(find(&root, path).expect(path), expect, "{path}");
        check("b/@c", &["1", "2"]);
        check("b[2]/@c", &["2"]);
        check("b[@c='2']/d/.", &["y", ""]);
        check("b[@c=2]/d[1]/.", &["y"]);
        check("//d", &["", "", ""]);
        check("b[@x]/d", &[]);
        assert!(find(&root, "b[x]").is_err());
    }
}
