//! Any operator that is spoken to by HTTP: makes the call that its mapping gives, and reads what comes back.
//!
//! No error of a call is ever printed: it would name its URL, and there are operators whose key stands in it.

use super::router::Operator;
use super::{UNREACHABLE, is_unsent, read_answer, report, traced};
use actors::ids::MessageId;
use actors::ports::{DeliveryReport, Message};
use futures_util::future::BoxFuture;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use sms::operators::HttpOperator;
use sms::{Call, Method, Received, Submission, Submitted, Unfit};
use std::sync::Arc;
use std::time::Duration;

/// An operator and the client that speaks to it.
pub struct Http {
    client: reqwest::Client,
    operator: Arc<dyn HttpOperator>,
}

/// An answer, as it came.
struct Answer {
    status: u16,
    body: Vec<u8>,
}

impl Http {
    /// Speaks to this operator.
    pub fn new(client: reqwest::Client, operator: Arc<dyn HttpOperator>) -> Self {
        Self { client, operator }
    }

    fn request(&self, call: &Call, deadline: Duration) -> reqwest::RequestBuilder {
        let method = match call.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
        };
        let mut request = self.client.request(method, call.url.as_str()).timeout(deadline);
        if let Some(authorization) = &call.authorization {
            request = match HeaderValue::from_str(authorization) {
                Ok(mut value) => {
                    value.set_sensitive(true);
                    request.header(AUTHORIZATION, value)
                }
                // A request that cannot be built, and so sends nothing.
                Err(_) => request.header(AUTHORIZATION, "\n"),
            };
        }
        if !call.media_type.is_empty() {
            request = request.header(CONTENT_TYPE, call.media_type);
        }
        request.body(call.body.to_string())
    }

    /// Asks; nothing where there is no whole answer.
    async fn ask(&self, call: &Call, deadline: Duration) -> Option<Answer> {
        let response = self.request(call, deadline).send().await.ok()?;
        let status = response.status().as_u16();
        let body = read_answer(response).await?;
        Some(Answer { status, body })
    }

    async fn submit(&self, message: &Message, deadline: Duration) -> Submitted {
        let call = self.operator.submit(&submission(message));
        let response = match traced(self.request(&call, deadline), message).send().await {
            Ok(response) => response,
            Err(error) => return unsent(&error),
        };
        let status = response.status().as_u16();
        match read_answer(response).await {
            Some(body) => self.operator.submitted(status, &body),
            None => Submitted::Unknown,
        }
    }
}

/// Refused where nothing can have left us.
fn unsent(error: &reqwest::Error) -> Submitted {
    if is_unsent(error) {
        Submitted::refused(false, UNREACHABLE, "")
    } else {
        Submitted::Unknown
    }
}

/// A message as operators' mappings take it.
pub(super) fn submission(message: &Message) -> Submission<'_> {
    Submission {
        message: message.id.0,
        challenge: message.challenge.0,
        to: message.destination.expose(),
        text: message.text.expose(),
        validity_seconds: u32::try_from(message.lifetime.as_secs()).unwrap_or(u32::MAX),
    }
}

impl Operator for Http {
    fn name(&self) -> &str {
        self.operator.name()
    }

    fn is_polled(&self) -> bool {
        self.operator.poll(&["1".to_owned()]).is_some()
    }

    fn submit<'a>(&'a self, message: &'a Message, deadline: Duration) -> BoxFuture<'a, Submitted> {
        Box::pin(self.submit(message, deadline))
    }

    fn look_up(&self, message: MessageId, deadline: Duration) -> BoxFuture<'_, Option<Submitted>> {
        Box::pin(async move {
            let call = self.operator.look_up(message.0)?;
            let answer = self.ask(&call, deadline).await?;
            self.operator.looked_up(answer.status, &answer.body)
        })
    }

    fn poll<'a>(&'a self, ids: &'a [String], deadline: Duration) -> BoxFuture<'a, Vec<DeliveryReport>> {
        Box::pin(async move {
            let until = tokio::time::Instant::now() + deadline;
            let mut reports = Vec::new();
            // One call after another, within the deadline of all.
            for list in ids.chunks(self.operator.poll_ids_max()) {
                let left = until.saturating_duration_since(tokio::time::Instant::now());
                if left.is_zero() {
                    break;
                }
                let Some(call) = self.operator.poll(list) else {
                    continue;
                };
                if let Some(answer) = self.ask(&call, left).await {
                    reports.extend(self.operator.polled(answer.status, &answer.body));
                }
            }
            reports.into_iter().map(report).collect()
        })
    }

    fn received(&self, received: &Received<'_>) -> Result<Vec<DeliveryReport>, Unfit> {
        let reports = self.operator.received(received)?;
        Ok(reports.into_iter().map(report).collect())
    }

    fn receipt_answer(&self) -> &'static str {
        self.operator.receipt_answer()
    }
}
