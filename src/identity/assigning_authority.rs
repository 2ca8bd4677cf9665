//! One identification domain: its OID, and the key under which this registry knows it.

use std::fmt;

/// An ISO object identifier, checked on construction: `2.999.1.11`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Oid(String);

/// Why a text is no OID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OidError;

impl fmt::Display for OidError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an ISO object identifier (digits joined by dots, such as 2.999.1)")
    }
}

impl std::error::Error for OidError {}

impl Oid {
    /// Longest OID taken, in characters.
    pub const MAX_LENGTH: usize = 255;

    /// Reads `text`; no blanks, no leading zeros, first arc 0 to 2 (datatype `oid` of the HL7 schemas).
    pub fn parse(text: &str) -> Result<Self, OidError> {
        if text.len() > Self::MAX_LENGTH {
            return Err(OidError);
        }
        let mut arcs = 0usize;
        for (index, arc) in text.split('.').enumerate() {
            let digits = !arc.is_empty() && arc.bytes().all(|b| b.is_ascii_digit());
            let padded = arc.len() > 1 && arc.starts_with('0');
            let first = index > 0 || matches!(arc, "0" | "1" | "2");
            if !digits || padded || !first {
                return Err(OidError);
            }
            arcs += 1;
        }
        if arcs < 2 { Err(OidError) } else { Ok(Self(text.to_owned())) }
    }

    /// The OID as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The key of a domain in this registry (`h01`): it stays when OID, namespace or facility change.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DomainKey(pub String);

impl fmt::Display for DomainKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An assigning authority as it is shown on a wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssigningAuthority {
    /// Our key.
    pub key: DomainKey,
    /// Its OID today (v3 `II/@root`, v2 CX-4.2).
    pub oid: Oid,
    /// Its namespace (v2 CX-4.1, v3 `@assigningAuthorityName`).
    pub namespace: String,
    /// Its name, for people.
    pub name: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oids() {
        for good in ["2.999.1.11", "1.2", "0.0", "2.16.840.1.113883.5.1"] {
            assert!(Oid::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "2", "3.1", "1..2", "1.02", " 1.2", "1.2 ", "1.a", "snd_app3", "1.2."] {
            assert_eq!(Oid::parse(bad), Err(OidError), "{bad}");
        }
    }
}
