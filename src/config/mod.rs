//! What the operator wants: one TOML file and `NAYOSE_SECTION__KEY` variables become one [`Configuration`].
//!
//! Every key has a usable default, and all mistakes are found at once, each with its line and with what
//! would be right. This module must never act on what it reads: it opens no store and binds no address.

mod environment;
mod mistake;
mod parties;
mod read;
mod section;
mod values;

pub use mistake::Mistake;
pub use values::{
    Access, Audit, CheckDigit, Domain, FaultStatus, ForeignIdentifiers, Insurance, Linking, LogFormat, Matching, Model,
    Names, Network, Outbox, Overlay, Pdq, ProcessingCode, Regional, RegionalIdIssue, RegionalIdShape, Server, Store,
    Subscriber, SubscriberKind, System, Tls, V2Device,
};

use crate::access::Policy;
use crate::identity::{AssigningAuthority, DomainKey};
use section::Findings;
use std::path::Path;
use toml::de::DeTable;

/// The file that is read when none is named.
pub const DEFAULT_FILE: &str = "nayose.toml";

/// The key of the regional authority, which no domain may take.
pub const REGIONAL_KEY: &str = "regional";

/// Everything that can be configured; [`Default`] is a trial on one machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Configuration {
    /// `[server]`: listeners and logging.
    pub server: Server,
    /// `[store]`.
    pub store: Store,
    /// `[network]`: the region as a whole.
    pub network: Network,
    /// `[access] mode`.
    pub access: Access,
    /// `[audit]`.
    pub audit: Audit,
    /// `[outbox]`: changes that subscribers are told of.
    pub outbox: Outbox,
    /// `[matching]`.
    pub matching: Matching,
    /// `[pdq]`: search by demographics.
    pub pdq: Pdq,
    /// `[[domain]]`: the assigning authorities.
    pub domains: Vec<Domain>,
    /// `[[system]]`: the connected systems.
    pub systems: Vec<System>,
    /// `[[subscriber]]`: who is told of changes.
    pub subscribers: Vec<Subscriber>,
    /// What is understood but has no effect in this version, each with its line; to be told to the operator.
    pub unserved: Vec<Mistake>,
}

impl Configuration {
    /// Reads the file at `path` (defaults, where it is `None`) and lays the variables `env` over it.
    pub fn load(
        path: Option<&Path>,
        env: impl Iterator<Item = (String, String)>,
    ) -> Result<Configuration, Vec<Mistake>> {
        let text = match path {
            None => String::new(),
            Some(path) => std::fs::read_to_string(path).map_err(|error| {
                let what = format!("the configuration {} cannot be read: {error}", path.display());
                let right =
                    "name a file that exists and is UTF-8; `nayose schema example-config` prints one".to_owned();
                vec![Mistake { line: None, key: String::new(), what, right }]
            })?,
        };
        Self::read(&text, env)
    }

    /// As [`Configuration::load`], from the text of a file.
    pub fn read(text: &str, env: impl Iterator<Item = (String, String)>) -> Result<Configuration, Vec<Mistake>> {
        let findings = Findings::new(text);
        let (root, errors) = DeTable::parse_recoverable(text);
        if !errors.is_empty() {
            for error in errors {
                findings.add(
                    error.span().as_ref(),
                    "",
                    error.message(),
                    "TOML 1.0, such as key = \"value\" under [section]",
                );
            }
            return Err(findings.into_mistakes());
        }
        let mut root = root.into_inner();
        environment::lay_over(&mut root, env, read::SECTIONS, &findings);
        let configuration = read::configuration(&root, &findings);
        let mistakes = findings.into_mistakes();
        if mistakes.is_empty() { Ok(configuration) } else { Err(mistakes) }
    }

    /// Who may do what.
    pub fn policy(&self) -> Policy {
        match self.access {
            Access::Open => Policy::Open,
            Access::Registered => Policy::Registered(
                self.systems.iter().map(|system| (system.id.clone(), system.grants.clone())).collect(),
            ),
        }
    }

    /// The configured domains as the wires show them; the regional authority is not among them.
    pub fn authorities(&self) -> Vec<AssigningAuthority> {
        self.domains.iter().map(Domain::authority).collect()
    }

    /// The authority under which persons get their regional ID.
    pub fn regional_authority(&self) -> AssigningAuthority {
        AssigningAuthority {
            key: DomainKey(REGIONAL_KEY.to_owned()),
            oid: self.network.regional.oid.clone(),
            namespace: self.network.regional.namespace.clone(),
            name: self.network.name.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
