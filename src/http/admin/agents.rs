//! Signing agents: recorded, looked at, switched off; their keys unlocked.

use super::super::Gateway;
use super::super::exchange::{Answer, Exchange};
use super::super::problem::{Code, Problem};
use super::licences::LicenceView;
use super::{admit, json, moment, no_content, read_row, store_problem, unknown};
use actors::agents::book::{Change, Unfit};
use actors::agents::{AgentView, KeyView, NotActivated};
use actors::ids::{AccountId, KeyId};
use chrono::{DateTime, SecondsFormat, Utc};
use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use signing_protocol::{AgentId, HexOctets, KeyFacts, RefusalReason};
use uuid::Uuid;

/// An agent, as it is put; licences, enrolment and keys stay.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AgentRow {
    /// For people and metrics; unique.
    #[schema(min_length = 1, max_length = 64)]
    name: String,
    /// The accounts that it serves.
    #[schema(min_items = 1, max_items = 256)]
    accounts: Vec<Uuid>,
    /// Whether it may do anything.
    #[serde(default = "active")]
    is_active: bool,
}

fn active() -> bool {
    true
}

/// An agent and how it is.
#[derive(Serialize, utoipa::ToSchema)]
pub struct AgentShown {
    id: Uuid,
    name: String,
    accounts: Vec<Uuid>,
    is_active: bool,
    /// When it was recorded (RFC 3339, UTC).
    added_at: String,
    /// How requests reach it, by its last enrolment; absent before the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    enrolment: Option<EnrolmentShown>,
    /// Whether it was seen within three reports.
    is_here: bool,
    /// When it was seen last, since the gateway's start.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_seen: Option<String>,
    /// Whether it takes keys that the gateway relays, by its last report since the gateway's start.
    takes_keys: bool,
    /// Two sessions took turns within ten minutes: it runs twice, and one request could be signed twice.
    two_copies: bool,
    /// Seconds by which its clock is ahead of the gateway's.
    clock_ahead_seconds: i64,
    /// Requests that wait for it.
    waiting: usize,
    /// Requests that wait in it, by its last report.
    waiting_in_agent: u32,
    /// Signatures in the last minute.
    signatures_a_minute: u32,
    /// Signatures since its program's start, by its last report.
    signatures: u64,
    /// When the licence ends under which it is enrolled.
    #[serde(skip_serializing_if = "Option::is_none")]
    licence_expires: Option<String>,
    /// Its licence, the one to enrol with.
    #[serde(skip_serializing_if = "Option::is_none")]
    licence: Option<LicenceView>,
    keys: Vec<KeyShown>,
}

/// How an agent made itself known last.
#[derive(Serialize, utoipa::ToSchema)]
pub struct EnrolmentShown {
    /// When (RFC 3339, UTC).
    at: String,
    /// The program's name and version.
    program: String,
    /// Where requests are pushed to; absent where it pulls.
    #[serde(skip_serializing_if = "Option::is_none")]
    push_url: Option<String>,
}

/// A key in an agent: its certificate's public facts.
#[derive(Serialize, utoipa::ToSchema)]
pub struct KeyShown {
    id: Uuid,
    /// `stored`, `active`, `not_yet_valid`, `expired` or `wrong_password`; absent where the agent said nothing since the gateway's start.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    serial: String,
    subject_key_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    taxpayer_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    company_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    holder: Option<String>,
    not_before: String,
    not_after: String,
}

/// All of them, by id.
pub async fn list(gateway: Gateway, exchange: Exchange) -> Answer {
    admit(&gateway, &exchange, &[Method::GET])?;
    let now = gateway.clock.now().wall;
    let views = gateway.agents.views();
    let shown: Vec<AgentShown> = views.iter().map(|view| show(view, now)).collect();
    Ok(json(StatusCode::OK, &shown))
}

/// One.
pub async fn one(gateway: Gateway, id: String, mut exchange: Exchange) -> Answer {
    admit(&gateway, &exchange, &[Method::GET, Method::PUT, Method::DELETE])?;
    let id = parse(&id)?;
    if exchange.method == Method::PUT {
        let AgentRow {
            name,
            accounts,
            is_active,
        } = read_row(&gateway, &mut exchange).await?;
        let accounts: Vec<AccountId> = accounts.into_iter().map(AccountId).collect();
        let unknown = accounts
            .iter()
            .find(|account| gateway.accounts.account(**account).is_none());
        if let Some(unknown) = unknown {
            let detail = format!("accounts: there is no account {unknown}");
            return Err(Problem::new(Code::UnfitObject, detail));
        }
        let change = Change::PutAgent {
            id,
            name,
            accounts,
            is_active,
        };
        apply(&gateway, change).await?;
    }
    if exchange.method == Method::DELETE {
        apply(&gateway, Change::DeleteAgent(id)).await?;
        return Ok(no_content());
    }
    let view = gateway.agents.view(id).ok_or_else(unknown)?;
    Ok(json(StatusCode::OK, &show(&view, gateway.clock.now().wall)))
}

/// Has a key unlocked; answers when it is.
pub async fn activate(gateway: Gateway, [id, key]: [String; 2], exchange: Exchange) -> Answer {
    admit(&gateway, &exchange, &[Method::POST])?;
    let id = parse(&id)?;
    let key = Uuid::parse_str(&key).map(KeyId).map_err(|_| unknown())?;
    gateway.agents.view(id).ok_or_else(unknown)?;
    let facts = gateway.agents.activate(id, key).await?;
    Ok(json(StatusCode::OK, &key_shown_of(&facts)))
}

impl From<NotActivated> for Problem {
    fn from(failed: NotActivated) -> Self {
        let code = match &failed {
            NotActivated::UnknownKey => Code::UnknownObject,
            NotActivated::NoAccount(_) => Code::AgreementMissing,
            NotActivated::Licence => Code::LicenceRefused,
            NotActivated::Refused { reason, .. } if reason == RefusalReason::Licence.name() => {
                Code::LicenceRefused
            }
            NotActivated::Refused { .. } | NotActivated::Late => Code::AgentFailed,
        };
        Self::new(code, failed.to_string())
    }
}

/// Makes a change to the book of agents; when this returns it is durable and visible.
pub(super) async fn apply(gateway: &Gateway, change: Change) -> Result<(), Problem> {
    let applied = gateway.agents.change(change).await;
    let applied = applied.map_err(|error| store_problem(&error))?;
    applied.map_err(unfit)
}

/// What the book's refusals are to an administrator.
pub(super) fn unfit(unfit: Unfit) -> Problem {
    match unfit {
        Unfit::NotFound => unknown(),
        Unfit::NoAgreement { .. } => Problem::new(Code::AgreementMissing, unfit.to_string()),
        unfit => Problem::new(Code::UnfitObject, unfit.to_string()),
    }
}

pub(super) fn parse(id: &str) -> Result<AgentId, Problem> {
    let invalid = |_| Problem::new(Code::InvalidField, "the agent's id in the path must be a UUID");
    Uuid::parse_str(id).map(AgentId).map_err(invalid)
}

fn show(view: &AgentView, now: DateTime<Utc>) -> AgentShown {
    let record = &view.record;
    AgentShown {
        id: view.id.0,
        name: record.name.clone(),
        accounts: record.accounts.iter().map(|account| account.0).collect(),
        is_active: record.is_active,
        added_at: moment(record.added_ms),
        enrolment: record.enrolled.as_ref().map(|enrolled| EnrolmentShown {
            at: moment(enrolled.at_ms),
            program: enrolled.program.clone(),
            push_url: enrolled.push_url.clone(),
        }),
        is_here: view.is_here,
        last_seen: view.last_seen.map(text),
        takes_keys: view.takes_keys,
        two_copies: view.has_copies,
        clock_ahead_seconds: view.clock_ahead_seconds,
        waiting: view.waiting,
        waiting_in_agent: view.waiting_there,
        signatures_a_minute: view.signatures_a_minute,
        signatures: view.signatures,
        licence_expires: view.licence_expires.map(text),
        licence: record
            .current_licence()
            .map(|licence| LicenceView::of(licence, true, now)),
        keys: view.keys.iter().map(key_shown).collect(),
    }
}

fn key_shown(view: &KeyView) -> KeyShown {
    let KeyView { key, record, state } = view;
    let hex = |octets: &[u8]| HexOctets(octets.to_vec()).to_string();
    KeyShown {
        id: key.0,
        state: state.map(|state| state.name()),
        serial: hex(&record.serial),
        subject_key_id: hex(&record.subject_key_id),
        taxpayer_number: record.taxpayer_number.clone(),
        company_code: record.company_code.clone(),
        holder: record.holder.clone(),
        not_before: moment(record.not_before_ms),
        not_after: moment(record.not_after_ms),
    }
}

fn key_shown_of(facts: &KeyFacts) -> KeyShown {
    KeyShown {
        id: facts.key.0,
        state: Some(facts.state.name()),
        serial: facts.serial.to_string(),
        subject_key_id: facts.subject_key_id.to_string(),
        taxpayer_number: facts.taxpayer_number.clone(),
        company_code: facts.company_code.clone(),
        holder: facts.holder.clone(),
        not_before: text(facts.not_before),
        not_after: text(facts.not_after),
    }
}

fn text(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}
