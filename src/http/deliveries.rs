//! What became of a message, for the partner whose message it is.

use super::Gateway;
use super::exchange::{Answer, Exchange};
use super::problem::{Code, Problem};
use actors::deliveries::{DeliveryRecord, Status};
use actors::ids::ChallengeId;
use actors::secret::Secret;
use chrono::{DateTime, SecondsFormat};
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Response};
use serde::Serialize;
use uuid::Uuid;

/// What became of a message.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct DeliveryView {
    /// The code's id, as the send gave it.
    challenge_id: Uuid,
    /// `unknown`: nobody knows whether it went; `sent`: an operator has it; `delivered`: all of it is on the phone; `failed`: part of it will not arrive.
    #[schema(pattern = "^(unknown|sent|delivered|failed)$")]
    status: &'static str,
    /// Who has it; null while nobody knows.
    #[schema(required)]
    operator: Option<String>,
    /// How many parts it was sent in; null while nobody knows.
    #[schema(required)]
    parts: Option<u32>,
    /// The operator's code for the status; null where it has said none.
    #[schema(required)]
    code: Option<String>,
    /// When it was handed over (RFC 3339, UTC).
    sent_at: String,
    /// When the status last changed (RFC 3339, UTC).
    changed_at: String,
}

/// One, for its partner; 404 for everybody else.
pub async fn one(gateway: Gateway, challenge: String, exchange: Exchange) -> Answer {
    exchange.allow(&[Method::GET])?;
    let key = exchange.bearer().map(Secret::new);
    let partner = key
        .and_then(|key| gateway.directory.authenticate(&key))
        .ok_or_else(Problem::unauthorized)?;
    let invalid = |_| Problem::new(Code::InvalidField, "the ChallengeId in the path must be a UUID");
    let challenge = Uuid::parse_str(&challenge).map(ChallengeId).map_err(invalid)?;
    let found = gateway
        .deliveries
        .status(partner, challenge)
        .await
        .map_err(|error| super::admin::store_problem(&error))?;
    let unknown = || {
        Problem::new(
            Code::UnknownObject,
            "no message of yours has this ChallengeId, or it is older than a week",
        )
    };
    let view = view(challenge, found.ok_or_else(unknown)?);
    let mut response = Response::new(serde_json::to_vec(&view).expect("texts and numbers become JSON"));
    let media_type = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, media_type);
    Ok(response)
}

fn view(challenge: ChallengeId, record: DeliveryRecord) -> DeliveryView {
    let moment =
        |ms| DateTime::from_timestamp_millis(ms).map(|at| at.to_rfc3339_opts(SecondsFormat::Millis, true));
    DeliveryView {
        challenge_id: challenge.0,
        status: Status::name(record.status),
        operator: Some(record.operator).filter(|operator| !operator.is_empty()),
        parts: Some(record.part_count).filter(|parts| *parts > 0),
        code: record.code,
        sent_at: moment(record.sent_ms).unwrap_or_default(),
        changed_at: moment(record.changed_ms).unwrap_or_default(),
    }
}
