//! What was sealed comes back; what was touched does not.

use super::*;

fn key(byte: u8) -> Key {
    Key([byte; 32])
}

fn sealed(content: &[u8]) -> Vec<u8> {
    let mut sealer = Sealer::new(Vec::new(), &key(7)).unwrap();
    sealer.write_all(content).unwrap();
    sealer.finish().unwrap()
}

fn opened(sealed: &[u8], key: &Key) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    Opener::new(sealed, key)?.read_to_end(&mut content)?;
    Ok(content)
}

fn content(length: usize) -> Vec<u8> {
    (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect()
}

#[test]
fn what_was_sealed_comes_back() {
    for length in [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 3 * PIECE + 5] {
        let (plain, file) = (content(length), sealed(&content(length)));
        assert!(opened(&file, &key(7)).unwrap() == plain, "{length}");
        assert!(opened(&file, &key(8)).is_err(), "{length}: another key");
        assert!(length < 32 || !file.windows(32).any(|window| window == &plain[..32]), "{length}: readable");
        assert!(file != sealed(&plain), "{length}: a nonce of its own");
    }
}

#[test]
fn every_cut_is_noticed() {
    let file = sealed(&content(2 * PIECE + 100));
    let at_pieces = (0..3).map(|piece| 16 + NONCE + piece * (PIECE + TAG));
    for length in (0..200).chain(at_pieces).chain(file.len() - 200..file.len()) {
        assert!(opened(&file[..length], &key(7)).is_err(), "{length} of {}", file.len());
    }
    assert!(opened(&[file.as_slice(), b"x"].concat(), &key(7)).is_err(), "and what hangs on");
}

#[test]
fn every_changed_byte_is_noticed() {
    let file = sealed(&content(PIECE + 300));
    for at in (0..300).chain((300..file.len()).step_by(997)).chain(file.len() - 400..file.len()) {
        let mut changed = file.clone();
        changed[at] ^= 1;
        assert!(opened(&changed, &key(7)).is_err(), "byte {at}");
    }
}

#[test]
fn pieces_that_change_places_are_noticed() {
    let file = sealed(&content(3 * PIECE + 100));
    let (head, pieces) = file.split_at(16 + NONCE);
    let pieces: Vec<&[u8]> = pieces.chunks(PIECE + TAG).collect();
    let joined = |order: &[usize]| {
        order.iter().fold(head.to_vec(), |mut all, at| {
            all.extend_from_slice(pieces[*at]);
            all
        })
    };
    assert!(opened(&joined(&[0, 1, 2, 3]), &key(7)).is_ok());
    for order in [[1, 0, 2, 3].as_slice(), &[0, 2, 1, 3], &[0, 0, 1, 2, 3], &[0, 2, 3], &[0, 1, 2]] {
        assert!(opened(&joined(order), &key(7)).is_err(), "{order:?}");
    }
    let other = sealed(&content(3 * PIECE + 100));
    let swapped = [head, &other[16 + NONCE..]].concat();
    assert!(opened(&swapped, &key(7)).is_err(), "pieces of another stream");
}

#[test]
fn key_files_are_their_owners_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    Key::create(&path).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let drawn = Key::read(&path).unwrap();
    assert!(drawn.0 != [0; 32]);
    assert!(Key::create(&path).is_err(), "a key is never overwritten");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
    assert!(Key::read(&path).is_err(), "open to everybody");
    let digits = "00".repeat(32);
    let check = |text: &str, good| assert_eq!(Key::parse(text).is_some(), good, "{text}");
    check(&format!("nayose-key-1 {digits}\n"), true);
    check(&format!("nayose-key-1 {digits}0\n"), false);
    check(&format!("nayose-key-2 {digits}\n"), false);
    check(&format!("nayose-key-1 {}", "0x".repeat(32)), false);
    check(&format!("nayose-key-1 {}", "é".repeat(32)), false);
    check("", false);
}
