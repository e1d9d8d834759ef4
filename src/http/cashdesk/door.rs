//! What every request of this face passes: its fields from body and query, `developer-id`, and whose token it carries.

use super::super::Gateway;
use super::super::exchange::Exchange;
use super::CashDesk;
use super::fault::Fault;
use super::fields::Fields;
use actors::accounts::Caller;
use actors::accounts::records::{AccountRecord, TillRecord};
use actors::secret::Secret;
use bytes::Bytes;
use fiscal::RegisterNumber;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Method, Response};
use serde_json::Value;
use serve::RequestId;

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// The largest body: a sale of two thousand lines has about 200 KiB.
pub const BODY_BYTES_MAX: usize = 256 * 1_024;
/// Names its integrator; whoever does not is refused, as the original refuses.
const DEVELOPER_ID: HeaderName = HeaderName::from_static("developer-id");
const DEVELOPER_ID_CHARACTERS_MAX: usize = 255;
const SHIFT_STATE: HeaderName = HeaderName::from_static("shift-state");
const PREFER: HeaderName = HeaderName::from_static("prefer");

/// One request that was let in.
pub struct Door<'a> {
    pub gateway: &'a Gateway,
    pub face: &'a CashDesk,
    pub fields: Fields,
    /// The body as it came, for idempotency.
    pub body: Bytes,
    pub developer_id: String,
    pub peer: IpAddr,
    headers: HeaderMap,
    idempotency_key: Option<String>,
    caller: OnceLock<Caller>,
}

/// What a handler comes to, and of which register: every answer about one says whether its shift is open.
pub struct Replied {
    pub result: Result<Response<Vec<u8>>, Fault>,
    pub register: Option<RegisterNumber>,
    pub is_shift_open: Option<bool>,
}

impl Replied {
    /// About no register.
    pub fn of(result: Result<Response<Vec<u8>>, Fault>) -> Self {
        Self {
            result,
            register: None,
            is_shift_open: None,
        }
    }

    /// About this register; whether its shift is open is looked up where the handler did not learn it.
    pub fn about(
        register: RegisterNumber,
        is_shift_open: Option<bool>,
        result: Result<Response<Vec<u8>>, Fault>,
    ) -> Self {
        Self {
            result,
            register: Some(register),
            is_shift_open,
        }
    }

    pub async fn finish(self, face: &CashDesk, request_id: &RequestId) -> Response<Vec<u8>> {
        let is_shift_open = match (self.is_shift_open, self.register) {
            (Some(is_open), _) => Some(is_open),
            (None, Some(register)) => {
                let view = face.registers.look(register).await;
                view.ok().map(|view| view.shift.is_some())
            }
            (None, None) => None,
        };
        let mut response = match self.result {
            Ok(response) => response,
            Err(fault) => fault.into_response(request_id),
        };
        if let Some(is_open) = is_shift_open {
            let state = HeaderValue::from_static(if is_open { "true" } else { "false" });
            response.headers_mut().insert(SHIFT_STATE, state);
        }
        response
    }
}

/// How a caller wants to wait (RFC 7240).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prefer {
    /// `wait=N`, in seconds.
    pub wait: Option<u64>,
    /// `respond-async`.
    pub is_async: bool,
}

impl Prefer {
    /// Reads every `Prefer` field; what is not known is passed over, as the RFC asks, and of a preference that comes twice the first counts.
    pub fn of(headers: &HeaderMap) -> Self {
        let mut prefer = Self::default();
        let fields = headers
            .get_all(PREFER)
            .iter()
            .filter_map(|field| field.to_str().ok());
        for preference in fields.flat_map(|field| field.split(',')) {
            let token = preference.split(';').next().unwrap_or_default();
            let (name, value) = token.split_once('=').unwrap_or((token, ""));
            match name.trim().to_ascii_lowercase().as_str() {
                "wait" => prefer.wait = prefer.wait.or(value.trim().trim_matches('"').parse().ok()),
                "respond-async" => prefer.is_async = true,
                _ => {}
            }
        }
        prefer
    }
}

impl<'a> Door<'a> {
    /// Reads body and query; asks for `developer-id`.
    pub async fn enter(
        gateway: &'a Gateway,
        face: &'a CashDesk,
        mut exchange: Exchange,
    ) -> Result<Self, Fault> {
        let idempotency_key = exchange.idempotency_key()?.map(str::to_owned);
        let mut fields = Fields::default();
        let mut body = Bytes::new();
        if exchange.method == Method::POST {
            exchange.expect_type(&["application/json", FORM])?;
            body = exchange.read_body(BODY_BYTES_MAX, gateway.body_deadline).await?;
            fields = if is_form(&exchange.headers) {
                Fields::of_form(&body)
            } else {
                Fields::of_json(&body)?
            };
        }
        fields.fill_from(Fields::of_form(exchange.query.as_bytes()));
        let developer_id = match exchange.headers.get(DEVELOPER_ID).map(HeaderValue::as_bytes) {
            Some(bytes) => Some(String::from_utf8_lossy(bytes).trim().to_owned()),
            // The original merges both into one set, so that a client may well send it there.
            None => fields.text("developer-id", DEVELOPER_ID_CHARACTERS_MAX)?,
        };
        let developer_id = developer_id.filter(|id| !id.is_empty()).ok_or_else(|| {
            Fault::new(
                http::StatusCode::BAD_REQUEST,
                "developer-id-missing",
                "Відсутній обов'язковий заголовок developer-id",
            )
        })?;
        Ok(Self {
            gateway,
            face,
            fields,
            body,
            developer_id: developer_id.chars().take(DEVELOPER_ID_CHARACTERS_MAX).collect(),
            peer: exchange.peer,
            headers: std::mem::take(&mut exchange.headers),
            idempotency_key,
            caller: OnceLock::new(),
        })
    }

    /// Whose token it is: in `Authorization`, bare or behind `Bearer`, or as `api_token` in body or query. One that is taken suffices.
    pub fn caller(&self) -> Result<Caller, Fault> {
        if let Some(caller) = self.caller.get() {
            return Ok(*caller);
        }
        let caller = caller(self.face, &self.headers, &self.fields).ok_or_else(Fault::unauthorized)?;
        Ok(*self.caller.get_or_init(|| caller))
    }

    pub fn account(&self) -> Result<Arc<AccountRecord>, Fault> {
        let account = self.face.accounts.account(self.caller()?.account);
        account.ok_or_else(Fault::unauthorized)
    }

    /// The register that the request names, one of the caller's.
    pub fn register(&self) -> Result<(RegisterNumber, Arc<TillRecord>), Fault> {
        let caller = self.caller()?;
        let given = self.fields.natural("num_fiscal")?;
        let number = self.fields.required("num_fiscal", given)?;
        let number = RegisterNumber::new(number).map_err(|_| {
            self.fields
                .wrong("num_fiscal", "має бути фіскальним номером каси")
        })?;
        let till = self.face.accounts.till_of(caller.account, number);
        till.map(|till| (number, till))
            .ok_or_else(|| Fault::unknown_register(number))
    }

    pub fn prefer(&self) -> Prefer {
        Prefer::of(&self.headers)
    }

    /// How long this caller is held: as it prefers, as its account is set, or as is configured.
    pub fn hold(&self) -> Result<Duration, Fault> {
        let account = self.account()?;
        let prefer = self.prefer();
        if prefer.is_async {
            return Ok(Duration::ZERO);
        }
        let seconds = prefer.wait.or(account.hold_seconds.map(u64::from));
        let seconds = seconds.map_or(self.face.hold, Duration::from_secs);
        Ok(seconds.clamp(Duration::from_secs(1), self.face.hold_max))
    }

    pub fn idempotency_key(&self) -> Option<&str> {
        self.idempotency_key.as_deref()
    }
}

/// Whose token a request carries.
pub fn caller(face: &CashDesk, headers: &HeaderMap, fields: &Fields) -> Option<Caller> {
    let header = headers.get(AUTHORIZATION).and_then(|field| field.to_str().ok());
    let header = header.map(|field| {
        let (scheme, token) = field.split_once(' ').unwrap_or(("", field));
        let is_bearer = scheme.eq_ignore_ascii_case("bearer");
        if is_bearer { token.trim() } else { field.trim() }.to_owned()
    });
    let parameter = fields.text("api_token", TOKEN_CHARACTERS_MAX).ok().flatten();
    let given = [header, parameter].into_iter().flatten().map(Secret::new);
    given
        .filter_map(|token| face.accounts.authenticate(&token))
        .next()
}

const FORM: &str = "application/x-www-form-urlencoded";
/// Longer than any token.
const TOKEN_CHARACTERS_MAX: usize = 512;

fn is_form(headers: &HeaderMap) -> bool {
    let field = headers.get(CONTENT_TYPE).and_then(|field| field.to_str().ok());
    field.is_some_and(|field| {
        let media_type = field.split(';').next().unwrap_or_default();
        media_type.trim().eq_ignore_ascii_case(FORM)
    })
}

/// 200, which is the one status that every client takes for success.
pub fn json(value: &Value) -> Response<Vec<u8>> {
    let body = serde_json::to_vec(value).expect("texts and numbers become JSON");
    let mut response = Response::new(body);
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preferences_are_read_as_rfc_7240_writes_them() {
        for (fields, wait, is_async) in [
            (&["wait=25"][..], Some(25), false),
            (&["respond-async, wait=10"], Some(10), true),
            (&["Respond-Async;x=1", "WAIT = \"7\""], Some(7), true),
            (&["wait=3, wait=4"], Some(3), false),
            (&["wait=x, handling=lenient"], None, false),
            (&[], None, false),
        ] {
            let mut headers = HeaderMap::new();
            for field in fields {
                headers.append(PREFER, HeaderValue::from_str(field).unwrap());
            }
            assert_eq!(Prefer::of(&headers), Prefer { wait, is_async }, "{fields:?}");
        }
    }
}
