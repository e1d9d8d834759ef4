//! What somebody holds against the log: a leaf's hash, its place, the path to a root, and the checkpoint with that root.

use crate::checkpoint::{Head, Untrusted, Verifier};
use crate::hex;
use crate::tree::{self, Hash};
use serde::{Deserialize, Serialize};

/// Hashes of the longest path: one for each bit of a size.
pub const PATH_MAX: usize = 64;

/// A receipt, as it travels: hashes in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The leaf's hash.
    pub leaf_hash: String,
    /// Its place in the log, from 0.
    pub index: u64,
    /// The inclusion proof, the hash next to the leaf first.
    pub path: Vec<String>,
    /// The signed head that the path leads to.
    pub checkpoint: String,
}

/// Why a receipt proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refuted {
    /// The checkpoint cannot be trusted.
    #[error("its checkpoint cannot be trusted: {0}")]
    Checkpoint(#[from] Untrusted),
    /// A hash is none.
    #[error("a hash in it is none")]
    NotAHash,
    /// The path does not lead from the leaf to the checkpoint's root.
    #[error("its path does not lead from the leaf to the signed root")]
    NotIncluded,
}

impl Receipt {
    /// Writes one.
    #[must_use]
    pub fn new(leaf: Hash, index: u64, path: &[Hash], checkpoint: String) -> Self {
        Self {
            leaf_hash: leaf.to_string(),
            index,
            path: path.iter().map(Hash::to_string).collect(),
            checkpoint,
        }
    }

    /// Judges it with nothing but the log's keys; gives the head that it was proved under.
    ///
    /// # Errors
    /// [`Refuted`].
    pub fn verify(&self, keys: &[Verifier]) -> Result<Head, Refuted> {
        let head = Head::verified(&self.checkpoint, keys)?;
        let hash = |text: &String| hex::decode(text).map(Hash).ok_or(Refuted::NotAHash);
        if self.path.len() > PATH_MAX {
            return Err(Refuted::NotIncluded);
        }
        let path = self.path.iter().map(hash).collect::<Result<Vec<_>, _>>()?;
        let leaf = hash(&self.leaf_hash)?;
        if tree::is_included(&leaf, self.index, head.size, &path, &head.root) {
            Ok(head)
        } else {
            Err(Refuted::NotIncluded)
        }
    }
}
