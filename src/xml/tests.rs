//! Reading and writing as a whole, under input that nobody wrote.

use proptest::prelude::*;

use super::{Limits, read};

const SAMPLE: &str = "<?xml version='1.0' encoding='UTF-8'?>\n<e:Envelope xmlns:e='urn:e'>\n <e:Body>\n\
    <!-- c --><m xmlns='urn:m' xmlns:x='http://www.w3.org/2001/XMLSchema-instance'><v x:type='II' r=\"1&amp;2\"/>\
    <n>山田&#x592a;<![CDATA[郎]]></n><z/></m>\n </e:Body>\n</e:Envelope>\n";

proptest! {
    #[test]
    fn mutated_bytes_never_panic(changes in prop::collection::vec((0..SAMPLE.len(), any::<u8>(), 0..3u8), 1..8)) {
        let mut bytes = SAMPLE.as_bytes().to_vec();
        for (at, byte, kind) in changes {
            let at = at % bytes.len().max(1);
            match kind {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, b"<>&;'\"/!?-[]:= \n"[usize::from(byte) % 16]),
                _ => _ = bytes.drain(at..(at + usize::from(byte % 8)).min(bytes.len())),
            }
        }
        if let Ok(root) = read(&bytes, None, &Limits::default()) {
            let written = root.to_xml();
            let again = read(written.as_bytes(), None, &Limits::default().of_rewritten()).unwrap();
            prop_assert_eq!(again.to_xml(), written);
        }
    }

    #[test]
    fn markup_soup_never_panics(parts in prop::collection::vec(prop::sample::select(vec![
        "<a>", "</a>", "<a/>", "<p:a xmlns:p='u'>", "</p:a>", "<!--", "-->", "<![CDATA[", "]]>", "&amp;", "&#", ";",
        "<?xml version='1.0'?>", "<?", "?>", "<!DOCTYPE", ">", "<", "'", "\"", "=", " b='c'", "x", "\r", "名", "\u{feff}",
    ]), 0..24)) {
        let _ = read(parts.concat().as_bytes(), None, &Limits::default());
    }

    #[test]
    fn any_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), charset in prop::sample::select(vec![
        None, Some("utf-8"), Some("utf-16"), Some("shift_jis"), Some("euc-jp"), Some("iso-2022-jp"), Some("iso-8859-1"),
    ])) {
        let _ = read(&bytes, charset, &Limits::default());
    }
}
