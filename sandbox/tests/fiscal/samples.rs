//! The tax service's own signed samples: what it published must be opened here.

#![allow(clippy::print_stdout, reason = "a test that skips says so")]

use chrono::{DateTime, TimeZone, Utc};
use fiscal::Document;
use fiscal::command::Request;
use sandbox::fiscal::DstuSignatures;
use sandbox::fiscal::machine::Signatures;
use std::path::PathBuf;

fn fixture(name: &str) -> Option<Vec<u8>> {
    let folder = std::env::var_os("COUNTERSIGN_FIXTURES").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/fixtures"),
        PathBuf::from,
    );
    let path = folder.join("fiscal/signed").join(name);
    let octets = std::fs::read(&path).ok();
    if octets.is_none() {
        println!("skipped: {name} is not in the fixtures");
    }
    octets
}

/// A moment inside the dates of the samples' certificates.
fn then(signed: &[u8]) -> DateTime<Utc> {
    let message = dstu::cms::SignedData::from_der(signed).unwrap();
    message.certificates()[0].not_before() + chrono::TimeDelta::days(1)
}

#[test]
fn official_messages_are_opened_and_their_signers_named() {
    for name in [
        "check.xml.signed",
        "z-report.xml.signed",
        "state-query.json.signed",
    ] {
        let Some(signed) = fixture(name) else { return };
        let opened = DstuSignatures
            .open(&signed, then(&signed))
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(
            opened.signer.tax_number.is_some() || opened.signer.company_code.is_some(),
            "{name}"
        );
        assert!(!opened.signer.key_id.is_empty(), "{name}");
        if name.ends_with("json.signed") {
            Request::from_json(&opened.content).unwrap();
        } else {
            Document::from_xml(&opened.content).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        let late = Utc.with_ymd_and_hms(2040, 1, 1, 0, 0, 0).unwrap();
        assert!(
            DstuSignatures.open(&signed, late).is_err(),
            "{name} is out of its dates"
        );
    }
}

#[test]
fn the_official_package_is_opened_document_by_document() {
    let Some(packet) = fixture("offline_packet.bin") else {
        return;
    };
    let limits = fiscal::offline::PackageLimits::default();
    // The sample is what goes inside the signed package.
    let documents = fiscal::offline::parse(&packet, limits).unwrap();
    assert_eq!(documents.len(), 7);
    for signed in documents {
        let opened = DstuSignatures.open(signed, then(signed)).unwrap();
        Document::from_xml(&opened.content).unwrap();
    }
}
