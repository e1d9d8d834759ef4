//! All routes on one screen. Handlers are in the files that they name.
//!
//! A route takes every method and judges it itself, so that 404 and 405 come before 401, then form, size and body, then the rules.

pub mod admin;
mod agents;
pub mod cashdesk;
mod deliveries;
pub mod envelope;
mod evidence;
mod exchange;
mod face;
mod form;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod health;
mod log;
mod openapi;
mod openapi_agents;
mod openapi_owner_hooks;
mod openapi_registers;
mod operations;
mod otp;
mod otp_body;
#[cfg(test)]
mod otp_body_tests;
pub mod problem;
mod receipts;
mod routing;

pub use evidence::openapi::evidence_document;
pub use exchange::Exchange;
pub use face::{GatewayFace, HttpMetrics, route_of};
pub use openapi::{admin_document, cashdesk_document, public_document};

use crate::outbound::guarded::Guarded;
use crate::outbound::sms::router::Router;
use actors::accounts::Accounts;
use actors::agents::Agents;
use actors::clock::Clock;
use actors::deliveries::Deliveries;
use actors::directory::Directory;
use actors::evidence::EvidenceService;
use actors::otp::OtpService;
use actors::owners::Owners;
use actors::random::Randomness;
use exchange::{Apart, Routed};
use problem::Shape;
use routing::{cashdesk_route, first_of, key_route, nothing, route, route1, route2, tail};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use storage::Store;
use warp::filters::BoxedFilter;
use warp::{Filter, path};

/// What handlers need; cheap to clone.
pub type Gateway = Arc<Parts>;

/// What handlers need.
pub struct Parts {
    /// CM-S02.
    pub otp: OtpService,
    /// What became of messages.
    pub deliveries: Deliveries,
    /// Operators, for their reports.
    pub router: Option<Arc<Router>>,
    /// This gateway's public base URL as operators see it, without a slash at the end.
    pub receipts_url: String,
    /// Who may call, and whom codes go to.
    pub directory: Directory,
    /// Users of the fiscal side, their registers, cashiers and tokens.
    pub accounts: Accounts,
    /// Cash desks, where the gateway has a tax service to register with.
    pub cashdesk: Option<cashdesk::CashDesk>,
    /// Signing agents.
    pub agents: Arc<Agents>,
    /// Webhooks of owners.
    pub owners: Owners,
    /// Where webhooks may lead, of owners and of partners.
    pub receivers: Arc<Guarded>,
    /// Signing evidence.
    pub evidence: EvidenceService,
    /// Whether checkpoints may go into files.
    pub has_sink_directory: bool,
    /// The store, for its health.
    pub store: Arc<dyn Store>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub randomness: Arc<dyn Randomness>,
    /// SHA-256 of the administrators' key.
    pub admin_key_digest: [u8; 32],
    /// All metrics.
    pub metrics: prometheus::Registry,
    /// Set when the gateway begins to go down.
    pub draining: AtomicBool,
    /// How long a small body may take.
    pub body_deadline: Duration,
}

type Routes = BoxedFilter<(Routed,)>;

/// The listener for partners.
pub fn public(gateway: &Gateway) -> Routes {
    let g = gateway;
    first_of([
        route(
            path!("api" / "v1" / "contract-otp" / "send"),
            g,
            Shape::Otp,
            otp::send,
        ),
        route(
            path!("api" / "v1" / "contract-otp" / "verify"),
            g,
            Shape::Otp,
            otp::verify,
        ),
        evidence_routes(g),
        route1(
            path!("api" / "v1" / "contract-otp" / "deliveries" / String),
            g,
            deliveries::one,
        ),
        route1(
            path!("api" / "v1" / "sms" / "receipts" / String),
            g,
            receipts::receive,
        ),
        tills(g),
        route(path!("openapi.json"), g, Shape::Plain, openapi::public),
        route1(path("docs").and(tail()), g, openapi::swagger),
        route1(path!("errors" / String), g, openapi::error_page),
        nothing(),
    ])
}

/// The listener for signing agents. What is said there is the package `signing-protocol`.
pub fn agents(gateway: &Gateway) -> Routes {
    let (g, plain) = (gateway, Shape::Plain);
    first_of([
        route(
            path!("agent" / "v1" / "signature-requests"),
            g,
            plain,
            agents::poll,
        ),
        route1(
            path!("agent" / "v1" / "signature-requests" / String),
            g,
            agents::deliver,
        ),
        route(path!("agent" / "v1" / "reports"), g, plain, agents::reports),
        route(path!("agent" / "v1" / "challenges"), g, plain, agents::challenges),
        route(path!("agent" / "v1" / "enrolments"), g, plain, agents::enrolments),
        route(path!("agent" / "v1" / "cashiers"), g, plain, agents::cashiers),
        route1(path!("errors" / String), g, openapi::error_page),
        nothing(),
    ])
}

/// Signing evidence, and its log.
fn evidence_routes(gateway: &Gateway) -> Routes {
    let (g, plain) = (gateway, Shape::Plain);
    let method = Shape::Evidence;
    first_of([
        route(
            path!("api" / "v0" / "AddContractESignInfo"),
            g,
            method,
            evidence::add,
        ),
        route(
            path!("api" / "v0" / "GetContractESignInfo"),
            g,
            method,
            evidence::get,
        ),
        route(
            path!("api" / "v0" / "VerifyContractESignInfo"),
            g,
            method,
            evidence::verify,
        ),
        route(path!("api" / "v0" / "openapi.json"), g, plain, openapi::evidence),
        route(path!("log" / "checkpoint"), g, plain, log::checkpoint),
        route(path!("log" / "key"), g, plain, log::key),
        route(path!("log" / "proof" / "inclusion"), g, plain, log::inclusion),
        route(path!("log" / "proof" / "consistency"), g, plain, log::consistency),
        route1(path!("log" / "receipts" / String), g, log::receipt),
    ])
}

/// The administration of signing evidence.
fn evidence_admin(gateway: &Gateway) -> Routes {
    use admin::{evidence, integrations};
    let (g, plain) = (gateway, Shape::Plain);
    first_of([
        route(
            path!("admin" / "v1" / "integrations"),
            g,
            plain,
            integrations::list,
        ),
        route1(
            path!("admin" / "v1" / "integrations" / String),
            g,
            integrations::one,
        ),
        route1(
            path!("admin" / "v1" / "integrations" / String / "keys"),
            g,
            integrations::keys,
        ),
        route2(
            path!("admin" / "v1" / "integrations" / String / "keys" / String),
            g,
            integrations::key,
        ),
        route2(
            path!("admin" / "v1" / "integrations" / String / "hash-algorithms" / String),
            g,
            integrations::algorithms,
        ),
        route1(
            path!("admin" / "v1" / "invokers" / String / "evidence"),
            g,
            integrations::link,
        ),
        route(
            path!("admin" / "v1" / "checkpoint-sinks"),
            g,
            plain,
            integrations::sinks,
        ),
        route1(
            path!("admin" / "v1" / "checkpoint-sinks" / String),
            g,
            integrations::sink,
        ),
        route(
            path!("admin" / "v1" / "evidence" / "audit"),
            g,
            plain,
            evidence::audit,
        ),
        route(
            path!("admin" / "v1" / "evidence" / "bundle"),
            g,
            plain,
            evidence::bundle,
        ),
    ])
}

/// What cash desks and buyers ask for on the public listener.
fn tills(gateway: &Gateway) -> Routes {
    let g = gateway;
    first_of([
        route(
            path!("api" / "v2" / "openapi.json"),
            g,
            Shape::Plain,
            openapi::cashdesk,
        ),
        cashdesk_route(g),
        route1(path!("api" / "v1" / "operations" / String), g, operations::one),
        key_route(g),
        route1(path!("check" / String), g, |gateway, id, exchange| {
            cashdesk::public_receipt(gateway, [id, "html".to_owned()], exchange)
        }),
        route2(path!("check" / String / String), g, cashdesk::public_receipt),
    ])
}

/// The listener for administrators, metrics and probes.
pub fn admin(gateway: &Gateway) -> Routes {
    let g = gateway;
    let plain = Shape::Plain;
    first_of([
        route(path!("livez"), g, plain, health::livez),
        route(path!("readyz"), g, plain, health::readyz),
        route(path!("metrics"), g, plain, health::metrics),
        route(
            path!("admin" / "v1" / "invokers"),
            g,
            plain,
            admin::invokers::list,
        ),
        route1(
            path!("admin" / "v1" / "invokers" / String),
            g,
            admin::invokers::one,
        ),
        route1(
            path!("admin" / "v1" / "invokers" / String / "keys"),
            g,
            admin::invokers::keys,
        ),
        route2(
            path!("admin" / "v1" / "invokers" / String / "keys" / String),
            g,
            admin::invokers::key,
        ),
        route1(
            path!("admin" / "v1" / "invokers" / String / "webhook"),
            g,
            admin::hooks::hook,
        ),
        route(
            path!("admin" / "v1" / "contract-types"),
            g,
            plain,
            admin::contract_types::list,
        ),
        route1(
            path!("admin" / "v1" / "contract-types" / String),
            g,
            admin::contract_types::one,
        ),
        route1(
            path!("admin" / "v1" / "customers" / String),
            g,
            admin::customers::one,
        ),
        route2(
            path!("admin" / "v1" / "customers" / String / "contacts" / String / "lock"),
            g,
            admin::customers::lock,
        ),
        route(
            path!("admin" / "v1" / "accounts"),
            g,
            plain,
            admin::accounts::list,
        ),
        route1(
            path!("admin" / "v1" / "accounts" / String),
            g,
            admin::accounts::one,
        ),
        route1(
            path!("admin" / "v1" / "accounts" / String / "keys"),
            g,
            admin::accounts::keys,
        ),
        route2(
            path!("admin" / "v1" / "accounts" / String / "keys" / String),
            g,
            admin::accounts::key,
        ),
        route1(
            path!("admin" / "v1" / "accounts" / String / "tokens"),
            g,
            admin::accounts::tokens,
        ),
        route2(
            path!("admin" / "v1" / "accounts" / String / "tokens" / String),
            g,
            admin::accounts::token,
        ),
        route1(
            path!("admin" / "v1" / "accounts" / String / "registers"),
            g,
            admin::accounts::registers,
        ),
        route1(
            path!("admin" / "v1" / "accounts" / String / "cashiers"),
            g,
            admin::accounts::cashiers,
        ),
        route1(
            path!("admin" / "v1" / "registers" / String),
            g,
            admin::registers::one,
        ),
        route1(
            path!("admin" / "v1" / "registers" / String / "state"),
            g,
            admin::registers::state,
        ),
        route1(
            path!("admin" / "v1" / "registers" / String / "resync"),
            g,
            admin::register_tools::resync,
        ),
        route1(
            path!("admin" / "v1" / "registers" / String / "offline"),
            g,
            admin::register_tools::offline,
        ),
        route1(
            path!("admin" / "v1" / "registers" / String / "online"),
            g,
            admin::register_tools::online,
        ),
        route1(
            path!("admin" / "v1" / "registers" / String / "resolve"),
            g,
            admin::register_tools::resolve,
        ),
        route1(
            path!("admin" / "v1" / "registers" / String / "close-shift"),
            g,
            admin::register_tools::close_shift,
        ),
        route1(
            path!("admin" / "v1" / "registers" / String / "audit"),
            g,
            admin::register_tools::audit,
        ),
        route1(
            path!("admin" / "v1" / "cashiers" / String),
            g,
            admin::cashiers::one,
        ),
        admin::owner_hooks::routes(g),
        evidence_admin(g),
        route(path!("admin" / "v1" / "import"), g, plain, admin::import::import),
        route(path!("admin" / "v1" / "agents"), g, plain, admin::agents::list),
        route1(path!("admin" / "v1" / "agents" / String), g, admin::agents::one),
        route1(
            path!("admin" / "v1" / "agents" / String / "licences"),
            g,
            admin::licences::list,
        ),
        route2(
            path!("admin" / "v1" / "agents" / String / "licences" / String),
            g,
            admin::licences::one,
        ),
        route2(
            path!("admin" / "v1" / "agents" / String / "keys" / String / "activate"),
            g,
            admin::agents::activate,
        ),
        route(
            path!("admin" / "v1" / "licences" / "verify"),
            g,
            plain,
            admin::licences::verify,
        ),
        route(
            path!("admin" / "v1" / "gateway-key"),
            g,
            plain,
            admin::licences::gateway_key,
        ),
        route1(
            path!("admin" / "v1" / "accounts" / String / "agreements"),
            g,
            admin::agreements::list,
        ),
        route2(
            path!("admin" / "v1" / "accounts" / String / "agreements" / String),
            g,
            admin::agreements::one,
        ),
        route(path!("openapi.json"), g, plain, openapi::admin),
        route1(path("docs").and(tail()), g, openapi::swagger),
        route1(path!("errors" / String), g, openapi::error_page),
        nothing(),
    ])
}

/// A service for [`serve::Server`].
pub fn service(
    routes: Routes,
) -> impl tower_service::Service<
    http::Request<serve::Body>,
    Response = warp::reply::Response,
    Error = std::convert::Infallible,
    Future: Send,
> + Clone {
    Apart(warp::service(routes))
}
