//! What a consumer knows of the person it seeks. Different criteria combine with AND.

use super::{Address, Oid, PatientIdentifier, PersonName, Sex, Telecom};
use std::fmt;

/// One acceptable name; several names combine with OR (ITI TF-2: 3.47.4.1.2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameCriterion {
    /// The parts that constrain.
    pub name: PersonName,
    /// The consumer asked for non-exact matching (v3 `use="SRCH"`, v2 `*`).
    pub similar: bool,
}

/// A range of birth dates, both ends included, as `yyyymmdd` numbers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct BirthCriterion {
    /// The first day, where bounded.
    pub from: Option<i32>,
    /// The last day, where bounded.
    pub to: Option<i32>,
}

impl fmt::Debug for BirthCriterion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BirthCriterion(…)")
    }
}

/// A query by demographics.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct DemographicsQuery {
    /// Names, any of which may match.
    pub names: Vec<NameCriterion>,
    /// Administrative sex.
    pub sex: Option<Sex>,
    /// Birth date.
    pub birth: Option<BirthCriterion>,
    /// Addresses, any of which may match; only the parts given constrain.
    pub addresses: Vec<Address>,
    /// Telecoms, any of which may match.
    pub telecoms: Vec<Telecom>,
    /// Identifiers, all of which the person must own.
    pub identifiers: Vec<PatientIdentifier>,
    /// Mother's maiden names, any of which may match.
    pub mothers_maiden_names: Vec<PersonName>,
    /// The domains whose identifiers are wanted; empty: all (ITI TF-2: 3.47.4.1.2.1, otherIDsScopingOrganization).
    pub domains: Vec<Oid>,
    /// Only matches of at least this degree, 0 to 100.
    pub minimum_degree: Option<u8>,
}

impl DemographicsQuery {
    /// Whether any criterion constrains whom is sought.
    pub fn is_unconstrained(&self) -> bool {
        self.names.is_empty()
            && self.sex.is_none()
            && self.birth.is_none()
            && self.addresses.is_empty()
            && self.telecoms.is_empty()
            && self.identifiers.is_empty()
            && self.mothers_maiden_names.is_empty()
    }
}
