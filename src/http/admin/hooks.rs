//! Where a partner wants to be told what becomes of its messages.

use super::super::Gateway;
use super::super::exchange::{Answer, Exchange};
use super::super::problem::{Code, Problem};
use super::{admit, json, no_content, read_row, store_problem, unknown};
use actors::deliveries::HookRecord;
use actors::ids::InvokerCode;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, SecondsFormat};
use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The longest URL.
const URL_CHARACTERS_MAX: usize = 1_000;

/// A wish to be told, as it is put.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HookRow {
    /// Where news are POSTed: https://, or http:// on a private network where `webhooks.private_addresses` allows that.
    #[schema(max_length = 1000, pattern = "^https?://")]
    url: String,
}

/// A wish to be told, as it is shown.
#[derive(Serialize, utoipa::ToSchema)]
pub struct HookView {
    /// Where news are POSTed.
    url: String,
    /// The key of their signatures (Standard Webhooks); a new one each time that the wish is put.
    secret: String,
    /// When it was put (RFC 3339, UTC).
    put_at: String,
}

/// One partner's.
pub async fn hook(gateway: Gateway, code: String, mut exchange: Exchange) -> Answer {
    admit(&gateway, &exchange, &[Method::GET, Method::PUT, Method::DELETE])?;
    let invalid = |_| {
        Problem::new(
            Code::InvalidField,
            "the invoker's code in the path must be a GUID",
        )
    };
    let partner = Uuid::parse_str(&code).map(InvokerCode).map_err(invalid)?;
    let row = match exchange.method {
        Method::PUT => Some(read_row::<HookRow>(&gateway, &mut exchange).await?),
        _ => None,
    };
    gateway
        .directory
        .snapshot()
        .invoker(partner)
        .ok_or_else(unknown)?;
    let outbox = &gateway.deliveries.outbox;
    let found = match (&exchange.method, row) {
        (_, Some(row)) => outbox.put_hook(partner, Some(fit(&gateway, row.url)?)).await,
        (&Method::DELETE, None) => outbox.put_hook(partner, None).await,
        (_, None) => outbox.hook(partner).await,
    };
    let found = found.map_err(|error| store_problem(&error))?;
    if exchange.method == Method::DELETE {
        return Ok(no_content());
    }
    let record = found.ok_or_else(unknown)?;
    Ok(json(StatusCode::OK, &view(&gateway, partner, record)))
}

fn fit(gateway: &Gateway, url: String) -> Result<String, Problem> {
    let unfit = |why: &str| Problem::new(Code::UnfitObject, format!("url: {why}"));
    if url.len() > URL_CHARACTERS_MAX {
        return Err(unfit("at most 1000 characters"));
    }
    gateway.receivers.check(&url).map_err(|why| unfit(&why))?;
    Ok(url)
}

fn view(gateway: &Gateway, partner: InvokerCode, record: HookRecord) -> HookView {
    let key = gateway.deliveries.outbox.key_of(partner, &record);
    let put_at = DateTime::from_timestamp_millis(record.put_ms);
    HookView {
        secret: format!("whsec_{}", BASE64_STANDARD.encode(key.as_slice())),
        put_at: put_at
            .map(|at| at.to_rfc3339_opts(SecondsFormat::Millis, true))
            .unwrap_or_default(),
        url: record.url,
    }
}
