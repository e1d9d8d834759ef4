//! Signed messages made here: what they look like, and what spoils them.

#![allow(clippy::unwrap_used, reason = "a test stops where something is wrong")]

mod world;

use dstu::cms::{Failure, Identification, Packaging, SignedData, SignerIdentifier, Template};
use dstu::der::{Reader, oid};
use dstu::{Curve, Entropy, HashAlgorithm, LocalSigner, Signer};
use world::{authority, moment, signing_key};

const CONTENT: &[u8] = b"<CHECK><CHECKHEAD/></CHECK>";

fn signer(hash: HashAlgorithm, curve: Curve) -> LocalSigner {
    let (key, certificate) = signing_key(&authority(hash), curve, 60);
    LocalSigner::new(key, certificate).unwrap()
}

fn sign(signer: &LocalSigner, identification: Identification, packaging: Packaging) -> Vec<u8> {
    let template = Template::new(signer, identification).unwrap();
    template
        .sign(
            signer,
            CONTENT,
            packaging,
            Some(moment(2026)),
            &Entropy::new([4; 32]),
        )
        .unwrap()
}

#[test]
fn both_hashes_and_both_curves_sign_and_verify() {
    for hash in [
        HashAlgorithm::Gost34311,
        HashAlgorithm::Kupyna256,
        HashAlgorithm::Kupyna512,
    ] {
        for curve in [Curve::M257, Curve::M431, Curve::M163] {
            let signer = signer(hash, curve);
            assert_eq!(signer.hash(), hash, "the hash follows the certificate");
            let octets = sign(&signer, Identification::IssuerAndSerial, Packaging::Attached);
            let message = SignedData::from_der(&octets).unwrap();
            assert_eq!(message.content(), Some(CONTENT));
            let verdicts = message.verify(None, &[]);
            assert!(
                verdicts.len() == 1 && verdicts[0].holds(),
                "{hash:?} {curve:?} {verdicts:?}"
            );
        }
    }
}

#[test]
fn a_template_serves_its_own_signer_only() {
    let first = signer(HashAlgorithm::Gost34311, Curve::M257);
    let other = signer(HashAlgorithm::Gost34311, Curve::M431);
    let template = Template::new(&first, Identification::KeyId).unwrap();
    let entropy = Entropy::new([4; 32]);
    for stranger in [other, first.with_hash(HashAlgorithm::Kupyna256)] {
        let refused = template.sign(&stranger, CONTENT, Packaging::Attached, None, &entropy);
        assert_eq!(refused, Err(dstu::cms::Error::OtherSigner));
    }
}

#[test]
fn attributes_are_in_der_order_and_algorithms_have_no_parameters() {
    let octets = sign(
        &signer(HashAlgorithm::Gost34311, Curve::M257),
        Identification::KeyId,
        Packaging::Attached,
    );
    let message = SignedData::from_der(&octets).unwrap();
    let [info] = message.signers() else {
        panic!("one signer")
    };
    let kinds: Vec<_> = info
        .signed_attributes()
        .iter()
        .map(dstu::cms::Attribute::kind)
        .collect();
    let expected = [
        oid::CONTENT_TYPE,
        oid::SIGNING_TIME,
        oid::MESSAGE_DIGEST,
        oid::SIGNING_CERTIFICATE_V2,
    ];
    assert_eq!(kinds, expected);
    assert!(matches!(info.identifier(), SignerIdentifier::KeyId(id) if id.len() == 32));
    assert_eq!(info.signature().len(), 64);
    assert_eq!(message.certificates().len(), 1);
    let digests = octets.windows(16).any(|window| {
        window[..4] == [0x31, 0x0E, 0x30, 0x0C]
            && window[4..6] == [0x06, 0x0A]
            && window[6..] == oid::GOST_34311.0[..]
    });
    assert!(digests, "digestAlgorithms is SET {{ SEQUENCE {{ OID }} }}");
}

#[test]
fn any_changed_octet_is_noticed() {
    let signer = signer(HashAlgorithm::Gost34311, Curve::M257);
    let octets = sign(&signer, Identification::IssuerAndSerial, Packaging::Attached);
    let mut accepted = Vec::new();
    for place in 0..octets.len() {
        let mut damaged = octets.clone();
        damaged[place] ^= 1;
        if let Ok(message) = SignedData::from_der(&damaged) {
            let verdicts = message.verify(None, &[]);
            if !verdicts.is_empty() && verdicts.iter().all(dstu::cms::Verdict::holds) {
                accepted.push(place);
            }
        }
    }
    // Two versions and the outer list of digest algorithms are repeated or implied elsewhere and not under the
    // signature (RFC 5652); nobody reads them here.
    let unsigned = |place: &usize| {
        let message = &octets[..*place + 1];
        message.ends_with(&[0x02, 0x01, 0x00])
            || message.ends_with(&[0x02, 0x01, 0x01])
            || (25..43).contains(place)
    };
    let others: Vec<_> = accepted.iter().filter(|place| !unsigned(place)).collect();
    assert!(others.is_empty(), "accepted with octets {others:?} changed");
}

#[test]
fn a_detached_signature_needs_its_content() {
    let signer = signer(HashAlgorithm::Kupyna256, Curve::M257);
    let octets = sign(&signer, Identification::IssuerAndSerial, Packaging::Detached);
    let message = SignedData::from_der(&octets).unwrap();
    assert_eq!(message.content(), None);
    assert!(message.verify(Some(CONTENT), &[])[0].holds());
    let verdict = &message.verify(None, &[])[0];
    assert_eq!(verdict.message_digest, Err(Failure::NoContent));
    let verdict = &message.verify(Some(b"other"), &[])[0];
    assert_eq!(verdict.message_digest, Err(Failure::Mismatch));
    assert!(!verdict.holds());
}

#[test]
fn content_inside_may_not_contradict_content_given() {
    let octets = sign(
        &signer(HashAlgorithm::Gost34311, Curve::M257),
        Identification::KeyId,
        Packaging::Attached,
    );
    let message = SignedData::from_der(&octets).unwrap();
    assert!(message.verify(Some(CONTENT), &[])[0].holds());
    assert_eq!(
        message.verify(Some(b"other"), &[])[0].message_digest,
        Err(Failure::OtherContent)
    );
}

#[test]
fn signed_attributes_cannot_be_passed_off_as_content() {
    let signer = signer(HashAlgorithm::Gost34311, Curve::M257);
    let info = signer_info(&sign(&signer, Identification::KeyId, Packaging::Attached));
    let mut fields = Reader::new(&info).sequence().unwrap();
    let mut parts: Vec<(u8, Vec<u8>)> = Vec::new();
    while !fields.is_empty() {
        let field = fields.read().unwrap();
        parts.push((field.tag, field.raw.to_vec()));
    }
    // version, signer, hash, attributes, algorithm, signature: the attributes become the content.
    let (_, mut content) = parts.remove(3);
    content[0] = 0x31;
    let bare = element(
        0x30,
        &parts.into_iter().flat_map(|(_, raw)| raw).collect::<Vec<u8>>(),
    );
    let octets = assemble(&content, &[bare]);
    let message = SignedData::from_der(&octets).unwrap();
    let known = [signer.certificate().clone()];
    let verdict = &message.verify(None, &known)[0];
    assert_eq!(verdict.signature, Err(Failure::Attribute));
    assert!(!verdict.holds());
}

#[test]
fn parallel_signatures_are_judged_one_by_one() {
    let first = signer(HashAlgorithm::Gost34311, Curve::M257);
    let (key, certificate) = signing_key(&authority(HashAlgorithm::Kupyna256), Curve::M431, 61);
    let second = LocalSigner::new(key, certificate).unwrap();
    let infos: Vec<Vec<u8>> = [&first, &second]
        .into_iter()
        .map(|signer| signer_info(&sign(signer, Identification::KeyId, Packaging::Attached)))
        .collect();
    // Certificates are not inside: they are given.
    let known = [first.certificate().clone(), second.certificate().clone()];
    let octets = assemble(CONTENT, &infos);
    let message = SignedData::from_der(&octets).unwrap();
    assert!(message.verify(None, &known).iter().all(dstu::cms::Verdict::holds));
    let verdicts = message.verify(None, &known[..1]);
    assert!(verdicts[0].holds() && !verdicts[1].holds());
    assert_eq!(verdicts[1].signature, Err(Failure::NoCertificate));
}

/// The SignerInfo of a message: the last element of SignedData is the SET with it.
fn signer_info(octets: &[u8]) -> Vec<u8> {
    let mut outer = Reader::new(octets).sequence().unwrap();
    outer.read().unwrap();
    let mut data = outer.read().unwrap().reader().sequence().unwrap();
    let mut last = data.read().unwrap();
    while !data.is_empty() {
        last = data.read().unwrap();
    }
    last.content.to_vec()
}

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap();
    [&[tag, 0x84][..], &length.to_be_bytes(), content].concat()
}

/// A message with the content inside, two signers and no certificates, in lengths of the long form.
fn assemble(content: &[u8], infos: &[Vec<u8>]) -> Vec<u8> {
    let oid = |oid: oid::Oid<'_>| element(0x06, oid.0);
    let content = element(0xA0, &element(0x04, content));
    let data = [
        vec![0x02, 0x01, 0x01],
        element(0x31, &[]),
        element(0x30, &[oid(oid::DATA), content].concat()),
        element(0x31, &infos.concat()),
    ]
    .concat();
    element(
        0x30,
        &[oid(oid::SIGNED_DATA), element(0xA0, &element(0x30, &data))].concat(),
    )
}
