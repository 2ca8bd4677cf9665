//! The domains of the network by key and by OID. The configuration adds and alters; the store is the truth.

use super::{Failure, Settings};
use crate::identity::{AssigningAuthority, DomainKey, Oid};
use crate::store::{DomainRow, Store};
use std::collections::HashMap;

/// The key of the regional authority among the domains, for grants.
pub const REGIONAL_KEY: &str = "regional";

/// All domains as they stand.
#[derive(Clone, Debug)]
pub struct Domains {
    by_oid: HashMap<Oid, DomainKey>,
    by_key: HashMap<DomainKey, AssigningAuthority>,
    regional: AssigningAuthority,
}

impl Domains {
    /// Writes what the configuration states, then reads what holds.
    pub(super) fn apply(store: &Store, settings: &Settings, now: i64) -> Result<Self, Failure> {
        let stated: Vec<DomainRow> = settings.domains.iter().map(domain_row).collect();
        let rows = store.write(Vec::new(), move |tx| -> Result<Vec<DomainRow>, Failure> {
            for row in &stated {
                tx.domain_put(row, now)?;
            }
            Ok(tx.domains()?)
        })?;
        let regional = AssigningAuthority {
            key: DomainKey(REGIONAL_KEY.to_owned()),
            oid: settings.regional.oid.clone(),
            namespace: settings.regional.namespace.clone(),
            name: String::new(),
        };
        let mut domains = Self { by_oid: HashMap::new(), by_key: HashMap::new(), regional };
        for row in rows {
            let oid = Oid::parse(&row.oid).map_err(|_| Failure::Corrupt("a domain's OID"))?;
            let key = DomainKey(row.key);
            let authority =
                AssigningAuthority { key: key.clone(), oid: oid.clone(), namespace: row.namespace, name: row.name };
            domains.by_oid.insert(oid, key.clone());
            domains.by_key.insert(key, authority);
        }
        Ok(domains)
    }

    /// The domain with this OID today; the regional authority is none.
    pub fn by_oid(&self, oid: &Oid) -> Option<&AssigningAuthority> {
        self.by_oid.get(oid).and_then(|key| self.by_key.get(key))
    }

    /// The domain with this key.
    pub fn by_key(&self, key: &str) -> Option<&AssigningAuthority> {
        self.by_key.get(&DomainKey(key.to_owned()))
    }

    /// The keys of all domains, in order.
    pub fn keys(&self) -> impl Iterator<Item = &DomainKey> {
        let mut keys: Vec<&DomainKey> = self.by_key.keys().collect();
        keys.sort();
        keys.into_iter()
    }

    /// The regional authority.
    pub fn regional(&self) -> &AssigningAuthority {
        &self.regional
    }

    /// Whether `oid` is the regional authority's.
    pub fn is_regional(&self, oid: &Oid) -> bool {
        *oid == self.regional.oid
    }
}

fn domain_row(domain: &super::DomainSettings) -> DomainRow {
    DomainRow {
        key: domain.key.0.clone(),
        name: domain.name.clone(),
        facility: domain.facility.clone(),
        oid: domain.oid.to_string(),
        namespace: domain.namespace.clone(),
        one_identifier_per_person: domain.one_identifier_per_person,
        state: "live".to_owned(),
        regional: false,
    }
}
