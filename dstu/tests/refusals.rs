//! What is no signature and no key, on all curves.

#![allow(clippy::unwrap_used, reason = "a test stops where something is wrong")]

use dstu::signature::Error;
use dstu::{Curve, Entropy, HashAlgorithm, PrivateKey, PublicKey, Signature};

/// n of every curve, most significant digit first, as the standard's annex G prints it.
const ORDERS: [(Curve, &str); 10] = [
    (Curve::M163, "400000000000000000002bec12be2262d39bcf14d"),
    (Curve::M167, "3fffffffffffffffffffffb12ebcc7d7f29ff7701f"),
    (Curve::M173, "800000000000000000000189b4e67606e3825bb2831"),
    (Curve::M179, "3ffffffffffffffffffffffb981960435fe5ab64236ef"),
    (Curve::M191, "40000000000000000000000069a779cac1dabc6788f7474f"),
    (
        Curve::M233,
        "1000000000000000000000000000013e974e72f8a6922031d2603cfe0d7",
    ),
    (
        Curve::M257,
        "800000000000000000000000000000006759213af182e987d3e17714907d470d",
    ),
    (
        Curve::M307,
        "3ffffffffffffffffffffffffffffffffffffffc079c2f3825da70d390fbba588d4604022b7b7",
    ),
    (
        Curve::M367,
        "40000000000000000000000000000000000000000000009c300b75a3fa824f22428fd28ce8812245ef44049b2d49",
    ),
    (
        Curve::M431,
        "3fffffffffffffffffffffffffffffffffffffffffffffffffffffba3175458009a8c0a724f02f81aa8a1fcbaf80d90c7a95110504cf",
    ),
];

fn little_endian(digits: &str, width: usize) -> Vec<u8> {
    let digits = format!("{digits:0>width$}", width = 2 * width);
    (0..width)
        .rev()
        .map(|i| u8::from_str_radix(&digits[2 * i..2 * i + 2], 16).unwrap())
        .collect()
}

fn minus_one(octets: &[u8]) -> Vec<u8> {
    let mut less = octets.to_vec();
    less[0] -= 1; // every order is odd
    less
}

#[test]
fn components_of_zero_and_of_the_order_or_more_are_refused() {
    for (curve, order) in ORDERS {
        let width = curve.scalar_octets();
        let order = little_endian(order, width);
        let (zero, most, all) = (vec![0; width], minus_one(&order), vec![0xFF; width]);
        let mut one = zero.clone();
        one[0] = 1;
        let read = |r: &[u8], s: &[u8]| Signature::from_little_endian(curve, &[r, s].concat());
        for bad in [&zero, &order, &all] {
            assert_eq!(read(bad, &one), Err(Error::Range), "r on {curve:?}");
            assert_eq!(read(&one, bad), Err(Error::Range), "s on {curve:?}");
        }
        for good in [&one, &most] {
            assert_eq!(
                read(good, good).map(|signature| signature.to_little_endian()),
                Ok([good.as_slice(), good].concat())
            );
        }
    }
}

#[test]
fn another_width_is_refused() {
    for curve in Curve::ALL {
        let width = 2 * curve.scalar_octets();
        for length in [0, 1, width - 2, width - 1, width + 1, width + 2] {
            let octets = vec![1; length];
            let expected = Err(Error::Length {
                expected: width,
                found: length,
            });
            assert_eq!(Signature::from_little_endian(curve, &octets), expected);
            assert_eq!(Signature::from_big_endian(curve, &octets), expected);
        }
        for length in [0, curve.field_octets() - 1, curve.field_octets() + 1] {
            assert!(PublicKey::from_compressed(curve, &vec![2; length]).is_err());
        }
    }
}

#[test]
fn private_numbers_out_of_range_are_refused() {
    for (curve, order) in ORDERS {
        let order = little_endian(order, curve.scalar_octets());
        assert!(PrivateKey::from_little_endian(curve, &order).is_err());
        assert!(PrivateKey::from_little_endian(curve, &[0; 32]).is_err());
        assert!(PrivateKey::from_little_endian(curve, &[1; 80]).is_err());
        // n − 1 and 1 are keys, and opposite to one another; padding changes nothing.
        let last = PrivateKey::from_little_endian(curve, &minus_one(&order)).unwrap();
        let first = PrivateKey::from_little_endian(curve, &[[1].as_slice(), &[0; 70]].concat()).unwrap();
        assert_ne!(last.public_key(), first.public_key());
        let digest = [7; 32];
        for key in [&last, &first] {
            let signature = key.sign(&digest, &Entropy::new([1; 32])).unwrap();
            assert_eq!(key.public_key().verify(&digest, &signature), Ok(()));
            let other = if std::ptr::eq(key, &last) { &first } else { &last };
            assert_eq!(
                other.public_key().verify(&digest, &signature),
                Err(Error::Mismatch)
            );
        }
    }
}

#[test]
fn a_signature_of_another_curve_or_over_nothing_is_refused() {
    let key = |curve| PrivateKey::generate(curve, &Entropy::new([3; 32])).unwrap();
    let digest = HashAlgorithm::Gost34311.digest(&[b"x"]);
    let signature = key(Curve::M257).sign(&digest, &Entropy::new([4; 32])).unwrap();
    assert_eq!(
        key(Curve::M233).public_key().verify(&digest, &signature),
        Err(Error::Curve)
    );
    assert_eq!(
        key(Curve::M257).public_key().verify(&[], &signature),
        Err(Error::EmptyDigest)
    );
    assert_eq!(
        key(Curve::M257).sign(&[], &Entropy::new([4; 32])),
        Err(Error::EmptyDigest)
    );
}

#[test]
fn the_same_entropy_gives_different_nonces_for_different_digests_and_keys() {
    let first = PrivateKey::generate(Curve::M257, &Entropy::new([3; 32])).unwrap();
    let second = PrivateKey::generate(Curve::M257, &Entropy::new([4; 32])).unwrap();
    let r = |key: &PrivateKey, digest: &[u8], chance: u8| {
        key.sign(digest, &Entropy::new([chance; 32]))
            .unwrap()
            .to_little_endian()[..32]
            .to_vec()
    };
    let all = [
        r(&first, &[1; 32], 0),
        r(&first, &[2; 32], 0),
        r(&second, &[1; 32], 0),
        r(&first, &[1; 32], 1),
    ];
    for i in 0..all.len() {
        for j in 0..i {
            assert_ne!(all[i], all[j]);
        }
    }
    assert_eq!(
        r(&first, &[1; 32], 0),
        all[0],
        "the same inputs give the same signature"
    );
}
