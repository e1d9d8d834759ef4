//! Licences of signing agents: issued, looked at, verified, revoked.

use super::super::Gateway;
use super::super::exchange::{Answer, Exchange};
use super::super::form;
use super::super::problem::{Code, Problem};
use super::{admit, agents, json, moment, no_content, read_row, store_problem, unknown};
use actors::agents::book::Change;
use actors::agents::records::LicenceRecord;
use actors::agents::{LicenceTerms, NotIssued};
use chrono::{DateTime, SubsecRound, Utc};
use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use signing_protocol::{AgentId, Form, LicenceToken, PublicKey};
use uuid::Uuid;

/// A licence to issue.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LicenceRow {
    /// The public key of the one instance that may use it, as `smartsign identity` prints it.
    #[schema(value_type = String, pattern = "^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$")]
    public_key: PublicKey,
    /// The signing libraries that it covers.
    #[serde(default = "every_form")]
    #[schema(value_type = Vec<FormName>, min_items = 1, max_items = 1)]
    forms: Vec<Form>,
    /// Keys that may be active at once.
    #[serde(deserialize_with = "form::integer")]
    #[schema(minimum = 1, maximum = 2_000)]
    keys_max: u32,
    /// The first moment; now, where it is absent.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    not_before: Option<DateTime<Utc>>,
    /// The last moment, at most three years later.
    #[schema(value_type = String, format = DateTime)]
    expires: DateTime<Utc>,
}

/// A signing library's name.
#[derive(utoipa::ToSchema)]
#[schema(rename_all = "snake_case")]
#[allow(dead_code)] // it describes `Form`, which another package reads
pub enum FormName {
    /// CAdES-BES with the content inside, DSTU 4145.
    CmsAttached,
}

fn every_form() -> Vec<Form> {
    vec![Form::CmsAttached]
}

/// A licence, as it is shown.
#[derive(Serialize, utoipa::ToSchema)]
pub struct LicenceView {
    /// By which it is revoked.
    id: Uuid,
    /// What the agent is given (`smartsign install-licence`). No secret: it is of use to one instance alone.
    token: String,
    public_key: String,
    forms: Vec<String>,
    keys_max: u32,
    not_before: String,
    expires: String,
    issued_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at: Option<String>,
    /// Whether it is the agent's last one, and so the one to enrol with.
    is_current: bool,
    /// Whether it is in time, and was not revoked.
    holds: bool,
}

/// A token to be judged.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenRow {
    /// The token.
    #[schema(min_length = 1, max_length = 16_384)]
    token: String,
}

/// What a token is worth.
#[derive(Serialize, utoipa::ToSchema)]
pub struct TokenVerdict {
    /// Whether its agent can enrol with it now.
    holds: bool,
    agent: Uuid,
    name: String,
    public_key: String,
    keys_max: u32,
    not_before: String,
    expires: String,
    /// Whether it is in this gateway's book.
    is_known: bool,
    is_current: bool,
    is_revoked: bool,
    is_in_time: bool,
}

/// The gateway's public key.
#[derive(Serialize, utoipa::ToSchema)]
pub struct GatewayKeyView {
    /// Agents have it in `gateway.public_keys`; base64.
    public_key: String,
}

impl LicenceView {
    pub(super) fn of(record: &LicenceRecord, is_current: bool, now: DateTime<Utc>) -> Self {
        Self {
            id: record.id,
            token: record.token.clone(),
            public_key: record.public_key.clone(),
            forms: record.forms.clone(),
            keys_max: record.keys_max,
            not_before: moment(record.not_before_ms),
            expires: moment(record.expires_ms),
            issued_at: moment(record.issued_ms),
            revoked_at: record.revoked_ms.map(moment),
            is_current,
            holds: record.holds_at(now.timestamp_millis()),
        }
    }
}

/// All of an agent that are kept, oldest first; and a new one.
pub async fn list(gateway: Gateway, agent: String, mut exchange: Exchange) -> Answer {
    admit(&gateway, &exchange, &[Method::GET, Method::POST])?;
    let agent = agents::parse(&agent)?;
    let now = gateway.clock.now().wall;
    if exchange.method == Method::POST {
        let row: LicenceRow = read_row(&gateway, &mut exchange).await?;
        let terms = LicenceTerms {
            public_key: row.public_key,
            forms: row.forms,
            keys_max: row.keys_max,
            not_before: row.not_before.unwrap_or(now).trunc_subsecs(3),
            expires: row.expires.trunc_subsecs(3),
        };
        let issued = gateway.agents.issue_licence(agent, terms).await;
        let issued = issued.map_err(not_issued)?;
        return Ok(json(StatusCode::CREATED, &LicenceView::of(&issued, true, now)));
    }
    let record = gateway.agents.book().agent(agent).ok_or_else(unknown)?;
    let current = record.current_licence().map(|current| current.id);
    let views: Vec<LicenceView> = record
        .licences
        .iter()
        .map(|licence| LicenceView::of(licence, Some(licence.id) == current, now))
        .collect();
    Ok(json(StatusCode::OK, &views))
}

/// Revokes one.
pub async fn one(gateway: Gateway, [agent, id]: [String; 2], exchange: Exchange) -> Answer {
    admit(&gateway, &exchange, &[Method::DELETE])?;
    let agent: AgentId = agents::parse(&agent)?;
    let id = Uuid::parse_str(&id).map_err(|_| unknown())?;
    agents::apply(&gateway, Change::RevokeLicence { agent, id }).await?;
    Ok(no_content())
}

/// Judges a token.
pub async fn verify(gateway: Gateway, mut exchange: Exchange) -> Answer {
    admit(&gateway, &exchange, &[Method::POST])?;
    let row: TokenRow = read_row(&gateway, &mut exchange).await?;
    let verified = gateway.agents.verify_licence(&LicenceToken(row.token));
    let verified = verified.map_err(|fault| Problem::new(Code::UnfitObject, format!("token: {fault}")))?;
    let licence = &verified.licence;
    let view = TokenVerdict {
        holds: verified.holds(),
        agent: licence.agent.0,
        name: licence.name.clone(),
        public_key: licence.public_key.to_string(),
        keys_max: licence.keys_max,
        not_before: moment(licence.not_before.timestamp_millis()),
        expires: moment(licence.expires.timestamp_millis()),
        is_known: verified.is_known,
        is_current: verified.is_current,
        is_revoked: verified.is_revoked,
        is_in_time: verified.is_in_time,
    };
    Ok(json(StatusCode::OK, &view))
}

/// The gateway's public key.
pub async fn gateway_key(gateway: Gateway, exchange: Exchange) -> Answer {
    admit(&gateway, &exchange, &[Method::GET])?;
    let view = GatewayKeyView {
        public_key: gateway.agents.public_key().to_string(),
    };
    Ok(json(StatusCode::OK, &view))
}

fn not_issued(error: NotIssued) -> Problem {
    match error {
        NotIssued::Terms(field) => Problem::new(Code::UnfitObject, field),
        NotIssued::Unfit(unfit) => agents::unfit(unfit),
        NotIssued::Random(_) => Problem::new(Code::Internal, "the random generator failed"),
        NotIssued::Store(error) => store_problem(&error),
    }
}
