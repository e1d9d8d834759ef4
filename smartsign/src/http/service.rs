//! Health, licence, and requests that the gateway signed.

use super::exchange::{Answer, Exchange, Refused, json, typed};
use super::{App, complete};
use crate::gateway::PushRefusal;
use crate::signing::NotTaken;
use http::StatusCode;
use prometheus::TextEncoder;
use serde::Serialize;
use signing_protocol::{Delivery, LICENCE_TOKEN_OCTETS_MAX, PublicKey, PushAnswer, SignedRequest, routes};
use std::sync::Arc;
use std::sync::atomic::Ordering;

pub(super) fn live() -> Answer {
    json(StatusCode::OK, &serde_json::json!({ "status": "live" }))
}

/// Without names and ids: it asks for no key.
pub(super) fn ready(app: &App) -> Answer {
    let health = app.health();
    let is_ready = health.ready && !app.draining.load(Ordering::Relaxed);
    let status = if is_ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let codes: Vec<&str> = health
        .problems
        .iter()
        .map(|problem| problem.code.as_str())
        .collect();
    let word = if is_ready { "ready" } else { "not_ready" };
    json(status, &serde_json::json!({ "status": word, "problems": codes }))
}

pub(super) fn health(app: &App) -> Answer {
    json(StatusCode::OK, &app.health())
}

pub(super) fn metrics(app: &App) -> Answer {
    let _ = app.health(); // sets the gauges
    let families = [app.metrics.registry.gather(), process()].concat();
    match TextEncoder::new().encode_to_string(&families) {
        Ok(text) => Ok(typed(
            StatusCode::OK,
            text.into_bytes(),
            "text/plain; version=0.0.4; charset=utf-8",
        )),
        Err(error) => Err(Refused::internal(format!(
            "the metrics cannot be written: {error}"
        ))),
    }
}

#[cfg(not(target_os = "linux"))]
fn process() -> Vec<prometheus::proto::MetricFamily> {
    Vec::new()
}

#[cfg(target_os = "linux")]
fn process() -> Vec<prometheus::proto::MetricFamily> {
    use prometheus::core::Collector as _;
    prometheus::process_collector::ProcessCollector::for_self().collect()
}

#[derive(Serialize)]
struct Identity {
    public_key: PublicKey,
    program: &'static str,
}

pub(super) fn identity(app: &App) -> Answer {
    let identity = Identity {
        public_key: app.instance,
        program: crate::PROGRAM,
    };
    json(StatusCode::OK, &identity)
}

pub(super) async fn install_licence(app: Arc<App>, exchange: &mut Exchange) -> Answer {
    let octets = exchange
        .octets(LICENCE_TOKEN_OCTETS_MAX, app.body_deadline)
        .await?;
    let text = String::from_utf8_lossy(&octets).into_owned();
    let work = Arc::clone(&app);
    complete(&app, async move {
        let licences = Arc::clone(&work.licences);
        let installed = tokio::task::spawn_blocking(move || licences.install(&text)).await;
        match installed {
            Ok(Ok(Ok(licence))) => {
                tracing::info!(agent = %licence.agent, expires = %licence.expires, "a licence was installed");
                work.link.licence_changed();
                json(StatusCode::OK, &licence)
            }
            Ok(Ok(Err(unlicensed))) => Err(Refused::bad_request("licence", unlicensed.to_string())),
            Ok(Err(error)) => Err(Refused::internal(format!(
                "the licence cannot be written: {error}"
            ))),
            Err(_) => Err(Refused::internal("writing the licence panicked")),
        }
    })
    .await
}

/// A request that the gateway signed, brought by the integrator: the answer is what would be delivered.
pub(super) async fn sign(app: &App, exchange: &mut Exchange) -> Answer {
    let signed: SignedRequest = exchange.json(routes::BODY_OCTETS_MAX, app.body_deadline).await?;
    let id = signed.request.id;
    let taken = app.desk.take(signed).map_err(|error| match error {
        NotTaken::Unlicensed(_) => Refused::new(StatusCode::FORBIDDEN, "licence", error.to_string()),
        NotTaken::NotAuthentic(_) => Refused::new(StatusCode::FORBIDDEN, "not_authentic", error.to_string()),
        NotTaken::Busy => Refused::new(StatusCode::SERVICE_UNAVAILABLE, "busy", error.to_string()),
    })?;
    let outcome = taken.pending.await;
    json(StatusCode::OK, &Delivery { id, outcome })
}

/// A request that the gateway pushes: taken at once, answered by a delivery.
pub(super) async fn push(app: &App, exchange: &mut Exchange) -> Answer {
    let signed: SignedRequest = exchange.json(routes::PUSH_OCTETS_MAX, app.body_deadline).await?;
    let status = app.link.take_pushed(signed).map_err(|refusal| match refusal {
        PushRefusal::NotAuthentic(message) => {
            tracing::warn!(message, "a pushed request was not taken");
            Refused::new(StatusCode::UNAUTHORIZED, "unauthorized", message)
        }
        PushRefusal::Busy(message) => Refused::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message),
    })?;
    json(StatusCode::ACCEPTED, &PushAnswer { status })
}
