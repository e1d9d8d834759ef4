//! The administrator's own URL: messages are POSTed there, signed by the rules of Standard Webhooks 1.0.0.
//!
//! `{"type":"sms.send","timestamp":"…","data":{"id","to","text"}}`; any 2xx is acceptance, any other answer a refusal, none in time
//! unknown. The id is also the `webhook-id`, by which the receiver recognises a repeat.

use super::{failed, traced};
use actors::clock::Clock;
use actors::ids::MessageId;
use actors::ports::{HandOver, Lookup, Message, Outcome, SmsSender};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chrono::SecondsFormat;
use futures_util::future::BoxFuture;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

/// The prefix of a symmetric secret (Standard Webhooks, "Signature scheme").
const SECRET_PREFIX: &str = "whsec_";

/// Posts messages to one URL.
pub struct Webhook {
    client: reqwest::Client,
    url: reqwest::Url,
    key: Zeroizing<Vec<u8>>,
    clock: Arc<dyn Clock>,
}

#[derive(Serialize)]
struct Envelope<'a> {
    r#type: &'static str,
    timestamp: String,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    id: MessageId,
    to: &'a str,
    text: &'a str,
}

/// What a receiver may say of itself; everything is optional.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Said {
    id: Option<String>,
    parts: Option<u32>,
    code: Option<String>,
    text: Option<String>,
}

impl Webhook {
    /// A sender to `url`, signing with `secret` (`whsec_` and base64 of 24 to 64 bytes).
    ///
    /// # Errors
    /// A sentence that names the option and never the secret.
    pub fn new(
        client: reqwest::Client,
        url: &str,
        secret: &str,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, String> {
        let url = reqwest::Url::parse(url).map_err(|error| format!("sms.webhook.url: {error}"))?;
        let unfit = "sms.webhook.secret: must be `whsec_` and base64 of 24 to 64 bytes";
        let encoded = secret.strip_prefix(SECRET_PREFIX).ok_or(unfit)?;
        let key = Zeroizing::new(BASE64_STANDARD.decode(encoded).map_err(|_| unfit)?);
        if !(24..=64).contains(&key.len()) {
            return Err(unfit.to_owned());
        }
        Ok(Self {
            client,
            url,
            key,
            clock,
        })
    }

    async fn post(&self, message: &Message) -> Outcome {
        let now = self.clock.now().wall;
        let id = message.id.to_string();
        let data = Data {
            id: message.id,
            to: message.destination.expose(),
            text: message.text.expose(),
        };
        let timestamp = now.to_rfc3339_opts(SecondsFormat::Millis, true);
        let body = serde_json::to_vec(&Envelope {
            r#type: "sms.send",
            timestamp,
            data,
        })
        .map(Zeroizing::new);
        let body = body.expect("strings become JSON");
        let seconds = now.timestamp().to_string();
        let request = self
            .client
            .post(self.url.clone())
            .timeout(message.deadline)
            .header("content-type", "application/json")
            .header("webhook-id", &id)
            .header("webhook-timestamp", &seconds)
            .header("webhook-signature", sign(&self.key, &id, &seconds, &body))
            .body(body.to_vec());
        match traced(request, message).send().await {
            Err(error) => failed(&error),
            Ok(response) => judge(response).await,
        }
    }
}

async fn judge(response: reqwest::Response) -> Outcome {
    let status = response.status();
    let said: Said = super::read_answer(response)
        .await
        .and_then(|body| serde_json::from_slice(&body).ok())
        .unwrap_or_default();
    if status.is_success() {
        return Outcome::Accepted(HandOver {
            operator: "webhook".to_owned(),
            operator_ids: said.id.into_iter().collect(),
            parts: said.parts.unwrap_or(1),
            is_polled: false,
        });
    }
    // 502 and 504 come from something before the receiver, which may have it already.
    if matches!(status.as_u16(), 502 | 504) {
        return Outcome::Unknown;
    }
    let permanent = status.is_client_error() && !matches!(status.as_u16(), 408 | 425 | 429);
    let code = said.code.unwrap_or_else(|| status.as_u16().to_string());
    Outcome::Refused {
        permanent,
        code,
        text: said.text.unwrap_or_default(),
    }
}

/// `v1,` and base64 of HMAC-SHA-256 over `id.timestamp.body`.
pub fn sign(key: &[u8], id: &str, timestamp: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        mac.update(part);
    }
    format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()))
}

impl SmsSender for Webhook {
    fn name(&self) -> &'static str {
        "webhook"
    }

    fn send(&self, message: Message) -> BoxFuture<'_, Outcome> {
        Box::pin(async move { self.post(&message).await })
    }

    fn lookup(&self, _: MessageId, _: Duration) -> BoxFuture<'_, Lookup> {
        // The rules of Standard Webhooks have no way to ask.
        Box::pin(async { Lookup::CannotTell })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_the_one_that_the_standard_gives_as_its_example() {
        let key = BASE64_STANDARD
            .decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
            .unwrap();
        let signature = sign(
            &key,
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "1614265330",
            br#"{"test": 2432232314}"#,
        );
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
