//! What a run is asked for.

use std::path::PathBuf;

/// `faults PART [--option VALUE]...`
#[derive(Clone, Debug, Default)]
pub struct Arguments {
    pub part: String,
    pub store: String,
    pub filesystem: String,
    pub cycles: u64,
    /// Whether a part is asked for by name, so that it is done as a whole.
    pub is_whole: bool,
    pub seed: Option<u64>,
    pub state: Option<PathBuf>,
    /// The server to strike, where it is not the one that was built with this harness: a long run must not meet a
    /// newer one half way.
    pub binary: Option<PathBuf>,
    /// A bug of the product that is switched on, where it was built with the feature `planted`.
    pub plant: Option<String>,
}

impl Arguments {
    /// Reads the words after the program's name; options that test runners pass on mean nothing here.
    pub fn read(words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut read = Self { store: "sqlite".to_owned(), filesystem: "ext4".to_owned(), ..Self::default() };
        let mut words = words.peekable();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
            match word.as_str() {
                "--store" => read.store = value()?,
                "--fs" => read.filesystem = value()?,
                "--cycles" => read.cycles = number(&value()?)?,
                "--seed" => read.seed = Some(number(&value()?)?),
                "--state" => read.state = Some(value()?.into()),
                "--binary" => read.binary = Some(value()?.into()),
                "--plant" => read.plant = Some(value()?),
                "-q" | "--quiet" | "--nocapture" | "--list" | "--ignored" | "--include-ignored" | "--exact" => {}
                option if option.starts_with('-') => return Err(format!("no such option: {option}")),
                part if read.part.is_empty() => read.part = part.to_owned(),
                other => return Err(format!("one part at a time: {other}")),
            }
        }
        read.is_whole = !read.part.is_empty() && read.part != "short";
        Ok(read)
    }

    /// The same for a short run of `cycles`.
    pub fn short(&self, cycles: u64) -> Self {
        Self { cycles, state: None, ..self.clone() }
    }
}

fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("not a number: {text}"))
}
