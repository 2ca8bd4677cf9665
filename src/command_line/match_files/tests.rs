//! `match-files` and `evaluate` on small files written here.

use super::super::{Exit, run};
use std::ffi::OsString;
use std::path::Path;

const HEADER: &str = "id,who,sei,mei,born,tel";
const MAPPING: &str = "[columns]\nrecord_id = \"id\"\nfamily = \"sei\"\ngiven = \"mei\"\nbirth_date = \"born\"\n\
                       phone = [\"tel\"]\n";

fn nayose(folder: &Path, words: &str) -> Exit {
    let words = words.split_whitespace().map(|word| match word.strip_prefix('@') {
        Some(name) => folder.join(name).into_os_string(),
        None => OsString::from(word),
    });
    run(std::iter::once(OsString::from("nayose")).chain(words), Vec::new())
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

const PEOPLE: &str = "1,a,斎藤,花子,1980-03-14,090-1234-5671\n2,a,齋藤,花子,S55.3.14,09012345671\n\
                      3,b,\"高橋\",太郎,1975-01-02,\n";

#[test]
fn files_are_matched_and_reported() {
    let csv = format!("{HEADER}\n{PEOPLE}");
    let folder = folder(&[("p.csv", &csv), ("m.toml", MAPPING)]);
    let words = "match-files @p.csv --mapping @m.toml --clusters @c.csv --pairs @q.csv --save-model @model.toml --json";
    assert_eq!(nayose(folder.path(), words), Exit::Done);
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!(read("c.csv"), "record_id,person_id\n1,0\n2,0\n3,2\n");
    let pairs = read("q.csv");
    assert!(pairs.starts_with("left,right,weight,probability,decision\n1,2,"), "{pairs}");
    assert_eq!(pairs.lines().count(), 2, "{pairs}");
    // The model that was saved is a model to match with.
    let words = "match-files @p.csv --mapping @m.toml --model @model.toml";
    assert_eq!(nayose(folder.path(), words), Exit::Done);
    let words = "evaluate @p.csv --mapping @m.toml --truth who --svg @curve.svg";
    assert_eq!(nayose(folder.path(), words), Exit::Done);
    assert!(read("curve.svg").contains("<polyline"));
}

#[test]
fn json_and_compressed_files_are_read() {
    let json = "{\"record_id\":\"x\",\"family\":\"斎藤\",\"given\":\"花子\",\"birth_date\":\"19800314\"}\n";
    let folder = folder(&[("p.ndjson", json)]);
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, json.as_bytes()).unwrap();
    std::fs::write(folder.path().join("q.ndjson.gz"), packed.finish().unwrap()).unwrap();
    let words = "match-files @p.ndjson @q.ndjson.gz --between-files --clusters @c.csv";
    assert_eq!(nayose(folder.path(), words), Exit::Done);
    let clusters = std::fs::read_to_string(folder.path().join("c.csv")).unwrap();
    assert_eq!(clusters, "record_id,person_id\nx,0\nx,0\n");
}

#[test]
fn complaints_name_the_place_and_no_value() {
    let check = |csv: &str, mapping: &str, expect: &str| {
        let folder = folder(&[("p.csv", csv), ("m.toml", mapping)]);
        let path = folder.path();
        let files = [path.join("p.csv")];
        let tradition = crate::matching::Tradition::Japanese;
        let said = super::read(&files, Some(&path.join("m.toml")), None, tradition, 2).map(|_| ()).unwrap_err();
        assert!(said.contains(expect), "{said}\n{expect}");
        assert!(!said.contains("斎藤") && !said.contains("花子"), "{said}");
        assert_eq!(nayose(path, "match-files @p.csv --mapping @m.toml"), Exit::Usage);
    };
    let good = format!("{HEADER}\n{PEOPLE}");
    check(&good.replace("\n2,a,", "\n2,a,b,"), MAPPING, "p.csv: line 3: has 7 columns, the header 6");
    check(&good.replace("sei,", "family,"), MAPPING, "line 1: there is no column \"sei\"");
    check(&format!("{good}4,b,\"斎藤\"x,花子,,\n"), MAPPING, "line 5: text follows a closing quotation mark");
    check(&format!("{good}4,b,\"斎藤,花子,,\n"), MAPPING, "line 5: a quotation mark is open");
    check(&format!("{HEADER}\n"), MAPPING, "hold no record");
    check("", MAPPING, "line 1: there is no header");
    check(&good, &MAPPING.replace("given =", "givn ="), "\"given\"");
    check(&good, &MAPPING.replace("phone = [\"tel\"]", "email = [\"tel\", \"who\"]"), "takes one column");
    check(&good, "[columns]\nsex = \"who\"\n", "neither a name nor a birth date");
    check(&good, &format!("{MAPPING}[extra]\nx = {{ column = \"who\", compare = \"sound\" }}\n"), "compare is");
    check(&good, &format!("{MAPPING}[extra]\nx = {{ column = \"why\", compare = \"exact\" }}\n"), "\"why\"");
}
