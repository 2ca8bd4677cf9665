//! Any bytes are read or refused; what was read, written and read again is the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nayose::xml::{Limits, read};

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits::default();
    if let Ok(root) = read(bytes, None, &limits) {
        let written = root.to_xml();
        let again = read(written.as_bytes(), None, &limits.of_rewritten()).expect("what we wrote is read");
        assert_eq!(again.to_xml(), written);
    }
});
