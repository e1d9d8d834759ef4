//! The hash functions behind their algorithm identifiers.

use kupyna::{Digest, Kupyna256, Kupyna384, Kupyna512};

use crate::gost34311::Gost34311;

/// A hash function that Ukrainian signatures use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HashAlgorithm {
    /// GOST 34.311-95 with the S-box "DKE No. 1" and a zero start: 32 octets. Keys issued before 2026.
    Gost34311,
    /// Kupyna-256 (DSTU 7564:2014): 32 octets. Keys issued since 2026.
    Kupyna256,
    /// Kupyna-384: 48 octets.
    Kupyna384,
    /// Kupyna-512: 64 octets.
    Kupyna512,
}

impl HashAlgorithm {
    /// The digest of the parts one after the other.
    pub fn digest(self, parts: &[&[u8]]) -> Vec<u8> {
        match self {
            Self::Gost34311 => {
                let mut hash = Gost34311::new();
                for part in parts {
                    hash.update(part);
                }
                hash.finalize().to_vec()
            }
            Self::Kupyna256 => all::<Kupyna256>(parts),
            Self::Kupyna384 => all::<Kupyna384>(parts),
            Self::Kupyna512 => all::<Kupyna512>(parts),
        }
    }

    /// Octets of a digest.
    pub fn octets(self) -> usize {
        match self {
            Self::Gost34311 | Self::Kupyna256 => 32,
            Self::Kupyna384 => 48,
            Self::Kupyna512 => 64,
        }
    }
}

fn all<D: Digest>(parts: &[&[u8]]) -> Vec<u8> {
    let mut hash = D::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().to_vec()
}
