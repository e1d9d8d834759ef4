//! Calling systems and their keys.

use super::super::Gateway;
use super::super::exchange::{Answer, Exchange};
use super::super::form;
use super::super::problem::{Code, Problem};
use super::{admit, apply, json, moment, no_content, read_row, unknown};
use actors::directory::Change;
use actors::directory::records::{InvokerRecord, KeyRecord};
use actors::ids::InvokerCode;
use actors::random::draw_uuid;
use actors::secret::Secret;
use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A calling system, as it is put.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InvokerRow {
    /// For people; 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// The contract types it may have signed.
    #[serde(deserialize_with = "form::integers")]
    #[schema(value_type = Vec<ContractTypeNumber>)]
    contract_types: Vec<u8>,
    /// A key to accept from now on, beside those that there are; 8 to 255 visible ASCII characters.
    #[serde(default)]
    #[schema(min_length = 8, max_length = 255, pattern = "^[!-~]+$")]
    key: Option<String>,
}

/// A calling system, as it is shown. Keys themselves are nowhere.
#[derive(Serialize, utoipa::ToSchema)]
pub struct InvokerView {
    code: Uuid,
    name: String,
    #[schema(value_type = Vec<ContractTypeNumber>)]
    contract_types: Vec<u8>,
    keys: Vec<KeyView>,
}

/// A contract type's id.
#[derive(utoipa::ToSchema)]
#[schema(value_type = u8, maximum = 255)]
#[allow(dead_code)] // describes the items of a list
pub struct ContractTypeNumber(u8);

/// A key, as it is shown.
#[derive(Serialize, utoipa::ToSchema)]
pub struct KeyView {
    /// By which it is revoked.
    id: Uuid,
    /// When it was added (RFC 3339, UTC).
    added_at: String,
}

impl KeyView {
    pub(super) fn of(key: &KeyRecord) -> Self {
        Self {
            id: key.id,
            added_at: moment(key.added_ms),
        }
    }
}

/// A key to add; without `key` one is made.
#[derive(Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyRow {
    /// The key to accept.
    #[serde(default)]
    #[schema(min_length = 8, max_length = 255, pattern = "^[!-~]+$")]
    key: Option<String>,
}

impl KeyRow {
    pub(super) fn into_key(self) -> Option<String> {
        self.key
    }
}

/// A key that was added. It is shown this once.
#[derive(Serialize, utoipa::ToSchema)]
pub struct NewKeyView {
    /// By which it is revoked.
    id: Uuid,
    /// The key itself.
    key: String,
}

impl NewKeyView {
    pub(super) fn new(id: Uuid, key: String) -> Self {
        Self { id, key }
    }
}

/// All of them, by code.
pub async fn list(gateway: Gateway, exchange: Exchange) -> Answer {
    admit(&gateway, &exchange, &[Method::GET])?;
    let snapshot = gateway.directory.snapshot();
    let views: Vec<InvokerView> = snapshot
        .invokers()
        .map(|(code, record)| view(*code, record))
        .collect();
    Ok(json(StatusCode::OK, &views))
}

/// One.
pub async fn one(gateway: Gateway, code: String, mut exchange: Exchange) -> Answer {
    admit(&gateway, &exchange, &[Method::GET, Method::PUT, Method::DELETE])?;
    let code = parse(&code)?;
    if exchange.method == Method::PUT {
        let InvokerRow {
            name,
            contract_types,
            key,
        } = read_row(&gateway, &mut exchange).await?;
        apply(
            &gateway,
            Change::PutInvoker {
                code,
                name,
                contract_types,
                key: key.map(Secret::new),
            },
        )
        .await?;
    }
    if exchange.method == Method::DELETE {
        apply(&gateway, Change::DeleteInvoker(code)).await?;
        return Ok(no_content());
    }
    let snapshot = gateway.directory.snapshot();
    let record = snapshot.invoker(code).ok_or_else(unknown)?;
    Ok(json(StatusCode::OK, &view(code, record)))
}

/// Adds a key.
pub async fn keys(gateway: Gateway, code: String, mut exchange: Exchange) -> Answer {
    admit(&gateway, &exchange, &[Method::POST])?;
    let invoker = parse(&code)?;
    let row: KeyRow = read_row(&gateway, &mut exchange).await?;
    let failed = |_| Problem::new(Code::Internal, "the random generator failed");
    let key = match row.key {
        Some(key) => key,
        None => crate::secrets::partner_key(gateway.randomness.as_ref()).map_err(failed)?,
    };
    let id = draw_uuid(gateway.randomness.as_ref(), gateway.clock.now()).map_err(failed)?;
    apply(
        &gateway,
        Change::AddKey {
            invoker,
            key: Secret::new(key.clone()),
            id,
        },
    )
    .await?;
    Ok(json(StatusCode::CREATED, &NewKeyView { id, key }))
}

/// Revokes a key.
pub async fn key(gateway: Gateway, [code, id]: [String; 2], exchange: Exchange) -> Answer {
    admit(&gateway, &exchange, &[Method::DELETE])?;
    let invoker = parse(&code)?;
    let id = Uuid::parse_str(&id).map_err(|_| unknown())?;
    apply(&gateway, Change::RevokeKey { invoker, id }).await?;
    Ok(no_content())
}

fn parse(code: &str) -> Result<InvokerCode, Problem> {
    let invalid = |_| {
        Problem::new(
            Code::InvalidField,
            "the invoker's code in the path must be a GUID",
        )
    };
    Uuid::parse_str(code).map(InvokerCode).map_err(invalid)
}

fn view(code: InvokerCode, record: &InvokerRecord) -> InvokerView {
    InvokerView {
        code: code.0,
        name: record.name.clone(),
        contract_types: record.contract_types.clone(),
        keys: record.keys.iter().map(KeyView::of).collect(),
    }
}
