//! Everything that can go wrong below a [`Store`](crate::Store), sorted by what the caller can do about it.

use std::path::PathBuf;

use crate::Key;

/// The result of every operation of this package.
pub type Result<T> = std::result::Result<T, Error>;

/// Why an operation was not done. `Clone`, because one broken disk answers many callers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A version that the batch expected did not hold; nothing of the batch was written. Load again and decide again.
    #[error("{key:?} is not at the version that was expected")]
    Conflict {
        /// The first key, in the order of the batch, whose version differed.
        key: Key,
    },

    /// The operation is over a limit; it was refused before it was queued. Repeating it cannot help.
    #[error("{what} has a size of {size}, and the limit is {limit}")]
    TooLarge {
        /// What was measured: `key`, `value`, `batch operations`, `batch bytes`, `record`.
        what: &'static str,
        /// The measure, in bytes (in operations for `batch operations`).
        size: usize,
        /// The largest that is accepted, in the same unit.
        limit: usize,
    },

    /// The bytes cannot be a key: empty, or in the range that the store keeps for itself.
    #[error("not a key: {detail}")]
    InvalidKey {
        /// What is wrong with them.
        detail: String,
    },

    /// The disk is nearly full, so writing stopped before anything could be damaged. Reads go on; the store recovers by itself
    /// when space is freed.
    #[error("the disk is nearly full: {free_bytes} bytes are free")]
    Full {
        /// What the file system last said was available to us.
        free_bytes: u64,
    },

    /// The disk (or the code that writes to it) failed, and nobody knows what of the waiting batches was written. The process
    /// should end and start anew: what is on disk is found at start.
    #[error("the store failed and takes nothing more: {reason}")]
    Poisoned {
        /// The first failure.
        reason: String,
    },

    /// The store was closed.
    #[error("the store is closed")]
    Closed,

    /// Stored bytes are not what their reader expects.
    #[error("{what} is damaged: {detail}")]
    Corrupt {
        /// The key or the record that was read.
        what: String,
        /// What is wrong with the bytes.
        detail: String,
    },

    /// The store could not be opened. Nothing was changed, unless the advice says so.
    #[error("cannot open the store in {}: {detail}. {advice}", path.display())]
    Open {
        /// The directory of the store.
        path: PathBuf,
        /// What was found.
        detail: String,
        /// What the administrator should do now.
        advice: String,
    },
}

impl Error {
    /// The reason alone, to be carried by another error of the same kind.
    pub(crate) fn into_reason(self) -> String {
        match self {
            Error::Poisoned { reason } => reason,
            other => other.to_string(),
        }
    }
}
