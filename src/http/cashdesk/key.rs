//! Keys: their state by the taxpayer's number, and their way into the agent, where it leads through here. A gateway that takes none in transit
//! cannot lose one: that is why it takes none unless it is told to.

use super::super::Gateway;
use super::super::exchange::Exchange;
use super::door::{Door, json};
use super::fault::Fault;
use super::key_form;
use actors::agents::NotRelayed;
use chrono::{DateTime, SecondsFormat};
use http::{Method, Response, StatusCode};
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

/// `POST /api/v1/key`: a key container and its password, relayed to the account's agent; nothing of it is kept but the facts that the agent
/// reports. Off, unless both the gateway's operator (`agents.relay_keys`) and support (the account's `may_relay_keys`) allow it.
pub async fn upload(gateway: Gateway, exchange: Exchange) -> Response<Vec<u8>> {
    let request_id = exchange.request_id.clone();
    let relayed = relay(&gateway, exchange).await;
    relayed.unwrap_or_else(|fault| fault.into_response(&request_id))
}

async fn relay(gateway: &Gateway, mut exchange: Exchange) -> Result<Response<Vec<u8>>, Fault> {
    let face = gateway.cashdesk.as_ref().ok_or_else(Fault::not_found)?;
    if exchange.method != Method::POST {
        return Err(Fault::method_not_allowed("POST"));
    }
    // The token is not looked for in the form: nothing is read of a stranger's.
    let caller = super::caller_of(face, &exchange).ok_or_else(Fault::unauthorized)?;
    let account = face.accounts.account(caller.account);
    if !face.relays_keys || !account.is_some_and(|account| account.may_relay_keys) {
        return Err(off());
    }
    let place = gateway.agents.begin_relay(caller.account)?;
    let upload = key_form::read(gateway, &mut exchange).await?;
    let facts = place.load(upload, face.hold).await?;
    Ok(json(&json!({
        "uuid": facts.key,
        "serial": facts.serial,
        "drfo": facts.taxpayer_number,
        "public_key": facts.public_key,
        "edrpou": facts.company_code,
        "state": facts.state,
    })))
}

fn off() -> Fault {
    let message = "Ключі через цей сервер не завантажуються. Завантажте ключ у SmartSign: POST /api/v1/key";
    Fault::new(StatusCode::FORBIDDEN, "key-relay-off", message)
}

impl From<NotRelayed> for Fault {
    fn from(reason: NotRelayed) -> Self {
        let (status, code, message) = match reason {
            NotRelayed::NotAgreed => (
                StatusCode::FORBIDDEN,
                "agreement-missing",
                "Немає чинної угоди на використання агента або на передачу ключів. Зверніться до підтримки",
            ),
            NotRelayed::NoAgent => (
                StatusCode::BAD_REQUEST,
                "no-agent",
                "Немає агента SmartSign з чинною ліцензією, який обслуговує вас. Зверніться до підтримки",
            ),
            NotRelayed::SeveralAgents => (
                StatusCode::CONFLICT,
                "several-agents",
                "Вас обслуговують кілька агентів SmartSign. Завантажте ключ у потрібний: POST /api/v1/key",
            ),
            NotRelayed::Away => {
                let message =
                    "Агент SmartSign не на зв'язку або застарів. Повторіть запит через 5-30 секунд.";
                return Self::new(StatusCode::SERVICE_UNAVAILABLE, "agent-away", message).retry_after(30);
            }
            NotRelayed::TooOften(seconds) => {
                let message = "Забагато ключів за хвилину. Повторіть запит пізніше";
                return Self::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", message)
                    .retry_after(seconds);
            }
            NotRelayed::Busy => return Self::unavailable(),
            // The original's words, which clients know.
            NotRelayed::Exists(serial) => {
                let fault = Self::new(StatusCode::BAD_REQUEST, "key-exists", "Key already exist");
                return fault.serial(serial);
            }
            NotRelayed::Refused { reason, text } => return refused(&reason, &text),
            NotRelayed::Late => {
                let message = "Агент не відповів вчасно. Якщо ключ завантажено, повторний запит скаже: Key already exist";
                return Self::new(StatusCode::SERVICE_UNAVAILABLE, "agent-late", message).retry_after(5);
            }
            NotRelayed::NoRandomness => return Self::internal(),
        };
        Self::new(status, code, message)
    }
}

/// The agent's reasons, in the words of its own upload as far as they are known.
fn refused(reason: &str, text: &str) -> Fault {
    let (code, message) = match reason {
        "wrong_password" => (
            "wrong-password",
            "Пароль не підходить до ключа, або ключ пошкоджено".to_owned(),
        ),
        "certificate_not_found" => (
            "certificate-not-found",
            "Сертифікат не знайдено: його немає в ключі, і окремо його не передано".to_owned(),
        ),
        "certificate_of_another_key" => (
            "certificate-of-another-key",
            "Сертифікат належить іншому ключу".to_owned(),
        ),
        "not_for_signing" => (
            "not-for-signing",
            "Сертифікат не призначено для підпису".to_owned(),
        ),
        "invalid_key" => ("invalid-key", format!("Ключ не може бути використано: {text}")),
        _ => ("key-refused", format!("Агент не прийняв ключ: {text}")),
    };
    Fault::new(StatusCode::BAD_REQUEST, code, message)
}
