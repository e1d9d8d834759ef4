//! The tax service's official signed samples: real keys, real certificates, attributes that are not DER-sorted.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test stops where something is wrong"
)]

mod fixtures;

use dstu::cms::{SignedData, timestamp_time};

fn check(name: &str, octets: &[u8]) {
    let message = SignedData::from_der(octets).unwrap_or_else(|error| panic!("{name}: {error}"));
    let verdicts = message.verify(None, &[]);
    assert!(!verdicts.is_empty(), "{name} has a signer");
    for verdict in verdicts {
        assert!(verdict.holds(), "{name}: {verdict:?}");
        assert!(
            verdict.signing_certificate.is_some(),
            "{name} refers to its certificate"
        );
        let stamp = verdict
            .signer
            .signature_timestamp()
            .map(|token| timestamp_time(token).unwrap());
        println!(
            "{name}: {:?}, timestamp {stamp:?}",
            verdict.certificate.unwrap().subject().common_name()
        );
    }

    // One changed octet of the content is found by the digest, and the signature does not depend on it.
    let content = message.content().unwrap();
    let place = octets
        .windows(content.len())
        .position(|window| window == content)
        .unwrap();
    let mut tampered = octets.to_vec();
    tampered[place] ^= 1;
    let message = SignedData::from_der(&tampered).unwrap();
    for verdict in message.verify(None, &[]) {
        assert!(verdict.message_digest.is_err(), "{name}: the digest must notice");
        assert!(verdict.signature.is_ok());
        assert!(!verdict.holds());
    }
}

#[test]
fn the_three_signed_documents_verify() {
    for name in [
        "check.xml.signed",
        "z-report.xml.signed",
        "state-query.json.signed",
    ] {
        let Some(octets) = fixtures::read(&format!("fiscal/signed/{name}")) else {
            return;
        };
        check(name, &octets);
    }
}

#[test]
fn the_seven_messages_of_the_offline_package_verify() {
    let Some(octets) = fixtures::read("fiscal/signed/offline_packet.bin") else {
        return;
    };
    let mut rest = octets.as_slice();
    let mut count = 0;
    while !rest.is_empty() {
        let (length, tail) = rest.split_at(4);
        let length = u32::from_le_bytes(length.try_into().unwrap()) as usize;
        let (message, tail) = tail.split_at(length);
        count += 1;
        check(&format!("offline package, message {count}"), message);
        rest = tail;
    }
    assert_eq!(count, 7);
}
