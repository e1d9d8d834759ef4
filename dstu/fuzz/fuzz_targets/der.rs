//! The DER reader over arbitrary octets, descending into everything that looks constructed.
#![no_main]

use dstu::der::{Reader, oid::Oid};
use libfuzzer_sys::fuzz_target;

fn walk(data: &[u8], depth: usize) {
    let mut reader = Reader::new(data);
    let mut consumed = 0;
    while let Ok(element) = reader.read() {
        consumed += element.raw.len();
        assert!(element.raw.ends_with(element.content) && consumed <= data.len());
        let _ = element.to_u64();
        let _ = element.unsigned();
        let _ = Oid(element.content).to_string();
        if depth < 16 {
            walk(element.content, depth + 1);
        }
    }
}

fuzz_target!(|data: &[u8]| walk(data, 0));
