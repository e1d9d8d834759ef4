//! The rows of evidence's part of the directory, as they are stored.

use super::records::KeyRecord;
use evidence::Field;
use evidence::algorithm::{Algorithm, DigestKind, Encoding};
use serde::{Deserialize, Serialize};
use storage::record::Record;

/// A system that records evidence.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntegrationRecord {
    /// Its keys, oldest first.
    pub keys: Vec<KeyRecord>,
}

/// The algorithms of one version, each in force from a place in the log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlgorithmsRecord {
    /// Oldest first; more than one only for containers without a version.
    pub successive: Vec<AlgorithmRecord>,
}

/// One algorithm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlgorithmRecord {
    /// The first leaf that it is in force for. Places in the log are in one order for everybody, which moments are not.
    pub from_index: u64,
    /// When it was registered, in milliseconds since 1970; for people.
    pub registered_ms: i64,
    /// 1 MD5, 2 SHA-1, 3 SHA-256, 4 SHA-512.
    pub digest: u8,
    /// Fields, by their place in [`Field::ALL`].
    pub fields: Vec<u8>,
    /// Between fields.
    pub separator: String,
    /// Base64 instead of hexadecimal.
    pub is_base64: bool,
}

/// Where a checkpoint goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SinkTarget {
    /// A file of this name in the configured directory; a line group is appended.
    File(String),
    /// A URL to which the note is POSTed.
    Webhook(String),
}

/// An invoker's integration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkRecord {
    /// Its name.
    pub integration: String,
}

impl Record for LinkRecord {
    const NAME: &'static str = "evidence link";
    const VERSION: u8 = 1;
}

impl Record for IntegrationRecord {
    const NAME: &'static str = "integration";
    const VERSION: u8 = 1;
}

impl Record for AlgorithmsRecord {
    const NAME: &'static str = "hash algorithms";
    const VERSION: u8 = 1;
}

impl Record for SinkTarget {
    const NAME: &'static str = "checkpoint sink";
    const VERSION: u8 = 1;
}

impl AlgorithmRecord {
    /// As it is registered now.
    pub(super) fn new(algorithm: &Algorithm, from_index: u64, registered_ms: i64) -> Self {
        let place = |field: &Field| Field::ALL.iter().position(|known| known == field);
        let place = |field: &Field| u8::try_from(place(field).expect("all fields are there")).expect("nine");
        Self {
            from_index,
            registered_ms,
            digest: match algorithm.digest {
                DigestKind::Md5 => 1,
                DigestKind::Sha1 => 2,
                DigestKind::Sha256 => 3,
                DigestKind::Sha512 => 4,
            },
            fields: algorithm.fields.iter().map(place).collect(),
            separator: algorithm.separator.clone(),
            is_base64: algorithm.encoding == Encoding::Base64,
        }
    }

    /// The algorithm; `None` where a newer release has written something that this one does not know.
    #[must_use]
    pub fn algorithm(&self) -> Option<Algorithm> {
        let field = |place: &u8| Field::ALL.get(usize::from(*place)).copied();
        Some(Algorithm {
            digest: match self.digest {
                1 => DigestKind::Md5,
                2 => DigestKind::Sha1,
                3 => DigestKind::Sha256,
                4 => DigestKind::Sha512,
                _ => return None,
            },
            fields: self.fields.iter().map(field).collect::<Option<_>>()?,
            separator: self.separator.clone(),
            encoding: if self.is_base64 {
                Encoding::Base64
            } else {
                Encoding::Hex
            },
        })
    }
}
