//! Pushing requests to signing agents that serve their own URL.

use futures_util::future::BoxFuture;
use signing_protocol::SignedRequest;
use std::sync::Arc;
use std::time::Duration;

/// What came of one push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// The agent has it (202): its outcome will be delivered.
    Taken,
    /// The agent says, as one that speaks the protocol, that this request will never be taken.
    Refused {
        /// For programs.
        reason: &'static str,
        /// For people.
        text: String,
    },
    /// Not now: no answer, or none that says more. It is pushed again.
    NotNow {
        /// When again, where the agent says so.
        retry_after: Option<Duration>,
        /// For people.
        why: String,
    },
}

/// How requests are pushed. Nothing is repeated behind it, no redirect is followed, and nobody inside is called who should not be.
pub trait AgentPusher: Send + Sync + 'static {
    /// Whether requests may be pushed to this base URL at all.
    ///
    /// # Errors
    /// A sentence for the agent.
    fn check(&self, url: &str) -> Result<(), String>;
    /// Posts one request below the base URL, within a time.
    fn push<'a>(
        &'a self,
        url: &'a str,
        request: Arc<SignedRequest>,
        within: Duration,
    ) -> BoxFuture<'a, Pushed>;
}
