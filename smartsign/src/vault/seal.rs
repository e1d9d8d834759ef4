//! Sealing: Argon2id (RFC 9106) from the container's secret to a key, XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha) with random nonces under it.

use super::Error;
use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// Octets of a nonce. With 24 random ones, a key may seal without end.
const NONCE_OCTETS: usize = 24;

/// How the sealing key is derived; kept beside what is sealed, in the clear.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Derivation {
    /// 16 random octets, hexadecimal.
    pub salt: signing_protocol::HexOctets,
    /// KiB of memory.
    pub memory_kib: u32,
    /// Passes.
    pub passes: u32,
}

impl Derivation {
    pub fn derive(&self, secret: &str) -> Result<Sealer, Error> {
        let failed = |error: argon2::Error| Error::Derivation(error.to_string());
        let params = Params::new(self.memory_kib, self.passes, 1, Some(32)).map_err(failed)?;
        let mut key = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(secret.as_bytes(), &self.salt.0, key.as_mut_slice())
            .map_err(failed)?;
        Ok(Sealer(XChaCha20Poly1305::new(&Key::from(*key))))
    }
}

/// Seals and opens. The cipher zeroises its key when it is dropped.
#[derive(Clone)]
pub struct Sealer(XChaCha20Poly1305);

impl Sealer {
    /// `nonce ‖ ciphertext ‖ tag`; `name` must be given again to open it, so that one sealed thing cannot stand in for another.
    ///
    /// # Errors
    /// [`Error::Randomness`].
    pub fn seal(&self, name: &[u8], open: &[u8]) -> Result<Vec<u8>, Error> {
        let mut sealed = vec![0; NONCE_OCTETS];
        getrandom::fill(&mut sealed).map_err(|_| Error::Randomness)?;
        let nonce = nonce(&sealed).ok_or(Error::Damaged)?;
        let body = self.0.encrypt(&nonce, Payload { msg: open, aad: name });
        // Only content of more than 256 GiB cannot be sealed.
        sealed.extend(body.map_err(|_| Error::Damaged)?);
        Ok(sealed)
    }

    /// What was sealed under this name.
    ///
    /// # Errors
    /// [`Error::Damaged`]: other octets, another name or another secret.
    pub fn open(&self, name: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let nonce = nonce(sealed).ok_or(Error::Damaged)?;
        let payload = Payload {
            msg: &sealed[NONCE_OCTETS..],
            aad: name,
        };
        let open = self.0.decrypt(&nonce, payload).map_err(|_| Error::Damaged)?;
        Ok(Zeroizing::new(open))
    }
}

fn nonce(sealed: &[u8]) -> Option<XNonce> {
    let octets: [u8; NONCE_OCTETS] = sealed.get(..NONCE_OCTETS)?.try_into().ok()?;
    Some(XNonce::from(octets))
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn sealer(secret: &str) -> Sealer {
        let derivation = Derivation {
            salt: signing_protocol::HexOctets(vec![1; 16]),
            memory_kib: 64,
            passes: 1,
        };
        derivation.derive(secret).unwrap()
    }

    #[test]
    fn what_was_sealed_opens_under_its_name_and_secret_only() {
        let sealer_a = sealer("a");
        let sealed = sealer_a.seal(b"name", b"content").unwrap();
        assert_eq!(sealer_a.open(b"name", &sealed).unwrap().as_slice(), b"content");
        assert!(sealer_a.open(b"other", &sealed).is_err());
        assert!(sealer("b").open(b"name", &sealed).is_err());
        assert!(!sealed.windows(7).any(|part| part == b"content"));
    }

    #[test]
    fn every_changed_octet_is_found() {
        let sealer = sealer("a");
        let sealed = sealer.seal(b"name", b"content").unwrap();
        for position in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[position] ^= 1;
            assert!(sealer.open(b"name", &changed).is_err(), "octet {position}");
            assert!(
                sealer.open(b"name", &sealed[..position]).is_err(),
                "cut at {position}"
            );
        }
    }

    #[test]
    fn sealing_twice_gives_different_octets() {
        let sealer = sealer("a");
        assert_ne!(sealer.seal(b"n", b"c").unwrap(), sealer.seal(b"n", b"c").unwrap());
    }
}
