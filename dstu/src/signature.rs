//! Making and checking signatures of digests (DSTU 4145-2002, sections 9, 12 and 13), and their encodings.

use crate::curve::{Curve, NonceTask, VerifyTask};
use crate::entropy::Entropy;
use crate::field::Limbs;
use crate::key::{PrivateKey, PublicKey};
use crate::nonce::Candidates;
use crate::scalar;

/// Nonces tried before giving up. One in two is out of range on curves whose order is just above a power of two,
/// so 256 failures in a row mean that the generator is broken, not that luck is bad.
const NONCE_TRIES: usize = 256;

/// Why a signature was not made or not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The octets are not two components of this curve's width.
    #[error("a signature on this curve has {expected} octets, not {found}")]
    Length {
        /// What the curve asks for.
        expected: usize,
        /// What came.
        found: usize,
    },
    /// r or s is zero or not below the order.
    #[error("a component of the signature is out of range")]
    Range,
    /// The signature belongs to another curve than the key.
    #[error("the signature belongs to another curve than the key")]
    Curve,
    /// The signature is not this key's over this digest.
    #[error("the signature does not match")]
    Mismatch,
    /// The digest is empty.
    #[error("the digest is empty")]
    EmptyDigest,
    /// A check of the computation failed: the machine computes wrongly. Nothing was given out.
    #[error("the computation failed its own check")]
    Fault,
    /// No nonce was usable.
    #[error("no usable nonce was found")]
    Nonce,
}

/// A signature: r and s, both above 0 and below the order of the curve's base point.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature {
    curve: Curve,
    r: Limbs,
    s: Limbs,
}

impl Signature {
    /// Reads `r ‖ s`, each ⌈L(n)/8⌉ octets, least significant octet first (64 octets on m = 257): the form of
    /// the algorithm identifiers `1.2.804.2.1.1.1.1.3.1.1` and `…3.6.*`, as CMS carries it.
    ///
    /// # Errors
    /// [`Error::Length`] and [`Error::Range`].
    pub fn from_little_endian(curve: Curve, octets: &[u8]) -> Result<Self, Error> {
        let width = curve.scalar_octets();
        if octets.len() != 2 * width {
            return Err(Error::Length {
                expected: 2 * width,
                found: octets.len(),
            });
        }
        let (r, s) = octets.split_at(width);
        let read = |octets| scalar::from_little_endian(octets).ok_or(Error::Range);
        let signature = Self {
            curve,
            r: read(r)?,
            s: read(s)?,
        };
        let valid = scalar::is_in_range(curve, &signature.r) & scalar::is_in_range(curve, &signature.s);
        if bool::from(valid) {
            Ok(signature)
        } else {
            Err(Error::Range)
        }
    }

    /// Reads `s ‖ r`, most significant octet first: the little-endian form reversed (`…3.1.1.1.1`).
    ///
    /// # Errors
    /// As [`Signature::from_little_endian`].
    pub fn from_big_endian(curve: Curve, octets: &[u8]) -> Result<Self, Error> {
        let reversed: Vec<u8> = octets.iter().rev().copied().collect();
        Self::from_little_endian(curve, &reversed)
    }

    /// `r ‖ s`, least significant octet first, always of full width.
    pub fn to_little_endian(&self) -> Vec<u8> {
        let width = self.curve.scalar_octets();
        let mut octets = vec![0; 2 * width];
        scalar::to_little_endian(&self.r, &mut octets[..width]);
        scalar::to_little_endian(&self.s, &mut octets[width..]);
        octets
    }

    /// `s ‖ r`, most significant octet first, always of full width.
    pub fn to_big_endian(&self) -> Vec<u8> {
        let mut octets = self.to_little_endian();
        octets.reverse();
        octets
    }

    /// The curve that the components belong to.
    pub fn curve(&self) -> Curve {
        self.curve
    }
}

impl std::fmt::Debug for Signature {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Signature({:?})", self.curve)
    }
}

/// The digest as a field element (section 5.9): octets least significant first, cut to m bits, 1 instead of 0.
pub(crate) fn hash_element(curve: Curve, digest: &[u8]) -> Limbs {
    let octets = curve.field_octets().min(digest.len());
    let number =
        scalar::from_little_endian(&digest[..octets]).expect("no field element has more than 54 octets");
    let mut element = scalar::truncate(number, curve.degree());
    if element.iter().all(|limb| *limb == 0) {
        element[0] = 1;
    }
    element
}

impl PrivateKey {
    /// Signs a digest, given as the octets that the hash function emits.
    ///
    /// The nonce is hedged: it is drawn from the key, the digest and `entropy` together, so that poor or repeated
    /// entropy does not give the key away. The point that it yields is checked to be on the curve.
    ///
    /// # Errors
    /// [`Error::EmptyDigest`]; [`Error::Fault`] and [`Error::Nonce`] when the machine computes wrongly.
    pub fn sign(&self, digest: &[u8], entropy: &Entropy) -> Result<Signature, Error> {
        if digest.is_empty() {
            return Err(Error::EmptyDigest);
        }
        let mut nonces = Candidates::for_nonce(self, digest, entropy);
        for _ in 0..NONCE_TRIES {
            if let Some(signature) = self.sign_with(&nonces.draw(), digest)? {
                return Ok(signature);
            }
        }
        Err(Error::Nonce)
    }

    /// One try with a given nonce; nothing where the standard asks for another one.
    pub(crate) fn sign_with(&self, nonce: &Limbs, digest: &[u8]) -> Result<Option<Signature>, Error> {
        let curve = self.curve();
        // That a candidate is dropped tells nothing of the one that is used.
        if !bool::from(scalar::is_in_range(curve, nonce)) {
            return Ok(None);
        }
        let definition = curve.definition();
        let task = NonceTask {
            definition,
            comb: curve.comb(),
            nonce,
            hash: hash_element(curve, digest),
        };
        let product = curve
            .run(self.arithmetic(), task)
            .map_err(|_fault| Error::Fault)?;
        let Some(product) = product else { return Ok(None) };
        let r = scalar::truncate(product, definition.order_bits - 1);
        let s = scalar::multiply_add(curve, nonce, self.secret(), &r);
        let unusable = scalar::is_zero(&r) | scalar::is_zero(&s);
        Ok((!bool::from(unusable)).then_some(Signature { curve, r, s }))
    }
}

impl PublicKey {
    /// Checks a signature of a digest, given as the octets that the hash function emits.
    ///
    /// # Errors
    /// [`Error::Mismatch`], [`Error::Curve`], [`Error::EmptyDigest`].
    pub fn verify(&self, digest: &[u8], signature: &Signature) -> Result<(), Error> {
        let curve = self.curve();
        if signature.curve != curve {
            return Err(Error::Curve);
        }
        if digest.is_empty() {
            return Err(Error::EmptyDigest);
        }
        let definition = curve.definition();
        let task = VerifyTask {
            definition,
            comb: curve.comb(),
            public: self.point(),
            hash: hash_element(curve, digest),
            r: signature.r,
            s: signature.s,
        };
        let product = curve.run(self.arithmetic(), task).ok_or(Error::Mismatch)?;
        let r = scalar::truncate(product, definition.order_bits - 1);
        if r == signature.r {
            Ok(())
        } else {
            Err(Error::Mismatch)
        }
    }
}
