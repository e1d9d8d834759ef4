//! CM-S02 over HTTP: `POST /api/v1/contract-otp/send` and `/verify`.

use super::Gateway;
use super::envelope::Envelope;
use super::evidence::receipt_path;
use super::exchange::{Answer, Exchange};
use super::otp_body::{parse_send, parse_verify};
use super::problem::{Code, Problem};
use actors::idempotency::Claim;
use actors::ids::InvokerCode;
use actors::machines::otp::Reason;
use actors::otp::{Answered, Inputs};
use actors::secret::Secret;
use actors::trouble::Trouble;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use http::{Method, Response};

/// The largest body: the four inputs, an OTP and a hundred digests.
pub const BODY_BYTES_MAX: usize = 16 * 1_024;
/// What most answers take; a longer one grows.
const ANSWER_BYTES: usize = 256;
pub(super) const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// Sends a code. What it was asked with is let go before it waits: nobody needs it again, and thousands wait.
pub async fn send(gateway: Gateway, mut exchange: Exchange) -> Answer {
    let (partner, body) = admit(&gateway, &mut exchange).await?;
    let claim = claim(&exchange, partner, "send", &body)?;
    let trace = exchange.trace.header_value().to_str().ok().map(str::to_owned);
    let inputs = Inputs {
        trace,
        ..parse_send(&body)?
    };
    drop((exchange, body));
    answer(gateway.otp.send(partner, inputs, claim).await)
}

/// Verifies a code.
pub async fn verify(gateway: Gateway, mut exchange: Exchange) -> Answer {
    let (partner, body) = admit(&gateway, &mut exchange).await?;
    let claim = claim(&exchange, partner, "verify", &body)?;
    let (inputs, code) = parse_verify(&body)?;
    drop((exchange, body));
    answer(gateway.otp.verify(partner, inputs, code, claim).await)
}

/// Method, key, form and size, in this order; gives whose key it was and the body.
async fn admit(gateway: &Gateway, exchange: &mut Exchange) -> Result<(InvokerCode, Bytes), Problem> {
    exchange.allow(&[Method::POST])?;
    let key = exchange.bearer().map(Secret::new);
    let partner = key
        .and_then(|key| gateway.directory.authenticate(&key))
        .ok_or_else(Problem::unauthorized)?;
    exchange.expect_type(&["application/json"])?;
    let body = exchange.read_body(BODY_BYTES_MAX, gateway.body_deadline).await?;
    Ok((partner, body))
}

fn claim(
    exchange: &Exchange,
    partner: InvokerCode,
    route: &str,
    body: &[u8],
) -> Result<Option<Claim>, Problem> {
    let key = exchange.idempotency_key()?;
    Ok(key.map(|key| Claim::new(partner, route, key, body)))
}

fn answer(outcome: Result<Answered, Trouble>) -> Answer {
    let Answered {
        answer,
        replayed,
        evidence,
    } = outcome.map_err(problem)?;
    let envelope = Envelope {
        evidence_receipt: evidence.map(receipt_path),
        ..Envelope::of(&answer)
    };
    let mut body = Vec::with_capacity(ANSWER_BYTES);
    serde_json::to_writer(&mut body, &envelope).expect("strings, numbers and booleans become JSON");
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.extend(
        answer
            .retry_after_seconds
            .map(|seconds| (RETRY_AFTER, HeaderValue::from(seconds))),
    );
    headers.extend(replayed.then(|| (IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"))));
    Ok(response)
}

/// The one place where trouble becomes a status.
pub(super) fn problem(trouble: Trouble) -> Problem {
    match trouble {
        Trouble::Busy => {
            Problem::new(Code::TooManyRequests, "too many calls wait for this customer").retry_after(1)
        }
        Trouble::Unavailable => Problem::new(
            Code::Unavailable,
            "the gateway takes nothing now; try again later, with the same Idempotency-Key",
        )
        .retry_after(5),
        Trouble::Unforeseen => Problem::new(
            Code::Internal,
            "an unforeseen error; it was logged under this request's id",
        )
        .reason(Reason::Unknown),
        Trouble::StillRunning => Problem::new(
            Code::IdempotencyKeyRunning,
            "the first request with this Idempotency-Key still runs",
        )
        .retry_after(1),
        Trouble::OtherBody => Problem::new(
            Code::IdempotencyKeyReused,
            "this Idempotency-Key came with another body before; use a new one",
        ),
    }
}
