//! Probes and metrics, on the administrators' listener, without a key.

use super::Gateway;
use super::exchange::{Answer, Exchange};
use super::problem::{Code, Problem};
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Response, StatusCode};
use prometheus::{Encoder, TextEncoder};
use std::sync::atomic::Ordering;
use storage::Health;

/// The process runs.
pub async fn livez(_: Gateway, exchange: Exchange) -> Answer {
    exchange.allow(&[Method::GET])?;
    Ok(text(StatusCode::OK, "ok\n".to_owned()))
}

/// The gateway takes requests. `?verbose` lists each check.
pub async fn readyz(gateway: Gateway, exchange: Exchange) -> Answer {
    exchange.allow(&[Method::GET])?;
    let store = match gateway.store.health() {
        Health::Ready => Ok(()),
        Health::Full { free_bytes } => Err(format!("the disk is nearly full, {free_bytes} bytes are free")),
        Health::Poisoned { reason } => Err(format!("the store failed: {reason}")),
        Health::Closed => Err("the store is closed".to_owned()),
    };
    let running = if gateway.draining.load(Ordering::Relaxed) {
        Err("going down".to_owned())
    } else {
        Ok(())
    };
    let checks = [("store", store), ("running", running)];
    let ready = checks.iter().all(|(_, outcome)| outcome.is_ok());
    let mut lines = String::new();
    if exchange
        .query
        .split('&')
        .any(|parameter| parameter == "verbose" || parameter.starts_with("verbose="))
    {
        for (name, outcome) in &checks {
            match outcome {
                Ok(()) => lines.push_str(&format!("[+] {name} ok\n")),
                Err(why) => lines.push_str(&format!("[-] {name}: {why}\n")),
            }
        }
    }
    let (status, word) = if ready {
        (StatusCode::OK, "ready")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready")
    };
    Ok(text(status, format!("{lines}{word}\n")))
}

/// All metrics in the text format of Prometheus.
pub async fn metrics(gateway: Gateway, exchange: Exchange) -> Answer {
    exchange.allow(&[Method::GET])?;
    let mut body = Vec::new();
    let encoder = TextEncoder::new();
    encoder
        .encode(&gateway.metrics.gather(), &mut body)
        .map_err(|error| {
            tracing::error!(%error, "metrics could not be encoded");
            Problem::new(Code::Internal, "metrics could not be encoded; it was logged")
        })?;
    let mut response = Response::new(body);
    response.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"),
    );
    Ok(response)
}

fn text(status: StatusCode, body: String) -> Response<Vec<u8>> {
    let mut response = Response::new(body.into_bytes());
    *response.status_mut() = status;
    response.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    response
}
