//! News for partners, posted by the rules of Standard Webhooks 1.0.0.
//!
//! `{"type":"sms.delivery","timestamp":"…","data":{"challenge_id","status","parts","operator","code"}}`; any 2xx is acceptance, 410 ends the wish,
//! anything else has the news posted again.

use super::sms::webhook::sign;
use actors::clock::Now;
use actors::deliveries::{EventRecord, Hook, Posted, Poster};
use chrono::{DateTime, SecondsFormat};
use futures_util::future::BoxFuture;
use reqwest::header::RETRY_AFTER;
use serde::Serialize;
use std::time::Duration;
use uuid::Uuid;

/// How long a partner may take (Standard Webhooks: 15 to 30 seconds).
const ANSWER_MAX: Duration = Duration::from_secs(15);

/// Posts to partners.
pub struct Partners {
    client: reqwest::Client,
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

impl Partners {
    /// Posts with this client, which follows no redirects.
    pub fn new(client: reqwest::Client) -> Self {
        Self { client }
    }

    async fn post_now(&self, hook: &Hook, id: Uuid, event: &EventRecord, now: Now) -> Posted {
        let (body, id) = (body(event, now), id.to_string());
        let seconds = now.wall.timestamp().to_string();
        let signature = sign(&hook.key, &id, &seconds, &body);
        let sent = self
            .client
            .post(&hook.url)
            .timeout(ANSWER_MAX)
            .header("content-type", "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", seconds)
            .header("webhook-signature", signature)
            .body(body)
            .send()
            .await;
        match sent {
            Ok(response) if response.status().is_success() => Posted::Taken,
            Ok(response) if response.status().as_u16() == 410 => Posted::Gone,
            Ok(response) => {
                let field = response.headers().get(RETRY_AFTER);
                Posted::Again(field.and_then(|field| field.to_str().ok()?.trim().parse().ok()))
            }
            Err(_) => Posted::Again(None),
        }
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

impl Poster for Partners {
    fn post<'a>(
        &'a self,
        hook: &'a Hook,
        id: Uuid,
        event: &'a EventRecord,
        now: Now,
    ) -> BoxFuture<'a, Posted> {
        Box::pin(self.post_now(hook, id, event, now))
    }
}
