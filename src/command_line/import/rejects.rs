//! The lines that could not be taken, in a file of the same form, for its owner alone: it holds patients.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The file; it is made with its first line.
pub struct Rejects {
    path: PathBuf,
    file: Option<File>,
}

impl Rejects {
    /// Refused lines go to `path`, in place of those of an earlier run.
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), file: None }
    }

    /// Keeps a line as it stands in its file.
    pub fn keep(&mut self, header: &[String], raw: &[u8]) -> Result<(), String> {
        let told = self.write(header, raw);
        told.map_err(|error| format!("{}: {error}", self.path.display()))
    }

    fn write(&mut self, header: &[String], raw: &[u8]) -> std::io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            None => {
                let mut made =
                    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&self.path)?;
                if !header.is_empty() {
                    let cells: Vec<String> =
                        header.iter().map(|name| crate::command_line::match_files::reader::cell(name)).collect();
                    writeln!(made, "{}", cells.join(","))?;
                }
                self.file.insert(made)
            }
        };
        file.write_all(raw)?;
        file.write_all(b"\n")
    }
}
