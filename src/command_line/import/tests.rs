//! Lines that are no records are told apart, and the others are read.

use super::super::match_files::reader::Reader;

fn read(text: &[u8]) -> Vec<(usize, Result<String, String>)> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.csv");
    std::fs::write(&path, text).unwrap();
    let mut reader = Reader::open(&path).unwrap();
    let mut found = Vec::new();
    while let Some(record) = reader.record().unwrap() {
        found.push((record.line, record.read.map_err(|bad| String::from_utf8_lossy(&bad.raw).into_owned())));
    }
    found
}

#[test]
fn a_line_that_is_no_record_costs_no_other() {
    let check = |text: &[u8], expect: &[(usize, Result<&str, &str>)]| {
        let expect: Vec<_> =
            expect.iter().map(|(line, read)| (*line, read.map(str::to_owned).map_err(str::to_owned))).collect();
        assert_eq!(read(text), expect, "{}", String::from_utf8_lossy(text));
    };
    check(b"a,b\n1,2\n\n3,4", &[(2, Ok("1,2")), (4, Ok("3,4"))]);
    check(b"a,b\n1,\"x\ny\"\n3,4\n", &[(2, Ok("1,\"x\ny\"")), (4, Ok("3,4"))]);
    check(b"a,b\n1,\"x\n2,y\n3,z\n", &[(2, Err("1,\"x")), (3, Ok("2,y")), (4, Ok("3,z"))]);
    let legit: &[(usize, Result<&str, &str>)] =
        &[(2, Err("1,\"x")), (3, Ok("2,y")), (4, Ok("3,\"p\nq\"")), (6, Ok("7,8"))];
    check(b"a,b\n1,\"x\n2,y\n3,\"p\nq\"\n7,8\n", legit);
    check(b"a,b\n1,x\"y\n2,\"z\"\n", &[(2, Ok("1,x\"y")), (3, Ok("2,\"z\""))]);
    check(b"a,b\n1,\xff\n2,y\n", &[(2, Err("1,\u{fffd}")), (3, Ok("2,y"))]);
    check(b"a,b\n\"\n\"\n1,2\n", &[(2, Err("\"")), (3, Err("\"")), (4, Ok("1,2"))]);
}

#[test]
fn a_record_that_never_ends_costs_itself_alone() {
    let mut text = b"a,b\n1,\"x\n".to_vec();
    for number in 0..200_000 {
        text.extend_from_slice(format!("{number},y\n").as_bytes());
    }
    let found = read(&text);
    assert_eq!(found.len(), 200_001);
    assert!(found.iter().skip(1).all(|(_, read)| read.is_ok()) && found[0].1.is_err());
    assert_eq!(found[200_000], (200_002, Ok("199999,y".to_owned())));
}
