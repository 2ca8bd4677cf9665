#![allow(missing_docs, dead_code)]
#[path = "/work/wt/demo/src/demo/mod.rs"]
pub mod demo;
#[path = "/work/wt/demo/src/identity/mod.rs"]
pub mod identity;
