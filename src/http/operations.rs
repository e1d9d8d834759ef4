//! `GET /api/v1/operations/{id}`: what became of an operation of a register, waited for as the caller prefers (RFC 7240).

use super::Gateway;
use super::cashdesk::{CashDesk, Fault, Prefer, caller_of, operation_fields};
use super::exchange::{Answer, Exchange};
use super::problem::{Code, Problem};
use actors::ids::OperationId;
use actors::machines::register::{OperationRecord, OperationState};
use actors::trouble::Trouble;
use chrono::{DateTime, SecondsFormat};
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use http::{Method, Response};
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// One operation of the caller's account.
pub async fn one(gateway: Gateway, id: String, exchange: Exchange) -> Answer {
    exchange.allow(&[Method::GET])?;
    let Some(face) = &gateway.cashdesk else {
        return Err(unknown());
    };
    let caller = caller_of(face, &exchange).ok_or_else(Problem::unauthorized)?;
    let operation = Uuid::parse_str(&id).map(OperationId).map_err(|_| unknown())?;
    // Whose it is comes before any waiting: another's id is no id.
    let known = face
        .registers
        .operation(operation, Duration::ZERO)
        .await
        .map_err(trouble)?;
    let record = known.ok_or_else(unknown)?;
    if face.accounts.till_of(caller.account, record.register).is_none() {
        return Err(unknown());
    }
    let prefer = Prefer::of(&exchange.headers);
    let wait = prefer
        .wait
        .map(Duration::from_secs)
        .filter(|_| !record.state.is_final());
    let record = match wait {
        None => record,
        Some(wait) => {
            let waited = face.registers.operation(operation, wait.min(face.hold_max)).await;
            waited.map_err(trouble)?.ok_or_else(unknown)?
        }
    };
    let accepted = DateTime::from_timestamp_millis(record.accepted_ms);
    let mut shown = json!({
        "operation_id": operation,
        "register": record.register,
        "kind": record.kind.name(),
        "state": record.state.name(),
        "accepted_at": accepted.map(|at| at.to_rfc3339_opts(SecondsFormat::Millis, true)),
        "local_number": record.reference,
    });
    outcome(face, operation, &record, &mut shown).await?;
    let body = serde_json::to_vec(&shown).expect("texts and numbers become JSON");
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if !record.state.is_final() {
        headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    if let Some(applied) = wait.and(prefer.wait) {
        let applied = HeaderValue::from_str(&format!("wait={applied}"));
        headers.extend(applied.map(|applied| (PREFERENCE_APPLIED, applied)));
    }
    Ok(response)
}

async fn outcome(
    face: &CashDesk,
    operation: OperationId,
    record: &OperationRecord,
    shown: &mut Value,
) -> Result<(), Problem> {
    let register = record.register;
    match &record.state {
        OperationState::Pending => {}
        OperationState::Done(done) => {
            let fields = operation_fields(face, register, operation, record, done).await;
            let fields =
                fields.map_err(|_| Problem::new(Code::Unavailable, "the outcome cannot be read now"))?;
            shown["result"] = Value::Object(fields);
        }
        OperationState::Refused(refusal) => shown["error"] = Fault::refused(refusal, register).as_value(),
        OperationState::Cancelled(cancelled) => shown["error"] = Fault::cancelled(cancelled).as_value(),
    }
    Ok(())
}

fn unknown() -> Problem {
    Problem::new(Code::NotFound, "there is no such operation")
}

fn trouble(trouble: Trouble) -> Problem {
    match trouble {
        Trouble::Unforeseen => Problem::new(Code::Internal, "an unforeseen error; it was logged"),
        _ => Problem::new(
            Code::Unavailable,
            "the gateway takes nothing now; try again later",
        )
        .retry_after(5),
    }
}
