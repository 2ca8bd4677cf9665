//! Plays the conformance cases against a server and judges its answers.
//!
//! A case is a folder with `case.toml`: feeds that set the scene, steps, and what each answer must show.
//! Every run invents fresh identifiers and names, so that cases neither disturb each other nor a live
//! server's earlier runs. It must never reach past the wire: what it knows of the server stands in a
//! [`Target`].

mod case;
mod ear;
mod html;
mod http;
mod judge;
mod manners;
mod model;
mod path;
mod report;
mod runner;
mod scope;
mod target;
mod template;
mod variant;

pub use case::{Case, load};
pub use ear::Ear;
pub use html::About;
pub use report::{Outcome, Report, Result as CaseResult};
pub use runner::{Options, run};
pub use target::{Consumer, Exceptions, Target};
