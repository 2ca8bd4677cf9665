//! What may be permitted, to whom it is granted, and the decision.

use super::Principal;
use crate::identity::DomainKey;
use std::collections::{BTreeSet, HashMap};

/// One thing that a system may do with a domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Permission {
    /// Say that an identifier of the domain is a patient's (ITI-44 add, revise).
    Assert,
    /// Say what the patient's demographics are.
    UpdateDemographics,
    /// Say that two identifiers of the domain are one patient.
    Merge,
    /// Ask about an identifier of the domain (ITI-45).
    QueryFrom,
    /// Be shown identifiers of the domain.
    See,
    /// Find people by demographics that the domain fed (ITI-47).
    Search,
    /// Be told of changes.
    Notify,
}

impl Permission {
    /// All of them with the word used in the configuration.
    pub const WORDS: [(&'static str, Permission); 7] = [
        ("assert", Permission::Assert),
        ("update_demographics", Permission::UpdateDemographics),
        ("merge", Permission::Merge),
        ("query_from", Permission::QueryFrom),
        ("see", Permission::See),
        ("search", Permission::Search),
        ("notify", Permission::Notify),
    ];

    /// The word used in the configuration.
    pub fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, known)| *known == self).map_or("", |(word, _)| word)
    }
}

/// What one system may do with one domain, or with all (`domain` is `None`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The domain; `None` for `*`.
    pub domain: Option<DomainKey>,
    /// What may be done.
    pub may: BTreeSet<Permission>,
}

/// The rules of one network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Trials: any caller may do anything with any configured domain.
    Open,
    /// Only configured systems, and only what is granted to them. Default nothing.
    Registered(HashMap<String, Vec<Grant>>),
}

impl Policy {
    /// Whether `principal` may do `permission` with `domain`: the one decision.
    pub fn allows(&self, principal: &Principal, permission: Permission, domain: &DomainKey) -> bool {
        match self {
            Policy::Open => true,
            Policy::Registered(systems) => {
                principal.registered
                    && systems.get(&principal.key).is_some_and(|grants| {
                        grants.iter().any(|grant| {
                            grant.domain.as_ref().is_none_or(|granted| granted == domain)
                                && grant.may.contains(&permission)
                        })
                    })
            }
        }
    }

    /// Whether `principal` may call at all.
    pub fn knows(&self, principal: &Principal) -> bool {
        match self {
            Policy::Open => true,
            Policy::Registered(systems) => principal.registered && systems.contains_key(&principal.key),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registered() -> Policy {
        let own = Grant { domain: Some(DomainKey("h01".into())), may: [Permission::Assert].into() };
        let all = Grant { domain: None, may: [Permission::See].into() };
        Policy::Registered(HashMap::from([("emr".to_owned(), vec![own, all])]))
    }

    #[test]
    fn nothing_is_allowed_that_is_not_granted() {
        let (policy, emr) = (registered(), Principal::system("emr"));
        assert!(policy.allows(&emr, Permission::Assert, &DomainKey("h01".into())));
        assert!(!policy.allows(&emr, Permission::Assert, &DomainKey("h02".into())));
        assert!(!policy.allows(&emr, Permission::Merge, &DomainKey("h01".into())));
        assert!(policy.allows(&emr, Permission::See, &DomainKey("h02".into())));
    }

    #[test]
    fn a_device_that_only_claims_a_systems_key_is_nobody() {
        let impostor = Principal::unregistered("emr");
        assert!(!registered().allows(&impostor, Permission::See, &DomainKey("h01".into())));
        assert!(!registered().knows(&impostor));
        assert!(Policy::Open.allows(&impostor, Permission::Merge, &DomainKey("h01".into())));
    }
}
