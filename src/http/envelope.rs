//! The five fields of CM-S02 (document, section 2.2), and what stands beside them.

use actors::ids::ChallengeId;
use actors::machines::otp::{Answer, Reason};
use http::StatusCode;
use serde::Serialize;
use serve::RequestId;
use uuid::Uuid;

/// The answer's body. All five fields of the document are always present.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Envelope {
    /// Did the service's execution succeed: true for Reason 11 alone.
    pub is_success: bool,
    /// Was the OTP sent (or verified): true for Reason 11 alone.
    pub result: bool,
    /// What happened: 1 to 12 of the document, 20 to 23 for verification.
    #[schema(minimum = 1, maximum = 23)]
    pub reason: u8,
    /// The name of the reason.
    pub reason_message: &'static str,
    /// The reason's description in Persian, then any detail; null on success.
    #[schema(required)]
    pub error_messages: Option<String>,
    /// A safe text with the request's id; for Reason 12 alone.
    #[schema(required)]
    pub exception_message: Option<String>,
    /// The code's id; on success, and with Reason 8 where nobody knows whether the message went.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub challenge_id: Option<Uuid>,
    /// Where the receipt of the evidence is that a verification has left; absent where it leaves none, or it was not durable in time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub evidence_receipt: Option<String>,
}

impl Envelope {
    /// A business answer.
    pub fn of(answer: &Answer) -> Self {
        let success = answer.reason == Reason::Success;
        let described = || match &answer.detail {
            None => answer.reason.description().to_owned(),
            Some(detail) => format!("{}: {}", answer.reason.description(), detail.text()),
        };
        Self {
            error_messages: (!success).then(described),
            challenge_id: answer.challenge.map(|ChallengeId(id)| id),
            ..Self::bare(answer.reason)
        }
    }

    /// What accompanies a refusal by the transport.
    pub fn refusal(reason: Reason, detail: &str, status: StatusCode, request_id: &RequestId) -> Self {
        let unforeseen = status == StatusCode::INTERNAL_SERVER_ERROR;
        Self {
            error_messages: Some(format!("{}: {detail}", reason.description())),
            exception_message: unforeseen.then(|| {
                format!(
                    "unforeseen error; quote request id {} to the operator",
                    request_id.as_str()
                )
            }),
            ..Self::bare(reason)
        }
    }

    fn bare(reason: Reason) -> Self {
        let success = reason == Reason::Success;
        Self {
            is_success: success,
            result: success,
            reason: reason.code(),
            reason_message: reason.name(),
            error_messages: None,
            exception_message: None,
            challenge_id: None,
            evidence_receipt: None,
        }
    }
}
