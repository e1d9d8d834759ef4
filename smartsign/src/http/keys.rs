//! The keys: list, activate, lock, remove, heartbeat.

use super::exchange::{Answer, Exchange, Refused, json};
use super::{App, complete};
use crate::keys::container::Fault;
use crate::keys::{Error, KeyStore};
use crate::recorder::audit::Event;
use http::StatusCode;
use serde::Serialize;
use signing_protocol::{KeyFacts, KeyId, KeyState};
use std::sync::Arc;

/// What every change of the keys is refused with.
pub(super) fn refused(error: Error) -> Refused {
    let message = error.to_string();
    let (status, code) = match &error {
        Error::Exists(_) => (StatusCode::BAD_REQUEST, "key_exists"),
        Error::IdTaken(_) => (StatusCode::CONFLICT, "id_taken"),
        Error::Unknown(_) => (StatusCode::NOT_FOUND, "unknown_key"),
        Error::TooManyActive(_) => (StatusCode::CONFLICT, "too_many_keys"),
        Error::TooManyStored => (StatusCode::CONFLICT, "too_many_stored"),
        Error::OutOfTime(..) => (StatusCode::CONFLICT, "certificate_out_of_time"),
        Error::Fault(Fault::WrongPassword) => (StatusCode::BAD_REQUEST, "wrong_password"),
        Error::Fault(Fault::NoCertificate) => (StatusCode::BAD_REQUEST, "certificate_not_found"),
        Error::Fault(Fault::ForeignCertificate) => (StatusCode::BAD_REQUEST, "certificate_of_another_key"),
        Error::Fault(Fault::NotForSigning) => (StatusCode::BAD_REQUEST, "not_for_signing"),
        Error::Fault(_) => (StatusCode::BAD_REQUEST, "invalid_key"),
        Error::Vault(_) => return Refused::internal(message),
    };
    let serial = match error {
        Error::Exists(serial) => Some(serial.to_string()),
        _ => None,
    };
    Refused {
        serial,
        ..Refused::new(status, code, message)
    }
}

pub(super) fn list(app: &App) -> Answer {
    json(StatusCode::OK, &serde_json::json!({ "keys": app.keys.list() }))
}

pub(super) fn one(app: &App, id: KeyId) -> Answer {
    json(StatusCode::OK, &app.keys.get(id).map_err(refused)?)
}

pub(super) async fn activate(app: Arc<App>, id: KeyId) -> Answer {
    let licence = app.licences.valid();
    let licence =
        licence.map_err(|error| Refused::new(StatusCode::FORBIDDEN, "licence", error.to_string()))?;
    let work = Arc::clone(&app);
    complete(&app, async move {
        let facts = work
            .desk
            .activate_key(id, licence.keys_max)
            .await
            .map_err(refused)?;
        tracing::info!(key = %id, "a key was activated");
        work.link.keys_changed();
        json(StatusCode::OK, &facts)
    })
    .await
}

pub(super) async fn deactivate(app: Arc<App>, id: KeyId) -> Answer {
    let work = Arc::clone(&app);
    complete(&app, async move {
        let facts = change(&work, move |keys| keys.deactivate(id)).await?;
        work.desk.note(Event::KeyDeactivated { key: id }).await;
        tracing::info!(key = %id, "a key was locked");
        work.link.keys_changed();
        json(StatusCode::OK, &facts)
    })
    .await
}

pub(super) async fn remove(app: Arc<App>, id: KeyId) -> Answer {
    let work = Arc::clone(&app);
    complete(&app, async move {
        let facts = change(&work, move |keys| keys.remove(id)).await?;
        let event = Event::KeyRemoved {
            key: id,
            serial: facts.serial.clone(),
        };
        work.desk.note(event).await;
        tracing::info!(key = %id, serial = %facts.serial, "a key was removed");
        work.link.keys_changed();
        json(StatusCode::OK, &facts)
    })
    .await
}

/// A change of the keys on a thread that may block.
pub(super) async fn change(
    app: &App,
    change: impl FnOnce(&KeyStore) -> Result<KeyFacts, Error> + Send + 'static,
) -> Result<KeyFacts, Refused> {
    let keys = Arc::clone(&app.keys);
    let changed = tokio::task::spawn_blocking(move || change(&keys)).await;
    changed
        .map_err(|_| Refused::internal("changing the keys panicked"))?
        .map_err(refused)
}

#[derive(Serialize)]
struct Heartbeat {
    /// Whether a key of this taxpayer can sign now.
    active: bool,
    keys: Vec<KeyFacts>,
}

/// `GET /api/v2/key-heartbeat?drfo=…`: the keys of a taxpayer, and whether one can sign.
pub(super) fn heartbeat(app: &App, exchange: &Exchange) -> Answer {
    let drfo = exchange.parameter("drfo");
    let drfo = drfo.ok_or_else(|| Refused::bad_request("invalid_query", "the parameter `drfo` is needed"))?;
    let is_theirs = |key: &KeyFacts| {
        let numbers = [&key.taxpayer_number, &key.company_code];
        numbers
            .into_iter()
            .any(|number| number.as_deref() == Some(drfo.as_str()))
    };
    let keys: Vec<KeyFacts> = app.keys.list().into_iter().filter(is_theirs).collect();
    let is_licensed = app.licences.valid().is_ok();
    let active = is_licensed && keys.iter().any(|key| key.state == KeyState::Active);
    json(StatusCode::OK, &Heartbeat { active, keys })
}
