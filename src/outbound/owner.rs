//! Events for owners of registers (docs/webhooks.md): numbers and figures, never a name, a line of a receipt, or anybody's words.

use super::guarded::Guarded;
use actors::clock::Now;
use actors::hooks::{Hook, Posted, Poster};
use actors::machines::register::{DocumentFacts, News};
use actors::owners::OwnerEvent;
use chrono::{DateTime, NaiveDateTime, SecondsFormat};
use fiscal::{FiscalNumber, LocalNumber, RegisterNumber};
use futures_util::future::BoxFuture;
use serde::Serialize;
use std::sync::Arc;
use uuid::Uuid;

/// Posts to owners.
pub struct OwnerHooks {
    receivers: Arc<Guarded>,
}

impl OwnerHooks {
    /// Posts to these alone.
    pub fn new(receivers: Arc<Guarded>) -> Self {
        Self { receivers }
    }
}

impl Poster<OwnerEvent> for OwnerHooks {
    fn post<'a>(&'a self, hook: &'a Hook, _: Uuid, event: &'a OwnerEvent, now: Now) -> BoxFuture<'a, Posted> {
        Box::pin(super::hook::post(
            &self.receivers,
            hook,
            event.id,
            body(event),
            now,
        ))
    }
}

/// An event, as receivers have it in a post's body and administrators in lists.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Payload {
    /// `document.registered`, `document.rejected`, `document.in_doubt`, `document.settled`, `shift.opened`, `shift.closed`, `offline.begun`,
    /// `offline.ended`, `agent.away` or `limit.near`.
    r#type: &'static str,
    /// When it happened (RFC 3339, UTC).
    timestamp: String,
    /// What happened.
    data: Data,
}

/// What happened; what does not belong to the type is left out.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Data {
    /// The register's fiscal number.
    #[schema(value_type = u64)]
    register: RegisterNumber,
    /// The operation, by which its outcome is asked for (`GET /api/v1/operations/{id}`).
    #[serde(skip_serializing_if = "Option::is_none")]
    operation_id: Option<Uuid>,
    /// The document.
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<Document>,
    /// `document.rejected`: the tax service's code.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<i64>,
    /// `document.settled`: `registered`, `rejected`, `not_registered` or `revoked`.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'static str>,
    /// `shift.*`: which shift of the register, counted from one.
    #[serde(skip_serializing_if = "Option::is_none")]
    shift: Option<u64>,
    /// `offline.begun`: `unreachable`, `cryptography` or `person`.
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'static str>,
    /// `offline.ended`: how many documents the session had.
    #[serde(skip_serializing_if = "Option::is_none")]
    documents: Option<u64>,
    /// `limit.near`: `offline_session`, `offline_month` or `shift`.
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<&'static str>,
    /// `limit.near`: `near`, `closing_only` or `reached`.
    #[serde(skip_serializing_if = "Option::is_none")]
    nearness: Option<&'static str>,
    /// `limit.near`: minutes that are left.
    #[serde(skip_serializing_if = "Option::is_none")]
    minutes_left: Option<i64>,
}

/// A document: where it stands in its register's sequence, and what it comes to.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Document {
    /// `sale`, `return`, `service_in`, `service_out`, `cash_withdrawal`, `storno`, `open_shift`, `z_report`, `close_shift` or `offline_begin`.
    kind: &'static str,
    /// Its number in the register's sequence.
    #[schema(value_type = u64)]
    local_number: LocalNumber,
    /// The tax service's number, or the register's own of an offline document; null while it has none.
    #[schema(value_type = Option<String>)]
    fiscal_number: Option<FiscalNumber>,
    /// Its sum in hryvnias, with two digits of kopecks; null where it has none.
    sum: Option<String>,
    /// When it was issued, Kyiv time, whole seconds.
    #[schema(value_type = String)]
    issued: NaiveDateTime,
    /// It was issued without the tax service, and is delivered later.
    is_offline: bool,
    /// It is a test.
    is_testing: bool,
}

impl From<&DocumentFacts> for Document {
    fn from(facts: &DocumentFacts) -> Self {
        Self {
            kind: facts.kind.name(),
            local_number: facts.local_number,
            fiscal_number: facts.fiscal_number.clone(),
            sum: facts.sum.map(|sum| sum.to_string()),
            issued: facts.issued,
            is_offline: facts.is_offline,
            is_testing: facts.is_testing,
        }
    }
}

impl From<&OwnerEvent> for Payload {
    fn from(event: &OwnerEvent) -> Self {
        let news = &event.news;
        let mut data = Data {
            register: event.register,
            operation_id: news.operation().map(|operation| operation.0),
            document: news.document().map(Document::from),
            code: None,
            outcome: None,
            shift: None,
            cause: None,
            documents: None,
            limit: None,
            nearness: None,
            minutes_left: None,
        };
        match news {
            News::Rejected { code, .. } => data.code = *code,
            News::Settled { outcome, .. } => data.outcome = Some(outcome.name()),
            News::ShiftOpened { shift, .. } | News::ShiftClosed { shift, .. } => data.shift = Some(*shift),
            News::OfflineBegun { cause, .. } => data.cause = Some(cause.name()),
            News::OfflineEnded { documents } => data.documents = Some(*documents),
            News::LimitNear {
                limit,
                nearness,
                minutes_left,
            } => {
                data.limit = Some(limit.name());
                data.nearness = Some(nearness.name());
                data.minutes_left = Some(*minutes_left);
            }
            News::Registered { .. } | News::InDoubt { .. } | News::AgentAway { .. } => {}
        }
        let at = DateTime::from_timestamp_millis(event.at_ms).unwrap_or_default();
        Self {
            r#type: news.topic(),
            timestamp: at.to_rfc3339_opts(SecondsFormat::Millis, true),
            data,
        }
    }
}

fn body(event: &OwnerEvent) -> Vec<u8> {
    serde_json::to_vec(&Payload::from(event)).expect("texts and numbers become JSON")
}
