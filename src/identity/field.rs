//! The five states in which a sender can speak of a field.

/// Why a value is absent although the sender spoke of it (HL7 v3 `nullFlavor`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnknownReason {
    /// `NI`: nothing further is said; also what an absent element of a snapshot means.
    NoInformation,
    /// `UNK`: applicable, but not known.
    Unknown,
    /// `ASKU`: asked, and not known.
    AskedButUnknown,
    /// `NASK`: not asked.
    NotAsked,
    /// `NAV`: temporarily unavailable.
    Unavailable,
    /// `NA`: not applicable.
    NotApplicable,
    /// `OTH`: known, but not in the value set.
    Other,
}

/// What a source says of one field of a patient.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Field<T> {
    /// Nothing is said; what was known before stays (v2: absent).
    #[default]
    Keep,
    /// What was known is to be removed (v2: `""`).
    Erase,
    /// The value.
    Set(T),
    /// There is no value, and why (v3: absent in a snapshot, or a nullFlavor).
    Unknown(UnknownReason),
    /// There is a value that must not be shown and never matches (nullFlavor `MSK`).
    Masked,
}

impl<T> Field<T> {
    /// The value, where there is one.
    pub fn value(&self) -> Option<&T> {
        match self {
            Field::Set(value) => Some(value),
            _ => None,
        }
    }

    /// What is known after `self` was said over what `before` held. Never `Keep` or `Erase`.
    pub fn over(self, before: Field<T>) -> Field<T> {
        match self {
            Field::Keep => match before {
                Field::Keep | Field::Erase => Field::Unknown(UnknownReason::NoInformation),
                known => known,
            },
            Field::Erase => Field::Unknown(UnknownReason::NoInformation),
            said => said,
        }
    }
}

impl<T> Field<Vec<T>> {
    /// The values, none where the field has none.
    pub fn values(&self) -> &[T] {
        self.value().map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_stays_and_what_is_erased_goes() {
        assert_eq!(Field::Keep.over(Field::Set(1)), Field::Set(1));
        assert_eq!(Field::Erase.over(Field::Set(1)), Field::Unknown(UnknownReason::NoInformation));
        assert_eq!(Field::Masked.over(Field::Set(1)), Field::Masked);
        assert_eq!(Field::<u8>::Keep.over(Field::Keep), Field::Unknown(UnknownReason::NoInformation));
    }
}
