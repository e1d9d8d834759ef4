//! Users of the fiscal side: accounts, their permanent keys and their tokens.

use super::super::Gateway;
use super::super::exchange::{Answer, Exchange};
use super::super::form;
use super::super::problem::{Code, Problem};
use super::cashiers::{CashierView, view as cashier_view};
use super::invokers::{KeyRow, KeyView, NewKeyView};
use super::registers::{RegisterView, view as register_view};
use super::{admit, change_account, json, moment, no_content, read_row, unknown};
use actors::accounts::password::{PASSWORD_BYTES_MAX, PASSWORD_CHARACTERS_MIN, PasswordRecord};
use actors::accounts::records::{AccountRecord, TokenRecord};
use actors::accounts::{AccountFacts, Change};
use actors::ids::AccountId;
use actors::random::draw_uuid;
use actors::secret::Secret;
use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A user, as it is put.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountRow {
    /// For people; 1 to 256 characters.
    #[schema(min_length = 1, max_length = 256)]
    name: String,
    /// By which it authenticates; unique, compared without case.
    #[serde(default)]
    #[schema(min_length = 3, max_length = 254, pattern = "^[^@\\s]+@[^@\\s]+$")]
    email: Option<String>,
    /// With which it authenticates; without one, the earlier one stays.
    #[serde(default)]
    #[schema(min_length = 10, max_length = 256)]
    password: Option<String>,
    /// Whether it may call at all.
    #[serde(default = "yes")]
    is_active: bool,
    /// Seconds that its requests are held; null: as is configured.
    #[serde(default, deserialize_with = "form::optional_integer")]
    #[schema(minimum = 1, maximum = 600)]
    hold_seconds: Option<u16>,
    /// Whether it may load keys into its agent through the gateway, where `agents.relay_keys` allows that at all.
    #[serde(default)]
    may_relay_keys: bool,
}

fn yes() -> bool {
    true
}

/// A user, as it is shown. Passwords, keys and tokens are nowhere.
#[derive(Serialize, utoipa::ToSchema)]
pub struct AccountView {
    id: Uuid,
    name: String,
    email: Option<String>,
    has_password: bool,
    is_active: bool,
    hold_seconds: Option<u16>,
    may_relay_keys: bool,
    keys: Vec<KeyView>,
}

/// A token, as it is shown.
#[derive(Serialize, utoipa::ToSchema)]
pub struct TokenView {
    /// By which it is revoked.
    id: Uuid,
    /// The cashier for whom it was given; null: for email and password.
    cashier: Option<Uuid>,
    /// When it was given (RFC 3339, UTC).
    issued_at: String,
    /// Until when it is taken.
    expires_at: String,
}

/// All, by id.
pub async fn list(gateway: Gateway, exchange: Exchange) -> Answer {
    admit(&gateway, &exchange, &[Method::GET])?;
    let accounts = gateway.accounts.accounts();
    let views: Vec<AccountView> = accounts.iter().map(|(id, record)| view(*id, record)).collect();
    Ok(json(StatusCode::OK, &views))
}

/// One.
pub async fn one(gateway: Gateway, id: String, mut exchange: Exchange) -> Answer {
    admit(&gateway, &exchange, &[Method::GET, Method::PUT])?;
    let id = parse(&id)?;
    if exchange.method == Method::PUT {
        let row: AccountRow = read_row(&gateway, &mut exchange).await?;
        let password = match row.password {
            Some(password) => Some(hashed(&gateway, password).await?),
            None => None,
        };
        let facts = AccountFacts {
            name: row.name,
            email: row.email,
            password,
            is_active: row.is_active,
            hold_seconds: row.hold_seconds,
            may_relay_keys: row.may_relay_keys,
        };
        change_account(&gateway, Change::PutAccount { id, facts }).await?;
    }
    let record = gateway.accounts.account(id).ok_or_else(unknown)?;
    Ok(json(StatusCode::OK, &view(id, &record)))
}

/// Adds a permanent key (`api_token`).
pub async fn keys(gateway: Gateway, id: String, mut exchange: Exchange) -> Answer {
    admit(&gateway, &exchange, &[Method::POST])?;
    let account = parse(&id)?;
    let row: KeyRow = read_row(&gateway, &mut exchange).await?;
    let failed = |_| Problem::new(Code::Internal, "the random generator failed");
    let key = match row.into_key() {
        Some(key) => key,
        None => crate::secrets::api_token(gateway.randomness.as_ref()).map_err(failed)?,
    };
    let id = draw_uuid(gateway.randomness.as_ref(), gateway.clock.now()).map_err(failed)?;
    let given = Secret::new(key.clone());
    change_account(
        &gateway,
        Change::AddKey {
            account,
            key: given,
            id,
        },
    )
    .await?;
    Ok(json(StatusCode::CREATED, &NewKeyView::new(id, key)))
}

/// Revokes a permanent key.
pub async fn key(gateway: Gateway, [account, id]: [String; 2], exchange: Exchange) -> Answer {
    admit(&gateway, &exchange, &[Method::DELETE])?;
    let account = parse(&account)?;
    let id = Uuid::parse_str(&id).map_err(|_| unknown())?;
    change_account(&gateway, Change::RevokeKey { account, id }).await?;
    Ok(no_content())
}

/// Its tokens, oldest first.
pub async fn tokens(gateway: Gateway, id: String, exchange: Exchange) -> Answer {
    admit(&gateway, &exchange, &[Method::GET])?;
    let account = known(&gateway, &id)?;
    let tokens = gateway.accounts.tokens_of(account);
    let views: Vec<TokenView> = tokens.iter().map(|token| token_view(token)).collect();
    Ok(json(StatusCode::OK, &views))
}

/// Revokes a token.
pub async fn token(gateway: Gateway, [account, id]: [String; 2], exchange: Exchange) -> Answer {
    admit(&gateway, &exchange, &[Method::DELETE])?;
    let account = parse(&account)?;
    let id = Uuid::parse_str(&id).map_err(|_| unknown())?;
    change_account(&gateway, Change::RevokeToken { account, id }).await?;
    Ok(no_content())
}

/// Its registers.
pub async fn registers(gateway: Gateway, id: String, exchange: Exchange) -> Answer {
    admit(&gateway, &exchange, &[Method::GET])?;
    let account = known(&gateway, &id)?;
    let tills = gateway.accounts.tills_of(account);
    let views: Vec<RegisterView> = tills
        .iter()
        .map(|(number, till)| register_view(*number, till))
        .collect();
    Ok(json(StatusCode::OK, &views))
}

/// Its cashiers, oldest first.
pub async fn cashiers(gateway: Gateway, id: String, exchange: Exchange) -> Answer {
    admit(&gateway, &exchange, &[Method::GET])?;
    let account = known(&gateway, &id)?;
    let cashiers = gateway.accounts.cashiers_of(account);
    let views: Vec<CashierView> = cashiers
        .iter()
        .map(|(id, cashier)| cashier_view(*id, cashier))
        .collect();
    Ok(json(StatusCode::OK, &views))
}

fn parse(id: &str) -> Result<AccountId, Problem> {
    let invalid = |_| Problem::new(Code::InvalidField, "the account's id in the path must be a GUID");
    Uuid::parse_str(id).map(AccountId).map_err(invalid)
}

pub(super) fn known(gateway: &Gateway, id: &str) -> Result<AccountId, Problem> {
    let account = parse(id)?;
    gateway
        .accounts
        .account(account)
        .map(|_| account)
        .ok_or_else(unknown)
}

/// Hashing takes tens of milliseconds, aside from the threads that serve.
async fn hashed(gateway: &Gateway, password: String) -> Result<PasswordRecord, Problem> {
    let characters = password.chars().count();
    if characters < PASSWORD_CHARACTERS_MIN || password.len() > PASSWORD_BYTES_MAX {
        let detail = format!(
            "password: must have {PASSWORD_CHARACTERS_MIN} characters and at most {PASSWORD_BYTES_MAX} octets"
        );
        return Err(Problem::new(Code::UnfitObject, detail));
    }
    let password = Secret::new(password);
    let randomness = std::sync::Arc::clone(&gateway.randomness);
    let hashing = tokio::task::spawn_blocking(move || PasswordRecord::of(&password, randomness.as_ref()));
    let failed = || Problem::new(Code::Internal, "the password could not be hashed");
    hashing.await.map_err(|_| failed())?.map_err(|_| failed())
}

fn view(id: AccountId, record: &AccountRecord) -> AccountView {
    AccountView {
        id: id.0,
        name: record.name.clone(),
        email: record.email.clone(),
        has_password: record.password.is_some(),
        is_active: record.is_active,
        hold_seconds: record.hold_seconds,
        may_relay_keys: record.may_relay_keys,
        keys: record.keys.iter().map(KeyView::of).collect(),
    }
}

fn token_view(record: &TokenRecord) -> TokenView {
    TokenView {
        id: record.id,
        cashier: record.cashier.map(|cashier| cashier.0),
        issued_at: moment(record.issued_ms),
        expires_at: moment(record.expires_ms),
    }
}
