//! Private and public keys.

use std::fmt;

use zeroize::Zeroizing;

use crate::curve::{CompressTask, Curve, DecompressTask, Point, PublicPointTask, ValidateTask};
use crate::entropy::Entropy;
use crate::field::{Arithmetic, Limbs};
use crate::hash::HashAlgorithm;
use crate::nonce::Candidates;
use crate::scalar;

/// Candidates for a new key; one in two may be out of range, so 256 failures mean a broken machine.
const KEY_TRIES: usize = 256;

/// Why octets are no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The private number is zero or not below the order of the base point.
    #[error("the private key is out of range")]
    PrivateRange,
    /// The compressed point has another length, or bits above the field's degree.
    #[error("the public key is not of this curve's length")]
    PublicLength,
    /// There is no such point, or its order is not that of the base point.
    #[error("the public key is not a point of the right order")]
    PublicPoint,
}

/// A private key d with 0 < d < n, and its public key. Zeroised when dropped, never printed.
#[derive(Clone)]
pub struct PrivateKey {
    secret: Zeroizing<Limbs>,
    public: PublicKey,
}

impl PrivateKey {
    /// Reads d, least significant octet first. Octets beyond the order's width must be zero (real containers pad
    /// to a multiple of four).
    ///
    /// # Errors
    /// [`Error::PrivateRange`].
    pub fn from_little_endian(curve: Curve, octets: &[u8]) -> Result<Self, Error> {
        let secret = Zeroizing::new(scalar::from_little_endian(octets).ok_or(Error::PrivateRange)?);
        if !bool::from(scalar::is_in_range(curve, &secret)) {
            return Err(Error::PrivateRange);
        }
        Ok(Self::of_secret(curve, secret))
    }

    /// With the public key of a number in range.
    fn of_secret(curve: Curve, secret: Zeroizing<Limbs>) -> Self {
        let definition = curve.definition();
        let [x, y] = definition.generator;
        let task = PublicPointTask {
            definition,
            base: Point { x, y },
            secret: &secret,
        };
        let point = curve.run(Arithmetic::Fastest, task);
        Self {
            secret,
            public: PublicKey::of_valid_point(curve, point),
        }
    }

    /// Makes a new key from entropy: a function of it, so the entropy must be fresh.
    ///
    /// # Errors
    /// [`Error::PrivateRange`] if no candidate is in range, which no working machine meets.
    pub fn generate(curve: Curve, entropy: &Entropy) -> Result<Self, Error> {
        let mut candidates = Candidates::for_key(curve, entropy);
        for _ in 0..KEY_TRIES {
            let secret = candidates.draw();
            if bool::from(scalar::is_in_range(curve, &secret)) {
                return Ok(Self::of_secret(curve, secret));
            }
        }
        Err(Error::PrivateRange)
    }

    /// d, least significant octet first, ⌈L(n)/8⌉ octets.
    pub fn to_little_endian(&self) -> Zeroizing<Vec<u8>> {
        let mut octets = Zeroizing::new(vec![0; self.curve().scalar_octets()]);
        scalar::to_little_endian(&self.secret, &mut octets);
        octets
    }

    /// The curve of the key.
    pub fn curve(&self) -> Curve {
        self.public.curve
    }

    /// The public key Q = −d·P.
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// Chooses how the key computes; the signatures are the same.
    #[must_use]
    pub fn with_arithmetic(mut self, arithmetic: Arithmetic) -> Self {
        self.public.arithmetic = arithmetic;
        self
    }

    pub(crate) fn secret(&self) -> &Limbs {
        &self.secret
    }

    pub(crate) fn arithmetic(&self) -> Arithmetic {
        self.public.arithmetic
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PrivateKey({:?}, …)", self.curve())
    }
}

/// A public key: a point of the base point's order.
#[derive(Clone, Copy)]
pub struct PublicKey {
    curve: Curve,
    point: Point,
    compressed: Limbs,
    arithmetic: Arithmetic,
}

impl PublicKey {
    /// Reads a compressed point (section 6.9), least significant octet first, ⌈m/8⌉ octets, and checks that it
    /// is a point of order n.
    ///
    /// # Errors
    /// [`Error::PublicLength`], [`Error::PublicPoint`].
    pub fn from_compressed(curve: Curve, octets: &[u8]) -> Result<Self, Error> {
        if octets.len() != curve.field_octets() {
            return Err(Error::PublicLength);
        }
        let compressed = scalar::from_little_endian(octets).ok_or(Error::PublicLength)?;
        if scalar::truncate(compressed, curve.degree()) != compressed {
            return Err(Error::PublicLength);
        }
        let definition = curve.definition();
        let point = curve
            .run(
                Arithmetic::Fastest,
                DecompressTask {
                    definition,
                    compressed,
                },
            )
            .ok_or(Error::PublicPoint)?;
        Self::from_point(curve, point)
    }

    /// As [`PublicKey::from_compressed`], most significant octet first.
    ///
    /// # Errors
    /// As [`PublicKey::from_compressed`].
    pub fn from_compressed_big_endian(curve: Curve, octets: &[u8]) -> Result<Self, Error> {
        let reversed: Vec<u8> = octets.iter().rev().copied().collect();
        Self::from_compressed(curve, &reversed)
    }

    /// Checks that a point is on the curve and of order n (section 10.1).
    pub(crate) fn from_point(curve: Curve, point: Point) -> Result<Self, Error> {
        let task = ValidateTask {
            definition: curve.definition(),
            point,
        };
        if !curve.run(Arithmetic::Fastest, task) {
            return Err(Error::PublicPoint);
        }
        Ok(Self::of_valid_point(curve, point))
    }

    fn of_valid_point(curve: Curve, point: Point) -> Self {
        let compressed = curve.run(Arithmetic::Fastest, CompressTask(point));
        Self {
            curve,
            point,
            compressed,
            arithmetic: Arithmetic::Fastest,
        }
    }

    /// The compressed point, least significant octet first: the content of the OCTET STRING in a certificate.
    pub fn to_compressed(&self) -> Vec<u8> {
        let mut octets = vec![0; self.curve.field_octets()];
        scalar::to_little_endian(&self.compressed, &mut octets);
        octets
    }

    /// The subject key identifier: the hash of the DER OCTET STRING with the compressed point. Certificates of
    /// before 2026 use GOST 34.311.
    pub fn key_id(&self, algorithm: HashAlgorithm) -> Vec<u8> {
        let octets = self.to_compressed();
        let length = u8::try_from(octets.len()).expect("no compressed point has more than 54 octets");
        algorithm.digest(&[&[0x04, length], octets.as_slice()])
    }

    /// The curve of the key.
    pub fn curve(&self) -> Curve {
        self.curve
    }

    /// Chooses how the key computes; the outcome is the same.
    #[must_use]
    pub fn with_arithmetic(mut self, arithmetic: Arithmetic) -> Self {
        self.arithmetic = arithmetic;
        self
    }

    pub(crate) fn point(&self) -> Point {
        self.point
    }

    pub(crate) fn arithmetic(&self) -> Arithmetic {
        self.arithmetic
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.curve == other.curve && self.point == other.point
    }
}

impl Eq for PublicKey {}

impl fmt::Debug for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PublicKey({:?}, ", self.curve)?;
        for octet in self.to_compressed() {
            write!(formatter, "{octet:02x}")?;
        }
        formatter.write_str(")")
    }
}
