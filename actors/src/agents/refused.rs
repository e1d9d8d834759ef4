//! What an agent is told instead of what it asked for.

use crate::random::Fault;
use signing_protocol::ErrorCode;

/// A refusal in the protocol's vocabulary.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {detail}", .code.slug())]
pub struct Refused {
    /// For programs.
    pub code: ErrorCode,
    /// For people: what is wrong and what to do. Holds no secret.
    pub detail: String,
    /// Seconds after which it may be tried again, where that is known.
    pub retry_after: Option<u32>,
}

impl Refused {
    pub(super) fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            retry_after: None,
        }
    }

    pub(super) fn too_often(seconds: u32) -> Self {
        Self {
            retry_after: Some(seconds),
            ..Self::new(
                ErrorCode::TooManyRequests,
                "this was done too often within a minute",
            )
        }
    }

    pub(super) fn busy() -> Self {
        Self {
            retry_after: Some(1),
            ..Self::new(
                ErrorCode::Unavailable,
                "as many signatures are being judged as may be; send it again",
            )
        }
    }
}

impl From<storage::Error> for Refused {
    fn from(error: storage::Error) -> Self {
        tracing::error!(%error, "the book of agents could not be changed");
        Self {
            retry_after: Some(5),
            ..Self::new(
                ErrorCode::Unavailable,
                "the store takes nothing now; nothing of this was done",
            )
        }
    }
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Self {
        tracing::error!(%fault, "an agent could not be answered");
        Self {
            retry_after: Some(5),
            ..Self::new(ErrorCode::Unavailable, "no random numbers could be drawn")
        }
    }
}
