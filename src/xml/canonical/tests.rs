use std::sync::Arc;

use proptest::prelude::*;

use crate::xml::{Attribute, Element, ExpandedName, Limits, Node, read};

fn parsed(document: &str) -> Element {
    read(document.as_bytes(), None, &Limits::default().of_rewritten()).unwrap_or_else(|e| panic!("{document}: {e}"))
}

fn check(document: &str, expect: &str) {
    let written = parsed(document).to_xml();
    assert_eq!(written, expect, "{document}");
    assert_eq!(parsed(&written).to_xml(), expect, "again: {document}");
}

fn same(one: &str, other: &str) {
    assert_eq!(parsed(one).to_xml(), parsed(other).to_xml(), "{one}\n{other}");
}

fn differ(one: &str, other: &str) {
    assert_ne!(parsed(one).to_xml(), parsed(other).to_xml(), "{one}\n{other}");
}

const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";

#[test]
fn prefixes_follow_the_order_of_namespaces() {
    check("<a/>", "<a/>");
    check("<a xmlns='u'/>", "<n0:a xmlns:n0=\"u\"/>");
    check("<p:a xmlns:p='u' xmlns:unused='v'/>", "<n0:a xmlns:n0=\"u\"/>");
    check(
        "<a xmlns='u'><b xmlns='v' xmlns:q='w' q:y='1' x='2'/><c xmlns=''/></a>",
        "<n0:a xmlns:n0=\"u\" xmlns:n1=\"v\" xmlns:n2=\"w\"><n1:b x=\"2\" n2:y=\"1\"/><c/></n0:a>",
    );
    check("<a xml:lang='ja' b='c'/>", "<a b=\"c\" xml:lang=\"ja\"/>");
    check("<xml:a/>", "<xml:a/>");
    check("<n1:a xmlns:n1='u' xmlns:n0='v' n0:b='c'/>", "<n0:a xmlns:n0=\"u\" xmlns:n1=\"v\" n1:b=\"c\"/>");
}

#[test]
fn types_are_written_with_the_prefix_of_their_namespace() {
    let typed = format!("<n0:a xmlns:n0=\"u\" xmlns:n1=\"{XSI}\" n1:type=\"n0:T\"/>");
    check(&format!("<a xmlns='u' xmlns:i='{XSI}' i:type='T'/>"), &typed);
    check(&format!("<p:a xmlns:p='u' xmlns:xsi='{XSI}' xsi:type=' p:T '/>"), &typed);
    check(&format!("<a xmlns:p='u' xmlns:i='{XSI}' i:type='T'/>"), &format!("<a xmlns:n0=\"{XSI}\" n0:type=\"T\"/>"));
    check(
        &format!("<a xmlns='u' xmlns:i='{XSI}' xmlns:t='v' i:type='t:T'/>"),
        &format!("<n0:a xmlns:n0=\"u\" xmlns:n1=\"{XSI}\" xmlns:n2=\"v\" n1:type=\"n2:T\"/>"),
    );
    check(
        &format!("<a xmlns='u' xmlns:i='{XSI}' i:type='n0:T'/>"),
        &format!("<n0:a xmlns:n0=\"u\" xmlns:n1=\"{XSI}\" n1:type=\"_:n0:T\"/>"),
    );
    for malformed in ["", " ", ":T", "n0:", "n0: T", "n0:T:U", "a b"] {
        let written = format!("<n0:a xmlns:n0=\"u\" xmlns:n1=\"{XSI}\" n1:type=\"{malformed}\"/>");
        check(&format!("<a xmlns='u' xmlns:i='{XSI}' i:type='{malformed}'/>"), &written);
    }
    check("<a type='p:T'/>", "<a type=\"p:T\"/>");
}

#[test]
fn writing_has_no_say() {
    let hand = format!("<a xmlns='u' xmlns:xsi='{XSI}'><b xsi:type='T' y='1' x='2'>山&amp;</b><c/></a>");
    for other in [
        format!("<p:a xmlns:p='u' xmlns:q='{XSI}'><p:b q:type='p:T' y='1' x='2'>山&amp;</p:b><p:c/></p:a>"),
        format!("<a xmlns='u'>\n <b x='2' y='&#x31;' xmlns:z='{XSI}' z:type='T'>山<![CDATA[&]]></b>\n\t<c></c>\n</a>"),
        format!(
            "<a xmlns='u' xmlns:xsi='{XSI}'><!-- x --><b x='2' y='1' xsi:type='T'>&#23665;<!-- -->&#38;</b> <c/></a>"
        ),
        format!(
            "<?xml version='1.0'?>\r\n<a\r\nxmlns='u' xmlns:xsi=\"{XSI}\"><b xsi:type='T' y='1' x='2'>山&amp;</b><c/></a>"
        ),
    ] {
        same(&hand, &other);
    }
    same("<a>x<b/>  y</a>", "<a>x<b></b>  <!-- -->y</a>");
    same("<a>x <b/> <c/> y</a>", "<a>x <b/><c/> y</a>");
}

#[test]
fn meaning_has_a_say() {
    differ("<a/>", "<b/>");
    differ("<a xmlns='u'/>", "<a xmlns='v'/>");
    differ("<a xmlns='u'/>", "<a/>");
    differ("<a b=''/>", "<a/>");
    differ("<a b='1'/>", "<a b='2'/>");
    differ("<a b=' 1'/>", "<a b='1'/>");
    differ("<a>x</a>", "<a>x </a>");
    differ("<a> </a>", "<a/>");
    differ("<a><b/><c/></a>", "<a><c/><b/></a>");
    differ("<a><b><c/></b></a>", "<a><b/><c/></a>");
    differ("<a>&lt;b/></a>", "<a><b/></a>");
    differ("<a xmlns:p='u' p:b=''/>", "<a b=''/>");
    let typed = |uri: &str| format!("<a xmlns:p='{uri}' xmlns:i='{XSI}' i:type='p:T'/>");
    differ(&typed("u"), &typed("v"));
}

#[test]
fn what_was_taken_can_be_taken_again() {
    let limits = Limits::default();
    let full = (0..64).map(|i| format!(" b{i:02}='\"'")).collect::<String>();
    let declaring = (0..32).map(|i| format!("<b xmlns='u{i}'/>")).collect::<String>();
    let quotes = format!("<a b='{}'/>", "\"".repeat(1_000_000));
    let amps = format!("<a><![CDATA[{}]]></a>", "&".repeat(1_000_000));
    let empties = format!("<a xmlns='u'>{}</a>", "<b/>".repeat(19_999));
    for document in [format!("<a{full}>{declaring}</a>"), quotes, amps, empties] {
        let root = read(document.as_bytes(), None, &limits).unwrap();
        let written = root.to_xml();
        let again = read(written.as_bytes(), None, &limits.of_rewritten()).unwrap();
        assert!(alike(&root, &again));
    }
}

/// Equal but for lines and scopes.
fn alike(one: &Element, other: &Element) -> bool {
    one.name == other.name
        && one.attributes == other.attributes
        && one.children.len() == other.children.len()
        && one.children.iter().zip(&other.children).all(|pair| match pair {
            (Node::Element(one), Node::Element(other)) => alike(one, other),
            (Node::Text(one), Node::Text(other)) => one == other,
            _ => false,
        })
}

fn any_name() -> impl Strategy<Value = ExpandedName> {
    let namespaces = prop::sample::select(vec!["", "u", "urn:hl7-org:v3", "a&\"<>'\t\u{1}山"]);
    // U+0001 cannot be in a document, so no namespace of a tree that was read has it.
    (namespaces, "[a-z_名][a-z0-9.名-]{0,3}").prop_map(|(namespace, local)| ExpandedName {
        namespace: Arc::from(namespace.replace('\u{1}', "")),
        local: Arc::from(local),
    })
}

fn any_text() -> impl Strategy<Value = String> {
    prop::collection::vec(
        prop::sample::select(vec![
            "&",
            "<",
            ">",
            "\"",
            "'",
            "\r",
            "\n",
            "\t",
            " ",
            "]]>",
            "--",
            "&amp;",
            "x",
            "山",
            "\u{20bb7}",
        ]),
        1..6,
    )
    .prop_map(|parts| parts.concat())
}

fn any_element() -> impl Strategy<Value = Element> {
    let element = |children| {
        let attributes = prop::collection::hash_map("[a-z]{1,3}", (any_name(), any_text()), 0..4);
        (any_name(), attributes, children).prop_map(|(name, attributes, children)| tree(name, attributes, children))
    };
    let leaf = element(prop::collection::vec(any_text().prop_map(Node::Text), 0..2).boxed());
    leaf.prop_recursive(4, 24, 4, move |inner| {
        let node = prop_oneof![inner.prop_map(Node::Element), any_text().prop_map(Node::Text)];
        element(prop::collection::vec(node, 0..4).boxed())
    })
}

type Drawn = std::collections::HashMap<String, (ExpandedName, String)>;

/// A tree such as reading gives: attributes sorted and distinct, no two texts in a row, none that is dropped.
fn tree(name: ExpandedName, drawn: Drawn, drawn_children: Vec<Node>) -> Element {
    let mut attributes: Vec<_> = drawn.into_values().map(|(name, value)| Attribute { name, value }).collect();
    let key = |a: &Attribute| (a.name.namespace.to_string(), a.name.local.to_string());
    attributes.sort_by_key(key);
    attributes.dedup_by_key(|a| key(a));
    let has_elements = drawn_children.iter().any(|node| matches!(node, Node::Element(_)));
    let mut children: Vec<Node> = Vec::new();
    for node in drawn_children {
        match (children.last_mut(), node) {
            (_, Node::Text(text)) if has_elements && text.trim_matches([' ', '\t', '\r', '\n']).is_empty() => {}
            (Some(Node::Text(before)), Node::Text(text)) => before.push_str(&text),
            (_, node) => children.push(node),
        }
    }
    Element { name, attributes, children, scope: Arc::default(), line: 0 }
}

proptest! {
    #[test]
    fn what_is_written_is_read(element in any_element()) {
        let written = element.to_xml();
        let again = parsed(&written);
        prop_assert!(alike(&element, &again), "{}", written);
        prop_assert_eq!(again.to_xml(), written);
    }
}
