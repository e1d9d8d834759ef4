//! Certificates: fields, dates, chains.

#![allow(clippy::unwrap_used, reason = "a test stops where something is wrong")]

mod world;

use dstu::certificate::{ChainError, verify_chain};
use dstu::issuer::{Holder, Purpose};
use dstu::{Certificate, Curve, Entropy, HashAlgorithm, LocalSigner};
use world::{authority, cashier, key, moment, signing_key, validity};

#[test]
fn the_fields_of_an_issued_certificate_are_read_back() {
    for hash in [HashAlgorithm::Gost34311, HashAlgorithm::Kupyna256] {
        let authority = authority(hash);
        let (key, certificate) = signing_key(&authority, Curve::M257, 50);
        let holder = cashier();
        assert_eq!(
            certificate.subject().common_name(),
            Some(holder.common_name.as_str())
        );
        assert_eq!(
            certificate.subject().organization(),
            Some(holder.organization.as_str())
        );
        assert_eq!(certificate.taxpayer_number(), Some("0000000017"));
        assert_eq!(certificate.company_code(), Some("00000024"));
        assert_eq!(certificate.public_key().unwrap(), key.public_key());
        let id = key.public_key().key_id(HashAlgorithm::Gost34311);
        assert_eq!(certificate.subject_key_id(), Some(id.as_slice()));
        assert!(certificate.key_usage().unwrap().signs() && !certificate.is_authority());
        assert!(authority.certificate().is_authority());
        assert_eq!(certificate.signature_algorithm().unwrap().hash, hash);
        assert_eq!(
            (certificate.not_before(), certificate.not_after()),
            (moment(2025), moment(2027))
        );
        assert!(certificate.is_valid_at(moment(2025)) && certificate.is_valid_at(moment(2027)));
        assert!(!certificate.is_valid_at(moment(2024)) && !certificate.is_valid_at(moment(2028)));
    }
}

#[test]
fn numbers_in_the_subject_stand_in_for_the_directory_attributes() {
    let holder = Holder {
        taxpayer_number: String::new(),
        ..cashier()
    };
    let key = key(Curve::M257, 51);
    let certificate = authority(HashAlgorithm::Gost34311)
        .issue(
            key.public_key(),
            &holder,
            Purpose::Signing,
            validity(),
            &Entropy::new([1; 32]),
        )
        .unwrap();
    assert_eq!(certificate.taxpayer_number(), Some("0000000017"));
}

#[test]
fn a_chain_climbs_over_intermediates_to_the_anchor() {
    let root = authority(HashAlgorithm::Kupyna256);
    let holder = Holder {
        common_name: "Підлеглий центр".to_owned(),
        ..Holder::default()
    };
    let middle = root
        .subordinate(key(Curve::M431, 52), &holder, validity(), &Entropy::new([5; 32]))
        .unwrap();
    let (_, certificate) = signing_key(&middle, Curve::M257, 53);
    let anchors = [root.certificate().clone()];
    let intermediates = [middle.certificate().clone()];

    let chain = verify_chain(&certificate, &intermediates, &anchors, moment(2026)).unwrap();
    assert_eq!(chain.len(), 2);
    let direct = verify_chain(&certificate, &[], &intermediates, moment(2026)).unwrap();
    assert_eq!(direct.len(), 1);

    let missing = verify_chain(&certificate, &[], &anchors, moment(2026));
    assert_eq!(missing.unwrap_err(), ChainError::UnknownIssuer);
    for year in [2024, 2028] {
        let late = verify_chain(&certificate, &intermediates, &anchors, moment(year));
        assert_eq!(late.unwrap_err(), ChainError::Validity);
    }
    // A root among the intermediates, instead of among the anchors, vouches for nobody.
    let own_root = [root.certificate().clone(), middle.certificate().clone()];
    assert_eq!(
        verify_chain(&certificate, &own_root, &[], moment(2026)).unwrap_err(),
        ChainError::UnknownIssuer
    );
}

#[test]
fn a_cashier_cannot_issue_and_a_foreign_key_of_the_same_name_does_not_count() {
    let root = authority(HashAlgorithm::Gost34311);
    let (cashier_key, cashier_certificate) = signing_key(&root, Curve::M257, 54);
    let (_, certificate) = signing_key(&root, Curve::M257, 55);
    let anchors = [cashier_certificate];
    assert_eq!(
        verify_chain(&certificate, &[], &anchors, moment(2026)).unwrap_err(),
        ChainError::UnknownIssuer
    );
    assert!(certificate.verify_signature(cashier_key.public_key()).is_err());
    assert!(
        certificate
            .verify_signature(root.certificate().public_key().unwrap())
            .is_ok()
    );
}

#[test]
fn any_changed_octet_spoils_the_chain() {
    let root = authority(HashAlgorithm::Gost34311);
    let (_, certificate) = signing_key(&root, Curve::M257, 56);
    let anchors = [root.certificate().clone()];
    let der = certificate.der();
    for place in 0..der.len() {
        let mut damaged = der.to_vec();
        damaged[place] ^= 1;
        if let Ok(damaged) = Certificate::from_der(&damaged) {
            assert!(
                verify_chain(&damaged, &[], &anchors, moment(2026)).is_err(),
                "octet {place}"
            );
        }
    }
}

#[test]
fn pem_is_read_and_foreign_text_is_not() {
    use base64::Engine;
    let (_, certificate) = signing_key(&authority(HashAlgorithm::Gost34311), Curve::M257, 57);
    let body = base64::engine::general_purpose::STANDARD.encode(certificate.der());
    let pem =
        format!("Bag attributes\n-----BEGIN CERTIFICATE-----\r\n{body}\r\n-----END CERTIFICATE-----\r\n");
    assert_eq!(
        Certificate::read(pem.as_bytes()).unwrap().der(),
        certificate.der()
    );
    for octets in [&b""[..], b"-----BEGIN CERTIFICATE-----", b"0", b"x"] {
        assert!(Certificate::read(octets).is_err());
    }
}

#[test]
fn a_signer_takes_only_its_own_signing_certificate() {
    let root = authority(HashAlgorithm::Gost34311);
    let (first, certificate) = signing_key(&root, Curve::M257, 58);
    let (_, other) = signing_key(&root, Curve::M257, 59);
    let agreement = root
        .issue(
            first.public_key(),
            &cashier(),
            Purpose::KeyAgreement,
            validity(),
            &Entropy::new([6; 32]),
        )
        .unwrap();
    assert!(LocalSigner::new(first.clone(), certificate).is_ok());
    assert_eq!(
        LocalSigner::new(first.clone(), other).unwrap_err(),
        dstu::signer::Error::ForeignCertificate
    );
    assert_eq!(
        LocalSigner::new(first, agreement).unwrap_err(),
        dstu::signer::Error::Usage
    );
}
