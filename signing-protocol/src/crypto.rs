//! Ed25519 (RFC 8032) over canonical content: the gateway's signatures over licences and requests, the agent's over its enrolment.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest as _, Sha256};
use std::fmt;
use zeroize::Zeroizing;

/// Content in one unambiguous form: a label, then each field behind its length. Two messages of different kinds, or with
/// different fields, never have the same form.
#[derive(Clone, PartialEq, Eq)]
pub struct Canonical(Vec<u8>);

impl Canonical {
    /// Content of a kind; `label` names the kind and its version.
    #[must_use]
    pub fn of(label: &str) -> Self {
        Self(Vec::with_capacity(256)).field(label.as_bytes())
    }

    /// With one more field: its length in four octets, most significant first, and its octets.
    ///
    /// # Panics
    /// Where a field has 4 GiB or more; every message is far smaller.
    #[must_use]
    pub fn field(mut self, octets: &[u8]) -> Self {
        let length = u32::try_from(octets.len()).expect("a field is below 4 GiB");
        self.0.extend_from_slice(&length.to_be_bytes());
        self.0.extend_from_slice(octets);
        self
    }

    /// SHA-256 of the content.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        sha_256(&self.0)
    }
}

/// SHA-256 (FIPS 180-4).
#[must_use]
pub fn sha_256(octets: &[u8]) -> [u8; 32] {
    Sha256::digest(octets).into()
}

/// A secret key. Zeroised when dropped, never printed.
#[derive(Clone)]
pub struct SecretKey(SigningKey);

impl SecretKey {
    /// The key that 32 random octets are.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// The octets that the key is; whoever keeps them seals them.
    #[must_use]
    pub fn seed(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// Its public key.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// Signs.
    #[must_use]
    pub fn sign(&self, content: &Canonical) -> Signature {
        Signature(self.0.sign(&content.0).to_bytes())
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SecretKey(of {})", self.public_key())
    }
}

/// A public key: base64 of 32 octets in JSON and in configurations.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

/// A text that is no public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an Ed25519 public key: base64 of 32 octets")]
pub struct NotAPublicKey;

impl PublicKey {
    /// The 32 octets.
    #[must_use]
    pub fn octets(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// Whether the signature is this key's over the content, by the strict rules (no small-order points, RFC 8032, section 5.1.7).
    #[must_use]
    pub fn verifies(&self, content: &Canonical, signature: &Signature) -> bool {
        let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
        self.0.verify_strict(&content.0, &signature).is_ok()
    }
}

impl std::str::FromStr for PublicKey {
    type Err = NotAPublicKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let octets = BASE64_STANDARD.decode(text.trim()).map_err(|_| NotAPublicKey)?;
        let octets: [u8; 32] = octets.try_into().map_err(|_| NotAPublicKey)?;
        VerifyingKey::from_bytes(&octets)
            .map(Self)
            .map_err(|_| NotAPublicKey)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&BASE64_STANDARD.encode(self.octets()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// A signature: base64 of 64 octets in JSON.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature(pub [u8; 64]);

impl fmt::Debug for Signature {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&BASE64_STANDARD.encode(self.0))
    }
}

impl Serialize for Signature {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64_STANDARD.encode(self.0))
    }
}

impl<'de> Deserialize<'de> for Signature {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        let octets = BASE64_STANDARD.decode(text.as_bytes());
        let signature = octets.ok().and_then(|octets| octets.try_into().ok());
        signature
            .map(Self)
            .ok_or_else(|| de::Error::custom("not 64 octets in base64"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_holds_for_its_own_content_and_key_only() {
        let key = SecretKey::from_seed(&[7; 32]);
        let content = Canonical::of("kind 1").field(b"a");
        let signature = key.sign(&content);
        assert!(key.public_key().verifies(&content, &signature));
        let other = Canonical::of("kind 1").field(b"b");
        assert!(!key.public_key().verifies(&other, &signature));
        let stranger = SecretKey::from_seed(&[8; 32]).public_key();
        assert!(!stranger.verifies(&content, &signature));
    }

    #[test]
    fn fields_cannot_flow_into_one_another() {
        let split = Canonical::of("kind").field(b"ab").field(b"c");
        assert_ne!(
            split.digest(),
            Canonical::of("kind").field(b"a").field(b"bc").digest()
        );
        assert_ne!(split.digest(), Canonical::of("kind").field(b"abc").digest());
        assert_ne!(
            Canonical::of("kinda").digest(),
            Canonical::of("kind").field(b"a").digest()
        );
    }

    #[test]
    fn a_public_key_comes_back_from_its_text_and_a_secret_one_is_not_printed() {
        let key = SecretKey::from_seed(&[7; 32]);
        let public = key.public_key();
        assert_eq!(public.to_string().parse(), Ok(public));
        assert!("AAAA".parse::<PublicKey>().is_err());
        let printed = format!("{key:?}");
        assert!(!printed.contains(&BASE64_STANDARD.encode([7; 32])), "{printed}");
    }

    #[test]
    fn the_first_vector_of_rfc_8032_gives_its_public_key() {
        let seed: crate::HexOctets = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
            .parse()
            .unwrap();
        let key = SecretKey::from_seed(&seed.0.try_into().unwrap());
        let expected: crate::HexOctets = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
            .parse()
            .unwrap();
        assert_eq!(key.public_key().octets().as_slice(), expected.0.as_slice());
    }
}
