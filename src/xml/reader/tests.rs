use crate::xml::{Element, Limits, Node, XmlError, read};

fn check(document: &str, expect: &str) {
    let error = read(document.as_bytes(), None, &Limits::default()).expect_err(document);
    assert_eq!(error.reason, expect, "{document}");
}

fn accepted(document: &str) -> Element {
    read(document.as_bytes(), None, &Limits::default()).unwrap_or_else(|e| panic!("{document}: {e}"))
}

/// The content of the root in a short form: text as it is, elements by local name in angle brackets.
fn content(document: &str, expect: &str) {
    let root = accepted(document);
    let shown = root.children.iter().map(|node| match node {
        Node::Text(text) => text.clone(),
        Node::Element(element) => format!("<{}>", element.name.local),
    });
    assert_eq!(shown.collect::<Vec<_>>().join("|"), expect, "{document}");
}

fn value(document: &str, expect: &str) {
    assert_eq!(accepted(document).attribute("b"), Some(expect), "{document}");
}

fn line(document: &str, expect: u32) {
    let XmlError { line, reason } = read(document.as_bytes(), None, &Limits::default()).expect_err(document);
    assert_eq!(line, expect, "{document}: {reason}");
}

const NO_ROOT: &str = "there is no root element";
const OUTSIDE: &str = "there is text outside the root element";
const NAME: &str = "a name is malformed";
const DOCTYPE: &str = "a document type declaration is not accepted";
const INSTRUCTION: &str = "a processing instruction is not accepted";
const MARKUP: &str = "markup is malformed";
const CHARACTER: &str = "a character is not allowed";
const CHARACTER_REFERENCE: &str = "a character reference names no character that XML allows";
const MALFORMED_REFERENCE: &str = "a character reference is malformed";

#[test]
fn one_root_and_nothing_beside_it() {
    check("", NO_ROOT);
    check(" \n ", NO_ROOT);
    check("<!--a-->", NO_ROOT);
    check("<?xml version=\"1.0\"?>", NO_ROOT);
    check("<a/><b/>", "there is a second root element");
    check("<a></a><a>", "there is a second root element");
    check("x<a/>", OUTSIDE);
    check("<a/>x", OUTSIDE);
    check("<a/>\u{a0}", OUTSIDE);
    check("a", OUTSIDE);
    check("<a/>&#32;", "there is a reference outside the root element");
    check("&amp;<a/>", "there is a reference outside the root element");
    check("<a/><![CDATA[ ]]>", "there is a CDATA section outside the root element");
    check("<![CDATA[]]><a/>", "there is a CDATA section outside the root element");
    check("<a/>\0", CHARACTER);
    check("\u{feff}\u{feff}<a/>", "the document starts with a stray character");
    check("\u{1}<a/>", "the document starts with a stray character");
    check("<a/>\u{feff}", OUTSIDE);
}

#[test]
fn tags_balance() {
    check("<a>", "an element is not closed");
    check("<a><b></b>", "an element is not closed");
    check("<a>text", "an element is not closed");
    check("<a></b>", "an end tag does not match its start tag");
    check("<a></A>", "an end tag does not match its start tag");
    check("<a><b></a></b>", "an end tag does not match its start tag");
    check("<a></ a>", "an end tag does not match its start tag");
    check("<a></a b=\"c\">", "an end tag does not match its start tag");
    check("<p:a xmlns:p=\"u\" xmlns:q=\"u\"></q:a>", "an end tag does not match its start tag");
    check("</a>", "an end tag has no start tag");
    check("<a/></a>", "an end tag has no start tag");
    check("<a></></a>", "an end tag does not match its start tag");
    check("<a", "a tag is not closed");
    check("<a></a", "a tag is not closed");
    check("<a><", "a tag is not closed");
    check("<a b=\"c>", "an attribute value is not closed");
    check("<a b='c>", "an attribute value is not closed");
    check("<a/ >", NAME);
    check("<a / >", "an attribute has no value");
}

#[test]
fn names_are_names() {
    check("<>x</>", NAME);
    check("</>", "an end tag has no start tag");
    check("< a/>", NAME);
    check("<1a/>", NAME);
    check("<-a/>", NAME);
    check("<.a/>", NAME);
    check("<a$/>", NAME);
    check("<a,b/>", NAME);
    check("<a\u{d7}/>", NAME);
    check("<\u{300}a/>", NAME);
    check("<\u{3000}/>", NAME);
    check("<a\"b\"/>", NAME);
    check("<a=b/>", NAME);
    check("<a 1=\"c\"/>", NAME);
    check("<a &amp;=\"c\"/>", NAME);
    check("<a =\"c\"/>", NAME);
    check("<:a/>", NAME);
    check("<a:/>", NAME);
    check("<a::b/>", NAME);
    check("<a:b:c xmlns:a=\"u\"/>", NAME);
    check("<p:1 xmlns:p=\"u\"/>", NAME);
    check("<a :b=\"c\"/>", NAME);
    check("<a xmlns:=\"u\"/>", NAME);
    check("<a xmlns:1=\"u\"/>", NAME);
    check("<a xmlns:p:q=\"u\"/>", NAME);
    accepted("<名前 属性='値'/>");
    accepted("<_a-1.b\u{b7}\u{300}/>");
    accepted("<\u{10000}/>");
}

#[test]
fn attributes_are_written_in_full() {
    check("<a b/>", "an attribute has no value");
    check("<a b c=\"d\"/>", "an attribute has no value");
    check("<a b=\"c\" d/>", "an attribute has no value");
    check("<a b=/>", "an attribute value is not quoted");
    check("<a b=c/>", "an attribute value is not quoted");
    check("<a b=\u{201d}c\u{201d}/>", "an attribute value is not quoted");
    check("<a b=\"c\"d=\"e\"/>", "attributes are not separated by white space");
    check("<a b='c'd='e'></a>", "attributes are not separated by white space");
    check("<a b=\"c\"\"/>", "an attribute value is not closed");
    check("<a b=\"<\"/>", "an attribute value contains <");
    check("<a b='x<y'></a>", "an attribute value contains <");
    check("<a b=\"&\"/>", "a reference is not closed");
    check("<a b=\"c & d\"/>", "a reference is not closed");
    check("<a b=\"& ;\"/>", "a reference is malformed");
    check("<a b=\"&nbsp;\"/>", "an undefined entity is referenced");
    check("<a b=\"&#0;\"/>", CHARACTER_REFERENCE);
    check("<a b=\"c\" b=\"d\"/>", "an attribute occurs twice");
    check("<a xmlns=\"u\" xmlns=\"u\"/>", "an attribute occurs twice");
    check("<a xmlns:p=\"u\" xmlns:p=\"v\"/>", "an attribute occurs twice");
    check("<a xmlns:p=\"u\" xmlns:q=\"u\" p:b=\"c\" q:b=\"d\"/>", "an attribute occurs twice under different prefixes");
    check(
        "<r xmlns:p=\"u\"><a xmlns:q=\"&#117;\" p:b=\"\" q:b=\"\"/></r>",
        "an attribute occurs twice under different prefixes",
    );
    accepted("<a xmlns='u' xmlns:q='u' b='c' q:b='d'/>");
    accepted("<a xmlns:p='u' xmlns:q='v' p:b='c' q:b='d'/>");
}

#[test]
fn namespaces_are_bound() {
    check("<p:a/>", "the prefix of an element is not declared");
    check("<a><p:b xmlns:p=\"u\"/><p:c/></a>", "the prefix of an element is not declared");
    check("<a p:b=\"c\"/>", "the prefix of an attribute is not declared");
    check("<a xmlns=\"u\" p:b=\"c\"/>", "the prefix of an attribute is not declared");
    check("<xmlns:a/>", "an element uses the prefix xmlns");
    check("<a xmlns:p=\"\"/>", "the declaration of a prefix is undone");
    check("<r xmlns:p=\"u\"><a xmlns:p=\"\"/></r>", "the declaration of a prefix is undone");
    check("<a xmlns:xmlns=\"u\"/>", "the prefix xmlns is declared");
    check("<a xmlns:xmlns=\"http://www.w3.org/2000/xmlns/\"/>", "the prefix xmlns is declared");
    check("<a xmlns:xml=\"u\"/>", "the prefix xml is declared anew");
    check("<a xmlns:xml=\"\"/>", "the prefix xml is declared anew");
    check("<a xmlns:p=\"http://www.w3.org/XML/1998/namespace\"/>", "the namespace of xml is given another prefix");
    check("<a xmlns=\"http://www.w3.org/XML/1998/namespace\"/>", "the namespace of xml is given another prefix");
    check("<a xmlns:p=\"http://www.w3.org/2000/xmlns/\"/>", "the namespace of xmlns is declared");
    check("<a xmlns=\"http://www.w3.org/2000/xmlns/\"/>", "the namespace of xmlns is declared");
    accepted("<a xmlns:xml='http://www.w3.org/XML/1998/namespace' xml:lang='ja'/>");
    accepted("<a xml:space='preserve'/>");
    accepted("<a xmlns=''/>");
}

#[test]
fn characters_are_xml_characters() {
    check("<a>\u{1}</a>", CHARACTER);
    check("<a>\u{b}</a>", CHARACTER);
    check("<a>\u{1f}</a>", CHARACTER);
    check("<a>\u{fffe}</a>", CHARACTER);
    check("<a>\u{ffff}</a>", CHARACTER);
    check("<a b=\"\u{c}\"/>", CHARACTER);
    check("<a><!--\0--></a>", CHARACTER);
    check("<a><![CDATA[\u{1b}]]></a>", CHARACTER);
    check("<a\0/>", CHARACTER);
    check("<a>&#0;</a>", CHARACTER_REFERENCE);
    check("<a>&#1;</a>", CHARACTER_REFERENCE);
    check("<a>&#x1F;</a>", CHARACTER_REFERENCE);
    check("<a>&#xD800;</a>", CHARACTER_REFERENCE);
    check("<a>&#xDFFF;</a>", CHARACTER_REFERENCE);
    check("<a>&#xFFFE;</a>", CHARACTER_REFERENCE);
    check("<a>&#x110000;</a>", CHARACTER_REFERENCE);
    check("<a>&#99999999999999999999;</a>", CHARACTER_REFERENCE);
    check("<a>&#;</a>", MALFORMED_REFERENCE);
    check("<a>&#x;</a>", MALFORMED_REFERENCE);
    check("<a>&#X41;</a>", MALFORMED_REFERENCE);
    check("<a>&#4a;</a>", MALFORMED_REFERENCE);
    check("<a>&#xg;</a>", MALFORMED_REFERENCE);
    check("<a>&#+65;</a>", MALFORMED_REFERENCE);
    check("<a>&#-1;</a>", MALFORMED_REFERENCE);
    check("<a>&# 65;</a>", MALFORMED_REFERENCE);
    content("<a>\t\u{7f}\u{85}\u{d7ff}\u{e000}\u{fffd}\u{10000}\u{10ffff}</a>", {
        "\t\u{7f}\u{85}\u{d7ff}\u{e000}\u{fffd}\u{10000}\u{10ffff}"
    });
}

#[test]
fn references_are_the_five_and_numbers() {
    check("<a>&</a>", "a reference is not closed");
    check("<a>&amp</a>", "a reference is not closed");
    check("<a>&amp &lt;</a>", "a reference is not closed");
    check("<a>&", "a reference is not closed");
    check("<a>&;</a>", "a reference is malformed");
    check("<a>& ;</a>", "a reference is malformed");
    check("<a>&a b;</a>", "a reference is malformed");
    check("<a>&1;</a>", "a reference is malformed");
    check("<a>&nbsp;</a>", "an undefined entity is referenced");
    check("<a>&AMP;</a>", "an undefined entity is referenced");
    check("<a>%pe;&pe;</a>", "an undefined entity is referenced");
    content("<a>&amp;&lt;&gt;&quot;&apos;</a>", "&<>\"'");
    content("<a>&#65;&#x42;&#x000000043;&#x5c71;&#23665;&#x20BB7;</a>", "ABC山山\u{20bb7}");
    content("<a>&amp;lt;</a>", "&lt;");
    content("<a>&#38;#60;</a>", "&#60;");
}

#[test]
fn text_and_sections_end_where_they_must() {
    check("<a>]]></a>", "text contains ]]>");
    check("<a>x]]]>y</a>", "text contains ]]>");
    check("<a><![CDATA[x]]>]]></a>", "text contains ]]>");
    check("<a><![CDATA[</a>", "a CDATA section is not closed");
    check("<a><![CDATA[]]</a>", "a CDATA section is not closed");
    check("<a><![cdata[x]]></a>", "a CDATA section is not closed");
    check("<a><![ CDATA[x]]></a>", "a CDATA section is not closed");
    check("<a><!-- </a>", "a comment is not closed");
    check("<a><!-- -- --></a>", "a comment contains --");
    check("<a><!-----></a>", "a comment contains --");
    check("<a><!--x---></a>", "a comment contains --");
    check("<!----><!--a--b--><a/>", "a comment contains --");
    check("<a><!---></a>", "a comment is not closed");
    check("<a><!-x--></a>", "a comment is not closed");
    check("<a><!></a>", MARKUP);
    check("<a><!ELEMENT a ANY></a>", MARKUP);
    check("<!ENTITY x \"y\"><a/>", MARKUP);
    content("<a>]] ></a>", "]] >");
    content("<a>]]&gt;</a>", "]]>");
    content("<a>]]<![CDATA[>]]></a>", "]]>");
    content("<a><![CDATA[]]]]></a>", "]]");
    content("<a><![CDATA[<b>&amp;&x;]]></a>", "<b>&amp;&x;");
    content("<a><!-- - -><x> <!- &y; --></a>", "");
    content("<a>></a>", ">");
    content("<a>'\"=/</a>", "'\"=/");
}

#[test]
fn the_declaration_opens_the_document() {
    let malformed = "the XML declaration is malformed";
    let misplaced = "an XML declaration does not open the document";
    check(" <?xml version=\"1.0\"?><a/>", misplaced);
    check("<a/><?xml version=\"1.0\"?>", misplaced);
    check("<a><?xml version=\"1.0\"?></a>", misplaced);
    check("<!----><?xml version=\"1.0\"?><a/>", misplaced);
    check("<?xml version=\"1.0\"?><?xml version=\"1.0\"?><a/>", misplaced);
    check("<?xml?><a/>", "the XML declaration states no version");
    check("<?xml ?><a/>", "the XML declaration states no version");
    check("<?xml encoding=\"UTF-8\"?><a/>", "the XML declaration states no version");
    check("<?xml encoding=\"UTF-8\" version=\"1.0\"?><a/>", "the XML declaration states no version");
    check("<?xml version=\"1.1\"?><a/>", "a version of XML other than 1.0 is not accepted");
    check("<?xml version=\"2.0\"?><a/>", "a version of XML other than 1.0 is not accepted");
    check("<?xml version=\"1.0 \"?><a/>", "a version of XML other than 1.0 is not accepted");
    check("<?xml version=1.0?><a/>", malformed);
    check("<?xml version=\"1.0\"encoding=\"UTF-8\"?><a/>", malformed);
    check("<?xml version=\"1.0\" standalone=\"yes\" encoding=\"UTF-8\"?><a/>", malformed);
    check("<?xml version=\"1.0\" standalone=\"maybe\"?><a/>", malformed);
    check("<?xml version=\"1.0\" standalone=\"YES\"?><a/>", malformed);
    check("<?xml version=\"1.0\" encoding=\"\"?><a/>", malformed);
    check("<?xml version=\"1.0\" encoding=\" UTF-8\"?><a/>", malformed);
    check("<?xml version=\"1.0\" other=\"x\"?><a/>", malformed);
    check("<?xml version=\"1.0\" version=\"1.0\"?><a/>", malformed);
    check("<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\" x=\"y\"?><a/>", malformed);
    check("<?xml version=\"1.0\">\n<a/>", "the XML declaration is not closed");
    accepted("<?xml version='1.0'?><a/>");
    accepted("<?xml\tversion = \"1.0\"\n encoding='utf-8' standalone='no' ?>\n<!-- x --> <a/> <!-- y -->\n");
    accepted("\u{feff}<?xml version='1.0' encoding='UTF-8'?><a/>");
}

#[test]
fn what_calls_outward_is_refused() {
    check("<!DOCTYPE a><a/>", DOCTYPE);
    check("<!doctype a><a/>", DOCTYPE);
    check("<!DOCTYPE", DOCTYPE);
    check("<!DOCTYPE><a/>", DOCTYPE);
    check("<a><!DOCTYPE a></a>", DOCTYPE);
    check("<a/><!DOCTYPE a>", DOCTYPE);
    check("<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>", DOCTYPE);
    check("<!DOCTYPE a SYSTEM \"http://example.org/x.dtd\"><a/>", DOCTYPE);
    check("<!DOCTYPE a [<!ENTITY % p SYSTEM \"http://example.org/p\"> %p;]><a/>", DOCTYPE);
    let tenfold = |n| format!("<!ENTITY l{n} \"{}\">", format!("&l{};", n - 1).repeat(10));
    let laughs = (1..10).map(tenfold).collect::<String>();
    check(&format!("<!DOCTYPE a [<!ENTITY l0 \"lol\">{laughs}]><a>&l9;</a>"), DOCTYPE);
    let big = "x".repeat(50_000);
    check(&format!("<!DOCTYPE a [<!ENTITY e \"{big}\">]><a>{}</a>", "&e;".repeat(20_000)), DOCTYPE);
    check("<?php echo 1 ?><a/>", INSTRUCTION);
    check("<?xml-stylesheet href=\"x.xsl\"?><a/>", INSTRUCTION);
    check("<?XML version=\"1.0\"?><a/>", INSTRUCTION);
    check("<a><?x?></a>", INSTRUCTION);
    check("<a/><?x y?>", INSTRUCTION);
    check("<a><??></a>", INSTRUCTION);
    check("<a><?x", INSTRUCTION);
    check("<?>", INSTRUCTION);
}

#[test]
fn text_arrives_whole() {
    content("<a>山<!--x-->田<![CDATA[太]]>&#x90ce;&amp;<!----> z</a>", "山田太郎& z");
    content("<a> <b/>x<!-- -->y<c></c>z</a>", " |<b>|xy|<c>|z");
    content("<a></a>", "");
    content("<a><![CDATA[]]></a>", "");
    content("<a><b/><b/></a>", "<b>|<b>");
    content("<a>1\r\n2\r3\n4\r\r\n5</a>", "1\n2\n3\n4\n\n5");
    content("<a><![CDATA[1\r\n2]]>&#13;&#xA;</a>", "1\n2\r\n");
}

#[test]
fn values_are_normalised() {
    value("<a b='c'/>", "c");
    value("<a b=''/>", "");
    value("<a b = \"c\"\n/>", "c");
    value("<a b='x\ty\nz\r\nw\rv'/>", "x y z w v");
    value("<a b=' x  y '/>", " x  y ");
    value("<a b='&#9;&#10;&#13;&#32;'/>", "\t\n\r ");
    value("<a b='>]]>\"'/>", ">]]>\"");
    value("<a b='&lt;&amp;&quot;&apos;&gt;'/>", "<&\"'>");
    value("<a b='&#60;'/>", "<");
    value("<a b='a/>b'/>", "a/>b");
}

#[test]
fn names_are_resolved() {
    let root = accepted(
        "<p:a xmlns:p='u' xmlns='v' p:b='1' b='2' xml:lang='ja'>\n<c/><p:d xmlns:p='w' xmlns=''><e/></p:d><p:f/></p:a>",
    );
    assert!(root.is("u", "a"));
    assert_eq!((root.attribute("b"), root.attribute_in("u", "b")), (Some("2"), Some("1")));
    assert_eq!(root.attribute_in("http://www.w3.org/XML/1998/namespace", "lang"), Some("ja"));
    let names: Vec<_> = root.elements().map(|e| (e.name.namespace.to_string(), e.name.local.to_string())).collect();
    let expect = [("v", "c"), ("w", "d"), ("u", "f")].map(|(n, l)| (n.to_owned(), l.to_owned()));
    assert_eq!(names, expect);
    let inner = root.elements().nth(1).unwrap();
    assert!(inner.elements().next().unwrap().is("", "e"));
    assert_eq!(inner.resolve("p:T").map(|(ns, _)| ns.to_string()).as_deref(), Some("w"));
    assert_eq!(inner.resolve("T").map(|(ns, _)| ns.to_string()).as_deref(), Some(""));
    assert_eq!(root.resolve("T").map(|(ns, _)| ns.to_string()).as_deref(), Some("v"));
    assert_eq!(root.resolve("q:T"), None);
    assert_eq!((root.line, inner.line), (1, 2));
}

#[test]
fn scope_is_shared_where_nothing_is_declared() {
    let root = accepted("<a xmlns='u'><b/><c xmlns='u'/><d xmlns='v'/></a>");
    let shared: Vec<_> = root.elements().map(|e| std::sync::Arc::ptr_eq(&e.scope, &root.scope)).collect();
    assert_eq!(shared, [true, true, false]);
}

#[test]
fn the_place_is_named() {
    line("<a>\n<b>\n</c>\n</a>", 3);
    line("<a>\r\n<b>\r</c></a>", 3);
    line("<a\n b='1'\n b='2'/>", 1);
    line("<a>\n\n\u{1}</a>", 3);
    line("<a>\n<!--\n--><p:b/></a>", 3);
    line("<a>\n<b>", 2);
}

#[test]
fn limits_hold() {
    let deep = |n: usize| "<a>".repeat(n) + &"</a>".repeat(n);
    accepted(&deep(64));
    check(&deep(65), "the nesting is too deep");
    check(&deep(100_000), "the nesting is too deep");
    check(&"<a>".repeat(100_000), "the nesting is too deep");
    let wide = |n: usize| format!("<a{}/>", (0..n).map(|i| format!(" b{i}=''")).collect::<String>());
    accepted(&wide(64));
    check(&wide(65), "an element has too many attributes");
    check(&wide(10_000), "an element has too many attributes");
    let declaring = |n: usize| format!("<a{}/>", (0..n).map(|i| format!(" xmlns:p{i}='u{i}'")).collect::<String>());
    accepted(&declaring(32));
    check(&declaring(33), "too many namespaces are declared");
    check(&declaring(65), "an element has too many attributes");
    let one_namespace = (0..40).map(|i| format!(" xmlns:p{i}='u'")).collect::<String>();
    check(&format!("<a{one_namespace}/>"), "too many prefixes are in scope");
    let rebinding = (0..40).map(|i| format!("<b xmlns='u{i}'/>")).collect::<String>();
    check(&format!("<a>{rebinding}</a>"), "too many namespaces are declared");
    accepted(&format!("<a>{}</a>", "<b xmlns='u'/>".repeat(10_000)));
    accepted(&format!("<a>{}</a>", "<b/>".repeat(19_999)));
    check(&format!("<a>{}</a>", "<b/>".repeat(20_000)), "there are too many elements");
    accepted(&format!("<{}/>", "a".repeat(256)));
    check(&format!("<{}/>", "a".repeat(257)), "a name is too long");
    check(&format!("<a {}=''/>", "b".repeat(257)), "a name is too long");
    check(&format!("<a xmlns:{}='u'/>", "p".repeat(257)), "a name is too long");
    check(&format!("<a>{}</a>", "x".repeat(1 << 20)), "the document is too large");
    accepted(&format!("<a>{}</a>", "x".repeat((1 << 20) - 7)));
}

#[test]
fn quadratic_attempts_end() {
    accepted(&format!("<a>{}</a>", "&amp;".repeat(200_000)));
    accepted(&format!("<a>{}</a>", "x<!---->".repeat(120_000)));
    accepted(&format!("<a>{}</a>", "\r".repeat(1_000_000)));
    accepted(&format!("<a b='{}'/>", "&#x41;".repeat(170_000)));
    check(&format!("<a>{}", "<![CDATA[".repeat(110_000)), "a CDATA section is not closed");
    check(&format!("<a>{}", "<!--".repeat(250_000)), "a comment is not closed");
    check(&format!("<a {}", "b=\"'".repeat(250_000)), "an attribute value is not closed");
}
