//! Operators' reports on messages. Each proves in its own way that it is the operator; whoever cannot is told nothing else than 401.

use super::Gateway;
use super::exchange::{Answer, Exchange};
use super::problem::{Code, Problem};
use crate::outbound::sms::setup::RECEIPTS_PATH;
use actors::deliveries::Taken;
use futures_util::StreamExt;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Response};
use sms::{Received, Unfit};

/// The largest report: sms.ru sends a hundred lines at once.
const BODY_BYTES_MAX: usize = 64 * 1_024;
/// Reports that are taken in from one call.
const REPORTS_MAX: usize = 1_000;
/// Reports that are taken in at once: one about nobody's message waits two seconds, and all must be answered within the hold time.
const AT_ONCE: usize = 64;

/// Takes reports in; answered when what they say is durable, so that an operator that hears nothing sends them again.
pub async fn receive(gateway: Gateway, operator: String, mut exchange: Exchange) -> Answer {
    exchange.allow(&[Method::POST])?;
    let known = gateway
        .router
        .as_ref()
        .and_then(|router| router.operator(&operator));
    let operator = known.ok_or_else(Problem::unauthorized)?;
    let body = exchange.read_body(BODY_BYTES_MAX, gateway.body_deadline).await?;
    let query = exchange.query.as_str();
    let separator = if query.is_empty() { "" } else { "?" };
    let url = format!(
        "{}{RECEIPTS_PATH}/{}{separator}{query}",
        gateway.receipts_url,
        operator.name()
    );
    let received = Received {
        url: &url,
        query,
        signature: exchange
            .headers
            .get("x-twilio-signature")
            .and_then(|field| field.to_str().ok()),
        body: &body,
    };
    let reports = operator.received(&received).map_err(|unfit| match unfit {
        Unfit::Unproved => Problem::unauthorized(),
        Unfit::Unreadable => Problem::new(Code::InvalidBody, "the report cannot be read"),
    })?;
    let name = operator.name().to_owned();
    let taken = reports.into_iter().take(REPORTS_MAX).map(|report| {
        let (deliveries, name) = (gateway.deliveries.clone(), name.clone());
        async move { deliveries.take(&name, &report).await }
    });
    let mut taken = futures_util::stream::iter(taken).buffer_unordered(AT_ONCE);
    while let Some(taken) = taken.next().await {
        // Also where it is about nobody's message: the account may serve others, and would repeat it for ever.
        let (Taken::Changed | Taken::Unchanged | Taken::Unmatched) =
            taken.map_err(|error| super::admin::store_problem(&error))?;
    }
    let mut response = Response::new(operator.receipt_answer().as_bytes().to_vec());
    let media_type = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, media_type);
    Ok(response)
}
