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

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(octets: &[u8]) -> String {
        octets.iter().map(|octet| format!("{octet:02x}")).collect()
    }

    #[test]
    fn kupyna_256_is_the_standards() {
        // DSTU 7564:2014, annex B: the octets 0 to 63.
        let message: Vec<u8> = (0..64).collect();
        let expected = "08f4ee6f1be6903b324c4e27990cb24ef69dd58dbe84813ee0a52f6631239875";
        assert_eq!(hex(&HashAlgorithm::Kupyna256.digest(&[&message])), expected);
        assert_eq!(
            hex(&HashAlgorithm::Kupyna256.digest(&[&message[..7], &message[7..]])),
            expected
        );
    }

    #[test]
    fn digests_have_the_octets_that_they_announce() {
        for hash in [
            HashAlgorithm::Gost34311,
            HashAlgorithm::Kupyna256,
            HashAlgorithm::Kupyna384,
            HashAlgorithm::Kupyna512,
        ] {
            assert_eq!(hash.digest(&[b"x"]).len(), hash.octets());
            assert_eq!(HashAlgorithm::from_oid(hash.oid()), Some(hash));
        }
    }
}
