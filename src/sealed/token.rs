//! The bearer token of the operators' interface: a file that only the owner of the server can read.

use super::invalid;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Shortest token that is taken from a file.
const SHORTEST: usize = 32;

/// A bearer token.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

impl Token {
    /// The token in `path`; where there is no such file, a new one is drawn and kept there for its owner alone.
    pub fn kept(path: &Path) -> io::Result<Self> {
        match Self::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::create(path),
            read => read,
        }
    }

    fn create(path: &Path) -> io::Result<Self> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|_| io::Error::other("the machine gives no random numbers"))?;
        let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(format!("{digits}\n").as_bytes())?;
        file.sync_all()?;
        Ok(Self(digits))
    }

    /// The token in `path`. A file that anybody on the machine can read is refused: then it keeps nobody out.
    pub fn read(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        if file.metadata()?.permissions().mode() & 0o007 != 0 {
            return Err(invalid("everybody on this machine can read the token; chmod 600 it"));
        }
        let mut text = String::new();
        file.take(4096).read_to_string(&mut text)?;
        let token = text.trim();
        let plain = token.bytes().all(|byte| byte.is_ascii_graphic());
        if token.len() < SHORTEST || !plain {
            return Err(invalid("a token has 32 characters or more, letters, digits and signs of ASCII"));
        }
        Ok(Self(token.to_owned()))
    }

    /// Whether `shown` is this token. How long that takes says nothing about where the two differ.
    pub fn is(&self, shown: &str) -> bool {
        let differing = self.0.bytes().zip(shown.bytes()).fold(0, |seen, (ours, theirs)| seen | (ours ^ theirs));
        (differing == 0) & (self.0.len() == shown.len())
    }

    /// The token as it is shown to the server.
    pub fn shown(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_drawn_once_and_kept_for_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db.token");
        let first = Token::kept(&path).unwrap();
        assert_eq!(Token::kept(&path).unwrap(), first);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(first.is(first.shown()) && first.shown().len() == 64);
        for wrong in ["", "0", &first.shown()[1..], &format!("{}0", first.shown())] {
            assert!(!first.is(wrong), "{wrong}");
        }
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(Token::read(&path).is_err());
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::write(&path, "short\n").unwrap();
        assert!(Token::kept(&path).is_err(), "it is not replaced");
        assert_eq!(format!("{first:?}"), "Token(…)");
    }
}
