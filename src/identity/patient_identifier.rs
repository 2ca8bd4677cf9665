//! A value within an assigning authority (v2 CX, v3 II, FHIR Identifier).

use super::Oid;
use std::fmt;

/// One patient identifier. Compared byte for byte; the value is case-sensitive.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PatientIdentifier {
    /// The assigning authority's OID.
    pub authority: Oid,
    /// The value that the authority gave.
    pub value: String,
}

impl fmt::Debug for PatientIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PatientIdentifier({}, …)", self.authority)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_hides_the_value() {
        let id = PatientIdentifier { authority: Oid::parse("2.999.1").unwrap(), value: "SECRET".into() };
        assert!(!format!("{id:?}").contains("SECRET"));
    }
}
