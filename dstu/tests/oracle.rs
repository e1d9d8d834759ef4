//! Signatures judged by code that nobody here wrote: the verifier of `structured-dstu4145`, on all ten curves.

#![allow(clippy::unwrap_used, reason = "a test stops where something is wrong")]

use dstu::{Arithmetic, Curve, Entropy, HashAlgorithm, PrivateKey, PublicKey, Signature};
use proptest::prelude::*;
use structured_dstu4145::domain::Domain;
use structured_dstu4145::{Basis, ByteOrder};

fn key(curve: Curve, seed: [u8; 32], arithmetic: Arithmetic) -> PrivateKey {
    PrivateKey::generate(curve, &Entropy::new(seed))
        .unwrap()
        .with_arithmetic(arithmetic)
}

fn oracle_accepts(public: &PublicKey, digest: &[u8], octets: &[u8], order: ByteOrder) -> bool {
    let compressed = public.to_compressed();
    Domain::named(Basis::Polynomial, public.curve().degree())
        .expect("the curve is known")
        .public_key(&compressed, ByteOrder::LittleEndian)
        .expect("the public key is valid")
        .verify_prehash(digest, octets, order)
        .unwrap_or(false)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_random_signature_on_every_curve_is_accepted(
        seed: [u8; 32],
        chance: [u8; 32],
        message in proptest::collection::vec(any::<u8>(), 0..100),
    ) {
        for curve in Curve::ALL {
            for arithmetic in [Arithmetic::Fastest, Arithmetic::Portable] {
                for hash in [HashAlgorithm::Gost34311, HashAlgorithm::Kupyna256, HashAlgorithm::Kupyna512] {
                    let key = key(curve, seed, arithmetic);
                    let digest = hash.digest(&[&message]);
                    let signature = key.sign(&digest, &Entropy::new(chance)).unwrap();
                    let little = signature.to_little_endian();
                    let big = signature.to_big_endian();
                    prop_assert!(oracle_accepts(key.public_key(), &digest, &little, ByteOrder::LittleEndian));
                    prop_assert!(oracle_accepts(key.public_key(), &digest, &big, ByteOrder::BigEndian));
                    prop_assert_eq!(key.public_key().verify(&digest, &signature), Ok(()));
                    prop_assert_eq!(Signature::from_big_endian(curve, &big).unwrap(), signature);
                }
            }
        }
    }

    #[test]
    fn a_flipped_bit_of_signature_or_digest_is_refused_by_both(seed: [u8; 32], bit: u16) {
        for curve in Curve::ALL {
            let key = key(curve, seed, Arithmetic::Fastest);
            let digest = HashAlgorithm::Gost34311.digest(&[&seed]);
            let good = key.sign(&digest, &Entropy::new(seed)).unwrap().to_little_endian();
            let mut octets = good.clone();
            let place = usize::from(bit) % (8 * octets.len());
            octets[place / 8] ^= 1 << (place % 8);
            let ours = Signature::from_little_endian(curve, &octets)
                .is_ok_and(|signature| key.public_key().verify(&digest, &signature).is_ok());
            prop_assert!(!ours);
            prop_assert!(
                !oracle_accepts(key.public_key(), &digest, &octets, ByteOrder::LittleEndian),
                "{curve:?} bit {place} {good:02x?}"
            );

            // Bits of the digest above the field's degree do not count.
            let mut other = digest.clone();
            let place = usize::from(bit) % (8 * other.len()).min(curve.degree());
            other[place / 8] ^= 1 << (place % 8);
            let signature = Signature::from_little_endian(curve, &good).unwrap();
            prop_assert!(key.public_key().verify(&other, &signature).is_err());
            prop_assert!(!oracle_accepts(key.public_key(), &other, &good, ByteOrder::LittleEndian));
        }
    }

    #[test]
    fn a_random_compressed_point_is_judged_as_the_oracle_judges_it(octets: [u8; 54]) {
        for curve in Curve::ALL {
            let mut compressed = octets[..curve.field_octets()].to_vec();
            if !curve.degree().is_multiple_of(8) {
                *compressed.last_mut().unwrap() &= (1 << (curve.degree() % 8)) - 1;
            }
            let ours = PublicKey::from_compressed(curve, &compressed);
            let oracle = Domain::named(Basis::Polynomial, curve.degree())
                .unwrap()
                .public_key(&compressed, ByteOrder::LittleEndian);
            prop_assert_eq!(ours.is_ok(), oracle.is_ok(), "{:?} {:02x?}", curve, compressed);
            if let Ok(ours) = ours {
                prop_assert_eq!(ours.to_compressed(), compressed);
            }
        }
    }
}
