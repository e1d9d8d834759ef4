//! `POST /authenticate`: a token for an address of e-mail and a password.

use super::super::problem::{Code, Problem};
use super::door::{Door, json};
use super::fault::Fault;
use actors::accounts::Caller;
use actors::accounts::password::{PASSWORD_BYTES_MAX, PasswordRecord};
use actors::ids::AccountId;
use actors::machines::register::kyiv;
use actors::secret::Secret;
use chrono::DateTime;
use http::{Response, StatusCode};
use serde_json::json;

/// The longest address of e-mail (RFC 5321).
const EMAIL_CHARACTERS_MAX: usize = 254;

pub async fn authenticate(door: &Door<'_>) -> Result<Response<Vec<u8>>, Fault> {
    let fields = &door.fields;
    let email = fields.required("email", fields.text("email", EMAIL_CHARACTERS_MAX)?)?;
    let password = fields.text("password", PASSWORD_BYTES_MAX)?;
    let password = Secret::new(fields.required("password", password)?);
    door.face.attempts.take(&email, door.peer).map_err(|seconds| {
        let message = format!("Забагато спроб. Повторіть через {seconds} с");
        Fault::new(StatusCode::TOO_MANY_REQUESTS, "too-many-attempts", message).retry_after(seconds)
    })?;
    let account = matching(door, &email, password).await?;
    let caller = Caller {
        account,
        cashier: None,
    };
    let given = door.face.accounts.give_token(caller).await.map_err(|error| {
        tracing::warn!(%error, "a token could not be given");
        Fault::unavailable()
    })?;
    let record = door
        .face
        .accounts
        .account(account)
        .ok_or_else(Fault::unauthorized)?;
    let tills = door.face.accounts.tills_of(account);
    let expires = DateTime::from_timestamp_millis(given.expires_ms).map(kyiv::local);
    // Clients took a foreign register's number for their own: only an account's sole register is named.
    let opened = match tills.as_slice() {
        [(number, _)] => {
            let view = door.face.registers.look(*number).await;
            view.ok()
                .filter(|view| view.shift.is_some())
                .map_or(0, |_| number.get())
        }
        _ => 0,
    };
    Ok(json(&json!({
        "active_rro": tills.iter().any(|(_, till)| !till.is_closed),
        "developer_id": door.developer_id,
        "opened_shift": opened,
        "token": given.token.expose(),
        "token_expires_at": expires.map(|at| at.format("%d.%m.%Y %H:%M").to_string()),
        "user": { "uuid": account, "full_name": record.name },
    })))
}

/// Whose password it is. Hashing takes tens of milliseconds of a core, so that it is done aside, and for an unknown address too.
async fn matching(door: &Door<'_>, email: &str, password: Secret) -> Result<AccountId, Fault> {
    let found = door.face.accounts.account_of_email(email);
    let matched = door
        .face
        .renderer
        .aside(move || match found {
            Some((id, record)) if record.is_active => match &record.password {
                Some(known) => known.matches(&password).then_some(id),
                None => {
                    PasswordRecord::match_nothing(&password);
                    None
                }
            },
            _ => {
                PasswordRecord::match_nothing(&password);
                None
            }
        })
        .await
        .ok_or_else(|| Fault::from(Problem::new(Code::Internal, "")))?;
    matched.ok_or_else(|| {
        let message = "Невірний email або пароль";
        Fault::new(StatusCode::UNAUTHORIZED, "wrong-password", message)
    })
}
