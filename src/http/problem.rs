//! Every error of our own faces: `application/problem+json` (RFC 9457), each with a page under `docs/errors`.

use super::cashdesk::{Fault, is_cashdesk};
use super::envelope::Envelope;
use actors::machines::otp::Reason;
use http::header::{ALLOW, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Response, StatusCode};
use serde::Serialize;
use serve::RequestId;

/// What went wrong, as a page of `docs/errors` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// No route has this path.
    NotFound,
    /// The route knows other methods.
    MethodNotAllowed,
    /// No key, or an unknown one.
    Unauthorized,
    /// The body is larger than the route takes.
    BodyTooLarge,
    /// The body is not in the form that the route takes.
    UnsupportedMediaType,
    /// The body is no JSON, or no object.
    InvalidBody,
    /// A field is missing or of the wrong type.
    InvalidField,
    /// The body did not arrive in time.
    BodyTimeout,
    /// What was asked for is not in the directory.
    UnknownObject,
    /// The directory does not take this.
    UnfitObject,
    /// The `Idempotency-Key` header is empty, too long, or not visible ASCII.
    InvalidIdempotencyKey,
    /// The first request with this idempotency key still runs.
    IdempotencyKeyRunning,
    /// The idempotency key came with another body before.
    IdempotencyKeyReused,
    /// Too much waits for this customer.
    TooManyRequests,
    /// As many requests are in flight as may be.
    Busy,
    /// No answer within the hold time.
    HeldTooLong,
    /// The gateway is going down, or its store takes nothing.
    Unavailable,
    /// The licence does not hold, was revoked or is not known.
    LicenceRefused,
    /// No agreement is recorded for what was asked.
    AgreementMissing,
    /// A nonce was not given for this, was used or is out of time.
    ChallengeExpired,
    /// No request for a signature has this id.
    UnknownRequest,
    /// Something else was delivered under this id before.
    OtherAnswer,
    /// The deadline of a request for a signature has passed.
    LateAnswer,
    /// A signature is not by that key, not over those octets, or does not hold.
    UnfitSignature,
    /// The agent refused, or did not answer.
    AgentFailed,
    /// An unforeseen error.
    Internal,
}

impl Code {
    /// All of them; each has a page.
    pub const ALL: [Self; 26] = [
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::Unauthorized,
        Self::BodyTooLarge,
        Self::UnsupportedMediaType,
        Self::InvalidBody,
        Self::InvalidField,
        Self::BodyTimeout,
        Self::UnknownObject,
        Self::UnfitObject,
        Self::InvalidIdempotencyKey,
        Self::IdempotencyKeyRunning,
        Self::IdempotencyKeyReused,
        Self::TooManyRequests,
        Self::Busy,
        Self::HeldTooLong,
        Self::Unavailable,
        Self::LicenceRefused,
        Self::AgreementMissing,
        Self::ChallengeExpired,
        Self::UnknownRequest,
        Self::OtherAnswer,
        Self::LateAnswer,
        Self::UnfitSignature,
        Self::AgentFailed,
        Self::Internal,
    ];

    /// Status, name of the page, title, and the page itself.
    fn facts(self) -> (StatusCode, &'static str, &'static str, &'static str) {
        macro_rules! facts {
            ($status:ident, $slug:literal, $title:literal) => {
                (
                    StatusCode::$status,
                    $slug,
                    $title,
                    include_str!(concat!("../../docs/errors/", $slug, ".md")),
                )
            };
        }
        match self {
            Self::NotFound => facts!(NOT_FOUND, "not-found", "No such route"),
            Self::MethodNotAllowed => facts!(METHOD_NOT_ALLOWED, "method-not-allowed", "Method not allowed"),
            Self::Unauthorized => facts!(UNAUTHORIZED, "unauthorized", "No valid key"),
            Self::BodyTooLarge => facts!(PAYLOAD_TOO_LARGE, "body-too-large", "Body too large"),
            Self::UnsupportedMediaType => facts!(
                UNSUPPORTED_MEDIA_TYPE,
                "unsupported-media-type",
                "Unsupported media type"
            ),
            Self::InvalidBody => facts!(BAD_REQUEST, "invalid-body", "Invalid body"),
            Self::InvalidField => facts!(BAD_REQUEST, "invalid-field", "Invalid field"),
            Self::BodyTimeout => facts!(REQUEST_TIMEOUT, "body-timeout", "Body did not arrive in time"),
            Self::UnknownObject => facts!(NOT_FOUND, "unknown-object", "Not in the directory"),
            Self::UnfitObject => facts!(
                UNPROCESSABLE_ENTITY,
                "unfit-object",
                "Not accepted by the directory"
            ),
            Self::InvalidIdempotencyKey => {
                facts!(BAD_REQUEST, "invalid-idempotency-key", "Invalid Idempotency-Key")
            }
            Self::IdempotencyKeyRunning => facts!(
                CONFLICT,
                "idempotency-key-running",
                "Idempotency-Key still running"
            ),
            Self::IdempotencyKeyReused => {
                facts!(
                    UNPROCESSABLE_ENTITY,
                    "idempotency-key-reused",
                    "Idempotency-Key used with another body"
                )
            }
            Self::TooManyRequests => facts!(TOO_MANY_REQUESTS, "too-many-requests", "Too many requests"),
            Self::Busy => facts!(SERVICE_UNAVAILABLE, "busy", "Busy"),
            Self::HeldTooLong => facts!(SERVICE_UNAVAILABLE, "held-too-long", "No answer in time"),
            Self::Unavailable => facts!(SERVICE_UNAVAILABLE, "unavailable", "Unavailable"),
            Self::LicenceRefused => facts!(FORBIDDEN, "licence-refused", "Licence refused"),
            Self::AgreementMissing => facts!(FORBIDDEN, "agreement-missing", "No agreement is recorded"),
            Self::ChallengeExpired => facts!(CONFLICT, "challenge-expired", "Challenge expired"),
            Self::UnknownRequest => facts!(NOT_FOUND, "unknown-request", "No such request for a signature"),
            Self::OtherAnswer => facts!(CONFLICT, "other-answer", "Another answer was delivered before"),
            Self::LateAnswer => facts!(GONE, "late-answer", "The answer came late"),
            Self::UnfitSignature => facts!(
                UNPROCESSABLE_ENTITY,
                "unfit-signature",
                "The signature does not fit"
            ),
            Self::AgentFailed => facts!(BAD_GATEWAY, "agent-failed", "The agent did not do it"),
            Self::Internal => facts!(INTERNAL_SERVER_ERROR, "internal", "Unforeseen error"),
        }
    }

    /// The status that goes with it.
    pub fn status(self) -> StatusCode {
        self.facts().0
    }

    /// The name of its page.
    pub fn slug(self) -> &'static str {
        self.facts().1
    }

    /// Its page, in Markdown.
    pub fn page(self) -> &'static str {
        self.facts().3
    }
}

/// One error, about to be answered.
#[derive(Clone, Debug)]
pub struct Problem {
    code: Code,
    detail: String,
    /// The Reason that callers of CM-S02 read in the body; `None`: the one that the status implies.
    reason: Option<Reason>,
    headers: Vec<(http::HeaderName, HeaderValue)>,
}

/// Which shape of body a route's errors have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Problem details alone.
    Plain,
    /// Problem details that carry the envelope of CM-S02 too, since its callers read only the body.
    Otp,
    /// CashDesk's `{message, type, code}`.
    CashDesk,
    /// `{Result, Errors}` of AddContractESignInfo, always with HTTP 200.
    Evidence,
}

impl Shape {
    /// What callers of this path read.
    pub fn of(path: &str) -> Self {
        if path.starts_with("/api/v1/contract-otp/") {
            Self::Otp
        } else if path.starts_with("/api/v0/") {
            Self::Evidence
        } else if is_cashdesk(path) {
            Self::CashDesk
        } else {
            Self::Plain
        }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}: {}", self.code.slug(), self.detail)
    }
}

#[derive(Serialize)]
struct Body<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    request_id: &'a str,
    #[serde(flatten)]
    envelope: Option<Envelope>,
}

impl Problem {
    /// An error with what is wrong and what to do, in a sentence for the caller.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            reason: None,
            headers: Vec::new(),
        }
    }

    /// What it is.
    pub fn code(&self) -> Code {
        self.code
    }

    /// What is wrong and what to do, in a sentence.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The header fields that go with it (`Allow`, `Retry-After`).
    pub fn into_headers(self) -> Vec<(http::HeaderName, HeaderValue)> {
        self.headers
    }

    /// Whether it is ours.
    pub fn is_internal(&self) -> bool {
        self.code == Code::Internal
    }

    /// The Reason for callers of CM-S02.
    pub fn reason(mut self, reason: Reason) -> Self {
        self.reason = Some(reason);
        self
    }

    /// When to try again.
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.headers.push((RETRY_AFTER, HeaderValue::from(seconds)));
        self
    }

    /// 405, with the methods that there are.
    pub fn method_not_allowed(allowed: &str) -> Self {
        let mut problem = Self::new(Code::MethodNotAllowed, format!("this route takes {allowed}"));
        problem.headers.extend(
            HeaderValue::from_str(allowed)
                .ok()
                .map(|allowed| (ALLOW, allowed)),
        );
        problem
    }

    /// 401.
    pub fn unauthorized() -> Self {
        let detail = "send a valid key as `Authorization: Bearer <key>`";
        let mut problem = Self::new(Code::Unauthorized, detail).reason(Reason::InvalidInvoker);
        problem
            .headers
            .push((WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")));
        problem
    }

    /// The answer.
    pub fn into_response(self, shape: Shape, request_id: &RequestId) -> Response<Vec<u8>> {
        let (status, slug, title, _) = self.code.facts();
        let envelope = match shape {
            Shape::Evidence => return super::evidence::refusal(&self),
            Shape::CashDesk => return Fault::from(self).into_response(request_id),
            Shape::Plain => None,
            Shape::Otp => Some(Envelope::refusal(
                self.reason.unwrap_or(Reason::Unknown),
                &self.detail,
                status,
                request_id,
            )),
        };
        let body = Body {
            r#type: format!("/errors/{slug}"),
            title,
            status: status.as_u16(),
            detail: &self.detail,
            request_id: request_id.as_str(),
            envelope,
        };
        let body = serde_json::to_vec(&body).expect("strings and numbers become JSON");
        let mut response = Response::new(body);
        *response.status_mut() = status;
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        response.headers_mut().extend(self.headers);
        response
    }
}
