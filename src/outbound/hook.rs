//! One post by the rules of Standard Webhooks 1.0.0: three headers, a signature over id, time and body, and what the answer means.

use super::guarded::Guarded;
use super::sms::webhook::sign;
use actors::clock::Now;
use actors::hooks::{Hook, Posted};
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use std::time::Duration;
use uuid::Uuid;

/// How long a receiver may take (Standard Webhooks: 15 to 30 seconds).
const ANSWER_MAX: Duration = Duration::from_secs(15);

/// Posts a body. Any 2xx is acceptance, 410 ends it, anything else, a redirect too, has it posted again. What the answer says beside its
/// status and `Retry-After` is not read.
pub(super) async fn post(receivers: &Guarded, hook: &Hook, id: Uuid, body: Vec<u8>, now: Now) -> Posted {
    let in_vain = Posted::Again {
        after_seconds: None,
        status: None,
    };
    // One that was taken when private networks were open stays, and can be reached again when they are.
    let Ok((url, client)) = receivers.target(&hook.url) else {
        return in_vain;
    };
    let id = id.to_string();
    let seconds = now.wall.timestamp().to_string();
    let keys = std::iter::once(&hook.key).chain(&hook.former_key);
    let signatures: Vec<String> = keys.map(|key| sign(key, &id, &seconds, &body)).collect();
    let sent = client
        .post(url)
        .timeout(ANSWER_MAX)
        .header(CONTENT_TYPE, "application/json")
        .header("webhook-id", id)
        .header("webhook-timestamp", seconds)
        .header("webhook-signature", signatures.join(" "))
        .body(body)
        .send()
        .await;
    match sent {
        Ok(response) if response.status().is_success() => Posted::Taken,
        Ok(response) if response.status().as_u16() == 410 => Posted::Gone,
        Ok(response) => {
            let field = response.headers().get(RETRY_AFTER);
            Posted::Again {
                after_seconds: field.and_then(|field| field.to_str().ok()?.trim().parse().ok()),
                status: Some(response.status().as_u16()),
            }
        }
        Err(_) => in_vain,
    }
}
