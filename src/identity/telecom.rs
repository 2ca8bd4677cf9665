//! A way to reach a person: telephone, mail.

use std::fmt;

/// The kind of an address of telecommunication.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TelecomScheme {
    /// `tel:`, or a number without a scheme.
    Phone,
    /// `fax:`
    Fax,
    /// `mailto:`
    Mail,
    /// Anything else; kept, not compared.
    Other,
}

/// One telecom address.
#[derive(Clone, PartialEq, Eq)]
pub struct Telecom {
    /// Uses as sent (v3 TEL `@use`: `HP`, `MC`, `WP` ...).
    pub uses: Vec<String>,
    /// What it is.
    pub scheme: TelecomScheme,
    /// The whole value as sent, scheme included.
    pub value: String,
}

impl fmt::Debug for Telecom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Telecom({:?}, …)", self.scheme)
    }
}
