//! Operators' reports on messages. Each proves in its own way that it is the operator; whoever cannot is told nothing else than 401.

use super::Gateway;
use super::exchange::{Answer, Exchange};
use super::problem::{Code, Problem};
use crate::outbound::sms::setup::RECEIPTS_PATH;
use actors::deliveries::Taken;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Response};
use sms::{Received, Unfit};

/// The largest report: sms.ru sends a hundred lines at once.
const BODY_BYTES_MAX: usize = 64 * 1_024;
/// Reports that are taken in from one call.
const REPORTS_MAX: usize = 1_000;

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
    for report in reports.iter().take(REPORTS_MAX) {
        // Taken also where it is about nobody's message: the account may serve others, and would repeat it for ever.
        let (Taken::Changed | Taken::Unchanged | Taken::Unmatched) = gateway
            .deliveries
            .take(operator.name(), report)
            .await
            .map_err(|error| super::admin::store_problem(&error))?;
    }
    let mut response = Response::new(operator.receipt_answer().as_bytes().to_vec());
    let media_type = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, media_type);
    Ok(response)
}
