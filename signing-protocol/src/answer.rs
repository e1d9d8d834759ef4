//! What an agent answers to a request, and what the gateway says to that.

use crate::ids::RequestId;
use crate::octets::{HexOctets, Octets};
use crate::report::KeyFacts;
use crate::request::SignedRequest;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What a poll brings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PollAnswer {
    /// The gateway's clock, by which deadlines are meant.
    pub now: DateTime<Utc>,
    /// At least one, in the order in which they came; at most as many as were asked for.
    pub requests: Vec<SignedRequest>,
}

/// The body of `POST /agent/v1/signature-requests/{id}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The request that it answers, as in the path.
    pub id: RequestId,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Outcome {
    /// The octets are signed.
    Signed {
        /// The signed message, DER. The same octets for every repeat.
        cms: Octets,
    },
    /// The key is unlocked.
    Activated {
        /// The key.
        key: KeyFacts,
    },
    /// The key is stored, sealed; its id is the request's.
    Loaded {
        /// The key.
        key: KeyFacts,
    },
    /// The key's certificate was there already, loaded before under another id: nothing was stored.
    Exists {
        /// The certificate's serial number.
        serial: HexOctets,
    },
    /// Nothing was signed, unlocked or stored, nor will be under this id while the reason lasts.
    Refused {
        /// Why, for programs.
        reason: RefusalReason,
        /// Why, for people. Never holds a secret or content.
        message: String,
    },
}

/// Why an agent refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalReason {
    /// The gateway's signature over the request does not hold, or the request is for another agent.
    NotAuthentic,
    /// The id was used before, for something else.
    IdReused,
    /// The deadline has passed.
    Late,
    /// The deadline is too far away ([`crate::DEADLINE_SECONDS_MAX`]): the gateway's clock or the agent's is wrong.
    DeadlineTooFar,
    /// There is no valid licence, or it does not cover the form.
    Licence,
    /// As many keys are active as the licence allows.
    TooManyKeys,
    /// The agent has no such key.
    UnknownKey,
    /// The key is stored, and not active.
    KeyNotActive,
    /// The key's certificate has expired, or is not valid yet.
    Certificate,
    /// The password, stored or just brought, does not open the key's container.
    WrongPassword,
    /// A key to load has no certificate, neither inside nor beside it.
    CertificateNotFound,
    /// The certificate that came with a key to load is another key's.
    CertificateOfAnotherKey,
    /// The certificate of a key to load does not allow it to sign.
    NotForSigning,
    /// What was to be loaded is no container with a key that can sign.
    InvalidKey,
    /// More octets than [`crate::CONTENT_OCTETS_MAX`] or [`crate::LOAD_OCTETS_MAX`].
    TooLarge,
    /// As much waits already as the agent takes; worth trying again.
    Busy,
    /// A fault of the agent or its disk; worth trying again.
    Failed,
}

impl RefusalReason {
    /// Its name in JSON, in logs and in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NotAuthentic => "not_authentic",
            Self::IdReused => "id_reused",
            Self::Late => "late",
            Self::DeadlineTooFar => "deadline_too_far",
            Self::Licence => "licence",
            Self::TooManyKeys => "too_many_keys",
            Self::UnknownKey => "unknown_key",
            Self::KeyNotActive => "key_not_active",
            Self::Certificate => "certificate",
            Self::WrongPassword => "wrong_password",
            Self::CertificateNotFound => "certificate_not_found",
            Self::CertificateOfAnotherKey => "certificate_of_another_key",
            Self::NotForSigning => "not_for_signing",
            Self::InvalidKey => "invalid_key",
            Self::TooLarge => "too_large",
            Self::Busy => "busy",
            Self::Failed => "failed",
        }
    }

    /// Whether the same request may be accepted a moment later.
    #[must_use]
    pub fn is_transient(self) -> bool {
        matches!(self, Self::Busy | Self::Failed)
    }
}

/// What the gateway says to a delivery that it takes (200).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryAnswer {
    /// Whether it was the first.
    pub status: DeliveryStatus,
}

/// Whether a delivery was the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// It settles the request.
    Accepted,
    /// The same was delivered before.
    Repeated,
}

/// What an agent says to a pushed request that it takes (202): the outcome follows as a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushAnswer {
    /// Whether it was the first.
    pub status: DeliveryStatus,
}
