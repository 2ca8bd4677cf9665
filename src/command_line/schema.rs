//! `schema`: prints what the binary carries. It must never need a store, a network or a file.

use super::{Document, Exit, Schema, ServiceName, say};
use std::borrow::Cow;

const PIX_WSDL: &str = include_str!("../../schemas/pix.wsdl");
const PDQ_WSDL: &str = include_str!("../../schemas/pdq.wsdl");
const EXAMPLE_CONFIGURATION: &str = include_str!("../../schemas/nayose.example.toml");
/// The preset of `serve --connectathon`.
pub(super) const CONNECTATHON_CONFIGURATION: &str = include_str!("../../schemas/nayose.connectathon.toml");

pub(super) fn run(schema: &Schema) -> Exit {
    say(&text(&schema.document));
    Exit::Done
}

pub(super) fn text(document: &Document) -> Cow<'static, str> {
    match document {
        Document::Wsdl { service: ServiceName::Pix } => PIX_WSDL.into(),
        Document::Wsdl { service: ServiceName::Pdq } => PDQ_WSDL.into(),
        Document::ExampleConfig => EXAMPLE_CONFIGURATION.into(),
        Document::ConnectathonConfig => CONNECTATHON_CONFIGURATION.into(),
        Document::Openapi => format!("{:#}\n", crate::desk::document()).into(),
    }
}
