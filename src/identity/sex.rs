//! Administrative sex (HL7 AdministrativeGender, 2.16.840.1.113883.5.1).

/// What a source recorded as administrative sex.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sex {
    /// `F`
    Female,
    /// `M`
    Male,
    /// `UN`: undifferentiated; never counts for or against a match.
    Undifferentiated,
}
