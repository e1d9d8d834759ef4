//! Writing key containers, for sandboxes and tests: each kind that [`KeyRing`](super::KeyRing) opens.

use sha2::{Digest, Sha512};
use zeroize::Zeroizing;

use super::{iit, jks};
use crate::algorithm::write_key_algorithm;
use crate::certificate::Certificate;
use crate::der::{oid, tag, writer};
use crate::entropy::Entropy;
use crate::gost28147::{Cipher, DKE1, DKE1_SBOX};
use crate::hash::HashAlgorithm;
use crate::kdf::{self, Hmac};
use crate::key::PrivateKey;

/// What authorities use.
const ITERATIONS: u32 = 10_000;

/// A bare PKCS #8 key.
pub fn pkcs8(key: &PrivateKey) -> Zeroizing<Vec<u8>> {
    let number = Zeroizing::new(writer::octet_string(&key.to_little_endian()));
    Zeroizing::new(writer::sequence(&[
        &writer::integer(0),
        &write_key_algorithm(key.curve()),
        &number,
    ]))
}

/// A PKCS #8 key under PBES2.
pub fn pbes2(key: &PrivateKey, password: &str, entropy: &Entropy) -> Vec<u8> {
    let chance = expand(entropy, "pbes2", 0);
    shroud(key, password, &chance)
}

fn shroud(key: &PrivateKey, password: &str, chance: &[u8; 64]) -> Vec<u8> {
    let (algorithm, data) = encrypt(pkcs8(key), password, chance);
    writer::sequence(&[&algorithm, &writer::octet_string(&data)])
}

/// Encrypts by PBES2: the algorithm identifier and the cipher text.
pub(super) fn encrypt(
    mut data: Zeroizing<Vec<u8>>,
    password: &str,
    chance: &[u8; 64],
) -> (Vec<u8>, Zeroizing<Vec<u8>>) {
    let salt = &chance[..32];
    let start: [u8; 8] = chance[32..40].try_into().expect("eight octets");
    let derived = kdf::pbkdf2(password.as_bytes(), salt, ITERATIONS);
    Cipher::new(&derived, &DKE1_SBOX).encrypt_feedback(start, &mut data);
    let function = writer::sequence(&[&writer::oid(oid::HMAC_GOST_34311), &writer::null()]);
    let parameters = writer::sequence(&[
        &writer::octet_string(salt),
        &writer::unsigned(&ITERATIONS.to_be_bytes()),
        &function,
    ]);
    let derivation = writer::sequence(&[&writer::oid(oid::PBKDF2), &parameters]);
    let parameters = writer::sequence(&[&writer::octet_string(&start), &writer::octet_string(&DKE1)]);
    let encryption = writer::sequence(&[&writer::oid(oid::GOST_28147_CFB), &parameters]);
    let scheme = writer::sequence(&[&derivation, &encryption]);
    (writer::sequence(&[&writer::oid(oid::PBES2), &scheme]), data)
}

/// A PKCS #12 container with several keys and certificates.
pub fn pkcs12(
    keys: &[&PrivateKey],
    certificates: &[&Certificate],
    password: &str,
    entropy: &Entropy,
) -> Vec<u8> {
    let mut bags = Vec::new();
    for (index, key) in keys.iter().enumerate() {
        let shrouded = shroud(key, password, &expand(entropy, "pkcs12 key", index));
        let id = writer::octet_string(&key.public_key().key_id(HashAlgorithm::Gost34311));
        let attribute = writer::sequence(&[
            &writer::oid(oid::LOCAL_KEY_ID),
            &writer::element(tag::SET, &[&id]),
        ]);
        bags.push(bag(
            oid::SHROUDED_KEY_BAG,
            &shrouded,
            &writer::element(tag::SET, &[&attribute]),
        ));
    }
    for certificate in certificates {
        let wrapped = writer::element(
            tag::context_constructed(0),
            &[&writer::octet_string(certificate.der())],
        );
        bags.push(bag(
            oid::CERTIFICATE_BAG,
            &writer::sequence(&[&writer::oid(oid::X509_CERTIFICATE), &wrapped]),
            &[],
        ));
    }
    let parts: Vec<&[u8]> = bags.iter().map(Vec::as_slice).collect();
    let safe = writer::sequence(&[&data(&writer::sequence(&parts))]);

    let chance = expand(entropy, "pkcs12 mac", 0);
    let salt = &chance[..32];
    let key = kdf::pkcs12_mac_key(password, salt, ITERATIONS);
    let code = Hmac::new(key.as_slice()).code(&[&safe]);
    let algorithm = writer::sequence(&[&writer::oid(oid::GOST_34311), &writer::null()]);
    let mac = writer::sequence(&[
        &writer::sequence(&[&algorithm, &writer::octet_string(code.as_slice())]),
        &writer::octet_string(salt),
        &writer::unsigned(&ITERATIONS.to_be_bytes()),
    ]);
    writer::sequence(&[&writer::integer(3), &data(&safe), &mac])
}

pub(super) fn bag(kind: oid::Oid<'_>, value: &[u8], attributes: &[u8]) -> Vec<u8> {
    let wrapped = writer::element(tag::context_constructed(0), &[value]);
    writer::sequence(&[&writer::oid(kind), &wrapped, attributes])
}

/// `{ data, [0] { OCTET STRING } }`.
pub(super) fn data(content: &[u8]) -> Vec<u8> {
    let wrapped = writer::element(tag::context_constructed(0), &[&writer::octet_string(content)]);
    writer::sequence(&[&writer::oid(oid::DATA), &wrapped])
}

/// A `Key-6.dat`.
pub fn iit_key6(key: &PrivateKey, password: &str) -> Vec<u8> {
    let derived = kdf::iit_key(password.as_bytes(), iit::ITERATIONS);
    let cipher = Cipher::new(&derived, &DKE1_SBOX);
    let mut plain = pkcs8(key);
    let code = cipher.authenticate(&plain);
    let length = plain.len();
    // The padding is encrypted with the last block and kept apart, so that the body is as long as the key.
    let padded = length.next_multiple_of(8);
    plain.resize(padded, 0);
    cipher.encrypt_blocks(&mut plain);
    let (body, padding) = plain.split_at(length);
    let parameters = writer::sequence(&[&writer::octet_string(&code), &writer::octet_string(padding)]);
    let algorithm = writer::sequence(&[&writer::oid(oid::IIT_KEY), &parameters]);
    writer::sequence(&[&algorithm, &writer::octet_string(body)])
}

/// A Java key store with one entry for each key: alias, key, chain.
pub fn jks(entries: &[(&str, &PrivateKey, &[&Certificate])], password: &str, entropy: &Entropy) -> Vec<u8> {
    let password = jks::utf16(password);
    let mut store = jks::MAGIC.to_vec();
    put_number(&mut store, 2);
    put_number(&mut store, entries.len());
    for (index, (alias, key, chain)) in entries.iter().enumerate() {
        put_number(&mut store, 1);
        put_text(&mut store, alias);
        store.extend_from_slice(&[0; 8]);
        let mut data = pkcs8(key);
        let check = jks::key_digest(&password, &data);
        let chance = expand(entropy, "jks", index);
        let salt: &[u8; jks::DIGEST] = chance.first_chunk().expect("64 octets are enough");
        jks::apply_key_stream(&mut data, salt, &password);
        let protected = writer::element(tag::OCTET_STRING, &[salt, &data, &check]);
        put_block(
            &mut store,
            &writer::sequence(&[
                &writer::sequence(&[&writer::oid(oid::JKS_PROTECTOR), &writer::null()]),
                &protected,
            ]),
        );
        put_number(&mut store, chain.len());
        for certificate in *chain {
            put_text(&mut store, "X.509");
            put_block(&mut store, certificate.der());
        }
    }
    let check = jks::store_digest(&password, &store);
    store.extend_from_slice(&check);
    store
}

fn put_number(store: &mut Vec<u8>, number: usize) {
    let number = u32::try_from(number).expect("a store has fewer than 2^32 of anything");
    store.extend_from_slice(&number.to_be_bytes());
}

fn put_block(store: &mut Vec<u8>, octets: &[u8]) {
    put_number(store, octets.len());
    store.extend_from_slice(octets);
}

fn put_text(store: &mut Vec<u8>, text: &str) {
    let length = u16::try_from(text.len()).expect("an alias is shorter than 64 KiB");
    store.extend_from_slice(&length.to_be_bytes());
    store.extend_from_slice(text.as_bytes());
}

/// Salts and starts that differ for every use of the same entropy.
fn expand(entropy: &Entropy, purpose: &str, index: usize) -> [u8; 64] {
    let mut hash = Sha512::new();
    hash.update(entropy.octets());
    hash.update(purpose.as_bytes());
    hash.update((index as u64).to_le_bytes());
    hash.finalize().into()
}
