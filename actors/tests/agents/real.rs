//! Signatures and certificates of real authorities, as the judge sees them.

use actors::agents::DstuVerifier;
use actors::agents::verifier::Signed;
use actors::ports::{SignatureVerifier, Unfit};
use std::path::PathBuf;

/// A fixture; none, and a word about it, where there are none.
fn fixture(path: &str) -> Option<Vec<u8>> {
    let root = std::env::var_os("COUNTERSIGN_FIXTURES").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/fixtures"),
        PathBuf::from,
    );
    let found = std::fs::read(root.join(path)).ok();
    if found.is_none() {
        let mut said = std::io::stdout().lock();
        let _ = std::io::Write::write_fmt(&mut said, format_args!("skipped: no fixture {path}\n"));
    }
    found
}

#[test]
fn the_tax_services_own_sample_is_taken_for_what_it_is() {
    let Some(cms) = fixture("fiscal/signed/check.xml.signed") else {
        return;
    };
    let signed = Signed::read(&cms).unwrap_or_else(|unfit| panic!("{unfit}"));
    let id = signed.certificate().subject_key_id().unwrap();
    let id: String = id.iter().map(|octet| format!("{octet:02x}")).collect();
    let judge = DstuVerifier::default();
    assert_eq!(judge.verify(&cms, signed.content(), &id), Ok(()));
    // Again: by memory.
    assert_eq!(judge.verify(&cms, signed.content(), &id), Ok(()));
    assert_eq!(judge.verify(&cms, b"other", &id), Err(Unfit::OtherContent));
    assert_eq!(judge.verify(&cms, signed.content(), "00ff"), Err(Unfit::OtherKey));
}
