//! Hedged nonces: uniform below the order, secret even if the entropy is poor.
//!
//! seed = HMAC-SHA-512(key = d, label ‖ curve ‖ entropy ‖ digest); the candidates are the low L(n) bits of
//! SHA-512(seed ‖ counter), and those that are zero or not below n are dropped. With good entropy the nonces are
//! random, as the standard asks; without any they are a function of key and digest, and never repeat for two digests.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha512};
use zeroize::{Zeroize, Zeroizing};

use crate::curve::Curve;
use crate::entropy::Entropy;
use crate::field::Limbs;
use crate::key::PrivateKey;
use crate::scalar;

/// Separates the two uses from each other and from any other use of the key.
const NONCE_LABEL: &[u8] = b"DSTU 4145-2002 hedged nonce, version 1";
const KEY_LABEL: &[u8] = b"DSTU 4145-2002 new key, version 1";

/// Secret numbers of L(n) bits, drawn one after the other.
pub(crate) struct Candidates {
    seed: Zeroizing<[u8; 64]>,
    counter: u32,
    bits: usize,
}

impl Candidates {
    /// Candidates for a new private key: the key of the MAC is the entropy itself.
    pub(crate) fn for_key(curve: Curve, entropy: &Entropy) -> Self {
        let mut mac =
            Hmac::<Sha512>::new_from_slice(entropy.octets()).expect("HMAC takes keys of any length");
        mac.update(KEY_LABEL);
        mac.update(&(curve.degree() as u64).to_le_bytes());
        Self::seeded(mac, curve)
    }

    /// Candidates for the nonce of one signature.
    pub(crate) fn for_nonce(key: &PrivateKey, digest: &[u8], entropy: &Entropy) -> Self {
        let mut secret = Zeroizing::new([0; 56]);
        scalar::to_little_endian(key.secret(), secret.as_mut_slice());
        let mut mac =
            Hmac::<Sha512>::new_from_slice(secret.as_slice()).expect("HMAC takes keys of any length");
        mac.update(NONCE_LABEL);
        mac.update(&(key.curve().degree() as u64).to_le_bytes());
        mac.update(entropy.octets());
        mac.update(digest);
        Self::seeded(mac, key.curve())
    }

    fn seeded(mac: Hmac<Sha512>, curve: Curve) -> Self {
        let seed = Zeroizing::new(mac.finalize().into_bytes().into());
        Self {
            seed,
            counter: 0,
            bits: curve.order_bits(),
        }
    }

    /// The next candidate, of L(n) bits; it may still be zero or too large.
    pub(crate) fn draw(&mut self) -> Zeroizing<Limbs> {
        let mut hash = Sha512::new();
        hash.update(self.seed.as_slice());
        hash.update(self.counter.to_le_bytes());
        self.counter += 1;
        let mut block: [u8; 64] = hash.finalize().into();
        let number = scalar::from_little_endian(&block[..56]).expect("56 octets are seven limbs");
        block.zeroize();
        Zeroizing::new(scalar::truncate(number, self.bits))
    }
}
