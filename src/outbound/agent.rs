//! Pushing requests to agents that serve a URL of their own.
//!
//! An agent names its URL itself, so that it could name anybody's: names are resolved by a resolver that gives no address inside, at each
//! connection anew, and redirects are not followed. Private networks are opened by `agents.push_private_addresses`, and there alone
//! `http://` is taken.

use super::guarded::Guarded;
use actors::ports::{AgentPusher, Pushed};
use futures_util::future::BoxFuture;
use http::StatusCode;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::Url;
use signing_protocol::{ErrorCode, Problem, PushAnswer, SignedRequest, routes};
use std::sync::Arc;
use std::time::Duration;

/// The most that is read of an agent's answer.
const ANSWER_OCTETS_MAX: usize = 16 * 1_024;
/// Characters of an agent's own words that are kept.
const WORDS_CHARACTERS_MAX: usize = 200;

/// Pushes over HTTP.
pub struct HttpPusher {
    clients: Guarded,
}

impl HttpPusher {
    /// A pusher; to private networks only where that is allowed.
    ///
    /// # Errors
    /// A sentence, where the system's certificates cannot be loaded.
    pub fn new(private_addresses: bool) -> Result<Self, String> {
        Ok(Self {
            clients: Guarded::new(private_addresses)?,
        })
    }

    fn target(&self, url: &str) -> Result<(Url, &reqwest::Client), String> {
        let (base, client) = self.clients.target(url)?;
        if base.query().is_some() {
            return Err("must hold no query".to_owned());
        }
        let text = format!("{}{}", url.trim_end_matches('/'), routes::PUSH);
        let target = Url::parse(&text).map_err(|error| error.to_string())?;
        Ok((target, client))
    }

    async fn post(&self, url: &str, request: &SignedRequest, within: Duration) -> Pushed {
        let not_now = |why: String| Pushed::NotNow {
            retry_after: None,
            why,
        };
        let (target, client) = match self.target(url) {
            Ok(target) => target,
            Err(why) => return not_now(why),
        };
        let body = match serde_json::to_vec(request) {
            Ok(body) => body,
            Err(error) => return not_now(error.to_string()),
        };
        let request = client
            .post(target)
            .timeout(within)
            .header(CONTENT_TYPE, "application/json")
            .body(body);
        match request.send().await {
            Ok(response) => judge(response).await,
            Err(error) => not_now(super::http_client::plain(error)),
        }
    }
}

impl AgentPusher for HttpPusher {
    fn check(&self, url: &str) -> Result<(), String> {
        self.target(url).map(drop)
    }

    fn push<'a>(
        &'a self,
        url: &'a str,
        request: Arc<SignedRequest>,
        within: Duration,
    ) -> BoxFuture<'a, Pushed> {
        Box::pin(async move { self.post(url, &request, within).await })
    }
}

/// What an agent's answer says. Only one in the protocol's own words is believed to be final: the same status may come from a proxy before it.
async fn judge(mut response: reqwest::Response) -> Pushed {
    let status = response.status();
    let retry_after = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|field| field.to_str().ok()?.parse().ok())
        .map(Duration::from_secs);
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(piece)) if body.len() + piece.len() <= ANSWER_OCTETS_MAX => {
                body.extend_from_slice(&piece);
            }
            Ok(_) => break,
            Err(error) => {
                return Pushed::NotNow {
                    retry_after,
                    why: super::http_client::plain(error),
                };
            }
        }
    }
    if status == StatusCode::ACCEPTED && serde_json::from_slice::<PushAnswer>(&body).is_ok() {
        return Pushed::Taken;
    }
    let problem = serde_json::from_slice::<Problem>(&body).ok();
    let code = problem.as_ref().and_then(ErrorCode::of);
    let reason = match code {
        Some(ErrorCode::Unauthorized) => Some("not_authentic"),
        Some(ErrorCode::InvalidBody) => Some("not_understood"),
        Some(ErrorCode::BodyTooLarge) => Some("too_large"),
        _ => None,
    };
    let words = problem.map(|problem| problem.detail).unwrap_or_default();
    let words: String = words.chars().take(WORDS_CHARACTERS_MAX).collect();
    match reason.filter(|_| code.is_some_and(|code| code.status() == status.as_u16())) {
        Some(reason) => Pushed::Refused { reason, text: words },
        None => Pushed::NotNow {
            retry_after,
            why: format!("it answered {status}: {words}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(private_addresses: bool, url: &str) -> Result<(), String> {
        HttpPusher::new(private_addresses).unwrap().check(url)
    }

    #[test]
    fn urls_are_taken_by_scheme_and_address() {
        for (url, public, private) in [
            ("https://agent.example.org", true, true),
            ("https://agent.example.org:8443/below/", true, true),
            ("https://93.184.215.14", true, true),
            ("http://agent.example.org", false, true),
            ("http://127.0.0.1:8091", false, true),
            ("https://127.0.0.1", false, true),
            ("https://10.0.0.7", false, true),
            ("https://[::1]", false, true),
            ("https://[::ffff:10.0.0.7]", false, true),
            ("https://169.254.169.254", false, false),
            ("http://169.254.169.254", false, false),
            ("http://93.184.215.14", false, false),
            ("https://user@agent.example.org", false, false),
            ("https://agent.example.org?x=1", false, false),
            ("ftp://agent.example.org", false, false),
            ("agent.example.org", false, false),
        ] {
            assert_eq!(check(false, url).is_ok(), public, "{url}, public");
            assert_eq!(check(true, url).is_ok(), private, "{url}, private");
        }
        assert!(check(true, &format!("https://agent.example.org/{}", "x".repeat(2_000))).is_err());
    }
}
