//! What is counted of a register, logged, and told to its owner.

use super::answer::{DocumentKind, ManualReason};
use fiscal::offline::State;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note {
    /// A document came to its end.
    Document {
        /// What it was.
        kind: DocumentKind,
        /// What became of it.
        outcome: DocumentOutcome,
    },
    /// It took so long from being planned to being signed, in milliseconds.
    SignedAfter(i64),
    /// It took so long from being planned to being registered, in milliseconds.
    RegisteredAfter(i64),
    /// Something came for a request or a document that is not waited for.
    Stray,
    /// An attempt to close a shift by itself failed.
    CloseFailed,
    /// A shift is within an hour of 24 hours, and still open.
    ShiftTooLong,
    /// An offline session began.
    OfflineBegun,
    /// An offline session ended, all of it delivered: so many documents.
    OfflineEnded(u64),
    /// So many offline documents were delivered.
    Delivered(u64),
    /// An offline session, or the month, is near its limit, or at it.
    OfflineLimit(State),
    /// The tax service refused a package: a person must look.
    PackageRejected,
    /// The register waits for a person.
    Manual(ManualReason),
}

/// What became of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocumentOutcome {
    /// Registered, by its ticket.
    Registered,
    /// Registered, as a look after a doubt showed.
    Adopted,
    /// Refused by the tax service.
    Rejected,
    /// Never sent.
    Cancelled,
    /// In doubt, for the first time.
    Doubtful,
    /// Issued offline.
    Issued,
}

impl DocumentOutcome {
    /// Its name in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::Adopted => "adopted",
            Self::Rejected => "rejected",
            Self::Cancelled => "cancelled",
            Self::Doubtful => "doubtful",
            Self::Issued => "issued_offline",
        }
    }
}
