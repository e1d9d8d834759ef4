//! Canonical bytes: one for each leaf, as the specification's vectors say.

#![allow(clippy::unwrap_used)] // clippy sees a test only inside `#[test]`, and not in what tests share

use evidence::tree::leaf_hash;
use evidence::{Container, Leaf, Scalar, hex, read_container};
use proptest::prelude::*;

const SPECIFICATION: &str = include_str!("../../docs/evidence-leaf.md");

fn leaf(salt: u8, seconds: i64, integration: &str, version: u32, container: Container) -> Leaf {
    Leaf {
        salt: [salt; 16],
        recorded_seconds: seconds,
        integration: integration.to_owned(),
        version,
        container,
    }
}

/// The vectors, as the specification lists them: name, leaf.
fn vectors() -> Vec<(&'static str, Leaf)> {
    let read = |body: &str| read_container(body.as_bytes()).content.unwrap();
    let example = read(
        r#"{"ClientIntegrationId":"nz2UG1","ContractId":313527,"SignDate":"01.01.2024","ContractVersion":"3",
        "Documents":["<http://test.com/doc.pdf","http://test.com/doc2.pdf>"],"KeyTransport":"sms.ru",
        "UserSignKey":"0001","UserSignHash":"o3275980rywefhjerty341","CompanyId":4188}"#,
    );
    let least = read(r#"{"ClientIntegrationId":"Ж","ContractId":"1","SignDate":"29.02.2024 23:59:59"}"#);
    let mut linked = read(
        r#"{"ClientIntegrationId":"1001","ContractId":7.0,"SignDate":"22.11.2026 03:20:11","Documents":[]}"#,
    );
    linked.contract_version = Some(Scalar::Text("countersign-otp/1".to_owned()));
    linked.documents_sha256 = Some(vec![[0xaa; 32], [0xbb; 32]]);
    vec![
        (
            "the document's example",
            leaf(0, 1_704_067_200, "sample", 1, example),
        ),
        ("the least there can be", leaf(0xff, 0, "п", 4_294_967_295, least)),
        ("every kind of field", leaf(0x5a, -1, "", 2, linked)),
    ]
}

#[test]
fn the_vectors_of_the_specification_are_what_the_code_makes() {
    for (name, leaf) in vectors() {
        let at = SPECIFICATION.find(&format!("### {name}\n")).unwrap_or_else(|| {
            panic!(
                "no vector: {name}: {} {}",
                hex::encode(&leaf.bytes()),
                leaf.hash()
            )
        });
        let vector = &SPECIFICATION[at..];
        let block = |label: &str| {
            let block = vector
                .split(&format!("{label}\n```\n"))
                .nth(1)
                .unwrap()
                .split("```")
                .next()
                .unwrap();
            block.split_whitespace().collect::<String>()
        };
        assert_eq!(hex::encode(&leaf.bytes()), block("Bytes:"), "{name}");
        assert_eq!(leaf.hash().to_string(), block("Leaf hash:"), "{name}");
    }
}

#[test]
fn leaves_are_read_back_and_no_other_bytes_are() {
    for (name, leaf) in vectors() {
        let bytes = leaf.bytes();
        assert_eq!(Leaf::from_bytes(&bytes).as_ref(), Ok(&leaf), "{name}");
        for end in 0..bytes.len() {
            assert!(Leaf::from_bytes(&bytes[..end]).is_err(), "{name}: cut at {end}");
        }
        assert!(Leaf::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
        for at in 0..bytes.len() * 8 {
            let mut other = bytes.clone();
            other[at / 8] ^= 1 << (at % 8);
            // Some changes make another leaf, never the same one.
            if let Ok(read) = Leaf::from_bytes(&other) {
                assert_ne!(read, leaf);
                assert_eq!(read.bytes(), other, "{name}: bit {at}: one encoding of each leaf");
            }
            assert_ne!(leaf_hash(&other), leaf.hash());
        }
    }
}

#[test]
fn a_length_that_lies_takes_no_memory() {
    let (_, leaf) = vectors().remove(1);
    let mut bytes = leaf.bytes();
    let documents = bytes.len() - 6;
    bytes[documents] = 3;
    bytes.splice(documents + 1..documents + 1, [0xff; 4]);
    assert!(Leaf::from_bytes(&bytes).is_err());
}

fn scalar() -> impl Strategy<Value = Scalar> {
    prop_oneof![
        any::<i64>().prop_map(|value| Scalar::integer(&value.to_string()).unwrap()),
        any::<String>().prop_map(Scalar::Text),
    ]
}

prop_compose! {
    fn containers()(client_integration_id: String, contract_id in scalar(), sign_date: String,
        contract_version in prop::option::of(scalar()), documents in prop::option::of(prop::collection::vec(any::<String>(), 0..5)),
        key_transport: Option<String>, user_sign_key: Option<String>, user_sign_hash: Option<String>,
        company_id in prop::option::of(scalar()), documents_sha256 in prop::option::of(prop::collection::vec(any::<[u8; 32]>(), 0..4))) -> Container {
        Container { client_integration_id, contract_id, sign_date, contract_version, documents, key_transport, user_sign_key,
            user_sign_hash, company_id, documents_sha256 }
    }
}

proptest! {
    #[test]
    fn any_leaf_comes_back_from_its_bytes(container in containers(), salt: [u8; 16], recorded_seconds: i64, integration: String, version: u32) {
        let leaf = Leaf { salt, recorded_seconds, integration, version, container };
        prop_assert_eq!(Leaf::from_bytes(&leaf.bytes()), Ok(leaf));
    }

    #[test]
    fn two_containers_have_one_digest_only_if_they_are_the_same(one in containers(), other in containers()) {
        prop_assert_eq!(one.digest() == other.digest(), one == other);
    }

    #[test]
    fn any_bytes_are_a_leaf_in_its_one_encoding_or_none(bytes: Vec<u8>) {
        let domain = [&b"countersign/evidence-leaf\x01"[..], &bytes].concat();
        for bytes in [bytes, domain] {
            if let Ok(leaf) = Leaf::from_bytes(&bytes) {
                prop_assert_eq!(leaf.bytes(), bytes);
            }
        }
    }

    #[test]
    fn any_body_is_taken_or_refused_with_a_reason(body: String) {
        if let Err(wrong) = read_container(body.as_bytes()).content {
            prop_assert!(!wrong.is_empty());
        }
    }
}
