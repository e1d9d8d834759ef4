//! The stand-in with other operators' faces: their routes, forms and answers, over the same messages and the same misbehaviour.
//!
//! Kavenegar's `POST /v1/{key}/sms/…`, sms.ru's `POST /sms/…`, TurboSMS's `POST /message/send.json`, Twilio's
//! `/2010-04-01/Accounts/{sid}/Messages…`. A refusal has the code that was told; every message that was taken is delivered at once.

use super::operator::{Received, Reply, Verdict};
use super::routes::{SILENCE, Shared, lock, now};
use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Value, json};
use std::collections::HashMap;
use uuid::Uuid;
use warp::Filter;
use warp::filters::BoxedFilter;

/// The largest body.
const BODY_BYTES_MAX: u64 = 64 * 1_024;

type Answer = Response<Vec<u8>>;
type Form = HashMap<String, String>;

/// The routes of all of them.
pub(super) fn routes(operator: &Shared) -> BoxedFilter<(Answer,)> {
    let shared = {
        let operator = Shared::clone(operator);
        warp::any().map(move || Shared::clone(&operator))
    };
    let body = warp::body::content_length_limit(BODY_BYTES_MAX).and(warp::body::bytes());
    let kavenegar = warp::path!("v1" / String / "sms" / String)
        .and(warp::post())
        .and(shared.clone())
        .and(body)
        .then(|_key: String, method: String, operator, body: Bytes| kavenegar(method, operator, form(&body)));
    let smsru = warp::path!("sms" / String)
        .and(warp::post())
        .and(shared.clone())
        .and(body)
        .then(|method: String, operator, body: Bytes| smsru(method, operator, form(&body)));
    let turbosms = warp::path!("message" / "send.json")
        .and(warp::post())
        .and(shared.clone())
        .and(body)
        .then(turbosms);
    let twilio = warp::path!("2010-04-01" / "Accounts" / String / "Messages.json")
        .and(warp::post())
        .and(shared)
        .and(body)
        .then(|_account: String, operator, body: Bytes| twilio(operator, form(&body)));
    let asked = warp::path!("2010-04-01" / "Accounts" / String / "Messages" / String)
        .and(warp::get())
        .map(|_account: String, id: String| {
            let id = id.trim_end_matches(".json");
            answer(
                StatusCode::OK,
                &json!({ "sid": id, "status": "delivered", "error_code": null }),
            )
        });
    kavenegar
        .or(smsru)
        .unify()
        .or(turbosms)
        .unify()
        .or(twilio)
        .unify()
        .or(asked)
        .unify()
        .boxed()
}

fn form(body: &Bytes) -> Form {
    let text = String::from_utf8_lossy(body);
    let decoded = |piece: &str| {
        let spaced = piece.replace('+', " ");
        percent_encoding::percent_decode_str(&spaced)
            .decode_utf8_lossy()
            .into_owned()
    };
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect()
}

fn answer(status: StatusCode, body: &Value) -> Answer {
    let mut response = Response::new(body.to_string().into_bytes());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert("content-type", http::HeaderValue::from_static("application/json"));
    response
}

/// Takes a message, and waits as long as it was told to; `Err` holds a refusal's code.
async fn take(operator: &Shared, id: Uuid, to: &str, text: &str) -> Result<(), i64> {
    let digits = to.trim_start_matches('+');
    let to = match digits.strip_prefix("00") {
        Some(international) => format!("+{international}"),
        None => match digits.strip_prefix('0') {
            Some(local) => format!("+98{local}"),
            None => format!("+{digits}"),
        },
    };
    let received = Received {
        to,
        text: text.to_owned(),
        at: now(),
    };
    let reply = lock(operator).receive(id, received);
    match reply {
        Reply::Say(verdict, wait) => {
            tokio::time::sleep(wait).await;
            match verdict {
                Verdict::Accepted { .. } => Ok(()),
                Verdict::Refused { code, .. } => Err(code.parse().unwrap_or(400)),
            }
        }
        Reply::SayNothing => {
            tokio::time::sleep(SILENCE).await;
            Err(500)
        }
    }
}

async fn kavenegar(method: String, operator: Shared, form: Form) -> Answer {
    let field = |name: &str| form.get(name).cloned().unwrap_or_default();
    let envelope = |status: i64, entries: Value| {
        let http = u16::try_from(status)
            .ok()
            .and_then(|status| StatusCode::from_u16(status).ok());
        let body = json!({ "return": { "status": status, "message": "as told" }, "entries": entries });
        answer(http.unwrap_or(StatusCode::OK), &body)
    };
    let entry = |id: &str, status: i64| json!([{ "messageid": id.parse::<i64>().unwrap_or(0), "status": status, "statustext": "as told" }]);
    match method.as_str() {
        "send.json" => {
            let local = field("localid");
            let id = Uuid::from_u128(local.parse().unwrap_or(0));
            match take(&operator, id, &field("receptor"), &field("message")).await {
                Ok(()) => envelope(200, entry(&local, 5)),
                Err(code) => envelope(code, Value::Null),
            }
        }
        "statuslocalmessageid.json" => {
            let local = field("localid");
            let known = lock(&operator)
                .verdict(Uuid::from_u128(local.parse().unwrap_or(0)))
                .cloned();
            let status = match known {
                Some(Verdict::Accepted { .. }) => 10,
                Some(Verdict::Refused { .. }) => 11,
                None => 100,
            };
            envelope(200, entry(&local, status))
        }
        "status.json" => {
            let ids = field("messageid");
            let entries = ids.split(',').map(|id| entry(id, 10)[0].clone());
            envelope(200, entries.collect())
        }
        _ => envelope(404, Value::Null),
    }
}

async fn smsru(method: String, operator: Shared, form: Form) -> Answer {
    let field = |name: &str| form.get(name).cloned().unwrap_or_default();
    let body = match method.as_str() {
        "send" => {
            let id = Uuid::new_v4();
            let line = match take(&operator, id, &field("to"), &field("msg")).await {
                Ok(()) => json!({ "status": "OK", "status_code": 100, "sms_id": id.simple().to_string() }),
                Err(code) => json!({ "status": "ERROR", "status_code": code, "status_text": "as told" }),
            };
            let to = field("to");
            json!({ "status": "OK", "status_code": 100, "sms": { to: line }, "balance": 0.0 })
        }
        "status" => {
            let ids = field("sms_id");
            let lines = ids
                .split(',')
                .map(|id| (id.to_owned(), json!({ "status": "OK", "status_code": 103 })));
            json!({ "status": "OK", "status_code": 100, "sms": lines.collect::<serde_json::Map<_, _>>() })
        }
        _ => json!({ "status": "ERROR", "status_code": 404 }),
    };
    answer(StatusCode::OK, &body)
}

async fn turbosms(operator: Shared, body: Bytes) -> Answer {
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let (to, text) = (body["recipients"][0].as_str(), body["sms"]["text"].as_str());
    let id = Uuid::new_v4();
    let taken = take(&operator, id, to.unwrap_or_default(), text.unwrap_or_default()).await;
    let (code, line, id) = match taken {
        Ok(()) => (800, 0, Value::String(id.to_string())),
        Err(code) => (0, code, Value::Null),
    };
    let line = json!({ "phone": to, "response_code": line, "message_id": id, "response_status": "AS_TOLD" });
    answer(
        StatusCode::OK,
        &json!({ "response_code": code, "response_status": "AS_TOLD", "response_result": [line] }),
    )
}

async fn twilio(operator: Shared, form: Form) -> Answer {
    let field = |name: &str| form.get(name).cloned().unwrap_or_default();
    let id = Uuid::new_v4();
    match take(&operator, id, &field("To"), &field("Body")).await {
        Ok(()) => {
            let body = json!({ "sid": format!("SM{}", id.simple()), "status": "queued", "error_code": null });
            answer(StatusCode::CREATED, &body)
        }
        Err(code) => answer(
            StatusCode::BAD_REQUEST,
            &json!({ "code": code, "message": "as told", "status": 400 }),
        ),
    }
}
