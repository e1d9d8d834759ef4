//! Keys: their state by the taxpayer's number. Loading one is the agent's own business: a gateway that takes none in transit cannot lose one.

use super::super::Gateway;
use super::super::exchange::Exchange;
use super::door::{Door, json};
use super::fault::Fault;
use chrono::{DateTime, SecondsFormat};
use http::{Response, StatusCode};
use serde_json::json;

const NUMBER_CHARACTERS_MAX: usize = 20;

/// `GET /key-heartbeat?drfo=`: whether a key of this taxpayer is there, in force, and its agent known.
pub fn heartbeat(door: &Door<'_>) -> Result<Response<Vec<u8>>, Fault> {
    let caller = door.caller()?;
    let fields = &door.fields;
    let drfo = fields.required("drfo", fields.text("drfo", NUMBER_CHARACTERS_MAX)?)?;
    let now_ms = door.gateway.clock.now().wall.timestamp_millis();
    let cashiers = door.face.accounts.cashiers_of(caller.account);
    let keys: Vec<_> = cashiers
        .iter()
        .filter(|(_, cashier)| cashier.tax_number.as_deref() == Some(drfo.as_str()))
        .map(|(_, cashier)| {
            let in_force = (cashier.valid_from_ms..cashier.valid_until_ms).contains(&now_ms);
            let has_agent = door.face.agents.agent_of(cashier.key).is_some();
            let until = DateTime::from_timestamp_millis(cashier.valid_until_ms);
            json!({
                "uuid": cashier.key,
                "serial": cashier.serial,
                "drfo": drfo,
                "active": cashier.is_active && in_force && has_agent,
                "valid_until": until.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true)),
            })
        })
        .collect();
    if keys.is_empty() {
        let message = format!("Ключ для {drfo} не знайдено");
        return Err(Fault::new(StatusCode::NOT_FOUND, "unknown-key", message));
    }
    let is_active = keys.iter().any(|key| key["active"] == true);
    Ok(json(&json!({ "active": is_active, "keys": keys })))
}

/// `POST /api/v1/key`: the agent serves it; here it says where.
pub async fn upload(gateway: Gateway, exchange: Exchange) -> Response<Vec<u8>> {
    let fault = if gateway.cashdesk.is_none() {
        Fault::not_found()
    } else {
        let message =
            "Ключі через цей сервер не завантажуються. Завантажте ключ у SmartSign: POST /api/v1/key";
        Fault::new(StatusCode::FORBIDDEN, "key-relay-off", message)
    };
    fault.into_response(&exchange.request_id)
}
