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

/// What fuzzing or a person once found stays found.
#[test]
fn the_corpus_is_read_or_refused() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/xml");
    let (mut taken, mut refused) = (0, 0);
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match read(&std::fs::read(&path).unwrap(), None, &Limits::default()) {
            Err(_) => refused += 1,
            Ok(root) => {
                taken += 1;
                let written = root.to_xml();
                let again = read(written.as_bytes(), None, &Limits::default().of_rewritten());
                assert_eq!(again.map(|root| root.to_xml()), Ok(written), "{}", path.display());
            }
        }
    }
    assert!(taken >= 10 && refused >= 8, "{taken} taken, {refused} refused");
}

/// Text cut short is another patient: however it is broken up, it arrives whole.
#[test]
fn text_is_whole_wherever_it_is_broken() {
    let text = "1.2.392&山田]太郎<X";
    let escaped = |c: char| match c {
        '&' => "&amp;".to_owned(),
        '<' => "<![CDATA[<]]>".to_owned(),
        c => c.to_string(),
    };
    let plain: Vec<String> = text.chars().map(escaped).collect();
    for at in 0..=plain.len() {
        for wedge in ["<!---->", "<!-- <b> &x; -->", "<![CDATA[]]>", "<![CDATA[]]><!----><![CDATA[]]>"] {
            let (before, after) = plain.split_at(at);
            let document = format!("<a>{}{wedge}{}</a>", before.concat(), after.concat());
            assert_eq!(read(document.as_bytes(), None, &Limits::default()).unwrap().text(), text, "{document}");
        }
        let numbered = |(i, c): (usize, char)| if i == at { format!("&#x{:x};", u32::from(c)) } else { escaped(c) };
        let document = format!("<a b='1'>{}</a>", text.chars().enumerate().map(numbered).collect::<String>());
        assert_eq!(read(document.as_bytes(), None, &Limits::default()).unwrap().text(), text, "{document}");
    }
}
