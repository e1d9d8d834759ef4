//! Public samples that are not part of the repository.

#![allow(clippy::print_stdout, reason = "a test that skips says so")]

use std::path::PathBuf;

/// The octets of a fixture, or nothing (and a word about it) where the folder is absent.
pub fn read(name: &str) -> Option<Vec<u8>> {
    let root = std::env::var_os("COUNTERSIGN_FIXTURES").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/fixtures")),
        PathBuf::from,
    );
    if !root.is_dir() {
        println!(
            "skipped: no fixtures at {} (set COUNTERSIGN_FIXTURES)",
            root.display()
        );
        return None;
    }
    let path = root.join(name);
    Some(std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}
