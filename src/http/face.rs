//! How the accept loop words its own answers, and what it counts.

use super::problem::{Code, Problem, Shape};
use arc_swap::ArcSwap;
use bytes::Bytes;
use foldhash::fast::RandomState;
use http::{Response, StatusCode};
use http_body_util::Full;
use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
};
use serve::{Ending, Face, Head, Refusal};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

/// What every listener counts. Routes are templates, so that their number is fixed.
#[derive(Clone)]
pub struct HttpMetrics {
    requests: IntCounterVec,
    seconds: HistogramVec,
    abandoned: IntCounterVec,
    in_flight: IntGaugeVec,
    connections: IntGaugeVec,
    connections_ended: IntCounterVec,
    accept_failures: IntCounterVec,
}

impl HttpMetrics {
    /// Registers everything.
    ///
    /// # Errors
    /// A name registered twice: a programmer's error that shows at the first start.
    pub fn new(registry: &Registry) -> prometheus::Result<Self> {
        let made = Self {
            requests: IntCounterVec::new(
                Opts::new(
                    "countersign_http_requests_total",
                    "Requests answered, by route and status.",
                ),
                &["listener", "route", "method", "status"],
            )?,
            seconds: HistogramVec::new(
                HistogramOpts::new(
                    "countersign_http_request_seconds",
                    "From a request's head to its answer's.",
                )
                .buckets(vec![
                    0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 15.0, 60.0,
                ]),
                &["listener", "route"],
            )?,
            abandoned: IntCounterVec::new(
                Opts::new(
                    "countersign_http_abandoned_total",
                    "Requests whose client went away before the answer.",
                ),
                &["listener", "route"],
            )?,
            in_flight: IntGaugeVec::new(
                Opts::new("countersign_http_in_flight", "Requests with handlers."),
                &["listener"],
            )?,
            connections: IntGaugeVec::new(
                Opts::new("countersign_http_connections", "Open connections."),
                &["listener"],
            )?,
            connections_ended: IntCounterVec::new(
                Opts::new(
                    "countersign_http_connections_ended_total",
                    "Connections ended, by reason.",
                ),
                &["listener", "ending"],
            )?,
            accept_failures: IntCounterVec::new(
                Opts::new(
                    "countersign_http_accept_failures_total",
                    "Connections that could not be accepted.",
                ),
                &["listener"],
            )?,
        };
        registry.register(Box::new(made.requests.clone()))?;
        registry.register(Box::new(made.seconds.clone()))?;
        registry.register(Box::new(made.abandoned.clone()))?;
        registry.register(Box::new(made.in_flight.clone()))?;
        registry.register(Box::new(made.connections.clone()))?;
        registry.register(Box::new(made.connections_ended.clone()))?;
        registry.register(Box::new(made.accept_failures.clone()))?;
        Ok(made)
    }
}

/// One listener's face.
pub struct GatewayFace {
    listener: &'static str,
    metrics: HttpMetrics,
    /// The counters of each kind of answer that there was, held: to find them by their labels all callers would lock the same maps.
    answers: ArcSwap<HashMap<Kind, Answers, RandomState>>,
    in_flight: IntGauge,
    connections: IntGauge,
}

/// A kind of answer: its route, method and status.
type Kind = (&'static str, &'static str, StatusCode);

/// What is counted of the answers of a kind.
#[derive(Clone)]
struct Answers {
    number: IntCounter,
    seconds: Histogram,
}

impl Answers {
    fn count(&self, elapsed: Duration) {
        self.number.inc();
        self.seconds.observe(elapsed.as_secs_f64());
    }
}

impl GatewayFace {
    /// A face for the listener of this name (`public` or `admin`).
    pub fn new(listener: &'static str, metrics: HttpMetrics) -> Self {
        let in_flight = metrics.in_flight.with_label_values(&[listener]);
        let connections = metrics.connections.with_label_values(&[listener]);
        Self {
            listener,
            metrics,
            answers: ArcSwap::default(),
            in_flight,
            connections,
        }
    }

    /// The first answer of its kind.
    fn answers_of(&self, kind: Kind) -> Answers {
        let (route, method, status) = kind;
        let labels = [self.listener, route, method, status.as_str()];
        let answers = Answers {
            number: self.metrics.requests.with_label_values(&labels),
            seconds: self.metrics.seconds.with_label_values(&labels[..2]),
        };
        self.answers.rcu(|known| {
            let mut known = HashMap::clone(known);
            known.insert(kind, answers.clone());
            known
        });
        answers
    }
}

impl Face for GatewayFace {
    fn refuse(&self, head: &Head, refusal: Refusal) -> Response<Full<Bytes>> {
        let problem = match refusal {
            Refusal::Busy { .. } => Problem::new(
                Code::Busy,
                "as many requests are in flight as may be; try again shortly",
            ),
            Refusal::HeldTooLong => {
                Problem::new(Code::HeldTooLong, "there was no answer within the hold time").retry_after(1)
            }
            Refusal::Panicked => Problem::new(Code::Internal, "an unforeseen error; it was logged"),
            Refusal::Draining => Problem::new(Code::Unavailable, "the gateway is going down").retry_after(5),
        };
        let shape = Shape::of(head.uri.path());
        problem
            .into_response(shape, &head.request_id)
            .map(|body| Full::new(Bytes::from(body)))
    }

    fn observe(&self, head: &Head, status: StatusCode, elapsed: Duration) {
        let route = route_of(head.uri.path());
        let kind = (route, method_of(head), status);
        match self.answers.load().get(&kind) {
            Some(answers) => answers.count(elapsed),
            None => self.answers_of(kind).count(elapsed),
        }
        if tracing::enabled!(tracing::Level::DEBUG) {
            tracing::debug!(
                listener = self.listener,
                route,
                status = status.as_u16(),
                request_id = head.request_id.as_str(),
                trace_id = head.trace.trace_id(),
                "answered"
            );
        }
    }

    fn abandoned(&self, head: &Head, _: Duration) {
        self.metrics
            .abandoned
            .with_label_values(&[self.listener, route_of(head.uri.path())])
            .inc();
    }

    fn in_flight(&self, requests: usize) {
        self.in_flight.set(i64::try_from(requests).unwrap_or(i64::MAX));
    }

    fn connection_opened(&self, _: SocketAddr) {
        self.connections.inc();
    }

    fn connection_closed(&self, _: SocketAddr, ending: Ending) {
        self.connections.dec();
        let ending = match ending {
            Ending::Closed => "closed",
            Ending::Broken => "broken",
            Ending::Idle => "idle",
            Ending::HeaderTimeout => "header_timeout",
            Ending::Stalled => "stalled",
            Ending::Cut => "cut",
            Ending::Handshake => "handshake",
        };
        self.metrics
            .connections_ended
            .with_label_values(&[self.listener, ending])
            .inc();
    }

    fn accept_failed(&self, _: &std::io::Error) {
        self.metrics
            .accept_failures
            .with_label_values(&[self.listener])
            .inc();
    }
}

fn method_of(head: &Head) -> &'static str {
    match head.method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        _ => "other",
    }
}

/// The template of a path; what is none of ours is `other`.
pub fn route_of(path: &str) -> &'static str {
    if path == "/api/v2/openapi.json" {
        return "/api/v2/openapi.json";
    }
    if let Some(segments) = super::cashdesk::segments(path) {
        return super::cashdesk::route_of(&segments);
    }
    let parts: Vec<&str> = path.trim_matches('/').split('/').take(8).collect();
    match parts.as_slice() {
        ["api", "v1", "contract-otp", "send"] => "/api/v1/contract-otp/send",
        ["api", "v1", "contract-otp", "verify"] => "/api/v1/contract-otp/verify",
        ["api", "v1", "contract-otp", "deliveries", _] => "/api/v1/contract-otp/deliveries/{challenge_id}",
        ["api", "v1", "sms", "receipts", _] => "/api/v1/sms/receipts/{operator}",
        ["api", "v1", "operations", _] => "/api/v1/operations/{id}",
        ["api", "v1", "key"] => "/api/v1/key",
        ["check", _] => "/check/{uuid}",
        ["check", _, _] => "/check/{uuid}/{form}",
        ["api", "v0", "AddContractESignInfo"] => "/api/v0/AddContractESignInfo",
        ["api", "v0", "GetContractESignInfo"] => "/api/v0/GetContractESignInfo",
        ["api", "v0", "VerifyContractESignInfo"] => "/api/v0/VerifyContractESignInfo",
        ["log", "checkpoint"] => "/log/checkpoint",
        ["log", "key"] => "/log/key",
        ["log", "proof", "inclusion"] => "/log/proof/inclusion",
        ["log", "proof", "consistency"] => "/log/proof/consistency",
        ["log", "receipts", _] => "/log/receipts/{leaf_hash}",
        ["openapi.json"] => "/openapi.json",
        ["docs", ..] => "/docs",
        ["errors", _] => "/errors/{name}",
        ["agent", "v1", "signature-requests"] => "/agent/v1/signature-requests",
        ["agent", "v1", "signature-requests", _] => "/agent/v1/signature-requests/{id}",
        ["agent", "v1", "reports"] => "/agent/v1/reports",
        ["agent", "v1", "challenges"] => "/agent/v1/challenges",
        ["agent", "v1", "enrolments"] => "/agent/v1/enrolments",
        ["agent", "v1", "cashiers"] => "/agent/v1/cashiers",
        ["livez"] => "/livez",
        ["readyz"] => "/readyz",
        ["metrics"] => "/metrics",
        ["admin", "v1", "invokers"] => "/admin/v1/invokers",
        ["admin", "v1", "invokers", _] => "/admin/v1/invokers/{code}",
        ["admin", "v1", "invokers", _, "keys"] => "/admin/v1/invokers/{code}/keys",
        ["admin", "v1", "invokers", _, "keys", _] => "/admin/v1/invokers/{code}/keys/{id}",
        ["admin", "v1", "invokers", _, "webhook"] => "/admin/v1/invokers/{code}/webhook",
        ["admin", "v1", "contract-types"] => "/admin/v1/contract-types",
        ["admin", "v1", "contract-types", _] => "/admin/v1/contract-types/{id}",
        ["admin", "v1", "customers", _] => "/admin/v1/customers/{ccms_code}",
        ["admin", "v1", "customers", _, "contacts", _, "lock"] => {
            "/admin/v1/customers/{ccms_code}/contacts/{code}/lock"
        }
        ["admin", "v1", "accounts"] => "/admin/v1/accounts",
        ["admin", "v1", "accounts", _] => "/admin/v1/accounts/{id}",
        ["admin", "v1", "accounts", _, "keys"] => "/admin/v1/accounts/{id}/keys",
        ["admin", "v1", "accounts", _, "keys", _] => "/admin/v1/accounts/{id}/keys/{key}",
        ["admin", "v1", "accounts", _, "tokens"] => "/admin/v1/accounts/{id}/tokens",
        ["admin", "v1", "accounts", _, "tokens", _] => "/admin/v1/accounts/{id}/tokens/{token}",
        ["admin", "v1", "accounts", _, "registers"] => "/admin/v1/accounts/{id}/registers",
        ["admin", "v1", "accounts", _, "cashiers"] => "/admin/v1/accounts/{id}/cashiers",
        ["admin", "v1", "accounts", _, "webhook"] => "/admin/v1/accounts/{id}/webhook",
        ["admin", "v1", "accounts", _, "webhook", "rotate-secret"] => {
            "/admin/v1/accounts/{id}/webhook/rotate-secret"
        }
        ["admin", "v1", "accounts", _, "webhook", "events"] => "/admin/v1/accounts/{id}/webhook/events",
        ["admin", "v1", "accounts", _, "webhook", "replay"] => "/admin/v1/accounts/{id}/webhook/replay",
        ["admin", "v1", "registers", _] => "/admin/v1/registers/{num_fiscal}",
        ["admin", "v1", "registers", _, "state"] => "/admin/v1/registers/{num_fiscal}/state",
        ["admin", "v1", "registers", _, "resync"] => "/admin/v1/registers/{num_fiscal}/resync",
        ["admin", "v1", "registers", _, "offline"] => "/admin/v1/registers/{num_fiscal}/offline",
        ["admin", "v1", "registers", _, "online"] => "/admin/v1/registers/{num_fiscal}/online",
        ["admin", "v1", "registers", _, "resolve"] => "/admin/v1/registers/{num_fiscal}/resolve",
        ["admin", "v1", "registers", _, "close-shift"] => "/admin/v1/registers/{num_fiscal}/close-shift",
        ["admin", "v1", "registers", _, "audit"] => "/admin/v1/registers/{num_fiscal}/audit",
        ["admin", "v1", "cashiers", _] => "/admin/v1/cashiers/{id}",
        ["admin", "v1", "integrations"] => "/admin/v1/integrations",
        ["admin", "v1", "integrations", _] => "/admin/v1/integrations/{name}",
        ["admin", "v1", "integrations", _, "keys"] => "/admin/v1/integrations/{name}/keys",
        ["admin", "v1", "integrations", _, "keys", _] => "/admin/v1/integrations/{name}/keys/{id}",
        ["admin", "v1", "integrations", _, "hash-algorithms", _] => {
            "/admin/v1/integrations/{name}/hash-algorithms/{version}"
        }
        ["admin", "v1", "invokers", _, "evidence"] => "/admin/v1/invokers/{code}/evidence",
        ["admin", "v1", "checkpoint-sinks"] => "/admin/v1/checkpoint-sinks",
        ["admin", "v1", "checkpoint-sinks", _] => "/admin/v1/checkpoint-sinks/{name}",
        ["admin", "v1", "evidence", "audit"] => "/admin/v1/evidence/audit",
        ["admin", "v1", "evidence", "bundle"] => "/admin/v1/evidence/bundle",
        ["admin", "v1", "import"] => "/admin/v1/import",
        ["admin", "v1", "agents"] => "/admin/v1/agents",
        ["admin", "v1", "agents", _] => "/admin/v1/agents/{id}",
        ["admin", "v1", "agents", _, "licences"] => "/admin/v1/agents/{id}/licences",
        ["admin", "v1", "agents", _, "licences", _] => "/admin/v1/agents/{id}/licences/{licence}",
        ["admin", "v1", "agents", _, "keys", _, "activate"] => "/admin/v1/agents/{id}/keys/{key}/activate",
        ["admin", "v1", "licences", "verify"] => "/admin/v1/licences/verify",
        ["admin", "v1", "gateway-key"] => "/admin/v1/gateway-key",
        ["admin", "v1", "accounts", _, "agreements"] => "/admin/v1/accounts/{id}/agreements",
        ["admin", "v1", "accounts", _, "agreements", _] => "/admin/v1/accounts/{id}/agreements/{kind}",
        _ => "other",
    }
}
