//! Documents: whatever is read can be written, and then reads as the same document.
#![no_main]

use fiscal::Document;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(document) = Document::from_xml(data) else {
        return;
    };
    // Escaping may make it larger than it came.
    match document.to_xml() {
        Ok(written) => assert_eq!(Document::from_xml(&written).as_ref(), Ok(&document)),
        Err(fiscal::Error::TooLarge { .. }) => {}
        Err(error) => panic!("what was read cannot be written: {error}"),
    }
});
