//! SMS operators behind the port `SmsSender`. What each is asked and what its answers mean is in package `sms`, a file each; here is what speaks:
//! one shell for those by HTTP, one for those by SMPP, the router over both, and the administrator's own webhook.

pub mod http;
pub mod router;
#[cfg(feature = "dev")]
pub mod sandbox;
pub mod setup;
pub mod smpp;
pub mod webhook;

use actors::ids::ChallengeId;
use actors::ports::{DeliveryFate, DeliveryReport, Message, Named, Outcome};

/// The most that is read of an operator's answer: a few lines of JSON.
const ANSWER_BYTES_MAX: usize = 16 * 1_024;

/// Goes on with the caller's trace.
fn traced(request: reqwest::RequestBuilder, message: &Message) -> reqwest::RequestBuilder {
    match &message.trace {
        Some(trace) => request.header("traceparent", trace),
        None => request,
    }
}

/// Reads an answer's body within bounds; `None` where it breaks off or is larger.
async fn read_answer(mut response: reqwest::Response) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.ok()? {
        if body.len() + piece.len() > ANSWER_BYTES_MAX {
            return None;
        }
        body.extend_from_slice(&piece);
    }
    Some(body)
}

/// A report as actors take it.
fn report(report: ::sms::Report) -> DeliveryReport {
    DeliveryReport {
        named: match report.named {
            ::sms::Named::Theirs(id) => Named::Theirs(id),
            ::sms::Named::Ours(challenge) => Named::Ours(ChallengeId(challenge)),
        },
        fate: match report.fate {
            ::sms::Fate::OnItsWay => DeliveryFate::OnItsWay,
            ::sms::Fate::Delivered => DeliveryFate::Delivered,
            ::sms::Fate::Failed => DeliveryFate::Failed,
        },
        code: report.code,
    }
}

/// What a failed call means: refused where nothing can have left us, else unknown.
fn failed(error: &reqwest::Error) -> Outcome {
    if is_unsent(error) {
        return Outcome::Refused {
            permanent: false,
            code: UNREACHABLE.to_owned(),
            text: String::new(),
        };
    }
    Outcome::Unknown
}

/// The code of a refusal by nobody: there was no connection.
const UNREACHABLE: &str = "unreachable";

/// Whether a failed call cannot have left us.
fn is_unsent(error: &reqwest::Error) -> bool {
    error.is_connect() || error.is_builder()
}
