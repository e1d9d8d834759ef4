//! Cashiers: register one, and see the token once; list them without.

use super::exchange::{Answer, Exchange, Refused, json};
use super::{App, complete};
use crate::gateway::cashier::{Asked, CashierError};
use crate::gateway::client::CallError;
use chrono::{DateTime, Utc};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use signing_protocol::{CashierId, KeyId, NAME_CHARACTERS_MAX, REGISTERS_MAX, RegisterNumber};
use std::sync::Arc;

const BODY_OCTETS_MAX: usize = 64 * 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Registration {
    key: KeyId,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    registers: Vec<RegisterNumber>,
}

pub(super) async fn register(app: Arc<App>, exchange: &mut Exchange) -> Answer {
    let registration: Registration = exchange.json(BODY_OCTETS_MAX, app.body_deadline).await?;
    let unfit = |message: String| Refused::bad_request("invalid_field", message);
    if let Some(name) = &registration.name
        && !(1..=NAME_CHARACTERS_MAX).contains(&name.trim().chars().count())
    {
        return Err(unfit(format!(
            "`name` must have 1 to {NAME_CHARACTERS_MAX} characters"
        )));
    }
    if registration.registers.len() > REGISTERS_MAX {
        return Err(unfit(format!("`registers` may have {REGISTERS_MAX} members")));
    }
    let asked = Asked {
        key: registration.key,
        name: registration.name,
        registers: registration.registers,
    };
    // The token must be kept also where the caller goes away.
    let work = Arc::clone(&app);
    complete(&app, async move {
        let answer = work.link.register_cashier(asked).await.map_err(refused)?;
        tracing::info!(cashier = %answer.cashier, "a cashier was registered");
        json(StatusCode::OK, &answer)
    })
    .await
}

fn refused(error: CashierError) -> Refused {
    let message = error.to_string();
    let (status, code) = match &error {
        CashierError::Refused(refusal) => (StatusCode::CONFLICT, refusal.reason.name()),
        CashierError::Call(CallError::Answered { .. }) => (StatusCode::BAD_GATEWAY, "gateway_refuses"),
        CashierError::Call(CallError::Unlicensed(_)) => (StatusCode::FORBIDDEN, "licence"),
        CashierError::Call(CallError::Local(_)) | CashierError::Store(_) => {
            return Refused::internal(message);
        }
        CashierError::Call(_) => (StatusCode::BAD_GATEWAY, "gateway_unreachable"),
    };
    Refused::new(status, code, message)
}

/// A cashier without their token.
#[derive(Serialize)]
struct Shown {
    cashier: CashierId,
    key: KeyId,
    name: String,
    registers: Vec<RegisterNumber>,
    registered: DateTime<Utc>,
    expires: Option<DateTime<Utc>>,
}

pub(super) async fn list(app: &App) -> Answer {
    let link = Arc::clone(&app.link);
    let read = tokio::task::spawn_blocking(move || link.cashiers()).await;
    let cashiers = read
        .unwrap_or_else(|_| Err("reading the cashiers panicked".to_owned()))
        .map_err(Refused::internal)?;
    let shown = cashiers.into_iter().map(|cashier| Shown {
        cashier: cashier.cashier,
        key: cashier.key,
        name: cashier.name,
        registers: cashier.registers,
        registered: cashier.registered,
        expires: cashier.expires,
    });
    let shown: Vec<Shown> = shown.collect();
    json(StatusCode::OK, &serde_json::json!({ "cashiers": shown }))
}
