//! The evidence log in public: checkpoints, proofs, receipts, keys. Nothing here tells a container, so that nobody needs a key.

use super::Gateway;
use super::exchange::{Answer, Exchange};
use super::problem::{Code, Problem};
use actors::trouble::Trouble;
use evidence::hex;
use evidence::tree::Hash;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Response};
use serde::Serialize;

/// A proof.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Proof {
    /// The hashes in hexadecimal, in the order of RFC 6962.
    hashes: Vec<String>,
}

/// The newest signed head.
pub async fn checkpoint(gateway: Gateway, exchange: Exchange) -> Answer {
    exchange.allow(&[Method::GET])?;
    let checkpoint = gateway.evidence.checkpoints().current(0).await;
    let checkpoint = checkpoint.map_err(|error| problem(Trouble::of_store(&error)))?;
    Ok(text(checkpoint.note.to_string()))
}

/// The public keys, one a line, the current one first.
pub async fn key(gateway: Gateway, exchange: Exchange) -> Answer {
    exchange.allow(&[Method::GET])?;
    let keys = gateway.evidence.checkpoints().keys();
    Ok(text(keys.map(|key| format!("{key}\n")).collect()))
}

/// That a leaf is in the tree of a size.
pub async fn inclusion(gateway: Gateway, exchange: Exchange) -> Answer {
    exchange.allow(&[Method::GET])?;
    let (leaf, size) = (number(&exchange, "leaf")?, number(&exchange, "size")?);
    let path = gateway.evidence.tiles().inclusion(leaf, size).await;
    proof(path)
}

/// That the tree of one size is the beginning of that of another.
pub async fn consistency(gateway: Gateway, exchange: Exchange) -> Answer {
    exchange.allow(&[Method::GET])?;
    let (from, to) = (number(&exchange, "from")?, number(&exchange, "to")?);
    let path = gateway.evidence.tiles().consistency(from, to).await;
    proof(path)
}

/// A leaf's receipt.
pub async fn receipt(gateway: Gateway, leaf: String, exchange: Exchange) -> Answer {
    exchange.allow(&[Method::GET])?;
    let invalid = || {
        Problem::new(
            Code::InvalidField,
            "the path ends in a leaf's hash: 64 hexadecimal digits",
        )
    };
    let leaf = hex::decode(&leaf).map(Hash).ok_or_else(invalid)?;
    let receipt = gateway.evidence.receipt(leaf).await.map_err(problem)?;
    let receipt = receipt.ok_or_else(|| Problem::new(Code::UnknownObject, "the log has no such leaf"))?;
    Ok(json(&receipt))
}

fn proof(path: storage::Result<Option<Vec<Hash>>>) -> Answer {
    let path = path.map_err(|error| problem(Trouble::of_store(&error)))?;
    let missing = || {
        Problem::new(
            Code::UnknownObject,
            "the log has no such proof: a size is 1 to that of the checkpoint, a leaf below its size",
        )
    };
    let path = path.ok_or_else(missing)?;
    Ok(json(&Proof {
        hashes: path.iter().map(Hash::to_string).collect(),
    }))
}

fn number(exchange: &Exchange, name: &str) -> Result<u64, Problem> {
    let values = exchange.query.split('&').filter_map(|pair| pair.split_once('='));
    let mut values = values.filter(|(key, _)| *key == name).map(|(_, value)| value);
    let digits = |value: &&str| !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    let value = values.next().filter(digits).and_then(|value| value.parse().ok());
    match (value, values.next()) {
        (Some(value), None) => Ok(value),
        _ => Err(Problem::new(
            Code::InvalidField,
            format!("the query must have `{name}` once, a number of 64 bits without a sign"),
        )),
    }
}

/// What trouble is on these routes.
pub(super) fn problem(trouble: Trouble) -> Problem {
    match trouble {
        Trouble::Busy => Problem::new(Code::TooManyRequests, "too much waits; try again").retry_after(1),
        Trouble::Unavailable => Problem::new(
            Code::Unavailable,
            "the gateway takes nothing now; try again later",
        )
        .retry_after(5),
        // Nothing here takes an idempotency key.
        Trouble::Unforeseen | Trouble::StillRunning | Trouble::OtherBody => {
            Problem::new(Code::Internal, "an unforeseen error; it was logged")
        }
    }
}

fn text(body: String) -> Response<Vec<u8>> {
    content("text/plain; charset=utf-8", body.into_bytes())
}

fn json<T: Serialize>(value: &T) -> Response<Vec<u8>> {
    content(
        "application/json",
        serde_json::to_vec(value).expect("texts and numbers become JSON"),
    )
}

fn content(media_type: &'static str, body: Vec<u8>) -> Response<Vec<u8>> {
    let mut response = Response::new(body);
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}
