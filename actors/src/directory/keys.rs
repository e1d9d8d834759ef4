//! Partners' keys: kept only as a keyed digest, so that neither the database nor its timing gives one away.

use crate::secret::Secret;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// The shortest key that is accepted. Our own have 43 characters of base64 (256 bits).
pub const KEY_CHARACTERS_MIN: usize = 8;
/// The longest.
pub const KEY_CHARACTERS_MAX: usize = 255;

/// The server's key over partners' keys, hashed already: without it, even a short key cannot be searched for in a stolen database.
pub struct Pepper(Hmac<Sha256>);

impl Pepper {
    /// Takes a secret of at least 32 bytes.
    pub fn new(secret: Zeroizing<Vec<u8>>) -> Option<Self> {
        let keyed = || Hmac::new_from_slice(&secret).expect("HMAC takes a key of any length");
        (secret.len() >= 32).then(|| Self(keyed()))
    }

    /// The digest under which a key is stored and found.
    pub fn digest(&self, key: &Secret) -> KeyDigest {
        KeyDigest(self.mac(b"countersign/partner-key/v1", key.expose().as_bytes()))
    }

    /// The signature of a user's token over its two first parts.
    pub fn sign_token(&self, signed: &[u8]) -> [u8; 32] {
        self.mac(b"countersign/user-token/v1", signed)
    }

    /// HMAC-SHA-256 of `octets`, for one purpose alone.
    fn mac(&self, purpose: &[u8], octets: &[u8]) -> [u8; 32] {
        let mut mac = self.0.clone();
        mac.update(purpose);
        mac.update(octets);
        mac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for Pepper {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Pepper(***)")
    }
}

/// A key's digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyDigest(pub [u8; 32]);

impl KeyDigest {
    /// Compares in constant time.
    pub fn equals(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

/// Why a key cannot be accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("key: must have {KEY_CHARACTERS_MIN} to {KEY_CHARACTERS_MAX} visible ASCII characters")]
pub struct UnfitKey;

/// Checks that a key can travel in an `Authorization` header.
pub fn check_key(key: &Secret) -> Result<(), UnfitKey> {
    let text = key.expose();
    let fits = (KEY_CHARACTERS_MIN..=KEY_CHARACTERS_MAX).contains(&text.len());
    if fits && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(())
    } else {
        Err(UnfitKey)
    }
}
