//! SMS operators, a file each, behind the port `SmsSender`.

#[cfg(feature = "dev")]
pub mod sandbox;
pub mod webhook;

use actors::ports::{Message, Outcome};

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

/// What a failed call means: refused where nothing can have left us, else unknown.
fn failed(error: &reqwest::Error) -> Outcome {
    if error.is_connect() || error.is_builder() {
        return Outcome::Refused {
            permanent: false,
            code: "unreachable".to_owned(),
            text: String::new(),
        };
    }
    Outcome::Unknown
}
