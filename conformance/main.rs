//! The conformance cases as a test: they must at least be readable.

use std::path::Path;

#[test]
fn every_case_is_readable() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance");
    let cases = nayose::conformance::load(&folder).expect("readable cases");
    assert!(cases.len() > 20, "only {} cases", cases.len());
    assert!(cases.iter().all(|c| !c.proves.is_empty() && !c.step.is_empty()));
}
