//! Containers of every kind, made here: they open with their password, and with no other.

#![allow(clippy::unwrap_used, reason = "a test stops where something is wrong")]

mod world;

use dstu::container::{CONTAINER_OCTETS_MAX, Error, ITERATIONS_MAX, KEYS_MAX, KeyRing, Password, seal};
use dstu::{Curve, Entropy, HashAlgorithm, PrivateKey};
use world::{PASSWORD, authority, key, signing_key};

fn open(octets: &[u8], password: &str) -> Result<KeyRing, Error> {
    KeyRing::open(octets, &Password::new(password))
}

fn secrets(ring: &KeyRing) -> Vec<(Curve, Vec<u8>)> {
    ring.keys()
        .iter()
        .map(|stored| (stored.key.curve(), stored.key.to_little_endian().to_vec()))
        .collect()
}

fn expected(keys: &[&PrivateKey]) -> Vec<(Curve, Vec<u8>)> {
    keys.iter()
        .map(|key| (key.curve(), key.to_little_endian().to_vec()))
        .collect()
}

/// Every kind with a password, holding one key.
fn sealed(key: &PrivateKey) -> [(&'static str, Vec<u8>); 4] {
    let entropy = Entropy::new([9; 32]);
    [
        ("pbes2", seal::pbes2(key, PASSWORD, &entropy)),
        ("pkcs12", seal::pkcs12(&[key], &[], PASSWORD, &entropy)),
        ("iit", seal::iit_key6(key, PASSWORD)),
        ("jks", seal::jks(&[("касир", key, &[])], PASSWORD, &entropy)),
    ]
}

#[test]
fn every_kind_gives_back_its_key_on_every_curve() {
    for curve in Curve::ALL {
        let key = key(curve, 40);
        assert_eq!(secrets(&open(&seal::pkcs8(&key), "").unwrap()), expected(&[&key]));
        for (kind, octets) in sealed(&key) {
            let ring = open(&octets, PASSWORD).unwrap_or_else(|error| panic!("{kind} {curve:?}: {error}"));
            assert_eq!(secrets(&ring), expected(&[&key]), "{kind}");
        }
    }
}

#[test]
fn a_wrong_password_is_its_own_error_for_every_kind() {
    for (kind, octets) in sealed(&key(Curve::M257, 41)) {
        for password in ["", "не справжній", "Не справжній пароль", "password"] {
            assert_eq!(
                open(&octets, password).unwrap_err(),
                Error::WrongPassword,
                "{kind} {password:?}"
            );
        }
    }
}

#[test]
fn several_keys_and_certificates_come_out_and_the_certificate_finds_its_key() {
    let authority = authority(HashAlgorithm::Gost34311);
    let (signing, certificate) = signing_key(&authority, Curve::M257, 42);
    let agreement = key(Curve::M431, 43);
    let entropy = Entropy::new([9; 32]);
    let chain = [&certificate, authority.certificate()];
    let stores = [
        seal::pkcs12(&[&agreement, &signing], &chain, PASSWORD, &entropy),
        seal::jks(
            &[("agree", &agreement, &[]), ("sign", &signing, &chain)],
            PASSWORD,
            &entropy,
        ),
    ];
    for octets in stores {
        let ring = open(&octets, PASSWORD).unwrap();
        assert_eq!(secrets(&ring), expected(&[&agreement, &signing]));
        assert_eq!(ring.certificates().len(), 2);
        let found = ring
            .key_of(&ring.certificates()[0])
            .expect("the certificate's key is there");
        assert_eq!(found.public_key(), signing.public_key());
        assert!(ring.key_of(authority.certificate()).is_none());
    }
}

#[test]
fn any_changed_octet_of_an_authenticated_container_is_noticed() {
    let key = key(Curve::M257, 44);
    for (kind, octets) in sealed(&key) {
        for place in (0..octets.len()).step_by(13) {
            let mut damaged = octets.clone();
            damaged[place] ^= 0x20;
            if let Ok(ring) = open(&damaged, PASSWORD) {
                // PBES2 has no check of its own: a changed private number is still a number. A name of an algorithm
                // without parameters, or a creation date, may change without harm; a key never.
                assert!(
                    kind == "pbes2" || secrets(&ring) == expected(&[&key]),
                    "{kind} octet {place}"
                );
            }
        }
    }
}

#[test]
fn truncated_containers_do_not_open() {
    for (kind, octets) in sealed(&key(Curve::M257, 45)) {
        for length in (0..octets.len()).step_by(29) {
            assert!(
                open(&octets[..length], PASSWORD).is_err(),
                "{kind} cut to {length}"
            );
        }
    }
}

#[test]
fn limits_hold() {
    let octets = vec![0x30; CONTAINER_OCTETS_MAX + 1];
    assert_eq!(open(&octets, "").unwrap_err(), Error::Limit("octets"));
    assert_eq!(
        open(&[0x30, 0], &"x".repeat(2000)).unwrap_err(),
        Error::Limit("password")
    );

    let key = key(Curve::M163, 46);
    let keys: Vec<&PrivateKey> = std::iter::repeat_n(&key, KEYS_MAX + 1).collect();
    let octets = seal::pkcs12(&keys, &[], PASSWORD, &Entropy::new([9; 32]));
    assert_eq!(open(&octets, PASSWORD).unwrap_err(), Error::Limit("keys"));

    // 10,000 iterations are written as 02 04 00 00 27 10 or 02 02 27 10; here they become far too many.
    let mut octets = seal::pbes2(&key, PASSWORD, &Entropy::new([9; 32]));
    let place = octets
        .windows(4)
        .position(|window| window == [0x02, 0x02, 0x27, 0x10])
        .unwrap();
    octets[place + 2..place + 4].copy_from_slice(&[0x7F, 0xFF]);
    assert_eq!(
        open(&octets, PASSWORD).unwrap_err(),
        Error::WrongPassword,
        "32,767 iterations are within {ITERATIONS_MAX}"
    );
    octets[place + 2..place + 4].copy_from_slice(&[0xFF, 0xFF]);
    assert!(
        matches!(open(&octets, PASSWORD).unwrap_err(), Error::Der(_)),
        "a negative number of iterations"
    );
}

#[test]
fn foreign_octets_are_unknown() {
    for octets in [
        &b""[..],
        b"hello",
        b"0",
        &[0x30, 0x00],
        &[0x51],
        &[0x51; 7],
        b"-----BEGIN RSA PRIVATE KEY-----",
    ] {
        assert!(open(octets, "x").is_err(), "{octets:02x?}");
    }
}

#[test]
fn pem_armour_and_the_six_octets_before_key6_are_taken_off() {
    use base64::Engine;
    let key = key(Curve::M257, 47);
    let armour = |label: &str, octets: &[u8]| {
        let body = base64::engine::general_purpose::STANDARD.encode(octets);
        format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
    };
    let entropy = Entropy::new([9; 32]);
    let pem = armour("ENCRYPTED PRIVATE KEY", &seal::pbes2(&key, PASSWORD, &entropy));
    assert_eq!(
        secrets(&open(pem.as_bytes(), PASSWORD).unwrap()),
        expected(&[&key])
    );
    let pem = armour("PRIVATE KEY", &seal::pkcs8(&key));
    assert_eq!(secrets(&open(pem.as_bytes(), "").unwrap()), expected(&[&key]));
    let prefixed = [&[0x51, 1, 2, 3, 4, 5][..], &seal::iit_key6(&key, PASSWORD)].concat();
    assert_eq!(secrets(&open(&prefixed, PASSWORD).unwrap()), expected(&[&key]));
}

#[test]
fn nothing_secret_is_printed() {
    let key = key(Curve::M257, 48);
    let ring = open(&seal::pkcs8(&key), "").unwrap();
    let printed = format!(
        "{ring:?} {key:?} {:?} {:?}",
        Password::new(PASSWORD),
        Entropy::new([0xAB; 32])
    );
    let secret: String = key
        .to_little_endian()
        .iter()
        .map(|octet| format!("{octet:02x}"))
        .collect();
    assert!(!printed.contains(&secret[..8]) && !printed.contains(PASSWORD) && !printed.contains("171"));
}
