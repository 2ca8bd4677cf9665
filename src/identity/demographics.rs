//! What one source says about one person.

use super::{Address, Field, Oid, PartialDate, PersonName, Sex, Telecom};
use std::fmt;

/// A code with its system (v3 CE): marital status, race, language ...
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coded {
    /// The code.
    pub code: String,
    /// The OID of its system; empty where the sender left it to the default.
    pub system: String,
    /// The text for people; may be empty.
    pub display: String,
}

/// A language in which a person can be spoken to (v3 `languageCommunication`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Language {
    /// Which.
    pub code: Coded,
    /// Spoken, written, signed ...
    pub mode: Option<Coded>,
    /// How well.
    pub proficiency: Option<Coded>,
    /// Whether it is preferred.
    pub preferred: Option<bool>,
}

/// A relative as told by the source (v3 `personalRelationship`).
#[derive(Clone, PartialEq, Eq)]
pub struct Relationship {
    /// `MTH` for the mother.
    pub code: Coded,
    /// The relative's names.
    pub names: Vec<PersonName>,
}

/// An identifier outside the domains of this registry, or of a kind that is no patient identifier.
#[derive(Clone, PartialEq, Eq)]
pub struct OtherIdentifier {
    /// The OID of the authority.
    pub authority: Oid,
    /// The value.
    pub value: String,
}

/// Demographics of a person, each field in one of five states.
///
/// As fed: any state. As stored: never `Keep` or `Erase`, see [`Demographics::over`].
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Demographics {
    /// Names in all representations; the first of each is the one to show.
    pub names: Field<Vec<PersonName>>,
    /// Administrative sex.
    pub sex: Field<Sex>,
    /// Birth date.
    pub birth_date: Field<PartialDate>,
    /// Addresses; the first is the one to show.
    pub addresses: Field<Vec<Address>>,
    /// Telephones and mail.
    pub telecoms: Field<Vec<Telecom>>,
    /// Whether the person is dead.
    pub deceased: Field<bool>,
    /// When the person died.
    pub deceased_time: Field<PartialDate>,
    /// Whether born as a twin, triplet ...
    pub multiple_birth: Field<bool>,
    /// Which of them, from 1.
    pub birth_order: Field<u8>,
    /// Marital status.
    pub marital_status: Field<Coded>,
    /// Religious affiliation.
    pub religion: Field<Coded>,
    /// Race.
    pub races: Field<Vec<Coded>>,
    /// Ethnic group.
    pub ethnic_groups: Field<Vec<Coded>>,
    /// Citizenship (the nation's code).
    pub citizenships: Field<Vec<Coded>>,
    /// Languages.
    pub languages: Field<Vec<Language>>,
    /// Relatives.
    pub relationships: Field<Vec<Relationship>>,
    /// Where the person was born.
    pub birth_place: Field<Address>,
    /// Identifiers that are evidence only, never answered (foreign identifiers).
    pub other_identifiers: Field<Vec<OtherIdentifier>>,
    /// Confidentiality of the record.
    pub confidentiality: Field<Vec<Coded>>,
    /// VIP code.
    pub vip: Field<Coded>,
}

impl Demographics {
    /// What is known after `self` was fed over what `before` held.
    pub fn over(self, before: Demographics) -> Demographics {
        Demographics {
            names: self.names.over(before.names),
            sex: self.sex.over(before.sex),
            birth_date: self.birth_date.over(before.birth_date),
            addresses: self.addresses.over(before.addresses),
            telecoms: self.telecoms.over(before.telecoms),
            deceased: self.deceased.over(before.deceased),
            deceased_time: self.deceased_time.over(before.deceased_time),
            multiple_birth: self.multiple_birth.over(before.multiple_birth),
            birth_order: self.birth_order.over(before.birth_order),
            marital_status: self.marital_status.over(before.marital_status),
            religion: self.religion.over(before.religion),
            races: self.races.over(before.races),
            ethnic_groups: self.ethnic_groups.over(before.ethnic_groups),
            citizenships: self.citizenships.over(before.citizenships),
            languages: self.languages.over(before.languages),
            relationships: self.relationships.over(before.relationships),
            birth_place: self.birth_place.over(before.birth_place),
            other_identifiers: self.other_identifiers.over(before.other_identifiers),
            confidentiality: self.confidentiality.over(before.confidentiality),
            vip: self.vip.over(before.vip),
        }
    }

    /// What is left of demographics that were erased: that there were some, and nothing of what they said.
    pub fn masked() -> Self {
        Self {
            names: Field::Masked,
            sex: Field::Masked,
            birth_date: Field::Masked,
            addresses: Field::Masked,
            telecoms: Field::Masked,
            deceased: Field::Masked,
            deceased_time: Field::Masked,
            multiple_birth: Field::Masked,
            birth_order: Field::Masked,
            marital_status: Field::Masked,
            religion: Field::Masked,
            races: Field::Masked,
            ethnic_groups: Field::Masked,
            citizenships: Field::Masked,
            languages: Field::Masked,
            relationships: Field::Masked,
            birth_place: Field::Masked,
            other_identifiers: Field::Masked,
            confidentiality: Field::Masked,
            vip: Field::Masked,
        }
    }

    /// The name to show in `representation`, else none.
    pub fn name_in(&self, representation: super::Representation) -> Option<&PersonName> {
        self.names.values().iter().find(|name| name.representation == Some(representation))
    }
}

impl fmt::Debug for Demographics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Demographics(…)")
    }
}

impl fmt::Debug for Relationship {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Relationship({}, …)", self.code.code)
    }
}

impl fmt::Debug for OtherIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OtherIdentifier({}, …)", self.authority)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_hides_names() {
        let said =
            Demographics { names: Field::Set(vec![PersonName::simple(None, "SECRET", "NAME")]), ..Default::default() };
        let shown = format!("{said:?} {:?}", said.names);
        assert!(!shown.contains("SECRET") && !shown.contains("NAME"), "{shown}");
    }
}
