//! The operator's shell: HTTP in, the pure operator's word out.

use super::operator::{Control, Operator, Received, Reply};
use bytes::Bytes;
use chrono::{SecondsFormat, Utc};
use http::{Response, StatusCode};
use http_body_util::Full;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use uuid::Uuid;
use warp::Filter;
use warp::filters::BoxedFilter;

/// How long a send that "times out" is held; longer than any gateway waits.
pub(super) const SILENCE: Duration = Duration::from_secs(120);
/// The largest body.
const BODY_BYTES_MAX: u64 = 64 * 1_024;

pub(super) type Shared = Arc<Mutex<Operator>>;

/// Serves the stand-in until `shutdown` completes.
pub async fn serve(listener: TcpListener, shutdown: impl Future<Output = ()>) {
    serve_over(listener, Arc::default(), shutdown).await;
}

/// Serves the stand-in over messages that also arrive otherwise.
pub async fn serve_over(
    listener: TcpListener,
    operator: Arc<Mutex<Operator>>,
    shutdown: impl Future<Output = ()>,
) {
    let limits = serve::Limits {
        hold_max: SILENCE,
        drain_deadline: Duration::from_secs(1),
        ..serve::Limits::default()
    };
    let service = warp::service(routes(&operator).map(warp::Reply::into_response));
    serve::Server::new(listener, service, Arc::new(PlainFace), limits)
        .run(shutdown)
        .await;
}

struct PlainFace;

impl serve::Face for PlainFace {
    fn refuse(&self, _: &serve::Head, refusal: serve::Refusal) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(Bytes::from_static(b"the sandbox cannot answer now\n")));
        *response.status_mut() = refusal.status();
        response
    }
}

#[derive(Deserialize)]
struct Send {
    id: Uuid,
    to: String,
    text: String,
}

fn routes(operator: &Shared) -> BoxedFilter<(Response<Vec<u8>>,)> {
    let shared = || {
        let operator = Arc::clone(operator);
        warp::any().map(move || Arc::clone(&operator))
    };
    let body = || warp::body::content_length_limit(BODY_BYTES_MAX).and(warp::body::bytes());
    let send = warp::path!("operator" / "messages")
        .and(warp::post())
        .and(shared())
        .and(body())
        .then(send);
    let lookup = warp::path!("operator" / "messages" / Uuid)
        .and(warp::get())
        .and(shared())
        .map(lookup);
    let query = warp::query::raw().or(warp::any().map(String::new)).unify();
    let list = warp::path!("messages")
        .and(warp::get())
        .and(shared())
        .and(query)
        .map(list);
    let forget = warp::path!("messages")
        .and(warp::delete())
        .and(shared())
        .map(|operator: Shared| {
            lock(&operator).forget();
            json(StatusCode::OK, &serde_json::json!({}))
        });
    let control = warp::path!("control")
        .and(warp::post())
        .and(shared())
        .and(body())
        .map(control);
    let found = send
        .or(lookup)
        .unify()
        .or(list)
        .unify()
        .or(forget)
        .unify()
        .or(control)
        .unify()
        .or(super::faces::routes(operator))
        .unify();
    found
        .recover(|_| async { Ok::<_, std::convert::Infallible>(no_such_route()) })
        .unify()
        .boxed()
}

fn no_such_route() -> Response<Vec<u8>> {
    let detail = "GET /messages?to=, DELETE /messages, POST /control, POST /operator/messages, GET /operator/messages/{id}";
    json(
        StatusCode::NOT_FOUND,
        &serde_json::json!({ "error": "no such route", "routes": detail }),
    )
}

async fn send(operator: Shared, body: Bytes) -> Response<Vec<u8>> {
    let send: Send = match serde_json::from_slice(&body) {
        Ok(send) => send,
        Err(error) => return wrong(&error),
    };
    let at = now();
    let reply = lock(&operator).receive(
        send.id,
        Received {
            to: send.to,
            text: send.text,
            at,
        },
    );
    match reply {
        Reply::Say(verdict, wait) => {
            tokio::time::sleep(wait).await;
            json(StatusCode::OK, &verdict)
        }
        Reply::SayNothing => {
            tokio::time::sleep(SILENCE).await;
            json(
                StatusCode::GATEWAY_TIMEOUT,
                &serde_json::json!({ "error": "silent as told" }),
            )
        }
    }
}

/// When a message came; the stand-in has a clock of its own, as a real operator has.
#[allow(clippy::disallowed_methods)]
pub(super) fn now() -> String {
    Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn lookup(id: Uuid, operator: Shared) -> Response<Vec<u8>> {
    match lock(&operator).verdict(id) {
        Some(verdict) => json(StatusCode::OK, verdict),
        None => json(
            StatusCode::NOT_FOUND,
            &serde_json::json!({ "error": "no such message" }),
        ),
    }
}

fn list(operator: Shared, query: String) -> Response<Vec<u8>> {
    let parameters: HashMap<&str, &str> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
    // A `+` in a query is a space to some clients and itself to others; no number begins with a space.
    let to = parameters.get("to").map(|to| {
        percent_encoding::percent_decode_str(to)
            .decode_utf8_lossy()
            .replace(' ', "+")
    });
    json(StatusCode::OK, &lock(&operator).messages(to.as_deref()))
}

fn control(operator: Shared, body: Bytes) -> Response<Vec<u8>> {
    match serde_json::from_slice::<Control>(&body) {
        Ok(control) => {
            lock(&operator).arm(&control);
            json(StatusCode::OK, &serde_json::json!({ "armed": control.next }))
        }
        Err(error) => wrong(&error),
    }
}

fn wrong(error: &serde_json::Error) -> Response<Vec<u8>> {
    json(
        StatusCode::BAD_REQUEST,
        &serde_json::json!({ "error": error.to_string() }),
    )
}

fn json<T: Serialize>(status: StatusCode, value: &T) -> Response<Vec<u8>> {
    let mut response = Response::new(serde_json::to_vec(value).expect("strings and numbers become JSON"));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert("content-type", http::HeaderValue::from_static("application/json"));
    response
}

pub(super) fn lock(operator: &Shared) -> MutexGuard<'_, Operator> {
    operator.lock().unwrap_or_else(PoisonError::into_inner)
}
