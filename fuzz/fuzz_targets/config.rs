//! A configuration file: checked, or refused with a line of it or with what is unfit.
#![no_main]

use countersign::config::{LoadError, from_text};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for dev in [false, true] {
        match from_text("file", text, dev) {
            Ok(_) => {}
            Err(LoadError::InFile { line, message, .. }) => {
                assert!(
                    (1..=text.split('\n').count()).contains(&line),
                    "{line}: {message}"
                );
            }
            Err(LoadError::Unfit(problems)) => assert!(!problems.is_empty()),
            Err(error) => panic!("a text alone gives no such error: {error}"),
        }
    }
});
