//! A real container of a real authority: a public test key with two keys (m = 257 and m = 431) and its certificate.

#![allow(clippy::unwrap_used, reason = "a test stops where something is wrong")]

mod fixtures;

use chrono::{TimeZone, Utc};
use dstu::cms::{Identification, Packaging, SignedData, Template};
use dstu::container::{Error, KeyRing, Password};
use dstu::{Certificate, Curve, Entropy, HashAlgorithm, LocalSigner, Signer};

/// Published with the key.
const PASSWORD: &str = "testpassword";

fn fixture() -> Option<(Vec<u8>, Certificate)> {
    let container = fixtures::read("keys/test-diia.p12")?;
    let certificate = fixtures::read("keys/diia-test-sign-7775603.cer")?;
    Some((container, Certificate::read(&certificate).unwrap()))
}

#[test]
fn the_test_key_opens_signs_and_the_message_verifies() {
    let Some((container, certificate)) = fixture() else {
        return;
    };
    let ring = KeyRing::open(&container, &Password::new(PASSWORD)).unwrap();
    let curves: Vec<Curve> = ring.keys().iter().map(|stored| stored.key.curve()).collect();
    assert_eq!(curves, [Curve::M257, Curve::M431]);
    let key = ring
        .key_of(&certificate)
        .expect("the certificate is of one of the keys")
        .clone();
    let id = key.public_key().key_id(HashAlgorithm::Gost34311);
    assert_eq!(Some(id.as_slice()), certificate.subject_key_id());

    let signer = LocalSigner::new(key, certificate).unwrap();
    assert_eq!(signer.hash(), HashAlgorithm::Gost34311);
    let moment = Utc.with_ymd_and_hms(2023, 5, 17, 12, 30, 45).unwrap();
    for identification in [Identification::IssuerAndSerial, Identification::KeyId] {
        for packaging in [Packaging::Attached, Packaging::Detached] {
            let template = Template::new(&signer, identification).unwrap();
            let content = "<CHECK>вміст</CHECK>".as_bytes();
            let octets = template
                .sign(&signer, content, packaging, Some(moment), &Entropy::new([3; 32]))
                .unwrap();
            let message = SignedData::from_der(&octets).unwrap();
            let given = (packaging == Packaging::Detached).then_some(content);
            let verdicts = message.verify(given, &[]);
            assert_eq!(verdicts.len(), 1);
            assert!(verdicts[0].holds(), "{:?}", verdicts[0]);
            assert_eq!(verdicts[0].signer.signing_time(), Some(moment));
            assert_eq!(verdicts[0].certificate.unwrap().company_code(), Some("43395033"));
            if packaging == Packaging::Detached {
                assert!(!message.verify(None, &[])[0].holds());
                assert!(!message.verify(Some(b"other"), &[])[0].holds());
            }
        }
    }
}

#[test]
fn a_wrong_password_is_its_own_error() {
    let Some((container, _)) = fixture() else { return };
    for password in ["", "Testpassword", "testpassword "] {
        let error = KeyRing::open(&container, &Password::new(password)).unwrap_err();
        assert_eq!(error, Error::WrongPassword, "{password:?}");
    }
}

#[test]
fn a_damaged_container_never_opens() {
    let Some((container, _)) = fixture() else { return };
    for place in (0..container.len()).step_by(17) {
        let mut damaged = container.clone();
        damaged[place] ^= 0x10;
        assert!(
            KeyRing::open(&damaged, &Password::new(PASSWORD)).is_err(),
            "octet {place}"
        );
    }
}
