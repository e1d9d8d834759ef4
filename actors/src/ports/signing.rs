//! Signatures: asked of the agent that holds the key, and judged before they are used.

use crate::ids::{KeyId, SignatureRequestId};
use chrono::{DateTime, Utc};
use fiscal::RegisterNumber;
use futures_util::future::BoxFuture;
use std::sync::Arc;
use std::time::Duration;

/// Octets to be signed: attached CMS (CAdES, DSTU 4145), the one form that the fiscal server takes.
///
/// Under one id everything is always the same, also after a restart, but for `wait`, which is what is left of it.
#[derive(Clone, Debug)]
pub struct SignatureRequest {
    /// Its id.
    pub id: SignatureRequestId,
    /// For which register; none for what concerns none (the list of registers).
    pub register: Option<RegisterNumber>,
    /// With which key.
    pub key: KeyId,
    /// Exactly these octets: a document's XML in windows-1251, or a command's JSON in UTF-8.
    pub content: Arc<[u8]>,
    /// Until when a signature is of use, on the wall clock; whole milliseconds.
    pub deadline: DateTime<Utc>,
    /// The same as what is left from now.
    pub wait: Duration,
}

/// What came of a request for a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignatureOutcome {
    /// The signed message, DER. Not judged yet: see [`SignatureVerifier`].
    Signed(Vec<u8>),
    /// Nothing was signed, nor will be under this id.
    Refused(SignatureRefusal),
    /// Nothing came in time.
    Late,
}

/// Why nothing was signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureRefusal {
    /// For programs, by the agent's own vocabulary (`unknown_key`, `key_not_active`, `licence`); at most 64 characters are kept.
    pub reason: String,
    /// For people; at most 200 characters are kept.
    pub text: String,
}

/// The signing agents, each with its keys.
pub trait SigningAgent: Send + Sync + 'static {
    /// The agent that holds a key, by a short name for metrics; `None` where no agent does.
    fn agent_of(&self, key: KeyId) -> Option<String>;
    /// Asks for a signature, until the request's deadline. Asking again under the same id is harmless: it is signed once, and the
    /// same octets are given. An agent's passing troubles (busy, failed) are retried behind this port.
    fn ask(&self, request: SignatureRequest) -> BoxFuture<'_, SignatureOutcome>;
    /// The signature is of no use any more: what waits may be dropped, what comes is late.
    fn withdraw(&self, request: SignatureRequestId);
}

/// Judges a signature before it is used: pure, but slow enough (about a millisecond) to be called from a task.
pub trait SignatureVerifier: Send + Sync + 'static {
    /// Whether `cms` is a signature that holds, of exactly `content`, by the key with this identifier (`subject_key_id`, hexadecimal in
    /// lower case, as the certificate and the tax service's registry have it).
    ///
    /// # Errors
    /// [`Unfit`].
    fn verify(&self, cms: &[u8], content: &[u8], subject_key_id: &str) -> Result<(), Unfit>;
}

/// Why a signature is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// It is no CMS of the form, or does not hold.
    #[error("the signature does not hold")]
    Broken,
    /// It is of other octets than were asked for.
    #[error("other octets were signed")]
    OtherContent,
    /// It is by another key than was asked.
    #[error("another key signed")]
    OtherKey,
}

impl Unfit {
    /// For metrics and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Broken => "broken",
            Self::OtherContent => "other_content",
            Self::OtherKey => "other_key",
        }
    }
}
