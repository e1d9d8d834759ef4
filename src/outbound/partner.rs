//! News for partners, posted by the rules of Standard Webhooks 1.0.0.
//!
//! `{"type":"sms.delivery","timestamp":"…","data":{"challenge_id","status","parts","operator","code"}}`; any 2xx is acceptance, 410 ends the wish,
//! anything else has the news posted again.

use super::guarded::Guarded;
use actors::clock::Now;
use actors::deliveries::EventRecord;
use actors::hooks::{Hook, Posted, Poster};
use chrono::{DateTime, SecondsFormat};
use futures_util::future::BoxFuture;
use serde::Serialize;
use std::sync::Arc;
use uuid::Uuid;

/// Posts to partners.
pub struct PartnerHooks {
    receivers: Arc<Guarded>,
}

#[derive(Serialize)]
struct News<'a> {
    r#type: &'static str,
    timestamp: String,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    challenge_id: Uuid,
    status: &'static str,
    parts: u32,
    operator: &'a str,
    code: Option<&'a str>,
}

impl PartnerHooks {
    /// Posts to these alone.
    pub fn new(receivers: Arc<Guarded>) -> Self {
        Self { receivers }
    }
}

fn body(event: &EventRecord, now: Now) -> Vec<u8> {
    let changed = DateTime::from_timestamp_millis(event.changed_ms).unwrap_or(now.wall);
    let news = News {
        r#type: "sms.delivery",
        timestamp: changed.to_rfc3339_opts(SecondsFormat::Millis, true),
        data: Data {
            challenge_id: event.challenge.0,
            status: event.status.name(),
            parts: event.parts,
            operator: &event.operator,
            code: event.code.as_deref(),
        },
    };
    serde_json::to_vec(&news).expect("texts and numbers become JSON")
}

impl Poster<EventRecord> for PartnerHooks {
    fn post<'a>(
        &'a self,
        hook: &'a Hook,
        id: Uuid,
        event: &'a EventRecord,
        now: Now,
    ) -> BoxFuture<'a, Posted> {
        Box::pin(super::hook::post(
            &self.receivers,
            hook,
            id,
            body(event, now),
            now,
        ))
    }
}
