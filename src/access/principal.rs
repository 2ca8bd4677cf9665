//! Who calls.

/// The caller of one request, as the transport and the message established it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Principal {
    /// The key of the connected system (`[[system]] id`); in open access the sending device, or `anonymous`.
    pub key: String,
    /// Whether `key` is a configured system.
    pub registered: bool,
}

impl Principal {
    /// A configured system.
    pub fn system(key: &str) -> Self {
        Self { key: key.to_owned(), registered: true }
    }

    /// A caller that no configuration names.
    pub fn unregistered(device: &str) -> Self {
        Self { key: if device.is_empty() { "anonymous".to_owned() } else { device.to_owned() }, registered: false }
    }

    /// The person at the command line of the machine that holds the store.
    pub fn operator() -> Self {
        Self { key: "operator".to_owned(), registered: true }
    }
}
