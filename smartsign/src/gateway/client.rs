//! One call to the gateway: a deadline, no redirects, bounded answers, and errors told apart.

use serde::Serialize;
use serde::de::DeserializeOwned;
use signing_protocol::{AgentSecret, ErrorCode, PollAnswer, Problem, SessionId, routes};
use std::time::Duration;
use zeroize::Zeroizing;

/// Time to connect, within the deadline of the whole call: a host that does not accept in three seconds is away.
const CONNECT_MAX: Duration = Duration::from_secs(3);
/// What a poll may take beyond the wait that it asks for.
const POLL_GRACE: Duration = Duration::from_secs(10);
/// Characters of somebody else's words that are kept.
const DETAIL_CHARACTERS_MAX: usize = 300;

/// Why a call brought nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// No answer: the gateway is away, or the line.
    #[error("the gateway cannot be reached: {0}")]
    Unreachable(String),
    /// An error as an answer.
    #[error("the gateway answered {status}: {detail}")]
    Answered {
        /// The status.
        status: u16,
        /// The error, where it is one of the protocol's.
        code: Option<ErrorCode>,
        /// In words.
        detail: String,
    },
    /// An answer that is none.
    #[error("the gateway's answer cannot be understood: {0}")]
    Unintelligible(String),
    /// Nothing was asked: there is no licence to ask with.
    #[error("{0}")]
    Unlicensed(String),
    /// Nothing was asked, or the answer was not kept: this machine failed.
    #[error("{0}")]
    Local(String),
}

impl CallError {
    /// Whether it is this error of the protocol.
    pub fn is(&self, wanted: ErrorCode) -> bool {
        matches!(self, Self::Answered { code: Some(code), .. } if *code == wanted)
    }

    /// Whether the gateway refused for good: the same call would be refused again.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Answered { status, .. } if matches!(status, 400 | 404 | 409 | 410 | 413 | 422))
    }
}

/// The client.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    timeout: Duration,
}

impl Client {
    /// A client of the gateway below `base`.
    ///
    /// # Errors
    /// A sentence, where the system's certificates cannot be loaded.
    pub fn new(base: &str, timeout: Duration, connections_max: usize) -> Result<Self, String> {
        // The provider is chosen once for the process; a second choice of the same is no error.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_MAX)
            .pool_max_idle_per_host(connections_max)
            .tcp_nodelay(true)
            .user_agent(crate::PROGRAM)
            .build()
            .map_err(|error| format!("the HTTP client could not be made: {error}"))?;
        Ok(Self {
            http,
            base: base.trim_end_matches('/').to_owned(),
            timeout,
        })
    }

    /// Posts a message.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn post<B: Serialize + Sync, A: DeserializeOwned>(
        &self,
        path: &str,
        secret: Option<&AgentSecret>,
        body: &B,
    ) -> Result<A, CallError> {
        let body = serde_json::to_vec(body).map_err(|error| CallError::Local(error.to_string()))?;
        let request = self
            .http
            .post(format!("{}{path}", self.base))
            .header("content-type", "application/json")
            .timeout(self.timeout)
            .body(body);
        let (_, octets) = self.send(request, secret, routes::BODY_OCTETS_MAX).await?;
        understand(&octets)
    }

    /// Polls; none where nothing came within the wait.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn poll(
        &self,
        secret: &AgentSecret,
        wait_seconds: u32,
        requests_max: u32,
        session: SessionId,
    ) -> Result<Option<PollAnswer>, CallError> {
        let path = routes::SIGNATURE_REQUESTS;
        let url = format!(
            "{}{path}?wait={wait_seconds}&max={requests_max}&session={session}",
            self.base
        );
        let timeout = Duration::from_secs(u64::from(wait_seconds)) + POLL_GRACE;
        let request = self.http.get(url).timeout(timeout);
        let (status, octets) = self
            .send(request, Some(secret), routes::POLL_ANSWER_OCTETS_MAX)
            .await?;
        if status == 204 {
            return Ok(None);
        }
        understand(&octets).map(Some)
    }

    async fn send(
        &self,
        request: reqwest::RequestBuilder,
        secret: Option<&AgentSecret>,
        octets_max: usize,
    ) -> Result<(u16, Zeroizing<Vec<u8>>), CallError> {
        let request = match secret {
            Some(secret) => request.header("authorization", secret.bearer().as_str()),
            None => request,
        };
        let answer = request.send().await.map_err(unreachable)?;
        let status = answer.status();
        let octets = read(answer, octets_max).await?;
        if matches!(status.as_u16(), 200 | 204) {
            return Ok((status.as_u16(), octets));
        }
        let problem = serde_json::from_slice::<Problem>(&octets).ok();
        let detail = problem.as_ref().map_or_else(
            || {
                status
                    .canonical_reason()
                    .unwrap_or("an unknown status")
                    .to_owned()
            },
            |problem| problem.detail.chars().take(DETAIL_CHARACTERS_MAX).collect(),
        );
        Err(CallError::Answered {
            status: status.as_u16(),
            code: problem.as_ref().and_then(ErrorCode::of),
            detail,
        })
    }
}

/// Reads an answer, as far as it may go. Wiped when it was understood: it may hold a secret, or a key on its way in.
async fn read(mut answer: reqwest::Response, octets_max: usize) -> Result<Zeroizing<Vec<u8>>, CallError> {
    let mut octets = Zeroizing::new(Vec::new());
    while let Some(piece) = answer.chunk().await.map_err(unreachable)? {
        if octets.len() + piece.len() > octets_max {
            return Err(CallError::Unintelligible(format!(
                "more than {octets_max} octets"
            )));
        }
        octets.extend_from_slice(&piece);
    }
    Ok(octets)
}

fn understand<A: DeserializeOwned>(octets: &[u8]) -> Result<A, CallError> {
    // The category alone: the error itself may quote a secret.
    serde_json::from_slice(octets).map_err(|error| {
        CallError::Unintelligible(format!(
            "{:?} error at column {}",
            error.classify(),
            error.column()
        ))
    })
}

/// With what lies under it: the top says no more than "error sending request".
fn unreachable(error: reqwest::Error) -> CallError {
    let error = error.without_url();
    let mut words = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(below) = source {
        words.push_str(": ");
        words.push_str(&below.to_string());
        source = below.source();
    }
    CallError::Unreachable(words)
}
