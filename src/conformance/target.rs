//! What is known of the server under test, and which cases are excused against it.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// A server under test.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Address of the PIX Manager.
    pub pix: String,
    /// Address of the Patient Demographics Supplier.
    pub pdq: String,
    /// The regional authority's OID.
    pub regional: String,
    /// The server's own device OID: receiver of every message.
    pub device: String,
    /// The device OID that the messages are sent from.
    pub sender: String,
    /// How the server is set up, so which cases apply: `open`, `registered`, `strict` and so on.
    #[serde(default = "open")]
    pub mode: String,
    /// Domain names of the cases with their OIDs.
    pub domains: BTreeMap<String, String>,
    /// The consumer that the runner is, where the server tells it of changes (ITI-46).
    #[serde(default)]
    pub consumer: Option<Consumer>,
}

/// The consumer that the runner plays. The server must tell it of the domains `h01` and `h02` and of no others.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consumer {
    /// Where the runner listens, `HOST:PORT`; the server sends to `http://HOST:PORT/pix`.
    pub listen: String,
    /// The device OID by which the server knows it.
    pub device: String,
}

fn open() -> String {
    "open".to_owned()
}

impl Target {
    /// Reads a target file.
    pub fn read(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
        toml::from_str(&text).map_err(|e| format!("{}: {e}", path.display()))
    }
}

/// The cases that are excused, each with its reason.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exceptions {
    /// Case name (`iti45/unknown_domain`) to the reason.
    #[serde(default)]
    pub skip: BTreeMap<String, String>,
}

impl Exceptions {
    /// Reads an exceptions file; a file that is not there excuses nothing.
    pub fn read(path: &Path) -> Result<Self, String> {
        if !path.exists() {
            return Ok(Self::default());
        }
        let text = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
        let found: Self = toml::from_str(&text).map_err(|e| format!("{}: {e}", path.display()))?;
        match found.skip.iter().find(|(_, reason)| reason.trim().is_empty()) {
            Some((name, _)) => Err(format!("{}: `{name}` is excused without a reason", path.display())),
            None => Ok(found),
        }
    }
}
