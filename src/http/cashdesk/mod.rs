//! The API that CashDesk's clients speak (`/api/v2`), so that they can be pointed here unchanged; and receipts for their buyers (`/check`).
//!
//! Every answer is a JSON object, errors included, because some clients read the body before the status. What is not known of the original
//! is settled in docs/decisions.

mod answer;
mod attempts;
mod authenticate;
mod checks;
mod door;
mod fault;
mod fields;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod key;
mod key_form;
mod openapi;
mod order;
mod period;
mod receipt;
mod render;
mod report;
mod shift;
mod state;
mod tax_objects;

pub use attempts::Attempts;
pub use checks::public as public_receipt;
pub use door::Prefer;
pub use fault::Fault;
pub use key::upload;
pub use openapi::document;
pub use render::Renderer;

use super::Gateway;
use super::exchange::Exchange;
use actors::accounts::{Accounts, Caller};
use actors::ids::OperationId;
use actors::machines::register::{Done, OperationRecord};
use actors::ports::SigningAgent;
use actors::register::{RegisterLists, RegisterService};
use door::{Door, Replied};
use fields::Fields;
use fiscal::RegisterNumber;
use http::{Method, Response};
use serde_json::{Map, Value};
use std::sync::Arc;
use std::time::Duration;

/// What this face needs; a gateway without a tax service has none.
pub struct CashDesk {
    /// Users, registers, cashiers and tokens.
    pub accounts: Accounts,
    /// The registers.
    pub registers: RegisterService,
    /// Lists of registers.
    pub lists: RegisterLists,
    /// The signing agents, for the state of a key.
    pub agents: Arc<dyn SigningAgent>,
    /// Whether accounts that may can load keys into their agents through here.
    pub relays_keys: bool,
    /// How long a caller is held, unless its account or its request says otherwise.
    pub hold: Duration,
    /// The longest that a request may ask to be held.
    pub hold_max: Duration,
    /// How long an operation that nobody waits for may wait before its document is sent.
    pub unheld_lifetime: Duration,
    /// The base under which buyers find receipts; `None`: the tax cabinet's own page.
    pub receipts_url: Option<String>,
    /// Who draws receipts.
    pub renderer: Renderer,
    /// How often a password may be tried.
    pub attempts: Attempts,
}

/// The segments below `/api/v2`; a slash too many is none, as clients' settings have it.
pub fn segments(path: &str) -> Option<Vec<&str>> {
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    (parts.next() == Some("api") && parts.next() == Some("v2")).then(|| parts.collect())
}

/// The template of a path below `/api/v2`, for metrics.
pub fn route_of(segments: &[&str]) -> &'static str {
    match segments {
        ["authenticate"] => "/api/v2/authenticate",
        ["tax_objects"] => "/api/v2/tax_objects",
        ["tax_objects", _] => "/api/v2/tax_objects/{num_fiscal}",
        ["check", "sale"] => "/api/v2/check/sale",
        ["check", "service"] => "/api/v2/check/service",
        ["shift"] => "/api/v2/shift",
        ["shift", "xReport"] => "/api/v2/shift/xReport",
        ["shift", "zReport", "period"] => "/api/v2/shift/zReport/period",
        ["shift", "lastCheck"] => "/api/v2/shift/lastCheck",
        ["shift", "ping"] => "/api/v2/shift/ping",
        ["key-heartbeat"] => "/api/v2/key-heartbeat",
        ["checks", _, _] => "/api/v2/checks/{uuid}/{form}",
        _ => "/api/v2/other",
    }
}

/// Whether callers of this path read this face's errors.
pub fn is_cashdesk(path: &str) -> bool {
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    match (parts.next(), parts.next(), parts.next()) {
        (Some("api"), Some("v2"), _) => true,
        (Some("api"), Some("v1"), Some("key")) => parts.next().is_none(),
        _ => false,
    }
}

/// Any request of this face.
pub async fn any(gateway: Gateway, path: String, exchange: Exchange) -> Response<Vec<u8>> {
    let request_id = exchange.request_id.clone();
    let Some(face) = &gateway.cashdesk else {
        return Fault::not_found().into_response(&request_id);
    };
    let replied = match route(&gateway, face, &path, exchange).await {
        Ok(replied) => replied,
        Err(fault) => Replied::of(Err(fault)),
    };
    replied.finish(face, &request_id).await
}

async fn route(gateway: &Gateway, face: &CashDesk, path: &str, exchange: Exchange) -> Result<Replied, Fault> {
    let segments = segments(path).ok_or_else(Fault::not_found)?;
    let post = [Method::POST];
    let get = [Method::GET, Method::HEAD];
    let methods: &[Method] = match segments.as_slice() {
        ["authenticate"] | ["tax_objects"] | ["check", "sale" | "service"] => &post,
        ["shift"] | ["shift", "xReport" | "lastCheck" | "ping"] | ["shift", "zReport", "period"] => &post,
        ["tax_objects", _] | ["checks", _, _] | ["key-heartbeat"] => &get,
        _ => return Err(Fault::not_found()),
    };
    if !methods.contains(&exchange.method) {
        let allowed = if methods[0] == Method::POST {
            "POST"
        } else {
            "GET, HEAD"
        };
        return Err(Fault::method_not_allowed(allowed));
    }
    let door = Door::enter(gateway, face, exchange).await?;
    Ok(match segments.as_slice() {
        ["authenticate"] => Replied::of(authenticate::authenticate(&door).await),
        ["tax_objects"] => Replied::of(tax_objects::list(&door).await),
        ["tax_objects", number] => tax_objects::one(&door, number).await,
        ["check", "sale"] => receipt::sale(&door).await,
        ["check", "service"] => receipt::service(&door).await,
        ["shift"] => shift::shift(&door).await,
        ["shift", "xReport"] => report::x(&door).await,
        ["shift", "zReport", "period"] => period::period(&door).await,
        ["shift", "lastCheck"] => state::last_check(&door).await,
        ["shift", "ping"] => state::ping(&door).await,
        ["key-heartbeat"] => Replied::of(key::heartbeat(&door)),
        ["checks", id, form] => Replied::of(checks::of_account(&door, id, form).await),
        _ => return Err(Fault::not_found()),
    })
}

/// Who calls a route outside this face with a token of it.
pub fn caller_of(face: &CashDesk, exchange: &Exchange) -> Option<Caller> {
    let query = Fields::of_form(exchange.query.as_bytes());
    door::caller(face, &exchange.headers, &query)
}

/// The answer of an operation that was done, without its views.
///
/// # Errors
/// The store's.
pub async fn operation_fields(
    face: &CashDesk,
    register: RegisterNumber,
    operation: OperationId,
    record: &OperationRecord,
    done: &Done,
) -> Result<Map<String, Value>, Fault> {
    answer::done(face, register, operation, record.reference, done, None).await
}
