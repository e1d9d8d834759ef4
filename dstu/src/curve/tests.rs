//! Annex B.1 of the standard: its own base point, key, nonce and signature on m = 163.

use super::definition::DEFINITIONS;
use super::*;
use crate::{HashAlgorithm, PrivateKey, PublicKey, scalar};

pub(super) fn number(text: &str) -> Limbs {
    let digits = if text.len() % 2 == 1 {
        format!("0{text}")
    } else {
        text.to_owned()
    };
    let mut octets: Vec<u8> = (0..digits.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(&digits[i..i + 2], 16).unwrap())
        .collect();
    octets.reverse();
    scalar::from_little_endian(&octets).unwrap()
}

fn annex_definition() -> &'static Definition {
    let standard = &DEFINITIONS[0];
    Box::leak(Box::new(Definition {
        generator: [
            number("72D867F93A93AC27DF9FF01AFFE74885C8C540420"),
            number("0224A9C3947852B97C5599D5F4AB81122ADC3FD9B"),
        ],
        ..*standard
    }))
}

#[test]
fn annex_b1_gives_its_public_key_and_signature_and_verifies() {
    let definition = annex_definition();
    let curve = Curve::M163;
    for arithmetic in [Arithmetic::Fastest, Arithmetic::Portable] {
        let comb = curve.run(arithmetic, tasks::BuildCombTask(definition));
        let secret = number("183F60FDF7951FF47D67193F8D073790C1C9B5A3E");
        let [x, y] = definition.generator;
        let public = curve.run(
            arithmetic,
            PublicPointTask {
                definition,
                base: Point { x, y },
                secret: &secret,
            },
        );
        assert_eq!(public.x, number("57DE7FDE023FF929CB6AC785CE4B79CF64ABDC2DA"));
        assert_eq!(public.y, number("3E85444324BCF06AD85ABF6AD7B5F34770532B9AA"));

        let nonce = number("1025E40BD97DB012B7A1D79DE8E12932D247F61C6");
        let hash = number("03A2EB95B7180166DDF73532EEB76EDAEF52247FF");
        let digest = [
            0xFF, 0x47, 0x22, 0xF5, 0xAE, 0xED, 0x76, 0xEB, 0x2E, 0x53, 0x73, 0xDF, 0x6D, 0x16, 0x80, 0x71,
            0x5B, 0xB9, 0x2E, 0x3A, 0x88, 0x86, 0xE4, 0xAE, 0x9A, 0x0C, 0x91, 0x77, 0x42, 0xC4, 0xC9, 0x09,
        ];
        assert_eq!(crate::signature::hash_element(curve, &digest), hash);
        let task = NonceTask {
            definition,
            comb: &comb,
            nonce: &nonce,
            hash,
        };
        let product = curve
            .run(arithmetic, task)
            .ok()
            .flatten()
            .expect("the annex's nonce is usable");
        let r = scalar::truncate(product, definition.order_bits - 1);
        let s = scalar::multiply_add(curve, &nonce, &secret, &r);
        assert_eq!(r, number("274EA2C0CAA014A0D80A424F59ADE7A93068D08A7"));
        assert_eq!(s, number("2100D86957331832B8E8C230F5BD6A332B3615ACA"));

        let verified = curve.run(
            arithmetic,
            VerifyTask {
                definition,
                comb: &comb,
                public,
                hash,
                r,
                s,
            },
        );
        assert_eq!(
            verified.map(|product| scalar::truncate(product, definition.order_bits - 1)),
            Some(r)
        );
    }
}

/// A fixed-nonce vector, made with another implementation's field and point arithmetic.
struct Vector {
    curve: Curve,
    secret: &'static str,
    nonce: &'static str,
    message: &'static str,
    compressed: &'static str,
    signature: &'static str,
}

const VECTORS: [Vector; 3] = [
    Vector {
        curve: Curve::M163,
        secret: "3595f22ba4245e4a85834a6c48a74aeb3924e4f42",
        nonce: "49586c10fbcb6818a1157e80ee2f1fa9f27cd307",
        message: "kat message 163",
        compressed: "a147f6443767bd262ce602fa26d090cb0dab85fa01",
        signature: "0fc945ee5e6451a6ec104f0e6827c8491b04280d02ae8d4cb1d18d9aca637f9b02a44f4213d68fe1b200",
    },
    Vector {
        curve: Curve::M257,
        secret: "10bcb8f62df0bcbc55c495eb412dfe016487ee19b7bb738e116ea7c94ba85583",
        nonce: "78b10048e8efa304ab6edde08dd0384699c548bd2f0a9cba9809e8ef1dadfbaa",
        message: "kat message 257",
        compressed: "db3604f399ed41d738f17c456cf66ddd2b060b34dec21fc21c60971d754d230801",
        signature: "0e64a4ccca0386e26815f3a859653bbeea85f9fed58a9e84c11ff49714ae1c34489c10e6585e5c689764f6ef5059a85ab6ea54692406c776cd208375f5cde732",
    },
    Vector {
        curve: Curve::M431,
        secret: "6f4ac7068e0c9b737aa71a9b09e2a0a523a3ab1f435d71a8d1ba3a6ba7468cceb8c0de225e7a1782203df60cfaddd56fb2cd4cbfdfa",
        nonce: "318aaf746b9689095d27746c48e7404aaa543a1c87ddf89025f32d81d4e65047ac1dde97ac98944e34e0fa9a93fd70b16adc5ec37a23",
        message: "kat message 431",
        compressed: "e005da150ea89de63cb49be74c6983eae9559cbb349c2f7345644a0e879e7babe9dd8c68b52574226d396c6120540efffcacdb1c030f",
        signature: "d21c289d4f8c8a0e92d2c4895b9b8b61fa57d961481c8396e9fbeefad148563d6b878d25f0faf44712e3ca637f92ba87ac495662b202fec9ea4e3e4c335f7a1741f3ddb9f64d4f7b39f3f79397e62633fb7205376caf593e92884bccbd7713aaae3ccf6c054dc8d1e527d711",
    },
];

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

#[test]
fn the_vectors_with_fixed_nonces_are_reproduced() {
    for vector in &VECTORS {
        for arithmetic in [Arithmetic::Fastest, Arithmetic::Portable] {
            let mut secret = [0; 56];
            scalar::to_little_endian(&number(vector.secret), &mut secret);
            let key = PrivateKey::from_little_endian(vector.curve, &secret)
                .unwrap()
                .with_arithmetic(arithmetic);
            assert_eq!(hex(&key.public_key().to_compressed()), vector.compressed);
            let digest = HashAlgorithm::Gost34311.digest(&[vector.message.as_bytes()]);
            let signature = key
                .sign_with(&number(vector.nonce), &digest)
                .unwrap()
                .expect("a usable nonce");
            assert_eq!(hex(&signature.to_little_endian()), vector.signature);
            assert_eq!(key.public_key().verify(&digest, &signature), Ok(()));
            let read = PublicKey::from_compressed(vector.curve, &key.public_key().to_compressed()).unwrap();
            assert_eq!(&read, key.public_key());
        }
    }
}
