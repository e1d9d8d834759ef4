//! Why a service gives no answer at all: never a business rule, which is an answer.

use crate::registry::Busy;
use storage::{Health, Store};

/// Why there is no answer; each of these has its own status or words on every face.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Too much waits for the actor that was asked: a customer's, a client's, a register's.
    Busy,
    /// The store takes nothing now, or the gateway is going down.
    Unavailable,
    /// An unforeseen error; it was logged.
    Unforeseen,
    /// The idempotency key's first request still runs. Only where a request may carry such a key.
    StillRunning,
    /// The idempotency key came with another body before. Only where a request may carry such a key.
    OtherBody,
}

impl Trouble {
    /// What an error of the store is to a caller; logged where it is unforeseen.
    #[must_use]
    pub fn of_store(error: &storage::Error) -> Self {
        match error {
            storage::Error::Full { .. } | storage::Error::Poisoned { .. } | storage::Error::Closed => {
                Self::Unavailable
            }
            other => {
                tracing::error!(error = %other, "the store could not be read");
                Self::Unforeseen
            }
        }
    }

    /// An actor went away without an answer: because of its store, or of an error of its own, which its supervisor logged.
    #[must_use]
    pub fn of_silence(store: &dyn Store) -> Self {
        match store.health() {
            Health::Ready => Self::Unforeseen,
            Health::Full { .. } | Health::Poisoned { .. } | Health::Closed => Self::Unavailable,
        }
    }
}

impl<M> From<Busy<M>> for Trouble {
    fn from(_: Busy<M>) -> Self {
        Self::Busy
    }
}
