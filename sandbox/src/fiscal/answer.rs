//! The forms of answers: documents and refusals as HTTP carries them.

use super::coding::Coding;
use chrono::{DateTime, SubsecRound, Utc};
use fiscal::{ErrorCode, Rejection};
use http::{HeaderValue, Response, StatusCode, header};

/// An answer before it is compressed and dated.
pub(super) type Plain = Response<Vec<u8>>;

pub(super) fn octets(body: Vec<u8>) -> Plain {
    answer(StatusCode::OK, "application/octet-stream", body)
}

pub(super) fn json(body: Vec<u8>) -> Plain {
    answer(StatusCode::OK, "application/json; charset=UTF-8", body)
}

pub(super) fn text(status: StatusCode, body: impl Into<String>) -> Plain {
    answer(status, "text/plain; charset=UTF-8", body.into().into_bytes())
}

pub(super) fn empty(status: StatusCode) -> Plain {
    let mut response = Response::new(Vec::new());
    *response.status_mut() = status;
    response
}

fn answer(status: StatusCode, kind: &'static str, body: Vec<u8>) -> Plain {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// A refusal as a text; its status says as much as HTTP can.
pub(super) fn refusal(rejection: &Rejection) -> Plain {
    let status = match rejection.code {
        ErrorCode::NoContent => return empty(StatusCode::NO_CONTENT),
        ErrorCode::TransactionsRegistrarAbsent => StatusCode::NOT_FOUND,
        ErrorCode::OperatorAccessToTransactionsRegistrarNotGranted => StatusCode::UNAUTHORIZED,
        _ => StatusCode::BAD_REQUEST,
    };
    text(status, rejection.to_body())
}

/// A JSON object with what every answer to a command has before its own fields. `body` is an object's text, whose sums keep their digits.
pub(super) fn enveloped(
    uid: Option<&str>,
    now: DateTime<Utc>,
    body: &[u8],
    outcome: Option<Result<(), &Rejection>>,
) -> Vec<u8> {
    // Whole seconds, as the description shows.
    let kyiv = now.trunc_subsecs(0).with_timezone(&chrono_tz::Europe::Kyiv);
    let mut envelope = serde_json::Map::new();
    envelope.insert("UID".to_owned(), uid.into());
    envelope.insert(
        "Timestamp".to_owned(),
        fiscal::command::ServerTime::from(kyiv).to_string().into(),
    );
    match outcome {
        None => {}
        Some(Ok(())) => {
            envelope.insert("ErrorCode".to_owned(), ErrorCode::Ok.code().into());
            envelope.insert("ErrorMessage".to_owned(), serde_json::Value::Null);
        }
        Some(Err(rejection)) => {
            envelope.insert("ErrorCode".to_owned(), rejection.code.code().into());
            envelope.insert("ErrorMessage".to_owned(), rejection.text.clone().into());
        }
    }
    let mut json = serde_json::to_vec(&envelope).expect("texts and numbers become JSON");
    if let Some(fields) = body.strip_prefix(b"{").filter(|fields| fields.len() > 1) {
        json.pop();
        json.push(b',');
        json.extend_from_slice(fields);
    }
    json
}

/// Dates an answer, and compresses it if the client takes that. hyper would date it by the system's clock.
pub(super) fn finish(mut response: Plain, accept: Option<&str>, now: DateTime<Utc>) -> Plain {
    let date = now.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let headers = response.headers_mut();
    if let Ok(date) = HeaderValue::try_from(date) {
        headers.insert(header::DATE, date);
    }
    let Some(coding) = accept
        .and_then(Coding::accepted)
        .filter(|_| !response.body().is_empty())
    else {
        return response;
    };
    let (mut parts, body) = response.into_parts();
    let name = HeaderValue::from_static(coding.name());
    parts.headers.insert(header::CONTENT_ENCODING, name);
    Response::from_parts(parts, coding.encode(&body))
}
