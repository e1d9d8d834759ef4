//! One request as handlers see it, and what they answer with.

use bytes::{Buf, Bytes};
use futures_util::{Stream, StreamExt as _};
use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::pin::Pin;
use std::time::Duration;
use zeroize::Zeroizing;

/// A request's body, piece by piece.
pub(super) type BodyStream = Pin<Box<dyn Stream<Item = Result<Bytes, warp::Error>> + Send>>;

/// What handlers answer.
pub(super) type Answer = Result<Response<Vec<u8>>, Refused>;

/// One request.
pub(super) struct Exchange {
    pub method: Method,
    pub path: String,
    pub query: String,
    pub headers: HeaderMap,
    pub body: BodyStream,
}

/// An answer that refuses.
#[derive(Debug)]
pub struct Refused {
    /// The status.
    pub status: StatusCode,
    /// For programs.
    pub code: &'static str,
    /// For people.
    pub message: String,
    /// A serial number that stands beside it.
    pub serial: Option<String>,
}

impl Refused {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            serial: None,
        }
    }

    pub(super) fn bad_request(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    pub(super) fn internal(message: impl Into<String>) -> Self {
        let message = message.into();
        tracing::error!(message, "a request failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message)
    }
}

/// The shape of a face's errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `{"message", "type", "code"}`, as CashDesk's clients know it.
    CashDesk,
    /// problem+json, as the gateway speaks.
    Problem,
}

#[derive(Serialize)]
struct CashDeskError<'a> {
    message: &'a str,
    r#type: &'static str,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    serial: Option<&'a str>,
}

impl Shape {
    /// The body of an error, and its type.
    pub(super) fn body(self, refused: &Refused) -> (Vec<u8>, &'static str) {
        let written = match self {
            Self::CashDesk => serde_json::to_vec(&CashDeskError {
                message: &refused.message,
                r#type: "ERROR",
                code: refused.code,
                serial: refused.serial.as_deref(),
            }),
            Self::Problem => serde_json::to_vec(&signing_protocol::Problem {
                kind: format!("/errors/{}", refused.code.replace('_', "-")),
                title: refused.status.canonical_reason().unwrap_or_default().to_owned(),
                status: refused.status.as_u16(),
                detail: refused.message.clone(),
            }),
        };
        let body = written.expect("texts and numbers become JSON");
        match self {
            Self::CashDesk => (body, "application/json"),
            Self::Problem => (body, "application/problem+json"),
        }
    }

    pub(super) fn answer(self, refused: &Refused) -> Response<Vec<u8>> {
        let (body, content_type) = self.body(refused);
        let mut response = typed(refused.status, body, content_type);
        if refused.status == StatusCode::SERVICE_UNAVAILABLE {
            response
                .headers_mut()
                .insert("retry-after", HeaderValue::from_static("1"));
        }
        response
    }
}

/// An answer in JSON.
pub(super) fn json<T: Serialize>(status: StatusCode, value: &T) -> Answer {
    match serde_json::to_vec(value) {
        Ok(body) => Ok(typed(status, body, "application/json")),
        Err(error) => Err(Refused::internal(format!(
            "the answer cannot be written: {error}"
        ))),
    }
}

pub(super) fn typed(status: StatusCode, body: Vec<u8>, content_type: &'static str) -> Response<Vec<u8>> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    // Keys, tokens and health are nobody's to keep.
    headers.insert("cache-control", HeaderValue::from_static("no-store"));
    response
}

impl Exchange {
    /// The whole body, within a size and a time.
    pub async fn octets(&mut self, octets_max: usize, deadline: Duration) -> Result<Vec<u8>, Refused> {
        let too_large = || {
            let message = format!("the body may have {octets_max} octets");
            Refused::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", message)
        };
        let announced = self.headers.get(CONTENT_LENGTH);
        let announced = announced.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
        if announced.is_some_and(|length| length > octets_max) {
            return Err(too_large());
        }
        let read = async {
            let mut octets = Vec::with_capacity(announced.unwrap_or(0));
            while let Some(piece) = self.body.next().await {
                let piece = piece.map_err(|_| Refused::bad_request("invalid_body", "the body broke off"))?;
                if octets.len() + piece.len() > octets_max {
                    return Err(too_large());
                }
                octets.extend_from_slice(&piece);
            }
            Ok(octets)
        };
        match tokio::time::timeout(deadline, read).await {
            Ok(octets) => octets,
            Err(_) => Err(Refused::new(
                StatusCode::REQUEST_TIMEOUT,
                "body_timeout",
                "the body did not arrive in time",
            )),
        }
    }

    /// The body as JSON.
    pub async fn json<T: DeserializeOwned>(
        &mut self,
        octets_max: usize,
        deadline: Duration,
    ) -> Result<T, Refused> {
        // Wiped: a request may hold a key on its way in.
        let octets = Zeroizing::new(self.octets(octets_max, deadline).await?);
        serde_json::from_slice(&octets).map_err(|error| {
            let place = format!("line {}, column {}", error.line(), error.column());
            Refused::bad_request(
                "invalid_body",
                format!(
                    "the body is not what this route takes: {:?} error at {place}",
                    error.classify()
                ),
            )
        })
    }

    /// What stands behind `Bearer` in the header `Authorization`.
    pub fn bearer(&self) -> Option<&str> {
        let value = self.headers.get(AUTHORIZATION)?.to_str().ok()?;
        let (scheme, key) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
    }

    /// A parameter of the query.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let pair = |pair: &str| {
            let (key, value) = pair.split_once('=')?;
            let value = percent_encoding::percent_decode_str(value).decode_utf8().ok()?;
            (key == name).then(|| value.into_owned())
        };
        self.query.split('&').find_map(pair)
    }
}

/// Pieces of any kind of buffer as bytes.
pub(super) fn pieces(
    body: impl Stream<Item = Result<impl Buf + Send, warp::Error>> + Send + 'static,
) -> BodyStream {
    Box::pin(body.map(|piece| piece.map(|mut piece| piece.copy_to_bytes(piece.remaining()))))
}
