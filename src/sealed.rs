//! A stream that only the holder of a key can read, and of which nobody can change, drop, reorder or cut off a
//! part unnoticed: how a copy of a store leaves the machine.
//!
//! XChaCha20-Poly1305 in the STREAM construction (a counter and a mark for the last piece in each nonce), in pieces
//! of 64 KiB behind a line that names the format. It must never hand out a byte that was not authenticated, and a
//! stream without its last piece is an error, never an early end.

mod token;

pub use token::Token;

use aead_stream::{DecryptorBE32, EncryptorBE32};
use chacha20poly1305::aead::{KeyInit, Payload};
use chacha20poly1305::{Key as CipherKey, XChaCha20Poly1305};
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// How each sealed stream begins. It is authenticated with every piece.
pub const MAGIC: &[u8; 16] = b"nayose-sealed-1\n";

/// How each key file begins; 64 hexadecimal digits follow.
const KEY_WORD: &str = "nayose-key-1 ";

/// Bytes of one piece before it is sealed.
const PIECE: usize = 64 * 1024;

/// What sealing adds to a piece.
const TAG: usize = 16;

/// The part of the nonce that is drawn for each stream.
const NONCE: usize = 19;

/// A key; it has no `Debug`.
pub struct Key([u8; 32]);

impl Key {
    /// A new key in a new file that only its owner can read.
    pub fn create(path: &Path) -> io::Result<()> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|_| io::Error::other("the machine gives no random numbers"))?;
        let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(format!("{KEY_WORD}{digits}\n").as_bytes())?;
        file.sync_all()
    }

    /// The key in `path`. A file that anybody on the machine can read is refused: then it keeps nothing secret.
    pub fn read(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        if file.metadata()?.permissions().mode() & 0o007 != 0 {
            return Err(invalid("everybody on this machine can read the key file; chmod 600 it"));
        }
        let mut text = String::new();
        file.take(4096).read_to_string(&mut text)?;
        Self::parse(&text).ok_or_else(|| invalid("this is no key file; `nayose backup --new-key FILE` makes one"))
    }

    fn parse(text: &str) -> Option<Self> {
        let digits = text.trim_end().strip_prefix(KEY_WORD)?;
        let mut bytes = [0; 32];
        if digits.len() != 64 {
            return None;
        }
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(digits.get(at * 2..at * 2 + 2)?, 16).ok()?;
        }
        Some(Self(bytes))
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&CipherKey::from(self.0))
    }
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// Seals what is written to it. What was written is whole only after [`Sealer::finish`].
pub struct Sealer<W: Write> {
    out: W,
    stream: EncryptorBE32<XChaCha20Poly1305>,
    piece: Vec<u8>,
}

impl<W: Write> Sealer<W> {
    /// Begins a stream under `key`.
    pub fn new(mut out: W, key: &Key) -> io::Result<Self> {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(|_| io::Error::other("the machine gives no random numbers"))?;
        out.write_all(MAGIC)?;
        out.write_all(&nonce)?;
        let stream = EncryptorBE32::from_aead(key.cipher(), &nonce.into());
        Ok(Self { out, stream, piece: Vec::with_capacity(PIECE) })
    }

    /// Seals the last piece and gives the target back.
    pub fn finish(mut self) -> io::Result<W> {
        let payload = Payload { msg: &self.piece, aad: MAGIC };
        let sealed = self.stream.encrypt_last(payload).map_err(|_| io::Error::other("a piece cannot be sealed"))?;
        self.out.write_all(&sealed)?;
        self.out.flush()?;
        Ok(self.out)
    }
}

impl<W: Write> Write for Sealer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A full piece waits until it is known that it is not the last.
        if self.piece.len() == PIECE && !bytes.is_empty() {
            let payload = Payload { msg: &self.piece, aad: MAGIC };
            let sealed = self.stream.encrypt_next(payload).map_err(|_| io::Error::other("the stream is too long"))?;
            self.out.write_all(&sealed)?;
            self.piece.clear();
        }
        let taken = bytes.len().min(PIECE - self.piece.len());
        self.piece.extend_from_slice(bytes.get(..taken).unwrap_or_default());
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        // Half a piece cannot be sealed: only the end seals it.
        self.out.flush()
    }
}

/// Opens what a [`Sealer`] has written.
pub struct Opener<R: Read> {
    input: BufReader<R>,
    /// None after the last piece.
    stream: Option<DecryptorBE32<XChaCha20Poly1305>>,
    piece: Vec<u8>,
    at: usize,
}

impl<R: Read> Opener<R> {
    /// Begins to read a stream that was sealed under `key`.
    pub fn new(input: R, key: &Key) -> io::Result<Self> {
        let mut input = BufReader::with_capacity(PIECE + TAG, input);
        let (mut magic, mut nonce) = ([0; 16], [0; NONCE]);
        input.read_exact(&mut magic).map_err(|_| invalid("the file is cut off"))?;
        if magic != *MAGIC {
            return Err(invalid("this file was not sealed by nayose"));
        }
        input.read_exact(&mut nonce).map_err(|_| invalid("the file is cut off"))?;
        let stream = DecryptorBE32::from_aead(key.cipher(), &nonce.into());
        Ok(Self { input, stream: Some(stream), piece: Vec::new(), at: 0 })
    }

    /// Opens the next piece; none after the last.
    fn turn(&mut self) -> io::Result<()> {
        let Some(mut stream) = self.stream.take() else { return Ok(()) };
        let mut sealed = Vec::with_capacity(PIECE + TAG);
        let most = u64::try_from(PIECE + TAG).unwrap_or(u64::MAX);
        self.input.by_ref().take(most).read_to_end(&mut sealed)?;
        let last = self.input.fill_buf()?.is_empty();
        let payload = Payload { msg: &sealed, aad: MAGIC };
        let wrong = || invalid("the file was changed or cut off, or this is not its key");
        self.at = 0;
        if last {
            self.piece = stream.decrypt_last(payload).map_err(|_| wrong())?;
        } else {
            self.piece = stream.decrypt_next(payload).map_err(|_| wrong())?;
            self.stream = Some(stream);
        }
        Ok(())
    }
}

impl<R: Read> Read for Opener<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if self.at == self.piece.len() {
            self.turn()?;
        }
        let mut rest = self.piece.get(self.at..).unwrap_or_default();
        let given = rest.read(bytes)?;
        self.at += given;
        Ok(given)
    }
}

#[cfg(test)]
mod tests;
