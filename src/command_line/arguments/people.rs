//! What can be said about people: `person`, `explain`.

use super::StoreChoice;
use crate::identity::Oid;
use clap::{Args, Subcommand};
use std::path::PathBuf;
use std::str::FromStr;

/// `person`.
#[derive(Args, Clone)]
pub struct Person {
    /// Which store.
    #[command(flatten)]
    pub store: StoreChoice,
    /// What to do.
    #[command(subcommand)]
    pub command: PersonCommand,
}

/// What can be asked of a person.
#[derive(Subcommand, Clone)]
pub enum PersonCommand {
    /// The person's identifiers and demographics
    Show {
        /// A regional ID, or an identifier such as 2.999.1.11^12345
        id: PersonSelector,
    },
    /// Registers the person with the network: issues a regional ID where there is none
    Register {
        /// A regional ID, or an identifier such as 2.999.1.11^12345
        id: PersonSelector,
    },
    /// What happened to the person's records, and why; what stewards did, with its number
    History {
        /// A regional ID, or an identifier such as 2.999.1.11^12345
        id: PersonSelector,
        /// Whose the identifier was on that day, and who else was linked there, instead
        #[arg(long, value_name = "DATE")]
        on: Option<Day>,
    },
    /// A steward's word: this identifier is of that person
    Link {
        /// The identifier, such as 2.999.1.11^12345
        id: PersonSelector,
        /// Whose it is: a regional ID, or another identifier
        other: PersonSelector,
        /// Why.
        #[command(flatten)]
        because: Because,
    },
    /// A steward's word: this identifier is not of the person that it is linked to
    Unlink {
        /// The identifier, such as 2.999.1.11^12345
        id: PersonSelector,
        /// Why.
        #[command(flatten)]
        because: Because,
    },
    /// A steward's word: two persons are one; the first stays, with the regional ID
    Merge {
        /// Who stays: a regional ID, or an identifier
        id: PersonSelector,
        /// Who is the same: a regional ID, or an identifier
        other: PersonSelector,
        /// Why.
        #[command(flatten)]
        because: Because,
    },
    /// Undoes a merge, or anything else that a steward did, by the number that `history` shows
    #[command(alias = "undo")]
    Unmerge {
        /// The number
        operation: i64,
        /// Why.
        #[command(flatten)]
        because: Because,
    },
    /// A person's right: replace every value by a tombstone. It cannot be undone
    Erase {
        /// A regional ID, or an identifier such as 2.999.1.11^12345
        id: PersonSelector,
        /// It is meant; without it, only what it would come to is said
        #[arg(long)]
        yes: bool,
        /// Why.
        #[command(flatten)]
        because: Because,
    },
    /// A steward's word: these identifiers of one person are together another one's
    Split {
        /// The identifiers that go, such as 2.999.1.11^12345
        #[arg(required = true)]
        ids: Vec<PersonSelector>,
        /// Why.
        #[command(flatten)]
        because: Because,
    },
}

/// Why something is done.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub struct Because {
    /// Why, for whoever reads the history
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// Who is meant. It has no `Debug`: it names a person.
#[derive(Clone, PartialEq, Eq)]
pub enum PersonSelector {
    /// By the regional ID.
    Regional(String),
    /// By an identifier within a domain.
    Identifier {
        /// The domain's OID.
        domain: Oid,
        /// The value.
        value: String,
    },
}

impl PersonSelector {
    /// As it is typed.
    pub fn written(&self) -> String {
        match self {
            PersonSelector::Regional(value) => value.clone(),
            PersonSelector::Identifier { domain, value } => format!("{domain}^{value}"),
        }
    }
}

impl FromStr for PersonSelector {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const RIGHT: &str = "give a regional ID, or OID^VALUE such as 2.999.1.11^12345";
        match text.split_once('^') {
            None if text.trim().is_empty() => Err(RIGHT),
            None => Ok(PersonSelector::Regional(text.to_owned())),
            Some((domain, value)) if !value.is_empty() && !value.contains('^') => {
                let domain = Oid::parse(domain).map_err(|_| RIGHT)?;
                Ok(PersonSelector::Identifier { domain, value: value.to_owned() })
            }
            Some(_) => Err(RIGHT),
        }
    }
}

/// A day of the calendar, as `2026-11-30`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day(pub jiff::civil::Date);

impl FromStr for Day {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Day).map_err(|_| "give a day such as 2026-11-30")
    }
}

/// `explain`.
#[derive(Args, Clone)]
pub struct Explain {
    /// Which store.
    #[command(flatten)]
    pub store: StoreChoice,
    /// One record: a regional ID, or an identifier such as 2.999.1.11^12345
    pub left: PersonSelector,
    /// The other: a regional ID (of whose records the one that fits best is taken), or an identifier
    pub right: PersonSelector,
    /// Show what the sources say of both; without it, no personal value is shown
    #[arg(long)]
    pub values: bool,
    /// Draw how the weight adds up here; it holds no personal value
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
}
