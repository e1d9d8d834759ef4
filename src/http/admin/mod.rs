//! The directory and its administration. Every route here wants the administrators' key.

pub mod accounts;
pub mod agents;
pub mod agreements;
pub mod cashiers;
pub mod contract_types;
pub mod customers;
pub mod evidence;
mod explain;
pub mod hooks;
pub mod import;
pub mod integrations;
pub mod invokers;
pub mod licences;
pub(super) mod lines;
pub mod owner_hooks;
pub mod register_tools;
pub mod registers;

use super::Gateway;
use super::exchange::Exchange;
use super::form::Object;
use super::problem::{Code, Problem};
use actors::directory::{Applied, Change, Unfit};
use bytes::Bytes;
use chrono::{DateTime, SecondsFormat};
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The largest body of a single row, and of a line of an import.
pub const ROW_BYTES_MAX: usize = 64 * 1_024;

/// Method, then key.
fn admit(gateway: &Gateway, exchange: &Exchange, allowed: &[Method]) -> Result<(), Problem> {
    exchange.allow(allowed)?;
    let given = exchange.bearer().map(|key| Sha256::digest(key.as_bytes()));
    match given {
        Some(digest) if bool::from(digest.as_slice().ct_eq(&gateway.admin_key_digest)) => Ok(()),
        _ => Err(Problem::unauthorized()),
    }
}

/// The body as a row.
async fn read_row<T: DeserializeOwned>(gateway: &Gateway, exchange: &mut Exchange) -> Result<T, Problem> {
    exchange.expect_type(&["application/json"])?;
    let body: Bytes = exchange.read_body(ROW_BYTES_MAX, gateway.body_deadline).await?;
    let row = serde_json::from_slice::<Object<T>>(&body).map(|Object(row)| row);
    row.map_err(|error| {
        let code = if error.is_data() {
            Code::InvalidField
        } else {
            Code::InvalidBody
        };
        Problem::new(code, explain::explain(&error))
    })
}

/// Makes one change; when this returns it is durable and visible.
async fn apply(gateway: &Gateway, change: Change) -> Result<(), Problem> {
    applied(gateway.directory.apply(vec![change]).await)
}

/// Makes one change to users, registers, cashiers or tokens.
async fn change_account(gateway: &Gateway, change: actors::accounts::Change) -> Result<(), Problem> {
    applied(gateway.accounts.apply(vec![change]).await)
}

/// What one change came to.
fn applied(applied: Applied) -> Result<(), Problem> {
    let applied = applied.map_err(|error| store_problem(&error))?;
    match applied.into_iter().next() {
        Some(Ok(())) => Ok(()),
        Some(Err(Unfit::NotFound)) => Err(unknown()),
        Some(Err(unfit)) => Err(Problem::new(Code::UnfitObject, unfit.to_string())),
        None => Err(Problem::new(Code::Internal, "the directory gave no result")),
    }
}

/// A moment of a record (RFC 3339, UTC).
fn moment(ms: i64) -> String {
    let moment = DateTime::from_timestamp_millis(ms);
    moment
        .map(|at| at.to_rfc3339_opts(SecondsFormat::Millis, true))
        .unwrap_or_default()
}

fn unknown() -> Problem {
    Problem::new(Code::UnknownObject, "there is no such row in the directory")
}

/// What the store's errors are to an administrator.
pub(super) fn store_problem(error: &storage::Error) -> Problem {
    match error {
        storage::Error::Full { .. } => Problem::new(
            Code::Unavailable,
            "the disk is nearly full; free space and try again",
        )
        .retry_after(5),
        storage::Error::Closed | storage::Error::Poisoned { .. } => Problem::new(
            Code::Unavailable,
            "the store takes nothing now; nothing of this was done",
        )
        .retry_after(5),
        other => {
            tracing::error!(error = %other, "the directory could not be read or changed");
            Problem::new(Code::Internal, "an unforeseen error; it was logged")
        }
    }
}

fn json<T: Serialize>(status: StatusCode, value: &T) -> Response<Vec<u8>> {
    let body = serde_json::to_vec(value).expect("rows become JSON");
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn no_content() -> Response<Vec<u8>> {
    let mut response = Response::new(Vec::new());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}
