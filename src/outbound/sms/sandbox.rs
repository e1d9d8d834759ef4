//! The stand-in operator of the package `sandbox`; sends nothing to anybody.

use super::{failed, read_answer, traced};
use actors::ids::MessageId;
use actors::ports::{HandOver, Lookup, Message, Outcome, SmsSender};
use futures_util::future::BoxFuture;
use serde::Deserialize;
use std::time::Duration;

/// Speaks to the stand-in operator.
pub struct Sandbox {
    client: reqwest::Client,
    base: reqwest::Url,
}

/// Its answer to a message, and to a question about one.
#[derive(Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
enum Said {
    Accepted {
        parts: u32,
    },
    Refused {
        permanent: bool,
        code: String,
        text: String,
    },
}

impl Sandbox {
    /// A sender to the stand-in at this base URL.
    ///
    /// # Errors
    /// A sentence, where that is no URL.
    pub fn new(client: reqwest::Client, base: &str) -> Result<Self, String> {
        let base = reqwest::Url::parse(base).map_err(|error| format!("sms.sandbox.url: {error}"))?;
        Ok(Self { client, base })
    }

    fn url(&self, path: &str) -> reqwest::Url {
        self.base.join(path).expect("a fixed path joins any base")
    }

    async fn post(&self, message: &Message) -> Outcome {
        let body = serde_json::json!({
            "id": message.id,
            "to": message.destination.expose(),
            "text": message.text.expose(),
        });
        let request = self
            .client
            .post(self.url("operator/messages"))
            .timeout(message.deadline)
            .header("content-type", "application/json")
            .body(body.to_string());
        match traced(request, message).send().await {
            Err(error) => failed(&error),
            Ok(response) => outcome(response).await.unwrap_or(Outcome::Unknown),
        }
    }

    async fn ask(&self, message: MessageId, deadline: Duration) -> Option<Outcome> {
        let url = self.url(&format!("operator/messages/{message}"));
        let response = self.client.get(url).timeout(deadline).send().await.ok()?;
        outcome(response).await
    }
}

async fn outcome(response: reqwest::Response) -> Option<Outcome> {
    let body = read_answer(response).await?;
    Some(match serde_json::from_slice(&body).ok()? {
        Said::Accepted { parts } => Outcome::Accepted(HandOver {
            operator: "sandbox".to_owned(),
            operator_ids: Vec::new(), // it sends no receipts
            parts,
            is_polled: false,
        }),
        Said::Refused {
            permanent,
            code,
            text,
        } => Outcome::Refused {
            permanent,
            code,
            text,
        },
    })
}

impl SmsSender for Sandbox {
    fn name(&self) -> &'static str {
        "sandbox"
    }

    fn send(&self, message: Message) -> BoxFuture<'_, Outcome> {
        Box::pin(async move { self.post(&message).await })
    }

    fn lookup(&self, message: MessageId, deadline: Duration) -> BoxFuture<'_, Lookup> {
        Box::pin(async move {
            self.ask(message, deadline)
                .await
                .map_or(Lookup::CannotTell, Lookup::Known)
        })
    }
}
