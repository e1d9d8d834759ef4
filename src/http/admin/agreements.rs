//! What users have agreed to: support records each agreement with its date and reference.

use super::super::Gateway;
use super::super::exchange::{Answer, Exchange};
use super::super::problem::{Code, Problem};
use super::{admit, json, moment, no_content, read_row, unknown};
use actors::agents::book::Change;
use actors::agents::records::{AgreementKind, AgreementRecord};
use actors::ids::AccountId;
use chrono::NaiveDate;
use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An agreement, as it is put.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AgreementRow {
    /// The date on the paper.
    #[schema(value_type = String, format = Date)]
    signed_on: NaiveDate,
    /// Under which number or name it is kept.
    #[schema(min_length = 1, max_length = 200)]
    reference: String,
    /// Of `key-use`: the companies' codes and taxpayers' numbers whose keys are handed over; at least one. Of `agent-use`: none.
    #[serde(default)]
    #[schema(max_items = 100)]
    tax_codes: Vec<String>,
}

/// An agreement, as it is shown.
#[derive(Serialize, utoipa::ToSchema)]
pub struct AgreementView {
    /// `agent-use` or `key-use`.
    kind: &'static str,
    /// Whether it allows anything.
    in_force: bool,
    /// The date on the paper.
    #[schema(value_type = String, format = Date)]
    signed_on: NaiveDate,
    reference: String,
    tax_codes: Vec<String>,
    /// When it was recorded (RFC 3339, UTC).
    recorded_at: String,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<String>,
}

/// All of a user, ended ones too.
pub async fn list(gateway: Gateway, account: String, exchange: Exchange) -> Answer {
    admit(&gateway, &exchange, &[Method::GET])?;
    let account = known_account(&gateway, &account)?;
    let book = gateway.agents.book();
    let views: Vec<AgreementView> = AgreementKind::ALL
        .into_iter()
        .filter_map(|kind| Some(view(kind, book.agreement(account, kind)?.as_ref())))
        .collect();
    Ok(json(StatusCode::OK, &views))
}

/// One.
pub async fn one(gateway: Gateway, [account, kind]: [String; 2], mut exchange: Exchange) -> Answer {
    admit(&gateway, &exchange, &[Method::GET, Method::PUT, Method::DELETE])?;
    let account = parse_account(&account)?;
    let kind = AgreementKind::of_name(&kind).ok_or_else(|| {
        Problem::new(
            Code::UnknownObject,
            "there are two agreements, agent-use and key-use",
        )
    })?;
    // A body is judged before what it is about: form and size come first everywhere.
    let row = match exchange.method {
        Method::PUT => Some(read_row::<AgreementRow>(&gateway, &mut exchange).await?),
        _ => None,
    };
    known(&gateway, account)?;
    if let Some(row) = row {
        let change = Change::PutAgreement {
            account,
            kind,
            signed_on: row.signed_on,
            reference: row.reference,
            tax_codes: row.tax_codes,
        };
        super::agents::apply(&gateway, change).await?;
    }
    if exchange.method == Method::DELETE {
        super::agents::apply(&gateway, Change::EndAgreement { account, kind }).await?;
        return Ok(no_content());
    }
    let agreement = gateway
        .agents
        .book()
        .agreement(account, kind)
        .ok_or_else(unknown)?;
    Ok(json(StatusCode::OK, &view(kind, &agreement)))
}

fn known_account(gateway: &Gateway, id: &str) -> Result<AccountId, Problem> {
    let id = parse_account(id)?;
    known(gateway, id)?;
    Ok(id)
}

fn parse_account(id: &str) -> Result<AccountId, Problem> {
    let invalid = |_| Problem::new(Code::InvalidField, "the account's id in the path must be a UUID");
    Uuid::parse_str(id).map(AccountId).map_err(invalid)
}

fn known(gateway: &Gateway, id: AccountId) -> Result<(), Problem> {
    gateway.accounts.account(id).map(|_| ()).ok_or_else(unknown)
}

fn view(kind: AgreementKind, record: &AgreementRecord) -> AgreementView {
    AgreementView {
        kind: kind.name(),
        in_force: record.is_in_force(),
        signed_on: record.signed_on(),
        reference: record.reference.clone(),
        tax_codes: record.tax_codes.clone(),
        recorded_at: moment(record.recorded_ms),
        ended_at: record.ended_ms.map(moment),
    }
}
