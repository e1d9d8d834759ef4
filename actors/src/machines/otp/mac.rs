//! What is kept of a code: an HMAC that binds it to everything it was sent for.
//!
//! An unkeyed hash of all million codes is searched in a second, so the key matters more than the hash. The input is a domain
//! tag and length-prefixed fields; no two different sets of inputs give the same bytes.

use super::WindowKey;
use crate::ids::{ChallengeId, CustomerId};
use crate::phone::Phone;
use crate::secret::Otp;
use hmac::{Hmac, KeyInit, Mac};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};
use std::fmt;
use zeroize::Zeroizing;

const CODE_TAG: &[u8] = b"countersign/otp/code/v1";
const BINDING_TAG: &[u8] = b"countersign/otp/binding/v1";

/// The HMAC of a code and the id of the key it was made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeMac {
    /// Which key.
    pub key_id: u32,
    /// HMAC-SHA-256.
    #[serde(with = "serde_bytes")]
    pub tag: [u8; 32],
}

/// The server's HMAC keys: the first makes, all of them check; two are live during a rotation.
pub struct MacKeys(Vec<(u32, Hmac<Sha256>)>);

impl MacKeys {
    /// The fewest bytes a key may have: the output length of SHA-256.
    pub const KEY_BYTES_MIN: usize = 32;

    /// Takes keys with their ids, the current one first. `None` if there is none, one is too short, or an id repeats.
    pub fn new(keys: Vec<(u32, Zeroizing<Vec<u8>>)>) -> Option<Self> {
        let short = keys.iter().any(|(_, key)| key.len() < Self::KEY_BYTES_MIN);
        let repeated = keys
            .iter()
            .enumerate()
            .any(|(i, (id, _))| keys[..i].iter().any(|(other, _)| other == id));
        // Hashed here, not for each code.
        let keyed = |key: &[u8]| Hmac::new_from_slice(key).expect("HMAC takes a key of any length");
        let is_fit = !keys.is_empty() && !short && !repeated;
        is_fit.then(|| Self(keys.iter().map(|(id, key)| (*id, keyed(key))).collect()))
    }

    /// Makes the HMAC of a code with the current key.
    pub fn make(&self, subject: &Subject<'_>, code: &Otp) -> CodeMac {
        let (key_id, key) = &self.0[0];
        CodeMac {
            key_id: *key_id,
            tag: subject.mac(key, code).finalize().into_bytes().into(),
        }
    }

    /// Compares in constant time. `false` also where the key is no longer there.
    pub fn check(&self, subject: &Subject<'_>, code: &Otp, expected: &CodeMac) -> bool {
        let key = self.0.iter().find(|(id, _)| *id == expected.key_id);
        key.is_some_and(|(_, key)| subject.mac(key, code).verify_slice(&expected.tag).is_ok())
    }
}

impl fmt::Debug for MacKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_list()
            .entries(self.0.iter().map(|(id, _)| id))
            .finish()
    }
}

/// What a code is good for. All of it enters the HMAC.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// Whose code.
    pub customer: CustomerId,
    /// Which contact, contract type and invoker.
    pub window: WindowKey,
    /// Which drawing.
    pub challenge: ChallengeId,
    /// Where it was sent; `None` (at verification, where the number is no longer valid) matches nothing.
    pub destination: Option<&'a Phone>,
    /// What is being signed.
    pub binding: Binding,
}

impl Subject<'_> {
    fn mac(&self, key: &Hmac<Sha256>, code: &Otp) -> Hmac<Sha256> {
        let mut mac = key.clone();
        mac.update(CODE_TAG);
        let destination = self.destination.map(Phone::expose).unwrap_or_default();
        for field in [
            &self.customer.0.to_be_bytes()[..],
            &self.window.contact.0.to_be_bytes(),
            &[self.window.contract_type.0],
            self.window.invoker.0.as_bytes(),
            self.challenge.0.as_bytes(),
            destination.as_bytes(),
            &self.binding.0,
            code.expose().as_bytes(),
        ] {
            mac.update(&length_prefix(field));
            mac.update(field);
        }
        mac
    }
}

/// A digest of the contract id and the documents' digests that a code is bound to; all zero where it is bound to none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Binding([u8; 32]);

impl Binding {
    /// Binds to a contract and a set of documents; their order and repeats do not matter. Absence of both binds to nothing.
    pub fn to(contract_id: Option<&str>, documents_sha256: &[[u8; 32]]) -> Self {
        if contract_id.is_none() && documents_sha256.is_empty() {
            return Self::default();
        }
        let mut documents = documents_sha256.to_vec();
        documents.sort_unstable();
        documents.dedup();
        let mut hash = Sha256::new();
        hash.update(BINDING_TAG);
        hash.update([u8::from(contract_id.is_some())]);
        let contract_id = contract_id.unwrap_or_default().as_bytes();
        hash.update(length_prefix(contract_id));
        hash.update(contract_id);
        documents.iter().for_each(|document| hash.update(document));
        Self(hash.finalize().into())
    }
}

/// Stored as its digest, or as nothing where it binds to nothing, as most do.
impl Serialize for Binding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let is_bound = *self != Self::default();
        serializer.serialize_bytes(if is_bound { &self.0 } else { &[] })
    }
}

impl<'de> Deserialize<'de> for Binding {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let stored = <&serde_bytes::Bytes>::deserialize(deserializer)?;
        match **stored {
            [] => Ok(Self::default()),
            ref digest => <[u8; 32]>::try_from(digest)
                .map(Self)
                .map_err(|_| D::Error::invalid_length(digest.len(), &"a digest or nothing")),
        }
    }
}

/// A code's HMAC, and what it is bound to, as versions 1 and 2 of a book stored them.
#[derive(Clone, Copy, Deserialize)]
pub(super) struct Earlier {
    key_id: u32,
    tag: [u8; 32],
    binding: [u8; 32],
}

impl From<Earlier> for (CodeMac, Binding) {
    fn from(earlier: Earlier) -> Self {
        let Earlier { key_id, tag, binding } = earlier;
        (CodeMac { key_id, tag }, Binding(binding))
    }
}

fn length_prefix(field: &[u8]) -> [u8; 4] {
    u32::try_from(field.len())
        .expect("every field is bounded at the door")
        .to_be_bytes()
}
