//! What a partner is told.

use super::Reason;
use crate::ids::ChallengeId;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The answer to a send or a verification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// What happened.
    pub reason: Reason,
    /// What stands behind the reason's description in `ErrorMessages`.
    pub detail: Option<Detail>,
    /// The code concerned; on success, and where nobody knows whether its message went.
    pub challenge: Option<ChallengeId>,
    /// When the same call may be worth repeating, in whole seconds rounded up.
    pub retry_after_seconds: Option<u32>,
}

impl Answer {
    /// An answer of a reason alone.
    pub fn of(reason: Reason) -> Self {
        Self {
            reason,
            detail: None,
            challenge: None,
            retry_after_seconds: None,
        }
    }

    /// Success, with the code's id.
    pub fn success(challenge: ChallengeId) -> Self {
        Self {
            challenge: Some(challenge),
            ..Self::of(Reason::Success)
        }
    }

    /// Names the code concerned.
    pub fn about(self, challenge: ChallengeId) -> Self {
        Self {
            challenge: Some(challenge),
            ..self
        }
    }

    /// Adds a detail.
    pub fn because(self, detail: Detail) -> Self {
        Self {
            detail: Some(detail),
            ..self
        }
    }

    /// Adds the time after which a repeat makes sense.
    pub fn retry_after(self, left: Duration) -> Self {
        Self {
            retry_after_seconds: Some(seconds_rounded_up(left)),
            ..self
        }
    }

    /// Whether an idempotency key keeps this answer: only where a message went or may have gone.
    pub fn is_kept(&self) -> bool {
        match self.reason {
            Reason::Success => true,
            Reason::SendSmsFault => self.detail == Some(Detail::OutcomeUnknown),
            _ => false,
        }
    }
}

/// Whole seconds, rounded up: who waits that long is not too early.
pub fn seconds_rounded_up(length: Duration) -> u32 {
    u32::try_from(length.as_millis().div_ceil(1_000)).unwrap_or(u32::MAX)
}

/// Why, in more words than the Reason has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Detail {
    /// The operator refused the message, with its own code and text.
    OperatorRefused {
        /// The operator's code.
        code: String,
        /// The operator's words, cut at 200 characters.
        text: String,
    },
    /// Nobody knows whether the message went.
    OutcomeUnknown,
    /// The contact is locked for signing after too many wrong tries.
    ContactLocked {
        /// How many wrong tries lock it.
        tries: u32,
    },
    /// A cap on codes that were not verified.
    Capped {
        /// How many are allowed.
        allowed: u32,
        /// In how many seconds.
        seconds: u32,
        /// Whether the cap counts this contract type alone, or all of the contact's.
        of_contract_type: bool,
    },
    /// The customer has too many live codes at once.
    TooManyLiveCodes {
        /// How many are allowed.
        allowed: u32,
    },
    /// The random generator failed.
    GeneratorFailed,
    /// The customer has too many contacts with codes or tries of the last day.
    TooManyContacts {
        /// How many are allowed.
        allowed: u32,
    },
}

impl Detail {
    /// The detail in words.
    pub fn text(&self) -> String {
        match self {
            Self::OperatorRefused { code, text } if text.is_empty() => format!("operator code {code}"),
            Self::OperatorRefused { code, text } => format!("operator code {code}: {text}"),
            Self::OutcomeUnknown => {
                "the outcome is unknown: the operator gave no answer in time and the message may have been sent".to_owned()
            }
            Self::ContactLocked { tries } => format!("the contact is locked for signing after {tries} wrong tries"),
            Self::Capped { allowed, seconds, of_contract_type } => {
                let scope = if *of_contract_type { "this contact and contract type" } else { "this contact" };
                format!("cap reached: {allowed} unverified codes in {seconds} seconds for {scope}")
            }
            Self::TooManyLiveCodes { allowed } => format!("cap reached: {allowed} live codes for this customer"),
            Self::TooManyContacts { allowed } => {
                format!("cap reached: codes for {allowed} contacts of this customer in a day")
            }
            Self::GeneratorFailed => "the random generator failed".to_owned(),
        }
    }
}
