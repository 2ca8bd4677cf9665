use encoding_rs::{EUC_JP, ISO_2022_JP, SHIFT_JIS};

use crate::xml::{Limits, read};

const NAME: &str = "山田　太郎ﾔﾏﾀﾞ①";
const UNSUPPORTED: &str = "the character encoding is not supported";
const CONTRADICTED: &str = "the declared encoding contradicts the bytes";
const MALFORMED: &str = "the bytes are malformed in their character encoding";

fn accepted(bytes: &[u8], charset: Option<&str>, expect: &str) {
    let root = read(bytes, charset, &Limits::default()).unwrap_or_else(|e| panic!("{charset:?} {expect}: {e}"));
    assert_eq!(root.text(), expect, "{charset:?}");
}

fn refused(bytes: &[u8], charset: Option<&str>, expect: &str) {
    let error = read(bytes, charset, &Limits::default()).expect_err(expect);
    assert_eq!(error.reason, expect, "{charset:?} {}", String::from_utf8_lossy(bytes));
}

fn declared(label: &str, text: &str) -> String {
    format!("<?xml version=\"1.0\" encoding=\"{label}\"?><a>{text}</a>")
}

fn little(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn big(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

fn marked(mark: &[u8], body: &[u8]) -> Vec<u8> {
    [mark, body].concat()
}

const LITTLE: &[u8] = b"\xff\xfe";
const BIG: &[u8] = b"\xfe\xff";
const UTF_8: &[u8] = b"\xef\xbb\xbf";

#[test]
fn japanese_encodings_are_read() {
    for (encoding, labels, text) in [
        (SHIFT_JIS, ["Shift_JIS", "windows-31j", "cp932"], NAME),
        (EUC_JP, ["EUC-JP", "euc-jp", "x-euc-jp"], NAME),
        (ISO_2022_JP, ["ISO-2022-JP", "iso-2022-jp", "csISO2022JP"], "山田　太郎"),
    ] {
        for label in labels {
            let (bytes, _, lossy) = encoding.encode(text);
            assert!(!lossy, "{label}");
            let body = marked(b"<a>", &[&*bytes, b"</a>"].concat());
            accepted(&body, Some(label), text);
            let document = declared(label, text);
            accepted(&encoding.encode(&document).0, None, text);
            accepted(&encoding.encode(&document).0, Some(label), text);
            accepted(document.as_bytes(), Some("utf-8"), text);
        }
    }
}

#[test]
fn unicode_encodings_are_read() {
    let plain = format!("<a>{NAME}\u{20bb7}</a>");
    let text = format!("{NAME}\u{20bb7}");
    accepted(plain.as_bytes(), None, &text);
    accepted(plain.as_bytes(), Some("UTF-8"), &text);
    accepted(plain.as_bytes(), Some("\"utf8\""), &text);
    accepted(&marked(UTF_8, plain.as_bytes()), None, &text);
    accepted(&marked(UTF_8, declared("UTF-8", NAME).as_bytes()), None, NAME);
    accepted(&marked(LITTLE, &little(&plain)), None, &text);
    accepted(&marked(BIG, &big(&plain)), None, &text);
    accepted(&marked(LITTLE, &little(&declared("UTF-16", NAME))), None, NAME);
    accepted(&marked(BIG, &big(&declared("utf-16", NAME))), None, NAME);
    accepted(&marked(BIG, &big(&declared("utf-16", NAME))), Some("utf-16"), NAME);
    accepted(&little(&plain), Some("utf-16le"), &text);
    accepted(&big(&plain), Some("utf-16be"), &text);
    accepted(&little(&plain), Some("utf-16"), &text);
    accepted(&big(&plain), Some("utf-16"), &text);
    accepted(&big(&declared("utf-16be", NAME)), None, NAME);
    accepted(&little(&declared("utf-16", NAME)), None, NAME);
}

#[test]
fn a_mark_stands_above_the_transport_and_that_above_the_declaration() {
    let document = declared("Shift_JIS", NAME);
    accepted(&marked(UTF_8, b"<a>\xe5\xb1\xb1</a>"), Some("Shift_JIS"), "山");
    accepted(&marked(LITTLE, &little("<a>山</a>")), Some("utf-8"), "山");
    accepted(document.as_bytes(), Some("utf-8"), NAME);
    accepted(declared("utf-16", NAME).as_bytes(), Some("utf-8"), NAME);
    accepted(declared("x-unknown", NAME).as_bytes(), Some("utf-8"), NAME);
}

#[test]
fn latin_is_what_it_says() {
    accepted(b"<a>\xe9\x85</a>", Some("iso-8859-1"), "é\u{85}");
    accepted(b"<a>\x80</a>", Some("windows-1252"), "€");
    accepted(b"<a>e</a>", Some("us-ascii"), "e");
    refused(b"<a>\xe9</a>", Some("us-ascii"), MALFORMED);
    accepted(b"<?xml version='1.0' encoding='ISO-8859-1'?><a>\xe9</a>", None, "é");
}

#[test]
fn nothing_is_guessed() {
    refused(b"<a/>", Some("utf-7"), UNSUPPORTED);
    refused(b"<a/>", Some("utf-32"), UNSUPPORTED);
    refused(b"<a/>", Some("ebcdic-cp-us"), UNSUPPORTED);
    refused(b"<a/>", Some("gb18030"), UNSUPPORTED);
    refused(b"<a/>", Some("x-user-defined"), UNSUPPORTED);
    refused(b"<a/>", Some("iso-2022-kr"), UNSUPPORTED);
    refused(b"<a/>", Some("utf-8 x"), UNSUPPORTED);
    refused(b"<a/>", Some(""), UNSUPPORTED);
    refused(declared("UTF-7", "x").as_bytes(), None, UNSUPPORTED);
    refused(declared("x-unknown", "x").as_bytes(), None, UNSUPPORTED);
    refused(&marked(UTF_8, declared("x-unknown", "x").as_bytes()), None, UNSUPPORTED);
    refused(declared("UTF-16", "x").as_bytes(), None, CONTRADICTED);
    refused(declared("utf-16le", "x").as_bytes(), None, CONTRADICTED);
    refused(&marked(UTF_8, declared("iso-8859-1", "x").as_bytes()), None, CONTRADICTED);
    refused(&marked(UTF_8, declared("utf-16", "x").as_bytes()), None, CONTRADICTED);
    refused(&marked(LITTLE, &little(&declared("UTF-8", "x"))), None, CONTRADICTED);
    refused(&marked(LITTLE, &little(&declared("utf-16be", "x"))), None, CONTRADICTED);
    refused(&little(&declared("Shift_JIS", "x")), None, CONTRADICTED);
}

#[test]
fn malformed_bytes_are_refused() {
    refused(b"<a>\xff</a>", None, MALFORMED);
    refused(b"<a>\xc0\xaf</a>", None, MALFORMED);
    refused(b"<a>\xe0\x80\xaf</a>", None, MALFORMED);
    refused(b"<a>\xed\xa0\x80</a>", None, MALFORMED);
    refused(b"<a>\xf4\x90\x80\x80</a>", None, MALFORMED);
    refused(b"<a>\xe5\xb1</a>", None, MALFORMED);
    refused(b"<a>\x8e\x52</a>", None, MALFORMED);
    refused(b"<a>\x81</a>", Some("shift_jis"), MALFORMED);
    refused(b"<a>\xa4<", Some("euc-jp"), MALFORMED);
    refused(b"<a>\x1b$B\x21", Some("iso-2022-jp"), MALFORMED);
    refused(b"<a>\xe5</a>", Some("iso-2022-jp"), MALFORMED);
    refused(b"\xff\xfe<\0a\0/\0>", None, MALFORMED);
    refused(b"\xff\xfe\x00\xd8<\0", None, MALFORMED);
    refused(b"\xff\xfe\0\0<\0\0\0", None, "the document starts with a stray character");
    refused(b"<?xml version='1.0' encoding='Shift_JIS'?><a>\x81</a>", None, MALFORMED);
    refused("<?xml version='1.0' encoding='é'?><a/>".as_bytes(), None, "the XML declaration is malformed");
}

#[test]
fn a_late_declared_encoding_is_still_seen() {
    let spaces = " ".repeat(2_000);
    let head = format!("<?xml version='1.0'{spaces} encoding='ISO-2022-JP'?><a>");
    accepted(&[head.as_bytes(), b"\x1b$B;3\x1b(B</a>"].concat(), None, "山");
}

#[test]
fn size_is_judged_first() {
    let limits = Limits { bytes: 4, ..Limits::default() };
    assert_eq!(read(b"<a/>", None, &limits).map(|root| root.line), Ok(1));
    assert_eq!(read(b"<a/>\xff", Some("none"), &limits).unwrap_err().reason, "the document is too large");
}
