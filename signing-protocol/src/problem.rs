//! Error answers of the gateway's side: `application/problem+json` (RFC 9457), told apart by `type`.

use serde::{Deserialize, Serialize};

/// What the gateway can answer to an agent instead of what was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// 400: the body is not what the route takes.
    InvalidBody,
    /// 401: no secret, or one that is not (or no longer) known. The agent enrols again.
    Unauthorized,
    /// 403: the licence does not hold, was revoked or is not known. The agent tells people, and tries again rarely.
    LicenceRefused,
    /// 403: no agreement is recorded for what was asked.
    AgreementMissing,
    /// 404: no request has this id, or it is another agent's. The agent forgets it.
    UnknownRequest,
    /// 409: the nonce was not given for this, was used or has expired. The agent begins again with a new one.
    ChallengeExpired,
    /// 409: something else was delivered under this id before. The agent tells people.
    OtherAnswer,
    /// 410: the deadline has passed, or the operation was cancelled. The agent forgets it.
    LateAnswer,
    /// 413: more octets than the route takes.
    BodyTooLarge,
    /// 422: the signature is not by that key, not over those octets, or does not hold. The agent tells people.
    UnfitSignature,
    /// 429: too often; `Retry-After` says when again.
    TooManyRequests,
    /// 503: busy, draining or without its store; `Retry-After` may say when again.
    Unavailable,
}

impl ErrorCode {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::InvalidBody,
        Self::Unauthorized,
        Self::LicenceRefused,
        Self::AgreementMissing,
        Self::UnknownRequest,
        Self::ChallengeExpired,
        Self::OtherAnswer,
        Self::LateAnswer,
        Self::BodyTooLarge,
        Self::UnfitSignature,
        Self::TooManyRequests,
        Self::Unavailable,
    ];

    /// The last part of `type`, as in `/errors/late-answer`.
    #[must_use]
    pub fn slug(self) -> &'static str {
        match self {
            Self::InvalidBody => "invalid-body",
            Self::Unauthorized => "unauthorized",
            Self::LicenceRefused => "licence-refused",
            Self::AgreementMissing => "agreement-missing",
            Self::UnknownRequest => "unknown-request",
            Self::ChallengeExpired => "challenge-expired",
            Self::OtherAnswer => "other-answer",
            Self::LateAnswer => "late-answer",
            Self::BodyTooLarge => "body-too-large",
            Self::UnfitSignature => "unfit-signature",
            Self::TooManyRequests => "too-many-requests",
            Self::Unavailable => "unavailable",
        }
    }

    /// The status.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::InvalidBody => 400,
            Self::Unauthorized => 401,
            Self::LicenceRefused | Self::AgreementMissing => 403,
            Self::UnknownRequest => 404,
            Self::ChallengeExpired | Self::OtherAnswer => 409,
            Self::LateAnswer => 410,
            Self::BodyTooLarge => 413,
            Self::UnfitSignature => 422,
            Self::TooManyRequests => 429,
            Self::Unavailable => 503,
        }
    }

    /// The code of a problem, by the last part of its `type`.
    #[must_use]
    pub fn of(problem: &Problem) -> Option<Self> {
        let slug = problem.kind.rsplit('/').next()?;
        Self::ALL.into_iter().find(|code| code.slug() == slug)
    }
}

/// The body of an error answer. Other members may stand beside these.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// `/errors/` and the slug.
    #[serde(rename = "type")]
    pub kind: String,
    /// What went wrong in general.
    #[serde(default)]
    pub title: String,
    /// The status, as in the head.
    pub status: u16,
    /// What went wrong this time.
    #[serde(default)]
    pub detail: String,
}

impl Problem {
    /// A problem in words.
    #[must_use]
    pub fn new(code: ErrorCode, title: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("/errors/{}", code.slug()),
            title: title.to_owned(),
            status: code.status(),
            detail: detail.into(),
        }
    }
}
